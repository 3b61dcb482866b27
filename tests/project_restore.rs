//! Integrations put back into a project: by activating a version that is still there, by adding one
//! that is gone, by replacing one that was changed, and by hand where the service offers no more.

use oicx::archive::UnpackedArchive;
use oicx::config::{EnvironmentConfig, OverlayValue, SecretSource};
use oicx::model::{ScheduleState, Status};
use oicx::restore::{PlanOptions, RunOutcome};
use oicx::sim::ServiceInstance;
use rstest::rstest;

use crate::cli::{json, oicx, run};
use crate::projects::{LANDSCAPE, change_pay_feed};
use crate::restore::{plan_with, run as run_plan};
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

pub fn status(world: &World, of: &str) -> Option<Status> {
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

#[rstest]
#[case::by_one_call(true)]
#[case::by_deleting_and_adding(false)]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_replaced_where_it_can_be_kept_first_and_undone_again(
    #[case] replaces_members: bool,
) {
    let world = generous().await;
    let manners = |i: &mut ServiceInstance| i.settings.manners.replaces_members = replaces_members;
    world.sim.with_instance("prod", manners).unwrap();
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
    assert!(texts[2].starts_with("replace this version of PAY_FEED"), "{texts:?}");
    let (code, journal) = json(&config, &RESTORE).await;
    assert_eq!(code, 0, "{journal}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert!(!is_changed(&world));
    let deletions = world.sim.calls("prod DELETE");
    assert_eq!(deletions, usize::from(!replaces_members), "deleted only where no call replaces it");
    let run_id = journal["run"].as_str().unwrap();
    let (code, undone) = json(&config, &["rollback", run_id, "--yes", "--json"]).await;
    assert_eq!(code, 0, "{undone}");
    assert!(is_changed(&world));
    let puts = world.sim.calls_since("prod PUT", 0);
    let puts = puts.iter().filter(|c| c.ends_with("/projects/PEOPLE/integrations/archive")).count();
    assert_eq!(puts, if replaces_members { 2 } else { 1 }, "what is not offered is asked once");
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

/// A project that is there unchanged has all that ran in it again: by its own restore, and by that
/// of a snapshot.
#[rstest]
#[case::the_project(&["store:prod/projects/PEOPLE"])]
#[case::its_snapshot(&["--snapshot", "prod"])]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_deactivated_in_a_project_is_active_again(#[case] what: &[&str]) {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    world.client("prod").deactivate(&id(PAY_FEED)).await.unwrap();
    let config = world.config_file("");
    let restore = [&["restore"], what, &["--to", "prod", "--json"]].concat();
    let (code, plan) = json(&config, &[&restore[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    assert!(plan["steps"].to_string().contains("activate PAY_FEED|01.00.0000|PEOPLE"), "{plan}");
    let before = world.sim.calls("prod DELETE");
    let (code, journal) = json(&config, &[&restore[..], &["--yes"]].concat()).await;
    assert_eq!(code, 0, "{journal}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert_eq!(status(&world, "TWIN|01.00.0000|PEOPLE"), Some(Status::Active));
    assert_eq!(world.sim.calls("prod DELETE"), before, "nothing is deleted");
}

/// What is chosen of a snapshot without its project comes by itself, in the state that it had.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_projects_comes_by_itself_where_only_it_is_chosen() {
    let world = generous().await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    world.client("prod").deactivate(&id("TWIN|01.00.0000|PEOPLE")).await.unwrap();
    let config = world.config_file("");
    let chosen =
        ["restore", "--snapshot", "prod", "--kind", "integrations", "--to", "prod", "--json"];
    let (code, plan) = json(&config, &[&chosen[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    let items = plan["items"].as_array().unwrap();
    let way = |scope: &str, code: &str| {
        let is_it = |i: &&serde_json::Value| {
            i["artifact"]["scope"].as_str().unwrap_or("") == scope && i["artifact"]["code"] == code
        };
        items.iter().find(is_it).map(|i| i["way"].as_str().unwrap().to_owned())
    };
    assert_eq!(way("PEOPLE", "PAY_FEED").as_deref(), Some("replace"), "{plan}");
    assert_eq!(way("PEOPLE", "TWIN").as_deref(), Some("activate"), "{plan}");
    assert_eq!(way("MONEY", "LEDGER").as_deref(), Some("activate"), "{plan}");
    let (code, done) = json(&config, &[&chosen[..], &["--yes"]].concat()).await;
    assert_eq!((code, done["result"].as_str()), (0, Some("restored")), "{done}");
    assert!(!is_changed(&world));
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
    assert_eq!(status(&world, "TWIN|01.00.0000|PEOPLE"), Some(Status::Active));
}

/// Where the instance exports no integration of a project alone, what is kept in its project's
/// archive can be activated, and be replaced by hand.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_projects_and_cannot_be_sent_blocks_itself_alone() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    world.client("prod").deactivate(&id("TWIN|01.00.0000|PEOPLE")).await.unwrap();
    let config = world.config_file("");
    let chosen =
        ["restore", "--snapshot", "prod", "--kind", "integrations", "--to", "prod", "--json"];
    let skip = ["--skip-blocked", "--yes"];
    let (code, done) = json(&config, &[&chosen[..], &skip].concat()).await;
    assert_eq!((code, done["result"].as_str()), (3, Some("restored")), "{done}");
    assert_eq!(done["left_out"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(done["left_out"][0]["artifact"]["code"], "PAY_FEED");
    assert!(is_changed(&world));
    assert_eq!(status(&world, "TWIN|01.00.0000|PEOPLE"), Some(Status::Active));
}

/// The texts of the steps of a plan that a person does by hand.
async fn steps_by_hand(config: &std::path::Path) -> Vec<String> {
    let (code, plan) = json(config, &[&RESTORE[..4], &["--plan", "--json"]].concat()).await;
    assert_eq!((code, plan["way"].as_str()), (1, Some("by_hand")), "{plan}");
    let steps = plan["steps"].as_array().unwrap();
    assert!(steps.iter().all(|s| s["kind"] == "by_hand"), "{plan}");
    assert_eq!(plan["items"][0]["way"], "by_hand");
    steps.iter().map(|s| s["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_has_no_call_for_is_done_by_hand_and_then_activated_and_proven() {
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
    assert!(text.contains("--by-hand FOLDER writes PEOPLE.car"), "{text}");
    let clicks = steps_by_hand(&config).await;
    let begins = [
        "oicx backup prod",
        "console, Projects, PEOPLE: deactivate PAY_FEED 01.00.0000",
        "console, Projects, PEOPLE: delete",
        "console, Projects, Import: choose PEOPLE.car",
        "ask for this again with --schedule stored: oicx then activates and proves it",
    ];
    assert_eq!(clicks.len(), begins.len(), "{clicks:?}");
    for (click, begin) in clicks.iter().zip(begins) {
        assert!(click.starts_with(begin), "{clicks:?}");
    }
    // The file is the stored one, byte for byte, and none that is there is overwritten.
    std::fs::create_dir_all(world.folder.path().join("by hand")).unwrap();
    std::fs::write(world.folder.path().join("by hand/PEOPLE.car"), "another").unwrap();
    let folder = world.folder.path().join("by hand");
    let into = folder.display().to_string();
    for _ in 0..2 {
        let write = [&RESTORE[..4], &["--plan", "--by-hand", &into]].concat();
        let (code, out, err) = run(oicx(&config), &write).await;
        assert_eq!(code, 1, "{out}");
        assert!(err.contains("written to"), "{err}");
    }
    let index = world.store().await.index().await.unwrap();
    let kept = index.versions().iter().find(|v| v.code == "PAY_FEED" && v.version.is_some());
    let stored = std::fs::read(world.store_folder().join(&kept.unwrap().path)).unwrap();
    assert_eq!(std::fs::read(folder.join("PEOPLE.car")).unwrap(), b"another");
    assert_eq!(std::fs::read(folder.join("PEOPLE-1.car")).unwrap(), stored);
    assert!(!folder.join("PEOPLE-2.car").exists(), "what is there is not written once more");
    assert_eq!(changes(&world), before, "nothing was changed");
    assert!(is_changed(&world));
    // A person does what stands there.
    world.client("prod").deactivate(&id(PAY_FEED)).await.unwrap();
    world.sim.with_instance("prod", |i| i.delete(&id(PAY_FEED)).unwrap());
    assert_eq!(steps_by_hand(&config).await.len(), 2, "it is imported, and asked for again");
    world.sim.with_instance("prod", |i| i.import_in_console(&stored).unwrap());
    let again = [&RESTORE[..], &["--schedule", "stored"]].concat();
    let (code, journal) = json(&config, &again).await;
    assert_eq!(code, 0, "{journal}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert!(!is_changed(&world));
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
    // Nothing is written where nothing is by hand.
    let write = [&RESTORE[..4], &["--plan", "--by-hand", &into]].concat();
    let (code, _, err) = run(oicx(&config), &write).await;
    assert_eq!(code, 0);
    assert!(err.contains("this plan sends no project, and nothing in it is done by hand"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_sent_but_not_kept_first_is_deleted_by_hand_and_added_by_a_plan() {
    let world = generous().await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    world.sim.with_instance("prod", |i| i.settings.exports_members = false).unwrap();
    let config = world.config_file("");
    let clicks = steps_by_hand(&config).await;
    assert!(!clicks.iter().any(|c| c.contains("Import")), "{clicks:?}");
    assert!(clicks.last().unwrap().contains("adds, activates and proves it"), "{clicks:?}");
    world.client("prod").deactivate(&id(PAY_FEED)).await.unwrap();
    world.sim.with_instance("prod", |i| i.delete(&id(PAY_FEED)).unwrap());
    let (code, journal) = json(&config, &RESTORE).await;
    assert_eq!(code, 0, "{journal}");
    assert!(!is_changed(&world));
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
    for address in ["v2/flows/rest/project/MONEY/GLOBAL_ONE/1.0/", "v1/flows/rest/GLOBAL_ONE/1.0/"]
    {
        assert!(out.contains(address), "{address}: {out}");
    }
    let (code, out, err) = run(oicx(&config), &[&move_it[..], &["--yes"]].concat()).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(status(&world, "GLOBAL_ONE|01.00.0000|MONEY"), Some(Status::Active));
    assert_eq!(status(&world, "GLOBAL_ONE|01.00.0000"), Some(Status::Active), "its twin stays");
    let nowhere =
        ["promote", "prod:global/GLOBAL_ONE", "--to", "prod", "--into", "NOWHERE", "--yes"];
    let (code, out, err) = run(oicx(&config), &nowhere).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(format!("{out}{err}").contains("prod lists no project NOWHERE"), "{out}{err}");
}

/// Values for the connections of a project, which come without credentials.
pub fn connection_values(world: &World) -> String {
    let SecretSource::File(file) = world.secret("pw") else { unreachable!() };
    let of = |code: &str| {
        format!(
            "connections.{code} = {{ connectionUrl = \"https://x.example\", password = {{ file = {file:?} }} }}\n"
        )
    };
    [of("HCM"), of("REST")].concat()
}

const REBUILD: [&str; 6] =
    ["restore", "store:prod/projects/PEOPLE", "--to", "prod", "--rebuild", "--json"];

fn schedule(world: &World, of: &str) -> Option<ScheduleState> {
    world.sim.with_instance("prod", |i| i.get(&id(of)).unwrap().schedule.clone()).unwrap()
}

fn two_people(world: &World) -> serde_json::Value {
    // The account itself must be among them: what it may not see it cannot rebuild.
    let user =
        |id: &str, name: &str| serde_json::json!({ "id": id, "displayName": name, "type": "user" });
    let allowed = [user("u1", "j.doe"), user("oicx", "oicx")];
    let list = serde_json::json!({ "administrators": { "allowAll": false, "allowed": allowed } });
    let set = |i: &mut ServiceInstance| {
        let project = i.others.projects.get_mut("PEOPLE").unwrap();
        project.access_list = list.clone();
    };
    world.sim.with_instance("prod", set).unwrap();
    list
}

fn access_list(world: &World) -> serde_json::Value {
    world.sim.with_instance("prod", |i| i.others.projects["PEOPLE"].access_list.clone()).unwrap()
}

#[rstest]
#[case::at_once(0)]
#[case::later(1_500)]
#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_rebuilt_with_what_its_archive_does_not_hold_and_an_undo_goes_the_same_way(
    #[case] project_import_ms: u64,
) {
    let world = World::of(LANDSCAPE).await;
    let slow = |i: &mut oicx::sim::ServiceInstance| {
        i.settings.manners.project_import_ms = project_import_ms;
    };
    world.sim.with_instance("prod", slow).unwrap();
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let list = two_people(&world);
    // Somebody set it since; the archive does not know.
    let policy = |i: &mut ServiceInstance| -> String {
        i.others.projects["PEOPLE"].connections["HCM"].spec.policy.clone()
    };
    world.sim.with_instance("prod", |i| {
        let inside = &mut i.others.projects.get_mut("PEOPLE").unwrap().connections;
        inside.get_mut("HCM").unwrap().spec.policy = "OAUTH_2".into();
    });
    let config = world.config_file(&connection_values(&world));
    // Without the word it is blocked, and the remedy is named.
    let (code, plan) = json(&config, &[&REBUILD[..4], &["--plan", "--json"]].concat()).await;
    let checks = plan["checks"].as_array().unwrap();
    let remedy = checks.iter().find(|c| c["remedy"].is_object()).unwrap();
    assert_eq!((code, remedy["level"].as_str()), (1, Some("blocker")), "{plan}");
    assert_eq!(remedy["remedy"]["rebuild"], "PEOPLE");
    let (code, plan) = json(&config, &[&REBUILD[..], &["--plan"]].concat()).await;
    assert_eq!((code, plan["way"].as_str()), (0, Some("rebuild")), "{plan}");
    let says = |part: &str| {
        let texts = plan["checks"].as_array().unwrap().iter().map(|c| c["what"].as_str().unwrap());
        texts.filter(|t| t.contains(part)).count() == 1
    };
    assert!(says("2 active integrations stop until the project is imported"), "{plan}");
    assert!(says("put back afterwards: 1 schedule, the access list"), "{plan}");
    assert!(says("changes back: PAY_FEED|01.00.0000") && says("in flight"), "{plan}");
    assert!(says("comes back: "), "its schedule, in words: {plan}");
    // A yes is not enough: the project's code must be given.
    let (code, _, err) = run(oicx(&config), &[&REBUILD[..5], &["--yes"]].concat()).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--confirm PEOPLE"), "{err}");
    let before = world.sim.calls("prod DELETE");
    let (code, _, err) =
        run(oicx(&config), &[&REBUILD[..5], &["--confirm", "MONEY"]].concat()).await;
    assert_eq!((code, world.sim.calls("prod DELETE")), (1, before), "{err}");

    let (code, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!(code, 0, "{journal}");
    assert!(!is_changed(&world));
    for of in [PAY_FEED, "TWIN|01.00.0000|PEOPLE", "TWIN|01.00.0000"] {
        assert_eq!(status(&world, of), Some(Status::Active), "{of}");
    }
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
    assert_eq!(access_list(&world), list);
    assert_eq!(world.sim.with_instance("prod", policy).unwrap(), "OAUTH_2");

    let run_id = journal["run"].as_str().unwrap();
    let undo = ["rollback", run_id, "--json", "--confirm", "PEOPLE"];
    let (code, undone) = json(&config, &undo).await;
    assert_eq!(code, 0, "{undone}");
    assert!(is_changed(&world));
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
    assert_eq!(access_list(&world), list);
    assert_eq!(world.sim.with_instance("prod", policy).unwrap(), "OAUTH_2");
}

#[rstest]
#[case::at_once(0)]
#[case::later(1_500)]
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_fails_at_the_import_gives_back_what_was_there(
    #[case] project_import_ms: u64,
) {
    let world = World::of(LANDSCAPE).await;
    let slow = |i: &mut oicx::sim::ServiceInstance| {
        i.settings.manners.project_import_ms = project_import_ms;
    };
    world.sim.with_instance("prod", slow).unwrap();
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let list = two_people(&world);
    let config = world.config_file(&connection_values(&world));
    world.fault("status=400 env=prod method=POST path=/projects/archive times=1");
    let (code, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!((code, journal["result"].as_str()), (1, Some("put_back")), "{journal}");
    assert!(is_changed(&world));
    for of in [PAY_FEED, "TWIN|01.00.0000|PEOPLE"] {
        assert_eq!(status(&world, of), Some(Status::Active), "{of}");
    }
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
    assert_eq!(access_list(&world), list);
}

/// A connection's own values, and those of its scope before those of its code alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_asks_for_each_secret_and_gives_each_connection_the_values_of_its_scope() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let half = "connections.HCM = { connectionUrl = \"https://x.example\" }\n";
    let rest = connection_values(&world);
    let rest = rest.lines().find(|l| l.starts_with("connections.REST")).unwrap();
    let rebuild = [&REBUILD[..5], &["--confirm", "PEOPLE"]].concat();
    let (code, out, err) =
        run(oicx(&world.config_file(&format!("{half}{rest}\n"))), &rebuild).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("without credentials, and password of it is not given"), "{err}");
    assert_eq!(world.sim.calls("prod DELETE"), 0, "nothing is deleted");
    // Somebody made a connection since: an undo brings it without credentials.
    let newer = |i: &mut ServiceInstance| {
        let connections = &mut i.others.projects.get_mut("PEOPLE").unwrap().connections;
        let mut newer = connections["HCM"].clone();
        newer.spec.code = "NEWER".into();
        connections.insert("NEWER".into(), newer);
    };
    world.sim.with_instance("prod", newer).unwrap();
    let values = connection_values(&world);
    let (code, out, err) = run(oicx(&world.config_file(&values)), &rebuild).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("connection NEWER is in project PEOPLE on prod alone"), "{err}");
    assert_eq!(world.sim.calls("prod DELETE"), 0, "nothing is deleted");
    let own = rest.replace("connections.REST", "connections.\"PEOPLE/HCM\"");
    let own = own.replace("x.example", "people.example");
    let newer = rest.replace("connections.REST", "connections.NEWER");
    let config = world.config_file(&format!("{values}{own}\n{newer}\n"));
    world.fault("status=400 env=prod method=POST path=/projects/archive times=1");
    let (code, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!((code, journal["result"].as_str()), (1, Some("put_back")), "{journal}");
    let look = |i: &mut ServiceInstance| {
        let of = &i.others.projects["PEOPLE"].connections;
        (of["NEWER"].configured, of["HCM"].spec.url.clone(), i.connections["HCM"].spec.url.clone())
    };
    let (newer, own, global) = world.sim.with_instance("prod", look).unwrap();
    assert!(newer, "it works again");
    assert_eq!(own, "https://people.example");
    assert_ne!(global, own, "the twin in the global space is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_without_values_for_its_connections_is_refused_before_anything_is_deleted() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file("");
    let before = world.sim.calls("prod DELETE");
    let (code, out, err) =
        run(oicx(&config), &[&REBUILD[..5], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!((code, world.sim.calls("prod DELETE")), (1, before), "{out}{err}");
    assert!(err.contains("connection HCM comes with project PEOPLE without credentials"), "{err}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
}

/// What no archive holds is beside it in what is kept before a change, and comes back from there.
#[tokio::test(flavor = "multi_thread")]
async fn a_safety_export_has_what_its_archive_does_not_hold() {
    let world = generous().await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    two_people(&world);
    let every = |hours: u32| {
        let times =
            serde_json::json!({ "frequency": { "frequencyType": "HOURLY", "interval": hours } });
        let set =
            |i: &mut ServiceInstance| i.get_mut(&id(PAY_FEED)).unwrap().definition = Some(times);
        world.sim.with_instance("prod", set).unwrap();
    };
    let times =
        || world.sim.with_instance("prod", |i| i.get(&id(PAY_FEED)).unwrap().schedule_times());
    every(4);
    let config = world.config_file(&connection_values(&world));
    let (code, journal) = json(&config, &RESTORE).await;
    assert_eq!(code, 0, "{journal}");
    let run_id = journal["run"].as_str().unwrap().to_owned();
    // Somebody sets other times later; the state before the run is wanted, with all that it had.
    every(6);
    let before_it = format!("store:prod/PEOPLE/PAY_FEED@run:{run_id}");
    let again = ["restore", &before_it, "--to", "prod", "--schedule", "stored", "--yes", "--json"];
    let (code, journal) = json(&config, &again).await;
    assert_eq!(code, 0, "{journal}");
    assert!(is_changed(&world));
    assert!(times().unwrap().to_string().contains("\"interval\":4"), "{:?}", times());
    // Of a project: the schedules of what runs in it, who may do what, and its connections.
    let (code, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!(code, 0, "{journal}");
    let run_id = journal["run"].as_str().unwrap();
    let index = world.store().await.index().await.unwrap();
    let of_run = index
        .versions()
        .iter()
        .filter(|v| v.safety_run.as_ref().is_some_and(|r| r.to_string() == run_id));
    let mut kept: Vec<String> = of_run.map(|v| v.key().to_string()).collect();
    kept.sort();
    let wanted = [
        "access list of PEOPLE",
        "connection PEOPLE/HCM",
        "connection PEOPLE/REST",
        "lookup PEOPLE/UNUSED",
        "project PEOPLE",
        "schedule PEOPLE/PAY_FEED 01.00.0000",
    ];
    assert_eq!(kept, wanted, "{journal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_gone_comes_back_with_its_schedules_and_who_may_do_what() {
    let world = World::of(LANDSCAPE).await;
    let list = two_people(&world);
    take_backup(&world, "prod").await;
    let prod = world.client("prod");
    for of in [PAY_FEED, "TWIN|01.00.0000|PEOPLE"] {
        prod.deactivate(&id(of)).await.unwrap();
    }
    world.sim.with_instance("prod", |i| i.delete_project("PEOPLE").unwrap()).unwrap();
    let config = world.config_file(&connection_values(&world));
    let restore = ["restore", "store:prod/projects/PEOPLE", "--to", "prod", "--json", "--yes"];
    let (code, plan) = json(&config, &[&restore[..5], &["--plan"]].concat()).await;
    assert_eq!((code, plan["way"].as_str()), (0, Some("import")), "{plan}");
    let steps: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|s| s["text"].as_str().unwrap()).collect();
    assert!(steps.contains(&"put back who may do what in PEOPLE"), "{steps:?}");
    let (code, journal) = json(&config, &restore).await;
    assert_eq!((code, journal["result"].as_str()), (0, Some("restored")), "{journal}");
    assert_eq!(access_list(&world), list);
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
}

/// A list that could not be read does not say that nothing is there: nothing is planned then.
#[tokio::test(flavor = "multi_thread")]
async fn no_plan_is_made_where_the_projects_cannot_be_listed() {
    let world = generous().await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file("");
    world.fault("status=500 env=prod method=GET path=/projects");
    let (code, out, err) = run(oicx(&config), &RESTORE[..5]).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("projects") && !out.contains("lists no project"), "{out}{err}");
    assert_eq!(world.sim.calls("prod DELETE"), 0);
}

/// A part of a project's archive cannot be sent; the service copies it into another project.
#[tokio::test(flavor = "multi_thread")]
async fn an_integration_moves_from_one_project_to_another_by_a_copy_of_the_service() {
    let world = World::of(LANDSCAPE).await;
    let config = world.config_file(&connection_values(&world));
    let copy = ["promote", "prod:MONEY/LEDGER", "--to", "prod", "--into", "PEOPLE", "--json"];
    let (code, plan) = json(&config, &[&copy[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    assert!(plan["steps"].to_string().contains("the service copies prod:MONEY/LEDGER"), "{plan}");
    assert!(plan["checks"].to_string().contains("the service itself copies"), "{plan}");
    // A schedule does not come along.
    let feed = ["promote", "prod:PEOPLE/PAY_FEED", "--to", "prod", "--into", "MONEY", "--json"];
    let (_, scheduled) = json(&config, &[&feed[..], &["--plan"]].concat()).await;
    let stays = "the schedule of PEOPLE/PAY_FEED 01.00.0000 stays with the one in project PEOPLE";
    assert!(scheduled["checks"].to_string().contains(stays), "{scheduled:#}");
    let (code, done) = json(&config, &[&copy[..], &["--yes"]].concat()).await;
    assert_eq!((code, done["result"].as_str()), (0, Some("restored")), "{done}");
    for of in ["LEDGER|01.00.0000|MONEY", "LEDGER|01.00.0000|PEOPLE"] {
        assert_eq!(status(&world, of), Some(Status::Active), "{of}");
    }
    let undo = ["rollback", done["run"].as_str().unwrap(), "--yes", "--json"];
    let (code, undone) = json(&config, &undo).await;
    assert_eq!(code, 0, "{undone}");
    assert_eq!(status(&world, "LEDGER|01.00.0000|PEOPLE"), None);
    assert_eq!(status(&world, "LEDGER|01.00.0000|MONEY"), Some(Status::Active));
}

/// Somebody whom the service does not know any more is left out, whether its list says so or its
/// refusal.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_gone_is_left_out_of_an_access_list() {
    for known in [true, false] {
        let world = World::of(LANDSCAPE).await;
        take_backup(&world, "prod").await;
        change_pay_feed(&world);
        let gone = serde_json::json!({ "administrators": { "allowAll": true, "allowed":
            [{ "id": "gone", "displayName": "old.user", "type": "user", "idNotFound": known }] } });
        let set = |i: &mut ServiceInstance| {
            i.others.projects.get_mut("PEOPLE").unwrap().access_list = gone;
        };
        world.sim.with_instance("prod", set).unwrap();
        let config = world.config_file(&connection_values(&world));
        let args = [&REBUILD[..], &["--confirm", "PEOPLE"]].concat();
        let (code, journal) = json(&config, &args).await;
        assert_eq!((code, journal["result"].as_str()), (0, Some("restored")), "{journal}");
        let proof = journal["items"][0]["proof"].to_string();
        assert!(proof.contains("without old.user: gone"), "{journal}");
        assert!(!is_changed(&world));
    }
}

/// A schedule runs again by itself only where it ran: not in another environment, and not for what
/// is moved into a project that once had an integration of that code.
#[tokio::test(flavor = "multi_thread")]
async fn no_schedule_begins_to_run_where_it_is_not_at_home() {
    let world = World::of(&crate::projects::with_an_empty_one()).await;
    two_people(&world);
    take_backup(&world, "prod").await;
    let config = world.config_file(&connection_values(&world));
    let elsewhere = ["restore", "store:prod/projects/PEOPLE", "--to", "empty", "--yes", "--json"];
    // What is not brought is told before.
    let (_, plan) = json(&config, &[&elsewhere[..4], &["--plan", "--json"]].concat()).await;
    let told = plan["checks"].to_string();
    for words in [
        "no schedule runs afterwards for PEOPLE/PAY_FEED 01.00.0000: whether an import defines one \
            is not documented, and those of prod are not taken for empty",
        "who may do what in project PEOPLE is what empty gives a new project: the list of prod is \
            not taken for empty",
    ] {
        assert!(told.contains(words), "{words}: {plan:#}");
    }
    // So is an address that the archive leaves to each environment.
    let file = world.folder.path().join("half-password");
    std::fs::write(&file, "secret").unwrap();
    let half = format!("connections.HCM = {{ password = {{ file = {file:?} }} }}\n");
    let half = world.config_file(&half);
    let (_, plan) = json(&half, &[&elsewhere[..4], &["--plan", "--json"]].concat()).await;
    let url = "it gets password and is tested, but connectionUrl is not given";
    assert!(plan["checks"].to_string().contains(url), "{plan:#}");
    let config = world.config_file(&connection_values(&world));
    let stored = [&elsewhere[..4], &["--schedule", "stored", "--plan", "--json"]].concat();
    let (code, plan) = json(&config, &stored).await;
    assert_eq!(code, 1, "{plan}");
    let refused = "PEOPLE/PAY_FEED 01.00.0000 is from prod, whose schedule is not taken for empty";
    assert!(plan["checks"].to_string().contains(refused), "{plan:#}");
    let (code, journal) = json(&config, &elsewhere).await;
    assert_eq!((code, journal["result"].as_str()), (0, Some("restored")), "{journal}");
    let snapshot = ["restore", "--snapshot", "prod", "--to", "empty", "--yes", "--json"];
    let (code, journal) = json(&config, &snapshot).await;
    assert_eq!(code, 0, "{journal}");
    let calls = world.sim.calls_since("empty ", 0);
    let unwanted = |c: &&String| c.ends_with("/schedule/start") || c.contains("PUT");
    assert!(!calls.iter().any(|c| unwanted(&c)), "{calls:?}");
}

/// Where another project shows its list, a 404 does not mean that there is none; what the service
/// says it has no call for is asked once.
#[tokio::test(flavor = "multi_thread")]
async fn an_access_list_that_is_hidden_is_not_taken_for_none() {
    let world = World::of(LANDSCAPE).await;
    world.fault("status=404 env=prod method=GET path=/projects/PEOPLE/acl");
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file(&connection_values(&world));
    let rebuild =
        ["restore", "store:prod/projects/PEOPLE~1", "--to", "prod", "--rebuild", "--plan"];
    let seen = world.client("prod").access_list(&"MONEY".into()).await;
    assert!(seen.is_ok(), "{seen:?}");
    let (_, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    let (code, plan, plan_err) = run(oicx(&config), &rebuild).await;
    assert_eq!(code, 1, "{plan}{plan_err}");
    assert!(plan.contains("who may do what in project PEOPLE could not be read"), "{plan}");
    assert!(!out.contains("does not offer access lists"), "{out}{err}");

    let world = World::of(LANDSCAPE).await;
    world.fault("status=405 env=prod method=GET path=/acl");
    let config = world.config_file(&connection_values(&world));
    for _ in 0..2 {
        run(oicx(&config), &["backup", "prod"]).await;
    }
    let asked = world.sim.calls("prod GET /projects/PEOPLE/acl")
        + world.sim.calls("prod GET /projects/MONEY/acl");
    assert!(asked <= 2, "the second backup asks no more: {asked}");
}

/// What ran runs again, and the run does not say that all is as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_was_put_back_without_its_access_list_is_not_called_done() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    two_people(&world);
    let values = [
        ("connectionUrl".to_owned(), OverlayValue::Plain("https://x.example".into())),
        ("password".to_owned(), OverlayValue::Secret(world.secret("pw"))),
    ];
    let connections = ["HCM", "REST"].map(|code| (code.to_owned(), values.clone().into()));
    let environment =
        EnvironmentConfig { connections: connections.into(), ..world.environment("prod") };
    let client = world.client_of(environment);
    let options = PlanOptions { rebuild: ["PEOPLE".into()].into(), ..PlanOptions::default() };
    let workspace = world.workspace().await;
    let what = ["store:prod/projects/PEOPLE"];
    let (plan, payloads) = plan_with(&workspace, &client, &what, &options).await;
    world.fault("status=400 env=prod method=POST path=/projects/archive times=1");
    world.fault("status=400 env=prod method=PUT path=/acl");
    let journal = run_plan(&world, plan, payloads, &client).await;
    assert_eq!(journal.result, Some(RunOutcome::Unfinished), "{:?}", journal.error);
    for of in [PAY_FEED, "TWIN|01.00.0000|PEOPLE"] {
        assert_eq!(status(&world, of), Some(Status::Active), "{of}");
    }
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
}

/// What does not run has no step that stops it first: the refused import is the second call of the
/// replacement, and the artifact was deleted by the first.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_for_an_import_that_is_refused_is_put_back() {
    let world = generous().await;
    world.client("prod").deactivate(&id(PAY_FEED)).await.unwrap();
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let (workspace, prod) = (world.workspace().await, world.client("prod"));
    let references = ["store:prod/PEOPLE/PAY_FEED"];
    let options = PlanOptions::default();
    let (plan, payloads) = plan_with(&workspace, &prod, &references, &options).await;
    world.fault("status=400 times=1 method=POST path=/integrations/archive");
    let journal = run_plan(&world, plan, payloads, &prod).await;
    assert_eq!(journal.result, Some(RunOutcome::PutBack), "{:?}", journal.error);
    assert!(is_changed(&world), "what was there is there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_of_what_is_unchanged_does_nothing_and_its_undo_neither() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let config = world.config_file(&connection_values(&world));
    let (code, plan) = json(&config, &[&REBUILD[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    let steps = plan["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["kind"] == "prove"), "{plan}");
    assert!(!plan["if_it_fails"].to_string().contains("deactivated"), "{plan}");
    let (code, done) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!(code, 0, "{done}");
    let run_id = done["run"].as_str().unwrap();
    let undo = ["rollback", run_id, "--yes", "--confirm", "PEOPLE"];
    let (code, _, err) = run(oicx(&config), &undo).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("there is nothing to undo"), "{err}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_takes_longer_than_the_patience_is_waited_for_again_and_not_sent_twice() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let slow = |i: &mut ServiceInstance| i.settings.manners.project_import_ms = 4_000;
    world.sim.with_instance("prod", slow).unwrap();
    let impatient = format!("activation_timeout = 1\n{}", connection_values(&world));
    let config = world.config_file(&impatient);
    let before = world.sim.calls("prod POST /projects/archive");
    let (_, held) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    let said = held.to_string();
    assert!(said.contains("the import of project PEOPLE is still without"), "{said}");
    let run_id = held["run"].as_str().unwrap().to_owned();
    let config = world.config_file(&connection_values(&world));
    let resume = ["resume", &run_id, "--json", "--confirm", "PEOPLE"];
    let (code, done) = json(&config, &resume).await;
    assert_eq!(code, 0, "{done}");
    let sent = world.sim.calls("prod POST /projects/archive") - before;
    assert_eq!(sent, 1, "{held} {:?} {done}", world.sim.calls_since("prod ", 0));
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert!(!is_changed(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_a_rebuild_brings_the_times_of_its_schedules_back() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let times = serde_json::json!({ "frequency": { "frequencyType": "DAILY", "interval": 2 } });
    let now = |i: &mut ServiceInstance| i.get(&id(PAY_FEED)).unwrap().schedule_times();
    world.sim.with_instance("prod", |i| {
        i.get_mut(&id(PAY_FEED)).unwrap().definition = Some(times.clone());
    });
    let config = world.config_file(&connection_values(&world));
    let stored = [&REBUILD[..], &["--schedule", "stored", "--confirm", "PEOPLE"]].concat();
    let (code, done) = json(&config, &stored).await;
    assert_eq!(code, 0, "{done}");
    assert_ne!(world.sim.with_instance("prod", now).unwrap(), times, "{done}");
    let run_id = done["run"].as_str().unwrap();
    let (code, undone) =
        json(&config, &["rollback", run_id, "--json", "--confirm", "PEOPLE"]).await;
    assert_eq!(code, 0, "{undone}");
    assert_eq!(world.sim.with_instance("prod", now).unwrap(), times, "{undone}");
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
}

/// The values of the connections, and an end of putting back that a test waits for.
fn impatient(world: &World) -> String {
    format!("deadlines = {{ put_back = 2 }}\n{}", connection_values(world))
}

/// One that cannot be activated again keeps neither the others nor the access list from what they
/// were, and no artifact is said to be as before that is not.
#[tokio::test(flavor = "multi_thread")]
async fn one_member_that_stays_down_keeps_nothing_else_from_coming_back() {
    let world = World::of(LANDSCAPE).await;
    let list = two_people(&world);
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file(&impatient(&world));
    world.fault("fail-activation env=prod method=POST path=PAY_FEED");
    let (code, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!((code, journal["result"].as_str()), (1, Some("unfinished")), "{journal}");
    assert_eq!(status(&world, "TWIN|01.00.0000|PEOPLE"), Some(Status::Active), "{journal}");
    assert_eq!(access_list(&world), list, "{journal}");
    let result = |code: &str| {
        let items = journal["items"].as_array().unwrap().iter();
        let of = |i: &&serde_json::Value| {
            i["artifact"]["code"] == code && i["artifact"]["kind"] == "integration"
        };
        items.filter(of).map(|i| i["result"].as_str().unwrap().to_owned()).next()
    };
    assert_eq!(result("PAY_FEED").as_deref(), Some("unfinished"), "{journal:#}");
    // Once it can be, the run is undone.
    world.sim.clear_faults();
    let run = journal["run"].as_str().unwrap();
    let undo = ["resume", run, "--undo", "--yes", "--confirm", "PEOPLE", "--json"];
    let (code, undone) = json(&config, &undo).await;
    assert_eq!(code, 0, "{undone}");
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
    assert_eq!(schedule(&world, PAY_FEED), Some(ScheduleState::Running));
}

/// A part that the service refuses for good keeps no other from coming back: the project is not left
/// open to everybody, and what is off is told.
#[rstest]
#[case::a_lookup("path=/projects/PEOPLE/lookups",
    &["PEOPLE/UNUSED: NOT finished", "it is not there; see its project"])]
#[case::a_connection("path=/projects/PEOPLE/connections/HCM",
    &["PEOPLE/TWIN 01.00.0000: NOT finished", "it is not active: activation failed"])]
#[case::a_schedule("path=/schedule/start",
    &["PEOPLE/PAY_FEED 01.00.0000: NOT finished", "its schedule is stopped instead of running"])]
#[case::the_access_list("method=PUT path=/acl",
    &["who may do what in PEOPLE is not as before, now: administrators: everyone"])]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_back_leaves_the_project_open_to_nobody_else(
    #[case] refused: &str,
    #[case] told: &[&str],
) {
    let world = World::of(LANDSCAPE).await;
    let list = two_people(&world);
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file(&impatient(&world));
    let method = if refused.contains("method=") { "" } else { "method=POST " };
    world.fault(&format!("status=422 env=prod {method}{refused}"));
    let (_, out, err) =
        run(oicx(&config), &[&REBUILD[..5], &["--confirm", "PEOPLE"]].concat()).await;
    let text = format!("{out}{err}");
    for words in told {
        assert!(text.contains(words), "{words}: {text}");
    }
    let open = refused.contains("acl");
    assert_eq!(access_list(&world) == list, !open, "{text}");
    let active = Some(Status::Active);
    let run = [status(&world, "TWIN|01.00.0000|PEOPLE"), status(&world, PAY_FEED)];
    assert_eq!(run == [active.clone(), active], !refused.contains("connections"), "{text}");
    let why = out.lines().find(|l| l.starts_with("why")).unwrap_or_default();
    assert!(why.matches("422").count() < 2, "{text}");
}

/// A person whom the service does not know any more keeps nobody else from their right.
#[tokio::test(flavor = "multi_thread")]
async fn an_access_list_with_somebody_who_is_gone_is_put_back_without_them() {
    let world = World::of(LANDSCAPE).await;
    let mut list = two_people(&world);
    list["editors"]["allowed"] = serde_json::json!([
        { "id": "bob", "displayName": "bob", "type": "user" },
        { "id": "gone", "displayName": "Gone Person", "type": "user" },
    ]);
    world.sim.with_instance("prod", |i| {
        i.others.projects.get_mut("PEOPLE").unwrap().access_list = list.clone();
    });
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file(&connection_values(&world));
    let (code, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!(code, 0, "{journal}");
    list["editors"]["allowed"].as_array_mut().unwrap().pop();
    assert_eq!(access_list(&world), list, "{journal}");
    let facts = journal.to_string();
    assert!(facts.contains("who may do what as before, without Gone Person: gone"), "{facts}");
}

/// What is called is active before what calls it, and before a schedule starts that.
#[tokio::test(flavor = "multi_thread")]
async fn the_called_members_of_a_project_are_activated_first() {
    let calling = "schedule = \"FREQ=HOURLY\"\ncalls = [\"TWIN\"]\n";
    let world = World::of(&LANDSCAPE.replace("schedule = \"FREQ=HOURLY\"\n", calling)).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file(&connection_values(&world));
    let first = |since: usize, what: &str| {
        let calls = world.sim.calls_since("prod ", since);
        let place = calls.iter().position(|c| c.contains("POST") && c.contains(what));
        place.unwrap_or_else(|| panic!("{what}: {calls:#?}"))
    };
    let in_order = |since: usize| {
        let twin = first(since, "PEOPLE/integrations/TWIN");
        let feed = first(since, "PEOPLE/integrations/PAY_FEED%7C01.00.0000");
        assert!(twin < feed, "{:#?}", world.sim.calls_since("prod ", since));
    };
    let imported = |since: usize| since + first(since, "/projects/archive");
    // A plan exports the project once, however many are in it.
    let exports = world.sim.calls("POST /projects/PEOPLE/archive");
    let (code, plan) = json(&config, &[&REBUILD[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    assert_eq!(world.sim.calls("POST /projects/PEOPLE/archive") - exports, 1, "{plan}");
    let (code, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!(code, 0, "{journal}");
    in_order(imported(0));
    let before = world.sim.calls("prod ");
    let run = journal["run"].as_str().unwrap();
    let undo = ["rollback", run, "--yes", "--confirm", "PEOPLE", "--json"];
    let (code, undone) = json(&config, &undo).await;
    assert_eq!(code, 0, "{undone}");
    in_order(imported(before));
}

/// A cause is told once, however often it was tried again, and the archive of what is gone can be
/// had by the command that is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_gone_is_told_once_and_its_archive_is_written_out() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file(&impatient(&world));
    world.fault("status=400 env=prod method=POST path=/projects/archive");
    let (code, out, err) =
        run(oicx(&config), &[&REBUILD[..5], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!(code, 1, "{out}{err}");
    let (_, runs) = json(&config, &["runs", "--json"]).await;
    let run_id = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let mut told = out;
    for _ in 0..2 {
        let why = told.lines().find(|l| l.starts_with("why")).unwrap();
        assert_eq!(why.matches("400 Bad Request").count(), 1, "{told}");
        assert_eq!(why.matches("PUTTING BACK FAILED for the same reason").count(), 1, "{told}");
        assert_eq!(why.matches("project PEOPLE is NOT on prod now: its archive is").count(), 1);
        assert_eq!(told.matches("it is not there; see its project").count(), 4);
        let undo = ["resume", &run_id, "--undo", "--yes", "--confirm", "PEOPLE"];
        let (code, out, err) = run(oicx(&config), &undo).await;
        assert_eq!(code, 1, "{out}{err}");
        told = out;
    }
    let command = told.split("oicx restore '").nth(1).unwrap().split(" writes it out").next();
    let (reference, _) = command.unwrap().split_once('\'').unwrap();
    let folder = world.folder.path().join("out");
    let into = folder.display().to_string();
    // What a person imports, oicx does not.
    let write = ["restore", reference, "--to", "prod", "--by-hand", &into, "--yes"];
    let (_, out, err) = run(oicx(&config), &write).await;
    assert!(err.contains("written to") && err.contains("nothing is changed"), "{out}{err}");
    assert!(world.client("prod").projects().await.unwrap().iter().all(|p| p.code != "PEOPLE"));
    let written = std::fs::read(folder.join("PEOPLE.car")).unwrap();
    let kept = told.split("its archive is ").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(written, std::fs::read(world.store_folder().join(kept)).unwrap());
    // Once it can be, all of it is put back, and what failed before is told no more.
    world.sim.clear_faults();
    let undo = ["resume", &run_id, "--undo", "--yes", "--confirm", "PEOPLE"];
    let (code, out, err) = run(oicx(&config), &undo).await;
    assert_eq!(code, 0, "{out}{err}");
    let ends: Vec<&str> = out.lines().filter(|l| l.starts_with("  ")).collect();
    assert!(ends.iter().all(|l| !l.contains("PUTTING BACK FAILED")), "{out}");
}

/// A secret that cannot be read any more is found out before a run that was cut off goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_not_go_on_where_its_secrets_cannot_be_read() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let values = impatient(&world);
    let config = world.config_file(&values);
    // The import is refused for as long as the run is patient.
    world.fault("status=400 env=prod method=POST path=/projects/archive");
    let (_, journal) = json(&config, &[&REBUILD[..], &["--confirm", "PEOPLE"]].concat()).await;
    assert_eq!(journal["result"], "unfinished", "{journal}");
    world.sim.clear_faults();
    let file = values.split("file = \"").nth(1).unwrap().split('"').next().unwrap();
    std::fs::remove_file(file).unwrap();
    let calls = world.sim.calls("prod POST /projects");
    let resume = ["resume", journal["run"].as_str().unwrap(), "--yes", "--confirm", "PEOPLE"];
    let (code, out, err) = run(oicx(&config), &resume).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("nothing was done: "), "{out}{err}");
    assert_eq!(world.sim.calls("prod POST /projects"), calls, "{out}{err}");
    // With it, the run comes to its end.
    std::fs::write(file, "pw").unwrap();
    let (code, out, err) = run(oicx(&config), &resume).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(!is_changed(&world));
}

/// What cannot be done as it was said is refused, and not done in part.
#[rstest]
#[case::a_project_into_another(&["restore", "store:prod/projects/MONEY", "--into", "PEOPLE"],
    "project MONEY is a project: it is in no scope")]
#[case::promoted(&["promote", "prod:projects/MONEY", "--into", "PEOPLE"],
    "project MONEY is a project: it is in no scope")]
#[case::twice(&["restore", "store:prod/projects/MONEY", "store:prod/projects/MONEY"],
    "both are project MONEY")]
#[case::two_into_one(&["promote", "prod:global/TWIN", "prod:PEOPLE/TWIN", "--into", "MONEY"],
    "both are MONEY/TWIN 01.00.0000")]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_as_it_was_said_is_refused(#[case] said: &[&str], #[case] told: &str) {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &[said, &["--to", "prod", "--plan"]].concat()).await;
    assert_ne!(code, 0, "{out}{err}");
    assert!(err.contains(told), "{out}{err}");
}

/// A project that is listed no more may be gone, or hidden: a backup names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_listed_no_more_is_named_by_the_next_backup() {
    let world = World::of(LANDSCAPE).await;
    let config = world.config_file("");
    take_backup(&world, "prod").await;
    let (_, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert!(!out.contains("the last snapshot had it"), "{out}");
    world.sim.with_instance("prod", |i| drop(i.others.projects.remove("MONEY"))).unwrap();
    world.sim.with_instance("prod", |i| {
        i.integrations.retain(|id, _| id.scope != oicx::model::Scope::of_project("MONEY"));
    });
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("project MONEY: the last snapshot had it, and it is not listed any more"));
    // What went with it is told in one line.
    let gone: Vec<&str> = out.lines().filter(|l| l.contains("- ") && l.contains("MONEY")).collect();
    assert_eq!(gone.len(), 1, "{out}");
    assert!(gone[0].contains("deleted, or hidden from this account"), "{out}");
    let (_, plan, _) =
        run(oicx(&config), &["restore", "store:prod/projects/MONEY", "--to", "prod", "--plan"])
            .await;
    assert_eq!(plan.matches("prod lists no project MONEY").count(), 1, "{plan}");
    let (_, _, err) = run(oicx(&config), &["inspect", "prod:projects/MONEY"]).await;
    assert!(err.contains("whose access list leaves this account out"), "{err}");
    // Once it was told, the snapshot after it has nothing to add.
    let (_, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert!(!out.contains("the last snapshot had it"), "{out}");
}
