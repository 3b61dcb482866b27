//! What is looked for on a page: `/` opens the field, Enter goes to the first line that says it.

use ratatui::{Frame, layout::Rect, text::Line};
use unicode_width::UnicodeWidthStr;

use super::text_field::TextField;
use crate::tui::{app::App, keymap::Action};

/// Longest text that is looked for, in characters.
const LONGEST: usize = 200;

/// Which way the next match is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// From where the next match is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The line under the cursor counts.
    Here,
    /// The line under the cursor does not count.
    Beyond,
}

/// The text that is looked for on a page, and whether letters go there.
#[derive(Debug, Clone)]
pub struct Finder {
    pub field: TextField,
    pub typing: bool,
}

impl Default for Finder {
    fn default() -> Self {
        Self { field: TextField::new(LONGEST), typing: false }
    }
}

/// What an action on a finder asks of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing more.
    Nothing,
    /// The page goes to the next match.
    Go(Direction, From),
}

impl Finder {
    /// The text that is looked for; empty where nothing is.
    pub fn text(&self) -> &str {
        self.field.text()
    }

    /// Answers the actions that all pages with a finder answer alike; None for all others.
    pub fn on_action(&mut self, action: Action) -> Option<Found> {
        match action {
            Action::Find => {
                self.field.clear();
                self.typing = true;
            }
            Action::Confirm if self.typing => {
                self.typing = false;
                return Some(Found::Go(Direction::Forward, From::Here));
            }
            Action::Next if !self.field.is_empty() => {
                return Some(Found::Go(Direction::Forward, From::Beyond));
            }
            Action::Previous if !self.field.is_empty() => {
                return Some(Found::Go(Direction::Backward, From::Beyond));
            }
            Action::Back if self.typing => self.typing = false,
            Action::Back if !self.field.is_empty() => self.field.clear(),
            _ => return None,
        }
        Some(Found::Nothing)
    }

    /// Draws it on the last line of a frame while there is something to look for.
    pub fn draw(&self, app: &App, frame: &mut Frame<'_>, outer: Rect) {
        if !self.typing && self.field.is_empty() {
            return;
        }
        let style = app.theme.r#match.0;
        let room = usize::from(outer.width.saturating_sub(20));
        let mut line = Line::styled(" / ", style);
        line.extend(self.field.spans(room, self.typing, style));
        line.push_span(" ");
        let width = line.spans.iter().map(|s| s.content.width()).sum::<usize>() as u16;
        let y = outer.y + outer.height.saturating_sub(1);
        frame.render_widget(line, Rect { x: outer.x + 2, y, width, height: 1 });
    }
}

/// The next index that fits, in one direction and round the end; None where none fits.
pub fn next_match(
    place: usize,
    count: usize,
    (direction, from): (Direction, From),
    fits: impl Fn(usize) -> bool,
) -> Option<usize> {
    let start = match (from, direction) {
        (From::Beyond, _) => place,
        (From::Here, Direction::Forward) => (place + count.max(1) - 1) % count.max(1),
        (From::Here, Direction::Backward) => (place + 1) % count.max(1),
    };
    (1..=count)
        .map(|n| match direction {
            Direction::Forward => (start + n) % count,
            Direction::Backward => (start + count - n % count) % count,
        })
        .find(|place| fits(*place))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(4, Direction::Forward, From::Beyond, Some(0))]
    #[case(4, Direction::Forward, From::Here, Some(4))]
    #[case(0, Direction::Backward, From::Beyond, Some(4))]
    #[case(2, Direction::Backward, From::Here, Some(2))]
    fn the_next_match_goes_round_the_end(
        #[case] place: usize,
        #[case] direction: Direction,
        #[case] from: From,
        #[case] found: Option<usize>,
    ) {
        let even = |i: usize| i.is_multiple_of(2);
        assert_eq!(next_match(place, 5, (direction, from), even), found);
    }

    #[test]
    fn where_nothing_fits_there_is_no_match() {
        let way = (Direction::Forward, From::Beyond);
        assert_eq!(next_match(0, 5, way, |_| false), None);
        assert_eq!(next_match(0, 0, way, |_| true), None);
    }
}
