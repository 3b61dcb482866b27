//! Frames: a box over the rows, and one that fills the screen.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Block, BorderType, Clear},
};

use super::text::fit;
use crate::model::EnvironmentIndex;
use crate::restore::EndingTone;
use crate::tui::app::App;

/// The width that plans, runs and lists of versions ask for.
pub const WIDE: u16 = 116;

/// A frame that was drawn.
#[derive(Debug, Clone, Copy)]
pub struct Framed {
    /// The whole frame, with its border.
    pub outer: Rect,
    /// The room within it, less a blank column on both sides: that reads better.
    pub inner: Rect,
}

/// Draws a box over the middle of the screen. The size is what is wanted, cut to what there is; the
/// last line of the screen stays free for the footer.
pub fn popup(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    size: (u16, u16),
    title: &str,
    border: Style,
) -> Framed {
    let room = Rect { height: area.height.saturating_sub(1), ..area };
    let width = size.0.min(room.width.saturating_sub(2));
    let height = size.1.min(room.height.saturating_sub(1));
    let outer = Rect {
        x: room.x + (room.width - width) / 2,
        y: room.y + 1 + (room.height - 1 - height) / 3,
        width,
        height,
    };
    let title = fit(title, usize::from(width.saturating_sub(6)));
    let title = Line::styled(format!(" {title} "), app.theme.title.0);
    draw(app, frame, outer, title, border)
}

/// Draws a frame over all of an area.
pub fn page(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    title: Line<'_>,
    border: Style,
) -> Framed {
    draw(app, frame, area, title, border)
}

fn draw(app: &App, frame: &mut Frame<'_>, outer: Rect, title: Line<'_>, border: Style) -> Framed {
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(border)
        .style(app.theme.background.0)
        .title(title);
    let inner = block.inner(outer);
    frame.render_widget(Clear, outer);
    frame.render_widget(block, outer);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    Framed { outer, inner }
}

/// The columns within a wide box on a screen of this width.
pub fn wide_room(area: Rect) -> usize {
    usize::from(WIDE.min(area.width.saturating_sub(2)).saturating_sub(4))
}

/// The style of a border, which warns where the environment is protected.
pub fn border_of(app: &App, environment: EnvironmentIndex) -> Style {
    if app.environments[environment].protected { app.theme.danger.0 } else { app.theme.accent.0 }
}

/// The colour of how a run ended.
pub fn ending_style(app: &App, tone: EndingTone) -> Style {
    let theme = &app.theme;
    match tone {
        EndingTone::Good => theme.good.0,
        EndingTone::Warning => theme.warning.0,
        EndingTone::Failing => theme.failing.0,
        EndingTone::Neutral => theme.dim.0,
        EndingTone::Running => theme.accent.0,
    }
}
