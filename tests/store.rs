//! The store: bytes exactly, manifest last, nothing shown as good that is not.

use oicx::model::{Kind, StorePick};
use oicx::oic::Client;
use oicx::ops::backup::{self, BackupSelection};
use oicx::restore::Verb;
use oicx::store::{Store, StoreError};
use oicx::workspace::Workspace;
use oicx::workspace::events::Events;
use tokio_util::sync::CancellationToken;

use crate::support::{World, id, key, name, target};

/// A backup of an environment into the world's store.
pub async fn take_backup(world: &World, environment: &str) -> backup::BackupOutcome {
    back_up(&world.client(environment), &world.store().await).await
}

/// A backup of a client's environment into a store.
pub async fn back_up(client: &Client, store: &Store) -> backup::BackupOutcome {
    let index = store.index().await.unwrap();
    let (selection, events, cancel) =
        (BackupSelection::default(), Events::silent(), CancellationToken::new());
    backup::take(client, store, &index, &selection, &events, &cancel).await.unwrap()
}

fn newest() -> StorePick {
    StorePick::Newest { version: None, back: 0 }
}

#[tokio::test]
async fn what_was_saved_is_read_back_byte_for_byte_and_a_person_can_read_the_folder() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let version = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &newest())
        .await
        .unwrap();
    let bytes = store.read(&version).await.unwrap();
    let on_disk = std::fs::read(world.store_folder().join(&version.path)).unwrap();
    assert_eq!(bytes, on_disk);
    assert!(version.path.starts_with("prod/integrations/SYNC/01.00.0000/20"), "{}", version.path);
    assert!(version.path.ends_with(&format!("-{}.iar", version.fingerprint.short())));
    assert!(world.store_folder().join("oicx-store.json").exists());
    assert_eq!(std::fs::read_dir(world.store_folder().join("prod/snapshots")).unwrap().count(), 1);
}

#[tokio::test]
async fn an_altered_file_is_never_given_out() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let store = world.store().await;
    let index = store.index().await.unwrap();
    let version = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &newest())
        .await
        .unwrap();
    let path = world.store_folder().join(&version.path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&path, &bytes).unwrap();
    let error = store.read(&version).await.unwrap_err();
    assert!(matches!(error, StoreError::Altered { .. }), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(store.read(&version).await.unwrap_err(), StoreError::Read { .. }));
}

#[tokio::test]
async fn files_without_a_manifest_do_not_exist_and_a_broken_manifest_is_named() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let snapshots = world.store_folder().join("prod/snapshots");
    let manifest = std::fs::read_dir(&snapshots).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    let index = Store::open(&world.store_folder(), None).await.unwrap().index().await.unwrap();
    assert!(index.is_empty());
    assert_eq!(index.problems.len(), 1);
    assert!(index.problems[0].contains("not a manifest"), "{}", index.problems[0]);
    std::fs::remove_file(&manifest).unwrap();
    let index = Store::open(&world.store_folder(), None).await.unwrap().index().await.unwrap();
    assert!(index.is_empty() && index.problems.is_empty());
}

#[tokio::test]
async fn the_index_is_a_cache_that_may_be_deleted_or_spoiled() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let first = world.store().await.index().await.unwrap();
    let cache = world.folder.path().join("cache");
    let file = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    for spoil in ["", "{", "[]"] {
        std::fs::write(&file, spoil).unwrap();
        assert_eq!(world.store().await.index().await.unwrap().versions(), first.versions());
    }
    take_backup(&world, "dev").await;
    let warm = world.store().await.index().await.unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(world.store().await.index().await.unwrap().versions(), warm.versions());
    assert!(warm.len() > first.len());
}

#[tokio::test]
async fn a_version_that_comes_back_is_the_newest_again_and_the_one_between_is_one_step_back() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let store = world.store().await;
    let sync = crate::support::id("SYNC|01.00.0000");
    let original = world.client("prod").archive(&sync).await.unwrap();
    change_in_place(&world, "prod");
    take_backup(&world, "prod").await;
    let client = world.client("prod");
    client.deactivate(&sync).await.unwrap();
    client.replace_file(&key(Kind::Integration, "SYNC|01.00.0000"), original).await.unwrap();
    take_backup(&world, "prod").await;
    let index = store.index().await.unwrap();
    let pick = |back| StorePick::Newest { version: None, back };
    let now = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &pick(0))
        .await
        .unwrap();
    let before = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &pick(1))
        .await
        .unwrap();
    let first = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &pick(2))
        .await
        .unwrap();
    assert_eq!(now.fingerprint, first.fingerprint);
    assert_ne!(now.fingerprint, before.fingerprint);
    assert_eq!(now.path, first.path, "the same content is kept once");
    let error = store
        .resolve(&index, &name("prod"), &target(Kind::Integration, "SYNC"), &pick(9))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("3 versions") && error.contains("9 steps"), "{error}");
}

