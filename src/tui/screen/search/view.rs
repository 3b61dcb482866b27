//! Draws what is searched, and what was found.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::state::{SearchLine, SearchScreen};
use crate::model::plural;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{
        frame,
        list::List,
        text::{fit, highlighted, spinner},
    },
};

/// Draws the field and the hits with the cursor at its row, or why there are none.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &SearchScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let count = match &view.report {
        Some(Ok(report)) => {
            let hits: usize = report.found.iter().map(|f| f.hits.len()).sum();
            format!(
                " · {} in {} of {}",
                plural(hits, "hit"),
                plural(report.found.len(), "integration"),
                plural(report.archives, "archive")
            )
        }
        _ => String::new(),
    };
    let title = format!(" Search inside the archives of {}{count} ", view.place());
    let title = Line::styled(fit(&title, usize::from(area.width.saturating_sub(4))), theme.title.0);
    let framed = frame::page(app, frame, area, title, theme.accent.0);
    let inner = framed.inner;
    let mut typed = Line::styled("/ ", theme.r#match.0);
    let room = usize::from(inner.width).saturating_sub(2);
    typed.extend(view.finder.field.spans(room, view.finder.typing, theme.r#match.0));
    frame.render_widget(typed, Rect { height: 1, ..inner });
    let rows = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
    let width = usize::from(inner.width);
    let lines: Vec<Line<'_>> =
        view.lines().iter().map(|l| hit_line(app, l, &view.pattern, width)).collect();
    if lines.is_empty() {
        let text = match (&view.report, view.searching) {
            (_, true) => format!(
                "{} searching; what the store does not hold is exported first",
                spinner(app.ticks)
            ),
            (None, _) => {
                let key = app.key(Context::PageFind, Action::Confirm);
                format!("type an expression, a URL, a field or a lookup; {key} searches")
            }
            (Some(Err(why)), _) => why.to_string(),
            (Some(Ok(_)), _) => format!("nothing says {}", view.pattern),
        };
        return frame.render_widget(
            Line::styled(fit(&text, width), theme.dim.0),
            Rect { height: 1, ..rows },
        );
    }
    List::centered(lines, view.cursor, rows.height).draw(app, frame, framed, rows, areas);
}

fn hit_line<'a>(app: &App, line: &SearchLine<'_>, find: &str, width: usize) -> Line<'a> {
    let theme = &app.theme;
    match line {
        SearchLine::Head(found) => Line::from(vec![
            Span::styled(format!("{} {}", found.code, found.version), theme.title.0),
            Span::styled(format!("  {}", plural(found.hits.len(), "hit")), theme.dim.0),
        ]),
        SearchLine::Hit(_, hit) => {
            let place = format!("  {}", fit(&hit.place, width / 3));
            let part = format!("  {}: ", fit(&hit.part, width / 4));
            let room = width.saturating_sub(place.chars().count() + part.chars().count());
            let mut spans =
                vec![Span::styled(place, theme.accent.0), Span::styled(part, theme.dim.0)];
            spans.extend(highlighted(&fit(&hit.text, room), find, theme.text.0, theme.r#match.0));
            Line::from(spans)
        }
    }
}
