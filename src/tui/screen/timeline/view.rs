//! Draws the versions, the failures over time, and who did what.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::state::{TimelineScreen, VersionChange};
use crate::model::{plural, short_date, version_text};
use crate::store::StoredVersion;
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{
        failure_chart::{AxisEvent, chart, triage_summary},
        frame,
        list::List,
        text::{fit, spinner},
    },
};

/// Draws the versions with the cursor at its row, below them the failures by the hour and the
/// audit.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &TimelineScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let environment = &app.environments[view.subject.environment];
    let border = if environment.protected { theme.danger.0 } else { theme.border.0 };
    let title = format!(
        " Timeline of {} in {} · {} ",
        view.subject.artifact,
        environment.name,
        plural(view.rows.len(), "stored version")
    );
    let title = Line::styled(fit(&title, usize::from(area.width.saturating_sub(4))), theme.title.0);
    let framed = frame::page(app, frame, area, title, border);
    let inner = framed.inner;
    let width = usize::from(inner.width);
    let mut lines = Vec::new();
    if let Some(change) = &view.live {
        lines.push(live_line(app, view, change, width));
    }
    lines.extend(view.rows.iter().zip(&view.changes).map(|(v, c)| version_line(app, v, c, width)));
    let heading = format!(
        "  {:<11} {:<17} {:<9}{} {}",
        "VERSION",
        "SEEN",
        "MEANING",
        status("STATUS", width),
        "AGAINST THE ONE BEFORE"
    );
    frame.render_widget(
        Line::styled(fit(&heading, width), theme.dim.0),
        Rect { height: 1, ..inner },
    );
    let chart = chart_lines(app, view, width);
    let chart_height = if inner.height < 14 { 0 } else { chart.len() as u16 };
    let below = audit_height(view, inner.height.saturating_sub(chart_height));
    let rows = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1 + below + chart_height),
        ..inner
    };
    List::centered(lines, view.cursor, rows.height).draw(app, frame, framed, rows, areas);
    let at = Rect { y: rows.y + rows.height, height: chart_height, ..inner };
    frame.render_widget(Paragraph::new(chart), at);
    let place = Rect { y: inner.y + inner.height.saturating_sub(below), height: below, ..inner };
    draw_audit(app, frame, place, view);
}

/// Failures per hour with versions and changes on the same axis.
fn chart_lines<'a>(app: &App, view: &TimelineScreen, width: usize) -> Vec<Line<'a>> {
    let Some(Ok(triage)) = &view.triage else { return Vec::new() };
    if triage.total() == 0 {
        return Vec::new();
    }
    let mut happened: Vec<AxisEvent> = Vec::new();
    if let Some(Ok(records)) = &view.audit {
        happened.extend(records.iter().map(|r| AxisEvent {
            at: r.time,
            what: format!("{} by {}", r.action.to_lowercase(), r.user),
        }));
    }
    let row = app.table.find(&view.subject.artifact);
    if let Some(cell) = row.and_then(|r| r.cell(view.subject.environment))
        && let Some(at) = cell.state.last_updated
        && happened.iter().all(|h| h.at.duration_since(at).as_secs().abs() > 60)
    {
        let by =
            cell.state.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
        happened.push(AxisEvent { at, what: format!("changed{by}") });
    }
    happened.sort_by_key(|h| h.at);
    let title = format!("── {} ", triage_summary(triage));
    let mut out = vec![Line::styled(fit(&title, width), app.theme.dim.0)];
    out.extend(chart(app, triage, &happened, width));
    out
}

/// The height of the audit below the list; the list keeps two thirds.
fn audit_height(view: &TimelineScreen, height: u16) -> u16 {
    match &view.audit {
        Some(Ok(records)) if records.is_empty() => 0,
        Some(Ok(_)) => (height / 3).clamp(2, 9),
        Some(Err(_)) => 1,
        None => 0,
    }
}

