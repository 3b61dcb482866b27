//! Puts one artifact back to the state before the run, from whichever step it stopped at, and
//! proves it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    error::StepError,
    execute::{Executor, name},
    journal::{FileRef, NotPutBack, RunOutcome},
    live::{live_fingerprints, look, means},
    plan::{PlanItem, StepKind, Strategy},
    retrying_client::{ScheduleWrites, WriteParameters, telling},
};
use crate::model::{
    ArtifactKey, Fingerprint, ItemIndex, Kind, ScheduleParameters, Status, StepIndex,
};
use crate::oic::ActivationState;
use crate::workspace::events::{Progress, StepState};
use crate::workspace::source::read_kept;

/// The longest pause between two tries of putting back.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Executor<'_> {
    /// Puts an artifact back to the state before the run and proves it. Failures that may pass are
    /// retried for minutes, because people rely on this.
    pub async fn back(&self, at: ItemIndex) -> RunOutcome {
        let key = &self.item(at).key;
        let text = format!("put back {}", name(key));
        self.recorder.change(|j| j.line(&text, StepState::Running, ""));
        if let Err(e) = self.recorder.save().await {
            // Putting back matters more than the line about it.
            tracing::warn!("the journal is not written: {e}");
        }
        let work = Box::pin(self.put_back_at_last(at, &text));
        match self.stop.unless_held(self.retrying.retry_policy.hold, work).await {
            Some(result) => {
                let outcome = self.record_outcome(at, &text, result);
                if key.kind == Kind::Project {
                    if outcome == RunOutcome::Unfinished {
                        Box::pin(self.say_what_is_missing(at)).await;
                    }
                    Box::pin(self.judge_members(at)).await;
                }
                outcome
            }
            // As where it is cut off: nobody knows what the last call did.
            None => {
                self.events.send(Progress::Note { text: format!("{text}: held") });
                self.recorder.change(|j| {
                    j.items[at].outcome = Some(RunOutcome::Held);
                    j.note_cause("a person held it");
                });
                RunOutcome::Held
            }
        }
    }

    /// Tries to put an artifact back until it succeeds, or the patience ends.
    async fn put_back_at_last(&self, at: ItemIndex, text: &str) -> Result<String, StepError> {
        let retry_policy = self.retrying.retry_policy;
        let most = self.client.environment().deadlines.put_back;
        let mut pause = retry_policy.again;
        let (mut tries, began) = (0, Instant::now());
        loop {
            tries += 1;
            let why = match Box::pin(self.put_back(at)).await {
                Ok(note) => return Ok(note),
                Err(why) if tries >= retry_policy.put_back || why.hangs() => return Err(why),
                // What it shows may be old for a moment, and not longer.
                Err(why @ StepError::PutBackOtherwise { .. }) if tries > 2 => return Err(why),
                Err(why) if began.elapsed() >= most => return Err(why),
                Err(why) => why,
            };
            // The next try looks at what is there, which must not be what was before this one.
            let rest = match why.leaves_open() {
                true => pause.max(self.retrying.grace()),
                false => pause,
            };
            let note = |text: String| self.events.send(Progress::Note { text });
            note(format!("{text}: {why}"));
            telling(rest, |left| note(format!("{text}: trying again in {left} s"))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Records and tells how putting an artifact back ended.
    fn record_outcome(
        &self,
        at: ItemIndex,
        text: &str,
        result: Result<String, StepError>,
    ) -> RunOutcome {
        let (outcome, state, note) = match result {
            Ok(note) => (RunOutcome::PutBack, StepState::Done, note),
            Err(why) => (RunOutcome::Unfinished, StepState::Failed, why.to_string()),
        };
        self.events.send(Progress::Note { text: format!("{text}: {note}") });
        let (key, environment) = (&self.item(at).key, &self.plan.environment);
        self.recorder.change(|j| {
            j.line(text, state, &note);
            let (run, progress) = (j.run.clone(), &mut j.items[at]);
            progress.outcome = Some(outcome);
            if outcome == RunOutcome::Unfinished {
                let advice = format!(
                    "look at {} on {environment} now, then: oicx resume {run} (or --undo)",
                    name(key)
                );
                progress.not_put_back = Some(NotPutBack { why: note, advice: Some(advice) });
            } else {
                progress.set_back();
            }
        });
        outcome
    }

    async fn put_back(&self, at: ItemIndex) -> Result<String, StepError> {
        let item = self.item(at);
        let key = &item.key;
        let there = look(self.client, key).await?;
        if let Some(kept) = self.lost_with_project(at) {
            return self.lookup_as_before(key, there.is_some(), &kept).await;
        }
        if let Some(other) =
            item.before.swapped.as_ref().filter(|_| key.kind == Kind::Integration && item.activate)
            && self.client.integration(other).await?.state.status != Status::Active
        {
            self.retrying.activate(other).await?;
        }
        match (&item.before.status, there) {
            (Some(_), there) if item.strategy == Strategy::Rebuild => {
                Box::pin(self.project_as_before(at, there.is_some())).await?;
            }
            (None, None) => {}
            (None, Some(live)) => self.delete_imported(at, &live.state.status).await?,
            (Some(status), Some(_)) => {
                self.content_as_before(at).await?;
                self.restore_status(item, status).await?;
            }
            // Its package is removed as well.
            (Some(_), None) if item.within.is_some() => {}
            (Some(status), None) => {
                let kept = self.safety(at).await?;
                let bytes = kept
                    .or_else(|| self.same_file(at))
                    .ok_or_else(|| StepError::NothingToPutBack(name(key)))?;
                self.retrying.import(key, &bytes).await?;
                self.restore_status(item, status).await?;
            }
        }
        self.delete_leftovers(at).await;
        self.schedule_as_before(item).await?;
        self.prove_back(at).await
    }

    /// Puts the schedule back: its times and the values of its parameters where this run wrote over
    /// them, and how it stood.
    async fn schedule_as_before(&self, item: &PlanItem) -> Result<(), StepError> {
        let runner = item.before.swapped.clone().or_else(|| item.id());
        let runs = item.before.swapped.is_some() || item.before.was_active();
        // What this run wrote over is written back, whether it runs or not.
        let overwritten = item.writes_over_parameters();
        let schedule = item.before.schedule.there().filter(|_| runs);
        let definition = item.before.schedule_definition.as_ref();
        // The times are those of this version, whichever runs.
        if let Some(id) = item.id().filter(|_| item.changes_times()) {
            let (parameters, write) = (&ScheduleParameters::new(), WriteParameters::Unset);
            let writes =
                ScheduleWrites { definition, times: true, restart: false, parameters, write };
            self.retrying.restore_schedule(&id, None, writes).await?;
        }
        if let Some(runner) = runner.filter(|_| schedule.is_some() || overwritten) {
            let own = item.before.swapped.is_none();
            let (definition, times) = (definition.filter(|_| own), false);
            let parameters = &self.last_parameters(&runner, &item.before.parameters);
            let write = match overwritten {
                true => WriteParameters::All,
                false => WriteParameters::Unset,
            };
            let writes = ScheduleWrites { definition, times, restart: true, parameters, write };
            self.retrying.restore_schedule(&runner, schedule, writes).await?;
        }
        Ok(())
    }

    /// Deletes what this run imported. What somebody else imported meanwhile is not ours to delete.
    async fn delete_imported(&self, at: ItemIndex, status: &Status) -> Result<(), StepError> {
        let item = self.item(at);
        let key = &item.key;
        let (brought, taken) = self.recorder.read(|j| {
            let progress = &j.items[at];
            let import =
                |s: &StepIndex| j.plan.step(*s).is_some_and(|s| s.kind == StepKind::Import);
            (
                progress.brought || j.open_kind(at) == Some(&StepKind::Import),
                progress.import_taken || progress.done.iter().any(import),
            )
        });
        let foreign = || Err(StepError::Foreign(name(key)));
        if !brought {
            return foreign();
        }
        self.wait_before_deleting(at).await;
        if !taken && key.kind.has_archive() {
            let found = live_fingerprints(self.client, key).await?;
            if found.map(|m| m.portable) != item.wanted {
                return foreign();
            }
        }
        if let Some(id) = item.id()
            && *status != Status::Configured
            && *status != Status::Draft
        {
            self.retrying.deactivate(&id).await?;
        }
        if taken && key.kind.has_archive() {
            self.keep_their_change(at).await?;
        }
        self.retrying.delete(key).await?;
        Ok(())
    }

    /// Waits for an import on which the service may still be at work: what came half would be
    /// deleted half.
    pub(super) async fn wait_before_deleting(&self, at: ItemIndex) {
        if let Err(e) = self.wait_for_import(at).await {
            tracing::warn!("{} is deleted as it is: {e}", self.item(at).key);
        }
    }

    /// The safety export of a lookup that went with a project which this run rebuilt, where the
    /// project stays as it is now: then the lookup alone has to be put back.
    pub(super) fn lost_with_project(&self, at: ItemIndex) -> Option<FileRef> {
        let item = self.item(at);
        if self.plan.together || item.key.kind != Kind::Lookup {
            return None;
        }
        let project = self.plan.rebuilt_project_of(item)?;
        self.recorder.read(|j| {
            let progress = &j.items[project];
            let stays = progress.outcome == Some(RunOutcome::Restored);
            let kept = progress.safety_lookups.get(&item.key.code);
            kept.filter(|_| stays && j.may_have_deleted(project)).cloned()
        })
    }

    /// Puts a lookup back as its safety export has it.
    async fn lookup_as_before(
        &self,
        key: &ArtifactKey,
        there: bool,
        kept: &FileRef,
    ) -> Result<String, StepError> {
        let bytes = super::journal::read_file_ref(self.store, kept).await?;
        let read = read_kept(key.kind, bytes.clone()).await;
        let wanted = read.map_err(StepError::UnreadableExport)?.fingerprints.portable;
        if !there {
            self.retrying.import(key, &bytes).await?;
        } else if !means(self.client, key, wanted).await? {
            self.retrying.replace(key, &bytes, wanted).await?;
        }
        match means(self.client, key, wanted).await? {
            true => Ok(format!("what was there is there again: {0} = {0}", wanted.short())),
            false => {
                let state = "other rows than before".to_owned();
                Err(StepError::NotAsBefore { artifact: name(key), state })
            }
        }
    }

    /// Whether somebody else changed it before this run wrote over anything.
    pub(super) fn is_theirs(&self, at: ItemIndex) -> bool {
        self.recorder.read(|j| j.items[at].theirs)
    }

    /// Deletes a project with what is in it, which this run imported.
    pub(super) async fn delete_project(&self, key: &ArtifactKey) -> Result<(), StepError> {
        for found in self.client.integrations_in(&key.uses_scope()).await? {
            if !matches!(found.state.status, Status::Configured | Status::Draft) {
                self.retrying.deactivate(&found.id).await?;
            }
        }
        self.retrying.delete(key).await?;
        Ok(())
    }

    /// Replaces the live content with the one before the run, unless both mean the same. What
    /// somebody else changed meanwhile is kept in the store first.
    async fn content_as_before(&self, at: ItemIndex) -> Result<(), StepError> {
        let item = self.item(at);
        // What the service took is not sent again: the next one would read as this one does.
        if self.is_theirs(at) || self.recorder.read(|j| j.items[at].sent_back) {
            return Ok(());
        }
        let kept = self.safety(at).await?;
        let (Some(bytes), Some(wanted)) =
            (kept.or_else(|| self.same_file(at)), item.before.portable)
        else {
            return Ok(());
        };
        if self.keep_their_change(at).await? == Some(wanted) {
            return Ok(());
        }
        self.make_inactive(item).await?;
        self.retrying.replace(&item.key, &bytes, wanted).await?;
        self.recorder.change(|j| j.items[at].sent_back = true);
        Ok(())
    }

    /// Keeps in the store what is there now, where somebody else made that of it. Gives what it
    /// means; none where it cannot be exported: it may be what this run left half done.
    pub(super) async fn keep_their_change(
        &self,
        at: ItemIndex,
    ) -> Result<Option<Fingerprint>, StepError> {
        let item = self.item(at);
        let Some((found, kept)) = self.keep_what_is_there(item).await? else { return Ok(None) };
        let found = Some(found);
        if let Some(file) = kept {
            let what = name(&item.key);
            let of_this_run = self.recorder.read(|j| {
                let progress = &j.items[at];
                progress.brought
                    && progress.proof.as_ref().is_some_and(|proof| proof.found == found)
            });
            let text = match of_this_run {
                true => format!("{what} reads otherwise than its file: kept in {}", file.path),
                false => {
                    format!("somebody changed {what} meanwhile: that is kept in {}", file.path)
                }
            };
            self.recorder.change(|j| j.line("keep their change", StepState::Done, &text));
            self.events.send(Progress::Note { text });
        }
        Ok(found)
    }

    /// The file to send, where it means the same as the content before the run.
    fn same_file(&self, at: ItemIndex) -> Option<Bytes> {
        let item = self.item(at);
        let same = item.before.portable.is_some() && item.before.portable == item.wanted;
        self.bytes(at).ok().filter(|_| same).cloned()
    }

    /// The bytes of the safety export, checked.
    pub(super) async fn safety(&self, at: ItemIndex) -> Result<Option<Bytes>, StepError> {
        match self.recorder.read(|j| j.items[at].safety.clone()) {
            Some(kept) => Ok(Some(super::journal::read_file_ref(self.store, &kept).await?)),
            None => Ok(None),
        }
    }

    async fn make_inactive(&self, item: &PlanItem) -> Result<(), StepError> {
        let Some(id) = item.id() else { return Ok(()) };
        let live = self.client.integration(&id).await?;
        let state = self.client.activation(&id).await?;
        let idle = matches!(live.state.status, Status::Configured | Status::Draft)
            && state == ActivationState::NotActive;
        if !idle {
            self.retrying.deactivate(&id).await?;
        }
        Ok(())
    }

    /// Activates or deactivates an integration, as it was before the run.
    async fn restore_status(&self, item: &PlanItem, status: &Status) -> Result<(), StepError> {
        let Some(id) = item.id() else { return Ok(()) };
        let live = self.client.integration(&id).await?;
        match (status, live.state.status) {
            (Status::Active, Status::Active) => Ok(()),
            (Status::Active, _) => self.retrying.activate(&id).await.map(drop),
            _ => self.make_inactive(item).await,
        }
    }

    /// Deletes connections and lookups that came along with an import that was taken back. It is no
    /// failure if one stays: nothing uses it.
    async fn delete_leftovers(&self, at: ItemIndex) {
        let item = self.item(at);
        if item.before.status.is_some() {
            return;
        }
        for key in &item.before.missing {
            let in_plan = self.plan.items.iter().any(|i| i.key.name() == key.name());
            if in_plan || !matches!(look(self.client, key).await, Ok(Some(_))) {
                continue;
            }
            if let Err(e) = self.client.delete_one(key).await {
                let text = format!("{key} came along and stays: {}", e.reason());
                self.recorder.change(|j| j.line("clean up", StepState::Skipped, &text));
                self.events.send(Progress::Note { text });
            }
        }
    }

    async fn prove_back(&self, at: ItemIndex) -> Result<String, StepError> {
        let item = self.item(at);
        let (key, before) = (&item.key, &item.before);
        let now = look(self.client, key).await?;
        let status = now.map(|i| i.state.status);
        if item.within.is_some() && status.is_none() {
            return Ok("it is gone, as its package will be".into());
        }
        let runs = |s: Option<&Status>| s == Some(&Status::Active);
        let runs_as_before =
            key.kind != Kind::Integration || runs(status.as_ref()) == before.was_active();
        if status.is_some() != before.status.is_some() || !runs_as_before {
            let state = status.as_ref().map_or("not there", Status::label).to_owned();
            return Err(StepError::NotAsBefore { artifact: name(key), state });
        }
        if let Some(other) = before.swapped.as_ref().filter(|_| item.activate)
            && self.client.integration(other).await?.state.status != Status::Active
        {
            return Err(StepError::NotActiveAgain(other.clone()));
        }
        let Some(wanted) = before.portable.filter(|_| status.is_some()) else {
            return Ok("it is as it was".into());
        };
        let found = live_fingerprints(self.client, key).await?.map(|m| m.portable);
        if found.is_some() && found != Some(wanted) && self.is_theirs(at) {
            return Ok("what ran runs again; somebody changed it meanwhile, and that stays".into());
        }
        if found != Some(wanted) {
            let found = found.map_or_else(|| "nothing".into(), |f| f.short());
            let (sent, kept) = self.recorder.read(|j| {
                (j.items[at].sent_back, j.items[at].safety.as_ref().map(|kept| kept.path.clone()))
            });
            let wanted = wanted.short();
            return Err(match kept.filter(|_| sent) {
                Some(path) => {
                    StepError::PutBackOtherwise { artifact: name(key), found, wanted, path }
                }
                None => StepError::OtherFingerprint { found, wanted },
            });
        }
        Ok(format!("what was there is there again: {0} = {0}", wanted.short()))
    }
}
