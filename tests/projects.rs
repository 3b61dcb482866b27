//! Integrations that live in projects: listed, inspected, compared, backed up and found like those
//! of the global space, and never taken for a twin elsewhere.

use oicx::model::{ArtifactName, Kind, Manifest, Reference, Scope, Status};
use oicx::oic::{Twin, Window};
use oicx::ops::compare::compare;
use oicx::workspace::source::fetch_bytes;
use rstest::rstest;

use crate::cli::{json, oicx, run};
use crate::store::take_backup;
use crate::support::{World, id, screen::Screen};

pub const LANDSCAPE: &str = include_str!("support/projects.toml");

/// The landscape with an environment beside it that has no integration.
pub fn with_an_empty_one() -> String {
    let empty = "[[environment]]\nname = \"empty\"\ninstance = \"acme-empty\"\nclients = \
        [{ id = \"oicx\", secret = \"demo\", role = \"ServiceAdministrator\" }]\n\n[[integration]]";
    LANDSCAPE.replacen("[[integration]]", empty, 1)
}

async fn company() -> World {
    World::of(LANDSCAPE).await
}

/// Somebody changes the integration of a project in place.
pub fn change_pay_feed(world: &World) {
    world.sim.with_instance("prod", |i| {
        let live = i.get_mut(&id("PAY_FEED|01.00.0000|PEOPLE")).unwrap();
        live.edit(|flow| flow.target.resource = "/pay/v2".into(), "j.doe");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_what_is_in_projects_with_its_failures() {
    let world = company().await;
    let config = world.config_file("");
    let (code, list) = json(&config, &["--json", "list", "--failing"]).await;
    assert_eq!(code, 0);
    let rows = list["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{list}");
    assert_eq!((&rows[0]["scope"], &rows[0]["code"]), (&"PEOPLE".into(), &"PAY_FEED".into()));
    assert_eq!(rows[0]["cells"]["prod"]["failed_runs"], 26);
    let (_, list) = json(&config, &["--json", "list", "--kind", "integrations"]).await;
    let rows = list["rows"].as_array().unwrap();
    let named: Vec<(Option<&str>, &str)> =
        rows.iter().map(|r| (r["scope"].as_str(), r["code"].as_str().unwrap())).collect();
    assert_eq!(
        named,
        [
            (None, "GLOBAL_ONE"),
            (None, "TWIN"),
            (Some("MONEY"), "LEDGER"),
            (Some("PEOPLE"), "PAY_FEED"),
            (Some("PEOPLE"), "TWIN")
        ]
    );
    let (_, out, _) = run(oicx(&config), &["list", "--filter", "people pay"]).await;
    assert!(out.contains("PEOPLE/PAY_FEED") && !out.contains("LEDGER"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_several_scopes_have_is_asked_back_with_the_candidates() {
    let world = company().await;
    let config = world.config_file("");
    let (code, _, err) = run(oicx(&config), &["inspect", "prod:TWIN"]).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("prod:global/TWIN, prod:PEOPLE/TWIN"), "{err}");
    let (code, out, err) = run(oicx(&config), &["inspect", "prod:PEOPLE/TWIN", "--flow"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("putTwin"), "{out}");
    let (code, ..) = run(oicx(&config), &["inspect", "prod:global/TWIN"]).await;
    assert_eq!(code, 0);
    // Where one scope alone has it, its name is enough.
    let (code, out, err) = run(oicx(&config), &["inspect", "prod:PAY_FEED"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("putPay") && out.contains("GRADES"), "{out}");
    take_backup(&world, "prod").await;
    let (code, _, err) = run(oicx(&config), &["inspect", "store:prod/TWIN"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("store:prod/global/TWIN, store:prod/PEOPLE/TWIN"), "{err}");
    let (code, ..) = run(oicx(&config), &["inspect", "store:prod/PEOPLE/TWIN"]).await;
    assert_eq!(code, 0);
    let (code, _, err) = run(oicx(&config), &["inspect", "prod:PEOPLE/NOTHING"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("prod has no integration PEOPLE/NOTHING"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_projects_and_their_integrations_and_sees_a_change_inside() {
    let world = company().await;
    let first = take_backup(&world, "prod").await;
    assert!(first.failed.is_empty(), "{first:?}");
    let again = take_backup(&world, "prod").await;
    assert_eq!((again.downloaded, again.failed.len()), (0, 0), "{again:?}");
    change_pay_feed(&world);
    let changed = take_backup(&world, "prod").await;
    assert_eq!(changed.downloaded, 1, "the project's archive alone: {changed:?}");
    let index = world.store().await.index().await.unwrap();
    let of = |kind, code: &str| ArtifactName::new(kind, code).within("PEOPLE".into());
    let history = |name: &ArtifactName| index.history(&crate::support::name("prod"), name).count();
    assert_eq!(history(&of(Kind::Integration, "PAY_FEED")), 2);
    assert_eq!(history(&of(Kind::Integration, "TWIN")), 1, "the neighbour did not change");
    // What the project's archive leaves out is beside it.
    assert_eq!(history(&of(Kind::Lookup, "UNUSED")), 1);
    assert_eq!(history(&of(Kind::Connection, "HCM")), 1);
    assert_eq!(history(&of(Kind::Schedule, "PAY_FEED")), 1);
    assert_eq!(history(&ArtifactName::new(Kind::Lookup, "UNUSED")), 1, "the global one is another");
    let paths: Vec<&str> = index.versions().iter().map(|v| v.path.as_str()).collect();
    assert!(paths.iter().any(|p| p.starts_with("prod/in/PEOPLE/lookups/UNUSED/")), "{paths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_in_a_project_is_compared_live_with_its_backup_in_words() {
    let world = company().await;
    take_backup(&world, "prod").await;
    change_pay_feed(&world);
    let config = world.config_file("");
    let (code, found) =
        json(&config, &["--json", "diff", "store:prod/PAY_FEED", "prod:PAY_FEED"]).await;
    assert_eq!(code, 4);
    assert_eq!(found["changes"].as_array().unwrap().len(), 1, "{found}");
    let (code, found) =
        json(&config, &["--json", "diff", "store:prod/PEOPLE/TWIN", "prod:PEOPLE/TWIN"]).await;
    assert_eq!((code, found["same"].as_bool()), (0, Some(true)), "{found}");
    let (_, out, _) =
        run(oicx(&config), &["diff", "store:prod/projects/PEOPLE", "prod:projects/PEOPLE"]).await;
    assert!(out.contains("PAY_FEED"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn grep_deps_history_drift_and_docs_know_projects() {
    let world = company().await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let (_, out, err) = run(oicx(&config), &["grep", "/ledger", "store:prod"]).await;
    assert!(out.contains("MONEY/LEDGER"), "{out}{err}");
    let (_, out, err) = run(oicx(&config), &["deps", "store:prod/PAY_FEED"]).await;
    assert!(out.contains("GRADES") && out.contains("HCM"), "{out}{err}");
    let (code, out, err) = run(oicx(&config), &["history", "PEOPLE/PAY_FEED"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("store:prod/PEOPLE/PAY_FEED@01.00.0000@snapshot:"), "{out}");
    let (code, drift) = json(&config, &["--json", "drift", "dev", "prod", "--brief"]).await;
    assert_eq!(code, 4);
    let of = |code: &str| {
        let all = drift["differences"].as_array().unwrap();
        all.iter()
            .filter(|d| d["code"] == code && d["kind"] == "integration")
            .map(|d| {
                (d["scope"].as_str().map(str::to_owned), d["state"].as_str().unwrap().to_owned())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("TWIN"),
        [(None, "only_second".to_owned()), (Some("PEOPLE".into()), "only_second".to_owned())]
    );
    assert_eq!(of("PAY_FEED"), [], "the same flow on both");
}

#[tokio::test]
async fn runs_of_a_twin_are_never_taken_for_the_others() {
    let world = company().await;
    let client = world.client("prod");
    let inside =
        client.instances(&id("PAY_FEED|01.00.0000|PEOPLE"), Window::Day, None).await.unwrap();
    assert_eq!(inside.len(), 30);
    let none = client.instances(&id("PAY_FEED|01.00.0000"), Window::Day, None).await.unwrap();
    assert!(none.is_empty(), "the global space has no such integration");
    let errors =
        client.instance_errors(&id("PAY_FEED|01.00.0000|PEOPLE"), Window::Day).await.unwrap();
    assert_eq!(errors.len(), 26);
    let counts = client.instance_counts(Window::Day).await.unwrap();
    assert_eq!(counts.of(&id("PAY_FEED|01.00.0000|PEOPLE"), Twin::Absent).unwrap().failed, 26);
    assert_eq!(counts.of(&id("TWIN|01.00.0000|PEOPLE"), Twin::Exists).unwrap().received, 5);
}

/// The list of counts may not name projects: what only one scope has shows its failures all the
/// same, and those of twins are shown for neither.
#[tokio::test(flavor = "multi_thread")]
async fn failures_are_shown_where_counts_name_no_project() {
    let failing = "received = 300, succeeded = 297, failed = 3";
    let world =
        World::of(&LANDSCAPE.replace("received = 5, succeeded = 5, failed = 0", failing)).await;
    let manners = |i: &mut oicx::sim::ServiceInstance| i.settings.manners.hides_project_code = true;
    world.sim.with_instance("prod", manners).unwrap();
    let config = world.config_file("");
    let (code, list) = json(&config, &["--json", "list", "prod", "--kind", "integrations"]).await;
    assert_eq!(code, 0);
    let failed = |scope: Option<&str>, code: &str| {
        let rows = list["rows"].as_array().unwrap().iter();
        let mut rows = rows.filter(|r| r["scope"].as_str() == scope && r["code"] == code);
        rows.next().unwrap()["cells"]["prod"]["failed_runs"].as_u64()
    };
    assert_eq!(failed(Some("PEOPLE"), "PAY_FEED"), Some(26));
    assert_eq!(failed(Some("PEOPLE"), "TWIN"), None, "{list}");
    assert_eq!(failed(None, "TWIN"), None, "{list}");
    let twins = serde_json::json!([
        { "kind": "integration", "code": "TWIN" },
        { "kind": "integration", "scope": "PEOPLE", "code": "TWIN" }
    ]);
    assert_eq!(list["not_counted"][0]["artifacts"], twins, "{list}");
    let (_, out, err) = run(oicx(&config), &["list", "prod", "--failing"]).await;
    assert!(out.contains("PAY_FEED") && !out.contains("TWIN"), "{out}");
    let told = "failures on prod are not told apart, and shown for none of TWIN, PEOPLE/TWIN";
    assert!(err.contains(told), "{err}");
    let (_, out, err) = run(oicx(&config), &["doctor"]).await;
    assert!(out.contains("did not tell projects apart"), "{out}{err}");
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("PEOPLE/TWIN").await.idle().await;
    screen.keys("x");
    assert!(screen.shows("prod does not tell the runs of 2 twins apart"), "{}", screen.text());
    // How many of them are under way is not known, and not said to be none.
    take_backup(&world, "prod").await;
    world.sim.with_instance("prod", |i| {
        let live = i.get_mut(&id("TWIN|01.00.0000")).unwrap();
        live.edit(|flow| flow.target.resource = "/twin/v2".into(), "j.doe");
    });
    let restore = ["restore", "store:prod/global/TWIN", "store:prod/PEOPLE/TWIN", "--to", "prod"];
    let (_, out, err) = run(oicx(&config), &[&restore[..], &["--plan"]].concat()).await;
    assert!(out.contains("runs in flight are not known"), "{out}{err}");
}

/// An instance may ignore the filter by project: the runs of both twins come together.
#[tokio::test]
async fn runs_of_a_twin_are_told_apart_where_the_filter_is_ignored() {
    let world = company().await;
    world.sim.with_instance("prod", |i| i.settings.manners.ignores_project_code = true).unwrap();
    let client = world.client("prod");
    for scope in ["TWIN|01.00.0000", "TWIN|01.00.0000|PEOPLE"] {
        let runs = client.instances(&id(scope), Window::Day, None).await.unwrap();
        assert!(!runs.is_empty(), "{scope}");
        let of = |r: &oicx::oic::Instance| r.integration.clone().unwrap().scope == id(scope).scope;
        assert!(runs.iter().all(of), "{scope}: {runs:?}");
    }
    let both =
        client.instances(&id("PAY_FEED|01.00.0000|PEOPLE"), Window::Day, None).await.unwrap();
    assert_eq!(both.len(), 30);
}

/// Where no record tells the project, what may be a twin's is not sent again.
#[rstest]
#[case::of_a_twin("prod:global/TWIN", true)]
#[case::of_the_other_twin("prod:PEOPLE/TWIN", true)]
#[case::of_none("prod:PEOPLE/PAY_FEED", false)]
#[tokio::test(flavor = "multi_thread")]
async fn runs_that_may_be_a_twins_are_not_sent_again(#[case] of: &str, #[case] refused: bool) {
    let failing = "received = 5, succeeded = 2, failed = 3";
    let world =
        World::of(&LANDSCAPE.replace("received = 5, succeeded = 5, failed = 0", failing)).await;
    let manners = |i: &mut oicx::sim::ServiceInstance| {
        i.settings.manners.ignores_project_code = true;
        i.settings.manners.hides_project_code = true;
    };
    world.sim.with_instance("prod", manners).unwrap();
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["recover", of, "--yes"]).await;
    let text = format!("{out}{err}");
    assert_eq!(text.contains("does not say whose these runs are"), refused, "{text}");
    assert_eq!(code == 0, !refused, "{text}");
    let sent = world.sim.calls("/resubmit");
    assert_eq!(sent > 0, !refused, "{text}");
}

/// Everything that reads an environment names what it could not look at, and takes nothing in it
/// for gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_looked_at_is_named_by_every_reader_and_never_called_gone() {
    let world = company().await;
    take_backup(&world, "prod").await;
    world.fault("status=403 env=prod path=/projects/PEOPLE/integrations");
    let config = world.config_file("");
    let named = "integrations of PEOPLE";
    for args in [
        &["list", "prod", "--failing"][..],
        &["list", "prod", "--kind", "integrations"],
        &["grep", "/pay", "prod"],
        &["deps", "prod:global/TWIN", "--reverse"],
        &["drift", "dev", "prod"],
        &["drift", "prod", "store:prod"],
        &["inspect", "prod:PAY_FEED"],
        &["inspect", "prod:TWIN"],
        &["recover", "prod:TWIN", "--plan"],
        &["backup", "prod"],
    ] {
        let (_, out, err) = run(oicx(&config), args).await;
        let text = format!("{out}{err}");
        assert!(text.contains(named), "{args:?}: {text}");
        assert!(!text.contains("PEOPLE/PAY_FEED"), "{args:?} takes it for gone: {text}");
    }
    // What is read says what else may be meant; what changes something asks back.
    let (code, out, err) = run(oicx(&config), &["inspect", "prod:TWIN"]).await;
    assert_eq!(code, 0, "{out}{err}");
    for args in [
        &["recover", "prod:TWIN", "--plan"][..],
        &["promote", "prod:TWIN", "--to", "dev", "--plan"],
    ] {
        let (code, _, err) = run(oicx(&config), args).await;
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("prod:global/TWIN"), "{args:?}: {err}");
    }
    // Nobody is told that all is well.
    let drift = ["drift", "dev", "prod", "--project", "PEOPLE", "--json"];
    let (code, drift) = json(&config, &drift).await;
    assert_eq!((code, drift["same"].as_bool()), (3, Some(false)), "{drift}");
    assert!(drift["not_compared"].as_u64().unwrap() > 0, "{drift}");
    let stored = ["drift", "prod", "prod", "--project", "PEOPLE"];
    let (_, out, err) = run(oicx(&config), &stored).await;
    assert!(!err.contains("neither"), "what refuses is not what is not there: {out}{err}");
    let (code, ..) = run(oicx(&config), &["inspect", "prod:global/TWIN"]).await;
    assert_eq!(code, 0);
    let (_, list) = json(&config, &["list", "prod", "--failing", "--json"]).await;
    assert_eq!(list["unseen"][0]["scope"], "PEOPLE", "{list}");
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("prod does not show PEOPLE").await;
    screen.keys("p").wait("prod: not allowed for this role").await;
    // The newest snapshot saw neither the integration nor its schedule: neither is gone.
    for what in ["PEOPLE/PAY_FEED", "PEOPLE/schedules/PAY_FEED"] {
        let (code, out, err) = run(oicx(&config), &["history", what]).await;
        assert_eq!(code, 0, "{what}: {out}{err}");
        assert!(!out.contains("gone since"), "{what}: {out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_refuses_is_named_and_the_rest_is_shown() {
    let world = company().await;
    let config = world.config_file("");
    world.fault("status=403 env=prod path=/projects/MONEY/integrations");
    let (code, list) = json(&config, &["--json", "list", "prod", "--kind", "integrations"]).await;
    assert_eq!(code, 0);
    let codes: Vec<&str> =
        list["rows"].as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["GLOBAL_ONE", "TWIN", "PAY_FEED", "TWIN"]);
    let outcome = take_backup(&world, "prod").await;
    assert!(outcome.failed.is_empty(), "{outcome:?}");
    let told: Vec<String> = outcome.unseen.iter().map(|u| u.what()).collect();
    assert!(told.contains(&"integrations of MONEY".to_owned()), "{told:?}");
    // What it could not see is not taken for deleted.
    let store = world.store().await;
    let manifests = store.manifests().await.unwrap();
    let manifest: &Manifest = manifests.last().unwrap().1.as_ref().unwrap();
    let ledger = oicx::model::ArtifactKey::from(id("LEDGER|01.00.0000|MONEY"));
    assert!(!manifest.says_gone(&ledger));
}

/// A project that has not what others have hides it, or is gone: the instance offers it.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_project_does_not_find_is_not_said_to_be_offered_nowhere() {
    let world = company().await;
    let config = world.config_file("");
    world.fault("status=404 env=prod path=/projects/PEOPLE/lookups");
    let (_, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert!(out.contains("PEOPLE has no lookups for this account, or is gone by now"), "{out}");
    world.sim.clear_faults();
    world.fault("status=404 env=prod path=/lookups");
    let (_, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert!(out.contains("this instance does not offer lookups (404)"), "{out}");
}

#[tokio::test]
async fn a_member_is_read_from_the_service_once_its_call_is_known_not_to_exist() {
    let world = company().await;
    let workspace = world.workspace().await;
    let reference: Reference = "prod:PEOPLE/PAY_FEED".parse().unwrap();
    for _ in 0..3 {
        let fetched = fetch_bytes(Some(&workspace), &reference).await.unwrap();
        assert_eq!(fetched.was, Some(Status::Active));
        let opened = fetched.open().unwrap();
        assert_eq!(opened.contents.integrations().len(), 1);
        let other = fetch_bytes(Some(&workspace), &reference).await.unwrap();
        assert!(compare(fetched, other).await.unwrap().comparison.same);
    }
    let tried = world.sim.calls("GET /projects/PEOPLE/integrations/PAY_FEED");
    assert!(tried >= 1);
    assert_eq!(
        world.sim.calls("PAY_FEED%7C01.00.0000/archive"),
        1,
        "the call that is not offered is asked once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_explorer_shows_the_project_before_the_code_and_finds_by_it() {
    let world = company().await;
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("PEOPLE/PAY_FEED").await;
    screen.keys("/people pay").wait("1 of 5").await;
    assert!(screen.shows("✗ 26 failed"), "{}", screen.text());
    screen.enter();
    screen.enter().wait("putPay").await;
    assert!(screen.shows("prod:PEOPLE/PAY_FEED"), "{}", screen.text());
}

#[test]
fn a_reference_from_an_older_journal_or_manifest_is_global() {
    let key: oicx::model::ArtifactKey =
        serde_json::from_str(r#"{"kind":"integration","code":"A","version":"01.00.0000"}"#)
            .unwrap();
    assert_eq!(key.scope, Scope::Global);
    let text = serde_json::to_string(&key).unwrap();
    assert!(!text.contains("scope"), "{text}");
    let inside = key.within("P".into());
    let text = serde_json::to_string(&inside).unwrap();
    assert!(text.contains(r#""scope":"P""#), "{text}");
    assert_eq!(serde_json::from_str::<oicx::model::ArtifactKey>(&text).unwrap(), inside);
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_have_a_page_and_a_folder_each() {
    let world = company().await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let site = world.folder.path().join("site");
    let (code, _, err) =
        run(oicx(&config), &["docs", "prod", "--to", site.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{err}");
    for page in ["TWIN-01.00.0000.md", "PEOPLE.TWIN-01.00.0000.md", "MONEY.LEDGER-01.00.0000.md"] {
        let text = std::fs::read_to_string(site.join("integrations").join(page)).unwrap();
        assert!(text.contains("get"), "{page}: {text}");
    }
    let tree = world.folder.path().join("tree");
    let (code, _, err) = run(oicx(&config), &["git", "--to", tree.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{err}");
    for folder in ["TWIN", "PEOPLE.TWIN", "PEOPLE.PAY_FEED"] {
        assert!(tree.join("prod/integrations").join(folder).is_dir(), "{folder}");
    }
}

/// A project's archive, which holds all of its integrations, is fetched once for whatever is done
/// with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_exported_once_for_all_of_its_integrations() {
    let world = company().await;
    let config = world.config_file("");
    let exports = |world: &World| world.sim.calls("POST /projects/PEOPLE/archive");
    for (command, of) in [
        (&["grep", "/pay", "prod"][..], "grep"),
        (&["deps", "prod:GLOBAL_ONE", "--reverse"], "deps"),
        (&["drift", "dev", "prod", "--brief"], "drift"),
    ] {
        let before = exports(&world);
        let (_, out, err) = run(oicx(&config), command).await;
        let sides = if of == "drift" { 2 } else { 1 };
        assert_eq!(exports(&world) - before, sides, "{of}: {out}{err}");
    }
    let before = exports(&world);
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("PEOPLE/PAY_FEED").await.idle().await;
    assert_eq!(exports(&world) - before, 2, "one for each environment");
}

/// Members of one stored file: each is read, and the file once.
#[tokio::test(flavor = "multi_thread")]
async fn a_stored_project_is_verified_in_all_of_its_parts() {
    let world = company().await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["verify", "--deep"]).await;
    assert_eq!(code, 0, "{out}{err}");
    // A manifest that says something else of one integration in the file is told.
    let store = world.store().await;
    let (path, manifest) = store.manifests().await.unwrap().pop().unwrap();
    let mut manifest = manifest.unwrap();
    let feed = manifest.entries.iter_mut().find(|e| e.code == "PAY_FEED").unwrap();
    assert!(feed.member.is_some());
    feed.fingerprint = feed.fingerprint.to_string().replace(|_: char| true, "0").parse().unwrap();
    store.overwrite(&path, serde_json::to_vec(&manifest).unwrap().into()).await.unwrap();
    let (code, out, err) = run(oicx(&config), &["verify", "--deep"]).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(format!("{out}{err}").contains("PEOPLE/PAY_FEED 01.00.0000 means"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_of_one_project_says_nothing_of_others() {
    let world = company().await;
    let config = world.config_file("");
    let args = ["--json", "drift", "dev", "prod", "--brief", "--project", "MONEY"];
    let (code, drift) = json(&config, &args).await;
    assert_eq!(code, 4);
    let all = drift["differences"].as_array().unwrap();
    assert!(!all.is_empty() && all.iter().all(|d| d["scope"] == "MONEY"), "{drift}");
    // Where it was moved to is told, although that lies outside of the project.
    world.sim.with_instance("dev", |dev| {
        let live = dev.integrations.remove(&id("PAY_FEED|01.00.0000|PEOPLE")).unwrap();
        dev.integrations.insert(id("LEDGER|01.00.0000"), live);
    });
    let (_, drift) = json(&config, &args).await;
    let ledger = drift["differences"].as_array().unwrap().iter().find(|d| d["code"] == "LEDGER");
    assert!(ledger.unwrap().get("elsewhere").is_some_and(|e| e.is_null()), "{drift}");
    let (code, _, err) =
        run(oicx(&config), &["drift", "dev", "prod", "--project", "NOTHING"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("neither dev nor prod has anything in a project NOTHING"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_are_narrowed_to_one_project_by_a_key_and_a_list_with_counts() {
    let world = company().await;
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("PEOPLE/PAY_FEED").await.idle().await;
    screen.keys("p").wait("╭ Projects").await;
    // What fails comes first, after all.
    let people = screen.line("People");
    assert!(people.contains("2 rows") && people.contains("1 failing"), "{}", screen.text());
    screen.keys("mon").enter();
    assert!(screen.shows("MONEY/LEDGER") && !screen.shows("PAY_FEED"), "{}", screen.text());
    assert!(screen.shows("1 row ·") && screen.shows("─ MONEY"), "{}", screen.text());
    screen.esc();
    assert!(screen.shows("PEOPLE/PAY_FEED") && screen.shows("5 rows"), "{}", screen.text());
    screen.keys("p").wait("╭ Projects").await;
    screen.keys("zzz");
    assert!(screen.shows("nothing matches"), "{}", screen.text());
    screen.enter().esc();
    assert!(screen.shows("5 rows"), "nothing was chosen: {}", screen.text());
    // A project is in itself.
    while !screen.shows("Projects ▾") {
        screen.keys("K");
    }
    screen.keys("p").wait("╭ Projects").await;
    assert!(screen.line("People").contains("1 row"), "{}", screen.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_the_global_space_are_shown_before_all_projects_have_answered() {
    let world = company().await;
    world.fault("latency=2500ms env=prod path=/projects/PEOPLE/integrations");
    world.fault("latency=800ms env=prod path=/projects/MONEY/integrations");
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("GLOBAL_ONE").await;
    // A project that has answered does not wait for the others.
    screen.wait("MONEY/LEDGER").await;
    assert!(!screen.shows("PEOPLE/TWIN"), "{}", screen.text());
    // PAY_FEED, which dev told already, is not said to be missing on prod.
    if screen.shows("PAY_FEED") {
        assert!(!screen.line("PAY_FEED").contains('–'), "{}", screen.text());
    }
    screen.wait("PEOPLE/TWIN").await.wait("5 rows").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_is_told_and_compared_with_where_it_is_now() {
    let world = company().await;
    // On dev the ledger is in the global space, on prod in its project.
    let config = world.config_file("");
    let copy = ["promote", "prod:LEDGER", "--to", "dev", "--into", "global", "--yes"];
    let (code, out, err) = run(oicx(&config), &copy).await;
    assert_eq!(code, 1, "a part of a project's archive cannot be sent: {out}{err}");
    world.sim.with_instance("dev", |dev| {
        let ledger = id("LEDGER|01.00.0000");
        let twin = id("PAY_FEED|01.00.0000|PEOPLE");
        let live = dev.integrations.remove(&twin).unwrap();
        dev.integrations.insert(ledger, live);
    });
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("MONEY/LEDGER").await.idle().await;
    screen.keys("/money ledger").enter().keys("1");
    assert!(screen.shows("on dev it is in global; c compares with that one"), "{}", screen.text());
    screen.keys("c").wait("MONEY/LEDGER prod live 01.00.0000").await;
    assert!(screen.shows("LEDGER dev live 01.00.0000"), "{}", screen.text());
    // In the base's own column its backup would be compared, which is of another scope.
    screen.esc().esc().keys("/dev").esc();
    screen.keys("/ledger").enter().keys("2").wait("on prod it is in MONEY").await;
    screen.keys("c").wait("prod has no LEDGER there; it is in MONEY").await;
}

/// A project stands among its like as what is in it does: it fails and differs where that does.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_fails_and_differs_as_what_is_in_it_does() {
    let world = company().await;
    let config = world.config_file("");
    let list = async |flag: &str| {
        let (code, list) = json(&config, &["list", "--kind", "projects", flag, "--json"]).await;
        assert_eq!(code, 0, "{list}");
        let rows = list["rows"].as_array().unwrap().clone();
        rows.into_iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("--failing").await, ["PEOPLE"]);
    let (_, out, _) = run(oicx(&config), &["list", "--kind", "projects"]).await;
    let people = out.lines().find(|l| l.starts_with("PEOPLE")).unwrap();
    assert!(people.contains("failed"), "{out}");
    assert!(list("--differs").await.contains(&"PEOPLE".to_owned()), "TWIN is on prod alone");
}

/// What the last backup had and is there no more has a row, so that it can be looked at and brought
/// back; once a newer backup lacks it, too, its history alone has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_since_the_last_backup_has_a_row_and_comes_back_by_a_key() {
    let world = company().await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let money = Scope::of_project("MONEY");
    world.sim.with_instance("prod", |i| {
        i.others.projects.remove("MONEY");
        i.integrations.retain(|id, _| id.scope != money);
    });
    let (code, list) = json(&config, &["list", "prod", "--kind", "projects", "--json"]).await;
    assert_eq!(code, 0, "{list}");
    let rows = list["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["code"] == "MONEY").unwrap();
    let cell = &row["cells"]["prod"];
    assert_eq!((&cell["gone"], &cell["version"]), (&true.into(), &serde_json::Value::Null));
    assert!(
        rows.iter()
            .filter(|row| row["code"] != "MONEY")
            .all(|r| r["cells"]["prod"].get("gone").is_none())
    );
    let (_, out, _) = run(oicx(&config), &["list", "prod", "--filter", "MONEY/LEDGER"]).await;
    assert!(out.contains("– gone"), "{out}");
    // In the explorer, its page opens from the store, and a plan brings it back.
    let mut screen = Screen::start(world.workspace().await, (160, 30));
    screen.wait("versions").await.idle().await;
    screen.keys("/money ledger").enter().keys("2");
    assert!(screen.line("MONEY/LEDGER").contains("– gone"), "{}", screen.text());
    let told = "gone since the last backup: deleted, or hidden from this account";
    assert!(screen.shows(told), "{}", screen.text());
    screen.enter().wait("store:prod/MONEY/LEDGER").await.esc().esc();
    while !screen.shows("Projects ▾") {
        screen.keys("K");
    }
    screen.keys("/money").enter().keys("r").wait("which version?").await;
    screen.enter().wait("import: prod has no project MONEY").await;
    drop(screen);
    take_backup(&world, "prod").await;
    let (_, out, _) = run(oicx(&config), &["list", "prod", "--filter", "MONEY/LEDGER"]).await;
    assert!(!out.contains("gone"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_stand_under_the_heads_of_their_projects_which_fold() {
    let world = company().await;
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("PEOPLE/PAY_FEED").await.idle().await;
    screen.keys("z");
    let head = screen.line("▾ PEOPLE");
    assert!(head.contains("2 rows") && head.contains("1 failing"), "{}", screen.text());
    assert!(!screen.shows("PEOPLE/PAY_FEED") && screen.shows("PAY_FEED"), "{}", screen.text());
    assert!(screen.shows("5 rows ·"), "heads are no rows: {}", screen.text());
    // The head of the global space is the first line; a verb on it says what it is.
    screen.key(crossterm::event::KeyCode::Home).keys("c");
    assert!(screen.shows("this is the head of global: Enter folds it"), "{}", screen.text());
    screen.enter();
    assert!(screen.shows("▸ global") && !screen.shows("GLOBAL_ONE"), "{}", screen.text());
    assert!(screen.shows("5 rows ·"), "what is folded is counted: {}", screen.text());
    screen.keys(" ");
    assert!(screen.shows("2 marked"), "{}", screen.text());
    screen.keys("u");
    // What is typed ranks over all scopes.
    screen.keys("/feed");
    assert!(screen.shows("PEOPLE/PAY_FEED") && !screen.shows("▾ PEOPLE"), "{}", screen.text());
    screen.esc();
    assert!(screen.shows("▾ PEOPLE"), "{}", screen.text());
    screen.keys("z");
    assert!(screen.shows("PEOPLE/PAY_FEED") && screen.shows("GLOBAL_ONE"), "{}", screen.text());
}

/// A flow of the global space calls a code that only projects have: where one has it, it opens;
/// where several have it, a person chooses among their rows.
#[tokio::test(flavor = "multi_thread")]
async fn a_called_code_that_several_projects_have_is_a_choice() {
    let calling = LANDSCAPE
        .replace("name = \"Global one\"\n", "name = \"Global one\"\ncalls = [\"LEDGER\"]\n");
    let twice = calling.replace("[\"PAY_FEED\"]", "[\"PAY_FEED\", \"LEDGER\"]");
    let choice = "LEDGER is in MONEY and PEOPLE: choose one";
    for (landscape, shown) in [(calling, "prod:MONEY/LEDGER"), (twice, choice)] {
        let world = World::of(&landscape).await;
        let mut screen = Screen::start(world.workspace().await, (120, 32));
        screen.wait("MONEY/LEDGER").await.idle().await;
        screen.keys("/global").enter().enter().wait("Dependencies").await;
        screen.keys("4").wait("is needed by").await;
        screen.keys("/ledger").enter().enter().wait(shown).await;
        assert!(screen.shows("MONEY/LEDGER"), "{}", screen.text());
    }
}

/// Pages link within their own scope, and both versions of one code stand in the history.
#[tokio::test(flavor = "multi_thread")]
async fn pages_and_the_history_tell_twins_and_versions_apart() {
    let world = company().await;
    let second = |i: &mut oicx::sim::ServiceInstance| {
        let live = i.get(&id("PAY_FEED|01.00.0000|PEOPLE")).unwrap().clone();
        i.integrations.insert(id("PAY_FEED|01.01.0000|PEOPLE"), live);
    };
    world.sim.with_instance("prod", second).unwrap();
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let (pages, history) = (world.folder.path().join("pages"), world.folder.path().join("history"));
    let (code, out, err) =
        run(oicx(&config), &["docs", "prod", "--to", pages.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{out}{err}");
    let page = |name: &str| {
        let path = pages.join("integrations").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let (own, global) = (page("PEOPLE.TWIN-01.00.0000.md"), page("TWIN-01.00.0000.md"));
    assert!(own.contains("connections/PEOPLE.HCM.md") && own.contains("PEOPLE/TWIN"), "{own}");
    assert!(!own.contains("connections/HCM.md"), "{own}");
    assert!(global.contains("connections/HCM.md"), "{global}");
    // A project's page leads to each version, and to what lies beside them.
    let people = std::fs::read_to_string(pages.join("projects/PEOPLE.md")).unwrap();
    for link in [
        "(../integrations/PEOPLE.PAY_FEED-01.00.0000.md) 01.00.0000",
        "(../integrations/PEOPLE.PAY_FEED-01.01.0000.md) 01.01.0000",
        "## Connections\n\n- [HCM](../connections/PEOPLE.HCM.md)",
        "- [UNUSED](../lookups/PEOPLE.UNUSED.md)",
        "## Access lists\n\n- [PEOPLE](",
    ] {
        assert!(people.contains(link), "{link}: {people}");
    }
    let (code, out, err) = run(oicx(&config), &["git", "--to", history.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{out}{err}");
    let tree = crate::store_upkeep::tree(&history);
    for version in ["01.00.0000", "01.01.0000"] {
        let of = format!("projects/PEOPLE/PAY_FEED@{version}/");
        assert!(tree.keys().any(|path| path.replace('\\', "/").contains(&of)), "{:?}", tree.keys());
    }
}

/// What is there and needed by nothing is not said to be unknown.
#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_needs_is_told_apart_from_what_is_not_there() {
    let world = company().await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    for of in ["store:prod/global/lookups/UNUSED", "store:prod/PEOPLE/lookups/UNUSED"] {
        let (code, out, err) = run(oicx(&config), &["deps", of, "--reverse"]).await;
        assert_eq!(code, 0, "{of}: {out}{err}");
        assert!(err.contains("nothing needs it"), "{of}: {out}{err}");
    }
    let none = ["deps", "store:prod/lookups/NOT_THERE", "--reverse"];
    let (code, _, err) = run(oicx(&config), &none).await;
    assert_eq!(code, 1);
    assert!(err.contains("nothing named NOT_THERE"), "{err}");
}
