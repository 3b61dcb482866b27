//! The screens, which take keys and draw: the matrix and everything that lies over it, a folder
//! each, behind one trait. This list is the only place that knows all of them.

pub mod checklist;
pub mod compare;
pub mod connection_form;
pub mod drift;
pub mod find;
pub mod help;
pub mod inspector;
pub mod job;
pub mod jobs;
pub mod log;
pub mod matrix;
pub mod palette;
pub mod plan;
pub mod projects;
pub mod quit;
pub mod recover;
pub mod reopen;
pub mod runs;
pub mod search;
pub mod timeline;
pub mod versions;
pub mod viewer;
pub mod waiting;

use ratatui::{Frame, layout::Rect};

use super::{
    app::{App, ClickAreas},
    event::{Effect, ScreenEvent},
    keymap::{Action, Context},
    widgets::text_field::TextField,
};
use crate::model::Level;

/// A screen: plain state that answers keys, clicks and events, and draws itself. Nothing here waits
/// for disk or network: what must be done outside is given back as effects.
///
/// While a screen answers it is not on the stack: the top of `app.screens` is what lies below it.
pub trait Screen: std::fmt::Debug {
    /// Which part of the keymap holds.
    fn context(&self) -> Context;

    /// The keys that help now, in order of use: what the footer shows.
    fn offered(&self, app: &App) -> Vec<Offer>;

    /// Draws it, and says where a click means something.
    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas);

    /// Answers a key. An action that is passed on ([`Next::Pass`]) is tried among those that work
    /// everywhere.
    fn on_action(&mut self, _app: &mut App, _action: Action) -> Transition {
        Transition::pass()
    }

    /// The field that letters go to.
    fn field<'a>(&'a mut self, _app: &'a mut App) -> Option<&'a mut TextField> {
        None
    }

    /// Answers a change of the text of [`Screen::field`].
    fn on_text(&mut self, _app: &mut App) -> Transition {
        Transition::stay()
    }

    /// Moves the cursor, or what is scrolled, by so many lines.
    fn on_move(&mut self, _app: &mut App, _lines: isize) -> Transition {
        Transition::stay()
    }

    /// Answers a click on a line of its list, by the line's place in the whole list.
    fn on_click(&mut self, _app: &mut App, _line: usize) -> Click {
        Click::Nothing
    }

    /// The id that its effects carry; None where it asks for none.
    fn id(&self) -> Option<ScreenId> {
        None
    }

    /// Takes in the answer to what it asked for.
    fn on_event(&mut self, _app: &mut App, _event: ScreenEvent) -> Transition {
        Transition::stay()
    }

    /// Whether it covers the rows, or lies over them as a box.
    fn layer(&self) -> Layer {
        Layer::Popup
    }

    /// Whether something on it moves by itself.
    fn moves(&self) -> bool {
        false
    }
}

/// Names a screen that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScreenId(pub u64);

/// How much of the terminal a screen takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The rows stay in sight.
    Matrix,
    /// All but the first and the last line.
    Page,
    /// A box in the middle.
    Popup,
}

/// A key of the footer: the action, and a word for it where the action's own says too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub action: Action,
    pub word: &'static str,
}

impl Offer {
    /// An offer with the action's own word.
    pub fn of(action: Action) -> Self {
        Self { action, word: action.label() }
    }

    /// An offer with a word that says more here than the action's own.
    pub fn named(action: Action, word: &'static str) -> Self {
        Self { action, word }
    }
}

/// What a click on a line did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Click {
    Nothing,
    /// The cursor is there now.
    Moved,
    /// The cursor was there already, or one click is enough: the line is taken.
    Taken,
}

impl Click {
    /// Puts a cursor on a line, in a list of `count` lines, and tells what the click did.
    pub fn on(cursor: &mut usize, line: usize, count: usize) -> Self {
        if line >= count {
            return Self::Nothing;
        }
        if std::mem::replace(cursor, line) == line { Self::Taken } else { Self::Moved }
    }
}

/// What an answer of a screen leads to. Those that open another screen are made in
/// `navigate`.
#[derive(Debug, Default)]
pub struct Transition {
    pub next: Next,
    pub effects: Vec<Effect>,
}

/// What becomes of the screen that answered.
#[derive(Debug, Default)]
pub enum Next {
    #[default]
    Stay,
    /// It stays, and the action is looked for elsewhere.
    Pass,
    Close,
    /// Another one in its place.
    Replace(Box<dyn Screen>),
    /// Another one over it.
    Open(Box<dyn Screen>),
    /// All but the matrix are closed.
    Home,
}

impl Transition {
    fn of(next: Next) -> Self {
        Self { next, effects: Vec::new() }
    }

    /// Keeps the screen where it is.
    pub fn stay() -> Self {
        Self::of(Next::Stay)
    }

    /// Keeps the screen and hands the action on to what works everywhere.
    pub fn pass() -> Self {
        Self::of(Next::Pass)
    }

    /// Takes the screen away; the matrix stays all the same.
    pub fn close() -> Self {
        Self::of(Next::Close)
    }

    /// Takes all screens away but the matrix.
    pub fn home() -> Self {
        Self::of(Next::Home)
    }

    /// The same transition, which also asks for these effects.
    #[must_use]
    pub fn with(mut self, effects: impl IntoIterator<Item = Effect>) -> Self {
        self.effects.extend(effects);
        self
    }

    /// The same transition, which opens its screen in the place of the one that answered rather
    /// than over it.
    #[must_use]
    pub fn instead(mut self) -> Self {
        if let Next::Open(screen) = self.next {
            self.next = Next::Replace(screen);
        }
        self
    }
}

/// How texts that are wider than the screen go sideways, in columns.
#[derive(Debug, Clone, Copy)]
pub struct Sideways {
    /// How far one key goes.
    pub by: usize,
    pub most: usize,
}

pub const SIDEWAYS: Sideways = Sideways { by: 16, most: 4_000 };

/// The index of a cursor after a move by so many lines, kept within a list of `count` lines.
pub fn moved(cursor: usize, lines: isize, count: usize) -> usize {
    cursor.saturating_add_signed(lines).min(count.saturating_sub(1))
}

/// Moves a cursor by so many lines and keeps it within a list of `count` lines.
pub fn move_cursor(cursor: &mut usize, lines: isize, count: usize) {
    *cursor = moved(*cursor, lines, count);
}

/// The footer of a plan whose findings have no remedy.
fn consent_offers() -> Vec<Offer> {
    vec![
        Offer::named(Action::Confirm, "start"),
        Offer::named(Action::Back, "leave everything as it is"),
    ]
}

/// Closes a plan that was not confirmed, and says that nothing came of it.
fn leave_unchanged(app: &mut App) -> Transition {
    app.say(Level::Fact, "nothing was changed");
    Transition::close()
}

/// The footer of a page while a person types what to look for.
fn finder_offers() -> Vec<Offer> {
    vec![Offer::named(Action::Confirm, "go"), Offer::of(Action::Erase), Offer::of(Action::Back)]
}
