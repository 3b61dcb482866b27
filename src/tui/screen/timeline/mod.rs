//! The stored versions of one artifact over time, with what changed between neighbours.

mod state;
mod update;
mod view;

use std::sync::Arc;

use ratatui::{Frame, layout::Rect};

pub use state::{TimelineScreen, VersionChange};

use super::{Click, Layer, Offer, Screen, ScreenId, Transition, move_cursor};
use crate::oic::AuditRecord;
use crate::ops::triage::Triage;
use crate::tui::{
    app::{App, ClickAreas},
    event::ScreenEvent,
    failure::Failure,
    keymap::{Action, Context},
};

/// The answers to what a timeline asked for.
#[derive(Debug)]
pub enum TimelineEvent {
    /// What changed up to a version, by its index among the rows; None for what is live.
    Changed {
        version: Option<usize>,
        change: VersionChange,
    },
    Audited(Result<Vec<AuditRecord>, Failure>),
    /// The last day of an integration.
    Triaged(Result<Arc<Triage>, Failure>),
}

impl Screen for TimelineScreen {
    fn context(&self) -> Context {
        Context::Timeline
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        let mut offers = vec![
            Offer::named(Action::Confirm, "compare with live"),
            Offer::named(Action::Compare, "with the one before"),
        ];
        let actions = [Action::Inspect, Action::Restore, Action::Back, Action::Help];
        offers.extend(actions.map(Offer::of));
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        update::on_action(app, self, action)
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        let count = self.count();
        move_cursor(&mut self.cursor, lines, count);
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        let count = self.count();
        Click::on(&mut self.cursor, line, count)
    }

    fn id(&self) -> Option<ScreenId> {
        Some(self.id)
    }

    fn on_event(&mut self, _: &mut App, event: ScreenEvent) -> Transition {
        let ScreenEvent::Timeline(event) = event else { return Transition::stay() };
        update::on_event(self, event);
        Transition::stay()
    }

    fn layer(&self) -> Layer {
        Layer::Page
    }
}
