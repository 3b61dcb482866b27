//! Checks whether a store still holds what its manifests say, and puts good copies in the place of
//! bad ones.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use futures::StreamExt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::archive::{ArchiveError, RULES, ValidatedArchive, sha256_hex};
use crate::model::{ArtifactKey, EnvironmentName, Manifest, ManifestEntry};
use crate::store::{Store, StoreError, StoredFile};
use crate::workspace::events::{Events, Progress};

/// How many files are read at once.
const READERS: usize = 8;
/// How many files are read whole without `deep`; each day, others.
const SAMPLE: usize = 50;

/// How far to look.
#[derive(Debug, Clone, Default)]
pub struct VerifySelection {
    /// Only these; empty: all.
    pub environments: Vec<EnvironmentName>,
    /// Read every file, not a sample.
    pub deep: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    pub store: String,
    pub snapshots: usize,
    /// Files that manifests list, each once.
    pub files: usize,
    pub bytes: u64,
    /// How many of those were read whole: hash, archive and fingerprint.
    pub read: usize,
    pub read_bytes: u64,
    pub problems: Vec<StoreProblem>,
    /// Files that no manifest lists: left by a crash, or of a backup under way.
    pub unlisted: Vec<String>,
    pub repaired: Vec<String>,
    /// Whether verify was stopped before it was done.
    pub interrupted: bool,
}

/// One file that is not as it was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreProblem {
    pub kind: ProblemKind,
    pub path: String,
    pub why: String,
    /// Snapshots that need it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemKind {
    /// A manifest cannot be read, so what it listed is not known.
    Manifest,
    Missing,
    Altered,
    /// The bytes are those that were saved, but they are no archive of the kind.
    Unreadable,
}

impl VerifyReport {
    /// Whether everything was read and nothing is damaged.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty() && !self.interrupted
    }
}

/// A listed file with all that manifests say of it.
struct ListedFile {
    entry: ManifestEntry,
    /// The integrations that are parts of it, by their folder in it, where it is a project's.
    parts: BTreeMap<String, ManifestEntry>,
    snapshots: Vec<String>,
    /// Whether manifests say different things of it.
    contradicts: bool,
}

/// Looks at every manifest and every file; reads all, or a sample.
///
/// # Errors
/// Where the store cannot be listed. A file that cannot be read is in the report.
pub async fn run(
    store: &Store,
    scope: &VerifySelection,
    repair_from: Option<&Store>,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport { store: store.label().to_owned(), ..VerifyReport::default() };
    let wanted =
        |m: &Manifest| scope.environments.is_empty() || scope.environments.contains(&m.environment);
    let manifests = readable_manifests(store, repair_from, &mut report).await?;
    let listed = listed(manifests.iter().filter(|m| wanted(m)));
    report.snapshots = manifests.iter().filter(|m| wanted(m)).count();
    (report.files, report.bytes) = (listed.len(), listed.values().map(|l| l.entry.size).sum());
    let files: HashMap<String, StoredFile> =
        store.list(None).await?.into_iter().map(|f| (f.path.clone(), f)).collect();
    report.unlisted = unlisted(store, &manifests, &files, scope).await?;
    let mut bad = Vec::new();
    let mut to_read = Vec::new();
    for (path, listed) in &listed {
        match seen_in_list(listed, files.get(path)) {
            Some((kind, why)) => bad.push((kind, why, listed)),
            None => to_read.push(listed),
        }
    }
    let noted = noted_damage(store, manifests.iter().filter(|m| wanted(m))).await;
    if !scope.deep {
        // What was found damaged once is read each time.
        let is_noted = |l: &&ListedFile| noted.contains(&l.entry.path);
        let (again, others): (Vec<_>, Vec<_>) = to_read.into_iter().partition(is_noted);
        to_read = sample(others);
        to_read.extend(again);
    }
    bad.extend(read_all(store, to_read, &mut report, events, cancel).await);
    bad.sort_by(|a, b| a.2.entry.path.cmp(&b.2.entry.path));
    let damaged: BTreeSet<&str> = bad.iter().map(|(_, _, l)| l.entry.path.as_str()).collect();
    // What is listed by nobody is not known while a manifest cannot be read.
    let all_known = !report.interrupted && report.problems.is_empty();
    for path in noted.iter().filter(|path| all_known && !damaged.contains(path.as_str())) {
        store.clear_damage(path).await;
    }
    for (kind, why, listed) in bad {
        let path = listed.entry.path.clone();
        if let Some(other) = repair_from
            && mend(store, other, &listed.entry).await?
        {
            store.clear_damage(&path).await;
            report.repaired.push(path);
            continue;
        }
        // The next backup does not rely on it. What is missing it sees itself.
        if matches!(kind, ProblemKind::Altered | ProblemKind::Unreadable) {
            store.note_damage(&path, &why).await;
        }
        report.problems.push(StoreProblem { kind, path, why, snapshots: listed.snapshots.clone() });
    }
    Ok(report)
}

