//! What one environment has: every artifact, with the counts of its instances.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::model::{
    ArtifactKey, ArtifactName, ArtifactState, EnvironmentName, InstanceCounts, IntegrationId, Kind,
    ListState, ProjectCode, Scope, Status, UnlistedKind, Version,
};
use crate::oic::{
    Catalogs, Client, InstanceTally, ListedArtifact, ListedIntegration, OicError, Twin, Window,
};

/// An environment as it was at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub environment: EnvironmentName,
    pub taken: Timestamp,
    pub artifacts: Vec<ListingEntry>,
    /// Whether the role may read monitoring; without it nothing is known of failures.
    pub runs_known: bool,
    /// Kinds that could not be listed, and why.
    #[serde(default)]
    pub unseen: Vec<UnlistedKind>,
}

/// One artifact of a list. Only integrations and libraries have a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListingEntry {
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Scope::is_global")]
    pub scope: Scope,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    pub name: String,
    pub state: ArtifactState,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scheduled: bool,
    /// The instances of the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<InstanceCounts>,
    /// When a certificate ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl ListingEntry {
    /// The id, for an integration.
    pub fn integration_id(&self) -> Option<IntegrationId> {
        Some(IntegrationId::new(&self.code, self.version?).within(self.scope.clone()))
    }

    /// What tells it apart from other artifacts of the environment.
    pub fn key(&self) -> ArtifactKey {
        self.name_of().key(self.version)
    }

    /// The artifact, whatever its version.
    pub fn name_of(&self) -> ArtifactName {
        ArtifactName::new(self.kind, &self.code).within(self.scope.clone())
    }
}

/// How long projects answer before those that did are shown: drawing thousands of rows takes time.
const BETWEEN_PARTS: Duration = Duration::from_millis(500);

/// Reads everything of an environment; its lists are asked for side by side, those of the projects
/// as soon as it is known which there are.
///
/// # Errors
/// Where the integrations of the global space cannot be listed. A kind that the environment does
/// not offer or the role may not see is left out, and named in [`Listing::unseen`]; so is a project
/// that refuses.
pub async fn read(client: &Client) -> Result<Listing, OicError> {
    read_in_parts(client, |_| ()).await
}

/// Like [`read`], and gives what is known so far to `part`: first the first page of the global
/// space, then now and again what came of it and of the projects. What has not answered is in [`Listing::unseen`] then:
/// projects may take many times as long.
///
/// # Errors
/// As [`read`].
pub async fn read_in_parts(client: &Client, part: impl Fn(Listing)) -> Result<Listing, OicError> {
    let (answered, mut answers) = mpsc::unbounded_channel();
    let gather = async {
        let (mut listing, runs, refused) = read_global(client, &part).await?;
        listing.count_instances(&runs);
        part(listing.so_far());
        let mut shown = Instant::now();
        while let Some(inside) = answers.recv().await {
            listing.add_project(inside);
            if shown.elapsed() >= BETWEEN_PARTS {
                listing.count_instances(&runs);
                part(listing.so_far());
                shown = Instant::now();
            }
        }
        listing.count_instances(&runs);
        Ok::<_, OicError>((listing, refused))
    };
    let (listing, projects) = tokio::join!(gather, read_projects(client, answered));
    let (mut listing, refused) = listing?;
    if let Some(e) = refused.filter(|_| projects.as_ref().map_or(true, Vec::is_empty)) {
        return Err(e);
    }
    match projects {
        Ok(projects) => {
            let own = projects.iter().filter(|p| !p.state.prebuilt);
            listing.artifacts.extend(own.map(of_access));
            listing.artifacts.extend(projects.into_iter().map(of_listed));
        }
        Err(e) => listing.miss(Kind::Project, &Scope::Global, &e),
    }
    Ok(listing)
}

