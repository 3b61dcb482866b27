//! The store as text: a Git history of snapshots, a Markdown site.

use std::path::Path;
use std::process::Command;

use oicx::ops::git::{self, GitExportOptions};
use oicx::workspace::events::Events;

use crate::cli::{oicx, run};
use crate::kinds::COMPANY;
use crate::store::{change_in_place, take_backup};
use crate::support::World;

pub fn git_says(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn each_snapshot_is_a_commit_that_says_what_changed_and_by_whom() {
    let world = World::of(COMPANY).await;
    let folder = world.folder.path().join("history");
    let remote = world.folder.path().join("remote.git");
    assert!(
        Command::new("git")
            .args(["init", "--quiet", "--bare"])
            .arg(&remote)
            .status()
            .unwrap()
            .success()
    );
    let store = world.store().await;
    let write = |tag: Option<&str>| {
        let options = GitExportOptions {
            folder: folder.clone(),
            environments: vec![],
            tag: tag.map(str::to_owned),
            push: true,
        };
        let store = store.clone();
        async move { git::run(&store, &options, &Events::silent()).await.unwrap() }
    };
    take_backup(&world, "prod").await;
    let first = write(None).await;
    assert_eq!((first.commits.len(), first.problems.len()), (1, 0), "{first:?}");
    assert!(first.commits[0].subject.contains("first snapshot, 19 artifacts"), "{first:?}");
    git_says(&folder, &["remote", "add", "origin", remote.to_str().unwrap()]);
    // Nothing changed: no commit, whether the snapshot is new or known.
    take_backup(&world, "prod").await;
    let again = write(None).await;
    assert_eq!((again.commits.len(), again.unchanged, again.known), (0, 1, 1), "{again:?}");
    change_in_place(&world, "prod");
    const TOKEN: &str = "AKIAIOSFODNN7EXAMPLE";
    world.sim.with_instance("prod", |i| {
        i.edit_lookup("PAY_GRADE", "k.lindqvist", |rows| {
            rows.push(vec!["key".into(), TOKEN.into()])
        });
        let id = crate::support::id("ORDERS|01.00.0000");
        i.get_mut(&id).unwrap().edit(|f| f.loggers = vec![format!("concat('{TOKEN}', $x)")], "x");
    });
    take_backup(&world, "prod").await;
    let second = write(None).await;
    assert_eq!(second.commits.len(), 1);
    world.sim.with_instance("prod", |i| {
        i.edit_lookup("Country Codes", "k.lindqvist", |rows| rows[0][1] = "DEU".into());
    });
    take_backup(&world, "prod").await;
    let third = write(Some("release-1")).await;
    let subject = &third.commits[0].subject;
    assert!(subject.ends_with("~ lookup Country Codes: 1 row, by k.lindqvist"), "{subject}");
    assert_eq!(
        (third.commits[0].author.as_str(), third.pushed.as_deref()),
        ("k.lindqvist", Some("origin"))
    );
    let log = git_says(&folder, &["log", "-p", "--format=%an%n%B"]);
    for part in [
        "k.lindqvist",
        "-DE,\"a, \"\"b\"\"\"",
        "+DE,DEU",
        "~ SYNC 01.00.0000: ",
        "+log log",
        "Snapshot: prod/",
    ] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    assert!(log.contains("+key,") && !log.contains(TOKEN), "secrets are blanked");
    assert!(
        !log.contains("project_message") && !log.contains("processor_"),
        "no numbers that are dealt out"
    );
    assert_eq!(git_says(&folder, &["tag"]).trim(), "release-1");
    assert_eq!(
        git_says(&remote, &["rev-parse", "release-1"]),
        git_says(&folder, &["rev-parse", "HEAD"])
    );
    assert!(git_says(&folder, &["status", "--porcelain"]).is_empty());
    assert_eq!(write(None).await.commits.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn git_refuses_what_is_not_its_own_and_says_what_to_do() {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let folder = world.folder.path().join("mine");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("diary.txt"), "dear diary").unwrap();
    let to = folder.to_str().unwrap();
    let (code, _, err) = run(oicx(&config), &["git", "--to", to]).await;
    assert_eq!(code, 1);
    assert!(err.contains("neither empty nor a git repository"), "{err}");
    git_says(&folder, &["init", "--quiet"]);
    git_says(&folder, &["remote", "add", "origin", "/nowhere/at/all"]);
    let (code, out, err) = run(oicx(&config), &["git", "--to", to]).await;
    assert_eq!(code, 3, "{out}{err}");
    assert!(
        out.contains("1 commit in") && err.contains("not pushed") && err.contains("--no-push"),
        "{out}{err}"
    );
    let (code, out, _) = run(oicx(&config), &["git", "--to", to, "--no-push"]).await;
    assert_eq!(code, 0, "{out}");
    let (code, _, err) =
        run(oicx(&config), &["git", "--to", to, "--tag", "bad tag", "--no-push"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("git tag"), "{err}");
    let diary = std::fs::read_to_string(folder.join("diary.txt")).unwrap();
    assert_eq!(diary, "dear diary", "what is not its own stays, and is no hindrance");
    assert_eq!(git_says(&folder, &["status", "--porcelain"]).trim(), "?? diary.txt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_becomes_a_site_whose_links_all_lead_somewhere() {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    let folder = world.folder.path().join("site");
    let to = folder.to_str().unwrap();
    let (code, out, err) = run(oicx(&config), &["docs", "prod", "--to", to]).await;
    assert_eq!(code, 0, "{out}{err}");
    let index = std::fs::read_to_string(folder.join("index.md")).unwrap();
    assert!(
        index.contains("## Certificates by expiry") && index.contains("[SYNC](integrations/SYNC"),
        "{index}"
    );
    let mut links = 0;
    for page in crate::store_upkeep::tree(&folder).into_keys() {
        let text = std::fs::read_to_string(folder.join(&page)).unwrap();
        for target in text.split("](").skip(1).filter_map(|t| t.split(')').next()) {
            let path = folder.join(&page).parent().unwrap().join(target);
            assert!(path.exists(), "{page} points to {target}");
            links += 1;
        }
    }
    assert!(links > 30, "{links}");
    let sync = std::fs::read_to_string(folder.join("integrations/SYNC-01.00.0000.md")).unwrap();
    for part in [
        "```mermaid",
        "flowchart TD",
        "## Endpoints",
        "## Mappings",
        "## Schedule",
        "## Needs",
        "dvm:lookupValue",
    ] {
        assert!(sync.contains(part), "{part}: {sync}");
    }
    let graph = std::fs::read_to_string(folder.join("dependencies.md")).unwrap();
    assert!(graph.contains("flowchart LR") && graph.contains("PAY_GRADE | SYNC"), "{graph}");
    let (code, _, _) = run(oicx(&config), &["docs", "prod", "--to", to]).await;
    assert_eq!(code, 0, "its own folder is written anew");
    let home = world.folder.path().to_str().unwrap();
    let (code, _, err) = run(oicx(&config), &["docs", "prod", "--to", home]).await;
    assert_eq!(code, 1);
    assert!(err.contains("not empty"), "{err}");
    let (code, _, err) = run(oicx(&config), &["docs", "prod@nothing", "--to", to]).await;
    assert_eq!(code, 1);
    assert!(err.contains("no snapshot prod@nothing"), "{err}");
}
