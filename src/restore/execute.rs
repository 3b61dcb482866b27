//! The steps of one artifact of a run; each step can safely be repeated. Putting back is in
//! `revert.rs`, the proof in `prove.rs`.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    connection_values::ValueSources,
    error::StepError,
    journal::{FileRef, JournalLine, Recorder},
    live::{live_fingerprints, look},
    plan::{PlanItem, PlanStep, RestorePlan, StepKind, Strategy},
    retrying_client::{ALREADY, RetryingClient, ScheduleWrites, WriteParameters},
    smoke,
};
use crate::archive::ValidatedArchive;
use crate::model::{
    ArtifactKey, IntegrationId, ItemIndex, Kind, Manifest, ManifestEntry, Purpose,
    ScheduleParameters, Status, StepIndex,
};
use crate::oic::Client;
use crate::store::{Store, snapshot_id};
use crate::workspace::events::{Events, Progress, StepState, StopSignal};
use crate::workspace::source::read_kept;

/// Everything that the artifacts of a run share.
pub(super) struct Executor<'a> {
    pub plan: &'a RestorePlan,
    pub client: &'a Client,
    pub retrying: RetryingClient<'a>,
    pub store: &'a Store,
    pub recorder: &'a Recorder<'a>,
    pub events: &'a Events,
    pub stop: &'a StopSignal,
    /// The files to send, by item; empty where none is sent.
    pub payloads: &'a [Bytes],
    pub connection_values: &'a super::ConnectionValues,
}

/// Why an artifact did not complete its steps.
#[derive(Debug)]
pub(super) enum StepFailure {
    /// A step failed.
    Failed(StepError),
    /// A person stopped the run.
    Halted,
    /// Another artifact of the same run failed, and they stand or fall together.
    Together,
}

/// Whether a run begins anew or takes up an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunStart {
    New,
    /// Before each item it is found out what took effect already; that is not done again.
    Continued,
}

/// When an artifact is looked at: later, the run itself may have changed its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunPhase {
    Before,
    During,
}

/// A step of the plan, with its place among all.
type IndexedStep<'a> = (StepIndex, &'a PlanStep);

/// What a step did: in words, and for an activation how long the service took, in seconds.
#[derive(Debug, Default)]
struct StepRecord {
    note: String,
    seconds: Option<f64>,
}

impl From<String> for StepRecord {
    fn from(note: String) -> Self {
        Self { note, seconds: None }
    }
}