/// A world in which prod was backed up and SYNC changed in place since.
pub async fn incident() -> (World, Workspace) {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    change_in_place(&world, "prod");
    let workspace = world.workspace().await;
    (world, workspace)
}

/// Somebody deletes SYNC on prod.
pub fn delete_sync(world: &World) {
    let delete = |i: &mut oicx::sim::ServiceInstance| {
        let sync = id("SYNC|01.00.0000");
        i.deactivate(&sync).unwrap();
        i.delete(&sync).unwrap();
    };
    world.sim.with_instance("prod", delete).unwrap();
}

/// Somebody edits SYNC in the console without a new version number.
pub fn change_in_place(world: &World, environment: &str) {
    world
        .sim
        .with_instance(environment, |instance| {
            let live = instance.get_mut(&crate::support::id("SYNC|01.00.0000")).unwrap();
            live.edit(|flow| flow.loggers.push("'debug'".into()), "j.doe");
        })
        .unwrap();
}

#[tokio::test]
async fn a_store_that_cannot_be_made_or_is_newer_says_so() {
    let world = World::new().await;
    let file = world.folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Store::open(&file.join("store"), None).await.unwrap_err().to_string();
    assert!(error.contains("cannot be opened") && error.contains("store ="), "{error}");
    let folder = world.store_folder();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("oicx-store.json"), r#"{"format":99,"made_by":"the future"}"#)
        .unwrap();
    let error = Store::open(&folder, None).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer(_, 99)), "{error}");
}

#[tokio::test]
async fn history_keeps_environments_and_kinds_apart() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    take_backup(&world, "dev").await;
    let index = world.store().await.index().await.unwrap();
    assert_eq!(
        index
            .history(&name("prod"), &oicx::model::ArtifactName::new(Kind::Integration, "SYNC"))
            .count(),
        1
    );
    assert_eq!(
        index
            .history(&name("prod"), &oicx::model::ArtifactName::new(Kind::Integration, "LONELY"))
            .count(),
        0
    );
    assert_eq!(
        index
            .history(&name("dev"), &oicx::model::ArtifactName::new(Kind::Integration, "LONELY"))
            .count(),
        1
    );
    assert!(index.latest_snapshot(&name("dev")).is_some());
}

#[tokio::test]
async fn fingerprints_of_older_rules_are_made_anew_and_nothing_is_downloaded_again() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let before = world.store().await.index().await.unwrap();
    let folder = world.store_folder().join("prod/snapshots");
    let path = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for entry in manifest["entries"].as_array_mut().unwrap() {
        entry["fingerprint"] = "0".repeat(64).into();
        entry["flow"] = "0".repeat(64).into();
        entry.as_object_mut().unwrap().remove("rules");
    }
    std::fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    std::fs::remove_dir_all(world.folder.path().join("cache")).unwrap();
    let after = world.store().await.index().await.unwrap();
    assert_eq!(before.versions(), after.versions());
    assert!(after.problems.is_empty(), "{:?}", after.problems);
    assert_eq!(take_backup(&world, "prod").await.downloaded, 0);
}

#[tokio::test]
async fn each_of_two_versions_in_one_snapshot_is_named_by_its_own_reference() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let workspace = world.workspace().await;
    let index = workspace.index().await.unwrap();
    let rows: Vec<_> = index
        .versions()
        .iter()
        .filter(|v| v.code == "ORDERS" && v.kind == Kind::Integration)
        .collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let request = workspace.request(Verb::Restore, &[row.reference()]).await.unwrap();
        let wanted = &request.wanted[0];
        assert_eq!(wanted.key, row.entry.key());
        assert_eq!(wanted.archive.as_ref().unwrap().fingerprints.full, row.fingerprint);
    }
}
