//! What is looked at on the target: the wanted artifacts, their members, and what comes along.

use std::collections::{BTreeMap, BTreeSet};

use super::target_lists::TargetLists;
use crate::model::{ArtifactKey, EnvironmentName, IntegrationId, Kind, ProjectCode, Status};
use crate::oic::{Client, ListedIntegration};
use crate::restore::request::{Goal, PayloadArchive, PlanOptions, Request, Verb, WantedArtifact};
use crate::store::{Index, StoredVersion};

/// An artifact to survey.
#[derive(Debug, Clone)]
pub(super) struct ArtifactToSurvey {
    pub wanted: WantedArtifact,
    /// Why it is in the plan although nobody named it.
    pub brought: Option<String>,
    /// The package or project that brings it, by its place in the list.
    pub within: Option<usize>,
}

/// All artifacts to survey, each once.
#[derive(Debug, Default)]
pub(super) struct SurveyList(pub Vec<ArtifactToSurvey>);

impl SurveyList {
    /// The artifacts that a request names, that nobody left out and whose project is readable, and
    /// those that make room for them.
    pub fn of(request: &Request, options: &PlanOptions, lists: &TargetLists) -> Self {
        let mut this = Self(options.deactivate.iter().map(make_room).collect());
        let stays = |w: &&WantedArtifact| {
            let refused = lists.refused.contains_key(&w.key.uses_scope());
            !refused && !options.leave_out.contains_key(&w.key)
        };
        for one in request.wanted.iter().filter(stays) {
            // A snapshot lists a package and its integrations; their own entries say their state.
            match this.find(&one.key) {
                Some(there) => there.wanted.goal = one.goal.clone(),
                None => this.add_with_members(one.clone(), None, lists),
            }
        }
        this
    }

    fn find(&mut self, key: &ArtifactKey) -> Option<&mut ArtifactToSurvey> {
        self.0.iter_mut().find(|s| s.wanted.key == *key)
    }

    /// Whether any version of an artifact is in the list.
    pub fn has_code(&self, key: &ArtifactKey) -> bool {
        self.0.iter().any(|s| s.wanted.key.name() == key.name())
    }

    /// Adds an artifact, and of a package its integrations. A package is imported as a whole where
    /// neither it nor any of its integrations exists; the integrations are then activated and
    /// proven one by one. Where any of them exists, they are restored one by one, so that unchanged
    /// ones keep running: replacing a package is refused with 412 while one of its integrations is
    /// active.
    pub fn add_with_members(
        &mut self,
        wanted: WantedArtifact,
        brought: Option<String>,
        lists: &TargetLists,
    ) {
        let members = match (&wanted.archive, &wanted.goal) {
            (Some(archive), goal) if *goal != Goal::Absent => archive.members.clone(),
            _ => Vec::new(),
        };
        let whole = !lists.packages.contains(&wanted.key.code)
            && members.iter().all(|(id, _)| lists.integration(id).is_none());
        let (goal, origin) = (wanted.goal.clone(), wanted.origin.clone());
        let package = wanted.label.clone();
        let place = self.0.len();
        let within = whole.then_some(place);
        if members.is_empty() || whole {
            self.0.push(ArtifactToSurvey { wanted, brought: brought.clone(), within: None });
        }
        for (id, archive) in members {
            let key = ArtifactKey::from(id);
            // A snapshot lists both: the package brings it, and its own entry says its state.
            if let Some(listed) = self.find(&key) {
                listed.within = within;
                continue;
            }
            let label = format!("{package}, {key}");
            let wanted = WantedArtifact::new(key, label, Some(archive), goal.clone())
                .taken_from(origin.clone());
            self.0.push(ArtifactToSurvey { wanted, brought: brought.clone(), within });
        }
    }

