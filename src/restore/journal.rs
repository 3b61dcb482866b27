//! The journal of a run. It is written before each step, so that nothing is ever done unrecorded,
//! and it is complete enough for another process to continue or undo the run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    error::KeptFileError,
    execute::name,
    plan::{LeftOut, RestorePlan, StepKind},
};
use crate::archive::sha256_hex;
use crate::model::{Fingerprint, ItemIndex, RunId, ScheduleParameters, StepIndex};
use crate::store::{Store, StoreError};
use crate::workspace::events::StepState;

/// How a run, or one artifact of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// The wanted state is reached and proven.
    Restored,
    /// A step failed; the state before the run is reached again and proven.
    PutBack,
    /// Nothing was changed.
    Untouched,
    /// Of several independent artifacts, some are restored and the others put back or untouched.
    Partly,
    /// A person stopped it, or the service is still at work on it; it can be continued or undone.
    Held,
    /// A step failed and putting back could not be proven; it can be continued or undone.
    Unfinished,
    /// A person decided to leave everything as it is.
    Left,
}

impl RunOutcome {
    /// Whether somebody should still do something.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Unfinished)
    }
}

/// Two portable fingerprints: what was wanted, and what an export gave afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The wanted one; none where the artifact is to be absent.
    pub wanted: Option<Fingerprint>,
    pub found: Option<Fingerprint>,
    /// What else was looked at, in words.
    pub facts: Vec<String>,
    /// What is not as wanted and is no reason to put everything back: a person must do it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Proof {
    /// Whether what was found is what was wanted.
    pub fn holds(&self) -> bool {
        self.found == self.wanted
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    pub at: Timestamp,
    /// The item that the line is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemIndex>,
    /// The step of the plan; none where the line is about something else, such as a person who
    /// takes the run over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<StepIndex>,
    /// The step's text, or what the line is about.
    pub step: String,
    pub state: StepState,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// How long the service took for an activation that this run made, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Who carries out a run, and in which process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOwner {
    pub user: String,
    pub host: String,
    pub process: u32,
}

impl RunOwner {
    /// The user and the machine of this process.
    pub fn me() -> Self {
        let variable = |names: &[&str]| {
            names.iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()))
        };
        Self {
            user: variable(&["USER", "USERNAME", "LOGNAME"]).unwrap_or_else(|| "somebody".into()),
            host: variable(&["HOSTNAME", "COMPUTERNAME"])
                .or_else(host_of_the_system)
                .unwrap_or_else(|| "a host".into()),
            process: std::process::id(),
        }
    }

    /// Why nobody else may take this run up now.
    pub fn still_runs(&self, run: &RunId) -> String {
        format!("{} on {} still runs {run}", self.user, self.host)
    }
}

fn host_of_the_system() -> Option<String> {
    let text = std::fs::read_to_string("/etc/hostname").ok()?;
    Some(crate::model::visible(text.trim()).into_owned()).filter(|t| !t.is_empty())
}

/// A file that a run needs: where it lies and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    pub path: String,
    pub sha256: String,
}

/// The progress of one item of the plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemProgress {
    /// The file that is sent, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileRef>,
    /// The safety export, for putting back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<FileRef>,
    /// Of a project that is rebuilt: its lookups that its archive does not hold, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub safety_lookups: BTreeMap<String, FileRef>,
    /// Whether the service took the old content when it was put back: it is not sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sent_back: bool,
    /// Steps that are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<StepIndex>,
    /// A step that was begun and whose end is not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<StepIndex>,
    /// Whether this item may have changed the environment.
    #[serde(default)]
    pub changed: bool,
    /// Whether the live artifact may have been imported by this run.
    #[serde(default)]
    pub brought: bool,
    /// Whether this run may have deleted it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Whether somebody else changed it while it was stopped: what they did stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub theirs: bool,
    /// Whether the service said that it took the import: what is there then is this run's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub import_taken: bool,
    /// Values of schedule parameters as they were when what ran stopped, by the integration's id:
    /// what the plan read may be older.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ScheduleParameters>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RunOutcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Why it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it could not be put back when that was last tried, and what a person does then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_put_back: Option<NotPutBack>,
}

/// Why an artifact is not as it was before a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotPutBack {
    pub why: String,
    /// What a person does; none where another artifact says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl NotPutBack {
    /// Tells a person something before all else.
    pub(super) fn advise_first(&mut self, text: String) {
        let then = self.advice.take().map(|advice| format!("; {advice}")).unwrap_or_default();
        self.advice = Some(format!("{text}{then}"));
    }
}

