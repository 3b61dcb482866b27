//! The runs recorded in the store: which have not ended, which may still be running, and how one is
//! undone.

use std::collections::BTreeSet;

use futures::StreamExt;
use jiff::Timestamp;

use super::{
    error::{KeptFileError, RunError},
    journal::{FileRef, ItemProgress, Journal, RunOutcome, RunOwner},
    journal_format,
    plan::{PlanItem, Strategy},
    request::{Goal, PayloadArchive, Request, ScheduleChoice, Verb, WantedArtifact},
    survey::KeptDescriptions,
};
use crate::model::{
    ArtifactKey, EnvironmentName, Finding, Kind, RunId, ScheduleParameters, Status, ago,
};
use crate::store::{Store, StoreError};

/// Seconds without a write after which a run counts as cut off, if its process cannot be asked.
const SILENCE: i64 = 90;
/// How many journals are read at once.
const READERS: usize = 16;

/// Somebody's run on the same artifacts that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OngoingRun {
    pub run: RunId,
    pub by: RunOwner,
    pub since: Timestamp,
    pub process: RunProcess,
    /// Whether a person held it, so that it was not cut off.
    pub held: bool,
    pub verb: Verb,
    /// Which of the artifacts that were asked about it works on.
    pub on: BTreeSet<ArtifactKey>,
}

impl OngoingRun {
    /// What a plan says of this other run: a blocker while it lives, else a way to reopen it.
    pub fn finding(&self) -> Finding {
        let RunOwner { user, host, .. } = &self.by;
        let verb = self.verb.label();
        if self.process.is_alive() {
            let what =
                format!("{user} on {host} runs a {verb} of it now, since {}", ago(self.since));
            return Finding::blocker(
                what,
                format!("wait for it to end, or ask {user}; it is {}", self.run),
            );
        }
        let how = if self.held { "is held" } else { "was cut off" };
        let what = format!("a {verb} of it by {user}, begun {}, {how}", ago(self.since));
        Finding::blocker(
            what,
            format!("continue it or undo it first: oicx resume {} (or --undo, --leave)", self.run),
        )
    }
}

/// The process that works on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunProcess {
    /// It works on it now.
    Alive,
    /// The run has ended, or its process has.
    Gone,
}

impl RunProcess {
    /// The process of a run, as the system and the journal's last sign of life tell. Asks the
    /// system.
    pub fn of(journal: &Journal) -> Self {
        let me = RunOwner::me();
        let silent = Timestamp::now().duration_since(journal.beat).as_secs() > SILENCE;
        let works = match (journal.by.host == me.host, journal.by.process == me.process) {
            _ if journal.result.is_some() => false,
            (true, false) => runs(journal.by.process).unwrap_or(!silent),
            (true, true) | (false, _) => !silent,
        };
        if works { Self::Alive } else { Self::Gone }
    }

    /// Whether it works on the run now.
    pub fn is_alive(self) -> bool {
        self == Self::Alive
    }
}

/// Whether this process exists here; none where the system cannot be asked.
#[cfg(unix)]
fn runs(process: u32) -> Option<bool> {
    use nix::{errno::Errno, sys::signal, unistd::Pid};
    match signal::kill(Pid::from_raw(i32::try_from(process).ok()?), None) {
        Ok(()) | Err(Errno::EPERM) => Some(true),
        Err(_) => Some(false),
    }
}

#[cfg(not(unix))]
fn runs(_: u32) -> Option<bool> {
    None
}

/// Every run of the store, newest first; one that cannot be read is left out with a line in the
/// log.
///
/// # Errors
/// Where the store cannot be listed.
pub async fn all(store: &Store) -> Result<Vec<Journal>, StoreError> {
    Ok(all_and_unread(store).await?.0)
}

/// Every run of the store, newest first, and the paths of those that cannot be read.
///
/// # Errors
/// Where the store cannot be listed.
pub(super) async fn all_and_unread(
    store: &Store,
) -> Result<(Vec<Journal>, Vec<String>), StoreError> {
    read_those(store, "").await
}

/// Reads the runs whose id has this beginning, and no other; gives also the paths of those that
/// cannot be read.
async fn read_those(
    store: &Store,
    beginning: &str,
) -> Result<(Vec<Journal>, Vec<String>), StoreError> {
    let mut names: Vec<String> =
        store.list(Some("runs")).await?.into_iter().map(|f| f.path).collect();
    let called =
        |path: &str| path.strip_prefix("runs/").is_some_and(|name| name.starts_with(beginning));
    names.retain(|path| path.ends_with(".json") && path.matches('/').count() == 1 && called(path));
    names.sort_unstable_by(|a, b| b.cmp(a));
    let read = |path: String| async move {
        let read = match store.bytes(&path).await {
            Ok(bytes) => serde_json::from_slice::<Journal>(&bytes).map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        };
        read.map(journal_format::upgraded).map_err(|why| {
            tracing::warn!("{path} is not a journal that this program reads: {why}");
            path
        })
    };
    let (mut journals, mut unread) = (Vec::new(), Vec::new());
    let mut reads = futures::stream::iter(names).map(read).buffered(READERS);
    while let Some(read) = reads.next().await {
        match read {
            Ok(journal) => journals.push(journal),
            Err(path) => unread.push(path),
        }
    }
    Ok((journals, unread))
}

