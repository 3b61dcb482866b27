//! The question whether a run that was cut off or held is continued or undone, and the consent.

mod update;
mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Step, consent_offers, move_cursor, plan::view::NARROWEST};
use crate::restore::Journal;
use crate::tui::{
    app::{App, ClickAreas},
    event::Resumption,
    keymap::{Action, Context},
    widgets::{consent::Consent, text_field::TextField},
};

/// A run that was cut off, and how it shall end.
#[derive(Debug)]
pub struct Reopen {
    pub journal: Journal,
    pub how: Resumption,
    pub consent: Consent,
    /// The first line that is shown; none: the last ones, which are nearest to the question.
    pub scroll: Option<usize>,
}

impl Reopen {
    /// Asks to continue or undo a run; nothing is typed yet.
    pub fn new(journal: Journal, how: Resumption) -> Self {
        Self { journal, how, consent: Consent::default(), scroll: None }
    }
}

impl Screen for Reopen {
    fn context(&self) -> Context {
        Context::Plan
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        consent_offers()
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Step {
        let (shown, count) = (app.areas.list, view::lines(app, self, NARROWEST).len());
        let mut first = self.scroll.or(shown.map(|(_, first)| first)).unwrap_or_default();
        move_cursor(&mut first, lines, count);
        self.scroll = Some(first);
        Step::stay()
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Step {
        update::on_action(app, self, action)
    }

    fn field<'a>(&'a mut self, _: &'a mut App) -> Option<&'a mut TextField> {
        Some(&mut self.consent.field)
    }

    fn on_text(&mut self, _: &mut App) -> Step {
        self.consent.refused = None;
        Step::stay()
    }
}
