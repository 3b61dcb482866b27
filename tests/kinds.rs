//! Every kind: taken into a snapshot, told apart, inspected, compared; what is not offered or not
//! allowed is noted.

use oicx::model::{ArtifactKey, ArtifactName, Kind, Reference};
use oicx::ops::backup::{self, BackupSelection};
use oicx::ops::summary::{self, Baseline};
use oicx::workspace::events::Events;
use tokio_util::sync::CancellationToken;

use crate::cli::{json, oicx, run};
use crate::store::take_backup;
use crate::support::{World, name, screen::Screen};

pub const COMPANY: &str = include_str!("support/company.toml");

async fn company() -> World {
    World::of(COMPANY).await
}

#[tokio::test]
async fn a_backup_takes_every_kind_and_the_next_downloads_nothing() {
    let world = company().await;
    let outcome = take_backup(&world, "prod").await;
    assert!(outcome.failed.is_empty() && outcome.unseen.is_empty(), "{outcome:?}");
    let index = world.store().await.index().await.unwrap();
    let count = |kind| index.versions().iter().filter(|v| v.kind == kind).count();
    let all: Vec<(Kind, usize)> = Kind::ALL.into_iter().map(|k| (k, count(k))).collect();
    assert_eq!(
        all,
        [
            // One of them in the project, with connections of its own.
            (Kind::Integration, 4),
            (Kind::Connection, 6),
            (Kind::Lookup, 2),
            (Kind::Library, 1),
            (Kind::Package, 1),
            (Kind::Project, 1),
            (Kind::Certificate, 1),
            (Kind::Agent, 1),
            (Kind::Schedule, 1),
            (Kind::Access, 1)
        ]
    );
    assert_eq!((outcome.downloaded, outcome.described), (8, 10));
    let project = index
        .history(&name("prod"), &oicx::model::ArtifactName::new(Kind::Project, "CORE"))
        .next()
        .unwrap();
    assert_eq!(project.members, ["CORE_FEED|01.00.0000"]);
    let again = take_backup(&world, "prod").await;
    // The locked one was never taken.
    assert_eq!(again.downloaded, 0, "{again:?}");
    assert_eq!(
        index.len(),
        world.store().await.index().await.unwrap().len(),
        "nothing new is kept"
    );
}

#[tokio::test]
async fn a_change_inside_shows_in_its_package_and_project() {
    let world = company().await;
    take_backup(&world, "prod").await;
    crate::store::change_in_place(&world, "prod");
    let outcome = take_backup(&world, "prod").await;
    assert_eq!(outcome.downloaded, 2, "the integration, its package: {outcome:?}");
    let index = world.store().await.index().await.unwrap();
    let package = ArtifactName::new(Kind::Package, "acme.core");
    assert_eq!(index.history(&name("prod"), &package).count(), 2);
}

#[tokio::test]
async fn what_is_not_offered_or_not_allowed_is_noted_and_not_taken_for_removed() {
    let world = company().await;
    let dev = take_backup(&world, "dev").await;
    assert!(dev.failed.is_empty(), "{dev:?}");
    let told: Vec<&str> = dev.unseen.iter().map(|u| u.reason.as_str()).collect();
    assert_eq!(told, ["the role may not see certificates (403)"]);
    let old = world.environment("old");
    let client = world.client_of(oicx::config::EnvironmentConfig { instance: None, ..old });
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let plan = backup::plan(&client, &store, &index, &BackupSelection::default()).await.unwrap();
    let outcome =
        backup::run(&client, &store, &index, plan, &Events::silent(), &CancellationToken::new())
            .await
            .unwrap();
    assert!(
        outcome.unseen.iter().any(|u| u.reason == "this instance does not offer projects (404)"),
        "{outcome:?}"
    );
    // A list that fails for another reason is a failure, and says nothing of what was there.
    take_backup(&world, "prod").await;
    world.fault("status=500 path=/lookups env=prod");
    let outcome = take_backup(&world, "prod").await;
    assert_eq!(outcome.failed[0].artifact, ArtifactKey::new(Kind::Lookup, "", None));
    let client = world.client("prod");
    let summary = summary::of(&client, &store, outcome, &Baseline::Previous).await.unwrap();
    assert!(summary.changes.is_empty(), "{:?}", summary.changes);
}

