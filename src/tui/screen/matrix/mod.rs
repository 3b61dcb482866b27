//! The matrix: a row for each artifact, a column for each environment, the store last. It lies
//! below all other screens and is never closed.

mod background;
mod column;
mod columns;
mod counts;
mod detail;
mod table;
mod update;
mod view;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
};

pub use background::{BackgroundWork, BackupDifference};
pub use column::MatrixColumn;
pub use table::{MatrixTable, SortOrder, TableLine};
pub use update::{
    LoadFailure, MatrixEvent, after_event, backup_all, clicked, on_action, on_event, refresh,
};

use super::{Layer, Offer, Screen, Transition};
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
};

/// Lines of the strip below the rows.
const DETAIL_HEIGHT: u16 = 6;
/// The least height at which the strip is shown; below it the rows need the room.
const ROOM_FOR_DETAIL: u16 = 15;

/// The matrix. Its state is the application's: other screens read the rows, too.
#[derive(Debug)]
pub struct MatrixScreen;

impl Screen for MatrixScreen {
    fn context(&self) -> Context {
        Context::Explorer
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        use Action as A;
        let actions = [
            A::Find,
            A::NextColumn,
            A::Inspect,
            A::Compare,
            A::Export,
            A::Restore,
            A::Timeline,
            A::SearchInside,
            A::Mark,
            A::OnlyDifferences,
            A::OnlyFailing,
            A::Sort,
            A::Kind,
            A::Project,
            A::Group,
            A::Jobs,
            A::Palette,
            A::Help,
            A::Quit,
        ];
        actions.map(Offer::of).to_vec()
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        // A toast takes a line for a moment; the strip stays.
        let height = area.height + u16::from(app.toast.is_some());
        let detail = if height < ROOM_FOR_DETAIL { 0 } else { DETAIL_HEIGHT };
        let [rows, strip] =
            Layout::vertical([Constraint::Min(4), Constraint::Length(detail)]).areas(area);
        view::draw(app, frame, rows, areas);
        if detail > 0 {
            detail::draw(app, frame, strip, areas);
        }
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        on_action(app, action)
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        app.table.move_by(lines);
        Transition::stay()
    }

    fn layer(&self) -> Layer {
        Layer::Matrix
    }
}
