//! The question whether a run that was cut off or held is continued or undone, and the consent.

mod update;
mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Transition, consent_offers};
use crate::ops::run_plan::Resumption;
use crate::restore::Journal;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{consent::Consent, list::TextScroll, text_field::TextField},
};

/// A run that was cut off, and how it shall end.
#[derive(Debug)]
pub struct ReopenScreen {
    pub journal: Journal,
    pub how: Resumption,
    pub consent: Consent,
    pub scroll: TextScroll,
}

impl ReopenScreen {
    /// Asks to continue or undo a run; nothing is typed yet.
    pub fn new(journal: Journal, how: Resumption) -> Self {
        Self { journal, how, consent: Consent::default(), scroll: TextScroll::default() }
    }
}

impl Screen for ReopenScreen {
    fn context(&self) -> Context {
        Context::Plan
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        consent_offers()
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
}
