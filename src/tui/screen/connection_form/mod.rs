//! A form over a plan for the values of a connection that an import leaves empty, a line for each
//! property.

mod update;
mod view;

use ratatui::{Frame, layout::Rect};

use super::{Click, Offer, Screen, ScreenId, Transition, move_cursor};
use crate::model::{ConnectionName, EnvironmentIndex};
use crate::oic::ConnectionField;
use crate::restore::PlanOptions;
use crate::tui::{
    app::{App, ClickAreas},
    event::{PlanQuestion, ScreenEvent},
    failure::Failure,
    keymap::{Action, Context},
    widgets::text_field::TextField,
};

/// The fields, and the plan that is made anew with them.
#[derive(Debug)]
pub struct ConnectionFormScreen {
    pub id: ScreenId,
    pub environment: EnvironmentIndex,
    /// The connection.
    pub name: ConnectionName,
    pub fields: Vec<(ConnectionField, TextField)>,
    pub cursor: usize,
    /// Whether secrets go to the keyring, too.
    pub keeps_secrets: bool,
    pub refused: Option<String>,
    title: String,
    question: PlanQuestion,
    options: PlanOptions,
}

/// The answers to what the form asked for.
#[derive(Debug)]
pub enum FormEvent {
    /// What can be set on the connection.
    Fields(Result<Vec<ConnectionField>, Failure>),
}

impl Screen for ConnectionFormScreen {
    fn context(&self) -> Context {
        Context::Form
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![
            Offer::named(Action::Confirm, "take them"),
            Offer::named(Action::NextTab, "next line"),
            Offer::named(Action::EraseAll, "empty it"),
            Offer::named(Action::KeepSecret, "keep in keyring"),
            Offer::of(Action::Back),
        ]
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        update::on_action(app, self, action)
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        // A click chooses the line to type in; the keys of the footer take them all.
        match Click::on(&mut self.cursor, line, self.fields.len()) {
            Click::Nothing => Click::Nothing,
            Click::Moved | Click::Taken => Click::Moved,
        }
    }

    fn field<'a>(&'a mut self, _: &'a mut App) -> Option<&'a mut TextField> {
        self.fields.get_mut(self.cursor).map(|(_, value)| value)
    }

    fn on_text(&mut self, _: &mut App) -> Transition {
        self.refused = None;
        Transition::stay()
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        move_cursor(&mut self.cursor, lines, self.fields.len());
        Transition::stay()
    }

    fn id(&self) -> Option<ScreenId> {
        Some(self.id)
    }

    fn on_event(&mut self, _: &mut App, event: ScreenEvent) -> Transition {
        let ScreenEvent::Form(FormEvent::Fields(result)) = event else { return Transition::stay() };
        self.take_fields(result);
        Transition::stay()
    }
}
