//! What belongs to a project beside its integrations: who may do what in it, its deployments and
//! libraries, what an account may see of it; and the page that shows them.

use crossterm::event::{KeyCode, KeyModifiers};
use oicx::model::{ArtifactKey, Kind, Manifest, ProjectCode};
use oicx::sim::ServiceInstance;
use serde_json::json;

use crate::cli::{json, oicx, run};
use crate::projects::LANDSCAPE;
use crate::store::take_backup;
use crate::support::{World, name, screen::Screen};

/// PEOPLE has a deployment and a library; MONEY is open to one person.
pub fn landscape(manner: &str) -> String {
    let people = "lookups = [\"UNUSED\"]\nlibraries = [\"GRADE_RULES\"]\n\
        deployments = [{ code = \"PAY_1\", name = \"Pay, first\", \
        integrations = [\"PAY_FEED|01.00.0000\"] }]";
    let money = "integrations = [\"LEDGER\"]\n[project.access]\nadministrators = [\"m.rossi\"]";
    let library = "[[library]]\ncode = \"GRADE_RULES\"\nname = \"Grade rules\"\n\
        version = \"01.00.0000\"\nscript = \"function grade(g) { return g; }\"\n";
    let mut text = LANDSCAPE
        .replace("lookups = [\"UNUSED\"]", people)
        .replace("integrations = [\"LEDGER\"]", money)
        .replace("instance = \"acme-prod\"", &format!("instance = \"acme-prod\"\n{manner}"));
    text.push_str(library);
    text
}

