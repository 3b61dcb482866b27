//! What runs beside the drawing: exports, backups, restores.

use jiff::Timestamp;

use crate::model::{EnvironmentIndex, plural};
use crate::ops::{backup::BackupOutcome, recover::RecoveryReport};
use crate::restore::{
    Checklist, Ending, EndingTone, Journal, RestorePlan, RunProcess, incident_note,
};
use crate::tui::{event::Effect, failure::Failure};
use crate::workspace::events::{Progress, StepState, StopSignal};

pub type JobId = usize;

/// What a job tells.
#[derive(Debug)]
pub enum JobEvent {
    Progress(Progress),
    BackedUp(Result<BackupOutcome, Failure>),
    Restored(Result<Box<Journal>, Failure>),
    Recovered(Box<RecoveryReport>),
    /// The checklist of a run, with what was seen so far.
    Watched(Box<Checklist>),
}

#[derive(Debug)]
pub struct Job {
    pub id: JobId,
    pub title: String,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    pub state: JobState,
    /// How much is done, of how much in all; `total` is 0 where that is not known.
    pub done: usize,
    pub total: usize,
    pub bytes: u64,
    pub notes: Vec<String>,
    pub stop: StopSignal,
    /// The environment that it changes; none where it only reads.
    pub changes: Option<EnvironmentIndex>,
    pub restore: Option<RestoreJob>,
}

/// How far a step is.
#[derive(Debug, Clone)]
pub struct StepProgress {
    pub state: StepState,
    pub note: String,
    /// When it came to this state.
    pub at: Option<Timestamp>,
}

impl StepProgress {
    fn waiting() -> Self {
        Self { state: StepState::Waiting, note: String::new(), at: None }
    }
}

/// A restore's steps as they stand, and its end.
#[derive(Debug)]
pub struct RestoreJob {
    pub plan: RestorePlan,
    pub steps: Vec<StepProgress>,
    pub journal: Option<Box<Journal>>,
    /// The checklist that is watched after it.
    pub checklist: Option<Box<Checklist>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Running,
    Done,
    /// Done in part, or not as wanted.
    Warned,
    Failed,
}

impl JobState {
    /// The character for the state; lists show the spinner instead while a job runs.
    pub fn mark(self) -> char {
        match self {
            Self::Running => '⟳',
            Self::Done => '✓',
            Self::Warned => '!',
            Self::Failed => '✗',
        }
    }
}

/// All jobs of this start, oldest first.
#[derive(Debug, Default)]
pub struct Jobs {
    pub all: Vec<Job>,
}

impl Jobs {
    /// Adds a running job and gives its id and the signal that stops it. `changes` is the
    /// environment that it changes; with a plan it is a restore whose steps all wait.
    pub fn begin(
        &mut self,
        title: String,
        changes: Option<EnvironmentIndex>,
        plan: Option<RestorePlan>,
    ) -> (JobId, StopSignal) {
        let id = self.all.len();
        let stop = StopSignal::default();
        let restore = plan.map(|plan| RestoreJob {
            steps: plan.steps.iter().map(|_| StepProgress::waiting()).collect(),
            plan,
            journal: None,
            checklist: None,
        });
        self.all.push(Job {
            id,
            title,
            started: Timestamp::now(),
            finished: None,
            state: JobState::Running,
            done: 0,
            total: 0,
            bytes: 0,
            notes: vec![],
            stop: stop.clone(),
            changes,
            restore,
        });
        (id, stop)
    }

    /// Shows a run that ended earlier, or in another start, as a job that is done, so that it can
    /// be looked at and undone. A run that is a job already is not added again.
    pub fn recall(&mut self, environment: Option<EnvironmentIndex>, journal: Journal) -> JobId {
        if let Some(job) = self.all.iter().find(|j| {
            j.restore
                .as_ref()
                .and_then(|r| r.journal.as_ref())
                .is_some_and(|k| k.run == journal.run)
        }) {
            return job.id;
        }
        let plan = journal.plan.clone();
        let title = plan.title();
        let (id, _) = self.begin(title, environment, Some(plan));
        if let Some(job) = self.all.get_mut(id) {
            job.started = journal.started;
            job.take_steps(&journal);
            let finished = journal.finished;
            job.restored(Ok(Box::new(journal)));
            job.finished = finished.or(job.finished);
        }
        id
    }

    /// The job with that id, to be changed.
    pub fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.all.get_mut(id)
    }

    /// The job with that id; None where this start has no such job.
    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.all.get(id)
    }

    /// A job that is a restore, with its steps.
    pub fn restore(&self, id: JobId) -> Option<(&Job, &RestoreJob)> {
        let job = self.get(id)?;
        Some((job, job.restore.as_ref()?))
    }

    /// The jobs that are not finished, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &Job> {
        self.all.iter().filter(|j| j.state == JobState::Running)
    }

    /// A job that changes an environment now.
    pub fn changing(&self) -> Option<&Job> {
        self.running().find(|j| j.changes.is_some())
    }

    /// Asks to write the run of a job as a note for a ticket to the current folder; None without a
    /// journal.
    pub fn write_note(&self, id: JobId) -> Option<Effect> {
        let (_, restore) = self.restore(id)?;
        let journal = restore.journal.as_deref()?;
        let text = incident_note(journal, restore.checklist.as_deref(), RunProcess::Gone);
        Some(Effect::Write { name: format!("{}.md", journal.run), bytes: text.into_bytes() })
    }

    /// Why a change of this environment has to wait; none where no other is under way.
    pub fn wait_for(&self, environment: EnvironmentIndex) -> Option<String> {
        let other = self.running().find(|j| j.changes == Some(environment))?;
        Some(format!("wait: {} still runs", other.title))
    }
}

