//! Fetches the bytes that a reference names: live, stored, or a file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use futures::{Stream, StreamExt};

use super::{OpenError, Workspace};
use crate::archive::{
    ArchiveError, BlankedAs, Contents, Fingerprints, UnpackedArchive, ValidatedArchive,
    fingerprints_of,
};
use crate::model::{
    ArtifactKey, EnvironmentName, FilePart, HIDDEN_PROJECT, IntegrationId, Kind, ManifestEntry,
    Reference, Scope, Status, StorePick, Target, Version, visible,
};
use crate::oic::{Client, OicError};
use crate::store::{Index, Store, StoreError, StoredVersion};

/// The bytes that a reference names, whatever kind of archive they are.
#[derive(Debug, Clone)]
pub struct FetchedArchive {
    pub label: String,
    pub bytes: Bytes,
    pub part: FilePart,
    /// The status of the artifact when it was taken; none where that is not known.
    pub was: Option<Status>,
    /// Scopes that could not be looked at and may have it, too, each with why: the reference named
    /// none.
    pub unseen: Vec<String>,
}

impl FetchedArchive {
    /// The same, where no scope that could not be looked at may have it, too: what is changed must
    /// be what was meant.
    ///
    /// # Errors
    /// [`SourceError::NotAllSeen`].
    pub fn surely(self) -> Result<Self, SourceError> {
        match (self.unseen.is_empty(), self.label.parse()) {
            (false, Ok(Reference::Live { environment, target, .. })) => {
                let scope = target.scope.clone().unwrap_or_default();
                Err(SourceError::not_all_seen(&environment, &target, &scope, self.unseen))
            }
            _ => Ok(self),
        }
    }

    /// The scope that it was found in, as its label says: the global space for a file.
    pub fn scope(&self) -> Scope {
        match self.label.parse() {
            Ok(Reference::Live { target, .. } | Reference::Stored { target, .. }) => {
                target.scope.unwrap_or_default()
            }
            _ => Scope::Global,
        }
    }

    /// Reads what is inside, leniently: a broken part is a finding.
    ///
    /// # Errors
    /// Where the bytes are no archive of any kind.
    pub async fn contents(&self) -> Result<Contents, SourceError> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || match &this.part {
            FilePart::Whole => Contents::read(&this.bytes, Some(&this.label)),
            FilePart::Member { .. } => this.unpack().map(|unpacked| unpacked.contents),
        });
        let read = read.await.unwrap_or_else(|e| Err(ArchiveError::ReaderFailed(e.to_string())));
        read.map_err(|why| SourceError::Archive { label: self.label.clone(), why })
    }

    /// Every file unpacked, for a person to read: with secrets blanked.
    ///
    /// # Errors
    /// Where the bytes are no archive of any kind.
    pub fn open(&self) -> Result<UnpackedArchive, SourceError> {
        let (label, part) = (Some(self.label.as_str()), &self.part);
        let read = UnpackedArchive::read_blanked(&self.bytes, label, part, BlankedAs::Marked);
        read.map_err(|why| SourceError::Archive { label: self.label.clone(), why })
    }

    /// As [`FetchedArchive::open`], with what it holds as it is: to be searched.
    ///
    /// # Errors
    /// Where the bytes are no archive of any kind.
    pub fn open_as_it_is(&self) -> Result<UnpackedArchive, SourceError> {
        self.unpack().map_err(|why| SourceError::Archive { label: self.label.clone(), why })
    }

    /// Unpacks what is meant. This takes milliseconds of computing, so it does not run on a thread
    /// that others wait for.
    pub(super) fn unpack(&self) -> Result<UnpackedArchive, ArchiveError> {
        UnpackedArchive::read_part(&self.bytes, Some(&self.label), &self.part)
    }

    /// The fingerprints of what is meant, read strictly.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub async fn fingerprints(self, kind: Kind) -> Result<Fingerprints, ReadError> {
        let read = move || fingerprints_of(kind, &self.part, &self.bytes);
        Ok(tokio::task::spawn_blocking(read).await??)
    }
}

/// Fetches the bytes of a reference. A file needs no workspace.
///
/// # Errors
/// Where it names nothing, or cannot be fetched.
pub async fn fetch_bytes(
    workspace: Option<&Workspace>,
    reference: &Reference,
) -> Result<FetchedArchive, SourceError> {
    match (reference, workspace) {
        (Reference::File(path), _) => {
            let label = path.display().to_string();
            let read = read_file(path).await;
            let bytes = read.map_err(|why| SourceError::File { path: label.clone(), why })?.into();
            let (part, unseen) = (FilePart::Whole, Vec::new());
            Ok(FetchedArchive { label, bytes, part, was: None, unseen })
        }
        (_, Some(workspace)) => workspace.fetch_bytes(reference).await,
        (_, None) => Err(SourceError::Open(OpenError::NoStore)),
    }
}