/// The files that verifies and backups before wrote down as damaged.
async fn noted_damage<'m>(
    store: &Store,
    manifests: impl Iterator<Item = &'m Manifest>,
) -> BTreeSet<String> {
    let environments: BTreeSet<&EnvironmentName> = manifests.map(|m| &m.environment).collect();
    let mut paths = BTreeSet::new();
    for environment in environments {
        match store.damage(environment).await {
            Ok(found) => paths.extend(found.into_iter().map(|note| note.path)),
            Err(e) => tracing::warn!("notes of damage of {environment}: {e}"),
        }
    }
    paths
}

/// What the store's list of files says against a listed file; none: it must be read to know.
fn seen_in_list(listed: &ListedFile, file: Option<&StoredFile>) -> Option<(ProblemKind, String)> {
    match file {
        None => Some((ProblemKind::Missing, "it is not there".to_owned())),
        Some(_) if listed.contradicts => {
            Some((ProblemKind::Altered, "snapshots disagree about its hash".to_owned()))
        }
        Some(file) if file.size != listed.entry.size => {
            let why = format!("{} bytes, saved were {}", file.size, listed.entry.size);
            Some((ProblemKind::Altered, why))
        }
        Some(_) => None,
    }
}

/// Reads files until all are read or `cancel` is given; returns those that are damaged.
async fn read_all<'l>(
    store: &Store,
    files: Vec<&'l ListedFile>,
    report: &mut VerifyReport,
    events: &Events,
    cancel: &CancellationToken,
) -> Vec<(ProblemKind, String, &'l ListedFile)> {
    events.send(Progress::Total { count: files.len() });
    let mut bad = Vec::new();
    let mut reads = futures::stream::iter(files)
        .map(|listed| async move { (listed, look(store, listed).await) })
        .buffer_unordered(READERS);
    loop {
        let next = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                report.interrupted = true;
                return bad;
            }
            next = reads.next() => next,
        };
        let Some((listed, result)) = next else { return bad };
        events.send(Progress::Done { what: listed.entry.code.clone(), bytes: listed.entry.size });
        report.read += 1;
        report.read_bytes += listed.entry.size;
        bad.extend(result.err().map(|(kind, why)| (kind, why, listed)));
    }
}

/// Every manifest that can be read, those that are mended included.
async fn readable_manifests(
    store: &Store,
    repair_from: Option<&Store>,
    report: &mut VerifyReport,
) -> Result<Vec<Manifest>, StoreError> {
    let mut out = Vec::new();
    for (path, manifest) in store.manifests().await? {
        let why = match manifest {
            Ok(manifest) => {
                out.push(manifest);
                continue;
            }
            Err(e) => e.to_string(),
        };
        let good = match repair_from {
            Some(other) => good_manifest(other, &path).await,
            None => None,
        };
        if let Some((bytes, manifest)) = good {
            store.overwrite(&path, bytes).await?;
            report.repaired.push(path);
            out.push(manifest);
        } else {
            report.problems.push(StoreProblem {
                kind: ProblemKind::Manifest,
                path,
                why,
                snapshots: vec![],
            });
        }
    }
    Ok(out)
}

async fn good_manifest(other: &Store, path: &str) -> Option<(Bytes, Manifest)> {
    let bytes = other.bytes(path).await.ok()?;
    let manifest = serde_json::from_slice(&bytes).ok()?;
    Some((bytes, manifest))
}

