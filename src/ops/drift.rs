//! Drift: what differs in meaning between two environments, snapshots or labels, and who is ahead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use futures::StreamExt;
use serde::Serialize;

use super::compare::compare;
use crate::model::{
    ArtifactKey, ArtifactName, ArtifactState, EnvironmentName, Fingerprint, IntegrationId, Kind,
    NoSnapshot, ParseNameError, ProjectCode, Reference, Scope, SnapshotId, SnapshotName, Status,
    StorePick, UnlistedKind, Version,
};
use crate::oic::Client;
use crate::store::{Index, StoreError};
use crate::workspace::{
    Workspace,
    fingerprint_cache::live_fingerprints,
    source::{ReadError, SourceError, fetch_bytes},
};

/// Exports and comparisons under way at once.
const AT_ONCE: usize = 8;

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

/// Which side has the later version or update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ahead {
    First,
    Second,
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
    pub ahead: Option<Ahead>,
    pub first: Option<Revision>,
    pub second: Option<Revision>,
    /// Where it is on one side alone: the scope in which the other side has this code, and this
    /// side has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Scope>,
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
    /// How many artifacts mean the same on both sides.
    pub equal: usize,
    pub differences: Vec<DriftedArtifact>,
    /// How many artifacts one side has where the other could not be looked at.
    pub not_compared: usize,
    /// Kinds that could not be listed, and why.
    pub notes: Vec<String>,
}

/// The kinds that are compared. Connections differ between environments on purpose: of them it is
/// only looked whether they are there.
const KINDS: [Kind; 4] = [Kind::Integration, Kind::Lookup, Kind::Library, Kind::Connection];

