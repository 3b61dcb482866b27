//! A history owns its own files and no others, and goes on after whatever ended it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rstest::rstest;

use crate::cli::{oicx, run};
use crate::kinds::COMPANY;
use crate::store::{change_in_place, delete_sync, take_backup};
use crate::store_as_text::git_says;
use crate::support::World;

/// In an ordinary run; `OICX_KILLS=200` for the long one.
const KILLS: usize = 8;

/// A world with two backups of prod, and the config that names its store.
async fn two_backups() -> (World, PathBuf) {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    change_in_place(&world, "prod");
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    (world, config)
}

/// `oicx git` into a folder: its exit code, and what it says.
async fn write(config: &Path, folder: &Path) -> (i32, String) {
    let (code, out, err) = run(oicx(config), &["git", "--to", folder.to_str().unwrap()]).await;
    (code, format!("{out}{err}"))
}

async fn written(config: &Path, folder: &Path) {
    let (code, said) = write(config, folder).await;
    assert_eq!(code, 0, "{said}");
}

fn tree_of(folder: &Path) -> String {
    git_says(folder, &["rev-parse", "HEAD^{tree}"])
}

#[rstest]
#[case::of_the_program_alone(Signal::SIGKILL, false)]
#[case::with_its_git(Signal::SIGKILL, true)]
#[case::as_a_system_ends_it(Signal::SIGTERM, true)]
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_at_any_moment_the_next_run_goes_on(
    #[case] signal: Signal,
    #[case] whole_group: bool,
) {
    let kills = std::env::var("OICX_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let (world, config) = two_backups().await;
    let whole = world.folder.path().join("whole");
    let began = std::time::Instant::now();
    written(&config, &whole).await;
    let takes = began.elapsed();
    let mut in_the_middle = 0;
    for round in 0..kills {
        let folder = world.folder.path().join(format!("history-{round}"));
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("oicx"));
        command.args(["--config".as_ref(), config.as_os_str()]).args(["git", "--to"]).arg(&folder);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().unwrap();
        // From the start to a little after the end.
        let moment = takes.mul_f64(1.1 * (round as f64 + 0.5) / kills as f64);
        tokio::time::sleep(moment).await;
        let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
        match whole_group {
            true => drop(killpg(process, signal)),
            false => drop(nix::sys::signal::kill(process, signal)),
        }
        in_the_middle += usize::from(!child.wait().unwrap().success());
        // A git that outlives it, and finds that nobody feeds it any more.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (code, said) = write(&config, &folder).await;
        assert_eq!(code, 0, "killed after {moment:?}: {said}");
        assert_eq!(tree_of(&folder), tree_of(&whole), "killed after {moment:?}");
        assert_eq!(git_says(&folder, &["rev-list", "--count", "HEAD"]).trim(), "2");
        assert_eq!(git_says(&folder, &["status", "--porcelain"]), "", "killed after {moment:?}");
        git_says(&folder, &["fsck", "--strict"]);
        let names = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name());
        let mut names: Vec<_> = names.map(|n| n.into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [".git", "prod"], "killed after {moment:?}");
    }
    println!("git: {in_the_middle} of {kills} kills with {signal} were in the middle");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_into_the_folder_stays() {
    let (world, config) = two_backups().await;
    let folder = world.folder.path().join("history");
    written(&config, &folder).await;
    let note = folder.join("prod/integrations/SYNC/NOTES.md");
    let mine = folder.join("prod/integrations/MINE/flow.txt");
    std::fs::create_dir_all(mine.parent().unwrap()).unwrap();
    for path in [&note, &mine] {
        std::fs::write(path, "mine").unwrap();
    }
    git_says(&folder, &["add", "prod/integrations/MINE"]);
    let person = ["-c", "user.name=me", "-c", "user.email=me@x"];
    git_says(&folder, &[&person[..], &["commit", "--quiet", "-m", "mine"]].concat());
    // SYNC goes, and with it the files that this program wrote of it.
    delete_sync(&world);
    take_backup(&world, "prod").await;
    written(&config, &folder).await;
    for path in [&note, &mine] {
        assert_eq!(std::fs::read_to_string(path).unwrap(), "mine", "{}", path.display());
    }
    let of_sync = std::fs::read_dir(note.parent().unwrap()).unwrap().count();
    assert_eq!(of_sync, 1, "the note alone");
    assert!(git_says(&folder, &["ls-files"]).contains("prod/integrations/MINE/flow.txt"));
}

