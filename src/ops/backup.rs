//! Backup: a snapshot of an environment, or of chosen artifacts of it (an export).
//!
//! Only what changed is downloaded. What fails is reported and the rest is kept; when it is stopped, what
//! was taken so far is committed as a partial snapshot.

use std::collections::HashSet;

use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    events::{Events, Progress},
    source::read_iar,
};
use crate::archive::{Iar, Secret};
use crate::model::{
    Entry, EnvironmentName, Failure, IntegrationId, Kind, Manifest, Purpose, Skipped, SnapshotId, Status, Version,
};
use crate::oic::{Client, Integration, OicError};
use crate::store::{Index, Store, StoreError, StoredVersion, snapshot_id};

/// While this many are read and written to disk, the others keep every call that is allowed busy: the client
/// itself holds to the limit of calls.
const WRITERS: usize = 6;

/// What to take.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only these; empty: all.
    pub chosen: Vec<IntegrationId>,
    /// Only codes and names that match, as `/` would (see `search`).
    pub filter: Option<String>,
}

impl Scope {
    fn is_selection(&self) -> bool {
        !self.chosen.is_empty() || self.filter.is_some()
    }
}

/// What a backup will do.
#[derive(Debug, Clone)]
pub struct Plan {
    pub environment: EnvironmentName,
    download: Vec<Integration>,
    unchanged: Vec<Entry>,
    skipped: Vec<Skipped>,
    selection: bool,
}

/// What a backup did.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub environment: EnvironmentName,
    /// The snapshot; none where nothing could be taken.
    pub id: Option<SnapshotId>,
    pub downloaded: usize,
    pub unchanged: usize,
    pub skipped: Vec<Skipped>,
    pub failed: Vec<Failure>,
    /// Secrets that archives taken now carry; they are kept as they are.
    pub secrets: Vec<Carried>,
    /// It was stopped before it was done.
    pub interrupted: bool,
}

