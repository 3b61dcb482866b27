//! `oicx restore REF… --to ENV`, and what all commands that run a plan share.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    args::{AlongOptions, ByHandOptions, ConsentOptions, Global, RestoreOptions},
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::Config;
use crate::files::write_beside;
use crate::model::{ArtifactKey, Level, plural};
use crate::oic::Client;
use crate::ops::{move_scope, run_plan::run_plan};
use crate::restore;
use crate::restore::{
    ApprovedPlan, ConnectionValues, Ending, Journal, NextStep, Payloads, PlanOptions, PreparedPlan,
    Request, RestorePlan, RetryPolicy, RunContext, RunOutcome, RunProcess, Strategy, Verb,
};
use crate::search::Query;
use crate::store::Store;
use crate::workspace::{Workspace, events::StepState};

/// Plans a restore of stored artifacts or of a whole snapshot, asks, and does it.
pub async fn run(
    config: &Config,
    options: &RestoreOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let client = workspace.environment(&options.to)?;
    let request = match &options.snapshot {
        Some(name) => {
            let query = options.filter.as_deref().map(Query::new);
            let takes = |key: &ArtifactKey, name: &str| {
                let kind = options.kinds.is_empty() || options.kinds.contains(&key.kind);
                let fits = |q: &Query| q.matches(&key.name().scoped_code(), name);
                kind && (key.code.is_empty() || query.as_ref().is_none_or(fits))
            };
            workspace.request_snapshot(Verb::Restore, name, takes).await?
        }
        None => {
            let mut request = workspace.request(Verb::Restore, &options.references).await?;
            if let Some(scope) = &options.into {
                move_scope::move_into(&workspace, &mut request, &options.to, scope).await?;
            }
            request
        }
    };
    let plan_options = options.decided.plan_options(&request);
    let choices = (options.along, Blocked::of(options.skip_blocked));
    let prepared = prepare_with(&workspace, client, &request, plan_options, choices).await?;
    let consent = write_by_hand(&prepared, &options.by_hand, &options.consent)?;
    perform(&workspace, client, prepared, &consent, global).await
}

/// Writes what a person needs for the steps that are by hand, where that is wanted. What a person
/// imports whole, oicx does not: then the plan is only printed.
pub(super) fn write_by_hand(
    prepared: &PreparedPlan,
    options: &ByHandOptions,
    consent: &ConsentOptions,
) -> Result<ConsentOptions, CommandError> {
    let mut consent = consent.clone();
    let Some(folder) = &options.folder else { return Ok(consent) };
    let failed =
        |e| CommandError::failed(format!("{} cannot be written to: {e}", folder.display()));
    if prepared.by_hand.is_empty() {
        output::tell(
            "oicx: this plan sends no project, and nothing in it is done by hand: no file is written",
        );
        return Ok(consent);
    }
    std::fs::create_dir_all(folder).map_err(failed)?;
    for file in &prepared.by_hand {
        let path = write_beside(&folder.join(&file.name), &file.bytes).map_err(failed)?;
        output::tell(format!("oicx: written to {}", path.display()));
        let Some(strategy) = file.instead_of else { continue };
        consent.plan = true;
        let first = match strategy {
            Strategy::Import => "",
            _ => "delete the project there first, since an import replaces nothing; ",
        };
        output::tell(format!(
            "oicx: nothing is changed: {first}console, Projects, Import: choose {}; then ask for \
             this again without --by-hand: oicx sets, activates and proves what is left",
            file.name
        ));
    }
    Ok(consent)
}

/// What becomes of artifacts that something forbids to restore, where others could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// They stay in the plan, which cannot be run then.
    Stays,
    /// They are left out of it.
    LeftOut,
}

impl Blocked {
    fn of(skip: bool) -> Self {
        if skip { Self::LeftOut } else { Self::Stays }
    }
}

/// Makes a plan, with the dependencies that come along and without what is left out, as it is
/// wanted. Each choice may show others: it is made again until there are none.
pub(super) async fn prepare_with(
    workspace: &Workspace,
    client: &Client,
    request: &Request,
    mut plan_options: PlanOptions,
    (along, blocked): (AlongOptions, Blocked),
) -> Result<PreparedPlan, CommandError> {
    loop {
        let prepared = prepare(workspace, client, request, &plan_options).await?;
        let mut found = along.taken(&prepared.plan);
        found.retain(|key| {
            !plan_options.along.contains(key) && !plan_options.leave_out.contains_key(key)
        });
        let left_out = match blocked {
            Blocked::LeftOut => prepared.plan.blocked(),
            Blocked::Stays => BTreeMap::new(),
        };
        let more = left_out.keys().any(|key| !plan_options.leave_out.contains_key(key));
        if found.is_empty() && !more {
            return Ok(prepared);
        }
        plan_options.along.extend(found);
        plan_options.leave_out.extend(left_out);
    }
}

