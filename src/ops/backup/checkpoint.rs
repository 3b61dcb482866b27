//! Notes of what a backup under way has taken. They are written while it runs, one after the other,
//! and never changed. After a `kill -9`, the next backup finds in them what needs no second
//! download.

use std::{collections::HashSet, sync::OnceLock};

use tokio::{sync::mpsc, task::JoinHandle};

use crate::model::{EnvironmentName, ManifestEntry, SnapshotId};
use crate::store::{Store, StoreError};

/// Writes notes in the background. What comes in while one note is written goes into the next, so a
/// kill loses only what came in during one write.
pub struct Checkpoints {
    sender: mpsc::UnboundedSender<ManifestEntry>,
    writer: JoinHandle<Vec<String>>,
    store: Store,
    announced: OnceLock<String>,
}

impl Checkpoints {
    /// Starts the writer that keeps notes of finished artifacts beside the snapshot under way.
    pub fn start(store: &Store, environment: &EnvironmentName, snapshot: &SnapshotId) -> Self {
        let (sender, mut entries) = mpsc::unbounded_channel();
        let (own, environment, snapshot) = (store.clone(), environment.clone(), snapshot.clone());
        let writer = tokio::spawn(async move {
            let mut written = Vec::new();
            let mut batch = Vec::new();
            while entries.recv_many(&mut batch, usize::MAX).await > 0 {
                match own.write_checkpoint(&environment, &snapshot, written.len(), &batch).await {
                    Ok(path) => written.push(path),
                    // The backup itself goes on. It finds out by itself that the store cannot be
                    // written.
                    Err(e) => tracing::warn!("what was taken so far is not noted: {e}"),
                }
                batch.clear();
            }
            written
        });
        Self { sender, writer, store: store.clone(), announced: OnceLock::new() }
    }

    /// Hands one finished artifact to the writer; it does not wait.
    pub fn note(&self, entry: &ManifestEntry) {
        let _ = self.sender.send(entry.clone());
    }

    /// Writes the last note, which says what the manifest will rely on, before the manifest is
    /// written. Gives the files that do not stay all the same.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn announce(
        &self,
        environment: &EnvironmentName,
        snapshot: &SnapshotId,
        entries: &[ManifestEntry],
    ) -> Result<HashSet<String>, StoreError> {
        let relied_on = self.store.rely_on(environment, snapshot, entries).await?;
        self.announced.set(relied_on.note).ok();
        Ok(relied_on.lost)
    }

    /// Deletes the notes, once the manifest lists everything.
    pub async fn clear(self) {
        drop(self.sender);
        let Ok(mut written) = self.writer.await else { return };
        written.extend(self.announced.into_inner());
        for path in written {
            if let Err(e) = self.store.delete(&path).await {
                tracing::warn!("{path} stays until prune takes it: {e}");
            }
        }
    }
}
