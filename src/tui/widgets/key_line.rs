//! Lines in which some words stand for a key: a click on them is the key.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use crate::tui::{app::ClickAreas, keymap::Action};

/// A line, and which of its words stand for a key.
#[derive(Debug, Clone, Default)]
pub struct KeyLine<'a> {
    line: Line<'a>,
    /// The first column of the words, how many columns they take, and the action of their key.
    keys: Vec<(u16, u16, Action)>,
}

impl<'a> KeyLine<'a> {
    /// The same line with words behind it that stand for no key.
    #[must_use]
    pub fn text(mut self, words: impl Into<Span<'a>>) -> Self {
        self.line.push_span(words);
        self
    }

    /// The same line with words behind it that stand for the key of an action.
    #[must_use]
    pub fn key(mut self, action: Action, words: impl IntoIterator<Item = Span<'a>>) -> Self {
        let from = self.width();
        words.into_iter().for_each(|word| self.line.push_span(word));
        self.keys.push((from, self.width() - from, action));
        self
    }

    /// How many columns it takes.
    pub fn width(&self) -> u16 {
        self.line.width() as u16
    }

    /// Draws it on the first line of an area, and takes clicks on its keys there.
    pub fn draw(self, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        let at = Rect { height: area.height.min(1), ..area };
        let place = |(from, width, action): (u16, u16, Action)| {
            (Rect { x: at.x + from, width, ..at }.intersection(at), action)
        };
        areas.actions.extend(self.keys.into_iter().map(place).filter(|(area, _)| !area.is_empty()));
        frame.render_widget(self.line, at);
    }
}

impl<'a> From<Line<'a>> for KeyLine<'a> {
    fn from(line: Line<'a>) -> Self {
        Self { line, keys: Vec::new() }
    }
}

/// Draws lines below each other, as many as fit.
pub fn draw_lines<'a, L: Into<KeyLine<'a>>>(
    lines: impl IntoIterator<Item = L>,
    frame: &mut Frame<'_>,
    area: Rect,
    areas: &mut ClickAreas,
) {
    for (line, row) in lines.into_iter().zip(area.rows()) {
        line.into().draw(frame, row, areas);
    }
}
