//! How a verb tells what it is doing, while it does it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::model::StepIndex;

/// One report of a running verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Progress {
    /// How many parts the work has.
    Total { count: usize },
    /// One part is done.
    Done { what: String, bytes: u64 },
    /// One part failed; the others go on.
    Failed { what: String, why: String },
    /// A step of a plan.
    Step { index: StepIndex, state: StepState, note: String },
    /// What a running step waits for, and how long already.
    Waiting { index: StepIndex, text: String },
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
    /// One character that stands for the state in lists.
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

/// Where a verb reports its progress. Nobody needs to listen: the work does not depend on it.
#[derive(Debug, Clone)]
pub struct Events(Option<mpsc::UnboundedSender<Progress>>);

impl Events {
    /// A sender and the receiver of what it sends.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Progress>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    /// A sender that nobody listens to.
    pub fn silent() -> Self {
        Self(None)
    }

    /// Sends progress; where the receiver is gone it is dropped.
    pub fn send(&self, progress: Progress) {
        if let Some(sender) = &self.0 {
            let _ = sender.send(progress);
        }
    }
}

/// How a person stops a verb that changes something. It stops at the next safe point; then either
/// what was there is put back, or the run is held where it is.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    token: CancellationToken,
    hold: Arc<AtomicBool>,
}

/// What happens once the run has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    Undo,
    Hold,
}

impl StopSignal {
    /// A signal that is given when `token` is cancelled, and then means [`StopMode::Undo`].
    pub fn new(token: CancellationToken) -> Self {
        Self { token, hold: Arc::default() }
    }

    /// Asks the run to stop and to undo what it did.
    pub fn undo(&self) {
        self.hold.store(false, Ordering::SeqCst);
        self.token.cancel();
    }

    /// Asks the run to stop and to leave what it did.
    pub fn hold(&self) {
        self.hold.store(true, Ordering::SeqCst);
        self.token.cancel();
    }

    /// How the run was asked to stop; none while it may continue.
    pub fn asked(&self) -> Option<StopMode> {
        let how = if self.hold.load(Ordering::SeqCst) { StopMode::Hold } else { StopMode::Undo };
        self.token.is_cancelled().then_some(how)
    }

    /// The token alone, for work that only reads: both modes are the same for it.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}
