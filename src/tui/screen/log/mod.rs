//! The log's last lines, read from the end, and where the whole of it lies.

mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Transition};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::list::TextScroll,
};

/// The log; its end is in sight, also as it grows, until a person scrolls.
#[derive(Debug, Default)]
pub struct LogScreen {
    scroll: TextScroll,
}

impl Screen for LogScreen {
    fn context(&self) -> Context {
        Context::List
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        [Action::Up, Action::Down, Action::Back].map(Offer::of).to_vec()
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        self.scroll.scroll(lines, app.areas.list);
        Transition::stay()
    }
}
