//! A restore, from the choice of a version to its proof.

use super::super::{
    app::App,
    event::{Effect, Planned},
    jobs::JobState,
    layer::{Layer, PlanView, Versions},
};
use crate::model::{Kind, Level};
use crate::ops::restore::Journal;
use crate::store::StoredVersion;

/// Why a kind is not restored by itself.
pub fn not_yet(kind: Kind) -> String {
    match kind {
        Kind::Lookup | Kind::Library | Kind::Package | Kind::Project => {
            format!("a {kind} is not restored from here yet: its file lies in the store, import it in the console")
        }
        _ => format!("a {kind} is a description: there is no file to restore; c compares what it was with what it is"),
    }
}

/// Shows the stored versions of the row under the cursor.
pub fn choose(app: &mut App) -> Vec<Effect> {
    let Some(row) = app.table.row() else { return vec![] };
    let code = row.code.clone();
    if row.kind != Kind::Integration {
        let text = not_yet(row.kind);
        app.say(Level::Warning, text);
        return vec![];
    }
    if app.table.marks.len() > 1 {
        app.say(Level::Warning, "one is restored at a time; u takes the marks away");
        return vec![];
    }
    let Some(index) = app.store.index.clone() else {
        let why =
            app.store.error.clone().unwrap_or_else(|| "the store is not read yet, or the config names none".into());
        app.say(Level::Warning, why);
        return vec![];
    };
    let target = app.target();
    let target_name = &app.columns[target].name;
    let mut rows: Vec<StoredVersion> =
        app.columns.iter().flat_map(|c| index.history(&c.name, Kind::Integration, &code)).cloned().collect();
    if rows.is_empty() {
        let text = format!("the store has no version of {code}; e exports one");
        app.say(Level::Warning, text);
        return vec![];
    }
    // Newest first; the target's own before others of the same time.
    rows.sort_by(|a, b| {
        b.last_seen
            .cmp(&a.last_seen)
            .then_with(|| (b.environment == *target_name).cmp(&(a.environment == *target_name)))
    });
    // The first that is not what runs now is what is most often wanted.
    let live = app.table.row().and_then(|r| r.cells.get(target)?.as_ref()?.flow);
    let wanted = |v: &StoredVersion| v.environment == *target_name && v.safety_run.is_none() && Some(v.flow) != live;
    let cursor = rows.iter().position(wanted).or_else(|| rows.iter().position(|v| v.safety_run.is_none())).unwrap_or(0);
    app.layer = Layer::Versions(Versions { code, target, rows, cursor });
    vec![]
}

/// Makes a plan for the chosen version.
pub fn take_version(app: &mut App, versions: Versions) -> Vec<Effect> {
    let Some(version) = versions.rows.get(versions.cursor) else { return vec![] };
    let column = versions.target;
    let title = format!("{} to {}", version.key(), app.columns[column].name);
    app.layer = Layer::Planning { title };
    vec![Effect::Survey { column, version: Box::new(version.clone()) }]
}

/// Shows the plan, unless the person went elsewhere meanwhile.
pub fn planned(app: &mut App, title: &str, result: Result<Box<Planned>, String>) -> Vec<Effect> {
    if !matches!(&app.layer, Layer::Planning { title: waiting } if waiting == title) {
        return vec![];
    }
    match result {
        Ok(planned) => {
            app.layer =
                Layer::Plan(Box::new(PlanView { planned: *planned, typed: String::new(), scroll: 0, refused: None }));
        }
        Err(why) => {
            app.layer = Layer::None;
            app.say(Level::Blocker, why);
        }
    }
    vec![]
}

/// Enter on the plan: runs it if it may run, else says why not.
pub fn confirm(app: &mut App, mut view: Box<PlanView>) -> Vec<Effect> {
    let column = view.planned.column;
    if let Some(job) = app.jobs.running().find(|j| j.changes == Some(column)) {
        view.refused = Some(format!("wait: {} still runs", job.title));
        app.layer = Layer::Plan(view);
        return vec![];
    }
    let plan = view.planned.plan.clone();
    match plan.clone().approve(Some(view.typed.trim())) {
        Ok(approved) => {
            let title = format!("restore {} to {}", plan.id, plan.environment);
            let (job, cancel) = app.jobs.begin(title, Some(column), Some(plan));
            app.layer = Layer::Run { job, scroll: 0 };
            vec![Effect::Restore { job, column, approved: Box::new(approved), bytes: view.planned.bytes, cancel }]
        }
        Err(refused) => {
            view.refused = Some(match refused {
                crate::ops::restore::Refused::Blocked(_) => "it cannot go on: see ✗ above".into(),
                crate::ops::restore::Refused::Unconfirmed(name) => format!("type {name} exactly"),
            });
            app.layer = Layer::Plan(view);
            vec![]
        }
    }
}

/// A restore ended: says how, and asks again what is there.
pub fn ended(app: &mut App, job: usize, result: Result<Box<Journal>, String>) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(job) else { return vec![] };
    let text = job.restored(result);
    let column = job.changes;
    let level = match job.state {
        JobState::Done => Level::Fact,
        JobState::Failed => Level::Blocker,
        _ => Level::Warning,
    };
    app.say(level, text);
    app.forgive();
    let mut effects = vec![Effect::LoadStore];
    if let Some(column) = column {
        app.columns[column].loading = true;
        effects.push(Effect::Load(column));
    }
    effects
}