impl ItemProgress {
    /// Whether its end was proven.
    pub fn is_proven(&self) -> bool {
        self.proof.as_ref().is_some_and(Proof::holds)
    }

    /// Notes that it is as it was before the run.
    pub(super) fn set_back(&mut self) {
        self.outcome = Some(RunOutcome::PutBack);
        self.not_put_back = None;
        (self.open, self.changed, self.brought) = (None, false, false);
        self.deleted = false;
        self.done.clear();
    }

    /// Why the artifact is not as it was wanted: each cause once.
    pub fn why(&self) -> Option<String> {
        self.why_after("")
    }

    /// The same, after what was told before.
    fn why_after(&self, told: &str) -> Option<String> {
        let Some(back) = &self.not_put_back else { return self.error.clone() };
        let failed = match &self.error {
            Some(error) if *error == back.why => "PUTTING BACK FAILED for the same reason".into(),
            None if told.contains(&back.why) => "PUTTING BACK FAILED for the same reason".into(),
            _ => format!("PUTTING BACK FAILED: {}", back.why),
        };
        let texts = self.error.iter().chain([&failed]).chain(&back.advice);
        Some(texts.map(String::as_str).collect::<Vec<_>>().join("; "))
    }
}

/// The record of a run, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    pub run: RunId,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    /// When it was last written: a run whose beat is old counts as cut off.
    pub beat: Timestamp,
    pub by: RunOwner,
    pub plan: RestorePlan,
    pub items: Vec<ItemProgress>,
    pub lines: Vec<JournalLine>,
    /// None while it runs: a journal without one tells of a run that was cut off.
    pub result: Option<RunOutcome>,
    /// The proof of the artifact that was asked for.
    pub proof: Option<Proof>,
    /// The first cause why what was wanted is not there.
    pub error: Option<String>,
    /// How undoing it ended, where it was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// The times in which nobody worked on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
}

/// From where a run stopped to where it was taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl std::ops::Index<ItemIndex> for Vec<ItemProgress> {
    type Output = ItemProgress;

    fn index(&self, at: ItemIndex) -> &ItemProgress {
        &self[at.0]
    }
}

impl std::ops::IndexMut<ItemIndex> for Vec<ItemProgress> {
    fn index_mut(&mut self, at: ItemIndex) -> &mut ItemProgress {
        &mut self[at.0]
    }
}

impl Journal {
    /// What a person must still do, of all artifacts that were restored.
    pub fn remarks(&self) -> Vec<String> {
        let proofs = self.items.iter().filter_map(|item| item.proof.as_ref());
        let of_proofs = proofs.flat_map(|proof| &proof.remarks).cloned();
        of_proofs.chain(self.plan.left_out.iter().map(LeftOut::describe)).collect()
    }

    /// Its file in the store, as a person finds it.
    pub fn path(&self) -> String {
        crate::store::journal_path(&self.run)
    }

    /// A journal of a plan of which no step is done.
    pub fn begin(run: RunId, plan: &RestorePlan) -> Self {
        let now = Timestamp::now();
        Self {
            run,
            started: now,
            finished: None,
            beat: now,
            by: RunOwner::me(),
            plan: plan.clone(),
            items: plan.items.iter().map(|_| ItemProgress::default()).collect(),
            lines: vec![],
            result: None,
            proof: None,
            error: None,
            undo: None,
            pauses: Vec::new(),
        }
    }

