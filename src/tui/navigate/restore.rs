//! The ways to plans and runs: what is restored, promoted, undone, continued, sent again.

use super::store_index;
use crate::model::{
    ArtifactKey, ConnectionName, EnvironmentIndex, EnvironmentName, IntegrationId, Kind, Level,
    Reference, Scope,
};
use crate::oic::Recovery;
use crate::ops::run_plan::Resumption;
use crate::restore::{Journal, PlanOptions};
use crate::store::{Index, StoredVersion};
use crate::tui::{
    app::App,
    event::{Effect, PlanQuestion, Planned, RecoveryEffect, RestoreEffect, WhichRuns},
    jobs::JobId,
    keymap::{Action, Context},
    screen::{
        Transition,
        checklist::ChecklistScreen,
        connection_form::ConnectionFormScreen,
        plan::PlanScreen,
        projects::ProjectsScreen,
        recover::RecoverScreen,
        reopen::ReopenScreen,
        runs::{RunRow, RunsScreen},
        versions::VersionsScreen,
        waiting::{WaitingFor, WaitingScreen},
    },
};

/// Why an artifact of a kind cannot be restored; None where it can.
pub fn why_not_sent(app: &App, kind: Kind) -> Option<String> {
    if kind.can_be_sent() {
        return None;
    }
    let key = app.key(Context::Explorer, Action::Compare);
    Some(format!(
        "a {kind} is a description: there is no file to restore; {key} compares what it was with \
         what it is"
    ))
}

/// Shows the stored versions of the row under the cursor; where several rows are marked, plans to
/// restore their newest backups together.
pub fn restore(app: &mut App) -> Transition {
    let Some(index) = store_index(app) else { return Transition::stay() };
    // On the head of a scope there is no subject, but there may be marks.
    let subject = app.subject();
    if let Some(why) = subject.as_ref().and_then(|s| why_not_sent(app, s.artifact.kind)) {
        app.say(Level::Warning, why);
        return Transition::stay();
    }
    if app.table.marks.len() > 1 {
        return restore_marked(app, &index);
    }
    let Some(subject) = subject else { return Transition::stay() };
    match VersionsScreen::of(app, &index, &subject) {
        Some(versions) => Transition::open(versions),
        None => {
            let key = app.key(Context::Explorer, Action::Export);
            let text =
                format!("the store has no version of {}; {key} exports one", subject.artifact);
            app.say(Level::Warning, text);
            Transition::stay()
        }
    }
}

/// Plans to restore for each marked row its newest backup, if possible one that is not what runs
/// now. Plans nothing where a row has no backup.
fn restore_marked(app: &mut App, index: &Index) -> Transition {
    let environment = app.target();
    let name = app.environments[environment].name.clone();
    let mut versions = Vec::new();
    let mut without = Vec::new();
    for row in app.table.selected() {
        let live = row.cell(environment).and_then(|c| c.portable);
        let mut all: Vec<&StoredVersion> =
            index.history(&name, &row.artifact).filter(|v| v.safety_run.is_none()).collect();
        all.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
        let found = all.iter().find(|v| Some(v.portable) != live).or(all.first());
        match found.filter(|_| why_not_sent(app, row.kind).is_none()) {
            Some(version) => versions.push((*version).clone()),
            None => without.push(row.artifact.to_string()),
        }
    }
    if !without.is_empty() {
        let key = app.key(Context::Explorer, Action::UnmarkAll);
        let text = format!(
            "the store has no backup of {name} that can be sent for {}; {key} takes the marks away",
            without.join(", ")
        );
        app.say(Level::Warning, text);
        return Transition::stay();
    }
    let title = format!("the newest backups of {} rows to {name}", versions.len());
    plan(app, environment, title, PlanQuestion::Versions(versions), PlanOptions::default())
}

/// Plans to move what runs in the column under the cursor to the next one.
pub fn promote(app: &mut App) -> Transition {
    let from = app.target();
    let to = EnvironmentIndex(from.0 + 1);
    if app.table.on_store() || to.0 >= app.environments.len() {
        let text =
            "it goes from a column to the next one: go to the environment that it comes from";
        app.say(Level::Warning, text);
        return Transition::stay();
    }
    let (name, next) = (app.environments[from].name.clone(), app.environments[to].name.clone());
    let Some(chosen) = selected_keys(app, from, "promote", |_| None) else {
        return Transition::stay();
    };
    let title = match chosen.as_slice() {
        [one] => format!("{one} from {name} to {next}"),
        many => format!("{} artifacts from {name} to {next}", many.len()),
    };
    let references = live_references(&name, chosen);
    plan(app, to, title, PlanQuestion::Promote(references), PlanOptions::default())
}

/// The artifacts that an environment has in the selected rows; says why where there is none, or one
/// that cannot go. `refused` says why one cannot go, whatever its file.
fn selected_keys(
    app: &mut App,
    environment: EnvironmentIndex,
    verb: &str,
    refused: impl Fn(&ArtifactKey) -> Option<String>,
) -> Option<Vec<ArtifactKey>> {
    let keys: Vec<_> = app.table.selected().iter().filter_map(|r| r.key(environment)).collect();
    let name = &app.environments[environment].name;
    let why = match keys.is_empty() {
        true => Some(format!("{name} has nothing here to {verb}")),
        false => {
            let no_file = || keys.iter().find_map(|key| why_not_sent(app, key.kind));
            keys.iter().find_map(refused).or_else(no_file)
        }
    };
    match why {
        Some(why) => {
            app.say(Level::Warning, why);
            None
        }
        None => Some(keys),
    }
}

