//! Notes of what is under way: what a backup has taken so far, what a prune is about to delete.
//! Through them, the two see each other without a lock.

use std::{collections::HashSet, path::PathBuf};

use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use object_store::{ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, StoredFile, index, json, layout, write_error};
use crate::model::{EnvironmentName, InstanceExport, ManifestEntry, SnapshotId};

/// How long a prune's note counts, in seconds.
const STALE_PRUNE: i64 = 3_600;

/// A listed file that is not what was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageNote {
    pub path: String,
    pub why: String,
}

/// The number of the note that says what a snapshot relies on; the others count from 0.
const ANNOUNCED: usize = 9_999;

/// What was announced before a snapshot is written.
#[derive(Debug)]
pub struct ReliedOn {
    /// The note's path; whoever wrote it deletes it once the snapshot is there.
    pub note: String,
    /// Files that are not there, or that a prune under way may delete at any moment.
    pub lost: HashSet<String>,
}

impl Store {
    /// The store's own time, in seconds since 1970: the store may be another machine. It is the
    /// time of a file that is written and deleted again.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn clock(&self) -> Result<i64, StoreError> {
        let probe = Path::from(format!("oicx-probe-{}", layout::run_id(Timestamp::now(), "clock")));
        let told = |e: &object_store::Error| write_error(probe.as_ref(), e);
        self.objects.put(&probe, Bytes::from_static(b"x").into()).await.map_err(|e| told(&e))?;
        let found = self.objects.head(&probe).await.map_err(|e| told(&e));
        self.objects.delete(&probe).await.map_err(|e| told(&e))?;
        Ok(found?.last_modified.timestamp())
    }

    /// Halves of files that a killed program left in a folder: the backend writes beside the name
    /// and moves the file there when it is whole, so none of these was ever a file of the store.
    pub fn partial_files(&self) -> Vec<(PathBuf, i64)> {
        let mut out = Vec::new();
        let mut folders: Vec<PathBuf> = self.folder.iter().cloned().collect();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                let Ok(about) = entry.metadata() else { continue };
                let modified = about.modified().ok().and_then(|t| Timestamp::try_from(t).ok());
                let half = name
                    .to_string_lossy()
                    .rsplit_once('#')
                    .is_some_and(|(_, n)| n.parse::<u32>().is_ok());
                match modified {
                    _ if about.is_dir() => folders.push(path),
                    Some(modified) if half => out.push((path, modified.as_second())),
                    _ => {}
                }
            }
        }
        out
    }

    /// Keeps what a backup under way has taken since the last such note.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn write_checkpoint(
        &self,
        environment: &EnvironmentName,
        snapshot: &SnapshotId,
        number: usize,
        entries: &[ManifestEntry],
    ) -> Result<String, StoreError> {
        let path = layout::checkpoint_path(environment, snapshot, number);
        self.write_new(&path, json(&entries)).await.map(|()| path)
    }

    /// Keeps how an export of a whole instance ended.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn note_instance_export(
        &self,
        environment: &EnvironmentName,
        export: &InstanceExport,
    ) -> Result<(), StoreError> {
        self.overwrite(&layout::instance_export_path(environment, export), json(export)).await
    }

    /// The newest good export of a whole instance; notes that cannot be read are left out.
    ///
    /// # Errors
    /// [`StoreError::Read`] where they cannot be listed.
    pub async fn newest_instance_export(
        &self,
        environment: &EnvironmentName,
    ) -> Result<Option<InstanceExport>, StoreError> {
        let folder = format!("{environment}/{}", layout::INSTANCE_EXPORTS);
        let mut notes = self.list(Some(&folder)).await?;
        notes.sort_by(|a, b| b.path.cmp(&a.path));
        for note in notes {
            let Ok(bytes) = self.get(&note.path).await else { continue };
            let read = serde_json::from_slice(&bytes).ok();
            if let Some(good) = read.filter(InstanceExport::is_good) {
                return Ok(Some(good));
            }
        }
        Ok(None)
    }

    /// Notes of failed instances that were sent again or given up since a time, as they were
    /// written; one that cannot be read is left out.
    ///
    /// # Errors
    /// [`StoreError::Read`] where they cannot be listed.
    pub async fn recoveries(&self, since: Timestamp) -> Result<Vec<Bytes>, StoreError> {
        let notes = self.list(Some("runs")).await?;
        // The store's clock may be another one: what a note itself says counts.
        let recent = |file: &&StoredFile| {
            layout::is_recovery(&file.path) && file.modified >= since.as_second() - 86_400
        };
        let read = notes.iter().filter(recent).map(|note| self.get(&note.path));
        Ok(futures::future::join_all(read).await.into_iter().flatten().collect())
    }

    /// Writes down that a listed file is not what was saved, for the next backup. Where the store
    /// cannot be written, only the log says so: whoever found it tells it anyway.
    pub async fn note_damage(&self, path: &str, why: &str) {
        let note = DamageNote { path: path.to_owned(), why: why.to_owned() };
        if let Err(e) = self.overwrite(&layout::damage_path(path), json(&note)).await {
            tracing::warn!("{e}");
        }
    }

    /// Removes the note of a file that is whole again, or gone; where the store cannot be written,
    /// it stays.
    pub async fn clear_damage(&self, path: &str) {
        if let Err(e) = self.delete(&layout::damage_path(path)).await {
            tracing::warn!("{e}");
        }
    }

    /// The files of an environment that are known to be damaged.
    ///
    /// # Errors
    /// [`StoreError::Read`] where the notes cannot be listed.
    pub async fn damage(
        &self,
        environment: &EnvironmentName,
    ) -> Result<Vec<DamageNote>, StoreError> {
        let folder = format!("{environment}/{}", layout::DAMAGED);
        let mut notes = Vec::new();
        for file in self.list(Some(&folder)).await? {
            // A verify may have taken it away meanwhile.
            let Ok(bytes) = self.bytes(&file.path).await else { continue };
            match serde_json::from_slice(&bytes) {
                Ok(note) => notes.push(note),
                Err(e) => tracing::warn!("{} is not a note of damage: {e}", file.path),
            }
        }
        Ok(notes)
    }

    /// Writes a note of the files that are about to go. Gives the note's path; the caller deletes
    /// the note when the files are gone.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub async fn announce_prune(&self, files: &[String]) -> Result<String, StoreError> {
        let path = layout::pruning_path(&layout::run_id(Timestamp::now(), "prune"));
        self.write_new(&path, json(&files)).await.map(|()| path)
    }

    /// Files that a prune under way may delete at any moment. A note older than an hour was left by
    /// a prune that crashed.
    ///
    /// # Errors
    /// [`StoreError::Read`] or [`StoreError::Write`].
    pub async fn being_pruned(&self) -> Result<HashSet<String>, StoreError> {
        let notes = self.list(Some(layout::PRUNING)).await?;
        if notes.is_empty() {
            return Ok(HashSet::new());
        }
        let now = self.clock().await?;
        let mut files = HashSet::new();
        for note in notes {
            if now - note.modified > STALE_PRUNE {
                self.delete(&note.path).await?;
            } else if let Ok(bytes) = self.get(&note.path).await {
                let listed: Vec<String> = serde_json::from_slice(&bytes).unwrap_or_default();
                files.extend(listed);
            }
        }
        Ok(files)
    }

    /// Announces what a snapshot that is about to be written relies on, and looks at the prunes
    /// under way after that: whichever of the two came first, one sees the other.
    ///
    /// # Errors
    /// [`StoreError::Read`] or [`StoreError::Write`].
    pub async fn rely_on(
        &self,
        environment: &EnvironmentName,
        snapshot: &SnapshotId,
        entries: &[ManifestEntry],
    ) -> Result<ReliedOn, StoreError> {
        let note = layout::checkpoint_path(environment, snapshot, ANNOUNCED);
        // A note that a backup left when it was cut off is written over.
        self.overwrite(&note, json(&entries)).await?;
        let look = async {
            let pruned = self.being_pruned().await?;
            let files = self.files(environment).await?;
            let stays = |e: &&ManifestEntry| {
                files.get(&e.path) == Some(&e.size) && !pruned.contains(&e.path)
            };
            Ok(entries.iter().filter(|e| !stays(e)).map(|e| e.path.clone()).collect())
        };
        match look.await {
            Ok(lost) => Ok(ReliedOn { note, lost }),
            Err(e) => {
                self.forget_note(&note).await;
                Err(e)
            }
        }
    }

    /// Deletes a note that nobody needs any more; where that fails, a prune takes it.
    pub async fn forget_note(&self, note: &str) {
        if let Err(e) = self.delete(note).await {
            tracing::warn!("{note} stays until prune takes it: {e}");
        }
    }

    /// What backups that have not ended have taken or are about to list, in one environment or in
    /// all. Notes that cannot be read are left out.
    ///
    /// # Errors
    /// [`StoreError::Read`] where they cannot be listed.
    pub async fn checkpoints(
        &self,
        environment: Option<&EnvironmentName>,
    ) -> Result<Vec<ManifestEntry>, StoreError> {
        let folder = environment.map(|e| format!("{e}/{}", layout::UNFINISHED));
        let notes = self
            .list(folder.as_deref())
            .await?
            .into_iter()
            .filter(|f| layout::is_checkpoint(&f.path));
        let read = |note: StoredFile| async move {
            let bytes = self.get(&note.path).await.ok()?;
            serde_json::from_slice::<Vec<ManifestEntry>>(&bytes).ok()
        };
        let found: Vec<_> =
            futures::stream::iter(notes).map(read).buffer_unordered(index::READERS).collect().await;
        Ok(found.into_iter().flatten().flatten().collect())
    }
}