/// The largest file of this machine's own that is read, in bytes.
const LARGEST_FILE: u64 = 128 << 20;

/// Reads a file of this machine's own, where it is not larger than any export.
async fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let size = tokio::fs::metadata(path).await?.len();
    if size > LARGEST_FILE {
        let why =
            format!("it has {} MB; more than {} MB are not read", size >> 20, LARGEST_FILE >> 20);
        return Err(std::io::Error::other(why));
    }
    tokio::fs::read(path).await
}

/// Why a reference gives no archive.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{oic}\n  → {advice}", oic = .0, advice = .0.advice())]
    Oic(#[from] OicError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{label} cannot be used: {why}")]
    Archive { label: String, why: ArchiveError },
    #[error("{path} cannot be read: {why}")]
    File { path: String, why: std::io::Error },
    #[error(
        "{environment} has no {} {}\n  → `oicx list {environment} --kind {} --filter \
            {}` shows what there is{}",
        .target.kind, .target.in_words(), .target.kind.folder(), visible(&.target.code),
        if .target.kind == Kind::Project { format!("; {HIDDEN_PROJECT}") } else { String::new() }
    )]
    NotThere { environment: EnvironmentName, target: Target },
    #[error(
        "{} scopes of {environment} have the {} {}\n  → say which one is meant: {}",
        .candidates.len(), .target.kind, visible(&.target.code), .candidates.join(", ")
    )]
    Ambiguous { environment: EnvironmentName, target: Target, candidates: Vec<String> },
    /// A scope that could not be looked at may have it, too.
    #[error(
        "{environment} has {} {} {} as far as it could be looked at: {}\n  → say the scope: {}",
        if .candidates.is_empty() { "no" } else { "the" },
        .target.kind, visible(&.target.code), .unseen.join("; "),
        if .candidates.is_empty() { format!("{environment}:PROJECT/CODE") }
            else { .candidates.join(", ") }
    )]
    NotAllSeen {
        environment: EnvironmentName,
        target: Target,
        candidates: Vec<String>,
        unseen: Vec<String>,
    },
}

impl SourceError {
    /// The error for a reference without a scope that was found in one, where others were not
    /// looked at.
    fn not_all_seen(
        environment: &EnvironmentName,
        target: &Target,
        found: &Scope,
        unseen: Vec<String>,
    ) -> Self {
        let candidates = vec![candidate(environment, target, found)];
        let (environment, target) = (environment.clone(), target.clone());
        Self::NotAllSeen { environment, target, candidates, unseen }
    }

    fn missing(client: &Client, target: &Target) -> Self {
        Self::NotThere { environment: client.name().clone(), target: target.clone() }
    }
}

/// Refuses a reference that names no scope where several have what it means, or where none has it
/// and one that could not be looked at may.
fn refuse_twins<'s>(
    client: &Client,
    target: &Target,
    scopes: impl Iterator<Item = &'s Scope>,
    unseen: Vec<String>,
) -> Result<Vec<String>, SourceError> {
    let scopes: BTreeSet<&Scope> = scopes.collect();
    if scopes.len() == 1 || (scopes.is_empty() && unseen.is_empty()) {
        return Ok(unseen);
    }
    let (environment, target) = (client.name().clone(), target.clone());
    let candidates: Vec<String> =
        scopes.iter().map(|scope| candidate(&environment, &target, scope)).collect();
    Err(match unseen.is_empty() {
        true => SourceError::Ambiguous { environment, target, candidates },
        false => SourceError::NotAllSeen { environment, target, candidates, unseen },
    })
}

/// The reference that names what is meant in a scope: `prod:global/SYNC`.
fn candidate(environment: &EnvironmentName, target: &Target, scope: &Scope) -> String {
    let named = Target::from(target.in_scope(scope.clone()));
    format!("{environment}:{}", named.explicit())
}

/// Why an archive cannot be fetched or read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Service(#[from] OicError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread that read it broke off: a fault of this program.
    #[error("it could not be read: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Reads a file strictly, as one that is kept or sent. This takes milliseconds of computing, so it
