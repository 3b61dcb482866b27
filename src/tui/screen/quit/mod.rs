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
    widgets::frame::popup,
};

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
        let inner = popup(app, frame, area, (70, 6), title, theme.danger.0).inner;
        let count = plural(app.jobs.running().count(), "job");
        let key = |action| format!("{} ", app.key(Context::Quit, action));
        let lines = vec![
            Line::styled(format!("{job} is not done ({count} under way)"), theme.text.0),
            Line::styled(
                "leaving now stops it where it is; the next start offers to continue or to undo",
                theme.warning.0,
            ),
            Line::raw(""),
            Line::from(vec![
                Span::styled(key(Action::Confirm), theme.key.0),
                Span::raw("leave now    "),
                Span::styled(key(Action::Back), theme.key.0),
                Span::raw("stay"),
            ]),
        ];
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
