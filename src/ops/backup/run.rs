//! Takes what a backup's plan says, and commits the snapshot.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    BackupError, BackupOutcome, BackupPlan, CarriedSecret,
    checkpoint::Checkpoints,
    coverage,
    inventory::{InventoryItem, Retrieval},
    recheck::Recheck,
};
use crate::archive::{Secret, ValidatedArchive, library_of_project};
use crate::model::{
    ArtifactKey, Description, EnvironmentName, ExportFailure, IntegrationId, Kind, Manifest,
    ManifestEntry, Purpose, SkippedArtifact, SnapshotId,
};
use crate::oic::{Client, OicError};
use crate::store::{Index, Store, StoreError, StoredVersion, member_entry, snapshot_id};
use crate::workspace::events::{Events, Progress};
use crate::workspace::source::ReadError;

/// How many archives are taken at once beyond the limit of calls. While these are read and written
/// to disk, the others keep every allowed call busy; the client itself holds to the limit.
const WRITERS: usize = 6;

/// Downloads, keeps what was downloaded, and commits the snapshot.
///
/// # Errors
/// Where the store cannot be written; what was committed before is untouched.
pub async fn run(
    client: &Client,
    store: &Store,
    index: &Index,
    plan: BackupPlan,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<BackupOutcome, BackupError> {
    let id = snapshot_id(plan.started);
    events.send(Progress::Total { count: plan.take.len() });
    plan.notes.iter().for_each(|text| events.send(Progress::Note { text: text.clone() }));
    let mut outcome = BackupOutcome {
        environment: plan.environment.clone(),
        id: None,
        downloaded: 0,
        described: 0,
        unchanged: plan.unchanged.len(),
        skipped: plan.skipped,
        failed: plan.failed,
        unseen: plan.unseen,
        not_held: vec![],
        instance_export: None,
        secrets: vec![],
        notes: plan.notes,
        interrupted: false,
    };
    let mut entries = plan.unchanged;
    let checkpoints = Checkpoints::start(store, &plan.environment, &id);
    let recheck = &plan.recheck;
    let work = futures::stream::iter(plan.take)
        .map(|found| take(client, (store, index, recheck), found))
        .buffer_unordered(client.environment().concurrency + WRITERS);
    gather(work, &mut entries, &mut outcome, &checkpoints, events, cancel).await?;
    if entries.is_empty() && (outcome.interrupted || !outcome.failed.is_empty()) {
        outcome.not_held = coverage::not_seen(&outcome.unseen);
        return Ok(outcome);
    }
    confirm(&plan.environment, &id, &checkpoints, &mut entries, &mut outcome).await?;
    entries.sort_by_key(ManifestEntry::key);
    for text in plan.recheck.end(store, &plan.environment, index).await {
        events.send(Progress::Note { text: text.clone() });
        outcome.notes.push(text);
    }
    let of_plan = (plan.selection, plan.unsaved.as_slice());
    say_what_is_not_held(client, (store, index), of_plan, &entries, &mut outcome).await;
    let purpose = Purpose::Backup { partial: outcome.interrupted, selection: plan.selection };
    let manifest = Manifest {
        finished: Timestamp::now().max(plan.started),
        entries,
        skipped: outcome.skipped.clone(),
        failed: outcome.failed.clone(),
        unseen: outcome.unseen.clone(),
        not_held: outcome.not_held.clone(),
        lists_project_libraries: true,
        instance_export: outcome.instance_export.as_deref().cloned(),
        tags: plan.tags,
        before: plan.before,
        ..Manifest::new(id, plan.environment, plan.started, purpose)
    };
    store.write_manifest(&manifest).await?;
    checkpoints.clear().await;
    outcome.id = Some(manifest.id);
    Ok(outcome)
}

/// Notes what the snapshot does not hold, and the newest export of the whole instance.
async fn say_what_is_not_held(
    client: &Client,
    (store, index): (&Store, &Index),
    (selection, unsaved): (bool, &[String]),
    entries: &[ManifestEntry],
    outcome: &mut BackupOutcome,
) {
    outcome.not_held = match selection {
        true => coverage::not_seen(&outcome.unseen),
        false => {
            let attachments = client.environment().attachments;
            let mut gaps = coverage::gaps(entries, &outcome.unseen, &outcome.skipped, attachments);
            let untaken = outcome.skipped.iter().map(|s| &s.artifact);
            let untaken = untaken.chain(outcome.failed.iter().map(|f| &f.artifact));
            let named: BTreeSet<String> = entries
                .iter()
                .map(ManifestEntry::key)
                .chain(untaken.cloned())
                .filter(|key| key.kind == Kind::Project)
                .map(|key| key.code)
                .collect();
            let listed = |code: &str| named.contains(code);
            // Where the list itself failed, that is told.
            let unlisted = outcome.unseen.iter().any(|u| u.kind == Kind::Project);
            if !unlisted {
                gaps.extend(coverage::projects_not_seen(index, client.name(), listed));
            }
            gaps
        }
    };
    outcome.not_held.extend(coverage::unsaved(unsaved));
    outcome.instance_export = match store.newest_instance_export(client.name()).await {
        Ok(newest) => newest.map(Box::new),
        Err(e) => {
            tracing::warn!("exports of the whole instance are not known: {e}");
            None
        }
    };
}

/// Makes sure that every file that the manifest will list is there and stays.
async fn confirm(
    environment: &EnvironmentName,
    id: &SnapshotId,
    checkpoints: &Checkpoints,
    entries: &mut Vec<ManifestEntry>,
    outcome: &mut BackupOutcome,
) -> Result<(), BackupError> {
    let lost = checkpoints.announce(environment, id, entries).await?;
    let (good, lost): (Vec<ManifestEntry>, Vec<ManifestEntry>) =
        entries.drain(..).partition(|e| !lost.contains(&e.path));
    *entries = good;
    for entry in lost {
        let error = "its file in the store was removed meanwhile; the next backup takes it again"
            .to_owned();
        outcome.unchanged = outcome.unchanged.saturating_sub(1);
        outcome.failed.push(ExportFailure { artifact: entry.key(), error });
    }
    Ok(())
}

/// A file that the snapshot lists.
struct TakenFile {
    entry: ManifestEntry,
    /// The entries of a project's integrations, which are kept in its file.
    parts: Vec<ManifestEntry>,
    /// Integrations that the project lists and its file does not hold.
    missing: Vec<ExportFailure>,
    secrets: Vec<Secret>,
}

/// What became of one artifact.
enum TakenItem {
    Kept(Box<TakenFile>),
    /// It was read again and is the same as what the store has.
    Same(Box<TakenFile>),
    Skipped(SkippedArtifact),
    Failed(ExportFailure),
    /// There is nothing to keep: a schedule that nobody set.
    Nothing,
    /// The store itself failed: nothing more can be kept.
    StoreBroken(StoreError),
}

/// Collects what was taken, until all is there or a person stops it.
async fn gather(
    work: impl futures::Stream<Item = TakenItem>,
    entries: &mut Vec<ManifestEntry>,
    outcome: &mut BackupOutcome,
    checkpoints: &Checkpoints,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<(), BackupError> {
    let mut work = std::pin::pin!(work);
    loop {
        let taken = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                outcome.interrupted = true;
                return Ok(());
            }
            taken = work.next() => match taken {
                Some(taken) => taken,
                None => return Ok(()),
            },
        };
        events.send(taken.progress());
        match taken {
            TakenItem::Kept(file) => {
                let artifact = file.entry.key();
                let carried = |secret: &Secret| CarriedSecret {
                    artifact: artifact.clone(),
                    secret: secret.clone(),
                };
                outcome.secrets.extend(file.secrets.iter().map(carried));
                match file.entry.kind.has_archive() {
                    true => outcome.downloaded += 1,
                    false => outcome.described += 1,
                }
                file.list(entries, outcome, checkpoints);
            }
            TakenItem::Same(file) => {
                // An export that was made counts as a download, even if it brought nothing new.
                match file.entry.kind.has_archive() {
                    true => outcome.downloaded += 1,
                    false => outcome.unchanged += 1,
                }
                file.list(entries, outcome, checkpoints);
            }
            TakenItem::Skipped(skipped) => outcome.skipped.push(skipped),
            TakenItem::Failed(failure) => outcome.failed.push(failure),
            TakenItem::Nothing => {}
            TakenItem::StoreBroken(error) => return Err(error.into()),
        }
    }
}

