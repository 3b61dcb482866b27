//! What lies over the matrix: menus, lists, the steps of a restore.

use super::{event::Planned, jobs::JobId, keymap::Context, page::Page, palette::Palette};
use crate::oic::ConnectionField;
use crate::restore::Journal;
use crate::store::StoredVersion;

/// The topmost thing that takes keys. `None` is the matrix itself.
#[derive(Debug, Default)]
pub enum Layer {
    #[default]
    None,
    /// Typing into `/`.
    Find,
    Help {
        context: Context,
        scroll: usize,
    },
    Palette(Palette),
    Jobs {
        cursor: usize,
    },
    Log {
        scroll: usize,
    },
    Versions(Versions),
    /// A plan is being made.
    Planning {
        title: String,
    },
    Plan(Box<PlanView>),
    Run {
        job: JobId,
        scroll: usize,
    },
    /// What was done, and what waits to be gone on with.
    Runs(RunsView),
    /// A run that was cut off is gone on with or undone.
    Reopen(Box<ReopenView>),
    /// What should be so after a run, as it is seen.
    Checklist {
        job: JobId,
    },
    /// Failed runs are sent again or given up: the plan.
    Recover(Box<RecoverView>),
    /// How the environments stand against the base.
    Drift {
        cursor: usize,
    },
    /// Values for a connection.
    Form(Box<FormView>),
    /// Something still changes an environment.
    QuitQuestion,
    /// An archive is fetched, or two are compared.
    Opening {
        title: String,
        id: u64,
        /// The column it is from or belongs to.
        column: usize,
    },
    Page(Box<Page>),
}

/// The stored versions of one integration, to choose from.
#[derive(Debug)]
pub struct Versions {
    pub code: String,
    /// The column to restore to.
    pub target: usize,
    pub rows: Vec<StoredVersion>,
    pub cursor: usize,
}

/// A plan that is shown, and what was typed to confirm it.
#[derive(Debug)]
pub struct PlanView {
    pub planned: Planned,
    pub typed: String,
    pub scroll: usize,
    /// Why Enter did nothing.
    pub refused: Option<String>,
}

/// Runs of the store, newest first.
#[derive(Debug, Default)]
pub struct RunsView {
    pub rows: Vec<Journal>,
    pub cursor: usize,
    /// Shown unasked at the start, because something waits.
    pub unasked: bool,
}

/// A run that was cut off, and how it shall end.
#[derive(Debug)]
pub struct ReopenView {
    pub journal: Journal,
    pub undo: bool,
    pub typed: String,
    pub refused: Option<String>,
}

/// What would be done with failed runs, and what was typed to confirm it.
#[derive(Debug)]
pub struct RecoverView {
    pub column: usize,
    /// None while it is looked which runs failed.
    pub plan: Option<crate::ops::recover::RecoveryPlan>,
    pub typed: String,
    pub refused: Option<String>,
}

/// A form over a plan: one line a property.
#[derive(Debug)]
pub struct FormView {
    pub plan: Box<PlanView>,
    pub code: String,
    pub fields: Vec<(ConnectionField, String)>,
    pub cursor: usize,
    /// Whether secrets go to the keyring, too.
    pub keep: bool,
    pub refused: Option<String>,
}

impl Layer {
    pub fn context(&self) -> Context {
        match self {
            Self::None => Context::Explorer,
            Self::Find => Context::Find,
            Self::Palette(_) => Context::Palette,
            Self::Versions(_) => Context::Versions,
            Self::Plan(_) | Self::Reopen(_) | Self::Recover(_) => Context::Plan,
            Self::Runs(_) => Context::Runs,
            Self::Checklist { .. } => Context::Checklist,
            Self::Form(_) => Context::Form,
            Self::Run { .. } => Context::Run,
            Self::Page(page) => page.context(),
            Self::Help { .. }
            | Self::Jobs { .. }
            | Self::Log { .. }
            | Self::Planning { .. }
            | Self::Opening { .. }
            | Self::Drift { .. }
            | Self::QuitQuestion => Context::List,
        }
    }
}
