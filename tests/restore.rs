//! Restore: the three ways, the checks, and every path ends in a proof or without a change.

use oicx::archive::Iar;
use oicx::config::EnvironmentConfig;
use oicx::model::{
    Kind, Level, PlanRefused, Reference, ScheduleState, Status, StepIndex, StorePick,
};
use oicx::oic::Client;
use oicx::restore;
use oicx::restore::{
    Journal, Payloads, PlanOptions, PreparedPlan, RestorePlan, RunContext, RunOutcome, StepKind,
    Strategy, Verb,
};
use oicx::store::Store;
use oicx::workspace::Workspace;
use oicx::workspace::events::{Events, StopSignal};

use crate::store::{change_in_place, delete_sync, take_backup};
use crate::support::{World, context, id, key, name, retry_policy, target};

const SYNC: &str = "SYNC|01.00.0000";

/// A world in which prod was backed up, and SYNC changed in place since.
async fn incident() -> (World, Workspace) {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    take_backup(&world, "dev").await;
    change_in_place(&world, "prod");
    let workspace = world.workspace().await;
    (world, workspace)
}

pub async fn plan(
    workspace: &Workspace,
    client: &Client,
    reference: &str,
) -> (RestorePlan, Payloads) {
    plan_with(workspace, client, &[reference], &PlanOptions::default()).await
}

pub async fn plan_with(
    workspace: &Workspace,
    client: &Client,
    references: &[&str],
    plan_options: &PlanOptions,
) -> (RestorePlan, Payloads) {
    let references: Vec<Reference> = references.iter().map(|r| r.parse().unwrap()).collect();
    let request = workspace.request(Verb::Restore, &references).await.unwrap();
    let PreparedPlan { plan, payloads, .. } =
        restore::prepare(client, workspace.store.as_ref(), &request, plan_options).await.unwrap();
    (plan, payloads)
}

pub async fn run(world: &World, plan: RestorePlan, payloads: Payloads, client: &Client) -> Journal {
    let store = world.store().await;
    run_on(&store, plan, payloads, client, &Events::silent(), &StopSignal::default()).await
}

pub async fn run_on(
    store: &Store,
    plan: RestorePlan,
    payloads: Payloads,
    client: &Client,
    events: &Events,
    stop: &StopSignal,
) -> Journal {
    let confirmation = plan.name_to_type().unwrap_or_else(|| plan.environment.to_string());
    let approved = plan.approve(Some(&confirmation)).unwrap();
    let retry_policy = retry_policy();
    let context = RunContext { events, stop, ..context(client, store, &retry_policy) };
    restore::run(approved, payloads, context).await.unwrap()
}

async fn flow_of(client: &Client, which: &str) -> oicx::model::Fingerprint {
    Iar::read(&client.archive(&id(which)).await.unwrap()).unwrap().fingerprints.portable
}

#[tokio::test]
async fn a_version_changed_in_place_is_replaced_and_proven_and_its_schedule_runs_again() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    assert_eq!(plan.strategy, Strategy::Replace);
    assert!(plan.reason.contains("changed in place by j.doe"), "{}", plan.reason);
    let kinds: Vec<_> = plan.steps.iter().map(|s| s.kind.clone()).collect();
    use StepKind as K;
    assert_eq!(
        kinds,
        [
            K::SafetyExport,
            K::Deactivate,
            K::Replace,
            K::Activate,
            K::Parameters,
            K::Schedule,
            K::Prove
        ]
    );
    assert!(
        plan.checks.iter().any(|c| c.what.starts_with("next scheduled run")),
        "{:?}",
        plan.checks
    );
    let broken = flow_of(&prod, SYNC).await;
    let wanted = plan.main().unwrap().wanted.unwrap();
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    let proof = journal.proof.unwrap();
    assert!(proof.holds());
    assert_eq!(flow_of(&prod, SYNC).await, wanted);
    assert_eq!(prod.integration(&id(SYNC)).await.unwrap().state.status, Status::Active);
    assert_eq!(prod.schedule(&id(SYNC)).await.unwrap(), Some(ScheduleState::Running));
    // The safety export holds the broken state; only the run names it.
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let safety = store
        .resolve(
            &index,
            &name("prod"),
            &target(Kind::Integration, "SYNC"),
            &StorePick::Run(journal.run.clone()),
        )
        .await
        .unwrap();
    assert_eq!(safety.portable, broken);
    let newest = StorePick::Newest { version: None, back: 0 };
    let newest = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &newest)
        .await
        .unwrap();
    assert_eq!(newest.portable, wanted);
    let kept =
        std::fs::read_to_string(world.store_folder().join(format!("runs/{}.json", journal.run)))
            .unwrap();
    assert!(kept.contains("\"result\": \"restored\"") && kept.contains("safety export"), "{kept}");
}

