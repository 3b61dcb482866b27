//! The keys of a screen, and those that work everywhere.

mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Transition};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::list::TextScroll,
};

/// Which keys are shown, and how far they are scrolled.
#[derive(Debug)]
pub struct HelpScreen {
    of: Context,
    scroll: TextScroll,
}

impl HelpScreen {
    /// The help for a context, at its first line.
    pub fn of(context: Context) -> Self {
        Self { of: context, scroll: TextScroll::default() }
    }
}

impl Screen for HelpScreen {
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
