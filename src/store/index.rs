//! What the store holds, gathered from its manifests. A cache of it makes opening fast; it may be deleted.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path as FsPath,
};

use futures::StreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::archive::{Iar, RULES};
use crate::model::{
    Entry, EnvironmentName, Fingerprint, IntegrationId, Kind, Manifest, Purpose, SnapshotId, Status, Version,
};

/// Manifests read at once.
const READERS: usize = 16;
/// Of the cache's own form; another number is read anew.
const CACHE_FORMAT: u32 = 2;

/// One stretch of time in which snapshots saw the same content of one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredVersion {
    pub environment: EnvironmentName,
    pub kind: Kind,
    pub code: String,
    pub version: Version,
    pub name: String,
    pub status: Status,
    pub last_updated: Option<Timestamp>,
    pub last_updated_by: Option<String>,
    pub path: String,
    pub size: u64,
    pub sha256: String,
    pub fingerprint: Fingerprint,
    pub flow: Fingerprint,
    /// The rules by which both fingerprints were made.
    pub rules: u32,
    /// The first snapshot that saw it.
    pub first_seen: Timestamp,
    /// The last one.
    pub last_seen: Timestamp,
    pub snapshot: SnapshotId,
    /// The restore before which it was taken; such a version is only ever named by that run.
    pub safety_run: Option<String>,
}

impl StoredVersion {
    pub fn id(&self) -> IntegrationId {
        IntegrationId::new(&self.code, self.version)
    }

    /// What names exactly this version.
    pub fn reference(&self) -> String {
        let Self { environment, code, .. } = self;
        match &self.safety_run {
            Some(run) => format!("store:{environment}/{code}@run:{run}"),
            None => format!("store:{environment}/{code}@{}@snapshot:{}", self.version, self.snapshot),
        }
    }

    pub(super) fn from_entry(manifest: &Manifest, entry: Entry) -> Self {
        let safety_run = match &manifest.purpose {
            Purpose::Safety { run } => Some(run.clone()),
            Purpose::Backup { .. } => None,
        };
        Self {
            environment: manifest.environment.clone(),
            kind: entry.kind,
            code: entry.code,
            version: entry.version,
            name: entry.name,
            status: entry.status,
            last_updated: entry.last_updated,
            last_updated_by: entry.last_updated_by,
            path: entry.path,
            size: entry.size,
            sha256: entry.sha256,
            fingerprint: entry.fingerprint,
            flow: entry.flow,
            rules: entry.rules,
            first_seen: manifest.started,
            last_seen: manifest.started,
            snapshot: manifest.id.clone(),
            safety_run,
        }
    }
}

/// Everything the manifests say.
#[derive(Debug, Clone, Default)]
pub struct Index {
    versions: Vec<StoredVersion>,
    by_code: HashMap<Key, Vec<usize>>,
    latest_snapshot: BTreeMap<EnvironmentName, Timestamp>,
    /// Manifests that could not be read, with why.
    pub problems: Vec<String>,
    manifests: Vec<String>,
}

type Key = (EnvironmentName, Kind, String);

#[derive(Serialize, Deserialize)]
struct Cache {
    format: u32,
    manifests: Vec<String>,
    versions: Vec<StoredVersion>,
    latest_snapshot: BTreeMap<EnvironmentName, Timestamp>,
}

impl Index {
    /// Adds a snapshot that is newer than all before.
    pub fn add(&mut self, manifest: Manifest) {
        let entries = manifest.entries.clone();
        if matches!(manifest.purpose, Purpose::Backup { selection: false, .. }) {
            self.latest_snapshot.insert(manifest.environment.clone(), manifest.started);
        }
        for entry in entries {
            self.add_version(StoredVersion::from_entry(&manifest, entry));
        }
    }

    fn add_version(&mut self, new: StoredVersion) {
        let key = (new.environment.clone(), new.kind, new.code.clone());
        let places = self.by_code.entry(key).or_default();
        let last = places.iter().rev().find(|i| {
            let v = &self.versions[**i];
            v.version == new.version && v.safety_run.is_none()
        });
        if let Some(last) = last
            && new.safety_run.is_none()
            && self.versions[*last].path == new.path
        {
            let there = &mut self.versions[*last];
            there.last_seen = new.last_seen;
            there.snapshot = new.snapshot;
            there.status = new.status;
            there.last_updated = new.last_updated;
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

    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// When an environment was last backed up.
    pub fn latest_snapshot(&self, environment: &EnvironmentName) -> Option<Timestamp> {
        self.latest_snapshot.get(environment).copied()
    }

    /// One artifact's versions, newest first; safety exports among them.
    pub fn history<'a>(
        &'a self,
        environment: &EnvironmentName,
        kind: Kind,
        code: &str,
    ) -> impl DoubleEndedIterator<Item = &'a StoredVersion> {
        let key = (environment.clone(), kind, code.to_owned());
        self.by_code.get(&key).into_iter().flatten().rev().map(|i| &self.versions[*i])
    }

