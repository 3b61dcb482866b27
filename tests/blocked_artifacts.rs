//! A snapshot of which something cannot be restored now: it is named, and left out where a person
//! wants the others all the same.

use oicx::model::Status;
use serde_json::Value;

use crate::cli::{json, oicx, run};
use crate::project_restore::status;
use crate::projects::{LANDSCAPE, change_pay_feed};
use crate::store::take_backup;
use crate::support::{World, id};

const SNAPSHOT: [&str; 6] = ["restore", "--snapshot", "prod", "--to", "prod", "--json"];

/// Everything that can be sent was deactivated since, and one of it is locked.
async fn one_is_locked() -> World {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let prod = world.client("prod");
    for of in ["GLOBAL_ONE|01.00.0000", "TWIN|01.00.0000"] {
        prod.deactivate(&id(of)).await.unwrap();
    }
    let lock = |i: &mut oicx::sim::ServiceInstance| {
        i.get_mut(&id("GLOBAL_ONE|01.00.0000")).unwrap().locked_by = Some("k.lindqvist".into());
    };
    world.sim.with_instance("prod", lock).unwrap();
    world
}

fn left_out(report: &Value) -> Vec<String> {
    let all = report["left_out"].as_array().unwrap().iter();
    all.map(|one| format!("{}: {}", one["artifact"]["code"], one["why"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_stops_a_snapshot_and_is_left_out_where_that_is_wanted() {
    let world = one_is_locked().await;
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &[&SNAPSHOT[..5], &["--yes"]].concat()).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("locked by k.lindqvist"), "{out}");
    assert!(out.contains("cannot be restored now: --skip-blocked"), "{out}");
    assert_eq!(status(&world, "TWIN|01.00.0000"), Some(Status::Configured), "nothing was done");

    let skip = [&SNAPSHOT[..], &["--skip-blocked"]].concat();
    let (code, plan) = json(&config, &[&skip[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    assert_eq!(left_out(&plan).len(), 1, "{plan}");
    assert!(left_out(&plan)[0].contains("GLOBAL_ONE"), "{plan}");
    assert!(plan["checks"].to_string().contains("GLOBAL_ONE 01.00.0000 is left out"), "{plan}");
    let (code, report) = json(&config, &[&skip[..], &["--yes"]].concat()).await;
    assert_eq!(code, 3, "not everything came: {report}");
    assert_eq!(status(&world, "TWIN|01.00.0000"), Some(Status::Active));
    assert_eq!(status(&world, "GLOBAL_ONE|01.00.0000"), Some(Status::Configured));
    let (_, out, _) = run(oicx(&config), &["runs", report["run"].as_str().unwrap()]).await;
    assert!(out.contains("GLOBAL_ONE 01.00.0000 is left out"), "the journal knows it: {out}");
}

/// Where nothing would remain, it is blocked as before; where all stand and fall together, too.
#[tokio::test(flavor = "multi_thread")]
async fn not_everything_is_left_out() {
    let world = one_is_locked().await;
    let config = world.config_file("");
    let alone = [&SNAPSHOT[..], &["--filter", "global one", "--skip-blocked", "--yes"]].concat();
    let (code, out, err) = run(oicx(&config), &alone).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("locked by k.lindqvist"), "{err}");
    let both = ["restore", "store:prod/GLOBAL_ONE", "store:prod/global/TWIN", "--to", "prod"];
    // Nothing that is said of a snapshot is passed over where none is named.
    for option in [&["--skip-blocked"][..], &["--kind", "lookups"], &["--filter", "x"]] {
        let (code, _, err) = run(oicx(&config), &[&both[..], option, &["--plan"]].concat()).await;
        assert_eq!(code, 2, "{option:?}: {err}");
    }
    let (code, out, _) = run(oicx(&config), &[&both[..], &["--plan"]].concat()).await;
    assert_eq!(code, 1, "{out}");
    assert!(!out.contains("--skip-blocked"), "all or nothing: {out}");
}

/// What its project brings is left out with it, and so is what lies beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_left_out_with_all_that_is_in_it() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    world.client("prod").deactivate(&id("TWIN|01.00.0000")).await.unwrap();
    let config = world.config_file("");
    let skip = [&SNAPSHOT[..], &["--skip-blocked", "--yes"]].concat();
    let (code, report) = json(&config, &skip).await;
    assert_eq!(code, 3, "{report}");
    assert!(left_out(&report)[0].contains("PEOPLE"), "{report}");
    let items = report["items"].to_string();
    assert!(!items.contains("PEOPLE") && items.contains("MONEY"), "{items}");
    assert_eq!(status(&world, "TWIN|01.00.0000"), Some(Status::Active));
}

/// A project that the role may not list is one that is blocked, and no reason to plan nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_refuses_blocks_what_is_in_it_alone() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    world.client("prod").deactivate(&id("TWIN|01.00.0000")).await.unwrap();
    world.fault("status=403 env=prod path=/projects/MONEY/integrations");
    let config = world.config_file("");
    let (code, plan) = json(&config, &[&SNAPSHOT[..], &["--plan"]].concat()).await;
    assert_eq!(code, 1, "{plan}");
    let checks = plan["checks"].as_array().unwrap();
    let blockers: Vec<_> = checks.iter().filter(|c| c["level"] == "blocker").collect();
    assert_eq!(blockers.len(), 1, "{plan}");
    assert!(blockers[0]["what"].as_str().unwrap().contains("what is in MONEY on prod"), "{plan}");
    let (code, report) =
        json(&config, &[&SNAPSHOT[..], &["--skip-blocked", "--yes"]].concat()).await;
    assert_eq!((code, report["result"].as_str()), (3, Some("restored")), "{report}");
    assert_eq!(status(&world, "TWIN|01.00.0000"), Some(Status::Active));
    // Where nothing else is wanted, the refusal is the answer, with its advice.
    let (code, _, err) =
        run(oicx(&config), &["restore", "store:prod/projects/MONEY", "--to", "prod", "--plan"])
            .await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("list integrations in MONEY") && err.contains("role"), "{err}");
}

/// Who may work in projects alone sees what is in them.
#[tokio::test(flavor = "multi_thread")]
async fn a_global_space_that_refuses_does_not_hide_the_projects() {
    let world = World::of(LANDSCAPE).await;
    world.fault("status=403 env=prod path=^/integrations");
    let config = world.config_file("");
    let (code, list) = json(&config, &["--json", "list", "prod", "--kind", "integrations"]).await;
    assert_eq!(code, 0, "{list}");
    let rows = list["rows"].as_array().unwrap();
    let codes: Vec<&str> = rows.iter().map(|r| r["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["LEDGER", "PAY_FEED", "TWIN"]);
    assert_eq!(list["unseen"][0]["kind"], "integration", "{list}");
    let (code, out, err) = run(oicx(&config), &["inspect", "prod:PAY_FEED"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let outcome = take_backup(&world, "prod").await;
    assert!(outcome.unseen.iter().any(|u| u.what() == "integrations"), "{outcome:?}");
    world.fault("status=403 env=prod path=^/projects");
    let (code, _, err) = run(oicx(&config), &["inspect", "prod:lookups/GRADES"]).await;
    assert_eq!(code, 0, "what is seen is told: {err}");
    assert!(err.contains("projects"), "and what is not: {err}");
}

/// What is in a project whose file was not taken is not called gone: by the next backup's changes,
/// history, drift and git neither.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_project_that_was_not_taken_is_not_gone() {
    for fault in ["status=423", "status=500"] {
        let world = World::of(LANDSCAPE).await;
        take_backup(&world, "prod").await;
        change_pay_feed(&world);
        world.fault(&format!("{fault} env=prod method=POST path=/projects/PEOPLE/archive"));
        let config = world.config_file("");
        let (_, out, err) = run(oicx(&config), &["backup", "prod"]).await;
        assert!(out.contains("0 removed"), "{fault}: {out}{err}");
        let (code, out, err) = run(oicx(&config), &["history", "PEOPLE/PAY_FEED"]).await;
        assert_eq!(code, 0, "{err}");
        assert!(!out.contains("gone since"), "{fault}: {out}");
        let (code, out, err) = run(oicx(&config), &["drift", "store:prod", "prod"]).await;
        assert_eq!(code, 3, "{fault}: {out}{err}");
        let none = "0 only on store:prod, 0 only on prod";
        assert!(out.contains(none) && err.contains("was not taken"), "{fault}: {out}{err}");
    }
}

/// A list of a project that fails is a failure of the backup; one that refuses is a gap.
#[tokio::test(flavor = "multi_thread")]
async fn a_projects_list_that_fails_is_a_failed_backup() {
    let world = World::of(LANDSCAPE).await;
    world.fault("status=500 env=prod path=/projects/MONEY/integrations");
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 3, "{out}{err}");
    // Where neither side could be looked at, nothing is the same.
    world.fault("status=403 path=/projects/PEOPLE/");
    let (code, out, err) =
        run(oicx(&config), &["drift", "prod", "prod", "--project", "PEOPLE"]).await;
    assert_eq!(code, 3, "{out}{err}");
}

/// A member that cannot be exported, since another one of its project is locked, is not said to be
/// changed, and nobody is told to delete it.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_not_to_be_deleted_by_hand() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    world.fault("status=423 env=prod method=POST path=/projects/PEOPLE/archive");
    let config = world.config_file("");
    let plan = ["restore", "store:prod/PEOPLE/TWIN", "--to", "prod", "--plan"];
    let (code, out, err) = run(oicx(&config), &plan).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("whether it changed is not known"), "{out}");
    assert!(!out.contains("delete TWIN") && !out.contains("by hand"), "{out}");
}

/// A file does not say what was active: that nothing of it is activated is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_from_a_file_says_that_nothing_is_activated() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let config = world.config_file(&crate::project_restore::connection_values(&world));
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let people = index.versions().iter().find(|v| v.path.ends_with(".car") && v.code == "PEOPLE");
    let file = world.store_folder().join(&people.unwrap().path);
    let gone = |i: &mut oicx::sim::ServiceInstance| drop(i.others.projects.remove("PEOPLE"));
    world.sim.with_instance("prod", gone).unwrap();
    let plan = ["restore", file.to_str().unwrap(), "--to", "prod", "--plan"];
    let (_, out, err) = run(oicx(&config), &plan).await;
    assert!(
        out.contains("no snapshot says whether") && out.contains("not activated"),
        "{out}{err}"
    );
}

