//! The integrations of a project as entries of their own. What older releases kept lists a
//! project's archive alone; the index names its members all the same.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::{Store, StoreError, index::READERS};
use crate::archive::{MemberArchive, ValidatedArchive};
use crate::model::{
    ArtifactKey, EnvironmentName, Kind, Manifest, ManifestEntry, Purpose, Scope, SnapshotId,
    Status, UnlistedKind,
};

/// The entry of one integration that a project's stored file holds. Of its state it says what the
/// file's entry says.
pub fn member_entry(
    file: &ManifestEntry,
    key: &ArtifactKey,
    held: &MemberArchive,
) -> ManifestEntry {
    ManifestEntry {
        scope: key.scope.clone(),
        kind: key.kind,
        code: key.code.clone(),
        version: key.version,
        name: held.name.clone(),
        member: Some(held.place.clone()),
        fingerprint: held.fingerprints.full,
        portable: held.fingerprints.portable,
        revision: None,
        members: Vec::new(),
        expires: None,
        ..file.clone()
    }
}

/// Whether this is a project of which a backup lists no integration, neither as a part of its file
/// nor by a file of its own.
fn is_bare(manifest: &Manifest, entry: &ManifestEntry) -> bool {
    let scope = Scope::of_project(entry.code.as_str());
    let listed = |e: &ManifestEntry| e.kind == Kind::Integration && e.scope == scope;
    entry.kind == Kind::Project
        && matches!(manifest.purpose, Purpose::Backup { .. })
        && !manifest.entries.iter().any(listed)
}

/// The entries of all integrations in a project's file.
fn members_of(file: &ManifestEntry, read: &ValidatedArchive) -> Vec<ManifestEntry> {
    let one = |held: &MemberArchive| {
        let key = ArtifactKey {
            kind: Kind::Integration,
            scope: Scope::of_project(file.code.as_str()),
            code: held.id.code.clone(),
            version: Some(held.id.version),
        };
        let status = Status::not_kept();
        ManifestEntry { status, last_updated: None, ..member_entry(file, &key, held) }
    };
    read.parts.iter().map(one).collect()
}

/// What a release that did not look into projects left out of a snapshot: that it lists none of
/// these says nothing.
fn not_looked_at(project: &ManifestEntry) -> Vec<UnlistedKind> {
    let scope = Scope::of_project(project.code.as_str());
    let kinds = Kind::ALL.into_iter().filter(|k| k.lives_in_projects() && *k != Kind::Integration);
    let why = "the release that took the snapshot did not look into projects";
    kinds.map(|kind| UnlistedKind::new(kind, scope.clone(), why)).collect()
}

impl Store {
    /// The manifest of a snapshot, with the integrations of projects also where the release that
    /// took it did not name them.
    ///
    /// # Errors
    /// As [`Store::manifest`].
    pub async fn manifest_with_members(
        &self,
        environment: &EnvironmentName,
        id: &SnapshotId,
    ) -> Result<Manifest, StoreError> {
        let mut manifest = [self.manifest(environment, id).await?];
        self.add_members(&mut manifest).await;
        let [manifest] = manifest;
        Ok(manifest)
    }

    /// Adds the integrations of projects to manifests that list none, as far as they can be read.
    pub async fn add_members(&self, manifests: &mut [Manifest]) {
        let unnamed = self.name_members(manifests).await;
        for why in unnamed.broken.iter().chain(&unnamed.passing) {
            tracing::warn!("the integrations of a project are not known: {why}");
        }
    }

    /// Adds the integrations of projects to manifests that list none. Each file is read once. The
    /// answer says which files could not be read, and why.
    pub(super) async fn name_members(&self, manifests: &mut [Manifest]) -> Unnamed {
        let bare = |m: &Manifest| -> Vec<ManifestEntry> {
            m.entries.iter().filter(|e| is_bare(m, e)).cloned().collect()
        };
        let files: BTreeMap<String, ManifestEntry> =
            manifests.iter().flat_map(bare).map(|e| (e.path.clone(), e)).collect();
        let read = |(path, file): (String, ManifestEntry)| async move {
            let bytes = match self.read_entry(&file).await {
                Ok(bytes) => bytes,
                Err(e @ StoreError::Read { .. }) if !self.is_gone(&path).await => {
                    return Err(Unread::Passing(e.to_string()));
                }
                Err(e) => return Err(Unread::Broken(e.to_string())),
            };
            let read = move || ValidatedArchive::read(&bytes, Some("file.car"));
            match tokio::task::spawn_blocking(read).await {
                Ok(Ok(read)) => Ok((path, read)),
                Ok(Err(why)) => Err(Unread::Broken(format!("{path} cannot be read: {why}"))),
                Err(why) => Err(Unread::Passing(format!("{path} cannot be read: {why}"))),
            }
        };
        let reads: Vec<_> =
            futures::stream::iter(files).map(read).buffer_unordered(READERS).collect().await;
        let (mut known, mut unnamed) = (BTreeMap::new(), Unnamed::default());
        for read in reads {
            match read {
                Ok((path, read)) => drop(known.insert(path, read)),
                Err(Unread::Broken(why)) => unnamed.broken.push(why),
                Err(Unread::Passing(why)) => unnamed.passing.push(why),
            }
        }
        for manifest in manifests {
            let found = |e: ManifestEntry| known.get(&e.path).map(|read| members_of(&e, read));
            for project in bare(manifest) {
                // A project in which nothing is has nothing to name.
                let Some(members) = found(project.clone()).filter(|m| !m.is_empty()) else {
                    continue;
                };
                manifest.entries.extend(members);
                if manifest.is_full() {
                    manifest.unseen.extend(not_looked_at(&project));
                }
            }
        }
        unnamed
    }
}

/// Why a file was not read.
enum Unread {
    /// It will never be read.
    Broken(String),
    /// It may be read the next time.
    Passing(String),
}

/// The projects whose integrations are not named, and why.
#[derive(Debug, Default)]
pub(super) struct Unnamed {
    /// Files that are broken: another try finds the same.
    pub broken: Vec<String>,
    /// Files that could not be read now.
    pub passing: Vec<String>,
}
