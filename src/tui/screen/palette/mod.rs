//! The command palette: every action, kind, environment and theme, by fuzzy search.

mod state;
mod view;

use ratatui::{Frame, layout::Rect};

pub use state::{PaletteCommand, PaletteScreen};

use super::{Click, Offer, Screen, Transition, matrix::MatrixColumn, move_cursor};
use crate::tui::{
    app::{App, ClickAreas},
    event::Effect,
    keymap::{Action, Context},
    screen::matrix,
    update,
    widgets::text_field::TextField,
};

impl Screen for PaletteScreen {
    fn context(&self) -> Context {
        Context::Palette
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![
            Offer::of(Action::Up),
            Offer::of(Action::Down),
            Offer::named(Action::Confirm, "do it"),
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
        let command = self.chosen().map(|e| e.command.clone());
        Transition::close().with(command.map(|c| run(app, c)).unwrap_or_default())
    }

    fn field<'a>(&'a mut self, _: &'a mut App) -> Option<&'a mut TextField> {
        Some(&mut self.typed)
    }

    fn on_text(&mut self, _: &mut App) -> Transition {
        self.rank();
        Transition::stay()
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        move_cursor(&mut self.cursor, lines, self.shown.len());
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        match Click::on(&mut self.cursor, line, self.shown.len()) {
            Click::Nothing => Click::Nothing,
            // One click is enough: the list is a menu.
            Click::Moved | Click::Taken => Click::Taken,
        }
    }
}

/// Does what was chosen, on the screen that lies below.
fn run(app: &mut App, command: PaletteCommand) -> Vec<Effect> {
    match command {
        PaletteCommand::Action(action) => return update::command(app, action),
        PaletteCommand::Kind(kind) => app.table.set_kind(kind),
        PaletteCommand::Environment(environment) => {
            app.table.column = MatrixColumn::Environment(environment);
        }
        PaletteCommand::Backup(environment) => return matrix::backup_all(app, environment),
        PaletteCommand::Theme(name) => app.set_theme(name),
    }
    vec![]
}
