//! Integrations put back into a project: by activating a version that is still there, by adding one
//! that is gone, by replacing one that was changed, and by hand where the service offers no more.

use oicx::archive::UnpackedArchive;
use oicx::model::Status;

use crate::cli::{json, oicx, run};
use crate::projects::{LANDSCAPE, change_pay_feed};
use crate::store::take_backup;
use crate::support::{World, id};

const PAY_FEED: &str = "PAY_FEED|01.00.0000|PEOPLE";
/// The connections of a project come without credentials; values make them work.
const RESTORE: [&str; 6] =
    ["restore", "store:prod/PEOPLE/PAY_FEED", "--to", "prod", "--yes", "--json"];

/// An instance that exports an integration of a project alone.
async fn generous() -> World {
    let manner = "instance = \"acme-prod\"\nexports_members = true";
    World::of(&LANDSCAPE.replace("instance = \"acme-prod\"", manner)).await
}

fn status(world: &World, of: &str) -> Option<Status> {
    world.sim.with_instance("prod", |i| i.get(&id(of)).ok().map(|l| l.status.clone())).unwrap()
}

/// Whether the integration calls the path that somebody changed it to.
fn is_changed(world: &World) -> bool {
    let bytes = world.sim.with_instance("prod", |i| i.export(&id(PAY_FEED)).unwrap()).unwrap();
    let unpacked = UnpackedArchive::read(&bytes, Some("x.iar")).unwrap();
    unpacked.all_files().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("/pay/v2"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_still_there_is_activated() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    world.client("prod").deactivate(&id(PAY_FEED)).await.unwrap();
    let config = world.config_file("");
    let (code, plan) = json(&config, &[&RESTORE[..4], &["--plan", "--json"]].concat()).await;
    assert_eq!((code, plan["way"].as_str()), (0, Some("activate")), "{plan}");
    let before = world.sim.calls("prod DELETE");
    let (code, journal) = json(&config, &RESTORE).await;
    assert_eq!(code, 0, "{journal}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert_eq!(world.sim.calls("prod DELETE"), before, "nothing is deleted");
    assert_eq!(status(&world, "TWIN|01.00.0000"), Some(Status::Active), "the others still run");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_replaced_where_it_can_be_kept_first_and_undone_again() {
    let world = generous().await;
    let backup = take_backup(&world, "prod").await;
    assert!(backup.failed.is_empty(), "{backup:?}");
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let kept = index.versions().iter().find(|v| v.code == "PAY_FEED" && v.version.is_some());
    assert!(kept.unwrap().path.ends_with(".iar"), "a file of its own, which can be sent");
    change_pay_feed(&world);
    let config = world.config_file("");
    let (code, plan) = json(&config, &[&RESTORE[..4], &["--plan", "--json"]].concat()).await;
    assert_eq!((code, plan["way"].as_str()), (0, Some("replace")), "{plan}");
    let texts: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|s| s["text"].as_str().unwrap()).collect();
    assert!(texts[0].starts_with("safety export"), "{texts:?}");
    assert!(texts[2].starts_with("delete this version of PAY_FEED"), "{texts:?}");
    let (code, journal) = json(&config, &RESTORE).await;
    assert_eq!(code, 0, "{journal}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert!(!is_changed(&world));
    let run_id = journal["run"].as_str().unwrap();
    let (code, undone) = json(&config, &["rollback", run_id, "--yes", "--json"]).await;
    assert_eq!(code, 0, "{undone}");
    assert!(is_changed(&world));
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_gone_is_added_and_removed_again_by_an_undo() {
    let world = generous().await;
    take_backup(&world, "prod").await;
    let prod = world.client("prod");
    prod.deactivate(&id(PAY_FEED)).await.unwrap();
    world.sim.with_instance("prod", |i| i.delete(&id(PAY_FEED)).unwrap()).unwrap();
    let config = world.config_file("");
    let (code, journal) = json(&config, &RESTORE).await;
    assert_eq!(code, 0, "{journal}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    let run_id = journal["run"].as_str().unwrap();
    let (code, undone) = json(&config, &["rollback", run_id, "--yes", "--json"]).await;
    assert_eq!(code, 0, "{undone}");
    assert_eq!(status(&world, PAY_FEED), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_cannot_do_alone_is_told_with_what_a_person_can_do() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file("");
    let changes = |world: &World| world.sim.calls("prod DELETE") + world.sim.calls("prod PUT");
    let before = changes(&world);
    let (code, out, err) = run(oicx(&config), &RESTORE[..5]).await;
    assert_eq!(code, 1, "{out}{err}");
    let text = format!("{out}{err}");
    assert!(text.contains("cannot be sent alone") && text.contains("by hand"), "{text}");
    assert_eq!(changes(&world), before, "nothing was changed");
    assert!(is_changed(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_moves_into_a_project_and_the_plan_says_who_calls_it() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let move_it = ["promote", "prod:GLOBAL_ONE", "--to", "prod", "--into", "MONEY"];
    let (code, out, err) = run(oicx(&config), &[&move_it[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("comes into project MONEY") && out.contains("keep the old address"),
        "{out}"
    );
    let nowhere = ["promote", "prod:GLOBAL_ONE", "--to", "prod", "--into", "NOWHERE", "--yes"];
    let (code, out, err) = run(oicx(&config), &nowhere).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(format!("{out}{err}").contains("prod has no project NOWHERE"), "{out}{err}");
}
