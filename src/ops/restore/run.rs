//! Does what an approved plan says, and puts back what was there where a step fails.

use bytes::Bytes;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use super::hands::Pace;
use super::{
    hands::Hands,
    journal::{Journal, Outcome, Proof},
    plan::{Approved, Plan, StepKind, moved_since},
    survey::export_meaning,
};
use crate::archive::{Iar, Kept};
use crate::model::{ArtifactKey, Entry, Manifest, Purpose, ScheduleState, Status};
use crate::oic::Client;
use crate::ops::events::{Events, Progress, StepState};
use crate::ops::source::read_iar;
use crate::store::{self, Store, StoreError, snapshot_id};

/// Runs the plan and returns its journal, which says how it ended.
///
/// Cancelling stops at the next step and puts back what was there.
///
/// # Errors
/// [`StoreError`] where not even the first line of the journal could be written; nothing was changed then.
pub async fn run(
    approved: Approved,
    wanted: Bytes,
    client: &Client,
    store: &Store,
    pace: &Pace,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Journal, StoreError> {
    let plan = approved.plan().clone();
    let journal = Journal::begin(store::run_id(Timestamp::now(), "restore"), &plan);
    journal.save(store).await?;
    let hands = Hands { client, pace };
    let mut run = Run { plan, wanted, hands, store, events, journal, safety: None, changed: false, imported: false };
    let result = run.all_steps(cancel).await;
    run.finish(result).await;
    Ok(run.journal)
}

struct Run<'a> {
    plan: Plan,
    wanted: Bytes,
    hands: Hands<'a>,
    store: &'a Store,
    events: &'a Events,
    journal: Journal,
    /// What was there, for putting back.
    safety: Option<(Bytes, Iar)>,
    /// Whether anything on the instance may have been changed.
    changed: bool,
    /// Whether the integration may be there because this run brought it.
    imported: bool,
}

