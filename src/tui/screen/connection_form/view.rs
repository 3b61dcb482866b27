//! Draws the form.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::ConnectionFormScreen;
use crate::oic::ConnectionField;
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{
        frame::{WIDE, border_of, popup, wide_room},
        list::{in_sight, scrolled},
        text::{fit, spinner, wrap},
        text_field::TextField,
    },
};

/// Lines that a form shows at most.
const MOST: usize = 14;

/// Draws the form as a box: the fields, scrolled so that the one with the cursor is in sight, and
/// below them what holds for all.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    form: &ConnectionFormScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let environment = &app.environments[form.environment].name;
    let title = format!("Values of connection {} on {environment}", form.name);
    let border = border_of(app, form.environment);
    let rows = form.fields.len().clamp(1, MOST) as u16;
    let below = below(app, form, wide_room(area));
    let framed = popup(app, frame, area, (WIDE, rows + below.len() as u16 + 2), &title, border);
    let inner = framed.inner;
    let height = inner.height.saturating_sub(below.len() as u16);
    let list = Rect { height, ..inner };
    if form.fields.is_empty() && form.refused.is_none() {
        let text = format!("{} asking which values it has", spinner(app.ticks));
        frame.render_widget(Line::styled(text, theme.dim.0), list);
    } else {
        let lines = field_lines(app, form, usize::from(inner.width));
        let first = in_sight(form.cursor, usize::from(height));
        scrolled(app, frame, framed, list, lines, first, areas);
    }
    let rest = Rect { y: inner.y + height, height: inner.height - height, ..inner };
    frame.render_widget(Paragraph::new(below), rest);
}

/// What holds for all fields, and why the form was refused.
fn below<'a>(app: &App, form: &ConnectionFormScreen, width: usize) -> Vec<Line<'a>> {
    let keep = if form.keeps_secrets {
        "secrets are put in the keyring, too"
    } else {
        "secrets are kept for this plan alone"
    };
    let rule = format!(
        "an empty line leaves the property as it is; all are set and tested by the plan; {keep}"
    );
    let rule = wrap(&rule, width).into_iter().map(|l| Line::styled(l, app.theme.dim.0));
    let refused = form.refused.iter().map(|w| Line::styled(fit(w, width), app.theme.failing.0));
    std::iter::once(Line::raw("")).chain(rule).chain(refused).collect()
}

fn field_lines<'a>(app: &App, form: &ConnectionFormScreen, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let labels: Vec<String> = form.fields.iter().map(|(f, _)| label_of(f)).collect();
    let longest = labels.iter().map(|l| l.chars().count()).max().unwrap_or(0);
    let label = longest.min(28) + 2;
    let room = width.saturating_sub(label + 4);
    let line = |(i, (field, value)): (usize, &(ConnectionField, TextField))| {
        let here = i == form.cursor;
        let name = format!("{:<label$}", fit(&label_of(field), label));
        let mut line = Line::from(vec![
            Span::styled(if here { "▶ " } else { "  " }, theme.accent.0),
            Span::styled(name, if here { theme.title.0 } else { theme.text.0 }),
        ]);
        line.extend(value.spans(room, here, theme.text.0));
        line
    };
    form.fields.iter().enumerate().map(line).collect()
}

/// The name of a field; one that takes a file is given the file's path.
fn label_of(field: &ConnectionField) -> String {
    match field.takes_file {
        true => format!("{} (file)", field.name),
        false => field.name.clone(),
    }
}