type RevisionsByArtifact = BTreeMap<ArtifactName, Revision>;

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
    let (mut a, hidden_in_a) = revisions(workspace, &index, first).await?;
    let (mut b, hidden_in_b) = revisions(workspace, &index, second).await?;
    let notes = [(first, &hidden_in_a, &b), (second, &hidden_in_b, &a)]
        .into_iter()
        .flat_map(|(side, hidden, other)| not_compared(side, hidden, other))
        .collect();
    // What one side could not see is not what it lacks.
    let mut not_compared = 0;
    let mut seen = |other: &RevisionsByArtifact, hidden: &[UnlistedKind], name: &ArtifactName| {
        let hides = hidden.iter().any(|u| u.hides(name.kind, &name.scope));
        let gone = hides && !other.contains_key(name);
        not_compared += usize::from(gone);
        !gone
    };
    a.retain(|name, _| seen(&b, &hidden_in_b, name));
    b.retain(|name, _| seen(&a, &hidden_in_a, name));
    // What was moved is looked for in all scopes, also where one project alone is compared.
    let names = |side: &RevisionsByArtifact| side.keys().cloned().collect();
    let everywhere: (BTreeSet<ArtifactName>, BTreeSet<ArtifactName>) = (names(&a), names(&b));
    if let Some(project) = &selection.project {
        let scope = Scope::Project(project.clone());
        for side in [&mut a, &mut b] {
            side.retain(|name, _| name.scope == scope);
        }
        if a.is_empty() && b.is_empty() {
            // What refuses is told, and is not taken for what is not there.
            let hides = |u: &UnlistedKind| KINDS.iter().any(|kind| u.hides(*kind, &scope));
            if !hidden_in_a.iter().chain(&hidden_in_b).any(hides) {
                let (first, second) = (first.to_string(), second.to_string());
                return Err(DriftError::NoProject { project: project.clone(), first, second });
            }
            not_compared = not_compared.max(1);
        }
    }
    find_out(workspace, first, &mut a, &b).await?;
    find_out(workspace, second, &mut b, &a).await?;
    let judged = judge_all(workspace, &a, &b, selection.brief).await;
    let equal = judged.iter().filter(|d| d.is_none()).count();
    let mut differences: Vec<DriftedArtifact> = judged.into_iter().flatten().collect();
    for difference in &mut differences {
        difference.elsewhere = elsewhere(difference, &everywhere);
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

/// How each artifact of two sides differs; none where it means the same on both.
async fn judge_all(
    workspace: &Workspace,
    a: &RevisionsByArtifact,
    b: &RevisionsByArtifact,
    brief: bool,
) -> Vec<Option<DriftedArtifact>> {
    let mut keys: Vec<_> = a.keys().chain(b.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    let judge = |key: ArtifactName| {
        let (x, y) = (a.get(&key).cloned(), b.get(&key).cloned());
        async move { judge(workspace, key, x, y, brief).await }
    };
    futures::stream::iter(keys).map(judge).buffered(AT_ONCE).collect().await
}

/// What a side could not see, in words. That an older snapshot has no entry for a project's
/// libraries is told where the other side has some.
fn not_compared(side: &Side, hidden: &[UnlistedKind], other: &RevisionsByArtifact) -> Vec<String> {
    let matters = |u: &&UnlistedKind| {
        u.kind != Kind::Library || other.keys().any(|name| u.hides(name.kind, &name.scope))
    };
    let told = |u: &UnlistedKind| format!("{} of {side}: {}", u.what(), u.reason);
    hidden.iter().filter(matters).map(told).collect()
}

/// Fills in the portable fingerprints of what is in projects of a live side and is to be compared.
/// A project's archive is exported once for all of its integrations; what fails is asked for again
/// where it is compared, and told there.
async fn find_out(
    workspace: &Workspace,
    side: &Side,
    own: &mut RevisionsByArtifact,
    other: &RevisionsByArtifact,
) -> Result<(), DriftError> {
    let Side::Live(environment) = side else { return Ok(()) };
    let client = workspace.environment(environment).map_err(SourceError::Open)?;
    let mut wanted: BTreeMap<Scope, Vec<IntegrationId>> = BTreeMap::new();
    for (name, revision) in own.iter() {
        let same_version = other.get(name).is_some_and(|o| o.version == revision.version);
        let id = name.key(revision.version).integration_id();
        if let Some(id) = id.filter(|_| same_version && revision.portable.is_none())
            && !id.scope.is_global()
        {
            wanted.entry(id.scope.clone()).or_default().push(id);
        }
    }
    let exports = wanted.into_values().map(|ids| live_fingerprints(client, ids));
    let mut found =
        futures::stream::iter(exports).buffer_unordered(AT_ONCE).flat_map(futures::stream::iter);
    while let Some((id, fingerprints)) = found.next().await {
        if let (Ok(fingerprints), Some(revision)) =
            (fingerprints, own.get_mut(&ArtifactKey::from(id).name()))
        {
            revision.portable = Some(fingerprints.portable);
        }
    }
    Ok(())
}

/// The scope in which the other side has what one side lacks: it was moved.
fn elsewhere(
    difference: &DriftedArtifact,
    (first, second): &(BTreeSet<ArtifactName>, BTreeSet<ArtifactName>),
) -> Option<Scope> {
    let (own, other) = match difference.state {
        DriftKind::OnlyFirst => (first, second),
        DriftKind::OnlySecond => (second, first),
        _ => return None,
    };
    let twin = |name: &&ArtifactName| {
        name.kind == difference.kind
            && name.code == difference.code
            && name.scope != difference.scope
    };
    let moved = |name: &&ArtifactName| !own.contains(*name);
    other.iter().filter(twin).find(moved).map(|name| name.scope.clone())
}

/// What a side has: for each code the version that runs, else the highest.
async fn revisions(
    workspace: &Workspace,
    index: &Index,
    side: &Side,
) -> Result<(RevisionsByArtifact, Vec<UnlistedKind>), DriftError> {
    let (mut all, hidden) = match side {
        Side::Live(name) => {
            live(workspace.environment(name).map_err(SourceError::Open)?, index).await?
        }
        Side::Snapshot(name) => stored(workspace, index, name).await?,
    };
    all.sort_by_key(|(_, t)| t.state.precedence(t.version));
    Ok((all.into_iter().collect(), hidden))
}

/// The revisions of one side, and what it could not see.
type Revisions = (Vec<(ArtifactName, Revision)>, Vec<UnlistedKind>);

async fn stored(
    workspace: &Workspace,
    index: &Index,
    name: &SnapshotName,
) -> Result<Revisions, DriftError> {
    let found = index.snapshot_named(name).ok_or_else(|| NoSnapshot(name.clone()))?;
    let store = workspace.store().map_err(SourceError::Open)?;
    let manifest = store.manifest(&name.environment, &found.id).await?;
    let revision = |e: crate::model::ManifestEntry| {
        let name_of = e.key().name();
        let pick = StorePick::Snapshot(SnapshotId(manifest.id.0.clone()), e.version);
        let reference = Reference::Stored {
            environment: name.environment.clone(),
            target: e.key().name().into(),
            pick,
        };
        let portable = (e.rules == crate::archive::RULES).then_some(e.portable);
        let state = ArtifactState {
            last_updated: e.last_updated,
            last_updated_by: e.last_updated_by,
            ..ArtifactState::new(e.status)
        };
        (name_of, Revision { reference, version: e.version, state, portable })
    };
    let entries = manifest.entries.iter().filter(|e| KINDS.contains(&e.kind));
    let hidden = manifest.hidden();
    Ok((entries.cloned().map(revision).collect(), hidden))
}

async fn live(client: &Client, index: &Index) -> Result<Revisions, DriftError> {
    let listing = crate::workspace::listing::read(client).await.map_err(SourceError::Oic)?;
    let hidden = listing.unseen;
    let wanted =
        listing.artifacts.into_iter().filter(|a| KINDS.contains(&a.kind) && !a.state.prebuilt);
    let revision = |a: crate::workspace::listing::ListingEntry| {
        let (key, name) = (a.key(), a.name_of());
        let known = index
            .unchanged(client.name(), &key, a.state.last_updated, None)
            .filter(|v| v.rules == crate::archive::RULES);
        let environment = client.name().clone();
        let reference =
            Reference::Live { environment, target: name.clone().into(), version: a.version };
        let portable = known.map(|v| v.portable);
        (name, Revision { reference, version: a.version, state: a.state, portable })
    };
    Ok((wanted.map(revision).collect(), hidden))
}

/// How an artifact differs between the sides; none where version, meaning and status are the same.
async fn judge(
    workspace: &Workspace,
    of: ArtifactName,
    first: Option<Revision>,
    second: Option<Revision>,
    brief: bool,
) -> Option<DriftedArtifact> {
    let kind = of.kind;
    let difference = |state, ahead, first, second, changes| {
        let ArtifactName { kind, scope, code } = of.clone();
        let elsewhere = None;
        Some(DriftedArtifact { kind, scope, code, state, ahead, first, second, elsewhere, changes })
    };
    let (x, y) = match (first, second) {
        (Some(x), Some(y)) => (x, y),
        (Some(x), None) => return difference(DriftKind::OnlyFirst, None, Some(x), None, None),
        (None, second) => return difference(DriftKind::OnlySecond, None, None, second, None),
    };
    if kind == Kind::Connection {
        return None;
    }
    let other_version = x.version != y.version;
    let state = match (
        other_version,
        fingerprints(workspace, kind, &x).await,
        fingerprints(workspace, kind, &y).await,
    ) {
        (true, ..) => DriftKind::OtherVersion,
        (false, Ok(a), Ok(b)) if a == b => {
            let standing = kind == Kind::Integration
                && (x.state.status == Status::Active) != (y.state.status == Status::Active);
            return if standing {
                difference(DriftKind::Standing, None, Some(x), Some(y), None)
            } else {
                None
            };
        }
        (false, Ok(_), Ok(_)) => DriftKind::Changed,
        (false, Err(why), _) | (false, _, Err(why)) => {
            return difference(DriftKind::Unknown, None, Some(x), Some(y), Some(why.to_string()));
        }
    };
    let ahead = match state {
        DriftKind::OtherVersion => {
            Some(if x.version > y.version { Ahead::First } else { Ahead::Second })
        }
        _ => later(&x, &y),
    };
    let changes =
        if brief { None } else { Some(changes(workspace, &x.reference, &y.reference).await) };
    difference(state, ahead, Some(x), Some(y), changes)
}

fn later(x: &Revision, y: &Revision) -> Option<Ahead> {
    let (a, b) = (x.state.last_updated?, y.state.last_updated?);
    (a != b).then(|| if a > b { Ahead::First } else { Ahead::Second })
}

async fn fingerprints(
    workspace: &Workspace,
    kind: Kind,
    revision: &Revision,
) -> Result<Fingerprint, DriftError> {
    if let Some(portable) = revision.portable {
        return Ok(portable);
    }
    let fetched = fetch_bytes(Some(workspace), &revision.reference).await?;
    Ok(fetched.fingerprints(kind).await?.portable)
}

/// What changed from one reference to the other, in a few words.
pub(super) async fn changes(
    workspace: &Workspace,
    before: &Reference,
    after: &Reference,
) -> String {
    let of = |reference| fetch_bytes(Some(workspace), reference);
    match tokio::join!(of(before), of(after)) {
        (Ok(x), Ok(y)) => match compare(x, y).await {
            Ok(compared) => compared.comparison.summary(),
            Err(e) => format!("not compared: {e}"),
        },
        (Err(e), _) | (_, Err(e)) => format!("not compared: {e}"),
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
