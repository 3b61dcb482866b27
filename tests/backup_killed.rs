//! `kill -9` at random moments of a backup: what is in the store stays whole, and the next run goes
//! on.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use oicx::ops::verify;
use oicx::store::Store;
use oicx::workspace::events::Events;
use tokio_util::sync::CancellationToken;

use crate::cli::oicx;
use crate::support::World;

/// In an ordinary run; `OICX_KILLS=200` for the long one.
const KILLS: usize = 6;
const INTEGRATIONS: usize = 40;

/// A company of so many integrations.
fn landscape() -> String {
    let objects: Vec<String> = (0..INTEGRATIONS).map(|i| format!("\"OBJECT_{i:03}\"")).collect();
    let endpoint = |name: &str| {
        format!(
            "{{ name = \"{name}\", connection = \"HCM\", adapter = \"rest\", verb = \"GET\", \
             resource = \"/{{object}}\" }}"
        )
    };
    format!(
        "[[environment]]\nname = \"prod\"\ninstance = \"acme-prod\"\nclients = \
            [{{ id = \"oicx\", secret = \"demo\", role = \"ServiceDeveloper\" }}]\n\
         [[spread]]\nenvironment = \"prod\"\ntotal = {INTEGRATIONS}\n\
         [[family]]\nobjects = [{}]\nactions = [\"SYNC\"]\nsource = {}\ntarget = {}\n\
         fields = {{ n = \"$n\" }}\n\
         [[connection]]\ncode = \"HCM\"\nname = \"HCM\"\nadapter = \"rest\"\n\
         url = \"https://x.example\"\n\
         [[connection]]\ncode = \"OIC_REST\"\nname = \"R\"\nadapter = \"rest\"\n\
         url = \"https://x.example\"\n",
        objects.join(", "),
        endpoint("a"),
        endpoint("b")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_killed_at_any_moment_leaves_a_whole_store_and_the_next_run_goes_on() {
    let kills = std::env::var("OICX_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let world = World::of(&landscape()).await;
    world.fault("latency=15ms path=/archive");
    let config = world.config_file("");
    let text = std::fs::read_to_string(&config).unwrap();
    let folder_line = format!("{:?}", world.store_folder());
    let (mut repeated, mut most, mut finished) = (0, 0, 0);
    for round in 0..kills {
        let folder = world.folder.path().join(format!("store-{round}"));
        std::fs::write(&config, text.replace(&folder_line, &format!("{folder:?}"))).unwrap();
        // The weather of an ordinary night.
        world.fault("status=503 path=/archive times=2 after=3");
        world.fault("reset path=/archive times=1 after=9");
        let before = world.sim.calls("/archive");
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("oicx"))
            .args(["--config".as_ref(), config.as_os_str()])
            .args(["backup", "prod"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let moment = RandomState::new().hash_one(round) % 900;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(&folder, None).await.unwrap();
        let report = check(&store).await;
        assert!(report.problems.is_empty(), "killed after {moment} ms: {:?}", report.problems);
        finished += report.snapshots;
        world.sim.clear_faults();
        world.fault("latency=15ms path=/archive");
        let (code, out, err) = crate::cli::run(oicx(&config), &["backup", "prod"]).await;
        assert_eq!(code, 0, "killed after {moment} ms: {out}{err}");
        let report = check(&store).await;
        assert!(report.is_clean(), "{:?}", report.problems);
        let index = store.index().await.unwrap();
        let kept =
            index.versions().iter().filter(|v| v.kind == oicx::model::Kind::Integration).count();
        assert_eq!(kept, INTEGRATIONS);
        // Three calls met a fault and were made again by the client.
        let again = (world.sim.calls("/archive") - before).saturating_sub(INTEGRATIONS + 3);
        repeated += again;
        most = most.max(again);
    }
    println!(
        "{kills} kills, {finished} came after the end; {repeated} downloads repeated, at most \
            {most} in one round"
    );
    // What was under way: as many as calls are allowed at once, and what a note being written did
    // not hold yet.
    assert!(most <= 2 * (8 + 6) + 8, "{most} downloads were repeated after one kill");
}

async fn check(store: &Store) -> verify::VerifyReport {
    let scope = verify::VerifySelection { deep: true, ..verify::VerifySelection::default() };
    verify::run(store, &scope, None, &Events::silent(), &CancellationToken::new()).await.unwrap()
}