/// Somebody gives a project to one person alone.
fn give_to(world: &World, project: &str, person: &str) {
    let list = json!({ "administrators": { "allowAll": false,
        "allowed": [{ "id": person, "displayName": person, "type": "user" }] } });
    let set = |i: &mut ServiceInstance| {
        i.others.projects.get_mut(project).unwrap().access_list = list;
    };
    world.sim.with_instance("prod", set).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what_is_kept_beside_the_project_and_compared_in_words() {
    let world = World::of(&landscape("refuses_projects = true")).await;
    let first = take_backup(&world, "prod").await;
    let again = take_backup(&world, "prod").await;
    assert_eq!((again.downloaded, again.described), (0, 0), "{again:?}");
    give_to(&world, "PEOPLE", "oicx");
    let changed = take_backup(&world, "prod").await;
    assert_eq!((changed.downloaded, changed.described), (0, 1), "the access list: {changed:?}");
    let index = world.store().await.index().await.unwrap();
    let key = ArtifactKey::access_of(&ProjectCode::from("PEOPLE"));
    assert_eq!(index.history(&name("prod"), &key.name()).count(), 2, "{first:?}");
    let path = &index.newest(&name("prod"), &key.name()).unwrap().path;
    assert!(path.starts_with("prod/in/PEOPLE/access/PEOPLE/"), "{path}");
    let config = world.config_file("");
    let of = |at: &str| format!("store:prod/PEOPLE/access/PEOPLE{at}");
    let (code, out, err) = run(oicx(&config), &["diff", &of("~1"), &of("")]).await;
    assert_eq!(code, 4, "{err}");
    assert!(out.contains("everyone") && out.contains("oicx"), "{out}");
    let (code, list) = json(&config, &["--json", "list", "prod", "--kind", "access"]).await;
    assert_eq!((code, list["rows"].as_array().unwrap().len()), (0, 2), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_an_account_has_no_right_to_is_hidden_or_refuses_and_the_rest_is_taken() {
    let hidden = World::of(&landscape("")).await;
    let outcome = take_backup(&hidden, "prod").await;
    assert!(outcome.failed.is_empty(), "{outcome:?}");
    let gap = |outcome: &oicx::ops::backup::BackupOutcome, part: &str| {
        outcome.not_held.iter().any(|g| format!("{}: {}", g.what, g.why).contains(part))
    };
    assert!(gap(&outcome, "no right to, if there are any"), "{:?}", outcome.not_held);
    let index = hidden.store().await.index().await.unwrap();
    assert!(index.versions().iter().all(|v| v.code != "LEDGER"), "it is not seen");

    let refuses = World::of(&landscape("refuses_projects = true")).await;
    let outcome = take_backup(&refuses, "prod").await;
    assert!(gap(&outcome, "integrations of MONEY: "), "{:?}", outcome.not_held);
    assert!(gap(&outcome, "access lists of MONEY: the role may not see"), "{:?}", outcome.not_held);
    let store = refuses.store().await;
    let index = store.index().await.unwrap();
    assert!(index.versions().iter().any(|v| v.code == "PAY_FEED"), "{outcome:?}");
    let manifest: Manifest =
        store.manifest(&name("prod"), outcome.id.as_ref().unwrap()).await.unwrap();
    assert_eq!(manifest.not_held, outcome.not_held, "the snapshot says it too");
    let config = refuses.config_file("");
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("not in the snapshot:\n"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_projects_is_taken_where_only_its_kind_is_asked_for() {
    let world = World::of(&landscape("")).await;
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["backup", "prod", "--kind", "lookups"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let index = world.store().await.index().await.unwrap();
    let kinds: Vec<(Kind, String)> =
        index.versions().iter().map(|v| (v.kind, v.key().name().scoped_code())).collect();
    assert!(kinds.contains(&(Kind::Lookup, "PEOPLE/UNUSED".into())), "{kinds:?}");
    assert!(kinds.iter().all(|(kind, _)| *kind == Kind::Lookup), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn enter_on_a_project_opens_its_page() {
    let world = World::of(&landscape("")).await;
    take_backup(&world, "prod").await;
    let mut screen = Screen::start(world.workspace().await, (120, 40));
    screen.wait("PEOPLE/PAY_FEED").await.idle().await;
    screen.keys(":projects").enter().wait("╭ Projects").await;
    screen.keys("/people").enter().enter().wait("integrations  2").await;
    screen.wait("administrators").await.wait("none that the newest backups know").await;
    let member = screen.line("PAY_FEED").to_owned();
    assert!(member.contains("01.00.0000") && member.contains("✗ 26 failed"), "{member}");
    assert!(screen.shows("2 · 2 active · 1 failing"), "{}", screen.text());
    assert!(screen.shows("PAY_1 · Pay, first · 1 integration"), "{}", screen.text());
    assert!(screen.shows("administrators everyone"), "{}", screen.text());
    assert!(screen.shows("lookup UNUSED"), "its archive does not hold it: {}", screen.text());
    assert!(screen.shows("▸ libraries  1"), "{}", screen.text());
    // A line leads to what it names.
    screen.keys("/PAY_FEED").enter().enter().wait("putPay").await;
    screen.esc();
    assert!(screen.shows("who may do what"), "{}", screen.text());
}

/// What a stored project's page names is opened as the same snapshot has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_stored_project_names_opens_from_its_snapshot() {
    let world = World::of(&landscape("")).await;
    take_backup(&world, "prod").await;
    let mut screen = Screen::start(world.workspace().await, (120, 40));
    screen.wait("PEOPLE/PAY_FEED").await.idle().await;
    screen.keys(":projects").enter().wait("╭ Projects").await;
    screen.keys("/people").enter().key(KeyCode::Tab);
    screen.enter().wait("as the newest backup has it").await;
    screen.keys("/PAY_FEED").enter().enter().wait("putPay").await;
    assert!(screen.shows("store:prod/PEOPLE/PAY_FEED@01.00.0000@snap"), "{}", screen.text());
    screen.esc();
    // A library leads to its row.
    screen.keys("/libraries").enter().enter();
    screen.keys("/GRADE_RULES").enter().enter().wait("╭ Libraries").await;
    assert!(screen.shows("PEOPLE/GRADE_RULES"), "{}", screen.text());
}

/// What is in the global space is brought into a project from the explorer: planned first.
#[tokio::test(flavor = "multi_thread")]
async fn an_integration_is_moved_into_a_project_by_a_key() {
    let world = World::of(&landscape("")).await;
    take_backup(&world, "prod").await;
    let mut screen = Screen::start(world.workspace().await, (120, 40));
    screen.wait("PEOPLE/PAY_FEED").await.idle().await;
    screen.keys("/GLOBAL_ONE").enter();
    screen.keys("M").wait("Move GLOBAL_ONE 01.00.0000 into").await;
    assert!(!screen.shows("global  "), "it is there already: {}", screen.text());
    screen.keys("peo").enter().wait("comes into project PEOPLE").await;
    assert!(screen.shows("keep the old address"), "{}", screen.text());
    screen.esc().wait("nothing was changed").await;
    // What is never in a project says so.
    screen.keys("/").key_with(KeyCode::Char('u'), KeyModifiers::CONTROL).enter();
    screen.keys(":projects").enter().wait("╭ Projects").await;
    screen.keys("M").wait("is never in a project").await;
}
