//! The export of a whole service instance, which the service writes to an object storage.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of an export of a whole instance. It stands beside the snapshots, not in them:
/// nothing is restored from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceExport {
    /// The service's id of the job.
    pub job: String,
    /// The name that the job was started with; empty where a job of somebody else was followed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The URL of the bucket; empty likewise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    pub finished: Timestamp,
    /// The service's word for how it ended: `COMPLETED`, `FAILED` …
    pub status: String,
}

impl InstanceExport {
    /// Whether the archive is whole.
    pub fn is_good(&self) -> bool {
        let word = self.status.to_ascii_uppercase();
        matches!(word.as_str(), "COMPLETED" | "SUCCESS" | "SUCCEEDED")
    }
}
