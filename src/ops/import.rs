//! Imports folders that people keep: exports by scripts or by hand, whatever they are named. Each
//! file is read and becomes history in the store: one snapshot for each day on which files were
//! written.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use crate::archive::{ArchiveError, ValidatedArchive, sha256_hex};
use crate::model::{
    ArtifactKey, EnvironmentName, Fingerprint, Kind, Manifest, ManifestEntry, Purpose, visible,
};
use crate::store::{Index, ReliedOn, Store, StoreError, snapshot_id};
use crate::workspace::events::{Events, Progress};

/// The endings of files that are looked at.
const ENDINGS: [&str; 7] = ["iar", "par", "car", "csv", "jar", "js", "json"];
/// The largest file that is read, in bytes: larger than any export.
const MAX_BYTES: u64 = 256 << 20;
const MAX_DEPTH: usize = 12;

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportReport {
    pub environment: Option<EnvironmentName>,
    pub snapshots: Vec<String>,
    pub imported: usize,
    /// Files whose content the store has already.
    pub known: usize,
    /// Files that a snapshot lists and the store had lost: they are there again.
    pub healed: usize,
    /// Files that are no export, or cannot be read, and why.
    pub refused: Vec<RefusedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedFile {
    pub file: String,
    pub why: String,
}

/// Why nothing could be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(
        "{path} cannot be read: {why}\n  → name a folder of .iar, .par, .car, .csv or .jar files, \
            or one such file"
    )]
    Folder { path: String, why: std::io::Error },
    #[error("{file} cannot be read once more: {why}\n  → import it again")]
    Changed { file: String, why: String },
    #[error(
        "prunes took what was imported each time\n  → wait for them, and import again: what is \
         there by then is not taken twice"
    )]
    Pruned,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was written on each day.
type Days = BTreeMap<Date, Vec<ImportedFile>>;

/// A file that the store keeps by now, and where it came from.
struct ImportedFile {
    entry: ManifestEntry,
    time: Timestamp,
    file: PathBuf,
}

/// A file and what it is.
struct ImportCandidate {
    key: ArtifactKey,
    kept: ValidatedArchive,
    bytes: Bytes,
    time: Timestamp,
}

/// Reads a folder, or one file, as exports of an environment.
///
/// # Errors
/// Where the folder cannot be read or the store cannot be written. A file that is no export is in
/// the report.
pub async fn run(
    store: &Store,
    index: &Index,
    environment: &EnvironmentName,
    folder: &Path,
    events: &Events,
) -> Result<ImportReport, ImportError> {
    let fail = |why| ImportError::Folder { path: folder.display().to_string(), why };
    let mut files = Vec::new();
    if std::fs::metadata(folder).map_err(fail)?.is_dir() {
        walk(folder, 0, &mut files).map_err(fail)?;
    } else {
        files.push(folder.to_owned());
    }
    files.sort();
    events.send(Progress::Total { count: files.len() });
    let mut importer = Importer {
        store,
        environment,
        index,
        stored: store.files(environment).await?,
        days: Days::new(),
        seen: HashSet::new(),
        report: ImportReport { environment: Some(environment.clone()), ..ImportReport::default() },
    };
    for file in files {
        let name = file.display().to_string();
        match read_apart(&file).await {
            Ok(found) => {
                events.send(Progress::Done { what: name, bytes: found.bytes.len() as u64 });
                importer.take(file, found).await?;
            }
            Err(why) => {
                let why = why.to_string();
                events.send(Progress::Failed { what: name.clone(), why: why.clone() });
                let file = visible(&name).into_owned();
                importer.report.refused.push(RefusedFile { file, why });
            }
        }
    }
    if importer.days.is_empty() {
        return Ok(importer.report);
    }
    let note = announce(store, environment, &mut importer.days).await?;
    let Importer { days, mut report, .. } = importer;
    let committed = commit_all(store, environment, days, &mut report).await;
    store.forget_note(&note).await;
    committed?;
    Ok(report)
}

/// An import under way.
struct Importer<'a> {
    store: &'a Store,
    environment: &'a EnvironmentName,
    index: &'a Index,
    /// Sizes of the files that the store has, by path.
    stored: HashMap<String, u64>,
    days: Days,
    seen: HashSet<(ArtifactKey, Fingerprint)>,
    report: ImportReport,
}

impl Importer<'_> {
    /// Keeps a file, where the store does not have it yet.
    async fn take(&mut self, file: PathBuf, found: ImportCandidate) -> Result<(), ImportError> {
        let whole = found.kept.fingerprints.full;
        let artifact = found.key.name();
        let mut stored = self.index.history(self.environment, &artifact);
        let known = stored.find(|v| v.version == found.key.version && v.fingerprint == whole);
        if let Some(known) = known {
            // A snapshot lists it; that its file is there is another thing.
            let is_lost = self.stored.get(&known.path) != Some(&known.size);
            if is_lost && sha256_hex(&found.bytes) == known.sha256 {
                self.store.overwrite(&known.path, found.bytes).await?;
                self.report.healed += 1;
                return Ok(());
            }
            if !is_lost {
                self.report.known += 1;
                return Ok(());
            }
        }
        if !self.seen.insert((found.key.clone(), whole)) {
            self.report.known += 1;
            return Ok(());
        }
        let ImportCandidate { key, kept, bytes, time } = found;
        let entry = self.store.keep(self.environment, &key, &kept, bytes, time).await?;
        self.report.imported += 1;
        let day = TimeZone::UTC.to_datetime(time).date();
        self.days.entry(day).or_default().push(ImportedFile { entry, time, file });
        Ok(())
    }
}

