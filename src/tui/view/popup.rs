//! A frame over the matrix.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Block, BorderType, Clear},
};

use super::super::app::App;

/// Clears the middle of the screen and gives the room within a frame. The size is what is wanted,
/// cut to what there is; the last line of the screen stays free for the footer.
pub fn open(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    size: (u16, u16),
    title: &str,
    border: Style,
) -> Rect {
    let room = Rect { height: area.height.saturating_sub(1), ..area };
    let (width, height) =
        (size.0.min(room.width.saturating_sub(2)), size.1.min(room.height.saturating_sub(1)));
    let place = Rect {
        x: room.x + (room.width - width) / 2,
        y: room.y + 1 + (room.height - 1 - height) / 3,
        width,
        height,
    };
    let title = super::fit(title, usize::from(width.saturating_sub(6)));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(border)
        .style(app.theme.background.0)
        .title(Line::styled(format!(" {title} "), app.theme.title.0));
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    // A blank column on both sides reads better.
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}
