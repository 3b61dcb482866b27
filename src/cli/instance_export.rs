//! `oicx instance-export ENV --to BUCKET`: the service's own export of everything.

use std::time::Duration;

use serde_json::json;

use super::{
    args::{Global, InstanceExportOptions},
    output::{self, CommandError, Exit},
    restore::ask_consent,
    waiting,
};
use crate::config::Config;
use crate::oic::{Client, WaitLimits};
use crate::ops::instance_export::{self, InstanceExportError, InstanceExportPlan};
use crate::workspace::Workspace;

/// Plans the export, asks, starts it and follows it; with `--job` only follows.
pub async fn run(
    config: &Config,
    options: &InstanceExportOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let client = workspace.environment(&options.environment)?;
    if let Some(job) = &options.job {
        return follow(&workspace, client, (job, None), options, global).await;
    }
    // clap asks for the one where the other is not given.
    let bucket = options.to.as_deref().unwrap_or_default();
    let plan = instance_export::plan(client, bucket, options.name.as_deref(), options.security);
    match global.json {
        true if options.consent.plan => output::json(&plan),
        true => {}
        false => print(&plan),
    }
    if options.consent.plan {
        return Ok(if plan.is_blocked() { Exit::Failed } else { Exit::Done });
    }
    let name = plan.protected.then(|| plan.environment.as_str());
    let confirmation = match plan.is_blocked() {
        true => None,
        false => ask_consent(name, &options.consent)?,
    };
    let approved = plan.clone().approve(confirmation.as_deref());
    let approved = approved.map_err(|e| CommandError::failed(e.to_string()))?;
    let job = instance_export::start(&approved, client).await.map_err(|e| failed(&e))?;
    output::aside(global, format!("job {job} is started"));
    if options.no_wait {
        match global.json {
            true => output::json(&json!({ "job": job, "plan": plan })),
            false => output::line(format!(
                "  oicx instance-export {} --job {job} follows it",
                plan.environment
            )),
        }
        return Ok(Exit::Done);
    }
    follow(&workspace, client, (&job, Some(&plan)), options, global).await
}

async fn follow(
    workspace: &Workspace,
    client: &Client,
    (job, plan): (&str, Option<&InstanceExportPlan>),
    options: &InstanceExportOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let limits = WaitLimits {
        poll: Duration::from_millis(options.poll_ms),
        longest: Duration::from_secs(options.wait_minutes * 60),
        // The service may take a while to know a job that it has just begun.
        grace: Duration::from_secs(60),
        unsure: Duration::MAX,
    };
    let (store, stop) = (workspace.store.as_ref(), waiting::on_interrupt());
    let work = |events| async move {
        instance_export::follow(client, store, (job, plan), limits, &events, &stop).await
    };
    let export = match output::watched(global, "instance-export", work).await {
        Ok(export) => export,
        Err(left @ InstanceExportError::Left { .. }) => {
            output::tell(left.to_string());
            return Ok(Exit::Interrupted);
        }
        Err(e) => return Err(failed(&e)),
    };
    if global.json {
        output::json(&export);
    } else {
        output::line(format!("job {job}: {}", export.status));
        if export.is_good() && store.is_some() {
            output::line("  the next backup's summary names it");
        }
    }
    Ok(if export.is_good() { Exit::Done } else { Exit::Failed })
}

fn failed(error: &InstanceExportError) -> CommandError {
    match error {
        InstanceExportError::Oic(e) => CommandError::failed(format!("{e}\n  → {}", e.advice())),
        other => CommandError::failed(other.to_string()),
    }
}

fn print(plan: &InstanceExportPlan) {
    output::line(plan.title());
    plan.checks.iter().for_each(output::finding);
}
