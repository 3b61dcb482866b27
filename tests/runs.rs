//! What is done with runs beside restoring one integration: several at once, connections, smoke
//! calls, undo, going on after a crash, promote, drift, drill, triage; by the verbs and by the real
//! binary.

use std::time::Duration;

use oicx::config::{EnvironmentConfig, OverlayValue, Smoke};
use oicx::model::{ItemIndex, Kind, Level, ScheduleState, Status};
use oicx::oic::{Client, Recovery, Window};
use oicx::ops::drift::DriftSelection;
use oicx::ops::{drift, drill, recover};
use oicx::restore;
use oicx::restore::{
    Checklist, ChecklistState, Journal, PlanOptions, Remedy, RunContext, RunOutcome, RunProcess,
    Strategy, Verb,
};
use oicx::store::Store;
use oicx::workspace::Workspace;
use oicx::workspace::events::Events;

use crate::cli::{json, oicx, run as cli};
use crate::restore::{plan, plan_with, run};
use crate::store::take_backup;
use crate::support::{World, context, id, name, retry_policy, screen::Screen};

const TWO: &str = include_str!("support/two.toml");

pub async fn two() -> (World, Workspace) {
    two_of(TWO).await
}

/// The same with so many runs that one more or less changes no column, and none that come by
/// themselves unless they are waited for.
pub async fn two_with_many_runs(going_on: bool) -> (World, Workspace) {
    let few = "received = 30, succeeded = 23, failed = 7";
    let text = TWO.replace(few, "received = 123, succeeded = 23, failed = 100");
    two_of(&if going_on { text } else { text.replace("run_every_ms = 150\n", "") }).await
}

async fn two_of(landscape: &str) -> (World, Workspace) {
    let world = World::of(landscape).await;
    take_backup(&world, "test").await;
    take_backup(&world, "prod").await;
    let workspace = world.workspace().await;
    (world, workspace)
}

/// Undoes a finished run by a plan of its own.
pub async fn roll_back(store: &Store, client: &Client, journal: &Journal) -> Journal {
    let request = restore::undoing(store, journal).await.unwrap();
    let prepared =
        restore::prepare(client, Some(store), &request, &PlanOptions::default()).await.unwrap();
    let approved = prepared.plan.approve(Some(client.name().as_str())).unwrap();
    let retry_policy = retry_policy();
    let context = context(client, store, &retry_policy);
    restore::run(approved, prepared.payloads, context).await.unwrap()
}

fn with_overlay(world: &World, environment: &str, password: &str) -> Client {
    let overlay = [
        ("connectionUrl".to_owned(), OverlayValue::Plain("https://secret.example".into())),
        ("username".to_owned(), OverlayValue::Plain("svc".into())),
        ("password".to_owned(), OverlayValue::Secret(world.secret(password))),
    ];
    let connections = [("SECRET_REST".to_owned(), overlay.into())].into();
    world.client_of(EnvironmentConfig { connections, ..world.environment(environment) })
}

#[tokio::test]
async fn what_an_integration_needs_comes_along_in_order_and_is_taken_away_again() {
    let (world, workspace) = two().await;
    let client = with_overlay(&world, "empty", "right");
    let (first, _) = plan(&workspace, &client, "store:test/SYNC").await;
    let order: Vec<_> = first.items.iter().map(|i| i.key.to_string()).collect();
    assert_eq!(
        order,
        ["lookup PAY_GRADE", "SYNC 01.00.0000"],
        "the lookup that is missing comes first"
    );
    assert!(
        first
            .checks
            .iter()
            .any(|c| c.what.contains("lookup PAY_GRADE is not on empty: also restored"))
    );
    // A child is brought along where a person wants it.
    let (offered, _) = plan(&workspace, &client, "store:test/PARENT").await;
    let remedies: Vec<_> = offered.checks.iter().filter_map(|c| c.remedy.clone()).collect();
    let child = oicx::model::ArtifactKey::from(id("CHILD|01.01.0000"));
    assert_eq!(remedies, [Remedy::Along(child.clone())]);
    let plan_options = PlanOptions { along: [child].into(), ..PlanOptions::default() };
    let (plan, payloads) =
        plan_with(&workspace, &client, &["store:test/PARENT", "store:test/SYNC"], &plan_options)
            .await;
    let order: Vec<_> = plan.items.iter().map(|i| i.key.to_string()).collect();
    assert_eq!(
        order,
        ["lookup PAY_GRADE", "CHILD 01.01.0000", "PARENT 02.00.0000", "SYNC 01.00.0000"]
    );
    assert_eq!(plan.items[2].after, [ItemIndex(1)], "the parent waits for its child");
    let journal = run(&world, plan, payloads, &client).await;
    assert_eq!(
        journal.result,
        Some(RunOutcome::Restored),
        "{:?} {:?}",
        journal.error,
        journal.lines
    );
    let secret = |i: &mut oicx::sim::ServiceInstance| {
        i.connections["SECRET_REST"].secrets["password"].clone()
    };
    assert_eq!(world.sim.with_instance("empty", secret).unwrap(), "right");
    let kept =
        std::fs::read_to_string(world.store_folder().join(format!("runs/{}.json", journal.run)))
            .unwrap();
    assert!(
        kept.contains("test connection SECRET_REST") && !kept.contains("right\""),
        "no secret in the journal"
    );
    let store = world.store().await;
    let undone = roll_back(&store, &client, &journal).await;
    assert_eq!(undone.result, Some(RunOutcome::Restored), "{:?} {:?}", undone.error, undone.lines);
    assert!(client.integrations().await.unwrap().is_empty());
    let lookups: Vec<_> =
        client.catalog(Kind::Lookup).await.unwrap().into_iter().map(|l| l.code).collect();
    assert_eq!(lookups, ["UNUSED"]);
}

