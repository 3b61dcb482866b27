//! What opens what: the ways from an artifact, a reference or a choice to the screen that shows it.
//! Each function gives back the transition, or says why there is nothing to show.

mod archive;
mod restore;

pub use archive::{
    compare, compare_cursor, compare_titled, compare_with_backup, compared, inspect,
    inspect_cursor, inspect_integration, opened, search_inside, timeline, timeline_of_cursor,
    viewer,
};
pub use restore::{
    checklist, choose_where_to_move, connection_form, moved, plan, plan_instead, plan_version,
    planned, promote, recover, restore, resume, runs, undo, undo_job, why_not_sent,
};

use super::{
    app::App,
    jobs::JobId,
    keymap::Context,
    screen::{
        Next, Screen, Transition, drift::DriftScreen, find::FindScreen, help::HelpScreen,
        job::JobScreen, jobs::JobsScreen, log::LogScreen, matrix::MatrixColumn,
        palette::PaletteScreen, projects::ProjectsScreen, quit::QuitScreen,
    },
};
use crate::model::{Answer, EnvironmentIndex, Kind, Level, Scope};
use crate::store::Index;

impl Transition {
    /// Puts another screen over the one that answered. Only what is below `navigate` can do that:
    /// no screen opens another by itself.
    fn open(screen: impl Screen + 'static) -> Self {
        Self { next: Next::Open(Box::new(screen)), effects: Vec::new() }
    }
}

/// Opens the field that narrows the rows.
pub fn find(_: &mut App) -> Transition {
    Transition::open(FindScreen)
}

/// Opens the keys of the screen that is on top.
pub fn help(app: &mut App) -> Transition {
    Transition::open(HelpScreen::of(app.top().context()))
}

/// Leaves the program; asks first where something still changes an environment.
pub fn quit(app: &mut App) -> Transition {
    if app.jobs.changing().is_some() && app.top().context() != Context::Quit {
        return Transition::open(QuitScreen);
    }
    app.quit = true;
    Transition::stay()
}

/// Opens the list of jobs, the newest under the cursor.
pub fn jobs(app: &mut App) -> Transition {
    Transition::open(JobsScreen { cursor: app.jobs.all.len().saturating_sub(1) })
}

/// Opens the log at its end.
pub fn log(_: &mut App) -> Transition {
    Transition::open(LogScreen::default())
}

/// Opens all commands.
pub fn palette(app: &mut App) -> Transition {
    Transition::open(PaletteScreen::of(app))
}

/// Opens a job as it runs.
pub fn job(job: JobId) -> Transition {
    Transition::open(JobScreen::of(job))
}

/// Opens the list of projects, to which the rows can be narrowed.
pub fn projects(app: &mut App) -> Transition {
    Transition::open(ProjectsScreen::of(app))
}

/// Opens the numbers of how the environments stand against the base.
pub fn drift(app: &mut App) -> Transition {
    Transition::open(DriftScreen::at(app.target()))
}

/// Goes to the rows of a kind with a name, those of a project by its code too.
pub fn rows_of(app: &mut App, scope: &Scope, kind: Kind, name: &str) -> Transition {
    app.table.set_kind(Some(kind));
    let text = match scope.project() {
        Some(project) => format!("{project}/{name}"),
        None => name.to_owned(),
    };
    Transition::home().with(app.table.set_filter(&text))
}

/// Goes to the rows that differ from the base in the column of an environment; to all of them in
/// the base's own.
pub fn rows_that_differ(app: &mut App, environment: EnvironmentIndex) -> Transition {
    app.table.column = MatrixColumn::Environment(environment);
    app.table.only_differences = environment != app.table.base;
    app.table.show();
    Transition::close()
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
