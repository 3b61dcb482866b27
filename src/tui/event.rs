//! What comes in, and what is to be done outside.

use std::{collections::BTreeMap, sync::Arc};

use crossterm::event::MouseEvent;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{jobs::JobId, keymap::Key};
use crate::archive::{Fingerprints, Secret, UnpackedArchive};
use crate::diff::TextDiff;
use crate::model::{ArtifactKey, EnvironmentName, Fingerprint, IntegrationId, Reference};
use crate::oic::{AuditRecord, Recovery};
use crate::ops::triage::Triage;
use crate::ops::{
    backup::{BackupOutcome, BackupSelection},
    compare::Compared,
    deps::DependencyGraph,
    grep::{GrepReport, Pattern},
    recover::{ApprovedRecovery, RecoveryPlan, RecoveryReport},
};
use crate::restore::{
    ApprovedPlan, Checklist, ConnectionValues, Journal, Payloads, PlanOptions, PreparedPlan,
    ReopenedRun,
};
use crate::search::Candidate;
use crate::store::{Index, StoredVersion};
use crate::workspace::{
    collection,
    events::{Progress, StopSignal},
    listing::Listing,
};

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
        result: Result<Listing, LoadFailure>,
    },
    StoreLoaded(Result<Arc<Index>, String>),
    /// An export told what a live integration means.
    Settled {
        column: usize,
        id: IntegrationId,
        result: Result<Fingerprints, String>,
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
        result: Result<BackupOutcome, String>,
    },
    Restored {
        job: JobId,
        result: Result<Box<Journal>, String>,
    },
    /// The runs of the store; at the start only those that wait for somebody.
    Runs {
        open_only: bool,
        result: Result<Vec<Journal>, String>,
        /// When each environment was last rehearsed with success.
        drills: Vec<(EnvironmentName, Timestamp)>,
    },
    /// A run was left as it is.
    LeftRun(Result<String, String>),
    /// What was seen of what should be so after a run.
    Seen {
        job: JobId,
        list: Box<Checklist>,
    },
    /// What can be set on a connection.
    Fields {
        code: String,
        result: Result<Vec<crate::oic::ConnectionField>, String>,
    },
    /// The last day of one integration, for the page that asked.
    Triaged {
        id: u64,
        result: Result<Arc<Triage>, String>,
    },
    /// What would be done with failed runs.
    RecoveryPlanned(Result<Box<RecoveryPlan>, String>),
    Recovered {
        job: JobId,
        report: Box<RecoveryReport>,
    },
    /// A secret was put in the keyring.
    Stored(Result<String, String>),
    /// An archive was fetched and unpacked.
    Opened {
        id: u64,
        result: Result<(String, Arc<UnpackedArchive>), String>,
    },
    /// Every file of it was read.
    Examined {
        id: u64,
        fingerprints: Fingerprints,
        secrets: Vec<Secret>,
    },
    Graphed {
        id: u64,
        result: Result<Arc<DependencyGraph>, String>,
    },
    Compared {
        id: u64,
        result: Result<Arc<Compared>, String>,
    },
    /// A file as lines.
    Lines {
        id: u64,
        path: String,
        lines: Arc<Vec<String>>,
    },
    /// A pair of files side by side.
    Text {
        id: u64,
        place: usize,
        text: Arc<TextDiff>,
    },
    /// What changed between two neighbours of a timeline; no place is what is live.
    Step {
        id: u64,
        place: Option<usize>,
        result: Result<String, String>,
    },
    Audited {
        id: u64,
        result: Result<Vec<AuditRecord>, String>,
    },
    Found {
        id: u64,
        result: Result<GrepReport, String>,
    },
    /// What differs between what is live and its newest backup.
    Difference {
        of: BackupDifference,
        result: Result<String, String>,
    },
    Wrote(Result<String, String>),
}

/// A live integration and its newest backup, by what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackupDifference {
    pub column: usize,
    pub code: String,
    pub live: Fingerprint,
    pub stored: Fingerprint,
}

/// Why an environment did not answer: in a few words, and whole with what to do.
#[derive(Debug, Clone)]
pub struct LoadFailure {
    pub reason: String,
    pub text: String,
}

