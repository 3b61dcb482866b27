//! Runs an approved plan, continues a run that was cut off, and puts back the state before the run
//! where a step fails.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;

pub use super::retrying_client::RetryPolicy;
use super::{
    ConnectionValues,
    error::StepError,
    execute::{Executor, RunPhase, RunStart, StepFailure, name},
    journal::{FileRef, Journal, Pause, Recorder, RunOutcome, RunOwner, read_file_ref},
    live::means,
    plan::{ApprovedPlan, PlanItem, RestorePlan, StepKind},
    retrying_client::RetryingClient,
    run_store::working_on,
};
use crate::archive::sha256_hex;
use crate::model::{Finding, ItemIndex, PlanRefused, RunId, StepIndex};
use crate::oic::Client;
use crate::store::{self, Store, StoreError};
use crate::workspace::events::{Events, StepState, StopMode, StopSignal};
use crate::workspace::source::read_kept;

/// How often a run records in its journal that it is alive.
const BEAT: Duration = Duration::from_secs(20);

/// Everything a run works with beside its plan.
#[derive(Debug, Clone, Copy)]
pub struct RunContext<'a> {
    pub client: &'a Client,
    pub store: &'a Store,
    pub retry_policy: &'a RetryPolicy,
    /// Values for connections that a person gave.
    pub connection_values: &'a ConnectionValues,
    pub events: &'a Events,
    pub stop: &'a StopSignal,
}

/// The files to send, by item of the plan; empty where none is sent.
pub type Payloads = Vec<Bytes>;

/// Runs the plan and returns its journal, which says how it ended.
///
/// # Errors
/// [`StoreError`] where the journal or the files to send could not be written; then nothing was
/// changed.
pub async fn run(
    approved: ApprovedPlan,
    payloads: Payloads,
    context: RunContext<'_>,
) -> Result<Journal, StoreError> {
    let plan = approved.plan();
    let mut journal = Journal::begin(store::run_id(Timestamp::now(), plan.verb.label()), plan);
    for (at, bytes) in plan.item_indices().zip(&payloads).filter(|(_, b)| !b.is_empty()) {
        let kept = keep(context.store, &journal.run, plan, at, bytes).await?;
        journal.items[at].file = Some(kept);
    }
    reserve_room(context.store, &journal).await?;
    let recorder = Recorder::new(context.store, journal);
    recorder.save().await?;
    let result = async {
        alone(&recorder, context).await?;
        let executor = executor(plan, &payloads, &recorder, context);
        for at in plan.item_indices() {
            let item = &plan.items[at];
            // Found out before anything is deactivated or deleted.
            let sends = item.strategy.sends() && item.copy_of.is_none();
            if sends && !item.as_wanted && item.within.is_none() {
                executor.bytes(at)?;
            }
            executor.ensure_unchanged(at, RunPhase::Before).await?;
        }
        Box::pin(executor.values_are_readable()).await
    };
    match context.stop.unless_stopped(Box::pin(result)).await {
        Some(Ok(())) => forward(plan, &payloads, &recorder, context, RunStart::New).await,
        Some(Err(why)) => recorder.change(|j| j.error = Some(why.to_string())),
        None => recorder.change(|j| j.error = Some("it was cancelled".into())),
    }
    Ok(finish(recorder).await)
}

/// A run that was cut off, held or not finished, and that a person allowed to be continued or
/// undone.
#[derive(Debug, Clone)]
pub struct ReopenedRun(Journal);

impl Journal {
    /// Lets a run be continued or undone. `confirmation` is what was typed, or given with
    /// `--confirm`.
    ///
    /// # Errors
    /// Where a protected environment's name was not given exactly.
    pub fn reopen(self, confirmation: Option<&str>) -> Result<ReopenedRun, PlanRefused> {
        self.plan.confirmed(confirmation)?;
        Ok(ReopenedRun(self))
    }
}

