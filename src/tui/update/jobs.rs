//! Takes in how far jobs are and how they ended, and stops them.

use super::tell_all;
use crate::model::Level;
use crate::ops::{backup::BackupOutcome, recover::RecoveryReport};
use crate::restore::{Checklist, Journal, RunOutcome};
use crate::tui::{
    app::App,
    event::{Effect, Look, MatrixEffect, RunsEffect, ScreenEvent},
    failure::Failure,
    jobs::{JobEvent, JobId, JobState},
    keymap::{Action, Context},
    screen::inspector::InspectorEvent,
};

/// Takes in news of a job.
pub fn on_event(app: &mut App, job: JobId, event: JobEvent) -> Vec<Effect> {
    match event {
        JobEvent::Progress(progress) => {
            if let Some(job) = app.jobs.get_mut(job) {
                job.progress(progress);
            }
            vec![]
        }
        JobEvent::BackedUp(result) => backed_up(app, job, result),
        JobEvent::Restored(result) => restored(app, job, result),
        JobEvent::Recovered(report) => recovered(app, job, &report),
        JobEvent::Watched(list) => watched(app, job, list),
    }
}

fn level_of(state: JobState) -> Level {
    match state {
        JobState::Running | JobState::Done => Level::Fact,
        JobState::Warned => Level::Warning,
        JobState::Failed => Level::Blocker,
    }
}

fn backed_up(app: &mut App, job: JobId, result: Result<BackupOutcome, Failure>) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(job) else { return vec![] };
    let text = job.backed_up(result);
    let level = level_of(job.state);
    if level == Level::Fact {
        app.table.marks.clear();
    }
    app.say(level, text);
    vec![Effect::Matrix(MatrixEffect::LoadStore)]
}

/// Ends a restore: says how it ended, asks again what is there, and begins to watch its checklist.
fn restored(app: &mut App, job: JobId, result: Result<Box<Journal>, Failure>) -> Vec<Effect> {
    let Some(ended) = app.jobs.get_mut(job) else { return vec![] };
    let text = ended.restored(result);
    let (environment, level) = (ended.changes, level_of(ended.state));
    let mut effects: Vec<_> = watch(app, job).into_iter().collect();
    app.say(level, text);
    app.background.retry_failed();
    effects.push(Effect::Matrix(MatrixEffect::LoadStore));
    effects.extend(environment.map(|e| app.reload(e)));
    effects
}

/// Begins to watch the checklist of a run that restored something; None where there is nothing to
/// watch.
fn watch(app: &mut App, job: JobId) -> Option<Effect> {
    let ended = app.jobs.get_mut(job)?;
    let (environment, restore) = (ended.changes, ended.restore.as_mut()?);
    let good = |j: &&Journal| matches!(j.result, Some(RunOutcome::Restored | RunOutcome::Partly));
    let list = restore.journal.as_deref().filter(good).map(Checklist::of)?;
    if list.ticks.is_empty() {
        return None;
    }
    restore.checklist = Some(Box::new(list.clone()));
    let environment = environment?;
    let (list, look) = (Box::new(list), Look::AtOnce);
    Some(Effect::Runs(RunsEffect::Watch { job, environment, list, look }))
}

/// Takes in a look at a checklist. It is looked at again until it is complete, or a person would
/// wait no longer.
fn watched(app: &mut App, job: JobId, list: Box<Checklist>) -> Vec<Effect> {
    let Some(found) = app.jobs.get_mut(job) else { return vec![] };
    let environment = found.changes;
    let Some(restore) = found.restore.as_mut() else { return vec![] };
    restore.checklist = Some(list.clone());
    match environment {
        Some(environment) if !list.complete() && list.worth_watching() => {
            let look = Look::AfterPause;
            vec![Effect::Runs(RunsEffect::Watch { job, environment, list, look })]
        }
        _ => vec![],
    }
}

/// Ends a recovery: says how it ended, and asks again what fails.
fn recovered(app: &mut App, job: JobId, report: &RecoveryReport) -> Vec<Effect> {
    let state = match (&report.why, report.taken.is_empty()) {
        (None, _) => JobState::Done,
        (Some(_), false) => JobState::Warned,
        (Some(_), true) => JobState::Failed,
    };
    let why = report.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let text = format!("{} {}: {}{why}", report.recovery.label(), report.id, report.describe());
    let environment = app.jobs.get_mut(job).and_then(|job| {
        job.ended(state, text.clone());
        job.changes
    });
    app.say(level_of(state), text);
    let changed = || InspectorEvent::InstancesChanged(report.id.clone());
    let mut effects = tell_all(app, || ScreenEvent::Inspector(changed()));
    effects.extend(environment.map(|e| app.reload(e)));
    effects
}

impl App {
    /// Holds a restore that runs where it is.
    pub fn hold_job(&mut self, job: JobId) {
        let running = self.jobs.restore(job).filter(|(job, _)| job.finished.is_none());
        let Some((job, _)) = running else { return };
        job.stop.hold();
        let key = self.key(Context::Explorer, Action::Runs);
        let text = format!("holding it where it is; {key} continues or undoes it");
        self.say(Level::Warning, text);
    }

    /// Stops a job that runs, at its next safe point; where a sent change keeps it from that, it is
    /// said.
    pub fn cancel_job(&mut self, job: JobId) {
        let Some(job) = self.jobs.get(job).filter(|j| j.finished.is_none()) else { return };
        job.stop.undo();
        let sent = self.silences.iter().find(|silence| silence.changes);
        let text = match (&job.changes, sent) {
            (Some(_), Some(silence)) => silence.stops_after(),
            (Some(_), None) => "stopping at the next safe point; what was there is put back".into(),
            (None, _) => "stopping; what was taken is kept".to_owned(),
        };
        self.say(Level::Warning, text);
    }
}
