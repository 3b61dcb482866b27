//! Prune: which snapshots go, and which files nobody needs then.
//!
//! Manifests go first, then files. A crash between the two leaves files that no manifest lists; the
//! next prune takes them. Before files go, a note says which. A backup that is about to commit
//! reads the note and takes anew what it meant to rely on (`Store::being_pruned`); a file that a
//! backup announced itself is not deleted.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    time::{Duration, Instant},
};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::model::{EnvironmentName, Manifest, Purpose, SnapshotId};
use crate::store::{Store, StoreError, StoredFile, is_artifact, is_checkpoint, manifest_path};
use crate::workspace::events::{Events, Progress};

/// The age, in seconds, below which no file goes: a backup under way may not have listed it yet.
const YOUNGEST: i64 = 86_400;

/// How long files are deleted after the note that announced them.
const LONGEST: Duration = Duration::from_secs(1_800);

/// How many snapshots stay, by period: of each period the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    pub last: usize,
    pub hourly: usize,
    pub daily: usize,
    pub weekly: usize,
    pub monthly: usize,
    pub yearly: usize,
    /// Whether all snapshots stay that have a tag or were taken before something.
    pub tagged: bool,
    /// Only these environments; empty: all.
    pub environments: Vec<EnvironmentName>,
}

impl RetentionPolicy {
    /// Whether the policy has no rule that keeps anything.
    pub fn is_empty(&self) -> bool {
        let counts = [self.last, self.hourly, self.daily, self.weekly, self.monthly, self.yearly];
        counts.iter().all(|n| *n == 0) && !self.tagged
    }
}

/// The snapshots and files that a prune would remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrunePlan {
    pub keep: Vec<KeptSnapshot>,
    pub remove: Vec<RemovedSnapshot>,
    /// Files that no snapshot needs once these are removed.
    #[serde(serialize_with = "paths")]
    pub files: Vec<StoredFile>,
    pub bytes: u64,
    /// How many halves of files a killed program left.
    pub halves: usize,
    /// Manifests that cannot be read. While there are some, no file goes: they may list it.
    pub unreadable: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptSnapshot {
    pub environment: EnvironmentName,
    pub id: SnapshotId,
    pub started: Timestamp,
    /// `last, daily 2026-08-15`
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovedSnapshot {
    pub environment: EnvironmentName,
    pub id: SnapshotId,
    pub started: Timestamp,
}

/// What a prune removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PruneOutcome {
    pub snapshots: usize,
    pub files: usize,
    pub bytes: u64,
    /// How many files stay after all: somebody came to need them while this ran, or it took too
    /// long.
    pub spared: usize,
}

/// Plans a prune: looks, and changes nothing.
///
/// # Errors
/// Where the store cannot be listed.
pub async fn plan(store: &Store, policy: &RetentionPolicy) -> Result<PrunePlan, StoreError> {
    let mut manifests = Vec::new();
    let mut unreadable = Vec::new();
    for (path, manifest) in store.manifests().await? {
        match manifest {
            Ok(manifest) => manifests.push(manifest),
            Err(_) => unreadable.push(path),
        }
    }
    let now = store.clock().await?;
    let zone = TimeZone::system();
    let (keep, remove) = choose(&manifests, policy, now, &zone);
    let kept_ids: HashSet<&SnapshotId> = keep.iter().map(|k| &k.id).collect();
    let needed: HashSet<&str> = manifests
        .iter()
        .filter(|m| kept_ids.contains(&m.id))
        .flat_map(|m| &m.entries)
        .map(|e| e.path.as_str())
        .collect();
    let files = match unreadable.is_empty() {
        true => not_needed(store, &needed, policy, now).await?,
        false => Vec::new(),
    };
    let bytes = files.iter().map(|f| f.size).sum();
    Ok(PrunePlan { keep, remove, files, bytes, halves: old_halves(store, now).count(), unreadable })
}

async fn not_needed(
    store: &Store,
    needed: &HashSet<&str>,
    policy: &RetentionPolicy,
    now: i64,
) -> Result<Vec<StoredFile>, StoreError> {
    let in_scope = |path: &str| {
        policy.environments.is_empty()
            || policy.environments.iter().any(|e| path.starts_with(&format!("{e}/")))
    };
    let old = |f: &StoredFile| now - f.modified >= YOUNGEST;
    let all = store.list(None).await?.into_iter();
    let loose = |f: &StoredFile| {
        (is_artifact(&f.path) && !needed.contains(f.path.as_str())) || is_checkpoint(&f.path)
    };
    Ok(all.filter(|f| in_scope(&f.path) && loose(f) && old(f)).collect())
}

