//! The stored versions of one artifact over time, with what changed between neighbours.

use super::Subject;
use crate::store::StoredVersion;

/// What is known of a version against the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Not compared yet.
    Asked,
    First,
    Changed(String),
    Failed(String),
}

#[derive(Debug)]
pub struct Timeline {
    /// The column's environment is the one whose history it is: its live version stands on top.
    pub subject: Subject,
    /// Newest first.
    pub rows: Vec<StoredVersion>,
    pub steps: Vec<Step>,
    /// What changed from the newest stored version to what is live.
    pub live: Option<Step>,
    /// 0 is what is live, where there is something.
    pub cursor: usize,
}

impl Timeline {
    pub fn count(&self) -> usize {
        self.rows.len() + usize::from(self.live.is_some())
    }

    /// The stored version under the cursor; none on the live one.
    pub fn version(&self) -> Option<&StoredVersion> {
        self.rows.get(self.cursor.checked_sub(usize::from(self.live.is_some()))?)
    }

    /// The one that came before a row, of the same environment and no safety export.
    pub fn before(rows: &[StoredVersion], place: usize) -> Option<&StoredVersion> {
        let environment = &rows[place].environment;
        rows[place + 1..].iter().find(|v| v.environment == *environment && v.safety_run.is_none())
    }
}
