//! The history of one artifact: its stored versions over time, where each was live, what changed,
//! by whom.

use futures::StreamExt;
use jiff::Timestamp;
use serde::Serialize;

use super::snapshot_changes::summary_of;
use crate::model::{EnvironmentName, Target};
use crate::store::{Index, Store, StoreError, StoredVersion};

/// One stored version and what is known of its time.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryEntry {
    pub stored: StoredVersion,
    /// What changed since the version before it in the same environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// The time of the first full snapshot after its last that did not see the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Timestamp>,
}

/// The versions of an artifact, newest first; of every scope that has it where none is named. With
/// `explain`, archives are read to say what changed.
///
/// # Errors
/// Where the store cannot be listed. An archive that cannot be read is told in its line.
pub async fn tell(
    store: &Store,
    target: &Target,
    environment: Option<&EnvironmentName>,
    explain: bool,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let index = store.index().await?;
    let wanted = |v: &&StoredVersion| {
        target.fits(v.kind, &v.scope, &v.code) && environment.is_none_or(|e| v.environment == *e)
    };
    let mut versions: Vec<StoredVersion> =
        index.versions().iter().filter(wanted).cloned().collect();
    versions.sort_by_key(|v| std::cmp::Reverse((v.last_seen, v.version)));
    let told = (0..versions.len()).map(|i| {
        let (stored, before) = (versions[i].clone(), earlier(&versions, i).cloned());
        let gone = gone(&index, &stored);
        async move {
            let change = match before {
                None => Some("the first kept version".to_owned()),
                Some(before) if explain => Some(changed(store, &before, &stored).await),
                Some(_) => None,
            };
            HistoryEntry { stored, change, gone }
        }
    });
    Ok(futures::stream::iter(told).buffered(4).collect().await)
}

/// The version of the same environment and scope that was kept before this one and is no safety
/// export.
fn earlier(versions: &[StoredVersion], place: usize) -> Option<&StoredVersion> {
    let (environment, scope) = (&versions[place].environment, &versions[place].scope);
    versions[place + 1..]
        .iter()
        .find(|v| v.environment == *environment && v.scope == *scope && v.safety_run.is_none())
}

fn gone(index: &Index, version: &StoredVersion) -> Option<Timestamp> {
    let later = |s: &&crate::store::SnapshotSummary| {
        let after = s.environment == version.environment && s.started > version.last_seen;
        after && s.visibility.says_gone(&version.key())
    };
    index.snapshots().iter().find(later).map(|s| s.started).filter(|_| version.safety_run.is_none())
}

async fn changed(store: &Store, before: &StoredVersion, after: &StoredVersion) -> String {
    match summary_of(store, &before.entry, &after.entry).await {
        Ok(None) => "= the same as the one before".into(),
        Ok(Some(words)) => format!("≠ {words}"),
        Err(why) => format!("cannot be compared: {why}"),
    }
}
