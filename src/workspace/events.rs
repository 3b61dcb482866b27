//! How a verb tells what it is doing, while it does it.

use std::time::Duration;

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

/// How a person stops a verb that changes something: it stops at the next safe point and puts back
/// what was there, or it is held at once where it is.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    token: CancellationToken,
    hold: CancellationToken,
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
        Self { token, hold: CancellationToken::new() }
    }

    /// Asks the run to stop and to undo what it did. One that is held stays so.
    pub fn undo(&self) {
        self.token.cancel();
    }

    /// Asks the run to stop and to leave what it did.
    pub fn hold(&self) {
        self.hold.cancel();
        self.token.cancel();
    }

    /// How the run was asked to stop; none while it may continue.
    pub fn asked(&self) -> Option<StopMode> {
        // Whoever hears the hold may ask before the other token is cancelled.
        if self.hold.is_cancelled() {
            return Some(StopMode::Hold);
        }
        self.token.is_cancelled().then_some(StopMode::Undo)
    }

    /// Waits until the run is asked to stop, in either way.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// Does work that may be given up at any point; none where a person stopped it before its end.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.stopped() => None,
        }
    }

    /// Does work that is given up only where the run is to be held, and then not before `patience`
    /// is over: what is nearly done shall be done. None where it was given up.
    pub async fn unless_held<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let held = async {
            self.hold.cancelled().await;
            tokio::time::sleep(patience).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = held => None,
        }
    }

    /// The token alone, for work that only reads: both modes are the same for it.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_a_hold_from_the_moment_it_can_be_heard() {
        let stop = StopSignal::default();
        assert_eq!(stop.asked(), None);
        // As another thread may see it in the middle of `hold`.
        stop.hold.cancel();
        assert_eq!(stop.asked(), Some(StopMode::Hold));
        stop.hold();
        assert_eq!(stop.asked(), Some(StopMode::Hold));
        let stop = StopSignal::default();
        stop.undo();
        assert_eq!(stop.asked(), Some(StopMode::Undo));
    }
}
