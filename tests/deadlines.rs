//! Nothing waits longer than a person was told: silent services, deadlines, and how a run is
//! stopped meanwhile.

use std::time::{Duration, Instant};

use futures::StreamExt;
use oicx::config::{Deadlines, EnvironmentConfig};
use oicx::oic::{Client, ErrorKind};
use oicx::restore::{self, Journal, RunContext, RunOutcome};
use oicx::workspace::Workspace;
use oicx::workspace::events::{Events, StopSignal};
use rstest::rstest;

use crate::restore::{plan, run_on};
use crate::store::incident;
use crate::support::{World, context, retry_policy};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// One second stands for a minute and more.
fn short() -> Deadlines {
    Deadlines {
        read: ms(400),
        change: ms(800),
        idle: ms(400),
        step: ms(800),
        put_back: ms(1_500),
        ..Deadlines::default()
    }
}

/// A client of prod with these deadlines.
fn client(world: &World, deadlines: Deadlines) -> Client {
    world.client_of(EnvironmentConfig { deadlines, ..world.environment("prod") })
}

/// A client of prod with one call under way at once.
fn through_one_slot(world: &World) -> Client {
    let prod = world.environment("prod");
    world.client_of(EnvironmentConfig { deadlines: short(), concurrency: 1, ..prod })
}

/// Restores SYNC on prod, with a fault from the start of the run on.
async fn run(
    (world, workspace): &(World, Workspace),
    prod: &Client,
    (events, stop): (Events, &StopSignal),
    fault: &str,
) -> Journal {
    let (plan, payloads) = plan(workspace, prod, "store:prod/SYNC").await;
    world.fault(fault);
    let store = world.store().await;
    run_on(&store, plan, payloads, prod, &events, stop).await
}

/// How a run is stopped where nobody watches it.
fn unwatched(stop: &StopSignal) -> (Events, &StopSignal) {
    (Events::silent(), stop)
}

/// Takes a run up once the service answers again.
async fn take_up(world: &World, journal: Journal, undo: bool) -> Journal {
    world.sim.clear_faults();
    let (prod, store, retry_policy) = (world.client("prod"), world.store().await, retry_policy());
    let reopened = journal.reopen(Some("prod")).unwrap();
    let context = context(&prod, &store, &retry_policy);
    match undo {
        true => restore::undo(reopened, context).await.unwrap(),
        false => restore::continue_run(reopened, context).await.unwrap(),
    }
}

/// The longest time within the work in which nobody was told anything: neither an event came nor a
/// silence could be shown.
async fn longest_without_a_word<T>(
    prod: &Client,
    mut news: tokio::sync::mpsc::UnboundedReceiver<oicx::workspace::events::Progress>,
    work: impl Future<Output = T>,
) -> (T, Duration) {
    let mut work = std::pin::pin!(work);
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    loop {
        tokio::select! {
            done = &mut work => return (done, longest.max(last.elapsed())),
            _ = news.recv() => {}
            () = tokio::time::sleep(ms(10)) => {
                if prod.silence(ms(50)).is_none() {
                    longest = longest.max(last.elapsed());
                    continue;
                }
            }
        }
        last = Instant::now();
    }
}

/// How many calls a restore of SYNC makes where all are answered.
async fn calls_of_a_run() -> usize {
    let incident = incident().await;
    let (world, prod) = (&incident.0, client(&incident.0, short()));
    let stop = StopSignal::default();
    let before = world.sim.calls("prod ");
    plan(&incident.1, &prod, "store:prod/SYNC").await;
    let planning = world.sim.calls("prod ") - before;
    let journal = run(&incident, &prod, unwatched(&stop), "latency=0ms").await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    world.sim.calls("prod ") - before - 2 * planning
}

/// Restores SYNC on a service that answers nothing from the nth call on; gives the longest time
/// without a word.
async fn silent_from(nth: usize) -> Duration {
    let incident = incident().await;
    let (world, prod) = (&incident.0, client(&incident.0, short()));
    let ((events, news), stop) = (Events::channel(), StopSignal::default());
    let hang = format!("hang env=prod after={nth}");
    let began = Instant::now();
    let work = Box::pin(run(&incident, &prod, (events, &stop), &hang));
    let (journal, silent) = longest_without_a_word(&prod, news, work).await;
    // A step and putting back, each with its last call.
    assert!(began.elapsed() < ms(20_000), "call {nth}: {:?}", began.elapsed());
    // How often an activation is looked at differs: the last call may not come.
    let was_hit = world.sim.held_calls() > 0;
    assert_eq!(journal.result != Some(RunOutcome::Restored), was_hit, "call {nth}");
    assert_eq!(journal.error.is_some(), was_hit, "call {nth}");
    if journal.is_open() {
        let journal = take_up(world, journal, true).await;
        let ends = [Some(RunOutcome::PutBack), Some(RunOutcome::Untouched)];
        assert!(ends.contains(&journal.result), "call {nth}: {:?}", journal.error);
    }
    silent
}