impl TakenFile {
    /// Puts the file's artifacts into the snapshot.
    fn list(
        self,
        entries: &mut Vec<ManifestEntry>,
        outcome: &mut BackupOutcome,
        checkpoints: &Checkpoints,
    ) {
        outcome.failed.extend(self.missing);
        for entry in std::iter::once(self.entry).chain(self.parts) {
            checkpoints.note(&entry);
            entries.push(entry);
        }
    }
}

impl TakenItem {
    /// What is told to whoever watches.
    fn progress(&self) -> Progress {
        let done = |what: &str, bytes| Progress::Done { what: what.to_owned(), bytes };
        match self {
            Self::Kept(file) => done(&file.entry.code, file.entry.size),
            Self::Same(file) => done(&file.entry.code, 0),
            Self::Skipped(skipped) => done(&skipped.artifact.code, 0),
            Self::Nothing | Self::StoreBroken(_) => done("", 0),
            Self::Failed(failure) => {
                Progress::Failed { what: failure.artifact.code.clone(), why: failure.error.clone() }
            }
        }
    }
}

async fn take(
    client: &Client,
    (store, index, recheck): (&Store, &Index, &Recheck),
    found: InventoryItem,
) -> TakenItem {
    let artifact = || found.key.clone();
    let fail = |error: String| TakenItem::Failed(ExportFailure { artifact: artifact(), error });
    let skipped = |reason: String| SkippedArtifact::new(artifact(), reason);
    let exported = Timestamp::now();
    let (kept, bytes) = match fetch(client, &found).await {
        Ok(Some(FetchOutcome::Archive(bytes))) => match check(&found, bytes.clone()).await {
            Ok(kept) => (kept, bytes),
            Err(why) => {
                let aside = set_aside(store, client.name(), &found.key, &bytes).await;
                return fail(format!("the export is not kept: {why}{aside}"));
            }
        },
        Ok(Some(FetchOutcome::Description(description))) => {
            (ValidatedArchive::description(&description), Bytes::from(description.to_bytes()))
        }
        Ok(None) => return TakenItem::Nothing,
        Err(e) if e.status() == Some(423) => {
            return TakenItem::Skipped(skipped(format!("locked: {}", e.kind)));
        }
        Err(e) if e.status() == Some(404) && is_gone(client, &found).await => {
            let gone = skipped("gone since it was listed".into());
            return TakenItem::Skipped(SkippedArtifact { gone: true, ..gone });
        }
        Err(e) => return fail(e.to_string()),
    };
    let of_store = (store, index, recheck);
    let kept = keep(client.name(), of_store, &found, kept, bytes, exported).await;
    kept.unwrap_or_else(TakenItem::StoreBroken)
}

