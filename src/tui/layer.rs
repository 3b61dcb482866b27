//! What lies over the matrix: menus, lists, the steps of a restore.

use super::{event::Planned, jobs::JobId, keymap::Context, page::Page, palette::Palette};
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

impl Layer {
    pub fn context(&self) -> Context {
        match self {
            Self::None => Context::Explorer,
            Self::Find => Context::Find,
            Self::Palette(_) => Context::Palette,
            Self::Versions(_) => Context::Versions,
            Self::Plan(_) => Context::Plan,
            Self::Run { .. } => Context::Run,
            Self::Page(page) => page.context(),
            Self::Help { .. }
            | Self::Jobs { .. }
            | Self::Log { .. }
            | Self::Planning { .. }
            | Self::Opening { .. }
            | Self::QuitQuestion => Context::List,
        }
    }
}
