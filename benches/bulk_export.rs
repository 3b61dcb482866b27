//! Promise: 500 archives at 150 ms each, concurrency 16: ≥ 90 % of the ideal 500 × 0.15 / 16 s, memory flat; and a
//! backup with no change downloads nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

mod support;

use std::time::Instant;

use oicx::config::{Auth, Environment, SecretSource};
use oicx::oic::{Client, Tuning};
use oicx::ops::{
    backup::{self, Scope},
    events::Events,
};
use oicx::sim::{Landscape, Options, Simulator};
use oicx::store::Store;
use support::resident_mb;
use tokio_util::sync::CancellationToken;

const COUNT: usize = 500;
const SECONDS_EACH: f64 = 0.15;
const CONCURRENCY: usize = 16;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let landscape = Landscape::parse(&landscape(), "bench.toml".as_ref()).unwrap();
    let faults = vec!["latency=150ms path=/archive".parse().unwrap()];
    let sim = Simulator::start(&landscape, &Options { faults, ..Options::default() }).await.unwrap();
    let client = client(&sim, folder.path());
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

async fn take(client: &Client, store: &Store) -> backup::Outcome {
    let index = store.index().await.unwrap();
    let plan = backup::plan(client, store, &index, &Scope::default()).await.unwrap();
    backup::run(client, store, &index, plan, &Events::silent(), &CancellationToken::new()).await.unwrap()
}

fn client(sim: &Simulator, folder: &std::path::Path) -> Client {
    let place = &sim.places()[0];
    let secret = folder.join("secret");
    std::fs::write(&secret, &place.account.1).unwrap();
    let environment = Environment {
        name: place.name.clone(),
        url: place.design.parse().unwrap(),
        instance: Some(place.instance.clone()),
        protected: false,
        read_only: true,
        concurrency: CONCURRENCY,
        activation_timeout: 10,
        auth: Auth::ClientCredentials {
            token_url: format!("{}/oauth2/v1/token", place.design).parse().unwrap(),
            client_id: place.account.0.clone(),
            client_secret: SecretSource::File(secret),
            scope: "all".into(),
        },
    };
    Client::new(environment, Tuning::default())
}

fn landscape() -> String {
    let words = |prefix: &str, n: usize| (0..n).map(|i| format!("\"{prefix}{i}\"")).collect::<Vec<_>>().join(",");
    let endpoint = "{ name = \"x\", connection = \"C\", adapter = \"rest\", verb = \"GET\", resource = \"/\" }";
    format!(
        "[[environment]]\nname = \"big\"\ninstance = \"big\"\nclients = [{{ id = \"a\", secret = \"b\", role = \"ServiceDeveloper\" }}]\n\
         [[spread]]\nenvironment = \"big\"\ntotal = {COUNT}\n\
         [[family]]\nobjects = [{}]\nactions = [{}]\nfields = {{ a = \"1\" }}\nsource = {endpoint}\ntarget = {endpoint}\n",
        words("O", 50),
        words("A", 10)
    )
}
