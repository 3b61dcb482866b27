//! Takes in the answer that was waited for; the screen that shows it takes the place.

use super::{WaitingEvent, WaitingFor, WaitingScreen};
use crate::model::Level;
use crate::tui::{app::App, navigate, screen::Transition};

/// Puts the screen for the answer in the place of the waiting one; says why and closes where it
/// failed.
pub fn on_event(app: &mut App, waiting: &WaitingScreen, event: WaitingEvent) -> Transition {
    let id = waiting.id;
    let shown = match event {
        WaitingEvent::Opened(result) => {
            let WaitingFor::Archive(environment) = waiting.what else { return Transition::stay() };
            result.map(|(label, unpacked)| navigate::opened(app, id, environment, label, unpacked))
        }
        WaitingEvent::Compared(result) => result.map(|c| navigate::compared(app, id, c)),
        WaitingEvent::Planned(result) => result.map(|planned| navigate::planned(*planned)),
    };
    match shown {
        Ok(transition) => transition.instead(),
        Err(why) => {
            app.say(Level::Blocker, why);
            Transition::close()
        }
    }
}
