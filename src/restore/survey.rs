//! Surveys the target: everything that a plan must know of the environment before it decides. Only
//! reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::{
    live::{LiveState, PriorState, integration_id, live_fingerprints, look},
    request::{Goal, PayloadArchive, PlanOptions, Request, WantedArtifact},
    run_store::OngoingRun,
};
use crate::archive::{Fingerprints, Needs};
use crate::model::{
    ArtifactKey, EnvironmentName, IntegrationId, Kind, RunCounts, ScheduleState, Status,
};
use crate::oic::{Client, ListedArtifact, ListedConnection, ListedIntegration, OicError, Window};
use crate::store::{Index, Store, StoredVersion};

/// Artifacts looked at in parallel.
const AT_ONCE: usize = 8;

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct Situation {
    pub request: Request,
    pub environment: EnvironmentName,
    pub protected: bool,
    pub read_only: bool,
    /// One for each wanted artifact, and for each that is brought along.
    pub parts: Vec<SurveyedArtifact>,
    pub integrations: Vec<ListedIntegration>,
    pub connections: Vec<ListedConnection>,
    pub lookups: BTreeSet<String>,
    /// Codes; none where the list cannot be read.
    pub libraries: Option<BTreeSet<String>>,
    /// None where they cannot be seen, or nothing needs one.
    pub agents: Option<Vec<ListedArtifact>>,
    pub certificates: Option<Vec<ListedArtifact>>,
    /// Connections that the config or a person gives values for, with their names.
    pub values: BTreeMap<String, Vec<String>>,
    /// Codes of integrations after which smoke calls are made.
    pub smoke: BTreeSet<String>,
    /// Missing children that the store could bring along.
    pub offered: BTreeSet<ArtifactKey>,
    /// Integrations that ran within the hour; none where the role may not see them.
    pub ran: Option<BTreeSet<IntegrationId>>,
    /// Runs of others on the same artifacts that have not ended.
    pub working: Vec<OngoingRun>,
    /// How long the last activation on this environment took, in seconds, as a journal has it.
    pub last_activation: Option<f64>,
}

/// One artifact: what is wanted of it, and how it stands.
#[derive(Debug, Clone)]
pub struct SurveyedArtifact {
    pub wanted: WantedArtifact,
    /// Why it is in the plan although nobody named it.
    pub brought: Option<String>,
    pub before: PriorState,
    pub there: Option<LiveState>,
    /// The live artifact's fingerprints; the reason where it cannot be exported.
    pub fingerprints: Option<Result<Fingerprints, String>>,
    /// Runs under way now; none where the role may not see them.
    pub in_flight: Option<u64>,
    pub next_run: Option<Timestamp>,
    /// The package that brings it, by its place among the parts.
    pub within: Option<usize>,
}