#[tokio::test]
async fn a_version_that_is_gone_is_imported_and_swaps_out_the_active_one() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    prod.delete_one(&key(Kind::Integration, "ORDERS|01.01.0000")).await.unwrap();
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/ORDERS@01.01.0000").await;
    assert_eq!(
        (plan.strategy, plan.main().unwrap().activate),
        (Strategy::Import, false),
        "it did not run when it was taken"
    );
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert_eq!(
        prod.integration(&id("ORDERS|01.01.0000")).await.unwrap().state.status,
        Status::Configured
    );
    assert_eq!(
        prod.integration(&id("ORDERS|01.00.0000")).await.unwrap().state.status,
        Status::Active
    );
}

#[tokio::test]
async fn a_version_that_is_there_unchanged_is_only_activated() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/ORDERS@01.01.0000").await;
    assert_eq!(plan.strategy, Strategy::Activate);
    assert!(plan.steps[0].text.contains("swaps out ORDERS|01.00.0000"), "{}", plan.steps[0].text);
    let uploads = world.sim.calls("/integrations/archive");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert_eq!(world.sim.calls("/integrations/archive"), uploads);
    assert_eq!(
        prod.integration(&id("ORDERS|01.00.0000")).await.unwrap().state.status,
        Status::Configured
    );
}

#[tokio::test]
async fn what_runs_already_is_only_proven() {
    let (world, workspace) = incident().await;
    let dev = world.client("dev");
    let (plan, payloads) = plan(&workspace, &dev, "store:dev/SYNC").await;
    assert!(!plan.changes_something());
    let changes = world.sim.calls("dev POST");
    let journal = run(&world, plan, payloads, &dev).await;
    assert_eq!((journal.result, journal.error), (Some(RunOutcome::Untouched), None));
    assert_eq!(world.sim.calls("dev POST"), changes);
}

#[tokio::test]
async fn a_backup_of_one_environment_is_restored_to_another_whose_connections_keep_their_values() {
    let (world, workspace) = incident().await;
    change_in_place(&world, "dev");
    let dev = world.client("dev");
    let (plan, payloads) = plan(&workspace, &dev, "store:prod/SYNC").await;
    assert!(
        plan.checks
            .iter()
            .any(|c| c.what.contains("2 connections configured; the target's own values stay")),
        "{:?}",
        plan.checks
    );
    let journal = run(&world, plan, payloads, &dev).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
}

/// Fails in some step, and expects that what was there runs again.
async fn puts_back(fault: &str, why: &str) {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let before = flow_of(&prod, SYNC).await;
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    world.fault(fault);
    let journal = run(&world, plan, payloads, &prod).await;
    let error = journal.why().unwrap_or_default();
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{fault}: {error} {:?}", journal.lines);
    assert!(error.contains(why), "{fault}: {error}");
    assert_eq!(flow_of(&prod, SYNC).await, before, "{fault}");
    assert_eq!(prod.integration(&id(SYNC)).await.unwrap().state.status, Status::Active, "{fault}");
    assert_eq!(prod.schedule(&id(SYNC)).await.unwrap(), Some(ScheduleState::Running), "{fault}");
}

#[tokio::test]
async fn restore_puts_back_the_safety_export_when_activation_fails() {
    // The restored version's activation fails once; the old one's, afterwards, does not.
    puts_back(
        "fail-activation times=1 method=POST path=/integrations/SYNC after=1",
        "activation of SYNC|01.00.0000 failed",
    )
    .await;
}

#[tokio::test]
async fn restore_puts_back_when_the_replacement_is_refused() {
    puts_back("status=400 times=1 method=PUT path=/integrations/archive", "400").await;
}

