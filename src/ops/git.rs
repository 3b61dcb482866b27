//! Writes a Git history of the store with the person's own `git`: each snapshot is spread out as
//! text and is one commit. What changed in meaning stands in the message.

mod program;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use futures::StreamExt;
use serde::Serialize;

use super::{
    readable,
    snapshot_changes::{self, ArtifactChange},
};
use crate::model::{
    ArtifactKey, EnvironmentName, Manifest, ManifestEntry, Purpose, Status, precedence, short_date,
    visible,
};
use crate::store::{Store, StoreError};
use crate::workspace::{
    events::{Events, Progress},
    source::open_stored,
};
pub use program::GitError;
use program::{Commit, Git};

/// What to write.
#[derive(Debug, Clone, Default)]
pub struct GitExportOptions {
    pub folder: PathBuf,
    /// Only these; empty: all.
    pub environments: Vec<EnvironmentName>,
    /// A tag for the last commit.
    pub tag: Option<String>,
    /// Whether to push to the remote, where there is one.
    pub push: bool,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GitExportReport {
    pub commits: Vec<GitCommit>,
    /// Snapshots in which nothing had changed.
    pub unchanged: usize,
    /// Snapshots that the history has already.
    pub known: usize,
    /// Files that could not be read, and why.
    pub problems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<String>,
    /// Why it was not pushed although there is a remote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_pushed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GitCommit {
    pub snapshot: String,
    pub subject: String,
    pub author: String,
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum GitExportError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path} cannot be written: {why}")]
    Write { path: String, why: std::io::Error },
}

/// The beginning of a line in a commit's message, by which the next run knows the commit.
const TRAILER: &str = "Snapshot: ";

/// Commits every snapshot that the history lacks, oldest first.
///
/// # Errors
/// Where the folder cannot hold the history, `git` fails, or the store cannot be listed.
pub async fn run(
    store: &Store,
    options: &GitExportOptions,
    events: &Events,
) -> Result<GitExportReport, GitExportError> {
    let git = Git::open(&options.folder).await?;
    let known = git.trailers(TRAILER).await?;
    let mut report = GitExportReport::default();
    let all = store.manifests().await?;
    let mut snapshots = Vec::new();
    for (path, manifest) in all {
        match manifest {
            Ok(m) if !matches!(m.purpose, Purpose::Backup { .. }) => {}
            Ok(m)
                if !options.environments.is_empty()
                    && !options.environments.contains(&m.environment) => {}
            Ok(m) => snapshots.push(m),
            Err(e) => report.problems.push(format!("{path}: {e}")),
        }
    }
    // All snapshots up to the last that has a commit are in the history, whether they changed
    // anything or not. An old export that was imported since cannot be put into the past.
    let name = |m: &Manifest| format!("{}/{}", m.environment, m.id);
    let mut ahead: HashMap<EnvironmentName, usize> = HashMap::new();
    for (i, manifest) in snapshots.iter().enumerate().filter(|(_, m)| known.contains(&name(m))) {
        ahead.insert(manifest.environment.clone(), i + 1);
    }
    events.send(Progress::Total { count: snapshots.len() });
    let mut states: HashMap<EnvironmentName, Manifest> = HashMap::new();
    let mut written = WrittenFiles::default();
    // Snapshots go in the order of time over all environments, so that the log reads as it
    // happened.
    for (i, manifest) in snapshots.into_iter().enumerate() {
        let name = name(&manifest);
        let before = states.remove(&manifest.environment);
        let state = merged(before.as_ref(), &manifest);
        events.send(Progress::Done { what: name.clone(), bytes: 0 });
        if i < ahead.get(&manifest.environment).copied().unwrap_or(0) {
            report.known += 1;
        } else {
            spread(store, &options.folder, &state, &mut written, &mut report).await?;
            match commit(store, &git, before.as_ref(), &manifest, &state).await? {
                Some(committed) => report.commits.push(GitCommit { snapshot: name, ..committed }),
                None => report.unchanged += 1,
            }
        }
        states.insert(manifest.environment.clone(), state);
    }
    if let Some(tag) = &options.tag {
        git.tag(tag).await?;
    }
    if options.push {
        match git.push(options.tag.is_some()).await {
            Ok(pushed) => report.pushed = pushed,
            Err(e) => report.not_pushed = Some(e.to_string()),
        }
    }
    Ok(report)
}

/// What is known of an environment after a snapshot. An export of chosen artifacts says nothing of
/// the others, and a kind that could not be listed stays as it was.
fn merged(before: Option<&Manifest>, manifest: &Manifest) -> Manifest {
    let mut state = manifest.clone();
    let listed: BTreeSet<ArtifactKey> = manifest.entries.iter().map(ManifestEntry::key).collect();
    let stays = |e: &&ManifestEntry| !listed.contains(&e.key()) && !manifest.says_gone(&e.key());
    state.entries.extend(before.iter().flat_map(|b| &b.entries).filter(stays).cloned());
    state.entries.sort_by_key(ManifestEntry::key);
    state
}

/// What this run has written: folder -> the file that it shows, as the store names it.
#[derive(Debug, Default)]
struct WrittenFiles(HashMap<(EnvironmentName, String), (String, Status)>);

