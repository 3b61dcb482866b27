//! Fetches the bytes that a reference names: live, stored, or a file.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{OpenError, Workspace};
use crate::archive::{
    ArchiveError, Contents, Fingerprints, UnpackedArchive, ValidatedArchive, fingerprints_of,
    member_fingerprints_of,
};
use crate::model::{
    ArtifactKey, EnvironmentName, IntegrationId, Kind, ManifestEntry, Reference, Scope, Status,
    StorePick, Target, Version, visible,
};
use crate::oic::{Client, OicError};
use crate::store::{Index, Store, StoreError, StoredVersion};

/// The bytes that a reference names, whatever kind of archive they are.
#[derive(Debug, Clone)]
pub struct FetchedArchive {
    pub label: String,
    pub bytes: Bytes,
    /// The integration that is meant, where the bytes are the archive of its project.
    pub member: Option<IntegrationId>,
    /// The status of the artifact when it was taken; none where that is not known.
    pub was: Option<Status>,
}

impl FetchedArchive {
    /// Reads what is inside, leniently: a broken part is a finding.
    ///
    /// # Errors
    /// Where the bytes are no archive of any kind.
    pub async fn contents(&self) -> Result<Contents, SourceError> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || match &this.member {
            None => Contents::read(&this.bytes, Some(&this.label)),
            Some(_) => this.unpack().map(|unpacked| unpacked.contents),
        });
        let read = read.await.unwrap_or_else(|e| Err(ArchiveError::Unknown(e.to_string())));
        read.map_err(|why| SourceError::Archive { label: self.label.clone(), why })
    }

    /// Like [`FetchedArchive::contents`], with every file unpacked.
    ///
    /// # Errors
    /// Where the bytes are no archive of any kind.
    pub fn open(&self) -> Result<UnpackedArchive, SourceError> {
        self.unpack().map_err(|why| SourceError::Archive { label: self.label.clone(), why })
    }

    /// Unpacks what is meant. This takes milliseconds of computing, so it does not run on a thread
    /// that others wait for.
    pub(super) fn unpack(&self) -> Result<UnpackedArchive, ArchiveError> {
        match &self.member {
            None => UnpackedArchive::read(&self.bytes, Some(&self.label)),
            Some(id) => member_of(&self.bytes, &id.code, Some(id.version)),
        }
    }

    /// The fingerprints of what is meant, read strictly.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub async fn fingerprints(self, kind: Kind) -> Result<Fingerprints, ReadError> {
        let read = move || match &self.member {
            None => fingerprints_of(kind, &self.bytes),
            Some(id) => member_fingerprints_of(&self.bytes, &id.code, Some(id.version)),
        };
        Ok(tokio::task::spawn_blocking(read).await??)
    }
}

/// One integration of a project's archive, unpacked.
fn member_of(
    bytes: &[u8],
    code: &str,
    version: Option<Version>,
) -> Result<UnpackedArchive, ArchiveError> {
    let project = UnpackedArchive::read(bytes, Some("project.car"))?;
    let member = version.and_then(|version| project.member(code, version));
    member.ok_or_else(|| ArchiveError::no_member(code, version))
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
            Ok(FetchedArchive { label, bytes, member: None, was: None })
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
        "{environment} has no {} {}\n  → `oicx list {environment} --kind {} --filter \
            {}` shows what there is",
        .target.kind, .target.in_words(), .target.kind.plural(), visible(&.target.code)
    )]
    NotThere { environment: EnvironmentName, target: Target },
    #[error(
        "{} scopes of {environment} have the {} {}\n  → say which one is meant: {}",
        .candidates.len(), .target.kind, visible(&.target.code), .candidates.join(", ")
    )]
    Ambiguous { environment: EnvironmentName, target: Target, candidates: Vec<String> },
}

impl SourceError {
    fn missing(client: &Client, target: &Target) -> Self {
        Self::NotThere { environment: client.name().clone(), target: target.clone() }
    }
}

