//! Fetches the bytes that a reference names: live, stored, or a file.

use bytes::Bytes;

use super::{OpenError, Workspace};
use crate::archive::{ArchiveError, Contents, UnpackedArchive, ValidatedArchive};
use crate::model::{
    EnvironmentName, IntegrationId, Kind, ManifestEntry, Reference, Status, StorePick, Version,
    visible,
};
use crate::oic::{Client, OicError};
use crate::store::{Index, Store, StoreError, StoredVersion};

/// The bytes that a reference names, whatever kind of archive they are.
#[derive(Debug, Clone)]
pub struct FetchedArchive {
    pub label: String,
    pub bytes: Bytes,
    /// The status of the artifact when it was taken; none where that is not known.
    pub was: Option<Status>,
}

impl FetchedArchive {
    /// Reads what is inside, leniently: a broken part is a finding.
    ///
    /// # Errors
    /// Where the bytes are no archive of any kind.
    pub async fn contents(&self) -> Result<Contents, SourceError> {
        let (bytes, name) = (self.bytes.clone(), self.label.clone());
        let read = tokio::task::spawn_blocking(move || Contents::read(&bytes, Some(&name))).await;
        let read = read.unwrap_or_else(|e| Err(ArchiveError::Unknown(e.to_string())));
        read.map_err(|why| SourceError::Archive { label: self.label.clone(), why })
    }

    /// Like [`FetchedArchive::contents`], with every file unpacked.
    ///
    /// # Errors
    /// Where the bytes are no archive of any kind.
    pub fn open(&self) -> Result<UnpackedArchive, SourceError> {
        let read = UnpackedArchive::read(&self.bytes, Some(&self.label));
        read.map_err(|why| SourceError::Archive { label: self.label.clone(), why })
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
            let read = tokio::fs::read(path).await;
            let bytes = read.map_err(|why| SourceError::File { path: label.clone(), why })?.into();
            Ok(FetchedArchive { label, bytes, was: None })
        }
        (_, Some(workspace)) => workspace.fetch_bytes(reference).await,
        (_, None) => Err(SourceError::Open(OpenError::NoStore)),
    }
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
        "{environment} has no {kind} {code}\n  → `oicx list {environment} --kind {kinds} --filter \
            {code}` shows what there is",
        kinds = .kind.plural()
    )]
    NotThere { environment: String, kind: Kind, code: String },
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

/// Reads and opens a stored file. This takes milliseconds of computing, so it does not run on a
/// thread that others wait for.
///
/// # Errors
/// What is wrong with the file.
pub async fn open_stored(
    store: &Store,
    entry: &ManifestEntry,
) -> Result<UnpackedArchive, ReadError> {
    let bytes = store.read_entry(entry).await?;
    let name = format!("{}.{}", entry.code, entry.kind.ending());
    Ok(tokio::task::spawn_blocking(move || UnpackedArchive::read(&bytes, Some(&name))).await??)
}

impl Workspace {
    async fn fetch_bytes(&self, reference: &Reference) -> Result<FetchedArchive, SourceError> {
        match reference {
            Reference::File(_) => Box::pin(fetch_bytes(None, reference)).await,
            Reference::Stored { environment, kind, code, pick } => {
                let version = self.stored_version(environment, *kind, code, pick).await?;
                let bytes = self.store()?.read(&version).await?;
                Ok(FetchedArchive {
                    label: version.reference().to_string(),
                    bytes,
                    was: Some(version.entry.status),
                })
            }
            Reference::Live { environment, kind: Kind::Integration, code, version } => {
                let client = self.environment(environment)?;
                let id = match version {
                    Some(version) => IntegrationId::new(code, *version),
                    None => self.live_id(client, code).await?,
                };
                let status = client.integration(&id).await?.state.status;
                let bytes = client.archive(&id).await?;
                Ok(FetchedArchive { label: reference.to_string(), bytes, was: Some(status) })
            }
            Reference::Live { environment, kind, code, version } => {
                self.fetch_other(self.environment(environment)?, *kind, code, *version, reference)
                    .await
            }
        }
    }

    /// The stored version that `store:ENVIRONMENT/CODE…` names.
    ///
    /// # Errors
    /// Where there is no store, it cannot be read, or it holds no such version.
    pub async fn stored_version(
        &self,
        environment: &EnvironmentName,
        kind: Kind,
        code: &str,
        pick: &StorePick,
    ) -> Result<StoredVersion, SourceError> {
        let store = self.store()?;
        let index = match pick {
            // The snapshot's own manifest holds the answer; the index is not needed.
            StorePick::Snapshot(..) => Index::default(),
            _ => store.index().await?,
        };
        Ok(store.resolve(&index, environment, kind, code, pick).await?)
    }

    /// Exports or describes an artifact that is no integration.
    async fn fetch_other(
        &self,
        client: &Client,
        kind: Kind,
        code: &str,
        version: Option<Version>,
        reference: &Reference,
    ) -> Result<FetchedArchive, SourceError> {
        let label = reference.to_string();
        let missing = || SourceError::NotThere {
            environment: client.name().to_string(),
            kind,
            code: visible(code).into_owned(),
        };
        if kind == Kind::Schedule {
            let all = client
                .integrations()
                .await?
                .into_iter()
                .filter(|i| i.id.code == code && i.scheduled);
            let wanted = all.filter(|i| version.is_none_or(|v| i.id.version == v));
            let of = wanted
                .max_by_key(|i| i.state.precedence(Some(i.id.version)))
                .ok_or_else(missing)?;
            let record = client.describe_schedule(&of.id, &of.name).await?.ok_or_else(missing)?;
            return Ok(FetchedArchive {
                label,
                bytes: record.to_bytes().into(),
                was: Some(of.state.status),
            });
        }
        let all = client.catalog(kind).await?.into_iter().filter(|l| l.code == code);
        let wanted = all.filter(|l| version.is_none_or(|v| l.version == Some(v)));
        let found = wanted.max_by_key(|l| l.version).ok_or_else(missing)?;
        let bytes = match kind.has_archive() {
            true => client.export(kind, &found.id).await?,
            false => client.describe(&found).await?.to_bytes().into(),
        };
        Ok(FetchedArchive { label, bytes, was: Some(found.state.status) })
    }

    /// The version of a code that runs, else the highest.
    ///
    /// # Errors
    /// Where the environment has no version of this code.
    pub async fn live_id(&self, client: &Client, code: &str) -> Result<IntegrationId, SourceError> {
        let all = client.integrations().await?;
        let best = all
            .into_iter()
            .filter(|i| i.id.code == code)
            .max_by_key(|i| i.state.precedence(Some(i.id.version)));
        let missing = || SourceError::NotThere {
            environment: client.name().to_string(),
            kind: Kind::Integration,
            code: code.into(),
        };
        best.map(|i| i.id).ok_or_else(missing)
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
