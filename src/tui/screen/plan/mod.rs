//! The plan of a restore, a promotion or an undo: what will be done and what speaks against it.

mod update;
mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Transition};
use crate::tui::{
    app::{App, ClickAreas},
    event::Planned,
    keymap::{Action, Context},
    widgets::{consent::Consent, list::TextScroll, text_field::TextField},
};

/// A plan that is shown, and what was typed to confirm it.
#[derive(Debug)]
pub struct PlanScreen {
    pub planned: Planned,
    pub consent: Consent,
    pub scroll: TextScroll,
}

impl PlanScreen {
    /// Shows a plan from its first line; nothing is typed yet.
    pub fn new(planned: Planned) -> Self {
        Self { planned, consent: Consent::default(), scroll: TextScroll::default() }
    }
}

impl Screen for PlanScreen {
    fn context(&self) -> Context {
        Context::Plan
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        let plan = &self.planned.prepared.plan;
        let fix = plan.checks.iter().any(|c| c.remedy.is_some()).then(|| Offer::of(Action::Fix));
        let blocked = plan.blockers().next().is_some();
        let mut offers = Vec::new();
        offers.extend((!blocked).then(|| Offer::named(Action::Confirm, "start")));
        offers.extend(fix);
        offers.extend([
            Offer::named(Action::Back, "leave everything as it is"),
            Offer::of(Action::Up),
            Offer::of(Action::Down),
        ]);
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
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

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        self.scroll.scroll(lines, app.areas.list);
        Transition::stay()
    }
}