    /// Why the run ended as it did: the first cause, and what is not as it was before. Each cause
    /// stands there once.
    pub fn why(&self) -> Option<String> {
        let several = self.items.len() > 1;
        let unfinished = self.plan.items.iter().zip(&self.items);
        let unfinished = unfinished.filter(|(_, p)| p.outcome == Some(RunOutcome::Unfinished));
        let mut causes: Vec<String> = Vec::new();
        for (item, progress) in unfinished {
            // Where another artifact says what to do, it says why, too.
            let told_there = progress.not_put_back.as_ref().is_some_and(|b| b.advice.is_none());
            let told = self.error.as_deref().unwrap_or_default();
            let Some(why) = progress.why_after(told).filter(|_| !told_there) else { continue };
            causes.push(if several { format!("{}: {why}", name(&item.key)) } else { why });
        }
        let first = self.error.iter().filter(|e| !causes.iter().any(|c| c.starts_with(*e)));
        let all: Vec<&str> = first.chain(&causes).chain(&self.undo).map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Adds a line that belongs to no item.
    pub fn line(&mut self, step: impl Into<String>, state: StepState, note: impl Into<String>) {
        self.lines.push(JournalLine {
            at: Timestamp::now(),
            item: None,
            index: None,
            step: step.into(),
            state,
            note: note.into(),
            seconds: None,
        });
    }

    /// The lines of one step, oldest first.
    pub fn lines_of(&self, index: StepIndex) -> impl DoubleEndedIterator<Item = &JournalLine> {
        self.lines.iter().filter(move |l| l.index == Some(index))
    }

    /// How long the service took for the last activation of this run, in seconds; none where it
    /// made none.
    pub fn last_activation(&self) -> Option<f64> {
        self.lines.iter().rev().find_map(|l| l.seconds)
    }

    /// The time from the first step of an item to the end of its last; none where none was begun.
    pub fn span(&self, item: ItemIndex) -> Option<(Timestamp, Timestamp)> {
        let mut of =
            self.lines.iter().filter(|l| l.item == Some(item) && l.state != StepState::Skipped);
        let first = of.next()?.at;
        Some((first, of.next_back().map_or(first, |l| l.at)))
    }

    /// How long it was worked on between two times, in seconds.
    pub fn worked(&self, from: Timestamp, to: Timestamp) -> f64 {
        let within = |p: &Pause| to.min(p.until).duration_since(from.max(p.from)).as_secs_f64();
        let paused: f64 = self.pauses.iter().map(|p| within(p).max(0.0)).sum();
        to.duration_since(from).as_secs_f64() - paused
    }

    /// Whether an item may have changed the environment; a step without an end counts.
    pub fn touched(&self, item: ItemIndex) -> bool {
        let Some(progress) = self.items.get(item.0) else { return false };
        progress.changed || self.open_kind(item).is_some_and(|kind| kind.changes())
    }

    /// Notes as held what may have changed something and was given no end, however the run came to
    /// leave it: it must never count as untouched.
    pub(super) fn hold_what_is_open(&mut self) {
        for at in self.plan.item_indices() {
            if self.touched(at)
                && let Some(progress) = self.items.get_mut(at.0)
            {
                progress.outcome.get_or_insert(RunOutcome::Held);
            }
        }
    }

    /// Notes why a run does not come to its end; the first cause counts.
    pub(super) fn note_cause(&mut self, why: impl Into<String>) {
        self.error.get_or_insert_with(|| why.into());
    }

    /// Whether the run may have left the environment changed.
    pub fn changed(&self) -> bool {
        (0..self.items.len()).any(|n| self.touched(ItemIndex(n)))
    }

    /// Whether a run deleted an artifact, or may have.
    pub fn may_have_deleted(&self, item: ItemIndex) -> bool {
        let Some(progress) = self.items.get(item.0) else { return false };
        let deletes =
            |s: &StepIndex| self.plan.step(*s).is_some_and(|s| s.kind == StepKind::Delete);
        progress.deleted || progress.open.iter().chain(&progress.done).any(deletes)
    }

    /// The kind of an item's step that was begun and has no end.
    pub fn open_kind(&self, item: ItemIndex) -> Option<&StepKind> {
        let open = self.items.get(item.0)?.open?;
        self.plan.step(open).map(|s| &s.kind)
    }

    /// Whether the run waits for somebody to continue or undo it.
    pub fn is_open(&self) -> bool {
        self.result.is_none_or(RunOutcome::is_open)
    }

    /// The outcome of the whole run, from the outcomes of its items.
    pub(super) fn sum_up(&self) -> RunOutcome {
        let ends: Vec<RunOutcome> =
            self.items.iter().map(|r| r.outcome.unwrap_or(RunOutcome::Untouched)).collect();
        let any = |outcome: RunOutcome| ends.contains(&outcome);
        // An item that needed no change is good where it was as wanted before, or came with another
        // item and was proven.
        let good = |n: usize| {
            let progress = &self.items[n];
            let proven = progress.is_proven();
            ends[n] == RunOutcome::Restored
                || (ends[n] == RunOutcome::Untouched
                    && progress.error.is_none()
                    && (self.plan.items[n].as_wanted || proven))
        };
        let all_good = (0..ends.len()).all(good);
        match () {
            () if any(RunOutcome::Unfinished) => RunOutcome::Unfinished,
            () if any(RunOutcome::Held) => RunOutcome::Held,
            () if all_good && any(RunOutcome::Restored) => RunOutcome::Restored,
            () if any(RunOutcome::Restored) => RunOutcome::Partly,
            () if any(RunOutcome::PutBack) => RunOutcome::PutBack,
            () => RunOutcome::Untouched,
        }
    }
}

/// Writes a journal that several artifacts change at once. One write may carry many changes;
/// whoever waits for a change returns as soon as it is on disk.
pub(super) struct Recorder<'a> {
    store: &'a Store,
    journal: Mutex<(Journal, u64)>,
    /// The number of the last change that is on disk.
    written: tokio::sync::Mutex<u64>,
}

