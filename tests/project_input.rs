//! What projects do that a program may not count on: they appear, vanish and get other names while
//! they are read, have odd names, are locked, large, exported under another's code, broken inside,
//! or kept by an older release.

use oicx::archive::Contents;
use oicx::model::{ArtifactName, IntegrationId, Kind, Scope};
use oicx::ops::backup::BackupOutcome;
use oicx::sim::ServiceInstance;
use rstest::rstest;

use crate::cli::{json, oicx, run};
use crate::project_restore::connection_values;
use crate::projects::{LANDSCAPE, change_pay_feed};
use crate::store::take_backup;
use crate::support::{World, id, name, shuffle};

/// What somebody does at the console.
type Deed = fn(&mut ServiceInstance);

fn vanish(i: &mut ServiceInstance) {
    i.others.projects.remove("PEOPLE");
    i.integrations.retain(|id, _| id.scope != Scope::from("PEOPLE"));
}

fn rename(i: &mut ServiceInstance) {
    let Some(mut space) = i.others.projects.remove("PEOPLE") else { return };
    space.spec.code = "PERSONS".into();
    i.others.projects.insert("PERSONS".into(), space);
    move_all(i, "PEOPLE", "PERSONS");
}

fn appear(i: &mut ServiceInstance) {
    let Some(mut space) = i.others.projects.remove("HIDDEN") else { return };
    space.spec.code = "PEOPLE".into();
    i.others.projects.insert("PEOPLE".into(), space);
    move_all(i, "HIDDEN", "PEOPLE");
}

fn move_all(i: &mut ServiceInstance, from: &str, to: &str) {
    let of = Scope::from(from);
    let ids: Vec<IntegrationId> =
        i.integrations.keys().filter(|id| id.scope == of).cloned().collect();
    for id in ids {
        let live = i.integrations.remove(&id).unwrap();
        i.integrations.insert(id.within(to.into()), live);
    }
}

/// Whether a backup has all that its role may see.
fn is_whole(outcome: &BackupOutcome) -> bool {
    outcome.failed.is_empty() && outcome.unseen.iter().all(|u| u.kind == Kind::Certificate)
}

/// Somebody changes the projects before any call of a list or a backup: the neighbours are all
/// there, nothing is called deleted that was not, and the next backup is whole.
#[rstest]
#[case::vanishes(vanish as Deed, 0)]
#[case::is_renamed(rename as Deed, 1)]
#[case::appears(appear as Deed, 2)]
#[tokio::test(flavor = "multi_thread")]
async fn a_project_changes_while_it_is_read(#[case] deed: Deed, #[case] first: usize) {
    let landscape = match first {
        2 => LANDSCAPE.replace("code = \"PEOPLE\"", "code = \"HIDDEN\""),
        _ => LANDSCAPE.to_owned(),
    };
    let world = World::of(&landscape).await;
    let parsed = oicx::sim::Landscape::parse(&landscape, std::path::Path::new("x.toml")).unwrap();
    let (listed, taken) = {
        let client = world.client("prod");
        client.integrations_everywhere().await.unwrap();
        let after_list = world.sim.calls("prod ");
        take_backup(&world, "prod").await;
        (after_list, world.sim.calls("prod ") - after_list)
    };
    for at in (first..listed).step_by(2) {
        world.sim.reset(&parsed);
        world.sim.before_call("prod", at, deed);
        let all = world.client("prod").integrations_everywhere().await.unwrap();
        let codes: Vec<&str> = all.found.iter().map(|i| i.id.code.as_str()).collect();
        assert!(codes.contains(&"GLOBAL_ONE") && codes.contains(&"LEDGER"), "{at}: {codes:?}");
        // The twin of the global space is never lost to the one of the project, nor doubled.
        let global = |i: &&oicx::oic::ListedIntegration| i.id == id("TWIN|01.00.0000");
        assert_eq!(all.found.iter().filter(global).count(), 1, "{at}: {codes:?}");
    }
    for at in (first..taken).step_by(5) {
        world.sim.reset(&parsed);
        std::fs::remove_dir_all(world.store_folder()).ok();
        std::fs::remove_dir_all(world.store_folder().with_file_name("cache")).ok();
        world.sim.before_call("prod", at, deed);
        let outcome = take_backup(&world, "prod").await;
        let named = |f: &oicx::model::ExportFailure| f.artifact.to_string();
        let failed: Vec<String> = outcome.failed.iter().map(named).collect();
        assert!(failed.iter().all(|f| f.contains("PEOPLE") || f.contains("HIDDEN")), "{failed:?}");
        // Where a backup made fewer calls than counted, it happens now.
        world.sim.with_instance("prod", deed);
        let after = take_backup(&world, "prod").await;
        assert!(is_whole(&after), "{at}: {after:?}");
        let index = world.store().await.index().await.unwrap();
        let ledger = ArtifactName::new(Kind::Integration, "LEDGER").within("MONEY".into());
        assert_eq!(index.history(&name("prod"), &ledger).count(), 1, "{at}");
    }
}

