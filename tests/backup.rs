//! Backup: only what changed, what fails is reported and the rest kept, a stop leaves a readable
//! store.

use std::sync::Arc;

use oicx::ops::backup::{self, BackupError, BackupSelection};
use oicx::store::Store;
use oicx::workspace::events::{Events, Progress};
use tokio_util::sync::CancellationToken;

use crate::store::{change_in_place, take_backup};
use crate::support::{World, disk::FillingDisk, id, memory_store};

#[tokio::test]
async fn the_second_backup_downloads_nothing_and_the_third_only_what_changed() {
    let world = World::new().await;
    let first = take_backup(&world, "prod").await;
    assert_eq!((first.downloaded, first.described, first.unchanged), (4, 4, 0));
    let exports = world.sim.calls("/archive");
    let second = take_backup(&world, "prod").await;
    // What is locked has never been taken and is tried each time.
    assert_eq!((second.downloaded, second.described, second.unchanged), (0, 0, 8));
    assert_eq!(world.sim.calls("/archive") - exports, 1);
    change_in_place(&world, "prod");
    let third = take_backup(&world, "prod").await;
    assert_eq!((third.downloaded, third.described, third.unchanged), (1, 0, 7));
}

#[tokio::test]
async fn locked_and_prebuilt_are_skipped_with_the_reason() {
    let world = World::new().await;
    let prod = take_backup(&world, "prod").await;
    assert_eq!(prod.skipped.len(), 1);
    assert!(prod.skipped[0].reason.contains("locked by k.lindqvist"), "{}", prod.skipped[0].reason);
    let dev = take_backup(&world, "dev").await;
    assert!(dev.skipped[0].reason.contains("prebuilt"), "{:?}", dev.skipped);
    assert!(dev.failed.is_empty());
}

#[tokio::test]
async fn what_fails_is_named_and_the_rest_is_kept() {
    let world = World::new().await;
    world.fault("status=500 path=/integrations/SYNC%7C01.00.0000/archive");
    let outcome = take_backup(&world, "prod").await;
    assert_eq!(outcome.failed.len(), 1);
    assert!(
        outcome.failed[0].error.contains("prod: export SYNC|01.00.0000: 500"),
        "{:?}",
        outcome.failed
    );
    assert_eq!(outcome.downloaded, 3);
    let index = world.store().await.index().await.unwrap();
    assert_eq!(index.len(), 7);
    world.sim.clear_faults();
    let again = take_backup(&world, "prod").await;
    assert_eq!((again.downloaded, again.unchanged), (1, 7));
}

#[tokio::test]
async fn a_page_or_half_an_archive_is_never_kept_as_a_backup() {
    let world = World::new().await;
    world.fault("html path=/archive");
    let outcome = take_backup(&world, "prod").await;
    assert_eq!((outcome.downloaded, outcome.failed.len()), (0, 5));
    assert!(outcome.failed.iter().all(|f| f.error.contains("HTML page")), "{:?}", outcome.failed);
    let index = world.store().await.index().await.unwrap();
    assert!(index.versions().iter().all(|v| !v.kind.has_archive()), "descriptions alone are kept");
    world.sim.clear_faults();
    world.fault("truncate path=/archive");
    let outcome = take_backup(&world, "prod").await;
    assert_eq!(
        (outcome.downloaded, outcome.failed.len()),
        (1, 4),
        "a lookup of three lines comes whole: {outcome:?}"
    );
}

#[tokio::test]
async fn a_stop_in_the_middle_keeps_what_was_taken_as_a_partial_snapshot() {
    let world = World::new().await;
    world.fault("latency=150ms path=/archive after=1");
    let (client, store) = (world.client("prod"), world.store().await);
    let index = store.index().await.unwrap();
    let plan = backup::plan(&client, &store, &index, &BackupSelection::default()).await.unwrap();
    let (events, mut news) = Events::channel();
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        while let Some(progress) = news.recv().await {
            if matches!(progress, Progress::Done { .. }) {
                stop.cancel();
            }
        }
    });
    let outcome = backup::run(&client, &store, &index, plan, &events, &cancel).await.unwrap();
    let taken = outcome.downloaded + outcome.described;
    assert!(outcome.interrupted && taken >= 1 && outcome.id.is_some(), "{outcome:?}");
    let index = store.index().await.unwrap();
    assert_eq!(index.len(), taken);
    for version in index.versions() {
        store.read(version).await.unwrap();
    }
}

#[tokio::test]
async fn a_disk_that_fills_is_an_error_and_what_was_committed_before_stays() {
    let world = World::new().await;
    let client = world.client("prod");
    let run = |store: Store| {
        let client = client.clone();
        async move {
            let index = store.index().await.unwrap();
            let plan =
                backup::plan(&client, &store, &index, &BackupSelection::default()).await.unwrap();
            backup::run(&client, &store, &index, plan, &Events::silent(), &CancellationToken::new())
                .await
        }
    };
    run(memory_store()).await.unwrap();
    for room in [0, 500, 8_000, 20_000] {
        let store = Store::on(Arc::new(FillingDisk::with_room_for(room)), "small");
        let error = run(store.clone()).await.unwrap_err();
        assert!(matches!(error, BackupError::Store(_)));
        assert!(
            error.to_string().contains("No space left") && error.to_string().contains("free space"),
            "{error}"
        );
        assert!(store.index().await.unwrap().is_empty(), "nothing is listed that is not whole");
    }
}

#[tokio::test]
async fn an_export_takes_what_was_chosen_and_says_nothing_of_the_rest() {
    let world = World::new().await;
    let (client, store) = (world.client("prod"), world.store().await);
    let index = store.index().await.unwrap();
    let scope = BackupSelection {
        chosen: vec![id("ORDERS|01.01.0000").into()],
        ..BackupSelection::default()
    };
    let plan = backup::plan(&client, &store, &index, &scope).await.unwrap();
    assert_eq!(plan.downloads(), 1);
    let outcome =
        backup::run(&client, &store, &index, plan, &Events::silent(), &CancellationToken::new())
            .await
            .unwrap();
    assert_eq!(outcome.downloaded, 1);
    let index = store.index().await.unwrap();
    assert_eq!(index.versions()[0].integration_id(), Some(id("ORDERS|01.01.0000")));
    assert_eq!(
        index.latest_snapshot(client.name()),
        None,
        "an export is no backup of the environment"
    );
}
