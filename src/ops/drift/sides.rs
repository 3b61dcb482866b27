//! What a side of a drift has, and what it could not see.

use std::collections::{BTreeMap, BTreeSet};

use super::{DriftError, Revision, Side, is_compared};
use crate::model::{
    ArtifactKey, ArtifactName, ArtifactState, ManifestEntry, NoSnapshot, Reference, SnapshotId,
    SnapshotName, StorePick, Visibility,
};
use crate::oic::Client;
use crate::store::Index;
use crate::workspace::{Workspace, listing, source::SourceError};

/// For each artifact all versions that a side has; the first is the one that is meant where none
/// is named.
pub(super) type RevisionsByArtifact = BTreeMap<ArtifactName, Vec<Revision>>;

/// One side, listed.
pub(super) struct SideList {
    pub revisions: RevisionsByArtifact,
    /// What it could see.
    pub visibility: Visibility,
    /// What was there and was not taken, and why.
    pub untaken: Vec<(ArtifactKey, String)>,
}

/// Lists a side.
pub(super) async fn list(
    workspace: &Workspace,
    index: &Index,
    side: &Side,
) -> Result<SideList, DriftError> {
    let mut list = match side {
        Side::Live(name) => {
            live(workspace.environment(name).map_err(SourceError::Open)?, index).await?
        }
        Side::Snapshot(name) => stored(workspace, index, name).await?,
    };
    for revisions in list.revisions.values_mut() {
        revisions.sort_by_key(|r| std::cmp::Reverse(r.state.precedence(r.version)));
    }
    Ok(list)
}

fn by_artifact(all: impl Iterator<Item = (ArtifactName, Revision)>) -> RevisionsByArtifact {
    let mut out = RevisionsByArtifact::new();
    for (name, revision) in all {
        out.entry(name).or_default().push(revision);
    }
    out
}

async fn stored(
    workspace: &Workspace,
    index: &Index,
    name: &SnapshotName,
) -> Result<SideList, DriftError> {
    let found = index.snapshot_named(name).ok_or_else(|| NoSnapshot(name.clone()))?;
    let store = workspace.store().map_err(SourceError::Open)?;
    let manifest = store.manifest_with_members(&name.environment, &found.id).await?;
    let revision = |e: ManifestEntry| {
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
    let entries = manifest.entries.iter().filter(|e| is_compared(e.kind));
    let untaken = manifest.untaken().map(|(key, why)| (key.clone(), why.to_owned()));
    Ok(SideList {
        revisions: by_artifact(entries.cloned().map(revision)),
        visibility: manifest.visibility(),
        untaken: untaken.filter(|(key, _)| is_compared(key.kind)).collect(),
    })
}

async fn live(client: &Client, index: &Index) -> Result<SideList, DriftError> {
    let listing = listing::read(client).await.map_err(SourceError::Oic)?;
    let visibility =
        Visibility { full: true, unseen: listing.unseen, untaken: BTreeSet::default() };
    let wanted = listing.artifacts.into_iter().filter(|a| is_compared(a.kind) && !a.state.prebuilt);
    let revision = |a: listing::ListingEntry| {
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
    Ok(SideList { revisions: by_artifact(wanted.map(revision)), visibility, untaken: vec![] })
}
