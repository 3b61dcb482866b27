//! What runs and what ran since the start.

mod view;

use ratatui::{Frame, layout::Rect};

use super::{Click, Offer, Screen, Transition, move_cursor};
use crate::tui::{
    app::{App, ClickAreas},
    jobs::Job,
    keymap::{Action, Context},
    navigate,
};

/// The list of jobs, with the index of the one under the cursor.
#[derive(Debug)]
pub struct JobsScreen {
    pub cursor: usize,
}

impl Screen for JobsScreen {
    fn context(&self) -> Context {
        Context::List
    }

    fn offered(&self, app: &App) -> Vec<Offer> {
        let job = app.jobs.get(self.cursor);
        let mut offers = Vec::new();
        offers.extend(job.filter(|j| has_more(j)).map(|_| Offer::named(Action::Confirm, "open")));
        offers.extend([Offer::of(Action::Up), Offer::of(Action::Down)]);
        offers.extend(
            job.filter(|j| j.finished.is_none()).map(|_| Offer::named(Action::Cancel, "cancel it")),
        );
        offers.push(Offer::of(Action::Back));
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self.cursor, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        match action {
            Action::Confirm => match app.jobs.get(self.cursor) {
                Some(job) if has_more(job) => navigate::job(self.cursor).instead(),
                _ => Transition::stay(),
            },
            Action::Cancel => {
                app.cancel_job(self.cursor);
                Transition::stay()
            }
            // The list is on top already.
            Action::Jobs => Transition::stay(),
            _ => Transition::pass(),
        }
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        move_cursor(&mut self.cursor, lines, app.jobs.all.len());
        Transition::stay()
    }

    fn on_click(&mut self, app: &mut App, line: usize) -> Click {
        Click::on(&mut self.cursor, line, app.jobs.all.len())
    }
}

/// Whether there is more to see of a job than its line.
fn has_more(job: &Job) -> bool {
    job.restore.is_some() || !job.notes.is_empty()
}