impl<'a> Recorder<'a> {
    /// A writer whose journal is not in the store before the first write.
    pub fn new(store: &'a Store, journal: Journal) -> Self {
        Self { store, journal: Mutex::new((journal, 1)), written: tokio::sync::Mutex::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, (Journal, u64)> {
        // A panic while a line is added leaves a journal that is still true.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store that the journal is written to.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Reads the journal in memory.
    pub fn read<T>(&self, look: impl FnOnce(&Journal) -> T) -> T {
        look(&self.lock().0)
    }

    /// Changes the journal in memory; [`Self::save`] writes it.
    pub fn change<T>(&self, change: impl FnOnce(&mut Journal) -> T) -> T {
        let mut held = self.lock();
        held.1 += 1;
        change(&mut held.0)
    }

    /// Returns once all that was changed before is on disk.
    ///
    /// # Errors
    /// Where the store cannot be written: then nothing may be changed.
    pub async fn save(&self) -> Result<(), StoreError> {
        let wanted = self.lock().1;
        let mut written = self.written.lock().await;
        if *written >= wanted {
            return Ok(());
        }
        let (journal, version) = {
            let mut held = self.lock();
            held.0.beat = Timestamp::now();
            held.clone()
        };
        self.store.write_journal(&journal.run, &journal).await?;
        *written = version;
        Ok(())
    }

    /// Records that the run is alive.
    pub async fn beat(&self) {
        self.change(|_| ());
        if let Err(e) = self.save().await {
            tracing::warn!("the journal is not written: {e}");
        }
    }

    /// The journal as it stands, written or not.
    pub fn into_inner(self) -> Journal {
        self.journal.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Reads a file of a run and checks that it is unchanged.
///
/// # Errors
/// Where it cannot be read, or its bytes are others.
pub(super) async fn read_file_ref(store: &Store, kept: &FileRef) -> Result<Bytes, KeptFileError> {
    let bytes = store.bytes(&kept.path).await?;
    if sha256_hex(&bytes) != kept.sha256 {
        return Err(KeptFileError::Changed { path: kept.path.clone() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::Status;
    use crate::restore::{fixture, plan::PlanStep};

    #[rstest]
    #[case::nothing_was_begun(|_: &mut ItemProgress, _: StepIndex| {}, RunOutcome::Untouched)]
    #[case::a_change_is_open(|progress: &mut ItemProgress, index: StepIndex| progress.open = Some(index), RunOutcome::Held)]
    #[case::a_change_took_effect(|progress: &mut ItemProgress, _: StepIndex| progress.changed = true, RunOutcome::Held)]
    #[case::an_end_stays(
        |progress: &mut ItemProgress, _: StepIndex| (progress.changed, progress.outcome) = (true, Some(RunOutcome::PutBack)),
        RunOutcome::PutBack
    )]
    fn what_may_have_changed_something_never_counts_as_untouched(
        #[case] how: impl Fn(&mut ItemProgress, StepIndex),
        #[case] ends: RunOutcome,
    ) {
        let there = fixture::Part::integration("SYNC").there(Status::Active, "2");
        let plan = RestorePlan::of(&fixture::restore_one(there));
        let id = crate::store::run_id(Timestamp::UNIX_EPOCH, "restore");
        let mut journal = Journal::begin(id, &plan);
        let changes = |(_, step): &(StepIndex, &PlanStep)| step.kind.changes();
        let (index, _) = plan.steps_of(ItemIndex(0)).find(changes).unwrap();
        how(&mut journal.items[0], index);
        journal.hold_what_is_open();
        assert_eq!(journal.sum_up(), ends);
    }
}
