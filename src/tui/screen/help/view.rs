//! Draws the keys.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::Help;
use crate::tui::{
    app::App,
    keymap::Context,
    widgets::{frame::popup, list::scrolled},
};

const MARKS: [(&str, &str); 9] = [
    ("● ○ ◐", "active, configured, draft"),
    ("✗ ⟳", "activation failed (or runs failed), busy"),
    ("=", "same meaning as in the base column (faint: same version, archives not compared yet)"),
    ("≠", "same version number, different meaning"),
    ("< >", "older, newer version than in the base column"),
    ("–", "not there"),
    ("?", "not known yet"),
    ("·", "the base column"),
    ("◆", "marked"),
];

pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, help: &Help) {
    let lines = lines(app, help.of);
    let height = lines.len() as u16 + 2;
    let framed = popup(app, frame, area, (84, height), "Help", app.theme.border.0);
    scrolled(app, frame, framed, framed.inner, lines, help.scroll);
}

/// The keys of a context, those of everywhere, and of the rows the marks.
pub fn lines(app: &App, of: Context) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    for context in [of, Context::Everywhere] {
        lines.push(Line::styled(context.title(), theme.title.0));
        for (action, keys) in app.keymap.of(context) {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let keys = match keys.as_slice() {
                [first, .., last] if keys.len() > 5 => format!("{first} … {last}"),
                keys => keys.join(" "),
            };
            lines.push(Line::from(vec![
                Span::styled(format!("  {keys:<16}"), theme.key.0),
                Span::styled(action.help(), theme.text.0),
            ]));
        }
        lines.push(Line::raw(""));
    }
    if matches!(of, Context::Explorer | Context::Find) {
        lines.push(Line::styled("marks", theme.title.0));
        for (mark, text) in MARKS {
            lines.push(Line::from(vec![
                Span::styled(format!("  {mark:<16}"), theme.accent.0),
                Span::raw(text),
            ]));
        }
    }
    lines
}
