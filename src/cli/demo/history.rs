//! Writes the snapshots that the landscape's history describes, as backups of those nights would
//! have written them.

use std::collections::HashMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::super::output::CommandError;
use crate::archive::ValidatedArchive;
use crate::model::{
    ArtifactKey, Description, EnvironmentName, IntegrationId, Kind, Manifest, ManifestEntry,
    Purpose, Scope, Status,
};
use crate::sim::{
    Landscape, ServiceInstance, Simulator,
    archive::{library_jar, lookup_csv, project_car},
    landscape::{FlowSpec, HistorySpec, LookupSpec, ProjectSpec, scopes_of},
};
use crate::store::{Store, snapshot_id};

/// Fills the store with the snapshots that the landscape says were taken before today. Stops before
/// the next file where the person leaves.
pub async fn seed(
    landscape: &Landscape,
    sim: &Simulator,
    store: &Store,
    leaving: &CancellationToken,
) -> Result<(), CommandError> {
    for history in &landscape.history {
        let environment = &history.environment;
        let seen = Seen::default();
        let nights = Nights { landscape, environment, sim, store, leaving, seen };
        nights.seed(history).await?;
    }
    Ok(())
}

/// The backups of one environment, night after night.
struct Nights<'a> {
    landscape: &'a Landscape,
    environment: &'a EnvironmentName,
    sim: &'a Simulator,
    store: &'a Store,
    /// The person leaves: what is not written yet is needed no more.
    leaving: &'a CancellationToken,
    seen: Seen,
}

/// What an earlier snapshot of the environment has kept: later ones list the same file.
#[derive(Default)]
struct Seen {
    /// With the bytes, of which the archives of projects are made.
    integrations: HashMap<IntegrationState, (ManifestEntry, Bytes)>,
    projects: HashMap<ProjectState, ManifestEntry>,
    others: HashMap<(ArtifactKey, Vec<u8>), ManifestEntry>,
}

/// A version of an integration, and when it was last changed.
type IntegrationState = (IntegrationId, Timestamp);

/// What a project had.
type ProjectState = Vec<IntegrationState>;

/// How many archives are read at once, each on a thread of its own: the explorer needs the rest of
/// the machine.
const AT_ONCE: usize = 2;

/// An integration as it was.
struct PastIntegration {
    id: IntegrationId,
    flow: FlowSpec,
    updated: Timestamp,
    by: String,
}

impl PastIntegration {
    fn state(&self) -> IntegrationState {
        (self.id.clone(), self.updated)
    }
}