#[tokio::test]
async fn a_wrong_password_is_told_in_the_service_s_words_and_nothing_stays() {
    let (world, workspace) = two().await;
    let client = with_overlay(&world, "empty", "wrong");
    let (plan, payloads) = plan(&workspace, &client, "store:test/PARENT").await;
    let journal = run(&world, plan, payloads, &client).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.lines);
    let why = journal.why().unwrap();
    assert!(
        why.contains("HTTP 401: the user name or password is wrong")
            && why.contains("set other values"),
        "{why}"
    );
    assert!(client.integrations().await.unwrap().is_empty());
    assert!(
        client
            .connections(&oicx::model::Scope::Global)
            .await
            .unwrap()
            .iter()
            .all(|c| c.code != "SECRET_REST"),
        "what came along went again"
    );
}

#[tokio::test]
async fn without_values_a_missing_connection_is_a_blocker_that_a_form_fills() {
    let (world, workspace) = two().await;
    let client = world.client("empty");
    let (blocked, _) = plan(&workspace, &client, "store:test/PARENT").await;
    let blocker = blocked.blockers().next().unwrap();
    assert_eq!(blocker.remedy, Some(Remedy::Configure("SECRET_REST".into())));
    assert!(blocker.fix.as_ref().unwrap().contains("[environments.empty.connections.SECRET_REST]"));
    let settings = oicx::oic::ConnectionSettings {
        properties: [("connectionUrl".to_owned(), "https://x.example".to_owned())].into(),
        security: [("password".to_owned(), secrecy::SecretString::from("right"))].into(),
        ..Default::default()
    };
    let plan_options = PlanOptions {
        connection_values: [("SECRET_REST".into(), settings)].into(),
        ..PlanOptions::default()
    };
    let (plan, payloads) =
        plan_with(&workspace, &client, &["store:test/PARENT"], &plan_options).await;
    assert!(plan.blockers().next().is_none(), "{:?}", plan.checks);
    let store = world.store().await;
    let retry_policy = retry_policy();
    let context = RunContext {
        connection_values: &plan_options.connection_values,
        ..context(&client, &store, &retry_policy)
    };
    let journal = restore::run(plan.approve(None).unwrap(), payloads, context).await.unwrap();
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert!(!format!("{journal:?}").contains("\"right\""));
}

#[tokio::test]
async fn a_form_knows_what_to_ask_from_the_store_another_environment_or_the_archive_alone() {
    let (world, workspace) = two().await;
    let client = world.client("empty");
    let (_, payloads) = plan(&workspace, &client, "store:test/PARENT").await;
    let without_store = |names: &[&str]| oicx::workspace::Workspace {
        environments: names.iter().map(|n| world.client(n)).collect(),
        store: None,
        cache: None,
    };
    let (two, alone) = (without_store(&["test", "empty"]), without_store(&["empty"]));
    for (who, workspace, payloads) in [
        ("the store", &workspace, vec![]),
        ("test", &two, vec![]),
        ("the archive", &alone, payloads),
    ] {
        let fields =
            restore::fields(workspace, &client, payloads, &"SECRET_REST".into()).await.unwrap();
        let of = |name: &str| {
            fields.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{who}: {fields:?}"))
        };
        assert!(of("password").secret && !of("connectionUrl").secret, "{who}: {fields:?}");
        assert!(
            fields.iter().all(|f| f.value.is_empty()),
            "{who}: another environment's address is not this one's"
        );
    }
    let unknown =
        restore::fields(&alone, &client, vec![], &"SECRET_REST".into()).await.unwrap_err();
    assert!(unknown.to_string().contains("give its values in the config"), "{unknown}");
}

#[tokio::test]
async fn a_property_that_the_connection_does_not_have_is_named() {
    let (world, workspace) = two().await;
    let overlay = [("hostname".to_owned(), OverlayValue::Plain("x".into()))];
    let connections = [("SECRET_REST".to_owned(), overlay.into())].into();
    let client = world.client_of(EnvironmentConfig { connections, ..world.environment("empty") });
    let (plan, payloads) = plan(&workspace, &client, "store:test/PARENT").await;
    let journal = run(&world, plan, payloads, &client).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack));
    let why = journal.why().unwrap();
    assert!(why.contains("has no property hostname; it has connectionUrl"), "{why}");
}

/// The empty environment with values for the connections that come with a project.
fn with_values(world: &World) -> Client {
    let overlay = [
        ("password".to_owned(), OverlayValue::Secret(world.secret("right"))),
        ("connectionUrl".to_owned(), OverlayValue::Plain("https://x.example".into())),
    ];
    let connections = ["HCM", "REST"].map(|code| (code.to_owned(), overlay.clone().into())).into();
    world.client_of(EnvironmentConfig { connections, ..world.environment("empty") })
}

