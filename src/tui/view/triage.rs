//! Failures over time, what is done with failed runs, and how the environments stand against the
//! base.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::super::{
    app::{App, ClickAreas},
    layer::RecoverView,
    page::bars,
};
use super::restore::{WIDTH, border, capital};
use super::{fit, popup, spinner, wrap};
use crate::model::{Kind, Level, ago, clock_time};
use crate::ops::{
    matrix::{Judged, Mark, MatrixRow},
    triage::{HOURS, Triage},
};

/// Something that happened to an integration, for the axis below the bars.
#[derive(Debug, Clone)]
pub struct Happened {
    pub at: jiff::Timestamp,
    pub what: String,
}

/// Failures per hour, and on the same axis who did what: so that a cause is seen.
pub fn strip<'a>(app: &App, triage: &Triage, happened: &[Happened], width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    const LABEL: usize = 8;
    let wide = (width.saturating_sub(LABEL) / HOURS).clamp(1, 4);
    let spread =
        |text: String| text.chars().flat_map(|c| std::iter::repeat_n(c, wide)).collect::<String>();
    let failed: Vec<u64> = triage.hours.iter().map(|h| h.failed).collect();
    let good: Vec<u64> = triage.hours.iter().map(|h| h.good).collect();
    let mut marks = vec![' '; HOURS * wide];
    let seen: Vec<&Happened> = happened.iter().filter(|h| triage.place(h.at).is_some()).collect();
    for one in &seen {
        if let Some(place) = triage.place(one.at) {
            let within = (triage.at.duration_since(one.at).as_mins() % 60).clamp(0, 59) as usize;
            let fine = (59 - within) * wide / 60;
            marks[place * wide + fine] = '▲';
        }
    }
    let hour = |ago: i64| clock_time(triage.at - jiff::SignedDuration::from_hours(ago));
    let mut axis = String::new();
    for place in (0..HOURS).step_by(6) {
        let text = hour((HOURS - place) as i64);
        axis.push_str(&format!("{text:<0$}", 6 * wide));
    }
    let label = |text: &str| format!("{text:<LABEL$}");
    let told = |h: &&Happened| format!("▲ {} {}", clock_time(h.at), h.what);
    let last: Vec<String> = seen.iter().rev().take(3).map(told).collect();
    vec![
        Line::from(vec![
            Span::styled(label("failed"), theme.dim.0),
            Span::styled(spread(bars(&failed)), theme.failing.0),
        ]),
        Line::from(vec![
            Span::styled(label("good"), theme.dim.0),
            Span::styled(spread(bars(&good)), theme.good.0),
        ]),
        Line::from(vec![
            Span::raw(label("")),
            Span::styled(marks.into_iter().collect::<String>(), theme.warning.0),
        ]),
        Line::from(vec![Span::styled(label("hour"), theme.dim.0), Span::styled(axis, theme.dim.0)]),
        Line::styled(fit(&last.join("   "), width), theme.warning.0),
    ]
}

/// The plan of what is done with failed runs.
pub fn recover(app: &App, frame: &mut Frame<'_>, area: Rect, view: &RecoverView) {
    let theme = &app.theme;
    let Some(plan) = &view.plan else {
        let inner = popup::open(app, frame, area, (70, 4), "Failed runs", theme.accent.0);
        let text = format!("{} looking which runs failed; nothing is sent", spinner(app.beat));
        return frame.render_widget(Line::styled(text, theme.text.0), inner);
    };
    let width = usize::from(WIDTH.min(area.width.saturating_sub(2)).saturating_sub(4));
    let mut lines = Vec::new();
    for check in &plan.checks {
        let style = match check.level {
            Level::Fact => theme.good.0,
            Level::Warning => theme.warning.0,
            Level::Blocker => theme.failing.0,
        };
        for (i, text) in wrap(&check.what, width.saturating_sub(2)).into_iter().enumerate() {
            let mark = if i == 0 { check.mark() } else { ' ' };
            lines.push(Line::from(vec![
                Span::styled(format!("{mark} "), style),
                Span::styled(text, theme.text.0),
            ]));
        }
        lines.extend(
            check
                .fix
                .iter()
                .flat_map(|f| wrap(f, width.saturating_sub(6)))
                .map(|f| Line::styled(format!("    → {f}"), theme.dim.0)),
        );
    }
    let inner = popup::open(
        app,
        frame,
        area,
        (WIDTH, lines.len() as u16 + 4),
        &capital(&plan.title()),
        border(app, view.column),
    );
    let room = inner.height.saturating_sub(2);
    frame.render_widget(Paragraph::new(lines), Rect { height: room, ..inner });
    let blocked = plan.checks.iter().any(|c| c.level == Level::Blocker);
    let mut spans = match (blocked, plan.protected) {
        (true, _) => {
            vec![Span::styled("it cannot be done as things are; Esc goes back", theme.failing.0)]
        }
        (false, true) => vec![
            Span::styled(format!("type {} and Enter to go on: ", plan.environment), theme.danger.0),
            Span::styled(format!("{}▏", view.typed), theme.title.0),
        ],
        (false, false) => {
            vec![Span::styled("Enter goes on, Esc leaves everything as it is", theme.accent.0)]
        }
    };
    spans.extend(view.refused.as_ref().map(|r| Span::styled(format!("   {r}"), theme.failing.0)));
    frame.render_widget(
        Line::from(spans),
        Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner },
    );
}

