//! The log's last lines, read from the end, and where the whole of it lies.

mod view;

use std::sync::PoisonError;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Transition, move_cursor};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
};

/// How many lines from the end it is scrolled.
#[derive(Debug, Default)]
pub struct LogScreen {
    scroll: usize,
}

impl Screen for LogScreen {
    fn context(&self) -> Context {
        Context::List
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        [Action::Up, Action::Down, Action::Back].map(Offer::of).to_vec()
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, _: &mut ClickAreas) {
        view::draw(app, frame, area, self.scroll);
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        let count = app.log.lock().unwrap_or_else(PoisonError::into_inner).len();
        move_cursor(&mut self.scroll, lines.saturating_neg(), count);
        Transition::stay()
    }
}