#[tokio::test]
async fn restore_puts_back_when_the_service_does_not_recover_during_the_replacement() {
    puts_back("status=503 times=3 method=PUT path=/integrations/archive", "503").await;
}

#[tokio::test]
async fn restore_puts_back_when_the_schedule_cannot_be_started() {
    puts_back("status=403 times=1 method=POST path=/schedule/start", "403").await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_looked_at_and_not_done_twice() {
    for fault in [
        "lost times=1 method=PUT path=/integrations/archive",
        "lost times=1 method=POST path=/integrations/SYNC",
        "lost times=1 method=POST path=/schedule/start",
        "reset times=1 method=PUT path=/integrations/archive",
        "status=502 times=1 method=POST path=/integrations/SYNC",
    ] {
        let (world, workspace) = incident().await;
        let prod = world.client("prod");
        let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
        world.fault(fault);
        let journal = run(&world, plan, payloads, &prod).await;
        assert_eq!(journal.result, Some(RunOutcome::Restored), "{fault}: {:?}", journal.error);
        if fault.contains("PUT") && fault.contains("lost") {
            assert_eq!(world.sim.calls("prod PUT"), 1, "it had taken effect");
        }
    }
}

#[tokio::test]
async fn a_failed_import_leaves_nothing_behind() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    // Taken while it ran, so that the restore activates it.
    prod.activate(&id("ORDERS|01.01.0000")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(80)).await;
    take_backup(&world, "prod").await;
    prod.activate(&id("ORDERS|01.00.0000")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(80)).await;
    prod.delete_one(&key(Kind::Integration, "ORDERS|01.01.0000")).await.unwrap();
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/ORDERS@01.01.0000").await;
    assert_eq!((plan.strategy, plan.main().unwrap().activate), (Strategy::Import, true));
    assert!(plan.if_it_fails.iter().any(|l| l.contains("deleted again")), "{:?}", plan.if_it_fails);
    world.fault("fail-activation times=1 method=POST path=/integrations/ORDERS");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    assert_eq!(prod.find_integration(&id("ORDERS|01.01.0000")).await.unwrap(), None);
    assert_eq!(
        prod.integration(&id("ORDERS|01.00.0000")).await.unwrap().state.status,
        Status::Active
    );
}

#[tokio::test]
async fn an_import_that_is_refused_because_it_exists_changes_and_deletes_nothing() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    prod.delete_one(&key(Kind::Integration, "ORDERS|01.01.0000")).await.unwrap();
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/ORDERS@01.01.0000").await;
    // Somebody else imports it in the moment between the last look and our import.
    world.fault("status=409 times=1 method=POST path=/integrations/archive");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Untouched), "{:?}", journal.lines);
    assert!(journal.why().unwrap().contains("409"));
    assert_eq!(world.sim.calls("prod DELETE"), 1, "only the one that this test made");
}

#[tokio::test]
async fn what_could_not_be_found_out_is_never_called_unchanged() {
    // The replacement takes effect and its answer is lost; from then on nothing can be exported any
    // more.
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    world.fault("lost method=PUT path=/integrations/archive");
    world.fault("status=403 method=GET path=/archive after=1");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Unfinished), "{:?}", journal.lines);
    assert!(journal.why().unwrap().contains("PUTTING BACK FAILED"));
}

#[tokio::test]
async fn an_activation_that_hangs_is_left_in_place_and_told() {
    let (world, workspace) = incident().await;
    let prod =
        world.client_of(EnvironmentConfig { activation_timeout: 1, ..world.environment("prod") });
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    // The first POST deactivates; the second activates and hangs.
    world.fault("stuck-activation times=1 method=POST path=/integrations/SYNC after=1");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Held), "{:?}", journal.error);
    assert!(journal.why().unwrap().contains("the activation of SYNC|01.00.0000 is still"));
}

#[tokio::test]
async fn nothing_is_changed_when_the_safety_export_cannot_be_made() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    world.fault("status=500 path=/archive method=GET");
    let changes = world.sim.calls("prod POST") + world.sim.calls("prod PUT");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Untouched));
    assert!(journal.why().unwrap().contains("500"));
    assert_eq!(world.sim.calls("prod POST") + world.sim.calls("prod PUT"), changes);
}

