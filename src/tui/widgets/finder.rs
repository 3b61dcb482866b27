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
pub enum MatchFrom {
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
pub enum FinderRequest {
    /// Nothing more.
    Nothing,
    /// The page goes to the next match.
    Go(Direction, MatchFrom),
}

impl Finder {
    /// The text that is looked for; empty where nothing is.
    pub fn text(&self) -> &str {
        self.field.text()
    }

    /// Answers the actions that all pages with a finder answer alike; None for all others.
    pub fn on_action(&mut self, action: Action) -> Option<FinderRequest> {
        match action {
            Action::Find => {
                self.field.clear();
                self.typing = true;
            }
            Action::Confirm if self.typing => {
                self.typing = false;
                return Some(FinderRequest::Go(Direction::Forward, MatchFrom::Here));
            }
            Action::Next if !self.field.is_empty() => {
                return Some(FinderRequest::Go(Direction::Forward, MatchFrom::Beyond));
            }
            Action::Previous if !self.field.is_empty() => {
                return Some(FinderRequest::Go(Direction::Backward, MatchFrom::Beyond));
            }
            Action::Back if self.typing => self.typing = false,
            Action::Back if !self.field.is_empty() => self.field.clear(),
            _ => return None,
        }
        Some(FinderRequest::Nothing)
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
    index: usize,
    count: usize,
    (direction, from): (Direction, MatchFrom),
    fits: impl Fn(usize) -> bool,
) -> Option<usize> {
    let start = match (from, direction) {
        (MatchFrom::Beyond, _) => index,
        (MatchFrom::Here, Direction::Forward) => (index + count.max(1) - 1) % count.max(1),
        (MatchFrom::Here, Direction::Backward) => (index + 1) % count.max(1),
    };
    (1..=count)
        .map(|n| match direction {
            Direction::Forward => (start + n) % count,
            Direction::Backward => (start + count - n % count) % count,
        })
        .find(|index| fits(*index))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(4, Direction::Forward, MatchFrom::Beyond, Some(0))]
    #[case(4, Direction::Forward, MatchFrom::Here, Some(4))]
    #[case(0, Direction::Backward, MatchFrom::Beyond, Some(4))]
    #[case(2, Direction::Backward, MatchFrom::Here, Some(2))]
    fn the_next_match_goes_round_the_end(
        #[case] index: usize,
        #[case] direction: Direction,
        #[case] from: MatchFrom,
        #[case] found: Option<usize>,
    ) {
        let even = |i: usize| i.is_multiple_of(2);
        assert_eq!(next_match(index, 5, (direction, from), even), found);
    }

    #[test]
    fn where_nothing_fits_there_is_no_match() {
        let way = (Direction::Forward, MatchFrom::Beyond);
        assert_eq!(next_match(0, 5, way, |_| false), None);
        assert_eq!(next_match(0, 0, way, |_| true), None);
    }
}
