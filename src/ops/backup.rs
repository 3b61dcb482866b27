//! Backup: a snapshot of an environment, or of chosen artifacts of it (an export).
//!
//! Only what changed is downloaded. What fails is reported and the rest is kept. When a backup is
//! stopped, what was taken so far is committed as a partial snapshot. When it is killed, the next
//! backup finds what was taken in its checkpoints.

mod checkpoint;
mod coverage;
mod inventory;
mod recheck;
mod run;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::inventory::{Inventory, InventoryItem, Retrieval};
use self::recheck::Recheck;
use crate::archive::Secret;
use crate::model::{
    ArtifactKey, CoverageGap, EnvironmentName, ExportFailure, InstanceExport, Kind, ManifestEntry,
    Scope, SkippedArtifact, SnapshotId, UnlistedKind,
};
use crate::oic::{Client, OicError};
use crate::store::{Index, Store, StoreError};
use crate::workspace::events::Events;

pub use coverage::not_seen;
pub use run::run;

/// What to take, and under what name.
#[derive(Debug, Clone, Default)]
pub struct BackupSelection {
    /// Only these; empty: all.
    pub chosen: Vec<ArtifactKey>,
    /// Only these kinds; empty: all.
    pub kinds: Vec<Kind>,
    /// Only codes and names that match, as `/` would (see `search`).
    pub filter: Option<String>,
    pub tags: Vec<String>,
    /// What the snapshot is taken before: `deploy 4711`.
    pub before: Option<String>,
}

impl BackupSelection {
    fn is_selection(&self) -> bool {
        !self.chosen.is_empty() || !self.kinds.is_empty() || self.filter.is_some()
    }

    /// The kinds that must be looked at.
    fn wanted_kinds(&self) -> Vec<Kind> {
        let wanted = |k: &Kind| {
            let chosen = self.chosen.is_empty() || self.chosen.iter().any(|c| c.kind == *k);
            chosen && (self.kinds.is_empty() || self.kinds.contains(k))
        };
        Kind::ALL.into_iter().filter(wanted).collect()
    }

    /// Whether an artifact is to be taken.
    fn taken(&self) -> impl Fn(&InventoryItem) -> bool {
        let matcher = self.filter.as_deref().map(crate::search::Query::new);
        move |found| {
            let chosen = self.chosen.is_empty() || self.chosen.contains(&found.key);
            let kind = self.kinds.is_empty() || self.kinds.contains(&found.key.kind);
            chosen
                && kind
                && matcher
                    .as_ref()
                    .is_none_or(|m| m.matches(&found.key.name().scoped_code(), &found.name))
        }
    }
}

/// What a backup will do.
#[derive(Debug)]
pub struct BackupPlan {
    pub environment: EnvironmentName,
    take: Vec<InventoryItem>,
    unchanged: Vec<ManifestEntry>,
    skipped: Vec<SkippedArtifact>,
    failed: Vec<ExportFailure>,
    unseen: Vec<UnlistedKind>,
    selection: bool,
    tags: Vec<String>,
    before: Option<String>,
    /// The time of the snapshot. It is never before that of the newest one in the store: a clock
    /// that was set back must not turn the order round.
    started: Timestamp,
    /// What a person should know before trusting the times.
    notes: Vec<String>,
    /// Integrations with changes that somebody has not saved, each with who has them.
    unsaved: Vec<String>,
    /// What the store has and is not what was saved.
    recheck: Recheck,
}

/// What a backup did.
#[derive(Debug, Clone, Serialize)]
pub struct BackupOutcome {
    pub environment: EnvironmentName,
    /// The snapshot; none where nothing could be taken.
    pub id: Option<SnapshotId>,
    /// Archives that were exported.
    pub downloaded: usize,
    /// Artifacts without an archive that were read: connections, certificates, agent groups,
    /// schedules.
    pub described: usize,
    pub unchanged: usize,
    pub skipped: Vec<SkippedArtifact>,
    pub failed: Vec<ExportFailure>,
    /// Kinds that could not be listed, and why.
    pub unseen: Vec<UnlistedKind>,
    /// What the snapshot does not hold, and why: its coverage. Of chosen artifacts only what could
    /// not be listed.
    pub not_held: Vec<CoverageGap>,
    /// The newest export of the whole instance: a further net beside the snapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_export: Option<Box<InstanceExport>>,
    /// Secrets that archives taken now carry; they are kept as they are.
    pub secrets: Vec<CarriedSecret>,
    pub notes: Vec<String>,
    /// Whether the backup was stopped before it was done.
    pub interrupted: bool,
}

