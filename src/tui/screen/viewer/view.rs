//! One file, with its words coloured.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{state::ViewerScreen, syntax};
use crate::tui::{
    app::{App, ClickAreas, DrawnLines},
    widgets::{
        frame,
        list::centered,
        scrollbar,
        text::{contains, fit, highlighted, sideways},
    },
};

/// Draws the lines that are not hidden, with their numbers; the line under the cursor is in the
/// middle where it can be.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &ViewerScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let place = format!(
        " {} of {} lines ",
        view.shown.get(view.cursor).map_or(0, |l| l + 1),
        view.lines.len()
    );
    let room = usize::from(area.width).saturating_sub(place.len() + 6);
    let name = fit(&format!("{} · {}", view.path, view.label), room);
    let title = Line::from(vec![
        Span::styled(format!(" {name} "), theme.title.0),
        Span::styled("─", theme.border.0),
        Span::styled(place, theme.dim.0),
    ]);
    let framed = frame::page(app, frame, area, title, theme.border.0);
    let inner = framed.inner;
    let height = usize::from(inner.height);
    let first = centered(view.cursor, view.shown.len(), height);
    let drawn = DrawnLines { area: inner, first, count: view.shown.len() };
    areas.list = Some(drawn);
    let language = syntax::Language::of(&view.path);
    let numbers = view.lines.len().to_string().len();
    for (row, (i, line)) in
        view.shown.iter().enumerate().skip(first).take(usize::from(inner.height)).enumerate()
    {
        let at = Rect { y: inner.y + row as u16, height: 1, ..inner };
        let text = &view.lines[*line];
        let folded = view.folded.contains(line);
        let fold_mark = match (folded, view.folds(*line)) {
            (true, _) => '▸',
            (false, true) => '▾',
            _ => ' ',
        };
        let mut spans =
            vec![Span::styled(format!("{:>numbers$} {fold_mark} ", line + 1), theme.dim.0)];
        let words = if contains(text, view.finder.text()) {
            highlighted(text, view.finder.text(), theme.text.0, theme.r#match.0)
        } else {
            syntax::spans(app, language, text)
        };
        spans.extend(sideways(words, view.shift));
        if folded {
            spans.push(Span::styled(" …", theme.dim.0));
        }
        frame.render_widget(Line::from(spans), at);
        if i == view.cursor {
            frame.buffer_mut().set_style(at, theme.selected.0);
        }
    }
    scrollbar::draw(app, frame, framed.outer, inner, drawn.scroll());
    view.finder.draw(app, frame, framed.outer);
}