impl Run<'_> {
    async fn all_steps(&mut self, cancel: &CancellationToken) -> Result<(), String> {
        self.nobody_was_faster().await?;
        for index in 0..self.plan.steps.len() {
            if cancel.is_cancelled() {
                return Err("it was cancelled".into());
            }
            let step = self.plan.steps[index].clone();
            self.tell(index, &step.text, StepState::Running, "");
            // No step without its line in the journal.
            self.journal.save(self.store).await.map_err(|e| e.to_string())?;
            match self.step(step.kind).await {
                Ok(note) => self.tell(index, &step.text, StepState::Done, &note),
                Err(why) => {
                    self.tell(index, &step.text, StepState::Failed, &why);
                    for (rest, step) in self.plan.steps.clone().iter().enumerate().skip(index + 1) {
                        self.tell(rest, &step.text, StepState::Skipped, "");
                    }
                    return Err(why);
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, index: usize, text: &str, state: StepState, note: &str) {
        self.journal.line(text, state, note);
        self.events.send(Progress::Step { index, state, note: note.to_owned() });
    }

    /// Somebody may have changed the integration since the plan was shown.
    async fn nobody_was_faster(&self) -> Result<(), String> {
        let now = self.hands.client.find_integration(&self.plan.id).await.map_err(|e| e.to_string())?;
        let updated = now.as_ref().and_then(|i| i.last_updated);
        if now.is_some() != self.plan.before.status.is_some() || moved_since(&self.plan, updated) {
            let who = now.and_then(|i| i.last_updated_by).map(|who| format!(" by {who}")).unwrap_or_default();
            return Err(format!("{} was changed{who} since this plan was made; make a new one", self.plan.id));
        }
        Ok(())
    }

    async fn step(&mut self, kind: StepKind) -> Result<String, String> {
        let id = self.plan.id.clone();
        let result = match kind {
            StepKind::SafetyExport => return self.safety_export().await,
            StepKind::Prove => return self.prove().await,
            StepKind::Activate => {
                self.changed = true;
                return self.hands.activate(&id).await;
            }
            StepKind::Deactivate => self.hands.deactivate(&id).await,
            StepKind::Import => self.hands.import(&id, &self.wanted).await,
            StepKind::Replace => self.hands.replace(&id, &self.wanted, self.plan.wanted_fingerprint).await,
            StepKind::Schedule => match self.plan.schedule.clone() {
                Some(wanted) => self.hands.set_schedule(&id, &wanted).await,
                None => return Ok(String::new()),
            },
        };
        // What the service refused outright was not done: a 409 on an import means that somebody else's is
        // there, and that one must never be taken for ours when things are put back.
        let done = match &result {
            Ok(_) => true,
            Err(error) => error.is_ambiguous(),
        };
        self.changed |= done;
        self.imported |= done && kind == StepKind::Import;
        result.map_err(|e| format!("{e} → {}", e.advice()))
    }

    /// Keeps what is there now in the store, and reads it back: it is what a failure is undone with.
    async fn safety_export(&mut self) -> Result<String, String> {
        let client = self.hands.client;
        let id = &self.plan.id;
        let exported = Timestamp::now();
        let bytes = client.archive(id).await.map_err(|e| e.to_string())?;
        let iar = read_iar(bytes.clone()).await.map_err(|e| format!("the safety export cannot be read: {e}"))?;
        if iar.id != *id {
            return Err(format!("the safety export is of {}", iar.id));
        }
        let kept = Kept::from(iar.clone());
        let key = ArtifactKey::from(id.clone());
        let kept = self.store.keep(client.name(), &key, &kept, bytes.clone(), exported).await;
        let entry = Entry {
            status: self.plan.before.status.clone().unwrap_or(Status::Configured),
            last_updated: self.plan.before.last_updated,
            last_updated_by: self.plan.before.last_updated_by.clone(),
            ..kept.map_err(|e| e.to_string())?
        };
        let path = entry.path.clone();
        let purpose = Purpose::Safety { run: self.journal.run.clone() };
        let manifest = Manifest {
            finished: Timestamp::now(),
            entries: vec![entry],
            ..Manifest::new(snapshot_id(exported), client.name().clone(), exported, purpose)
        };
        self.store.write_manifest(&manifest).await.map_err(|e| e.to_string())?;
        self.store.check(&path, &bytes).await.map_err(|e| e.to_string())?;
        self.journal.safety = Some(path);
        let note = format!("{} KB, {} kept and read back", bytes.len().div_ceil(1024), iar.meaning.whole.short());
        self.safety = Some((bytes, iar));
        Ok(note)
    }

    async fn prove(&mut self) -> Result<String, String> {
        let (client, id) = (self.hands.client, self.plan.id.clone());
        let found = export_meaning(client, &id).await.map_err(|why| format!("the proof could not be made: {why}"))?;
        let live = client.integration(&id).await.map_err(|e| e.to_string())?;
        let mut proof = Proof { wanted: self.plan.wanted_fingerprint, found: Some(found.flow), facts: vec![] };
        proof.facts.push(format!("status {}", live.status.word()));
        let mut wrong = Vec::new();
        if !proof.holds() {
            wrong.push(format!("fingerprint {} instead of {}", found.flow.short(), proof.wanted.short()));
        }
        if self.plan.activate && live.status != Status::Active {
            wrong.push(format!("it is {}", live.status.word()));
        }
        if let Some(wanted) = self.plan.schedule.clone().filter(|w| !matches!(w, ScheduleState::Other(_))) {
            let schedule = client.schedule(&id).await.map_err(|e| e.to_string())?;
            proof.facts.push(format!("schedule {}", schedule.as_ref().map_or("none", ScheduleState::word)));
            if schedule.as_ref() != Some(&wanted) {
                wrong.push(format!("the schedule is not {}", wanted.word()));
            }
        }
        self.journal.proof = Some(proof);
        if wrong.is_empty() {
            Ok(format!("{} = {}", self.plan.wanted_fingerprint.short(), found.flow.short()))
        } else {
            Err(format!("the proof does not hold: {}", wrong.join(", ")))
        }
    }

    async fn finish(&mut self, result: Result<(), String>) {
        let outcome = match result {
            Ok(()) if self.changed => Outcome::Restored,
            Ok(()) => Outcome::Untouched,
            Err(why) => {
                self.journal.error = Some(why);
                if self.changed { self.undo().await } else { Outcome::Untouched }
            }
        };
        self.journal.result = Some(outcome);
        self.journal.finished = Some(Timestamp::now());
        if let Err(e) = self.journal.save(self.store).await {
            self.note(format!("the journal's end could not be written: {e}"));
        }
    }

    fn note(&self, text: String) {
        self.events.send(Progress::Note { text });
    }

    async fn undo(&mut self) -> Outcome {
        self.note("putting back what was there".into());
        self.journal.line("put back", StepState::Running, "");
        let _ = self.journal.save(self.store).await;
        match self.put_back().await {
            Ok(note) => {
                self.journal.line("put back", StepState::Done, note.clone());
                self.note(format!("put back: {note}"));
                Outcome::PutBack
            }
            Err(why) => {
                self.journal.line("put back", StepState::Failed, why.clone());
                let text = format!(
                    "{}; PUTTING BACK FAILED: {why}; look at {} on {} now",
                    self.journal.error.clone().unwrap_or_default(),
                    self.plan.id,
                    self.plan.environment
                );
                self.note(text.clone());
                self.journal.error = Some(text);
                Outcome::Unfinished
            }
        }
    }

    /// Looks at what is there now and brings it to what was there before, whichever step it stopped at.
    async fn put_back(&mut self) -> Result<String, String> {
        let (id, before) = (self.plan.id.clone(), self.plan.before.clone());
        let words = |e: crate::oic::OicError| e.to_string();
        let hands = &self.hands;
        let now = hands.client.find_integration(&id).await.map_err(words)?;
        if let Some(other) = &before.swapped
            && hands.client.integration(other).await.map_err(words)?.status != Status::Active
        {
            hands.activate(other).await?;
        }
        match (&before.status, &self.safety, now) {
            (None, _, None) => {}
            (None, _, Some(_)) if !self.imported => {
                return Err(format!("{id} was brought by somebody else and is left alone"));
            }
            (None, _, Some(live)) => {
                if live.status != Status::Configured && live.status != Status::Draft {
                    hands.deactivate(&id).await.map_err(words)?;
                }
                hands.delete(&id).await.map_err(words)?;
            }
            (Some(status), Some((bytes, iar)), Some(_)) => {
                let wanted = iar.meaning.flow;
                if !export_meaning(hands.client, &id).await.is_ok_and(|m| m.flow == wanted) {
                    self.make_inactive().await?;
                    hands.replace(&id, bytes, wanted).await.map_err(words)?;
                }
                self.back_to(status).await?;
            }
            (Some(status), None, Some(_)) => self.back_to(status).await?,
            (Some(_), Some((bytes, _)), None) => {
                hands.import(&id, bytes).await.map_err(words)?;
                self.back_to(&before.status.clone().unwrap_or(Status::Configured)).await?;
            }
            (Some(_), None, None) => return Err(format!("{id} is gone and no safety export was made")),
        }
        let runner = before.swapped.clone().unwrap_or(id);
        if let Some(schedule) = &before.schedule {
            self.hands.set_schedule(&runner, schedule).await.map_err(words)?;
        }
        self.prove_put_back().await
    }

    async fn make_inactive(&self) -> Result<(), String> {
        let live = self.hands.client.integration(&self.plan.id).await.map_err(|e| e.to_string())?;
        let state = self.hands.client.activation(&self.plan.id).await.map_err(|e| e.to_string())?;
        let idle = matches!(live.status, Status::Configured | Status::Draft)
            && state == crate::oic::ActivationState::NotActive;
        if !idle {
            self.hands.deactivate(&self.plan.id).await.map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    async fn back_to(&self, status: &Status) -> Result<(), String> {
        let id = &self.plan.id;
        let live = self.hands.client.integration(id).await.map_err(|e| e.to_string())?;
        match (status, live.status) {
            (Status::Active, Status::Active) => Ok(()),
            (Status::Active, _) => self.hands.activate(id).await.map(drop),
            _ => self.make_inactive().await,
        }
    }

    async fn prove_put_back(&mut self) -> Result<String, String> {
        let (client, id) = (self.hands.client, &self.plan.id);
        let now = client.find_integration(id).await.map_err(|e| e.to_string())?;
        let status = now.map(|i| i.status);
        let was_active = self.plan.before.was_active();
        if status.is_some() != self.plan.before.status.is_some() || (status == Some(Status::Active)) != was_active {
            return Err(format!("{id} is {} now", status.as_ref().map_or("not there", Status::word)));
        }
        if let Some(other) = &self.plan.before.swapped
            && client.integration(other).await.map_err(|e| e.to_string())?.status != Status::Active
        {
            return Err(format!("{other} is not active again"));
        }
        let Some((_, iar)) = &self.safety else { return Ok("what was there is as it was".into()) };
        let found = export_meaning(client, id).await?;
        if found.flow != iar.meaning.flow {
            return Err(format!("fingerprint {} instead of {}", found.flow.short(), iar.meaning.flow.short()));
        }
        Ok(format!("what was there is there again: {} = {}", iar.meaning.flow.short(), found.flow.short()))
    }
}
