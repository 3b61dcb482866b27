//! What was just said, and who has not answered for a while, on the lines above the footer.

use ratatui::{Frame, layout::Rect, text::Line, widgets::Paragraph};

use super::text::fit;
use crate::model::Level;
use crate::tui::app::App;

/// One line above the footer.
#[derive(Debug, Clone)]
pub struct Toast {
    pub level: Level,
    pub text: String,
}

/// How many lines there are to draw.
pub fn height(app: &App) -> u16 {
    u16::from(app.toast.is_some()) + u16::from(!app.silences.is_empty())
}

/// Draws who has not answered for a while, and below it the toast.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let silence = app.silences.first().map(|first| {
        let others = match app.silences.len() - 1 {
            0 => String::new(),
            n => format!(" (and {n} more)"),
        };
        ('!', theme.warning.0, format!("{}{others}", first.describe()))
    });
    let toast = app.toast.as_ref().map(|toast| {
        let (mark, style) = match toast.level {
            Level::Fact => ('✓', theme.good.0),
            Level::Warning => ('!', theme.warning.0),
            Level::Blocker => ('✗', theme.failing.0),
        };
        (mark, style, toast.text.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    let lines: Vec<Line<'_>> = silence
        .into_iter()
        .chain(toast)
        .map(|(mark, style, text)| {
            Line::styled(fit(&format!(" {mark} {text}"), usize::from(area.width)), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}