pub(super) async fn prepare(
    workspace: &Workspace,
    client: &Client,
    request: &Request,
    plan_options: &PlanOptions,
) -> Result<PreparedPlan, CommandError> {
    Ok(restore::prepare(client, workspace.store.as_ref(), request, plan_options).await?)
}

/// Shows a plan, asks, runs it, and says how it ended.
pub(super) async fn perform(
    workspace: &Workspace,
    client: &Client,
    prepared: PreparedPlan,
    consent: &ConsentOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    match allow(prepared, consent, global)? {
        Allowed::Shown(exit) => Ok(exit),
        Allowed::Yes(approved, payloads) => {
            execute(workspace, client, *approved, payloads, global).await
        }
    }
}

/// The answer to the question whether a plan may run.
pub(super) enum Allowed {
    /// Only the plan was wanted.
    Shown(Exit),
    Yes(Box<ApprovedPlan>, Payloads),
}

/// Shows a plan and asks.
pub(super) fn allow(
    prepared: PreparedPlan,
    consent: &ConsentOptions,
    global: &Global,
) -> Result<Allowed, CommandError> {
    let PreparedPlan { plan, payloads, .. } = prepared;
    if consent.plan {
        show_plan(&plan, global);
        let blocked = plan.blockers().next().is_some();
        return Ok(Allowed::Shown(if blocked { Exit::Failed } else { Exit::Done }));
    }
    if !global.json {
        print_plan(&plan);
    }
    let confirmation = confirm(&plan, consent)?;
    let approved =
        plan.approve(confirmation.as_deref()).map_err(|e| CommandError::failed(e.to_string()))?;
    Ok(Allowed::Yes(Box::new(approved), payloads))
}

/// Runs an allowed plan.
async fn execute(
    workspace: &Workspace,
    client: &Client,
    approved: ApprovedPlan,
    payloads: Payloads,
    global: &Global,
) -> Result<Exit, CommandError> {
    let report = plan_json(approved.plan());
    let title = approved.plan().verb.label();
    let work =
        async |context: RunContext<'_>| run_plan(workspace, approved, payloads, context).await;
    let journal = watched_run((client, workspace.store()?), title, global, work).await?;
    tell_end(report, &journal, global);
    Ok(exit_of(&journal))
}

