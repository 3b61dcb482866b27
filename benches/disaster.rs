//! A disaster: the demo's production, 119 integrations with what they need, restored into an empty
//! environment at a real service's pace and in its ordinary weather; all of them in the global
//! space. Prints time, order, failures injected and survived.
//!
//! Pace: 150 ms a call, an activation 3 s. With `OICX_FAST=1` a tenth of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

mod support;

use std::time::{Duration, Instant};

use oicx::config::EnvironmentConfig;
use oicx::model::{ItemIndex, Status};
use oicx::oic::{Client, Tuning};
use oicx::restore;
use oicx::restore::{
    ConnectionValues, Journal, PlanOptions, RetryPolicy, RunContext, RunOutcome, Verb,
};
use oicx::sim::{Landscape, ServerOptions, Simulator};
use oicx::store::Store;
use oicx::workspace::Workspace;
use oicx::workspace::events::{Events, StopSignal};

const DEMO: &str = include_str!("../assets/demo/landscape.toml");

#[tokio::main]
async fn main() {
    let fast = std::env::var("OICX_FAST").is_ok();
    let scale = if fast { 10 } else { 1 };
    let (call, activation) = (150 / scale, 3000 / scale);
    let text = format!(
        "{DEMO}\n[[environment]]\nname = \"empty\"\ninstance = \"acme-empty\"\nactivation_ms = \
            {activation}\nclients = \
            [{{ id = \"oicx\", secret = \"demo\", role = \"ServiceAdministrator\" }}]\n"
    );
    let mut landscape = Landscape::parse(&text, "disaster.toml".as_ref()).unwrap();
    // A project comes back as one file; what is measured is many artifacts with an order.
    landscape.projects.clear();
    landscape.connections.iter_mut().for_each(|c| c.projects_only = false);
    landscape.lookups.iter_mut().for_each(|l| l.projects_only = false);
    let sim = Simulator::start(&landscape, &ServerOptions::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store"), None).await.unwrap();
    sim.with_instance("empty", |i| {
        i.lookups.clear();
        i.others.libraries.clear();
        i.connections.values_mut().for_each(|c| c.configured = true);
    });
    let clients: Vec<Client> = sim.places().iter().map(|p| client(p, folder.path())).collect();
    let prod = clients.iter().find(|c| c.name().as_str() == "prod").unwrap();
    println!("backup of prod: {} downloads", support::take(prod, &store).await.downloaded);
    let empty = clients.iter().find(|c| c.name().as_str() == "empty").unwrap().clone();
    let workspace = Workspace { environments: clients, store: Some(store.clone()), cache: None };
    sim.add_fault(format!("latency={call}ms env=empty").parse().unwrap());
    for weather in WEATHER {
        sim.add_fault(format!("{weather} env=empty").parse().unwrap());
    }
    let request = workspace
        .request_snapshot(Verb::Restore, &"prod".parse().unwrap(), |_, _| true)
        .await
        .unwrap();
    let prepared =
        restore::prepare(&empty, Some(&store), &request, &PlanOptions::default()).await.unwrap();
    let integrations = prepared.plan.items.iter().filter(|i| i.id().is_some()).count();
    println!(
        "{} artifacts, {integrations} integrations, {} steps",
        prepared.plan.items.len(),
        prepared.plan.steps.len()
    );
    for blocker in prepared.plan.blockers() {
        println!("blocker: {}", blocker.what);
    }
    let retry_policy = RetryPolicy {
        poll: Duration::from_millis(500 / scale),
        again: Duration::from_millis(500 / scale),
        ..RetryPolicy::default()
    };
    let retry_policy = if fast {
        RetryPolicy { steady: Some(Duration::from_millis(100)), ..retry_policy }
    } else {
        retry_policy
    };
    let (connection_values, stop, calls) =
        (ConnectionValues::default(), StopSignal::default(), sim.calls("empty "));
    let context = RunContext {
        client: &empty,
        store: &store,
        retry_policy: &retry_policy,
        connection_values: &connection_values,
        events: &Events::silent(),
        stop: &stop,
    };
    let approved = prepared.plan.approve(Some("empty")).unwrap();
    let start = Instant::now();
    let journal = restore::run(approved, prepared.payloads, context).await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    report(&journal, seconds, &retry_policy);
    let active = empty
        .integrations()
        .await
        .unwrap()
        .iter()
        .filter(|i| i.state.status == Status::Active)
        .count();
    println!("{} calls; {active} integrations run there now", sim.calls("empty ") - calls);
}

/// An ordinary night: 503s, resets, answers that are lost, two activations that fail once.
const WEATHER: [&str; 6] = [
    "status=503 path=/integrations/archive after=10 times=6",
    "reset path=/archive after=40 times=6",
    "lost method=POST path=/integrations/archive after=30 times=4",
    "lost method=POST path=/integrations/ after=50 times=4",
    "status=429 path=/activationStatus after=60 times=8 retry-after=1",
    "fail-activation method=POST path=/integrations/ after=20 times=2",
];

fn client(place: &oicx::sim::InstanceAddress, folder: &std::path::Path) -> Client {
    let environment = support::environment_of(place, folder);
    Client::new(
        EnvironmentConfig { concurrency: 8, activation_timeout: 60, ..environment },
        Tuning::default(),
    )
}

fn report(journal: &Journal, seconds: f64, retry_policy: &RetryPolicy) {
    let count =
        |outcome: RunOutcome| journal.items.iter().filter(|r| r.outcome == Some(outcome)).count();
    println!(
        "{:?} in {seconds:.1} s: {} restored, {} put back, {} not begun, {} unfinished; {} at once",
        journal.result.unwrap(),
        count(RunOutcome::Restored),
        count(RunOutcome::PutBack),
        count(RunOutcome::Untouched),
        count(RunOutcome::Unfinished),
        retry_policy.at_once
    );
    for (item, record) in
        journal.plan.items.iter().zip(&journal.items).filter(|(_, r)| r.error.is_some())
    {
        println!(
            "  {}: {}",
            item.key,
            record.error.clone().unwrap_or_default().chars().take(120).collect::<String>()
        );
    }
    let survived =
        journal.lines.iter().filter(|l| l.note.contains("although the answer was lost")).count();
    println!("  {survived} changes whose answer was lost were looked at and not made twice");
    println!("  order kept: {}", order_kept(journal));
    let mut times: Vec<f64> =
        journal.plan.item_indices().filter_map(|item| took(journal, item)).collect();
    times.sort_by(f64::total_cmp);
    let sum: f64 = times.iter().sum();
    println!(
        "  an artifact takes {:.1} s in the median, {:.1} s at most; one after the other {sum:.0} \
            s, here {:.2} of that",
        times[times.len() / 2],
        times[times.len() - 1],
        seconds / sum
    );
}

fn took(journal: &Journal, item: ItemIndex) -> Option<f64> {
    journal.span(item).map(|(from, to)| to.duration_since(from).as_secs_f64())
}

/// Whether everything began after what it needs had ended.
fn order_kept(journal: &Journal) -> bool {
    let plan = &journal.plan;
    plan.item_indices().all(|item| {
        let Some((began, _)) = journal.span(item) else { return true };
        plan.items[item]
            .after
            .iter()
            .all(|before| journal.span(*before).is_none_or(|(_, ended)| ended <= began))
    })
}
