//! One artifact of the survey: what is wanted of it, and its state on the target.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    KeptDescriptions,
    survey_list::ArtifactToSurvey,
    target_lists::{ScopeLists, TargetLists},
};
use crate::archive::Fingerprints;
use crate::model::{
    Answer, ArtifactKey, Fingerprint, IntegrationId, Kind, ProjectCode, ScheduleParameters,
    ScheduleState, Scope, Status,
};
use crate::oic::{Client, ListedIntegration, OicError};
use crate::restore::{
    companions::{CompanionQuestions, state_of},
    live::{LiveState, PriorState, ProjectCompanion, live_archive, live_fingerprints, look},
    request::{Goal, PayloadArchive, WantedArtifact, member_fingerprints},
};

/// One artifact: what is wanted of it, and its state on the target.
#[derive(Debug, Clone)]
pub struct SurveyedArtifact {
    pub wanted: WantedArtifact,
    /// Why it is in the plan although nobody named it.
    pub brought: Option<String>,
    pub before: PriorState,
    pub there: Option<LiveState>,
    /// The live artifact's fingerprints, where it has an archive; not known where it cannot be
    /// exported.
    pub fingerprints: Option<Answer<Fingerprints>>,
    /// Of a project that is there: what each integration in it means.
    pub members: BTreeMap<IntegrationId, Fingerprint>,
    /// Likewise: what lies beside them, each in a few words.
    pub beside: BTreeSet<String>,
    /// Instances under way now; none where the role may not see them.
    pub in_flight: Option<u64>,
    pub next_run: Option<Timestamp>,
    /// The package or project that brings it, by its place among the parts.
    pub within: Option<usize>,
    /// What the store has beside the archive of an artifact that is not there.
    pub kept: KeptDescriptions,
}

impl SurveyedArtifact {
    /// Why what is there could not be read; none where it was, or nothing is there.
    pub fn why_unread(&self) -> Option<&str> {
        self.fingerprints.as_ref()?.why_unknown()
    }

    /// The portable fingerprint of what is there; none where nothing is, or it cannot be exported.
    pub fn portable_fingerprint(&self) -> Option<Fingerprint> {
        Some(self.fingerprints.as_ref()?.known()?.portable)
    }

    /// Looks at the target.
    ///
    /// # Errors
    /// Where the artifact or its schedule cannot be read.
    pub(super) async fn look(
        client: &Client,
        (sought, kept): (ArtifactToSurvey, KeptDescriptions),
        lists: &TargetLists,
        rebuild: &BTreeSet<ProjectCode>,
        companions: CompanionQuestions<'_>,
    ) -> Result<Self, OicError> {
        let ArtifactToSurvey { wanted, brought, within } = sought;
        // A list may leave fields out, and the lock matters: ask for the artifact itself.
        let there = look_where_listed(client, &wanted.key, lists).await?;
        let (mut members, mut beside) = (BTreeMap::new(), BTreeSet::new());
        let fingerprints = match &there {
            Some(_) if wanted.key.kind == Kind::Project => {
                let found = exported(live_archive(client, &wanted.key).await);
                Some(found.map(|project| {
                    members = member_fingerprints(&project, &wanted.key.uses_scope());
                    beside = project.beside;
                    project.fingerprints
                }))
            }
            // What comes in a whole is put back with it: its own export would say nothing, and each
            // would export the whole project.
            Some(_) if within.is_some() && wanted.key.kind == Kind::Integration => None,
            Some(_) if wanted.key.kind.has_archive() => {
                Some(exported(live_fingerprints(client, &wanted.key).await))
            }
            _ => None,
        };
        let portable = fingerprints.as_ref().and_then(Answer::known).map(|f| f.portable);
        let state = there.as_ref().map(|t| &t.state);
        let mut before = PriorState {
            status: state.map(|s| s.status.clone()),
            last_updated: state.and_then(|s| s.last_updated),
            last_updated_by: state.and_then(|s| s.last_updated_by.clone()),
            portable,
            ..PriorState::default()
        };
        if let Some(archive) = wanted.archive.as_ref().filter(|_| wanted.goal != Goal::Absent) {
            let lists = lists.within(&wanted.key.uses_scope());
            before.missing = brought_by_import(archive, lists, &wanted.key.uses_scope());
        }
        let mut this = Self {
            wanted,
            brought,
            before,
            there,
            fingerprints,
            members,
            beside,
            in_flight: None,
            next_run: None,
            within,
            kept,
        };
        if let Some(id) = this.wanted.key.integration_id() {
            this.look_at_what_runs(client, id, lists, companions).await?;
        }
        this.look_at_project(client, lists, rebuild, companions).await?;
        if within.is_some() {
            this.before_whole_is_removed();
        }
        Ok(this)
    }

