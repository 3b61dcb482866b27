//! Archives that somebody changed outside the service, which refuses them: their digest is still
//! that of a stored archive with another meaning (docs/archive-format.md, Digest).

use std::collections::BTreeMap;

use super::survey_list::SurveyList;
use crate::archive::{RULES, digest_of};
use crate::model::ArtifactKey;
use crate::restore::request::{Goal, WantedArtifact};
use crate::store::{Index, Store, StoredVersion};

/// How many stored versions of an integration are held against an archive.
const COMPARED: usize = 12;

/// The wanted archives that were edited, each with the stored version that has the same digest.
pub(super) async fn find(
    store: Option<&Store>,
    index: &Index,
    sought: &SurveyList,
) -> BTreeMap<ArtifactKey, String> {
    let mut out = BTreeMap::new();
    let Some(store) = store else { return out };
    for one in sought.wanted().filter(|w| w.goal != Goal::Absent) {
        if let Some(original) = original_of(store, index, one).await {
            out.insert(one.key.clone(), original);
        }
    }
    out
}

async fn original_of(store: &Store, index: &Index, one: &WantedArtifact) -> Option<String> {
    let archive = one.archive.as_ref()?;
    let digest = archive.digest.as_ref()?;
    // What the service itself exported is what it exported.
    if one.origin.is_some() {
        return None;
    }
    let other = |v: &&StoredVersion| {
        v.kind == one.key.kind
            && v.code == one.key.code
            && v.version == one.key.version
            && v.member.is_none()
            && v.rules == RULES
            && v.fingerprint != archive.fingerprints.full
    };
    for version in index.versions().iter().rev().filter(other).take(COMPARED) {
        let Ok(bytes) = store.read(version).await else { continue };
        let kind = one.key.kind;
        let read = tokio::task::spawn_blocking(move || digest_of(kind, &bytes)).await;
        if read.ok()?.as_ref() == Some(digest) {
            return Some(version.reference().to_string());
        }
    }
    None
}
