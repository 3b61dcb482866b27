//! What monitoring says of an integration's instances, and how its schedule stands.

use serde::{Deserialize, Serialize};

/// How many instances of one integration there were in a window of time
/// (`/monitoring/integrations`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCounts {
    pub received: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub aborted: u64,
}

impl InstanceCounts {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            aborted: self.aborted + other.aborted,
        }
    }

    /// Instances that are neither done nor failed yet.
    pub fn in_flight(&self) -> u64 {
        self.received.saturating_sub(self.succeeded + self.failed + self.aborted)
    }
}

/// Current values of a schedule's parameters, by name, exactly as the service gave them. Flows
/// change them, for example to note the time of the last run; they are in no archive.
pub type ScheduleParameters = std::collections::BTreeMap<String, String>;

/// The state of an integration's schedule. The service has more words than these; a schedule with
/// another word is left stopped when it is put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleState {
    Running,
    Paused,
    Stopped,
    /// On its way: `STARTING`, `STOPPING`, `PAUSING`, `RESUMING`.
    Passing {
        /// The service's word, in small letters.
        word: String,
        to: Box<ScheduleState>,
    },
    Other(String),
}

impl From<&str> for ScheduleState {
    fn from(word: &str) -> Self {
        let passing = |to| Self::Passing { word: word.to_ascii_lowercase(), to: Box::new(to) };
        match word.to_ascii_uppercase().as_str() {
            "ACTIVE" | "RUNNING" | "STARTED" | "SCHEDULED" => Self::Running,
            "PAUSED" | "SUSPENDED" => Self::Paused,
            "STOPPED" | "INACTIVE" | "NOT_STARTED" | "NOTSTARTED" | "CANCELLED" => Self::Stopped,
            "STARTING" | "RESUMING" => passing(Self::Running),
            "STOPPING" => passing(Self::Stopped),
            "PAUSING" => passing(Self::Paused),
            _ => Self::Other(super::visible(word).into_owned()),
        }
    }
}

impl ScheduleState {
    /// The word for the state; one that oicx does not know is given as the service wrote it.
    pub fn label(&self) -> &str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Passing { word, .. } | Self::Other(word) => word,
        }
    }

    /// Whether a schedule that was found is in this state. One that is not there is stopped.
    pub fn is_met_by(&self, found: Option<&Self>) -> bool {
        match found {
            Some(found) => found == self,
            None => *self == Self::Stopped,
        }
    }

    /// The state in which it rests: where it is on its way, the one that it gets to.
    pub fn resting(self) -> Self {
        match self {
            Self::Passing { to, .. } => *to,
            resting => resting,
        }
    }
}
