//! Runs one function over all archives of an environment or the store. What the store holds
//! unchanged is read there; only the rest is exported.

use std::sync::Arc;

use futures::StreamExt;

use super::{
    Workspace,
    source::{FetchedArchive, ReadError, SourceError, export_integration},
};
use crate::archive::UnpackedArchive;
use crate::model::{
    ArtifactKey, ArtifactName, EnvironmentName, IntegrationId, Kind, SnapshotId, Target,
};
use crate::oic::{Client, ListedIntegration};
use crate::store::{Index, StoredVersion};

/// Which archives are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CollectionSource {
    /// What an environment has now: for each code the version that runs, else the highest.
    Live(EnvironmentName),
    /// The newest stored version of each code of one environment.
    Stored(EnvironmentName),
    /// The newest stored version of each code of every environment that the store knows.
    Store,
    /// What one snapshot holds.
    Snapshot(EnvironmentName, SnapshotId),
}

/// One archive of a scope, not yet read.
#[derive(Debug, Clone)]
pub struct CollectionItem {
    pub environment: EnvironmentName,
    pub id: IntegrationId,
    place: ItemLocation,
}

#[derive(Debug, Clone)]
enum ItemLocation {
    Stored(Box<StoredVersion>),
    Live,
}

impl CollectionItem {
    /// The archive of a stored version; none where it is no integration.
    fn of(version: StoredVersion) -> Option<Self> {
        let (environment, id) = (version.environment.clone(), version.integration_id()?);
        Some(Self { environment, id, place: ItemLocation::Stored(Box::new(version)) })
    }

    /// The reference that names it: `prod:CODE@01.02.0003`, or the stored version's.
    pub fn reference(&self) -> String {
        match &self.place {
            ItemLocation::Stored(version) => version.reference().to_string(),
            ItemLocation::Live => {
                let key = ArtifactKey::from(self.id.clone());
                format!("{}:{}@{}", self.environment, Target::from(key.name()), self.id.version)
            }
        }
    }
}

/// Lists what a scope holds.
///
/// # Errors
/// Where the environment or the store cannot be listed.
pub async fn list(
    workspace: &Workspace,
    scope: &CollectionSource,
) -> Result<Vec<CollectionItem>, SourceError> {
    let index = workspace.index().await?;
    match scope {
        CollectionSource::Live(environment) => {
            live(workspace.environment(environment)?, &index).await
        }
        CollectionSource::Stored(environment) => {
            Ok(stored(&index, &|v| v.environment == *environment))
        }
        CollectionSource::Store => {
            workspace.store()?;
            Ok(stored(&index, &|_| true))
        }
        CollectionSource::Snapshot(environment, id) => {
            let versions = workspace.store()?.snapshot(environment, id).await?;
            Ok(versions.into_iter().filter_map(CollectionItem::of).collect())
        }
    }
}

async fn live(client: &Client, index: &Index) -> Result<Vec<CollectionItem>, SourceError> {
    let mut all = client.integrations_everywhere().await?.found;
    let name = |i: &ListedIntegration| (i.id.scope.clone(), i.id.code.clone());
    all.sort_by_key(|i| (name(i), i.state.precedence(Some(i.id.version))));
    // The last version of each code is the one that runs, else the highest. Only that one stays.
    all.reverse();
    all.dedup_by_key(|i| name(i));
    all.reverse();
    let item = |i: ListedIntegration| {
        let kept = index.unchanged(client.name(), &i.id.clone().into(), i.state.last_updated, None);
        let place = kept.map_or(ItemLocation::Live, |v| ItemLocation::Stored(Box::new(v.clone())));
        CollectionItem { environment: client.name().clone(), id: i.id, place }
    };
    Ok(all.into_iter().filter(|i| !i.state.prebuilt).map(item).collect())
}

fn stored(index: &Index, wanted: &dyn Fn(&StoredVersion) -> bool) -> Vec<CollectionItem> {
    let mut names: Vec<(EnvironmentName, ArtifactName)> = index
        .versions()
        .iter()
        .filter(|v| v.kind == Kind::Integration && wanted(v))
        .map(|v| (v.environment.clone(), v.name_of()))
        .collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter_map(|(environment, name)| {
            CollectionItem::of(index.newest(&environment, &name)?.clone())
        })
        .collect()
}

/// What became of one archive.
pub type CollectionOutcome<T> = (CollectionItem, Result<T, ReadError>);

/// Opens each archive and does the same work on it, twice as many at once as there are cores. The
/// results come in the order of the items.
pub async fn each<T, W>(
    workspace: &Workspace,
    items: Vec<CollectionItem>,
    work: W,
) -> Vec<CollectionOutcome<T>>
where
    T: Send + 'static,
    W: Fn(&CollectionItem, UnpackedArchive) -> T + Send + Sync + 'static,
{
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) * 2;
    let work = Arc::new(work);
    let one = |item: CollectionItem| {
        let work = Arc::clone(&work);
        async move {
            let fetched = match fetch(workspace, &item).await {
                Ok(fetched) => fetched,
                Err(why) => return (item, Err(why)),
            };
            let same = item.clone();
            let done = tokio::task::spawn_blocking(move || {
                fetched.unpack().map(|unpacked| work(&same, unpacked)).map_err(ReadError::from)
            });
            let result = done.await.unwrap_or_else(|e| Err(e.into()));
            (item, result)
        }
    };
    futures::stream::iter(items).map(one).buffered(at_once).collect().await
}

async fn fetch(workspace: &Workspace, item: &CollectionItem) -> Result<FetchedArchive, ReadError> {
    let (bytes, member) = match &item.place {
        ItemLocation::Stored(version) => {
            let member = version.member.as_ref().map(|_| item.id.clone());
            (workspace.store()?.read(version).await?, member)
        }
        ItemLocation::Live => {
            export_integration(workspace.environment(&item.environment)?, &item.id).await?
        }
    };
    Ok(FetchedArchive { label: item.reference(), bytes, member, was: None })
}
