//! What must hold after a run, ticked as it is seen.

mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Transition};
use crate::tui::{
    app::{App, ClickAreas},
    jobs::JobId,
    keymap::{Action, Context},
    navigate,
    widgets::list::TextScroll,
};

/// The checklist of a job; its end is in sight until a person scrolls.
#[derive(Debug)]
pub struct ChecklistScreen {
    pub job: JobId,
    scroll: TextScroll,
}

impl ChecklistScreen {
    /// Shows what must hold after the run of a job.
    pub fn of(job: JobId) -> Self {
        Self { job, scroll: TextScroll::default() }
    }
}

impl Screen for ChecklistScreen {
    fn context(&self) -> Context {
        Context::Checklist
    }

    fn offered(&self, app: &App) -> Vec<Offer> {
        let journal = app.jobs.restore(self.job).and_then(|(_, r)| r.journal.as_deref());
        let mut offers = vec![Offer::named(Action::Write, "write a note")];
        offers.extend(journal.filter(|j| j.changed()).map(|_| Offer::of(Action::Undo)));
        offers.extend([Action::Jobs, Action::Back, Action::Help].map(Offer::of));
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        match action {
            Action::Undo => navigate::undo_job(app, self.job),
            Action::Write => Transition::stay().with(app.jobs.write_note(self.job)),
            _ => Transition::pass(),
        }
    }

    fn on_move(&mut self, app: &mut App, lines: isize) -> Transition {
        self.scroll.scroll(lines, app.areas.list);
        Transition::stay()
    }
}