fn live_references(environment: &EnvironmentName, keys: Vec<ArtifactKey>) -> Vec<Reference> {
    let reference = |key: ArtifactKey| Reference::Live {
        environment: environment.clone(),
        target: key.name().into(),
        version: key.version,
    };
    keys.into_iter().map(reference).collect()
}

/// Asks for the project, or the global space, into which the selected rows are to be brought on the
/// environment of the column.
pub fn choose_where_to_move(app: &mut App) -> Transition {
    if app.table.on_store() {
        app.say(Level::Warning, "what runs is moved: go to the column of its environment");
        return Transition::stay();
    }
    let environment = app.target();
    let refused = |key: &ArtifactKey| {
        (!key.kind.lives_in_projects()).then(|| format!("{key} is never in a project"))
    };
    match selected_keys(app, environment, "move", refused) {
        Some(keys) => Transition::open(ProjectsScreen::to_move(app, environment, keys)),
        None => Transition::stay(),
    }
}

/// Plans to bring artifacts of an environment into a scope of it.
pub fn moved(
    app: &mut App,
    environment: EnvironmentIndex,
    keys: Vec<ArtifactKey>,
    into: Scope,
) -> Transition {
    let name = app.environments[environment].name.clone();
    let place = into.in_words();
    let title = match keys.as_slice() {
        [one] => format!("{one} into {place} on {name}"),
        many => format!("{} artifacts into {place} on {name}", many.len()),
    };
    let question = PlanQuestion::Move(live_references(&name, keys), into);
    plan(app, environment, title, question, PlanOptions::default())
}

/// Plans to restore one stored version.
pub fn plan_version(
    app: &mut App,
    environment: EnvironmentIndex,
    version: StoredVersion,
) -> Transition {
    let title = format!("{} to {}", version.key(), app.environments[environment].name);
    let question = PlanQuestion::Versions(vec![version]);
    plan(app, environment, title, question, PlanOptions::default())
}

/// Asks for a plan, and waits for it.
pub fn plan(
    app: &mut App,
    environment: EnvironmentIndex,
    title: String,
    question: PlanQuestion,
    options: PlanOptions,
) -> Transition {
    let id = app.next_id();
    let waiting = WaitingScreen { id, title: title.clone(), what: WaitingFor::Plan };
    let effect = RestoreEffect::Plan { id, environment, title, question, options };
    Transition::open(waiting).with([Effect::Restore(effect)])
}

/// Asks for a plan, and waits for it in the place of the screen that answers and of the plan below
/// it, which lacks what is given now.
pub fn plan_instead(
    app: &mut App,
    environment: EnvironmentIndex,
    title: String,
    question: PlanQuestion,
    options: PlanOptions,
) -> Transition {
    if app.top().context() == Context::Plan {
        app.screens.pop();
    }
    plan(app, environment, title, question, options).instead()
}

/// Opens a plan that was made.
pub fn planned(planned: Planned) -> Transition {
    Transition::open(PlanScreen::new(planned))
}

/// Opens the form over the plan that lacks a connection's values, and asks which values it has.
pub fn connection_form(app: &mut App, planned: &Planned, name: ConnectionName) -> Transition {
    let (id, environment) = (app.next_id(), planned.environment);
    let payloads = planned.prepared.payloads.clone();
    let form = ConnectionFormScreen::new(id, planned, name.clone());
    let fields = RestoreEffect::Fields { id, environment, name, payloads };
    Transition::open(form).with([Effect::Restore(fields)])
}

/// Opens the runs of the store.
pub fn runs(rows: Vec<RunRow>, which: WhichRuns) -> Transition {
    Transition::open(RunsScreen { rows, cursor: 0, which })
}

/// Opens what must hold after the run of a job; nothing where the job has no checklist.
pub fn checklist(app: &mut App, job: JobId) -> Transition {
    let restore = app.jobs.restore(job);
    match restore.is_some_and(|(_, r)| r.checklist.is_some()) {
        true => Transition::open(ChecklistScreen::of(job)),
        false => Transition::stay(),
    }
}

/// Opens the question whether a run that was cut off or held is continued.
pub fn resume(journal: Journal) -> Transition {
    Transition::open(ReopenScreen::new(journal, Resumption::Continue))
}

/// Undoes the run of a job that has ended.
pub fn undo_job(app: &mut App, job: JobId) -> Transition {
    let journal = app.jobs.restore(job).and_then(|(_, r)| r.journal.as_deref().cloned());
    journal.map_or_else(Transition::stay, |journal| undo(app, journal))
}

/// Undoes an open run as its journal says; makes a plan to undo a finished one.
pub fn undo(app: &mut App, journal: Journal) -> Transition {
    let Some(environment) = app.environment(&journal.plan.environment) else {
        return Transition::stay();
    };
    if journal.is_open() {
        return Transition::open(ReopenScreen::new(journal, Resumption::Undo));
    }
    if !journal.changed() {
        app.say(Level::Fact, "it changed nothing: there is nothing to undo");
        return Transition::stay();
    }
    let title = format!("undo {}", journal.plan.title());
    let question = PlanQuestion::Undo(journal.run);
    plan(app, environment, title, question, PlanOptions::default())
}

/// Opens the plan to send one failed instance of an integration again or to give it up, or all of
/// the last day.
pub fn recover(
    app: &mut App,
    environment: EnvironmentIndex,
    integration: IntegrationId,
    recovery: Recovery,
    only: Option<Vec<String>>,
) -> Transition {
    let id = app.next_id();
    let plan = RecoveryEffect::Plan { id, environment, integration, recovery, only };
    Transition::open(RecoverScreen::new(id, environment)).with([Effect::Recovery(plan)])
}