impl Nights<'_> {
    async fn seed(mut self, history: &HistorySpec) -> Result<(), CommandError> {
        let mut times: Vec<_> = history.at.iter().map(|w| w.time()).collect();
        times.sort_unstable();
        for time in times {
            let purpose = Purpose::Backup { partial: false, selection: false };
            let manifest = Manifest {
                entries: self.entries(time).await?,
                ..Manifest::new(snapshot_id(time), self.environment.clone(), time, purpose)
            };
            self.store.write_manifest(&manifest).await?;
        }
        Ok(())
    }

    /// What a backup at that time listed.
    async fn entries(&mut self, time: Timestamp) -> Result<Vec<ManifestEntry>, CommandError> {
        let then = self.integrations(time);
        let landscape = self.landscape;
        let projects: Vec<(&ProjectSpec, ProjectState)> = landscape
            .projects
            .iter()
            .map(|p| (p, state_of(&then, &Scope::of_project(p.code.as_str()))))
            .filter(|(_, state)| !state.is_empty())
            .collect();
        // The demo's instances export an integration of a project alone, so each has a file of its
        // own beside its project's.
        self.keep_integrations(&then, time).await?;
        self.keep_projects(&projects, time).await?;
        let integrations = then.iter().filter_map(|i| self.seen.integrations.get(&i.state()));
        let mut entries: Vec<_> = integrations.map(|(entry, _)| entry.clone()).collect();
        entries.extend(
            projects.iter().filter_map(|(_, state)| self.seen.projects.get(state)).cloned(),
        );
        let inside = projects.iter().map(|(p, _)| Scope::of_project(p.code.as_str()));
        let scopes: Vec<Scope> = std::iter::once(Scope::Global).chain(inside).collect();
        let beside = self
            .sim
            .with_instance(self.environment.as_str(), |i| {
                scopes.iter().flat_map(|s| besides(landscape, i, s, time)).collect::<Vec<_>>()
            })
            .unwrap_or_default();
        for other in beside {
            entries.push(self.other(other, time).await?);
        }
        Ok(entries)
    }

    /// All integrations that ran then, in all scopes.
    fn integrations(&self, time: Timestamp) -> Vec<PastIntegration> {
        let mut out = Vec::new();
        for integration in &self.landscape.integrations {
            let Some((version, flow, updated, by)) = integration.as_it_was(self.environment, time)
            else {
                continue;
            };
            for scope in scopes_of(&self.landscape.projects, &integration.code) {
                let id = IntegrationId::new(&integration.code, version).within(scope);
                out.push(PastIntegration { id, flow: flow.clone(), updated, by: by.to_owned() });
            }
        }
        out
    }

    /// Keeps what no earlier snapshot has.
    async fn keep_integrations(
        &mut self,
        then: &[PastIntegration],
        time: Timestamp,
    ) -> Result<(), CommandError> {
        let fresh = then.iter().filter(|i| !self.seen.integrations.contains_key(&i.state()));
        let kept: Vec<_> = futures::stream::iter(fresh)
            .map(|past| self.integration(past, time))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        self.seen.integrations.extend(kept);
        Ok(())
    }

    async fn integration(
        &self,
        past: &PastIntegration,
        time: Timestamp,
    ) -> Result<(IntegrationState, (ManifestEntry, Bytes)), CommandError> {
        let (id, flow) = (&past.id, &past.flow);
        let built = |i: &mut ServiceInstance| i.build(id, flow, &Status::Active, 1, time);
        let bytes = self.sim.with_instance(self.environment.as_str(), built).unwrap_or_default();
        let bytes = Bytes::from(bytes);
        let entry = self.keep(&id.clone().into(), bytes.clone(), time).await?;
        let entry = ManifestEntry {
            last_updated: Some(past.updated),
            last_updated_by: Some(past.by.clone()),
            status: Status::Active,
            ..entry
        };
        Ok((past.state(), (entry, bytes)))
    }

    /// Keeps the projects' own files that no earlier snapshot has.
    async fn keep_projects(
        &mut self,
        then: &[(&ProjectSpec, ProjectState)],
        time: Timestamp,
    ) -> Result<(), CommandError> {
        let fresh = then.iter().filter(|(_, state)| !self.seen.projects.contains_key(state));
        let kept: Vec<_> = futures::stream::iter(fresh)
            .map(|(project, state)| self.project(project, state, time))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        self.seen.projects.extend(kept);
        Ok(())
    }

    async fn project(
        &self,
        project: &ProjectSpec,
        state: &ProjectState,
        time: Timestamp,
    ) -> Result<(ProjectState, ManifestEntry), CommandError> {
        let bytes_of = |key| self.seen.integrations.get(key).map(|(_, bytes)| bytes.to_vec());
        let files: Vec<_> =
            state.iter().filter_map(|key| Some((key.0.service_id(), bytes_of(key)?))).collect();
        let scope = Scope::of_project(project.code.as_str());
        let built = self.sim.with_instance(self.environment.as_str(), |i| {
            let connections = i.connections_in(&scope).iter();
            let connections = connections.map(|(code, live)| (code.clone(), &live.spec)).collect();
            let libraries = i.libraries_in(&scope);
            project_car(project, &files, &connections, libraries, time)
        });
        let key = ArtifactKey::new(Kind::Project, &project.code, None);
        let bytes = built.unwrap_or_else(|| Ok(Vec::new())).map_err(|e| cannot_build(&key, e))?;
        let entry = self.keep(&key, bytes.into(), time).await?;
        Ok((state.clone(), ManifestEntry { name: project.name.clone(), ..entry }))
    }

    async fn other(
        &mut self,
        other: Other,
        time: Timestamp,
    ) -> Result<ManifestEntry, CommandError> {
        let seen = (other.key.clone(), other.bytes.clone());
        if let Some(entry) = self.seen.others.get(&seen) {
            return Ok(entry.clone());
        }
        let entry = self.keep(&other.key, other.bytes.into(), time).await?;
        let entry = ManifestEntry {
            name: other.name,
            last_updated: other.updated,
            last_updated_by: other.by,
            ..entry
        };
        self.seen.others.insert(seen, entry.clone());
        Ok(entry)
    }

    async fn keep(
        &self,
        key: &ArtifactKey,
        bytes: Bytes,
        time: Timestamp,
    ) -> Result<ManifestEntry, CommandError> {
        if self.leaving.is_cancelled() {
            return Err(CommandError::failed("the demo ends before its history is written"));
        }
        let (name, copy) = (format!("x.{}", key.kind.ending()), bytes.clone());
        let read = move || ValidatedArchive::read(&copy, Some(&name));
        let read = tokio::task::spawn_blocking(read).await.map_err(|e| cannot_build(key, e))?;
        let read = read.map_err(|e| cannot_build(key, e))?;
        Ok(self.store.keep(self.environment, key, &read, bytes, time).await?)
    }
}

