//! What the store holds, gathered from its manifests. A cache of it makes opening fast; it may be
//! deleted.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Deref,
    path::Path as FsPath,
};

use futures::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::archive::{ArchiveError, Fingerprints, RULES, ValidatedArchive};
use crate::model::{
    ArtifactKey, ArtifactName, EnvironmentName, IntegrationId, Manifest, ManifestEntry, Purpose,
    Reference, RunId, SnapshotId, SnapshotName, StorePick, Target, Visibility, precedence,
};

/// Manifests read at once.
pub(super) const READERS: usize = 16;
/// The version of the cache's own form. A cache with another number is not used, and all is read
/// anew.
const CACHE_FORMAT: u32 = 8;

/// The content of one version of an artifact, over one stretch of time in which snapshots saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredVersion {
    pub environment: EnvironmentName,
    /// The entry in the last snapshot that saw it.
    pub entry: ManifestEntry,
    /// The first snapshot that saw it.
    pub first_seen: Timestamp,
    /// The last snapshot that saw it.
    pub last_seen: Timestamp,
    pub snapshot: SnapshotId,
    /// The run before which it was taken as a safety export; only that run ever names such a
    /// version.
    pub safety_run: Option<RunId>,
}

/// A stored version is an entry that was seen for some time.
impl Deref for StoredVersion {
    type Target = ManifestEntry;
    fn deref(&self) -> &ManifestEntry {
        &self.entry
    }
}

impl StoredVersion {
    /// Whether it was there at a time, as far as snapshots saw it.
    pub fn was_there(&self, at: Timestamp) -> bool {
        self.first_seen <= at && at <= self.last_seen
    }

    /// The id, for an integration.
    pub fn integration_id(&self) -> Option<IntegrationId> {
        self.key().integration_id()
    }

    /// The reference that names exactly this version.
    pub fn reference(&self) -> Reference {
        let pick = match &self.safety_run {
            Some(run) => StorePick::Run(run.clone()),
            None => StorePick::Snapshot(self.snapshot.clone(), self.version),
        };
        Reference::Stored {
            environment: self.environment.clone(),
            target: self.name_of().into(),
            pick,
        }
    }

    /// The artifact that it is a version of.
    pub fn name_of(&self) -> ArtifactName {
        self.key().name()
    }

    /// A stored version from its entry in a manifest.
    pub(super) fn from_entry(manifest: &Manifest, entry: ManifestEntry) -> Self {
        let safety_run = match &manifest.purpose {
            Purpose::Safety { run } => Some(run.clone()),
            Purpose::Backup { .. } => None,
        };
        Self {
            environment: manifest.environment.clone(),
            entry,
            first_seen: manifest.started,
            last_seen: manifest.started,
            snapshot: manifest.id.clone(),
            safety_run,
        }
    }
}

/// A snapshot as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotSummary {
    pub environment: EnvironmentName,
    pub id: SnapshotId,
    pub started: Timestamp,
    #[serde(flatten)]
    pub visibility: Visibility,
    /// `before deploy 4711, release-12`
    pub label: String,
    pub tags: Vec<String>,
    pub before: Option<String>,
    /// Whether a backup or an export took it, not a restore before a change.
    pub backup: bool,
    pub artifacts: usize,
    pub failed: usize,
}

impl SnapshotSummary {
    /// Whether this word names the snapshot: its id, a tag, or what it was taken before.
    pub fn answers_to(&self, label: &str) -> bool {
        self.id.0 == label
            || self.tags.iter().any(|t| t == label)
            || self.before.as_deref() == Some(label)
    }
}

/// Everything the manifests say.
#[derive(Debug, Clone, Default)]
pub struct Index {
    versions: Vec<StoredVersion>,
    by_name: HashMap<HistoryKey, Vec<usize>>,
    snapshots: Vec<SnapshotSummary>,
    /// Manifests that could not be read, with why.
    pub problems: Vec<String>,
    manifests: Vec<String>,
    /// Files that were found broken when the manifests were read: these problems stay.
    broken: Vec<String>,
}

type HistoryKey = (EnvironmentName, ArtifactName);

#[derive(Serialize, Deserialize)]
struct Cache {
    format: u32,
    manifests: Vec<String>,
    versions: Vec<StoredVersion>,
    snapshots: Vec<SnapshotSummary>,
    #[serde(default)]
    broken: Vec<String>,
}

impl Index {
    /// Adds a snapshot that is newer than all before.
    pub fn add(&mut self, mut manifest: Manifest) {
        self.snapshots.push(SnapshotSummary {
            environment: manifest.environment.clone(),
            id: manifest.id.clone(),
            started: manifest.started,
            visibility: manifest.visibility(),
            label: manifest.label(),
            tags: manifest.tags.clone(),
            before: manifest.before.clone(),
            backup: matches!(manifest.purpose, Purpose::Backup { .. }),
            artifacts: manifest.entries.len(),
            failed: manifest.failed.len(),
        });
        for entry in std::mem::take(&mut manifest.entries) {
            self.add_version(StoredVersion::from_entry(&manifest, entry));
        }
    }