impl Executor<'_> {
    /// The item of an index of this run's plan.
    pub fn item(&self, at: ItemIndex) -> &PlanItem {
        &self.plan.items[at]
    }

    fn tell(&self, (index, step): IndexedStep<'_>, state: StepState, report: StepRecord) {
        let StepRecord { note, seconds } = report;
        let line = JournalLine {
            at: Timestamp::now(),
            item: Some(step.item),
            index: Some(index),
            step: step.text.clone(),
            state,
            note: note.clone(),
            seconds,
        };
        self.recorder.change(|j| j.lines.push(line));
        self.events.send(Progress::Step { index, state, note });
    }

    /// Makes sure that nobody changed an artifact since the plan was made.
    ///
    /// # Errors
    /// Where somebody changed it, or the service cannot be asked.
    pub async fn ensure_unchanged(&self, at: ItemIndex, when: RunPhase) -> Result<(), StepError> {
        let item = self.item(at);
        if item.within.is_some() {
            return Ok(());
        }
        let now = look(self.client, &item.key).await?;
        let updated = now.as_ref().and_then(|i| i.state.last_updated);
        let before = &item.before;
        let was_active = before.status.as_ref().map(|s| *s == Status::Active);
        let mut is_active = now.as_ref().map(|l| l.state.status == Status::Active);
        // This run itself may have swapped it out.
        let swapped = |other: &PlanItem| other.activate && other.before.swapped == item.id();
        if when == RunPhase::During
            && is_active.is_some()
            && item.id().is_some()
            && self.plan.items.iter().any(swapped)
        {
            is_active = was_active;
        }
        let gone = item.strategy == Strategy::Remove && now.is_none();
        if gone || before.last_updated == updated && was_active == is_active {
            return Ok(());
        }
        let by = now.and_then(|i| i.state.last_updated_by);
        let by = by.map(|who| format!(" by {who}")).unwrap_or_default();
        Err(StepError::Changed { artifact: name(&item.key), by })
    }

    /// Does all steps of one artifact that are not done.
    ///
    /// # Errors
    /// The step that failed, or who stopped the run.
    pub async fn forward(
        &self,
        at: ItemIndex,
        start: RunStart,
        others_failed: impl Fn() -> bool,
    ) -> Result<(), StepFailure> {
        let steps: Vec<IndexedStep<'_>> = self.plan.steps_of(at).collect();
        // An artifact that is to be removed may be gone already, whoever removed it.
        let look_first = start == RunStart::Continued || self.item(at).strategy == Strategy::Remove;
        if start == RunStart::Continued {
            self.reading(self.wait_for_import(at)).await?;
        }
        let skip = match look_first {
            true => self.reading(self.had_effect(at)).await?,
            false => Observed::default(),
        };
        for (nth, (index, step)) in steps.iter().enumerate() {
            if self.recorder.read(|j| j.items[at].done.contains(index)) {
                continue;
            }
            if self.stop.asked().is_some() {
                return Err(StepFailure::Halted);
            }
            if others_failed() {
                return Err(StepFailure::Together);
            }
            // The safety export takes a while: the artifact may have changed during it.
            let saved_before = nth > 0 && steps[nth - 1].1.kind == StepKind::SafetyExport;
            if saved_before && !look_first {
                let look = self.ensure_unchanged(at, RunPhase::During);
                self.reading(look).await.map_err(|failure| match failure {
                    StepFailure::Failed(why) => self.fail(at, &steps[nth..], why),
                    other => other,
                })?;
            }
            self.tell((*index, step), StepState::Running, StepRecord::default());
            self.recorder.change(|j| j.items[at].open = Some(*index));
            // No step is done without its line in the journal.
            if let Err(e) = self.recorder.save().await {
                self.recorder.change(|j| j.items[at].open = None);
                return Err(self.fail(at, &steps[nth..], e.into()));
            }
            let Some(result) = self.unless_halted(at, (*index, step), &skip).await else {
                return Err(StepFailure::Halted);
            };
            match result {
                Ok(report) => {
                    self.recorder.change(|j| {
                        let record = &mut j.items[at];
                        record.open = None;
                        record.done.push(*index);
                    });
                    self.tell((*index, step), StepState::Done, report);
                }
                Err(why) => return Err(self.fail(at, &steps[nth..], why)),
            }
        }
        Ok(())
    }

    /// Does what only reads; it is given up where a person stops the run.
    async fn reading<T>(
        &self,
        work: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepFailure> {
        match self.stop.unless_stopped(work).await {
            Some(done) => done.map_err(StepFailure::Failed),
            None => Err(StepFailure::Halted),
        }
    }

    /// Does one step; none where a person stopped the run in it. What only reads is given up at once;
    /// what may have changed something only where the run is to be held, and then the journal has
    /// it as open.
    async fn unless_halted(
        &self,
        at: ItemIndex,
        (index, step): IndexedStep<'_>,
        skip: &Observed,
    ) -> Option<Result<StepRecord, StepError>> {
        // On the heap: it holds all that its calls hold.
        let work = Box::pin(self.step(at, (index, step), skip));
        if !step.kind.changes() {
            let done = self.stop.unless_stopped(work).await;
            if done.is_none() {
                self.recorder.change(|j| j.items[at].open = None);
            }
            return done;
        }
        let work = async {
            let result = work.await;
            if step.kind.changes() && result.as_ref().is_err_and(StepError::leaves_open) {
                // Whoever looks next must not take what was before the call for what is.
                let retrying =
                    RetryingClient { waiting: Some((self.events, index)), ..self.retrying };
                retrying.wait_out_grace().await;
            }
            result
        };
        let mut work = std::pin::pin!(work);
        let done = self.stop.unless_held(self.retrying.retry_policy.hold, &mut work).await;
        if let (None, Some(silence)) = (&done, self.client.silence(Duration::ZERO)) {
            let why = format!("it was held before {} was answered", silence.call);
            self.recorder.change(|j| j.note_cause(why));
        }
        done
    }

    fn fail(&self, at: ItemIndex, rest: &[IndexedStep<'_>], why: StepError) -> StepFailure {
        self.recorder.change(|j| j.items[at].open = None);
        if let Some((failed, others)) = rest.split_first() {
            self.tell(*failed, StepState::Failed, why.to_string().into());
            let skipped = |step: &IndexedStep<'_>| {
                self.tell(*step, StepState::Skipped, StepRecord::default())
            };
            others.iter().for_each(skipped);
        }
        StepFailure::Failed(why)
    }

    /// Does one step. Where an error leaves it open whether the service did it, the item counts as
    /// changed.
    async fn step(
        &self,
        at: ItemIndex,
        (index, step): IndexedStep<'_>,
        skip: &Observed,
    ) -> Result<StepRecord, StepError> {
        let item = self.item(at);
        let waiting = Some((self.events, index));
        let retrying = RetryingClient { waiting, stop: Some(self.stop), ..self.retrying };
        let already = Ok(ALREADY.to_owned());
        let result: Result<String, StepError> = match &step.kind {
            StepKind::SafetyExport if skip.gone => return Ok(gone_already().into()),
            StepKind::SafetyExport => return Ok(self.safety_export(at).await?.into()),
            StepKind::Prove => return Ok(self.prove(at).await?.into()),
            StepKind::Test => return Ok(self.test(item, step).await?.into()),
            StepKind::Smoke => return Ok(self.smoke(item).await?.into()),
            StepKind::Other(kind) => return Err(StepError::UnknownStep(kind.clone())),
            StepKind::Activate if skip.active => already,
            StepKind::Activate => {
                self.changed(at);
                if let Some(runner) = &item.before.swapped {
                    self.note_parameters(at, runner).await;
                }
                return activate(&retrying, item).await;
            }
            StepKind::Configure => {
                let code = step.about.as_deref().unwrap_or_default();
                let scope = item.key.uses_scope();
                let kept = item.connections.get(code);
                // More than one call, where files are attached.
                self.changed(at);
                let settings = self.value_sources().settings(&scope, code, kept).await?;
                retrying.configure(&scope, code, &settings).await.map_err(StepError::from)
            }
            StepKind::Deactivate if skip.content || skip.gone => already,
            StepKind::Deactivate => {
                let id = match step.about.as_deref().map(str::parse) {
                    Some(Ok(id)) => Some(id),
                    Some(Err(_)) => return Err(StepError::UnknownStep(step.text.clone())),
                    None => item.id().filter(|_| !skip.inactive),
                };
                match id {
                    Some(id) => {
                        let said = retrying.deactivate(&id).await;
                        self.note_parameters(at, &id).await;
                        said
                    }
                    None => already,
                }
            }
            StepKind::AccessList => match item.access_list() {
                // A list that is refused is no reason to delete the project again: the proof says
                // what a person must do.
                Some(list) => match retrying.set_access_list(&item.key, list).await {
                    Err(e) if !e.is_ambiguous() && e.status() != Some(401) => {
                        Ok(format!("! not put back: {}; set it in the console", e.reason()))
                    }
                    other => other.map_err(StepError::from),
                },
                None => already,
            },
            StepKind::Import if skip.content => {
                self.brought(at);
                already
            }
            StepKind::Import => match &item.copy_of {
                Some(from) => retrying.copy(&item.key, from).await.map_err(StepError::from),
                None => {
                    let bytes = self.bytes(at)?;
                    let said = retrying.import(&item.key, bytes).await.map_err(StepError::from);
                    if said.is_ok() && item.key.kind == Kind::Project {
                        // What is proven, activated and scheduled next must be there.
                        self.changed(at);
                        self.brought(at);
                        self.recorder.change(|j| j.items[at].import_taken = true);
                        self.recorder.save().await?;
                        retrying.settled_import(&item.key, &self.members(at)).await?;
                    }
                    said
                }
            },
            StepKind::Replace if skip.content => already,
            StepKind::Replace => match item.wanted {
                Some(wanted) => {
                    self.look_last(at).await?;
                    let bytes = self.bytes(at)?;
                    if item.key.is_replaced_by_deleting() {
                        // It may be deleted although its import is refused.
                        self.changed(at);
                    }
                    retrying.replace(&item.key, bytes, wanted).await.map_err(StepError::from)
                }
                None => already,
            },
            StepKind::Delete if skip.gone => already,
            // Continued after the import: what is there is what was wanted.
            StepKind::Delete if skip.content && item.strategy == Strategy::Rebuild => already,
            StepKind::Delete => {
                self.look_last(at).await?;
                retrying.delete(&item.key).await.map_err(StepError::from)
            }
            // More than one call: a refusal of the second says nothing of the first.
            StepKind::Parameters | StepKind::Schedule => {
                self.changed(at);
                return Ok(self.schedule(&retrying, at, &step.kind).await?.into());
            }
        };
        // A clear refusal means that nothing was done: a 409 on an import means that somebody
        // else's artifact is there, and putting back must never take it for ours.
        if result.as_ref().map_or_else(StepError::may_have_changed, |_| true) {
            self.changed(at);
            match step.kind {
                StepKind::Import => self.brought(at),
                StepKind::Delete => self.recorder.change(|j| j.items[at].deleted = true),
                _ => {}
            }
        }
        Ok(result?.into())
    }

    /// Where the values of connections are from.
    pub fn value_sources(&self) -> ValueSources<'_> {
        ValueSources { client: self.client, store: self.store, typed: self.connection_values }
    }

    /// Waits for a project that this run imported and on which the service still works: else it
    /// would be taken for another one, and sent again.
    pub async fn wait_for_import(&self, at: ItemIndex) -> Result<(), StepError> {
        let item = self.item(at);
        let taken = self.recorder.read(|j| j.items[at].import_taken);
        if !taken || look(self.client, &item.key).await?.is_none() {
            return Ok(());
        }
        self.retrying.settled_import(&item.key, &self.members(at)).await
    }

    /// The integrations that a project or package brings.
    pub fn members(&self, at: ItemIndex) -> BTreeSet<IntegrationId> {
        let inside = self.plan.items.iter().filter(|item| item.within == Some(at));
        inside.filter_map(PlanItem::id).collect()
    }

    /// Sets the values of a schedule's parameters, or brings it to its state. Both define it first
    /// where it went with its integration.
    async fn schedule(
        &self,
        retrying: &RetryingClient<'_>,
        at: ItemIndex,
        kind: &StepKind,
    ) -> Result<String, StepError> {
        let item = self.item(at);
        let already = ALREADY.to_owned();
        let Some(id) = item.id() else { return Ok(already) };
        let times = item.changes_times() || item.comes_with_kept_times();
        let definition = item.schedule_definition();
        if *kind == StepKind::Parameters {
            let runner = item.before.swapped.as_ref().unwrap_or(&id);
            let planned = item.schedule_parameters();
            // What ran until now knows best where it was, unless a person wants what was stored.
            let stored = item.takes_stored_parameters();
            let values =
                if stored { planned.clone() } else { self.last_parameters(runner, planned) };
            let write = match stored || item.before.swapped.is_some() {
                true => WriteParameters::All,
                false => WriteParameters::Unset,
            };
            // Where a step brings it to a state, that one starts it.
            let restart = item.schedule.is_none();
            let writes = ScheduleWrites { definition, times, restart, parameters: &values, write };
            return retrying.restore_schedule(&id, None, writes).await;
        }
        if item.schedule.is_none() && !times {
            return Ok(already);
        }
        let (parameters, write) = (&ScheduleParameters::new(), WriteParameters::Unset);
        let writes = ScheduleWrites { definition, times, restart: true, parameters, write };
        retrying.restore_schedule(&id, item.schedule.as_ref(), writes).await
    }

    /// The last values of the parameters of what ran: those that were read when it stopped, else the
    /// planned ones.
    pub fn last_parameters(
        &self,
        runner: &IntegrationId,
        planned: &ScheduleParameters,
    ) -> ScheduleParameters {
        self.noted_parameters(runner).unwrap_or_else(|| planned.clone())
    }

    /// The values that were read when an integration stopped.
    fn noted_parameters(&self, id: &IntegrationId) -> Option<ScheduleParameters> {
        let id = id.to_string();
        self.recorder.read(|j| j.items.iter().find_map(|item| item.parameters.get(&id).cloned()))
    }

    /// Reads the values of an integration that has stopped, or is about to: its last run may have
    /// moved them since the plan was made. Where they cannot be read, the plan's count.
    async fn note_parameters(&self, at: ItemIndex, id: &IntegrationId) {
        let item = self.item(at);
        let members = item.before.inside.iter().flat_map(|inside| &inside.active);
        let known = !item.before.parameters.is_empty()
            || members.into_iter().any(|m| m.id == *id && !m.parameters.is_empty());
        if !known || self.noted_parameters(id).is_some() {
            return;
        }
        match self.client.schedule_parameters(id).await {
            Ok(values) => self.recorder.change(|j| {
                j.items[at].parameters.insert(id.to_string(), values);
            }),
            Err(e) => tracing::warn!("the schedule parameters of {id} count as planned: {e}"),
        }
    }

    /// Records that an item may have changed the environment.
    fn changed(&self, at: ItemIndex) {
        self.recorder.change(|j| j.items[at].changed = true);
    }

    /// Records that the live artifact may have been imported by this run.
    fn brought(&self, at: ItemIndex) {
        self.recorder.change(|j| j.items[at].brought = true);
    }

    /// The archive that is sent for an item; an error where the plan has none for it.
    pub fn bytes(&self, at: ItemIndex) -> Result<&Bytes, StepError> {
        self.payloads.get(at.0).filter(|b| !b.is_empty()).ok_or(StepError::NoPayload)
    }

    async fn test(&self, item: &PlanItem, step: &PlanStep) -> Result<String, StepError> {
        let code = step.about.as_deref().unwrap_or_default();
        let test = self.client.test_connection(&item.key.uses_scope(), code).await?;
        if test.success {
            return Ok(test.details);
        }
        Err(StepError::ConnectionTest { code: code.to_owned(), details: test.details })
    }

    async fn smoke(&self, item: &PlanItem) -> Result<String, StepError> {
        let mut notes = Vec::new();
        for call in
            self.client.environment().smoke.iter().filter(|s| s.integration == item.key.code)
        {
            notes.push(smoke::call(self.client, call).await?);
        }
        Ok(notes.join("; "))
    }

    /// Exports the live artifact to the store and reads it back. If the run fails, it is undone
    /// with this.
    async fn safety_export(&self, at: ItemIndex) -> Result<String, StepError> {
        let item = self.item(at);
        let exported = self.client.export(&item.key).await;
        let bytes = match exported {
            // The artifact that is to be removed was removed meanwhile.
            Err(e) if e.status() == Some(404) && item.strategy == Strategy::Remove => {
                return Ok(gone_already());
            }
            exported => exported?,
        };
        let read = read_kept(item.key.kind, bytes.clone()).await;
        let kept = read.map_err(StepError::UnreadableExport)?;
        if item.before.portable.is_some_and(|portable| portable != kept.fingerprints.portable) {
            return Err(StepError::Changed { artifact: name(&item.key), by: String::new() });
        }
        let whole = kept.fingerprints.full;
        let file = self.keep(item, kept, &bytes).await?;
        self.recorder.change(|j| j.items[at].safety = Some(file));
        Ok(format!("{} KB, {} kept and read back", bytes.len().div_ceil(1024), whole.short()))
    }

    /// Looks once more before content is lost: somebody may have changed an integration while it was
    /// being stopped. What they did is kept.
    ///
    /// # Errors
    /// [`StepError::ChangedMeanwhile`] where it is neither what was there nor what is wanted.
    async fn look_last(&self, at: ItemIndex) -> Result<(), StepError> {
        let item = self.item(at);
        let stops = self.plan.steps_of(at).any(|(_, step)| step.kind == StepKind::Deactivate);
        let (kept, begun) = self.recorder.read(|j| {
            let record = &j.items[at];
            (record.safety.is_some(), record.deleted || record.brought)
        });
        // What this run began to bring is neither what was there nor somebody else's.
        if !stops || !kept || begun || item.before.portable.is_none() {
            return Ok(());
        }
        let bytes = match self.client.export(&item.key).await {
            // Somebody deleted it: there is nothing to lose.
            Err(e) if e.status() == Some(404) => return Ok(()),
            exported => exported?,
        };
        let read = read_kept(item.key.kind, bytes.clone()).await;
        let read = read.map_err(StepError::UnreadableExport)?;
        let Some(file) = self.keep_theirs(item, read, &bytes).await? else { return Ok(()) };
        self.recorder.change(|j| j.items[at].theirs = true);
        let (artifact, path) = (name(&item.key), file.path);
        Err(StepError::ChangedMeanwhile { artifact, path })
    }

    /// Keeps an export where it is neither what was there nor what is wanted: somebody else made it.
    /// None where it is one of the two.
    pub async fn keep_theirs(
        &self,
        item: &PlanItem,
        read: ValidatedArchive,
        bytes: &Bytes,
    ) -> Result<Option<FileRef>, StepError> {
        let found = Some(read.fingerprints.portable);
        if found == item.before.portable || found == item.wanted {
            return Ok(None);
        }
        self.keep(item, read, bytes).await.map(Some)
    }

    /// Puts an export in the store under this run's name, and reads it back.
    pub async fn keep(
        &self,
        item: &PlanItem,
        kept: ValidatedArchive,
        bytes: &Bytes,
    ) -> Result<FileRef, StepError> {
        let (key, exported) = (&item.key, Timestamp::now());
        let fits = kept.code.is_empty()
            || (kept.code == key.code && (kept.version.is_none() || kept.version == key.version));
        if !fits {
            let of = ArtifactKey::new(kept.kind, kept.code, kept.version);
            return Err(StepError::OtherExport(of));
        }
        let environment = self.client.name();
        let entry = self.store.keep(environment, key, &kept, bytes.clone(), exported).await;
        let entry = ManifestEntry {
            status: item.before.status.clone().unwrap_or(Status::Configured),
            last_updated: item.before.last_updated,
            last_updated_by: item.before.last_updated_by.clone(),
            ..entry?
        };
        let (path, sha256) = (entry.path.clone(), entry.sha256.clone());
        let purpose = Purpose::Safety { run: self.recorder.read(|j| j.run.clone()) };
        let manifest = Manifest {
            finished: Timestamp::now(),
            entries: vec![entry],
            ..Manifest::new(snapshot_id(exported), environment.clone(), exported, purpose)
        };
        self.store.write_manifest(&manifest).await?;
        self.store.check(&path, bytes).await?;
        Ok(FileRef { path, sha256 })
    }

    async fn had_effect(&self, at: ItemIndex) -> Result<Observed, StepError> {
        let item = self.item(at);
        let there = look(self.client, &item.key).await?;
        let Some(there) = there else { return Ok(Observed { gone: true, ..Observed::default() }) };
        let content = match item.wanted {
            Some(_) => {
                live_fingerprints(self.client, &item.key).await?.map(|m| m.portable) == item.wanted
            }
            // Without a fingerprint, only its presence can be checked.
            None => matches!(item.strategy, Strategy::Import | Strategy::Activate),
        };
        let active = there.state.status == Status::Active;
        // What is still on its way is waited for.
        let inactive = !active && there.state.status != Status::Busy;
        Ok(Observed { content, active: active && content, inactive, gone: false })
    }
}

/// Activates an integration. An activation of this or of an earlier try may be under way already.
async fn activate(retrying: &RetryingClient<'_>, item: &PlanItem) -> Result<StepRecord, StepError> {
    let Some(id) = item.id() else { return Ok(StepRecord::default()) };
    let seconds = retrying.activate(&id).await?.as_secs_f64();
    let note = format!("active after {seconds:.1} s");
    Ok(StepRecord { note, seconds: Some(seconds) })
}

/// Which steps of an artifact took effect although the journal does not say so.
#[derive(Debug, Default)]
struct Observed {
    /// The live artifact has the wanted fingerprint.
    content: bool,
    active: bool,
    inactive: bool,
    gone: bool,
}

fn gone_already() -> String {
    "it is gone already".into()
}

pub(super) fn name(key: &ArtifactKey) -> String {
    key.integration_id().map_or_else(|| key.to_string(), |id| id.to_string())
}
