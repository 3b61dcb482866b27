//! A dependency that is there may be another one than the one with which an artifact worked: other
//! rows, another child integration, another agent. The plan says so before anything is changed.

use oicx::model::ScheduleState;
use oicx::sim::ServiceInstance;
use rstest::rstest;
use serde_json::Value;

use crate::cli::{json, oicx, run};
use crate::store::take_backup;
use crate::support::{World, id, shuffle};

const LANDSCAPE: &str = include_str!("support/alike.toml");

/// The archive with a text replaced in all of its files, as somebody does by hand.
fn with_text(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut entries = shuffle::unpack(bytes);
    for (_, bytes) in &mut entries {
        if let Ok(text) = std::str::from_utf8(bytes) {
            *bytes = text.replace(from, to).into_bytes();
        }
    }
    shuffle::pack(&entries, zip::CompressionMethod::Deflated)
}

async fn backed_up() -> World {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    world
}

/// The caller is changed in place, so that there is something to restore.
fn break_caller(i: &mut ServiceInstance) {
    let live = i.get_mut(&id("CALLER|01.00.0000")).unwrap();
    live.edit(|flow| flow.target.resource = "/wrong".into(), "j.doe");
}

fn on_prod(world: &World, change: impl FnOnce(&mut ServiceInstance)) {
    world.sim.with_instance("prod", change).unwrap();
}

const RESTORE: [&str; 5] = ["restore", "store:prod/CALLER", "--to", "prod", "--json"];

async fn plan(world: &World, extra: &[&str]) -> Value {
    let config = world.config_file("");
    let (code, plan) = json(&config, &[&RESTORE[..], &["--plan"], extra].concat()).await;
    assert!(plan["checks"].is_array(), "{code}: {plan}");
    plan
}

