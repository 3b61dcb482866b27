//! Draws the form.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::ConnectionForm;
use crate::oic::ConnectionField;
use crate::tui::{
    app::App,
    widgets::{
        frame::{border_of, popup},
        text::{fit, spinner, wrap},
        text_field::TextField,
    },
};

/// Lines that a form shows at most.
const MOST: usize = 14;

/// Draws the form as a box, scrolled so that the line with the cursor is in sight.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, form: &ConnectionForm) {
    let theme = &app.theme;
    let environment = &app.environments[form.environment].name;
    let height = form.fields.len().clamp(1, MOST) as u16 + 5 + u16::from(form.refused.is_some());
    let title = format!("Values of connection {} on {environment}", form.code);
    let border = border_of(app, form.environment);
    let inner = popup(app, frame, area, (92, height), &title, border).inner;
    let width = usize::from(inner.width);
    let mut lines = field_lines(app, form, width);
    if form.fields.is_empty() && form.refused.is_none() {
        let text = format!("{} asking which values it has", spinner(app.beat));
        lines.push(Line::styled(text, theme.dim.0));
    }
    lines.push(Line::raw(""));
    let keep = if form.keeps_secrets {
        "secrets are put in the keyring, too"
    } else {
        "secrets are kept for this plan alone"
    };
    let rule = format!(
        "an empty line leaves the property as it is; all are set and tested by the plan; {keep}"
    );
    lines.extend(wrap(&rule, width).into_iter().map(|l| Line::styled(l, theme.dim.0)));
    lines.extend(form.refused.iter().map(|why| Line::styled(fit(why, width), theme.failing.0)));
    let skip = lines.len().saturating_sub(usize::from(inner.height)).min(form.cursor);
    frame.render_widget(Paragraph::new(lines.into_iter().skip(skip).collect::<Vec<_>>()), inner);
}

fn field_lines<'a>(app: &App, form: &ConnectionForm, width: usize) -> Vec<Line<'a>> {
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
