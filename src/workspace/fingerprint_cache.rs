//! Fingerprints of live archives, learnt by exporting them once. A fingerprint holds until the time
//! of the last update changes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::source::{ReadError, export_integrations, failed};
use crate::archive::{ArchiveError, Fingerprints, RULES, ValidatedArchive};
use crate::files::write_json;
use crate::model::{EnvironmentName, FilePart, Fingerprint, IntegrationId, Kind};
use crate::oic::Client;
use crate::store::Index;

/// The name of the cache's file. The version of the fingerprint's rules is part of it: fingerprints
/// of other rules are learnt anew.
fn file_name() -> String {
    format!("meanings-{RULES}.json")
}

type CacheKey = (EnvironmentName, IntegrationId, Timestamp);

/// Known fingerprints, shared between tasks.
#[derive(Debug, Clone, Default)]
pub struct FingerprintCache {
    known: Arc<RwLock<HashMap<CacheKey, Fingerprints>>>,
    file: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct CacheLine {
    environment: EnvironmentName,
    id: IntegrationId,
    updated: Timestamp,
    #[serde(rename = "whole")]
    full: Fingerprint,
    #[serde(rename = "flow")]
    portable: Fingerprint,
}

impl FingerprintCache {
    /// Reads what was learnt in earlier starts.
    pub fn load(folder: Option<&Path>) -> Self {
        let file = folder.map(|f| f.join(file_name()));
        let lines: Vec<CacheLine> = file
            .as_deref()
            .and_then(|f| std::fs::read(f).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let known = lines.into_iter().map(|l| {
            ((l.environment, l.id, l.updated), Fingerprints { full: l.full, portable: l.portable })
        });
        Self { known: Arc::new(RwLock::new(known.collect())), file }
    }

    /// Keeps what is known for the next start.
    pub fn save(&self) {
        let Some(file) = &self.file else { return };
        let lines: Vec<CacheLine> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let line = |(key, fingerprints): (&CacheKey, &Fingerprints)| CacheLine {
                environment: key.0.clone(),
                id: key.1.clone(),
                updated: key.2,
                full: fingerprints.full,
                portable: fingerprints.portable,
            };
            known.iter().map(line).collect()
        };
        if let Err(e) = write_json(file, &lines) {
            tracing::warn!("what was learnt is not kept at {}: {e}", file.display());
        }
    }

    /// The fingerprints of a version, if they are known for this very time of its last change.
    pub fn get(
        &self,
        environment: &EnvironmentName,
        id: &IntegrationId,
        updated: Option<Timestamp>,
    ) -> Option<Fingerprints> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return None;
        }
        known.get(&(environment.clone(), id.clone(), updated?)).copied()
    }

    /// Remembers the fingerprints of a version as it was at `updated`.
    pub fn learn(
        &self,
        environment: &EnvironmentName,
        id: &IntegrationId,
        updated: Timestamp,
        fingerprints: Fingerprints,
    ) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert((environment.clone(), id.clone(), updated), fingerprints);
    }

    /// Takes over what the store knows from its manifests.
    pub fn learn_index(&self, index: &Index) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for v in index.versions() {
            if let (Some(updated), Some(id)) =
                (v.last_updated.filter(|_| v.rules == RULES), v.integration_id())
            {
                known.insert(
                    (v.environment.clone(), id, updated),
                    Fingerprints { full: v.fingerprint, portable: v.portable },
                );
            }
        }
    }

    /// Exports live integrations of one scope, each as it was changed last at the time beside it,
    /// and learns their fingerprints.
    pub async fn find_out(
        &self,
        client: &Client,
        wanted: Vec<(IntegrationId, Timestamp)>,
    ) -> Vec<LiveFingerprints> {
        let times: HashMap<IntegrationId, Timestamp> = wanted.iter().cloned().collect();
        let found = live_fingerprints(client, wanted.into_iter().map(|(id, _)| id).collect()).await;
        for (id, result) in &found {
            if let (Some(updated), Ok(fingerprints)) = (times.get(id), result) {
                self.learn(client.name(), id, *updated, *fingerprints);
            }
        }
        found
    }
}

/// A live integration, and its fingerprints or what the service or the archive said.
pub type LiveFingerprints = (IntegrationId, Result<Fingerprints, Arc<ReadError>>);

/// The fingerprints of live integrations of one scope, read strictly. A file that several are in is
/// exported and read once.
pub async fn live_fingerprints(client: &Client, ids: Vec<IntegrationId>) -> Vec<LiveFingerprints> {
    let mut out = Vec::new();
    for exported in export_integrations(client, ids).await {
        let parts = exported.parts();
        let results = match exported.file {
            Ok(bytes) => read_fingerprints(bytes, parts).await,
            Err(why) => failed(why.into(), parts.len()),
        };
        out.extend(exported.ids.into_iter().zip(results));
    }
    out
}

async fn read_fingerprints(
    bytes: Bytes,
    parts: Vec<FilePart>,
) -> Vec<Result<Fingerprints, Arc<ReadError>>> {
    let count = parts.len();
    let ending = parts.first().map_or("iar", |p| p.ending(Kind::Integration));
    let name = format!("file.{ending}");
    let read = move || {
        let file = ValidatedArchive::read(&bytes, Some(&name))?;
        let one = |part| {
            let found = file.fingerprints_of(Kind::Integration, part);
            found.map_err(|why| Arc::new(why.into()))
        };
        Ok::<_, ArchiveError>(parts.iter().map(one).collect())
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(all)) => all,
        Ok(Err(why)) => failed(why.into(), count),
        Err(why) => failed(why.into(), count),
    }
}