impl Job {
    /// How far it is, in words, at a time.
    pub fn describe_progress(&self, now: Timestamp) -> String {
        match &self.restore {
            Some(restore) => {
                let done = restore.steps.iter().filter(|s| s.state == StepState::Done).count();
                format!("step {done} of {}", restore.steps.len())
            }
            None if self.total > 0 => {
                let seconds = self.seconds(now);
                let rate = if seconds > 0.2 {
                    format!(" · {:.0}/s", self.done as f64 / seconds)
                } else {
                    String::new()
                };
                format!("{} of {} · {} KB{rate}", self.done, self.total, self.bytes / 1024)
            }
            None if self.state == JobState::Running => "asking what changed".into(),
            None => "nothing to download".into(),
        }
    }

    /// How many seconds it took, or has taken at a time.
    pub fn seconds(&self, now: Timestamp) -> f64 {
        self.finished.unwrap_or(now).duration_since(self.started).as_secs_f64()
    }

    /// Sets the steps to what a journal tells of them.
    fn take_steps(&mut self, journal: &Journal) {
        let Some(restore) = &mut self.restore else { return };
        for ((index, _), step) in journal.plan.indexed_steps().zip(&mut restore.steps) {
            if let Some(line) = journal.lines_of(index).next_back() {
                *step =
                    StepProgress { state: line.state, note: line.note.clone(), at: Some(line.at) };
            }
        }
    }

    /// Takes in how far the job is; a part that failed counts as done and leaves a note.
    pub fn progress(&mut self, progress: Progress) {
        match progress {
            Progress::Total { count } => self.total = count,
            Progress::Done { bytes, .. } => {
                self.done += 1;
                self.bytes += bytes;
            }
            Progress::Failed { what, why } => {
                self.done += 1;
                self.notes.push(format!("✗ {what}: {why}"));
            }
            Progress::Note { text } => self.notes.push(text),
            Progress::Waiting { index, text } => {
                if let Some(step) = self.restore.as_mut().and_then(|r| r.steps.get_mut(index.0)) {
                    step.note = text;
                }
            }
            Progress::Step { index, state, note } => {
                if let Some(step) = self.restore.as_mut().and_then(|r| r.steps.get_mut(index.0)) {
                    *step = StepProgress { state, note, at: Some(Timestamp::now()) };
                }
            }
        }
    }

    /// Ends with one line that says how.
    pub fn ended(&mut self, state: JobState, note: String) {
        self.notes.push(note);
        self.end(state);
    }

    fn end(&mut self, state: JobState) {
        self.state = state;
        self.finished = Some(Timestamp::now());
    }

    /// Ends a backup and says in one line how.
    pub fn backed_up(&mut self, result: Result<BackupOutcome, Failure>) -> String {
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(why) => {
                self.end(JobState::Failed);
                self.notes.push(why.to_string());
                return format!("{} failed: {why}", self.title);
            }
        };
        self.notes.extend(backup_notes(&outcome));
        let troubled = !outcome.failed.is_empty() || outcome.interrupted || outcome.id.is_none();
        self.end(match (troubled, &outcome.id) {
            (true, None) => JobState::Failed,
            (true, Some(_)) => JobState::Warned,
            (false, _) if !outcome.skipped.is_empty() || !outcome.secrets.is_empty() => {
                JobState::Warned
            }
            (false, _) => JobState::Done,
        });
        format!("{}: {}", self.title, backup_sentence(&outcome))
    }

    /// Ends a restore and says in one line how.
    pub fn restored(&mut self, result: Result<Box<Journal>, Failure>) -> String {
        let journal = match result {
            Ok(journal) => journal,
            Err(why) => {
                self.end(JobState::Failed);
                self.notes.push(why.to_string());
                return format!("{} did not begin: {why}", self.title);
            }
        };
        let ending = Ending::of(&journal, RunProcess::Gone);
        let state = match ending.tone {
            EndingTone::Good | EndingTone::Neutral => JobState::Done,
            EndingTone::Warning => JobState::Warned,
            EndingTone::Failing | EndingTone::Running => JobState::Failed,
        };
        if let Some(restore) = &mut self.restore {
            restore.journal = Some(journal);
        }
        self.end(state);
        ending.sentence
    }
}

/// What a backup left out or carries along, a line each.
fn backup_notes(outcome: &BackupOutcome) -> impl Iterator<Item = String> {
    let skipped = outcome.skipped.iter().map(|s| format!("– {}: {}", s.artifact, s.reason));
    let carried =
        outcome.secrets.iter().map(|c| format!("! {}: {}", c.artifact, c.secret.finding().what));
    let not_held =
        outcome.not_held.iter().map(|g| format!("not in the snapshot: {}: {}", g.what, g.why));
    skipped.chain(carried).chain(not_held).chain(outcome.notes.iter().cloned())
}

/// `12 exported, 200 unchanged, 1 failure: …`
fn backup_sentence(outcome: &BackupOutcome) -> String {
    let mut text = format!("{} exported, {} unchanged", outcome.downloaded, outcome.unchanged);
    if outcome.described > 0 {
        text.push_str(&format!(", {} described", outcome.described));
    }
    if outcome.interrupted {
        text.push_str(", cancelled");
    }
    if let Some(failed) = outcome.failed.first() {
        let count = plural(outcome.failed.len(), "failure");
        text.push_str(&format!(", {count}: {}", failed.error));
    }
    if !outcome.secrets.is_empty() {
        let count = plural(outcome.secrets.len(), "secret");
        text.push_str(&format!("; {count} carried along, named in the jobs"));
    }
    if let Some(skipped) = outcome.skipped.first() {
        let more = match outcome.skipped.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        text.push_str(&format!(", skipped {}: {}{more}", skipped.artifact, skipped.reason));
    }
    text
}
