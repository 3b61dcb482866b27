//! The screen while an archive is fetched, two are compared, or a plan is made. The answer takes
//! its place.

mod update;

use std::sync::Arc;

use ratatui::{Frame, layout::Rect, text::Line};

use super::{Offer, Screen, ScreenId, Transition};
use crate::archive::UnpackedArchive;
use crate::model::EnvironmentIndex;
use crate::ops::compare::Compared;
use crate::tui::{
    app::{App, ClickAreas},
    event::{Planned, ScreenEvent},
    failure::Failure,
    keymap::{Action, Context},
    widgets::{
        frame::popup,
        text::{fit, spinner},
    },
};

/// What is waited for.
#[derive(Debug)]
pub struct WaitingScreen {
    pub id: ScreenId,
    pub title: String,
    pub what: WaitingFor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingFor {
    /// An archive that is from this environment, or belongs to it.
    Archive(EnvironmentIndex),
    Comparison,
    Plan,
}

/// The answers that are waited for.
#[derive(Debug)]
pub enum WaitingEvent {
    /// An archive was fetched and unpacked; it comes with its label.
    Opened(Result<(String, Arc<UnpackedArchive>), Failure>),
    Compared(Result<Arc<Compared>, Failure>),
    Planned(Result<Box<Planned>, Failure>),
}

impl Screen for WaitingScreen {
    fn context(&self) -> Context {
        Context::List
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![Offer::of(Action::Back)]
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, _: &mut ClickAreas) {
        let (size, title, text) = match self.what {
            WaitingFor::Archive(_) | WaitingFor::Comparison => {
                ((90, 3), "One moment".to_owned(), self.title.as_str())
            }
            WaitingFor::Plan => {
                let text = "looking at what is there now; nothing is changed";
                ((70, 4), format!("Plan for {}", self.title), text)
            }
        };
        let inner = popup(app, frame, area, size, &title, app.theme.accent.0).inner;
        let text = fit(&format!("{} {text}", spinner(app.ticks)), usize::from(inner.width));
        frame.render_widget(Line::styled(text, app.theme.text.0), inner);
    }

    fn id(&self) -> Option<ScreenId> {
        Some(self.id)
    }

    fn on_event(&mut self, app: &mut App, event: ScreenEvent) -> Transition {
        let ScreenEvent::Waiting(event) = event else { return Transition::stay() };
        update::on_event(app, self, event)
    }

    fn moves(&self) -> bool {
        true
    }
}
