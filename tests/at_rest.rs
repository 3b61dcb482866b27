//! What takes time on the service, and the manners in which instances differ.

use std::{collections::BTreeMap, time::Duration};

use oicx::config::EnvironmentConfig;
use oicx::model::{ScheduleState, Status, StepIndex};
use oicx::oic::{Client, Recovery, Window};
use oicx::ops::recover::{self, ApprovedRecovery};
use oicx::restore::{Journal, RunOutcome, StepKind};
use oicx::sim::Manners;
use oicx::workspace::Workspace;
use oicx::workspace::events::{Events, Progress, StopSignal};
use rstest::rstest;

use crate::restore::{plan, run};
use crate::runs::two_with_many_runs;
use crate::store::{delete_sync, take_backup};
use crate::support::{World, context, id, retry_policy};

pub const SYNC: &str = "SYNC|01.00.0000";
/// Longer than any test waits.
const FOR_EVER: u64 = 3_600_000;

/// A world in which prod was backed up and SYNC changed in place since, and prod has manners.
pub async fn incident(manners: Manners) -> (World, Workspace) {
    let incident = crate::store::incident().await;
    mannered(&incident.0, manners);
    incident
}

pub fn mannered(world: &World, manners: Manners) {
    world.sim.with_instance("prod", |i| i.settings.manners = manners).unwrap();
}

pub fn status_and_schedule(world: &World) -> (Status, Option<ScheduleState>) {
    let of = |i: &mut oicx::sim::ServiceInstance| {
        let live = i.get(&id(SYNC)).unwrap();
        (live.status.clone(), live.schedule.clone())
    };
    world.sim.with_instance("prod", of).unwrap()
}

/// Restores SYNC on prod from its backup; the run must end so.
pub async fn restore(world: &World, workspace: &Workspace, outcome: RunOutcome) -> Journal {
    let prod = world.client("prod");
    let (plan, payloads) = plan(workspace, &prod, "store:prod/SYNC").await;
    let journal = run(world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(outcome), "{:?}", journal.error);
    journal
}

async fn take_up(world: &World, journal: Journal, undo: bool) -> Journal {
    let store = world.store().await;
    let reopened = journal.reopen(Some("prod")).unwrap();
    let (prod, retry_policy) = (world.client("prod"), retry_policy());
    let context = context(&prod, &store, &retry_policy);
    match undo {
        true => oicx::restore::undo(reopened, context).await.unwrap(),
        false => oicx::restore::continue_run(reopened, context).await.unwrap(),
    }
}

fn slow() -> Manners {
    Manners { schedule_ms: 120, deactivation_ms: 120, ..Manners::default() }
}

#[rstest]
#[case::everything_takes_a_while(slow())]
#[case::the_first_activation_times_out(
    Manners { activation_times_out: true, ..Manners::default() }
)]
#[case::the_old_state_is_shown_for_a_while(Manners { lag_ms: 60, ..Manners::default() })]
#[case::the_old_failure_is_shown_for_a_while(
    Manners { lag_ms: 60, activation_times_out: true, ..Manners::default() }
)]
#[case::what_failed_is_not_active(
    Manners { activation_times_out: true, failed_is_inactive: true, ..slow() }
)]
#[tokio::test]
async fn a_replacement_waits_for_each_state_and_is_proven(#[case] manners: Manners) {
    let (world, workspace) = incident(manners).await;
    restore(&world, &workspace, RunOutcome::Restored).await;
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
    let word = |i: &mut oicx::sim::ServiceInstance| i.get(&id(SYNC)).unwrap().schedule_word();
    assert_eq!(world.sim.with_instance("prod", word).unwrap().as_deref(), Some("ACTIVE"));
}

