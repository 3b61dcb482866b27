//! Asks before the program is left while something changes an environment.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{Offer, Screen, Step};
use crate::model::plural;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{frame::popup, text::wrap},
};

/// The width of the box, and of the text in it: it fits the smallest terminal.
const WIDTH: u16 = 48;
const INNER: usize = 44;

/// The question.
#[derive(Debug)]
pub struct QuitQuestion;

impl Screen for QuitQuestion {
    fn context(&self) -> Context {
        Context::Quit
    }

    fn offered(&self, _: &App) -> Vec<Offer> {
        vec![Offer::named(Action::Confirm, "leave now"), Offer::named(Action::Back, "stay")]
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, _: &mut ClickAreas) {
        let theme = &app.theme;
        let job = app.jobs.changing().map(|j| j.title.clone()).unwrap_or_default();
        let title = "Something changes an environment";
        let count = plural(app.jobs.running().count(), "job");
        let key = |action| format!("{} ", app.key(Context::Quit, action));
        let state = format!("{job} is not done ({count} under way)");
        let what = "leaving now stops it where it is; the next start offers to continue or to undo";
        let broken = |text: &str, style| -> Vec<Line<'_>> {
            wrap(text, INNER).into_iter().map(|l| Line::styled(l, style)).collect()
        };
        let mut lines = broken(&state, theme.text.0);
        lines.extend(broken(what, theme.warning.0));
        lines.extend([
            Line::raw(""),
            Line::from(vec![
                Span::styled(key(Action::Confirm), theme.key.0),
                Span::raw("leave now    "),
                Span::styled(key(Action::Back), theme.key.0),
                Span::raw("stay"),
            ]),
        ]);
        let size = (WIDTH, lines.len() as u16 + 2);
        let inner = popup(app, frame, area, size, title, theme.danger.0).inner;
        frame.render_widget(Paragraph::new(lines), inner);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Step {
        if action != Action::Confirm {
            return Step::pass();
        }
        app.quit = true;
        Step::stay()
    }
}
