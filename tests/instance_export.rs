//! The export of a whole instance: planned, started, followed, and noted by the next snapshot.

use rstest::rstest;
use serde_json::Value;

use crate::cli::{json, oicx, run};
use crate::support::World;

const TOKEN: &str = "swift-auth-token-4711";

/// A world whose config names an object storage, and the config's path.
async fn with_storage() -> (World, std::path::PathBuf) {
    let world = World::new().await;
    let secret = world.store_folder().with_file_name("swift");
    std::fs::write(&secret, TOKEN).unwrap();
    let text = std::fs::read_to_string(world.config_file("")).unwrap();
    let storage = format!(
        "{text}[environments.prod.instance_storage]\nurl = \"https://swift.example/v1/acme\"\nuser \
            = \"backup@acme\"\nauth_token = {{ file = {secret:?} }}\n"
    );
    let path = world.config_file("");
    std::fs::write(&path, storage).unwrap();
    (world, path)
}

const EXPORT: [&str; 6] = ["instance-export", "prod", "--to", "NIGHTLY", "--poll-ms", "10"];

fn started(world: &World) -> usize {
    world.sim.calls("prod POST /exportServiceInstanceArchive")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_planned_started_followed_and_noted_by_the_next_snapshot() {
    let (world, config) = with_storage().await;
    world.sim.with_instance("prod", |i| i.settings.manners.instance_job_ms = 300).unwrap();
    let (code, plan) = json(&config, &[&EXPORT[..], &["--plan", "--json"]].concat()).await;
    assert_eq!((code, started(&world)), (0, 0), "{plan}");
    assert_eq!(plan["bucket"], "https://swift.example/v1/acme/NIGHTLY");
    // Nobody can be asked here.
    let (code, _, err) = run(oicx(&config), &EXPORT).await;
    assert_eq!((code, started(&world)), (2, 0), "{err}");
    let (code, done) =
        json(&config, &[&EXPORT[..], &["--confirm", "prod", "--json"]].concat()).await;
    assert_eq!((code, started(&world)), (0, 1), "{done}");
    assert_eq!(done["status"], "COMPLETED", "{done}");
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("whole instance: exported"), "{out}");
    assert!(out.contains("to https://swift.example/v1/acme/NIGHTLY as 1"), "{out}");
    let (_, verified) = json(&config, &["verify", "--deep", "--json"]).await;
    assert_eq!(verified["problems"], serde_json::json!([]), "{verified}");
    // Another store gets the note as well.
    let mirror = world.store_folder().with_file_name("mirror");
    let (code, _, err) = run(oicx(&config), &["copy", "--to", mirror.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{err}");
    assert_eq!(std::fs::read_dir(mirror.join("prod/instance-exports")).unwrap().count(), 1);
    // The secret is in nothing that was written.
    for written in [plan.to_string(), done.to_string(), out, err] {
        assert!(!written.contains(TOKEN), "{written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_left_and_followed_later() {
    let (world, config) = with_storage().await;
    world.sim.with_instance("prod", |i| i.settings.manners.instance_job_ms = 3_600_000).unwrap();
    let (code, left) =
        json(&config, &[&EXPORT[..], &["--no-wait", "--confirm", "prod", "--json"]].concat()).await;
    assert_eq!((code, left["job"].as_str()), (0, Some("1")), "{left}");
    let follow = ["instance-export", "prod", "--job", "1", "--poll-ms", "10"];
    let (code, _, err) =
        run(oicx(&config), &[&follow[..], &["--wait-minutes", "0"]].concat()).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("job 1 is still RUNNING") && err.contains("--job 1 follows it"), "{err}");
    // Another one is refused while it runs.
    let (code, _, err) = run(oicx(&config), &[&EXPORT[..], &["--confirm", "prod"]].concat()).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("Another export or import is running"), "{err}");
}

#[rstest]
#[case::used("status=409 method=POST path=/exportService", "409")]
#[case::forbidden("status=403 method=POST path=/exportService", "403")]
#[case::not_offered("status=404 method=POST path=/exportService", "404")]
#[case::no_json("html method=POST path=/exportService", "a page")]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_refuses_is_told(#[case] fault: &str, #[case] says: &str) {
    let (world, config) = with_storage().await;
    world.fault(fault);
    let (code, out, err) =
        run(oicx(&config), &[&EXPORT[..], &["--confirm", "prod"]].concat()).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains(says) && err.contains('→'), "{err}");
    assert!(!err.contains(TOKEN), "{err}");
}

#[rstest]
#[case::nothing("", "not the name")]
#[case::a_way_up("..", "not the name")]
#[case::in_the_clear("http://swift.example/b", "not https")]
#[case::with_a_password("https://me:hunter2@swift.example/b", "carries a user or password")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_bucket_is_refused(#[case] bucket: &str, #[case] says: &str) {
    let (world, config) = with_storage().await;
    let export = ["instance-export", "prod", "--to", bucket, "--confirm", "prod"];
    let (code, out, err) = run(oicx(&config), &export).await;
    assert_eq!((code, started(&world)), (1, 0), "{out}{err}");
    assert!(out.contains(says) && !format!("{out}{err}").contains("hunter2"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_known_yet_is_waited_for_and_one_that_is_refused_is_told() {
    let (world, config) = with_storage().await;
    world.fault("status=404 times=2 method=GET path=/exportService");
    let (code, done) =
        json(&config, &[&EXPORT[..], &["--confirm", "prod", "--json"]].concat()).await;
    assert_eq!((code, done["status"].as_str()), (0, Some("COMPLETED")), "{done}");
    world.fault("status=400 method=GET path=/exportService");
    let follow = ["instance-export", "prod", "--job", "1", "--poll-ms", "10"];
    let (code, _, err) = run(oicx(&config), &follow).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("400") && err.contains("--job 1 follows it"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_storage_or_a_right_to_change_nothing_is_started() {
    let world = World::new().await;
    let config = world.config_file("");
    let (code, plan) = json(&config, &[&EXPORT[..], &["--plan", "--json"]].concat()).await;
    let blocker = |plan: &Value| {
        let checks = plan["checks"].as_array().unwrap();
        let blocker = checks.iter().find(|c| c["level"] == "blocker").unwrap();
        blocker["what"].as_str().unwrap().to_owned()
    };
    assert_eq!(code, 1, "{plan}");
    assert!(blocker(&plan).contains("names no object storage for prod"), "{plan}");
    let (world, config) = with_storage().await;
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("[environments.prod]\n", "[environments.prod]\nread_only = true\n"),
    )
    .unwrap();
    let (code, plan) = json(&config, &[&EXPORT[..], &["--plan", "--json"]].concat()).await;
    assert_eq!(code, 1, "{plan}");
    assert!(blocker(&plan).contains("read"), "{plan}");
    let (code, _, err) = run(oicx(&config), &[&EXPORT[..], &["--confirm", "prod"]].concat()).await;
    assert_eq!((code, started(&world)), (1, 0), "{err}");
}