/// The integrations of a scope among those of a night.
fn state_of(then: &[PastIntegration], scope: &Scope) -> ProjectState {
    then.iter().filter(|i| i.id.scope == *scope).map(PastIntegration::state).collect()
}

fn cannot_build(key: &ArtifactKey, why: impl std::fmt::Display) -> CommandError {
    CommandError::failed(format!("the demo's {key} cannot be built: {why}"))
}

/// An artifact that is no integration, as it was at that time.
#[derive(Debug)]
struct Other {
    key: ArtifactKey,
    name: String,
    bytes: Vec<u8>,
    updated: Option<Timestamp>,
    by: Option<String>,
}

/// What a scope had beside integrations, as a backup of that night found it.
fn besides(
    landscape: &Landscape,
    instance: &ServiceInstance,
    scope: &Scope,
    time: Timestamp,
) -> Vec<Other> {
    let mut all = lookups(landscape, instance, scope, time);
    all.extend(connections(instance, scope));
    if scope.is_global() {
        all.extend(libraries(instance));
    }
    all
}

/// An artifact of which no list tells when it was changed.
fn other(scope: &Scope, kind: Kind, code: &str, name: &str, bytes: Vec<u8>) -> Other {
    Other {
        key: ArtifactKey::new(kind, code, None).within(scope.clone()),
        name: name.to_owned(),
        bytes,
        updated: None,
        by: None,
    }
}

fn lookups(
    landscape: &Landscape,
    instance: &ServiceInstance,
    scope: &Scope,
    time: Timestamp,
) -> Vec<Other> {
    let then = |lookup: &LookupSpec| {
        let here = landscape.lookups.iter().filter(|l| l.name == lookup.name).flat_map(|l| &l.past);
        let past =
            here.filter(|p| p.environment == instance.settings.name && time < p.until.time());
        let rows = past
            .min_by_key(|p| p.until.time())
            .map_or_else(|| lookup.rows.clone(), |p| p.rows.clone());
        let bytes = lookup_csv(&LookupSpec { rows, ..lookup.clone() });
        let updated = lookup.updated.map(|w| w.time()).filter(|t| *t <= time);
        let by = lookup.by.clone().filter(|_| updated.is_some());
        Other { updated, by, ..other(scope, Kind::Lookup, &lookup.name, &lookup.name, bytes) }
    };
    instance.lookups_in(scope).values().map(then).collect()
}

fn libraries(instance: &ServiceInstance) -> impl Iterator<Item = Other> {
    instance.others.libraries.values().map(|library| {
        // The bytes are always the same, so that one file serves every night.
        let bytes = library_jar(library, Timestamp::UNIX_EPOCH);
        Other {
            key: ArtifactKey::new(Kind::Library, &library.code, Some(library.version)),
            updated: library.updated.map(|w| w.time()),
            ..other(&Scope::Global, Kind::Library, &library.code, &library.name, bytes)
        }
    })
}

fn connections(instance: &ServiceInstance, scope: &Scope) -> impl Iterator<Item = Other> {
    instance.connections_in(scope).values().map(|connection| {
        let spec = &connection.spec;
        let mut description = Description::new(Kind::Connection, &spec.code, &spec.name);
        description.set("adapter", &spec.adapter);
        description.set("connectionUrl", &spec.url);
        description.set("securityPolicy", &spec.policy);
        description.set("agentGroupId", spec.agent.as_deref().unwrap_or_default());
        description.set("role", "SOURCE_AND_TARGET");
        description.ask.insert("password".into());
        other(scope, Kind::Connection, &spec.code, &spec.name, description.to_bytes())
    })
}
