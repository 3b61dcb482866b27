//! What was just said, on the line above the footer.

use ratatui::{Frame, layout::Rect, text::Line};

use super::text::fit;
use crate::model::Level;
use crate::tui::app::App;

/// One line above the footer.
#[derive(Debug, Clone)]
pub struct Toast {
    pub level: Level,
    pub text: String,
}

/// Draws the toast on a line, where there is one.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(toast) = &app.toast else { return };
    let theme = &app.theme;
    let (mark, style) = match toast.level {
        Level::Fact => ('✓', theme.good.0),
        Level::Warning => ('!', theme.warning.0),
        Level::Blocker => ('✗', theme.failing.0),
    };
    let text = toast.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = format!(" {mark} {text}");
    frame.render_widget(Line::styled(fit(&text, usize::from(area.width)), style), area);
}