/// A change that is answered without a body is taken, whatever verb makes it.
#[tokio::test]
async fn an_answer_without_a_body_is_taken_as_done() {
    let (world, workspace) = incident(Manners { empty_bodies: true, ..Manners::default() }).await;
    let journal = restore(&world, &workspace, RunOutcome::Restored).await;
    let undone = take_up_again(&world, &journal).await;
    assert_eq!(undone.result, Some(RunOutcome::Restored), "{:?}", undone.error);
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

/// Undoes a run that has ended.
async fn take_up_again(world: &World, journal: &Journal) -> Journal {
    let (store, prod) = (world.store().await, world.client("prod"));
    let request = oicx::restore::undoing(&store, journal).await.unwrap();
    let options = oicx::restore::PlanOptions::default();
    let prepared = oicx::restore::prepare(&prod, Some(&store), &request, &options).await.unwrap();
    run(world, prepared.plan, prepared.payloads, &prod).await
}

/// What stands before the service is named, with what to do, by whatever asks, and blamed on
/// nothing else.
#[rstest]
#[case::stopped(
    Manners { stopped: true, ..Manners::default() },
    &["the instance is stopped", "start it in the OCI console"]
)]
#[case::maintenance(
    Manners { maintenance: true, ..Manners::default() },
    &["in maintenance", "try again when that is over"]
)]
#[case::vanity_host(
    Manners { vanity_host: true, ..Manners::default() },
    &["url leads to http://localhost", "set url to the one that is named"]
)]
#[case::allowlist(
    Manners { allowlist: true, ..Manners::default() },
    &["a web page came, not an answer of the service", "allowlist"]
)]
#[case::narrow_scope(
    Manners { narrow_scope: true, ..Manners::default() },
    &["the token was refused", "scope must belong to this very instance"]
)]
#[tokio::test]
async fn what_stands_before_the_service_is_named_with_what_to_do_by_whatever_asks(
    #[case] manners: Manners,
    #[case] told: &[&str],
) {
    let (world, _) = incident(manners).await;
    let config = world.config_file("");
    for command in [
        &["list", "prod"][..],
        &["inspect", "prod:SYNC"],
        &["backup", "prod"],
        &["doctor"],
        &["restore", "store:prod/SYNC", "--to", "prod", "--plan"],
    ] {
        let (code, out, err) = crate::cli::run(crate::cli::oicx(&config), command).await;
        let text = format!("{out}{err}");
        assert!(code != 0, "{command:?}: {text}");
        for words in told {
            assert!(text.contains(words), "{command:?} {words}: {text}");
        }
        assert!(!text.contains("replace it") && !text.contains("the role may not"), "{text}");
    }
}

/// An identity domain that was asked too often is waited for, as the API is; one that wants the
/// credentials in the body gets them there.
#[rstest]
#[case::at_its_limit(Manners { token_limit_ms: 600, ..Manners::default() })]
#[case::credentials_in_the_body(Manners { credentials_in_body: true, ..Manners::default() })]
#[tokio::test]
async fn a_sign_in_has_its_manners_too(#[case] manners: Manners) {
    let (world, _) = incident(manners).await;
    let config = world.config_file("");
    let (code, out, err) = crate::cli::run(crate::cli::oicx(&config), &["list", "prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("SYNC"), "{out}");
}

/// The service took the call, nobody heard it say so, and for a moment it shows what was before: a
/// refusal of the next try means that the first one took effect.
#[rstest]
#[case::deactivation("/integrations/SYNC%7C01.00.0000", 1)]
#[case::activation("/integrations/SYNC%7C01.00.0000", 2)]
#[case::schedule("/start", 1)]
#[tokio::test]
async fn a_lost_answer_is_not_judged_by_an_old_state(#[case] path: &str, #[case] nth: usize) {
    let (world, workspace) = incident(Manners { lag_ms: 100, ..Manners::default() }).await;
    world.fault(&format!("lost times=1 method=POST path={path} after={}", nth - 1));
    restore(&world, &workspace, RunOutcome::Restored).await;
    assert_eq!(world.sim.calls("prod POST"), 4, "three changes, one of them sent twice");
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

/// The process died in the middle of a deactivation, and somebody takes the run up at once.
#[tokio::test]
async fn a_run_that_was_just_cut_off_is_not_judged_by_an_old_state() {
    let (world, workspace) = incident(Manners { lag_ms: 100, ..Manners::default() }).await;
    // A schedule that runs would be waited for in any case.
    let stop = |i: &mut oicx::sim::ServiceInstance| {
        i.get_mut(&id(SYNC)).unwrap().schedule = Some(ScheduleState::Stopped);
    };
    world.sim.with_instance("prod", stop).unwrap();
    let prod = world.client("prod");
    let (plan, _) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let mut journal = Journal::begin("2026-11-27T000000Z-restore-aaaa".into(), &plan);
    let deactivation = plan.steps.iter().position(|s| s.kind == StepKind::Deactivate).unwrap();
    journal.items[0].open = Some(StepIndex(deactivation));
    prod.deactivate(&id(SYNC)).await.unwrap();
    let journal = take_up(&world, journal, true).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Stopped)));
}

