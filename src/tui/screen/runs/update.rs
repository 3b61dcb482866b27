//! A run is looked at, continued, undone or left.

use super::{RunRow, RunsEvent, RunsScreen};
use crate::model::{Level, plural};
use crate::restore::Journal;
use crate::tui::{
    app::App,
    event::{Effect, RunsEffect, WhichRuns},
    keymap::{Action, Context},
    navigate,
    screen::Transition,
};

/// Answers a key for the run under the cursor; every key is passed on where the list is empty.
pub fn on_action(app: &mut App, screen: &mut RunsScreen, action: Action) -> Transition {
    let Some(row) = screen.rows.get(screen.cursor).cloned() else { return Transition::pass() };
    match action {
        Action::Confirm => {
            let environment = app.environment(&row.journal.plan.environment);
            let job = app.jobs.recall(environment, row.journal);
            navigate::job(job).instead()
        }
        Action::GoOn => match journal_to_end(app, row) {
            Some(journal) if journal.is_open() => navigate::resume(journal).instead(),
            _ => Transition::stay(),
        },
        Action::Undo => match journal_to_end(app, row) {
            Some(journal) => navigate::undo(app, journal).instead(),
            None => Transition::stay(),
        },
        Action::LeaveRun => match journal_to_end(app, row) {
            Some(journal) if journal.is_open() => {
                Transition::close().with([Effect::Runs(RunsEffect::Leave(Box::new(journal)))])
            }
            _ => Transition::stay(),
        },
        Action::Back if screen.which == WhichRuns::Waiting => {
            let key = app.key(Context::Explorer, Action::Runs);
            app.say(Level::Warning, format!("nothing was changed; {key} shows what waits"));
            Transition::close()
        }
        _ => Transition::pass(),
    }
}

/// The journal of a run that may be continued, undone or left; says why where it may not.
fn journal_to_end(app: &mut App, RunRow { journal, process }: RunRow) -> Option<Journal> {
    let why = if app.environment(&journal.plan.environment).is_none() {
        format!("{} is not an environment of this config", journal.plan.environment)
    } else if process.is_alive() {
        journal.by.still_runs(&journal.run)
    } else {
        return Some(journal);
    };
    app.say(Level::Warning, why);
    None
}

/// Takes in the runs of the store. At the start it shows those that wait, and nothing where none
/// does.
pub fn on_runs(app: &mut App, event: RunsEvent) -> Transition {
    match event {
        RunsEvent::Found { which, result, drills } => {
            app.store.drills = drills;
            match result {
                Ok(rows) => return found(app, which, rows),
                Err(why) => app.say(Level::Warning, why),
            }
        }
        RunsEvent::Left(Ok(run)) => {
            app.say(Level::Fact, format!("{run} is left as it is; nothing was changed"));
        }
        RunsEvent::Left(Err(why)) => app.say(Level::Blocker, why),
    }
    Transition::stay()
}

fn found(app: &mut App, which: WhichRuns, mut rows: Vec<RunRow>) -> Transition {
    match which {
        WhichRuns::All if rows.is_empty() => {
            app.say(Level::Fact, "no run is recorded in this store yet");
            Transition::stay()
        }
        WhichRuns::All => navigate::runs(rows, which),
        WhichRuns::Waiting => {
            rows.retain(|r| app.environment(&r.journal.plan.environment).is_some());
            if rows.is_empty() {
                return Transition::stay();
            }
            let count = plural(rows.len(), "run");
            let text = format!("{count} cut off or held: continue, undo, or leave");
            app.say(Level::Warning, text);
            // A person who works already is not interrupted; the toast says it.
            match app.screens.len() {
                1 => navigate::runs(rows, which),
                _ => Transition::stay(),
            }
        }
    }
}
