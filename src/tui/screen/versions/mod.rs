//! The stored versions of one artifact, to choose from which one is restored.

mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use state::VersionsScreen;

use super::{Click, Offer, Screen, Transition, move_cursor};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    navigate,
};

impl Screen for VersionsScreen {
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

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        if action != Action::Confirm {
            return Transition::pass();
        }
        let Some(version) = self.rows.get(self.cursor).cloned() else { return Transition::stay() };
        navigate::plan_version(app, self.target, version).instead()
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        move_cursor(&mut self.cursor, lines, self.rows.len());
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        Click::on(&mut self.cursor, line, self.rows.len())
    }
}