#[rstest]
#[tokio::test]
async fn a_first_change_that_is_refused_leaves_the_run_untouched(
    #[values(400, 403, 409, 412, 423)] status: u16,
) {
    let (world, workspace) = incident(Manners::default()).await;
    world.fault(&format!("status={status} method=POST path=/integrations/SYNC"));
    let began = std::time::Instant::now();
    let journal = restore(&world, &workspace, RunOutcome::Untouched).await;
    assert!(journal.why().unwrap().contains(&status.to_string()));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

#[tokio::test]
async fn what_somebody_does_while_it_is_stopped_is_kept_told_and_not_written_over() {
    let (world, workspace) = incident(Manners::default()).await;
    let prod = world.client("prod");
    let (measured, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let before = world.sim.calls("prod ");
    assert_eq!(run(&world, measured, payloads, &prod).await.result, Some(RunOutcome::Restored));
    let made = world.sim.calls_since("prod ", before);
    let put = made.iter().position(|call| call.contains(" PUT ")).unwrap();
    let (world, workspace) = incident(Manners::default()).await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let theirs = std::sync::Arc::new(std::sync::Mutex::new(None));
    let edited = theirs.clone();
    let edit = move |i: &mut oicx::sim::ServiceInstance| {
        let live = i.get_mut(&id(SYNC)).unwrap();
        live.edit(|flow| drop(flow.fields.insert("n".into(), "'theirs'".into())), "m.rossi");
        *edited.lock().unwrap() = Some(i.export(&id(SYNC)).unwrap());
    };
    // It is looked at last by the call before the one that writes over it.
    world.sim.before_call("prod", put - 1, edit);
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    let told = journal.why().unwrap();
    assert!(told.contains("somebody changed SYNC|01.00.0000 while it was stopped"), "{told}");
    let theirs = theirs.lock().unwrap().clone().unwrap();
    let wanted = oicx::archive::Iar::read(&theirs).unwrap().fingerprints.portable;
    let manifests = world.store().await.manifests().await.unwrap();
    let all = manifests.iter().flat_map(|(_, m)| &m.as_ref().unwrap().entries);
    assert!(all.into_iter().any(|entry| entry.portable == wanted), "{told}");
    let there = world.sim.with_instance("prod", |i| i.export(&id(SYNC)).unwrap()).unwrap();
    assert_eq!(oicx::archive::Iar::read(&there).unwrap().fingerprints.portable, wanted);
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

#[tokio::test]
async fn what_failed_and_counts_as_not_active_is_put_back() {
    let manners = Manners { failed_is_inactive: true, ..slow() };
    let (world, workspace) = incident(manners).await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    world.fault("fail-activation times=1 method=POST path=/integrations/SYNC after=1");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    assert!(journal.why().unwrap().contains("the activation of SYNC|01.00.0000 failed"));
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

#[rstest]
#[case::a_schedule(Manners { schedule_ms: FOR_EVER, ..Manners::default() }, "schedule", "starting")]
#[case::a_deactivation(
    Manners { deactivation_ms: FOR_EVER, ..Manners::default() }, "deactivation", "busy"
)]
#[tokio::test]
async fn what_hangs_is_left_in_place_and_taken_up_later(
    #[case] manners: Manners,
    #[case] what: &str,
    #[case] state: &str,
    #[values(false, true)] undo: bool,
) {
    let (world, workspace) = incident(manners).await;
    let patient = EnvironmentConfig { activation_timeout: 1, ..world.environment("prod") };
    let prod = world.client_of(patient);
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let wanted = plan.items[0].wanted;
    let (before, puts) = (plan.items[0].before.portable, world.sim.calls("prod PUT"));
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Held), "{:?}", journal.error);
    let why = journal.why().unwrap();
    let expected = format!("the {what} of SYNC|01.00.0000 is still {state} after 1 s");
    assert!(why.contains(&expected) && why.contains("left as it is"), "{why}");
    // Nothing was put back.
    assert_eq!(world.sim.calls("prod PUT") - puts, usize::from(what == "schedule"));
    mannered(&world, Manners::default());
    let end = |i: &mut oicx::sim::ServiceInstance| {
        i.integrations.values_mut().for_each(|live| live.end_what_passes());
    };
    world.sim.with_instance("prod", end).unwrap();
    let ended = take_up(&world, journal, undo).await;
    let (outcome, content) = match undo {
        false => (RunOutcome::Restored, wanted),
        true => (RunOutcome::PutBack, before),
    };
    assert_eq!(ended.result, Some(outcome), "{:?}", ended.error);
    let bytes = prod.archive(&id(SYNC)).await.unwrap();
    let found = oicx::archive::Iar::read(&bytes).unwrap().fingerprints.portable;
    assert_eq!(Some(found), content);
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

#[tokio::test]
async fn a_schedule_that_was_just_started_runs_afterwards_too() {
    let (world, workspace) = incident(slow()).await;
    let start = |i: &mut oicx::sim::ServiceInstance| {
        let takes = i.settings.manners.schedule();
        let live = i.get_mut(&id(SYNC)).unwrap();
        live.set_schedule(ScheduleState::Running, takes, Duration::ZERO);
    };
    world.sim.with_instance("prod", start).unwrap();
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    assert_eq!(plan.items[0].schedule, Some(ScheduleState::Running));
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

fn parameters(world: &World) -> BTreeMap<String, Option<String>> {
    let of = |i: &mut oicx::sim::ServiceInstance| i.get(&id(SYNC)).unwrap().parameters.clone();
    world.sim.with_instance("prod", of).unwrap()
}

#[tokio::test]
async fn values_of_schedule_parameters_come_back_before_the_schedule_starts() {
    let (world, workspace) = incident(Manners::default()).await;
    let before = parameters(&world);
    assert_eq!(before["lastRun"].as_deref(), Some("2026-11-24T23:30:00Z"));
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let told = |what: &str| plan.checks.iter().any(|c| c.finding.what.contains(what));
    assert!(told("lastRun = 2026-11-24T23:30:00Z"), "{:?}", plan.checks);
    let kinds: Vec<_> = plan.steps.iter().map(|s| &s.kind).collect();
    let place = |kind: StepKind| kinds.iter().position(|k| **k == kind).unwrap();
    assert!(place(StepKind::Activate) < place(StepKind::Parameters));
    assert!(place(StepKind::Parameters) < place(StepKind::Schedule));
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert_eq!(parameters(&world), before);
}

#[tokio::test]
async fn values_that_the_service_does_not_take_put_the_old_version_back() {
    let (world, workspace) = incident(Manners::default()).await;
    let before = parameters(&world);
    world.fault("status=412 times=1 path=/schedule/parameters");
    restore(&world, &workspace, RunOutcome::PutBack).await;
    assert_eq!(parameters(&world), before);
}

/// The schedule runs on while a person reads the plan, and its flow moves the value.
#[tokio::test]
async fn a_value_that_a_run_moved_after_the_plan_is_the_one_that_comes_back() {
    let (world, workspace) = incident(Manners::default()).await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let moved = "2026-11-25T00:30:00Z";
    let advance = |i: &mut oicx::sim::ServiceInstance| {
        let live = i.get_mut(&id(SYNC)).unwrap();
        live.parameters.insert("lastRun".into(), Some(moved.into()));
    };
    world.sim.with_instance("prod", advance).unwrap();
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert_eq!(parameters(&world)["lastRun"].as_deref(), Some(moved));
}

/// A run is held because its schedule hangs; the schedule starts after all, and runs for days.
#[tokio::test]
async fn values_that_a_run_moved_since_are_left_when_a_held_run_is_continued() {
    let (world, workspace) =
        incident(Manners { schedule_ms: FOR_EVER, ..Manners::default() }).await;
    let patient = EnvironmentConfig { activation_timeout: 1, ..world.environment("prod") };
    let prod = world.client_of(patient);
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Held), "{:?}", journal.error);
    mannered(&world, Manners::default());
    let moved = "2026-11-27T00:30:00Z";
    let advance = |i: &mut oicx::sim::ServiceInstance| {
        let live = i.get_mut(&id(SYNC)).unwrap();
        live.end_what_passes();
        live.parameters.insert("lastRun".into(), Some(moved.into()));
    };
    world.sim.with_instance("prod", advance).unwrap();
    let ended = take_up(&world, journal, false).await;
    assert_eq!(ended.result, Some(RunOutcome::Restored), "{:?}", ended.error);
    assert_eq!(parameters(&world)["lastRun"].as_deref(), Some(moved));
}

