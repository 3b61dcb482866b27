//! Drift: what differs in meaning between two environments, snapshots or labels, and who is ahead.

mod judge;
mod pairs;
mod sides;

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::Serialize;

pub(super) use self::judge::changes;
use self::{pairs::Pair, sides::SideList};
use crate::model::{
    ArtifactKey, ArtifactName, ArtifactState, EnvironmentName, Fingerprint, HIDDEN_PROJECT, Kind,
    NoSnapshot, ParseNameError, ProjectCode, Reference, Scope, SnapshotName, UnlistedKind, Version,
};
use crate::store::StoreError;
use crate::workspace::{
    Workspace,
    source::{ReadError, SourceError},
};

/// One side: an environment as it is now, or as a snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// `prod`
    Live(EnvironmentName),
    /// `prod@LABEL`, `store:prod` for the newest
    Snapshot(SnapshotName),
}

impl FromStr for Side {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("store:") {
            Some(rest) => rest.parse().map(Self::Snapshot),
            None if text.contains('@') => text.parse().map(Self::Snapshot),
            None => text.parse().map(Self::Live),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(name) => write!(f, "{name}"),
            Self::Snapshot(name) => write!(f, "store:{name}"),
        }
    }
}

/// Why two sides cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    #[error(
        "neither {first} nor {second} has anything in a project {project}\n  → oicx list --kind \
            projects shows their codes"
    )]
    NoProject { project: ProjectCode, first: String, second: String },
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoSnapshot(#[from] NoSnapshot),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// How an artifact differs between two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// The version is the same and the meaning differs.
    Changed,
    /// The versions differ.
    OtherVersion,
    /// It is only on the first side.
    OnlyFirst,
    /// It is only on the second side.
    OnlySecond,
    /// Version and meaning are the same, but it runs on one side only.
    Standing,
    /// It could not be found out.
    Unknown,
}

/// One of the two sides that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhichSide {
    First,
    Second,
}

