//! Lists: lines with a cursor that stays in sight, a bar, and where it stands.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::Line,
};

use super::{
    frame::Framed,
    key_line::{KeyLine, draw_lines},
    scrollbar,
};
use crate::tui::app::{App, ClickAreas, DrawnLines};

/// The first line to draw so that the cursor stands in the middle where it can.
pub fn centered(cursor: usize, count: usize, height: usize) -> usize {
    cursor.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// The first line to draw so that the cursor is in sight, at the bottom where the list is longer.
pub fn in_sight(cursor: usize, height: usize) -> usize {
    (cursor + 1).saturating_sub(height)
}

/// The style of the line under the cursor. One colour for the whole line: dim words could not be
/// read on the cursor's ground.
pub fn cursor_style(app: &App) -> Style {
    app.theme.text.0.remove_modifier(Modifier::DIM).patch(app.theme.cursor.0)
}

/// A list to draw: all its lines, and which of them is under the cursor.
#[derive(Debug)]
pub struct List<'a> {
    pub lines: Vec<Line<'a>>,
    pub cursor: usize,
    /// The first line to draw.
    pub first: usize,
    /// The index and the count that are shown, where an entry takes several lines.
    pub position: (usize, usize),
}

impl<'a> List<'a> {
    /// A list with the cursor in the middle where it can be.
    pub fn centered(lines: Vec<Line<'a>>, cursor: usize, height: u16) -> Self {
        let first = centered(cursor, lines.len(), usize::from(height));
        Self { position: (cursor, lines.len()), lines, cursor, first }
    }

    /// A list with the cursor in sight.
    pub fn in_sight(lines: Vec<Line<'a>>, cursor: usize, height: u16) -> Self {
        let first = in_sight(cursor, usize::from(height));
        Self { position: (cursor, lines.len()), lines, cursor, first }
    }

    /// The same list, which shows another index and count than those of its lines.
    #[must_use]
    pub fn at(mut self, index: usize, count: usize) -> Self {
        self.position = (index, count);
        self
    }

    /// Draws the part that fits into `area`, takes clicks there, and says on the frame where it
    /// stands.
    pub fn draw(
        self,
        app: &App,
        frame: &mut Frame<'_>,
        framed: Framed,
        area: Rect,
        areas: &mut ClickAreas,
    ) {
        let height = usize::from(area.height);
        let (first, count) = (self.first, self.lines.len());
        let drawn = DrawnLines { area, first, count };
        areas.list = Some(drawn);
        for (row, (i, line)) in
            self.lines.into_iter().enumerate().skip(first).take(height).enumerate()
        {
            let at = Rect { y: area.y + row as u16, height: 1, ..area };
            frame.render_widget(line, at);
            if i == self.cursor {
                frame.buffer_mut().set_style(at, cursor_style(app));
            }
        }
        scrollbar::draw(app, frame, framed.outer, area, drawn.scroll());
        let (index, count) = self.position;
        scrollbar::draw_position(app, frame, framed.outer, index, count);
    }
}

/// Draws lines without a cursor from `first` on, with a bar where not all fit. The last lines are
/// drawn where `first` is too large. What is shown is told, so that a page of keys is a page of
/// lines.
pub fn scrolled<'a, L: Into<KeyLine<'a>>>(
    app: &App,
    frame: &mut Frame<'_>,
    framed: Framed,
    area: Rect,
    lines: Vec<L>,
    first: usize,
    areas: &mut ClickAreas,
) {
    let (height, count) = (usize::from(area.height), lines.len());
    let first = first.min(count.saturating_sub(height));
    let drawn = DrawnLines { area, first, count };
    areas.list = Some(drawn);
    draw_lines(lines.into_iter().skip(first), frame, area, areas);
    if count > height {
        scrollbar::draw(app, frame, framed.outer, area, drawn.scroll());
        scrollbar::draw_position(app, frame, framed.outer, first + height - 1, count);
    }
}

/// How far a text is scrolled. Until a person scrolls it, the screen says what is in sight.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextScroll(Option<usize>);

impl TextScroll {
    /// The index of the first line to draw: `unscrolled` until a person scrolls.
    pub fn first_or(self, unscrolled: usize) -> usize {
        self.0.unwrap_or(unscrolled)
    }

    /// Scrolls by so many lines from what is drawn now, and no further than to the last line.
    pub fn scroll(&mut self, lines: isize, drawn: Option<DrawnLines>) {
        let Some(drawn) = drawn else { return };
        let (here, most) = (self.first_or(drawn.first), drawn.last_first());
        self.0 = Some(here.min(most).saturating_add_signed(lines).min(most));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::from_what_is_drawn(&[-1], 9)]
    #[case::no_further_than_the_end(&[isize::MAX / 2, -1], 9)]
    #[case::from_the_beginning(&[isize::MIN / 2, 2], 2)]
    fn a_text_is_scrolled_from_what_is_in_sight(#[case] moves: &[isize], #[case] first: usize) {
        let drawn = DrawnLines { area: Rect::new(0, 0, 80, 5), first: 10, count: 15 };
        let mut scroll = TextScroll::default();
        moves.iter().for_each(|lines| scroll.scroll(*lines, Some(drawn)));
        assert_eq!(scroll.first_or(10), first);
    }

    #[test]
    fn a_cursor_stands_in_the_middle_where_it_can() {
        assert_eq!(
            (
                centered(0, 100, 10),
                centered(50, 100, 10),
                centered(99, 100, 10),
                centered(3, 4, 10)
            ),
            (0, 45, 90, 0)
        );
    }

    #[test]
    fn a_cursor_is_in_sight() {
        assert_eq!((in_sight(0, 10), in_sight(9, 10), in_sight(10, 10)), (0, 0, 1));
    }
}
