//! What a restore did, step by step: written before each step, so that nothing is ever done unrecorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::model::Fingerprint;
use crate::ops::events::StepState;
use crate::store::{Store, StoreError};

/// How a restore ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The wanted version is there, proven.
    Restored,
    /// A step failed; what was there before is there again, proven.
    PutBack,
    /// Nothing was changed.
    Untouched,
    /// A step failed and putting back could not be proven: a person must look.
    Unfinished,
}

/// Both fingerprints of the flow: what was wanted and what an export gave afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub wanted: Fingerprint,
    pub found: Option<Fingerprint>,
    /// What else was looked at, in words.
    pub facts: Vec<String>,
}

impl Proof {
    pub fn holds(&self) -> bool {
        self.found == Some(self.wanted)
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Timestamp,
    pub step: String,
    pub state: StepState,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The record of a run, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    pub run: String,
    pub verb: String,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    pub plan: Plan,
    /// Where the safety export lies.
    pub safety: Option<String>,
    pub lines: Vec<Line>,
    /// None while it runs: a journal without one tells of a run that was cut off.
    pub result: Option<Outcome>,
    pub proof: Option<Proof>,
    /// Why it was not restored.
    pub error: Option<String>,
}

impl Journal {
    pub fn begin(run: String, plan: &Plan) -> Self {
        Self {
            run,
            verb: "restore".into(),
            started: Timestamp::now(),
            finished: None,
            plan: plan.clone(),
            safety: None,
            lines: vec![],
            result: None,
            proof: None,
            error: None,
        }
    }

    pub fn line(&mut self, step: impl Into<String>, state: StepState, note: impl Into<String>) {
        self.lines.push(Line { at: Timestamp::now(), step: step.into(), state, note: note.into() });
    }

    /// # Errors
    /// Where the store cannot be written: then nothing may be changed.
    pub async fn save(&self, store: &Store) -> Result<(), StoreError> {
        store.write_journal(&self.run, self).await.map(drop)
    }
}