#[tokio::test]
async fn a_project_that_is_gone_comes_back_whole_and_one_that_is_there_is_not_touched() {
    let landscape = format!(
        "{TWO}\n[[project]]\ncode = \"HR\"\nname = \"Human resources\"\nintegrations = \
            [\"CHILD\"]\n"
    );
    let world = World::of(&landscape).await;
    take_backup(&world, "test").await;
    let (workspace, client) = (world.workspace().await, with_values(&world));
    let (bare, _) = plan(&workspace, &world.client("empty"), "store:test/projects/HR").await;
    let blocker = bare.blockers().next().unwrap();
    assert!(blocker.what.contains("comes with project HR without credentials"), "{blocker:?}");
    let (first, payloads) = plan(&workspace, &client, "store:test/projects/HR").await;
    let items: Vec<_> =
        first.items.iter().map(|i| (i.key.to_string(), i.strategy, i.activate)).collect();
    assert_eq!(items[0], ("project HR".to_owned(), Strategy::Import, false));
    assert_eq!(
        items[1],
        ("HR/CHILD 01.01.0000".to_owned(), Strategy::Activate, true),
        "it ran when it was stored"
    );
    world.fault("fail-activation times=1 method=POST path=/integrations/CHILD");
    let failed = run(&world, first, payloads, &client).await;
    assert_eq!(failed.result, Some(RunOutcome::PutBack), "{:?} {:?}", failed.error, failed.lines);
    assert!(
        client.integrations_everywhere().await.unwrap().found.is_empty()
            && client.catalog(Kind::Project).await.unwrap().is_empty()
    );
    let (again, payloads) = plan(&workspace, &client, "store:test/projects/HR").await;
    let journal = run(&world, again, payloads, &client).await;
    assert_eq!(
        journal.result,
        Some(RunOutcome::Restored),
        "{:?} {:?}",
        journal.error,
        journal.lines
    );
    assert_eq!(
        client.integration(&id("CHILD|01.01.0000|HR")).await.unwrap().state.status,
        Status::Active
    );
    assert!(journal.items[0].proof.as_ref().unwrap().holds());
    let store = world.store().await;
    let undone = roll_back(&store, &client, &journal).await;
    assert_eq!(undone.result, Some(RunOutcome::Restored), "{:?} {:?}", undone.error, undone.lines);
    assert!(client.catalog(Kind::Project).await.unwrap().is_empty());
    // Prod has a project of this code with another version in it.
    let (blocked, _) = plan(&workspace, &world.client("prod"), "store:test/projects/HR").await;
    let blocker = blocked.blockers().next().unwrap();
    assert!(
        blocker.what.contains("project HR is on prod already") && blocker.fix.is_some(),
        "{blocker:?}"
    );
}

#[tokio::test]
async fn a_project_whose_integrations_did_not_run_is_restored_and_not_partly() {
    let landscape = format!(
        "{TWO}\n[[project]]\ncode = \"HR\"\nname = \"Human resources\"\nintegrations = \
            [\"CHILD\"]\n"
    );
    let world = World::of(&landscape).await;
    world.client("test").deactivate(&id("CHILD|01.01.0000|HR")).await.unwrap();
    take_backup(&world, "test").await;
    let (workspace, client) = (world.workspace().await, with_values(&world));
    let (plan, payloads) = plan(&workspace, &client, "store:test/projects/HR").await;
    let journal = run(&world, plan, payloads, &client).await;
    assert_eq!(
        journal.result,
        Some(RunOutcome::Restored),
        "{:?} {:?}",
        journal.error,
        journal.lines
    );
    assert_eq!(
        client.integration(&id("CHILD|01.01.0000|HR")).await.unwrap().state.status,
        Status::Configured
    );
}

#[tokio::test]
async fn a_certificate_that_is_missing_is_uploaded_from_the_file_that_the_config_names() {
    let landscape = TWO
        .replace("name = \"HCM\"\nadapter", "name = \"HCM\"\ncertificate = \"HCM_CA\"\nadapter")
        .replace("ServiceDeveloper", "ServiceAdministrator");
    let landscape = format!(
        "{landscape}\n[[certificate]]\nalias = \"HCM_CA\"\nexpires = \"now+400d\"\nmissing_in = \
            [\"empty\"]\n"
    );
    let world = World::of(&landscape).await;
    take_backup(&world, "test").await;
    let workspace = world.workspace().await;
    let (warned, _) = plan(&workspace, &world.client("empty"), "store:test/CHILD").await;
    let told = warned
        .checks
        .iter()
        .find(|c| c.what.contains("certificate HCM_CA is not on empty"))
        .unwrap();
    assert!(told.fix.as_ref().unwrap().contains("certificates.ALIAS"), "{told:?}");
    let file = world.folder.path().join("ca.pem");
    let with = |file: &std::path::Path| {
        let source = oicx::config::CertificateSource {
            file: file.into(),
            r#type: "X509".into(),
            category: "TRUST".into(),
        };
        world.client_of(EnvironmentConfig {
            certificates: [("HCM_CA".to_owned(), source)].into(),
            ..world.environment("empty")
        })
    };
    std::fs::write(&file, "no certificate").unwrap();
    let client = with(&file);
    let (bad, payloads) = plan(&workspace, &client, "store:test/CHILD").await;
    let journal = run(&world, bad, payloads, &client).await;
    assert_eq!(journal.result, Some(RunOutcome::Untouched), "{:?}", journal.lines);
    assert!(journal.why().unwrap().contains("not a certificate in PEM form"));
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
        .unwrap();
    let (plan, payloads) = plan(&workspace, &client, "store:test/CHILD").await;
    let order: Vec<_> = plan.items.iter().map(|i| i.key.to_string()).collect();
    assert_eq!(order, ["certificate HCM_CA", "CHILD 01.01.0000"]);
    let journal = run(&world, plan, payloads, &client).await;
    assert_eq!(
        journal.result,
        Some(RunOutcome::Restored),
        "{:?} {:?}",
        journal.error,
        journal.lines
    );
    let store = world.store().await;
    let undone = roll_back(&store, &client, &journal).await;
    assert_eq!(undone.result, Some(RunOutcome::Restored), "{:?} {:?}", undone.error, undone.lines);
    assert!(client.catalog(Kind::Certificate).await.unwrap().is_empty());
}