#[tokio::test]
async fn a_backup_that_met_a_schedule_on_its_way_is_restored_to_where_it_went() {
    let world = World::new().await;
    let start = |i: &mut oicx::sim::ServiceInstance| {
        let takes = Duration::from_secs(3600);
        let live = i.get_mut(&id(SYNC)).unwrap();
        live.set_schedule(ScheduleState::Running, takes, Duration::ZERO);
    };
    world.sim.with_instance("prod", start).unwrap();
    take_backup(&world, "prod").await;
    delete_sync(&world);
    restore(&world, &world.workspace().await, RunOutcome::Restored).await;
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
}

/// An instance that caps pages, calls each the last and counts its own items alone.
#[tokio::test]
async fn a_list_whose_pages_are_capped_is_read_to_its_end() {
    let world = World::of(&many_integrations(230)).await;
    for page_cap in [0, 50, 20] {
        mannered(&world, Manners { page_cap, ..Manners::default() });
        let all = world.client("prod").integrations().await.unwrap();
        assert_eq!(all.len(), 230, "capped at {page_cap}");
    }
}

/// A landscape of prod alone with so many integrations.
fn many_integrations(count: usize) -> String {
    let mut text = String::from(
        "[[environment]]\nname = \"prod\"\ninstance = \"acme-prod\"\nclients = \
        [{ id = \"oicx\", secret = \"demo\", role = \"ServiceAdministrator\" }]\n\
        [[connection]]\ncode = \"OIC_REST\"\nname = \"R\"\nadapter = \"rest\"\n\
        url = \"https://oic.example\"\n",
    );
    for n in 0..count {
        text.push_str(&format!(
            "[[integration]]\ncode = \"F{n:03}\"\n[integration.flow]\nname = \"F\"\n\
            source = {{ name = \"a\", connection = \"OIC_REST\", adapter = \"rest\", \
            verb = \"GET\", resource = \"/a\" }}\n\
            target = {{ name = \"b\", connection = \"OIC_REST\", adapter = \"rest\", \
            verb = \"POST\", resource = \"/b\" }}\nfields = {{ n = \"$n\" }}\n\
            [[integration.at]]\nenvironment = \"prod\"\nversion = \"01.00.0000\"\n\
            updated = \"now-9d\"\n",
        ));
    }
    text
}