#[rstest]
#[case::a_file_in_its_place("prod/integrations/SYNC/flow.txt", false)]
#[case::a_file_for_a_folder("prod/integrations", false)]
#[case::a_link_out_of_the_folder("prod/integrations", true)]
#[case::a_link_for_the_environment("prod", true)]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_over_or_through_what_is_not_its_own(
    #[case] place: &str,
    #[case] link: bool,
) {
    let (world, config) = two_backups().await;
    let (folder, outside) = (world.folder.path().join("history"), world.folder.path().join("out"));
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    git_says(&folder, &["init", "--quiet", "--initial-branch=main"]);
    let path = folder.join(place);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    match link {
        true => std::os::unix::fs::symlink(&outside, &path).unwrap(),
        false => std::fs::write(&path, "mine").unwrap(),
    }
    let (code, said) = write(&config, &folder).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("was not written by oicx") && said.contains("move it away"), "{said}");
    assert!(said.contains(place), "{said}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    if !link {
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
    std::fs::remove_file(&path).unwrap();
    written(&config, &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_s_settings_of_git_stop_nothing() {
    let (world, config) = two_backups().await;
    let folder = world.folder.path().join("history");
    std::fs::create_dir_all(&folder).unwrap();
    git_says(&folder, &["init", "--quiet"]);
    for (key, value) in [
        ("commit.gpgsign", "true"),
        ("tag.gpgsign", "true"),
        ("gpg.program", "false"),
        ("core.autocrlf", "true"),
        ("status.showUntrackedFiles", "all"),
    ] {
        git_says(&folder, &["config", key, value]);
    }
    let hook = folder.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    written(&config, &folder).await;
    // Somebody whose name is no name for git.
    for who in ["...", " ", "<>", "j\u{202e}doe"] {
        world.sim.with_instance("prod", |i| {
            let sync = crate::support::id("SYNC|01.00.0000");
            let rule = format!("'{}'", who.len() * 7);
            i.get_mut(&sync).unwrap().edit(|f| drop(f.fields.insert("n".into(), rule)), who);
        });
        take_backup(&world, "prod").await;
        written(&config, &folder).await;
    }
    assert_eq!(git_says(&folder, &["rev-list", "--count", "HEAD"]).trim(), "6");
    git_says(&folder, &["fsck", "--strict"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_half_made_is_made_and_what_was_changed_is_asked_about() {
    let (world, config) = two_backups().await;
    let folder = world.folder.path().join("history");
    // A repository that nobody finished making.
    std::fs::create_dir_all(folder.join(".git/objects")).unwrap();
    std::fs::create_dir_all(folder.join(".oicx-init-x/.git")).unwrap();
    written(&config, &folder).await;
    let flow = folder.join("prod/integrations/SYNC/flow.txt");
    let before = std::fs::read(&flow).unwrap();
    std::fs::write(&flow, "edited").unwrap();
    let (code, said) = write(&config, &folder).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("prod/integrations/SYNC/flow.txt was changed"), "{said}");
    assert_eq!(std::fs::read_to_string(&flow).unwrap(), "edited");
    std::fs::write(&flow, before).unwrap();
    written(&config, &folder).await;
    git_says(&folder, &["checkout", "--quiet", "--detach"]);
    let (code, said) = write(&config, &folder).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no branch checked out"), "{said}");
    git_says(&folder, &["switch", "--quiet", "main"]);
    let lock = std::fs::File::open(folder.join(".git/oicx/lock")).unwrap();
    lock.lock().unwrap();
    let (code, said) = write(&config, &folder).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("another oicx writes"), "{said}");
}

/// Earlier releases kept no list.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_an_earlier_release_is_continued() {
    let (world, config) = two_backups().await;
    let folder = world.folder.path().join("history");
    written(&config, &folder).await;
    git_says(&folder, &["rm", "--quiet", "prod/.oicx-files"]);
    let person = ["-c", "user.name=me", "-c", "user.email=me@x"];
    git_says(&folder, &[&person[..], &["commit", "--quiet", "-m", "as it was"]].concat());
    world.sim.with_instance("prod", |i| {
        i.edit_lookup("Country Codes", "k.lindqvist", |rows| rows[0][1] = "DEU".into());
    });
    take_backup(&world, "prod").await;
    written(&config, &folder).await;
    let changed = git_says(&folder, &["show", "--name-only", "--format=", "HEAD"]);
    let changed: Vec<&str> = changed.lines().collect();
    assert!(changed.contains(&"prod/.oicx-files"), "{changed:?}");
    assert!(changed.iter().any(|path| path.contains("Country")), "{changed:?}");
    assert!(!changed.iter().any(|path| path.contains("SYNC")), "{changed:?}");
}
