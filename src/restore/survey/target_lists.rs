//! The lists of the target that a plan is made from.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;

use super::survey_list::SurveyList;
use crate::archive::Needs;
use crate::model::{Answer, ArtifactKey, IntegrationId, Kind, Scope, Version};
use crate::oic::{
    Client, InstanceTally, ListedArtifact, ListedConnection, ListedIntegration, OicError, Twin,
    Window,
};
use crate::restore::request::{Goal, Request, WantedArtifact};

/// How many active integrations an environment allows (docs/oic-rest-api.md, Limits).
pub const ACTIVE_LIMIT: usize = 700;

/// How many integrations a project allows (docs/projects.md, Limits).
pub const PROJECT_LIMIT: usize = 100;

/// The target's own lists, asked for side by side.
#[derive(Debug, Clone, Default)]
pub struct TargetLists {
    /// The global space, and each project that something is wanted in.
    pub scopes: BTreeMap<Scope, ScopeLists>,
    /// Projects that something is wanted in and that could not be listed, each with why.
    pub refused: BTreeMap<Scope, String>,
    /// What is called in other projects; none where it is not there.
    pub called: BTreeMap<IntegrationId, Answer<Option<ListedIntegration>>>,
    /// Empty where no package is wanted.
    pub packages: BTreeSet<String>,
    /// Empty where nothing is wanted that is a project, in one, or becomes active.
    pub projects: BTreeSet<String>,
    /// What counts against the limit of active integrations in projects that nothing is wanted in.
    pub elsewhere: UnplannedProjects,
    /// Empty where nothing needs one.
    pub agents: Answer<Vec<ListedArtifact>>,
    /// Empty where nothing needs one.
    pub certificates: Answer<Vec<ListedArtifact>>,
    /// Instances within the hour.
    pub instances: Answer<InstanceTally>,
}

/// What one scope of the target has.
#[derive(Debug, Clone, Default)]
pub struct ScopeLists {
    pub integrations: Vec<ListedIntegration>,
    pub connections: Vec<ListedConnection>,
    /// Names.
    pub lookups: BTreeSet<String>,
    /// The newest version by code.
    pub libraries: Answer<BTreeMap<String, Option<Version>>>,
}

/// The integrations of projects that nothing is wanted in. They are read only where the environment
/// may be near its limit of active integrations.
#[derive(Debug, Clone, Default)]
pub struct UnplannedProjects {
    pub integrations: Vec<ListedIntegration>,
    /// Projects whose integrations could not be listed.
    pub unlisted: BTreeSet<String>,
    /// Why not even the projects could be listed.
    pub no_projects: Option<String>,
}

static NOTHING: ScopeLists = ScopeLists {
    integrations: Vec::new(),
    connections: Vec::new(),
    lookups: BTreeSet::new(),
    libraries: Answer::Unknown { unknown: String::new() },
};

impl ScopeLists {
    /// Reads the lists of a scope.
    ///
    /// # Errors
    /// Where the integrations, connections or lookups cannot be listed.
    async fn read(client: &Client, scope: &Scope) -> Result<Self, OicError> {
        let (integrations, connections, lookups, libraries) = tokio::join!(
            client.integrations_in(scope),
            client.connections(scope),
            client.catalog_in(scope, Kind::Lookup),
            client.catalog_in(scope, Kind::Library),
        );
        Ok(Self {
            integrations: integrations?,
            connections: connections?,
            lookups: codes(lookups?),
            libraries: OicError::answer(libraries).map(newest),
        })
    }
}

impl UnplannedProjects {
    async fn read(client: &Client, projects: Vec<Scope>) -> Self {
        // As many at once as calls may be under way.
        let at_once = client.environment().concurrency;
        let lists = futures::stream::iter(projects).map(|scope| async move {
            let listed = client.integrations_in(&scope).await;
            (scope, listed)
        });
        let mut this = Self::default();
        for (scope, listed) in lists.buffer_unordered(at_once).collect::<Vec<_>>().await {
            match (listed, scope.project()) {
                (Ok(listed), _) => this.integrations.extend(listed),
                (Err(_), Some(project)) => drop(this.unlisted.insert(project.to_string())),
                (Err(_), None) => {}
            }
        }
        this
    }
}

fn codes(all: Vec<ListedArtifact>) -> BTreeSet<String> {
    all.into_iter().map(|l| l.code).collect()
}

/// The newest version of each code.
fn newest(all: Vec<ListedArtifact>) -> BTreeMap<String, Option<Version>> {
    let mut out = BTreeMap::new();
    for one in all {
        let version = out.entry(one.code).or_insert(one.version);
        *version = (*version).max(one.version);
    }
    out
}

