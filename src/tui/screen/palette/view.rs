//! Draws the palette.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::PaletteScreen;
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{frame::popup, list::List, text::fit},
};

/// Draws the field and the commands that match, with the cursor at its row.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    palette: &PaletteScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let framed = popup(app, frame, area, (80, 20), "Commands", theme.accent.0);
    let inner = framed.inner;
    let typed = Rect { height: 1, ..inner };
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let mut line = Line::styled(": ", theme.r#match.0);
    line.extend(palette.typed.spans(usize::from(inner.width) - 2, true, theme.r#match.0));
    frame.render_widget(line, typed);
    if palette.shown.is_empty() {
        let nothing = Line::styled("nothing matches", theme.dim.0);
        frame.render_widget(nothing, Rect { height: 1, ..list });
    }
    let width = usize::from(list.width).saturating_sub(33);
    let lines = palette.shown.iter().map(|index| {
        let entry = &palette.entries[*index];
        Line::from(vec![
            Span::raw(format!("{:<22}", entry.text)),
            Span::styled(format!("{:<10}", entry.key), theme.key.0),
            Span::styled(fit(&entry.help, width), theme.dim.0),
        ])
    });
    List::in_sight(lines.collect(), palette.cursor, list.height)
        .draw(app, frame, framed, list, areas);
}