#[rstest]
#[case::a_kind("lookups")]
#[case::another_kind("projects")]
#[case::the_word_for_no_project("global")]
#[case::marks("A-b_c.9~x@y")]
#[case::letters("Größe 東")]
#[case::a_percent("50%25/x")]
#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_have_any_name(#[case] code: &str) {
    let world = World::of(&LANDSCAPE.replace("\"PEOPLE\"", &format!("{code:?}"))).await;
    let config = world.config_file("");
    let (_, list) = json(&config, &["--json", "list", "prod", "--kind", "integrations"]).await;
    let rows = list["rows"].as_array().unwrap();
    let inside = |r: &&serde_json::Value| r["scope"] == code;
    assert_eq!(rows.iter().filter(inside).count(), 2, "{list}");
    let outcome = take_backup(&world, "prod").await;
    assert!(is_whole(&outcome), "{outcome:?}");
    let wanted = ArtifactName::new(Kind::Integration, "PAY_FEED").within(code.into());
    let index = world.store().await.index().await.unwrap();
    let stored = index.newest(&name("prod"), &wanted).expect("it is in the store").reference();
    // As the program itself names it, live and stored, and by its code alone.
    let live = oicx::model::Reference::Live {
        environment: name("prod"),
        target: wanted.clone().into(),
        version: None,
    };
    for reference in [live.to_string(), stored.to_string(), "prod:PAY_FEED".into()] {
        let (status, out, err) = run(oicx(&config), &["inspect", &reference]).await;
        assert_eq!(status, 0, "{reference}: {err}");
        assert!(out.contains("PAY_FEED"), "{reference}: {out}");
    }
    let project = ArtifactName::new(Kind::Project, code);
    let project = oicx::model::Reference::Live {
        environment: name("prod"),
        target: project.into(),
        version: None,
    };
    let (status, out, err) = run(oicx(&config), &["inspect", &project.to_string()]).await;
    assert_eq!(status, 0, "{project}: {err}");
    assert!(out.contains("TWIN"), "{out}");
    let docs = world.store_folder().join("docs");
    let arguments = ["docs", "prod", "--to", docs.to_str().unwrap()];
    let (status, _, err) = run(oicx(&config), &arguments).await;
    assert_eq!(status, 0, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_not_begun_while_somebody_edits_an_integration_of_the_project() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    for (who, told) in [("k.lindqvist", "k.lindqvist"), ("", "somebody")] {
        world.sim.with_instance("prod", |i| {
            let live = i.get_mut(&id("TWIN|01.00.0000|PEOPLE")).unwrap();
            live.locked_by = Some(who.into());
        });
        let config = world.config_file(&connection_values(&world));
        let deletes = world.sim.calls("prod DELETE");
        let arguments = [
            "restore",
            "store:prod/projects/PEOPLE",
            "--to",
            "prod",
            "--rebuild",
            "--confirm",
            "PEOPLE",
        ];
        let (code, out, err) = run(oicx(&config), &arguments).await;
        assert_eq!((code, world.sim.calls("prod DELETE")), (1, deletes), "{out}{err}");
        let text = format!("{out}{err}");
        assert!(text.contains(&format!("locked by {told}")), "{text}");
        assert!(text.contains("TWIN|01.00.0000|PEOPLE"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_another_project_is_not_kept_under_this_one() {
    let world = World::of(LANDSCAPE).await;
    world.sim.with_instance("prod", |i| {
        i.others.projects.get_mut("MONEY").unwrap().spec.code = "OTHER".into();
    });
    let outcome = take_backup(&world, "prod").await;
    let failed: Vec<String> =
        outcome.failed.iter().map(|f| format!("{}: {}", f.artifact, f.error)).collect();
    assert!(failed.iter().any(|f| f.contains("OTHER")), "{failed:?}");
    let index = world.store().await.index().await.unwrap();
    let money = ArtifactName::new(Kind::Project, "MONEY");
    assert_eq!(index.history(&name("prod"), &money).count(), 0);
}

/// The same archive with the flow of one member cut in half.
fn with_broken_member(car: &[u8], code: &str) -> Vec<u8> {
    let mut entries = shuffle::unpack(car);
    let is_flow = |path: &str| path.contains(code) && path.ends_with("project.xml");
    let mut flows = entries.iter_mut().filter(|(path, _)| is_flow(path));
    let (_, bytes) = flows.next().unwrap();
    bytes.truncate(bytes.len() / 2);
    assert!(flows.next().is_none(), "one member is broken");
    shuffle::pack(&entries, zip::CompressionMethod::Deflated)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_cannot_be_read_has_a_finding_and_the_others_are_read() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let people = ArtifactName::new(Kind::Project, "PEOPLE");
    let car = store.read(index.newest(&name("prod"), &people).unwrap()).await.unwrap();
    let broken = with_broken_member(&car, "TWIN");
    let contents = Contents::read(&broken, Some("PEOPLE.car")).unwrap();
    let about: Vec<&str> = contents.findings.iter().map(|f| f.what.as_str()).collect();
    assert_eq!(about.iter().filter(|f| f.contains("TWIN")).count(), about.len(), "{about:?}");
    assert!(!about.is_empty());
    let codes: Vec<&str> = contents.integrations().iter().map(|i| i.id.code.as_str()).collect();
    assert!(codes.contains(&"PAY_FEED"), "{codes:?}");
    let whole = contents.integrations().iter().find(|i| i.id.code == "PAY_FEED").unwrap();
    assert!(!whole.flow.is_empty());
    // It is kept all the same: the service has no other bytes of it.
    let kept = oicx::archive::ValidatedArchive::read(&broken, Some("PEOPLE.car")).unwrap();
    let parts: Vec<&str> = kept.parts.iter().map(|p| p.id.code.as_str()).collect();
    assert!(parts.contains(&"PAY_FEED"), "{parts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_a_hundred_integrations_and_fifty_deployments() {
    let world = World::of(&large()).await;
    let config = world.config_file("");
    let (code, list) = json(&config, &["--json", "list", "prod", "--kind", "integrations"]).await;
    assert_eq!((code, list["rows"].as_array().unwrap().len()), (0, 100));
    let outcome = take_backup(&world, "prod").await;
    assert_eq!((outcome.failed.len(), outcome.downloaded), (0, 1), "{outcome:?}");
    let again = take_backup(&world, "prod").await;
    assert_eq!(again.downloaded, 0, "{again:?}");
    let (code, out, err) = run(oicx(&config), &["inspect", "store:prod/projects/LARGE"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("FLOW_099") && out.contains("DEPLOY_49"), "{out}");
    let (code, out, _) =
        run(oicx(&config), &["diff", "store:prod/projects/LARGE", "prod:projects/LARGE"]).await;
    assert_eq!(code, 0, "{out}");
}

fn large() -> String {
    let environment = LANDSCAPE.find("[[environment]]\nname = \"prod\"").unwrap();
    let rest = &LANDSCAPE[environment..];
    let mut text = rest[..rest.find("[[integration]]").unwrap()].to_owned();
    let connections = LANDSCAPE.find("[[connection]]").unwrap();
    for n in 0..100 {
        text.push_str(&format!(
            "[[integration]]\ncode = \"FLOW_{n:03}\"\n[integration.flow]\nname = \"Flow {n}\"\n\
             trigger_connection = \"REST\"\n\
             source = {{ name = \"getIt\", connection = \"HCM\", adapter = \"rest\", \
             verb = \"GET\", resource = \"/{n}\" }}\n\
             target = {{ name = \"putIt\", connection = \"HCM\", adapter = \"rest\", \
             verb = \"POST\", resource = \"/{n}\" }}\nfields = {{ n = \"$n\" }}\n\
             [[integration.at]]\nenvironment = \"prod\"\nversion = \"01.00.0000\"\n\
             updated = \"now-30d\"\n"
        ));
    }
    let codes: Vec<String> = (0..100).map(|n| format!("\"FLOW_{n:03}\"")).collect();
    let deployments: Vec<String> = (0..50)
        .map(|n| {
            format!(
                "{{ code = \"DEPLOY_{n:02}\", name = \"Deployment {n}\", \
                 integrations = [\"FLOW_{n:03}|01.00.0000\"] }}"
            )
        })
        .collect();
    text.push_str(&format!(
        "[[project]]\ncode = \"LARGE\"\nname = \"Large\"\nintegrations = [{}]\n\
         deployments = [{}]\n{}",
        codes.join(", "),
        deployments.join(", "),
        &LANDSCAPE[connections..]
    ));
    text
}

fn forget_index(world: &World) {
    std::fs::remove_dir_all(world.store_folder().with_file_name("cache")).unwrap();
}

/// Takes from every manifest what is in projects, as older releases wrote them, and forgets the
/// index.
fn age(world: &World) {
    let folder = world.store_folder().join("prod/snapshots");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let mut manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let entries = manifest["entries"].as_array_mut().unwrap();
        let before = entries.len();
        entries.retain(|e| e.get("scope").is_none());
        for entry in entries.iter_mut() {
            entry.as_object_mut().unwrap().remove("members");
        }
        assert!(entries.len() < before, "it had members");
        std::fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    }
    forget_index(world);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_projects_of_an_old_store_are_read_into_their_members() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    take_backup(&world, "prod").await;
    let of = |code: &str| ArtifactName::new(Kind::Integration, code).within("PEOPLE".into());
    let counted = |index: &oicx::store::Index| {
        ["PAY_FEED", "TWIN"].map(|c| index.history(&name("prod"), &of(c)).count())
    };
    let new = world.store().await.index().await.unwrap();
    assert_eq!(counted(&new), [2, 1]);
    age(&world);
    let old = world.store().await.index().await.unwrap();
    assert!(old.problems.is_empty(), "{:?}", old.problems);
    assert_eq!(counted(&old), [2, 1]);
    // The part is what it was: bytes, fingerprint and place.
    for code in ["PAY_FEED", "TWIN"] {
        let part = |index: &oicx::store::Index| {
            let v = index.newest(&name("prod"), &of(code)).unwrap().clone();
            (v.path.clone(), v.member.clone(), v.fingerprint, v.portable, v.version)
        };
        assert_eq!(part(&old), part(&new), "{code}");
    }
    let config = world.config_file("");
    let (code, out, err) =
        run(oicx(&config), &["diff", "store:prod/PEOPLE/PAY_FEED~1", "prod:PAY_FEED"]).await;
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.contains("/pay/v2"), "{out}");
    // Each member is compared; what that release did not look at is not "only" on the other side.
    let brief = ["drift", "store:prod", "prod", "--brief", "--json"];
    let (_, drift) = json(&config, &brief).await;
    assert!(drift["differences"].as_array().unwrap().is_empty(), "{drift}");
    assert!(drift["not_compared"].as_u64().unwrap() > 0, "{drift}");
    // One that cannot be read is told, and nothing else is lost.
    let people = ArtifactName::new(Kind::Project, "PEOPLE");
    let path = old.newest(&name("prod"), &people).unwrap().path.clone();
    std::fs::write(world.store_folder().join(&path), b"no archive").unwrap();
    forget_index(&world);
    let broken = world.store().await.index().await.unwrap();
    assert!(broken.problems.iter().any(|p| p.contains(&path)), "{:?}", broken.problems);
    assert_eq!(counted(&broken), [1, 1], "what the file of before holds is known");
    // It is broken for good: the index is kept all the same, with what it could not read.
    std::fs::remove_file(world.store_folder().join(&path)).unwrap();
    for _ in 0..2 {
        let again = world.store().await.index().await.unwrap();
        assert!(again.problems.iter().any(|p| p.contains(&path)), "{:?}", again.problems);
        let cached = world.store_folder().with_file_name("cache");
        assert!(std::fs::read_dir(cached).unwrap().count() > 0, "the index is kept");
    }
}

/// The backup after one of an older release takes what that left out, and calls none of it new.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_old_snapshot_did_not_look_at_is_not_called_new() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    world.store().await.index().await.unwrap();
    age(&world);
    let (code, out, err) = run(oicx(&world.config_file("")), &["backup", "prod"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("0 added, 0 changed, 0 removed"), "{out}");
}

/// A backup of projects alone says nothing of their integrations: what the full one before it knows
/// of them stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_projects_alone_does_not_hide_which_integrations_were_active() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    let config = world.config_file(&connection_values(&world));
    change_pay_feed(&world);
    let (code, _, err) = run(oicx(&config), &["backup", "prod", "--kind", "projects"]).await;
    assert_eq!(code, 0, "{err}");
    let index = world.store().await.index().await.unwrap();
    let twin = ArtifactName::new(Kind::Integration, "TWIN").within("PEOPLE".into());
    let known: Vec<_> = index.history(&name("prod"), &twin).collect();
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0].status, oicx::model::Status::Active);
    world.sim.with_instance("prod", vanish);
    let arguments = ["restore", "store:prod/projects/PEOPLE", "--to", "prod", "--plan", "--json"];
    let (_, plan) = json(&config, &arguments).await;
    let steps = plan["steps"].as_array().unwrap();
    let activations = steps.iter().filter(|s| s["kind"] == "activate").count();
    assert_eq!(activations, 2, "{plan}");
}

/// A project's archive has a digest, too: one that was changed by hand would be refused after the
/// project was deleted for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_was_edited_by_hand_is_refused_before_anything_is_deleted() {
    let (Some(original), Some(edited)) = (
        crate::archives::real("DEMO_FIRST_PROJECT_4.car"),
        crate::archives::real("edited/DEMO4_hello1_path_changed.car"),
    ) else {
        return;
    };
    let world = World::of(LANDSCAPE).await;
    let config = world.config_file("");
    let folder = world.store_folder().with_file_name("files");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("DEMO.car"), original).unwrap();
    let path = folder.to_str().unwrap();
    let (code, out, err) = run(oicx(&config), &["import", "--env", "prod", path]).await;
    assert_eq!(code, 0, "{out}{err}");
    let file = world.store_folder().with_file_name("edited.car");
    std::fs::write(&file, edited).unwrap();
    let plan = ["restore", file.to_str().unwrap(), "--to", "prod", "--plan", "--json"];
    let (code, plan) = json(&config, &plan).await;
    let checks = plan["checks"].as_array().unwrap();
    let told = checks.iter().find(|c| c["what"].as_str().unwrap().contains("changed outside"));
    assert_eq!((code, told.unwrap()["level"].as_str()), (1, Some("blocker")), "{plan}");
}

