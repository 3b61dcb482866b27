//! Who reads a lookup that changes: the active integrations of its scope, as their newest backups
//! tell.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;

use super::{AT_ONCE, Likeness, SurveyedArtifact, target_lists::TargetLists};
use crate::archive::{Contents, NeedKind};
use crate::model::{ArtifactKey, EnvironmentName, IntegrationId, Kind, Status};
use crate::store::{Index, Store, StoredVersion};

/// Who reads the lookups that a plan changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupReaders {
    /// The active integrations that read each.
    pub active: BTreeMap<ArtifactKey, BTreeSet<IntegrationId>>,
    /// Active integrations of which no backup tells what they read.
    pub unknown: usize,
}

impl LookupReaders {
    /// Looks for the readers of the wanted lookups of which the target has others.
    pub(super) async fn find(
        store: &Store,
        index: &Index,
        environment: &EnvironmentName,
        lists: &TargetLists,
        likeness: &BTreeMap<ArtifactKey, Likeness>,
        parts: &[SurveyedArtifact],
    ) -> Self {
        let changes = |key: &&ArtifactKey| {
            key.kind == Kind::Lookup && matches!(likeness.get(key), Some(Likeness::Other(_)))
        };
        let lookups: Vec<&ArtifactKey> =
            parts.iter().map(|p| &p.wanted.key).filter(changes).collect();
        let mut this = Self::default();
        // Each file is read once: a project's holds many integrations.
        let mut files: BTreeMap<&str, (&StoredVersion, BTreeSet<IntegrationId>)> = BTreeMap::new();
        for scope in lookups.iter().map(|key| &key.scope).collect::<BTreeSet<_>>() {
            let here = lists.within(scope).integrations.iter();
            for id in here.filter(|i| i.state.status == Status::Active).map(|i| &i.id) {
                let name = ArtifactKey::from(id.clone()).name();
                let mut history = index.history(environment, &name);
                let newest =
                    history.find(|v| v.version == Some(id.version) && v.safety_run.is_none());
                match newest {
                    None => this.unknown += 1,
                    Some(version) => {
                        let file = files.entry(version.path.as_str());
                        file.or_insert((version, BTreeSet::new())).1.insert(id.clone());
                    }
                }
            }
        }
        let read = |(version, ids): (&StoredVersion, BTreeSet<IntegrationId>)| {
            let version = version.clone();
            async move {
                let read = lookups_read(store, &version).await;
                (ids, read)
            }
        };
        let mut reads =
            futures::stream::iter(files.into_values().map(read)).buffer_unordered(AT_ONCE);
        while let Some((ids, read)) = reads.next().await {
            for id in ids {
                let of = (id.code.clone(), id.version);
                let Some(names) = read.as_ref().and_then(|all| all.get(&of)) else {
                    this.unknown += 1;
                    continue;
                };
                for key in lookups.iter().filter(|k| k.scope == id.scope && names.contains(&k.code))
                {
                    this.active.entry((*key).clone()).or_default().insert(id.clone());
                }
            }
        }
        this
    }
}

type ReadLookups = BTreeMap<(String, crate::model::Version), BTreeSet<String>>;

/// The lookups that each integration of a stored file reads; none where it cannot be read.
async fn lookups_read(store: &Store, version: &StoredVersion) -> Option<ReadLookups> {
    let bytes = store.read_entry(&version.entry).await.ok()?;
    let read = move || {
        let contents = Contents::read(&bytes, Some("file.zip")).ok()?;
        let of = |it: &crate::archive::Integration| {
            let lookups = it.needs.iter().filter(|n| n.kind == NeedKind::Lookup);
            let names = lookups.map(|n| n.name.clone()).collect();
            ((it.id.code.clone(), it.id.version), names)
        };
        Some(contents.integrations().iter().map(of).collect())
    };
    tokio::task::spawn_blocking(read).await.ok()?
}
