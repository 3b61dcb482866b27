//! The store in three places: verified, repaired, pruned, copied, beside other writers, over what
//! goes wrong.

use std::collections::BTreeMap;
use std::path::Path;

use oicx::model::{ArtifactKey, ArtifactName, Kind, ManifestEntry, StorePick};
use oicx::ops::backup::{self, BackupSelection};
use oicx::ops::prune::{self, RetentionPolicy};
use oicx::ops::{copy, import, verify};
use oicx::store::Store;
use oicx::workspace::events::{Events, Progress};
use tokio_util::sync::CancellationToken;

use crate::cli::{oicx, run};
use crate::kinds::COMPANY;
use crate::store::{back_up, change_in_place, take_backup};
use crate::support::{
    World, memory_store, name,
    s3::{Fault, S3Server},
    target,
};

pub async fn verified(store: &Store, from: Option<&Store>) -> verify::VerifyReport {
    let scope = verify::VerifySelection { deep: true, ..verify::VerifySelection::default() };
    verify::run(store, &scope, from, &Events::silent(), &CancellationToken::new()).await.unwrap()
}

async fn mirrored(from: &Store, to: &Store) -> copy::CopyReport {
    copy::run(from, to, &Events::silent(), &CancellationToken::new()).await.unwrap()
}

async fn backup_into(world: &World, store: &Store) -> backup::BackupOutcome {
    back_up(&world.client("prod"), store).await
}

/// Every file below a folder by its path.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                out.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

