//! The explorer: a loop of pure functions. `update(&mut App, Event) -> Vec<Effect>`, `view(&App,
//! &mut Frame)`; effects run on tokio and come back as events. Nothing here waits for disk or
//! network while drawing.

mod app;
mod effect;
mod event;
mod explorer;
mod failure;
mod jobs;
mod keymap;
mod navigate;
mod saved_state;
mod screen;
mod terminal;
mod theme;
mod update;
mod view;
mod widgets;

use futures::future::{BoxFuture, Shared};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

pub use event::Event;
pub use explorer::Explorer;
pub use keymap::{Action, Context, Key, Keymap};
pub use screen::matrix::MatrixTable;

use crate::workspace::Workspace;

/// What the explorer starts with.
#[derive(Debug)]
pub struct Setup {
    pub workspace: Workspace,
    pub keymap: Keymap,
    pub look: Appearance,
    /// The log's last lines.
    pub log: Arc<Mutex<Vec<String>>>,
    /// The file where the log is written; none: nowhere.
    pub log_file: Option<PathBuf>,
    /// Where selection, filter and sort are remembered; none: nowhere.
    pub state: Option<PathBuf>,
    pub demo: bool,
    /// Ends when the store has been filled, where something fills it while the explorer runs.
    pub filling: Option<StoreFilling>,
}

/// Something that fills the store, and why it failed.
pub type StoreFilling = Shared<BoxFuture<'static, Result<(), String>>>;

impl Setup {
    /// An explorer that remembers nothing and writes no log.
    pub fn new(workspace: Workspace, keymap: Keymap) -> Self {
        Self {
            workspace,
            keymap,
            look: Appearance::default(),
            log: Arc::default(),
            log_file: None,
            state: None,
            demo: false,
            filling: None,
        }
    }
}

/// How it looks.
#[derive(Debug, Clone, Default)]
pub struct Appearance {
    pub theme: Option<String>,
    /// No glyphs beyond ASCII.
    pub ascii: bool,
}

/// Runs the explorer on this terminal until the person leaves.
///
/// # Errors
/// Where the terminal cannot be set up or drawn on. It is restored in any case.
pub async fn run(setup: Setup) -> std::io::Result<()> {
    terminal::run(setup).await
}
