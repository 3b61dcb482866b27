//! Promise: 500 archives at 150 ms each, concurrency 16: ≥ 90 % of the ideal 500 × 0.15 / 16 s,
//! memory flat; and a backup with no change downloads nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

mod support;

use std::time::Instant;

use oicx::sim::{Landscape, ServerOptions, Simulator};
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
    let sim = Simulator::start(&landscape, &ServerOptions { faults, ..ServerOptions::default() })
        .await
        .unwrap();
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
        println!(
            "memory (client and simulator in one process): {before:.1} MB before, {after:.1} MB \
                after"
        );
    }
    curl_loop(&sim, elapsed);
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

/// What a script does: one `curl` after the other. A tenth of them is enough to know the pace.
fn curl_loop(sim: &Simulator, ours: f64) {
    const SOME: usize = COUNT / 10;
    let place = &sim.places()[0];
    let ids: Vec<String> = sim
        .with_instance("big", |i| {
            i.integrations.keys().take(SOME).map(|id| id.path_segment()).collect()
        })
        .unwrap();
    let token = std::process::Command::new("curl")
        .args(["--silent", "--user", &format!("{}:{}", place.account.0, place.account.1)])
        .args([
            "--data",
            "grant_type=client_credentials&scope=all",
            &format!("{}/oauth2/v1/token", place.design),
        ])
        .output();
    let Ok(token) = token else { return println!("curl is not here: no comparison") };
    let token: serde_json::Value = serde_json::from_slice(&token.stdout).unwrap();
    let header = format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap());
    let began = Instant::now();
    for id in &ids {
        let url = format!(
            "{}/ic/api/integration/v1/integrations/{id}/archive?integrationInstance={}",
            place.design, place.instance
        );
        let done = std::process::Command::new("curl")
            .args(["--silent", "--fail", "--output", "/dev/null", "--header", &header, &url])
            .status();
        assert!(done.unwrap().success(), "{id}");
    }
    let each = began.elapsed().as_secs_f64() / SOME as f64;
    println!(
        "a loop of curl: {each:.3} s an archive over {SOME}, so {:.1} s for {COUNT}; ours / loop \
            {:.3}",
        each * COUNT as f64,
        ours / (each * COUNT as f64)
    );
}
