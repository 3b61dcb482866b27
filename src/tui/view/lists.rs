//! Help, command palette, jobs, log.

use std::sync::PoisonError;

use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::super::{
    app::{App, ClickAreas},
    jobs::{Job, JobState},
    keymap::Context,
    palette::Palette,
};
use super::{fit, popup, spinner, wrap};
use crate::model::{clock_time, plural};

/// The keys of a place and those that work everywhere.
pub fn help(app: &App, frame: &mut Frame<'_>, area: Rect, context: Context, scroll: usize) {
    let theme = &app.theme;
    let mut lines = Vec::new();
    let mut section = |context: Context| {
        lines.push(Line::styled(context.title(), theme.title.0));
        for (action, keys) in app.keymap.of(context) {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let keys = if keys.len() > 5 {
                format!("{} … {}", keys[0], keys[keys.len() - 1])
            } else {
                keys.join(" ")
            };
            lines.push(Line::from(vec![
                Span::styled(format!("  {keys:<16}"), theme.key.0),
                Span::styled(action.help(), theme.text.0),
            ]));
        }
        lines.push(Line::raw(""));
    };
    section(context);
    section(Context::Everywhere);
    if matches!(context, Context::Explorer | Context::Find) {
        lines.push(Line::styled("marks", theme.title.0));
        for (mark, text) in MARKS {
            lines.push(Line::from(vec![
                Span::styled(format!("  {mark:<16}"), theme.accent.0),
                Span::raw(text),
            ]));
        }
    }
    let height = lines.len() as u16 + 2;
    let inner = popup::open(app, frame, area, (84, height), "Help", theme.border.0);
    scrolled(frame, inner, lines, scroll);
}

const MARKS: [(&str, &str); 9] = [
    ("● ○ ◐", "active, configured, draft"),
    ("✗ ⟳", "activation failed (or runs failed), busy"),
    ("=", "same meaning as in the base column (faint: same version, archives not compared yet)"),
    ("≠", "same version number, different meaning"),
    ("< >", "older, newer version than in the base column"),
    ("–", "not there"),
    ("?", "not known yet"),
    ("·", "the base column"),
    ("◆", "marked"),
];