/// The finding whose text begins with this, as `level: what`, with its remedy.
fn finding(plan: &Value, begins: &str) -> (String, Value) {
    let checks = plan["checks"].as_array().unwrap();
    let found = checks.iter().find(|c| c["what"].as_str().unwrap().starts_with(begins));
    let found = found.unwrap_or_else(|| panic!("no finding begins with {begins}: {checks:#?}"));
    let text = format!("{}: {}", found["level"].as_str().unwrap(), found["what"].as_str().unwrap());
    (text, found["remedy"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_same_is_called_the_same() {
    let world = backed_up().await;
    on_prod(&world, break_caller);
    let plan = plan(&world, &[]).await;
    assert_eq!(finding(&plan, "1 lookup").0, "fact: 1 lookup there, and the same");
    let child = finding(&plan, "child integration").0;
    assert_eq!(child, "fact: child integration CALLED|01.00.0000 is active, and the same");
    let checks = plan["checks"].to_string();
    assert!(!checks.contains("another one"), "{checks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_with_other_rows_is_told_and_brought_along_where_it_is_wanted() {
    let world = backed_up().await;
    on_prod(&world, |i| {
        break_caller(i);
        i.edit_lookup("GRADES", "j.doe", |rows| {
            rows[0][1] = "none".into();
            rows.push(vec!["3".into(), "top".into()]);
        });
    });
    let first = plan(&world, &[]).await;
    let (what, remedy) =
        finding(&first, "lookup GRADES on prod is another one than it worked with");
    assert!(what.starts_with("warning") && what.contains("row 1, B: low → none"), "{what}");
    assert!(what.contains("has row 3"), "{what}");
    assert_eq!(remedy["along"]["code"], "GRADES");
    let second = plan(&world, &["--with-lookups"]).await;
    let (what, _) = finding(&second, "lookup GRADES changes under 2 active integrations");
    assert!(what.contains("CALLER|01.00.0000, READER|01.00.0000"), "{what}");
    assert!(what.contains("row 1, B: none → low") && what.contains("loses row 3"), "{what}");
    let config = world.config_file("");
    let (code, done) = json(&config, &[&RESTORE[..], &["--with-lookups", "--yes"]].concat()).await;
    assert_eq!(code, 0, "{done}");
    let rows =
        |w: &World| w.sim.with_instance("prod", |i| i.lookups["GRADES"].rows.clone()).unwrap();
    assert_eq!(rows(&world), [["1", "low"], ["2", "high"]]);
    // An undo brings the other rows back.
    let run_id = done["run"].as_str().unwrap();
    let (code, undone) = json(&config, &["rollback", run_id, "--json", "--yes"]).await;
    assert_eq!(code, 0, "{undone}");
    assert_eq!(rows(&world), [["1", "none"], ["2", "high"], ["3", "top"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_was_changed_is_told_and_brought_along_where_it_is_wanted() {
    let world = backed_up().await;
    on_prod(&world, |i| {
        break_caller(i);
        let live = i.get_mut(&id("CALLED|01.00.0000")).unwrap();
        live.edit(|flow| flow.target.resource = "/other".into(), "j.doe");
    });
    let first = plan(&world, &[]).await;
    let (what, remedy) =
        finding(&first, "child integration CALLED|01.00.0000 is active, and another");
    assert!(what.starts_with("warning"), "{what}");
    assert_eq!(remedy["along"]["code"], "CALLED");
    let config = world.config_file("");
    let (code, done) = json(&config, &[&RESTORE[..], &["--with-children", "--yes"]].concat()).await;
    assert_eq!(code, 0, "{done}");
    let (code, out, _) = run(oicx(&config), &["diff", "store:prod/CALLED", "prod:CALLED"]).await;
    assert_eq!(code, 0, "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_and_certificate_are_those_of_the_connection_that_is_used() {
    let world = backed_up().await;
    on_prod(&world, |i| {
        break_caller(i);
        let connection = i.connections.get_mut("HCM").unwrap();
        connection.spec.agent = Some("GROUP_B".into());
        connection.spec.certificate = Some("CERT_B".into());
        connection.spec.url = "https://elsewhere.example".into();
    });
    let plan = plan(&world, &[]).await;
    assert_eq!(finding(&plan, "no agent of").0, "warning: no agent of GROUP_B runs");
    assert!(finding(&plan, "certificate").0.contains("CERT_B expires in 1"), "{plan}");
    let (what, _) = finding(&plan, "connection HCM on prod is another one");
    let url = "connectionUrl https://hcm.example → https://elsewhere.example";
    assert!(what.starts_with("warning") && what.contains(url), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_compares_with_where_it_comes_from() {
    let world = World::of(LANDSCAPE).await;
    world.sim.with_instance("dev", |i| {
        i.edit_lookup("GRADES", "j.doe", |rows| rows[1][1] = "higher".into());
        let live = i.get_mut(&id("CALLED|01.00.0000")).unwrap();
        live.edit(|flow| flow.target.resource = "/other".into(), "j.doe");
    });
    let config = world.config_file("");
    let promote = ["promote", "dev:CALLER", "--to", "prod", "--plan", "--json"];
    let (_, plan) = json(&config, &promote).await;
    let (what, _) = finding(&plan, "lookup GRADES on prod is another one than it worked with");
    assert!(what.contains("row 2, B: higher → high"), "{what}");
    let (what, _) = finding(&plan, "child integration CALLED|01.00.0000 is active, and another");
    assert!(what.contains("does something else"), "{what}");
    // An address belongs to its environment.
    assert!(!plan["checks"].to_string().contains("connection HCM on prod is another"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_was_edited_by_hand_is_refused_before_the_gap() {
    let world = backed_up().await;
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let name = oicx::model::ArtifactName::new(oicx::model::Kind::Integration, "CALLER");
    let stored = index.newest(&crate::support::name("prod"), &name).unwrap();
    let bytes = store.read(stored).await.unwrap();
    let edited = with_text(&bytes, "/thing", "/edited");
    let file = world.store_folder().with_file_name("edited.iar");
    std::fs::write(&file, edited).unwrap();
    let config = world.config_file("");
    let arguments = ["restore", file.to_str().unwrap(), "--to", "prod", "--plan", "--json"];
    let (code, plan) = json(&config, &arguments).await;
    assert_eq!(code, 1, "{plan}");
    let checks = plan["checks"].as_array().unwrap();
    let told = checks.iter().find(|c| c["what"].as_str().unwrap().contains("changed outside"));
    assert_eq!(told.unwrap()["level"], "blocker", "{plan}");
    assert!(told.unwrap()["what"].as_str().unwrap().contains("store:prod/CALLER"), "{plan}");
    // The untouched file is none of that.
    std::fs::write(&file, &bytes).unwrap();
    let (_, plan) = json(&config, &arguments).await;
    assert!(!plan["checks"].to_string().contains("changed outside"), "{plan}");
}

/// Where no stored original tells, the service refuses the file; its code is final, whatever its
/// number is, and what was there is put back.
#[rstest]
#[case::as_a_bad_request(false)]
#[case::as_trouble_of_its_own(true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_edited_is_sent_once_and_what_was_there_is_put_back(#[case] is_500: bool) {
    let world = World::of(LANDSCAPE).await;
    let caller = id("CALLER|01.00.0000");
    let bytes = world.client("prod").export(&caller.into()).await.unwrap();
    let file = world.store_folder().with_file_name("edited.iar");
    std::fs::write(&file, with_text(&bytes, "/thing", "/edited")).unwrap();
    on_prod(&world, |i| {
        i.settings.manners.edited_is_500 = is_500;
        break_caller(i);
    });
    let config = world.config_file("");
    let restore = ["restore", file.to_str().unwrap(), "--to", "prod", "--yes", "--json"];
    let (code, journal) = json(&config, &restore).await;
    assert_eq!((code, journal["result"].as_str()), (1, Some("put_back")), "{journal}");
    assert!(journal["error"].as_str().unwrap().contains("use an unchanged export"), "{journal}");
    let sent = world.sim.calls_since("prod PUT", 0);
    assert_eq!(sent.iter().filter(|c| c.ends_with("/integrations/archive")).count(), 1, "{sent:?}");
}

#[rstest]
#[case::kept("keep", ScheduleState::Paused, "2026-11-26T00:00:00Z")]
#[case::stored("stored", ScheduleState::Running, "2026-11-24T23:30:00Z")]
#[case::stopped("stopped", ScheduleState::Stopped, "2026-11-26T00:00:00Z")]
#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_ends_as_it_was_chosen(
    #[case] choice: &str,
    #[case] state: ScheduleState,
    #[case] last_run: &str,
) {
    let world = backed_up().await;
    on_prod(&world, |i| {
        break_caller(i);
        let live = i.get_mut(&id("CALLER|01.00.0000")).unwrap();
        live.schedule = Some(ScheduleState::Paused);
        let moved = Some("2026-11-26T00:00:00Z".to_owned());
        live.parameters.insert("lastRun".into(), moved);
        live.definition = Some(moved_times());
    });
    // A lost answer to the new times is looked at again.
    world.fault("lost times=1 method=PUT path=/schedule");
    let config = world.config_file("");
    let (code, done) =
        json(&config, &[&RESTORE[..], &["--schedule", choice, "--yes"]].concat()).await;
    assert_eq!(code, 0, "{done}");
    world.sim.with_instance("prod", |i| {
        let live = i.get(&id("CALLER|01.00.0000")).unwrap();
        assert_eq!(live.schedule, Some(state));
        assert_eq!(live.parameters["lastRun"].as_deref(), Some(last_run));
        assert_eq!(live.schedule_times() == moved_times(), choice != "stored");
    });
    let told = done.to_string().contains("gets its stored times: FREQ=");
    assert_eq!(told, choice == "stored", "{done}");
    let run_id = done["run"].as_str().unwrap();
    let (code, undone) = json(&config, &["rollback", run_id, "--json", "--yes"]).await;
    assert_eq!(code, 0, "{undone}");
    world.sim.with_instance("prod", |i| {
        let live = i.get(&id("CALLER|01.00.0000")).unwrap();
        assert_eq!(live.schedule, Some(ScheduleState::Paused), "{undone}");
        assert_eq!(live.parameters["lastRun"].as_deref(), Some("2026-11-26T00:00:00Z"));
        assert_eq!(live.schedule_times(), moved_times());
    });
}

/// Times that somebody gave a schedule after the backup, in the shape of newer instances.
fn moved_times() -> serde_json::Value {
    serde_json::json!({ "frequency": { "frequencyType": "HOURLY", "interval": 4 },
        "scheduleTZ": "UTC" })
}

#[tokio::test(flavor = "multi_thread")]
async fn times_alone_come_back_and_the_schedule_runs_on() {
    let world = backed_up().await;
    on_prod(&world, |i| {
        i.get_mut(&id("CALLER|01.00.0000")).unwrap().definition = Some(moved_times());
    });
    let config = world.config_file("");
    let restore = [&RESTORE[..], &["--schedule", "stored"]].concat();
    let (code, done) = json(&config, &[&restore[..], &["--yes"]].concat()).await;
    assert_eq!(code, 0, "{done}");
    world.sim.with_instance("prod", |i| {
        let live = i.get(&id("CALLER|01.00.0000")).unwrap();
        assert_eq!(live.schedule, Some(ScheduleState::Running), "{done}");
        assert_ne!(live.schedule_times(), moved_times(), "{done}");
    });
    let (_, plan) = json(&config, &[&restore[..], &["--plan"]].concat()).await;
    assert!(plan.to_string().contains("nothing to restore"), "{plan}");
    // A refusal of the times puts back what was.
    on_prod(&world, |i| {
        i.get_mut(&id("CALLER|01.00.0000")).unwrap().definition = Some(moved_times());
    });
    world.fault("status=400 times=1 method=PUT path=/schedule");
    let (code, refused) = json(&config, &[&restore[..], &["--yes"]].concat()).await;
    assert_eq!(code, 1, "{refused}");
    world.sim.with_instance("prod", |i| {
        let live = i.get(&id("CALLER|01.00.0000")).unwrap();
        assert_eq!(live.schedule, Some(ScheduleState::Running), "{refused}");
        assert_eq!(live.schedule_times(), moved_times());
    });
}

/// What is right already is left alone but for its schedule; a snapshot and a project take the
/// choice too.
#[rstest]
#[case::one(&["store:prod/CALLER"])]
#[case::a_snapshot(&["--snapshot", "prod"])]
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_stopped_wherever_that_is_chosen(#[case] what: &[&str]) {
    let world = backed_up().await;
    let config = world.config_file("");
    let arguments =
        [&["restore"], what, &["--to", "prod", "--schedule", "stopped", "--yes"]].concat();
    let schedule = |w: &World| {
        let of = id("CALLER|01.00.0000");
        w.sim.with_instance("prod", |i| i.get(&of).unwrap().schedule.clone()).unwrap()
    };
    let (code, out, err) = run(oicx(&config), &arguments).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(schedule(&world), Some(ScheduleState::Stopped), "{out}");
    // What is gone is not started either.
    let prod = world.client("prod");
    prod.deactivate(&id("CALLER|01.00.0000")).await.unwrap();
    while prod.integration(&id("CALLER|01.00.0000")).await.unwrap().state.status
        != oicx::model::Status::Configured
    {}
    prod.delete_one(&crate::support::key(oicx::model::Kind::Integration, "CALLER|01.00.0000"))
        .await
        .unwrap();
    let (code, out, err) = run(oicx(&config), &arguments).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_ne!(schedule(&world), Some(ScheduleState::Running), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_compared_as_the_snapshot_has_them_and_not_as_the_archive_once_had() {
    let world = backed_up().await;
    on_prod(&world, |i| {
        i.edit_lookup("GRADES", "j.doe", |rows| rows.push(vec!["3".into(), "top".into()]));
    });
    // The integration is unchanged: its archive, with the older rows in it, is not taken again.
    take_backup(&world, "prod").await;
    on_prod(&world, break_caller);
    let plan = plan(&world, &[]).await;
    assert_eq!(finding(&plan, "1 lookup").0, "fact: 1 lookup there, and the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_schedule_that_nobody_knows_is_asked_back() {
    let world = World::of(LANDSCAPE).await;
    let config = world.config_file("");
    let (code, ..) = run(oicx(&config), &["backup", "prod", "--kind", "integrations"]).await;
    assert_eq!(code, 0);
    on_prod(&world, break_caller);
    let plan = plan(&world, &["--schedule", "stored"]).await;
    let (what, remedy) = finding(&plan, "the snapshot of CALLER");
    assert!(what.starts_with("blocker"), "{what}");
    assert_eq!(remedy["schedule"], "keep");
}

/// Deletes CALLER and READER on prod, and the connection HCM with them; CALLED goes too.
fn lose_the_connection(i: &mut oicx::sim::ServiceInstance) {
    for of in ["CALLER|01.00.0000", "CALLED|01.00.0000", "READER|01.00.0000"] {
        let _ = i.deactivate(&id(of));
        i.integrations.remove(&id(of));
    }
    i.connections.remove("HCM");
}

/// Lines for the config that give HCM its password.
fn password(world: &World) -> String {
    let oicx::config::SecretSource::File(file) = world.secret("pw") else { unreachable!() };
    format!("connections.HCM = {{ password = {{ file = {file:?} }} }}\n")
}

#[rstest]
#[case::kept(true)]
#[case::not_kept(false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_gone_comes_back_with_its_settings_and_its_files(#[case] kept: bool) {
    let world = World::of(LANDSCAPE).await;
    on_prod(&world, |i| {
        let live = i.connections.get_mut("HCM").unwrap();
        live.spec.policy = "BASIC_AUTH".into();
        live.attached
            .insert("keystore".into(), Some(("wallet.p12".into(), vec![0, 159, 146, 150])));
    });
    let extra = format!("attachments = {kept}\n{}", password(&world));
    let config = world.config_file(&extra);
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let unread = out.contains("files attached to connections");
    assert_eq!(
        (unread, out.contains("attachment in `HCM` (keystore wallet.p12)")),
        (!kept, kept),
        "{out}"
    );
    on_prod(&world, lose_the_connection);
    let restore = ["restore", "store:prod/CALLED", "--to", "prod", "--json"];
    let (code, plan) = json(&config, &[&restore[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    let (what, _) = finding(&plan, "connection HCM is not on prod");
    assert!(what.contains("it gets password, connectionUrl"), "{what}");
    assert_eq!(what.contains("keystore"), kept, "{what}");
    let lost = plan.to_string().contains("had files that are not kept: keystore (wallet.p12)");
    assert_eq!(lost, !kept, "{plan}");
    let take = |i: &mut oicx::sim::ServiceInstance| {
        // The service knows by the adapter which properties take a file.
        i.add_connection_need("HCM", "keystore");
    };
    on_prod(&world, take);
    let (code, done) = json(&config, &[&restore[..], &["--yes"]].concat()).await;
    assert_eq!(code, 0, "{done}");
    world.sim.with_instance("prod", |i| {
        let live = &i.connections["HCM"];
        assert_eq!(live.spec.url, "https://hcm.example", "{done}");
        assert_eq!(live.spec.policy, "BASIC_AUTH");
        let file = kept.then(|| ("wallet.p12".to_owned(), vec![0, 159, 146, 150]));
        assert_eq!(live.attached["keystore"], file, "{done}");
    });
    // The file itself is in nothing that is shown.
    let inspect = run(oicx(&config), &["inspect", "store:prod/connections/HCM", "--json"]).await;
    let record = "store:prod/global/connections/HCM";
    // Every line of the record is found.
    let grep = run(oicx(&config), &["grep", ".", record]).await;
    assert!(grep.1.contains("connectionUrl"), "{grep:?}");
    assert_eq!(grep.1.contains("4 bytes, SHA-256"), kept, "{grep:?}");
    let other = world.store_folder().with_file_name("other.json");
    let bytes = world.sim.with_instance("prod", |_| ()).map(|()| {
        let mut record = oicx::model::Description::new(oicx::model::Kind::Connection, "HCM", "HCM");
        record.set("connectionUrl", "https://other.example");
        record.to_bytes()
    });
    std::fs::write(&other, bytes.unwrap()).unwrap();
    let text = ["diff", "--text", record, other.to_str().unwrap()];
    let text = run(oicx(&config), &text).await;
    assert!(text.1.contains("other.example"), "{text:?}");
    let git = world.store_folder().with_file_name("git");
    let tree = run(oicx(&config), &["git", "--to", git.to_str().unwrap()]).await;
    assert_eq!(tree.0, 0, "{tree:?}");
    let mut texts = vec![format!("{plan}{done}{out}{inspect:?}{tree:?}{text:?}"), grep.1];
    for entry in walk(&git) {
        texts.push(String::from_utf8_lossy(&std::fs::read(entry).unwrap()).into_owned());
    }
    assert!(texts.iter().all(|text| !text.contains("AJ+Slg")), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_from_the_first_backup_after_the_config_says_so() {
    let world = World::of(LANDSCAPE).await;
    on_prod(&world, |i| {
        let live = i.connections.get_mut("HCM").unwrap();
        live.attached.insert("keystore".into(), Some(("wallet.p12".into(), vec![1])));
    });
    let mut told = Vec::new();
    for extra in ["", "attachments = true\n", "attachments = true\n"] {
        let (code, out, err) = run(oicx(&world.config_file(extra)), &["backup", "prod"]).await;
        assert_eq!(code, 0, "{err}");
        told.push(out.contains("attachment in `HCM`"));
    }
    // Nothing was changed on prod in between.
    assert_eq!(told, [false, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_a_failed_export_and_is_tried_again() {
    let world = World::of(LANDSCAPE).await;
    on_prod(&world, |i| {
        let live = i.connections.get_mut("HCM").unwrap();
        live.attached.insert("keystore".into(), Some(("wallet.p12".into(), vec![1])));
    });
    let config = world.config_file("attachments = true\n");
    world.fault("status=403 times=1 path=/attachments/keystore");
    let (code, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("✗ connection HCM"), "{out}");
    let (code, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!((code, out.contains("attachment in `HCM`")), (0, true), "{out}");
    // Another content of the same name is another connection.
    on_prod(&world, |i| {
        let live = i.connections.get_mut("HCM").unwrap();
        live.attached.insert("keystore".into(), Some(("wallet.p12".into(), vec![2])));
        live.updated = jiff::Timestamp::now();
    });
    let (_, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert!(out.contains("~ connection HCM: 1 property"), "{out}");
    let record = "store:prod/global/connections/HCM";
    let (code, out, _) = run(oicx(&config), &["diff", &format!("{record}~1"), record]).await;
    assert_eq!(code, 4, "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_leaves_the_schedule_of_another_version_alone() {
    let world = World::of(LANDSCAPE).await;
    let (old, new) = (id("CALLER|01.00.0000"), id("CALLER|01.01.0000"));
    let other = serde_json::json!({ "frequency": { "frequencyType": "DAILY" } });
    on_prod(&world, |i| {
        let mut live = i.get(&old).unwrap().clone();
        live.definition = Some(other.clone());
        i.deactivate(&old).unwrap();
        i.integrations.insert(new.clone(), live);
    });
    take_backup(&world, "prod").await;
    on_prod(&world, |i| i.get_mut(&old).unwrap().definition = Some(moved_times()));
    let config = world.config_file("");
    world.fault("status=400 times=1 method=PUT path=/schedule");
    let restore = [
        "restore",
        "store:prod/CALLER@01.00.0000",
        "--to",
        "prod",
        "--schedule",
        "stored",
        "--yes",
    ];
    let (code, out, err) = run(oicx(&config), &restore).await;
    assert_eq!(code, 1, "{out}{err}");
    world.sim.with_instance("prod", |i| {
        let runner = i.get(&new).unwrap();
        assert_eq!(runner.schedule, Some(ScheduleState::Running), "{out}");
        assert_eq!(runner.schedule_times(), other, "{out}");
        assert_eq!(i.get(&old).unwrap().schedule_times(), moved_times(), "{out}");
    });
}

/// What was there before a run had a schedule with values; it may be gone when the run is undone.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_after_somebody_deleted_it_brings_the_schedule_with_its_values_back() {
    let world = World::of(LANDSCAPE).await;
    let old = id("CALLER|01.00.0000");
    take_backup(&world, "prod").await;
    let times = serde_json::json!({ "frequency": { "frequencyType": "DAILY" } });
    on_prod(&world, |i| {
        let live = i.get_mut(&old).unwrap();
        live.edit(|flow| drop(flow.fields.insert("later".into(), "$n".into())), "j.doe");
        live.definition = Some(times.clone());
        live.parameters.insert("lastRun".into(), Some("2026-11-24T23:30:00Z".into()));
    });
    let config = world.config_file("");
    let restore = ["restore", "store:prod/CALLER", "--to", "prod", "--yes", "--json"];
    let (code, journal) = json(&config, &restore).await;
    assert_eq!(code, 0, "{journal}");
    on_prod(&world, |i| {
        i.deactivate(&old).unwrap();
        i.get_mut(&old).unwrap().end_what_passes();
        i.delete(&old).unwrap();
    });
    let undo = ["rollback", journal["run"].as_str().unwrap(), "--yes", "--json"];
    let (code, undone) = json(&config, &undo).await;
    assert_eq!(code, 0, "{undone}");
    let facts = undone["proof"]["facts"].to_string();
    assert!(facts.contains("its schedule's parameters as before: lastRun"), "{facts}");
    world.sim.with_instance("prod", |i| {
        let live = i.get(&old).unwrap();
        assert_eq!(live.schedule, Some(ScheduleState::Running), "{undone}");
        assert_eq!(live.schedule_times(), times, "{undone}");
        assert_eq!(live.parameters["lastRun"].as_deref(), Some("2026-11-24T23:30:00Z"), "{undone}");
    });
}

/// All files below a folder but those of git itself.
pub fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.ends_with(".git") => {}
            path if path.is_dir() => out.extend(walk(&path)),
            path => out.push(path),
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_config_is_attached_and_never_sent_as_a_value() {
    let world = backed_up().await;
    on_prod(&world, |i| {
        lose_the_connection(i);
        i.add_connection_need("HCM", "keystore");
    });
    let file = world.store_folder().with_file_name("mine.p12");
    std::fs::write(&file, [1, 255]).unwrap();
    let oicx::config::SecretSource::File(secret) = world.secret("pw") else { unreachable!() };
    let config = world.config_file(&format!(
        "connections.HCM = {{ password = {{ file = {secret:?} }}, \
            keystore = {{ file = {file:?} }} }}\n"
    ));
    let restore = ["restore", "store:prod/CALLED", "--to", "prod", "--json", "--yes"];
    let (code, done) = json(&config, &restore).await;
    assert_eq!(code, 0, "{done}");
    world.sim.with_instance("prod", |i| {
        let file = Some(("mine.p12".to_owned(), vec![1, 255]));
        assert_eq!(i.connections["HCM"].attached["keystore"], file);
    });
}