#[tokio::test]
async fn nothing_is_changed_when_the_disk_is_full_for_the_safety_export() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    // There is room for what is sent and for the journal, and none from the first step on.
    let disk = std::sync::Arc::new(crate::support::disk::FillingDisk::roomy());
    let store = oicx::store::Store::on(disk.clone(), "small");
    let (events, mut news) = Events::channel();
    tokio::spawn(async move {
        while let Some(progress) = news.recv().await {
            if matches!(progress, oicx::workspace::events::Progress::Step { .. }) {
                disk.fill();
            }
        }
    });
    world.fault("latency=100ms env=prod method=get path=/archive");
    let journal = run_on(&store, plan, payloads, &prod, &events, &StopSignal::default()).await;
    let kept = restore::all_runs(&store).await.unwrap().pop().unwrap();
    assert_eq!(kept.result, Some(RunOutcome::Untouched), "its end is on record");
    assert_eq!(journal.result, Some(RunOutcome::Untouched), "{:?}", journal.lines);
    assert!(journal.why().unwrap().contains("No space left"));
    assert_eq!(world.sim.calls("prod PUT"), 0);
    assert_eq!(prod.integration(&id(SYNC)).await.unwrap().state.status, Status::Active);
}

/// The disk fills at a call in the middle of the run: the change is not undone for that, and the
/// end is on record.
#[rstest::rstest]
#[case::while_it_is_activated("prod POST", 2, RunOutcome::Restored)]
#[case::before_it_is_proven("prod GET", 30, RunOutcome::Restored)]
#[tokio::test]
async fn a_run_has_room_for_its_last_line(
    #[case] calls: &str,
    #[case] nth: usize,
    #[case] outcome: RunOutcome,
) {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let disk = std::sync::Arc::new(crate::support::disk::FillingDisk::roomy());
    let store = oicx::store::Store::on(disk.clone(), "small");
    let began = world.sim.calls(calls);
    let (sim, filled) = (&world.sim, disk.clone());
    let (events, stop) = (Events::silent(), StopSignal::default());
    let run = run_on(&store, plan, payloads, &prod, &events, &stop);
    let mut run = std::pin::pin!(run);
    let journal = loop {
        tokio::select! {
            journal = &mut run => break journal,
            () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {
                if sim.calls(calls) - began >= nth {
                    filled.fill();
                }
            }
        }
    };
    let kept = restore::all_runs(&store).await.unwrap().pop().unwrap();
    assert_eq!(kept.result, journal.result, "{:?}", journal.error);
    // Where there was no room for a step's line, what was there is back.
    let ends = [outcome, RunOutcome::PutBack];
    assert!(kept.result.is_some_and(|r| ends.contains(&r)), "{:?} {:?}", kept.result, kept.error);
}

/// The last lines were not written, and what was sent is gone: that it took effect is found out,
/// and nothing proven is taken back.
#[tokio::test]
async fn a_run_that_was_done_is_continued_without_what_it_sent() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let store = world.store().await;
    let wanted = plan.items[0].wanted;
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored));
    // As a disk that filled left it: without an end, and its last step begun.
    // What was sent was deleted when the run ended.
    assert!(journal.items[0].file.is_some());
    let mut open = journal.clone();
    (open.result, open.finished) = (None, None);
    let item = &mut open.items[0];
    item.outcome = None;
    item.open = item.done.pop();
    let retry_policy = retry_policy();
    let context = context(&prod, &store, &retry_policy);
    let ended = restore::continue_run(open.clone().reopen(Some("prod")).unwrap(), context).await;
    let ended = ended.unwrap();
    assert_eq!(ended.result, Some(RunOutcome::Restored), "{:?}", ended.error);
    assert_eq!(Some(flow_of(&prod, SYNC).await), wanted);
    // Where it did not take effect, it says what to do.
    delete_sync(&world);
    let ended = restore::continue_run(open.reopen(Some("prod")).unwrap(), context).await.unwrap();
    assert_eq!(ended.result, Some(RunOutcome::Unfinished));
    assert!(ended.why().unwrap().contains("undo it"));
}

#[tokio::test]
async fn nothing_is_changed_when_somebody_else_was_faster() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    change_in_place(&world, "prod");
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Untouched));
    assert!(journal.why().unwrap().contains("changed by j.doe since this plan"));
}