/// does not run on a thread that others wait for.
///
/// # Errors
/// What is wrong with the bytes.
pub async fn read_kept(kind: Kind, bytes: Bytes) -> Result<ValidatedArchive, ReadError> {
    let read = move || ValidatedArchive::read(&bytes, Some(&format!("file.{}", kind.ending())));
    Ok(tokio::task::spawn_blocking(read).await??)
}

/// Reads and opens stored artifacts for a person to read, with secrets blanked; a file that several
/// are parts of once. They come file by file, in the order in which the files are first named. This
/// takes milliseconds of computing, so it does not run on a thread that others wait for.
pub fn open_stored<'s>(
    store: &'s Store,
    entries: impl IntoIterator<Item = ManifestEntry>,
) -> impl Stream<Item = (ManifestEntry, Result<UnpackedArchive, Arc<ReadError>>)> + 's {
    let files = by_file(entries, |entry| entry.path.clone());
    let open = move |entries: Vec<ManifestEntry>| async move {
        let Some(first) = entries.first() else { return Vec::new() };
        let name = format!("{}.{}", first.code, first.part().ending(first.kind));
        let parts: Vec<FilePart> = entries.iter().map(ManifestEntry::part).collect();
        let opened = match store.read_entry(first).await {
            Ok(bytes) => open_parts(bytes, name, parts, Some(BlankedAs::Dots)).await,
            Err(why) => failed(why.into(), parts.len()),
        };
        entries.into_iter().zip(opened).collect::<Vec<_>>()
    };
    futures::stream::iter(files).map(open).buffered(AT_ONCE).flat_map(futures::stream::iter)
}

/// Reads and opens one stored artifact.
///
/// # Errors
/// What is wrong with the file.
pub async fn open_stored_one(
    store: &Store,
    entry: &ManifestEntry,
) -> Result<UnpackedArchive, ReadError> {
    let bytes = store.read_entry(entry).await?;
    let (part, name) = (entry.part(), format!("{}.{}", entry.code, entry.kind.ending()));
    let open = move || UnpackedArchive::read_part(&bytes, Some(&name), &part);
    Ok(tokio::task::spawn_blocking(open).await??)
}

/// Stored files opened at once.
const AT_ONCE: usize = 4;

/// Items by the file that they are in, in the order in which the files are first named.
pub(super) fn by_file<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    file: impl Fn(&T) -> K,
) -> Vec<Vec<T>> {
    let mut places: BTreeMap<K, usize> = BTreeMap::new();
    let mut files: Vec<Vec<T>> = Vec::new();
    for item in items {
        let place = *places.entry(file(&item)).or_insert(files.len());
        match files.get_mut(place) {
            Some(file) => file.push(item),
            None => files.push(vec![item]),
        }
    }
    files
}

/// Unpacks parts of one file on a thread that nobody waits for; with secrets blanked, where it is
/// said how.
pub(super) async fn open_parts(
    bytes: Bytes,
    name: String,
    parts: Vec<FilePart>,
    blanked: Option<BlankedAs>,
) -> Vec<Result<UnpackedArchive, Arc<ReadError>>> {
    let count = parts.len();
    let open = move || match blanked {
        Some(how) => UnpackedArchive::read_parts_blanked(&bytes, Some(&name), &parts, how),
        None => UnpackedArchive::read_parts(&bytes, Some(&name), &parts),
    };
    match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened.into_iter().map(|o| o.map_err(|why| Arc::new(why.into()))).collect(),
        Err(why) => failed(why.into(), count),
    }
}

/// One failure for each part of a file that cannot be read.
pub(super) fn failed<T>(why: ReadError, parts: usize) -> Vec<Result<T, Arc<ReadError>>> {
    let why = Arc::new(why);
    (0..parts).map(|_| Err(Arc::clone(&why))).collect()
}

/// One file that the service exported, and which integrations of those that were asked for are in
/// it.
#[derive(Debug)]
pub struct ExportedFile {
    pub ids: Vec<IntegrationId>,
    pub file: Result<Bytes, OicError>,
    /// Whether it is the archive of their project, and each of them a part of it.
    shared: bool,
}

impl ExportedFile {
    /// Which part of the file each integration is.
    pub fn parts(&self) -> Vec<FilePart> {
        let part = |id| if self.shared { FilePart::member(id) } else { FilePart::Whole };
        self.ids.iter().map(part).collect()
    }
}

