//! Events in, state changed, effects out. Pure: no disk, no network, no clock that matters.

mod jobs;
mod mouse;

use super::{
    app::App,
    event::{Effect, Event, RunsEffect, ScreenEvent, TerminalEffect, WhichRuns},
    keymap::{Action, Key},
    navigate,
    screen::{Layer, Next, Screen, ScreenId, Transition, matrix, runs},
};
use crate::model::Level;

/// The most characters of a pasted text that are taken; a megabyte by accident is cut.
const LONGEST_PASTE: usize = 4_000;
/// Lines that a page key moves where a list does not say how high it is.
const PAGE: isize = 10;

/// Takes one event in, and gives back the effects that it asks for.
pub fn update(app: &mut App, event: Event) -> Vec<Effect> {
    app.now = jiff::Timestamp::now();
    let mut effects = match event {
        Event::Key(key) => pressed(app, key),
        Event::Paste(text) => pasted(app, &text),
        Event::Mouse(mouse) => mouse::moved(app, mouse),
        Event::Redraw => vec![],
        Event::Tick => {
            app.ticks = app.ticks.wrapping_add(1);
            vec![]
        }
        Event::Silences(silences) => {
            app.silences = silences;
            vec![]
        }
        Event::Terminate => {
            app.quit = true;
            vec![]
        }
        Event::Matrix(event) => matrix::on_event(app, event),
        Event::Job { job, event } => jobs::on_event(app, job, event),
        Event::Runs(event) => {
            let transition = runs::on_runs(app, event);
            apply(app, transition)
        }
        Event::Screen { id, event } => answered(app, id, event),
        Event::Done(result) => {
            match result {
                Ok(text) => app.say(Level::Fact, text),
                Err(why) => app.say(Level::Blocker, why),
            }
            vec![]
        }
    };
    effects.extend(matrix::after_event(app));
    effects
}

/// The effects of a start: lists, the store, and runs that wait.
pub fn start(app: &mut App) -> Vec<Effect> {
    let mut effects = app.rebuild();
    effects.extend(matrix::refresh(app));
    if app.store.label.is_some() {
        effects.push(Effect::Runs(RunsEffect::Find(WhichRuns::Waiting)));
    }
    effects
}

fn pressed(app: &mut App, key: Key) -> Vec<Effect> {
    let context = app.top().context();
    app.toast = None;
    match (app.keymap.action(context, key), key.character()) {
        (Some(action), _) => act(app, action),
        (None, Some(c)) if context.takes_text() => typed(app, &c.to_string()),
        _ => vec![],
    }
}

/// Pasted text goes where text is typed, and to the filter from the matrix.
fn pasted(app: &mut App, text: &str) -> Vec<Effect> {
    if app.screens.len() == 1 {
        let transition = navigate::find(app);
        apply(app, transition);
    }
    let end = text.char_indices().nth(LONGEST_PASTE).map_or(text.len(), |(i, _)| i);
    typed(app, &text[..end])
}

fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    if !app.top().context().takes_text() {
        return vec![];
    }
    on_top(app, |screen, app| {
        let Some(field) = screen.field(app) else { return Transition::stay() };
        field.insert(text);
        screen.on_text(app)
    })
}

/// Does what a key means, wherever we are: the topmost screen answers first, then what works
/// everywhere. A key that nobody answers is told, and means nothing for what lies below.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    answer(app, action).unwrap_or_else(|| {
        app.say(Level::Warning, format!("{} does nothing here", action.label()));
        vec![]
    })
}

/// Does a command that was chosen by its name: what no screen above answers, the matrix does.
pub fn command(app: &mut App, action: Action) -> Vec<Effect> {
    answer(app, action).unwrap_or_else(|| {
        let transition = matrix::on_action(app, action);
        apply(app, transition)
    })
}