    /// Of a project that is rebuilt, finds out what its archive does not hold; of an integration in
    /// it, the schedule that is to be put back.
    async fn look_at_project(
        &mut self,
        client: &Client,
        lists: &TargetLists,
        rebuild: &BTreeSet<ProjectCode>,
        companions: CompanionQuestions<'_>,
    ) -> Result<(), OicError> {
        let scope = self.wanted.key.uses_scope();
        let Some(project) = scope.project().filter(|p| rebuild.contains(p)) else {
            return Ok(());
        };
        if self.wanted.key.kind == Kind::Project && self.there.is_some() {
            let here = lists.within(&scope);
            let read = ProjectCompanion::read(client, project, here, companions).await;
            self.before.inside = Some(read?);
        }
        let Some(id) = self.wanted.key.integration_id().filter(|_| self.within.is_some()) else {
            return Ok(());
        };
        if let Some(there) = self.there.as_ref().filter(|t| t.scheduled) {
            self.before.parameters = there.parameters.clone();
            self.before.schedule = companions.schedule(client, &id, there.schedule_defined).await;
        }
        if let Goal::Exactly { active: true, schedule } = &mut self.wanted.goal
            && schedule.is_none()
        {
            *schedule = self.before.schedule.there().cloned();
        }
        Ok(())
    }

    /// Finds out which version of the major runs, its schedule, its instances under way and its
    /// next run.
    async fn look_at_what_runs(
        &mut self,
        client: &Client,
        id: IntegrationId,
        lists: &TargetLists,
        companions: CompanionQuestions<'_>,
    ) -> Result<(), OicError> {
        let before = &mut self.before;
        let another = |i: &&ListedIntegration| {
            let same_major = i.id.code == id.code && i.id.version.major == id.version.major;
            same_major && i.id != id && i.state.status == Status::Active
        };
        let here = &lists.within(&id.scope).integrations;
        let swapped = here.iter().find(another);
        before.swapped = swapped.map(|i| i.id.clone());
        let there_scheduled = self.there.as_ref().is_some_and(|t| t.scheduled);
        let own_defined = self.there.as_ref().and_then(|t| t.schedule_defined);
        let scheduled = self.wanted.archive.as_ref().map_or(there_scheduled, |a| a.scheduled);
        let runner = before.swapped.clone().or_else(|| there_scheduled.then(|| id.clone()));
        // In a project a version is replaced by deleting it, and its schedule goes with it.
        let compared = self.kept.schedule_definition.is_some();
        let goes = compared || !id.scope.is_global();
        let own = match there_scheduled && (goes || before.swapped.is_none()) {
            true => Some(companions.schedule_definition(client, &id, own_defined).await),
            false => None,
        };
        let definition = own.as_ref().and_then(|own| own.there().cloned());
        match goes {
            true => before.schedule_definition = definition,
            false => before.own_times = definition,
        }
        if let Some(runner) = runner.filter(|_| scheduled) {
            before.schedule = match own {
                Some(own) if runner == id => own.map(|there| state_of(there.as_ref())),
                _ => {
                    let defined = swapped.map_or(own_defined, |i| i.schedule_defined);
                    companions.schedule(client, &runner, defined).await
                }
            };
        }
        if scheduled {
            before.parameters = match (&before.swapped, &self.there) {
                (Some(runner), _) => client.schedule_parameters(runner).await?,
                (None, Some(there)) => there.parameters.clone(),
                (None, None) => ScheduleParameters::new(),
            };
        }
        let running = before.swapped.as_ref().unwrap_or(&id);
        self.in_flight = lists.in_flight(running);
        if before.schedule.there() == Some(&ScheduleState::Running) {
            self.next_run = client.next_run(running).await;
        }
        Ok(())
    }

    /// A part of a package or project is put back to the state in which the whole's import leaves
    /// it, before the whole is removed.
    fn before_whole_is_removed(&mut self) {
        self.before.status = Some(Status::Configured);
        self.before.portable = self.wanted.archive.as_ref().map(|a| a.fingerprints.portable);
        self.before.missing.clear();
    }
}

/// The live state of an artifact. One that a list has just shown and that is not found is asked for
/// again: what is taken for absent would be imported over it.
async fn look_where_listed(
    client: &Client,
    key: &ArtifactKey,
    lists: &TargetLists,
) -> Result<Option<LiveState>, OicError> {
    for _ in 0..2 {
        let found = look(client, key).await?;
        if found.is_some() || lists.has(key) == Some(false) {
            return Ok(found);
        }
    }
    let why = match lists.has(key) {
        Some(_) => "the list shows it, and it is not found",
        None => "it is not found, and the list of its kind could not be read",
    };
    Err(client.unreadable("read", &key.to_string(), why.to_owned()))
}

/// What is there, as it was exported; the reason where it cannot be.
fn exported<T>(found: Result<Option<T>, OicError>) -> Answer<T> {
    match found {
        Ok(Some(found)) => Answer::Known(found),
        // It was removed between two calls.
        Ok(None) => Answer::unknown("it is not there any more"),
        Err(why) => Answer::unknown(why.kind),
    }
}

/// Connections and lookups that an import brings along, because they are not there.
fn brought_by_import(
    archive: &PayloadArchive,
    lists: &ScopeLists,
    scope: &Scope,
) -> Vec<ArtifactKey> {
    let there = |code: &String| lists.connections.iter().any(|l| l.code == *code);
    let connections = archive.needs.connections.iter().filter(|c| !there(c));
    let lookups = archive.needs.lookups.iter().filter(|n| !lists.lookups.contains(*n));
    let named =
        |kind| move |code: &String| ArtifactKey::new(kind, code, None).within(scope.clone());
    connections.map(named(Kind::Connection)).chain(lookups.map(named(Kind::Lookup))).collect()
}
