//! Finds the stored version that a reference names.

use super::{Index, Store, StoreError, StoredVersion, layout};
use crate::model::{
    ArtifactName, EnvironmentName, Kind, ManifestEntry, RunId, SnapshotId, StorePick, Target,
    Version, plural, precedence,
};

/// The store has nothing that the reference names, or several things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    #[error(
        "the store has no version of the {kind} {name} from {environment}\n  → {advice}",
        kind = .target.kind,
        name = .target.in_words(),
        advice = advice(.environment, .target)
    )]
    Code { environment: EnvironmentName, target: Target },
    #[error(
        "the store has {have} of {target} from {environment} that fit, and {back} steps back were \
            asked for"
    )]
    TooFar { environment: EnvironmentName, target: Target, have: String, back: usize },
    #[error("snapshot {id} of {environment} has no {target}")]
    Snapshot { environment: EnvironmentName, target: Target, id: String },
    #[error("run {run} kept no safety export of {target} from {environment}")]
    Run { environment: EnvironmentName, target: Target, run: RunId },
    #[error(
        "{} scopes of {environment} have the {kind} {code} in the store\n  → say which one is \
            meant: {}",
        .candidates.len(),
        .candidates.join(", ")
    )]
    Ambiguous { environment: EnvironmentName, kind: Kind, code: String, candidates: Vec<String> },
}

fn advice(environment: &EnvironmentName, target: &Target) -> String {
    match target.kept_with_project() {
        Some(project) => {
            format!(
                "its project's archive has it: oicx inspect store:{environment}/projects/{project}"
            )
        }
        None => format!(
            "`oicx history {target}` lists what there is; `oicx backup {environment}` takes one"
        ),
    }
}

impl NotFound {
    /// The error for a reference that several artifacts answer to.
    fn ambiguous(environment: &EnvironmentName, target: &Target, names: Vec<ArtifactName>) -> Self {
        let candidate =
            |n: ArtifactName| format!("store:{environment}/{}", Target::from(n).explicit());
        Self::Ambiguous {
            environment: environment.clone(),
            kind: target.kind,
            code: target.code.clone(),
            candidates: names.into_iter().map(candidate).collect(),
        }
    }
}

impl Store {
    /// The stored version that a reference names. Safety exports answer to `@run:ID` alone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] also where several scopes have the code and the reference names
    /// none; or what reading a manifest gives.
    pub async fn resolve(
        &self,
        index: &Index,
        environment: &EnvironmentName,
        target: &Target,
        pick: &StorePick,
    ) -> Result<StoredVersion, StoreError> {
        if let StorePick::Snapshot(id, wanted) = pick {
            return self.resolve_in_snapshot(environment, target, id, *wanted).await;
        }
        let fits = |v: &&StoredVersion| match pick {
            StorePick::Newest { version, .. } => {
                v.safety_run.is_none() && version.is_none_or(|wanted| v.version == Some(wanted))
            }
            StorePick::Run(run) => v.safety_run.as_ref() == Some(run),
            StorePick::Snapshot(..) => false,
        };
        let mut names = index.named(environment, target);
        names.retain(|name| index.history(environment, name).any(|v| fits(&v)));
        if names.len() > 1 {
            return Err(NotFound::ambiguous(environment, target, names).into());
        }
        let all = names.first().map(|name| index.history(environment, name).filter(fits).collect());
        let all: Vec<&StoredVersion> = all.unwrap_or_default();
        let (environment, target) = (environment.clone(), target.clone());
        match pick {
            StorePick::Run(run) => all
                .first()
                .map(|v| (*v).clone())
                .ok_or_else(|| NotFound::Run { environment, target, run: run.clone() }.into()),
            StorePick::Newest { back, .. } => {
                let found = newest_first(all);
                found.get(*back).map(|v| (*v).clone()).ok_or_else(|| match found.len() {
                    0 => NotFound::Code { environment, target }.into(),
                    n => {
                        let have = plural(n, "version");
                        NotFound::TooFar { environment, target, have, back: *back }.into()
                    }
                })
            }
            StorePick::Snapshot(id, _) => {
                Err(NotFound::Snapshot { environment, target, id: id.0.clone() }.into())
            }
        }
    }

    async fn resolve_in_snapshot(
        &self,
        environment: &EnvironmentName,
        target: &Target,
        id: &SnapshotId,
        wanted: Option<Version>,
    ) -> Result<StoredVersion, StoreError> {
        let mut versions = self.snapshot(environment, id).await?;
        versions.retain(|v| {
            target.fits(v.kind, &v.scope, &v.code) && wanted.is_none_or(|w| v.version == Some(w))
        });
        let mut names: Vec<ArtifactName> = versions.iter().map(StoredVersion::name_of).collect();
        names.sort();
        names.dedup();
        if names.len() > 1 {
            return Err(NotFound::ambiguous(environment, target, names).into());
        }
        // The snapshot may hold several versions: the one that ran is meant, else the highest.
        versions.sort_by_key(|v| precedence(&v.status, v.version));
        versions.pop().ok_or_else(|| {
            let (environment, target) = (environment.clone(), target.clone());
            NotFound::Snapshot { environment, target, id: id.0.clone() }.into()
        })
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