/// Does the work of a run with what every command gives it, and shows how that goes.
pub(super) async fn watched_run<T>(
    (client, store): (&Client, &Store),
    title: &str,
    global: &Global,
    work: impl AsyncFnOnce(RunContext<'_>) -> T,
) -> T {
    let stop = waiting::on_stop(client);
    let (connection_values, retry_policy) = (ConnectionValues::default(), RetryPolicy::default());
    let with_events = async |events| {
        work(RunContext {
            client,
            store,
            retry_policy: &retry_policy,
            connection_values: &connection_values,
            events: &events,
            stop: &stop,
        })
        .await
    };
    output::watched(global, title, with_events).await
}

/// Tells how a run ended: as text, or as one JSON document with the plan.
pub(super) fn tell_end(mut report: Value, journal: &Journal, global: &Global) {
    if !global.json {
        print_end(journal, RunProcess::Gone);
        return;
    }
    for (key, value) in [
        ("result", json!(journal.result)),
        ("proof", json!(journal.proof)),
        ("run", json!(journal.run)),
        ("error", json!(journal.why())),
    ] {
        report[key] = value;
    }
    if journal.items.len() > 1 {
        let item = |(item, progress): (&restore::PlanItem, &restore::ItemProgress)| {
            json!({ "artifact": item.key, "way": item.strategy,
                "result": progress.outcome, "proof": progress.proof, "error": progress.why() })
        };
        report["items"] = journal.plan.items.iter().zip(&journal.items).map(item).collect();
    }
    output::json(&report);
}

pub(super) fn exit_of(journal: &Journal) -> Exit {
    match journal.result {
        Some(RunOutcome::Restored | RunOutcome::Untouched)
            if journal.error.is_none() && !journal.remarks().is_empty() =>
        {
            Exit::Partly
        }
        Some(RunOutcome::Restored | RunOutcome::Left) => Exit::Done,
        Some(RunOutcome::Partly) => Exit::Partly,
        Some(RunOutcome::Untouched) if journal.error.is_none() => Exit::Done,
        _ => Exit::Failed,
    }
}

/// Asks whether a plan may run. The name of a protected environment, and the code of a project that
/// is rebuilt, must be typed or given; for others the question is yes or no. Without a terminal
/// nothing is asked.
pub(super) fn confirm(
    plan: &RestorePlan,
    consent: &ConsentOptions,
) -> Result<Option<String>, CommandError> {
    if consent.confirm.is_some() || plan.blockers().next().is_some() || !plan.changes_something() {
        return Ok(consent.confirm.clone());
    }
    ask_consent(plan.name_to_type().as_deref(), consent)
}

/// Like [`confirm`], for anything that changes an environment. `name` is what must be typed; none
/// where a yes is enough.
pub(super) fn ask_consent(
    name: Option<&str>,
    consent: &ConsentOptions,
) -> Result<Option<String>, CommandError> {
    if consent.confirm.is_some() || (name.is_none() && consent.yes) {
        return Ok(consent.confirm.clone());
    }
    if !output::is_terminal() {
        let how = match name {
            Some(name) => format!("--yes is not enough: add --confirm {name}"),
            None => "add --yes".into(),
        };
        return Err(CommandError::usage(format!(
            "there is no terminal to ask on; {how} (nothing was changed)"
        )));
    }
    let question = match name {
        Some(name) => format!("type {name} to continue: "),
        None => "continue? [y/N] ".into(),
    };
    let typed = output::ask(&question);
    if name.is_none() && !matches!(typed.as_str(), "y" | "yes") {
        return Err(CommandError::failed("nothing was changed"));
    }
    Ok(Some(typed))
}

pub(super) fn plan_json(plan: &RestorePlan) -> Value {
    let mut report = json!({
        "verb": plan.verb, "environment": plan.environment, "subject": plan.subject(),
        "source": plan.source, "way": plan.strategy,
        "reason": plan.reason, "checks": plan.checks, "steps": plan.steps,
        "if_it_fails": plan.if_it_fails, "left_out": plan.left_out,
    });
    if let [one] = plan.items.as_slice() {
        report["id"] = json!(one.id());
    }
    report["items"] = plan
        .items
        .iter()
        .map(|i| {
            json!({ "artifact": i.key, "way": i.strategy, "reason": i.reason,
                "after": i.after })
        })
        .collect();
    report
}

pub(super) fn show_plan(plan: &RestorePlan, global: &Global) {
    if global.json { output::json(&plan_json(plan)) } else { print_plan(plan) }
}

pub(super) fn print_plan(plan: &RestorePlan) {
    output::line(format!("{} from {}", plan.title(), plan.source));
    output::line(format!("way     {}: {}", plan.way(), plan.reason));
    for check in &plan.checks {
        output::finding(check);
        // A drill and an undo take no decisions.
        let decides = matches!(plan.verb, Verb::Restore | Verb::Promote);
        let remedy = check.remedy.as_ref().filter(|_| check.level != Level::Fact && decides);
        if let Some((remedy, option)) = remedy.and_then(|r| r.option().map(|o| (r, o))) {
            output::line(format!("        {option} {}", remedy.describe()));
        }
    }
    let blocked = plan.blocked().len();
    if blocked > 0 && plan.verb == Verb::Restore {
        output::line(format!(
            "{blocked} of {} cannot be restored now: --skip-blocked leaves out what cannot, and \
             restores the others",
            plural(plan.items.len(), "artifact")
        ));
    }
    for (n, step) in plan.steps.iter().enumerate() {
        output::line(format!("  {} {}", n + 1, step.text));
    }
    output::line("if a step fails");
    plan.if_it_fails.iter().for_each(|line| output::line(format!("  – {line}")));
}

/// Prints what was done and how it ended, or how far it is.
pub(super) fn print_end(journal: &Journal, process: RunProcess) {
    for l in journal.lines.iter().filter(|l| l.state != StepState::Running) {
        output::line(format!("{} {} {}", l.state.mark(), l.step, l.note).trim_end());
    }
    let ending = Ending::of(journal, process);
    output::line(&ending.phrase);
    if let (Some(proof), [_]) = (&journal.proof, journal.items.as_slice()) {
        let short = |f: Option<crate::model::Fingerprint>| {
            f.map_or_else(|| "nothing".to_owned(), |f| f.short())
        };
        let (wanted, found) = (short(proof.wanted), short(proof.found));
        output::line(format!("proof   wanted {wanted} found {found}; {}", proof.facts.join(", ")));
    }
    let cause = journal.why().unwrap_or_default();
    for (item, progress) in
        journal.plan.items.iter().zip(&journal.items).filter(|_| journal.items.len() > 1)
    {
        let end = progress.describe();
        let own = progress.why().filter(|why| !cause.contains(why.as_str()));
        let why = own.map(|e| format!(": {e}")).unwrap_or_default();
        output::line(format!("  {}: {end}{why}", item.key));
    }
    if !cause.is_empty() {
        output::line(format!("why     {cause}"));
    }
    output::line(format!("journal {}", journal.path()));
    let run = &journal.run;
    match ending.next {
        Some(NextStep::Rollback) => output::line(format!("undo    oicx rollback {run}")),
        Some(NextStep::ContinueOrUndo) => output::line(format!(
            "next    oicx resume {run} continues, oicx resume {run} --undo puts back what was there"
        )),
        None => {}
    }
}