/// Surveys the target of a request.
///
/// # Errors
/// Where a list that the plan cannot do without is not readable.
pub async fn survey(
    client: &Client,
    store: Option<&Store>,
    request: &Request,
    plan_options: &PlanOptions,
) -> Result<Situation, OicError> {
    let lists = &TargetLists::read(client, request).await?;
    let index = match store {
        Some(store) => store.index().await.unwrap_or_default(),
        None => Index::default(),
    };
    let resolver = DependencyResolver { store, index: &index };
    let mut wanted: Vec<Sought> = Vec::new();
    wanted.extend(plan_options.deactivate.iter().map(make_room));
    for one in &request.wanted {
        // A snapshot lists a package and its integrations; their own entries say their state.
        if let Some((there, ..)) = wanted.iter_mut().find(|(w, ..)| w.key == one.key) {
            there.goal = one.goal.clone();
            continue;
        }
        add_with_members(&mut wanted, one.clone(), None, lists);
    }
    let mut offered = BTreeSet::new();
    resolver.bring_along(&mut wanted, lists, plan_options, &mut offered).await;
    projects_whole(&mut wanted, &index, &lists.projects);
    bring_certificates(&mut wanted, client, lists).await;
    let look_at = |(wanted, brought, within): Sought| async move {
        let mut part = part_of(client, wanted, lists).await?;
        if within.is_some() {
            // It is put back to the state in which the package's import leaves it, before the
            // package is removed.
            part.before.status = Some(Status::Configured);
            part.before.portable = part.wanted.archive.as_ref().map(|a| a.fingerprints.portable);
            part.before.missing.clear();
        }
        (part.brought, part.within) = (brought, within);
        Ok::<_, OicError>(part)
    };
    let parts: Vec<SurveyedArtifact> =
        futures::stream::iter(wanted).map(look_at).buffered(AT_ONCE).try_collect().await?;
    let runs = match store {
        Some(store) => super::run_store::all(store).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let working = super::run_store::working_on(
        &runs,
        client.name(),
        parts.iter().map(|p| &p.wanted.key),
        None,
    );
    let environment = client.environment();
    let of_config =
        environment.connections.iter().map(|(code, o)| (code.clone(), o.keys().cloned().collect()));
    let of_person = plan_options.connection_values.iter().map(|(code, settings)| {
        (
            code.clone(),
            settings.properties.keys().chain(settings.security.keys()).cloned().collect(),
        )
    });
    Ok(Situation {
        request: request.clone(),
        environment: client.name().clone(),
        protected: environment.protected,
        read_only: environment.read_only,
        parts,
        integrations: lists.integrations.clone(),
        connections: lists.connections.clone(),
        lookups: lists.lookups.clone(),
        libraries: lists.libraries.clone(),
        agents: lists.agents.clone(),
        certificates: lists.certificates.clone(),
        values: of_config.chain(of_person).collect(),
        smoke: environment.smoke.iter().map(|s| s.integration.clone()).collect(),
        offered,
        ran: lists.runs.as_ref().map(|runs| {
            runs.iter().filter(|(_, r)| r.received > 0).map(|(id, _)| id.clone()).collect()
        }),
        working,
        last_activation: super::run_store::last_activation(&runs, client.name()),
    })
}

/// The target's own lists, asked for side by side.
struct TargetLists {
    integrations: Vec<ListedIntegration>,
    connections: Vec<ListedConnection>,
    lookups: BTreeSet<String>,
    libraries: Option<BTreeSet<String>>,
    packages: BTreeSet<String>,
    projects: BTreeSet<String>,
    agents: Option<Vec<ListedArtifact>>,
    certificates: Option<Vec<ListedArtifact>>,
    runs: Option<HashMap<IntegrationId, RunCounts>>,
}

impl TargetLists {
    async fn read(client: &Client, request: &Request) -> Result<Self, OicError> {
        let needs: Vec<&Needs> =
            request.wanted.iter().filter_map(|w| Some(&w.archive.as_ref()?.needs)).collect();
        let asked = |any: bool, kind| async move {
            if any { client.catalog(kind).await.ok() } else { None }
        };
        let needs_agents = needs.iter().any(|n| !n.agents.is_empty());
        let needs_certificates = needs.iter().any(|n| !n.certificates.is_empty());
        let packages = request.wanted.iter().any(|w| w.key.kind == Kind::Package);
        let projects = request.wanted.iter().any(|w| w.key.kind == Kind::Project);
        let (
            integrations,
            connections,
            lookups,
            libraries,
            packages,
            projects,
            agents,
            certificates,
            runs,
        ) = tokio::join!(
            client.integrations(),
            client.connections(),
            client.catalog(Kind::Lookup),
            client.catalog(Kind::Library),
            asked(packages, Kind::Package),
            asked(projects, Kind::Project),
            asked(needs_agents, Kind::Agent),
            asked(needs_certificates, Kind::Certificate),
            client.run_counts(Window::Hour),
        );
        let codes =
            |all: Vec<ListedArtifact>| all.into_iter().map(|l| l.code).collect::<BTreeSet<_>>();
        Ok(Self {
            integrations: integrations?,
            connections: connections?,
            lookups: codes(lookups?),
            libraries: libraries.ok().map(codes),
            packages: packages.map(codes).unwrap_or_default(),
            projects: projects.map(codes).unwrap_or_default(),
            agents,
            certificates,
            runs: runs.ok(),
        })
    }

    fn find(&self, id: &IntegrationId) -> Option<&ListedIntegration> {
        self.integrations.iter().find(|i| i.id == *id)
    }
}

fn make_room(id: &IntegrationId) -> (WantedArtifact, Option<String>, Option<usize>) {
    let wanted = WantedArtifact {
        key: id.clone().into(),
        label: format!("{id} as it is"),
        archive: None,
        goal: Goal::Exactly { active: false, schedule: None },
        origin: None,
    };
    (wanted, Some("to make room at the activation limit".into()), None)
}

/// An artifact to survey: as wanted, why it is in the plan unasked, and the package that brings it.
type Sought = (WantedArtifact, Option<String>, Option<usize>);

/// A package is imported as a whole where neither it nor any of its integrations exists; the
/// integrations are then activated and proven one by one. Where any of them exists, they are
/// restored one by one, so that unchanged ones keep running: replacing a package is refused with
/// 412 while one of its integrations is active.
fn add_with_members(
    out: &mut Vec<Sought>,
    one: WantedArtifact,
    brought: Option<String>,
    lists: &TargetLists,
) {
    let members = match (&one.archive, &one.goal) {
        (Some(archive), goal) if *goal != Goal::Absent => archive.members.clone(),
        _ => Vec::new(),
    };
    let whole = !lists.packages.contains(&one.key.code)
        && members.iter().all(|(id, _)| lists.find(id).is_none());
    let (goal, origin, label) = (one.goal.clone(), one.origin.clone(), one.label.clone());
    let place = out.len();
    if members.is_empty() || whole {
        out.push((one, brought.clone(), None));
    }
    for (id, archive) in members {
        let key = ArtifactKey::from(id);
        let label = format!("{label}, {key}");
        // A snapshot lists both: the package brings it, and its own entry says its state.
        if let Some((_, _, within)) = out.iter_mut().find(|(w, ..)| w.key == key) {
            *within = whole.then_some(place);
        } else {
            let wanted = WantedArtifact {
                key,
                label,
                archive: Some(archive),
                goal: goal.clone(),
                origin: origin.clone(),
            };
            out.push((wanted, brought.clone(), whole.then_some(place)));
        }
    }
}

/// A project is imported as a whole. Its integrations are then activated one by one where they were
/// active when it was stored; their content is proven with the project.
fn projects_whole(wanted: &mut Vec<Sought>, index: &Index, there: &BTreeSet<String>) {
    for place in 0..wanted.len() {
        let (one, brought, _) = &wanted[place];
        let members = match (&one.archive, &one.goal) {
            (Some(archive), goal) if *goal != Goal::Absent && !there.contains(&one.key.code) => {
                archive.within.clone()
            }
            _ => continue,
        };
        let (origin, label, brought) = (one.origin.clone(), one.label.clone(), brought.clone());
        for id in members {
            let stored = |e: &EnvironmentName| {
                index
                    .history(e, Kind::Integration, &id.code)
                    .find(|v| v.version == Some(id.version))
            };
            let ran = origin
                .as_ref()
                .and_then(|e| Some(stored(e)?.status == Status::Active))
                .unwrap_or(false);
            let goal = Goal::Exactly { active: ran, schedule: None };
            let key = ArtifactKey::from(id);
            match wanted.iter_mut().find(|(w, ..)| w.key == key) {
                // A snapshot lists it too, with its state.
                Some((there, _, within)) => (there.archive, *within) = (None, Some(place)),
                None => {
                    let label = format!("{label}, {key}");
                    let member =
                        WantedArtifact { key, label, archive: None, goal, origin: origin.clone() };
                    wanted.push((member, brought.clone(), Some(place)));
                }
            }
        }
    }
}

/// Adds certificates that are needed and missing, and for which the config names a file.
async fn bring_certificates(wanted: &mut Vec<Sought>, client: &Client, lists: &TargetLists) {
    let Some(there) = &lists.certificates else { return };
    let needed: BTreeSet<String> = wanted
        .iter()
        .filter_map(|(w, ..)| w.archive.as_ref())
        .flat_map(|a| a.needs.certificates.clone())
        .collect();
    for alias in needed.into_iter().filter(|a| !there.iter().any(|c| c.code == *a || c.name == *a))
    {
        let Some(source) = client.environment().certificates.get(&alias) else { continue };
        let read = tokio::fs::read(&source.file).await;
        let Ok(bytes) = read.inspect_err(|e| tracing::warn!("{}: {e}", source.file.display()))
        else {
            continue;
        };
        let one = WantedArtifact {
            key: ArtifactKey::new(Kind::Certificate, &alias, None),
            label: source.file.display().to_string(),
            archive: Some(PayloadArchive::certificate(bytes.into())),
            goal: Goal::AsTaken(None),
            origin: None,
        };
        wanted.push((one, Some("a connection needs it, and it is not there".into()), None));
    }
}

/// Finds dependencies that are missing on the target in the store.
struct DependencyResolver<'a> {
    store: Option<&'a Store>,
    index: &'a Index,
}