impl TargetLists {
    /// Reads the lists.
    ///
    /// # Errors
    /// Where the integrations, connections or lookups of the global space cannot be listed, or of
    /// every project that something is wanted in, or the packages or projects where they matter: a
    /// list that was not read does not say that nothing is there. Other lists may be missing.
    pub(super) async fn read(client: &Client, request: &Request) -> Result<Self, OicError> {
        let listed = |any: bool, kind| async move {
            if any { client.catalog(kind).await } else { Ok(Vec::new()) }
        };
        let packages = request.wanted.iter().any(|w| w.key.kind == Kind::Package);
        let inside: BTreeSet<Scope> = request
            .wanted
            .iter()
            .map(|w| w.key.uses_scope())
            .filter(|scope| !scope.is_global())
            .collect();
        let activates = request.wanted.iter().any(WantedArtifact::may_activate);
        let (global, packages, projects, instances) = tokio::join!(
            ScopeLists::read(client, &Scope::Global),
            listed(packages, Kind::Package),
            listed(!inside.is_empty() || activates, Kind::Project),
            client.instance_counts(Window::Hour),
        );
        // Where projects matter for the limit alone, a list that is not readable stops nothing.
        let (projects, no_projects) = match projects {
            // An instance that does not offer them has none.
            Err(e) if inside.is_empty() && e.status() == Some(404) => (BTreeSet::new(), None),
            Err(e) if inside.is_empty() => (BTreeSet::new(), Some(e.reason())),
            projects => (codes(projects?), None),
        };
        let mut this = Self {
            called: BTreeMap::new(),
            scopes: BTreeMap::from([(Scope::Global, global?)]),
            refused: BTreeMap::new(),
            packages: codes(packages?),
            projects,
            elsewhere: UnplannedProjects { no_projects, ..UnplannedProjects::default() },
            agents: Answer::default(),
            certificates: Answer::default(),
            instances: OicError::answer(instances),
        };
        this.read_projects(client, request, inside).await?;
        if activates {
            this.count_elsewhere(client, request).await;
        }
        Ok(this)
    }

