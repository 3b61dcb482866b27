//! Mirrors a store in another. Only what is missing is copied, each file is verified on its way,
//! and each snapshot comes after its files.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use futures::StreamExt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::model::{EnvironmentName, Manifest, ManifestEntry, plural};
use crate::store::{ReliedOn, Store, StoreError, is_instance_export, is_journal, manifest_path};
use crate::workspace::events::{Events, Progress};

/// How many files are copied at once.
const AT_ONCE: usize = 8;

/// What a copy did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    pub from: String,
    pub to: String,
    pub snapshots: usize,
    /// Snapshots that the other store had already.
    pub snapshots_there: usize,
    /// Snapshots that were pruned meanwhile.
    pub snapshots_gone: usize,
    pub files: usize,
    pub files_there: usize,
    pub bytes: u64,
    pub journals: usize,
    /// What could not be copied; a snapshot that needs it is not there either.
    pub failed: Vec<CopyFailure>,
    pub interrupted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyFailure {
    pub path: String,
    pub why: String,
}

/// Copies what `to` lacks.
///
/// # Errors
/// Where one of the two cannot be listed, or `to` cannot be written.
pub async fn run(
    from: &Store,
    to: &Store,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<CopyReport, StoreError> {
    let mut report =
        CopyReport { from: from.label().into(), to: to.label().into(), ..CopyReport::default() };
    let there: HashMap<String, u64> =
        to.list(None).await?.into_iter().map(|f| (f.path, f.size)).collect();
    let mut manifests = Vec::new();
    for (path, manifest) in from.manifests().await? {
        match manifest {
            Ok(manifest) => manifests.push(manifest),
            Err(e) => report.failed.push(CopyFailure { path, why: e.to_string() }),
        }
    }
    let pruned = to.being_pruned().await?;
    let mut needed: HashMap<&str, &ManifestEntry> = HashMap::new();
    for entry in manifests.iter().flat_map(|m| &m.entries) {
        needed.entry(&entry.path).or_insert(entry);
    }
    let is_there =
        |e: &ManifestEntry| there.get(&e.path) == Some(&e.size) && !pruned.contains(&e.path);
    let (have, missing): (Vec<&ManifestEntry>, Vec<&ManifestEntry>) =
        needed.values().partition(|e| is_there(e));
    report.files_there = have.len();
    events.send(Progress::Total { count: missing.len() });
    let bad = copy_files(from, to, missing, &mut report, events, cancel).await;
    if report.interrupted {
        return Ok(report);
    }
    copy_manifests(from, to, &manifests, &bad, &there, &mut report).await?;
    forget_what_was_pruned(from, &manifests, &mut report).await?;
    let beside = from
        .list(None)
        .await?
        .into_iter()
        .filter(|file| is_journal(&file.path) || is_instance_export(&file.path));
    for file in beside {
        if there.get(&file.path) == Some(&file.size) {
            continue;
        }
        // It may have gone since it was listed.
        let Some(bytes) = from.bytes_if_there(&file.path).await? else { continue };
        to.overwrite(&file.path, bytes).await?;
        report.journals += usize::from(is_journal(&file.path));
    }
    Ok(report)
}

/// Takes from the failures what only snapshots needed that were pruned meanwhile: there is nothing
/// to copy any more.
async fn forget_what_was_pruned(
    from: &Store,
    manifests: &[Manifest],
    report: &mut CopyReport,
) -> Result<(), StoreError> {
    if report.failed.is_empty() {
        return Ok(());
    }
    let left = from.manifests().await?;
    let left: HashSet<&str> = left.iter().map(|(path, _)| path.as_str()).collect();
    let stays = |m: &&Manifest| left.contains(manifest_path(&m.environment, &m.id).as_str());
    let entries = manifests.iter().filter(stays).flat_map(|manifest| &manifest.entries);
    let needed: HashSet<&str> = entries.map(|entry| entry.path.as_str()).collect();
    let all: HashSet<&str> = manifests
        .iter()
        .flat_map(|manifest| &manifest.entries)
        .map(|entry| entry.path.as_str())
        .collect();
    let is_gone = |path: &str| all.contains(path) && !needed.contains(path);
    report.failed.retain(|failure| !is_gone(&failure.path));
    Ok(())
}

/// Copies files. Gives the paths of those that could not be copied.
async fn copy_files(
    from: &Store,
    to: &Store,
    missing: Vec<&ManifestEntry>,
    report: &mut CopyReport,
    events: &Events,
    cancel: &CancellationToken,
) -> HashSet<String> {
    let mut bad = HashSet::new();
    let copy = |entry: &ManifestEntry| {
        let entry = entry.clone();
        async move {
            let done = copy_file(from, to, &entry).await;
            (entry, done)
        }
    };
    let mut copies = futures::stream::iter(missing).map(copy).buffer_unordered(AT_ONCE);
    loop {
        let next = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                report.interrupted = true;
                return bad;
            }
            next = copies.next() => next,
        };
        let Some((entry, done)) = next else { return bad };
        match done {
            Ok(()) => {
                report.files += 1;
                report.bytes += entry.size;
                events.send(Progress::Done { what: entry.code.clone(), bytes: entry.size });
            }
            Err(why) => {
                let why = why.to_string();
                events.send(Progress::Failed { what: entry.path.clone(), why: why.clone() });
                bad.insert(entry.path.clone());
                report.failed.push(CopyFailure { path: entry.path, why });
            }
        }
    }
}

