//! What fails since when, and what is done with failed runs.

use std::sync::Arc;

use super::super::{
    app::App,
    event::Effect,
    jobs::JobState,
    keymap::Action,
    layer::{Layer, RecoverView},
    page::{Body, Tab},
};
use crate::model::{IntegrationId, Level, plural};
use crate::oic::Recovery;
use crate::ops::{
    recover::{RecoveryPlan, RecoveryReport},
    triage::Triage,
};

/// The page that asked knows it now.
pub fn known(app: &mut App, id: u64, result: Result<Arc<Triage>, String>) {
    match app.page(id).map(|p| &mut p.body) {
        Some(Body::Inspector(inspector)) => inspector.triage = Some(result),
        Some(Body::Timeline(timeline)) => timeline.triage = Some(result),
        _ => {}
    }
}

/// `r`, `R`, `d`, `D` on the tab of runs; elsewhere it says where.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let Layer::Page(page) = &app.layer else { return vec![] };
    let Body::Inspector(inspector) = &page.body else { return vec![] };
    if inspector.tab != Tab::Runs {
        app.say(Level::Warning, "failed runs stand on the tab Runs: 7");
        return vec![];
    }
    let column = inspector.subject.column;
    let Some(integration) = inspector.integration() else { return vec![] };
    let (recovery, all) = match action {
        Action::Resubmit => (Recovery::Resubmit, false),
        Action::ResubmitAll => (Recovery::Resubmit, true),
        Action::Discard => (Recovery::Discard, false),
        _ => (Recovery::Discard, true),
    };
    let only = match (all, inspector.failed_run()) {
        (true, _) => None,
        (false, Some(error)) => Some(vec![error]),
        (false, None) => {
            app.say(
                Level::Warning,
                "go to a failed run first (✗); the capital letter means all of them",
            );
            return vec![];
        }
    };
    app.open(Layer::Recover(Box::new(RecoverView {
        column,
        plan: None,
        typed: String::new(),
        refused: None,
    })));
    vec![Effect::PlanRecovery { column, integration, recovery, only }]
}

pub fn planned(app: &mut App, result: Result<Box<RecoveryPlan>, String>) -> Vec<Effect> {
    let Layer::Recover(view) = &mut app.layer else { return vec![] };
    match result {
        Ok(plan) => view.plan = Some(*plan),
        Err(why) => {
            app.layer = Layer::None;
            app.resume();
            app.say(Level::Blocker, why);
        }
    }
    vec![]
}

/// Enter on the plan.
pub fn confirm(app: &mut App, mut view: Box<RecoverView>) -> Vec<Effect> {
    let Some(plan) = view.plan.clone() else {
        app.layer = Layer::Recover(view);
        return vec![];
    };
    let (column, title) = (view.column, plan.title());
    match plan.approve(Some(view.typed.trim())) {
        Ok(approved) => {
            let (job, _) = app.jobs.begin(title, Some(column), None);
            app.layer = Layer::None;
            app.resume();
            vec![Effect::Recover { job, column, approved: Box::new(approved) }]
        }
        Err(refused) => {
            view.refused = Some(match refused {
                crate::ops::recover::RecoveryRefused::Unconfirmed(name) => {
                    format!("type {name} exactly")
                }
                crate::ops::recover::RecoveryRefused::Blocked(_) => {
                    "it cannot go on: see ✗ above".into()
                }
            });
            app.layer = Layer::Recover(view);
            vec![]
        }
    }
}

/// It is done: says so, and asks again what fails.
pub fn recovered(app: &mut App, job: usize, report: &RecoveryReport) -> Vec<Effect> {
    let done = match report.recovery {
        Recovery::Resubmit => "sent again",
        Recovery::Discard => "given up",
    };
    let (state, level) = match (&report.why, report.taken.is_empty()) {
        (None, _) => (JobState::Done, Level::Fact),
        (Some(_), false) => (JobState::Warned, Level::Warning),
        (Some(_), true) => (JobState::Failed, Level::Blocker),
    };
    let why = report
        .why
        .as_ref()
        .map(|w| format!(", {} left: {w}", report.left.len()))
        .unwrap_or_default();
    let text = format!("{} of {} {done}{why}", plural(report.taken.len(), "run"), report.id);
    let column = app.jobs.get_mut(job).and_then(|job| {
        job.ended(state, text.clone());
        job.changes
    });
    app.say(level, text);
    let mut effects = again(app, &report.id);
    if let Some(column) = column {
        app.columns[column].loading = true;
        effects.push(Effect::Load(column));
    }
    effects
}

/// Asks anew for the page that shows it.
fn again(app: &mut App, id: &IntegrationId) -> Vec<Effect> {
    let Layer::Page(page) = &mut app.layer else { return vec![] };
    let (number, Body::Inspector(inspector)) = (page.id, &mut page.body) else { return vec![] };
    if inspector.integration().as_ref() != Some(id) {
        return vec![];
    }
    inspector.triage = None;
    vec![Effect::Triage { id: number, column: inspector.subject.column, integration: id.clone() }]
}

/// From the summary to the rows that differ, in the column that was chosen.
pub fn go_to_column(app: &mut App, column: usize) -> Vec<Effect> {
    app.layer = Layer::None;
    app.table.column = column.min(app.columns.len().saturating_sub(1));
    app.table.only_differences = column != app.table.base;
    app.table.show();
    vec![]
}
