//! Where a list stands: `21/200` on the frame's last line, and a bar beside it where not all fits.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Scrollbar, ScrollbarOrientation, ScrollbarState},
};

use crate::model::thousands;
use crate::tui::app::App;

/// What a bar must know of its list.
#[derive(Debug, Clone, Copy)]
pub struct Scroll {
    /// The first line that is drawn.
    pub first: usize,
    /// Lines in all.
    pub count: usize,
    /// Lines that fit.
    pub height: usize,
}

/// Draws the bar on the right edge of a frame, beside the rows of `list`.
pub fn draw(app: &App, frame: &mut Frame<'_>, outer: Rect, list: Rect, scroll: Scroll) {
    let Scroll { first, count, height } = scroll;
    if count <= height || list.height < 2 || outer.width == 0 {
        return;
    }
    let place = Rect { x: outer.x, width: outer.width, y: list.y, height: list.height };
    let bar = Scrollbar::new(ScrollbarOrientation::VerticalRight)
        .begin_symbol(None)
        .end_symbol(None)
        .track_symbol(Some("│"))
        .thumb_symbol("┃")
        .track_style(app.theme.border.0)
        .thumb_style(app.theme.accent.0);
    // Ratatui counts places of the first line, not lines.
    let places = count.saturating_sub(height) + 1;
    let mut state = ScrollbarState::new(places).position(first).viewport_content_length(height);
    frame.render_stateful_widget(bar, place, &mut state);
}

/// Draws `21/200` on the last line of a frame, at the right; nothing for an empty list.
pub fn draw_position(app: &App, frame: &mut Frame<'_>, outer: Rect, index: usize, count: usize) {
    if count == 0 || outer.height == 0 {
        return;
    }
    let text = format!(" {}/{} ", thousands((index + 1).min(count)), thousands(count));
    let width = text.chars().count() as u16;
    if outer.width < width + 4 {
        return;
    }
    let at = Rect {
        x: outer.x + outer.width - width - 2,
        y: outer.y + outer.height - 1,
        width,
        height: 1,
    };
    frame.render_widget(Line::styled(text, app.theme.dim.0), at);
}