/// Continues a run. It first finds out what took effect, and does not do that again.
///
/// # Errors
/// As [`run`].
pub async fn continue_run(
    reopened: ReopenedRun,
    context: RunContext<'_>,
) -> Result<Journal, StoreError> {
    let (plan, recorder) = take_over(reopened, context, "continues").await?;
    let mut payloads = Payloads::new();
    for at in plan.item_indices() {
        payloads.push(match recorder.read(|j| j.items[at].file.clone()) {
            Some(kept) => match read_file_ref(context.store, &kept).await {
                Ok(bytes) => bytes,
                // It is not sent where it took effect already.
                Err(_) if is_as_wanted(&plan.items[at], context.client).await => Bytes::new(),
                Err(why) => {
                    recorder.change(|j| {
                        j.error = Some(format!(
                            "what was to be sent is not there any more: {why}; undo it"
                        ))
                    });
                    recorder.change(|j| j.result = Some(RunOutcome::Unfinished));
                    recorder.save().await?;
                    return Ok(recorder.into_inner());
                }
            },
            None => Bytes::new(),
        });
    }
    let values =
        Box::pin(executor(&plan, &payloads, &recorder, context).values_are_readable()).await;
    if let Err(why) = values {
        recorder.change(|j| {
            j.error = Some(format!("nothing was done: {why}"));
            j.result = Some(RunOutcome::Unfinished);
        });
        recorder.save().await?;
        return Ok(recorder.into_inner());
    }
    recorder.change(|journal| {
        // Why it stopped before says nothing of how it ends now.
        (journal.error, journal.undo) = (None, None);
        for at in journal.plan.item_indices() {
            let safety = |s: &StepIndex| {
                journal.plan.step(*s).is_some_and(|s| s.kind == StepKind::SafetyExport)
            };
            let touched = journal.touched(at);
            let was_importing = journal.open_kind(at) == Some(&StepKind::Import);
            let was_deleting = journal.may_have_deleted(at);
            let kept: Vec<StepIndex> =
                journal.items[at].done.iter().copied().filter(safety).collect();
            let progress = &mut journal.items[at];
            if progress.outcome == Some(RunOutcome::Restored) {
                continue;
            }
            progress.done = kept;
            progress.changed = touched;
            progress.brought |= was_importing;
            progress.deleted |= was_deleting;
            (progress.open, progress.outcome, progress.error) = (None, None, None);
            progress.not_put_back = None;
        }
    });
    forward(&plan, &payloads, &recorder, context, RunStart::Continued).await;
    Ok(finish(recorder).await)
}

/// Whether what a plan wants is there by now. False also where nobody can tell.
async fn is_as_wanted(item: &PlanItem, client: &Client) -> bool {
    let Some(wanted) = item.wanted else { return false };
    means(client, &item.key, wanted).await.unwrap_or(false)
}

/// Puts back everything that a run changed, in reverse order, and proves it.
///
/// # Errors
/// As [`run`].
pub async fn undo(reopened: ReopenedRun, context: RunContext<'_>) -> Result<Journal, StoreError> {
    let (plan, recorder) = take_over(reopened, context, "undoes").await?;
    let mut payloads = Payloads::new();
    for at in plan.item_indices() {
        // These files are sent only where they mean the same as the content before the run; one
        // that is missing may not be needed.
        let file = recorder.read(|j| j.items[at].file.clone());
        let read = match file {
            Some(kept) => read_file_ref(context.store, &kept).await.ok(),
            None => None,
        };
        payloads.push(read.unwrap_or_default());
    }
    let executor = executor(&plan, &payloads, &recorder, context);
    let work = Box::pin(async {
        for at in plan.item_indices().rev() {
            back_if_touched(&executor, at).await;
        }
    });
    beating(&recorder, within_deadline(&recorder, context, work)).await;
    recorder.change(|j| {
        j.note_cause("it was cut off");
        let any = |outcome| j.items.iter().any(|i| i.outcome == Some(outcome));
        j.undo = match (any(RunOutcome::Held), any(RunOutcome::Unfinished)) {
            (true, _) => Some("putting back was held".to_owned()),
            (false, true) => None,
            (false, false) => Some("it was undone".to_owned()),
        };
    });
    Ok(finish(recorder).await)
}