/// Whether an artifact that the export did not find is gone from the environment. A 404 may come
/// from a host between, and an artifact that was only not found must not look deleted.
async fn is_gone(client: &Client, found: &InventoryItem) -> bool {
    match &found.how {
        Retrieval::Export if found.key.kind == Kind::Integration => {
            match found.key.integration_id() {
                Some(id) => matches!(client.find_integration(&id).await, Ok(None)),
                None => false,
            }
        }
        Retrieval::Export | Retrieval::Describe(_) => {
            match client.catalog_in(&found.key.scope, found.key.kind).await {
                Ok(all) => all.iter().all(|l| l.key() != found.key),
                Err(_) => false,
            }
        }
        Retrieval::Member | Retrieval::Schedule(_) => false,
    }
}

enum FetchOutcome {
    Archive(Bytes),
    Description(Box<Description>),
}

async fn fetch(client: &Client, found: &InventoryItem) -> Result<Option<FetchOutcome>, OicError> {
    Ok(match &found.how {
        Retrieval::Export => Some(FetchOutcome::Archive(client.export(&found.key).await?)),
        // A part comes with its project's file.
        Retrieval::Member => None,
        Retrieval::Describe(listed) => {
            Some(FetchOutcome::Description(Box::new(client.describe(listed).await?)))
        }
        Retrieval::Schedule(id) => client
            .describe_schedule(id, &found.name)
            .await?
            .map(|r| FetchOutcome::Description(Box::new(r))),
    })
}

