//! Draws the steps of a run that stopped, and what will be done with it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::Reopen;
use crate::tui::{
    app::App,
    event::Resumption,
    jobs::title_of,
    screen::plan::view::question,
    widgets::{
        frame::{WIDE, border_of, popup, wide_room},
        text::{fit, wrap},
    },
};

/// Draws the steps, marked as done, begun or open, with the question to the person on the last
/// line.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, view: &Reopen) {
    let theme = &app.theme;
    let plan = &view.journal.plan;
    let width = wide_room(area);
    let mut lines = Vec::new();
    for (index, step) in plan.indexed_steps() {
        let record = &view.journal.items[step.item];
        let (mark, style, note) = match () {
            () if record.done.contains(&index) => ('✓', theme.good.0, ""),
            () if record.open == Some(index) => ('?', theme.warning.0, "  begun: looked at first"),
            () => ('·', theme.dim.0, ""),
        };
        let text = fit(&step.text, width.saturating_sub(4 + note.chars().count()));
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(text, theme.text.0),
            Span::styled(note, theme.warning.0),
        ]));
    }
    lines.push(Line::raw(""));
    let (how, what) = match view.how {
        Resumption::Undo => ("Put back what was there before", plan.if_it_fails.join("; ")),
        Resumption::Continue => {
            let what = "oicx checks first what took effect and does not do it again; a step that \
                        fails is undone as planned";
            ("Continue", what.to_owned())
        }
    };
    lines.extend(wrap(&what, width).into_iter().map(|l| Line::styled(l, theme.dim.0)));
    let title = format!("{how}: {}", title_of(plan));
    let environment = app.environment(&plan.environment);
    let border = environment.map_or(theme.accent.0, |e| border_of(app, e));
    let size = (WIDE, lines.len() as u16 + 4);
    let inner = popup(app, frame, area, size, &title, border).inner;
    let room = inner.height.saturating_sub(2);
    // The last lines stay in sight, since they are nearest to the question.
    let skip = lines.len().saturating_sub(usize::from(room));
    let shown: Vec<_> = lines.into_iter().skip(skip).collect();
    frame.render_widget(Paragraph::new(shown), Rect { height: room, ..inner });
    let ask = Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner };
    frame.render_widget(view.consent.line(app, question(plan)), ask);
}