async fn take_over<'a>(
    reopened: ReopenedRun,
    context: RunContext<'a>,
    how: &str,
) -> Result<(RestorePlan, Recorder<'a>), StoreError> {
    let mut journal = reopened.0;
    by_todays_rules(&mut journal, context.store).await;
    let grace = context.retry_policy.grace_on(context.client);
    let rest = rest_of_grace(&journal, grace);
    let me = RunOwner::me();
    let from = journal.lines.last().map_or(journal.started, |line| line.at);
    journal.pauses.push(Pause { from, until: Timestamp::now() });
    journal.line(format!("{} on {} {how}", me.user, me.host), StepState::Running, "");
    (journal.by, journal.result, journal.finished) = (me, None, None);
    // A person wants it tried once more.
    journal.items.iter_mut().for_each(|progress| progress.sent_back = false);
    let plan = journal.plan.clone();
    reserve_room(context.store, &journal).await?;
    let recorder = Recorder::new(context.store, journal);
    recorder.save().await?;
    // The run is claimed before that, so that nobody else takes it up meanwhile.
    // Putting back begins after it too: only who holds the run ends it.
    let _ = context.stop.unless_held(Duration::ZERO, tokio::time::sleep(rest)).await;
    Ok((plan, recorder))
}

/// How long to wait where a run was cut off in the middle of a call: what that call did is shown
/// only when the grace is over. When the last call was made is known to a beat.
fn rest_of_grace(journal: &Journal, grace: Duration) -> Duration {
    let in_step = |at| journal.open_kind(at).is_some_and(StepKind::changes);
    let last = journal.lines.last();
    let cut_off = journal.plan.item_indices().any(in_step)
        || last.is_some_and(|line| line.state == StepState::Running);
    let alive = last.map_or(journal.beat, |line| line.at.max(journal.beat));
    // A clock that runs behind the other machine's says nothing of the age.
    let age = Duration::try_from(Timestamp::now().duration_since(alive)).unwrap_or_default();
    match cut_off {
        true => grace.min((grace + BEAT).saturating_sub(age)),
        false => Duration::ZERO,
    }
}

/// Makes the fingerprints of a plan anew from the files that the run kept: an earlier version of
/// this program may have made them by other rules, and then nothing would be equal to them.
async fn by_todays_rules(journal: &mut Journal, store: &Store) {
    for (progress, item) in journal.items.iter().zip(&mut journal.plan.items) {
        let old = (item.wanted, item.before.portable);
        let mut new = (None, None);
        for (old, new, kept) in
            [(old.0, &mut new.0, &progress.file), (old.1, &mut new.1, &progress.safety)]
        {
            if let (Some(_), Some(kept)) = (old, kept)
                && let Ok(bytes) = read_file_ref(store, kept).await
                && let Ok(read) = read_kept(item.key.kind, bytes).await
            {
                *new = Some(read.fingerprints.portable);
            }
        }
        // Where content stays as it is, one of the two has no file, and both were equal.
        let same = old.0 == old.1;
        item.wanted = new.0.or(new.1.filter(|_| same)).or(old.0);
        item.before.portable = new.1.or(new.0.filter(|_| same)).or(old.1);
    }
}

fn executor<'a>(
    plan: &'a RestorePlan,
    payloads: &'a [Bytes],
    recorder: &'a Recorder<'a>,
    context: RunContext<'a>,
) -> Executor<'a> {
    let RunContext { client, store, retry_policy, connection_values, events, stop } = context;
    Executor {
        plan,
        client,
        retrying: RetryingClient { client, retry_policy, waiting: None, stop: None },
        store,
        recorder,
        events,
        stop,
        payloads,
        connection_values,
    }
}

