//! How runs of this program are named, and the places of the steps and items of their plans and of
//! environments.

use std::fmt;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

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
