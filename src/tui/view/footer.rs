//! The last line: the next keys, made from the keymap; above it, what was just said.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::super::{
    app::{App, Hits},
    keymap::{Action, Context},
    layer::Layer,
};
use super::fit;
use crate::model::Level;

/// What the footer names, in order of use; what does not fit is left to `?`.
fn offered(context: Context) -> &'static [Action] {
    use Action::{
        Back, Cancel, Confirm, Down, Erase, Export, Find, Help, Jobs, Kind, Mark, NextColumn, OnlyDifferences,
        OnlyFailing, Palette, Quit, Restore, Sort, Up,
    };
    match context {
        Context::Explorer => &[
            Find,
            NextColumn,
            Mark,
            Export,
            Restore,
            OnlyDifferences,
            OnlyFailing,
            Sort,
            Kind,
            Jobs,
            Palette,
            Help,
            Quit,
        ],
        Context::Find => &[Confirm, Back, Up, Down, NextColumn, Erase],
        Context::Versions => &[Up, Down, Confirm, Back, Help],
        Context::Plan => &[Confirm, Back],
        Context::Run => &[Back, Cancel, Jobs, Help],
        Context::List => &[Up, Down, Confirm, Cancel, Back],
        Context::Palette => &[Up, Down, Confirm, Back],
        Context::Everywhere => &[],
    }
}

pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, hits: &mut Hits) {
    let theme = &app.theme;
    let context = app.layer.context();
    let mut spans = Vec::new();
    let mut x = area.x + 1;
    let last = area.x + area.width;
    // Help and commands are the way to everything else: they are kept where the rest does not fit.
    let always = if context == Context::Explorer { 22 } else { 0 };
    for action in offered(context) {
        let useless = match (&app.layer, action) {
            (
                Layer::Help { .. } | Layer::Log { .. } | Layer::Planning { .. } | Layer::QuitQuestion,
                Action::Confirm | Action::Cancel,
            ) => true,
            (Layer::Planning { .. } | Layer::QuitQuestion, Action::Up | Action::Down) => true,
            (Layer::Run { job, .. }, Action::Cancel) => app.jobs.get(*job).is_some_and(|j| j.finished.is_some()),
            _ => false,
        };
        let Some(key) = app.keymap.key_for(context, *action).filter(|_| !useless) else { continue };
        let (key, label) = (format!(" {key} "), format!("{} ", action.label()));
        let width = (key.chars().count() + label.chars().count()) as u16;
        let kept = matches!(action, Action::Palette | Action::Help | Action::Quit);
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
    frame.buffer_mut().set_style(area, theme.text.0);
    frame.render_widget(Line::from(spans), Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area });
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