/// Sorts snapshots into those that stay, with why, and those that go.
fn choose(
    manifests: &[Manifest],
    policy: &RetentionPolicy,
    now: i64,
    zone: &TimeZone,
) -> (Vec<KeptSnapshot>, Vec<RemovedSnapshot>) {
    let mut by_environment: BTreeMap<&EnvironmentName, Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        by_environment.entry(&manifest.environment).or_default().push(manifest);
    }
    let (mut keep, mut remove) = (Vec::new(), Vec::new());
    for (environment, mut all) in by_environment {
        all.sort_by_key(|m| std::cmp::Reverse(m.started));
        let untouched =
            !policy.environments.is_empty() && !policy.environments.contains(environment);
        let reasons = reasons(&all, policy, now, zone);
        let oldest = all
            .iter()
            .filter(|m| m.is_full() && reasons.contains_key(&m.id))
            .map(|m| m.started)
            .min();
        for manifest in all {
            let mut why = reasons.get(&manifest.id).cloned().unwrap_or_default();
            // An export of chosen artifacts, or a safety export, stays as long as there is a backup
            // from before it.
            if !manifest.is_full() && oldest.is_none_or(|o| manifest.started >= o) {
                why.push(beside(manifest).to_owned());
            }
            if manifest.tags.iter().any(|t| t == Manifest::IMPORTED) {
                why.push(Manifest::IMPORTED.to_owned());
            }
            if untouched {
                why = vec!["another environment".into()];
            }
            let (environment, id, started) =
                (environment.clone(), manifest.id.clone(), manifest.started);
            if why.is_empty() {
                remove.push(RemovedSnapshot { environment, id, started });
            } else {
                keep.push(KeptSnapshot { environment, id, started, reasons: why });
            }
        }
    }
    (keep, remove)
}

fn beside(manifest: &Manifest) -> &'static str {
    match manifest.purpose {
        Purpose::Safety { .. } => "kept before a restore",
        Purpose::Backup { .. } => "chosen artifacts",
    }
}

/// Why snapshots of one environment stay. `all` has them newest first.
fn reasons(
    all: &[&Manifest],
    policy: &RetentionPolicy,
    now: i64,
    zone: &TimeZone,
) -> BTreeMap<SnapshotId, Vec<String>> {
    let mut out: BTreeMap<SnapshotId, Vec<String>> = BTreeMap::new();
    let mut add = |m: &Manifest, why: String| out.entry(m.id.clone()).or_default().push(why);
    let full: Vec<&&Manifest> = all.iter().filter(|m| m.is_full()).collect();
    let periods: [(&str, usize, &str); 5] = [
        ("hourly", policy.hourly, "%F %H"),
        ("daily", policy.daily, "%F"),
        ("weekly", policy.weekly, "%G-W%V"),
        ("monthly", policy.monthly, "%Y-%m"),
        ("yearly", policy.yearly, "%Y"),
    ];
    for (i, manifest) in full.iter().enumerate() {
        if i < policy.last.max(1) {
            add(manifest, "last".into());
        }
        if now - manifest.started.as_second() < YOUNGEST {
            add(manifest, "younger than a day".into());
        }
    }
    for (name, count, format) in periods {
        let mut seen = BTreeSet::new();
        for manifest in &full {
            let period = zone.to_datetime(manifest.started).strftime(format).to_string();
            if seen.len() < count && seen.insert(period.clone()) {
                add(manifest, format!("{name} {period}"));
            }
        }
    }
    for manifest in all {
        if policy.tagged && manifest.is_labelled() {
            add(manifest, manifest.label());
        }
        if !manifest.is_full() && now - manifest.started.as_second() < YOUNGEST {
            add(manifest, "younger than a day".into());
        }
    }
    out
}

/// Removes what the plan says, after another look at what is needed now.
///
/// # Errors
/// Where the store cannot be written; what is gone by then was not needed.
pub async fn run(
    store: &Store,
    plan: &PrunePlan,
    events: &Events,
) -> Result<PruneOutcome, StoreError> {
    let mut outcome = PruneOutcome::default();
    events.send(Progress::Total { count: plan.remove.len() + plan.files.len() });
    let began = Instant::now();
    let going: Vec<String> = plan.files.iter().map(|f| f.path.clone()).collect();
    let note = store.announce_prune(&going).await?;
    for gone in &plan.remove {
        store.delete(&manifest_path(&gone.environment, &gone.id)).await?;
        outcome.snapshots += 1;
        events.send(Progress::Done { what: gone.id.to_string(), bytes: 0 });
    }
    let needed = needed_now(store).await?;
    // A manifest that cannot be read any more may list any file, so no file goes then.
    for file in plan.files.iter().filter(|_| needed.is_some()) {
        // Backups heed the note for an hour. Files that are not deleted in half of it are left to
        // the next prune.
        if needed.as_ref().is_some_and(|n| n.contains(&file.path)) || began.elapsed() > LONGEST {
            outcome.spared += 1;
            continue;
        }
        store.delete(&file.path).await?;
        (outcome.files, outcome.bytes) = (outcome.files + 1, outcome.bytes + file.size);
        events.send(Progress::Done { what: file.path.clone(), bytes: file.size });
    }
    let now = store.clock().await?;
    outcome.files +=
        old_halves(store, now).filter(|half| std::fs::remove_file(half).is_ok()).count();
    store.delete(&note).await?;
    Ok(outcome)
}

