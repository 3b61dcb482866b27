//! One file of an archive as text: normalised, secrets blanked, folding by its indentation.

mod state;
mod syntax;
mod view;

use ratatui::{Frame, layout::Rect};

pub use state::ViewerScreen;

use super::{Click, Layer, Offer, SIDEWAYS, Screen, Transition};
use crate::model::Level;
use crate::tui::{
    app::{App, ClickAreas},
    event::{Effect, TerminalEffect},
    keymap::{Action, Context},
    widgets::{finder::FinderRequest, text::file_name, text_field::TextField},
};

impl Screen for ViewerScreen {
    fn context(&self) -> Context {
        if self.finder.typing { Context::PageFind } else { Context::Viewer }
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        if self.finder.typing {
            return super::finder_offers();
        }
        use Action as A;
        let mut offers = [A::Find, A::Next].map(Offer::of).to_vec();
        offers.push(Offer::named(A::Fold, "fold"));
        offers.extend([A::Pager, A::Copy, A::Write, A::Back, A::Help].map(Offer::of));
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        if let Some(found) = self.finder.on_action(action) {
            if let FinderRequest::Go(direction, from) = found {
                self.go_to_match(direction, from);
            }
            return Transition::stay();
        }
        let text = || self.lines.join("\n") + "\n";
        let name = self.path.rsplit('/').next().unwrap_or("file").to_owned();
        match action {
            Action::Fold => self.toggle_fold(),
            Action::Left => self.shift = self.shift.saturating_sub(SIDEWAYS.by),
            Action::Right => self.shift = (self.shift + SIDEWAYS.by).min(SIDEWAYS.most),
            Action::Copy => {
                app.say(Level::Fact, format!("copied {name}"));
                return Transition::stay().with([Effect::copy(text())]);
            }
            Action::Write => {
                let effect = Effect::Write { name: file_name(&name), bytes: text().into_bytes() };
                return Transition::stay().with([effect]);
            }
            Action::Pager => {
                let page = TerminalEffect::Page { name: file_name(&name), text: text() };
                return Transition::stay().with([Effect::Terminal(page)]);
            }
            _ => return Transition::pass(),
        }
        Transition::stay()
    }

    fn field<'a>(&'a mut self, _: &'a mut App) -> Option<&'a mut TextField> {
        self.finder.typing.then_some(&mut self.finder.field)
    }

    fn on_move(&mut self, _: &mut App, lines: isize) -> Transition {
        self.move_by(lines);
        Transition::stay()
    }

    fn on_click(&mut self, _: &mut App, line: usize) -> Click {
        match Click::on(&mut self.cursor, line, self.shown.len()) {
            // A click does not fold, as Enter would.
            Click::Taken => Click::Moved,
            click => click,
        }
    }

    fn layer(&self) -> Layer {
        Layer::Page
    }
}