/// Every call in a full run of the matrix, else one in four.
#[tokio::test]
async fn from_whichever_call_on_the_service_is_silent_a_run_ends_and_a_person_is_told() {
    let calls = calls_of_a_run().await;
    let full = std::env::var("OICX_MATRIX").is_ok_and(|v| v == "full");
    let chosen = (1..calls).step_by(if full { 1 } else { 4 });
    let silences = futures::stream::iter(chosen.map(silent_from)).buffer_unordered(6);
    let longest = silences.collect::<Vec<_>>().await.into_iter().max().unwrap();
    println!("patience: {calls} calls, longest time without a word {longest:?}");
    // Told after 50 ms here; what is above that is work between calls on a busy machine.
    assert!(longest < ms(700), "{longest:?}");
}

#[tokio::test]
async fn one_ctrl_c_gives_up_what_only_reads_at_once() {
    let incident = incident().await;
    let world = &incident.0;
    let prod = client(world, Deadlines { read: ms(60_000), change: ms(60_000), ..short() });
    let stop = StopSignal::default();
    let asked = stop.clone();
    let work = run(&incident, &prod, unwatched(&stop), "hang env=prod method=get path=/archive");
    let (journal, ()) = tokio::join!(work, async {
        tokio::time::sleep(ms(300)).await;
        asked.undo();
    });
    assert_eq!(journal.result, Some(RunOutcome::Untouched));
    assert!(journal.why().unwrap().contains("cancelled"));
}

#[tokio::test]
async fn one_ctrl_c_waits_for_a_change_that_is_sent_and_sends_it_no_second_time() {
    let incident = incident().await;
    let world = &incident.0;
    let prod = client(world, short());
    let before = world.sim.calls("prod PUT");
    let stop = StopSignal::default();
    let asked = stop.clone();
    let work = run(&incident, &prod, unwatched(&stop), "hang env=prod method=put times=1");
    let (journal, sent) = tokio::join!(work, async {
        let silence = loop {
            tokio::time::sleep(ms(10)).await;
            if let Some(silence) = prod.silence(ms(100)).filter(|s| s.changes) {
                break silence;
            }
        };
        asked.undo();
        silence
    });
    assert!(sent.describe().starts_with("prod has not answered replace SYNC"), "{sent:?}");
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    assert_eq!(world.sim.calls("prod PUT") - before, 1);
}

#[rstest]
#[case::and_undone(true, RunOutcome::PutBack)]
#[case::and_continued(false, RunOutcome::Restored)]
#[tokio::test]
async fn a_second_ctrl_c_holds_it_at_once_in_the_middle_of_a_change(
    #[case] undo: bool,
    #[case] outcome: RunOutcome,
) {
    let incident = incident().await;
    let world = &incident.0;
    let prod = client(world, Deadlines { change: ms(60_000), ..short() });
    let stop = StopSignal::default();
    let asked = stop.clone();
    let work = run(&incident, &prod, unwatched(&stop), "hang env=prod method=put");
    let (journal, ()) = tokio::join!(work, async {
        while prod.silence(ms(100)).is_none_or(|s| !s.changes) {
            tokio::time::sleep(ms(10)).await;
        }
        asked.undo();
        asked.hold();
    });
    assert_eq!(journal.result, Some(RunOutcome::Held));
    let why = journal.why().unwrap();
    assert!(why.starts_with("it was held before replace SYNC"), "{why}");
    // Who takes it up and holds it at once begins nothing.
    let held = StopSignal::default();
    held.hold();
    let (store, policy, calls) = (world.store().await, retry_policy(), world.sim.calls("prod "));
    let context = RunContext { stop: &held, ..context(&prod, &store, &policy) };
    let reopened = journal.clone().reopen(Some("prod")).unwrap();
    let journal = restore::undo(reopened, context).await.unwrap();
    assert_eq!(journal.result, Some(RunOutcome::Held), "{:?}", journal.error);
    assert_eq!(world.sim.calls("prod "), calls);
    let journal = take_up(world, journal, undo).await;
    assert_eq!(journal.result, Some(outcome), "{:?}", journal.error);
}