#[rstest]
#[case::a_rule(false)]
#[case::an_object(true)]
#[tokio::test]
async fn an_integration_that_was_deleted_gets_the_values_of_its_backup(
    #[case] frequency_is_object: bool,
) {
    let world = World::new().await;
    mannered(&world, Manners { frequency_is_object, ..Manners::default() });
    let times = world.client("prod").schedule_definition(&id(SYNC)).await.unwrap().unwrap();
    assert_eq!(times["frequency"].is_object(), frequency_is_object, "{times}");
    take_backup(&world, "prod").await;
    let before = parameters(&world);
    delete_sync(&world);
    restore(&world, &world.workspace().await, RunOutcome::Restored).await;
    assert_eq!(parameters(&world), before);
    assert_eq!(status_and_schedule(&world), (Status::Active, Some(ScheduleState::Running)));
    let back = world.client("prod").schedule_definition(&id(SYNC)).await.unwrap().unwrap();
    assert!(oicx::oic::same_times(&back, &times), "{back}, and it was {times}");
}

#[tokio::test]
async fn it_is_told_what_is_waited_for_and_how_long() {
    let (world, workspace) = incident(Manners { schedule_ms: 1500, ..Manners::default() }).await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let (events, mut news) = Events::channel();
    let store = world.store().await;
    let stop = StopSignal::default();
    let journal = crate::restore::run_on(&store, plan, payloads, &prod, &events, &stop).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    drop(events);
    let mut told = Vec::new();
    while let Some(progress) = news.recv().await {
        if let Progress::Waiting { text, .. } = progress {
            told.push(text);
        }
    }
    assert!(told.iter().any(|t| t == "starting for 1 s, at most 5 s"), "{told:?}");
}

