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
use crate::model::{
    AccessList, ArtifactKey, ConnectionName, IntegrationId, ItemIndex, Kind, ProjectCode, Status,
};
use crate::oic::OicError;
use crate::workspace::events::{Progress, StepState};
use crate::workspace::source::read_kept;

/// What of several parts failed: the first error tells.
#[derive(Default)]
struct Tried(Option<StepError>);

impl Tried {
    /// Keeps what a part says.
    ///
    /// # Errors
    /// Where nothing is heard of the service: the parts after it would meet the same.
    fn note(&mut self, result: Result<(), StepError>) -> Result<(), StepError> {
        match result {
            Err(why) if why.is_silence() => return Err(why),
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

    /// Says what a person must know of a project that could not be put back: where it can be had
    /// from if it is gone, and that it is open to others if it is.
    pub(super) async fn say_what_is_missing(&self, at: ItemIndex) {
        let item = self.item(at);
        match look(self.client, &item.key).await {
            Ok(None) => {}
            Ok(Some(_)) => return self.say_who_reaches(at).await,
            Err(_) => return,
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
                 --to {environment} --by-hand FOLDER writes it out",
                name(&item.key),
                kept.path,
                item.key.code
            );
            failure.advise_first(gone);
        });
    }

    /// Says who reaches a project that is there again where those are others than before.
    async fn say_who_reaches(&self, at: ItemIndex) {
        let item = self.item(at);
        let Some(list) = item.access_list() else { return };
        let project = ProjectCode::from(item.key.code.as_str());
        let wanted = AccessList::read(&AccessList::without_gone(list, &BTreeSet::new()).0);
        let now = match self.client.access_list(&project).await {
            Ok(now) => AccessList::read(&now),
            Err(e) => return tracing::warn!("who reaches {project} is not known: {e}"),
        };
        if now.grants_as(&wanted) {
            return;
        }
        self.recorder.change(|j| {
            let Some(failure) = &mut j.items[at].not_put_back else { return };
            let open = format!(
                "who may do what in project {project} is NOT as it was, now: {}",
                now.describe()
            );
            failure.advise_first(open);
        });
    }

    /// The project with which an artifact comes back, where that is to be put back too: nothing is
    /// done to the artifact itself.
    pub(super) fn comes_back_with(&self, at: ItemIndex) -> Option<ItemIndex> {
        let project = self.plan.rebuilt_project_of(self.item(at))?;
        (self.plan.together && self.recorder.read(|j| j.touched(project))).then_some(project)
    }

    /// Says of each artifact that came back with a project, or should have, whether it is as it was.
    pub(super) async fn judge_members(&self, project: ItemIndex) {
        let Some(inside) = &self.item(project).before.inside else { return };
        let unproven = self.why_content_is_unproven(project).await;
        for at in self.plan.item_indices() {
            let item = self.item(at);
            if self.plan.rebuilt_project_of(item) != Some(project) {
                continue;
            }
            let off = self.what_is_off(item, inside).await;
            let off = off.or_else(|| unproven.map(str::to_owned));
            self.recorder.change(|j| {
                if off.is_none() && !j.touched(at) && !j.may_have_deleted(project) {
                    let progress = &mut j.items[at];
                    progress.outcome = Some(RunOutcome::Untouched);
                    progress.not_put_back = None;
                    return;
                }
                let text = format!("put back {}", name(&item.key));
                let (state, note) = match &off {
                    None => (StepState::Done, "it came back with its project".to_owned()),
                    Some(off) => (StepState::Failed, off.clone()),
                };
                j.line(text, state, note);
                match off {
                    None => j.items[at].set_back(),
                    Some(off) => {
                        let why = format!("{off}; see its project");
                        let progress = &mut j.items[at];
                        progress.outcome = Some(RunOutcome::Unfinished);
                        progress.not_put_back = Some(NotPutBack { why, advice: None });
                    }
                }
            });
        }
    }

    /// Why it is not known that what is in a project is what was in it; none where that is proven.
    async fn why_content_is_unproven(&self, project: ItemIndex) -> Option<&'static str> {
        if self.recorder.read(|j| j.items[project].outcome == Some(RunOutcome::PutBack)) {
            return None;
        }
        let item = self.item(project);
        match live_fingerprints(self.client, &item.key).await {
            Ok(Some(found)) if Some(found.portable) == item.before.portable => None,
            Ok(_) => Some("its content is not what it was"),
            Err(_) => Some("its content is not proven"),
        }
    }

    /// What of an artifact is not as it was before its project was rebuilt; none where it is.
    async fn what_is_off(&self, item: &PlanItem, inside: &ProjectCompanion) -> Option<String> {
        let unknown = |e: OicError| Some(format!("how it stands is not known: {}", e.reason()));
        // The plan adds a lookup that goes with its project, so that it counts as absent before.
        let was_there = item.before.status.is_some() || inside.lookups.contains(&item.key.code);
        let Some(id) = item.id() else {
            return match look(self.client, &item.key).await {
                Ok(Some(_)) => None,
                Ok(None) if was_there => Some("it is not there".to_owned()),
                Ok(None) => None,
                Err(e) => unknown(e),
            };
        };
        let found = match self.client.find_integration(&id).await {
            Ok(Some(found)) => found,
            Ok(None) => return was_there.then(|| "it is not there".into()),
            Err(e) => return unknown(e),
        };
        let member = inside.active.iter().find(|member| member.id == id)?;
        if found.state.status != Status::Active {
            return Some(format!("it is not active: {}", found.state.status.label()));
        }
        let wanted = member.schedule.there()?;
        match self.client.schedule(&id).await {
            Ok(found) if wanted.is_met_by(found.as_ref()) => None,
            Ok(found) => {
                let found = found.map_or("not there".to_owned(), |s| s.label().to_owned());
                Some(format!("its schedule is {found} instead of {}", wanted.label()))
            }
            Err(e) => unknown(e),
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