/// What a plan is asked for.
#[derive(Debug, Clone)]
pub enum PlanQuestion {
    /// Stored versions that stand or fall together.
    Versions(Vec<StoredVersion>),
    /// What was there before a run.
    Undo(String),
    /// What is live in one column goes to another.
    Promote(Vec<Reference>),
}

/// A plan with what it was made from, so that it can be made anew with a remedy.
#[derive(Debug)]
pub struct Planned {
    pub column: usize,
    pub title: String,
    pub prepared: PreparedPlan,
    pub ask: PlanQuestion,
    pub plan_options: PlanOptions,
}

/// Something to be done outside of the drawing thread.
#[derive(Debug)]
pub enum Effect {
    Load(usize),
    LoadStore,
    Settle {
        column: usize,
        id: IntegrationId,
        updated: Timestamp,
    },
    Rank {
        generation: u64,
        typed: String,
        rows: Arc<Vec<Candidate>>,
    },
    Survey {
        column: usize,
        title: String,
        ask: PlanQuestion,
        plan_options: PlanOptions,
    },
    Backup {
        job: JobId,
        column: usize,
        scope: BackupSelection,
        cancel: CancellationToken,
    },
    Restore {
        job: JobId,
        column: usize,
        approved: Box<ApprovedPlan>,
        payloads: Payloads,
        connection_values: ConnectionValues,
        /// What both sides are kept of first.
        keep: Vec<Reference>,
        stop: StopSignal,
    },
    /// Goes on with a run that was cut off or held, or undoes it.
    Resume {
        job: JobId,
        column: usize,
        reopened: Box<ReopenedRun>,
        undo: bool,
        stop: StopSignal,
    },
    FindRuns {
        open_only: bool,
    },
    LeaveRun(Box<Journal>),
    /// Looks, after a while, at what should be so after a run.
    Watch {
        job: JobId,
        column: usize,
        list: Box<Checklist>,
    },
    Triage {
        id: u64,
        column: usize,
        integration: IntegrationId,
    },
    PlanRecovery {
        column: usize,
        integration: IntegrationId,
        recovery: Recovery,
        /// None: all of the last day.
        only: Option<Vec<String>>,
    },
    Recover {
        job: JobId,
        column: usize,
        approved: Box<ApprovedRecovery>,
    },
    /// Puts secrets of a connection where the config can name them.
    KeepSecrets {
        environment: EnvironmentName,
        code: String,
        secrets: BTreeMap<String, SecretString>,
    },
    /// Asks what can be set on a connection; of one that is not there yet, also of what a plan
    /// sends.
    Fields {
        column: usize,
        code: String,
        payloads: Payloads,
    },
    Suspend,
    Open {
        id: u64,
        reference: Reference,
    },
    Examine {
        id: u64,
        unpacked: Arc<UnpackedArchive>,
    },
    Graph {
        id: u64,
        scope: collection::CollectionSource,
    },
    /// Who did what with one artifact, since a time.
    Audit {
        id: u64,
        column: usize,
        key: ArtifactKey,
        since: Option<Timestamp>,
    },
    Compare {
        id: u64,
        before: Reference,
        after: Reference,
    },
    Lines {
        id: u64,
        unpacked: Arc<UnpackedArchive>,
        path: String,
    },
    Text {
        id: u64,
        compared: Arc<Compared>,
        place: usize,
    },
    /// Compares each version of a timeline with the one before it, the newest first, and what is
    /// live with the newest.
    Steps {
        id: u64,
        live: Option<Reference>,
        pairs: Vec<(usize, Reference, Reference)>,
        newest: Option<Reference>,
    },
    Differ {
        of: BackupDifference,
        before: Reference,
        after: Reference,
    },
    Find {
        id: u64,
        scope: collection::CollectionSource,
        pattern: Pattern,
    },
    /// To the terminal's clipboard.
    Copy(String),
    /// A file of that name in the current folder, beside what is there.
    Write {
        name: String,
        bytes: Vec<u8>,
    },
    /// Shows a text in the person's own pager.
    Page {
        name: String,
        text: String,
    },
}
