//! Which versions there are, and which one is most often wanted.

use std::cmp::Reverse;

use crate::model::EnvironmentIndex;
use crate::store::{Index, StoredVersion};
use crate::tui::app::{App, Subject};

/// The stored versions of one artifact, from every environment of the explorer.
#[derive(Debug)]
pub struct VersionsScreen {
    pub code: String,
    /// The environment to restore to.
    pub target: EnvironmentIndex,
    /// Newest first; the target's own before others of the same time.
    pub rows: Vec<StoredVersion>,
    pub cursor: usize,
}

impl VersionsScreen {
    /// The stored versions of an artifact; None where the store has none. The cursor is on the
    /// newest one from the target that is not what runs now, which is the one most often wanted.
    pub fn of(app: &App, index: &Index, subject: &Subject) -> Option<Self> {
        let target = subject.environment;
        let name = &app.environments[target].name;
        let history = |e: &crate::tui::app::Environment| {
            index.history(&e.name, &subject.artifact).cloned().collect::<Vec<_>>()
        };
        let mut rows: Vec<StoredVersion> = app.environments.iter().flat_map(history).collect();
        if rows.is_empty() {
            return None;
        }
        rows.sort_by_key(|v| (Reverse(v.last_seen), v.environment != *name));
        let row = app.table.find(&subject.artifact);
        let live = row.and_then(|r| r.cell(target)?.portable);
        let wanted = |v: &StoredVersion| {
            v.environment == *name && v.safety_run.is_none() && Some(v.portable) != live
        };
        let no_safety = |v: &StoredVersion| v.safety_run.is_none();
        let cursor = rows.iter().position(wanted).or_else(|| rows.iter().position(no_safety));
        let cursor = cursor.unwrap_or(0);
        Some(Self { code: subject.artifact.to_string(), target, rows, cursor })
    }
}
