//! Typing into `/`: the rows narrow with every letter.

use ratatui::{Frame, layout::Rect};

use super::{Layer, Offer, Screen, Transition, matrix};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::text_field::TextField,
};

/// Takes the keys while the filter is typed; the matrix owns the field and draws it.
#[derive(Debug)]
pub struct FindScreen;

impl Screen for FindScreen {
    fn context(&self) -> Context {
        Context::Find
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![
            Offer::named(Action::Confirm, "keep"),
            Offer::named(Action::Back, "show all"),
            Offer::of(Action::Up),
            Offer::of(Action::Down),
            Offer::of(Action::NextColumn),
            Offer::of(Action::Erase),
        ]
    }

    fn draw(&self, _: &App, _: &mut Frame<'_>, _: Rect, _: &mut ClickAreas) {}

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        match action {
            Action::Confirm => Transition::close(),
            Action::Back => {
                app.table.stay_on_row();
                Transition::close().with(app.table.set_filter(""))
            }
            // These actions work everywhere; all others do here what they do on the rows.
            Action::Help | Action::Palette | Action::Quit | Action::Suspend => Transition::pass(),
            other => matrix::on_action(app, other),
        }
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        app.table.move_by(lines);
        Transition::stay()
    }

    fn field<'a>(&'a mut self, app: &'a mut App) -> Option<&'a mut TextField> {
        Some(&mut app.table.filter)
    }

    fn on_text(&mut self, app: &mut App) -> Transition {
        Transition::stay().with(app.table.rank())
    }

    fn layer(&self) -> Layer {
        Layer::Matrix
    }
}
