//! A search inside all archives of an environment or the store: integrations, and the steps in
//! them.

mod state;
mod update;
mod view;

use ratatui::{Frame, layout::Rect};

pub use state::SearchScreen;

use super::{Click, Layer, Offer, Screen, ScreenId, Transition, move_cursor};
use crate::ops::grep::GrepReport;
use crate::tui::{
    app::{App, ClickAreas},
    event::ScreenEvent,
    failure::Failure,
    keymap::{Action, Context},
    widgets::text_field::TextField,
};

/// The answers to what a search asked for.
#[derive(Debug)]
pub enum SearchEvent {
    Found(Result<GrepReport, Failure>),
}

impl Screen for SearchScreen {
    fn context(&self) -> Context {
        if self.finder.typing { Context::PageFind } else { Context::Found }
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        if self.finder.typing {
            return super::finder_offers();
        }
        let mut offers =
            vec![Offer::named(Action::Find, "search"), Offer::named(Action::Confirm, "open")];
        offers.extend([Action::Copy, Action::Back, Action::Help].map(Offer::of));
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        update::on_action(app, self, action)
    }

    fn field<'a>(&'a mut self, _: &'a mut App) -> Option<&'a mut TextField> {
        self.finder.typing.then_some(&mut self.finder.field)
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        let count = self.lines().len();
        move_cursor(&mut self.cursor, lines, count);
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        let count = self.lines().len();
        Click::on(&mut self.cursor, line, count)
    }

    fn id(&self) -> Option<ScreenId> {
        Some(self.id)
    }

    fn on_event(&mut self, _: &mut App, event: ScreenEvent) -> Transition {
        let ScreenEvent::Search(SearchEvent::Found(result)) = event else {
            return Transition::stay();
        };
        self.searching = false;
        self.cursor = 0;
        self.report = Some(result);
        Transition::stay()
    }

    fn layer(&self) -> Layer {
        Layer::Page
    }

    fn moves(&self) -> bool {
        self.searching
    }
}