/// Exports integrations of one scope. Those of a project that exports none of them alone come in
/// one file, which is fetched once.
pub async fn export_integrations(client: &Client, ids: Vec<IntegrationId>) -> Vec<ExportedFile> {
    let mut ids = ids.into_iter();
    let Some(first) = ids.next() else { return Vec::new() };
    let alone = |id: IntegrationId, file| ExportedFile { ids: vec![id], file, shared: false };
    let mut files = match export_integration(client, &first).await {
        Ok((bytes, FilePart::Member { .. })) => {
            let ids = std::iter::once(first).chain(ids).collect();
            return vec![ExportedFile { ids, file: Ok(bytes), shared: true }];
        }
        Ok((bytes, FilePart::Whole)) => vec![alone(first, Ok(bytes))],
        Err(why) => vec![alone(first, Err(why))],
    };
    let others = ids.map(|id| async {
        match export_integration(client, &id).await {
            Ok((bytes, part)) => {
                let shared = part != FilePart::Whole;
                ExportedFile { ids: vec![id], file: Ok(bytes), shared }
            }
            Err(why) => alone(id, Err(why)),
        }
    });
    files.extend(futures::future::join_all(others).await);
    files
}

/// The archive of a live integration. In a project most instances export no integration by itself:
/// it is then a part of the project's archive.
///
/// # Errors
/// Where the service refuses.
pub async fn export_integration(
    client: &Client,
    id: &IntegrationId,
) -> Result<(Bytes, FilePart), OicError> {
    let Some(project) = id.scope.project() else {
        return Ok((client.archive(id).await?, FilePart::Whole));
    };
    if let Some(bytes) = client.archive_in_project(id).await? {
        return Ok((bytes, FilePart::Whole));
    }
    let key = ArtifactKey::new(Kind::Project, project.as_str(), None);
    Ok((client.export(&key).await?, FilePart::member(id)))
}

impl Workspace {
    async fn fetch_bytes(&self, reference: &Reference) -> Result<FetchedArchive, SourceError> {
        match reference {
            Reference::File(_) => Box::pin(fetch_bytes(None, reference)).await,
            Reference::Stored { environment, target, pick } => {
                let version = self.stored_version(environment, target, pick).await?;
                let bytes = self.store()?.read(&version).await?;
                Ok(FetchedArchive {
                    label: version.reference().to_string(),
                    bytes,
                    part: version.part(),
                    was: Some(version.entry.status),
                    unseen: Vec::new(),
                })
            }
            Reference::Live { environment, target, version } => {
                let client = self.environment(environment)?;
                if target.kind != Kind::Integration {
                    return self.fetch_other(client, target, *version, reference).await;
                }
                let (id, unseen) = self.find_live_id(client, target, *version).await?;
                let status = client.integration(&id).await?.state.status;
                let (bytes, part) = export_integration(client, &id).await?;
                let named = Target { scope: Some(id.scope), ..target.clone() };
                let label = Reference::Live {
                    environment: environment.clone(),
                    target: named,
                    version: *version,
                };
                let (label, was) = (label.to_string(), Some(status));
                Ok(FetchedArchive { label, bytes, part, was, unseen })
            }
        }
    }

    /// The stored version that `store:ENVIRONMENT/CODE…` names.
    ///
    /// # Errors
    /// Where there is no store, it cannot be read, it holds no such version, or several scopes have
    /// the code and the reference names none.
    pub async fn stored_version(
        &self,
        environment: &EnvironmentName,
        target: &Target,
        pick: &StorePick,
    ) -> Result<StoredVersion, SourceError> {
        let store = self.store()?;
        let index = match pick {
            // The snapshot's own manifest holds the answer; the index is not needed.
            StorePick::Snapshot(..) => Index::default(),
            _ => store.index().await?,
        };
        Ok(store.resolve(&index, environment, target, pick).await?)
    }

