//! What monitoring says of an integration's instances, how its schedule stands, and how runs of
//! this program and the steps of their plans are named.

use std::fmt;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
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

/// The place of a step among all steps of its plan, from 0. Journals and progress name steps by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepIndex(pub usize);

/// The place of an item among all items of its plan, from 0. Steps, journals and other items name
/// items by it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct ItemIndex(pub usize);

/// The place of an environment among those of the config, from 0: which column of the matrix it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EnvironmentIndex(pub usize);

impl EnvironmentIndex {
    /// The places of so many environments, in their order.
    pub fn all(count: usize) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        (0..count).map(Self)
    }
}

/// A list with one entry for each environment.
impl<T> std::ops::Index<EnvironmentIndex> for Vec<T> {
    type Output = T;
    fn index(&self, environment: EnvironmentIndex) -> &T {
        &self[environment.0]
    }
}

impl<T> std::ops::IndexMut<EnvironmentIndex> for Vec<T> {
    fn index_mut(&mut self, environment: EnvironmentIndex) -> &mut T {
        &mut self[environment.0]
    }
}

/// A run of this program: `2026-08-15T020304Z-restore-1a2b3c4d`, the time it began, its verb and a
/// random tail. A journal of another form of id is still read, since the id is its file's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// The id as it stands in a file's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the run began, to the second; none where the id does not begin with a time.
    pub fn started(&self) -> Option<Timestamp> {
        let (stamp, _) = self.0.split_once("Z-")?;
        let time = DateTime::strptime("%Y-%m-%dT%H%M%S", stamp).ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    }
}

impl From<String> for RunId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<&str> for RunId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_s_id_says_when_it_began() {
        let began = RunId::from("2026-08-15T020304Z-restore-1a2b3c4d").started();
        assert_eq!(began, "2026-08-15T02:03:04Z".parse().ok());
        assert_eq!(RunId::from("r").started(), None);
    }
}