#[tokio::test]
async fn smoke_calls_decide_whether_a_restore_holds() {
    let (world, workspace) = two().await;
    let smoke = |path: &str, wanted: &str| Smoke {
        integration: "CHILD".into(),
        method: "POST".into(),
        path: format!("/ic/api/integration/v1/flows/rest/{path}"),
        body: None,
        status: 200,
        json: [("integration".to_owned(), wanted.to_owned())].into(),
    };
    let client = |smoke: Smoke| {
        world.client_of(EnvironmentConfig { smoke: vec![smoke], ..world.environment("empty") })
    };
    let good = client(smoke("CHILD/1.0/things", "CHILD|01.01.0000"));
    let (first, payloads) = plan(&workspace, &good, "store:test/CHILD").await;
    assert!(first.steps.iter().any(|s| s.text.contains("smoke")));
    let journal = run(&world, first, payloads, &good).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert!(
        journal.lines.iter().any(|l| l.note.contains("200, 1 as expected")),
        "{:?}",
        journal.lines
    );
    let store = world.store().await;
    roll_back(&store, &good, &journal).await;
    for (bad, says) in [
        (smoke("NOTHING/1.0/x", "x"), "answered 404 instead of 200"),
        (smoke("CHILD/1.0/x", "OTHER|01.00.0000"), "instead of OTHER|01.00.0000"),
    ] {
        let bad = client(bad);
        let (plan, payloads) = plan(&workspace, &bad, "store:test/CHILD").await;
        let journal = run(&world, plan, payloads, &bad).await;
        assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.lines);
        assert!(journal.error.as_ref().unwrap().contains(says), "{:?}", journal.error);
        assert!(bad.integrations().await.unwrap().is_empty());
    }
}

/// Two environments, the second with 700 active integrations `O000` and on.
fn with_700_active() -> String {
    let endpoint = |name: &str| {
        format!(
            "{{ name = \"{name}\", connection = \"HCM\", adapter = \"rest\", verb = \"GET\", \
             resource = \"/\" }}"
        )
    };
    format!(
        "{TWO}\n[[spread]]\nenvironment = \"empty\"\ntotal = 700\n[[family]]\nobjects = \
            [{}]\nactions = [\"A\"]\nsource = {}\ntarget = {}\n\
         fields = {{ n = \"$n\" }}\n",
        (0..700).map(|i| format!("\"O{i:03}\"")).collect::<Vec<_>>().join(","),
        endpoint("a"),
        endpoint("b")
    )
}

/// A world in which `test` is backed up and `empty` has the 700 alone, none of which ran within the
/// hour.
async fn full_world(landscape: &str) -> World {
    let world = World::of(landscape).await;
    take_backup(&world, "test").await;
    world.sim.with_instance("empty", |i| {
        i.integrations.retain(|id, _| id.code.starts_with('O'));
        i.integrations.values_mut().for_each(|l| l.quiet());
    });
    world
}

#[tokio::test]
async fn active_integrations_of_projects_count_against_the_limit_as_far_as_they_are_listed() {
    let projects: String = (0..7)
        .map(|n| {
            format!("[[project]]\ncode = \"P{n}\"\nname = \"P{n}\"\nintegrations = [\"O{n}*\"]\n")
        })
        .collect();
    let world = full_world(&format!("{}\n{projects}", with_700_active())).await;
    let (workspace, client) = (world.workspace().await, world.client("empty"));
    let (full, _) = plan(&workspace, &client, "store:test/CHILD").await;
    let blocker = full.blockers().next().unwrap();
    assert!(blocker.what.contains("700 integrations are active"), "{}", blocker.what);
    let Some(Remedy::Deactivate(id)) = &blocker.remedy else { panic!("{blocker:?}") };
    assert!(!id.scope.is_global(), "{id}");
    world.fault("status=403 path=/projects/P3/integrations");
    let (unsure, _) = plan(&workspace, &client, "store:test/CHILD").await;
    assert_eq!(unsure.blockers().count(), 0);
    let told = unsure.checks.iter().map(|c| &c.what).find(|w| w.contains("1 project could not be"));
    assert!(told.is_some_and(|w| w.contains("at least 601 of 700")), "{:?}", unsure.checks);
}

#[tokio::test]
async fn the_activation_limit_is_a_blocker_with_room_to_make() {
    let world = full_world(&with_700_active()).await;
    let (workspace, client) = (world.workspace().await, world.client("empty"));
    let (full, _) = plan(&workspace, &client, "store:test/CHILD").await;
    let blocker = full.blockers().next().unwrap();
    assert!(
        blocker.what.contains("700 integrations are active, the limit is 700: 1 too many"),
        "{}",
        blocker.what
    );
    let Some(Remedy::Deactivate(which)) = blocker.remedy.clone() else { panic!("{blocker:?}") };
    let plan_options = PlanOptions { deactivate: [which.clone()].into(), ..PlanOptions::default() };
    let (plan, payloads) =
        plan_with(&workspace, &client, &["store:test/CHILD"], &plan_options).await;
    assert_eq!(plan.items[0].strategy, Strategy::Deactivate);
    world.fault("fail-activation times=1 method=POST path=/integrations/CHILD");
    let journal = run(&world, plan.clone(), payloads.clone(), &client).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    assert_eq!(
        client.integration(&which).await.unwrap().state.status,
        Status::Active,
        "it runs again"
    );
    let (plan, payloads) =
        plan_with(&workspace, &client, &["store:test/CHILD"], &plan_options).await;
    let journal = run(&world, plan, payloads, &client).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    assert_eq!(client.integration(&which).await.unwrap().state.status, Status::Configured);
}

