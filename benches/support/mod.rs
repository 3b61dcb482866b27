//! What the benchmarks share: invented listings and plain statistics.
#![allow(dead_code, reason = "each benchmark uses its part")]

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use oicx::config::{AuthConfig, EnvironmentConfig, SecretSource};
use oicx::model::{ArtifactState, InstanceCounts, Kind, Status, Version};
use oicx::oic::{Client, Tuning};
use oicx::ops::backup::{self, BackupSelection};
use oicx::sim::{InstanceAddress, Simulator};
use oicx::store::Store;
use oicx::workspace::{
    events::Events,
    listing::{Listing, ListingEntry},
    listing_cache,
};
use tokio_util::sync::CancellationToken;

const OBJECTS: [&str; 12] = [
    "EMPLOYEE", "INVOICE", "ORDER", "SHIPMENT", "PAYMENT", "TICKET", "LEDGER", "ASSET", "CONTRACT",
    "CARRIER", "BUDGET", "LEAD",
];
const ACTIONS: [&str; 10] = [
    "DATA_SYNC",
    "EXPORT",
    "IMPORT",
    "RECONCILE",
    "NOTIFY",
    "ARCHIVE",
    "STATUS_UPDATE",
    "ENRICH",
    "MERGE",
    "NIGHTLY_LOAD",
];

/// The code of row `i`: no two are the same.
pub fn code(i: usize) -> String {
    format!(
        "{}_{}_{i:06}",
        OBJECTS[i % OBJECTS.len()],
        ACTIONS[(i / OBJECTS.len()) % ACTIONS.len()]
    )
}

/// An environment that nobody answers for: only what was cached shows.
pub fn silent_environment(name: &str) -> EnvironmentConfig {
    let auth = AuthConfig::Basic {
        user: "u".into(),
        password: SecretSource::Env("OICX_BENCH_UNSET".into()),
    };
    let url = "http://127.0.0.1:9".parse().unwrap();
    EnvironmentConfig {
        read_only: true,
        ..EnvironmentConfig::new(name.parse().unwrap(), url, Some(name.into()), auth)
    }
}

/// Puts a listing of so many integrations where the explorer looks for what was seen last time.
pub fn cache_listing(folder: &Path, environment: &EnvironmentConfig, rows: usize) {
    let now = Timestamp::now();
    let artifact = |i: usize| ListingEntry {
        scope: oicx::model::Scope::Global,
        kind: Kind::Integration,
        code: code(i),
        version: Some(Version { major: 1, minor: (i % 7) as u8, patch: (i % 3) as u16 }),
        name: code(i).to_lowercase(),
        state: ArtifactState {
            last_updated: Timestamp::from_second(now.as_second() - i as i64).ok(),
            last_updated_by: Some("a.integrator".into()),
            ..ArtifactState::new(if i.is_multiple_of(9) {
                Status::Configured
            } else {
                Status::Active
            })
        },
        scheduled: i.is_multiple_of(4),
        runs: Some(InstanceCounts {
            received: 10,
            succeeded: 10,
            failed: u64::from(i.is_multiple_of(31)),
            aborted: 0,
        }),
        expires: None,
    };
    let listing = Listing {
        environment: environment.name.clone(),
        taken: now,
        artifacts: (0..rows).map(artifact).collect(),
        runs_known: true,
        unseen: vec![],
    };
    listing_cache::save(folder, environment, &listing);
}

/// Median, 99th percentile and maximum in milliseconds.
pub fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |q: f64| times[((times.len() - 1) as f64 * q).round() as usize].as_secs_f64() * 1e3;
    format!(
        "median {:.2} ms, p99 {:.2} ms, max {:.2} ms ({} samples)",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len()
    )
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Resident memory of a process in MB, where the system tells it.
pub fn resident_mb(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// A snapshot of all that is there.
pub async fn take(client: &Client, store: &Store) -> backup::BackupOutcome {
    let index = store.index().await.unwrap();
    let plan = backup::plan(client, store, &index, &BackupSelection::default()).await.unwrap();
    backup::run(client, store, &index, plan, &Events::silent(), &CancellationToken::new())
        .await
        .unwrap()
}

/// A client of the one environment of [`big_landscape`].
pub fn big_client(sim: &Simulator, folder: &Path, concurrency: usize) -> Client {
    let environment = EnvironmentConfig {
        read_only: true,
        concurrency,
        ..environment_of(&sim.places()[0], folder)
    };
    Client::new(environment, Tuning::default())
}

/// A simulated environment as a config names it.
pub fn environment_of(place: &InstanceAddress, folder: &Path) -> EnvironmentConfig {
    let secret = folder.join("secret");
    std::fs::write(&secret, &place.account.1).unwrap();
    let auth = AuthConfig::ClientCredentials {
        token_url: format!("{}/oauth2/v1/token", place.design).parse().unwrap(),
        client_id: place.account.0.clone(),
        client_secret: SecretSource::File(secret),
        scope: "all".into(),
    };
    let url = place.design.parse().unwrap();
    EnvironmentConfig::new(place.name.clone(), url, Some(place.instance.clone()), auth)
}

/// One environment with so many integrations.
pub fn big_landscape(count: usize) -> String {
    let words = |prefix: &str, n: usize| {
        (0..n).map(|i| format!("\"{prefix}{i}\"")).collect::<Vec<_>>().join(",")
    };
    let endpoint = "{ name = \"x\", connection = \"C\", adapter = \"rest\", verb = \"GET\", \
                    resource = \"/\" }";
    format!(
        "[[environment]]\nname = \"big\"\ninstance = \"big\"\n\
         clients = [{{ id = \"a\", secret = \"b\", role = \"ServiceDeveloper\" }}]\n\
         [[spread]]\nenvironment = \"big\"\ntotal = {count}\n\
         [[family]]\nobjects = [{}]\nactions = [{}]\nfields = {{ a = \"1\" \
             }}\nsource = {endpoint}\ntarget = {endpoint}\n",
        words("O", count.div_ceil(10)),
        words("A", 10)
    )
}
