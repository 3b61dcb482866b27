//! Puts a project back that was to be rebuilt, with all that its archive does not hold.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    error::StepError,
    execute::{Executor, name},
    journal::{NotPutBack, RunOutcome},
    live::{ActiveMember, ProjectCompanion, live_fingerprints, look},
    plan::PlanItem,
    retrying_client::{ScheduleWrites, WriteParameters},
};
use crate::model::{ArtifactKey, ConnectionName, IntegrationId, ItemIndex, Kind, Status};
use crate::workspace::events::{Progress, StepState};
use crate::workspace::source::read_kept;

/// What of several parts failed: the first error tells.
#[derive(Default)]
struct Tried(Option<StepError>);

impl Tried {
    /// Keeps what a part says.
    ///
    /// # Errors
    /// Where nobody knows what the last call did: the parts after it would meet the same.
    fn note(&mut self, result: Result<(), StepError>) -> Result<(), StepError> {
        match result {
            Err(why) if why.leaves_open() => return Err(why),
            Err(why) => drop(self.0.get_or_insert(why)),
            Ok(()) => {}
        }
        Ok(())
    }

    fn end(self) -> Result<(), StepError> {
        self.0.map_or(Ok(()), Err)
    }
}

impl Executor<'_> {
    /// Puts a project back that was to be rebuilt: its content where that is another by now, and
    /// then all that its archive does not hold.
    pub(super) async fn project_as_before(
        &self,
        at: ItemIndex,
        there: bool,
    ) -> Result<(), StepError> {
        let item = self.item(at);
        let Some(inside) = &item.before.inside else { return Ok(()) };
        if there {
            self.wait_before_deleting(at).await;
        }
        let found = match there {
            true => live_fingerprints(self.client, &item.key).await?.map(|m| m.portable),
            false => None,
        };
        let was_deleted = self.recorder.read(|j| j.may_have_deleted(at)) || !there;
        // What was put back and reads otherwise is not deleted once more: the next one would, too.
        let sent = self.recorder.read(|j| j.items[at].sent_back);
        if !there || (was_deleted && !sent && found != item.before.portable) {
            let bytes = self
                .safety(at)
                .await?
                .ok_or_else(|| StepError::NothingToPutBack(name(&item.key)))?;
            if there {
                self.keep_their_change(at).await?;
                self.delete_project(&item.key).await?;
            }
            self.retrying.import(&item.key, &bytes).await?;
            self.recorder.change(|j| j.items[at].sent_back = true);
            let members = members_of(&item.key, bytes).await;
            self.retrying.wait_for_import(&item.key, &members).await?;
        }
        // Each part is tried, whatever another one says: one that fails must not keep the others
        // from what they were.
        let mut tried = Tried::default();
        if was_deleted {
            Box::pin(self.lookups_as_before(at, &mut tried)).await?;
            Box::pin(self.configure_project(item, inside, &mut tried)).await?;
        }
        for member in &inside.active {
            tried.note(Box::pin(self.member_as_before(at, member)).await)?;
        }
        // What ran runs again before this: a list that the service refuses must not keep it from
        // that, and it may shut this account out.
        if let Some(list) = item.access_list().filter(|_| was_deleted) {
            let set = Box::pin(self.retrying.set_access_list(&item.key, list)).await;
            tried.note(set.map(drop).map_err(StepError::from))?;
        }
        tried.end()
    }

    /// Brings an integration of a project that was put back to where it stood: active, and its
    /// schedule as it was.
    async fn member_as_before(
        &self,
        at: ItemIndex,
        member: &ActiveMember,
    ) -> Result<(), StepError> {
        match self.client.find_integration(&member.id).await? {
            Some(found) if found.state.status == Status::Active => {}
            None if self.is_theirs(at) => {
                let text = format!("somebody deleted {} meanwhile: that stays", member.id);
                self.recorder.change(|j| j.line("put back", StepState::Skipped, &text));
                self.events.send(Progress::Note { text });
                return Ok(());
            }
            _ => drop(self.retrying.activate(&member.id).await?),
        }
        let definition = member.schedule_definition.as_ref();
        let wanted = member.schedule.there();
        let parameters = &self.last_parameters(&member.id, &member.parameters);
        let (times, write) = (false, WriteParameters::Unset);
        let writes = ScheduleWrites { definition, times, restart: true, parameters, write };
        self.retrying.restore_schedule(&member.id, wanted, writes).await.map(drop)
    }

    /// Says where a project that is gone can be had from.
    pub(super) async fn say_what_is_missing(&self, at: ItemIndex) {
        let item = self.item(at);
        if !matches!(look(self.client, &item.key).await, Ok(None)) {
            return;
        }
        self.recorder.change(|j| {
            let (environment, run) = (j.plan.environment.clone(), j.run.clone());
            let progress = &mut j.items[at];
            let (Some(kept), Some(failure)) = (&progress.safety, &mut progress.not_put_back) else {
                return;
            };
            let gone = format!(
                "{} is NOT on {environment} now: its archive is {} in the store, which the console \
                 imports (Projects, Import); oicx restore 'store:{environment}/projects/{}@run:{run}' \
                 --to {environment} --plan --by-hand FOLDER writes it out",
                name(&item.key),
                kept.path,
                item.key.code
            );
            let before = failure.advice.take().map(|advice| format!("; {advice}"));
            failure.advice = Some(format!("{gone}{}", before.unwrap_or_default()));
        });
    }

    /// Says of each artifact that came in a project which could not be put back whether it is as it
    /// was: it was judged before its project was deleted once more.
    pub(super) async fn judge_members(&self, project: ItemIndex) {
        let Some(inside) = &self.item(project).before.inside else { return };
        for at in self.plan.item_indices() {
            let item = self.item(at);
            if self.plan.rebuilt_project_of(item) != Some(project) {
                continue;
            }
            let there = match item.id() {
                Some(id) => self.client.find_integration(&id).await.map(|found| {
                    let was_active = inside.active.iter().any(|member| member.id == id);
                    !was_active || found.is_some_and(|f| f.state.status == Status::Active)
                }),
                None => look(self.client, &item.key).await.map(|live| live.is_some()),
            };
            if there.is_ok_and(|as_before| as_before) {
                continue;
            }
            self.recorder.change(|j| {
                let progress = &mut j.items[at];
                progress.outcome = Some(RunOutcome::Unfinished);
                let why = "its project could not be put back: see there".to_owned();
                progress.not_put_back = Some(NotPutBack { why, advice: None });
            });
        }
    }

    /// Adds the lookups that went with a project and are in no archive of it.
    async fn lookups_as_before(&self, at: ItemIndex, tried: &mut Tried) -> Result<(), StepError> {
        let scope = self.item(at).key.uses_scope();
        for (name, kept) in self.recorder.read(|j| j.items[at].safety_lookups.clone()) {
            let key = ArtifactKey::new(Kind::Lookup, &name, None).within(scope.clone());
            let put_back = async {
                if look(self.client, &key).await?.is_none() {
                    let bytes = super::journal::read_file_ref(self.store, &kept).await?;
                    self.retrying.import(&key, &bytes).await?;
                }
                Ok(())
            };
            tried.note(put_back.await)?;
        }
        Ok(())
    }

    /// Gives the connections of a project that was imported again the values that are given: the
    /// archive holds no credentials.
    async fn configure_project(
        &self,
        item: &PlanItem,
        inside: &ProjectCompanion,
        tried: &mut Tried,
    ) -> Result<(), StepError> {
        let scope = item.key.uses_scope();
        let kept_of = |code: &String| {
            let mut inside = self.plan.items.iter().filter(|i| i.key.uses_scope() == scope);
            inside.find_map(|i| i.connections.get(code))
        };
        let here = self.client.connections(&scope).await?;
        for code in &inside.connections {
            if here.iter().all(|c| c.code != *code) {
                let text = format!("connection {code} of {scope} is in no archive: make it anew");
                self.recorder.change(|j| j.line("put back", StepState::Skipped, &text));
                self.events.send(Progress::Note { text });
                continue;
            }
            let kept = kept_of(code);
            let name = ConnectionName::new(&scope, code);
            let given = self.connection_values.contains_key(&name)
                || self.client.environment().values_of(&name).is_some();
            if given || kept.is_some() {
                let configure = async {
                    let values = self.value_sources().settings(&scope, code, kept).await?;
                    self.retrying.configure(&scope, code, &values).await?;
                    Ok::<(), StepError>(())
                };
                tried.note(configure.await)?;
            }
        }
        Ok(())
    }
}

/// The integrations that a project's archive brings; none where it cannot be read, which was done
/// when it was kept.
async fn members_of(project: &ArtifactKey, bytes: Bytes) -> BTreeSet<IntegrationId> {
    let scope = project.uses_scope();
    match read_kept(project.kind, bytes).await {
        Ok(kept) => kept.parts.into_iter().map(|part| part.id.within(scope.clone())).collect(),
        Err(e) => {
            tracing::warn!("the members of {project} are not waited for: {e}");
            BTreeSet::new()
        }
    }
}