#[tokio::test]
async fn a_whole_snapshot_is_restored_and_one_that_fails_does_not_take_the_others_with_it() {
    let (world, workspace) = two().await;
    let client = with_overlay(&world, "empty", "right");
    let snapshot = "test".parse().unwrap();
    let request = workspace.request_snapshot(Verb::Restore, &snapshot, |_, _| true).await.unwrap();
    let prepared =
        restore::prepare(&client, workspace.store.as_ref(), &request, &PlanOptions::default())
            .await
            .unwrap();
    assert!(!prepared.plan.together);
    let places: Vec<_> = prepared.plan.items.iter().map(|i| i.key.code.as_str()).collect();
    let at = |code: &str| places.iter().position(|c| *c == code).unwrap();
    assert!(at("PAY_GRADE") < at("SYNC") && at("CHILD") < at("PARENT"), "{places:?}");
    world.fault("fail-activation method=POST path=/integrations/CHILD");
    let journal = run(&world, prepared.plan, prepared.payloads, &client).await;
    assert_eq!(journal.result, Some(RunOutcome::Partly), "{:?}", journal.lines);
    let end = |code: &str| {
        let place = journal.plan.items.iter().position(|i| i.key.code == code).unwrap();
        (
            journal.items[place].outcome.unwrap(),
            journal.items[place].error.clone().unwrap_or_default(),
        )
    };
    assert_eq!(end("SYNC").0, RunOutcome::Restored);
    assert_eq!(end("CHILD").0, RunOutcome::PutBack);
    assert_eq!(end("PARENT").0, RunOutcome::Untouched);
    assert!(
        end("PARENT").1.contains("it needs CHILD|01.01.0000, which was not restored"),
        "{}",
        end("PARENT").1
    );
    assert_eq!(
        client.schedule(&id("SYNC|01.00.0000")).await.unwrap(),
        Some(ScheduleState::Running),
        "as it was there"
    );
    assert_eq!(client.find_integration(&id("CHILD|01.01.0000")).await.unwrap(), None);
}

#[tokio::test]
async fn two_people_never_work_on_the_same_and_the_second_is_told_who() {
    let (world, workspace) = two().await;
    let prod = world.client("prod");
    let (mine, payloads) = plan(&workspace, &prod, "store:test/SYNC").await;
    let store = world.store().await;
    // Somebody on another machine began a moment ago.
    let mut theirs = Journal::begin("2026-11-24T000000Z-restore-aaaa".into(), &mine);
    theirs.by = restore::RunOwner { user: "m.rossi".into(), host: "elsewhere".into(), process: 1 };
    store.write_journal(&theirs.run, &theirs).await.unwrap();
    let changes = world.sim.calls("prod POST") + world.sim.calls("prod PUT");
    let journal = run(&world, mine, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Untouched));
    assert!(journal.why().unwrap().contains("m.rossi on elsewhere runs a restore of it now"));
    assert_eq!(world.sim.calls("prod POST") + world.sim.calls("prod PUT"), changes);
    let (blocked, _) = plan(&workspace, &prod, "store:test/SYNC").await;
    assert!(blocked.blockers().any(|c| c.what.contains("m.rossi")), "{:?}", blocked.checks);
    // An hour of silence is no work any more: it is said, and can be taken up.
    theirs.beat = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    store.write_journal(&theirs.run, &theirs).await.unwrap();
    let (told, _) = plan(&workspace, &prod, "store:test/SYNC").await;
    let finding = told.blockers().next().unwrap();
    assert!(
        finding.what.contains("cut off") && finding.fix.as_ref().unwrap().contains("oicx resume"),
        "{finding:?}"
    );
    assert_eq!(restore::open_runs(&store).await.unwrap().len(), 1);
    restore::leave(&store, theirs).await.unwrap();
    assert!(restore::open_runs(&store).await.unwrap().is_empty());
    let (free, _) = plan(&workspace, &prod, "store:test/SYNC").await;
    assert!(free.blockers().next().is_none());
}

