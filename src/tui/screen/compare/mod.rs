//! Two archives side by side: what changed in meaning above, the text below.

mod rows;
mod state;
mod update;
mod view;

use std::sync::Arc;

use ratatui::{Frame, layout::Rect};

pub use state::CompareScreen;

use super::{Click, Layer, Offer, Screen, ScreenId, Transition};
use crate::diff::TextDiff;
use crate::tui::{
    app::{App, ClickAreas},
    event::ScreenEvent,
    keymap::{Action, Context},
    widgets::text_field::TextField,
};
use state::CompareMode;

/// The answers to what a comparison asked for.
#[derive(Debug)]
pub enum CompareEvent {
    /// A pair of files side by side, by its index in the comparison.
    Text { index: usize, text: Arc<TextDiff> },
}

impl Screen for CompareScreen {
    fn context(&self) -> Context {
        if self.finder.typing { Context::PageFind } else { Context::Compare }
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        if self.finder.typing {
            return super::finder_offers();
        }
        use Action as A;
        let mut offers = [A::Next, A::Previous].map(Offer::of).to_vec();
        offers.push(Offer::named(A::Confirm, "text"));
        offers.push(Offer::of(A::Cosmetic));
        offers.push(Offer::named(A::TextOnly, "files"));
        offers.extend([A::Swap, A::Copy, A::Write, A::Back, A::Help].map(Offer::of));
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
        self.move_by(lines);
        Transition::stay().with(self.want_text())
    }

    /// A click on any line of a change is a click on the change.
    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        let indexes = self.indexes_of_lines();
        let index = indexes.iter().take(line + 1).rev().find_map(|p| *p);
        match (self.mode, index) {
            (CompareMode::Text, _) | (_, None) => Click::Nothing,
            (_, Some(_)) if line >= indexes.len() => Click::Nothing,
            (CompareMode::Files, Some(index)) => {
                Click::on(&mut self.file_cursor, index, usize::MAX)
            }
            (CompareMode::Changes, Some(index)) => Click::on(&mut self.cursor, index, usize::MAX),
        }
    }

    fn id(&self) -> Option<ScreenId> {
        Some(self.id)
    }

    fn on_event(&mut self, _: &mut App, event: ScreenEvent) -> Transition {
        let ScreenEvent::Compare(CompareEvent::Text { index, text }) = event else {
            return Transition::stay();
        };
        // The cursor may have gone on to another file, whose text is on its way.
        if self.wanted_file() == Some(index) {
            self.text = Some((index, text));
            self.show_change();
        }
        Transition::stay()
    }

    fn layer(&self) -> Layer {
        Layer::Page
    }
}
