//! A byte that rotted in the store is found and no new snapshot relies on it: at once where a
//! verify found it, else when the file has its turn.

use std::path::PathBuf;

use oicx::config::EnvironmentConfig;
use oicx::model::Kind;
use oicx::store::Index;
use rstest::rstest;

use crate::store::{back_up, take_backup};
use crate::store_upkeep::{date_back, verified};
use crate::support::World;

async fn index_of(world: &World) -> Index {
    world.store().await.index().await.unwrap()
}

/// Changes one byte in the middle of the newest file of a kind and code; the size stays.
async fn rot(world: &World, kind: Kind, code: &str) -> String {
    let index = index_of(world).await;
    let of = |v: &&oicx::store::StoredVersion| v.kind == kind && v.code == code;
    let path = index.versions().iter().rfind(of).unwrap().path.clone();
    let file: PathBuf = world.store_folder().join(&path);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    path
}

fn newest_relies_on(index: &Index, path: &str) -> bool {
    let newest = index.snapshots().last().unwrap().started;
    index.versions().iter().any(|v| v.path == path && v.last_seen >= newest)
}

#[tokio::test]
async fn what_a_verify_found_is_taken_anew_by_the_next_backup() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let path = rot(&world, Kind::Integration, "SYNC").await;
    let store = world.store().await;
    // The size is right, and the file has its turn another day.
    assert!(take_backup(&world, "prod").await.notes.is_empty());
    assert_eq!(verified(&store, None).await.problems.len(), 1);
    let outcome = take_backup(&world, "prod").await;
    assert_eq!((outcome.downloaded, outcome.failed.len()), (1, 0), "{outcome:?}");
    assert!(outcome.notes[0].contains(&path) && outcome.notes[0].contains("is damaged"));
    assert!(!newest_relies_on(&index_of(&world).await, &path));
    // The old snapshots are told, and stay what they are until a copy heals them.
    let report = verified(&store, None).await;
    assert_eq!(report.problems.len(), 1);
    assert!(!report.problems[0].snapshots.is_empty());
    // A backup that relies on it no more downloads nothing again.
    assert_eq!(take_backup(&world, "prod").await.downloaded, 0);
}

#[rstest]
#[case::all_have_had_their_turn(30, true)]
#[case::none_ever_has(0, false)]
#[tokio::test]
async fn each_file_is_read_again_within_the_days(#[case] days: u64, #[case] found: bool) {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let path = rot(&world, Kind::Integration, "SYNC").await;
    let store = world.store().await;
    date_back(&store, 40).await;
    let environment = EnvironmentConfig { recheck_days: days, ..world.environment("prod") };
    let outcome = back_up(&world.client_of(environment), &store).await;
    assert_eq!(outcome.notes.iter().any(|note| note.contains(&path)), found, "{outcome:?}");
    assert_eq!(outcome.downloaded, usize::from(found));
    assert_eq!(newest_relies_on(&index_of(&world).await, &path), !found);
}

#[tokio::test]
async fn what_is_read_anew_byte_for_byte_heals_the_old_snapshots_too() {
    let world = World::new().await;
    take_backup(&world, "prod").await;
    let path = rot(&world, Kind::Connection, "HCM").await;
    let store = world.store().await;
    assert_eq!(verified(&store, None).await.problems.len(), 1);
    let outcome = take_backup(&world, "prod").await;
    assert!(outcome.notes.iter().any(|n| n.contains("is whole again")), "{outcome:?}");
    assert!(newest_relies_on(&index_of(&world).await, &path));
    assert!(verified(&store, None).await.is_clean());
    assert!(take_backup(&world, "prod").await.notes.is_empty());
}