/// How many rows of each column stand in which way against the base.
pub fn drift(app: &App, frame: &mut Frame<'_>, area: Rect, cursor: usize, hits: &mut ClickAreas) {
    let theme = &app.theme;
    let base = app.table.base;
    let kind = app.table.kind.map_or("all kinds", Kind::plural);
    let title = format!("Drift of {kind} against {}", app.columns[base].name);
    let height = app.columns.len() as u16 + 6;
    let inner = popup::open(app, frame, area, (76, height), &title, theme.border.0);
    let words = ["ENVIRONMENT", "=", "≠", "< older", "> newer", "– none", "+ more", "? open"];
    let [name, counts @ ..] = words;
    let head = format!("  {name:<12}{}", counts.map(|w| format!("{w:>8}")).concat());
    frame.render_widget(
        Line::styled(fit(&head, usize::from(inner.width)), theme.dim.0),
        Rect { height: 1, ..inner },
    );
    hits.list = Some((Rect { y: inner.y + 1, height: app.columns.len() as u16, ..inner }, 0));
    let rows = app.table.matrix.rows.iter().filter(|r| app.table.kind.is_none_or(|k| k == r.kind));
    let rows: Vec<_> = rows.collect();
    for (column, of) in app.columns.iter().enumerate() {
        let at = Rect { y: inner.y + 1 + column as u16, height: 1, ..inner };
        if at.y >= inner.y + inner.height {
            break;
        }
        if column == cursor {
            frame.buffer_mut().set_style(at, theme.cursor.0);
        }
        let here = if column == cursor { "▶" } else { " " };
        if column == base {
            frame.render_widget(
                Line::styled(format!("{here} {:<14}the base", of.name), theme.dim.0),
                at,
            );
            continue;
        }
        let judged: Vec<_> = rows.iter().map(|r| r.judge(column, base, &app.table.known)).collect();
        let count = |mark: Mark| judged.iter().filter(|j| j.mark == mark).count();
        let guessed = |j: &&Judged| !j.settled && matches!(j.mark, Mark::Same | Mark::Different);
        let open = count(Mark::Unknown) + judged.iter().filter(guessed).count();
        let there =
            |r: &&&MatrixRow, column: usize| r.cells.get(column).is_some_and(Option::is_some);
        let more = rows.iter().filter(|r| there(r, column) && !there(r, base)).count();
        let marks =
            [Mark::Same, Mark::Different, Mark::Older, Mark::Newer, Mark::Absent].map(count);
        let counts: String =
            marks.into_iter().chain([more, open]).map(|n| format!("{n:>8}")).collect();
        let text = format!("{here} {:<12}{counts}", of.name);
        frame.render_widget(Line::styled(text, theme.text.0), at);
    }
    let drill = match app.store.drills.iter().find(|(name, _)| *name == app.columns[base].name) {
        Some((name, at)) => format!("last good drill of {name}: {}", ago(*at)),
        None => {
            format!(
                "no drill of {} is known: oicx drill {} --in …",
                app.columns[base].name, app.columns[base].name
            )
        }
    };
    let below = inner.y + 2 + app.columns.len() as u16;
    for (i, text) in [
        "? open: not compared yet; oicx drift compares all and says what changed".to_owned(),
        drill,
    ]
    .iter()
    .enumerate()
    {
        let at = Rect { y: below + i as u16, height: 1, ..inner };
        if at.y < inner.y + inner.height {
            frame.render_widget(Line::styled(fit(text, usize::from(inner.width)), theme.dim.0), at);
        }
    }
}