#[tokio::test]
async fn the_summary_says_what_changed_by_whom_and_which_certificates_end() {
    let world = company().await;
    let (client, store) = (world.client("prod"), world.store().await);
    let before =
        BackupSelection { before: Some("deploy 4711".into()), ..BackupSelection::default() };
    let index = store.index().await.unwrap();
    let plan = backup::plan(&client, &store, &index, &before).await.unwrap();
    backup::run(&client, &store, &index, plan, &Events::silent(), &CancellationToken::new())
        .await
        .unwrap();
    take_backup(&world, "prod").await;
    world.sim.with_instance("prod", |i| {
        i.edit_lookup("Country Codes", "k.lindqvist", |rows| {
            rows.push(vec!["FR".into(), "FRA".into()])
        });
        i.others.libraries.clear();
    });
    let outcome = take_backup(&world, "prod").await;
    let summary = summary::of(&client, &store, outcome, &Baseline::Label(None)).await.unwrap();
    assert_eq!(summary.since.as_ref().unwrap().label, "before deploy 4711");
    let lines = summary.lines();
    let has = |text: &str| assert!(lines.iter().any(|l| l.contains(text)), "{text}: {lines:#?}");
    has("0 added, 1 changed, 1 removed");
    has("~ lookup Country Codes: 1 row, by k.lindqvist");
    has("- library RULES 01.00.0000");
    has("certificate CA ends on");
    assert_eq!(summary.expiring[0].days, 11);
    assert_eq!(summary.changes[0].audit[0].user, "k.lindqvist");
    // Without the role, the audit is left out and the rest stays.
    world.fault("status=403 path=/auditRecords");
    let outcome = take_backup(&world, "prod").await;
    let summary =
        summary::of(&client, &store, outcome, &Baseline::Label(Some("deploy 4711".into())))
            .await
            .unwrap();
    assert_eq!(
        (summary.changes.len(), summary.no_audit.as_deref()),
        (2, Some("not allowed for this role (403)"))
    );
    let missing = Baseline::Label(Some("deploy 1".into()));
    let outcome = take_backup(&world, "prod").await;
    let error = summary::of(&client, &store, outcome, &missing).await.unwrap_err().to_string();
    assert!(error.contains("deploy 1") && error.contains("oicx snapshots prod"), "{error}");
}

