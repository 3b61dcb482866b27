//! `oicx runs`, `resume`, `rollback`: lists what was done, and continues or undoes it.

use serde_json::json;

use super::{
    args::{Global, ResumeOptions, RollbackOptions, RunsOptions},
    drill,
    output::{self, CommandError, Exit},
    restore::{confirm, exit_of, perform, plan_json, prepare, print_end, tell_end, watched_run},
    waiting,
};
use crate::config::Config;
use crate::model::{ago, short_date};
use crate::ops::run_plan::{self, Resumption};
use crate::restore;
use crate::restore::{Ending, Journal, NextStep, PlanOptions, RunContext, RunOutcome, RunProcess};

/// Plans to undo what a run of oicx changed on an environment, asks, and does it.
pub async fn rollback(
    config: &Config,
    options: &RollbackOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let store = workspace.store()?;
    let journal = restore::find_run(store, &options.run).await?;
    if journal.is_open() {
        let run = &journal.run;
        return Err(CommandError::failed(format!(
            "{run} has not ended\n  → oicx resume {run} --undo puts back what was there"
        )));
    }
    let client = workspace.environment(&journal.plan.environment)?;
    let request = restore::undoing(store, &journal).await?;
    let prepared = prepare(&workspace, client, &request, &PlanOptions::default()).await?;
    perform(&workspace, client, prepared, &options.consent, global).await
}

/// Continues or undoes a run that was interrupted; without a name it lists those that are open.
pub async fn resume(
    config: &Config,
    options: &ResumeOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let store = workspace.store()?;
    let Some(run) = &options.run else {
        let open = restore::open_runs(store).await?;
        return Ok(tell_runs(&open, "no run is open", global));
    };
    let journal = restore::find_run(store, run).await?;
    if let Some(why) = closed(&journal) {
        return Err(CommandError::failed(why));
    }
    if options.leave {
        let name = journal.run.clone();
        restore::leave(store, journal).await?;
        if global.json {
            output::json(&json!({ "run": name, "result": RunOutcome::Left }));
        } else {
            output::line(format!("{name} is left as it is; nothing was changed"));
        }
        return Ok(Exit::Done);
    }
    let client = workspace.environment(&journal.plan.environment)?;
    let how = if options.undo { "undoes what it did" } else { "continues" };
    if !global.json {
        tell_where(&journal, how);
    }
    let report = plan_json(&journal.plan);
    if options.consent.plan {
        if global.json {
            output::json(&report);
        }
        return Ok(Exit::Done);
    }
    // The plan was confirmed for the first start: the person is asked again.
    let confirmation = confirm(&journal.plan, &options.consent)?;
    let reopened =
        journal.reopen(confirmation.as_deref()).map_err(|e| CommandError::failed(e.to_string()))?;
    let how = if options.undo { Resumption::Undo } else { Resumption::Continue };
    let work = async |context: RunContext<'_>| run_plan::take_up(reopened, how, context).await;
    let (journal, rehearsed) = watched_run((client, store), "resume", global, work).await?;
    if let Some(rehearsed) = rehearsed {
        return Ok(drill::tell(&rehearsed, global));
    }
    tell_end(report, &journal, global);
    let undone =
        options.undo && matches!(journal.result, Some(RunOutcome::PutBack | RunOutcome::Untouched));
    Ok(if undone { Exit::Done } else { exit_of(&journal) })
}

/// Why a run cannot be taken up again; none where it can.
fn closed(journal: &Journal) -> Option<String> {
    let run = &journal.run;
    if !journal.is_open() {
        let end = journal.result.map_or("", RunOutcome::describe);
        return Some(format!("{run} has ended: {end}\n  → oicx rollback undoes a finished run"));
    }
    RunProcess::of(journal).is_alive().then(|| {
        format!("{}\n  → wait for it to end, or stop it there", journal.by.still_runs(run))
    })
}

fn tell_where(journal: &Journal, how: &str) {
    let plan = &journal.plan;
    output::line(format!(
        "{} {} on {}, begun {} by {}",
        plan.verb.label(),
        plan.subject(),
        plan.environment,
        ago(journal.started),
        journal.by.user
    ));
    for (index, step) in plan.indexed_steps() {
        let progress = &journal.items[step.item];
        let mark = match () {
            () if progress.done.contains(&index) => "✓",
            () if progress.open == Some(index) => "?",
            () => "·",
        };
        output::line(format!("  {mark} {}", step.text));
    }
    output::line(format!("it {how}: what took effect is looked at first"));
}

/// Prints the runs of oicx that the store knows, or one of them step by step.
pub async fn list(
    config: &Config,
    options: &RunsOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let store = workspace.store()?;
    if let Some(run) = &options.run {
        let journal = restore::find_run(store, run).await?;
        let process = RunProcess::of(&journal);
        match (options.note, global.json) {
            (true, _) => output::line(restore::incident_note(&journal, None, process)),
            (false, true) => output::json(&journal),
            (false, false) => print_end(&journal, process),
        }
        return Ok(Exit::Done);
    }
    let mut all = restore::all_runs(store).await?;
    all.retain(|j| options.environment.as_ref().is_none_or(|e| j.plan.environment == *e));
    Ok(tell_runs(&all, "no run is recorded", global))
}

fn tell_runs(all: &[Journal], none: &str, global: &Global) -> Exit {
    if global.json {
        let one = |j: &Journal| {
            json!({ "run": j.run, "verb": j.plan.verb, "environment": j.plan.environment,
                "subject": j.plan.subject(),
                "by": j.by, "started": j.started, "finished": j.finished, "result": j.result,
                "open": j.is_open(),
                "alive": RunProcess::of(j).is_alive(), "undoes": j.plan.undoes, "error": j.why() })
        };
        output::json(&json!({ "runs": all.iter().map(one).collect::<Vec<_>>() }));
        return Exit::Done;
    }
    if all.is_empty() {
        output::line(none);
    }
    for j in all {
        let ending = Ending::of(j, RunProcess::of(j));
        let next = match ending.next {
            Some(NextStep::ContinueOrUndo) => "; oicx resume continues or undoes it",
            Some(NextStep::Rollback) | None => "",
        };
        output::line(format!(
            "{}  {}  {} {} on {} by {}: {}{next}",
            j.run,
            short_date(j.started),
            j.plan.verb.label(),
            j.plan.subject(),
            j.plan.environment,
            j.by.user,
            ending.phrase
        ));
    }
    Exit::Done
}
