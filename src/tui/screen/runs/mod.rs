//! Runs of the store: what waits for somebody, what was done, and what is undone.

mod update;
mod view;

use jiff::Timestamp;
use ratatui::{Frame, layout::Rect};

pub use update::on_runs;

use super::{Click, Offer, Screen, Transition, move_cursor};
use crate::model::{EnvironmentName, RunId};
use crate::restore::{Journal, RunProcess};
use crate::tui::{
    app::{App, ClickAreas},
    event::WhichRuns,
    failure::Failure,
    keymap::{Action, Context},
};

/// Runs of the store, newest first.
#[derive(Debug)]
pub struct RunsScreen {
    pub rows: Vec<RunRow>,
    pub cursor: usize,
    /// All that a person asked for, or those that wait, which are shown unasked at the start.
    pub which: WhichRuns,
}

/// A run, and whether a program works on it now.
#[derive(Debug, Clone)]
pub struct RunRow {
    pub journal: Journal,
    pub process: RunProcess,
}

impl RunRow {
    /// Whether it stopped in the middle and waits for somebody.
    pub fn waits(&self) -> bool {
        self.journal.is_open() && !self.process.is_alive()
    }
}

/// What the store tells of its runs.
#[derive(Debug)]
pub enum RunsEvent {
    Found {
        which: WhichRuns,
        result: Result<Vec<RunRow>, Failure>,
        /// When each environment was last rehearsed with success.
        drills: Vec<(EnvironmentName, Timestamp)>,
    },
    /// A run was left as it is.
    Left(Result<RunId, Failure>),
}

impl Screen for RunsScreen {
    fn context(&self) -> Context {
        Context::Runs
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        let row = self.rows.get(self.cursor);
        let open = row.is_some_and(|r| r.journal.is_open());
        let undoable = row.is_some_and(|r| r.journal.is_open() || r.journal.changed());
        let back = match self.which {
            WhichRuns::All => "back",
            WhichRuns::Waiting => "later",
        };
        let mut offers = Vec::new();
        offers.extend(open.then(|| Offer::of(Action::GoOn)));
        offers.extend(undoable.then(|| Offer::of(Action::Undo)));
        offers.extend(open.then(|| Offer::of(Action::LeaveRun)));
        offers.extend([
            Offer::named(Action::Confirm, "look at it"),
            Offer::of(Action::Up),
            Offer::of(Action::Down),
            Offer::named(Action::Back, back),
            Offer::of(Action::Help),
        ]);
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        update::on_action(app, self, action)
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        move_cursor(&mut self.cursor, lines, self.rows.len());
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        Click::on(&mut self.cursor, line, self.rows.len())
    }
}
