//! What each kind of step does. All of them can safely be repeated.

use super::{
    error::StepError,
    execute::{Executor, IndexedStep, Observed, StepRecord, gone_already},
    plan::{PlanItem, PlanStep, StepKind, Strategy},
    retrying_client::{ALREADY, RetryingClient, ScheduleWrites, WriteParameters},
    smoke,
};
use crate::model::{IntegrationId, ItemIndex, Kind, ScheduleParameters};

impl Executor<'_> {
    /// Does one step. Where an error leaves it open whether the service did it, the item counts as
    /// changed.
    pub(super) async fn step(
        &self,
        at: ItemIndex,
        (index, step): IndexedStep<'_>,
        skip: &Observed,
    ) -> Result<StepRecord, StepError> {
        let item = self.item(at);
        let waiting = Some((self.events, index));
        let retrying = &RetryingClient { waiting, stop: Some(self.stop), ..self.retrying };
        let already = Ok(ALREADY.to_owned());
        let result: Result<String, StepError> = match &step.kind {
            StepKind::SafetyExport if skip.gone => return Ok(gone_already().into()),
            StepKind::SafetyExport => return Ok(self.safety_export(at).await?.into()),
            StepKind::Prove => return Ok(self.prove(at).await?.into()),
            StepKind::Test => return Ok(self.test(item, step).await?.into()),
            StepKind::Smoke => return Ok(self.smoke(item).await?.into()),
            StepKind::ByHand => return Err(StepError::UnknownStep("by_hand".into())),
            StepKind::Other(kind) => return Err(StepError::UnknownStep(kind.clone())),
            StepKind::Activate if skip.active => already,
            StepKind::Activate => return self.activate(retrying, at).await,
            StepKind::Configure => self.configure(retrying, at, step).await,
            StepKind::Deactivate if skip.content || skip.gone => already,
            StepKind::Deactivate => self.deactivate(retrying, at, step, skip).await,
            StepKind::AccessList => set_access_list(retrying, item).await,
            StepKind::Import if skip.content => {
                self.brought(at);
                already
            }
            StepKind::Import => self.import(retrying, at).await,
            StepKind::Replace if skip.content => already,
            StepKind::Replace => self.replace(retrying, at).await,
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
                return Ok(self.schedule(retrying, at, &step.kind).await?.into());
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

    /// Activates an integration. An activation of this or of an earlier try may be under way
    /// already.
    async fn activate(
        &self,
        retrying: &RetryingClient<'_>,
        at: ItemIndex,
    ) -> Result<StepRecord, StepError> {
        let item = self.item(at);
        self.changed(at);
        if let Some(runner) = &item.before.swapped {
            self.note_parameters(at, runner).await;
        }
        let Some(id) = item.id() else { return Ok(StepRecord::default()) };
        let seconds = retrying.activate(&id).await?.as_secs_f64();
        let note = format!("active after {seconds:.1} s");
        Ok(StepRecord { note, seconds: Some(seconds) })
    }

    async fn configure(
        &self,
        retrying: &RetryingClient<'_>,
        at: ItemIndex,
        step: &PlanStep,
    ) -> Result<String, StepError> {
        let item = self.item(at);
        let code = step.about.as_deref().unwrap_or_default();
        let scope = item.key.uses_scope();
        let kept = item.connections.get(code);
        // More than one call, where files are attached.
        self.changed(at);
        let settings = self.value_sources().settings(&scope, code, kept).await?;
        retrying.configure(&scope, code, &settings).await.map_err(StepError::from)
    }

    async fn deactivate(
        &self,
        retrying: &RetryingClient<'_>,
        at: ItemIndex,
        step: &PlanStep,
        skip: &Observed,
    ) -> Result<String, StepError> {
        let id = match step.about.as_deref().map(str::parse) {
            Some(Ok(id)) => id,
            Some(Err(_)) => return Err(StepError::UnknownStep(step.text.clone())),
            None => match self.item(at).id().filter(|_| !skip.inactive) {
                Some(id) => id,
                None => return Ok(ALREADY.into()),
            },
        };
        let said = retrying.deactivate(&id).await;
        self.note_parameters(at, &id).await;
        said
    }

    async fn import(
        &self,
        retrying: &RetryingClient<'_>,
        at: ItemIndex,
    ) -> Result<String, StepError> {
        let key = &self.item(at).key;
        if let Some(from) = &self.item(at).copy_of {
            return retrying.copy(key, from).await.map_err(StepError::from);
        }
        let said = retrying.import(key, self.bytes(at)?).await?;
        if key.kind == Kind::Project {
            // What is proven, activated and scheduled next must be there.
            self.changed(at);
            self.brought(at);
            self.recorder.change(|j| j.items[at].import_taken = true);
            self.recorder.save().await?;
            retrying.wait_for_import(key, &self.members(at)).await?;
        }
        Ok(said)
    }

    async fn replace(
        &self,
        retrying: &RetryingClient<'_>,
        at: ItemIndex,
    ) -> Result<String, StepError> {
        let item = self.item(at);
        let Some(wanted) = item.wanted else { return Ok(ALREADY.into()) };
        self.look_last(at).await?;
        let bytes = self.bytes(at)?;
        if item.key.is_replaced_by_deleting() {
            // It may be deleted although its import is refused.
            self.changed(at);
        }
        retrying.replace(&item.key, bytes, wanted).await.map_err(StepError::from)
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
        let all = self.client.environment().smoke.iter();
        for call in all.filter(|call| call.is_of(&item.key.scope, &item.key.code)) {
            notes.push(smoke::call(self.client, call).await?);
        }
        Ok(notes.join("; "))
    }
}

/// Puts back who may do what in a project. A list that is refused is no reason to delete the
/// project again: the proof says what a person must do.
async fn set_access_list(
    retrying: &RetryingClient<'_>,
    item: &PlanItem,
) -> Result<String, StepError> {
    let Some(list) = item.access_list() else { return Ok(ALREADY.into()) };
    match retrying.set_access_list(&item.key, list).await {
        Err(e) if !e.is_ambiguous() && e.status() != Some(401) => {
            let now = "until it is set in the console, the project may be open to everybody";
            Ok(format!("! not put back: {e}; {now}"))
        }
        other => other.map_err(StepError::from),
    }
}
