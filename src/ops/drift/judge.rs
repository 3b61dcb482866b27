//! How the two sides of a pair differ.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::{DriftError, DriftKind, DriftedArtifact, Pair, Revision, Side, WhichSide};
use crate::model::{ArtifactName, Fingerprint, IntegrationId, Kind, Reference, Scope, Status};
use crate::ops::compare::compare;
use crate::workspace::{
    Workspace,
    fingerprint_cache::live_fingerprints,
    source::{SourceError, fetch_bytes},
};

/// Exports and comparisons under way at once.
const AT_ONCE: usize = 8;

/// How the sides of each pair differ; none where both mean the same.
pub(super) async fn all(
    workspace: &Workspace,
    pairs: Vec<Pair>,
    brief: bool,
) -> Vec<Option<DriftedArtifact>> {
    let judge = |pair| judge(workspace, pair, brief);
    futures::stream::iter(pairs).map(judge).buffered(AT_ONCE).collect().await
}

/// Fills in the portable fingerprints of what is in projects of a live side and is to be compared.
/// A project's archive is exported once for all of its integrations; what fails is asked for again
/// where it is compared, and told there.
pub(super) async fn find_out(
    workspace: &Workspace,
    side: &Side,
    which: WhichSide,
    pairs: &mut [Pair],
) -> Result<(), DriftError> {
    let Side::Live(environment) = side else { return Ok(()) };
    let client = workspace.environment(environment).map_err(SourceError::Open)?;
    let mut wanted: BTreeMap<Scope, Vec<IntegrationId>> = BTreeMap::new();
    let mut places: BTreeMap<IntegrationId, usize> = BTreeMap::new();
    for (place, pair) in pairs.iter().enumerate() {
        let (Some(own), Some(other)) = (pair.side(which), pair.side(which.other())) else {
            continue;
        };
        let unknown = own.version == other.version && own.portable.is_none();
        let id = pair.name.key(own.version).integration_id().filter(|id| !id.scope.is_global());
        if let Some(id) = id.filter(|_| unknown) {
            places.insert(id.clone(), place);
            wanted.entry(id.scope.clone()).or_default().push(id);
        }
    }
    let exports = wanted.into_values().map(|ids| live_fingerprints(client, ids));
    let mut found =
        futures::stream::iter(exports).buffer_unordered(AT_ONCE).flat_map(futures::stream::iter);
    while let Some((id, fingerprints)) = found.next().await {
        let place = places.get(&id).and_then(|place| pairs.get_mut(*place));
        if let (Ok(fingerprints), Some(revision)) =
            (fingerprints, place.and_then(|pair| pair.side_mut(which)))
        {
            revision.portable = Some(fingerprints.portable);
        }
    }
    Ok(())
}

/// How the sides of a pair differ; none where version, meaning and status are the same.
async fn judge(workspace: &Workspace, pair: Pair, brief: bool) -> Option<DriftedArtifact> {
    let Pair { name: ArtifactName { kind, scope, code }, first, second, other_version } = pair;
    let difference = |state, ahead, first, second, changes| {
        Some(DriftedArtifact {
            kind,
            scope: scope.clone(),
            code: code.clone(),
            state,
            ahead,
            first,
            second,
            elsewhere: None,
            other_version,
            changes,
        })
    };
    let (x, y) = match (first, second) {
        (Some(x), Some(y)) => (x, y),
        (Some(x), None) => return difference(DriftKind::OnlyFirst, None, Some(x), None, None),
        (None, second) => return difference(DriftKind::OnlySecond, None, None, second, None),
    };
    if kind == Kind::Connection {
        return None;
    }
    let state = match x.version == y.version {
        false => DriftKind::OtherVersion,
        // Only of one version the meaning decides.
        true => {
            match (fingerprints(workspace, kind, &x).await, fingerprints(workspace, kind, &y).await)
            {
                (Ok(a), Ok(b)) if a == b => {
                    // One that nobody kept tells nothing.
                    let runs =
                        |r: &Revision| r.state.status.if_kept().map(|s| *s == Status::Active);
                    let both = runs(&x).zip(runs(&y));
                    let standing = kind == Kind::Integration && both.is_some_and(|(a, b)| a != b);
                    return standing
                        .then(|| difference(DriftKind::Standing, None, Some(x), Some(y), None))
                        .flatten();
                }
                (Ok(_), Ok(_)) => DriftKind::Changed,
                (Err(why), _) | (_, Err(why)) => {
                    let why = Some(why.to_string());
                    return difference(DriftKind::Unknown, None, Some(x), Some(y), why);
                }
            }
        }
    };
    let ahead = match state {
        DriftKind::OtherVersion => {
            Some(if x.version > y.version { WhichSide::First } else { WhichSide::Second })
        }
        _ => later(&x, &y),
    };
    let changes =
        if brief { None } else { Some(changes(workspace, &x.reference, &y.reference).await) };
    difference(state, ahead, Some(x), Some(y), changes)
}

fn later(x: &Revision, y: &Revision) -> Option<WhichSide> {
    let (a, b) = (x.state.last_updated?, y.state.last_updated?);
    (a != b).then(|| if a > b { WhichSide::First } else { WhichSide::Second })
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
pub(in crate::ops) async fn changes(
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