/// Keeps a file to send beside the journal, so that continuing does not need its source.
async fn keep(
    store: &Store,
    run: &RunId,
    plan: &RestorePlan,
    at: ItemIndex,
    bytes: &Bytes,
) -> Result<FileRef, StoreError> {
    let path = store::payload_path(run, at, plan.items[at].key.kind);
    store.overwrite(&path, bytes.clone()).await?;
    Ok(FileRef { path, sha256: sha256_hex(bytes) })
}

/// Makes sure that nobody else works on the same artifacts. Each run writes its journal before it
/// looks for others, so at least one of two sees the other.
async fn alone(recorder: &Recorder<'_>, context: RunContext<'_>) -> Result<(), StepError> {
    let (run, keys, environment) = recorder.read(|j| {
        let keys: Vec<_> =
            j.plan.items.iter().filter(|i| !i.as_wanted).map(|i| i.key.clone()).collect();
        (j.run.clone(), keys, j.plan.environment.clone())
    });
    let runs = super::run_store::all(context.store).await?;
    let others = working_on(&runs, &environment, keys.iter(), Some(&run));
    match others.into_iter().find(|w| w.process.is_alive()) {
        Some(other) => {
            let Finding { what, fix, .. } = other.finding();
            Err(StepError::Busy(format!("{what}; {}", fix.unwrap_or_default())))
        }
        None => Ok(()),
    }
}

/// Does the work, and records in the journal meanwhile that the run is alive.
async fn beating<T>(recorder: &Recorder<'_>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return result,
            () = tokio::time::sleep(BEAT) => recorder.beat().await,
        }
    }
}

/// Does the work of a run; where it takes longer than the config allows, it is held.
async fn within_deadline<T>(
    recorder: &Recorder<'_>,
    context: RunContext<'_>,
    work: impl Future<Output = T>,
) -> T {
    let most = context.client.environment().deadlines.run;
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(most) => {}
    }
    let why = format!("it took longer than {} s (deadlines.run in the config)", most.as_secs());
    recorder.change(|j| j.note_cause(why));
    context.stop.hold();
    work.await
}

/// Works on all artifacts, each as soon as the ones it needs are done.
async fn forward(
    plan: &RestorePlan,
    payloads: &[Bytes],
    recorder: &Recorder<'_>,
    context: RunContext<'_>,
    start: RunStart,
) {
    let executor = executor(plan, payloads, recorder, context);
    let failed = AtomicBool::new(false);
    let work = Box::pin(all_items(&executor, &failed, start));
    beating(recorder, within_deadline(recorder, context, work)).await;
    let halted = context
        .stop
        .asked()
        .filter(|_| recorder.read(|j| j.items.iter().any(|r| r.outcome.is_none())));
    match halted {
        Some(StopMode::Hold) => {
            recorder.change(|j| j.note_cause("a person held it; nothing failed"));
            hold_rest(recorder);
        }
        Some(StopMode::Undo) => {
            recorder.change(|j| j.error = Some("it was cancelled".into()));
            beating(recorder, back_all(&executor, plan.together)).await;
        }
        // What stands or falls with it waits as well.
        None if recorder.read(|j| j.items.iter().any(|i| i.outcome == Some(RunOutcome::Held))) => {
            hold_rest(recorder);
        }
        None if failed.load(Ordering::SeqCst) && plan.together => {
            beating(recorder, back_all(&executor, true)).await;
        }
        None => {}
    }
}

/// Leaves what has no end yet where it stands, to be continued or undone.
fn hold_rest(recorder: &Recorder<'_>) {
    recorder.change(|j| {
        for item in j.items.iter_mut().filter(|i| i.outcome.is_none()) {
            item.outcome = Some(RunOutcome::Held);
        }
    });
}

