//! What lets a plan run: no blocker, and a protected environment's name as a person typed it.

use super::{Finding, Level, plural};

/// Why a plan may not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefused {
    #[error("the plan has {}:\n{}", plural(.0.len(), "blocker"), blocker_lines(.0))]
    Blocked(Vec<Finding>),
    #[error(
        "{0} must be typed, or given with --confirm {0}: without that nothing is changed there"
    )]
    Unconfirmed(String),
    #[error("there is nothing in it to restore")]
    Empty,
}

impl PlanRefused {
    /// The reason, short enough for the room beside the question of a plan that is shown.
    pub fn short(&self) -> String {
        match self {
            Self::Blocked(_) => "it cannot be done: see ✗ above".into(),
            Self::Unconfirmed(name) => format!("type {name} exactly"),
            Self::Empty => self.to_string(),
        }
    }

    /// # Errors
    /// Where one of the findings is a blocker.
    pub fn if_blocked<'f>(
        findings: impl IntoIterator<Item = &'f Finding>,
    ) -> Result<(), PlanRefused> {
        let blockers: Vec<Finding> =
            findings.into_iter().filter(|f| f.level == Level::Blocker).cloned().collect();
        if blockers.is_empty() { Ok(()) } else { Err(Self::Blocked(blockers)) }
    }

    /// # Errors
    /// Where what was typed, or given with `--confirm`, is not exactly this name.
    pub fn if_unconfirmed(name: &str, confirmation: Option<&str>) -> Result<(), PlanRefused> {
        match confirmation == Some(name) {
            true => Ok(()),
            false => Err(Self::Unconfirmed(name.to_owned())),
        }
    }
}

/// The text of blockers: each on a line, with what to do about it.
fn blocker_lines(blockers: &[Finding]) -> String {
    let lines = blockers.iter().flat_map(|b| {
        let fix = b.fix.iter().map(|fix| format!("    → {fix}"));
        std::iter::once(format!("  ✗ {}", b.what)).chain(fix)
    });
    lines.collect::<Vec<_>>().join("\n")
}
