//! Draws the jobs, and below them the notes of the one under the cursor.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use crate::model::clock_time;
use crate::tui::{
    app::{App, ClickAreas},
    jobs::{Job, JobState},
    keymap::{Action, Context},
    widgets::{
        frame::popup,
        list::List,
        text::{fit, spinner},
    },
};

/// The most notes of a job that are shown.
const NOTES: usize = 6;

/// Draws the list of jobs as a box with the cursor at its row, and the newest notes of that job
/// below it.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, cursor: usize, areas: &mut ClickAreas) {
    let theme = &app.theme;
    let notes = app.jobs.get(cursor).map_or(0, |j| j.notes.len().min(NOTES));
    let height = (app.jobs.all.len() + notes).clamp(3, 24) as u16 + 3;
    let framed = popup(app, frame, area, (104, height), "Jobs", theme.border.0);
    let inner = framed.inner;
    if app.jobs.all.is_empty() {
        let key = |action| app.key(Context::Explorer, action);
        let text = format!(
            "nothing has run yet: {} exports, {} takes a snapshot, {} restores",
            key(Action::Export),
            key(Action::Backup),
            key(Action::Restore)
        );
        return frame.render_widget(Line::styled(text, theme.dim.0), inner);
    }
    let rows = inner.height.saturating_sub(if notes > 0 { notes as u16 + 1 } else { 0 }).max(1);
    let list = Rect { height: rows.min(inner.height), ..inner };
    let width = usize::from(list.width);
    let lines = app.jobs.all.iter().map(|job| job_line(app, job, width)).collect();
    List::in_sight(lines, cursor, list.height).draw(app, frame, framed, list, areas);
    if let Some(job) = app.jobs.get(cursor) {
        let below = Rect { y: list.y + list.height, height: inner.height - list.height, ..inner };
        let newest = job.notes.iter().rev().take(notes);
        let lines: Vec<_> = newest.map(|n| Line::styled(fit(n, width), theme.dim.0)).collect();
        frame.render_widget(Paragraph::new(lines), below);
    }
}

fn job_line<'a>(app: &App, job: &Job, width: usize) -> Line<'a> {
    let theme = &app.theme;
    let (mark, style) = match job.state {
        JobState::Running => (spinner(app.ticks), theme.accent.0),
        JobState::Done => (job.state.mark(), theme.good.0),
        JobState::Warned => (job.state.mark(), theme.warning.0),
        JobState::Failed => (job.state.mark(), theme.failing.0),
    };
    let right = format!("{} · {:.1} s", job.describe_progress(app.now), job.seconds(app.now));
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
