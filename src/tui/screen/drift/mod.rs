//! How the environments stand against the base column, in numbers.

mod state;
mod view;

use ratatui::{Frame, layout::Rect};

use super::{Click, Offer, Screen, Transition, move_cursor};
use crate::model::EnvironmentIndex;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    navigate,
};

/// The screen, with the index of the environment under the cursor.
#[derive(Debug)]
pub struct DriftScreen {
    cursor: usize,
}

impl DriftScreen {
    /// Opens with the cursor on an environment, given by its index.
    pub fn at(environment: EnvironmentIndex) -> Self {
        Self { cursor: environment.0 }
    }
}

impl Screen for DriftScreen {
    fn context(&self) -> Context {
        Context::List
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![
            Offer::named(Action::Confirm, "open"),
            Offer::of(Action::Up),
            Offer::of(Action::Down),
            Offer::of(Action::Back),
        ]
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self.cursor, areas);
    }

    /// Enter goes to the rows that differ, in the column that was chosen.
    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        if action != Action::Confirm {
            return Transition::pass();
        }
        let chosen = EnvironmentIndex(self.cursor.min(app.environments.len().saturating_sub(1)));
        navigate::rows_that_differ(app, chosen)
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        move_cursor(&mut self.cursor, lines, app.environments.len());
        Transition::stay()
    }

    fn on_click(&mut self, app: &mut App, line: usize) -> Click {
        Click::on(&mut self.cursor, line, app.environments.len())
    }
}
