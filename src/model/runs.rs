//! What monitoring says of an integration's runs, how its schedule stands, and how the steps of a
//! plan are counted.

use serde::{Deserialize, Serialize};

/// Runs of one integration in a window of time (`/monitoring/integrations`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounts {
    pub received: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub aborted: u64,
}

impl RunCounts {
    /// Runs that are neither done nor failed yet.
    pub fn in_flight(&self) -> u64 {
        self.received.saturating_sub(self.succeeded + self.failed + self.aborted)
    }
}

/// The state of an integration's schedule. The service has more words than these; what is not
/// running is treated as stopped when it is put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleState {
    Running,
    Paused,
    Stopped,
    Other(String),
}

impl From<&str> for ScheduleState {
    fn from(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "ACTIVE" | "RUNNING" | "STARTED" | "SCHEDULED" => Self::Running,
            "PAUSED" | "SUSPENDED" => Self::Paused,
            "STOPPED" | "INACTIVE" | "NOT_STARTED" | "NOTSTARTED" => Self::Stopped,
            _ => Self::Other(super::visible(word).into_owned()),
        }
    }
}

impl ScheduleState {
    pub fn label(&self) -> &str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Other(word) => word,
        }
    }
}

/// The place of a step among all steps of its plan, from 0. Journals and progress name steps by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepIndex(pub usize);