/// Puts back artifacts: all where they stand or fall together, else those under way.
async fn back_all(executor: &Executor<'_>, together: bool) {
    for at in executor.plan.item_indices().rev() {
        let done = executor.recorder.read(|j| j.items[at].outcome == Some(RunOutcome::Restored));
        if together || !done {
            back_if_touched(executor, at).await;
        }
    }
}

async fn back_if_touched(executor: &Executor<'_>, at: ItemIndex) {
    // It is judged once its project was put back.
    if executor.comes_back_with(at).is_some() {
        return;
    }
    // What went with its project is changed, although nothing was done to it itself.
    let touched =
        executor.recorder.read(|j| j.touched(at)) || executor.lost_with_project(at).is_some();
    // What is to be held is not begun.
    if touched && executor.stop.asked() == Some(StopMode::Hold) {
        executor.recorder.change(|j| j.items[at].outcome = Some(RunOutcome::Held));
    } else if touched {
        executor.back(at).await;
    } else {
        executor.recorder.change(|j| {
            let outcome = &mut j.items[at].outcome;
            // An item that was only proven is unchanged.
            if *outcome != Some(RunOutcome::PutBack) {
                *outcome = Some(RunOutcome::Untouched);
            }
        });
    }
}

async fn all_items(executor: &Executor<'_>, failed: &AtomicBool, start: RunStart) {
    let plan = executor.plan;
    let restored = |at: &ItemIndex| {
        executor.recorder.read(|j| j.items[*at].outcome == Some(RunOutcome::Restored))
    };
    let mut done: BTreeSet<ItemIndex> = plan.item_indices().filter(restored).collect();
    let mut waiting: Vec<ItemIndex> = plan.item_indices().filter(|at| !done.contains(at)).collect();
    let mut ended = done.clone();
    let mut running = FuturesUnordered::new();
    loop {
        let stopped =
            executor.stop.asked().is_some() || (plan.together && failed.load(Ordering::SeqCst));
        while !stopped && running.len() < executor.retrying.retry_policy.at_once.max(1) {
            let may = |at: &ItemIndex| plan.items[*at].after.iter().all(|a| done.contains(a));
            let ready = |at: &ItemIndex| {
                may(at) && plan.items[*at].waits_for.iter().all(|a| ended.contains(a))
            };
            // What is waited for never ends where something that it needs was not restored.
            let next = waiting.iter().position(ready);
            let next = next.or_else(|| waiting.iter().position(may).filter(|_| running.is_empty()));
            let Some(next) = next else { break };
            let at = waiting.remove(next);
            running.push(one_item(executor, at, failed, start));
        }
        match running.next().await {
            Some((at, true)) => drop((done.insert(at), ended.insert(at))),
            Some((at, false)) => drop(ended.insert(at)),
            None => break,
        }
    }
    if executor.stop.asked().is_none() && !plan.together {
        waiting.into_iter().for_each(|at| skipped(executor, at, &done));
    }
}

/// Records that an item is not begun because one that it needs was not restored.
fn skipped(executor: &Executor<'_>, at: ItemIndex, done: &BTreeSet<ItemIndex>) {
    let plan = executor.plan;
    let missing = plan.items[at].after.iter().find(|a| !done.contains(a));
    let missing = missing.map_or_else(String::new, |a| name(&plan.items[*a].key));
    executor.recorder.change(|j| {
        let progress = &mut j.items[at];
        progress.outcome = Some(RunOutcome::Untouched);
        progress.error = Some(format!("not begun: it needs {missing}, which was not restored"));
    });
    for (index, _) in plan.steps_of(at) {
        let note = String::new();
        executor.events.send(crate::workspace::events::Progress::Step {
            index,
            state: StepState::Skipped,
            note,
        });
    }
}

