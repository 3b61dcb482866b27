//! Takes one artifact of a run through its steps, with a line in the journal before each. What a
//! step does is in `steps.rs`, putting back in `revert.rs`, the proof in `prove.rs`.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    connection_values::ValueSources,
    error::StepError,
    journal::{JournalLine, Recorder, RunOutcome},
    live::{look, means},
    plan::{PlanItem, PlanStep, RestorePlan, StepKind, Strategy},
    retrying_client::RetryingClient,
};
use crate::model::{ArtifactKey, IntegrationId, ItemIndex, ScheduleParameters, Status, StepIndex};
use crate::oic::Client;
use crate::store::Store;
use crate::workspace::events::{Events, Progress, StepState, StopSignal};

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
pub(super) type IndexedStep<'a> = (StepIndex, &'a PlanStep);

/// What a step did: in words, and for an activation how long the service took, in seconds.
#[derive(Debug, Default)]
pub(super) struct StepRecord {
    pub note: String,
    pub seconds: Option<f64>,
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
        // What goes with a project is looked at with it.
        if item.within.is_some() || self.plan.rebuilt_project_of(item).is_some() {
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
                        let progress = &mut j.items[at];
                        progress.open = None;
                        progress.done.push(*index);
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

    /// Does one step; none where a person stopped the run in it. What only reads is given up at
    /// once; what may have changed something only where the run is to be held, and then the journal
    /// has it as open.
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

    /// Where the values of connections are from.
    pub fn value_sources(&self) -> ValueSources<'_> {
        ValueSources { client: self.client, store: self.store, typed: self.connection_values }
    }

    /// Finds out whether the values of all connections that are still to be set can be read.
    pub async fn values_are_readable(&self) -> Result<(), StepError> {
        for at in self.plan.item_indices() {
            if self.recorder.read(|j| j.items[at].outcome == Some(RunOutcome::Restored)) {
                continue;
            }
            let scope = self.item(at).key.uses_scope();
            let steps = self.plan.steps_of(at).filter(|(_, step)| step.kind == StepKind::Configure);
            for code in steps.filter_map(|(_, step)| step.about.as_ref()) {
                self.value_sources().are_readable(&scope, code).await?;
            }
        }
        Ok(())
    }

    /// Waits for a project that this run imported and on which the service still works: else it
    /// would be taken for another one, and sent again.
    pub async fn wait_for_import(&self, at: ItemIndex) -> Result<(), StepError> {
        let item = self.item(at);
        let taken = self.recorder.read(|j| j.items[at].import_taken);
        if !taken || look(self.client, &item.key).await?.is_none() {
            return Ok(());
        }
        self.retrying.wait_for_import(&item.key, &self.members(at)).await
    }

    /// The integrations that a project or package brings.
    pub fn members(&self, at: ItemIndex) -> BTreeSet<IntegrationId> {
        let inside = self.plan.items.iter().filter(|item| item.within == Some(at));
        inside.filter_map(PlanItem::id).collect()
    }

    /// The last values of the parameters of what ran: those that were read when it stopped, else
    /// the planned ones.
    pub fn last_parameters(
        &self,
        runner: &IntegrationId,
        planned: &ScheduleParameters,
    ) -> ScheduleParameters {
        self.noted_parameters(runner).unwrap_or_else(|| planned.clone())
    }

    /// The values that were read when an integration stopped.
    pub fn noted_parameters(&self, id: &IntegrationId) -> Option<ScheduleParameters> {
        let id = id.to_string();
        self.recorder.read(|j| j.items.iter().find_map(|item| item.parameters.get(&id).cloned()))
    }

    /// Records that an item may have changed the environment.
    pub fn changed(&self, at: ItemIndex) {
        self.recorder.change(|j| j.items[at].changed = true);
    }

    /// Records that the live artifact may have been imported by this run.
    pub fn brought(&self, at: ItemIndex) {
        self.recorder.change(|j| j.items[at].brought = true);
    }

    /// The archive that is sent for an item; an error where the plan has none for it.
    pub fn bytes(&self, at: ItemIndex) -> Result<&Bytes, StepError> {
        self.payloads.get(at.0).filter(|b| !b.is_empty()).ok_or(StepError::NoPayload)
    }

    async fn had_effect(&self, at: ItemIndex) -> Result<Observed, StepError> {
        let item = self.item(at);
        let there = look(self.client, &item.key).await?;
        let Some(there) = there else { return Ok(Observed { gone: true, ..Observed::default() }) };
        let content = match item.wanted {
            Some(wanted) => means(self.client, &item.key, wanted).await?,
            // Without a fingerprint, only its presence can be checked.
            None => matches!(item.strategy, Strategy::Import | Strategy::Activate),
        };
        let active = there.state.status == Status::Active;
        // What is still on its way is waited for.
        let inactive = !active && there.state.status != Status::Busy;
        Ok(Observed { content, active: active && content, inactive, gone: false })
    }
}

/// Which steps of an artifact took effect although the journal does not say so.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// The live artifact has the wanted fingerprint.
    pub content: bool,
    pub active: bool,
    pub inactive: bool,
    pub gone: bool,
}

pub(super) fn gone_already() -> String {
    "it is gone already".into()
}

pub(super) fn name(key: &ArtifactKey) -> String {
    key.integration_id().map_or_else(|| key.to_string(), |id| id.to_string())
}
