//! Enter continues or undoes the run.

use super::ReopenScreen;
use crate::tui::{
    app::App,
    event::{Effect, RestoreEffect},
    keymap::Action,
    navigate,
    screen::{Transition, leave_unchanged},
};

/// Answers a key: continues or undoes the run, or closes with nothing changed.
pub fn on_action(app: &mut App, screen: &mut ReopenScreen, action: Action) -> Transition {
    match action {
        Action::Confirm => confirm(app, screen),
        Action::Back => leave_unchanged(app),
        // A plan that was approved already has nothing to fix.
        Action::Fix => Transition::stay(),
        _ => Transition::pass(),
    }
}

fn confirm(app: &mut App, screen: &mut ReopenScreen) -> Transition {
    let plan = screen.journal.plan.clone();
    let Some(environment) = app.environment(&plan.environment) else { return Transition::stay() };
    if let Some(wait) = app.jobs.wait_for(environment) {
        screen.consent.refused = Some(wait);
        return Transition::stay();
    }
    let reopened = match screen.journal.clone().reopen(Some(screen.consent.typed())) {
        Ok(reopened) => Box::new(reopened),
        Err(refused) => {
            screen.consent.refused = Some(refused.short());
            return Transition::stay();
        }
    };
    let how = screen.how;
    let (job, stop) = app.jobs.begin(how.title(&plan), Some(environment), Some(plan));
    let resume = RestoreEffect::Resume { job, environment, reopened, how, stop };
    navigate::job(job).instead().with([Effect::Restore(resume)])
}
