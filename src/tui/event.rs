//! What comes in, and what is to be done outside.

use std::sync::Arc;

use bytes::Bytes;
use crossterm::event::MouseEvent;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{jobs::JobId, keymap::Key};
use crate::archive::Meaning;
use crate::model::IntegrationId;
use crate::ops::{
    backup::{Outcome, Scope},
    events::Progress,
    listing::Listing,
    restore::{Approved, Journal, Plan},
};
use crate::search::Candidate;
use crate::store::{Index, StoredVersion};

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    Key(Key),
    Paste(String),
    Mouse(MouseEvent),
    /// The terminal has another size, or is back from the shell.
    Redraw,
    /// A second went by, or a tenth while something moves.
    Tick,
    /// The system asks the program to end.
    Terminate,
    Loaded {
        column: usize,
        result: Result<Listing, Failure>,
    },
    StoreLoaded(Result<Arc<Index>, String>),
    /// An export told what a live integration means.
    Settled {
        column: usize,
        id: IntegrationId,
        result: Result<Meaning, String>,
    },
    Ranked {
        generation: u64,
        hits: Vec<(i64, usize)>,
    },
    Planned {
        title: String,
        result: Result<Box<Planned>, String>,
    },
    Progress {
        job: JobId,
        progress: Progress,
    },
    BackedUp {
        job: JobId,
        result: Result<Outcome, String>,
    },
    Restored {
        job: JobId,
        result: Result<Box<Journal>, String>,
    },
}

/// Why an environment did not answer: in a few words, and whole with what to do.
#[derive(Debug, Clone)]
pub struct Failure {
    pub reason: String,
    pub text: String,
}

/// A plan with the bytes it would restore.
#[derive(Debug, Clone)]
pub struct Planned {
    pub column: usize,
    pub plan: Plan,
    pub bytes: Bytes,
}

/// Something to be done outside of the drawing thread.
#[derive(Debug)]
pub enum Effect {
    Load(usize),
    LoadStore,
    Settle { column: usize, id: IntegrationId, updated: Timestamp },
    Rank { generation: u64, typed: String, rows: Arc<Vec<Candidate>> },
    Survey { column: usize, version: Box<StoredVersion> },
    Backup { job: JobId, column: usize, scope: Scope, cancel: CancellationToken },
    Restore { job: JobId, column: usize, approved: Box<Approved>, bytes: Bytes, cancel: CancellationToken },
    Suspend,
}
