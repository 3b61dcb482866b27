//! `oicx backup`.

use serde_json::json;

use super::{
    args::{BackupOptions, Global},
    chosen, on_interrupt,
    output::{self, Exit, Problem},
};
use crate::config::Config;
use crate::model::plural;
use crate::ops::{
    backup::{self, Outcome, Scope},
    workspace::Workspace,
};

pub async fn run(config: &Config, options: &BackupOptions, global: &Global) -> Result<Exit, Problem> {
    let workspace = Workspace::open(config).await?;
    let store = workspace.store()?;
    let index = store.index().await?;
    for problem in &index.problems {
        output::aside(global, format!("oicx: {problem}"));
    }
    let cancel = on_interrupt();
    let scope = Scope { chosen: vec![], filter: options.filter.clone() };
    let backups = chosen(&workspace, &options.environments)?.into_iter().map(|client| {
        let (index, scope, cancel) = (&index, &scope, &cancel);
        async move {
            let (events, shown) = output::progress(global, client.name().as_str());
            let result = match backup::plan(client, store, index, scope).await {
                Ok(plan) => backup::run(client, store, index, plan, &events, cancel).await,
                Err(e) => Err(e),
            };
            drop(events);
            let _ = shown.await;
            (client.name().clone(), result)
        }
    });
    let results = futures::future::join_all(backups).await;
    let mut outcomes = Vec::new();
    let mut broken = Vec::new();
    for (name, result) in results {
        match result {
            Ok(outcome) => outcomes.push(outcome),
            Err(e) => broken.push((name, e.to_string())),
        }
    }
    if global.json {
        let broken: Vec<_> =
            broken.iter().map(|(name, error)| json!({ "environment": name, "error": error })).collect();
        output::json(&json!({ "snapshots": outcomes, "broken": broken }));
    } else {
        outcomes.iter().for_each(summary);
        for (_, error) in &broken {
            eprintln!("oicx: {error}");
        }
    }
    Ok(exit(&outcomes, broken.len(), cancel.is_cancelled()))
}

fn exit(outcomes: &[Outcome], broken: usize, interrupted: bool) -> Exit {
    let kept_nothing = outcomes.iter().all(|o| o.id.is_none());
    if interrupted {
        Exit::Interrupted
    } else if kept_nothing {
        Exit::Failed
    } else if broken > 0 || outcomes.iter().any(|o| !o.failed.is_empty()) {
        Exit::Partly
    } else {
        Exit::Done
    }
}

fn summary(outcome: &Outcome) {
    let id = outcome.id.as_ref().map_or("no snapshot".into(), |id| format!("snapshot {id}"));
    output::line(format!(
        "{}: {id}: {} downloaded, {} unchanged, {} skipped, {} failed",
        outcome.environment,
        outcome.downloaded,
        outcome.unchanged,
        outcome.skipped.len(),
        outcome.failed.len()
    ));
    for skipped in &outcome.skipped {
        output::line(format!("  – {} {}: {}", skipped.code, skipped.version, skipped.reason));
    }
    for failure in &outcome.failed {
        output::line(format!("  ✗ {} {}: {}", failure.code, failure.version, failure.error));
    }
    for carried in &outcome.secrets {
        output::line(format!("  ! {} {}: {}", carried.code, carried.version, carried.secret.finding().what));
    }
    if outcome.interrupted {
        output::line(format!("  stopped before the end; {} kept", plural(outcome.downloaded, "download")));
    }
}
