//! Promise: 500 archives at 150 ms each, concurrency 16: ≥ 90 % of the ideal 500 × 0.15 / 16 s, memory flat; and a
//! backup with no change downloads nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

mod support;

use std::time::Instant;

use oicx::sim::{Landscape, Options, Simulator};
use oicx::store::Store;
use support::{big_client, big_landscape, resident_mb, take};

const COUNT: usize = 500;
const SECONDS_EACH: f64 = 0.15;
const CONCURRENCY: usize = 16;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let landscape = Landscape::parse(&big_landscape(COUNT), "bench.toml".as_ref()).unwrap();
    let faults = vec!["latency=150ms path=/archive".parse().unwrap()];
    let sim = Simulator::start(&landscape, &Options { faults, ..Options::default() }).await.unwrap();
    let client = big_client(&sim, folder.path(), CONCURRENCY);
    let store = Store::open(&folder.path().join("store"), Some(folder.path())).await.unwrap();
    client.integrations().await.unwrap();

    let memory_before = resident_mb(std::process::id());
    let began = Instant::now();
    let first = take(&client, &store).await;
    let elapsed = began.elapsed().as_secs_f64();
    let ideal = COUNT as f64 * SECONDS_EACH / CONCURRENCY as f64;
    println!(
        "{} archives downloaded in {elapsed:.2} s; ideal {ideal:.2} s; ideal / ours = {:.0} %",
        first.downloaded,
        100.0 * ideal / elapsed
    );
    if let (Some(before), Some(after)) = (memory_before, resident_mb(std::process::id())) {
        println!("memory (client and simulator in one process): {before:.1} MB before, {after:.1} MB after");
    }
    let calls = sim.calls("");
    let began = Instant::now();
    let second = take(&client, &store).await;
    println!(
        "again without a change: {} downloads, {} calls, {:.0} ms",
        second.downloaded,
        sim.calls("") - calls,
        began.elapsed().as_secs_f64() * 1e3
    );
}
