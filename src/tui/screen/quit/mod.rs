//! Asks before the program is left while something changes an environment.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{Offer, Screen, Transition};
use crate::model::plural;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{
        frame::popup,
        key_line::{KeyLine, draw_lines},
        text::wrap,
    },
};

/// The width of the box, and of the text in it: it fits the smallest terminal.
const WIDTH: u16 = 48;
const INNER: usize = 44;

/// The question.
#[derive(Debug)]
pub struct QuitScreen;

impl Screen for QuitScreen {
    fn context(&self) -> Context {
        Context::Quit
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![Offer::named(Action::Confirm, "leave now"), Offer::named(Action::Back, "stay")]
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        let theme = &app.theme;
        let job = app.jobs.changing().map(|j| j.title.clone()).unwrap_or_default();
        let title = "Something changes an environment";
        let count = plural(app.jobs.running().count(), "job");
        let state = format!("{job} is not done ({count} under way)");
        let what = "leaving now stops it where it is; the next start offers to continue or to undo";
        let broken = |text: &str, style: Style| {
            wrap(text, INNER).into_iter().map(move |l| Line::styled(l, style))
        };
        let lines: Vec<_> =
            broken(&state, theme.text.0).chain(broken(what, theme.warning.0)).collect();
        let size = (WIDTH, lines.len() as u16 + 4);
        let inner = popup(app, frame, area, size, title, theme.danger.0).inner;
        // On a small screen the answers are in sight, whatever else is not.
        let answers_at = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let room = Rect { height: inner.height.saturating_sub(1), ..inner };
        draw_lines(lines, frame, room, areas);
        answers(app).draw(frame, answers_at, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        if action != Action::Confirm {
            return Transition::pass();
        }
        app.quit = true;
        Transition::stay()
    }
}

/// The two answers, each with its key.
fn answers<'a>(app: &App) -> KeyLine<'a> {
    let answer = |action, word: &'static str| {
        let key = format!("{} ", app.key(Context::Quit, action));
        [Span::styled(key, app.theme.key.0), Span::raw(word)]
    };
    KeyLine::default()
        .key(Action::Confirm, answer(Action::Confirm, "leave now"))
        .text("    ")
        .key(Action::Back, answer(Action::Back, "stay"))
}
