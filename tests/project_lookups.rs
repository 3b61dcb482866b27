//! A project's lookups and libraries: they go with it, whether an archive of it holds them or not.

use oicx::model::{Kind, Scope, Status};
use oicx::sim::{LookupSpec, ServiceInstance, When};
use rstest::rstest;

use crate::cli::{json, oicx, run};
use crate::project_restore::{connection_values, status};
use crate::projects::LANDSCAPE;
use crate::store::take_backup;
use crate::support::{World, id};

const PAY_FEED: &str = "PAY_FEED|01.00.0000|PEOPLE";
const REBUILD: [&str; 8] = [
    "restore",
    "store:prod/projects/PEOPLE",
    "--to",
    "prod",
    "--rebuild",
    "--json",
    "--confirm",
    "PEOPLE",
];

type Lookups = std::collections::BTreeMap<String, LookupSpec>;

fn lookups<T>(world: &World, look: impl FnOnce(&mut Lookups) -> T) -> T {
    let people = Scope::of_project("PEOPLE");
    world.sim.with_instance("prod", |i| look(i.lookups_mut(&people).unwrap())).unwrap()
}

fn rows(world: &World, name: &str) -> Option<Vec<Vec<String>>> {
    lookups(world, |all| all.get(name).map(|l| l.rows.clone()))
}

fn change_the_flow(i: &mut ServiceInstance) {
    let live = i.get_mut(&id(PAY_FEED)).unwrap();
    live.edit(|flow| drop(flow.fields.insert("later".into(), "$n".into())), "j.doe");
}

/// The flow is changed, one unused lookup has other rows, and one came.
fn some_time_later(world: &World) {
    world.sim.with_instance("prod", change_the_flow).unwrap();
    lookups(world, |all| {
        let mut unused = all["UNUSED"].clone();
        unused.rows = vec![vec!["later".into(), "y".into()]];
        let new = LookupSpec { name: "NEW".into(), ..unused.clone() };
        all.insert("UNUSED".into(), unused);
        all.insert("NEW".into(), new);
    });
}