fn listed<'m>(manifests: impl Iterator<Item = &'m Manifest>) -> BTreeMap<String, ListedFile> {
    let mut all: BTreeMap<String, ListedFile> = BTreeMap::new();
    for manifest in manifests {
        for entry in &manifest.entries {
            let listed = all.entry(entry.path.clone()).or_insert_with(|| ListedFile {
                entry: entry.clone(),
                parts: BTreeMap::new(),
                snapshots: Vec::new(),
                contradicts: false,
            });
            listed.contradicts |= listed.entry.sha256 != entry.sha256;
            match &entry.member {
                Some(folder) => {
                    listed.parts.insert(folder.clone(), entry.clone());
                }
                // What the file is as a whole says its kind.
                None if listed.entry.member.is_some() => listed.entry = entry.clone(),
                None => {}
            }
            // A project's file is listed by its integrations too.
            let snapshot = manifest.id.to_string();
            if listed.snapshots.last() != Some(&snapshot) {
                listed.snapshots.push(snapshot);
            }
        }
    }
    all
}

async fn unlisted(
    store: &Store,
    manifests: &[Manifest],
    files: &HashMap<String, StoredFile>,
    scope: &VerifySelection,
) -> Result<Vec<String>, StoreError> {
    let mut known: HashSet<String> =
        manifests.iter().flat_map(|m| &m.entries).map(|e| e.path.clone()).collect();
    known.extend(store.checkpoints(None).await?.into_iter().map(|e| e.path));
    let in_scope = |path: &str| {
        scope.environments.is_empty()
            || scope.environments.iter().any(|e| path.starts_with(&format!("{e}/")))
    };
    let mut out: Vec<String> = files
        .keys()
        .filter(|p| crate::store::is_artifact(p) && in_scope(p) && !known.contains(*p))
        .cloned()
        .collect();
    out.sort();
    Ok(out)
}

/// The sample: other files each day, so that in time all are read.
fn sample(mut all: Vec<&ListedFile>) -> Vec<&ListedFile> {
    let day = jiff::Timestamp::now().strftime("%F").to_string();
    all.sort_by_cached_key(|l| sha256_hex(format!("{day} {}", l.entry.path).as_bytes()));
    all.truncate(SAMPLE);
    all
}

/// Reads one file: hash, archive, the fingerprints of it and its parts.
async fn look(store: &Store, listed: &ListedFile) -> Result<(), (ProblemKind, String)> {
    let bytes = match store.read_entry(&listed.entry).await {
        Ok(bytes) => bytes,
        Err(StoreError::Altered { why, .. }) => return Err((ProblemKind::Altered, why)),
        Err(e) => return Err((ProblemKind::Missing, e.to_string())),
    };
    let mut entries = vec![listed.entry.clone()];
    entries.extend(listed.parts.values().cloned());
    let read = tokio::task::spawn_blocking(move || means_what_is_said(&bytes, &entries)).await;
    let unreadable = |why: String| (ProblemKind::Unreadable, why);
    match read {
        Ok(read) => read.map_err(|why| unreadable(why.to_string())),
        Err(broken) => Err(unreadable(broken.to_string())),
    }
}

/// Why a file is not what its entries say.
#[derive(Debug, thiserror::Error)]
enum EntryMismatch {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("{artifact} means {found}, the snapshot says {said}")]
    Meaning { artifact: ArtifactKey, found: String, said: String },
}

/// Reads a file and holds what it means against what its entries say.
fn means_what_is_said(bytes: &[u8], entries: &[ManifestEntry]) -> Result<(), EntryMismatch> {
    let Some(first) = entries.first() else { return Ok(()) };
    let name = format!("file.{}", first.part().ending(first.kind));
    let file = ValidatedArchive::read(bytes, Some(&name))?;
    for entry in entries {
        let found = file.fingerprints_of(entry.kind, &entry.part())?;
        if entry.rules == RULES && found.full != entry.fingerprint {
            let (found, said) = (found.full.short(), entry.fingerprint.short());
            return Err(EntryMismatch::Meaning { artifact: entry.key(), found, said });
        }
    }
    Ok(())
}

/// Takes a file from the other store, where it is good there.
async fn mend(store: &Store, other: &Store, entry: &ManifestEntry) -> Result<bool, StoreError> {
    match other.read_entry(entry).await {
        Ok(bytes) => store.overwrite(&entry.path, bytes).await.map(|()| true),
        Err(_) => Ok(false),
    }
}