/// Keeps an archive that is no backup as evidence, outside of what a snapshot or a restore reads.
/// Says where, after a semicolon; nothing where it is no archive at all.
async fn set_aside(
    store: &Store,
    environment: &EnvironmentName,
    key: &ArtifactKey,
    bytes: &Bytes,
) -> String {
    if !bytes.starts_with(b"PK") {
        return String::new();
    }
    match store.set_aside(environment, key, bytes).await {
        Ok(path) => format!("; what came is set aside in {path}"),
        Err(e) => format!("; what came could not be set aside: {e}"),
    }
}

/// Why an export is no backup.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("it is of {0}")]
    Other(String),
    #[error("it does not hold the library")]
    NotInProject,
}

/// Checks an export: an archive that cannot be read back, or is of another artifact, is no backup.
/// This takes milliseconds of computing, so it does not run on a thread that others wait for.
async fn check(found: &InventoryItem, bytes: Bytes) -> Result<ValidatedArchive, ExportError> {
    let key = found.key.clone();
    let name = format!("{}.{}", key.code, key.kind.ending());
    let read =
        tokio::task::spawn_blocking(move || ValidatedArchive::read(&bytes, Some(&name))).await;
    let kept = read.map_err(ReadError::from)?.map_err(ReadError::from)?;
    let says_who = key.kind != Kind::Library;
    let other_code = kept.code != key.code && !(key.kind == Kind::Project && kept.code.is_empty());
    let other_version = key.kind == Kind::Integration && kept.version != key.version;
    if kept.kind != key.kind || (says_who && other_code) || other_version {
        let version = kept.version.map(|v| format!("|{v}")).unwrap_or_default();
        let code = crate::model::visible(&kept.code);
        return Err(ExportError::Other(format!("{} {code}{version}", kept.kind)));
    }
    Ok(kept)
}

/// Keeps a file, and the libraries in it where it is a project's: each as a file of its own, which
/// can be sent alone.
async fn keep(
    environment: &EnvironmentName,
    of_store: (&Store, &Index, &Recheck),
    found: &InventoryItem,
    kept: ValidatedArchive,
    bytes: Bytes,
    exported: Timestamp,
) -> Result<TakenItem, StoreError> {
    let file = keep_file(environment, of_store, found, &kept, bytes.clone(), exported).await?;
    let (mut parts, mut missing) = parts_of(found, &file.entry, &kept);
    let mut is_new = file.is_new;
    for library in found.parts.iter().filter(|part| part.key.kind == Kind::Library) {
        let artifact = library.key.clone();
        match library_in(library, bytes.clone()).await {
            Ok((held, bytes)) => {
                let file =
                    keep_file(environment, of_store, library, &held, bytes, exported).await?;
                is_new |= file.is_new;
                parts.push(file.entry);
            }
            Err(why) => {
                let error = format!("in the archive of project {}: {why}", found.key.code);
                missing.push(ExportFailure { artifact, error });
            }
        }
    }
    // Secrets of its libraries were found in the project already.
    let secrets = if file.is_new { kept.secrets } else { Vec::new() };
    let file = Box::new(TakenFile { entry: file.entry, parts, missing, secrets });
    Ok(if is_new { TakenItem::Kept(file) } else { TakenItem::Same(file) })
}

