//! `oicx backup` and `oicx snapshots`.

use serde_json::json;

use super::{
    args::{BackupOptions, Global},
    chosen,
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::Config;
use crate::model::{EnvironmentName, plural, short_date};
use crate::ops::{
    backup::{self, BackupSelection},
    summary::{self, BackupSummary, Baseline},
};

/// Takes a backup of each environment that was asked for, side by side, and prints what it brought.
pub async fn run(
    config: &Config,
    options: &BackupOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let store = workspace.store()?;
    let index = store.index().await?;
    for problem in &index.problems {
        output::aside(global, format!("oicx: {problem}"));
    }
    let cancel = waiting::on_interrupt();
    let shown = &Global { progress: output::backup_progress(global), ..global.clone() };
    let scope = selection(options);
    let from = match &options.since_deploy {
        None => Baseline::Previous,
        Some(label) => Baseline::Label(Some(label.clone()).filter(|l| !l.is_empty())),
    };
    let clients = chosen(&workspace, &options.environments)?;
    for client in &clients {
        summary::check(&index, client.name(), &from)
            .map_err(|e| CommandError::usage(format!("nothing was taken: {e}")))?;
    }
    let backups = clients.into_iter().map(|client| {
        let (index, scope, cancel, from) = (&index, &scope, &cancel, &from);
        async move {
            let work = |events| async move {
                backup::take(client, store, index, scope, &events, cancel).await
            };
            let result = output::watched(shown, client.name().as_str(), work).await;
            let summary = match result {
                Ok(outcome) => {
                    summary::of(client, store, outcome, from).await.map_err(|e| e.to_string())
                }
                Err(e) => Err(e.to_string()),
            };
            (client.name().clone(), summary)
        }
    });
    let mut summaries = Vec::new();
    let mut broken = Vec::new();
    for (name, result) in futures::future::join_all(backups).await {
        match result {
            Ok(summary) => summaries.push(summary),
            Err(e) => broken.push((name, e)),
        }
    }
    tell(&summaries, &broken, global);
    Ok(exit(&summaries, broken.len(), cancel.is_cancelled()))
}

fn selection(options: &BackupOptions) -> BackupSelection {
    BackupSelection {
        chosen: vec![],
        kinds: options.kinds.clone(),
        filter: options.filter.clone(),
        tags: options.tags.clone(),
        before: options.before.clone(),
    }
}

/// Prints what became of each environment; `broken` are those of which there is no snapshot, with
/// why.
fn tell(summaries: &[BackupSummary], broken: &[(EnvironmentName, String)], global: &Global) {
    if global.json {
        let broken: Vec<_> = broken
            .iter()
            .map(|(name, error)| json!({ "environment": name, "error": error }))
            .collect();
        output::json(&json!({ "snapshots": summaries, "broken": broken }));
        return;
    }
    summaries.iter().flat_map(BackupSummary::lines).for_each(output::line);
    for (_, error) in broken {
        output::tell(format!("oicx: {error}"));
    }
}

fn exit(summaries: &[BackupSummary], broken: usize, interrupted: bool) -> Exit {
    let kept_nothing = summaries.iter().all(|s| s.outcome.id.is_none());
    if interrupted {
        Exit::Interrupted
    } else if kept_nothing {
        Exit::Failed
    } else if broken > 0 || summaries.iter().any(|s| !s.outcome.failed.is_empty()) {
        Exit::Partly
    } else {
        Exit::Done
    }
}

/// The snapshots in the store with their labels, newest first.
pub async fn snapshots(
    config: &Config,
    names: &[EnvironmentName],
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let index = workspace.store()?.index().await?;
    let wanted = |e: &EnvironmentName| names.is_empty() || names.contains(e);
    let all: Vec<_> = index.snapshots().iter().rev().filter(|s| wanted(&s.environment)).collect();
    if global.json {
        output::json(&json!({ "snapshots": all }));
    } else {
        for s in &all {
            let part =
                if s.visibility.full { "" } else { "  (chosen artifacts, or before a restore)" };
            let failed =
                if s.failed > 0 { format!(", {} failed", s.failed) } else { String::new() };
            let label = if s.label.is_empty() { String::new() } else { format!("  {}", s.label) };
            let count = plural(s.artifacts, "artifact");
            output::line(format!(
                "{:8} {}  {}  {count}{failed}{label}{part}",
                s.environment,
                short_date(s.started),
                s.id
            ));
        }
    }
    for problem in &index.problems {
        output::tell(format!("oicx: {problem}"));
    }
    Ok(if index.problems.is_empty() { Exit::Done } else { Exit::Partly })
}
