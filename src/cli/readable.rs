//! `oicx git` and `oicx docs`: the store as text for people.

use super::{
    args::{DocsOptions, GitOptions, Global},
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::Config;
use crate::model::plural;
use crate::ops::{docs, git};

/// Writes snapshots as commits of a git repository: one for each snapshot that is not in it yet.
pub async fn git(
    config: &Config,
    options: &GitOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let store = workspace.store()?;
    let wanted = git::GitExportOptions {
        folder: options.to.clone(),
        environments: options.environments.clone(),
        tag: options.tag.clone(),
        push: !options.no_push,
    };
    let work = |events| async move { git::run(store, &wanted, &events).await };
    let report = output::watched(global, "git", work)
        .await
        .map_err(|e| CommandError::failed(e.to_string()))?;
    if global.json {
        output::json(&report);
    } else {
        report.commits.iter().for_each(|c| output::line(format!("+ {}", c.subject)));
        output::line(format!(
            "{} in {}; {} without a change, {} there already",
            plural(report.commits.len(), "commit"),
            options.to.display(),
            report.unchanged,
            report.known
        ));
        report.pushed.iter().for_each(|remote| output::line(format!("pushed to {remote}")));
    }
    for problem in &report.problems {
        output::tell(format!("oicx: not written: {problem}"));
    }
    if let Some(why) = &report.not_pushed {
        output::tell(format!(
            "oicx: not pushed: {why}\n  → the commits are there: push them by hand, or give \
                --no-push"
        ));
    }
    let whole = report.problems.is_empty() && report.not_pushed.is_none();
    Ok(if whole { Exit::Done } else { Exit::Partly })
}

/// Writes a page for each artifact of a snapshot, with an index and a graph.
pub async fn docs(
    config: &Config,
    options: &DocsOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let store = workspace.store()?;
    let (workspace, environment) = (&workspace, &options.snapshot.environment);
    let work = |events| async move {
        docs::run(workspace, store, &options.snapshot, &options.to, &events).await
    };
    let report = output::watched(global, "docs", work)
        .await
        .map_err(|e| CommandError::failed(e.to_string()))?;
    if global.json {
        output::json(&report);
    } else {
        output::line(format!(
            "{} of {environment}, snapshot {}, in {}",
            plural(report.pages, "page"),
            report.snapshot,
            options.to.join("index.md").display()
        ));
    }
    for problem in &report.problems {
        output::tell(format!("oicx: not shown: {problem}"));
    }
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::Partly })
}
