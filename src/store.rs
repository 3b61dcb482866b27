//! Snapshots and stored versions on any object store.
//!
//! Files are immutable and uniquely named; the manifest comes last and is the commit. So no lock is
//! needed, and a crash leaves at worst files that no manifest lists.

mod backend;
mod index;
mod layout;
mod members;
mod notes;
mod open;
mod resolve;

use std::{
    collections::HashMap,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::archive::{RULES, ValidatedArchive, sha256_hex};
use crate::model::{
    ArtifactKey, EnvironmentName, Fingerprint, Manifest, ManifestEntry, RunId, SnapshotId, Status,
};

pub use index::{Index, SnapshotSummary, StoredVersion};
pub use layout::{
    is_artifact, is_checkpoint, is_instance_export, is_journal, journal_path, manifest_path,
    payload_path, recovery_path, reserved_space_path, run_id, safe_name, snapshot_id,
};
pub use members::member_entry;
pub use notes::{DamageNote, ReliedOn};
pub use resolve::NotFound;

const FORMAT: u32 = 1;
const MARKER: &str = "oicx-store.json";

/// Why the store cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the store {store} cannot be opened: {why}\n  → check that it exists and may be written, \
            or name another with `store =` in the config"
    )]
    Open { store: String, why: String },
    #[error("the store {0} was written by a newer oicx (format {1}); update oicx to use it")]
    Newer(String, u32),
    #[error("the store cannot write {path}: {why}\n  → {}", write_advice(.why))]
    Write { path: String, why: String },
    #[error("the store cannot read {path}: {why}")]
    Read { path: String, why: String },
    #[error(
        "{path} in the store is not what was saved: {why}\n  → do not use it; choose another \
            version, and restore this file from a copy of the store"
    )]
    Altered { path: String, why: String },
    #[error(transparent)]
    NotFound(#[from] NotFound),
}

fn write_advice(why: &str) -> &'static str {
    let lower = why.to_ascii_lowercase();
    // A number alone, not one in the name of a folder.
    let apart = |c: char| c.is_whitespace() || "():,;<>=\"'".contains(c);
    let says = |code: &str| lower.split(apart).any(|word| word == code);
    if lower.contains("no space") || lower.contains("quota") {
        "the disk is full: free space; what was saved before is kept"
    } else if lower.contains("permission") || lower.contains("read-only") {
        "give this user the right to write there, or choose another folder"
    } else if says("403") || lower.contains("forbidden") || lower.contains("accessdenied") {
        "the keys may not write there: check them and the bucket's policy; what was saved before \
            is kept"
    } else if lower.contains("nosuchbucket") || says("404") {
        "the bucket is not there: check its name, endpoint and region"
    } else if ["500", "502", "503", "504"].into_iter().any(says)
        || lower.contains("timed out")
        || lower.contains("connect")
    {
        "the store has trouble or is not reached: try again; what was saved before is kept"
    } else {
        "check the disk; what was saved before is kept"
    }
}

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    made_by: String,
}

/// A backup store.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    label: String,
    /// The file in which the index is kept between runs; none: it is kept in memory only.
    cache: Option<PathBuf>,
    /// The folder, where the store is one on this machine.
    folder: Option<PathBuf>,
    /// Whether this process has seen the marker written. Without this, each file would cost one
    /// more write.
    marked: Arc<OnceCell<()>>,
    offers: Arc<backend::Offers>,
}

/// A file of the store as its list tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub path: String,
    pub size: u64,
    /// Seconds since 1970, by the store's clock.
    pub modified: i64,
}

/// What lies under a name after bytes were to be written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteOutcome {
    New,
    /// The same bytes lay there already.
    Same,
    Other,
}

impl Store {
    /// Makes a store that keeps its index in `cache_dir`, after a check of the format that it has.
    async fn checked(
        objects: Arc<dyn ObjectStore>,
        label: String,
        cache_dir: Option<&FsPath>,
    ) -> Result<Self, StoreError> {
        let cache = cache_dir
            .map(|dir| dir.join(format!("index-{}.json", &sha256_hex(label.as_bytes())[..16])));
        let store = Self { cache, ..Self::on(objects, label) };
        store.check_format().await?;
        Ok(store)
    }

    /// A store on any backend. `label` is how a person knows it.
    pub fn on(objects: Arc<dyn ObjectStore>, label: impl Into<String>) -> Self {
        let (marked, offers) = (Arc::default(), Arc::default());
        Self { objects, label: label.into(), cache: None, folder: None, marked, offers }
    }

    /// How a person knows this store.
    pub fn label(&self) -> &str {
        &self.label
    }