/// Halves of files that a killed program left. A younger one may belong to a program that is
/// writing now.
fn old_halves(store: &Store, now: i64) -> impl Iterator<Item = PathBuf> {
    store
        .partial_files()
        .into_iter()
        .filter(move |(_, modified)| now - modified >= YOUNGEST)
        .map(|(path, _)| path)
}

fn paths<S: serde::Serializer>(files: &[StoredFile], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(files.iter().map(|f| &f.path))
}

/// All files on which snapshots, and backups about to commit, rely; none where that cannot be
/// known.
async fn needed_now(store: &Store) -> Result<Option<HashSet<String>>, StoreError> {
    // What was announced is read first, so that what is committed between the two looks is in one
    // of them.
    let announced = store.checkpoints(None).await?;
    let mut needed: HashSet<String> = announced.into_iter().map(|e| e.path).collect();
    for (_, manifest) in store.manifests().await? {
        match manifest {
            Ok(manifest) => needed.extend(manifest.entries.into_iter().map(|e| e.path)),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str, label: Option<&str>) -> Manifest {
        let purpose = Purpose::Backup { partial: false, selection: false };
        let started: Timestamp = time.parse().unwrap();
        let new = Manifest::new(SnapshotId(time.into()), "prod".parse().unwrap(), started, purpose);
        Manifest { before: label.map(str::to_owned), ..new }
    }

    fn kept(manifests: &[Manifest], policy: &RetentionPolicy) -> Vec<String> {
        let now = "2026-03-10T12:00:00Z".parse::<Timestamp>().unwrap().as_second();
        let (keep, _) = choose(manifests, policy, now, &TimeZone::UTC);
        keep.iter().map(|k| format!("{} {}", &k.id.0[5..13], k.reasons.join(", "))).collect()
    }

    #[test]
    fn of_each_period_the_newest_stays() {
        let all = [
            at("2025-12-31T01:00:00Z", None),
            at("2026-02-27T01:00:00Z", None),
            at("2026-03-07T01:00:00Z", Some("deploy 1")),
            at("2026-03-08T01:00:00Z", None),
            at("2026-03-08T13:00:00Z", None),
        ];
        let policy = RetentionPolicy { daily: 2, monthly: 3, ..RetentionPolicy::default() };
        assert_eq!(
            kept(&all, &policy),
            [
                "03-08T13 last, daily 2026-03-08, monthly 2026-03",
                "03-07T01 daily 2026-03-07",
                "02-27T01 monthly 2026-02",
                "12-31T01 monthly 2025-12"
            ]
        );
        let tagged = RetentionPolicy { tagged: true, ..RetentionPolicy::default() };
        assert_eq!(kept(&all, &tagged), ["03-08T13 last", "03-07T01 before deploy 1"]);
    }

    #[test]
    fn what_is_young_or_stands_beside_a_kept_backup_stays() {
        let mut chosen = at("2026-03-09T01:00:00Z", None);
        chosen.purpose = Purpose::Backup { partial: false, selection: true };
        let mut old = at("2026-01-01T01:00:00Z", None);
        old.purpose = Purpose::Safety { run: "r".into() };
        let all = [
            old,
            at("2026-03-08T01:00:00Z", None),
            chosen,
            at("2026-03-10T01:00:00Z", None),
            at("2026-03-10T02:00:00Z", None),
        ];
        let policy = RetentionPolicy { daily: 2, ..RetentionPolicy::default() };
        assert_eq!(
            kept(&all, &policy),
            [
                "03-10T02 last, younger than a day, daily 2026-03-10",
                "03-10T01 younger than a day",
                "03-09T01 chosen artifacts",
                "03-08T01 daily 2026-03-08"
            ]
        );
        let mut imported = at("2024-05-01T01:00:00Z", None);
        imported.purpose = Purpose::Backup { partial: false, selection: true };
        imported.tags.push(Manifest::IMPORTED.into());
        assert_eq!(
            kept(&[imported, all[4].clone()], &policy).len(),
            2,
            "no backup brings it again"
        );
        let other = RetentionPolicy {
            last: 1,
            environments: vec!["dev".parse().unwrap()],
            ..RetentionPolicy::default()
        };
        assert_eq!(kept(&all, &other).len(), 5, "another environment's stay");
    }

    #[test]
    fn a_clock_that_jumped_ahead_does_not_make_everything_old() {
        let all = [at("2026-03-10T11:00:00Z", None), at("2027-01-01T00:00:00Z", None)];
        assert_eq!(
            kept(&all, &RetentionPolicy { last: 1, ..RetentionPolicy::default() }).len(),
            2,
            "the store's own clock counts"
        );
    }
}
