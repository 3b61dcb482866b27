//! The stored versions of one artifact, to choose from which one is restored.

mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use state::Versions;

use super::{Click, Offer, Screen, Step, move_cursor};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    navigate,
};

impl Screen for Versions {
    fn context(&self) -> Context {
        Context::Versions
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![
            Offer::of(Action::Up),
            Offer::of(Action::Down),
            Offer::named(Action::Confirm, "see the plan"),
            Offer::of(Action::Back),
            Offer::of(Action::Help),
        ]
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Step {
        if action != Action::Confirm {
            return Step::pass();
        }
        let Some(version) = self.rows.get(self.cursor).cloned() else { return Step::stay() };
        navigate::plan_version(app, self.target, version).instead()
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Step {
        move_cursor(&mut self.cursor, lines, self.rows.len());
        Step::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        Click::on(&mut self.cursor, line, self.rows.len())
    }
}
