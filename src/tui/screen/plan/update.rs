//! Enter runs the plan where it may run; a remedy makes it anew.

use super::PlanScreen;
use crate::model::Level;
use crate::restore::{FileByHand, PlanOptions, RemedyTaken};
use crate::tui::{
    app::App,
    event::{Effect, Planned, RestoreEffect},
    keymap::Action,
    navigate,
    screen::{Transition, leave_unchanged},
};

/// Answers a key: runs the plan, applies a remedy, or closes with nothing changed.
pub fn on_action(app: &mut App, screen: &mut PlanScreen, action: Action) -> Transition {
    match action {
        Action::Confirm => confirm(app, screen),
        Action::Fix => fix(app, screen),
        Action::Back => leave_unchanged(app),
        _ => Transition::pass(),
    }
}

/// Runs the plan if it may run, else says why not.
fn confirm(app: &mut App, screen: &mut PlanScreen) -> Transition {
    let environment = screen.planned.environment;
    if let Some(wait) = app.jobs.wait_for(environment) {
        screen.consent.refused = Some(wait);
        return Transition::stay();
    }
    let plan = screen.planned.prepared.plan.clone();
    let approved = match plan.clone().approve(Some(screen.consent.typed())) {
        Ok(approved) => Box::new(approved),
        Err(refused) => {
            screen.consent.refused = Some(refused.short());
            return Transition::stay();
        }
    };
    let (job, stop) = app.jobs.begin(plan.title(), Some(environment), Some(plan));
    app.table.marks.clear();
    let payloads = std::mem::take(&mut screen.planned.prepared.payloads);
    let connection_values = screen.planned.options.connection_values.clone();
    let run = RestoreEffect::Run { job, environment, approved, payloads, connection_values, stop };
    navigate::job(job).instead().with([Effect::Restore(run)])
}

/// Applies the first remedy of a plan: the plan is made anew with it, or asks for a connection's
/// values.
fn fix(app: &mut App, screen: &mut PlanScreen) -> Transition {
    let planned = &screen.planned;
    let Some(remedy) = planned.prepared.plan.checks.iter().find_map(|c| c.remedy.as_ref()) else {
        app.say(Level::Warning, "nothing in this plan can be fixed by a key");
        return Transition::stay();
    };
    let mut options = planned.options.clone();
    match options.take(remedy) {
        RemedyTaken::Plan => plan_again(app, planned, options).instead(),
        RemedyTaken::Ask(name) => navigate::connection_form(app, planned, name.clone()),
        RemedyTaken::Write => {
            let files = planned.prepared.by_hand.iter();
            let write =
                |f: &FileByHand| Effect::Write { name: f.name.clone(), bytes: f.bytes.to_vec() };
            Transition::stay().with(files.map(write))
        }
    }
}

/// Asks for the same plan with other options.
pub fn plan_again(app: &mut App, planned: &Planned, options: PlanOptions) -> Transition {
    let Planned { environment, title, question, .. } = planned;
    navigate::plan(app, *environment, title.clone(), question.clone(), options)
}