/// Commits one snapshot of what was written on one day. It says nothing of artifacts that it does
/// not list. Where a version was exported more than once, each export is a snapshot of its own.
async fn commit(
    store: &Store,
    environment: &EnvironmentName,
    mut files: Vec<ImportedFile>,
) -> Result<String, StoreError> {
    files.sort_by_key(|f| (f.time, f.entry.key()));
    let mut ids = Vec::new();
    while !files.is_empty() {
        let mut taken: HashSet<ArtifactKey> = HashSet::new();
        let (now, later): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|f| taken.insert(f.entry.key()));
        files = later;
        let started = now.iter().map(|f| f.time).max().unwrap_or_else(Timestamp::now);
        let purpose = Purpose::Backup { partial: false, selection: true };
        let mut listed: Vec<ManifestEntry> = now.into_iter().map(|f| f.entry).collect();
        listed.sort_by_key(ManifestEntry::key);
        let manifest = Manifest {
            entries: listed,
            tags: vec![Manifest::IMPORTED.into()],
            ..Manifest::new(snapshot_id(started), environment.clone(), started, purpose)
        };
        store.write_manifest(&manifest).await?;
        ids.push(manifest.id.to_string());
    }
    Ok(ids.join(", "))
}

/// Commits the snapshots of all days.
async fn commit_all(
    store: &Store,
    environment: &EnvironmentName,
    days: Days,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    for files in days.into_values() {
        report.snapshots.push(commit(store, environment, files).await?);
    }
    Ok(())
}

/// Announces the files that snapshots are about to list, and keeps once more, under another name,
/// those that a prune under way takes: a run that was cut off may have left them long ago. Gives
/// the note's path.
async fn announce(
    store: &Store,
    environment: &EnvironmentName,
    days: &mut Days,
) -> Result<String, ImportError> {
    /// Each time another prune would have to come between.
    const TRIES: usize = 3;
    let id = snapshot_id(Timestamp::now());
    for _ in 0..TRIES {
        let entries: Vec<ManifestEntry> =
            days.values().flatten().map(|file| file.entry.clone()).collect();
        let ReliedOn { note, lost } = store.rely_on(environment, &id, &entries).await?;
        if lost.is_empty() {
            return Ok(note);
        }
        let kept = keep_again(store, environment, days, &lost).await;
        // It is written anew with what is relied on now.
        store.forget_note(&note).await;
        kept?;
    }
    Err(ImportError::Pruned)
}

async fn keep_again(
    store: &Store,
    environment: &EnvironmentName,
    days: &mut Days,
    lost: &HashSet<String>,
) -> Result<(), ImportError> {
    for file in days.values_mut().flatten().filter(|f| lost.contains(&f.entry.path)) {
        let again = read_apart(&file.file).await.map_err(|why| ImportError::Changed {
            file: visible(&file.file.display().to_string()).into_owned(),
            why: why.to_string(),
        })?;
        let ImportCandidate { key, kept, bytes, time } = again;
        file.entry = store.keep(environment, &key, &kept, bytes, time).await?;
    }
    Ok(())
}

async fn read_apart(file: &Path) -> Result<ImportCandidate, FileError> {
    let file = file.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&file)).await;
    read.unwrap_or_else(|e| Err(e.into()))
}

/// Finds the files of a folder. Links are not followed: they may lead in circles or out of the
/// folder.
fn walk(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        let ending =
            path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(&path, depth + 1, out)?;
        } else if kind.is_file() && ENDINGS.contains(&ending.as_str()) {
            out.push(path);
        }
    }
    Ok(())
}

/// Why a file is not imported.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("it is larger than {} MB, more than any export", MAX_BYTES >> 20)]
    TooLarge,
    #[error("it does not say which artifact it is of")]
    Nameless,
    #[error("it could not be read: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

fn read(file: &Path) -> Result<ImportCandidate, FileError> {
    let about = std::fs::metadata(file)?;
    if about.len() > MAX_BYTES {
        return Err(FileError::TooLarge);
    }
    let bytes: Bytes = std::fs::read(file)?.into();
    let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let kept = ValidatedArchive::read(&bytes, Some(name))?;
    let (code, version) = match kept.kind {
        // A library's file does not hold its code and version: they are taken from the file's name.
        Kind::Library => of_name(name),
        _ => (kept.code.clone(), kept.version),
    };
    if code.is_empty() {
        return Err(FileError::Nameless);
    }
    let key = ArtifactKey::new(kept.kind, code, version);
    let modified = about.modified().ok().and_then(|t| Timestamp::try_from(t).ok());
    // A file with a time in the future would stand before every later backup.
    let time = modified.unwrap_or_else(Timestamp::now).min(Timestamp::now());
    Ok(ImportCandidate { key, kept, bytes, time })
}

/// Code and version from a file's name: `PAYROLL_RULES_01.00.0000.jar`.
fn of_name(name: &str) -> (String, Option<crate::model::Version>) {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    for separator in ['|', '_', '-'] {
        if let Some((code, version)) = stem.rsplit_once(separator)
            && let Ok(version) = version.parse()
            && !code.is_empty()
        {
            return (code.to_owned(), Some(version));
        }
    }
    (stem.to_owned(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_librarys_name_says_what_it_is() {
        let version = "01.00.0000".parse().ok();
        assert_eq!(of_name("PAYROLL_RULES_01.00.0000.jar"), ("PAYROLL_RULES".into(), version));
        assert_eq!(of_name("RULES-01.00.0000.jar"), ("RULES".into(), version));
        assert_eq!(of_name("rules.js"), ("rules".into(), None));
    }
}
