//! Lines of a tree, and the facts that stand beside one of them.

use ratatui::{
    style::Style,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use super::text::{fit, highlighted};
use crate::tui::app::App;

/// How a text is meant: the theme gives it a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Plain,
    Dim,
    Title,
    Accent,
    Good,
    Warning,
    Failing,
}

impl Tone {
    /// The style that the theme has for the tone.
    pub fn style(self, app: &App) -> Style {
        let theme = &app.theme;
        match self {
            Self::Plain => theme.text.0,
            Self::Dim => theme.dim.0,
            Self::Title => theme.title.0,
            Self::Accent => theme.accent.0,
            Self::Good => theme.good.0,
            Self::Warning => theme.warning.0,
            Self::Failing => theme.failing.0,
        }
    }
}

/// A line of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TreeItem {
    pub depth: usize,
    /// Whether it is open; None where it does not fold.
    pub open: Option<bool>,
    pub glyph: String,
    pub text: String,
    pub note: String,
    pub tone: Tone,
}

impl TreeItem {
    /// The line to draw: fold mark, glyph, text and a dim note, with matches of `find` marked.
    pub fn line<'a>(&self, app: &App, find: &str, width: usize) -> Line<'a> {
        let fold_mark = match self.open {
            Some(true) => "▾ ",
            Some(false) => "▸ ",
            None if self.depth > 0 || !self.glyph.is_empty() => "  ",
            None => "",
        };
        let glyph = if self.glyph.is_empty() { String::new() } else { format!("{} ", self.glyph) };
        let head = format!("{}{fold_mark}{glyph}", "  ".repeat(self.depth.min(20)));
        let left = width.saturating_sub(head.width());
        let text = fit(&self.text, left);
        let rest = left.saturating_sub(text.width() + 2);
        let hit = app.theme.r#match.0;
        let mut spans = vec![Span::styled(head, app.theme.dim.0)];
        spans.extend(highlighted(&text, find, self.tone.style(app), hit));
        if rest > 3 && !self.note.is_empty() {
            spans.push(Span::raw("  "));
            spans.extend(highlighted(&fit(&self.note, rest), find, app.theme.dim.0, hit));
        }
        Line::from(spans)
    }

    /// The line as plain text, for the clipboard and for files.
    pub fn plain(&self) -> String {
        format!("{}{} {} {}", "  ".repeat(self.depth), self.glyph, self.text, self.note)
            .trim_end()
            .to_owned()
    }
}

/// A line beside the tree: a label and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub text: String,
    pub tone: Tone,
}

impl Fact {
    /// A fact in the plain tone.
    pub fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self::toned(label, text, Tone::Plain)
    }

    /// A fact whose text has a tone; the label never has.
    pub fn toned(label: impl Into<String>, text: impl Into<String>, tone: Tone) -> Self {
        Self { label: label.into(), text: text.into(), tone }
    }

    /// A heading among facts, without a label.
    pub fn title(text: impl Into<String>) -> Self {
        Self::toned("", text, Tone::Title)
    }
}
