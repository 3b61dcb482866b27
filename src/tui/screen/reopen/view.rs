//! Draws the steps of a run that stopped, and what will be done with it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::ReopenScreen;
use crate::model::capitalized;
use crate::ops::run_plan::Resumption;
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{
        consent::Question,
        frame::{WIDE, border_of, popup, wide_room},
        list::scrolled,
        text::{fit, wrap},
    },
};

/// Draws the steps, marked as done, begun or open, with the question to the person on the last
/// line.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &ReopenScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let plan = &view.journal.plan;
    let lines = lines(app, view, wide_room(area));
    let title = capitalized(&view.how.title(plan));
    let environment = app.environment(&plan.environment);
    let border = environment.map_or(theme.accent.0, |e| border_of(app, e));
    let size = (WIDE, lines.len() as u16 + 4);
    let framed = popup(app, frame, area, size, &title, border);
    let inner = framed.inner;
    let room = Rect { height: inner.height.saturating_sub(2), ..inner };
    // The last lines are nearest to the question.
    let first = view.scroll.first_or(lines.len());
    scrolled(app, frame, framed, room, lines, first, areas);
    let ask = Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner };
    view.consent.line(app, Question::of(plan)).draw(frame, ask, areas);
}

/// The steps as they stand, and what will be done, broken to a width.
fn lines<'a>(app: &'a App, view: &'a ReopenScreen, width: usize) -> Vec<Line<'a>> {
    let (theme, plan) = (&app.theme, &view.journal.plan);
    let mut lines = Vec::new();
    for (index, step) in plan.indexed_steps() {
        let progress = &view.journal.items[step.item];
        let (mark, style, note) = match () {
            () if progress.done.contains(&index) => ('✓', theme.good.0, ""),
            () if progress.open == Some(index) => {
                ('?', theme.warning.0, "  begun: looked at first")
            }
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
    let what = match view.how {
        Resumption::Undo => plan.if_it_fails.join("; "),
        Resumption::Continue => "oicx checks first what took effect and does not do it again; a \
            step that fails is undone as planned"
            .to_owned(),
    };
    lines.extend(wrap(&what, width).into_iter().map(|l| Line::styled(l, theme.dim.0)));
    lines
}
