//! The errors of a restore. Each message says what failed and why, and what to do where that is
//! known.

use std::path::PathBuf;

use crate::archive::ArchiveError;
use crate::config::SecretError;
use crate::model::{ArtifactKey, EnvironmentName, IntegrationId, RunId};
use crate::oic::OicError;
use crate::store::StoreError;
use crate::workspace::source::ReadError;

/// Why a step of a run, or the way back, failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error("{0} → {advice}", advice = .0.advice())]
    Service(#[from] OicError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Kept(#[from] KeptFileError),
    #[error("{artifact} was changed{by} since this plan was made; make a new one")]
    Changed {
        artifact: String,
        /// ` by j.doe`, or empty.
        by: String,
    },
    #[error("{0}")]
    Busy(String),
    #[error(
        "this version of oicx does not know the step {0}: update it and continue, or undo the run"
    )]
    UnknownStep(String),
    #[error("the file to send is not there")]
    NoPayload,
    #[error("the safety export cannot be read: {0}")]
    UnreadableExport(ReadError),
    #[error("the service exported {0}, which was not asked for")]
    OtherExport(ArtifactKey),
    #[error("connection {code} does not work: {details}; set other values and try again")]
    ConnectionTest { code: String, details: String },
    #[error(transparent)]
    ConnectionValues(#[from] ConnectionValuesError),
    #[error(transparent)]
    Smoke(#[from] SmokeError),
    #[error("{environment}: the activation of {id} failed: {why}")]
    ActivationFailed { environment: EnvironmentName, id: IntegrationId, why: String },
    /// The service began it and refuses to tell how it goes.
    #[error("{0} → {advice}", advice = .0.advice())]
    Unwatched(OicError),
    /// Something that the service began does not come to its end. What is there stays: whoever
    /// put it back now would meet a service that is still at work on it.
    #[error(
        "{environment}: the {what} of {subject} is still {state} after {seconds} s \
         (activation_timeout in the config); it is left as it is"
    )]
    Hangs {
        environment: EnvironmentName,
        what: String,
        subject: String,
        state: String,
        seconds: u64,
    },
    #[error("the schedule of {id} is {found} instead of {wanted}; look at it in the console")]
    Schedule { id: IntegrationId, found: String, wanted: String },
    #[error(
        "the service did not keep {} of the schedule of {id}; with other values it takes old data \
         again",
        .names.join(", ")
    )]
    Parameters { id: IntegrationId, names: Vec<String> },
    #[error("{environment}: {id} was to be deactivated and is {state}; look at it in the console")]
    StillActive { environment: EnvironmentName, id: IntegrationId, state: String },
    #[error(
        "somebody changed {artifact} while it was stopped: nothing was written over it, and what \
         they did is kept in {path}"
    )]
    ChangedMeanwhile { artifact: String, path: String },
    #[error("the proof could not be made: {0}")]
    NoProof(Box<StepError>),
    #[error("the proof does not hold: {}", .0.join(", "))]
    ProofFailed(Vec<String>),
    #[error("{0} is gone and no safety export was made")]
    NothingToPutBack(String),
    #[error("{0} was imported by somebody else and is left as it is")]
    Foreign(String),
    #[error("{artifact} is {state} now")]
    NotAsBefore { artifact: String, state: String },
    #[error("{0} is not active again")]
    NotActiveAgain(IntegrationId),
    #[error(
        "{artifact} was put back from {path}, and reads as {found} instead of {wanted}: compare \
         the two before anything else is done"
    )]
    PutBackOtherwise { artifact: String, found: String, wanted: String, path: String },
    #[error("fingerprint {found} instead of {wanted}")]
    OtherFingerprint { found: String, wanted: String },
}

impl StepError {
    /// Whether the service may have done something: it took the call, or nobody knows.
    pub fn may_have_changed(&self) -> bool {
        match self {
            Self::Service(e) => e.is_ambiguous(),
            Self::Unwatched(_)
            | Self::Hangs { .. }
            | Self::StillActive { .. }
            | Self::Parameters { .. }
            | Self::Schedule { .. } => true,
            _ => false,
        }
    }

    /// Whether nobody knows what the last call did: what is shown right after it may be old.
    pub fn leaves_open(&self) -> bool {
        match self {
            Self::Service(e) => e.is_ambiguous(),
            Self::Unwatched(_) => true,
            Self::NoProof(why) => why.leaves_open(),
            _ => false,
        }
    }

    /// Whether nothing was heard of the service: the next call would hear as little.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Service(e) | Self::Unwatched(e) => e.is_silence(),
            Self::NoProof(why) => why.is_silence(),
            _ => false,
        }
    }

    /// Whether the service is still at work on what was begun.
    pub fn hangs(&self) -> bool {
        match self {
            Self::Hangs { .. } => true,
            Self::NoProof(why) => why.hangs(),
            _ => false,
        }
    }
}

/// Why a file that a run kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptFileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path} in the store is not what was saved")]
    Changed { path: String },
    #[error("{path}: {why}")]
    Archive { path: String, why: ArchiveError },
}

/// Why a connection's values cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionValuesError {
    #[error(
        "there are no values for connection {code}: put them under \
         [environments.{environment}.connections.{code}]"
    )]
    Missing { environment: EnvironmentName, code: String },
    #[error("{property} of connection {code}: {why}")]
    Secret { code: String, property: String, why: SecretError },
    #[error("connection {code} has no property {property}; it has {known}")]
    NoSuchProperty { code: String, property: String, known: String },
    #[error("the files that were attached cannot be read: {0}")]
    Attached(#[from] KeptFileError),
    #[error("nothing is known of connection {0}: give its values in the config")]
    Unknown(String),
    #[error("{0} → {advice}", advice = .0.advice())]
    Service(#[from] OicError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the files of the plan could not be read: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Why a smoke call does not show that a flow works.
#[derive(Debug, thiserror::Error)]
pub enum SmokeError {
    #[error("the smoke call's body {path} cannot be read: {why}", path = .path.display())]
    Body { path: PathBuf, why: std::io::Error },
    #[error("{0} → {advice}", advice = .0.advice())]
    Service(#[from] OicError),
    #[error("{call} answered {found} instead of {wanted}{answer}")]
    Status { call: String, found: u16, wanted: u16, answer: String },
    #[error("the answer of {call} has no {path}{answer}")]
    NoField { call: String, path: String, answer: String },
    #[error("{path} in the answer of {call} is {found} instead of {wanted}")]
    Field { call: String, path: String, found: String, wanted: String },
}

/// Why a run cannot be taken up or undone.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the store has no run {0}\n  → `oicx runs` lists them")]
    Unknown(String),
    #[error("{count} runs begin with {run}: give more of it\n  → `oicx runs` lists them")]
    Ambiguous { run: String, count: usize },
    #[error("{0} changed nothing: there is nothing to undo")]
    NothingToUndo(RunId),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Kept(#[from] KeptFileError),
}