/// A secret in an archive: where and what, never its value.
#[derive(Debug, Clone, Serialize)]
pub struct CarriedSecret {
    #[serde(flatten)]
    pub artifact: ArtifactKey,
    #[serde(flatten)]
    pub secret: Secret,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{oic}\n  → {advice}", oic = .0, advice = .0.advice())]
    Oic(#[from] OicError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupPlan {
    /// How many of the artifacts to take have an archive to download.
    pub fn downloads(&self) -> usize {
        self.take.iter().filter(|f| f.key.kind.has_archive()).count()
    }
}

/// Takes a backup: makes a plan and carries it out at once.
///
/// # Errors
/// As [`plan`] and [`run()`].
pub async fn take(
    client: &Client,
    store: &Store,
    index: &Index,
    selection: &BackupSelection,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<BackupOutcome, BackupError> {
    let plan = plan(client, store, index, selection).await?;
    run(client, store, index, plan, events, cancel).await
}

/// Sorts what the environment has into what must be taken and what the store has.
///
/// # Errors
/// Where the integrations cannot be listed. If another kind cannot be listed, the plan says so.
pub async fn plan(
    client: &Client,
    store: &Store,
    index: &Index,
    scope: &BackupSelection,
) -> Result<BackupPlan, BackupError> {
    let inventory = Inventory::read(client, &scope.wanted_kinds()).await?;
    let files = store.files(client.name()).await?;
    let checkpoints = store.checkpoints(Some(client.name())).await?;
    let name = client.name();
    let (started, notes) = start(index.latest(name), Timestamp::now());
    let mut plan = BackupPlan {
        environment: name.clone(),
        take: vec![],
        unchanged: vec![],
        skipped: vec![],
        failed: inventory.failed,
        unseen: inventory.unseen,
        selection: scope.is_selection(),
        tags: scope.tags.clone(),
        before: scope.before.clone(),
        started,
        notes,
        unsaved: vec![],
        recheck: Recheck::default(),
    };
    let days = client.environment().recheck_days;
    let recheck = Recheck::begin(store, name, days, index.latest_snapshot(name), started).await?;
    let known =
        Known { index, checkpoints: &checkpoints, files: &files, environment: name, recheck };
    let taken = scope.taken();
    let relied_on = inventory.found.iter().filter(|f| taken(f));
    let relied_on: Vec<ManifestEntry> =
        relied_on.filter_map(|found| known.unchanged(found).cloned()).collect();
    known.recheck.read(store, relied_on).await;
    plan.unsaved = inventory.found.iter().filter(|f| taken(f)).filter_map(unsaved).collect();
    let (parts, files): (Vec<InventoryItem>, Vec<InventoryItem>) =
        inventory.found.into_iter().partition(|f| matches!(f.how, Retrieval::Member));
    let mut parts_of: BTreeMap<Scope, Vec<InventoryItem>> = BTreeMap::new();
    for part in parts.into_iter().filter(&taken) {
        parts_of.entry(part.key.scope.clone()).or_default().push(part);
    }
    for found in files {
        let inside = Scope::of_project(found.key.code.as_str());
        let parts = match found.key.kind {
            Kind::Project => parts_of.remove(&inside).unwrap_or_default(),
            _ => Vec::new(),
        };
        // A project that nobody asked for is taken for an integration of it that somebody did.
        if taken(&found) || !parts.is_empty() {
            plan.sort_in(found, parts, &known);
        }
    }
    // Integrations of a project that is not listed: it may have come or gone while it was listed.
    for part in parts_of.into_values().flatten() {
        let error = "its project is not in the list of projects".to_owned();
        plan.failed.push(ExportFailure { artifact: part.key, error });
    }
    plan.recheck = known.recheck;
    Ok(plan)
}

/// An integration with changes that somebody has not saved, and who has them.
fn unsaved(found: &InventoryItem) -> Option<String> {
    let who = found.state.unsaved_by.as_ref()?;
    Some(match who.is_empty() {
        true => found.key.to_string(),
        false => format!("{} ({who})", found.key),
    })
}

/// What the store has already.
struct Known<'a> {
    index: &'a Index,
    checkpoints: &'a [ManifestEntry],
    /// Sizes by path.
    files: &'a HashMap<String, u64>,
    environment: &'a EnvironmentName,
    recheck: Recheck,
}

impl<'a> Known<'a> {
    /// The stored file of an artifact of which the list says the same as when it was taken.
    fn unchanged(&self, found: &InventoryItem) -> Option<&'a ManifestEntry> {
        if !found.tells_changes() {
            return None;
        }
        let (updated, revision) = (found.state.last_updated, found.revision.as_deref());
        let stored = self.index.unchanged(self.environment, &found.key, updated, revision);
        let in_checkpoint = |e: &&ManifestEntry| {
            e.key() == found.key && e.last_updated == updated && e.revision == found.revision
        };
        stored
            .map(|v| &v.entry)
            .or_else(|| self.checkpoints.iter().find(in_checkpoint))
            .filter(|entry| self.files.get(&entry.path) == Some(&entry.size))
            .filter(|entry| !self.recheck.is_damaged(&entry.path))
    }