    async fn check_format(&self) -> Result<(), StoreError> {
        match self.get(MARKER).await {
            Ok(bytes) => match serde_json::from_slice::<Marker>(&bytes) {
                Ok(marker) if marker.format > FORMAT => {
                    Err(StoreError::Newer(self.label.clone(), marker.format))
                }
                Ok(_) => Ok(()),
                Err(e) => Err(StoreError::Open {
                    store: self.label.clone(),
                    why: format!("{MARKER} is broken: {e}"),
                }),
            },
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(StoreError::Open { store: self.label.clone(), why: explain(&e) }),
        }
    }

    /// Keeps an artifact's file byte for byte and gives the manifest's entry for it. The caller
    /// adds to the entry what the environment's list says of the artifact.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn keep(
        &self,
        environment: &EnvironmentName,
        key: &ArtifactKey,
        kept: &ValidatedArchive,
        bytes: Bytes,
        exported: Timestamp,
    ) -> Result<ManifestEntry, StoreError> {
        Ok(ManifestEntry {
            scope: key.scope.clone(),
            kind: key.kind,
            code: key.code.clone(),
            version: key.version,
            name: kept.name.clone(),
            status: Status::Configured,
            last_updated: None,
            last_updated_by: None,
            path: self
                .write_file(environment, key, &kept.fingerprints.full, &bytes, exported)
                .await?,
            member: None,
            size: bytes.len() as u64,
            sha256: sha256_hex(&bytes),
            fingerprint: kept.fingerprints.full,
            portable: kept.fingerprints.portable,
            rules: RULES,
            revision: None,
            members: kept.members.clone(),
            expires: None,
        })
    }

    /// Keeps bytes that are no backup as evidence, the newest of an artifact: no snapshot lists
    /// them. Gives the path.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn set_aside(
        &self,
        environment: &EnvironmentName,
        key: &ArtifactKey,
        bytes: &Bytes,
    ) -> Result<String, StoreError> {
        let path = layout::set_aside_path(environment, key);
        self.overwrite(&path, bytes.clone()).await.map(|()| path)
    }

    /// Writes an artifact's file under a name that is free or under which the same bytes lie
    /// already.
    async fn write_file(
        &self,
        environment: &EnvironmentName,
        key: &ArtifactKey,
        fingerprint: &Fingerprint,
        bytes: &Bytes,
        exported: Timestamp,
    ) -> Result<String, StoreError> {
        for attempt in 0..100 {
            let path = layout::file_path(environment, key, exported, fingerprint, attempt);
            match self.write_if_absent(&path, bytes).await? {
                WriteOutcome::New => return Ok(path),
                // The same bytes lie there, and may be about to go.
                WriteOutcome::Same if !self.being_pruned().await?.contains(&path) => {
                    return Ok(path);
                }
                WriteOutcome::Same | WriteOutcome::Other => {}
            }
        }
        let path = layout::file_path(environment, key, exported, fingerprint, 0);
        Err(StoreError::Write { path, why: "a hundred other files have this name".into() })
    }

    /// Writes a file under a name that it has in another store. False where other bytes have that
    /// name.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn write_at(&self, path: &str, bytes: &Bytes) -> Result<bool, StoreError> {
        Ok(self.write_if_absent(path, bytes).await? != WriteOutcome::Other)
    }

    async fn write_if_absent(&self, path: &str, bytes: &Bytes) -> Result<WriteOutcome, StoreError> {
        self.write_marker().await?;
        match self.create(path, bytes.clone()).await {
            Ok(()) => Ok(WriteOutcome::New),
            Err(object_store::Error::AlreadyExists { .. }) => {
                let there = self.get(path).await.map_err(|e| write_error(path, &e))?;
                Ok(if there == *bytes { WriteOutcome::Same } else { WriteOutcome::Other })
            }
            Err(e) => Err(write_error(path, &e)),
        }
    }

    /// Writes a file whose name nobody else has. It is no error where our own bytes are there
    /// already: the backend tries again when an answer was lost on the way.
    async fn write_new(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        if self.write_at(path, &bytes).await? {
            return Ok(());
        }
        Err(StoreError::Write { path: path.into(), why: "another file has this name".into() })
    }

    /// Overwrites a file: altered bytes with good ones, or a run's journal with its next state.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn overwrite(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.write_marker().await?;
        self.objects
            .put(&Path::from(path), bytes.into())
            .await
            .map(drop)
            .map_err(|e| write_error(path, &e))
    }

    /// Commits a snapshot.
    ///
    /// # Errors
    /// [`StoreError::Write`]; the snapshot does not exist then.
    pub async fn write_manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let path = layout::manifest_path(&manifest.environment, &manifest.id);
        self.write_new(&path, lines_of(manifest)).await
    }

    /// Overwrites a run's journal. Nobody else writes it.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn write_journal(
        &self,
        run: &RunId,
        journal: &impl Serialize,
    ) -> Result<String, StoreError> {
        let path = layout::journal_path(run);
        self.overwrite(&path, json(journal)).await.map(|()| path)
    }

    /// Tests whether the store can be written.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn try_writing(&self) -> Result<(), StoreError> {
        self.write_marker().await?;
        // The marker may have been there already. A file that is written and deleted again shows
        // that others can be written.
        self.clock().await.map(drop)
    }

    /// Writes the marker, which says what this folder is, before anything else.
    async fn write_marker(&self) -> Result<(), StoreError> {
        let write = || async {
            let marker = Marker {
                format: FORMAT,
                made_by: concat!("oicx ", env!("CARGO_PKG_VERSION")).into(),
            };
            match self.create(MARKER, json(&marker)).await {
                Ok(()) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
                Err(e) => Err(write_error(MARKER, &e)),
            }
        };
        self.marked.get_or_try_init(write).await.map(drop)
    }

    async fn get(&self, path: &str) -> object_store::Result<Bytes> {
        self.objects.get(&Path::from(path)).await?.bytes().await
    }

    /// The size of a file, in bytes; none where there is no such file.
    pub async fn size(&self, path: &str) -> Option<u64> {
        self.objects.head(&Path::from(path)).await.ok().map(|meta| meta.size)
    }

    /// Whether the backend says that there is no such file.
    pub(super) async fn is_gone(&self, path: &str) -> bool {
        let head = self.objects.head(&Path::from(path)).await;
        matches!(head, Err(object_store::Error::NotFound { .. }))
    }

    /// A stored archive, after its size and hash were checked.
    ///
    /// # Errors
    /// [`StoreError::Read`] or [`StoreError::Altered`].
    pub async fn read(&self, version: &StoredVersion) -> Result<Bytes, StoreError> {
        self.read_entry(&version.entry).await
    }

    /// Like [`Self::read`], for an entry of a manifest.
    ///
    /// # Errors
    /// [`StoreError::Read`] or [`StoreError::Altered`].
    pub async fn read_entry(&self, version: &ManifestEntry) -> Result<Bytes, StoreError> {
        let path = version.path.as_str();
        let bytes = self.get(path).await.map_err(|e| read_error(path, &e))?;
        let found = sha256_hex(&bytes);
        if found != version.sha256 {
            let why = format!(
                "{} bytes with hash {}…, saved were {} with {}…",
                bytes.len(),
                &found[..8],
                version.size,
                &version.sha256[..8.min(version.sha256.len())]
            );
            return Err(StoreError::Altered { path: path.into(), why });
        }
        Ok(bytes)
    }

    /// Reads a file back and compares it with what was written.
    ///
    /// # Errors
    /// [`StoreError::Read`] or [`StoreError::Altered`].
    pub async fn check(&self, path: &str, bytes: &Bytes) -> Result<(), StoreError> {
        let found = self.get(path).await.map_err(|e| read_error(path, &e))?;
        if found == *bytes {
            return Ok(());
        }
        Err(StoreError::Altered { path: path.into(), why: "it reads back with other bytes".into() })
    }

    /// The manifest of a snapshot.
    ///
    /// # Errors
    /// [`StoreError::Read`], or [`StoreError::Altered`] where it is no manifest.
    pub async fn manifest(
        &self,
        environment: &EnvironmentName,
        id: &SnapshotId,
    ) -> Result<Manifest, StoreError> {
        self.read_manifest(&manifest_path(environment, id)).await
    }

    async fn read_manifest(&self, path: &str) -> Result<Manifest, StoreError> {
        let bytes = self.get(path).await.map_err(|e| read_error(path, &e))?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| {
            StoreError::Altered { path: path.into(), why: format!("it is not a manifest: {e}") }
        })?;
        if manifest.format > Manifest::FORMAT {
            return Err(StoreError::Newer(path.into(), manifest.format));
        }
        Ok(manifest)
    }

    /// Sizes of all files of an environment by path, manifests left out.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub async fn files(
        &self,
        environment: &EnvironmentName,
    ) -> Result<HashMap<String, u64>, StoreError> {
        let all = self.list(Some(environment.as_str())).await?.into_iter();
        Ok(all.filter(|f| is_artifact(&f.path)).map(|f| (f.path, f.size)).collect())
    }

    /// Everything that lies in a folder of the store, or in all of it.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub async fn list(&self, folder: Option<&str>) -> Result<Vec<StoredFile>, StoreError> {
        let prefix = folder.map(Path::from);
        let file = |meta: object_store::ObjectMeta| StoredFile {
            path: meta.location.to_string(),
            size: meta.size,
            modified: meta.last_modified.timestamp(),
        };
        let found = self.objects.list(prefix.as_ref()).map_ok(file).try_collect().await;
        found.map_err(|e| read_error(folder.unwrap_or("/"), &e))
    }

    /// A file's bytes, whatever it is.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub async fn bytes(&self, path: &str) -> Result<Bytes, StoreError> {
        self.get(path).await.map_err(|e| read_error(path, &e))
    }

    /// A file's bytes; none where it is not there, or not any more.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub async fn bytes_if_there(&self, path: &str) -> Result<Option<Bytes>, StoreError> {
        match self.get(path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(read_error(path, &e)),
        }
    }

    /// # Errors
    /// [`StoreError::Write`]. A file that is gone already is no error.
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.objects.delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(write_error(path, &e)),
        }
    }

    /// Every manifest with its path, oldest first; for one that cannot be read, the error.
    ///
    /// # Errors
    /// [`StoreError::Read`] where they cannot be listed.
    pub async fn manifests(
        &self,
    ) -> Result<Vec<(String, Result<Manifest, StoreError>)>, StoreError> {
        let paths = self.manifest_paths().await?;
        let read = |path: String| async move {
            let manifest = self.read_manifest(&path).await;
            (path, manifest)
        };
        let mut all: Vec<_> =
            futures::stream::iter(paths).map(read).buffered(index::READERS).collect().await;
        // A manifest's name tells its time in seconds. The time inside it tells which of two in one
        // second came first.
        all.sort_by_key(|(_, manifest)| manifest.as_ref().map_or(Timestamp::MIN, |m| m.started));
        Ok(all)
    }

    /// Paths of all manifests, oldest first over all environments.
    async fn manifest_paths(&self) -> Result<Vec<String>, StoreError> {
        let fail = |e: object_store::Error| StoreError::Read {
            path: "snapshots".into(),
            why: explain(&e),
        };
        let mut paths = Vec::new();
        // Where its folders cannot be trusted, all files are listed.
        let places: Vec<Option<Path>> = match self.lists_folders().await.map_err(fail)? {
            true => {
                let top = self.objects.list_with_delimiter(None).await.map_err(fail)?;
                top.common_prefixes.into_iter().map(|e| Some(e.join(layout::SNAPSHOTS))).collect()
            }
            false => vec![None],
        };
        for place in places {
            let mut list = self.objects.list(place.as_ref());
            while let Some(meta) = list.next().await {
                let path = meta.map_err(fail)?.location.to_string();
                if layout::is_manifest(&path) {
                    paths.push(path);
                }
            }
        }
        // The file's name begins with the time, so this sorts by time over all environments.
        paths
            .sort_by(|a, b| a.rsplit('/').next().cmp(&b.rsplit('/').next()).then_with(|| a.cmp(b)));
        Ok(paths)
    }
}

