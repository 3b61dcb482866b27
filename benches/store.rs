//! Promises of the store: 50,000 stored versions open in 200 ms from a warm index; verify against
//! `sha256sum`; what 100 daily snapshots of 500 integrations take against plain copies and a git
//! repository of the archives. `OICX_BENCH_DAYS` shortens the last.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

mod support;

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oicx::archive::sha256_hex;
use oicx::model::{
    Fingerprint, Kind, Manifest, ManifestEntry, Purpose, SnapshotId, Status, Version,
};
use oicx::ops::verify;
use oicx::sim::{Landscape, ServerOptions, Simulator};
use oicx::store::Store;
use oicx::workspace::events::Events;
use support::{big_client, big_landscape, code, median, resident_mb, take};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    open_many().await;
    let days = std::env::var("OICX_BENCH_DAYS").ok().and_then(|d| d.parse().ok()).unwrap_or(100);
    a_hundred_days(days).await;
}

/// 500 artifacts, 100 snapshots, every version of each another content: 50,000 stored versions.
async fn open_many() {
    const ARTIFACTS: usize = 500;
    const SNAPSHOTS: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_unsynced(&folder.path().join("store")).await.unwrap();
    for day in 0..SNAPSHOTS {
        let started = Timestamp::from_second(1_780_000_000 + day as i64 * 86_400).unwrap();
        let entries = (0..ARTIFACTS).map(|i| entry(i, day, started)).collect();
        let id = SnapshotId(format!("{}-{day:04x}", started.strftime("%Y-%m-%dT%H%M%SZ")));
        let purpose = Purpose::Backup { partial: false, selection: false };
        let manifest =
            Manifest { entries, ..Manifest::new(id, "big".parse().unwrap(), started, purpose) };
        store.write_manifest(&manifest).await.unwrap();
    }
    let cache = folder.path().join("cache");
    let open = || async {
        let began = Instant::now();
        let store = Store::open(&folder.path().join("store"), Some(&cache)).await.unwrap();
        let index = store.index().await.unwrap();
        let newest = index
            .newest(
                &"big".parse().unwrap(),
                &oicx::model::ArtifactName::new(Kind::Integration, code(7)),
            )
            .unwrap()
            .version;
        let listed = index
            .history(
                &"big".parse().unwrap(),
                &oicx::model::ArtifactName::new(Kind::Integration, code(7)),
            )
            .count();
        assert_eq!(
            (index.len(), listed, newest.is_some()),
            (ARTIFACTS * SNAPSHOTS, SNAPSHOTS, true)
        );
        began.elapsed()
    };
    let cold = open().await;
    let mut warm = Vec::new();
    for _ in 0..9 {
        warm.push(open().await);
    }
    let memory = resident_mb(std::process::id()).unwrap_or_default();
    println!(
        "{} stored versions: opened and one's history listed in {:.0} ms without an index, {:.0} \
            ms with (promise 200); {memory:.0} MB",
        ARTIFACTS * SNAPSHOTS,
        ms(cold),
        ms(median(warm))
    );
}

fn entry(i: usize, day: usize, updated: Timestamp) -> ManifestEntry {
    let sha256 = sha256_hex(format!("{i} {day}").as_bytes());
    let fingerprint: Fingerprint = sha256.parse().unwrap();
    let code = code(i);
    ManifestEntry {
        scope: oicx::model::Scope::Global,
        member: None,
        kind: Kind::Integration,
        version: Some(Version { major: 1, minor: 0, patch: 0 }),
        name: code.to_lowercase(),
        status: Status::Active,
        last_updated: Some(updated),
        last_updated_by: Some("a.integrator".into()),
        path: format!(
            "big/integrations/{code}/01.00.0000/2026-08-15T013012Z-{}.iar",
            fingerprint.short()
        ),
        code,
        size: 40_000,
        sha256,
        fingerprint,
        portable: fingerprint,
        rules: oicx::archive::RULES,
        revision: None,
        members: vec![],
        expires: None,
    }
}