/// What the global space has, the instances of all scopes, and why its integrations are not among
/// them where the role may not see those: who works in projects alone may be allowed there alone. A
/// long list is given page by page to `part`, before its runs and the other kinds are known.
async fn read_global(
    client: &Client,
    part: impl Fn(Listing),
) -> Result<(Listing, InstanceTally, Option<OicError>), OicError> {
    let taken = Timestamp::now();
    let shown = Mutex::new(None::<Instant>);
    let came = |integrations: Vec<ListedIntegration>| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.is_none_or(|at| at.elapsed() >= BETWEEN_PARTS) {
            part(Listing::of_pages(client, taken, integrations));
            *shown = Some(Instant::now());
        }
    };
    let (integrations, runs, catalogs) = tokio::join!(
        client.integrations_as_they_come(came),
        client.instance_counts(Window::Day),
        read_catalogs(client, &Scope::Global),
    );
    let (integrations, refused) = match integrations {
        Ok(found) => (found, None),
        Err(e) if e.status() == Some(403) => (Vec::new(), Some(e)),
        Err(e) => return Err(e),
    };
    let runs = runs
        .inspect_err(|e| tracing::warn!(environment = %client.name(), "runs are not shown: {e}"))
        .ok();
    let mut listing = Listing {
        environment: client.name().clone(),
        taken,
        artifacts: Vec::new(),
        runs_known: runs.is_some(),
        unseen: Vec::new(),
    };
    let runs = runs.unwrap_or_default();
    listing.add_integrations(integrations);
    listing.add_catalogs(&Scope::Global, catalogs);
    if let Some(e) = &refused {
        listing.miss(Kind::Integration, &Scope::Global, e);
    }
    Ok((listing, runs, refused))
}

/// What one project has.
struct ProjectLists {
    scope: Scope,
    integrations: Result<Vec<ListedIntegration>, OicError>,
    catalogs: Catalogs,
}

/// The kinds of a scope beside integrations, whose schedules come with them, and projects, which
/// are read first and have an access list each.
async fn read_catalogs(client: &Client, scope: &Scope) -> Catalogs {
    let kinds = Kind::ALL
        .into_iter()
        .filter(|k| k.is_cataloged() && (scope.is_global() || k.lives_in_projects()));
    client.catalogs_in(scope, kinds).await
}

/// Reads the list of projects, and sends what each has as soon as it has answered.
async fn read_projects(
    client: &Client,
    answered: mpsc::UnboundedSender<ProjectLists>,
) -> Result<Vec<ListedArtifact>, OicError> {
    let projects = client.catalog(Kind::Project).await?;
    let read = |project: ListedArtifact| {
        let answered = answered.clone();
        async move {
            let scope = Scope::of_project(project.code.as_str());
            let integrations = client.integrations_in(&scope);
            let (integrations, catalogs) =
                tokio::join!(integrations, read_catalogs(client, &scope));
            // Where nobody listens any more, the global space could not be read.
            let _ = answered.send(ProjectLists { scope, integrations, catalogs });
        }
    };
    // As many at once as calls may be under way: those that wait for their turn would lose their
    // patience without having been asked.
    let at_once = client.environment().concurrency;
    futures::stream::iter(projects.clone()).map(read).buffer_unordered(at_once).count().await;
    drop(answered);
    Ok(projects)
}

impl Listing {
    /// Whether projects have not answered yet: there may be more.
    pub fn is_growing(&self) -> bool {
        self.unseen.iter().any(|u| u.kind == Kind::Project && u.list == ListState::Pending)
    }

    /// The lists that were refused although what is in them may be many rows: of this kind, or of
    /// integrations where no kind is meant. A kind that the instance does not offer is not told.
    pub fn refused(&self, kind: Option<Kind>) -> impl Iterator<Item = &UnlistedKind> {
        let kind = kind.unwrap_or(Kind::Integration);
        self.unseen.iter().filter(move |u| u.may_hide(kind) && u.list != ListState::Pending)
    }

    /// Whether the instances of an entry may be those of its twin in another scope, and are
    /// therefore shown for neither.
    pub fn shares_runs(&self, entry: &ListingEntry) -> bool {
        self.runs_known && entry.kind == Kind::Integration && entry.runs.is_none()
    }

    /// The integrations whose failures are shown nowhere: see [`Self::shares_runs`].
    pub fn with_shared_runs(&self) -> impl Iterator<Item = &ListingEntry> {
        self.artifacts.iter().filter(|entry| self.shares_runs(entry))
    }

    /// The first pages of a list: nothing is known yet of what comes behind them.
    fn of_pages(client: &Client, taken: Timestamp, found: Vec<ListedIntegration>) -> Self {
        let pending = |kind: &Kind| UnlistedKind::pending(*kind);
        let mut this = Self {
            environment: client.name().clone(),
            taken,
            artifacts: Vec::new(),
            runs_known: false,
            unseen: Kind::ALL.iter().map(pending).collect(),
        };
        this.add_integrations(found);
        this
    }