/// One run, by its id or the beginning of it.
///
/// # Errors
/// Where there is none, or more than one.
pub async fn find(store: &Store, run: &str) -> Result<Journal, RunError> {
    let mut fits = read_those(store, run).await?.0;
    match (fits.pop(), fits.len()) {
        (Some(journal), 0) => Ok(journal),
        (None, _) => Err(RunError::Unknown(run.to_owned())),
        (Some(_), more) => Err(RunError::Ambiguous { run: run.to_owned(), count: more + 1 }),
    }
}

/// Runs that wait for somebody to continue or undo them, oldest first.
///
/// # Errors
/// Where the store cannot be listed.
pub async fn open(store: &Store) -> Result<Vec<Journal>, StoreError> {
    let waits = |j: &Journal| j.is_open() && !RunProcess::of(j).is_alive();
    let mut found: Vec<Journal> = all(store).await?.into_iter().filter(waits).collect();
    found.reverse();
    Ok(found)
}

/// Runs on any of these artifacts that have not ended, except one.
pub(super) fn working_on<'k>(
    runs: &[Journal],
    environment: &EnvironmentName,
    keys: impl Iterator<Item = &'k ArtifactKey>,
    except: Option<&RunId>,
) -> Vec<OngoingRun> {
    let keys: Vec<&ArtifactKey> = keys.collect();
    // What is in a project goes with it.
    let touch = |one: &ArtifactKey, other: &ArtifactKey| {
        one.name() == other.name() || one.holds(other) || other.holds(one)
    };
    let touched = |j: &Journal| -> BTreeSet<ArtifactKey> {
        let touches = |key: &&&ArtifactKey| j.plan.items.iter().any(|i| touch(key, &i.key));
        keys.iter().filter(touches).map(|key| (*key).clone()).collect()
    };
    let open = runs.iter().filter(|j| j.is_open() && j.plan.environment == *environment);
    let working = |j: &Journal| {
        let on = touched(j);
        (!on.is_empty()).then(|| OngoingRun {
            process: RunProcess::of(j),
            held: j.result == Some(RunOutcome::Held),
            run: j.run.clone(),
            by: j.by.clone(),
            since: j.started,
            verb: j.plan.verb,
            on,
        })
    };
    open.filter(|j| Some(&j.run) != except).filter_map(working).collect()
}

/// How long the last activation on an environment took, in seconds: the best estimate of a gap.
pub(super) fn last_activation(runs: &[Journal], environment: &EnvironmentName) -> Option<f64> {
    let here = runs.iter().filter(|j| j.plan.environment == *environment);
    here.filter_map(Journal::last_activation).next()
}

/// Records that everything stays as the run left it.
///
/// # Errors
/// Where the store cannot be written.
pub async fn leave(store: &Store, mut journal: Journal) -> Result<(), StoreError> {
    let who = RunOwner::me().user;
    journal.line(
        format!("left as it is by {who}"),
        crate::workspace::events::StepState::Skipped,
        "",
    );
    (journal.result, journal.finished) = (Some(RunOutcome::Left), Some(Timestamp::now()));
    store.write_journal(&journal.run, &journal).await.map(drop)
}

/// The request that undoes a finished run: everything as it was before, in reverse order.
///
/// # Errors
/// Where it changed nothing, or a file that it kept cannot be read any more.
pub async fn undoing(store: &Store, journal: &Journal) -> Result<Request, RunError> {
    let mut wanted = Vec::new();
    let mut rebuild = BTreeSet::new();
    for at in journal.plan.item_indices().rev().filter(|at| journal.touched(*at)) {
        let (item, progress) = (&journal.plan.items[at], &journal.items[at]);
        // What is in a project that was rebuilt is as it was once the project is.
        if journal.plan.rebuilt_project_of(item).is_some() {
            continue;
        }
        if item.strategy == Strategy::Rebuild {
            rebuild.insert(item.key.code.as_str().into());
        }
        wanted.extend(swapped_back(journal, item));
        wanted.push(item_as_it_was(store, journal, item, progress).await?);
        wanted.extend(members_as_they_were(journal, item));
        wanted.extend(lookups_as_they_were(store, journal, item, progress).await?);
    }
    if wanted.is_empty() {
        return Err(RunError::NothingToUndo(journal.run.clone()));
    }
    Ok(Request {
        together: journal.plan.together,
        undoes: Some(journal.run.clone()),
        rebuild,
        ..Request::new(Verb::Rollback, before_the_run(journal), wanted)
    })
}

