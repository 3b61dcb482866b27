//! What `--plan` prints, a picture a strategy and a blocker. What is of the moment (times, ids,
//! folders, ports) is replaced. `INSTA_UPDATE=always cargo test plans::` writes the pictures anew;
//! each is read by eye before it is kept.

use oicx::model::Kind;

use crate::cli::{oicx, run};
use crate::store::{change_in_place, take_backup};
use crate::support::{World, id, key};

const OF_THE_MOMENT: &[(&str, &str)] = &[
    (r"\d{4}-\d{2}-\d{2}T\d{6}Z(-(restore|promote|rollback|drill))?(-[0-9a-f]+)?", "<id>"),
    (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?( UTC|Z)?", "<time>"),
    (r"\b\d{2}:\d{2}(:\d{2})?\b", "<clock>"),
    (r"\b(just now|in \d+ ?[smhdw]\w*|\d+ ?[smhdw] ago)", "<age>"),
    (r"SIM[0-9A-F]+/\d+", "<request>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"/\S*/\.tmp\w+", "<folder>"),
    (r"\b[0-9a-f]{8,64}\b", "<fingerprint>"),
    (r"\d+(\.\d+)? ?(KB|bytes)", "<size>"),
];

/// Runs a command that plans and compares what it prints with the picture.
async fn picture(name: &str, world: &World, arguments: &[&str]) {
    let config = world.config_file("");
    let mut command = arguments.to_vec();
    command.push("--plan");
    let mut tool = oicx(&config);
    tool.env("TZ", "UTC");
    let (code, out, err) = run(tool, &command).await;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/plans");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, word) in OF_THE_MOMENT {
        settings.add_filter(pattern, *word);
    }
    let shown = format!("oicx {}\nends with {code}\n{out}{err}", command.join(" "));
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

async fn backed_up() -> World {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    take_backup(&world, "dev").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_what_was_changed_in_place() {
    let world = backed_up().await;
    change_in_place(&world, "prod");
    picture("replace", &world, &["restore", "store:prod/SYNC", "--to", "prod"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_what_is_gone() {
    let world = backed_up().await;
    let prod = world.client("prod");
    prod.delete_one(&key(Kind::Integration, "ORDERS|01.01.0000")).await.unwrap();
    picture("import", &world, &["restore", "store:prod/ORDERS@01.01.0000", "--to", "prod"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn activating_what_is_there() {
    let world = backed_up().await;
    picture("activate", &world, &["restore", "store:prod/ORDERS@01.01.0000", "--to", "prod"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_nothing_where_it_runs_already() {
    let world = backed_up().await;
    picture("nothing_to_do", &world, &["restore", "store:dev/SYNC", "--to", "dev"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_stand_or_fall_together() {
    let world = backed_up().await;
    change_in_place(&world, "prod");
    let what = ["restore", "store:prod/SYNC", "store:prod/ORDERS@01.01.0000", "--to", "prod"];
    picture("several", &world, &what).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blockers_with_what_to_do() {
    let world = backed_up().await;
    picture("missing_connection", &world, &["restore", "store:dev/LONELY", "--to", "prod"]).await;
    world.sim.with_instance("prod", |i| {
        i.get_mut(&id("SYNC|01.00.0000")).unwrap().locked_by = Some("m.rossi".into())
    });
    change_in_place(&world, "prod");
    picture("locked", &world, &["restore", "store:prod/SYNC", "--to", "prod"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promoting_and_rehearsing() {
    let world = World::of(include_str!("support/two.toml")).await;
    for environment in ["test", "prod"] {
        take_backup(&world, environment).await;
    }
    picture("promote", &world, &["promote", "test:SYNC", "--to", "prod"]).await;
    picture("drill", &world, &["drill", "prod", "--in", "empty"]).await;
    picture("snapshot", &world, &["restore", "--snapshot", "prod", "--to", "empty"]).await;
}
