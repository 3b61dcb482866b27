//! How a verb tells what it is doing, while it does it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::model::StepIndex;

/// One piece of news from a running verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Progress {
    /// So many things are to be done.
    Total { count: usize },
    /// One of them is done.
    Done { what: String, bytes: u64 },
    /// One of them failed; the others go on.
    Failed { what: String, why: String },
    /// A step of a plan.
    Step { index: StepIndex, state: StepState, note: String },
    /// Something a person should read.
    Note { text: String },
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Waiting,
    Running,
    Done,
    Failed,
    /// Not needed any more, because one before it failed.
    Skipped,
}

impl StepState {
    pub fn mark(self) -> char {
        match self {
            Self::Waiting => '·',
            Self::Running => '⟳',
            Self::Done => '✓',
            Self::Failed => '✗',
            Self::Skipped => '–',
        }
    }
}

/// Where news goes. Nobody listening is fine: the work does not depend on it.
#[derive(Debug, Clone)]
pub struct Events(Option<mpsc::UnboundedSender<Progress>>);

impl Events {
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Progress>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    pub fn silent() -> Self {
        Self(None)
    }

    pub fn send(&self, progress: Progress) {
        if let Some(sender) = &self.0 {
            let _ = sender.send(progress);
        }
    }
}

/// How a person stops a verb that changes something: at the next safe point, and then what was
/// there is put back, or all is held where it is.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    token: CancellationToken,
    hold: Arc<AtomicBool>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    Undo,
    Hold,
}

impl StopSignal {
    pub fn new(token: CancellationToken) -> Self {
        Self { token, hold: Arc::default() }
    }

    pub fn undo(&self) {
        self.hold.store(false, Ordering::SeqCst);
        self.token.cancel();
    }

    pub fn hold(&self) {
        self.hold.store(true, Ordering::SeqCst);
        self.token.cancel();
    }

    pub fn asked(&self) -> Option<StopMode> {
        let how = if self.hold.load(Ordering::SeqCst) { StopMode::Hold } else { StopMode::Undo };
        self.token.is_cancelled().then_some(how)
    }

    /// For what only reads, where both are the same.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}