    /// Reads the lists of the projects that something is wanted in.
    ///
    /// # Errors
    /// Where nothing else is wanted than what is in projects that refuse.
    async fn read_projects(
        &mut self,
        client: &Client,
        request: &Request,
        inside: BTreeSet<Scope>,
    ) -> Result<(), OicError> {
        // A project that is not there has nothing.
        let there = |s: &Scope| s.project().is_some_and(|p| self.projects.contains(p.as_str()));
        let read = inside.into_iter().filter(there).map(|scope| async move {
            let lists = ScopeLists::read(client, &scope).await;
            (scope, lists)
        });
        for (scope, lists) in futures::future::join_all(read).await {
            match lists {
                Ok(lists) => drop(self.scopes.insert(scope, lists)),
                Err(e) => {
                    self.refused.insert(scope, e.reason());
                    let refused =
                        |w: &WantedArtifact| self.refused.contains_key(&w.key.uses_scope());
                    if request.wanted.iter().all(refused) {
                        return Err(e);
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts the active integrations of the other projects, where the environment may be near its
    /// limit.
    async fn count_elsewhere(&mut self, client: &Client, request: &Request) {
        let here = self.integrations().filter(|i| i.is_active()).count();
        let read =
            |scope: &Scope| self.scopes.contains_key(scope) || self.refused.contains_key(scope);
        let others = self.projects.iter().map(|code| Scope::of_project(code.as_str()));
        let others: Vec<Scope> = others.filter(|scope| !read(scope)).collect();
        let comes = request.wanted.iter().map(|w| match w.key.kind.holds_integrations() {
            true => PROJECT_LIMIT,
            false => 1,
        });
        let at_most = here + others.len() * PROJECT_LIMIT + comes.sum::<usize>();
        let no_projects = self.elsewhere.no_projects.take();
        if at_most > ACTIVE_LIMIT {
            self.elsewhere = UnplannedProjects::read(client, others).await;
        }
        self.elsewhere.no_projects = no_projects;
        let not_counted = self.refused.keys().filter_map(Scope::project).map(ToString::to_string);
        self.elsewhere.unlisted.extend(not_counted);
    }

    /// Reads the lists of agent groups and of certificates, where something needs one.
    pub(super) async fn read_what_connections_need(
        &mut self,
        client: &Client,
        agents: bool,
        certificates: bool,
    ) {
        let asked = |any: bool, kind| async move {
            match any {
                true => OicError::answer(client.catalog(kind).await),
                false => Answer::default(),
            }
        };
        let lists =
            tokio::join!(asked(agents, Kind::Agent), asked(certificates, Kind::Certificate));
        (self.agents, self.certificates) = lists;
    }

    /// Whether the lists show an artifact; none where the list of its kind could not be read.
    pub fn has(&self, key: &ArtifactKey) -> Option<bool> {
        let here = self.within(&key.scope);
        Some(match (key.kind, key.integration_id()) {
            (_, Some(id)) => self.integration(&id).is_some(),
            (Kind::Lookup, _) => here.lookups.contains(&key.code),
            (Kind::Connection, _) => here.connections.iter().any(|c| c.code == key.code),
            (Kind::Project, _) => self.projects.contains(&key.code),
            (Kind::Package, _) => self.packages.contains(&key.code),
            (Kind::Library, _) => {
                if !self.scopes.contains_key(&key.scope) {
                    return Some(false);
                }
                let newest = here.libraries.known()?.get(&key.code);
                newest.is_some_and(|version| *version == key.version)
            }
            // What is only described is not listed for a plan: it is asked for one by one.
            (kind, _) => {
                debug_assert!(!kind.can_be_sent(), "a plan does not list {}", kind.plural());
                false
            }
        })
    }

    /// What a scope has; nothing where it is not there.
    pub fn within(&self, scope: &Scope) -> &ScopeLists {
        self.scopes.get(scope).unwrap_or(&NOTHING)
    }

    /// All integrations of the scopes that were read.
    pub fn integrations(&self) -> impl Iterator<Item = &ListedIntegration> {
        self.scopes.values().flat_map(|s| &s.integrations)
    }

    /// All integrations that count against the limit of active ones, as far as they were listed.
    pub fn counted(&self) -> impl Iterator<Item = &ListedIntegration> {
        self.integrations().chain(&self.elsewhere.integrations)
    }

    /// The listed integration with this id.
    pub fn integration(&self, id: &IntegrationId) -> Option<&ListedIntegration> {
        let listed = self.within(&id.scope).integrations.iter().find(|i| i.id == *id);
        listed.or_else(|| self.called.get(id)?.there())
    }

    /// The integration that an archive in a scope calls: where it says so, else as
    /// [`Self::called_from`].
    pub fn called_by(&self, needs: &Needs, scope: &Scope, child: &IntegrationId) -> IntegrationId {
        match needs.called_in.get(child) {
            Some(told) => child.clone().within(told.of(scope)),
            None => self.called_from(scope, child),
        }
    }

    /// Looks at what is called in projects of which nothing is wanted, so that they are not listed.
    pub(super) async fn read_called(&mut self, client: &Client, sought: &SurveyList) {
        let mut asked = BTreeSet::new();
        for wanted in sought.wanted().filter(|w| w.goal != Goal::Absent) {
            let scope = wanted.key.uses_scope();
            let Some(needs) = wanted.archive.as_ref().map(|a| &a.needs) else { continue };
            let called = needs.children.iter().map(|c| self.called_by(needs, &scope, c));
            asked.extend(called.filter(|id| !self.scopes.contains_key(&id.scope)));
        }
        let ask = |id: IntegrationId| async {
            let found = OicError::answer(client.find_integration(&id).await);
            (id, found)
        };
        self.called =
            futures::future::join_all(asked.into_iter().map(ask)).await.into_iter().collect();
    }

    /// The integration that a flow in a scope means by a child: the one of its own project, else
    /// the one of the global space. Where neither is there it is its own project's.
    pub fn called_from(&self, scope: &Scope, child: &IntegrationId) -> IntegrationId {
        let own = child.clone().within(scope.clone());
        let global = child.clone().within(Scope::Global);
        match self.integration(&own).is_none() && self.integration(&global).is_some() {
            true => global,
            false => own,
        }
    }

    /// Whether an integration had instances within the hour; none where the role may not see it.
    /// Those that may be a twin's count.
    pub fn ran(&self, id: &IntegrationId) -> Option<bool> {
        Some(self.instances.known()?.of(id, Twin::Exists).is_none_or(|counts| counts.received > 0))
    }

    /// The instances of an integration that are under way; none where the role may not see them,
    /// or they may be those of a twin in another scope that was listed.
    pub fn in_flight(&self, id: &IntegrationId) -> Option<u64> {
        let is_twin = |other: &ListedIntegration| {
            let same = (&other.id.code, other.id.version) == (&id.code, id.version);
            same && other.id.scope != id.scope
        };
        let twin = if self.counted().any(is_twin) { Twin::Exists } else { Twin::Absent };
        Some(self.instances.known()?.of(id, twin)?.in_flight())
    }
}