impl WhichSide {
    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// One artifact as a side has it.
#[derive(Debug, Clone, Serialize)]
pub struct Revision {
    #[serde(skip)]
    reference: Reference,
    pub version: Option<Version>,
    #[serde(flatten)]
    pub state: ArtifactState,
    #[serde(skip)]
    portable: Option<Fingerprint>,
}

/// One artifact that differs.
#[derive(Debug, Clone, Serialize)]
pub struct DriftedArtifact {
    pub kind: Kind,
    /// The project's code; `null` for the global space.
    pub scope: Scope,
    pub code: String,
    pub state: DriftKind,
    /// The side with the later version or update.
    pub ahead: Option<WhichSide>,
    pub first: Option<Revision>,
    pub second: Option<Revision>,
    /// Where it is on one side alone: the scope in which the other side has this code, and this
    /// side has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Scope>,
    /// Where one version of it is on one side alone: the version that the other side shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_version: Option<Version>,
    /// What changed from the first side to the second, in a few words, or why that is not known;
    /// none where nobody asked.
    pub changes: Option<String>,
}

/// What differs between two sides.
#[derive(Debug, Clone, Serialize)]
pub struct DriftReport {
    pub same: bool,
    pub first: String,
    pub second: String,
    /// How many artifacts mean the same on both sides. A version that runs beside another counts by
    /// itself.
    pub equal: usize,
    pub differences: Vec<DriftedArtifact>,
    /// How many artifacts one side has where the other could not be looked at or did not take them.
    pub not_compared: usize,
    /// Kinds that could not be listed, and why.
    pub notes: Vec<String>,
}

/// Whether a kind is compared. What holds integrations is compared by these. Connections differ
/// between environments on purpose: of them it is only looked whether they are there.
fn is_compared(kind: Kind) -> bool {
    kind == Kind::Connection || kind.has_archive() && !kind.holds_integrations()
}

/// What of the two sides is compared, and how closely.
#[derive(Debug, Clone, Default)]
pub struct DriftSelection {
    /// Only what is in this project; none: all scopes.
    pub project: Option<ProjectCode>,
    /// Whether what changed in each is left out.
    pub brief: bool,
}

/// Compares two sides.
///
/// # Errors
/// Where a side cannot be listed, or neither has the project that is meant.
pub async fn run(
    workspace: &Workspace,
    first: &Side,
    second: &Side,
    selection: &DriftSelection,
) -> Result<DriftReport, DriftError> {
    let index = workspace.index().await?;
    let a = sides::list(workspace, &index, first).await?;
    let b = sides::list(workspace, &index, second).await?;
    let mut notes: Vec<String> = [(first, &a, &b), (second, &b, &a)]
        .into_iter()
        .flat_map(|(side, own, other)| not_compared(side, own, other))
        .collect();
    if let Some(project) = &selection.project
        && neither_has(project, &a, &b)
    {
        let (first, second) = (first.to_string(), second.to_string());
        return Err(DriftError::NoProject { project: project.clone(), first, second });
    }
    if let Some(project) = &selection.project {
        let scope = Scope::Project(project.clone());
        let has_any = |side: &SideList| side.revisions.keys().any(|name| name.scope == scope);
        let hides = |side: &SideList| {
            side.visibility.unseen.iter().any(|u| u.hides(Kind::Integration, &scope))
        };
        let without = [(first, &a), (second, &b)]
            .into_iter()
            .filter(|(_, side)| !has_any(side) && !hides(side))
            .map(|(name, _)| {
                format!("project {project} of {name}: it lists none; {HIDDEN_PROJECT}")
            });
        notes.extend(without);
    }
    // What one side could not see is not what it lacks.
    let seen = |pair: &Pair| match (&pair.first, &pair.second) {
        (Some(only), None) => b.visibility.says_gone(&pair.name.key(only.version)),
        (None, Some(only)) => a.visibility.says_gone(&pair.name.key(only.version)),
        _ => true,
    };
    let (mut pairs, mut unseen): (Vec<_>, Vec<_>) =
        pairs::of(&a.revisions, &b.revisions).into_iter().partition(seen);
    // What was moved is looked for in all scopes, also where one project alone is compared.
    let moves = Moves::of(&pairs);
    let mut refused = false;
    if let Some(project) = &selection.project {
        let scope = Scope::Project(project.clone());
        pairs.retain(|pair| pair.name.scope == scope);
        unseen.retain(|pair| pair.name.scope == scope);
        // What refuses on both sides is not the same on both.
        refused = pairs.is_empty() && unseen.is_empty();
    }
    let not_compared = unseen.len().max(usize::from(refused));
    judge::find_out(workspace, first, WhichSide::First, &mut pairs).await?;
    judge::find_out(workspace, second, WhichSide::Second, &mut pairs).await?;
    let judged = judge::all(workspace, pairs, selection.brief).await;
    let equal = judged.iter().filter(|d| d.is_none()).count();
    let mut differences: Vec<DriftedArtifact> = judged.into_iter().flatten().collect();
    for difference in &mut differences {
        difference.elsewhere = moves.elsewhere(difference);
    }
    differences.sort_by(|x, y| {
        (x.state, x.kind, &x.scope, &x.code).cmp(&(y.state, y.kind, &y.scope, &y.code))
    });
    Ok(DriftReport {
        same: differences.is_empty() && not_compared == 0,
        not_compared,
        first: first.to_string(),
        second: second.to_string(),
        equal,
        differences,
        notes,
    })
}

/// Whether two sides have nothing of a project, and neither hides any of it.
fn neither_has(project: &ProjectCode, a: &SideList, b: &SideList) -> bool {
    let scope = Scope::Project(project.clone());
    [a, b].into_iter().all(|side| {
        let hides = |u: &UnlistedKind| {
            Kind::ALL.into_iter().any(|kind| is_compared(kind) && u.hides(kind, &scope))
        };
        let has = side.revisions.keys().any(|name| name.scope == scope);
        !has && !side.visibility.unseen.iter().any(hides)
    })
}

/// What a side could not see or did not take, in words. That an older snapshot has no entry for a
/// project's libraries, and what a snapshot left out, is told where the other side has it.
fn not_compared(side: &Side, own: &SideList, other: &SideList) -> Vec<String> {
    let matters = |u: &&UnlistedKind| {
        u.kind != Kind::Library
            || other.revisions.keys().any(|name| u.hides(name.kind, &name.scope))
    };
    let unseen = own.visibility.unseen.iter().filter(matters);
    let unseen = unseen.map(|u| format!("{} of {side}: {}", u.what(), u.reason));
    let there = |key: &ArtifactKey| {
        let revisions = other.revisions.get(&key.name());
        revisions.is_some_and(|all| all.iter().any(|r| r.version == key.version))
    };
    let untaken = own.untaken.iter().filter(|(key, _)| there(key));
    let untaken = untaken.map(|(key, why)| format!("{key} of {side}: not taken: {why}"));
    let chosen = (!own.visibility.full).then(|| format!("{side} holds chosen artifacts alone"));
    unseen.chain(untaken).chain(chosen).collect()
}

/// What is on one side alone, whole artifacts: of these one may be the other, moved.
struct Moves {
    only_first: BTreeSet<ArtifactName>,
    only_second: BTreeSet<ArtifactName>,
}

impl Moves {
    fn of(pairs: &[Pair]) -> Self {
        let only = |side: WhichSide| {
            let one_sided = pairs.iter().filter(move |p| p.is_only_on(side));
            one_sided.map(|p| p.name.clone()).collect()
        };
        Self { only_first: only(WhichSide::First), only_second: only(WhichSide::Second) }
    }

    /// The scope in which the other side has what one side lacks: it was moved.
    fn elsewhere(&self, difference: &DriftedArtifact) -> Option<Scope> {
        let other = match difference.state {
            DriftKind::OnlyFirst if difference.other_version.is_none() => &self.only_second,
            DriftKind::OnlySecond if difference.other_version.is_none() => &self.only_first,
            _ => return None,
        };
        let twin = |name: &&ArtifactName| {
            name.kind == difference.kind
                && name.code == difference.code
                && name.scope != difference.scope
        };
        other.iter().find(twin).map(|name| name.scope.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_an_environment_or_a_snapshot() {
        let side = |text: &str| text.parse::<Side>().map(|s| s.to_string());
        assert_eq!(side("prod"), Ok("prod".into()));
        assert_eq!(side("store:prod"), Ok("store:prod".into()));
        assert_eq!(side("prod@release-12"), Ok("store:prod@release-12".into()));
        assert!(side("Prod").is_err() && side("").is_err());
    }
}