impl DependencyResolver<'_> {
    /// Adds lookups and libraries that are needed, missing on the target and in the store; child
    /// integrations where a person asks for them.
    async fn bring_along(
        &self,
        wanted: &mut Vec<Sought>,
        lists: &TargetLists,
        plan_options: &PlanOptions,
        offered: &mut BTreeSet<ArtifactKey>,
    ) {
        // An artifact that is added may need others: the list grows during the loop.
        let mut place = 0;
        while place < wanted.len() {
            let (one, ..) = &wanted[place];
            place += 1;
            let (Some(archive), goal) = (&one.archive, &one.goal) else { continue };
            if *goal == Goal::Absent {
                continue;
            }
            let (needs, origin, code) =
                (archive.needs.clone(), one.origin.clone(), one.key.to_string());
            let mut missing: Vec<ArtifactKey> = Vec::new();
            let lookups = needs.lookups.iter().filter(|n| !lists.lookups.contains(*n));
            missing.extend(lookups.map(|n| ArtifactKey::new(Kind::Lookup, n, None)));
            if let Some(there) = &lists.libraries {
                let libraries = needs.libraries.iter().filter(|n| !there.contains(*n));
                missing.extend(libraries.map(|n| ArtifactKey::new(Kind::Library, n, None)));
            }
            let children = needs.children.iter().filter(|c| lists.find(c).is_none());
            missing.extend(children.cloned().map(ArtifactKey::from));
            for key in missing {
                if wanted.iter().any(|(w, ..)| w.key.kind == key.kind && w.key.code == key.code) {
                    continue;
                }
                let Some(version) = self.newest(&key, origin.as_ref()) else { continue };
                if key.kind == Kind::Integration && !plan_options.along.contains(&key) {
                    offered.insert(key);
                    continue;
                }
                if let Some(one) = self.fetch(version).await {
                    add_with_members(
                        wanted,
                        one,
                        Some(format!("{code} needs it, and it is not there")),
                        lists,
                    );
                }
            }
        }
    }

    /// The newest stored version: of the same environment where it has one, else of any.
    fn newest(
        &self,
        key: &ArtifactKey,
        origin: Option<&EnvironmentName>,
    ) -> Option<&StoredVersion> {
        let fits = |v: &&StoredVersion| {
            let version = key.version.is_none() || v.version == key.version;
            v.kind == key.kind && v.code == key.code && version && v.safety_run.is_none()
        };
        let all = self.index.versions().iter().filter(fits);
        all.max_by_key(|v| (Some(&v.environment) == origin, v.last_seen))
    }

    async fn fetch(&self, version: &StoredVersion) -> Option<WantedArtifact> {
        let bytes = self.store?.read(version).await.ok()?;
        let key = version.entry.key();
        let archive = PayloadArchive::read(&key, &bytes)
            .inspect_err(|e| tracing::warn!("{key} is not brought along: {e}"));
        Some(WantedArtifact {
            archive: Some(archive.ok()?),
            label: version.reference().to_string(),
            goal: Goal::AsTaken(Some(version.status.clone())),
            origin: Some(version.environment.clone()),
            key,
        })
    }
}

