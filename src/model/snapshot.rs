//! A snapshot's manifest: what of one environment was taken together.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EnvironmentName, Fingerprint, IntegrationId, Kind, RunId, Status, Version};

/// `2026-08-15T013010Z-9d2e`: the time and a random tail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotId(pub String);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a person names a snapshot: `prod` for the newest of all that it has, `prod@LABEL` for one by
/// its id, a tag, or what it was taken before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotName {
    pub environment: EnvironmentName,
    pub label: Option<String>,
}

impl FromStr for SnapshotName {
    type Err = super::ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (environment, label) = match text.split_once('@') {
            Some((environment, label)) => (environment, Some(label.to_owned())),
            None => (text, None),
        };
        Ok(Self { environment: environment.parse()?, label })
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.environment)?;
        self.label.iter().try_for_each(|l| write!(f, "@{}", super::visible(l)))
    }
}

/// A name to which no snapshot answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the store has no snapshot {0}\n  → `oicx snapshots {env}` lists them; `oicx backup {env}` \
        takes one",
    env = .0.environment
)]
pub struct NoSnapshot(pub SnapshotName);

/// Why the stored versions of a manifest were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "purpose")]
pub enum Purpose {
    /// A backup or an export by hand: what a person goes back to.
    Backup {
        /// The run was stopped before it had seen everything.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
        /// Somebody exported chosen artifacts: it says nothing of the others.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        selection: bool,
    },
    /// Taken before a restore changed something. It holds the state that was being repaired, so
    /// only `@run:ID` ever resolves to it.
    Safety { run: RunId },
}

/// The commit of a snapshot: written last, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub id: SnapshotId,
    pub environment: EnvironmentName,
    pub started: Timestamp,
    pub finished: Timestamp,
    #[serde(flatten)]
    pub purpose: Purpose,
    #[serde(default)]
    pub entries: Vec<ManifestEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedArtifact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<ExportFailure>,
    /// Kinds that could not be listed, and why: nothing follows from their absence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<UnlistedKind>,
    /// Words by which a person finds it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What it was taken before: `deploy 4711`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Manifest {
    pub const FORMAT: u32 = 1;
    /// The tag of what was taken from a folder of exports: no backup can ever bring it again.
    pub const IMPORTED: &str = "imported";

    pub fn new(
        id: SnapshotId,
        environment: EnvironmentName,
        started: Timestamp,
        purpose: Purpose,
    ) -> Self {
        Self {
            format: Self::FORMAT,
            id,
            environment,
            started,
            finished: started,
            purpose,
            entries: vec![],
            skipped: vec![],
            failed: vec![],
            unseen: vec![],
            tags: vec![],
            before: None,
        }
    }

    /// A backup of all that the environment had, as far as it could be seen.
    pub fn is_full(&self) -> bool {
        matches!(self.purpose, Purpose::Backup { partial: false, selection: false })
    }

    /// Whether it says that what it does not list was not there.
    pub fn has_seen(&self, kind: Kind) -> bool {
        self.is_full() && self.unseen.iter().all(|u| u.kind != kind)
    }

    /// Whether it says that an artifact that it does not list was not there: not one that it could
    /// not see, left out or failed to take.
    pub fn says_gone(&self, key: &ArtifactKey) -> bool {
        let skipped = self.skipped.iter().any(|s| s.artifact == *key && !s.gone);
        self.has_seen(key.kind) && !skipped && self.failed.iter().all(|f| f.artifact != *key)
    }

    /// Whether a person gave it a name; such a one is kept longer.
    pub fn is_labelled(&self) -> bool {
        self.before.is_some() || !self.tags.is_empty()
    }

    /// `before deploy 4711, release-12`
    pub fn label(&self) -> String {
        let before = self.before.iter().map(|b| format!("before {b}"));
        before.chain(self.tags.iter().cloned()).collect::<Vec<_>>().join(", ")
    }
}

/// One artifact in a snapshot and the file that holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestEntry {
    pub kind: Kind,
    pub code: String,
    /// Only integrations, their schedules and libraries have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How it stood on the instance when it was taken.
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_by: Option<String>,
    /// Where the bytes lie, relative to the store's root.
    pub path: String,
    pub size: u64,
    /// Of the bytes, in hexadecimal.
    pub sha256: String,
    pub fingerprint: Fingerprint,
    /// Without the copies of connections and lookups that travel along: what can be compared
    /// between environments (`archive::fingerprint`).
    #[serde(rename = "flow")]
    pub portable: Fingerprint,
    /// The rules by which both were made: numbers of different rules say nothing to each other.
    #[serde(default = "first_rules")]
    pub rules: u32,
    /// A digest of what the service said about it beside its last update: with both unchanged, it
    /// is not exported again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The ids of the integrations in a package or project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// When a certificate ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl ManifestEntry {
    /// What tells artifacts of one environment apart.
    pub fn key(&self) -> ArtifactKey {
        ArtifactKey { kind: self.kind, code: self.code.clone(), version: self.version }
    }
}

/// One artifact of an environment: of an integration, a library or a schedule, one version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArtifactKey {
    /// Manifests of the first releases told of integrations only.
    #[serde(default = "integration")]
    pub kind: Kind,
    /// Empty where the whole kind is meant.
    #[serde(default)]
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
}

fn integration() -> Kind {
    Kind::Integration
}

impl ArtifactKey {
    pub fn new(kind: Kind, code: impl Into<String>, version: Option<Version>) -> Self {
        Self { kind, code: code.into(), version }
    }
}

impl From<IntegrationId> for ArtifactKey {
    fn from(id: IntegrationId) -> Self {
        Self::new(Kind::Integration, id.code, Some(id.version))
    }
}

impl fmt::Display for ArtifactKey {
    /// `SYNC 01.00.0000`, `lookup COUNTRY_CODES`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() {
            return write!(f, "{}", self.kind.plural());
        }
        if self.kind != Kind::Integration {
            write!(f, "{} ", self.kind)?;
        }
        write!(f, "{}", super::visible(&self.code))?;
        self.version.iter().try_for_each(|v| write!(f, " {v}"))
    }
}

fn first_rules() -> u32 {
    1
}

/// What a backup left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedArtifact {
    #[serde(flatten)]
    pub artifact: ArtifactKey,
    pub reason: String,
    /// Not left out: it was deleted between the list and the export.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// What a backup could not take; without a code, the whole kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFailure {
    #[serde(flatten)]
    pub artifact: ArtifactKey,
    pub error: String,
}

/// A kind of which a backup could see nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlistedKind {
    pub kind: Kind,
    /// Not offered by the instance, or not for this role; else the list failed, which is among the
    /// failures.
    pub reason: String,
}