/// A secret in an archive: where and what, never its value.
#[derive(Debug, Clone, Serialize)]
pub struct Carried {
    pub code: String,
    pub version: Version,
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

impl Plan {
    pub fn downloads(&self) -> usize {
        self.download.len()
    }
}

/// Sorts what is there into what must be downloaded and what the store has.
///
/// # Errors
/// Where the list cannot be read.
pub async fn plan(client: &Client, store: &Store, index: &Index, scope: &Scope) -> Result<Plan, BackupError> {
    let listed = client.integrations().await?;
    let files = store.files(client.name()).await?;
    Ok(sort(client.name(), listed, index, &files, scope))
}

fn sort(
    environment: &EnvironmentName,
    listed: Vec<Integration>,
    index: &Index,
    files: &HashSet<String>,
    scope: &Scope,
) -> Plan {
    let mut plan = Plan {
        environment: environment.clone(),
        download: vec![],
        unchanged: vec![],
        skipped: vec![],
        selection: scope.is_selection(),
    };
    let matcher = scope.filter.as_deref().map(crate::search::Query::new);
    for found in listed {
        let chosen = scope.chosen.is_empty() || scope.chosen.contains(&found.id);
        let matches = matcher.as_ref().is_none_or(|m| m.matches(&found.id.code, &found.name));
        if !chosen || !matches {
            continue;
        }
        let skip = |reason: String| Skipped { code: found.id.code.clone(), version: found.id.version, reason };
        if found.prebuilt {
            plan.skipped.push(skip("prebuilt: Oracle's own, cannot be exported".into()));
            continue;
        }
        let there = found.last_updated.and_then(|updated| index.unchanged(environment, &found.id, updated));
        match there.filter(|v| files.contains(&v.path)) {
            Some(version) => plan.unchanged.push(unchanged_entry(version, &found)),
            None => plan.download.push(found),
        }
    }
    plan
}

fn unchanged_entry(version: &StoredVersion, live: &Integration) -> Entry {
    Entry {
        kind: Kind::Integration,
        code: live.id.code.clone(),
        version: live.id.version,
        name: live.name.clone(),
        status: live.status.clone(),
        last_updated: live.last_updated,
        last_updated_by: live.last_updated_by.clone(),
        path: version.path.clone(),
        size: version.size,
        sha256: version.sha256.clone(),
        fingerprint: version.fingerprint,
        rules: version.rules,
        flow: version.flow,
    }
}

/// What became of one integration.
enum Taken {
    Kept(Box<Entry>, Vec<Secret>),
    Skipped(Skipped),
    Failed(Failure),
    /// The store itself failed: nothing more can be kept.
    StoreBroken(StoreError),
}

/// Downloads, keeps, and commits the snapshot.
///
/// # Errors
/// Where the store cannot be written; what was committed before is untouched.
pub async fn run(
    client: &Client,
    store: &Store,
    index: &Index,
    plan: Plan,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Outcome, BackupError> {
    let started = Timestamp::now();
    events.send(Progress::Total { count: plan.download.len() });
    let mut outcome = Outcome {
        environment: plan.environment.clone(),
        id: None,
        downloaded: 0,
        unchanged: plan.unchanged.len(),
        skipped: plan.skipped,
        failed: vec![],
        secrets: vec![],
        interrupted: false,
    };
    let mut entries = plan.unchanged;
    let work = futures::stream::iter(plan.download)
        .map(|found| take(client, store, index, found))
        .buffer_unordered(client.environment().concurrency + WRITERS);
    gather(work, &mut entries, &mut outcome, events, cancel).await?;
    if entries.is_empty() && (outcome.interrupted || !outcome.failed.is_empty()) {
        return Ok(outcome);
    }
    entries.sort_by(|a, b| (&a.code, a.version).cmp(&(&b.code, b.version)));
    let manifest = Manifest {
        format: Manifest::FORMAT,
        id: snapshot_id(started),
        environment: plan.environment,
        started,
        finished: Timestamp::now(),
        purpose: Purpose::Backup { partial: outcome.interrupted, selection: plan.selection },
        entries,
        skipped: outcome.skipped.clone(),
        failed: outcome.failed.clone(),
    };
    store.write_manifest(&manifest).await?;
    outcome.id = Some(manifest.id);
    Ok(outcome)
}

/// Takes in what comes, until all is there or a person stops it.
async fn gather(
    work: impl futures::Stream<Item = Taken>,
    entries: &mut Vec<Entry>,
    outcome: &mut Outcome,
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
        match taken {
            Taken::Kept(entry, secrets) => {
                let carried = |secret| Carried { code: entry.code.clone(), version: entry.version, secret };
                outcome.secrets.extend(secrets.into_iter().map(carried));
                events.send(Progress::Done { what: entry.code.clone(), bytes: entry.size });
                outcome.downloaded += 1;
                entries.push(*entry);
            }
            Taken::Skipped(skipped) => outcome.skipped.push(skipped),
            Taken::Failed(failure) => {
                events.send(Progress::Failed { what: failure.code.clone(), why: failure.error.clone() });
                outcome.failed.push(failure);
            }
            Taken::StoreBroken(error) => return Err(error.into()),
        }
    }
}

async fn take(client: &Client, store: &Store, index: &Index, found: Integration) -> Taken {
    let fail = |error: String| Taken::Failed(Failure { code: found.id.code.clone(), version: found.id.version, error });
    let exported = Timestamp::now();
    let bytes = match client.archive(&found.id).await {
        Ok(bytes) => bytes,
        Err(e) if e.status() == Some(423) => {
            let (code, version) = (found.id.code.clone(), found.id.version);
            return Taken::Skipped(Skipped { code, version, reason: format!("locked: {}", e.kind) });
        }
        Err(e) => return fail(e.to_string()),
    };
    match check(&found.id, &bytes).await {
        Ok(iar) => match keep(client.name(), store, index, &found, &iar, bytes, exported).await {
            Ok(entry) => Taken::Kept(Box::new(entry), iar.secrets),
            Err(e) => Taken::StoreBroken(e),
        },
        Err(why) => fail(format!("the export is not kept: {why}")),
    }
}

/// An archive that cannot be read back, or is of another integration, is no backup.
async fn check(id: &IntegrationId, bytes: &Bytes) -> Result<Iar, String> {
    let iar = read_iar(bytes.clone()).await?;
    if iar.id != *id {
        return Err(format!("it is of {}", iar.id));
    }
    Ok(iar)
}

async fn keep(
    environment: &EnvironmentName,
    store: &Store,
    index: &Index,
    found: &Integration,
    iar: &Iar,
    bytes: Bytes,
    exported: Timestamp,
) -> Result<Entry, StoreError> {
    let same = |v: &&StoredVersion| v.version == found.id.version && v.fingerprint == iar.meaning.whole;
    if let Some(version) = index.history(environment, Kind::Integration, &found.id.code).find(same)
        && store.has(&version.path).await
    {
        return Ok(unchanged_entry(version, found));
    }
    let written = store.write_archive(environment, iar, bytes, exported).await?;
    let status: Status = found.status.clone();
    let (last_updated, last_updated_by) = (found.last_updated, found.last_updated_by.clone());
    Ok(Entry { status, last_updated, last_updated_by, ..crate::store::entry(&found.id, iar, written) })
}