/// A manifest as text with one entry on each line: a person can read it, `grep` and `diff` work on
/// it, and it takes a third less than with one field on each line.
fn lines_of(manifest: &Manifest) -> Bytes {
    // Plain data with text keys: serialising it cannot fail.
    let head = Manifest { entries: Vec::new(), ..manifest.clone() };
    let head = serde_json::to_string_pretty(&head).unwrap_or_default();
    let entries: Vec<String> =
        manifest.entries.iter().map(|e| serde_json::to_string(e).unwrap_or_default()).collect();
    let list = if entries.is_empty() {
        "[]".into()
    } else {
        format!("[\n    {}\n  ]", entries.join(",\n    "))
    };
    head.replacen("\"entries\": []", &format!("\"entries\": {list}"), 1).into()
}

fn json(value: &impl Serialize) -> Bytes {
    // Plain data with text keys: serialising it cannot fail.
    serde_json::to_vec_pretty(value).unwrap_or_default().into()
}

fn read_error(path: &str, error: &object_store::Error) -> StoreError {
    StoreError::Read { path: path.into(), why: explain(error) }
}

fn write_error(path: &str, error: &object_store::Error) -> StoreError {
    StoreError::Write { path: path.into(), why: explain(error) }
}

/// The innermost cause, which is what the disk or the server said.
fn explain(error: &object_store::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = crate::model::visible(cause.to_string().trim()).into_owned();
    // A server's XML page says what is wrong in its first lines.
    if text.chars().count() > 300 { text.chars().take(300).chain(['…']).collect() } else { text }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::full("No space left on device", "the disk is full")]
    #[case::no_right("Permission denied (os error 13)", "give this user the right")]
    #[case::refused("error response: 403 Forbidden: <Code>AccessDenied</Code>", "the keys may not")]
    #[case::no_bucket("status 404 Not Found", "the bucket is not there")]
    #[case::trouble("status: 503, Slow Down", "the store has trouble")]
    #[case::a_number_in_a_name("/data50/store-404/prod: Is a directory", "check the disk")]
    fn advice_goes_by_what_the_store_says(#[case] why: &str, #[case] advice: &str) {
        assert!(write_advice(why).starts_with(advice), "{}", write_advice(why));
    }
}
