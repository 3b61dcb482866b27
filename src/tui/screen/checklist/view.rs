//! Draws the checklist.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::ChecklistScreen;
use crate::model::capitalized;
use crate::restore::ChecklistState;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{
        frame::{WIDE, border_of, popup, wide_room},
        list::scrolled,
        text::{fit, spinner},
    },
};

/// Draws the checklist of a job as a box, its end in sight; nothing where the job has none.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    screen: &ChecklistScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let Some((job, restore)) = app.jobs.restore(screen.job) else { return };
    let Some(list) = &restore.checklist else { return };
    let width = wide_room(area);
    let mut lines = Vec::new();
    let most =
        list.ticks.iter().map(|t| t.what.chars().count()).max().unwrap_or(0).min(width * 2 / 3);
    for tick in &list.ticks {
        let (mark, style) = match tick.state {
            ChecklistState::Good => ('✓', theme.good.0),
            ChecklistState::Bad => ('✗', theme.failing.0),
            ChecklistState::Open => (spinner(app.ticks), theme.accent.0),
        };
        let what = fit(&tick.what, most);
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(format!("{what:<most$}  "), theme.text.0),
            Span::styled(fit(&tick.note, width.saturating_sub(most + 4)), theme.dim.0),
        ]));
    }
    lines.push(Line::raw(""));
    let done = list.ticks.iter().filter(|t| t.done()).count();
    let of = format!("{done} of {} seen", list.ticks.len());
    lines.push(match (list.complete(), list.worth_watching()) {
        (true, _) => {
            let key = app.key(Context::Checklist, Action::Write);
            let text = format!("✓ all of it was seen; {key} writes the note for the ticket");
            Line::styled(text, theme.good.0)
        }
        (false, true) => {
            Line::styled(format!("{of}; the others are looked at every few seconds"), theme.text.0)
        }
        (false, false) => {
            Line::styled(format!("{of}; nothing is looked at any more"), theme.warning.0)
        }
    });
    let border = job.changes.map_or(theme.border.0, |e| border_of(app, e));
    let title = format!("After: {}", capitalized(&job.title));
    let size = (WIDE, lines.len() as u16 + 2);
    let framed = popup(app, frame, area, size, &title, border);
    let first = screen.scroll.first_or(lines.len());
    scrolled(app, frame, framed, framed.inner, lines, first, areas);
}