    /// The entries of a project's integrations that its stored file holds, and of its libraries,
    /// which have files of their own; none where one of them is not known to be there, as in what
    /// older releases kept.
    fn parts(&self, file: &ManifestEntry, parts: &[InventoryItem]) -> Option<Vec<ManifestEntry>> {
        let held = |part: &InventoryItem| {
            if part.key.kind == Kind::Library {
                return Some(part.entry_like(self.unchanged(part)?));
            }
            let fits = |e: &&ManifestEntry| {
                e.key() == part.key && e.path == file.path && e.rules == crate::archive::RULES
            };
            let name = part.key.name();
            let mut stored = self.index.history(self.environment, &name).map(|v| &v.entry);
            let entry = stored.find(fits).or_else(|| self.checkpoints.iter().find(fits))?;
            Some(part.entry_like(entry))
        };
        parts.iter().map(held).collect()
    }
}

impl BackupPlan {
    /// Puts a file and the integrations in it where they belong: left out, unchanged or to take.
    fn sort_in(&mut self, mut found: InventoryItem, parts: Vec<InventoryItem>, known: &Known<'_>) {
        if found.state.prebuilt {
            self.skip_prebuilt(found.key);
            parts.into_iter().for_each(|part| self.skip_prebuilt(part.key));
            return;
        }
        let entry = known.unchanged(&found);
        let held = entry.and_then(|file| known.parts(file, &parts));
        match (entry, held) {
            (Some(entry), Some(held)) => {
                self.unchanged.push(found.entry_like(entry));
                self.unchanged.extend(held);
            }
            _ => {
                found.parts = parts;
                self.take.push(found);
            }
        }
    }

    fn skip_prebuilt(&mut self, artifact: ArtifactKey) {
        let skipped = SkippedArtifact::new(artifact, "prebuilt: Oracle's own, cannot be exported");
        self.skipped.push(SkippedArtifact { prebuilt: true, ..skipped });
    }
}

/// When the snapshot begins, and a note where that is not the present time.
fn start(latest: Option<Timestamp>, now: Timestamp) -> (Timestamp, Vec<String>) {
    match latest.filter(|latest| *latest >= now) {
        None => (now, vec![]),
        Some(latest) => {
            let after = latest.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(latest);
            let note = format!(
                "this machine's clock ({now}) is behind the last snapshot ({latest}): the new one \
                    is dated after it; check the clock"
            );
            (after, vec![note])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_does_not_turn_the_order_round() {
        let time = |s: i64| Timestamp::from_second(1_780_000_000 + s).unwrap();
        assert_eq!(start(None, time(0)), (time(0), vec![]));
        assert_eq!(start(Some(time(-5)), time(0)).0, time(0));
        let (after, notes) = start(Some(time(3600)), time(0));
        assert_eq!(after, time(3601));
        assert!(notes[0].contains("clock"));
    }
}
