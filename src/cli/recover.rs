//! `oicx recover prod:CODE`: sends failed instances again, or gives them up.

use serde_json::json;

use super::{
    args::{Global, RecoverOptions, WindowChoice},
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::Config;
use crate::model::{Kind, Reference};
use crate::oic::{Recovery, Window};
use crate::ops::recover::{self, RecoveryJob, RecoveryPlan};

/// Shows the failed instances of an integration, asks, and resubmits or discards them.
pub async fn run(
    config: &Config,
    options: &RecoverOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let Reference::Live { environment, target, version } = &options.reference else {
        let text =
            format!("{} names no integration of an environment; use prod:CODE", options.reference);
        return Err(CommandError::usage(text));
    };
    if target.kind != Kind::Integration {
        let text = format!("{} names no integration; use prod:CODE", options.reference);
        return Err(CommandError::usage(text));
    }
    let client = workspace.environment(environment)?;
    let id = workspace.live_id(client, target, *version).await?;
    let recovery = if options.discard { Recovery::Discard } else { Recovery::Resubmit };
    let window = match options.window {
        WindowChoice::Hour => Window::Hour,
        WindowChoice::SixHours => Window::SixHours,
        WindowChoice::Day => Window::Day,
        WindowChoice::ThreeDays => Window::ThreeDays,
    };
    let plan =
        recover::plan((client, workspace.store.as_ref()), &id, window, recovery, None).await?;
    let report = json!({ "id": plan.id, "recovery": plan.recovery, "runs": plan.errors.len(),
        "checks": plan.checks });
    if options.consent.plan || !global.json {
        if global.json { output::json(&report) } else { print(&plan) }
    }
    let blocked = plan.checks.iter().any(|c| c.level == crate::model::Level::Blocker);
    if options.consent.plan {
        return Ok(if blocked { Exit::Failed } else { Exit::Done });
    }
    let confirmation = if blocked { None } else { confirm(&plan, options)? };
    let approved =
        plan.approve(confirmation.as_deref()).map_err(|e| CommandError::failed(e.to_string()))?;
    let store = workspace.store.as_ref();
    let work = |events| async move { recover::run(approved, client, store, &events).await };
    let done = output::watched(global, recovery.label(), work).await;
    if global.json {
        output::json(&done);
    } else {
        output::line(done.describe());
        let job = |job: &RecoveryJob| {
            let status = job.status.as_deref().unwrap_or("the service does not tell how it goes");
            output::line(format!("job     {}: {status}", job.id));
        };
        done.jobs.iter().for_each(job);
        if !done.taken.is_empty() {
            output::line("what was accepted may stay listed for a while: do not send it again");
        }
        done.why.iter().for_each(|why| output::line(format!("why     {why}")));
    }
    Ok(match (done.is_whole(), done.taken.is_empty()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Partly,
    })
}

fn confirm(plan: &RecoveryPlan, options: &RecoverOptions) -> Result<Option<String>, CommandError> {
    let consent = &options.consent;
    let name = plan.protected.then(|| plan.environment.as_str());
    super::restore::ask_consent(name, consent)
}

fn print(plan: &RecoveryPlan) {
    output::line(plan.title());
    plan.checks.iter().for_each(output::finding);
}
