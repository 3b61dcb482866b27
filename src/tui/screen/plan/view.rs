//! Draws the plan, and the line that asks.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::PlanScreen;
use crate::model::capitalized;
use crate::restore::RestorePlan;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{
        consent::{Question, finding_lines},
        frame::{WIDE, border_of, popup, wide_room},
        key_line::KeyLine,
        list::scrolled,
        text::{fit, wrap},
    },
};

/// Draws the plan as a box, with the question to the person on its last line.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    screen: &PlanScreen,
    areas: &mut ClickAreas,
) {
    let plan = &screen.planned.prepared.plan;
    let lines = lines(app, plan, wide_room(area));
    let title = capitalized(&plan.title());
    let size = (WIDE, lines.len() as u16 + 5);
    let border = border_of(app, screen.planned.environment);
    let framed = popup(app, frame, area, size, &title, border);
    let inner = framed.inner;
    let room = Rect { height: inner.height.saturating_sub(2), ..inner };
    scrolled(app, frame, framed, room, lines, screen.scroll.first_or(0), areas);
    let ask = Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner };
    screen.consent.line(app, Question::of(plan)).draw(frame, ask, areas);
}

/// The plan as lines of a width.
fn lines<'a>(app: &App, plan: &RestorePlan, width: usize) -> Vec<KeyLine<'a>> {
    let mut lines: Vec<KeyLine<'a>> = Vec::new();
    lines.extend(strategy_lines(app, plan, width).into_iter().map(KeyLine::from));
    lines.push(KeyLine::default());
    lines.extend(check_lines(app, plan, width));
    lines.push(KeyLine::default());
    lines.extend(step_lines(app, plan, width).into_iter().map(KeyLine::from));
    if plan.changes_something() {
        lines.push(KeyLine::default());
        let text = format!("if a step fails: {}", plan.if_it_fails.join("; "));
        for (i, text) in wrap(&text, width).into_iter().enumerate() {
            let indent = if i == 0 { "" } else { "  " };
            lines.push(Line::styled(format!("{indent}{text}"), app.theme.dim.0).into());
        }
    }
    lines
}

/// Where it comes from, and in which way it reaches the target.
fn strategy_lines<'a>(app: &App, plan: &RestorePlan, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let label = |text: &'static str| Span::styled(format!("{text:<7}"), theme.dim.0);
    let room = width.saturating_sub(7);
    let mut lines = vec![Line::from(vec![label("from"), Span::raw(fit(&plan.source, room))])];
    let strategy = format!("{}: ", plan.way());
    for (i, text) in wrap(&format!("{strategy}{}", plan.reason), room).into_iter().enumerate() {
        // The strategy stands out; its reason continues below it.
        let line = match text.strip_prefix(strategy.as_str()).filter(|_| i == 0) {
            Some(reason) => {
                vec![
                    label("way"),
                    Span::styled(strategy.clone(), theme.title.0),
                    Span::raw(reason.to_owned()),
                ]
            }
            None => vec![label(if i == 0 { "way" } else { "" }), Span::raw(text)],
        };
        lines.push(Line::from(line));
    }
    lines
}

/// The findings, with the key below the first one that has a remedy.
fn check_lines<'a>(app: &App, plan: &RestorePlan, width: usize) -> Vec<KeyLine<'a>> {
    let mut lines = Vec::new();
    let mut first = true;
    for check in &plan.checks {
        lines.extend(finding_lines(app, check, width).into_iter().map(KeyLine::from));
        if let Some(remedy) = check.remedy.as_ref().filter(|_| std::mem::take(&mut first)) {
            let key = app.key(Context::Plan, Action::Fix);
            let words = [
                Span::styled(format!("    {key} "), app.theme.key.0),
                Span::styled(remedy.describe(), app.theme.text.0),
            ];
            lines.push(KeyLine::default().key(Action::Fix, words));
        }
    }
    lines
}

/// The steps, numbered from 1.
fn step_lines<'a>(app: &App, plan: &RestorePlan, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    for (n, step) in plan.steps.iter().enumerate() {
        for (i, text) in wrap(&step.text, width.saturating_sub(4)).into_iter().enumerate() {
            let head = if i == 0 { format!("{:>2} ", n + 1) } else { "   ".into() };
            lines.push(Line::from(vec![
                Span::styled(head, theme.accent.0),
                Span::styled(text, theme.text.0),
            ]));
        }
    }
    lines
}
