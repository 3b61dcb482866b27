//! Runs one function over all archives of an environment or the store. What the store holds
//! unchanged is read there; only the rest is exported.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;

use super::{
    Workspace,
    source::{
        ExportedFile, ReadError, SourceError, by_file, export_integrations, failed, open_parts,
    },
};
use crate::archive::UnpackedArchive;
use crate::model::{
    ArtifactKey, ArtifactName, EnvironmentName, FilePart, IntegrationId, Kind, SnapshotId, Target,
    UnlistedKind,
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

    /// What tells the file that it is in apart from others, as far as that is known before it is
    /// fetched: a project may export its integrations together.
    fn file(&self) -> (EnvironmentName, String) {
        let file = match (&self.place, self.id.scope.project()) {
            (ItemLocation::Stored(version), _) => version.path.clone(),
            (ItemLocation::Live, Some(project)) => project.to_string(),
            (ItemLocation::Live, None) => self.reference(),
        };
        (self.environment.clone(), file)
    }

    /// Which part of its stored file it is.
    fn part(&self) -> FilePart {
        match &self.place {
            ItemLocation::Stored(version) => version.part(),
            ItemLocation::Live => FilePart::Whole,
        }
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

/// What a scope holds.
#[derive(Debug, Default)]
pub struct Collection {
    pub items: Vec<CollectionItem>,
    /// What could not be looked at, each with why.
    pub unseen: Vec<String>,
}

impl From<Vec<CollectionItem>> for Collection {
    fn from(items: Vec<CollectionItem>) -> Self {
        Self { items, unseen: Vec::new() }
    }
}

/// Lists what a scope holds.
///
/// # Errors
/// Where the environment or the store cannot be listed.
pub async fn list(
    workspace: &Workspace,
    scope: &CollectionSource,
) -> Result<Collection, SourceError> {
    let index = workspace.index().await?;
    match scope {
        CollectionSource::Live(environment) => {
            live(workspace.environment(environment)?, &index).await
        }
        CollectionSource::Stored(environment) => {
            Ok(stored(&index, &|v| v.environment == *environment).into())
        }
        CollectionSource::Store => {
            workspace.store()?;
            Ok(stored(&index, &|_| true).into())
        }
        CollectionSource::Snapshot(environment, id) => {
            let versions = workspace.store()?.snapshot(environment, id).await?;
            let items: Vec<_> = versions.into_iter().filter_map(CollectionItem::of).collect();
            Ok(items.into())
        }
    }
}

async fn live(client: &Client, index: &Index) -> Result<Collection, SourceError> {
    let everywhere = client.integrations_everywhere().await?;
    let told = |u: &UnlistedKind| format!("{} of {}: {}", u.what(), client.name(), u.reason);
    let unseen = everywhere.unseen.iter().map(told).collect();
    let mut all = everywhere.found;
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
    let items = all.into_iter().filter(|i| !i.state.prebuilt).map(item).collect();
    Ok(Collection { items, unseen })
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
pub type CollectionOutcome<T> = (CollectionItem, Result<T, Arc<ReadError>>);

/// Opens each archive and does the same work on it, twice as many files at once as there are cores.
/// A file that several are parts of is fetched and opened once. The results come in the order of
/// the items.
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
    let files = by_file(items.into_iter().enumerate(), |(_, item)| item.file());
    let one = |items: Vec<NumberedItem>| {
        let work = Arc::clone(&work);
        async move {
            let mut done = Vec::new();
            for file in fetch(workspace, items).await {
                done.extend(work_on(file, Arc::clone(&work)).await);
            }
            done
        }
    };
    let mut done: Vec<_> = futures::stream::iter(files)
        .map(one)
        .buffer_unordered(at_once)
        .flat_map(futures::stream::iter)
        .collect()
        .await;
    done.sort_by_key(|((at, _), _)| *at);
    done.into_iter().map(|((_, item), result)| (item, result)).collect()
}

/// An item with its place in the list.
type NumberedItem = (usize, CollectionItem);

/// A fetched file, and the items that are in it.
struct FetchedFile {
    items: Vec<NumberedItem>,
    parts: Vec<FilePart>,
    bytes: Result<Bytes, ReadError>,
}

/// Opens the parts of a file and does the work on each.
async fn work_on<T, W>(
    file: FetchedFile,
    work: Arc<W>,
) -> Vec<(NumberedItem, Result<T, Arc<ReadError>>)>
where
    T: Send + 'static,
    W: Fn(&CollectionItem, UnpackedArchive) -> T + Send + Sync + 'static,
{
    let FetchedFile { items, parts, bytes } = file;
    let label = items.first().map(|(_, item)| item.reference()).unwrap_or_default();
    let opened = match bytes {
        Ok(bytes) => open_parts(bytes, label, parts, None).await,
        Err(why) => failed(why, items.len()),
    };
    let subjects = items.clone();
    let all = move || {
        let one = |((_, item), opened): (&NumberedItem, Result<_, _>)| {
            opened.map(|unpacked| work(item, unpacked))
        };
        subjects.iter().zip(opened).map(one).collect::<Vec<_>>()
    };
    let results = tokio::task::spawn_blocking(all).await;
    let results = results.unwrap_or_else(|broken| failed(broken.into(), items.len()));
    items.into_iter().zip(results).collect()
}

/// Fetches the file that items are parts of. A project that exports its integrations one by one
/// gives several.
async fn fetch(workspace: &Workspace, items: Vec<NumberedItem>) -> Vec<FetchedFile> {
    let Some((_, first)) = items.first() else { return Vec::new() };
    if let ItemLocation::Stored(version) = &first.place {
        let bytes = match workspace.store() {
            Ok(store) => store.read(version).await.map_err(ReadError::from),
            Err(why) => Err(why.into()),
        };
        let parts = items.iter().map(|(_, item)| item.part()).collect();
        return vec![FetchedFile { items, parts, bytes }];
    }
    let client = match workspace.environment(&first.environment) {
        Ok(client) => client,
        Err(why) => {
            let parts = vec![FilePart::Whole; items.len()];
            return vec![FetchedFile { items, parts, bytes: Err(why.into()) }];
        }
    };
    let ids = items.iter().map(|(_, item)| item.id.clone()).collect();
    let of = |exported: ExportedFile| {
        let wanted = |(_, item): &&NumberedItem| exported.ids.contains(&item.id);
        let items = items.iter().filter(wanted).cloned().collect();
        FetchedFile {
            items,
            parts: exported.parts(),
            bytes: exported.file.map_err(ReadError::from),
        }
    };
    export_integrations(client, ids).await.into_iter().map(of).collect()
}
