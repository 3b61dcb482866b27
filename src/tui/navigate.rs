//! What opens what: the ways from an artifact, a reference or a choice to the screen that shows it.
//! Each function gives back the step to take, or says why there is nothing to show.

mod archive;
mod restore;

pub use archive::{
    compare, compare_cursor, compare_titled, compare_with_backup, compared, inspect,
    inspect_cursor, inspect_integration, opened, search_inside, timeline, timeline_of_cursor,
    viewer,
};
pub use restore::{
    checklist, connection_form, plan, plan_instead, plan_version, planned, promote, recover,
    restore, resume, runs, undo, undo_job, why_not_sent,
};

use super::{
    app::App,
    jobs::JobId,
    keymap::Context,
    screen::{
        Next, Screen, Step, drift::Drift, find::Find, help::HelpScreen, jobs::JobList,
        log::LogScreen, matrix::MatrixColumn, palette::Palette, projects::Projects,
        quit::QuitQuestion, running::Running,
    },
};
use crate::model::{Answer, EnvironmentIndex, Kind, Level, Scope};
use crate::store::Index;

impl Step {
    /// Puts another screen over the one that answered. Only what is below `navigate` can do that:
    /// no screen opens another by itself.
    fn open(screen: impl Screen + 'static) -> Self {
        Self { next: Next::Open(Box::new(screen)), effects: Vec::new() }
    }
}

/// Opens the field that narrows the rows.
pub fn find(_: &mut App) -> Step {
    Step::open(Find)
}

/// Opens the keys of the screen that is on top.
pub fn help(app: &mut App) -> Step {
    Step::open(HelpScreen::of(app.top().context()))
}

/// Leaves the program; asks first where something still changes an environment.
pub fn quit(app: &mut App) -> Step {
    if app.jobs.changing().is_some() && app.top().context() != Context::Quit {
        return Step::open(QuitQuestion);
    }
    app.quit = true;
    Step::stay()
}

/// Opens the list of jobs, the newest under the cursor.
pub fn jobs(app: &mut App) -> Step {
    Step::open(JobList { cursor: app.jobs.all.len().saturating_sub(1) })
}

/// Opens the log at its end.
pub fn log(_: &mut App) -> Step {
    Step::open(LogScreen::default())
}

/// Opens all commands.
pub fn palette(app: &mut App) -> Step {
    Step::open(Palette::of(app))
}

/// Opens a job as it runs.
pub fn job(job: JobId) -> Step {
    Step::open(Running::of(job))
}

/// Opens the list of projects, to which the rows can be narrowed.
pub fn projects(app: &mut App) -> Step {
    Step::open(Projects::of(app))
}

/// Opens the numbers of how the environments stand against the base.
pub fn drift(app: &mut App) -> Step {
    Step::open(Drift::at(app.target()))
}

/// Goes to the rows of a kind with a name, those of a project by its code too.
pub fn rows_of(app: &mut App, scope: &Scope, kind: Kind, name: &str) -> Step {
    app.table.set_kind(Some(kind));
    let text = match scope.project() {
        Some(project) => format!("{project}/{name}"),
        None => name.to_owned(),
    };
    Step::home().with(app.table.set_filter(&text))
}

/// Goes to the rows that differ from the base in the column of an environment; to all of them in
/// the base's own.
pub fn rows_that_differ(app: &mut App, environment: EnvironmentIndex) -> Step {
    app.table.column = MatrixColumn::Environment(environment);
    app.table.only_differences = environment != app.table.base;
    app.table.show();
    Step::close()
}

/// The index of the store; says why where there is none.
fn store_index(app: &mut App) -> Option<std::sync::Arc<Index>> {
    match app.store.ready() {
        Answer::Known(index) => Some(index),
        Answer::Unknown { unknown } => {
            app.say(Level::Warning, unknown);
            None
        }
    }
}