/// Somebody has the project itself open: deleting it would be refused, or lose what they do.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_not_begun_while_somebody_has_the_project_open() {
    let world = World::of(LANDSCAPE).await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let lock = |i: &mut ServiceInstance| {
        i.others.projects.get_mut("PEOPLE").unwrap().locked_by = Some("k.lindqvist".into());
    };
    world.sim.with_instance("prod", lock).unwrap();
    let config = world.config_file(&connection_values(&world));
    let rebuild =
        ["restore", "store:prod/projects/PEOPLE", "--to", "prod", "--rebuild", "--plan", "--json"];
    let (code, plan) = json(&config, &rebuild).await;
    let checks = plan["checks"].as_array().unwrap();
    let told = |c: &&serde_json::Value| c["what"] == "project PEOPLE is locked by k.lindqvist";
    let level = checks.iter().find(told).map(|c| c["level"].as_str().unwrap());
    assert_eq!((code, level), (1, Some("blocker")), "{plan}");
}

/// Oracle's own projects are shown, and told apart: nobody can export or replace them.
#[rstest]
#[case::an_accelerator("ACCELERATOR")]
#[case::as_lists_call_it("BA")]
#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_oracle_is_told_apart(#[case] of: &str) {
    let money = "code = \"MONEY\"\n";
    let world = World::of(&LANDSCAPE.replace(money, &format!("{money}type = \"{of}\"\n"))).await;
    let outcome = take_backup(&world, "prod").await;
    assert!(outcome.failed.is_empty(), "{outcome:?}");
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let kept =
        |code: &str| index.versions().iter().any(|v| v.code == code && v.kind == Kind::Project);
    assert!(kept("PEOPLE") && !kept("MONEY"));
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("prebuilt"), "the coverage says it: {out}");
    let (_, list) = json(&config, &["list", "prod", "--kind", "projects", "--json"]).await;
    assert_eq!(list["rows"].as_array().unwrap().len(), 2, "it is shown: {list}");
    let money = list["rows"].as_array().unwrap().iter().find(|row| row["code"] == "MONEY");
    assert_eq!(money.unwrap()["cells"]["prod"]["prebuilt"], true, "{list}");
}

/// An instance that says 405 has no such lists in projects. A 404 may mean other things: nothing is
/// taken for unchanged by it, and no name is found in one place alone.
#[rstest]
#[case::not_offered(405, 0)]
#[case::not_found(404, 1)]
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_not_found_is_no_empty_list(#[case] status: u16, #[case] taken: usize) {
    let world = World::of(LANDSCAPE).await;
    world.fault(&format!("status={status} env=prod path=/projects/PEOPLE/lookups"));
    take_backup(&world, "prod").await;
    let again = take_backup(&world, "prod").await;
    assert_eq!(again.downloaded, taken, "{again:?}");
    assert!(again.unseen.iter().any(|u| u.kind == Kind::Lookup), "{:?}", again.unseen);
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["inspect", "prod:lookups/GRADES"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let said = format!("{out}{err}");
    assert_eq!(said.contains("lookups of PEOPLE"), status == 404, "{said}");
}