#[tokio::test]
async fn a_cancel_stops_at_the_next_step_and_puts_back() {
    let (world, workspace) = incident().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:prod/SYNC").await;
    let (events, mut news) = Events::channel();
    let stop = StopSignal::default();
    let asked = stop.clone();
    tokio::spawn(async move {
        while let Some(progress) = news.recv().await {
            if matches!(
                progress,
                oicx::workspace::events::Progress::Step { index: StepIndex(1), .. }
            ) {
                asked.undo();
            }
        }
    });
    let store = world.store().await;
    let before = flow_of(&prod, SYNC).await;
    let journal = run_on(&store, plan, payloads, &prod, &events, &stop).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    assert_eq!(flow_of(&prod, SYNC).await, before);
    assert_eq!(prod.integration(&id(SYNC)).await.unwrap().state.status, Status::Active);
}

#[tokio::test]
async fn a_protected_environment_wants_its_name_exactly() {
    let (world, workspace) = incident().await;
    let (plan, _) = plan(&workspace, &world.client("prod"), "store:prod/SYNC").await;
    for wrong in [None, Some(""), Some("yes"), Some("Prod"), Some("prod "), Some("dev")] {
        let refused = plan.clone().approve(wrong).unwrap_err();
        assert_eq!(refused, PlanRefused::Unconfirmed("prod".into()), "{wrong:?}");
    }
    assert!(plan.approve(Some("prod")).is_ok());
}

#[tokio::test]
async fn blockers_stop_a_plan_and_each_says_what_to_do() {
    let (world, workspace) = incident().await;
    let blocked = |plan: &RestorePlan, words: &str| {
        let found =
            plan.checks.iter().find(|c| c.level == Level::Blocker && c.what.contains(words));
        assert!(found.is_some_and(|f| f.fix.is_some()), "{words}: {:?}", plan.checks);
        assert!(matches!(plan.clone().approve(Some("prod")), Err(PlanRefused::Blocked(_))));
    };
    let prod = world.client("prod");
    let (lonely, _) = plan(&workspace, &prod, "store:dev/LONELY").await;
    blocked(&lonely, "connection DEV_ONLY is not on prod");
    let read_only =
        world.client_of(EnvironmentConfig { read_only: true, ..world.environment("prod") });
    let (sync, _) = plan(&workspace, &read_only, "store:prod/SYNC").await;
    blocked(&sync, "read-only");
    world.sim.with_instance("prod", |i| {
        i.get_mut(&id(SYNC)).unwrap().locked_by = Some("m.rossi".into())
    });
    let (locked, _) = plan(&workspace, &prod, "store:prod/SYNC").await;
    blocked(&locked, "locked by m.rossi");
    blocked(&locked, "cannot be exported");
}

#[tokio::test]
async fn a_connection_that_an_import_would_leave_unconfigured_is_a_blocker() {
    let (world, workspace) = incident().await;
    world.sim.with_instance("prod", |i| i.connections.get_mut("HCM").unwrap().configured = false);
    let (plan, _) = plan(&workspace, &world.client("prod"), "store:prod/SYNC").await;
    let blocker = plan.blockers().next().unwrap();
    assert!(blocker.what.contains("connection HCM on prod is draft"), "{}", blocker.what);
}

#[tokio::test]
async fn the_wrong_archive_never_gets_as_far_as_a_plan() {
    let (world, workspace) = incident().await;
    let path = world.folder.path().join("page.iar");
    std::fs::write(&path, "<html>Sign in</html>").unwrap();
    let error =
        workspace.request(Verb::Restore, &[Reference::File(path)]).await.unwrap_err().to_string();
    assert!(error.contains("HTML page"), "{error}");
    let missing = workspace
        .request(Verb::Restore, &["store:prod/NOTHING".parse().unwrap()])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("no version of the integration NOTHING")
            && missing.contains("oicx backup prod"),
        "{missing}"
    );
    let live = workspace
        .request(Verb::Restore, &["prod:NOTHING".parse().unwrap()])
        .await
        .unwrap_err()
        .to_string();
    assert!(live.contains("prod has no integration NOTHING"), "{live}");
}
