//! Answers that say what nobody has heard of: states on their way, lists under other names, fields
//! that are not there. None of them decides something by what it does not say.

use oicx::model::{Level, Status};
use oicx::oic::{Recovery, Window};
use oicx::ops::recover;
use oicx::restore::RunOutcome;
use oicx::sim::{Manners, ServiceInstance};
use oicx::workspace::events::Events;
use rstest::rstest;

use crate::at_rest::{SYNC, incident, mannered, restore, status_and_schedule};
use crate::cli::{json, oicx, run};
use crate::runs::two_with_many_runs;
use crate::store::take_backup;
use crate::support::{World, id};

/// A word for what is on its way is waited out, however it is written, and longer than an old state
/// may be shown.
#[rstest]
#[case::a_deactivation("DEACTIVATION_INPROGRESS", "DRAINING")]
#[case::an_activation("ACTIVATION_INPROGRESS", "WARMING_UP")]
#[case::a_schedule("STARTING", "QUEUED_FOR_START")]
#[tokio::test]
async fn a_state_that_nobody_heard_of_is_waited_out(#[case] known: &str, #[case] odd: &str) {
    let slow = Manners { schedule_ms: 500, deactivation_ms: 500, ..Manners::default() };
    let (world, workspace) = incident(slow).await;
    world.sim.with_instance("prod", |i| i.settings.activation_ms = 500).unwrap();
    world.fault(&format!("say={known}:{odd} env=prod"));
    restore(&world, &workspace, RunOutcome::Restored).await;
    assert_eq!(status_and_schedule(&world).0, Status::Active);
    assert_eq!(world.sim.calls("prod POST"), 3, "nothing is sent twice");
}

/// A word that nobody knows may also be one at rest: it is not waited for to the end of all patience.
#[rstest]
#[case::of_a_schedule("STOPPED", "GLOWING")]
#[case::of_an_integration("CONFIGURED", "SHELVED")]
#[tokio::test]
async fn a_state_at_rest_that_nobody_heard_of_stops_no_run(#[case] known: &str, #[case] odd: &str) {
    let (world, workspace) = incident(Manners::default()).await;
    world.fault(&format!("say={known}:{odd} env=prod path=/integrations"));
    restore(&world, &workspace, RunOutcome::Restored).await;
    assert_eq!(status_and_schedule(&world).0, Status::Active);
}

/// An instance may not offer the call that watches an activation.
#[tokio::test]
async fn where_no_call_watches_an_activation_the_integration_tells() {
    let (world, workspace) = incident(Manners::default()).await;
    world.fault("status=404 env=prod path=/activationStatus");
    restore(&world, &workspace, RunOutcome::Restored).await;
    assert_eq!(status_and_schedule(&world).0, Status::Active);
}

/// What the service took stays listed for a while.
#[tokio::test]
async fn what_was_taken_a_moment_ago_is_not_sent_again() {
    let (world, _) = two_with_many_runs(false).await;
    mannered(&world, Manners { recovery_ms: 60_000, ..Manners::default() });
    let (prod, store) = (world.client("prod"), world.store().await);
    let of = (&prod, Some(&store));
    let sync = id(SYNC);
    let plan = |only| recover::plan(of, &sync, Window::Day, Recovery::Discard, only);
    let first = plan(None).await.unwrap();
    let (part, all) = (first.errors[0].id.clone(), first.errors.len());
    let one = plan(Some(std::slice::from_ref(&part))).await.unwrap();
    let approved = one.approve(Some("prod")).unwrap();
    let report = recover::run(approved, &prod, Some(&store), &Events::silent()).await;
    assert_eq!(report.taken, std::slice::from_ref(&part));
    let rest = plan(None).await.unwrap();
    assert_eq!(rest.errors.len(), all - 1, "it is still listed");
    let told = rest.checks.iter().find(|c| c.what.contains("accepted")).unwrap();
    assert!(told.what.starts_with("1 more were accepted"), "{told:?}");
    let again = plan(Some(std::slice::from_ref(&part))).await.unwrap();
    assert!(again.checks.iter().any(|c| c.level == Level::Blocker), "{:?}", again.checks);
}

