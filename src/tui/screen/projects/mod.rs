//! The projects: to narrow the rows to one of them, or to bring artifacts into one.

mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use state::ProjectsScreen;
use state::ScopeChoice;

use super::{Click, Offer, Screen, Transition, move_cursor};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    navigate,
    widgets::text_field::TextField,
};

impl Screen for ProjectsScreen {
    fn context(&self) -> Context {
        Context::Palette
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![
            Offer::of(Action::Up),
            Offer::of(Action::Down),
            Offer::named(
                Action::Confirm,
                match self.choice {
                    ScopeChoice::Narrow => "show it alone",
                    ScopeChoice::Move(..) => "plan it",
                },
            ),
            Offer::of(Action::Back),
        ]
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        if action != Action::Confirm {
            return Transition::pass();
        }
        let Some(chosen) = self.chosen().cloned() else { return Transition::stay() };
        match (&self.choice, chosen) {
            (ScopeChoice::Move(environment, keys), Some(scope)) => {
                navigate::moved(app, *environment, keys.clone(), scope).instead()
            }
            (_, chosen) => {
                app.table.set_scope(chosen);
                Transition::close()
            }
        }
    }

    fn field<'a>(&'a mut self, _: &'a mut App) -> Option<&'a mut TextField> {
        Some(&mut self.typed)
    }

    fn on_text(&mut self, app: &mut App) -> Transition {
        self.rank(&app.table);
        Transition::stay()
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        move_cursor(&mut self.cursor, lines, self.shown.len());
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        Click::on(&mut self.cursor, line, self.shown.len())
    }
}