fn before_the_run(journal: &Journal) -> String {
    format!("what was there before {}", journal.run)
}

fn as_it_was(
    journal: &Journal,
    key: ArtifactKey,
    archive: Option<PayloadArchive>,
    goal: Goal,
) -> WantedArtifact {
    WantedArtifact::new(key, before_the_run(journal), archive, goal)
        .taken_from(Some(journal.plan.environment.clone()))
}

/// The version that was active before another one was activated in its place.
fn swapped_back(journal: &Journal, item: &PlanItem) -> Option<WantedArtifact> {
    let other = item.before.swapped.as_ref().filter(|_| item.activate)?;
    let goal = Goal::Exactly { active: true, schedule: item.before.schedule.there().cloned() };
    let wanted = as_it_was(journal, ArtifactKey::from(other.clone()), None, goal);
    Some(WantedArtifact { label: format!("{other} as it is"), ..wanted })
}

async fn item_as_it_was(
    store: &Store,
    journal: &Journal,
    item: &PlanItem,
    progress: &ItemProgress,
) -> Result<WantedArtifact, RunError> {
    let before = &item.before;
    let exactly = |active: bool| Goal::Exactly {
        active,
        schedule: before.schedule.there().filter(|_| active).cloned(),
    };
    // What came in a project goes with it; the project is deleted only when nothing in it runs.
    let goes_with_project = item.within.is_some() && !item.key.scope.is_global();
    let (archive, goal) = match (&before.status, &progress.safety) {
        (None, _) if goes_with_project => (None, exactly(false)),
        (None, _) => (None, Goal::Absent),
        (Some(status), Some(kept)) => {
            (Some(kept_archive(store, &item.key, kept).await?), exactly(*status == Status::Active))
        }
        (Some(status), None) => (None, exactly(*status == Status::Active)),
    };
    let if_gone = KeptDescriptions {
        schedule_definition: before.schedule_definition.clone().or(before.own_times.clone()),
        schedule: before.schedule.there().cloned(),
        parameters: noted_parameters(item, progress),
        ..KeptDescriptions::default()
    };
    Ok(WantedArtifact {
        parameters: overwritten(item, progress),
        times: before.schedule_definition.clone().filter(|_| item.changes_times()),
        if_gone,
        ..as_it_was(journal, item.key.clone(), archive, goal)
    })
}

/// What was active inside an archive that held several.
fn members_as_they_were(journal: &Journal, item: &PlanItem) -> Vec<WantedArtifact> {
    let members = item.before.inside.iter().flat_map(|inside| &inside.active);
    members
        .map(|member| {
            let goal = Goal::Exactly { active: true, schedule: member.schedule.there().cloned() };
            // A run that took what was stored wrote over both.
            let stored = journal.plan.items.iter().any(|i| {
                i.id().as_ref() == Some(&member.id) && i.schedule_choice == ScheduleChoice::Stored
            });
            WantedArtifact {
                parameters: if stored { member.parameters.clone() } else { Default::default() },
                times: member.schedule_definition.clone().filter(|_| stored),
                ..as_it_was(journal, member.id.clone().into(), None, goal)
            }
        })
        .collect()
}

/// The lookups of a project that its rebuild took along and no archive holds.
async fn lookups_as_they_were(
    store: &Store,
    journal: &Journal,
    item: &PlanItem,
    progress: &ItemProgress,
) -> Result<Vec<WantedArtifact>, RunError> {
    let mut wanted = Vec::new();
    for (name, kept) in &progress.safety_lookups {
        let key = ArtifactKey::new(Kind::Lookup, name, None).within(item.key.uses_scope());
        let archive = Some(kept_archive(store, &key, kept).await?);
        wanted.push(as_it_was(journal, key, archive, Goal::AsTaken(None)));
    }
    Ok(wanted)
}

async fn kept_archive(
    store: &Store,
    key: &ArtifactKey,
    kept: &FileRef,
) -> Result<PayloadArchive, RunError> {
    let bytes = super::journal::read_file_ref(store, kept).await?;
    let archive = PayloadArchive::read(key, &bytes)
        .map_err(|why| KeptFileError::Archive { path: kept.path.clone(), why })?;
    Ok(archive)
}

/// The values of schedule parameters that a run wrote over: as they were when the integration
/// stopped, else as planned. None where it wrote only what was lost.
fn overwritten(item: &PlanItem, progress: &ItemProgress) -> ScheduleParameters {
    match item.writes_over_parameters() {
        false => ScheduleParameters::new(),
        true => noted_parameters(item, progress),
    }
}

/// The values of schedule parameters before a run: as they were when the integration stopped, else
/// as planned.
fn noted_parameters(item: &PlanItem, progress: &ItemProgress) -> ScheduleParameters {
    let noted = item.id().and_then(|id| progress.parameters.get(&id.to_string()).cloned());
    noted.unwrap_or_else(|| item.before.parameters.clone())
}
