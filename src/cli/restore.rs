//! `oicx restore REF --to ENV`.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    args::{Global, RestoreOptions},
    on_interrupt,
    output::{self, Exit, Problem},
};
use crate::config::Config;
use crate::ops::{
    restore::{self, Journal, Outcome, Pace, Plan},
    source::Source,
    workspace::Workspace,
};

pub async fn run(config: &Config, options: &RestoreOptions, global: &Global) -> Result<Exit, Problem> {
    let workspace = Workspace::open(config).await?;
    let client = workspace.environment(&options.to)?;
    let source = workspace.fetch(&options.reference).await?;
    let plan = Plan::of(&restore::survey(client, &source).await?);
    if options.plan {
        show_plan(&plan, global);
        let blocked = plan.blockers().next().is_some();
        return Ok(if blocked { Exit::Failed } else { Exit::Done });
    }
    if !global.json {
        print_plan(&plan);
    }
    let confirmation = confirm(&plan, options)?;
    let report = plan_json(&plan);
    let approved = plan.approve(confirmation.as_deref()).map_err(|e| Problem::failed(e.to_string()))?;
    let journal = perform(&workspace, client, &source, approved, global).await?;
    if global.json {
        let mut whole = report;
        for (key, value) in [
            ("result", json!(journal.result)),
            ("proof", json!(journal.proof)),
            ("run", json!(journal.run)),
            ("error", json!(journal.error)),
        ] {
            whole[key] = value;
        }
        output::json(&whole);
    } else {
        print_end(&journal);
    }
    Ok(if matches!(journal.result, Some(Outcome::Restored)) || journal.error.is_none() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

async fn perform(
    workspace: &Workspace,
    client: &crate::oic::Client,
    source: &Source,
    approved: restore::Approved,
    global: &Global,
) -> Result<Journal, Problem> {
    let cancel: CancellationToken = on_interrupt();
    let store = workspace.store()?;
    let bytes = source.bytes.clone();
    let work =
        |events| async move { restore::run(approved, bytes, client, store, &Pace::default(), &events, &cancel).await };
    Ok(output::watched(global, "restore", work).await?)
}

/// A protected environment's name is typed or given; others are asked yes or no. Without a terminal
/// nothing is asked.
fn confirm(plan: &Plan, options: &RestoreOptions) -> Result<Option<String>, Problem> {
    if options.confirm.is_some() || plan.blockers().next().is_some() || !plan.changes_something() {
        return Ok(options.confirm.clone());
    }
    if !plan.protected && options.yes {
        return Ok(None);
    }
    if !output::is_terminal() {
        let name = &plan.environment;
        let how =
            if plan.protected { format!("{name} is protected: add --confirm {name}") } else { "add --yes".into() };
        return Err(Problem::usage(format!("nobody can be asked here; {how} (nothing was changed)")));
    }
    let question =
        if plan.protected { format!("type {} to go on: ", plan.environment) } else { "go on? [y/N] ".into() };
    let typed = output::ask(&question);
    if !plan.protected && !matches!(typed.as_str(), "y" | "yes") {
        return Err(Problem::failed("nothing was changed"));
    }
    Ok(Some(typed))
}

fn plan_json(plan: &Plan) -> Value {
    json!({
        "environment": plan.environment, "id": plan.id, "source": plan.source, "way": plan.way, "reason": plan.reason,
        "checks": plan.checks, "steps": plan.steps, "if_it_fails": plan.if_it_fails,
    })
}

fn show_plan(plan: &Plan, global: &Global) {
    if global.json { output::json(&plan_json(plan)) } else { print_plan(plan) }
}

fn print_plan(plan: &Plan) {
    let way = serde_json::to_value(plan.way).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    output::line(format!("restore {} to {} from {}", plan.id, plan.environment, plan.source));
    output::line(format!("way     {way}: {}", plan.reason));
    for check in &plan.checks {
        output::line(format!("  {} {}", check.mark(), check.what));
        check.fix.iter().for_each(|fix| output::line(format!("      → {fix}")));
    }
    for (n, step) in plan.steps.iter().enumerate() {
        output::line(format!("  {} {}", n + 1, step.text));
    }
    output::line("if a step fails");
    plan.if_it_fails.iter().for_each(|line| output::line(format!("  – {line}")));
}

fn print_end(journal: &Journal) {
    for l in journal.lines.iter().filter(|l| l.state != crate::ops::events::StepState::Running) {
        output::line(format!("{} {} {}", l.state.mark(), l.step, l.note).trim_end());
    }
    let result = match journal.result {
        Some(Outcome::Restored) => "restored, proven",
        Some(Outcome::PutBack) => "NOT restored; what was there before is there again, proven",
        Some(Outcome::Untouched) if journal.error.is_none() => "nothing to do: it runs already, proven",
        Some(Outcome::Untouched) => "nothing was changed",
        Some(Outcome::Unfinished) | None => "NOT finished: look at it now",
    };
    output::line(result);
    if let Some(proof) = &journal.proof {
        let found = proof.found.map_or("nothing".into(), |f| f.short());
        output::line(format!("proof   wanted {} found {found}; {}", proof.wanted.short(), proof.facts.join(", ")));
    }
    journal.error.iter().for_each(|e| output::line(format!("why     {e}")));
    output::line(format!("journal runs/{}.json", journal.run));
}
