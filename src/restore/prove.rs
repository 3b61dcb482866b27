//! The proof of one artifact: another export, its status, its schedule, and who may do what.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    error::StepError,
    execute::{Executor, name},
    journal::{JournalLine, Proof},
    live::{live_fingerprints, look},
    plan::{PlanItem, StepKind, Strategy},
};
use crate::model::{
    AccessList, Fingerprint, ItemIndex, Kind, ProjectCode, ScheduleState, Status, visible,
};
use crate::oic::{OicError, same_times};
use crate::workspace::events::StepState;

impl Executor<'_> {
    pub(super) async fn prove(&self, at: ItemIndex) -> Result<String, StepError> {
        let item = self.item(at);
        let key = &item.key;
        let failed = |e: OicError| StepError::NoProof(Box::new(e.into()));
        if item.strategy == Strategy::Remove {
            if look(self.client, key).await.map_err(failed)?.is_some() {
                let why = format!("{} is still there", name(key));
                return Err(StepError::ProofFailed(vec![why]));
            }
            self.keep_proof(
                at,
                Proof {
                    wanted: None,
                    found: None,
                    facts: vec!["not there".into()],
                    remarks: vec![],
                },
            );
            return Ok("it is not there".into());
        }
        let there = look(self.client, key).await.map_err(failed)?;
        let updated = there.as_ref().and_then(|l| l.state.last_updated);
        // An integration of a project has no export of its own: the project proves its content.
        let by_its_project =
            item.within.is_some() && key.kind == Kind::Integration && !key.scope.is_global();
        let found = match key.kind.has_archive() && !by_its_project {
            true => live_fingerprints(self.client, key).await.map_err(failed)?.map(|m| m.portable),
            false => None,
        };
        // A member of a package or project is proven by the fingerprint of the whole.
        let wanted = item.wanted.or(found);
        let mut proof = Proof { wanted, found, facts: vec![], remarks: vec![] };
        let mut wrong = Vec::new();
        // A project's archive and the export of a lookup are two ways of writing rows: where they
        // read otherwise, that is told, and no reason to delete the project a second time.
        if !proof.holds() && item.within.is_some() && key.kind == Kind::Lookup && found.is_some() {
            let what = name(key);
            proof.remarks.push(format!("{what} reads otherwise than in the project's archive"));
            proof.wanted = found;
        }
        if !proof.holds() {
            let short = |f: Option<Fingerprint>| f.map_or_else(|| "nothing".into(), |f| f.short());
            wrong.push(format!(
                "fingerprint {} instead of {}",
                short(proof.found),
                short(proof.wanted)
            ));
        }
        self.look_at_access(item, &mut proof).await;
        self.prove_schedule(at, &mut proof, &mut wrong).await?;
        self.prove_status(item, updated, &mut proof, &mut wrong).await?;
        let fingerprints =
            proof.wanted.zip(proof.found).map(|(w, f)| format!("{} = {}", w.short(), f.short()));
        self.keep_proof(at, proof);
        match wrong.is_empty() {
            true => Ok(fingerprints.unwrap_or_default()),
            false => Err(StepError::ProofFailed(wrong)),
        }
    }

    /// Says whether a project that was imported has its access list again. One that the service
    /// did not take is no reason to delete the project a second time.
    async fn look_at_access(&self, item: &PlanItem, proof: &mut Proof) {
        let Some(list) = item.access_list().filter(|_| item.key.kind == Kind::Project) else {
            return;
        };
        let project = ProjectCode::from(item.key.code.as_str());
        let found = self.client.access_list(&project).await;
        // Those that the service did not take back stand in no list of it.
        let missing = found
            .as_ref()
            .map(|found| AccessList::read(list).ids_that_lack(&AccessList::read(found)));
        let (wanted, gone) = AccessList::without_gone(list, &missing.unwrap_or_default());
        let why = match found {
            Ok(found) if AccessList::read(&found).grants_as(&AccessList::read(&wanted)) => {
                let without = match gone.as_slice() {
                    [] => String::new(),
                    gone => format!(", without {}: gone", gone.join(", ")),
                };
                return proof.facts.push(format!("who may do what as before{without}"));
            }
            Ok(found) => format!(", now: {}", AccessList::read(&found).describe()),
            Err(e) => format!(": {}", e.reason()),
        };
        let (wanted, _) = AccessList::without_gone(list, &BTreeSet::new());
        let wanted = AccessList::read(&wanted).describe();
        let remark = format!(
            "who may do what in {project} is not as before{why}; set it in the console: {wanted}"
        );
        proof.remarks.push(remark);
    }

    async fn prove_schedule(
        &self,
        at: ItemIndex,
        proof: &mut Proof,
        wrong: &mut Vec<String>,
    ) -> Result<(), StepError> {
        let item = self.item(at);
        let wanted = item.schedule.clone().map(ScheduleState::resting);
        let wanted = wanted.as_ref().filter(|w| !matches!(w, ScheduleState::Other(_)));
        let Some((id, wanted)) = item.id().zip(wanted) else { return Ok(()) };
        let schedule = self.retrying.wait_for_schedule(&id, Some(wanted)).await?;
        proof
            .facts
            .push(format!("schedule {}", schedule.as_ref().map_or("none", ScheduleState::label)));
        let stored = item.kept.schedule_definition.as_ref().filter(|_| item.changes_times());
        let sent = stored.map(|kept| (kept, "its stored times"));
        let again = item.recreated_schedule().map(|times| (times, "its times as before"));
        if let Some((sent, fact)) = sent.or(again) {
            let live = self.client.schedule_definition(&id).await?;
            match live.is_some_and(|live| same_times(&live, sent)) {
                true => proof.facts.push(fact.into()),
                false => proof.remarks.push("its schedule shows other times than were sent".into()),
            }
        }
        // That step says what it did; since the schedule runs, its flow may have moved them on.
        let mut steps = self.plan.steps_of(at);
        if let Some((step, _)) = steps.find(|(_, step)| step.kind == StepKind::Parameters) {
            let done = |l: &&JournalLine| l.index == Some(step) && l.state == StepState::Done;
            let said =
                self.recorder.read(|j| j.lines.iter().rev().find(done).map(|l| l.note.clone()));
            // A step that has nothing more to say set them all.
            let set = |said: String| match said.is_empty() {
                true => {
                    let names: Vec<&str> =
                        item.schedule_parameters().keys().map(String::as_str).collect();
                    format!("its schedule's parameters as before: {}", visible(&names.join(", ")))
                }
                false => format!("its schedule's parameters: {said}"),
            };
            proof.facts.extend(said.map(set));
        }
        if !wanted.is_met_by(schedule.as_ref()) {
            wrong.push(format!("the schedule is not {}", wanted.label()));
        }
        Ok(())
    }

    /// The last check of a proof: the artifact's status, and that nobody changed it meanwhile.
    async fn prove_status(
        &self,
        item: &PlanItem,
        updated: Option<Timestamp>,
        proof: &mut Proof,
        wrong: &mut Vec<String>,
    ) -> Result<(), StepError> {
        if item.activate && !item.as_wanted {
            // An activation may look good and fail a moment later.
            tokio::time::sleep(self.retrying.steady()).await;
        }
        let Some(live) = look(self.client, &item.key).await? else {
            wrong.push("it is gone".into());
            return Ok(());
        };
        if live.state.last_updated != updated {
            let who =
                live.state.last_updated_by.map(|who| format!(" by {who}")).unwrap_or_default();
            wrong.push(format!("it was changed{who} meanwhile"));
        }
        let Some(id) = item.id() else { return Ok(()) };
        proof.facts.insert(0, format!("status {}", live.state.status.label()));
        if item.activate != (live.state.status == Status::Active) {
            let why = match item.activate {
                true => self
                    .client
                    .activation_error(&id)
                    .await
                    .map(|w| format!(": {w}"))
                    .unwrap_or_default(),
                false => String::new(),
            };
            wrong.push(format!("it is {}{why}", live.state.status.label()));
        }
        Ok(())
    }

    fn keep_proof(&self, at: ItemIndex, proof: Proof) {
        self.recorder.change(|j| j.items[at].proof = Some(proof));
    }
}
