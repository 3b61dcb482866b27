//! The plan to resubmit or discard failed instances, and the consent.

mod update;
mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, ScreenId, Transition, consent_offers};
use crate::model::{EnvironmentIndex, Level};
use crate::ops::recover::RecoveryPlan;
use crate::tui::{
    app::{App, ClickAreas},
    event::ScreenEvent,
    failure::Failure,
    keymap::{Action, Context},
    widgets::{consent::Consent, list::TextScroll, text_field::TextField},
};

/// What would be done with failed instances, and what was typed to confirm it.
#[derive(Debug)]
pub struct RecoverScreen {
    pub id: ScreenId,
    pub environment: EnvironmentIndex,
    /// None until it is known which instances failed.
    pub plan: Option<RecoveryPlan>,
    pub consent: Consent,
    pub scroll: TextScroll,
}

impl RecoverScreen {
    /// Waits for the plan; nothing is typed yet.
    pub fn new(id: ScreenId, environment: EnvironmentIndex) -> Self {
        let (consent, scroll) = (Consent::default(), TextScroll::default());
        Self { id, environment, plan: None, consent, scroll }
    }
}

/// The answers to what the screen asked for.
#[derive(Debug)]
pub enum RecoverEvent {
    Planned(Result<Box<RecoveryPlan>, Failure>),
}

impl Screen for RecoverScreen {
    fn context(&self) -> Context {
        Context::Plan
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        let blocked = |p: &RecoveryPlan| p.checks.iter().any(|c| c.level == Level::Blocker);
        let mut offers = consent_offers();
        offers.retain(|o| {
            o.action != Action::Confirm || self.plan.as_ref().is_some_and(|p| !blocked(p))
        });
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        self.scroll.scroll(lines, app.areas.list);
        Transition::stay()
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        update::on_action(app, self, action)
    }

    fn field<'a>(&'a mut self, _: &'a mut App) -> Option<&'a mut TextField> {
        Some(&mut self.consent.field)
    }

    fn on_text(&mut self, _: &mut App) -> Transition {
        self.consent.refused = None;
        Transition::stay()
    }

    fn id(&self) -> Option<ScreenId> {
        Some(self.id)
    }

    fn on_event(&mut self, app: &mut App, event: ScreenEvent) -> Transition {
        let ScreenEvent::Recover(RecoverEvent::Planned(result)) = event else {
            return Transition::stay();
        };
        update::planned(app, self, result)
    }

    fn moves(&self) -> bool {
        self.plan.is_none()
    }
}
