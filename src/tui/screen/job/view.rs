//! Draws the steps as they run, and the end with its proof.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::JobScreen;
use crate::model::{Fingerprint, capitalized};
use crate::restore::{Ending, Journal, NextStep, RunOutcome, RunProcess};
use crate::tui::{
    app::{App, ClickAreas},
    jobs::{Job, RestoreJob},
    keymap::{Action, Context},
    widgets::{
        frame::{WIDE, border_of, ending_style, popup, wide_room},
        list::scrolled,
        text::{fit, spinner, wrap},
    },
};
use crate::workspace::events::StepState;

/// Draws the steps of a restore and its end with the proof, or how far another job is, each with
/// its notes.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    screen: &JobScreen,
    areas: &mut ClickAreas,
) {
    let Some(job) = app.jobs.get(screen.job) else { return };
    let width = wide_room(area);
    let (mut lines, now) = match &job.restore {
        Some(restore) => step_lines(app, job, restore, width),
        None => (vec![Line::styled(job.describe_progress(app.now), app.theme.dim.0)], 0),
    };
    let journal = job.restore.as_ref().and_then(|r| r.journal.as_deref());
    for note in &job.notes {
        let broken = wrap(note, width).into_iter();
        lines.extend(broken.map(|l| Line::styled(l, app.theme.warning.0)));
    }
    if let Some(journal) = journal {
        lines.push(Line::raw(""));
        lines.extend(end_lines(app, journal, width));
    }
    let border = job.changes.map_or(app.theme.border.0, |e| border_of(app, e));
    let size = (WIDE, lines.len() as u16 + 3);
    let framed = popup(app, frame, area, size, &capitalized(&job.title), border);
    // The end matters more than the beginning where not all fits.
    let followed = match journal {
        Some(_) => lines.len(),
        None => now.saturating_sub(usize::from(framed.inner.height) / 2),
    };
    let first = screen.scroll.first_or(followed);
    scrolled(app, frame, framed, framed.inner, lines, first, areas);
}

/// A line for each step with its notes, and the index of the line where the work is.
fn step_lines<'a>(
    app: &App,
    job: &Job,
    restore: &RestoreJob,
    width: usize,
) -> (Vec<Line<'a>>, usize) {
    let theme = &app.theme;
    let digits = restore.plan.steps.len().to_string().len();
    let mut lines = Vec::new();
    let mut now = 0;
    for (n, (step, progress)) in restore.plan.steps.iter().zip(&restore.steps).enumerate() {
        let (mark, style) = match progress.state {
            StepState::Running => (spinner(app.ticks), theme.accent.0),
            StepState::Done => (progress.state.mark(), theme.good.0),
            StepState::Failed => (progress.state.mark(), theme.failing.0),
            StepState::Waiting | StepState::Skipped => (progress.state.mark(), theme.dim.0),
        };
        let time = progress
            .at
            .map(|t| t.duration_since(job.started).as_secs_f64())
            .map(|s| format!("{s:>5.1} s"))
            .unwrap_or_default();
        let text = fit(&step.text, width.saturating_sub(13 + digits));
        let gap = width.saturating_sub(text.chars().count() + 13 + digits);
        if matches!(progress.state, StepState::Running | StepState::Failed) {
            now = lines.len();
        }
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} {:>1$} ", n + 1, digits), style),
            Span::styled(text, theme.text.0),
            Span::raw(" ".repeat(gap)),
            Span::styled(time, theme.dim.0),
        ]));
        let notes = wrap(&progress.note, width.saturating_sub(5)).into_iter();
        lines.extend(
            notes.filter(|l| !l.is_empty()).map(|l| Line::styled(format!("     {l}"), theme.dim.0)),
        );
    }
    (lines, now)
}

/// How it ended, with both fingerprints.
fn end_lines<'a>(app: &App, journal: &Journal, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let (text, style) = headline(app, journal);
    let mut lines: Vec<Line<'a>> =
        wrap(&text, width).into_iter().map(|l| Line::styled(l, style)).collect();
    if let Some(error) = journal.why() {
        lines.extend(
            wrap(&format!("why: {error}"), width)
                .into_iter()
                .map(|l| Line::styled(l, theme.warning.0)),
        );
    }
    match (&journal.proof, journal.items.as_slice()) {
        (Some(proof), [_]) => {
            let whole =
                |f: Option<Fingerprint>| f.map_or_else(|| "not there".into(), |f| f.to_string());
            let style = if proof.holds() { theme.good.0 } else { theme.failing.0 };
            lines.push(Line::from(vec![
                Span::styled("wanted ", theme.dim.0),
                Span::raw(whole(proof.wanted)),
            ]));
            lines.push(Line::from(vec![
                Span::styled("found  ", theme.dim.0),
                Span::styled(whole(proof.found), style),
            ]));
            let facts = wrap(&proof.facts.join(" · "), width).into_iter();
            lines.extend(facts.map(|l| Line::styled(l, theme.dim.0)));
        }
        // The error above says it already.
        (None, [_]) if journal.error.is_some() => {}
        _ => lines.extend(ends(app, journal, width)),
    }
    lines.push(Line::styled(
        fit(&format!("journal: {} in the store", journal.path()), width),
        theme.dim.0,
    ));
    lines
}

/// How it ended, and the key for what can be done about it.
fn headline(app: &App, journal: &Journal) -> (String, Style) {
    let ending = Ending::of(journal, RunProcess::Gone);
    let text = format!("{} {}", ending.tone.mark(), ending.headline);
    let text = match ending.next {
        Some(NextStep::ContinueOrUndo) => {
            let key = app.key(Context::Explorer, Action::Runs);
            format!("{text}; {key} continues or undoes it")
        }
        Some(NextStep::Rollback) | None => text,
    };
    (text, ending_style(app, ending.tone))
}

/// How each of several artifacts ended.
fn ends<'a>(app: &App, journal: &Journal, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    for (item, progress) in journal.plan.items.iter().zip(&journal.items) {
        let (mark, style) = (progress.tone().mark(), ending_style(app, progress.tone()));
        let proof = progress
            .proof
            .as_ref()
            .filter(|p| p.holds() && progress.outcome == Some(RunOutcome::Restored));
        let note = match (proof.and_then(|p| p.found), &progress.why()) {
            (Some(found), _) => format!("proven, {0} = {0}", found.short()),
            (None, Some(error)) => error.clone(),
            (None, None) => progress.describe().to_owned(),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(
                fit(&format!("{}: {note}", item.key), width.saturating_sub(2)),
                theme.text.0,
            ),
        ]));
    }
    lines
}
