//! What a check found, and what to do about it.

use serde::{Deserialize, Serialize};

use super::EnvironmentName;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing, nothing to do.
    Fact,
    /// Going on is possible once a person has read it.
    Warning,
    /// Going on is refused.
    Blocker,
}

/// One answer of a check, which a restore's plan or `doctor` makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub level: Level,
    pub what: String,
    /// What a person can do about it, where there is something to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    /// Why nothing is changed in an environment that is `read_only`.
    pub fn read_only(environment: &EnvironmentName) -> Self {
        let what = format!("{environment} is read-only in the config");
        Self::blocker(what, "set read_only = false for it if this is meant")
    }

    /// Something worth knowing that asks for nothing.
    pub fn fact(what: impl Into<String>) -> Self {
        Self { level: Level::Fact, what: what.into(), fix: None }
    }

    /// Something that may go wrong, and how to mend it.
    pub fn warning(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level: Level::Warning, what: what.into(), fix: Some(fix.into()) }
    }

    /// Something that forbids the work, and how to mend it.
    pub fn blocker(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level: Level::Blocker, what: what.into(), fix: Some(fix.into()) }
    }

    /// `✓`, `!` or `✗`: never colour alone.
    pub fn mark(&self) -> char {
        match self.level {
            Level::Fact => '✓',
            Level::Warning => '!',
            Level::Blocker => '✗',
        }
    }
}