    fn add_version(&mut self, new: StoredVersion) {
        let key = (new.environment.clone(), new.name_of());
        let places = self.by_name.entry(key).or_default();
        let last = places.iter().rev().find(|i| {
            let v = &self.versions[**i];
            v.version == new.version && v.safety_run.is_none()
        });
        // A member of which nobody kept the state says nothing new where its content is known.
        if new.status.if_kept().is_none()
            && last.is_some_and(|at| {
                let known = &self.versions[*at];
                let same = (known.rules, known.portable) == (new.rules, new.portable);
                same && known.status.if_kept().is_some()
            })
        {
            return;
        }
        // A project's file is another one as soon as anything in it changed; an integration in it
        // that means the same is the same version.
        let same = |old: &StoredVersion| {
            old.path == new.path
                || (old.member.is_some()
                    && new.member.is_some()
                    && (old.rules, old.fingerprint) == (new.rules, new.fingerprint))
        };
        if let Some(last) = last
            && new.safety_run.is_none()
            && same(&self.versions[*last])
        {
            let there = &mut self.versions[*last];
            there.last_seen = new.last_seen;
            there.snapshot = new.snapshot;
            there.entry = new.entry;
            return;
        }
        places.push(self.versions.len());
        self.versions.push(new);
    }

    /// Every version, in the order in which snapshots first saw them.
    pub fn versions(&self) -> &[StoredVersion] {
        &self.versions
    }

    /// How many versions a person can go back to.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Every snapshot, oldest first.
    pub fn snapshots(&self) -> &[SnapshotSummary] {
        &self.snapshots
    }

    /// The backup that a person means: the newest of all that the environment has, or the one with
    /// this label.
    pub fn snapshot_named(&self, name: &SnapshotName) -> Option<&SnapshotSummary> {
        let mut all =
            self.snapshots.iter().rev().filter(|s| s.backup && s.environment == name.environment);
        match &name.label {
            Some(label) => all.find(|s| s.answers_to(label)),
            None => all.find(|s| s.visibility.full),
        }
    }

    /// When an environment was last backed up.
    pub fn latest_snapshot(&self, environment: &EnvironmentName) -> Option<Timestamp> {
        self.snapshots
            .iter()
            .rev()
            .find(|s| s.visibility.full && s.environment == *environment)
            .map(|s| s.started)
    }

    /// When the last snapshot of any purpose began.
    pub fn latest(&self, environment: &EnvironmentName) -> Option<Timestamp> {
        self.snapshots.iter().filter(|s| s.environment == *environment).map(|s| s.started).max()
    }

    /// What the last snapshot of everything in an environment had.
    pub fn there_last<'a>(
        &'a self,
        environment: &EnvironmentName,
    ) -> impl Iterator<Item = &'a StoredVersion> {
        let last = self.latest_snapshot(environment);
        let environment = environment.clone();
        self.versions.iter().filter(move |v| {
            v.environment == environment
                && v.safety_run.is_none()
                && last.is_some_and(|last| v.was_there(last))
        })
    }

    /// One artifact's versions, newest first; safety exports among them.
    pub fn history<'a>(
        &'a self,
        environment: &EnvironmentName,
        name: &ArtifactName,
    ) -> impl DoubleEndedIterator<Item = &'a StoredVersion> {
        let key = (environment.clone(), name.clone());
        self.by_name.get(&key).into_iter().flatten().rev().map(|i| &self.versions[*i])
    }

    /// The artifacts of an environment that a reference may mean: one for each scope that has the
    /// code.
    pub fn named(&self, environment: &EnvironmentName, target: &Target) -> Vec<ArtifactName> {
        if let Some(name) = target.name() {
            return vec![name];
        }
        let fits = |(of, name): &&HistoryKey| {
            of == environment && target.fits(name.kind, &name.scope, &name.code)
        };
        let mut all: Vec<ArtifactName> =
            self.by_name.keys().filter(fits).map(|(_, name)| name.clone()).collect();
        all.sort();
        all
    }

    /// The newest version that a person would go back to.
    pub fn newest<'a>(
        &'a self,
        environment: &EnvironmentName,
        name: &ArtifactName,
    ) -> Option<&'a StoredVersion> {
        self.history(environment, name)
            .filter(|v| v.safety_run.is_none())
            .max_by_key(|v| (v.last_seen, precedence(&v.status, v.version)))
    }

    /// The stored version of which the service said the same as now: the time of last update and,
    /// where it tells more, the revision. None where the service tells neither: the artifact may
    /// have changed.
    pub fn unchanged(
        &self,
        environment: &EnvironmentName,
        key: &ArtifactKey,
        updated: Option<Timestamp>,
        revision: Option<&str>,
    ) -> Option<&StoredVersion> {
        if updated.is_none() && revision.is_none() {
            return None;
        }
        self.history(environment, &key.name()).find(|v| {
            v.version == key.version
                && v.last_updated == updated
                && v.revision.as_deref() == revision
        })
    }

    fn read_cache(path: &FsPath) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let cache: Cache = serde_json::from_slice(&bytes).ok()?;
        if cache.format != CACHE_FORMAT {
            return None;
        }
        let mut by_name: HashMap<HistoryKey, Vec<usize>> = HashMap::new();
        for (i, v) in cache.versions.iter().enumerate() {
            by_name.entry((v.environment.clone(), v.name_of())).or_default().push(i);
        }
        let Cache { versions, snapshots, manifests, broken, .. } = cache;
        Some(Self { versions, by_name, snapshots, problems: vec![], manifests, broken })
    }

    fn write_cache(&self, path: &FsPath) {
        let cache = Cache {
            format: CACHE_FORMAT,
            manifests: self.manifests.clone(),
            versions: self.versions.clone(),
            snapshots: self.snapshots.clone(),
            broken: self.broken.clone(),
        };
        if let Err(e) = crate::files::write_json(path, &cache) {
            tracing::warn!("the index is not kept at {}: {e}", path.display());
        }
    }
}