    /// Exports or describes an artifact that is no integration.
    async fn fetch_other(
        &self,
        client: &Client,
        target: &Target,
        version: Option<Version>,
        reference: &Reference,
    ) -> Result<FetchedArchive, SourceError> {
        let (kind, label) = (target.kind, reference.to_string());
        if kind == Kind::Schedule {
            let of = Target { kind: Kind::Integration, ..target.clone() };
            let id = self.live_id(client, &of, version).await?;
            let of = client.integration(&id).await?;
            let record = client.describe_schedule(&of.id, &of.name).await?;
            let record = record.ok_or_else(|| SourceError::missing(client, target))?;
            return Ok(FetchedArchive {
                label,
                bytes: record.to_bytes().into(),
                part: FilePart::Whole,
                was: Some(of.state.status),
                unseen: Vec::new(),
            });
        }
        let (mut found, mut unseen) = (Vec::new(), Vec::new());
        let scopes = match &target.scope {
            Some(scope) => vec![scope.clone()],
            None if kind == Kind::Access => vec![Scope::of_project(target.code.as_str())],
            None if kind.lives_in_projects() => client.scopes().await.unwrap_or_else(|e| {
                unseen.push(format!("projects: {}", e.reason()));
                vec![Scope::Global]
            }),
            None => vec![Scope::Global],
        };
        let lists = scopes.iter().map(|scope| client.catalog_in(scope, kind));
        for (scope, list) in scopes.iter().zip(futures::future::join_all(lists).await) {
            match list {
                Ok(list) => found.extend(list.into_iter().filter(|l| l.code == target.code)),
                // An instance without this call has nothing of the kind in projects.
                Err(e) if !scope.is_global() && e.says_not_offered() => {}
                // In the global space alone a refusal is an answer that others may be held against.
                Err(e)
                    if target.scope.is_none()
                        && (!scope.is_global() || e.status() == Some(403)) =>
                {
                    unseen.push(format!("{} of {scope}: {}", kind.plural(), e.reason()));
                }
                Err(e) => return Err(e.into()),
            }
        }
        found.retain(|l| version.is_none_or(|v| l.version == Some(v)));
        let unseen = refuse_twins(client, target, found.iter().map(|l| &l.scope), unseen)?;
        let best = found.into_iter().max_by_key(|l| l.version);
        let found = best.ok_or_else(|| SourceError::missing(client, target))?;
        let bytes = match kind.has_archive() {
            true => client.export(&found.key()).await?,
            false => client.describe(&found).await?.to_bytes().into(),
        };
        // The label says what was found, where the reference left that open.
        let label = Reference::Live {
            environment: client.name().clone(),
            target: Target { scope: Some(found.scope.clone()), ..target.clone() },
            version: version.or(found.version.filter(|_| kind == Kind::Library)),
        };
        let (part, was) = (FilePart::Whole, Some(found.state.status));
        Ok(FetchedArchive { label: label.to_string(), bytes, part, was, unseen })
    }

    /// The integration that a reference means, for a verb that changes something: in the scope it
    /// names, else in the only scope that has the code; the version it names, else the one that
    /// runs, else the highest.
    ///
    /// # Errors
    /// Where the environment has no such integration, or the reference names no scope and several
    /// have the code, or may have it.
    pub async fn live_id(
        &self,
        client: &Client,
        target: &Target,
        version: Option<Version>,
    ) -> Result<IntegrationId, SourceError> {
        let (id, unseen) = self.find_live_id(client, target, version).await?;
        match unseen.is_empty() {
            true => Ok(id),
            false => Err(SourceError::not_all_seen(client.name(), target, &id.scope, unseen)),
        }
    }

    /// The integration that a reference means, and the scopes that could not be looked at and may
    /// have it, too, each with why.
    async fn find_live_id(
        &self,
        client: &Client,
        target: &Target,
        version: Option<Version>,
    ) -> Result<(IntegrationId, Vec<String>), SourceError> {
        if let (Some(scope), Some(version)) = (&target.scope, version) {
            let id = IntegrationId::new(&target.code, version).within(scope.clone());
            return Ok((id, Vec::new()));
        }
        let (mut all, unseen) = match &target.scope {
            Some(scope) => (client.integrations_in(scope).await?, Vec::new()),
            None => {
                let everywhere = client.integrations_everywhere().await?;
                (everywhere.found, everywhere.unseen)
            }
        };
        all.retain(|i| i.id.code == target.code && version.is_none_or(|v| i.id.version == v));
        let unseen = unseen.iter().map(|u| format!("{}: {}", u.what(), u.reason)).collect();
        let unseen = refuse_twins(client, target, all.iter().map(|i| &i.id.scope), unseen)?;
        let best = all.into_iter().max_by_key(|i| i.state.precedence(Some(i.id.version)));
        let found = best.ok_or_else(|| SourceError::missing(client, target))?;
        Ok((found.id, unseen))
    }

    /// The store's index, empty where there is no store.
    ///
    /// # Errors
    /// Where the store cannot be listed.
    pub async fn index(&self) -> Result<Index, StoreError> {
        match &self.store {
            Some(store) => store.index().await,
            None => Ok(Index::default()),
        }
    }
}