/// Refuses a reference that names no scope where several have what it means.
fn refuse_twins<'s>(
    client: &Client,
    target: &Target,
    scopes: impl Iterator<Item = &'s Scope>,
) -> Result<(), SourceError> {
    let scopes: BTreeSet<&Scope> = scopes.collect();
    if scopes.len() < 2 {
        return Ok(());
    }
    let environment = client.name().clone();
    let candidate = |scope: &&Scope| {
        let named = Target::from(target.in_scope((*scope).clone()));
        format!("{environment}:{}", named.explicit())
    };
    let candidates = scopes.iter().map(candidate).collect();
    Err(SourceError::Ambiguous { environment, target: target.clone(), candidates })
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
    let (code, version, member) = (entry.code.clone(), entry.version, entry.member.is_some());
    let name = format!("{code}.{}", entry.kind.ending());
    let open = move || match member {
        true => member_of(&bytes, &code, version),
        false => UnpackedArchive::read(&bytes, Some(&name)),
    };
    Ok(tokio::task::spawn_blocking(open).await??)
}

/// The archive of a live integration. In a project most instances export no integration by itself:
/// it is then a part of the project's archive.
///
/// # Errors
/// Where the service refuses.
pub async fn export_integration(
    client: &Client,
    id: &IntegrationId,
) -> Result<(Bytes, Option<IntegrationId>), OicError> {
    let Some(project) = id.scope.project() else { return Ok((client.archive(id).await?, None)) };
    if let Some(bytes) = client.archive_in_project(id).await? {
        return Ok((bytes, None));
    }
    let key = ArtifactKey::new(Kind::Project, project.as_str(), None);
    Ok((client.export(&key).await?, Some(id.clone())))
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
                    member: version.member.as_ref().and_then(|_| version.integration_id()),
                    was: Some(version.entry.status),
                })
            }
            Reference::Live { environment, target, version } => {
                let client = self.environment(environment)?;
                if target.kind != Kind::Integration {
                    return self.fetch_other(client, target, *version, reference).await;
                }
                let id = self.live_id(client, target, *version).await?;
                let status = client.integration(&id).await?.state.status;
                let (bytes, member) = export_integration(client, &id).await?;
                let named = Target { scope: Some(id.scope), ..target.clone() };
                let label = Reference::Live {
                    environment: environment.clone(),
                    target: named,
                    version: *version,
                };
                Ok(FetchedArchive { label: label.to_string(), bytes, member, was: Some(status) })
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
                member: None,
                was: Some(of.state.status),
            });
        }
        let scopes = match &target.scope {
            Some(scope) => vec![scope.clone()],
            None if kind.lives_in_projects() => client.scopes().await?,
            None => vec![Scope::Global],
        };
        let lists = scopes.iter().map(|scope| client.catalog_in(scope, kind));
        let mut found = Vec::new();
        for (scope, list) in scopes.iter().zip(futures::future::join_all(lists).await) {
            match list {
                Ok(list) => found.extend(list.into_iter().filter(|l| l.code == target.code)),
                // A project that refuses its list cannot be searched; the others can.
                Err(e) if target.scope.is_none() && !scope.is_global() => {
                    tracing::warn!(environment = %client.name(), "{scope} was not searched: {e}");
                }
                Err(e) => return Err(e.into()),
            }
        }
        found.retain(|l| version.is_none_or(|v| l.version == Some(v)));
        refuse_twins(client, target, found.iter().map(|l| &l.scope))?;
        let best = found.into_iter().max_by_key(|l| l.version);
        let found = best.ok_or_else(|| SourceError::missing(client, target))?;
        let bytes = match kind.has_archive() {
            true => client.export(&found.key()).await?,
            false => client.describe(&found).await?.to_bytes().into(),
        };
        Ok(FetchedArchive { label, bytes, member: None, was: Some(found.state.status) })
    }

    /// The integration that a reference means: in the scope it names, else in the only scope that
    /// has the code; the version it names, else the one that runs, else the highest.
    ///
    /// # Errors
    /// Where the environment has no such integration, or several scopes have the code and the
    /// reference names none.
    pub async fn live_id(
        &self,
        client: &Client,
        target: &Target,
        version: Option<Version>,
    ) -> Result<IntegrationId, SourceError> {
        if let (Some(scope), Some(version)) = (&target.scope, version) {
            return Ok(IntegrationId::new(&target.code, version).within(scope.clone()));
        }
        let mut all = match &target.scope {
            Some(scope) => client.integrations_in(scope).await?,
            None => client.integrations_everywhere().await?.found,
        };
        all.retain(|i| i.id.code == target.code && version.is_none_or(|v| i.id.version == v));
        refuse_twins(client, target, all.iter().map(|i| &i.id.scope))?;
        let best = all.into_iter().max_by_key(|i| i.state.precedence(Some(i.id.version)));
        best.map(|i| i.id).ok_or_else(|| SourceError::missing(client, target))
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
