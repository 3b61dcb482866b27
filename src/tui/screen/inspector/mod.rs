//! What is in one archive: the flow as a tree, mappings, dependencies, files, history, instances.

mod dependencies;
mod files;
mod flow;
mod instances;
mod overview;
mod project;
mod state;
mod update;
mod view;

use std::sync::Arc;

use ratatui::{Frame, layout::Rect};

pub use state::InspectorScreen;

use super::{Click, Layer, Offer, Screen, ScreenId, Transition, moved};
use crate::archive::{Fingerprints, Secret};
use crate::model::IntegrationId;
use crate::ops::{deps::DependencyGraph, project::ProjectFacts, triage::Triage};
use crate::tui::{
    app::{App, ClickAreas},
    event::ScreenEvent,
    failure::Failure,
    keymap::{Action, Context},
    widgets::text_field::TextField,
};
use state::InspectorTab;

/// The answers to what the inspector asked for.
#[derive(Debug)]
pub enum InspectorEvent {
    /// Every file of it was read.
    Examined {
        fingerprints: Fingerprints,
        secrets: Vec<Secret>,
    },
    Graphed(Result<Arc<DependencyGraph>, Failure>),
    /// A file as lines.
    Lines {
        path: String,
        lines: Arc<Vec<String>>,
    },
    /// What a project is beside its archive.
    Project(Box<ProjectFacts>),
    /// Its last day.
    Triaged(Result<Arc<Triage>, Failure>),
    /// Failed instances of an integration were dealt with.
    InstancesChanged(IntegrationId),
}

impl Screen for InspectorScreen {
    fn context(&self) -> Context {
        if self.finder.typing { Context::PageFind } else { Context::Inspector }
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        if self.finder.typing {
            return super::finder_offers();
        }
        let mut offers = vec![Offer::of(Action::NextTab), Offer::named(Action::Confirm, "open")];
        if self.tab == InspectorTab::Instances {
            let actions =
                [Action::Resubmit, Action::ResubmitAll, Action::Discard, Action::DiscardAll];
            offers.extend(actions.map(Offer::of));
        }
        offers.push(Offer::of(Action::Find));
        offers.push(Offer::named(Action::Compare, "compare with backup"));
        let actions = [Action::Timeline, Action::Copy, Action::Write, Action::Back, Action::Help];
        offers.extend(actions.map(Offer::of));
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
        self.set_cursor(moved(self.cursor(), lines, count));
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        let (mut cursor, count) = (self.cursor(), self.lines().len());
        let click = Click::on(&mut cursor, line, count);
        self.set_cursor(cursor);
        click
    }

    fn id(&self) -> Option<ScreenId> {
        Some(self.id)
    }

    fn on_event(&mut self, _: &mut App, event: ScreenEvent) -> Transition {
        let ScreenEvent::Inspector(event) = event else { return Transition::stay() };
        update::on_event(self, event)
    }

    fn layer(&self) -> Layer {
        Layer::Page
    }
}
