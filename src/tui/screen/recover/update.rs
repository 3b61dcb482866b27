//! Asks which instances failed, and does with them what was confirmed.

use super::RecoverScreen;
use crate::model::Level;
use crate::ops::recover::RecoveryPlan;
use crate::tui::{
    app::App,
    event::{Effect, RecoveryEffect},
    failure::Failure,
    keymap::Action,
    screen::{Transition, leave_unchanged},
};

/// Shows the plan, or closes the screen and says why there is none.
pub fn planned(
    app: &mut App,
    screen: &mut RecoverScreen,
    result: Result<Box<RecoveryPlan>, Failure>,
) -> Transition {
    match result {
        Ok(plan) => {
            screen.plan = Some(*plan);
            Transition::stay()
        }
        Err(why) => {
            app.say(Level::Blocker, why);
            Transition::close()
        }
    }
}

/// Answers a key: begins the recovery, or closes with nothing changed.
pub fn on_action(app: &mut App, screen: &mut RecoverScreen, action: Action) -> Transition {
    match action {
        Action::Confirm => confirm(app, screen),
        Action::Back => leave_unchanged(app),
        // No finding of this plan has a remedy.
        Action::Fix => Transition::stay(),
        _ => Transition::pass(),
    }
}

fn confirm(app: &mut App, screen: &mut RecoverScreen) -> Transition {
    let Some(plan) = screen.plan.clone() else { return Transition::stay() };
    let (environment, title) = (screen.environment, plan.title());
    if let Some(wait) = app.jobs.wait_for(environment) {
        screen.consent.refused = Some(wait);
        return Transition::stay();
    }
    match plan.approve(Some(screen.consent.typed())) {
        Ok(approved) => {
            let (job, _) = app.jobs.begin(title, Some(environment), None);
            let run = RecoveryEffect::Run { job, environment, approved: Box::new(approved) };
            Transition::close().with([Effect::Recovery(run)])
        }
        Err(refused) => {
            screen.consent.refused = Some(refused.short());
            Transition::stay()
        }
    }
}