async fn a_hundred_days(days: usize) {
    const COUNT: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    let landscape = Landscape::parse(&big_landscape(COUNT), "bench.toml".as_ref()).unwrap();
    let sim = Simulator::start(&landscape, &ServerOptions::default()).await.unwrap();
    let client = big_client(&sim, folder.path(), 16);
    let store_folder = folder.path().join("store");
    let store = Store::open_unsynced(&store_folder).await.unwrap();
    let git = folder.path().join("git");
    std::fs::create_dir_all(&git).unwrap();
    run(&git, &["init", "--quiet"]);
    let mut plain_bytes = 0;
    for day in 0..days {
        if day > 0 {
            edit_one_percent(&sim, day, COUNT);
        }
        take(&client, &store).await;
        // A script's way: every archive of every night in a folder of that night, as the service
        // gives it.
        plain_bytes += export_all(&sim, &git);
        run(&git, &["add", "--all"]);
        run(
            &git,
            &[
                "-c",
                "user.name=b",
                "-c",
                "user.email=b@b",
                "commit",
                "--quiet",
                "--message",
                "night",
            ],
        );
    }
    run(&git, &["gc", "--quiet", "--aggressive"]);
    let (ours, theirs) = (size(&store_folder), size(&git.join(".git")));
    println!(
        "{days} daily snapshots of {COUNT} integrations, 1 % changed a day: store {:.1} MB; plain \
            copies {:.1} MB (store/copies {:.3}); git of the archives after gc {:.1} MB (store/git \
            {:.2})",
        mb(ours),
        mb(plain_bytes),
        ours as f64 / plain_bytes as f64,
        mb(theirs),
        ours as f64 / theirs as f64
    );
    let scope = verify::VerifySelection { deep: true, ..verify::VerifySelection::default() };
    let began = Instant::now();
    let report = verify::run(&store, &scope, None, &Events::silent(), &CancellationToken::new())
        .await
        .unwrap();
    let deep = began.elapsed();
    assert!(report.is_clean(), "{:?}", report.problems);
    let began = Instant::now();
    let script = "find . -type f -print0 | xargs -0 sha256sum > /dev/null";
    assert!(
        Command::new("sh")
            .args(["-c", script])
            .current_dir(&store_folder)
            .status()
            .unwrap()
            .success()
    );
    let theirs = began.elapsed();
    let gb = report.read_bytes as f64 / 1e9;
    println!(
        "verify --deep of {} files, {:.1} MB: {:.0} ms ({:.1} s a GB: hash, every archive unpacked \
            and its fingerprint made); sha256sum of the same {:.0} ms",
        report.read,
        mb(report.read_bytes),
        ms(deep),
        deep.as_secs_f64() / gb,
        ms(theirs)
    );
}

fn edit_one_percent(sim: &Simulator, day: usize, count: usize) {
    sim.with_instance("big", |i| {
        let ids: Vec<_> = i.integrations.keys().cloned().collect();
        for k in 0..count / 100 {
            let id = &ids[(day * 37 + k * 101) % ids.len()];
            i.get_mut(id).unwrap().edit(|f| f.loggers = vec![format!("'{day}'")], "x");
        }
    });
}

/// Bytes of all exports, and each in the folder that git watches.
fn export_all(sim: &Simulator, git: &Path) -> u64 {
    sim.with_instance("big", |i| {
        let ids: Vec<_> = i.integrations.keys().cloned().collect();
        let mut total = 0;
        for id in ids {
            let bytes = i.export(&id).unwrap();
            total += bytes.len() as u64;
            std::fs::write(git.join(id.file_name()), bytes).unwrap();
        }
        total
    })
    .unwrap()
}

fn run(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git").arg("-C").arg(folder).args(arguments).status().unwrap();
    assert!(status.success(), "git {arguments:?}");
}

fn size(folder: &Path) -> u64 {
    let mut total = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        total += if path.is_dir() { size(&path) } else { path.metadata().unwrap().len() };
    }
    total
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
