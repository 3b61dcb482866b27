//! The state of an artifact in an environment: the facts that every list of the service gives.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Status, Version};

/// The state of an artifact, as a list of the service says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactState {
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_by: Option<String>,
    /// Who edits it now; empty where the service does not say who, none where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_by: Option<String>,
    /// Who has unsaved changes of it in the console; empty where the service does not say who, none
    /// where nobody has. An export has what was saved last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaved_by: Option<String>,
    /// Oracle's own: it cannot be exported or changed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub prebuilt: bool,
}

/// A person, where the service may not say who.
fn named(who: &str) -> &str {
    if who.is_empty() { "somebody" } else { who }
}

impl ArtifactState {
    /// A state of which only the status is known.
    pub fn new(status: Status) -> Self {
        Self {
            status,
            last_updated: None,
            last_updated_by: None,
            locked_by: None,
            unsaved_by: None,
            prebuilt: false,
        }
    }

    /// Whether somebody edits it now.
    pub fn is_locked(&self) -> bool {
        self.locked_by.is_some()
    }

    /// Who edits it now, `somebody` where the service does not say who; none where nobody does.
    pub fn lock_holder(&self) -> Option<&str> {
        self.locked_by.as_deref().map(named)
    }

    /// Who has changes in the console that are not saved, `somebody` where the service does not say
    /// who; none where there are none.
    pub fn unsaved_holder(&self) -> Option<&str> {
        self.unsaved_by.as_deref().map(named)
    }

    /// `unsaved changes by j.doe`; none where there are none.
    pub fn unsaved(&self) -> Option<String> {
        Some(format!("unsaved changes by {}", self.unsaved_holder()?))
    }

    /// [`precedence`] of this state.
    pub fn precedence(&self, version: Option<Version>) -> impl Ord + use<> {
        precedence(&self.status, version)
    }
}

/// Orders the versions of one code where a reference names no version: the active one is meant,
/// else the highest. The version that is meant is the largest.
pub fn precedence(status: &Status, version: Option<Version>) -> impl Ord + use<> {
    (*status == Status::Active, version)
}

fn is_false(flag: &bool) -> bool {
    !flag
}