/// A library's file, taken out of its project's archive.
async fn library_in(
    library: &InventoryItem,
    project: Bytes,
) -> Result<(ValidatedArchive, Bytes), ExportError> {
    let (code, version) = (library.key.code.clone(), library.key.version);
    let read = move || library_of_project(&project, &code, version);
    let found = tokio::task::spawn_blocking(read).await.map_err(ReadError::from)?;
    let bytes: Bytes = found.map_err(ReadError::from)?.ok_or(ExportError::NotInProject)?.into();
    Ok((check(library, bytes.clone()).await?, bytes))
}

/// One file as the store has it now.
struct KeptFile {
    entry: ManifestEntry,
    is_new: bool,
}

async fn keep_file(
    environment: &EnvironmentName,
    (store, index, recheck): (&Store, &Index, &Recheck),
    found: &InventoryItem,
    kept: &ValidatedArchive,
    bytes: Bytes,
    exported: Timestamp,
) -> Result<KeptFile, StoreError> {
    let key = &found.key;
    let same = |v: &&StoredVersion| {
        v.version == key.version
            && v.fingerprint == kept.fingerprints.full
            && v.rules == crate::archive::RULES
            && v.member.is_none()
    };
    let name = key.name();
    heal(store, recheck, index.history(environment, &name).filter(same), &bytes).await?;
    if let Some(version) = index.history(environment, &name).find(same)
        && store.size(&version.path).await == Some(version.size)
        && recheck.holds(store, &version.entry).await
    {
        let entry = found.entry_like(&version.entry);
        return Ok(KeptFile { entry, is_new: false });
    }
    let entry = store.keep(environment, key, kept, bytes, exported).await?;
    Ok(KeptFile { entry: found.entry_like(&entry), is_new: true })
}

/// Gives a damaged file its bytes again, where the export brought the very same.
async fn heal(
    store: &Store,
    recheck: &Recheck,
    versions: impl Iterator<Item = &StoredVersion>,
    bytes: &Bytes,
) -> Result<(), StoreError> {
    for version in versions.filter(|v| recheck.is_damaged(&v.path)) {
        if crate::archive::sha256_hex(bytes) == version.sha256 {
            store.overwrite(&version.path, bytes.clone()).await?;
            recheck.healed(&version.path);
        }
    }
    Ok(())
}

/// The entries of the integrations that a project's file holds, and failures for those that the
/// project lists and its file lacks.
fn parts_of(
    found: &InventoryItem,
    file: &ManifestEntry,
    kept: &ValidatedArchive,
) -> (Vec<ManifestEntry>, Vec<ExportFailure>) {
    let (mut entries, mut missing) = (Vec::new(), Vec::new());
    for part in found.parts.iter().filter(|part| part.key.kind == Kind::Integration) {
        let is_it = |id: &IntegrationId| {
            part.key.integration_id().is_some_and(|wanted| wanted.service_id() == id.service_id())
        };
        let Some(held) = kept.parts.iter().find(|held| is_it(&held.id)) else {
            let project = &found.key.code;
            let error = match kept.broken.iter().find(|(id, _)| is_it(id)) {
                Some((_, why)) => format!("in the archive of project {project}: {why}"),
                None => format!("the archive of project {project} does not hold it"),
            };
            missing.push(ExportFailure { artifact: part.key.clone(), error });
            continue;
        };
        entries.push(part.entry_like(&member_entry(file, &part.key, held)));
    }
    (entries, missing)
}