#[rstest]
#[case::it_says_nothing(true)]
#[case::it_says_what_it_took(false)]
#[tokio::test]
async fn all_batches_are_sent_and_an_empty_answer_is_an_answer(#[case] resubmit_is_silent: bool) {
    let (world, _) = two_with_many_runs(false).await;
    mannered(&world, Manners { resubmit_is_silent, ..Manners::default() });
    let prod = world.client("prod");
    let approved = discard_all(&prod).await;
    let report = recover::run(approved, &prod, None, &Events::silent()).await;
    assert_eq!((report.taken.len(), report.is_whole(), &report.why), (100, true, &None));
    assert_eq!(world.sim.calls("/discard"), 2);
    assert_eq!(report.jobs.is_empty(), resubmit_is_silent);
}

async fn discard_all(prod: &Client) -> ApprovedRecovery {
    let plan =
        recover::plan((prod, None), &id(SYNC), Window::Day, Recovery::Discard, None).await.unwrap();
    assert_eq!(plan.errors.len(), 100);
    plan.approve(Some("prod")).unwrap()
}

#[tokio::test]
async fn one_batch_that_is_refused_stops_no_other() {
    let (world, _) = two_with_many_runs(false).await;
    let prod = world.client("prod");
    let approved = discard_all(&prod).await;
    world.fault("status=409 times=1 method=POST path=/discard");
    let report = recover::run(approved, &prod, None, &Events::silent()).await;
    assert_eq!((report.left.len(), report.taken.len(), report.is_whole()), (50, 50, false));
    assert!(report.why.unwrap().contains("409"));
}

#[tokio::test]
async fn a_role_that_may_not_recover_is_asked_for_once() {
    let (world, _) = two_with_many_runs(false).await;
    let prod = world.client("prod");
    let approved = discard_all(&prod).await;
    world.fault("status=403 method=POST path=/discard");
    let report = recover::run(approved, &prod, None, &Events::silent()).await;
    assert_eq!((report.left.len(), world.sim.calls("/discard")), (100, 1));
}

#[tokio::test]
async fn where_no_answer_came_what_is_still_listed_is_not_called_left() {
    let (world, _) = two_with_many_runs(false).await;
    let prod = world.client("prod");
    let approved = discard_all(&prod).await;
    world.fault("reset method=POST path=/discard");
    let report = recover::run(approved, &prod, None, &Events::silent()).await;
    assert_eq!((report.unknown.len(), report.left.len()), (100, 0));
    assert!(report.why.unwrap().contains("look in the console before sending them again"));
}