    /// The newest version that a person would go back to.
    pub fn newest<'a>(&'a self, environment: &EnvironmentName, kind: Kind, code: &str) -> Option<&'a StoredVersion> {
        self.history(environment, kind, code)
            .filter(|v| v.safety_run.is_none())
            .max_by_key(|v| (v.last_seen, v.status == Status::Active, v.version))
    }

    /// The stored version with this time of last update.
    pub fn unchanged(
        &self,
        environment: &EnvironmentName,
        id: &IntegrationId,
        updated: Timestamp,
    ) -> Option<&StoredVersion> {
        self.history(environment, Kind::Integration, &id.code)
            .find(|v| v.version == id.version && v.last_updated == Some(updated))
    }

    fn read_cache(path: &FsPath) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let cache: Cache = serde_json::from_slice(&bytes).ok()?;
        if cache.format != CACHE_FORMAT {
            return None;
        }
        let mut by_code: HashMap<Key, Vec<usize>> = HashMap::new();
        for (i, v) in cache.versions.iter().enumerate() {
            by_code.entry((v.environment.clone(), v.kind, v.code.clone())).or_default().push(i);
        }
        let (versions, latest_snapshot, manifests) = (cache.versions, cache.latest_snapshot, cache.manifests);
        Some(Self { versions, by_code, latest_snapshot, problems: vec![], manifests })
    }

    fn write_cache(&self, path: &FsPath) {
        let cache = Cache {
            format: CACHE_FORMAT,
            manifests: self.manifests.clone(),
            versions: self.versions.clone(),
            latest_snapshot: self.latest_snapshot.clone(),
        };
        if let Err(e) = crate::files::write_json(path, &cache) {
            tracing::warn!("the index is not kept at {}: {e}", path.display());
        }
    }
}

impl Store {
    /// Reads what is new since the cached index.
    ///
    /// # Errors
    /// [`StoreError::Read`] where the manifests cannot be listed. One that is broken is a problem in the
    /// index, not an error.
    pub async fn index(&self) -> Result<Index, StoreError> {
        let paths = self.manifest_paths().await?;
        let cached = self.cache.as_deref().and_then(Index::read_cache);
        // What was listed before must be the beginning of what is listed now, else all is read anew.
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
        // Names tell seconds; what is in a manifest tells which of two in one second came first.
        manifests.sort_by_key(|m| m.started);
        manifests.into_iter().for_each(|m| index.add(m));
        let renewed = self.renew_fingerprints(&mut index).await;
        if complete && (renewed || !new.is_empty()) {
            index.manifests.extend(new);
            if let Some(cache) = &self.cache {
                index.write_cache(cache);
            }
        }
        Ok(index)
    }

    /// Makes fingerprints anew that older rules made. True where there were some.
    async fn renew_fingerprints(&self, index: &mut Index) -> bool {
        let old: Vec<usize> = (0..index.versions.len()).filter(|i| index.versions[*i].rules != RULES).collect();
        let versions: Vec<_> = old.iter().map(|i| (*i, index.versions[*i].clone())).collect();
        let renew = |(i, version): (usize, StoredVersion)| async move {
            let bytes = self.read(&version).await.map_err(|e| e.to_string())?;
            let read = tokio::task::spawn_blocking(move || Iar::read(&bytes)).await.map_err(|e| e.to_string())?;
            read.map(|iar| (i, iar.meaning)).map_err(|e| format!("{} cannot be read: {e}", version.path))
        };
        let mut renewed = futures::stream::iter(versions).map(renew).buffer_unordered(READERS);
        while let Some(result) = renewed.next().await {
            match result {
                Ok((i, meaning)) => {
                    let version = &mut index.versions[i];
                    (version.fingerprint, version.flow, version.rules) = (meaning.whole, meaning.flow, RULES);
                }
                Err(why) => index.problems.push(why),
            }
        }
        !old.is_empty()
    }
}
