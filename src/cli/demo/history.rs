//! Writes the snapshots that the landscape's history describes, as backups of those nights would
//! have written them.

use std::collections::{HashMap, hash_map::Entry};

use jiff::Timestamp;

use super::super::output::CommandError;
use crate::archive::{MemberArchive, ValidatedArchive};
use crate::model::{
    ArtifactKey, Description, EnvironmentName, IntegrationId, Kind, Manifest, ManifestEntry,
    Purpose, Scope, Status,
};
use crate::sim::{
    Landscape, ServiceInstance, Simulator,
    archive::{library_jar, lookup_csv, project_car},
    landscape::{FlowSpec, HistorySpec, LookupSpec, ProjectSpec},
};
use crate::store::{Store, snapshot_id};

/// Fills the store with the snapshots that the landscape says were taken before today.
pub async fn seed(
    landscape: &Landscape,
    sim: &Simulator,
    store: &Store,
) -> Result<(), CommandError> {
    for history in &landscape.history {
        seed_environment(landscape, history, sim, store).await?;
    }
    Ok(())
}

async fn seed_environment(
    landscape: &Landscape,
    history: &HistorySpec,
    sim: &Simulator,
    store: &Store,
) -> Result<(), CommandError> {
    let environment = &history.environment;
    let mut seen = Seen::default();
    let mut times: Vec<_> = history.at.iter().map(|w| w.time()).collect();
    times.sort_unstable();
    for time in times {
        let mut entries = Vec::new();
        for project in &landscape.projects {
            entries
                .extend(seen.project(landscape, project, environment, time, (sim, store)).await?);
        }
        let in_project =
            |code: &String| landscape.projects.iter().any(|p| p.integrations.contains(code));
        for integration in landscape.integrations.iter().filter(|i| !in_project(&i.code)) {
            let Some((version, flow, updated, by)) = integration.as_it_was(environment, time)
            else {
                continue;
            };
            let id = IntegrationId::new(&integration.code, version);
            let key = (id.clone(), updated);
            if let Entry::Vacant(free) = seen.integrations.entry(key.clone()) {
                let entry = first_export(sim, store, environment, &id, &flow, time).await?;
                free.insert(ManifestEntry {
                    last_updated: Some(updated),
                    last_updated_by: Some(by.to_owned()),
                    status: Status::Active,
                    ..entry
                });
            }
            entries.extend(seen.integrations.get(&key).cloned());
        }
        let beside = sim
            .with_instance(environment.as_str(), |i| besides(landscape, i, time))
            .unwrap_or_default();
        for other in beside {
            let key = (other.key.clone(), other.bytes.clone());
            if let Entry::Vacant(free) = seen.others.entry(key.clone()) {
                free.insert(keep_other(store, environment, other, time).await?);
            }
            entries.extend(seen.others.get(&key).cloned());
        }
        let purpose = Purpose::Backup { partial: false, selection: false };
        let manifest = Manifest {
            entries,
            ..Manifest::new(snapshot_id(time), environment.clone(), time, purpose)
        };
        store.write_manifest(&manifest).await?;
    }
    Ok(())
}

/// What an earlier snapshot of the environment has kept: later ones list the same file.
#[derive(Default)]
struct Seen {
    integrations: HashMap<(IntegrationId, Timestamp), ManifestEntry>,
    others: HashMap<(ArtifactKey, Vec<u8>), ManifestEntry>,
    /// By the project and the states of its integrations.
    projects: HashMap<ProjectState, Vec<ManifestEntry>>,
}

/// A project's code, and when each of its integrations was last changed.
type ProjectState = (String, Vec<(IntegrationId, Timestamp)>);

/// An integration as it was: its flow, when it was changed, and by whom.
type PastMember = (IntegrationId, FlowSpec, Timestamp, String);

impl Seen {
    /// The entries of a project and its integrations at that time; none where it had no
    /// integration then.
    async fn project(
        &mut self,
        landscape: &Landscape,
        project: &ProjectSpec,
        environment: &EnvironmentName,
        time: Timestamp,
        (sim, store): (&Simulator, &Store),
    ) -> Result<Vec<ManifestEntry>, CommandError> {
        let scope = Scope::of_project(project.code.as_str());
        let codes: Vec<&String> = project.codes().collect();
        let members: Vec<PastMember> = landscape
            .integrations
            .iter()
            .filter(|i| codes.contains(&&i.code))
            .filter_map(|i| {
                let (version, flow, updated, by) = i.as_it_was(environment, time)?;
                let id = IntegrationId::new(&i.code, version).within(scope.clone());
                Some((id, flow, updated, by.to_owned()))
            })
            .collect();
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let state = members.iter().map(|(id, _, updated, _)| (id.clone(), *updated)).collect();
        let key = (project.code.clone(), state);
        if let Some(entries) = self.projects.get(&key) {
            return Ok(entries.clone());
        }
        let built = sim.with_instance(environment.as_str(), |i| {
            let files: Vec<_> = members
                .iter()
                .map(|(id, flow, ..)| {
                    (id.service_id(), i.build(id, flow, &Status::Active, 1, time))
                })
                .collect();
            let connections = i.connections_in(&scope);
            let connections = connections.iter().map(|(c, live)| (c.clone(), &live.spec)).collect();
            let libraries = i.libraries_in(&scope);
            project_car(project, &files, &connections, libraries, time)
        });
        let broken = |e| {
            CommandError::failed(format!(
                "the demo's project {} cannot be built: {e}",
                project.code
            ))
        };
        let bytes = built.unwrap_or_else(|| Ok(Vec::new())).map_err(broken)?;
        let kept = ValidatedArchive::read(&bytes, Some("x.car")).map_err(broken)?;
        let own = ArtifactKey::new(Kind::Project, &project.code, None);
        let file = store.keep(environment, &own, &kept, bytes.into(), time).await?;
        let file = ManifestEntry { name: project.name.clone(), ..file };
        let mut entries = vec![file.clone()];
        entries.extend(kept.parts.iter().filter_map(|part| member_entry(&file, part, &members)));
        self.projects.insert(key, entries.clone());
        Ok(entries)
    }
}