/// What was there and is not in the snapshot is not taken for restored: the plan names it, and the
/// older snapshot that has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_snapshot_failed_to_take_is_named_in_its_plan() {
    let world = World::of(LANDSCAPE).await;
    let config = world.config_file("");
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let lock = |i: &mut oicx::sim::ServiceInstance| {
        let live = i.get_mut(&id("GLOBAL_ONE|01.00.0000")).unwrap();
        live.edit(|flow| flow.target.resource = "/v2".into(), "k.lindqvist");
        live.locked_by = Some("k.lindqvist".into());
    };
    world.sim.with_instance("prod", lock).unwrap();
    world.fault("status=500 env=prod path=/projects/PEOPLE/archive");
    world.fault("status=403 env=prod path=^/lookups");
    let (code, _, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 3, "{err}");
    world.sim.clear_faults();
    let (_, plan) = json(&config, &[&SNAPSHOT[..], &["--plan"]].concat()).await;
    let told = plan["checks"].to_string();
    for words in [
        "project PEOPLE is not in the snapshot: prod: export project PEOPLE: 500",
        "has it: oicx restore store:prod/projects/PEOPLE@",
        "GLOBAL_ONE 01.00.0000 is not in the snapshot: locked: ",
        "lookups are not in the snapshot: the role may not see lookups (403)",
    ] {
        assert!(told.contains(words), "{words}: {plan:#}");
    }
    // Only what is wanted is told.
    let lookups = [&SNAPSHOT[..], &["--kind", "lookups", "--plan"]].concat();
    let (_, plan) = json(&config, &lookups).await;
    assert!(!plan.to_string().contains("PEOPLE is not in"), "{plan:#}");
}