    /// Adds the integrations of projects that are imported, and of those that stay what ran and does
    /// not. A project is imported as a whole; its integrations are then activated one by one where
    /// they were active when it was stored. Their content is proven with the project. Gives those
    /// of which nobody knows whether they were.
    pub fn add_project_members(
        &mut self,
        index: &Index,
        lists: &TargetLists,
        rebuild: &BTreeSet<ProjectCode>,
        verb: Verb,
    ) -> BTreeSet<IntegrationId> {
        let mut unknown = BTreeSet::new();
        for place in 0..self.0.len() {
            let ArtifactToSurvey { wanted, brought, .. } = &self.0[place];
            let rebuilt = rebuild.contains(&ProjectCode::from(wanted.key.code.as_str()));
            let there = lists.projects.contains(&wanted.key.code) && !rebuilt;
            let Some(archive) = wanted.archive.as_ref().filter(|_| wanted.goal != Goal::Absent)
            else {
                continue;
            };
            let members = archive.within.clone();
            let (origin, project) = (wanted.origin.clone(), wanted.label.clone());
            let brought = brought.clone();
            let may_run = !matches!(wanted.goal, Goal::Exactly { active: false, .. });
            for id in members {
                let seen = origin.as_ref().and_then(|e| was_active(index, e, &id));
                // An undo knows what ran from its journal.
                let asked = origin.is_some() || verb != Verb::Rollback;
                if seen.is_none() && may_run && asked && !there {
                    unknown.insert(id.clone());
                }
                let active = may_run && seen == Some(true);
                // In a project that stays, what ran and does not is activated, and no more.
                let idle = |i: &ListedIntegration| i.state.status == Status::Configured;
                if there && !(active && lists.integration(&id).is_some_and(idle)) {
                    continue;
                }
                let within = (!there).then_some(place);
                let key = ArtifactKey::from(id);
                // A snapshot lists it too, with its state.
                if let Some(listed) = self.find(&key) {
                    if !there {
                        (listed.wanted.archive, listed.within) = (None, within);
                    }
                    continue;
                }
                let label = format!("{project}, {key}");
                let goal = Goal::Exactly { active, schedule: None };
                let wanted = WantedArtifact::new(key, label, None, goal).taken_from(origin.clone());
                let brought = brought.clone();
                self.0.push(ArtifactToSurvey { wanted, brought, within });
            }
        }
        unknown
    }

    /// Takes out what comes along and is left out, with all that it would bring.
    pub fn leave_out(&mut self, keys: &BTreeMap<ArtifactKey, String>) {
        let named = |one: &ArtifactToSurvey| keys.contains_key(&one.wanted.key);
        let stays = |one: &ArtifactToSurvey| {
            !named(one) && one.within.is_none_or(|place| !named(&self.0[place]))
        };
        let mut places = Vec::new();
        let mut count = 0;
        for one in &self.0 {
            places.push(stays(one).then_some(count));
            count += usize::from(stays(one));
        }
        let kept = std::mem::take(&mut self.0).into_iter().zip(&places);
        let moved = |one: ArtifactToSurvey| ArtifactToSurvey {
            within: one.within.and_then(|place| places[place]),
            ..one
        };
        self.0 = kept.filter(|(_, at)| at.is_some()).map(|(one, _)| moved(one)).collect();
    }

    /// The artifacts that are looked at.
    pub fn wanted(&self) -> impl Iterator<Item = &WantedArtifact> {
        self.0.iter().map(|s| &s.wanted)
    }

    /// Adds certificates that are needed and missing, and for which the config names a file.
    pub async fn add_certificates(
        &mut self,
        client: &Client,
        lists: &TargetLists,
        needed: BTreeSet<String>,
    ) {
        let Some(there) = lists.certificates.known() else { return };
        let missing = |alias: &String| !there.iter().any(|c| c.code == *alias || c.name == *alias);
        for alias in needed.into_iter().filter(missing) {
            let Some(source) = client.environment().certificates.get(&alias) else { continue };
            let read = tokio::fs::read(&source.file).await;
            let Ok(bytes) = read.inspect_err(|e| tracing::warn!("{}: {e}", source.file.display()))
            else {
                continue;
            };
            let wanted = WantedArtifact::new(
                ArtifactKey::new(Kind::Certificate, &alias, None),
                source.file.display().to_string(),
                Some(PayloadArchive::certificate(bytes.into())),
                Goal::AsTaken(None),
            );
            let brought = Some("a connection needs it, and it is not there".into());
            self.0.push(ArtifactToSurvey { wanted, brought, within: None });
        }
    }
}

/// An integration that is deactivated first, as a person decided.
fn make_room(id: &IntegrationId) -> ArtifactToSurvey {
    let goal = Goal::Exactly { active: false, schedule: None };
    let wanted = WantedArtifact::new(id.clone().into(), format!("{id} as it is"), None, goal);
    let brought = Some("to make room at the activation limit".into());
    ArtifactToSurvey { wanted, brought, within: None }
}

/// Whether the store saw an integration active when it last saw it and its state; none where it
/// never saw that.
fn was_active(index: &Index, environment: &EnvironmentName, id: &IntegrationId) -> Option<bool> {
    let artifact = ArtifactKey::from(id.clone()).name();
    let mut history = index.history(environment, &artifact);
    let seen = |v: &&StoredVersion| v.version == Some(id.version) && v.status.if_kept().is_some();
    history.find(seen).map(|v| v.status == Status::Active)
}