/// Takes one artifact to its end; where artifacts are independent, also back after a failure.
async fn one_item(
    executor: &Executor<'_>,
    at: ItemIndex,
    failed: &AtomicBool,
    start: RunStart,
) -> (ItemIndex, bool) {
    let together = executor.plan.together;
    let others = || together && failed.load(Ordering::SeqCst);
    let result = executor.forward(at, start, others).await;
    let touched = executor.recorder.read(|j| j.touched(at));
    match result {
        Ok(()) => {
            let outcome = if touched { RunOutcome::Restored } else { RunOutcome::Untouched };
            executor.recorder.change(|j| j.items[at].outcome = Some(outcome));
            (at, true)
        }
        Err(StepFailure::Failed(why)) => {
            let hangs = why.hangs();
            let why = why.to_string();
            failed.store(true, Ordering::SeqCst);
            executor.recorder.change(|j| {
                j.items[at].error = Some(why.clone());
                if j.error.is_none() {
                    let several = j.plan.items.len() > 1;
                    j.error = Some(if several {
                        format!("{}: {why}", name(&j.plan.items[at].key))
                    } else {
                        why
                    });
                }
            });
            if hangs {
                executor.recorder.change(|j| j.items[at].outcome = Some(RunOutcome::Held));
            } else if !together {
                back_if_touched(executor, at).await;
            }
            (at, false)
        }
        // The caller decides for all artifacts together.
        Err(StepFailure::Halted | StepFailure::Together) => (at, false),
    }
}

/// Decides how the run ended and records it.
async fn finish(recorder: Recorder<'_>) -> Journal {
    recorder.change(|journal| {
        journal.hold_what_is_open();
        let result = journal.sum_up();
        journal.finished = Some(Timestamp::now());
        journal.result = Some(result);
        let main = journal.plan.main_index();
        journal.proof = main.and_then(|at| journal.items.get(at.0)?.proof.clone());
    });
    let store = recorder.store();
    let room = store::reserved_space_path(&recorder.read(|j| j.run.clone()));
    let mut saved = recorder.save().await;
    if saved.is_err() {
        // The disk may be full: room was kept for this.
        if let Err(e) = store.delete(&room).await {
            tracing::info!("{room}: {e}");
        }
        saved = recorder.save().await;
    }
    let is_saved = saved.is_ok();
    if let Err(e) = saved {
        let text = format!("the journal could not be written at the end: {e}");
        tracing::error!("{text}");
        recorder.change(|j| {
            let why = j.error.take().map(|w| format!("{w}; ")).unwrap_or_default();
            j.error = Some(format!("{why}{text}"));
        });
    }
    let journal = recorder.into_inner();
    // As long as the store has it as open, somebody may continue it.
    if is_saved && !journal.is_open() {
        // Only continuing needs the files to send; they still exist where they came from.
        let files = journal.items.iter().filter_map(|r| r.file.as_ref()).map(|kept| &kept.path);
        for path in files.chain([&room]) {
            if let Err(e) = store.delete(path).await {
                tracing::info!("{path} stays in the store: {e}");
            }
        }
    }
    journal
}

/// Takes as much room as the journal may need until the end, before anything is changed: the last
/// line must be written also where the disk fills meanwhile.
async fn reserve_room(store: &Store, journal: &Journal) -> Result<(), StoreError> {
    /// For causes and notes, which are of any length.
    const SPARE: usize = 8 << 10;
    /// What a step adds at most, in bytes, where nothing is said of it.
    const STEP: usize = 1 << 10;
    let begins = serde_json::to_vec_pretty(journal).unwrap_or_default().len();
    // The next state of a file lies beside the last until it is whole.
    let size = 2 * (begins + journal.plan.steps.len() * STEP) + SPARE;
    // Zeros would take no room on a disk that packs them.
    let mut room = vec![0; size];
    if let Err(e) = getrandom::fill(&mut room) {
        tracing::info!("the room that is kept may be packed: {e}");
    }
    store.overwrite(&store::reserved_space_path(&journal.run), room.into()).await
}
