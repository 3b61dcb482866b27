//! Runs of the store: what waits to be gone on with, and what is undone.

use super::{
    super::{
        app::App,
        event::{Effect, PlanQuestion},
        jobs::title_of,
        layer::{Layer, ReopenView, RunsView},
    },
    restore::{plan_for, why_refused},
};
use crate::model::{Level, plural};
use crate::restore::{Journal, PlanOptions, is_alive};

/// The store told of its runs. At the start only what waits is shown, and nothing where nothing
/// does.
pub fn found(app: &mut App, open_only: bool, result: Result<Vec<Journal>, String>) -> Vec<Effect> {
    let rows = match result {
        Ok(rows) => rows,
        Err(why) => {
            app.say(Level::Warning, why);
            return vec![];
        }
    };
    if open_only {
        let known = |j: &Journal| app.columns.iter().any(|c| c.name == j.plan.environment);
        let rows: Vec<Journal> = rows.into_iter().filter(known).collect();
        if !rows.is_empty() {
            let text =
                format!("{} cut off or held: go on, undo, or leave", plural(rows.len(), "run"));
            app.say(Level::Warning, text);
            // Somebody who types already is not interrupted: the line says it.
            if matches!(app.layer, Layer::None) {
                app.layer = Layer::Runs(RunsView { rows, cursor: 0, unasked: true });
            }
        }
        return vec![];
    }
    if rows.is_empty() {
        app.say(Level::Fact, "no run is recorded in this store yet");
        return vec![];
    }
    app.open(Layer::Runs(RunsView { rows, cursor: 0, unasked: false }));
    vec![]
}

fn column_of(app: &App, journal: &Journal) -> Option<usize> {
    app.columns.iter().position(|c| c.name == journal.plan.environment)
}

/// Enter on a run: how it went, with its proof.
pub fn look(app: &mut App, view: RunsView) -> Vec<Effect> {
    let Some(journal) = view.rows.get(view.cursor).cloned() else { return vec![] };
    let column = column_of(app, &journal);
    let job = app.jobs.recall(column, journal);
    app.layer = Layer::Run { job, scroll: 0 };
    vec![]
}

/// The run under the cursor, where it may be taken up.
fn taken(app: &mut App) -> Option<Journal> {
    let Layer::Runs(view) = &app.layer else { return None };
    let journal = view.rows.get(view.cursor)?.clone();
    let why = match () {
        () if column_of(app, &journal).is_none() => {
            format!("{} is no environment of this config", journal.plan.environment)
        }
        () if is_alive(&journal) => {
            format!("{} on {} still runs it", journal.by.user, journal.by.host)
        }
        () => return Some(journal),
    };
    app.say(Level::Warning, why);
    None
}

pub fn go_on(app: &mut App) -> Vec<Effect> {
    if let Some(journal) = taken(app).filter(Journal::is_open) {
        reopen(app, journal, false);
    }
    vec![]
}

fn reopen(app: &mut App, journal: Journal, undo: bool) {
    app.layer =
        Layer::Reopen(Box::new(ReopenView { journal, undo, typed: String::new(), refused: None }));
}

/// Undoes an open run as its journal says; of a finished one makes a plan.
pub fn undo(app: &mut App) -> Vec<Effect> {
    let journal = match &app.layer {
        Layer::Runs(_) => taken(app),
        Layer::Run { job, .. } | Layer::Checklist { job } => {
            let restore = app.jobs.get(*job).and_then(|j| j.restore.as_ref());
            restore.and_then(|r| r.journal.as_deref().cloned())
        }
        _ => None,
    };
    let Some(journal) = journal else { return vec![] };
    let Some(column) = column_of(app, &journal) else { return vec![] };
    if journal.is_open() {
        reopen(app, journal, true);
        return vec![];
    }
    if !journal.changed() {
        app.say(Level::Fact, "it changed nothing: there is nothing to undo");
        return vec![];
    }
    let title = title_of(&journal.plan);
    plan_for(
        app,
        column,
        format!("undo {title}"),
        PlanQuestion::Undo(journal.run),
        PlanOptions::default(),
    )
}

pub fn leave(app: &mut App) -> Vec<Effect> {
    match taken(app).filter(Journal::is_open) {
        Some(journal) => {
            app.layer = Layer::None;
            app.resume();
            vec![Effect::LeaveRun(Box::new(journal))]
        }
        None => vec![],
    }
}

pub fn left(app: &mut App, result: Result<String, String>) -> Vec<Effect> {
    match result {
        Ok(run) => app.say(Level::Fact, format!("{run} is left as it is; nothing was changed")),
        Err(why) => app.say(Level::Blocker, why),
    }
    vec![]
}

/// Enter on a run that is taken up.
pub fn confirm(app: &mut App, mut view: Box<ReopenView>) -> Vec<Effect> {
    let Some(column) = column_of(app, &view.journal) else { return vec![] };
    if let Some(job) = app.jobs.running().find(|j| j.changes == Some(column)) {
        view.refused = Some(format!("wait: {} still runs", job.title));
        app.layer = Layer::Reopen(view);
        return vec![];
    }
    let plan = view.journal.plan.clone();
    match view.journal.clone().reopen(Some(view.typed.trim())) {
        Ok(reopened) => {
            let how = if view.undo { "put back" } else { "go on with" };
            let (job, stop) =
                app.jobs.begin(format!("{how} {}", title_of(&plan)), Some(column), Some(plan));
            app.layer = Layer::Run { job, scroll: 0 };
            vec![Effect::Resume {
                job,
                column,
                reopened: Box::new(reopened),
                undo: view.undo,
                stop,
            }]
        }
        Err(refused) => {
            view.refused = Some(why_refused(&refused));
            app.layer = Layer::Reopen(view);
            vec![]
        }
    }
}