/// Copies one file: reads it, checks its hash, writes it, and reads it back.
async fn copy_file(from: &Store, to: &Store, entry: &ManifestEntry) -> Result<(), StoreError> {
    let bytes = from.read_entry(entry).await?;
    if !to.write_at(&entry.path, &bytes).await? {
        let why =
            "other bytes lie there under this name: `oicx verify --repair-from` mends that store"
                .into();
        return Err(StoreError::Write { path: entry.path.clone(), why });
    }
    to.check(&entry.path, &bytes).await
}

/// Copies each snapshot of which every listed file is there.
async fn copy_manifests(
    from: &Store,
    to: &Store,
    manifests: &[Manifest],
    bad: &HashSet<String>,
    there: &HashMap<String, u64>,
    report: &mut CopyReport,
) -> Result<(), StoreError> {
    let mut missing: BTreeMap<&EnvironmentName, Vec<(&Manifest, Bytes)>> = BTreeMap::new();
    for manifest in manifests {
        let path = manifest_path(&manifest.environment, &manifest.id);
        let Some(bytes) = from.bytes_if_there(&path).await? else {
            report.snapshots_gone += 1;
            continue;
        };
        if there.get(&path) == Some(&(bytes.len() as u64)) {
            report.snapshots_there += 1;
            continue;
        }
        let lacking = manifest.entries.iter().filter(|e| bad.contains(&e.path)).count();
        if lacking > 0 {
            let why = format!("{} of it could not be copied", plural(lacking, "file"));
            report.failed.push(CopyFailure { path, why });
            continue;
        }
        missing.entry(&manifest.environment).or_default().push((manifest, bytes));
    }
    for (environment, snapshots) in missing {
        let Some((first, _)) = snapshots.first() else { continue };
        let mut entries: Vec<ManifestEntry> =
            snapshots.iter().flat_map(|(manifest, _)| manifest.entries.iter().cloned()).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        let ReliedOn { note, lost } = to.rely_on(environment, &first.id, &entries).await?;
        let written = write_manifests(to, &snapshots, &lost, report).await;
        to.forget_note(&note).await;
        written?;
    }
    Ok(())
}

/// Writes the snapshots of one environment of which no file is lost.
async fn write_manifests(
    to: &Store,
    snapshots: &[(&Manifest, Bytes)],
    lost: &HashSet<String>,
    report: &mut CopyReport,
) -> Result<(), StoreError> {
    for (manifest, bytes) in snapshots {
        let path = manifest_path(&manifest.environment, &manifest.id);
        let gone = manifest.entries.iter().filter(|e| lost.contains(&e.path)).count();
        let why = match gone {
            0 if to.write_at(&path, bytes).await? => {
                report.snapshots += 1;
                continue;
            }
            0 => "another snapshot has this name there".to_owned(),
            gone => {
                let files = plural(gone, "file");
                format!("a prune there takes {files} of it: copy once more after it")
            }
        };
        report.failed.push(CopyFailure { path, why });
    }
    Ok(())
}