#[tokio::test]
async fn putting_back_can_be_held_too_and_taken_up() {
    let incident = incident().await;
    let world = &incident.0;
    let for_ever = Deadlines { read: ms(60_000), change: ms(60_000), ..short() };
    let prod = client(world, for_ever);
    let stop = StopSignal::default();
    let asked = stop.clone();
    let work = run(
        &incident,
        &prod,
        unwatched(&stop),
        "hang env=prod method=post path=/integrations/SYNC",
    );
    // The first such call is the deactivation.
    let (journal, ()) = tokio::join!(work, async {
        while prod.silence(ms(100)).is_none_or(|s| !s.changes) {
            tokio::time::sleep(ms(10)).await;
        }
        asked.hold();
    });
    assert_eq!(journal.result, Some(RunOutcome::Held), "{:?}", journal.error);
    world.sim.clear_faults();
    world.fault("hang env=prod");
    let store = world.store().await;
    let (policy, again) = (retry_policy(), StopSignal::default());
    let (asked, context) = (again.clone(), context(&prod, &store, &policy));
    let reopened = journal.reopen(Some("prod")).unwrap();
    let undo = restore::undo(reopened, RunContext { stop: &again, ..context });
    let (journal, ()) = tokio::join!(undo, async {
        while prod.silence(ms(100)).is_none() {
            tokio::time::sleep(ms(10)).await;
        }
        asked.hold();
    });
    let journal = journal.unwrap();
    assert_eq!(journal.result, Some(RunOutcome::Held), "{:?}", journal.error);
    assert!(journal.why().unwrap().contains("putting back was held"));
    let journal = take_up(world, journal, true).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_held() {
    let incident = incident().await;
    let world = &incident.0;
    let deadlines = Deadlines { change: ms(60_000), run: ms(700), ..short() };
    let prod = client(world, deadlines);
    let stop = StopSignal::default();
    let journal = run(&incident, &prod, unwatched(&stop), "hang env=prod method=put").await;
    assert_eq!(journal.result, Some(RunOutcome::Held));
    assert!(journal.why().unwrap().contains("deadlines.run"), "{:?}", journal.error);
    let journal = take_up(world, journal, false).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
}

#[tokio::test]
async fn a_plan_that_takes_too_long_is_given_up_and_says_at_which_call() {
    let incident = incident().await;
    let world = &incident.0;
    let prod = client(world, Deadlines { plan: ms(1), ..Deadlines::default() });
    world.fault("latency=900ms env=prod");
    let workspace = &incident.1;
    let request = workspace
        .request(restore::Verb::Restore, &["store:prod/SYNC".parse().unwrap()])
        .await
        .unwrap();
    let options = restore::PlanOptions::default();
    let error =
        restore::prepare(&prod, workspace.store.as_ref(), &request, &options).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("prod: make a plan (at "), "{said}");
    assert!(said.ends_with("no answer within 2 s"), "{said}");
}

#[tokio::test]
async fn a_list_that_takes_too_long_is_given_up() {
    let world = World::new().await;
    let prod = client(&world, Deadlines { listing: ms(300), ..Deadlines::default() });
    world.fault("latency=2000ms env=prod");
    let error = prod.integrations().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Timeout(_)), "{error}");
    let error = prod.instance_counts(oicx::oic::Window::Day).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Timeout(_)), "{error}");
}

/// Fifty calls through one slot to a service that is silent: none waits for all before it.
#[tokio::test]
async fn calls_that_wait_for_their_turn_are_given_up_with_the_others() {
    let world = World::new().await;
    let prod = through_one_slot(&world);
    prod.integrations().await.unwrap();
    world.fault("hang env=prod");
    let began = Instant::now();
    let calls = (0..50).map(|_| prod.integrations());
    for result in futures::future::join_all(calls).await {
        let error = result.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Timeout(_) | ErrorKind::NoTurn(_)), "{error}");
        assert!(matches!(error.kind, ErrorKind::Timeout(_)) == error.is_ambiguous());
    }
    assert!(began.elapsed() < ms(4_000), "{:?}", began.elapsed());
}

/// A change that was sent may take its time: what waits behind it is not given up.
#[tokio::test]
async fn a_slow_change_is_no_silence() {
    let world = World::new().await;
    let prod = through_one_slot(&world);
    prod.integrations().await.unwrap();
    world.fault("latency=650ms env=prod method=post");
    let sync = crate::support::id("SYNC|01.00.0000");
    let (changed, read) = tokio::join!(prod.deactivate(&sync), async {
        tokio::time::sleep(ms(20)).await;
        prod.integrations().await
    });
    changed.unwrap();
    read.unwrap();
}

/// Where the service answers, however slowly, a call that waits for its turn is patient.
#[tokio::test]
async fn a_slow_service_is_not_a_silent_one() {
    let world = World::new().await;
    let prod = through_one_slot(&world);
    world.fault("latency=150ms env=prod");
    let calls = (0..8).map(|_| prod.service_time());
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn an_identity_domain_that_is_silent_is_given_up_for_all_calls_together() {
    let world = World::new().await;
    let prod = client(&world, short());
    world.fault("hang path=/oauth2");
    let began = Instant::now();
    for result in futures::future::join_all((0..8).map(|_| prod.integrations())).await {
        let said = result.unwrap_err().to_string();
        assert!(said.contains("answer"), "{said}");
    }
    assert!(began.elapsed() < ms(3_000), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_given_up() {
    let world = World::new().await;
    let prod = client(&world, short());
    world.fault("stall env=prod path=/integrations");
    let error = prod.integrations().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Timeout(_)), "{error}");
}

#[tokio::test]
async fn what_the_service_asks_to_wait_for_is_told_and_does_not_count_as_silence() {
    let world = World::new().await;
    let prod = client(&world, short());
    world.fault("status=429 retry-after=1 env=prod path=/integrations times=1");
    let (result, silence) = tokio::join!(prod.integrations(), async {
        loop {
            tokio::time::sleep(ms(10)).await;
            if let Some(silence) = prod.silence(ms(100)).filter(|s| s.asked) {
                return silence;
            }
        }
    });
    result.unwrap();
    assert_eq!(silence.describe(), "prod asked to wait 1 s before list integrations: 0 s so far");
}