fn make_old(folder: &Path) {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    for path in tree(folder).into_keys() {
        std::fs::File::options()
            .write(true)
            .open(folder.join(path))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
}

#[tokio::test]
async fn verify_finds_what_is_missing_altered_and_unlisted_and_repairs_from_a_copy() {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    change_in_place(&world, "prod");
    take_backup(&world, "prod").await;
    let (store, mirror) = (world.store().await, memory_store());
    assert_eq!(mirrored(&store, &mirror).await.snapshots, 2);
    assert!(verified(&store, None).await.is_clean());
    let good = tree(&world.store_folder());
    let folder = world.store_folder();
    let of = |part: &str| folder.join(good.keys().find(|p| p.contains(part)).unwrap());
    std::fs::remove_file(of("lookups/PAY_GRADE")).unwrap();
    // Same size, another byte: only reading shows it.
    let edited = of("connections/HCM");
    let text = std::fs::read_to_string(&edited).unwrap().replace("hcm-prod", "hcm-evil");
    std::fs::write(&edited, text).unwrap();
    let cut = of("snapshots/");
    std::fs::write(&cut, &std::fs::read(&cut).unwrap()[..100]).unwrap();
    std::fs::write(folder.join("prod/lookups/PAY_GRADE/stray.csv"), "DVM,X,\na\n").unwrap();
    let report = verified(&store, None).await;
    let told: Vec<String> =
        report.problems.iter().map(|p| format!("{:?} {}", p.kind, p.path)).collect();
    assert_eq!(report.problems.len(), 3, "{told:?}");
    for part in [
        "Manifest prod/snapshots",
        "Missing prod/lookups/PAY_GRADE",
        "Altered prod/connections/HCM",
    ] {
        assert!(told.iter().any(|t| t.starts_with(part)), "{part}: {told:?}");
    }
    assert!(
        report.unlisted.iter().any(|p| p == "prod/lookups/PAY_GRADE/stray.csv"),
        "{:?}",
        report.unlisted
    );
    // What is broken is never given out as good.
    let index = Store::open(&folder, None).await.unwrap().index().await.unwrap();
    assert_eq!(index.problems.len(), 1);
    let repaired = verified(&store, Some(&mirror)).await;
    assert_eq!((repaired.repaired.len(), repaired.problems.len()), (3, 0), "{repaired:?}");
    assert!(verified(&store, None).await.is_clean());
    std::fs::remove_file(folder.join("prod/lookups/PAY_GRADE/stray.csv")).unwrap();
    let now = tree(&folder);
    assert!(
        good.iter().all(|(path, bytes)| now.get(path) == Some(bytes)),
        "byte for byte as before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_set_goes_to_s3_and_is_repaired_from_there_by_commands() {
    let world = World::of(COMPANY).await;
    let server = S3Server::start().await;
    let config = world.config_file("");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}{}", server.config())).unwrap();
    let (code, out, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = run(oicx(&config), &["copy", "--to", "offsite"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("s3://backups/oic: 1 snapshot and 18 files copied"), "{out}");
    let (code, out, _) = run(oicx(&config), &["copy", "--to", "offsite"]).await;
    assert_eq!(code, 0);
    assert!(
        out.contains("0 snapshots and 0 files copied (0 KB), 1 snapshot and 18 files were there"),
        "{out}"
    );
    let (code, out, _) = run(oicx(&config), &["verify", "--store", "offsite", "--deep"]).await;
    assert_eq!(code, 0, "{out}");
    let lost = tree(&world.store_folder()).into_keys().find(|p| p.contains("/projects/")).unwrap();
    std::fs::remove_file(world.store_folder().join(&lost)).unwrap();
    let (code, out, _) = run(oicx(&config), &["verify"]).await;
    assert_eq!(code, 1);
    assert!(out.contains(&format!("✗ missing: {lost}")) && out.contains("--repair-from"), "{out}");
    let (code, out, _) = run(oicx(&config), &["verify", "--repair-from", "offsite"]).await;
    assert_eq!(code, 0, "{out}");
    assert!(out.contains(&format!("✓ repaired: {lost}")), "{out}");
    let (code, _, err) = run(oicx(&config), &["verify", "--repair-from", "elsewhere"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("offsite"), "{err}");
    let (code, _, err) = run(oicx(&config), &["copy", "--to", "gs://x"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("not supported"), "{err}");
}

#[tokio::test]
async fn a_backup_goes_to_s3_through_403_503_lost_answers_and_slowness() {
    let world = World::of(COMPANY).await;
    let server = S3Server::start().await;
    let store = server.store().await;
    server.fault("PUT", 3, Fault::Status(503));
    server.fault("PUT", 4, Fault::Lost);
    server.fault("GET", 2, Fault::Status(503));
    server.fault("GET", 2, Fault::Slow(std::time::Duration::from_millis(300)));
    let outcome = backup_into(&world, &store).await;
    assert!(outcome.failed.is_empty() && outcome.id.is_some(), "{outcome:?}");
    server.clear_faults();
    assert!(verified(&store, None).await.is_clean());
    let again = backup_into(&world, &store).await;
    assert_eq!(again.downloaded, 0, "{again:?}");
    let plan = prune::plan(&store, &RetentionPolicy { last: 1, ..RetentionPolicy::default() })
        .await
        .unwrap();
    assert_eq!((plan.keep.len(), plan.files.len()), (2, 0), "all is young, by the server's clock");
    // No right to write: said with what to do, and what is there stays.
    server.fault("PUT", 1000, Fault::Status(403));
    let client = world.client("prod");
    change_in_place(&world, "prod");
    let index = store.index().await.unwrap();
    let plan = backup::plan(&client, &store, &index, &BackupSelection::default()).await.unwrap();
    let error =
        backup::run(&client, &store, &index, plan, &Events::silent(), &CancellationToken::new())
            .await
            .unwrap_err();
    assert!(error.to_string().contains("403") && error.to_string().contains("keys"), "{error}");
    server.clear_faults();
    assert!(verified(&store, None).await.is_clean());
    let file = |text: &str| world.secret(text);
    let wrong = server.place_with(file("key"), file("wrong-secret"));
    let error = Store::open_place(&wrong, None).await.unwrap_err().to_string();
    assert!(error.contains("cannot be opened") && !error.contains("wrong-secret"), "{error}");
}

#[tokio::test]
async fn two_hosts_write_and_one_prunes_and_nothing_listed_is_lost() {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    make_old(&world.store_folder());
    let (a, b, c) = (world.store().await, world.store().await, world.store().await);
    for round in 0..6 {
        change_in_place(&world, "prod");
        let policy = RetentionPolicy { last: 1, ..RetentionPolicy::default() };
        let pruning = async {
            let plan = prune::plan(&c, &policy).await.unwrap();
            prune::run(&c, &plan, &Events::silent()).await.unwrap()
        };
        let (x, y, _) = tokio::join!(backup_into(&world, &a), backup_into(&world, &b), pruning);
        assert!(x.id.is_some() && y.id.is_some() && x.id != y.id, "round {round}");
        let report = verified(&c, None).await;
        assert!(report.is_clean(), "round {round}: {:?}", report.problems);
        make_old(&world.store_folder());
    }
}

#[tokio::test]
async fn a_backup_that_relies_on_a_file_that_is_about_to_go_says_so() {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let pick = StorePick::Newest { version: None, back: 0 };
    let lookup = store
        .resolve(&index, &name("prod"), &target(Kind::Lookup, "PAY_GRADE"), &pick)
        .await
        .unwrap();
    let note = store.announce_prune(std::slice::from_ref(&lookup.path)).await.unwrap();
    let outcome = backup_into(&world, &store).await;
    assert_eq!(outcome.failed.len(), 1);
    assert_eq!(outcome.failed[0].artifact, ArtifactKey::new(Kind::Lookup, "PAY_GRADE", None));
    store.delete(&note).await.unwrap();
    store.delete(&lookup.path).await.unwrap();
    let next = backup_into(&world, &store).await;
    assert_eq!((next.downloaded, next.failed.len()), (1, 0), "it is taken again");
}

/// A server that lists no folders and knows no conditional writes: its store is not an empty one.
#[tokio::test]
async fn a_store_whose_server_differs_is_read_whole_and_asked_once() {
    let world = World::of(COMPANY).await;
    let disk = std::sync::Arc::new(crate::support::disk::FillingDisk::roomy());
    disk.be_another_s3();
    let store = || Store::on(disk.clone(), "another S3");
    let taken = backup_into(&world, &store()).await;
    assert!(taken.id.is_some() && taken.downloaded > 5, "{taken:?}");
    assert_eq!(disk.refused(), 1, "it is not tried again for every file");
    let again = backup_into(&world, &store()).await;
    assert_eq!((again.downloaded, again.failed.len()), (0, 0), "what is there is seen");
    let report = verified(&store(), None).await;
    assert!(report.is_clean() && report.snapshots == 2, "{report:?}");
    let to = memory_store();
    let copied = mirrored(&store(), &to).await;
    assert_eq!((copied.snapshots, copied.failed.len()), (2, 0), "{copied:?}");
}

/// An import meets files that a run which was cut off left long ago, and a prune that takes them.
#[tokio::test]
async fn an_import_beside_a_prune_lists_nothing_that_is_gone_and_heals_what_was_lost() {
    let world = World::of(COMPANY).await;
    let folder = world.folder.path().join("exports");
    std::fs::create_dir_all(&folder).unwrap();
    for (code, n) in [("SYNC", 0), ("ORDERS", 1)] {
        let id = crate::support::id(&format!("{code}|01.00.0000"));
        let bytes = world.sim.with_instance("prod", |i| i.export(&id).unwrap()).unwrap();
        std::fs::write(folder.join(format!("{n}.iar")), bytes).unwrap();
    }
    let prod = name("prod");
    let import = |store: Store| {
        let (prod, folder) = (prod.clone(), folder.clone());
        async move {
            let index = store.index().await.unwrap();
            import::run(&store, &index, &prod, &folder, &Events::silent()).await.unwrap()
        }
    };
    // What a run left that was cut off before its manifest.
    import(world.store().await).await;
    let store = world.store().await;
    for (path, _) in store.manifests().await.unwrap() {
        store.delete(&path).await.unwrap();
    }
    make_old(&world.store_folder());
    let policy = RetentionPolicy { last: 1, ..RetentionPolicy::default() };
    let plan = prune::plan(&store, &policy).await.unwrap();
    assert_eq!(plan.files.len(), 2, "{plan:?}");
    // The prune has told what it takes, and takes it while the import is under way.
    let going: Vec<String> = plan.files.iter().map(|f| f.path.clone()).collect();
    let note = store.announce_prune(&going).await.unwrap();
    let report = import(world.store().await).await;
    assert_eq!((report.imported, report.snapshots.len()), (2, 1), "{report:?}");
    for path in &going {
        store.delete(path).await.unwrap();
    }
    store.delete(&note).await.unwrap();
    assert!(verified(&store, None).await.is_clean());
    // A file that is lost all the same is there again with the next import.
    let lost = store.index().await.unwrap();
    let lost = lost
        .history(&prod, &ArtifactName::new(Kind::Integration, "SYNC"))
        .next()
        .unwrap()
        .path
        .clone();
    store.delete(&lost).await.unwrap();
    assert!(!verified(&store, None).await.is_clean());
    let report = import(world.store().await).await;
    assert_eq!((report.healed, report.known, report.imported), (1, 1, 0), "{report:?}");
    assert!(verified(&store, None).await.is_clean());
}

/// A snapshot is pruned between the list of a copy and its files.
#[tokio::test]
async fn a_copy_beside_a_prune_goes_on_without_what_went() {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    change_in_place(&world, "prod");
    take_backup(&world, "prod").await;
    let (from, to) = (world.store().await, crate::support::memory_store());
    let manifests = from.manifests().await.unwrap();
    let (path, oldest) = &manifests[0];
    let (oldest, newest) = (oldest.as_ref().unwrap(), manifests[1].1.as_ref().unwrap());
    let stays = |e: &&ManifestEntry| newest.entries.iter().any(|n| n.path == e.path);
    let (gone, folder): (Vec<_>, _) =
        (oldest.entries.iter().filter(|e| !stays(e)).collect(), world.store_folder());
    assert!(!gone.is_empty());
    // The list is read, and the prune is quicker than the first file.
    let events = {
        let (events, mut news) = Events::channel();
        let paths: Vec<_> = gone.iter().map(|e| folder.join(&e.path)).collect();
        let manifest = folder.join(path);
        tokio::spawn(async move {
            while let Some(progress) = news.recv().await {
                if matches!(progress, Progress::Total { .. }) {
                    std::fs::remove_file(&manifest).unwrap();
                    paths.iter().for_each(|path| std::fs::remove_file(path).unwrap());
                }
            }
        });
        events
    };
    let report = copy::run(&from, &to, &events, &CancellationToken::new()).await.unwrap();
    // Which came first is open; what is there is whole, and nothing is called a failure.
    assert_eq!(report.failed, [], "{report:?}");
    assert_eq!(report.snapshots + report.snapshots_gone, 2, "{report:?}");
    assert!(verified(&to, None).await.is_clean());
}

/// A prune of the other store takes what a copy relies on there.
#[tokio::test]
async fn a_copy_lists_nothing_that_a_prune_there_takes() {
    let world = World::of(COMPANY).await;
    take_backup(&world, "prod").await;
    let (from, to) = (world.store().await, crate::support::memory_store());
    let manifests = from.manifests().await.unwrap();
    let entry = &manifests[0].1.as_ref().unwrap().entries[0];
    to.overwrite(&entry.path, from.bytes(&entry.path).await.unwrap()).await.unwrap();
    let note = to.announce_prune(std::slice::from_ref(&entry.path)).await.unwrap();
    let report = mirrored(&from, &to).await;
    assert_eq!((report.snapshots, report.failed.len()), (0, 1), "{report:?}");
    assert!(report.failed[0].why.contains("copy once more"), "{report:?}");
    to.delete(&entry.path).await.unwrap();
    to.delete(&note).await.unwrap();
    let report = mirrored(&from, &to).await;
    assert_eq!((report.snapshots, report.failed.len()), (1, 0), "{report:?}");
    assert!(verified(&to, None).await.is_clean());
}

#[tokio::test]
async fn prune_shows_first_keeps_what_is_needed_and_never_takes_what_is_young() {
    let world = World::of(COMPANY).await;
    for _ in 0..3 {
        take_backup(&world, "prod").await;
        change_in_place(&world, "prod");
    }
    let store = world.store().await;
    let policy = RetentionPolicy { last: 1, ..RetentionPolicy::default() };
    let plan = prune::plan(&store, &policy).await.unwrap();
    assert!(plan.remove.is_empty() && plan.files.is_empty(), "all is younger than a day: {plan:?}");
    let config = world.config_file("");
    let (code, _, err) = run(oicx(&config), &["prune"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("--keep-daily"), "{err}");
    // A stray file of long ago goes, a fresh one stays.
    let folder = world.store_folder().join("prod/lookups/GONE");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("old.csv"), "x").unwrap();
    std::fs::write(folder.join("half.csv#1"), "x").unwrap();
    make_old(&folder);
    std::fs::write(folder.join("fresh.csv"), "x").unwrap();
    std::fs::write(folder.join("fresh.csv#1"), "x").unwrap();
    let (code, out, _) = run(oicx(&config), &["prune", "--keep-last", "1", "--dry-run"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("1 file that nothing needs") && folder.join("old.csv").exists(), "{out}");
    let (code, out, err) = run(oicx(&config), &["prune", "--keep-last", "1"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(!folder.join("old.csv").exists() && folder.join("fresh.csv").exists());
    assert!(!folder.join("half.csv#1").exists() && folder.join("fresh.csv#1").exists());
    assert!(verified(&store, None).await.is_clean());
    // With a manifest that cannot be read, no file goes: it may need any.
    let manifest =
        tree(&world.store_folder()).into_keys().find(|p| p.contains("snapshots/")).unwrap();
    std::fs::write(world.store_folder().join(manifest), "{").unwrap();
    std::fs::write(folder.join("old.csv"), "x").unwrap();
    make_old(&folder);
    let plan = prune::plan(&store, &policy).await.unwrap();
    assert_eq!((plan.files.len(), plan.unreadable.len()), (0, 1));
}

#[tokio::test]
async fn folders_of_scripts_become_history() {
    let world = World::of(COMPANY).await;
    let folder = world.folder.path().join("by hand");
    std::fs::create_dir_all(folder.join("2026/old")).unwrap();
    let export = |saves: u32| {
        world.sim.with_instance("prod", |i| {
            let id = crate::support::id("SYNC|01.00.0000");
            i.get_mut(&id).unwrap().edit(|f| f.loggers = vec![format!("'{saves}'")], "x");
            i.export(&id).unwrap()
        })
    };
    std::fs::write(folder.join("sync backup (1).iar"), export(1).unwrap()).unwrap();
    std::fs::write(folder.join("2026/old/whatever.iar"), export(2).unwrap()).unwrap();
    std::fs::write(folder.join("2026/copy of it.iar"), export(2).unwrap()).unwrap();
    std::fs::write(folder.join("cc.csv"), "DVM,Country Codes,\na,b\n1,2\n").unwrap();
    std::fs::write(folder.join("budget.csv"), "year,sum\n2026,1\n").unwrap();
    std::fs::write(folder.join("half.iar"), &export(3).unwrap()[..500]).unwrap();
    std::fs::write(folder.join("notes.txt"), "not looked at").unwrap();
    make_old(&folder.join("2026"));
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let report =
        import::run(&store, &index, &name("prod"), &folder, &Events::silent()).await.unwrap();
    assert_eq!((report.imported, report.known, report.refused.len()), (3, 1, 2), "{report:?}");
    let index = store.index().await.unwrap();
    let sync: Vec<_> = index
        .history(&name("prod"), &oicx::model::ArtifactName::new(Kind::Integration, "SYNC"))
        .collect();
    assert_eq!(sync.len(), 2);
    assert!(sync[0].first_seen > sync[1].first_seen, "the file's time counts");
    assert!(verified(&store, None).await.is_clean());
    let again =
        import::run(&store, &index, &name("prod"), &folder, &Events::silent()).await.unwrap();
    assert_eq!((again.imported, again.known), (0, 4));
    let nowhere =
        import::run(&store, &index, &name("prod"), Path::new("/nowhere"), &Events::silent()).await;
    assert!(nowhere.unwrap_err().to_string().contains("/nowhere cannot be read"));
}

#[tokio::test]
async fn odd_names_and_names_that_differ_by_case_alone_keep_apart() {
    let landscape = format!(
        "{COMPANY}\n[[lookup]]\nname = \"country codes\"\ncolumns = [\"a\"]\nrows = \
            [[\"x\"]]\n[[lookup]]\nname = \"{}\"\ncolumns = [\"a\"]\nrows = \
            [[\"y\"]]\n[[lookup]]\nname = \"../up:and\\\\away@1~2\"\ncolumns = [\"a\"]\nrows = \
            [[\"z\"]]\n",
        "L".repeat(200)
    );
    let world = World::of(&landscape).await;
    let outcome = take_backup(&world, "prod").await;
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let lookups: Vec<_> = index.versions().iter().filter(|v| v.kind == Kind::Lookup).collect();
    assert_eq!(lookups.len(), 5);
    let folders: std::collections::BTreeSet<String> =
        lookups.iter().map(|v| v.path.rsplit_once('/').unwrap().0.to_lowercase()).collect();
    assert_eq!(folders.len(), 5, "{folders:?}");
    let workspace = world.workspace().await;
    for version in lookups {
        let reference: oicx::model::Reference = version.reference().to_string().parse().unwrap();
        let fetched =
            oicx::workspace::source::fetch_bytes(Some(&workspace), &reference).await.unwrap();
        assert_eq!(fetched.bytes, store.read(version).await.unwrap());
    }
    assert!(tree(&world.store_folder()).keys().all(|p| !p.contains("..") && p.len() < 160));
}

#[tokio::test]
async fn a_store_that_vanishes_is_said_and_nothing_is_counted_as_kept() {
    let world = World::of(COMPANY).await;
    let store = world.store().await;
    let client = world.client("prod");
    let index = store.index().await.unwrap();
    let plan = backup::plan(&client, &store, &index, &BackupSelection::default()).await.unwrap();
    std::fs::remove_dir_all(world.store_folder()).unwrap();
    std::fs::write(world.store_folder(), "a file where the folder was").unwrap();
    let error =
        backup::run(&client, &store, &index, plan, &Events::silent(), &CancellationToken::new())
            .await
            .unwrap_err();
    assert!(error.to_string().contains("the store cannot write"), "{error}");
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_hide_the_newest() {
    let world = World::of(COMPANY).await;
    let store = world.store().await;
    take_backup(&world, "prod").await;
    // The clock had been an hour ahead.
    let (_, manifest) = store.manifests().await.unwrap().remove(0);
    let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let id = oicx::store::snapshot_id(ahead);
    store
        .write_manifest(&oicx::model::Manifest { id, started: ahead, ..manifest.unwrap() })
        .await
        .unwrap();
    change_in_place(&world, "prod");
    let outcome = take_backup(&world, "prod").await;
    assert!(outcome.notes[0].contains("clock"), "{:?}", outcome.notes);
    let index = store.index().await.unwrap();
    let newest = index
        .newest(&name("prod"), &oicx::model::ArtifactName::new(Kind::Integration, "SYNC"))
        .unwrap();
    assert_eq!(Some(&newest.snapshot), outcome.id.as_ref());
    let pick = StorePick::Newest { version: None, back: 1 };
    let before = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &pick)
        .await
        .unwrap();
    assert_ne!(before.fingerprint, newest.fingerprint);
}

/// Dates the snapshot that was just taken back by so many days, as if it had been taken then.
pub async fn date_back(store: &Store, days: i64) {
    let (path, manifest) = store.manifests().await.unwrap().pop().unwrap();
    let started = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    let id = oicx::store::snapshot_id(started);
    store
        .write_manifest(&oicx::model::Manifest { id, started, ..manifest.unwrap() })
        .await
        .unwrap();
    store.delete(&path).await.unwrap();
}

#[tokio::test]
async fn what_nobody_needs_goes_and_the_rest_is_whole_on_s3_too() {
    let world = World::of(COMPANY).await;
    let store = world.store().await;
    for days in [40, 20, 10, 2] {
        take_backup(&world, "prod").await;
        date_back(&store, days).await;
        change_in_place(&world, "prod");
    }
    take_backup(&world, "prod").await;
    make_old(&world.store_folder());
    let before = store.index().await.unwrap();
    let files = |index: &oicx::store::Index| {
        index.versions().iter().map(|v| v.path.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    let policy = RetentionPolicy { last: 1, daily: 2, ..RetentionPolicy::default() };
    let plan = prune::plan(&store, &policy).await.unwrap();
    assert_eq!((plan.keep.len(), plan.remove.len()), (2, 3));
    let outcome = prune::run(&store, &plan, &Events::silent()).await.unwrap();
    // Of each of the three: the integration and its package as they were then.
    assert_eq!((outcome.snapshots, outcome.files, outcome.spared), (3, 6, 0), "{plan:?}");
    let after = store.index().await.unwrap();
    let (then, now) = (files(&before), files(&after));
    assert!(now.is_subset(&then) && then.len() - now.len() == 6);
    let on_disk = tree(&world.store_folder());
    assert!(now.iter().all(|p| on_disk.contains_key(p)), "what is needed stays");
    assert!(then.difference(&now).all(|p| !on_disk.contains_key(p)), "what is not needed goes");
    assert!(verified(&store, None).await.is_clean());
    let server = S3Server::start().await;
    let offsite = server.store().await;
    let copied = mirrored(&store, &offsite).await;
    assert_eq!((copied.snapshots, copied.files, copied.failed.len()), (2, now.len(), 0));
    let lost = now.iter().next().unwrap();
    std::fs::write(world.store_folder().join(lost), "edited by hand").unwrap();
    // A damaged file never reaches the mirror, nor a snapshot that needs it.
    take_backup(&world, "dev").await;
    let bad = memory_store();
    let half = mirrored(&store, &bad).await;
    assert!(half.failed.iter().any(|f| f.path == *lost), "{half:?}");
    assert!(verified(&bad, None).await.is_clean() && bad.size(lost).await.is_none());
    let repaired = verified(&store, Some(&offsite)).await;
    assert_eq!(
        (repaired.repaired.as_slice(), repaired.problems.len()),
        ([lost.clone()].as_slice(), 0)
    );
    assert_eq!(mirrored(&store, &bad).await.failed.len(), 0);
}