/// The company with a library in a project.
async fn with_a_library() -> World {
    let library = "[[library]]\ncode = \"RULES\"\nname = \"Rules of pay\"\nversion = \"01.00.0000\"\n\
        script = \"function grade(g) { return g; }\"\n";
    let landscape = LANDSCAPE
        .replace("lookups = [\"UNUSED\"]", "lookups = [\"UNUSED\"]\nlibraries = [\"RULES\"]");
    World::of(&format!("{landscape}\n{library}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_brings_the_unused_ones_of_the_snapshot_and_its_undo_those_that_were_there() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let stored = lookups(&world, |all| all.clone());
    some_time_later(&world);
    let later = lookups(&world, |all| all.clone());
    let config = world.config_file(&connection_values(&world));
    let (code, plan) = json(&config, &[&REBUILD[..6], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    let told = plan["checks"].to_string();
    assert!(told.contains("only there now") && told.contains("lookup NEW"), "{told}");
    assert!(!told.contains("lookup UNUSED"), "{told}");

    let (code, journal) = json(&config, &REBUILD).await;
    assert_eq!(code, 0, "{journal}");
    for (name, lookup) in &stored {
        assert_eq!(rows(&world, name).as_ref(), Some(&lookup.rows), "{name}");
    }
    assert_eq!(rows(&world, "NEW"), None, "as the plan said");

    let run_id = journal["run"].as_str().unwrap();
    let undo = ["rollback", run_id, "--json", "--confirm", "PEOPLE"];
    let (code, undone) = json(&config, &undo).await;
    assert_eq!(code, 0, "{undone}");
    for (name, lookup) in &later {
        assert_eq!(rows(&world, name).as_ref(), Some(&lookup.rows), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_fails_gives_the_unused_ones_back() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    some_time_later(&world);
    let later = lookups(&world, |all| all.clone());
    let config = world.config_file(&connection_values(&world));
    world.fault("status=400 env=prod method=POST path=/projects/archive times=1");
    let (code, journal) = json(&config, &REBUILD).await;
    assert_eq!((code, journal["result"].as_str()), (1, Some("put_back")), "{journal}");
    for (name, lookup) in &later {
        assert_eq!(rows(&world, name).as_ref(), Some(&lookup.rows), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_gone_comes_back_with_them() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let stored = lookups(&world, |all| all.clone());
    let go = |i: &mut ServiceInstance| {
        i.integrations.retain(|id, _| id.scope != Scope::of_project("PEOPLE"));
        i.others.projects.remove("PEOPLE");
    };
    world.sim.with_instance("prod", go).unwrap();
    let config = world.config_file(&connection_values(&world));
    let restore = ["restore", "store:prod/projects/PEOPLE", "--to", "prod", "--yes", "--json"];
    let (code, journal) = json(&config, &restore).await;
    assert_eq!(code, 0, "{journal}");
    for (name, lookup) in &stored {
        assert_eq!(rows(&world, name).as_ref(), Some(&lookup.rows), "{name}");
    }
}

/// A project whose integrations are as they were may have other rows in its lookups.
#[rstest]
#[case::put(false, 0)]
#[case::deleted_and_added(true, 1)]
#[tokio::test(flavor = "multi_thread")]
async fn other_rows_in_a_project_that_is_otherwise_unchanged_are_seen_and_put_back_alone(
    #[case] keeps_lookups: bool,
    #[case] deletions: usize,
) {
    let world = World::of(LANDSCAPE).await;
    world.sim.with_instance("prod", |i| i.settings.manners.keeps_lookups = keeps_lookups).unwrap();
    take_backup(&world, "prod").await;
    let was = rows(&world, "GRADES");
    lookups(&world, |all| all.get_mut("GRADES").unwrap().rows[0][1] = "other".into());
    let config = world.config_file("");
    let restore = ["restore", "store:prod/projects/PEOPLE", "--to", "prod"];
    let (code, out, err) = run(oicx(&config), &[&restore[..], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("replace the rows of lookup PEOPLE/GRADES with those of"), "{out}");
    let imports = |world: &World| world.sim.calls("prod POST /projects/archive");
    let (deleted, imported) = (world.sim.calls("prod DELETE"), imports(&world));
    let (code, out, err) = run(oicx(&config), &[&restore[..], &["--yes"]].concat()).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(rows(&world, "GRADES"), was);
    // The lookup alone, and it is never gone where the instance can give it other rows.
    assert_eq!(world.sim.calls("prod DELETE"), deleted + deletions);
    assert_eq!(world.sim.calls("prod PUT /projects/PEOPLE/lookups/GRADES"), 1);
    assert_eq!(imports(&world), imported);
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
}

/// What a service gives back may read otherwise than what it was sent: that is told, and the
/// project is not deleted again and again.
#[tokio::test(flavor = "multi_thread")]
async fn what_reads_otherwise_after_it_was_put_back_is_not_deleted_once_more() {
    let world = with_a_library().await;
    take_backup(&world, "prod").await;
    some_time_later(&world);
    let config = world.config_file(&connection_values(&world));
    world.sim.with_instance("prod", |i| i.settings.manners.renames_libraries = true).unwrap();
    let deletes = |world: &World| world.sim.calls("prod DELETE /projects/PEOPLE");
    let before = deletes(&world);
    let (code, journal) = json(&config, &REBUILD).await;
    assert_eq!((code, journal["result"].as_str()), (1, Some("unfinished")), "{journal}");
    let error = journal["error"].as_str().unwrap();
    assert!(error.contains("was put back from prod/") && error.contains("compare"), "{error}");
    assert!(!journal["lines"].to_string().contains("somebody changed"), "{journal}");
    assert_eq!(deletes(&world), before + 2, "once for the rebuild, once to put it back");
    // What was there is there, as far as the service gives it.
    assert!(rows(&world, "NEW").is_some());
    assert_eq!(status(&world, PAY_FEED), Some(Status::Active));
}

/// No call gives a project's library: it is taken out of the project's archive.
#[tokio::test(flavor = "multi_thread")]
async fn a_library_in_a_project_is_read_compared_and_promoted_as_one_of_the_global_space() {
    let world = with_a_library().await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["inspect", "prod:PEOPLE/libraries/RULES"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("grade"), "{out}");
    let (code, out, err) = run(oicx(&config), &["drift", "prod", "store:prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    for args in [
        &["history", "PEOPLE/libraries/RULES"][..],
        &["inspect", "store:prod/PEOPLE/libraries/RULES"],
        &["diff", "prod:PEOPLE/libraries/RULES", "store:prod/PEOPLE/libraries/RULES"],
    ] {
        let (code, out, err) = run(oicx(&config), args).await;
        assert_eq!(code, 0, "{args:?}: {out}{err}");
    }
    let move_it = ["promote", "prod:PEOPLE/libraries/RULES", "--to", "prod", "--into", "MONEY"];
    let (code, out, err) = run(oicx(&config), &[&move_it[..], &["--yes"]].concat()).await;
    assert_eq!(code, 0, "{out}{err}");
    let both = ["diff", "prod:PEOPLE/libraries/RULES", "prod:MONEY/libraries/RULES"];
    let (code, out, err) = run(oicx(&config), &both).await;
    assert_eq!(code, 0, "{out}{err}");
    // Another script is put back in place, and that can be undone.
    let people = Scope::of_project("PEOPLE");
    let script = |i: &mut ServiceInstance| {
        i.libraries_mut(&people).unwrap().get_mut("RULES|01.00.0000").unwrap().script.clone()
    };
    let was = world.sim.with_instance("prod", script).unwrap();
    let change = |i: &mut ServiceInstance| {
        let all = i.libraries_mut(&people).unwrap();
        all.get_mut("RULES|01.00.0000").unwrap().script = "function grade() { return 0; }".into();
    };
    world.sim.with_instance("prod", change).unwrap();
    let (code, out, err) = run(oicx(&config), &both).await;
    assert_eq!(code, 4, "{out}{err}");
    let back = ["promote", "prod:MONEY/libraries/RULES", "--to", "prod", "--into", "PEOPLE"];
    let (code, journal) = json(&config, &[&back[..], &["--yes", "--json"]].concat()).await;
    assert_eq!(code, 0, "{journal}");
    assert_eq!(world.sim.with_instance("prod", script).unwrap(), was);
    let run_id = journal["run"].as_str().unwrap();
    let (code, undone) = json(&config, &["rollback", run_id, "--yes", "--json"]).await;
    assert_eq!(code, 0, "{undone}");
    assert_ne!(world.sim.with_instance("prod", script).unwrap(), was);
}

/// A library of a project is an entry of its own, taken with the project's file, taken again where
/// it changed, and can be put back alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_library_in_a_project_is_kept_by_itself() {
    let world = with_a_library().await;
    let first = take_backup(&world, "prod").await;
    assert!(first.failed.is_empty(), "{first:?}");
    let projects = world.sim.calls("POST /projects/PEOPLE/archive");
    let again = take_backup(&world, "prod").await;
    assert_eq!(again.downloaded, 0, "{again:?}");
    assert_eq!(world.sim.calls("POST /projects/PEOPLE/archive"), projects, "nothing changed");
    let people = Scope::of_project("PEOPLE");
    let edit = |script: &'static str| {
        let people = people.clone();
        move |i: &mut ServiceInstance| {
            let library = i.libraries_mut(&people).unwrap().get_mut("RULES|01.00.0000").unwrap();
            library.script = script.into();
            library.updated = Some(When::at("2027-01-01T00:00:00Z".parse().unwrap()));
        }
    };
    world.sim.with_instance("prod", edit("function grade() { return 0; }")).unwrap();
    let third = take_backup(&world, "prod").await;
    assert!(third.failed.is_empty() && third.downloaded > 0, "{third:?}");
    let config = world.config_file("");
    let (_, story) = json(&config, &["history", "PEOPLE/libraries/RULES", "--json"]).await;
    assert_eq!(story["versions"].as_array().unwrap().len(), 2, "{story}");
    let back = ["restore", "store:prod/PEOPLE/libraries/RULES~1", "--to", "prod", "--yes"];
    let (code, out, err) = run(oicx(&config), &back).await;
    assert_eq!(code, 0, "{out}{err}");
    let script = |i: &mut ServiceInstance| {
        i.libraries_mut(&people).unwrap().get_mut("RULES|01.00.0000").unwrap().script.clone()
    };
    assert!(!world.sim.with_instance("prod", script).unwrap().contains("return 0"));
}

/// A rebuild takes with it what the project has got since: all of it is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_names_the_library_that_only_the_project_has_now() {
    let world = with_a_library().await;
    take_backup(&world, "prod").await;
    let people = Scope::of_project("PEOPLE");
    let add = |i: &mut ServiceInstance| {
        let all = i.libraries_mut(&people).unwrap();
        let mut later = all["RULES|01.00.0000"].clone();
        later.code = "LATER".into();
        all.insert(later.id(), later);
    };
    world.sim.with_instance("prod", add).unwrap();
    let config = world.config_file(&connection_values(&world));
    let (code, plan) = json(&config, &[&REBUILD[..6], &["--plan"]].concat()).await;
    assert_eq!(code, 0, "{plan}");
    let checks = plan["checks"].as_array().unwrap();
    let whats = checks.iter().map(|check| check["what"].as_str().unwrap());
    let told: Vec<&str> = whats.filter(|what| what.starts_with("only there now")).collect();
    assert_eq!(told, ["only there now, and not in what is restored: library LATER 01.00.0000"]);
}

/// What an older release kept has no entry for it: nothing is said of it, and it is not new.
#[tokio::test(flavor = "multi_thread")]
async fn a_library_in_a_project_is_not_new_against_an_older_snapshot() {
    let world = with_a_library().await;
    take_backup(&world, "prod").await;
    let store = world.store().await;
    let (_, manifest) = store.manifests().await.unwrap().pop().unwrap();
    let mut manifest = manifest.unwrap();
    manifest.entries.retain(|e| e.kind != Kind::Library || e.scope.is_global());
    manifest.lists_project_libraries = false;
    let folder = world.store_folder().join("prod/snapshots");
    std::fs::remove_file(folder.join(format!("{}.json", manifest.id))).unwrap();
    store.write_manifest(&manifest).await.unwrap();
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["drift", "prod", "store:prod"]).await;
    assert_eq!(code, 3, "{out}{err}");
    assert!(err.contains("its archive holds them"), "{out}{err}");
    let (code, _, err) = run(oicx(&config), &["history", "PEOPLE/libraries/RULES"]).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("its project's archive has it"), "{err}");
    let (code, report) = json(&config, &["backup", "prod", "--json"]).await;
    assert_eq!(code, 0, "{report}");
    assert!(!report.to_string().contains("RULES"), "not new: {report}");
    let (code, out, err) = run(oicx(&config), &["drift", "prod", "store:prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
}

/// Each for itself: the project is as it was wanted and stays, and a lookup that went with it is put
/// back.
#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_cannot_be_added_is_not_called_untouched() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    some_time_later(&world);
    let later = rows(&world, "UNUSED").unwrap();
    let config = world.config_file(&connection_values(&world));
    world.fault("status=400 env=prod method=POST path=/lookups/archive times=1");
    let restore = ["restore", "--snapshot", "prod", "--to", "prod", "--rebuild", "--json"];
    let (code, journal) =
        json(&config, &[&restore[..], &["--confirm", "PEOPLE", "--yes"]].concat()).await;
    assert_eq!(code, 3, "{journal}");
    assert_eq!(rows(&world, "UNUSED"), Some(later), "{journal}");
    assert!(journal.to_string().contains("\"put_back\""), "{journal}");
}
