//! A snapshot's manifest: what of one environment was taken together (design §6).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EnvironmentName, Fingerprint, Kind, Status, Version};

/// `2026-08-15T013010Z-9d2e`: the time and a random tail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotId(pub String);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

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
    /// Taken before a restore changed something. It holds the state that was being repaired, so only
    /// `@run:ID` ever resolves to it (design §7).
    Safety { run: String },
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
    pub entries: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failure>,
}

impl Manifest {
    pub const FORMAT: u32 = 1;
}

/// One artifact in a snapshot and the file that holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub kind: Kind,
    pub code: String,
    pub version: Version,
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
    /// Without the copies of connections and lookups that travel along: what can be compared between
    /// environments (`archive::fingerprint`).
    pub flow: Fingerprint,
    /// The rules by which both were made: numbers of different rules say nothing to each other.
    #[serde(default = "first_rules")]
    pub rules: u32,
}

fn first_rules() -> u32 {
    1
}

/// What a backup left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub code: String,
    pub version: Version,
    pub reason: String,
}

/// What a backup could not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub version: Version,
    pub error: String,
}
