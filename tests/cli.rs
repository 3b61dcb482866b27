//! The real binary: what it prints, how it ends.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::store::{change_in_place, take_backup};
use crate::support::{World, id};

pub fn oicx(config: &Path) -> Command {
    let mut command = Command::cargo_bin("oicx").unwrap();
    let home = config.parent().unwrap();
    command
        .env("OICX_CONFIG", config)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join("xdg"))
        .env_remove("HTTPS_PROXY");
    command.timeout(std::time::Duration::from_secs(60));
    command
}

/// Runs beside the simulator, which lives on this test's runtime.
pub async fn run(mut command: Command, arguments: &[&str]) -> (i32, String, String) {
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

pub async fn json(config: &Path, arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = run(oicx(config), arguments).await;
    let value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}"));
    (code, value)
}

#[tokio::test(flavor = "multi_thread")]
async fn list_backup_history_restore_from_end_to_end() {
    let world = World::new().await;
    let config = world.config_file("");
    let (code, backup) = json(&config, &["backup", "prod", "--json"]).await;
    assert_eq!(code, 0);
    let snapshot = &backup["snapshots"][0];
    assert_eq!(
        (snapshot["environment"].as_str(), snapshot["downloaded"].as_u64()),
        (Some("prod"), Some(4))
    );
    assert_eq!(snapshot["skipped"].as_array().unwrap().len(), 1);
    let (_, again) = json(&config, &["backup", "prod", "--json"]).await;
    assert_eq!(
        (again["snapshots"][0]["downloaded"].as_u64(), again["snapshots"][0]["unchanged"].as_u64()),
        (Some(0), Some(8))
    );

    let (code, list) = json(&config, &["list", "--json"]).await;
    assert_eq!(code, 0);
    let sync = list["rows"].as_array().unwrap().iter().find(|r| r["code"] == "SYNC").unwrap();
    assert_eq!(sync["kind"], "integration");
    assert_eq!(sync["cells"]["prod"]["version"], "01.00.0000");
    assert_eq!(sync["cells"]["prod"]["status"], "ACTIVATED");
    assert_eq!(sync["cells"]["dev"]["mark"], "=");
    assert_eq!(sync["store"]["versions"], 1);

    change_in_place(&world, "prod");
    let (code, plan) =
        json(&config, &["restore", "store:prod/SYNC", "--to", "prod", "--plan", "--json"]).await;
    assert_eq!((code, plan["way"].as_str()), (0, Some("replace")));
    assert!(plan["checks"].as_array().unwrap().iter().all(|c| c["level"] != "blocker"));
    assert_eq!(plan["steps"].as_array().unwrap().len(), 7);
    assert_eq!(world.sim.calls("prod PUT"), 0, "a plan changes nothing");

    let (code, out, err) =
        run(oicx(&config), &["restore", "store:prod/SYNC", "--to", "prod", "--yes"]).await;
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("--confirm prod"), "{err}");
    let (code, _, err) =
        run(oicx(&config), &["restore", "store:prod/SYNC", "--to", "prod", "--confirm", "dev"])
            .await;
    assert_eq!(code, 1, "{err}");
    assert_eq!(world.sim.calls("prod PUT"), 0);

    let (code, done) = json(
        &config,
        &["restore", "store:prod/SYNC", "--to", "prod", "--confirm", "prod", "--json"],
    )
    .await;
    assert_eq!((code, done["result"].as_str()), (0, Some("restored")), "{done}");
    assert_eq!(done["proof"]["wanted"], done["proof"]["found"]);
    let run_id = done["run"].as_str().unwrap();
    let (_, history) = json(&config, &["history", "SYNC", "--json"]).await;
    let versions = history["versions"].as_array().unwrap();
    let safety = versions.iter().find(|v| !v["stored"]["safety_run"].is_null()).unwrap();
    assert_eq!(safety["reference"], format!("store:prod/SYNC@run:{run_id}"));
    let (code, out, _) = run(
        oicx(&config),
        &["restore", safety["reference"].as_str().unwrap(), "--to", "prod", "--plan"],
    )
    .await;
    assert_eq!(code, 0);
    assert!(out.contains("replace"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_done_in_part_ends_with_3_and_one_that_failed_with_1() {
    let world = World::new().await;
    let config = world.config_file("");
    world.fault("status=404 path=/integrations/SYNC%7C01.00.0000/archive");
    let (code, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("✗ SYNC 01.00.0000: prod: export SYNC|01.00.0000: 404"), "{out}");
    world.sim.clear_faults();
    world.fault("status=403 env=dev");
    let (code, _, err) = run(oicx(&config), &["backup", "dev"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("403") && err.contains("ServiceViewer"), "{err}");
    let (code, out, err) = run(oicx(&config), &["list"]).await;
    assert_eq!(code, 3, "one environment answered: {err}");
    assert!(out.contains("ORDERS") && err.contains("dev: list integrations: 403"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_what_is_wrong_and_says_what_to_do() {
    let world = World::new().await;
    let config = world.config_file("");
    let (code, out, _) = run(oicx(&config), &["doctor"]).await;
    assert_eq!(code, 0, "{out}");
    for good in [
        "is valid and names 2 environments",
        "may be written",
        "sign-in works",
        "clock agrees",
        "the role may read: 3 integrations",
    ] {
        assert!(out.contains(good), "{good}: {out}");
    }
    let text = std::fs::read_to_string(&config).unwrap();
    let secret = text.split("file = \"").nth(1).unwrap().split('"').next().unwrap();
    std::fs::write(secret, "wrong!!!").unwrap();
    let (code, out, err) = run(oicx(&config), &["doctor"]).await;
    assert_eq!(code, 1);
    assert!(out.contains("sign-in refused (401)") && out.contains("client_secret"), "{out}");
    assert!(!format!("{out}{err}").contains("wrong!!!"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_is_wrong_ends_with_2_and_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let (code, _, err) = run(oicx(&config), &["list"]).await;
    assert_eq!(code, 2);
    assert!(
        err.contains("there is no config at")
            && err.contains("oicx init")
            && err.contains("oicx demo"),
        "{err}"
    );
    std::fs::write(&config, "store = \"/tmp\"\n[environments.prod]\nurll = \"x\"\n").unwrap();
    let (code, _, err) = run(oicx(&config), &["list"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("config.toml:3:1") && err.contains("urll"), "{err}");
    std::fs::write(
        &config,
        "[environments.prod]\nurl = \"https://x.example\"\nauth = \
        { type = \"basic\", user = \"u\", password = \"hunter2\" }\n",
    )
    .unwrap();
    let (code, _, err) = run(oicx(&config), &["doctor"]).await;
    assert_eq!(code, 2);
    assert!(!err.contains("hunter2") && err.contains("keyring"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_a_config_once_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("new/config.toml");
    let (code, out, _) = run(oicx(&config), &["init"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("oicx doctor"), "{out}");
    let (code, _, err) = run(oicx(&config), &["init"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("not touched"), "{err}");
    let (code, _, err) = run(oicx(&config), &["list"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("names no environment yet"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    for arguments in [
        vec!["restore", "nonsense", "--to", "prod"],
        vec!["restore", "store:prod/X"],
        vec!["list", "--kind", "cats"],
        vec!["sim", "--fault", "boom"],
        vec!["frobnicate"],
    ] {
        let (code, _, err) = run(oicx(&config), &arguments).await;
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(!err.is_empty());
    }
    let (code, _, err) = run(oicx(&config), &["sim", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("loopback"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_prints_its_matrix_where_nobody_looks_at_a_screen() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = run(oicx(&folder.path().join("none.toml")), &["demo"]).await;
    assert_eq!(code, 0, "{err}");
    let sync = out.lines().find(|l| l.starts_with("PEOPLE_CORE/EMPLOYEE_DATA_SYNC")).unwrap();
    assert!(sync.contains("✗ 212 failed") && sync.contains("4 versions"), "{sync}");
    assert!(err.contains("200 of 321 rows"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_exports_join_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let archives = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/archives");
    if !archives.is_dir() {
        println!("skipped: {} is not there", archives.display());
        return;
    }
    let arguments = ["demo", "--archives", archives.to_str().unwrap()];
    let (code, out, err) = run(oicx(&folder.path().join("none.toml")), &arguments).await;
    assert_eq!(code, 0, "{err}");
    for code in ["OIO_SAMPLE_BUSINESS_FLOW", "JITSIEVENTS", "OIC_LOG_COLLE_FTP_UNZIP_6"] {
        assert!(out.contains(code), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_the_manual_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("none.toml");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, out, _) = run(oicx(&config), &["completions", shell]).await;
        assert!(code == 0 && out.contains("oicx"), "{shell}");
    }
    let (code, out, _) = run(oicx(&config), &["man"]).await;
    assert!(code == 0 && out.contains(".TH oicx"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_written_is_told_and_nothing_is_lost() {
    let world = World::new().await;
    let config = world.config_file("");
    std::fs::write(world.store_folder(), "a file where the folder should be").unwrap();
    let (code, _, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("cannot be opened") && err.contains("store ="), "{err}");
    assert_eq!(
        std::fs::read_to_string(world.store_folder()).unwrap(),
        "a file where the folder should be"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_backup_ends_with_130_and_keeps_what_it_took() {
    use nix::{sys::signal, unistd::Pid};
    let world = World::new().await;
    let config = world.config_file("concurrency = 1\n");
    world.fault("latency=700ms path=/archive after=2");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_oicx"));
    let home = config.parent().unwrap();
    command
        .env("OICX_CONFIG", &config)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join("xdg"))
        .args(["backup", "prod"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    while world.sim.calls("/archive") < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    signal::kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal::Signal::SIGINT)
        .unwrap();
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(130),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("stopped before the end"), "{text}");
    let index = world.store().await.index().await.unwrap();
    assert!(!index.is_empty() && index.problems.is_empty());
}

/// Two majors of one code that are active together.
const TWO_MAJORS: &str = r#"
[[environment]]
name = "prod"
instance = "acme-prod"
clients = [{ id = "oicx", secret = "demo", role = "ServiceAdministrator" }]
[[connection]]
code = "OIC_REST"
name = "OIC REST"
adapter = "rest"
url = "https://oic.example"
[[integration]]
code = "ORDER_API"
[integration.flow]
name = "Orders"
source = { name = "a", connection = "OIC_REST", adapter = "rest", verb = "GET", resource = "/a" }
target = { name = "b", connection = "OIC_REST", adapter = "rest", verb = "POST", resource = "/b" }
fields = { n = "$n" }
[[integration.at]]
environment = "prod"
version = "01.00.0000"
updated = "now-90d"
runs = { received = 500, succeeded = 480, failed = 20, aborted = 0 }
[[integration.at]]
environment = "prod"
version = "02.00.0000"
updated = "now-9d"
runs = { received = 500, succeeded = 500, failed = 0, aborted = 0 }
"#;

#[tokio::test]
async fn a_version_that_fails_beside_the_one_that_is_shown_is_named() {
    let world = World::of(TWO_MAJORS).await;
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["list", "prod", "--failing"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("02.00.0000") && out.contains("failed in 01.00.0000"), "{out}");
    let (_, out, _) = run(oicx(&config), &["list", "prod", "--failing", "--json"]).await;
    let rows: Value = serde_json::from_str(&out).unwrap();
    let text = rows.to_string();
    assert!(text.contains(r#""active_too":[{"failed_runs":"#), "{text}");
    let mut screen = crate::support::screen::Screen::start(world.workspace().await, (120, 32));
    screen.wait("failed in 01.00.0000, active too").await;
}

#[tokio::test]
async fn who_edits_an_integration_and_who_has_not_saved_is_told_wherever_it_is_listed_or_planned() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    world.sim.with_instance("prod", |i| {
        let live = i.get_mut(&id("SYNC|01.00.0000")).unwrap();
        live.edit(|flow| flow.name = "Changed".into(), "j.doe");
        live.unsaved_by = Some("m.rossi".into());
    });
    let config = world.config_file("");
    let (_, out, _) = run(oicx(&config), &["list", "prod"]).await;
    let line = |code: &str| out.lines().find(|l| l.starts_with(code)).unwrap().to_owned();
    assert!(line("LOCKED").contains("locked by k.lindqvist"), "{out}");
    assert!(line("SYNC").contains("unsaved changes by m.rossi"), "{out}");
    let (_, out, _) = run(oicx(&config), &["list", "prod", "--json"]).await;
    assert!(out.contains(r#""locked_by": "k.lindqvist""#), "{out}");
    assert!(out.contains(r#""unsaved_by": "m.rossi""#), "{out}");
    let (_, out, _) = run(oicx(&config), &["backup", "prod"]).await;
    assert!(out.contains("unsaved changes of SYNC 01.00.0000 (m.rossi)"), "{out}");
    let plan = ["restore", "store:prod/SYNC@01.00.0000~1", "--to", "prod", "--plan"];
    let (_, out, err) = run(oicx(&config), &plan).await;
    assert!(out.contains("unsaved changes by m.rossi are in the console"), "{out}{err}");
    let mut screen = crate::support::screen::Screen::start(world.workspace().await, (120, 32));
    screen.wait("unsaved").await;
}

/// A result that was not written whole is no success, whatever the command found.
#[cfg(target_os = "linux")]
#[rstest::rstest]
#[case::version(&["--version"])]
#[case::help(&["--help"])]
#[case::completions(&["completions", "bash"])]
#[case::man(&["man"])]
#[case::a_report(&["inspect", "ARCHIVE"])]
#[case::json(&["inspect", "--json", "ARCHIVE"])]
fn a_full_disk_is_told(#[case] arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("x.iar");
    std::fs::write(&archive, crate::outside_input::whole()).unwrap();
    let arguments =
        arguments.iter().map(|a| if *a == "ARCHIVE" { archive.to_str().unwrap() } else { a });
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("oicx"))
        .args(arguments)
        .env("HOME", folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("was not written whole"), "{told}");
}

/// Archives carry keys: nobody else on the machine reads a store, a log or a transcript.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let config = world.config_file("");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let store = world.store_folder();
    assert_eq!(mode(&store), 0o700, "{}", store.display());
    let cache = config.parent().unwrap().join("xdg/oicx");
    assert_eq!(mode(&cache), 0o700, "{}", cache.display());
    let (code, out, _) = run(oicx(&config), &["doctor"]).await;
    assert_eq!(code, 0, "{out}");
    assert!(!out.contains("everybody on this machine"), "{out}");
    let transcript = world.folder.path().join("t.jsonl");
    let file = transcript.to_str().unwrap();
    let (code, out, err) = run(oicx(&config), &["doctor", "prod", "--record", file]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(mode(&transcript), 0o600);
    std::fs::set_permissions(&store, PermissionsExt::from_mode(0o755)).unwrap();
    let (_, out, _) = run(oicx(&config), &["doctor"]).await;
    assert!(out.contains("everybody on this machine") && out.contains("chmod"), "{out}");
}
