//! Draws the plan of a recovery.

use ratatui::{Frame, layout::Rect, text::Line};

use super::RecoverScreen;
use crate::model::{Level, capitalized};
use crate::ops::recover::RecoveryPlan;
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{
        consent::{Question, finding_lines},
        frame::{WIDE, border_of, popup, wide_room},
        list::scrolled,
        text::spinner,
    },
};

/// Draws the findings and the question to the person, or a spinner until the plan is there.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    screen: &RecoverScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let Some(plan) = &screen.plan else {
        let inner = popup(app, frame, area, (70, 4), "Failed runs", theme.accent.0).inner;
        let text = format!("{} looking up which runs failed; nothing is sent", spinner(app.ticks));
        return frame.render_widget(Line::styled(text, theme.text.0), inner);
    };
    let width = wide_room(area);
    let lines = lines(app, plan, width);
    let size = (WIDE, lines.len() as u16 + 4);
    let border = border_of(app, screen.environment);
    let framed = popup(app, frame, area, size, &capitalized(&plan.title()), border);
    let inner = framed.inner;
    let room = Rect { height: inner.height.saturating_sub(2), ..inner };
    scrolled(app, frame, framed, room, lines, screen.scroll.first_or(0), areas);
    let blocked = plan.checks.iter().any(|c| c.level == Level::Blocker);
    let question = match (blocked, plan.protected) {
        (true, _) => Question::Blocked,
        (false, true) => Question::Name(plan.environment.to_string()),
        (false, false) => Question::Confirm,
    };
    let ask = Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner };
    screen.consent.line(app, question).draw(frame, ask, areas);
}

/// The findings, broken to a width.
fn lines<'a>(app: &'a App, plan: &'a RecoveryPlan, width: usize) -> Vec<Line<'a>> {
    plan.checks.iter().flat_map(|c| finding_lines(app, c, width)).collect()
}