/// Commits a snapshot; none where nothing changed.
async fn commit(
    store: &Store,
    git: &Git,
    before: Option<&Manifest>,
    manifest: &Manifest,
    state: &Manifest,
) -> Result<Option<GitCommit>, GitExportError> {
    if !git.stage(manifest.environment.as_str()).await? {
        return Ok(None);
    }
    let differences = match before {
        Some(before) => {
            snapshot_changes::explain(store, snapshot_changes::between(before, state)).await
        }
        None => Vec::new(),
    };
    let subject = subject(manifest, before.is_some(), &differences);
    let author = author(&differences);
    let body: String = differences.iter().map(|d| format!("{}\n", d.line())).collect();
    let body = if body.is_empty() { body } else { format!("{body}\n") };
    let message = format!("{subject}\n\n{body}{TRAILER}{}/{}\n", manifest.environment, manifest.id);
    git.commit(&Commit { message, author: author.clone(), time: manifest.started }).await?;
    Ok(Some(GitCommit { snapshot: String::new(), subject, author: author.unwrap_or_default() }))
}

fn subject(manifest: &Manifest, has_before: bool, differences: &[ArtifactChange]) -> String {
    let when = short_date(manifest.started);
    let label = manifest.label();
    let label = if label.is_empty() { String::new() } else { format!(" ({})", visible(&label)) };
    if !has_before {
        let count = crate::model::plural(manifest.entries.len(), "artifact");
        return format!("{} {when}{label}: first snapshot, {count}", manifest.environment);
    }
    let mut counts: Vec<(snapshot_changes::ArtifactChangeKind, usize)> = Vec::new();
    for difference in differences {
        match counts.iter_mut().find(|(what, _)| *what == difference.what) {
            Some((_, n)) => *n += 1,
            None => counts.push((difference.what, 1)),
        }
    }
    let told = match differences {
        [one] => one.line(),
        _ => counts
            .iter()
            .map(|(what, n)| format!("{n} {}", what.label()))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let told = if told.is_empty() { "written differently".into() } else { told };
    format!("{} {when}{label}: {told}", manifest.environment)
}

/// The person who last updated everything that changed; none where there are several. Packages and
/// schedules do not say who.
fn author(differences: &[ArtifactChange]) -> Option<String> {
    let people: BTreeSet<&str> = differences.iter().filter_map(|d| d.by.as_deref()).collect();
    let mut people = people.into_iter();
    people.next().filter(|_| people.next().is_none()).map(str::to_owned)
}

/// Writes the artifacts that differ from what lies in the folder, and removes those that are gone.
async fn spread(
    store: &Store,
    folder: &Path,
    state: &Manifest,
    written: &mut WrittenFiles,
    report: &mut GitExportReport,
) -> Result<(), GitExportError> {
    let root = folder.join(state.environment.as_str());
    let mut wanted: BTreeMap<String, &ManifestEntry> = BTreeMap::new();
    for entry in &state.entries {
        wanted.insert(place(entry, &state.entries), entry);
    }
    let shows = |entry: &ManifestEntry| (entry.path.clone(), entry.status.clone());
    let key = |place: &str| (state.environment.clone(), place.to_owned());
    let is_new = |(place, entry): &(&String, &&ManifestEntry)| {
        written.0.get(&key(place)) != Some(&shows(entry))
    };
    let new: Vec<_> = wanted.iter().filter(is_new).map(|(_, e)| (*e).clone()).collect();
    let mut opened = std::pin::pin!(open_stored(store, new));
    while let Some((entry, opened)) = opened.next().await {
        match opened {
            Ok(unpacked) => {
                let place = place(&entry, &state.entries);
                replace(&root.join(&place), &readable::texts(&entry, &unpacked))?;
                written.0.insert(key(&place), shows(&entry));
            }
            Err(why) => report.problems.push(format!("{}: {why}", entry.path)),
        }
    }
    for gone in folders(&root).into_iter().filter(|f| !wanted.contains_key(f)) {
        let path = root.join(&gone);
        std::fs::remove_dir_all(&path)
            .map_err(|why| GitExportError::Write { path: path.display().to_string(), why })?;
        written.0.remove(&(state.environment.clone(), gone));
    }
    Ok(())
}

/// The folder of an artifact: `integrations/SYNC`, in a project `integrations/PEOPLE_CORE.SYNC`. Of
/// several versions, the one that runs, else the highest, has the code's own folder, so that a new
/// version shows as a change.
fn place(entry: &ManifestEntry, all: &[ManifestEntry]) -> String {
    let name = readable::file_name(entry);
    let siblings = all
        .iter()
        .filter(|e| (e.kind, &e.scope, &e.code) == (entry.kind, &entry.scope, &entry.code));
    let first = siblings.max_by_key(|e| precedence(&e.status, e.version));
    match entry.version {
        Some(version) if first.is_some_and(|f| f.version != entry.version) => {
            format!("{}/{name}@{version}", entry.kind.folder())
        }
        _ => format!("{}/{name}", entry.kind.folder()),
    }
}

/// Makes a folder hold these files and no others.
fn replace(folder: &Path, texts: &readable::Texts) -> Result<(), GitExportError> {
    let fail = |path: &Path| {
        let path = path.display().to_string();
        move |why| GitExportError::Write { path, why }
    };
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(fail(folder))?;
    }
    for (name, text) in texts {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(fail(parent))?;
        // The work tree can be made anew at any time, so there is no need to wait for the disk.
        std::fs::write(&path, text).map_err(fail(&path))?;
    }
    Ok(())
}

/// The folders of artifacts below an environment's folder, as `kind/name`.
fn folders(root: &Path) -> Vec<String> {
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter(|e| e.path().is_dir())
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect()
    };
    let kinds = names(root);
    let inside = |kind: &String| {
        names(&root.join(kind)).into_iter().map(|n| format!("{kind}/{n}")).collect::<Vec<_>>()
    };
    kinds.iter().flat_map(inside).collect()
}