#[tokio::test]
async fn the_checklist_ticks_itself_when_the_first_run_is_green_and_the_note_has_it_all() {
    let (world, workspace) = two().await;
    let prod = world.client("prod");
    let (plan, payloads) = plan(&workspace, &prod, "store:test/SYNC").await;
    let journal = run(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::Restored), "{:?}", journal.error);
    let mut list = Checklist::of(&journal);
    let whats: Vec<_> = list.ticks.iter().map(|t| t.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "connection HCM works",
            "connection PAYROLL works",
            "lookup PAY_GRADE is there",
            "it is active",
            "its schedule is running",
            "its first run is green"
        ]
    );
    list.look(&prod).await;
    assert!(list.ticks[..5].iter().all(|t| t.done()), "{:?}", list.ticks);
    for _ in 0..60 {
        list.look(&prod).await;
        if list.complete() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(list.complete(), "{:?}", list.ticks);
    let note = restore::incident_note(&journal, Some(&list), RunProcess::Gone);
    for words in [
        "# Restore of SYNC 01.00.0000 on prod",
        "restored, proven",
        "changed in place by j.doe",
        "| interrupted | for",
        "holds; wanted",
        "what was there before is kept: `prod/integrations/SYNC/",
        "- [x] its first run is green",
    ] {
        assert!(note.contains(words), "{words}: {note}");
    }
    // One that still fails is no green run.
    let mut bad = Checklist::of(&journal);
    world.sim.with_instance("prod", |i| i.get_mut(&id("SYNC|01.00.0000")).unwrap().fail_from_now());
    bad.since = jiff::Timestamp::now();
    for _ in 0..60 {
        bad.look(&prod).await;
        if bad.ticks[5].state == ChecklistState::Bad {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(bad.ticks[5].state, ChecklistState::Bad, "{:?}", bad.ticks[5]);
}

#[tokio::test]
async fn drift_says_what_differs_and_who_is_ahead() {
    let (_world, workspace) = two().await;
    let sides = |a: &str, b: &str| (a.parse().unwrap(), b.parse().unwrap());
    let (a, b) = sides("test", "prod");
    let report = drift::run(&workspace, &a, &b, &DriftSelection::default()).await.unwrap();
    assert!(!report.same);
    let of = |code: &str| {
        report
            .differences
            .iter()
            .find(|d| d.code == code)
            .unwrap_or_else(|| panic!("{code}: {report:?}"))
    };
    assert_eq!(
        (of("SYNC").state, of("SYNC").ahead),
        (drift::DriftKind::Changed, Some(drift::WhichSide::Second))
    );
    assert!(of("SYNC").changes.as_ref().unwrap().contains("1 mapping"), "{:?}", of("SYNC").changes);
    assert_eq!(
        (of("CHILD").state, of("CHILD").ahead),
        (drift::DriftKind::OtherVersion, Some(drift::WhichSide::First))
    );
    assert_eq!(of("PARENT").state, drift::DriftKind::OnlyFirst);
    assert_eq!(of("SECRET_REST").state, drift::DriftKind::OnlyFirst);
    assert!(report.differences.iter().all(|d| d.code != "UNUSED"), "the same lookup on both");
    let brief = DriftSelection { brief: true, ..DriftSelection::default() };
    let (a, b) = sides("store:prod", "prod");
    let same = drift::run(&workspace, &a, &b, &brief).await.unwrap();
    assert!(same.same && same.equal > 4, "{same:?}");
    let (a, b) = sides("prod@nothing", "prod");
    let missing = drift::run(&workspace, &a, &b, &brief).await.unwrap_err().to_string();
    assert!(missing.contains("no snapshot prod@nothing"), "{missing}");
}

#[tokio::test]
async fn failed_runs_are_sent_again_once_it_works_and_given_up_where_wanted() {
    let (world, workspace) = two().await;
    let prod = world.client("prod");
    let sync = id("SYNC|01.00.0000");
    let failed =
        || async { prod.instances(&sync, Window::Day, Some("FAILED")).await.unwrap().len() };
    let before = failed().await;
    assert!(before >= 7);
    let early =
        recover::plan((&prod, None), &sync, Window::Day, Recovery::Resubmit, None).await.unwrap();
    assert!(
        early
            .checks
            .iter()
            .any(|c| c.level == Level::Warning && c.what.starts_with("nothing of SYNC")),
        "{:?}",
        early.checks
    );
    assert!(
        early.checks.iter().any(|c| c.what.contains("× no grade (at putThing)")),
        "{:?}",
        early.checks
    );
    let (fix, payloads) = plan(&workspace, &prod, "store:test/SYNC").await;
    assert_eq!(run(&world, fix, payloads, &prod).await.result, Some(RunOutcome::Restored));
    let first = early.errors[0].id.clone();
    let one = recover::plan(
        (&prod, None),
        &sync,
        Window::Day,
        Recovery::Discard,
        Some(std::slice::from_ref(&first)),
    )
    .await
    .unwrap();
    assert_eq!(one.errors.len(), 1);
    let refused = one.clone().approve(None).unwrap_err().to_string();
    assert!(refused.contains("prod must be typed"), "{refused}");
    let store = world.store().await;
    let report =
        recover::run(one.approve(Some("prod")).unwrap(), &prod, Some(&store), &Events::silent())
            .await;
    assert_eq!((report.taken, report.left.len()), (vec![first], 0));
    let all =
        recover::plan((&prod, None), &sync, Window::Day, Recovery::Resubmit, None).await.unwrap();
    assert!(
        all.checks.iter().any(|c| c.what.contains("after the last of them failed")),
        "{:?}",
        all.checks
    );
    // The answer is lost although it took effect: it is looked at, not sent twice.
    world.fault("lost times=1 method=POST path=/resubmit");
    let report =
        recover::run(all.approve(Some("prod")).unwrap(), &prod, Some(&store), &Events::silent())
            .await;
    assert!(report.left.is_empty(), "{report:?}");
    assert_eq!(failed().await, 0);
    assert_eq!(world.sim.calls("/resubmit"), 1);
    let none =
        recover::plan((&prod, None), &sync, Window::Day, Recovery::Resubmit, None).await.unwrap();
    assert!(
        none.approve(Some("prod"))
            .unwrap_err()
            .to_string()
            .contains("no run of SYNC|01.00.0000 failed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_promote_drift_drill_undo_and_list_runs() {
    let world = World::of(TWO).await;
    let config = world.config_file("");
    for environment in ["test", "prod"] {
        assert_eq!(cli(oicx(&config), &["--quiet", "backup", environment]).await.0, 0);
    }
    let (code, out, _) = cli(oicx(&config), &["drift", "test", "prod"]).await;
    assert_eq!(code, 4, "{out}");
    assert!(
        out.contains("prod is ahead (1h ago, by j.doe)") && out.contains("only on test"),
        "{out}"
    );
    // Promote: compared first, both sides kept under a label.
    let (code, out, err) =
        cli(oicx(&config), &["promote", "test:SYNC", "--to", "prod", "--plan"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("what prod has of SYNC 01.00.0000 differs in: ") && out.contains("1 mapping"),
        "{out}"
    );
    assert!(
        out.contains("both sides are kept in the store under the label \"before promote to prod\""),
        "{out}"
    );
    assert_eq!(world.sim.calls("prod PUT"), 0);
    let (code, out, err) =
        cli(oicx(&config), &["promote", "test:SYNC", "--to", "prod", "--yes"]).await;
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("--confirm prod"), "{err}");
    let (code, done) =
        json(&config, &["promote", "test:SYNC", "--to", "prod", "--confirm", "prod", "--json"])
            .await;
    assert_eq!(
        (code, done["result"].as_str(), done["verb"].as_str()),
        (0, Some("restored"), Some("promote")),
        "{done}"
    );
    let (_, out, _) = cli(oicx(&config), &["snapshots"]).await;
    assert_eq!(out.matches("before promote to prod").count(), 2, "{out}");
    // Undo it.
    let promoted = done["run"].as_str().unwrap().to_owned();
    let (code, out, err) = cli(oicx(&config), &["rollback", &promoted, "--confirm", "prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("undone, proven"), "{out}");
    let (code, out, _) =
        cli(oicx(&config), &["drift", "prod@before promote to prod", "prod", "--brief"]).await;
    assert_eq!(code, 3, "the labelled snapshot holds SYNC alone: {out}");
    assert!(!out.contains("SYNC"), "it is as it was: {out}");
    // Drill in an empty environment, and taken away again.
    let report = world.folder.path().join("drill.md");
    let arguments =
        ["drill", "prod", "--in", "empty", "--yes", "--report", report.to_str().unwrap()];
    let (code, out, err) = cli(oicx(&config), &arguments).await;
    assert_eq!(code, 0, "{out}{err}");
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.starts_with("# Drill of prod in empty: good"), "{text}");
    assert!(text.contains("lookup DRILL_UNUSED"), "under a prefix, since it is there: {text}");
    assert!(world.client("empty").integrations().await.unwrap().is_empty());
    let (_, drilled) = json(&config, &["runs", "--env", "empty", "--json"]).await;
    assert_eq!(drilled["runs"].as_array().unwrap().len(), 2, "{drilled}");
    let runs = restore::all_runs(&world.store().await).await.unwrap();
    assert_eq!(drill::last_good_of(&runs)[0].0, name("prod"));
    let mut screen = Screen::start(world.workspace().await, (160, 30));
    screen.wait("versions").await.idle().await;
    screen.keys("2b").wait("last good drill").await;
    drop(screen);
    let (code, _, err) = cli(oicx(&config), &["drill", "prod", "--in", "prod", "--yes"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("would touch what it rehearses"), "{err}");
    // The trail of all of it.
    let (code, out, _) = cli(oicx(&config), &["runs"]).await;
    assert_eq!(code, 0);
    for words in ["promote SYNC 01.00.0000 on prod", "rollback SYNC 01.00.0000 on prod", "drill"] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let (code, out, _) = cli(oicx(&config), &["runs", &promoted, "--note"]).await;
    assert!(code == 0 && out.starts_with("# Promotion of SYNC 01.00.0000 on prod"), "{out}");
    let (code, _, err) = cli(oicx(&config), &["rollback", "2020-01-01", "--yes"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("no run 2020-01-01") && err.contains("oicx runs"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_runs_are_recovered_by_command_and_protected_environments_ask() {
    let world = World::of(TWO).await;
    let config = world.config_file("");
    let (code, out, err) = cli(oicx(&config), &["recover", "prod:SYNC", "--plan"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("no grade (at putThing)") && out.contains("they may fail again"), "{out}");
    let (code, _, err) = cli(oicx(&config), &["recover", "prod:SYNC", "--discard", "--yes"]).await;
    assert!(code == 2 && err.contains("--confirm prod"), "{err}");
    let (code, out, err) =
        cli(oicx(&config), &["recover", "prod:SYNC", "--discard", "--confirm", "prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("runs accepted"), "{out}");
    let (code, _, err) = cli(oicx(&config), &["recover", "store:prod/SYNC", "--yes"]).await;
    assert!(code == 2 && err.contains("use prod:CODE"), "{err}");
}

/// The process itself is killed between any two steps; the next one goes on or undoes.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_is_found_and_gone_on_with_or_undone_by_the_next_process() {
    let rounds: u64 = std::env::var("OICX_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let world = World::of(&TWO.replace("activation_ms = 20", "activation_ms = 120")).await;
    let config = world.config_file("");
    assert_eq!(cli(oicx(&config), &["--quiet", "backup", "test"]).await.0, 0);
    world.fault("latency=12ms env=prod");
    let prod = world.client("prod");
    let flow = || async {
        oicx::archive::Iar::read(&prod.archive(&id("SYNC|01.00.0000")).await.unwrap())
            .unwrap()
            .fingerprints
            .portable
    };
    let broken = flow().await;
    let (mut over, mut undone) = (0, 0);
    for round in 0..rounds {
        let home = config.parent().unwrap();
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("oicx"))
            .env("OICX_CONFIG", &config)
            .env("HOME", home)
            .env("XDG_CACHE_HOME", home.join("xdg"))
            .args(["restore", "store:test/SYNC", "--to", "prod", "--confirm", "prod"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let moment = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), round) % 900;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let (_, open) = json(&config, &["resume", "--json"]).await;
        let Some(journal) = open["runs"].as_array().unwrap().first().cloned() else {
            // Before it began or after it ended.
            over += 1;
            back_to_broken(&world).await;
            continue;
        };
        let run = journal["run"].as_str().unwrap();
        let undo = round % 2 == 0;
        let mut arguments = vec!["resume", run, "--confirm", "prod"];
        if undo {
            arguments.push("--undo");
        }
        let (code, out, err) = cli(oicx(&config), &arguments).await;
        assert_eq!(code, 0, "killed after {moment} ms, undo = {undo}: {out}{err}");
        let now = flow().await;
        assert_eq!(now == broken, undo, "killed after {moment} ms: {out}");
        assert_eq!(
            prod.integration(&id("SYNC|01.00.0000")).await.unwrap().state.status,
            Status::Active
        );
        undone += usize::from(undo);
        let (_, open) = json(&config, &["resume", "--json"]).await;
        assert!(open["runs"].as_array().unwrap().is_empty(), "{open}");
        back_to_broken(&world).await;
    }
    println!(
        "{rounds} restores killed: {over} before they began or after they ended, {undone} undone, \
            the others gone on with"
    );
}

/// As the landscape has it.
#[cfg(unix)]
async fn back_to_broken(world: &World) {
    world.sim.reset(
        &oicx::sim::Landscape::parse(
            &TWO.replace("activation_ms = 20", "activation_ms = 120"),
            "two.toml".as_ref(),
        )
        .unwrap(),
    );
    world.fault("latency=12ms env=prod");
}

/// Two that use one connection which comes with an import: the second is not activated before the
/// first has set it.
#[tokio::test(flavor = "multi_thread")]
async fn what_uses_a_connection_waits_until_it_is_set() {
    let landscape = crate::projects::with_an_empty_one()
        .replace("code = \"HCM\"\n", "code = \"HCM\"\nmissing_in = [\"empty\"]\n");
    let world = World::of(&landscape).await;
    take_backup(&world, "prod").await;
    let config = world.config_file(&crate::project_restore::connection_values(&world));
    world.fault("latency=400ms env=empty path=/connections/HCM");
    let both = ["store:prod/global/GLOBAL_ONE", "store:prod/global/TWIN"];
    let restore = [&["restore"][..], &both, &["--to", "empty", "--yes"]].concat();
    let (code, out, err) = cli(oicx(&config), &restore).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(out.matches("set connectionUrl, password of connection HCM").count(), 2, "{out}");
}

/// A rehearsal that was held ends as one that was not: measured, and taken away again. What stays
/// of it is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_was_held_is_taken_away_again_once_it_ended() {
    let landscape = crate::projects::with_an_empty_one() + LIBRARY;
    let world = World::of(&landscape).await;
    take_backup(&world, "prod").await;
    let values = crate::project_restore::connection_values(&world);
    let config = world.config_file(&format!("deadlines = {{ run = 3 }}\n{values}"));
    world.fault("latency=400ms env=empty");
    let drill = ["drill", "prod", "--in", "empty", "--yes"];
    let (code, out, err) = cli(oicx(&config), &drill).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("takes away what it brought"), "{out}{err}");
    world.sim.clear_faults();
    let config = world.config_file(&values);
    let (_, runs) = json(&config, &["runs", "--json"]).await;
    let held = runs["runs"][0]["run"].as_str().unwrap();
    let (code, out, err) = cli(oicx(&config), &["resume", held, "--yes"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("# Drill of prod in empty: good"), "{out}");
    assert!(out.contains("it was interrupted for "), "{out}");
    assert!(out.contains("12 of 12 artifacts restored and proven"), "{out}");
    assert!(out.contains("library DRILL_RULES 01.00.0000 | done, proven"), "{out}");
    assert!(world.client("empty").projects().await.unwrap().is_empty(), "taken away again");
    assert_eq!(world.sim.with_instance("empty", |i| i.integrations.len()).unwrap(), 0);
}

/// A library of every environment: a drill rehearses it under another name.
const LIBRARY: &str = "\n[[library]]\ncode = \"RULES\"\nname = \"Rules\"\n\
    version = \"01.00.0000\"\nscript = \"function grade(x) { return x; }\"\n";

/// Whole projects are rehearsed where the target has none of that code and their connections get
/// values; no schedule begins to run, and nothing of them is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_drill_rehearses_projects_that_the_target_lacks() {
    let world = World::of(&crate::projects::with_an_empty_one()).await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let drill = ["drill", "prod", "--in", "empty", "--json"];
    let (_, plan) = json(&config, &[&drill[..], &["--plan"]].concat()).await;
    assert!(
        plan.to_string().contains("project PEOPLE is not rehearsed: 2 connections without values"),
        "{plan}"
    );
    let config = world.config_file(&crate::project_restore::connection_values(&world));
    let (code, report) = json(&config, &[&drill[..], &["--yes"]].concat()).await;
    assert_eq!(code, 0, "{report}");
    let text = report.to_string();
    assert!(text.contains("\"PAY_FEED\"") && text.contains("\"code\":\"MONEY\""), "{text}");
    let calls = world.sim.calls_since("empty POST", 0);
    assert!(calls.iter().all(|c| !c.ends_with("/schedule/start")), "{calls:?}");
    assert!(world.client("empty").projects().await.unwrap().is_empty(), "taken away again");
    assert_eq!(
        world.sim.with_instance("empty", |i| i.integrations.len()).unwrap(),
        0,
        "with what was in them"
    );
}
