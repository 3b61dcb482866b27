//! A job as it runs: the steps of a restore and its end with both fingerprints, the notes of any
//! other.

mod view;

use ratatui::{Frame, layout::Rect};

use super::{Offer, Screen, Transition};
use crate::model::Level;
use crate::restore::{Ending, NextStep, RunProcess};
use crate::tui::{
    app::{App, ClickAreas},
    jobs::JobId,
    keymap::{Action, Context},
    navigate,
    widgets::list::TextScroll,
};

/// The job that is watched; what is shown follows the work until a person scrolls.
#[derive(Debug)]
pub struct JobScreen {
    pub job: JobId,
    pub scroll: TextScroll,
}

impl JobScreen {
    /// Shows a job; it follows the work until a person scrolls.
    pub fn of(job: JobId) -> Self {
        Self { job, scroll: TextScroll::default() }
    }
}

impl Screen for JobScreen {
    fn context(&self) -> Context {
        Context::Run
    }

    fn offered(&self, app: &App) -> Vec<Offer> {
        let Some(job) = app.jobs.get(self.job) else { return vec![] };
        let Some(restore) = &job.restore else {
            let mut offers = vec![Offer::of(Action::Back)];
            let running = job.finished.is_none();
            offers.extend(running.then(|| Offer::named(Action::Cancel, "cancel it")));
            offers.extend([Action::Jobs, Action::Help].map(Offer::of));
            return offers;
        };
        let undoable = restore.journal.as_ref().is_some_and(|j| j.changed());
        let mut offers = Vec::new();
        if job.finished.is_none() {
            offers.extend([
                Offer::named(Action::Back, "back, it keeps running"),
                Offer::named(Action::Cancel, "cancel and put back"),
                Offer::named(Action::Hold, "hold it here"),
            ]);
        } else {
            offers.push(Offer::of(Action::Back));
        }
        offers.extend(restore.checklist.as_ref().map(|_| Offer::of(Action::Checklist)));
        let ending = restore.journal.as_deref().map(|j| Ending::of(j, RunProcess::Gone));
        let open = ending.is_some_and(|e| e.next == Some(NextStep::ContinueOrUndo));
        offers.extend(open.then(|| Offer::named(Action::Runs, "continue or undo")));
        offers.extend(undoable.then(|| Offer::of(Action::Undo)));
        offers.extend(job.finished.map(|_| Offer::named(Action::Write, "write a note")));
        offers.extend([Offer::of(Action::Jobs), Offer::of(Action::Help)]);
        offers
    }

    fn draw(&self, app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
        view::draw(app, frame, area, self, areas);
    }

    fn on_action(&mut self, app: &mut App, action: Action) -> Transition {
        match action {
            Action::Back => {
                if let Some(job) = app.jobs.get(self.job).filter(|j| j.finished.is_none()) {
                    let what = if job.restore.is_some() { "the restore" } else { "it" };
                    let key = app.key(Context::Explorer, Action::Jobs);
                    app.say(Level::Fact, format!("{what} keeps running; {key} shows it"));
                }
                Transition::close()
            }
            Action::Cancel => {
                app.cancel_job(self.job);
                Transition::stay()
            }
            Action::Hold => {
                app.hold_job(self.job);
                Transition::stay()
            }
            Action::Checklist => navigate::checklist(app, self.job),
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
