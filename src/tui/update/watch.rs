//! After a run: what should be so is watched until it is, and the run becomes a note.

use super::super::{app::App, event::Effect, layer::Layer};
use crate::restore::{Checklist, Journal, RunOutcome, incident_note};

/// After a run that restored something, what should be so is watched.
pub fn begin(app: &mut App, job: usize) -> Vec<Effect> {
    let Some(found) = app.jobs.get_mut(job) else { return vec![] };
    let (column, Some(restore)) = (found.changes, found.restore.as_mut()) else { return vec![] };
    let good = |j: &&Journal| matches!(j.result, Some(RunOutcome::Restored | RunOutcome::Partly));
    let Some(list) = restore.journal.as_deref().filter(good).map(Checklist::of) else {
        return vec![];
    };
    if list.ticks.is_empty() {
        return vec![];
    }
    restore.checklist = Some(Box::new(list.clone()));
    column.map(|column| Effect::Watch { job, column, list: Box::new(list) }).into_iter().collect()
}

/// Something was seen. What is not good yet is looked at again, for as long as a person may wait
/// for it.
pub fn seen(app: &mut App, job: usize, list: Box<Checklist>) -> Vec<Effect> {
    let Some(found) = app.jobs.get_mut(job) else { return vec![] };
    let column = found.changes;
    let Some(restore) = found.restore.as_mut() else { return vec![] };
    restore.checklist = Some(list.clone());
    match column {
        Some(column) if !list.complete() && list.worth_watching() => {
            vec![Effect::Watch { job, column, list }]
        }
        _ => vec![],
    }
}

pub fn checklist(app: &mut App) {
    let Layer::Run { job, .. } = &app.layer else { return };
    let job = *job;
    if app.jobs.get(job).and_then(|j| j.restore.as_ref()).is_some_and(|r| r.checklist.is_some()) {
        app.layer = Layer::Checklist { job };
    }
}

/// The run as a note for a ticket, beside where the program was started.
pub fn note(app: &mut App) -> Vec<Effect> {
    let (Layer::Run { job, .. } | Layer::Checklist { job }) = &app.layer else { return vec![] };
    let restore = app.jobs.get(*job).and_then(|j| j.restore.as_ref());
    let Some((restore, journal)) = restore.and_then(|r| Some((r, r.journal.as_deref()?))) else {
        return vec![];
    };
    let text = incident_note(journal, restore.checklist.as_deref());
    vec![Effect::Write { name: format!("{}.md", journal.run), bytes: text.into_bytes() }]
}
