//! Writes a Git history of the store with the person's own `git`: each snapshot is spread out as
//! text and is one commit. What changed in meaning stands in the message. Only files that a list in
//! the tree names are written over or taken away.

mod history;
mod own_files;
mod program;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
};

use futures::StreamExt;
use serde::Serialize;

use super::{
    readable,
    snapshot_changes::{self, ArtifactChange},
};
use crate::model::{
    ArtifactKey, EnvironmentName, Manifest, ManifestEntry, Purpose, precedence, short_date, visible,
};
use crate::store::{Store, StoreError};
use crate::workspace::{
    events::{Events, Progress},
    source::open_stored,
};
use history::{Commit, FileChange};
use program::Git;
pub use program::GitError;
use tree::Tree;

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
}

/// The beginning of a line in a commit's message, by which the next run knows the commit.
const TRAILER: &str = "Snapshot: ";

/// Commits every snapshot that the history lacks, oldest first. Where an earlier run ended in the
/// middle, what it left is brought to its end first.
///
/// # Errors
/// Where the folder cannot hold the history, `git` fails, the store cannot be listed, or a file
/// that is not this program's own stands in the place of one.
pub async fn run(
    store: &Store,
    options: &GitExportOptions,
    events: &Events,
) -> Result<GitExportReport, GitExportError> {
    let git = Git::open(&options.folder).await?;
    let known = git.trailers(TRAILER).await?;
    let mut report = GitExportReport::default();
    let snapshots = snapshots(store, options, &mut report).await?;
    let mut tree = Tree::open(&git, &known).await?;
    let result = write(store, &mut tree, snapshots, (&known, events), &mut report).await;
    // What was written before a failure is kept and shown.
    tree.finish().await?;
    result?;
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

/// The backups that are wanted, oldest first; what cannot be read is a problem of the report.
async fn snapshots(
    store: &Store,
    options: &GitExportOptions,
    report: &mut GitExportReport,
) -> Result<Vec<Manifest>, StoreError> {
    let mut snapshots = Vec::new();
    for (path, manifest) in store.manifests().await? {
        match manifest {
            Ok(m) if !matches!(m.purpose, Purpose::Backup { .. }) => {}
            Ok(m)
                if !options.environments.is_empty()
                    && !options.environments.contains(&m.environment) => {}
            Ok(m) => snapshots.push(m),
            Err(e) => report.problems.push(format!("{path}: {e}")),
        }
    }
    store.add_members(&mut snapshots).await;
    Ok(snapshots)
}

/// A snapshot's name in the history.
fn name_of(manifest: &Manifest) -> String {
    format!("{}/{}", manifest.environment, manifest.id)
}

/// Writes a commit for each snapshot that is not known and in which something changed.
async fn write(
    store: &Store,
    tree: &mut Tree<'_>,
    snapshots: Vec<Manifest>,
    (known, events): (&HashSet<String>, &Events),
    report: &mut GitExportReport,
) -> Result<(), GitExportError> {
    // All snapshots up to the last that has a commit are in the history, whether they changed
    // anything or not. An old export that was imported since cannot be put into the past.
    let mut ahead: HashMap<EnvironmentName, usize> = HashMap::new();
    for (i, manifest) in snapshots.iter().enumerate().filter(|(_, m)| known.contains(&name_of(m))) {
        ahead.insert(manifest.environment.clone(), i + 1);
    }
    events.send(Progress::Total { count: snapshots.len() });
    let mut states: HashMap<EnvironmentName, Manifest> = HashMap::new();
    // Snapshots go in the order of time over all environments, so that the log reads as it
    // happened.
    for (i, manifest) in snapshots.into_iter().enumerate() {
        let name = name_of(&manifest);
        let before = states.remove(&manifest.environment);
        let state = merged(before.as_ref(), &manifest);
        events.send(Progress::Done { what: name.clone(), bytes: 0 });
        if i < ahead.get(&manifest.environment).copied().unwrap_or(0) {
            report.known += 1;
        } else {
            let changes = spread(store, tree, &state, report).await?;
            if changes.is_empty() {
                report.unchanged += 1;
            } else {
                let (commit, told) = describe(store, before.as_ref(), &manifest, &state).await;
                tree.commit(&manifest.environment, &commit, changes).await?;
                report.commits.push(told);
            }
        }
        states.insert(manifest.environment.clone(), state);
    }
    Ok(())
}

/// What is known of an environment after a snapshot. An export of chosen artifacts says nothing of
/// the others, and a kind that could not be listed stays as it was.
fn merged(before: Option<&Manifest>, manifest: &Manifest) -> Manifest {
    let mut state = manifest.clone();
    let listed: BTreeSet<ArtifactKey> = manifest.entries.iter().map(ManifestEntry::key).collect();
    let visibility = manifest.visibility();
    let stays = |e: &&ManifestEntry| !listed.contains(&e.key()) && !visibility.says_gone(&e.key());
    state.entries.extend(before.iter().flat_map(|b| &b.entries).filter(stays).cloned());
    state.entries.sort_by_key(ManifestEntry::key);
    state
}

/// The commit of a snapshot, and what is told of it.
async fn describe(
    store: &Store,
    before: Option<&Manifest>,
    manifest: &Manifest,
    state: &Manifest,
) -> (Commit, GitCommit) {
    let differences = match before {
        Some(before) => {
            snapshot_changes::explain(store, snapshot_changes::between(before, state)).await
        }
        None => Vec::new(),
    };
    let subject = subject(manifest, before.is_some(), &differences);
    let author = author(&differences);
    let lines = snapshot_changes::lines(&differences);
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let body = if body.is_empty() { body } else { format!("{body}\n") };
    let name = name_of(manifest);
    let message = format!("{subject}\n\n{body}{TRAILER}{name}\n");
    let commit = Commit { message, author: author.clone(), time: manifest.started };
    (commit, GitCommit { snapshot: name, subject, author: author.unwrap_or_default() })
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

/// What becomes of the files of an environment's artifacts in a snapshot. One that cannot be read
/// stays as it is, and is a problem of the report.
async fn spread(
    store: &Store,
    tree: &mut Tree<'_>,
    state: &Manifest,
    report: &mut GitExportReport,
) -> Result<Vec<FileChange>, GitExportError> {
    let mut wanted: BTreeMap<String, &ManifestEntry> = BTreeMap::new();
    for entry in &state.entries {
        wanted.insert(place(entry, &state.entries), entry);
    }
    let (git, part) = tree.part(&state.environment).await?;
    let shows = |entry: &ManifestEntry| (entry.path.clone(), entry.status.clone());
    let is_new =
        |(place, entry): &(&String, &&ManifestEntry)| part.shown.get(*place) != Some(&shows(entry));
    let new: Vec<_> = wanted.iter().filter(is_new).map(|(_, e)| (*e).clone()).collect();
    let mut changes = Vec::new();
    let mut opened = std::pin::pin!(open_stored(store, new));
    while let Some((entry, opened)) = opened.next().await {
        let unpacked = match opened {
            Ok(unpacked) => unpacked,
            Err(why) => {
                report.problems.push(format!("{}: {why}", entry.path));
                continue;
            }
        };
        let place = place(&entry, &state.entries);
        let texts = readable::texts(&entry, &unpacked);
        changes.extend(part.own.remove_below(&place, |name| texts.contains_key(name)));
        for (name, text) in texts {
            changes.extend(part.own.put(git, &place, &name, text)?);
        }
        part.shown.insert(place, shows(&entry));
    }
    for gone in part.own.places().into_iter().filter(|place| !wanted.contains_key(place)) {
        changes.extend(part.own.remove_below(&gone, |_| false));
        part.shown.remove(&gone);
    }
    Ok(changes)
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