/// What an action does; none where neither the topmost screen nor what works everywhere answers.
fn answer(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    if let Some(lines) = lines_of(app, action) {
        return Some(on_top(app, |screen, app| screen.on_move(app, lines)));
    }
    let mut passed = false;
    let mut effects = on_top(app, |screen, app| {
        if let Some(changed) = screen.field(app).and_then(|field| field.edit(action)) {
            return if changed { screen.on_text(app) } else { Transition::stay() };
        }
        let transition = screen.on_action(app, action);
        passed = matches!(transition.next, Next::Pass);
        transition
    });
    if passed {
        let transition = everywhere(app, action);
        effects.extend(match transition.next {
            Next::Pass => return None,
            Next::Close => on_top(app, |_, _| transition),
            _ => apply(app, transition),
        });
    }
    Some(effects)
}

/// Does an action that means the same on every screen.
fn everywhere(app: &mut App, action: Action) -> Transition {
    match action {
        Action::Help => navigate::help(app),
        Action::Palette => navigate::palette(app),
        Action::Back => Transition::close(),
        Action::Quit => navigate::quit(app),
        Action::Suspend => Transition::stay().with([Effect::Terminal(TerminalEffect::Suspend)]),
        Action::Jobs => navigate::jobs(app),
        Action::Log => navigate::log(app),
        Action::Runs => Transition::stay().with([Effect::Runs(RunsEffect::Find(WhichRuns::All))]),
        _ => Transition::pass(),
    }
}

/// How many lines an action moves; None for an action that does not move.
fn lines_of(app: &App, action: Action) -> Option<isize> {
    let page = || {
        let height = match app.top().layer() {
            Layer::Matrix => app.areas.rows.height,
            Layer::Page | Layer::Popup => app.areas.list.map_or(0, |l| l.area.height),
        };
        isize::try_from(height).unwrap_or(PAGE).max(PAGE)
    };
    Some(match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page(),
        Action::PageDown => page(),
        Action::Top => isize::MIN / 2,
        Action::Bottom => isize::MAX / 2,
        _ => return None,
    })
}

/// Lets the topmost screen answer, and does what its answer says.
pub fn on_top(
    app: &mut App,
    answer: impl FnOnce(&mut dyn Screen, &mut App) -> Transition,
) -> Vec<Effect> {
    match app.screens.len().checked_sub(1) {
        Some(index) => on(app, index, answer),
        None => vec![],
    }
}

/// Lets the screen at an index of the stack answer. While it does, it is not on the stack.
fn on(
    app: &mut App,
    index: usize,
    answer: impl FnOnce(&mut dyn Screen, &mut App) -> Transition,
) -> Vec<Effect> {
    let above = app.screens.split_off(index + 1);
    let Some(mut screen) = app.screens.pop() else { return vec![] };
    let Transition { next, effects } = answer(&mut *screen, app);
    match next {
        Next::Stay | Next::Pass => app.screens.push(screen),
        // The matrix stays whatever it says.
        Next::Close if index == 0 => app.screens.push(screen),
        Next::Close => {}
        Next::Replace(new) => app.screens.push(new),
        // The person went elsewhere meanwhile.
        Next::Open(_) if !above.is_empty() => app.screens.push(screen),
        Next::Open(new) => app.screens.extend([screen, new]),
        Next::Home => app.screens.truncate(1),
    }
    app.screens.extend(above);
    effects
}

/// Gives an answer to the screen that asked.
fn answered(app: &mut App, id: ScreenId, event: ScreenEvent) -> Vec<Effect> {
    let index = app.screens.iter().rposition(|s| s.id() == Some(id));
    index.map(|p| on(app, p, |screen, app| screen.on_event(app, event))).unwrap_or_default()
}

/// Tells every screen of something that it may show.
fn tell_all(app: &mut App, event: impl Fn() -> ScreenEvent) -> Vec<Effect> {
    let mut effects = Vec::new();
    for index in 0..app.screens.len() {
        effects.extend(on(app, index, |screen, app| screen.on_event(app, event())));
    }
    effects
}

/// Does what a transition says that came from no screen; a screen that it opens lies over all
/// others.
fn apply(app: &mut App, transition: Transition) -> Vec<Effect> {
    match transition.next {
        Next::Stay | Next::Pass | Next::Close => {}
        Next::Replace(screen) | Next::Open(screen) => app.screens.push(screen),
        Next::Home => app.screens.truncate(1),
    }
    transition.effects
}
