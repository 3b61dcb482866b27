//! The last line: the next keys, made from the keymap; above it, what was just said.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::super::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    layer::Layer,
    page::{Body, Tab},
};
use super::fit;
use crate::model::Level;

/// What the footer names, in order of use, and the word for it where the action's own says too
/// little. What does not fit is left to `?`.
fn offered(context: Context) -> &'static [(Action, &'static str)] {
    use Action as A;
    match context {
        Context::Explorer => &[
            (A::Find, ""),
            (A::NextColumn, ""),
            (A::Inspect, ""),
            (A::Compare, ""),
            (A::Export, ""),
            (A::Restore, ""),
            (A::Timeline, ""),
            (A::SearchInside, ""),
            (A::Mark, ""),
            (A::OnlyDifferences, ""),
            (A::OnlyFailing, ""),
            (A::Sort, ""),
            (A::Kind, ""),
            (A::Jobs, ""),
            (A::Palette, ""),
            (A::Help, ""),
            (A::Quit, ""),
        ],
        Context::Find => &[
            (A::Confirm, "keep"),
            (A::Back, "show all"),
            (A::Up, ""),
            (A::Down, ""),
            (A::NextColumn, ""),
            (A::Erase, ""),
        ],
        Context::Versions => &[
            (A::Up, ""),
            (A::Down, ""),
            (A::Confirm, "see the plan"),
            (A::Back, "back"),
            (A::Help, ""),
        ],
        Context::Plan => &[
            (A::Confirm, "go on"),
            (A::Fix, ""),
            (A::Back, "leave everything as it is"),
            (A::Up, ""),
            (A::Down, ""),
        ],
        Context::Run => &[
            (A::Back, "back, it goes on"),
            (A::Cancel, "cancel and put back"),
            (A::Hold, "hold it here"),
            (A::Checklist, ""),
            (A::Undo, ""),
            (A::Write, "write a note"),
            (A::Jobs, ""),
            (A::Help, ""),
        ],
        Context::Runs => &[
            (A::GoOn, ""),
            (A::Undo, ""),
            (A::LeaveRun, ""),
            (A::Confirm, "look at it"),
            (A::Up, ""),
            (A::Down, ""),
            (A::Back, "later"),
            (A::Help, ""),
        ],
        Context::Checklist => &[
            (A::Write, "write a note"),
            (A::Undo, ""),
            (A::Jobs, ""),
            (A::Back, ""),
            (A::Help, ""),
        ],
        Context::Form => &[
            (A::Confirm, "take them"),
            (A::NextTab, "next line"),
            (A::EraseAll, "empty it"),
            (A::KeepSecret, "keep in keyring"),
            (A::Back, ""),
        ],
        Context::List => &[
            (A::Confirm, "open"),
            (A::Up, ""),
            (A::Down, ""),
            (A::Cancel, "cancel it"),
            (A::Back, ""),
        ],
        Context::Palette => &[(A::Up, ""), (A::Down, ""), (A::Confirm, "do it"), (A::Back, "")],
        Context::Inspector => &[
            (A::NextTab, ""),
            (A::Confirm, "open"),
            (A::Resubmit, ""),
            (A::ResubmitAll, ""),
            (A::Discard, ""),
            (A::DiscardAll, ""),
            (A::Find, ""),
            (A::Compare, "compare with backup"),
            (A::Timeline, ""),
            (A::Copy, ""),
            (A::Write, ""),
            (A::Back, ""),
            (A::Help, ""),
        ],
        Context::Viewer => &[
            (A::Find, ""),
            (A::Next, ""),
            (A::Fold, "fold"),
            (A::Pager, ""),
            (A::Copy, ""),
            (A::Write, ""),
            (A::Back, ""),
            (A::Help, ""),
        ],
        Context::Compare => &[
            (A::Next, ""),
            (A::Previous, ""),
            (A::Confirm, "text"),
            (A::Cosmetic, ""),
            (A::TextOnly, "files"),
            (A::Swap, ""),
            (A::Copy, ""),
            (A::Write, ""),
            (A::Back, ""),
            (A::Help, ""),
        ],
        Context::Timeline => &[
            (A::Confirm, "compare with live"),
            (A::Compare, "with the one before"),
            (A::Inspect, ""),
            (A::Restore, ""),
            (A::Back, ""),
            (A::Help, ""),
        ],
        Context::Found => &[
            (A::Find, "search"),
            (A::Confirm, "open"),
            (A::Copy, ""),
            (A::Back, ""),
            (A::Help, ""),
        ],
        Context::PageFind => &[(A::Confirm, "go"), (A::Erase, ""), (A::Back, "")],
        Context::Everywhere => &[],
    }
}