impl Store {
    /// Reads the index: what the cache holds, and the manifests that are new since.
    ///
    /// # Errors
    /// [`StoreError::Read`] where the manifests cannot be listed. One that is broken is a problem
    /// in the index, not an error.
    pub async fn index(&self) -> Result<Index, StoreError> {
        let paths = self.manifest_paths().await?;
        let cached = self.cache.as_deref().and_then(Index::read_cache);
        // The manifests that the cache knows must be the first of those that are listed now; else
        // all are read anew.
        let mut index = cached.filter(|c| paths.starts_with(&c.manifests)).unwrap_or_default();
        let new = paths[index.manifests.len()..].to_vec();
        let read = |path: String| async move { self.read_manifest(&path).await };
        let mut reads = futures::stream::iter(new.clone()).map(read).buffered(READERS);
        let mut complete = true;
        let mut manifests = Vec::new();
        while let Some(read) = reads.next().await {
            match read {
                Ok(manifest) => manifests.push(manifest),
                Err(e) => {
                    complete = false;
                    index.problems.push(e.to_string());
                }
            }
        }
        // A manifest's name tells its time in seconds. The time inside it tells which of two in one
        // second came first.
        manifests.sort_by_key(|m| m.started);
        let unnamed = self.name_members(&mut manifests).await;
        complete &= unnamed.passing.is_empty();
        index.broken.extend(unnamed.broken);
        index.problems.extend(unnamed.passing);
        manifests.into_iter().for_each(|m| index.add(m));
        index.problems.extend(index.broken.clone());
        let renewed = self.renew_fingerprints(&mut index).await;
        if complete && (renewed || !new.is_empty()) {
            index.manifests.extend(new);
            if let Some(cache) = &self.cache {
                index.write_cache(cache);
            }
        }
        Ok(index)
    }

    /// Makes anew the fingerprints that other rules made. True where there were some.
    async fn renew_fingerprints(&self, index: &mut Index) -> bool {
        let old: Vec<usize> =
            (0..index.versions.len()).filter(|i| index.versions[*i].rules != RULES).collect();
        let mut files: BTreeMap<String, Vec<(usize, StoredVersion)>> = BTreeMap::new();
        for i in &old {
            let version = index.versions[*i].clone();
            files.entry(version.path.clone()).or_default().push((*i, version));
        }
        let renew = |(path, versions): (String, Vec<(usize, StoredVersion)>)| async move {
            let Some((_, first)) = versions.first() else { return Vec::new() };
            let unreadable = |why: String| vec![Err(format!("{path} cannot be read: {why}"))];
            let bytes = match self.read(first).await {
                Ok(bytes) => bytes,
                Err(why) => return vec![Err(why.to_string())],
            };
            let name = format!("file.{}", first.part().ending(first.kind));
            let read = move || {
                let file = ValidatedArchive::read(&bytes, Some(&name))?;
                let one =
                    |(i, v): (usize, StoredVersion)| (i, file.fingerprints_of(v.kind, &v.part()));
                Ok::<_, ArchiveError>(versions.into_iter().map(one).collect::<Vec<_>>())
            };
            let all = match tokio::task::spawn_blocking(read).await {
                Ok(Ok(all)) => all,
                Ok(Err(why)) => return unreadable(why.to_string()),
                Err(why) => return unreadable(why.to_string()),
            };
            let one = |(i, found): (usize, Result<Fingerprints, ArchiveError>)| {
                found.map(|f| (i, f)).map_err(|why| format!("{path} cannot be read: {why}"))
            };
            all.into_iter().map(one).collect()
        };
        let mut renewed = futures::stream::iter(files)
            .map(renew)
            .buffer_unordered(READERS)
            .flat_map(futures::stream::iter);
        while let Some(result) = renewed.next().await {
            match result {
                Ok((i, fingerprints)) => {
                    let entry = &mut index.versions[i].entry;
                    (entry.fingerprint, entry.portable, entry.rules) =
                        (fingerprints.full, fingerprints.portable, RULES);
                }
                Err(why) => index.problems.push(why),
            }
        }
        !old.is_empty()
    }
}