async fn part_of(
    client: &Client,
    wanted: WantedArtifact,
    lists: &TargetLists,
) -> Result<SurveyedArtifact, OicError> {
    let key = &wanted.key;
    // A list may leave fields out, and the lock matters: ask for the artifact itself.
    let there = look(client, key).await?;
    let fingerprints = match &there {
        Some(_) if !key.kind.has_archive() => None,
        Some(_) => {
            Some(live_fingerprints(client, key).await.map_err(|e| e.kind.to_string()).and_then(
                |m| {
                    // It was removed between two calls.
                    m.ok_or_else(|| "it is not there any more".into())
                },
            ))
        }
        None => None,
    };
    let mut before = PriorState {
        status: there.as_ref().map(|t| t.state.status.clone()),
        last_updated: there.as_ref().and_then(|t| t.state.last_updated),
        last_updated_by: there.as_ref().and_then(|t| t.state.last_updated_by.clone()),
        portable: fingerprints.as_ref().and_then(|m| m.as_ref().ok()).map(|m| m.portable),
        ..PriorState::default()
    };
    let (mut in_flight, mut next_run) = (None, None);
    if let Some(id) = integration_id(key) {
        let same_major =
            |i: &&ListedIntegration| i.id.code == id.code && i.id.version.major == id.version.major;
        before.swapped = lists
            .integrations
            .iter()
            .filter(same_major)
            .find(|i| i.id != id && i.state.status == Status::Active)
            .map(|i| i.id.clone());
        let scheduled = wanted
            .archive
            .as_ref()
            .map_or_else(|| there.as_ref().is_some_and(|t| t.scheduled), |a| a.scheduled);
        let runner = before
            .swapped
            .clone()
            .or_else(|| there.as_ref().filter(|t| t.scheduled).map(|_| id.clone()));
        if let Some(runner) = runner.filter(|_| scheduled) {
            before.schedule = client.schedule(&runner).await?;
        }
        let running = before.swapped.as_ref().unwrap_or(&id);
        in_flight =
            lists.runs.as_ref().map(|counts| counts.get(running).map_or(0, RunCounts::in_flight));
        if before.schedule == Some(ScheduleState::Running) {
            next_run = client.next_run(running).await;
        }
    }
    if let Some(archive) = wanted.archive.as_ref().filter(|_| wanted.goal != Goal::Absent) {
        let needs = &archive.needs;
        let connections =
            needs.connections.iter().filter(|c| !lists.connections.iter().any(|l| l.code == **c));
        let lookups = needs.lookups.iter().filter(|n| !lists.lookups.contains(*n));
        let connections = connections.map(|c| ArtifactKey::new(Kind::Connection, c, None));
        before.missing =
            connections.chain(lookups.map(|l| ArtifactKey::new(Kind::Lookup, l, None))).collect();
    }
    Ok(SurveyedArtifact {
        wanted,
        brought: None,
        before,
        there,
        fingerprints,
        in_flight,
        next_run,
        within: None,
    })
}