/// Whether a key does nothing as things stand.
fn is_useless(app: &App, action: Action) -> bool {
    match (&app.layer, action) {
        (Layer::Planning { .. } | Layer::QuitQuestion, Action::Up | Action::Down) => true,
        (Layer::Jobs { cursor }, Action::Confirm) => {
            app.jobs.get(*cursor).is_none_or(|j| j.restore.is_none())
        }
        (Layer::Jobs { cursor }, Action::Cancel) => {
            app.jobs.get(*cursor).is_none_or(|j| j.finished.is_some())
        }
        (layer, Action::Confirm | Action::Cancel) if layer.context() == Context::List => true,
        (Layer::Run { job, .. }, Action::Cancel | Action::Hold) => {
            app.jobs.get(*job).is_some_and(|j| j.finished.is_some())
        }
        (Layer::Run { job, .. }, Action::Write) => {
            app.jobs.get(*job).is_none_or(|j| j.finished.is_none())
        }
        (Layer::Run { job, .. }, Action::Checklist) => {
            restore_of(app, *job).is_none_or(|r| r.checklist.is_none())
        }
        (Layer::Run { job, .. } | Layer::Checklist { job }, Action::Undo) => {
            restore_of(app, *job).and_then(|r| r.journal.as_ref()).is_none_or(|j| !j.changed())
        }
        (Layer::Plan(view), Action::Fix) => {
            view.planned.prepared.plan.checks.iter().all(|c| c.remedy.is_none())
        }
        (Layer::Reopen(_) | Layer::Recover(_), Action::Fix) => true,
        (Layer::Recover(_), Action::Up | Action::Down) => true,
        (Layer::Drift { .. }, Action::Confirm) => false,
        (
            Layer::Page(page),
            Action::Resubmit | Action::ResubmitAll | Action::Discard | Action::DiscardAll,
        ) => !matches!(&page.body, Body::Inspector(view) if view.tab == Tab::Runs),
        (Layer::Runs(view), Action::GoOn | Action::LeaveRun) => {
            view.rows.get(view.cursor).is_none_or(|j| !j.is_open())
        }
        (Layer::Runs(view), Action::Undo) => {
            view.rows.get(view.cursor).is_none_or(|j| !j.is_open() && !j.changed())
        }
        _ => false,
    }
}

fn restore_of(app: &App, job: usize) -> Option<&super::super::jobs::RestoreJob> {
    app.jobs.get(job)?.restore.as_ref()
}

pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, hits: &mut ClickAreas) {
    let theme = &app.theme;
    let context = app.layer.context();
    let mut spans = Vec::new();
    let mut x = area.x + 1;
    let last = area.x + area.width;
    // Help and commands are the way to everything else: they are kept where the rest does not fit.
    let always = match context {
        Context::Explorer => 22,
        Context::Inspector
        | Context::Viewer
        | Context::Compare
        | Context::Timeline
        | Context::Found => 16,
        _ => 0,
    };
    for (action, word) in offered(context) {
        let Some(key) = app.keymap.key_for(context, *action).filter(|_| !is_useless(app, *action))
        else {
            continue;
        };
        let over = matches!(&app.layer, Layer::Run { job, .. } if app.jobs.get(*job).is_some_and(|j| j.finished.is_some()));
        let word = if word.is_empty() || (over && *action == Action::Back) {
            action.label()
        } else {
            word
        };
        let (key, label) = (format!(" {key} "), format!("{word} "));
        let width = (key.chars().count() + label.chars().count()) as u16;
        let kept = matches!(action, Action::Palette | Action::Help | Action::Quit | Action::Back);
        let reserve = if kept { 0 } else { always };
        if x + width + reserve > last {
            continue;
        }
        hits.footer.push((Rect { x, width, ..area }, *action));
        x += width;
        spans.push(Span::styled(key, theme.key.0));
        spans.push(Span::styled(label, theme.dim.0));
    }
    frame.render_widget(ratatui::widgets::Clear, area);
    frame.buffer_mut().set_style(area, theme.background.0);
    frame.render_widget(
        Line::from(spans),
        Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area },
    );
}

pub fn draw_message(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(message) = &app.message else { return };
    let theme = &app.theme;
    let (mark, style) = match message.level {
        Level::Fact => ('✓', theme.good.0),
        Level::Warning => ('!', theme.warning.0),
        Level::Blocker => ('✗', theme.failing.0),
    };
    let text = message.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = format!(" {mark} {text}");
    frame.render_widget(Line::styled(fit(&text, usize::from(area.width)), style), area);
}
