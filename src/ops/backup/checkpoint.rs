//! Notes of what a backup under way has taken. They are written while it runs, one after the other
//! and never changed: after a `kill -9` the next run finds in them what needs no second download.

use std::sync::OnceLock;

use tokio::{sync::mpsc, task::JoinHandle};

use crate::model::{EnvironmentName, ManifestEntry, SnapshotId};
use crate::store::{Store, StoreError};

/// Writes notes in the background. What comes in while one is written goes into the next: a kill
/// loses what came in during one write.
pub struct Checkpoints {
    sender: mpsc::UnboundedSender<ManifestEntry>,
    writer: JoinHandle<Vec<String>>,
    store: Store,
    announced: OnceLock<String>,
}

/// The last note's number; others count from 0.
const ANNOUNCED: usize = 9_999;

impl Checkpoints {
    pub fn start(store: &Store, environment: &EnvironmentName, snapshot: &SnapshotId) -> Self {
        let (sender, mut entries) = mpsc::unbounded_channel();
        let (own, environment, snapshot) = (store.clone(), environment.clone(), snapshot.clone());
        let writer = tokio::spawn(async move {
            let mut written = Vec::new();
            let mut batch = Vec::new();
            while entries.recv_many(&mut batch, usize::MAX).await > 0 {
                match own.write_checkpoint(&environment, &snapshot, written.len(), &batch).await {
                    Ok(path) => written.push(path),
                    // The backup itself goes on: it finds out by itself where the store cannot be
                    // written.
                    Err(e) => tracing::warn!("what was taken so far is not noted: {e}"),
                }
                batch.clear();
            }
            written
        });
        Self { sender, writer, store: store.clone(), announced: OnceLock::new() }
    }

    pub fn note(&self, entry: &ManifestEntry) {
        let _ = self.sender.send(entry.clone());
    }

    /// Says what the manifest will rely on, before it is written.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn announce(
        &self,
        environment: &EnvironmentName,
        snapshot: &SnapshotId,
        entries: &[ManifestEntry],
    ) -> Result<(), StoreError> {
        let path = self.store.write_checkpoint(environment, snapshot, ANNOUNCED, entries).await?;
        self.announced.set(path).ok();
        Ok(())
    }

    /// The manifest says it all now: the notes go.
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
