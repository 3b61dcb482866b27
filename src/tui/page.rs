//! What fills the screen over the matrix: the inspector, a file, compare, the timeline, search
//! results. Plain state; `update/pages.rs` changes it, `view/` draws it.

mod compare;
mod found;
mod inspector;
mod timeline;
mod viewer;

pub use compare::{CompareView, Mode};
pub use found::{FoundLine, FoundView};
pub use inspector::{Inspector, InspectorLine, LineTarget, Tab, bars, owners_of, triage_summary};
pub use timeline::{Timeline, VersionStep as TimelineStep};
pub use viewer::Viewer;

use super::keymap::Context;
use crate::model::Kind;

/// An artifact of a column's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub kind: Kind,
    pub code: String,
    pub column: usize,
}

/// A page with what is searched inside it.
#[derive(Debug)]
pub struct Page {
    pub body: Body,
    /// What `/` looks for; empty for nothing.
    pub find: String,
    /// Whether letters go there.
    pub typing: bool,
    /// What effects that were asked for this page carry.
    pub id: u64,
}

#[derive(Debug)]
pub enum Body {
    Inspector(Box<Inspector>),
    Viewer(Viewer),
    Compare(CompareView),
    Timeline(Timeline),
    Found(FoundView),
}

impl Page {
    pub fn new(id: u64, body: Body) -> Self {
        Self { body, find: String::new(), typing: false, id }
    }

    pub fn context(&self) -> Context {
        match &self.body {
            _ if self.typing => Context::PageFind,
            Body::Inspector(_) => Context::Inspector,
            Body::Viewer(_) => Context::Viewer,
            Body::Compare(_) => Context::Compare,
            Body::Timeline(_) => Context::Timeline,
            Body::Found(_) => Context::Found,
        }
    }

    /// Whether a text holds what is searched, without regard to case.
    pub fn finds(&self, text: &str) -> bool {
        finds(&self.find, text)
    }
}

/// Whether a text holds another, without regard to case; nothing is in no text.
pub fn finds(wanted: &str, text: &str) -> bool {
    !wanted.is_empty() && text.to_lowercase().contains(&wanted.to_lowercase())
}

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

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    pub depth: usize,
    /// Whether it is open, for one that folds.
    pub open: Option<bool>,
    pub glyph: String,
    pub text: String,
    pub note: String,
    pub tone: Tone,
}

/// A line beside the list: a label and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub text: String,
    pub tone: Tone,
}

impl Fact {
    pub fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into(), tone: Tone::Plain }
    }

    pub fn toned(label: impl Into<String>, text: impl Into<String>, tone: Tone) -> Self {
        Self { label: label.into(), text: text.into(), tone }
    }

    pub fn title(text: impl Into<String>) -> Self {
        Self { label: String::new(), text: text.into(), tone: Tone::Title }
    }
}

/// The place of a cursor moved by so many lines.
pub fn step(place: usize, rows: isize, count: usize) -> usize {
    place.saturating_add_signed(rows).min(count.saturating_sub(1))
}

/// The first line to draw so that the cursor stands in the middle where it can.
pub fn window(cursor: usize, count: usize, height: usize) -> usize {
    cursor.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// The next place, in one direction and round the end, of which `fits` is true.
pub fn next_place(
    from: usize,
    count: usize,
    forward: bool,
    fits: impl Fn(usize) -> bool,
) -> Option<usize> {
    (1..=count)
        .map(|n| if forward { (from + n) % count } else { (from + count - n % count) % count })
        .find(|place| fits(*place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_place_goes_round_the_end() {
        let even = |i: usize| i.is_multiple_of(2);
        assert_eq!(next_place(4, 5, true, even), Some(0));
        assert_eq!(next_place(0, 5, false, even), Some(4));
        assert_eq!(next_place(0, 5, true, |_| false), None);
        assert_eq!(next_place(0, 0, true, even), None);
    }

    #[test]
    fn a_cursor_stands_in_the_middle_where_it_can() {
        assert_eq!(
            (window(0, 100, 10), window(50, 100, 10), window(99, 100, 10), window(3, 4, 10)),
            (0, 45, 90, 0)
        );
    }
}
