//! The stored versions of one artifact over time, with what changed between neighbours.

use std::sync::Arc;

use crate::model::Reference;
use crate::oic::AuditRecord;
use crate::ops::{compare::Compared, triage::Triage};
use crate::store::StoredVersion;
use crate::tui::failure::Failure;
use crate::tui::{app::Subject, screen::ScreenId};

/// What is known of a version against the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionChange {
    /// Not compared yet.
    Asked,
    /// There is none before it.
    First,
    Same,
    /// In words.
    Changed(String),
    /// Why that is not known.
    Unknown(String),
}

impl VersionChange {
    /// What a comparison with the version before tells.
    pub fn of(compared: Result<Compared, Failure>) -> Self {
        match compared {
            Ok(compared) if compared.comparison.changes.is_empty() => Self::Same,
            Ok(compared) => Self::Changed(compared.comparison.summary()),
            Err(why) => Self::Unknown(why.to_string()),
        }
    }
}

#[derive(Debug)]
pub struct TimelineScreen {
    pub id: ScreenId,
    /// The artifact, and the environment whose versions are shown, the live one on top.
    pub subject: Subject,
    /// Newest first.
    pub rows: Vec<StoredVersion>,
    pub changes: Vec<VersionChange>,
    /// What changed from the newest stored version to what is live.
    pub live: Option<VersionChange>,
    /// Who did what with it, oldest first; none while it is asked for.
    pub audit: Option<Result<Vec<AuditRecord>, Failure>>,
    /// Its last day, of an integration; none while it is asked for.
    pub triage: Option<Result<Arc<Triage>, Failure>>,
    /// The index of the row under the cursor; row 0 is what is live, where there is something.
    pub cursor: usize,
}

impl TimelineScreen {
    /// A timeline of stored versions, which are given in any order; `live` says whether the
    /// artifact is live.
    pub fn new(id: ScreenId, subject: Subject, mut rows: Vec<StoredVersion>, live: bool) -> Self {
        rows.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
        let change = |i| match Self::before(&rows, i) {
            Some(_) => VersionChange::Asked,
            None => VersionChange::First,
        };
        let changes = (0..rows.len()).map(change).collect();
        let any = rows.iter().any(|v| v.safety_run.is_none());
        let live = live.then_some(if any { VersionChange::Asked } else { VersionChange::First });
        Self { id, subject, rows, changes, live, audit: None, triage: None, cursor: 0 }
    }

    /// The newest stored version that is no safety export.
    pub fn newest(&self) -> Option<&StoredVersion> {
        self.rows.iter().find(|v| v.safety_run.is_none())
    }

    /// The pairs to compare: the index of a version, the version before it, the version itself.
    pub fn pairs(&self) -> Vec<(usize, Reference, Reference)> {
        let pair = |i: usize| {
            let before = Self::before(&self.rows, i)?;
            Some((i, before.reference(), self.rows[i].reference()))
        };
        (0..self.rows.len()).filter_map(pair).collect()
    }

    /// The number of rows, the live one included.
    pub fn count(&self) -> usize {
        self.rows.len() + usize::from(self.live.is_some())
    }

    /// The stored version under the cursor; none on the live one.
    pub fn version(&self) -> Option<&StoredVersion> {
        self.rows.get(self.cursor.checked_sub(usize::from(self.live.is_some()))?)
    }

    /// What the audit tells of the time between the row under the cursor and the one before it,
    /// newest first.
    pub fn audit_here(&self) -> Vec<&AuditRecord> {
        let Some(Ok(records)) = &self.audit else { return Vec::new() };
        let live = usize::from(self.live.is_some());
        let here = self.cursor.checked_sub(live);
        let until = here.and_then(|i| self.rows.get(i)).map(|v| v.first_seen);
        let before = match here {
            Some(i) if i < self.rows.len() => Self::before(&self.rows, i),
            Some(_) => None,
            None => self.rows.iter().find(|v| v.safety_run.is_none()),
        };
        let from = before.map(|v| v.last_seen);
        let within = |r: &&AuditRecord| {
            from.is_none_or(|from| r.time > from) && until.is_none_or(|until| r.time <= until)
        };
        records.iter().rev().filter(within).collect()
    }

    /// The version before a row, from the same environment and no safety export; None for the
    /// first.
    pub fn before(rows: &[StoredVersion], index: usize) -> Option<&StoredVersion> {
        let environment = &rows[index].environment;
        rows[index + 1..].iter().find(|v| v.environment == *environment && v.safety_run.is_none())
    }
}
