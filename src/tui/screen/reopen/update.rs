//! Enter continues or undoes the run.

use super::Reopen;
use crate::tui::{
    app::App,
    event::{Effect, RestoreEffect},
    keymap::Action,
    navigate,
    screen::{Step, leave_unchanged},
};

/// Answers a key: continues or undoes the run, or closes with nothing changed.
pub fn on_action(app: &mut App, screen: &mut Reopen, action: Action) -> Step {
    match action {
        Action::Confirm => confirm(app, screen),
        Action::Back => leave_unchanged(app),
        // A plan that was approved already has nothing to fix.
        Action::Fix => Step::stay(),
        _ => Step::pass(),
    }
}

fn confirm(app: &mut App, screen: &mut Reopen) -> Step {
    let plan = screen.journal.plan.clone();
    let Some(environment) = app.environment(&plan.environment) else { return Step::stay() };
    if let Some(wait) = app.jobs.wait_for(environment) {
        screen.consent.refused = Some(wait);
        return Step::stay();
    }
    let reopened = match screen.journal.clone().reopen(Some(screen.consent.typed())) {
        Ok(reopened) => Box::new(reopened),
        Err(refused) => {
            screen.consent.refused = Some(refused.short());
            return Step::stay();
        }
    };
    let how = screen.how;
    let (job, stop) = app.jobs.begin(how.title(&plan), Some(environment), Some(plan));
    let resume = RestoreEffect::Resume { job, environment, reopened, how, stop };
    navigate::job(job).instead().with([Effect::Restore(resume)])
}
