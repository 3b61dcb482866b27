//! Inspect, diff, deps and grep by the real binary; inspector, compare, timeline and search by
//! keys.

use crossterm::event::KeyCode;
use serde_json::Value;

use crate::cli::{json, oicx, run};
use crate::store::{change_in_place, take_backup};
use crate::support::{World, screen::Screen};

/// A backup of prod, then a change in place.
async fn incident() -> World {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    change_in_place(&world, "prod");
    world
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v[key].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_tells_flow_endpoints_dependencies_and_findings() {
    let world = incident().await;
    let config = world.config_file("");
    let (code, report) = json(&config, &["inspect", "prod:SYNC", "--json"]).await;
    assert_eq!(code, 0);
    assert_eq!(
        (report["kind"].as_str(), report["code"].as_str()),
        (Some("integration"), Some("SYNC"))
    );
    assert_eq!(
        (report["version"].as_str(), report["name"].as_str()),
        (Some("01.00.0000"), Some("Sync"))
    );
    assert_eq!(report["fingerprint"].as_str().unwrap().len(), 64);
    let kinds = strings(&report["flow"], "kind");
    assert!(
        kinds.contains(&"scheduleReceive".to_owned()) && kinds.contains(&"invoke".to_owned()),
        "{kinds:?}"
    );
    let each = report["flow"].as_array().unwrap().iter().find(|s| s["kind"] == "for").unwrap();
    let route = &each["children"][0]["children"][0];
    assert_eq!(route["name"], "if status = 'ACTIVE'");
    assert_eq!(strings(&route["children"], "name"), ["map to putThing", "putThing"]);
    let endpoint =
        report["endpoints"].as_array().unwrap().iter().find(|e| e["name"] == "getThings").unwrap();
    assert_eq!(
        (endpoint["connection"].as_str(), endpoint["adapter"].as_str()),
        (Some("HCM"), Some("rest"))
    );
    assert_eq!(endpoint["role"], "target");
    let lookup =
        report["dependencies"].as_array().unwrap().iter().find(|d| d["kind"] == "lookup").unwrap();
    assert_eq!(lookup["name"], "PAY_GRADE");
    assert!(!lookup["seen_in"].as_array().unwrap().is_empty());
    assert_eq!(report["findings"], serde_json::json!([]));

    let (_, out, _) = run(oicx(&config), &["inspect", "store:prod/SYNC", "--flow"]).await;
    assert!(out.contains("invoke getThings  GET /things"), "{out}");
    let (_, out, _) = run(oicx(&config), &["inspect", "store:prod/SYNC", "--secrets"]).await;
    assert_eq!(out.trim(), "no secret was found");
    let (code, _, err) = run(oicx(&config), &["inspect", "prod:NOBODY"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("prod has no integration NOBODY") && err.contains("→"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_hand_needs_no_config() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("none.toml");
    let file = folder.path().join("sync.iar");
    std::fs::write(&file, crate::outside_input::whole()).unwrap();
    let file = file.to_str().unwrap();
    let (code, report) = json(&config, &["inspect", file, "--json"]).await;
    assert_eq!((code, report["code"].as_str()), (0, Some("SYNC")));
    let (code, found) = json(&config, &["diff", file, file, "--json"]).await;
    assert_eq!(
        (code, found["same"].as_bool(), found["cosmetic"].as_u64()),
        (0, Some(true), Some(0))
    );
    let (code, out, _) = run(oicx(&config), &["deps", file]).await;
    assert_eq!(code, 0);
    assert!(out.contains("├─ connection ") || out.contains("└─ connection "), "{out}");
    let (code, out, _) = run(oicx(&config), &["grep", "PAY_GRADE", file]).await;
    assert_eq!(code, 0);
    assert!(out.contains("map to "), "{out}");

    let table = folder.path().join("L.csv");
    std::fs::write(&table, "DVM,L,\na,b\n1,2\n").unwrap();
    let (code, _, err) = run(oicx(&config), &["diff", file, table.to_str().unwrap()]).await;
    assert_eq!(code, 2);
    assert!(err.contains("the first is of kind integration, the second of kind lookup"), "{err}");
    std::fs::write(&table, "not a lookup").unwrap();
    let (code, _, err) = run(oicx(&config), &["inspect", table.to_str().unwrap()]).await;
    assert_eq!(code, 1);
    assert!(err.contains("DVM,<name>"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_tells_what_changed_and_ends_with_four() {
    let world = incident().await;
    let config = world.config_file("");
    let (code, found) = json(&config, &["diff", "store:prod/SYNC", "prod:SYNC", "--json"]).await;
    assert_eq!((code, found["same"].as_bool()), (4, Some(false)));
    let changes = found["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(
        (changes[0]["group"].as_str(), changes[0]["change"].as_str()),
        (Some("step"), Some("added"))
    );
    assert!(changes[0]["where"].as_str().unwrap().contains("log"));
    assert_eq!(changes[0]["after"], "'debug'");
    assert!(found["cosmetic"].as_u64().is_some());
    let (code, out, _) =
        run(oicx(&config), &["diff", "store:prod/SYNC", "prod:SYNC", "--text"]).await;
    assert_eq!(code, 4);
    assert!(out.contains("+XpathExpression : 'debug'"), "{out}");
    let (_, out, _) = run(oicx(&config), &["diff", "store:prod/SYNC", "prod:SYNC", "--stat"]).await;
    assert_eq!(out.trim(), "1 step");
    // Another environment has its own connections: nothing else differs.
    let (code, found) = json(&config, &["diff", "dev:SYNC", "store:prod/SYNC", "--json"]).await;
    let groups = strings(&found["changes"], "group");
    assert!(code == 4 && !groups.is_empty() && groups.iter().all(|g| g == "connection"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deps_answer_in_both_directions_and_forms() {
    let world = incident().await;
    let config = world.config_file("");
    let (code, out, _) = run(oicx(&config), &["deps", "prod:SYNC"]).await;
    assert_eq!(code, 0);
    assert!(out.starts_with("integration SYNC\n") && out.contains("lookup PAY_GRADE"), "{out}");
    // One integration of prod is locked and cannot be exported: said, and the rest answered.
    let (code, _, err) = run(oicx(&config), &["deps", "prod:PAY_GRADE", "--reverse"]).await;
    assert!(code == 3 && err.contains("not read: prod:LOCKED"), "{err}");
    let (_, trees) = json(&config, &["deps", "store:prod/PAY_GRADE", "--reverse", "--json"]).await;
    assert_eq!(
        (trees[0]["kind"].as_str(), trees[0]["name"].as_str()),
        (Some("lookup"), Some("PAY_GRADE"))
    );
    assert_eq!(strings(&trees[0]["children"], "name"), ["SYNC"]);
    let (_, out, _) =
        run(oicx(&config), &["deps", "prod:PAYROLL", "--reverse", "--format", "mermaid"]).await;
    assert!(
        out.starts_with("flowchart LR") && out.contains("[\"ORDERS\"]") && out.contains(" --> "),
        "{out}"
    );
    let (_, out, _) =
        run(oicx(&config), &["deps", "prod:PAYROLL", "--reverse", "--format", "dot"]).await;
    assert!(
        out.starts_with("digraph") && out.contains("label=\"PAYROLL\", shape=ellipse"),
        "{out}"
    );
    let (code, _, err) = run(oicx(&config), &["deps", "prod:NOTHING", "--reverse"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("nothing named NOTHING"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn grep_finds_steps_over_an_environment_and_the_store() {
    let world = incident().await;
    let config = world.config_file("");
    let before = world.sim.calls("/archive");
    let (code, found) = json(&config, &["grep", "/thing$", "store:prod", "--json"]).await;
    assert_eq!(code, 0);
    let hit = &found["found"][0]["hits"][0];
    assert_eq!(
        (found["found"][0]["code"].as_str(), hit["place"].as_str()),
        (Some("SYNC"), Some("invoke putThing"))
    );
    assert!(hit["text"].as_str().unwrap().contains("POST /thing"), "{hit}");
    assert_eq!(world.sim.calls("/archive"), before, "the store is searched on this machine");
    // Live: what changed since the backup is exported, the rest is read in the store.
    let (_, found) = json(&config, &["grep", "debug", "prod", "--json"]).await;
    assert_eq!(strings(&found["found"], "code"), ["SYNC"]);
    assert!(world.sim.calls("/archive") <= before + 2);
    let (code, _, err) = run(oicx(&config), &["grep", "(", "store"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("not a regular expression"), "{err}");
}

#[tokio::test]
async fn the_inspector_shows_every_tab_and_finds_and_jumps() {
    let world = incident().await;
    let workspace = world.workspace().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter().enter().wait("[Flow]").await;
    assert!(screen.shows("→ invoke getThings  [HCM] GET /things"), "{}", screen.text());
    screen.keys("/putThing").enter();
    assert!(
        screen.shows("calls           POST /thing") || screen.shows("map to putThing"),
        "{}",
        screen.text()
    );
    screen.esc();
    screen.keys("3");
    assert!(screen.shows("[Mappings]") && screen.shows("putThing/grade"), "{}", screen.text());
    screen.keys("4").wait("is needed by").await;
    assert!(screen.shows("lookup       PAY_GRADE"), "{}", screen.text());
    screen.keys("5");
    assert!(screen.shows("PROJECT-INF/"));
    screen.keys("/project.xml").enter().esc().enter().wait("icsproject").await;
    screen.keys("/orchestration").enter();
    assert!(screen.shows("orchestration"), "{}", screen.text());
    screen.esc().esc();
    assert!(screen.shows("[Files]"), "{}", screen.text());
    screen.keys("1").wait("no secret was found").await;
    screen.key(KeyCode::BackTab);
    screen.wait("of 9 runs failed").await;
    assert!(screen.shows("[Runs]"), "{}", screen.text());
    screen.esc();
    assert!(screen.shows("find"), "back in the list");
}

#[tokio::test]
async fn a_dependency_leads_to_its_row_and_to_all_who_need_it() {
    let world = incident().await;
    let workspace = world.workspace().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter().enter().wait("[Flow]").await;
    screen.keys("4").wait("is needed by").await;
    screen.keys("/PAY_GRADE").enter().enter();
    assert!(screen.shows("Lookups") && screen.line("▶").contains("PAY_GRADE"), "{}", screen.text());
    screen.enter().wait("[Overview]").await;
    assert!(screen.shows("lookup PAY_GRADE, 1 row") && screen.shows("A │ B"), "{}", screen.text());
    screen.keys("2").wait("integration  SYNC").await;
    assert!(screen.shows("1 archive could not be read"), "{}", screen.text());
    screen.keys("/SYNC").enter().enter().wait("[Flow]").await;
    assert!(screen.shows("prod:SYNC"), "{}", screen.text());
}

#[tokio::test]
async fn compare_shows_the_change_its_text_and_both_ways() {
    let world = incident().await;
    let workspace = world.workspace().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter().keys("c").wait("1 change in meaning").await;
    assert!(screen.line("+ step").contains("log"), "{}", screen.text());
    screen.wait("XpathExpression : 'debug'").await;
    screen.keys("x").wait("- step").await;
    screen.keys("m");
    assert!(screen.shows("cosmetic ─") || !screen.shows("hidden"), "{}", screen.text());
    screen.keys("T");
    assert!(screen.shows("~ PROJECT-INF/project.xml"), "{}", screen.text());
    screen.esc().esc();
    assert!(screen.shows("find"), "{}", screen.text());
}

#[tokio::test]
async fn the_timeline_tells_what_changed_and_leads_to_compare_and_restore() {
    let world = incident().await;
    let workspace = world.workspace().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter().keys("t").wait("≠ 1 step").await;
    assert!(screen.line("live now").contains("0 of 9 failed"), "{}", screen.text());
    assert!(screen.shows("the first kept version"));
    screen.key(KeyCode::Down).enter().wait("1 change in meaning").await;
    screen.esc();
    screen.keys("r").wait("type prod").await;
    screen.esc().esc();
    assert!(screen.shows("find"), "{}", screen.text());
}

#[tokio::test]
async fn a_search_inside_archives_opens_what_it_found() {
    let world = incident().await;
    let workspace = world.workspace().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("g").keys("/orders").enter().wait("1 integration of").await;
    assert!(screen.shows("invoke getOrders"), "{}", screen.text());
    screen.enter().wait("[Flow]").await;
    assert!(screen.shows("ORDERS"));
    screen.esc();
    assert!(screen.shows("Search inside"), "{}", screen.text());
    screen.keys("g").keys("zzz").enter().wait("nothing says zzz").await;
    screen.esc();
    assert!(screen.shows("find"), "{}", screen.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_when_it_is_taken_and_when_it_is_looked_at_and_never_shown() {
    use crate::support::shuffle::{pack, unpack};
    const KEY: &str = "hunter2-is-not-a-key";
    let mut entries = unpack(&crate::outside_input::whole());
    let connection = entries.iter_mut().find(|(n, _)| n.ends_with("appinstances/HCM.xml")).unwrap();
    let text = String::from_utf8(connection.1.clone()).unwrap();
    connection.1 = text
        .replace("<name>password</name>", &format!("<name>password</name><value>{KEY}</value>"))
        .into_bytes();
    // As another service would have written it: the simulator checks its own sums only.
    let attributes =
        entries.iter_mut().find(|(n, _)| n.ends_with("attributes.properties")).unwrap();
    let text = String::from_utf8(attributes.1.clone()).unwrap();
    attributes.1 = text
        .replace("mod=sim", "mod=other")
        .replace("project_code=SYNC", "project_code=SECRETIVE")
        .into_bytes();
    let bytes = pack(&entries, zip::CompressionMethod::Deflated);

    let world = World::new().await;
    world.sim.adopt(&bytes).unwrap();
    let config = world.config_file("");
    let (code, backup) = json(&config, &["backup", "dev", "--json"]).await;
    assert_eq!(code, 0, "{backup}");
    let secrets = backup["snapshots"][0]["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 1, "{backup}");
    assert_eq!(
        (secrets[0]["code"].as_str(), secrets[0]["kind"].as_str()),
        (Some("SECRETIVE"), Some("password"))
    );
    let (_, out, _) = run(oicx(&config), &["inspect", "store:dev/SECRETIVE", "--secrets"]).await;
    assert!(out.contains("password in `appinstances/HCM.xml`"), "{out}");
    for arguments in [
        &["inspect", "store:dev/SECRETIVE", "--json"][..],
        &["inspect", "store:dev/SECRETIVE"],
        &["diff", "dev:SYNC", "store:dev/SECRETIVE", "--text", "--cosmetic"],
        &["diff", "dev:SYNC", "store:dev/SECRETIVE", "--json"],
        &["grep", "hunter2", "store:dev"],
        &["deps", "store:dev/SECRETIVE"],
    ] {
        let (_, out, err) = run(oicx(&config), arguments).await;
        assert!(!out.contains(KEY) && !err.contains(KEY), "{arguments:?}: {out}{err}");
        assert!(out.contains("SECRETIVE") || out.contains("••••••"), "{arguments:?}: {out}{err}");
    }
    let kept = std::fs::read(walk(&world.store_folder(), "SECRETIVE")).unwrap();
    let kept = unpack(&kept).into_iter().find(|(n, _)| n.ends_with("HCM.xml")).unwrap().1;
    assert!(String::from_utf8(kept).unwrap().contains(KEY), "what is stored stays exact");
}

/// The one archive below a folder whose path holds a word.
fn walk(folder: &std::path::Path, word: &str) -> std::path::PathBuf {
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().contains(word)
                && path.extension().is_some_and(|e| e == "iar")
            {
                return path;
            }
        }
    }
    panic!("no archive of {word}")
}
