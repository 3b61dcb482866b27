//! Fingerprints of live archives, learnt by exporting them once. A fingerprint holds until the time
//! of the last update changes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::source::{FetchedArchive, ReadError, export_integration};
use crate::archive::{Fingerprints, RULES};
use crate::files::write_json;
use crate::model::{EnvironmentName, Fingerprint, IntegrationId, Kind};
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

    /// Exports a live integration to learn its fingerprints.
    ///
    /// # Errors
    /// What the service or the archive said.
    pub async fn find_out(
        &self,
        client: &Client,
        id: &IntegrationId,
        updated: Timestamp,
    ) -> Result<Fingerprints, ReadError> {
        let (bytes, member) = export_integration(client, id).await?;
        let fetched = FetchedArchive { label: id.to_string(), bytes, member, was: None };
        let fingerprints = fetched.fingerprints(Kind::Integration).await?;
        self.learn(client.name(), id, updated, fingerprints);
        Ok(fingerprints)
    }
}