fn scrolled(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'_>>, scroll: usize) {
    let most = lines.len().saturating_sub(usize::from(area.height));
    let lines: Vec<_> = lines.into_iter().skip(scroll.min(most)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// The part of a list that keeps its cursor on the screen.
fn window(cursor: usize, height: usize) -> usize {
    (cursor + 1).saturating_sub(height)
}

pub fn palette(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    palette: &Palette,
    hits: &mut ClickAreas,
) {
    let theme = &app.theme;
    let inner = popup::open(app, frame, area, (80, 20), "Commands", theme.accent.0);
    let [typed, list] = [
        Rect { height: 1, ..inner },
        Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner },
    ];
    frame.render_widget(Line::styled(format!(": {}▏", palette.typed), theme.r#match.0), typed);
    let first = window(palette.cursor, usize::from(list.height));
    hits.list = Some((list, first));
    if palette.shown.is_empty() {
        frame.render_widget(
            Line::styled("nothing matches", theme.dim.0),
            Rect { height: 1, ..list },
        );
    }
    for (line, (i, place)) in
        palette.shown.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate()
    {
        let entry = &palette.entries[*place];
        let at = Rect { y: list.y + line as u16, height: 1, ..list };
        if i == palette.cursor {
            frame.buffer_mut().set_style(at, theme.cursor.0);
        }
        let text = Line::from(vec![
            Span::raw(format!("{:<22}", entry.text)),
            Span::styled(format!("{:<10}", entry.key), theme.key.0),
            Span::styled(fit(&entry.help, usize::from(list.width).saturating_sub(33)), theme.dim.0),
        ]);
        frame.render_widget(text, at);
    }
}

pub fn jobs(app: &App, frame: &mut Frame<'_>, area: Rect, cursor: usize, hits: &mut ClickAreas) {
    let theme = &app.theme;
    let notes = app.jobs.get(cursor).map_or(0, |j| j.notes.len().min(6));
    let height = (app.jobs.all.len() + notes).clamp(3, 24) as u16 + 3;
    let inner = popup::open(app, frame, area, (104, height), "Jobs", theme.border.0);
    if app.jobs.all.is_empty() {
        frame.render_widget(
            Line::styled(
                "nothing has run yet: e exports, B takes a snapshot, r restores",
                theme.dim.0,
            ),
            inner,
        );
        return;
    }
    let rows = inner.height.saturating_sub(if notes > 0 { notes as u16 + 1 } else { 0 }).max(1);
    let list = Rect { height: rows.min(inner.height), ..inner };
    let first = window(cursor, usize::from(list.height));
    hits.list = Some((list, first));
    for (line, job) in app.jobs.all.iter().skip(first).take(usize::from(list.height)).enumerate() {
        let at = Rect { y: list.y + line as u16, height: 1, ..list };
        if job.id == cursor {
            frame.buffer_mut().set_style(at, theme.selected.0);
        }
        frame.render_widget(job_line(app, job, usize::from(list.width)), at);
    }
    if let Some(job) = app.jobs.get(cursor) {
        let below = Rect { y: list.y + list.height, height: inner.height - list.height, ..inner };
        let width = usize::from(inner.width);
        let lines: Vec<_> = job
            .notes
            .iter()
            .rev()
            .take(notes)
            .map(|n| Line::styled(fit(n, width), theme.dim.0))
            .collect();
        frame.render_widget(Paragraph::new(lines), below);
    }
}

fn job_line<'a>(app: &App, job: &Job, width: usize) -> Line<'a> {
    let theme = &app.theme;
    let (mark, style) = match job.state {
        JobState::Running => (spinner(app.beat), theme.accent.0),
        JobState::Done => (job.state.mark(), theme.good.0),
        JobState::Warned => (job.state.mark(), theme.warning.0),
        JobState::Failed => (job.state.mark(), theme.failing.0),
    };
    let seconds =
        job.finished.unwrap_or_else(Timestamp::now).duration_since(job.started).as_secs_f64();
    let progress = match &job.restore {
        Some(restore) => {
            let done = restore
                .steps
                .iter()
                .filter(|s| s.0 == crate::workspace::events::StepState::Done)
                .count();
            format!("step {done} of {}", restore.steps.len())
        }
        None if job.total > 0 => {
            let rate = if seconds > 0.2 {
                format!(" · {:.0}/s", job.done as f64 / seconds)
            } else {
                String::new()
            };
            format!("{} of {} · {} KB{rate}", job.done, job.total, job.bytes / 1024)
        }
        None if job.state == JobState::Running => "asking what changed".into(),
        None => "nothing to download".into(),
    };
    let right = format!("{progress} · {seconds:.1} s");
    let title = fit(&job.title, width.saturating_sub(right.chars().count() + 12));
    let gap = width.saturating_sub(right.chars().count() + title.chars().count() + 9);
    Line::from(vec![
        Span::styled(format!("{mark} "), style),
        Span::styled(format!("{} ", clock_time(job.started)), theme.dim.0),
        Span::styled(title, theme.text.0),
        Span::raw(" ".repeat(gap)),
        Span::styled(right, theme.dim.0),
    ])
}

pub fn log(app: &App, frame: &mut Frame<'_>, area: Rect, scroll: usize) {
    let theme = &app.theme;
    let size = (area.width.saturating_sub(4), area.height.saturating_sub(4));
    let inner = popup::open(app, frame, area, size, "Log", theme.border.0);
    let width = usize::from(inner.width);
    let lines: Vec<String> = {
        let log = app.log.lock().unwrap_or_else(PoisonError::into_inner);
        let end = log.len().saturating_sub(scroll.min(log.len().saturating_sub(1)));
        log[end.saturating_sub(usize::from(inner.height))..end].to_vec()
    };
    let lines: Vec<_> =
        lines.iter().flat_map(|l| wrap(l, width)).map(|l| Line::styled(l, theme.text.0)).collect();
    let skip = lines.len().saturating_sub(usize::from(inner.height));
    let lines: Vec<_> = lines.into_iter().skip(skip).collect();
    let lines =
        if lines.is_empty() { vec![Line::styled("nothing to tell", theme.dim.0)] } else { lines };
    frame.render_widget(Paragraph::new(lines), inner);
}

pub fn opening(app: &App, frame: &mut Frame<'_>, area: Rect, title: &str) {
    let inner = popup::open(app, frame, area, (90, 3), "One moment", app.theme.accent.0);
    let text = fit(&format!("{} {title}", spinner(app.beat)), usize::from(inner.width));
    frame.render_widget(Line::styled(text, app.theme.text.0), inner);
}

pub fn quit_question(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let job = app.jobs.changing().map(|j| j.title.clone()).unwrap_or_default();
    let inner =
        popup::open(app, frame, area, (70, 6), "Something changes an environment", theme.danger.0);
    let count = plural(app.jobs.running().count(), "job");
    let lines = vec![
        Line::styled(format!("{job} is not done ({count} under way)"), theme.text.0),
        Line::styled(
            "leaving now stops it where it is; the next start offers to go on or undo",
            theme.warning.0,
        ),
        Line::raw(""),
        Line::from(vec![
            Span::styled("y ", theme.key.0),
            Span::raw("leave now    "),
            Span::styled("Esc ", theme.key.0),
            Span::raw("stay"),
        ]),
    ];
    frame.render_widget(Paragraph::new(lines), inner);
}