    /// What is known before all projects have answered.
    fn so_far(&self) -> Self {
        let projects = UnlistedKind::pending(Kind::Project);
        let unseen = self.unseen.iter().cloned().chain([projects]).collect();
        Self { unseen, ..self.clone() }
    }

    fn add_project(&mut self, inside: ProjectLists) {
        match inside.integrations {
            Ok(found) => self.add_integrations(found),
            Err(e) => self.miss(Kind::Integration, &inside.scope, &e),
        }
        self.add_catalogs(&inside.scope, inside.catalogs);
    }

    fn add_integrations(&mut self, found: Vec<ListedIntegration>) {
        // An instance may list what is in projects in the global space too.
        let known: HashSet<ArtifactKey> = self.artifacts.iter().map(ListingEntry::key).collect();
        let new = |i: &ListedIntegration| !known.contains(&ArtifactKey::from(i.id.clone()));
        let found: Vec<ListedIntegration> = found.into_iter().filter(new).collect();
        let scheduled = found.iter().filter(|i| i.scheduled && !i.state.prebuilt);
        self.artifacts.extend(scheduled.map(of_schedule));
        self.artifacts.extend(found.into_iter().map(of_integration));
    }

    /// Gives each integration its instances. Those that may be a twin's are given to neither.
    fn count_instances(&mut self, tally: &InstanceTally) {
        if !self.runs_known {
            return;
        }
        let mut scopes: HashMap<String, usize> = HashMap::new();
        let ids: Vec<Option<IntegrationId>> =
            self.artifacts.iter().map(|a| a.key().integration_id()).collect();
        for id in ids.iter().flatten() {
            *scopes.entry(id.service_id()).or_default() += 1;
        }
        for (artifact, id) in self.artifacts.iter_mut().zip(&ids) {
            let Some(id) = id else { continue };
            let twin = match scopes.get(&id.service_id()) {
                Some(2..) => Twin::Exists,
                _ => Twin::Absent,
            };
            artifact.runs = tally.of(id, twin);
        }
    }

    fn add_catalogs(&mut self, scope: &Scope, catalogs: Catalogs) {
        for (kind, catalog) in catalogs {
            match catalog {
                Ok(listed) => self.artifacts.extend(listed.into_iter().map(of_listed)),
                Err(e) => self.miss(kind, scope, &e),
            }
        }
    }

    fn miss(&mut self, kind: Kind, scope: &Scope, error: &OicError) {
        let missed = UnlistedKind::new(kind, scope.clone(), error.reason());
        tracing::info!(environment = %self.environment, "{} are not shown: {}", missed.what(), missed.reason);
        self.unseen.push(missed);
    }
}

fn of_integration(found: ListedIntegration) -> ListingEntry {
    ListingEntry {
        kind: Kind::Integration,
        runs: None,
        scope: found.id.scope,
        code: found.id.code,
        version: Some(found.id.version),
        name: found.name,
        state: found.state,
        scheduled: found.scheduled,
        expires: None,
    }
}

/// The entry of an integration's schedule. The list of integrations tells only that it has one.
fn of_schedule(of: &ListedIntegration) -> ListingEntry {
    ListingEntry {
        kind: Kind::Schedule,
        scope: of.id.scope.clone(),
        code: of.id.code.clone(),
        version: Some(of.id.version),
        name: format!("schedule of {}", of.name),
        state: ArtifactState::new(Status::Other("scheduled".into())),
        scheduled: true,
        runs: None,
        expires: None,
    }
}

/// The entry of a project's access list. The list of projects tells only that there is one.
fn of_access(project: &ListedArtifact) -> ListingEntry {
    let key = ArtifactKey::access_of(&ProjectCode::from(project.code.as_str()));
    ListingEntry {
        kind: key.kind,
        scope: key.scope,
        code: key.code,
        version: None,
        name: format!("who may do what in {}", project.name),
        state: ArtifactState::new(Status::Configured),
        scheduled: false,
        runs: None,
        expires: None,
    }
}

fn of_listed(found: ListedArtifact) -> ListingEntry {
    let name = match found.note.as_str() {
        "" => found.name,
        note => format!("{} ({note})", found.name),
    };
    ListingEntry {
        kind: found.kind,
        scope: found.scope,
        code: found.code,
        version: found.version,
        name,
        state: found.state,
        scheduled: false,
        runs: None,
        expires: found.expires,
    }
}
