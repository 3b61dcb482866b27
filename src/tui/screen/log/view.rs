//! Draws the log.

use std::sync::PoisonError;

use ratatui::{Frame, layout::Rect, text::Line};

use super::LogScreen;
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{
        frame::popup,
        list::scrolled,
        text::{fit, wrap},
    },
};

/// Draws as many lines of the log as fit, broken to the width; its end until a person scrolls.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    screen: &LogScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let size = (area.width.saturating_sub(4), area.height.saturating_sub(4));
    let framed = popup(app, frame, area, size, "Log", theme.border.0);
    let mut inner = framed.inner;
    let width = usize::from(inner.width);
    if let Some(path) = &app.log_file {
        let text = fit(&path.display().to_string(), width);
        let at = Rect { height: 1, ..inner };
        frame.render_widget(Line::styled(text, theme.dim.0), at);
        inner = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    }
    let lines: Vec<Line<'_>> = {
        let log = app.log.lock().unwrap_or_else(PoisonError::into_inner);
        let broken = log.iter().flat_map(|line| wrap(line, width));
        broken.map(|line| Line::styled(line, theme.text.0)).collect()
    };
    if lines.is_empty() {
        return frame.render_widget(Line::styled("nothing to tell", theme.dim.0), inner);
    }
    let first = screen.scroll.first_or(lines.len());
    scrolled(app, frame, framed, inner, lines, first, areas);
}