/// Who did what since the version before the one under the cursor.
fn draw_audit(app: &App, frame: &mut Frame<'_>, area: Rect, view: &TimelineScreen) {
    let theme = &app.theme;
    let width = usize::from(area.width);
    let lines: Vec<Line<'_>> = match &view.audit {
        Some(Err(why)) => {
            vec![Line::styled(fit(&format!("the audit is not shown: {why}"), width), theme.dim.0)]
        }
        Some(Ok(records)) if !records.is_empty() => {
            let here = view.audit_here();
            let title = match here.len() {
                0 => "the audit tells of nothing between this one and the one before".to_owned(),
                n => format!(
                    "{} of the audit between this one and the one before",
                    plural(n, "entry")
                ),
            };
            let room = usize::from(area.height).saturating_sub(1);
            let mut out = vec![Line::styled(fit(&format!("── {title} "), width), theme.dim.0)];
            let shown = if here.len() > room { room.saturating_sub(1) } else { room };
            out.extend(here.iter().take(shown).map(|r| {
                let version = version_text(r.version);
                let text = format!(
                    "   {:<17} {:<20} {:<14} {version}",
                    short_date(r.time),
                    r.user,
                    r.action
                );
                Line::styled(fit(text.trim_end(), width), theme.text.0)
            }));
            if here.len() > shown {
                out.push(Line::styled(
                    format!("   … and {} more", here.len() - shown),
                    theme.dim.0,
                ));
            }
            out
        }
        _ => return,
    };
    frame.render_widget(Paragraph::new(lines), area);
}

/// The least width with room for every column.
const ROOMY: usize = 92;

fn status(word: &str, width: usize) -> String {
    if width < ROOMY { String::new() } else { format!(" {:<10}", fit(word, 10)) }
}

fn live_line<'a>(
    app: &App,
    view: &TimelineScreen,
    change: &VersionChange,
    width: usize,
) -> Line<'a> {
    let theme = &app.theme;
    let row = app.table.find(&view.subject.artifact);
    let cell = row.and_then(|r| r.cell(view.subject.environment));
    let version = cell.and_then(|c| c.version).map(|v| v.to_string()).unwrap_or_default();
    let fingerprints = cell.and_then(|c| c.portable).map(|f| f.short()).unwrap_or_default();
    let word = cell.map(|c| status(c.state.status.label(), width)).unwrap_or_default();
    let instances = cell.and_then(|c| c.runs).filter(|i| i.received > 0);
    let mut spans = vec![
        Span::styled("▶ ", theme.accent.0),
        Span::styled(
            format!("{version:<11} {:<17} {fingerprints:<9}{word} ", "live now"),
            theme.title.0,
        ),
    ];
    if let Some(instances) = instances {
        let style = if instances.failed > 0 { theme.failing.0 } else { theme.good.0 };
        let text = if width < ROOMY {
            format!("{}/{} failed · ", instances.failed, instances.received)
        } else {
            format!("{} of {} failed in a day · ", instances.failed, instances.received)
        };
        spans.push(Span::styled(text, style));
    }
    let used: usize = spans.iter().map(|s| s.content.chars().count()).sum();
    spans.push(change_span(app, change, width.saturating_sub(used)));
    Line::from(spans)
}

fn version_line<'a>(
    app: &App,
    v: &StoredVersion,
    change: &VersionChange,
    width: usize,
) -> Line<'a> {
    let theme = &app.theme;
    let head = format!(
        "  {:<11} {:<17} {:<9}{} ",
        version_text(v.version),
        short_date(v.last_seen),
        v.portable.short(),
        status(v.status.label(), width)
    );
    let mut left = width.saturating_sub(head.chars().count());
    let mut spans = vec![Span::styled(head, theme.text.0)];
    if v.safety_run.is_some() {
        let text = "safety export · ";
        left = left.saturating_sub(text.len());
        spans.push(Span::styled(text, theme.warning.0));
    }
    let by = v
        .last_updated_by
        .as_ref()
        .map(|b| format!("  by {b}, seen first {}", app.ago(v.first_seen)))
        .unwrap_or_default();
    let text = change_span(app, change, left);
    left = left.saturating_sub(text.content.chars().count());
    spans.push(text);
    if by.chars().count() < left {
        spans.push(Span::styled(by, theme.dim.0));
    }
    Line::from(spans)
}

fn change_span<'a>(app: &App, change: &VersionChange, width: usize) -> Span<'a> {
    let theme = &app.theme;
    match change {
        VersionChange::Asked => {
            Span::styled(format!("{} comparing", spinner(app.ticks)), theme.dim.0)
        }
        VersionChange::First => Span::styled("the first kept version", theme.dim.0),
        VersionChange::Same => Span::styled("= the same", theme.same.0),
        VersionChange::Changed(text) => {
            Span::styled(fit(&format!("≠ {text}"), width), theme.different.0)
        }
        VersionChange::Unknown(why) => {
            Span::styled(fit(&format!("! {why}"), width), theme.warning.0)
        }
    }
}
