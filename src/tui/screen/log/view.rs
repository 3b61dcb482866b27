//! Draws the log.

use std::sync::PoisonError;

use ratatui::{Frame, layout::Rect, text::Line, widgets::Paragraph};

use crate::tui::{
    app::App,
    widgets::{
        frame::popup,
        scrollbar::{self, Scroll},
        text::{fit, wrap},
    },
};

/// Draws as many lines of the log as fit; the last one is `from_end` lines before the end.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, from_end: usize) {
    let theme = &app.theme;
    let size = (area.width.saturating_sub(4), area.height.saturating_sub(4));
    let framed = popup(app, frame, area, size, "Log", theme.border.0);
    let mut inner = framed.inner;
    if let Some(path) = &app.log_file {
        let text = fit(&path.display().to_string(), usize::from(inner.width));
        let at = Rect { height: 1, ..inner };
        frame.render_widget(Line::styled(text, theme.dim.0), at);
        inner = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    }
    let (width, height) = (usize::from(inner.width), usize::from(inner.height));
    let (lines, end, count) = {
        let log = app.log.lock().unwrap_or_else(PoisonError::into_inner);
        let end = log.len().saturating_sub(from_end.min(log.len().saturating_sub(1)));
        (log[end.saturating_sub(height)..end].to_vec(), end, log.len())
    };
    if lines.is_empty() {
        return frame.render_widget(Line::styled("nothing to tell", theme.dim.0), inner);
    }
    let lines: Vec<_> =
        lines.iter().flat_map(|l| wrap(l, width)).map(|l| Line::styled(l, theme.text.0)).collect();
    let skip = lines.len().saturating_sub(height);
    frame.render_widget(Paragraph::new(lines.into_iter().skip(skip).collect::<Vec<_>>()), inner);
    let scroll = Scroll { first: end.saturating_sub(height), count, height };
    scrollbar::draw(app, frame, framed.outer, inner, scroll);
    scrollbar::draw_position(app, frame, framed.outer, end.saturating_sub(1), count);
}
