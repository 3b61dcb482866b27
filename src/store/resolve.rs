//! Finds the stored version that a reference names.

use super::{Index, Store, StoreError, StoredVersion, layout};
use crate::model::{
    EnvironmentName, Kind, ManifestEntry, RunId, SnapshotId, StorePick, precedence,
};

/// The store has nothing that the reference names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    #[error(
        "the store has no version of the {kind} {code} from {environment}\n  → `oicx history \
            {code}` lists what there is; `oicx backup {environment}` takes one"
    )]
    Code { environment: EnvironmentName, kind: Kind, code: String },
    #[error(
        "the store has {have} of {code} from {environment} that fit, and {back} steps back were \
            asked for"
    )]
    TooFar { environment: EnvironmentName, code: String, have: String, back: usize },
    #[error("snapshot {id} of {environment} has no {code}")]
    Snapshot { environment: EnvironmentName, code: String, id: String },
    #[error("run {run} kept no safety export of {code} from {environment}")]
    Run { environment: EnvironmentName, code: String, run: RunId },
}

impl Store {
    /// The stored version that a reference names. Safety exports answer to `@run:ID` alone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or what reading a manifest gives.
    pub async fn resolve(
        &self,
        index: &Index,
        environment: &EnvironmentName,
        kind: Kind,
        code: &str,
        pick: &StorePick,
    ) -> Result<StoredVersion, StoreError> {
        let all = || index.history(environment, kind, code);
        match pick {
            StorePick::Newest { version, back } => {
                let fits = |v: &&StoredVersion| {
                    v.safety_run.is_none() && version.is_none_or(|wanted| v.version == Some(wanted))
                };
                let found = newest_first(all().filter(fits).collect());
                found.get(*back).map(|v| (*v).clone()).ok_or_else(|| {
                    let (environment, code) = (environment.clone(), code.to_owned());
                    match found.len() {
                        0 => NotFound::Code { environment, kind, code }.into(),
                        n => NotFound::TooFar {
                            environment,
                            code,
                            have: crate::model::plural(n, "version"),
                            back: *back,
                        }
                        .into(),
                    }
                })
            }
            StorePick::Run(run) => {
                all().find(|v| v.safety_run.as_ref() == Some(run)).cloned().ok_or_else(|| {
                    NotFound::Run {
                        environment: environment.clone(),
                        code: code.into(),
                        run: run.clone(),
                    }
                    .into()
                })
            }
            StorePick::Snapshot(id, wanted) => {
                let mut versions = self.snapshot(environment, id).await?;
                let fits = |v: &StoredVersion| wanted.is_none_or(|w| v.version == Some(w));
                versions.retain(|v| v.code == code && v.kind == kind && fits(v));
                // The snapshot may hold several versions: the one that ran is meant, else the
                // highest.
                versions.sort_by_key(|v| precedence(&v.status, v.version));
                versions.pop().ok_or_else(|| {
                    NotFound::Snapshot {
                        environment: environment.clone(),
                        code: code.into(),
                        id: id.0.clone(),
                    }
                    .into()
                })
            }
        }
    }
}

impl Store {
    /// Everything that one snapshot holds. For a safety export that is nothing: only its run names
    /// it.
    ///
    /// # Errors
    /// Where its manifest is there and cannot be read. One that is not there holds nothing.
    pub async fn snapshot(
        &self,
        environment: &EnvironmentName,
        id: &SnapshotId,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        let manifest = match self.read_manifest(&layout::manifest_path(environment, id)).await {
            Ok(manifest) => manifest,
            Err(StoreError::Read { .. }) => return Ok(Vec::new()),
            Err(other) => return Err(other),
        };
        let version = |entry: &ManifestEntry| StoredVersion::from_entry(&manifest, entry.clone());
        Ok(manifest.entries.iter().map(version).filter(|v| v.safety_run.is_none()).collect())
    }
}

/// The versions, newest first, without one that is the same as the one before it. A version that is
/// seen again after another came stands where it was seen last.
fn newest_first(mut versions: Vec<&StoredVersion>) -> Vec<&StoredVersion> {
    versions.sort_by_key(|v| std::cmp::Reverse((v.last_seen, precedence(&v.status, v.version))));
    let mut out: Vec<&StoredVersion> = Vec::new();
    for version in versions {
        if out.last().is_none_or(|last| {
            last.fingerprint != version.fingerprint || last.version != version.version
        }) {
            out.push(version);
        }
    }
    out
}
