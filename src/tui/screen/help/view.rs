//! Draws the keys.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::HelpScreen;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::Context,
    widgets::{frame::popup, list::scrolled, text::wrap},
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

/// Draws the keys as a box, broken to its width.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    help: &HelpScreen,
    areas: &mut ClickAreas,
) {
    let lines = lines(app, help.of, usize::from(WIDTH.min(area.width.saturating_sub(2))) - 4);
    let height = lines.len() as u16 + 2;
    let framed = popup(app, frame, area, (WIDTH, height), "Help", app.theme.border.0);
    scrolled(app, frame, framed, framed.inner, lines, help.scroll.first_or(0), areas);
}

/// The width of the box, where there is room.
const WIDTH: u16 = 96;
/// Columns before what a key does.
const KEYS: usize = 18;

/// The keys of a context and those of everywhere, in so many columns; the matrix adds its marks.
fn lines(app: &App, of: Context, width: usize) -> Vec<Line<'static>> {
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
            lines.extend(entry(app, &keys, theme.key.0, action.help(), width));
        }
        lines.push(Line::raw(""));
    }
    if matches!(of, Context::Explorer | Context::Find) {
        lines.push(Line::styled("marks", theme.title.0));
        for (mark, text) in MARKS {
            lines.extend(entry(app, mark, theme.accent.0, text, width));
        }
    }
    lines
}

/// What stands at the left, and what it means, broken to the width.
fn entry(
    app: &App,
    left: &str,
    style: Style,
    text: &str,
    width: usize,
) -> impl Iterator<Item = Line<'static>> {
    let (left, theme) = (left.to_owned(), app.theme.text.0);
    wrap(text, width.saturating_sub(KEYS)).into_iter().enumerate().map(move |(i, text)| {
        let left = if i == 0 { format!("  {left:<16}") } else { " ".repeat(KEYS) };
        Line::from(vec![Span::styled(left, style), Span::styled(text, theme)])
    })
}