/// The entry of an integration that a project's file holds.
fn member_entry(
    file: &ManifestEntry,
    part: &MemberArchive,
    members: &[PastMember],
) -> Option<ManifestEntry> {
    let same = |m: &&PastMember| m.0.service_id() == part.id.service_id();
    let (id, _, updated, by) = members.iter().find(same)?;
    Some(ManifestEntry {
        scope: id.scope.clone(),
        kind: Kind::Integration,
        code: id.code.clone(),
        version: Some(id.version),
        name: part.name.clone(),
        status: Status::Active,
        last_updated: Some(*updated),
        last_updated_by: Some(by.clone()),
        member: Some(part.place.clone()),
        fingerprint: part.fingerprints.full,
        portable: part.fingerprints.portable,
        members: Vec::new(),
        ..file.clone()
    })
}

/// Keeps an artifact that is no integration.
async fn keep_other(
    store: &Store,
    environment: &EnvironmentName,
    other: Other,
    time: Timestamp,
) -> Result<ManifestEntry, CommandError> {
    let name = format!("x.{}", other.key.kind.ending());
    let read = ValidatedArchive::read(&other.bytes, Some(&name)).map_err(|e| {
        CommandError::failed(format!("the demo's {} cannot be built: {e}", other.key))
    })?;
    let entry = store.keep(environment, &other.key, &read, other.bytes.into(), time).await?;
    Ok(ManifestEntry {
        name: other.name,
        last_updated: other.updated,
        last_updated_by: other.by,
        expires: other.expires,
        ..entry
    })
}

async fn first_export(
    sim: &Simulator,
    store: &Store,
    environment: &EnvironmentName,
    id: &IntegrationId,
    flow: &FlowSpec,
    time: Timestamp,
) -> Result<ManifestEntry, CommandError> {
    let bytes = sim
        .with_instance(environment.as_str(), |i| i.build(id, flow, &Status::Active, 1, time))
        .unwrap_or_default();
    let kept = ValidatedArchive::read(&bytes, None)
        .map_err(|e| CommandError::failed(format!("the demo's {id} cannot be built: {e}")))?;
    Ok(store.keep(environment, &id.clone().into(), &kept, bytes.into(), time).await?)
}

/// An artifact that is no integration, as it was at that time.
#[derive(Debug)]
struct Other {
    key: ArtifactKey,
    name: String,
    bytes: Vec<u8>,
    updated: Option<Timestamp>,
    by: Option<String>,
    expires: Option<Timestamp>,
}

/// Lookups, libraries, connections and certificates as a backup of that night found them.
fn besides(landscape: &Landscape, instance: &ServiceInstance, time: Timestamp) -> Vec<Other> {
    let other = |kind, code: &str, bytes| Other {
        key: ArtifactKey::new(kind, code, None),
        name: code.to_owned(),
        bytes,
        updated: None,
        by: None,
        expires: None,
    };
    let mut all = Vec::new();
    for lookup in instance.lookups.values() {
        let here = landscape.lookups.iter().filter(|l| l.name == lookup.name).flat_map(|l| &l.past);
        let then =
            here.filter(|p| p.environment == instance.settings.name && time < p.until.time());
        let rows = then
            .min_by_key(|p| p.until.time())
            .map_or_else(|| lookup.rows.clone(), |p| p.rows.clone());
        let bytes = lookup_csv(&LookupSpec { rows, ..lookup.clone() });
        let updated = lookup.updated.map(|w| w.time()).filter(|t| *t <= time);
        let by = lookup.by.clone().filter(|_| updated.is_some());
        all.push(Other { updated, by, ..other(Kind::Lookup, &lookup.name, bytes) });
    }
    for library in instance.others.libraries.values() {
        // The bytes are always the same, so that one file serves every night.
        let bytes = library_jar(library, Timestamp::UNIX_EPOCH);
        let key = ArtifactKey::new(Kind::Library, &library.code, Some(library.version));
        all.push(Other {
            key,
            name: library.name.clone(),
            updated: library.updated.map(|w| w.time()),
            ..other(Kind::Library, &library.code, bytes)
        });
    }
    for connection in instance.connections.values() {
        let spec = &connection.spec;
        let mut record = Description::new(Kind::Connection, &spec.code, &spec.name);
        record.set("adapter", &spec.adapter);
        record.set("connectionUrl", &spec.url);
        record.set("securityPolicy", &spec.policy);
        record.set("agentGroupId", spec.agent.as_deref().unwrap_or_default());
        record.set("role", "SOURCE_AND_TARGET");
        record.ask.insert("password".into());
        all.push(Other {
            name: spec.name.clone(),
            ..other(Kind::Connection, &spec.code, record.to_bytes())
        });
    }
    all
}