/// Many calls wait for one token: one of them asks.
#[tokio::test]
async fn a_token_endpoint_that_asks_to_wait_is_asked_once_for_all() {
    let world = World::new().await;
    world.fault("status=429 retry-after=1 times=1 path=/oauth2");
    let client = world.client("prod");
    let calls = (0..12).map(|_| client.integrations());
    let all = futures::future::join_all(calls).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(world.sim.calls("/oauth2/v1/token"), 2);
    // Without a time that is named, it is asked less and less often.
    let client = world.client("prod");
    world.fault("status=503 times=2 path=/oauth2");
    let calls = (0..12).map(|_| client.integrations());
    let all = futures::future::join_all(calls).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(world.sim.calls("/oauth2/v1/token"), 5);
}

/// Every list: what has its records under another name is not an empty list.
#[rstest]
#[case::integrations("/integrations", &["list", "prod"])]
#[case::integrations_of_a_backup("/integrations", &["backup", "prod"])]
#[case::connections("/connections", &["list", "prod", "--kind", "connections"])]
#[case::lookups("/lookups", &["backup", "prod"])]
#[case::connections_of_a_plan("/connections", &["restore", "store:prod/SYNC", "--to", "prod", "--plan"])]
#[tokio::test(flavor = "multi_thread")]
async fn a_list_under_another_name_is_not_an_empty_one(#[case] path: &str, #[case] args: &[&str]) {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    world.fault(&format!("say=items:elements env=prod path={path}"));
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), args).await;
    let text = format!("{out}{err}");
    let told = text.contains("no list of records, but elements");
    assert!(told || text.contains("are not shown: unexpected answer"), "{text}");
    assert!(!text.contains("removed") || text.contains(" 0 removed"), "{text}");
    assert!(code != 0 || args[0] == "list", "{text}");
}

/// Whether something runs is not guessed: a plan is refused where the service does not say it.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_tell_its_status_is_not_taken_for_inactive() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let edit = |i: &mut ServiceInstance| {
        let live = i.get_mut(&id(SYNC)).unwrap();
        live.edit(|flow| drop(flow.fields.insert("later".into(), "$n".into())), "j.doe");
    };
    world.sim.with_instance("prod", edit).unwrap();
    world.fault("say=status:standing env=prod path=/integrations");
    let config = world.config_file("");
    let plan = ["restore", "store:prod/SYNC", "--to", "prod", "--plan"];
    let (code, out, err) = run(oicx(&config), &plan).await;
    let text = format!("{out}{err}");
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("no record has status; they have"), "{text}");
    let (_, list) = json(&config, &["list", "prod", "--json"]).await;
    assert!(!list["rows"].as_array().unwrap().is_empty(), "they are shown all the same");
}

/// The service's clock is ten minutes off: who changed something is found all the same.
#[rstest]
#[case::behind(-600)]
#[case::ahead(600)]
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ten_minutes_off_loses_nobody(#[case] clock_s: i64) {
    let world = World::new().await;
    mannered(&world, Manners { clock_s, ..Manners::default() });
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert!(code < 2, "{out}{err}");
    let edit = |i: &mut ServiceInstance| {
        let live = i.get_mut(&id(SYNC)).unwrap();
        live.edit(|flow| drop(flow.fields.insert("later".into(), "$n".into())), "j.doe");
    };
    world.sim.with_instance("prod", edit).unwrap();
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(1);
    let client = world.client("prod");
    let records = client.audit_since(before).await.unwrap();
    assert!(records.iter().any(|r| r.user == "j.doe"), "{records:?}");
    let (_, out, err) = run(oicx(&config), &["doctor"]).await;
    assert!(format!("{out}{err}").contains("s ahead of the service's") == (clock_s < 0), "{out}");
    assert!(format!("{out}{err}").contains("s behind the service's") == (clock_s > 0), "{out}");
}