#[tokio::test]
async fn each_kind_is_named_fetched_and_compared_live_and_stored() {
    let world = company().await;
    take_backup(&world, "prod").await;
    let workspace = world.workspace().await;
    let index = workspace.index().await.unwrap();
    for version in index.versions() {
        let stored = version.reference();
        let text = stored.to_string();
        assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        let live = Reference::Live {
            environment: version.environment.clone(),
            target: version.name_of().into(),
            version: version.version,
        };
        let text = live.to_string();
        assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        let (a, b) = (
            oicx::workspace::source::fetch_bytes(Some(&workspace), &stored).await.unwrap(),
            oicx::workspace::source::fetch_bytes(Some(&workspace), &live).await.unwrap(),
        );
        let compared = oicx::ops::compare::compare(a, b).await.unwrap();
        assert!(compared.comparison.same, "{live}: {:?}", compared.comparison.changes);
    }
    let missing: Reference = "prod:lookups/NOTHING".parse().unwrap();
    let error = oicx::workspace::source::fetch_bytes(Some(&workspace), &missing)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("prod has no lookup NOTHING") && error.contains("--kind lookups"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_know_every_kind() {
    let world = company().await;
    let config = world.config_file("");
    let (code, _, err) = run(oicx(&config), &["backup", "prod", "--since-deploy"]).await;
    assert_eq!(code, 2);
    assert!(
        err.contains("prod has no snapshot that was taken with --before")
            && err.contains("nothing was taken"),
        "{err}"
    );
    assert_eq!(world.sim.calls("/archive"), 0);
    let (code, out, err) =
        run(oicx(&config), &["backup", "prod", "--tag", "first", "--before", "deploy 1"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("certificate CA ends on"), "{out}");
    let lines: Vec<serde_json::Value> =
        err.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(
        (&lines[0]["about"], &lines[0]["event"], &lines[0]["count"]),
        (&"prod".into(), &"total".into(), &19.into())
    );
    assert_eq!(lines.len(), 20, "a line a file");
    let (_, out, err) = run(oicx(&config), &["--quiet", "backup", "prod"]).await;
    assert!(err.is_empty() && out.contains("0 downloaded"), "{out}{err}");
    world.sim.with_instance("prod", |i| {
        i.edit_lookup("Country Codes", "k.lindqvist", |r| r[0][1] = "DEU".into())
    });
    let (code, out, _) = run(oicx(&config), &["backup", "prod", "--since-deploy"]).await;
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("(before deploy 1, first): 0 added, 1 changed, 0 removed"), "{out}");
    let (code, out, _) = run(oicx(&config), &["snapshots"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("before deploy 1, first"), "{out}");
    let (code, out, _) =
        run(oicx(&config), &["inspect", "store:prod/global/connections/HCM"]).await;
    assert_eq!(code, 0);
    assert!(
        out.contains("https://hcm-prod.example") && out.contains("a restore asks for it"),
        "{out}"
    );
    let (code, out, _) = run(
        oicx(&config),
        &["diff", "store:prod/lookups/Country Codes~1", "prod:lookups/Country Codes"],
    )
    .await;
    assert_eq!(code, 4);
    assert!(out.contains("DEU"), "{out}");
    let (code, out, _) = run(oicx(&config), &["list", "prod", "--kind", "certificates"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("CA"), "{out}");
    let (code, history) = json(&config, &["history", "lookups/Country Codes", "--json"]).await;
    assert_eq!((code, history["versions"].as_array().unwrap().len()), (0, 2));
    assert_eq!(history["versions"][0]["change"], "≠ 1 row");
    let (code, _, err) = run(oicx(&config), &["history", "lookups/NOTHING"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("no version of the lookup NOTHING"), "{err}");
    let restore = ["restore", "store:prod/lookups/Country Codes", "--to", "dev", "--plan"];
    let (code, out, err) = run(oicx(&config), &restore).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("restore lookup Country Codes to dev") && out.contains("archive whole"),
        "{out}"
    );
    let restore = ["restore", "store:prod/connections/HCM", "--to", "dev", "--plan"];
    let (code, _, err) = run(oicx(&config), &restore).await;
    assert_eq!(code, 1);
    assert!(err.contains("is a connection: it has no file that could be sent"), "{err}");
    let (code, _, err) = run(oicx(&config), &["backup", "--kind", "things"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("certificates"), "{err}");
}

#[tokio::test]
async fn the_explorer_opens_every_kind_and_says_what_cannot_be_seen() {
    let world = company().await;
    take_backup(&world, "prod").await;
    world.sim.with_instance("prod", |i| {
        i.edit_lookup("Country Codes", "k.lindqvist", |r| r[0][1] = "DEU".into())
    });
    // The base is the last column: without the Generation 2 instance that is prod.
    let mut workspace = world.workspace().await;
    workspace.environments.retain(|c| c.name().as_str() != "old");
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("K").keys("/HCM").enter().enter().wait("https://hcm-prod.example").await;
    assert!(screen.shows("password") && screen.shows("a restore asks for it"), "{}", screen.text());
    assert!(screen.shows("[Overview] Dependencies Files History"), "no tab that it does not have");
    screen.keys("2").wait("integration  SYNC").await;
    screen.esc().esc().keys("K").wait("Country Codes").await;
    screen.enter().wait("from │ to").await;
    screen.keys("c").wait("1 change in meaning").await;
    assert!(screen.shows("a, \"b\" → DEU"), "{}", screen.text());
    screen.wait("+DE,DEU").await.esc().keys("t").wait("k.lindqvist").await;
    assert!(screen.shows("1 entry of the audit"), "{}", screen.text());
    screen.esc().esc().keys("K").wait("RULES").await;
    screen.enter().wait("rules.js: grade").await;
    screen.esc().keys("K").wait("acme.core").await;
    screen.enter().wait("[Flow]").await;
    assert!(screen.shows("invoke putThing"), "{}", screen.text());
    screen.esc().keys("K").wait("CORE").await;
    screen.enter().wait("who may do what").await;
    screen.keys("2").wait("invoke putCore").await;
    screen.esc().keys("K").wait("Certificates").await;
    assert!(
        screen.line("CA ").contains("11d") && screen.line("CA ").contains('?'),
        "{}",
        screen.text()
    );
    let why = "certificates cannot be seen on dev: not allowed for this role (403)";
    screen.keys("1").wait(why).await;
    screen.keys("2").enter().wait("expiryDate").await;
    screen.esc().keys("K").wait("GROUP").await;
    assert!(screen.line("GROUP").contains("down"), "{}", screen.text());
    screen.keys("K").wait("Schedules").await;
    screen.enter().wait("icalExpression").await;
    assert!(
        screen.shows("FREQ=HOURLY") && screen.shows("prod:schedules/SYNC@01.00.0000"),
        "{}",
        screen.text()
    );
}
