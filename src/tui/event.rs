//! Events that come in and effects that are done outside, both nested by their subject.

use std::{collections::BTreeMap, sync::Arc};

use crossterm::event::MouseEvent;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{
    failure::Failure,
    jobs::{JobEvent, JobId},
    keymap::Key,
    screen::{
        ScreenId,
        compare::CompareEvent,
        connection_form::FormEvent,
        inspector::InspectorEvent,
        matrix::{BackupDifference, MatrixEvent},
        recover::RecoverEvent,
        runs::RunsEvent,
        search::SearchEvent,
        timeline::TimelineEvent,
        waiting::WaitingEvent,
    },
};
use crate::archive::UnpackedArchive;
use crate::model::{
    ArtifactKey, ConnectionName, EnvironmentIndex, EnvironmentName, IntegrationId, Reference,
    RunId, Scope,
};
use crate::oic::{Recovery, Silence};
use crate::ops::{
    backup::BackupSelection, compare::Compared, grep::Pattern, recover::ApprovedRecovery,
    run_plan::Resumption, triage::Triage,
};
use crate::restore::{
    ApprovedPlan, Checklist, ConnectionValues, Journal, Payloads, PlanOptions, PreparedPlan,
    ReopenedRun,
};
use crate::search::Candidate;
use crate::store::StoredVersion;
use crate::workspace::{collection::CollectionSource, events::StopSignal};

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
    /// Environments that have not answered a call for a while; none where all answer.
    Silences(Vec<Silence>),
    /// Something about environments, the store and the rows.
    Matrix(MatrixEvent),
    Job {
        job: JobId,
        event: JobEvent,
    },
    Runs(RunsEvent),
    /// The answer to what a screen asked; dropped where the screen was left meanwhile.
    Screen {
        id: ScreenId,
        event: ScreenEvent,
    },
    /// Something was done outside: a line says what, or why not.
    Done(Result<String, Failure>),
}

/// The answer to what a screen asked.
#[derive(Debug)]
pub enum ScreenEvent {
    Compare(CompareEvent),
    Form(FormEvent),
    Inspector(InspectorEvent),
    Recover(RecoverEvent),
    Search(SearchEvent),
    Timeline(TimelineEvent),
    Waiting(WaitingEvent),
}

/// What a plan is asked for.
#[derive(Debug, Clone)]
pub enum PlanQuestion {
    /// Stored versions that stand or fall together.
    Versions(Vec<StoredVersion>),
    /// Puts back what was there before a run.
    Undo(RunId),
    /// Brings what is live in one environment to another.
    Promote(Vec<Reference>),
    /// Brings what is live in an environment into another scope of it.
    Move(Vec<Reference>, Scope),
}

/// A plan with what it was made from, so that it can be made anew with a remedy.
#[derive(Debug)]
pub struct Planned {
    pub environment: EnvironmentIndex,
    pub title: String,
    pub prepared: PreparedPlan,
    pub question: PlanQuestion,
    pub options: PlanOptions,
}

/// Something to be done outside of the drawing thread.
#[derive(Debug)]
pub enum Effect {
    Matrix(MatrixEffect),
    Archive {
        id: ScreenId,
        effect: ArchiveEffect,
    },
    Restore(RestoreEffect),
    Runs(RunsEffect),
    Recovery(RecoveryEffect),
    Backup {
        job: JobId,
        environment: EnvironmentIndex,
        selection: BackupSelection,
        cancel: CancellationToken,
    },
    /// Writes a new file of that name to the current folder; no file that is there is overwritten.
    Write {
        name: String,
        bytes: Vec<u8>,
    },
    Terminal(TerminalEffect),
}

/// Lists and fingerprints for the rows.
#[derive(Debug)]
pub enum MatrixEffect {
    Load(EnvironmentIndex),
    LoadStore,
    /// Exports live integrations of one scope to know their fingerprints.
    Fingerprint {
        environment: EnvironmentIndex,
        wanted: Vec<(IntegrationId, Timestamp)>,
    },
    Rank {
        generation: u64,
        typed: String,
        rows: Arc<Vec<Candidate>>,
    },
    /// What differs between a live integration and its newest backup.
    Differ {
        of: BackupDifference,
        pair: Box<(Reference, Reference)>,
    },
}

/// Archives fetched, read, compared and searched for a screen.
#[derive(Debug)]
pub enum ArchiveEffect {
    Open(Reference),
    Examine(Arc<UnpackedArchive>),
    /// What a project is beside its archive.
    Project(Reference),
    Graph(CollectionSource),
    Compare {
        before: Reference,
        after: Reference,
    },
    Lines {
        unpacked: Arc<UnpackedArchive>,
        path: String,
    },
    /// A pair of files side by side, by its index in the comparison.
    Text {
        compared: Arc<Compared>,
        index: usize,
    },
    /// Compares what is live with the newest version of a timeline, then each version with the one
    /// before it, the newest first.
    Changes {
        live: Option<Reference>,
        pairs: Vec<(usize, Reference, Reference)>,
        newest: Option<Reference>,
    },
    /// Who did what with one artifact, since a time.
    Audit {
        environment: EnvironmentIndex,
        key: ArtifactKey,
        since: Option<Timestamp>,
    },
    Find {
        source: CollectionSource,
        pattern: Pattern,
    },
}

/// Plans made, and carried out.
#[derive(Debug)]
pub enum RestoreEffect {
    Plan {
        id: ScreenId,
        environment: EnvironmentIndex,
        title: String,
        question: PlanQuestion,
        options: PlanOptions,
    },
    /// Asks what can be set on a connection; the files that a plan sends tell of one that is not
    /// there yet.
    Fields { id: ScreenId, environment: EnvironmentIndex, name: ConnectionName, payloads: Payloads },
    /// Puts secrets of a connection where the config can name them.
    KeepSecrets {
        environment: EnvironmentName,
        name: ConnectionName,
        secrets: BTreeMap<String, SecretString>,
    },
    Run {
        job: JobId,
        environment: EnvironmentIndex,
        approved: Box<ApprovedPlan>,
        payloads: Payloads,
        connection_values: ConnectionValues,
        stop: StopSignal,
    },
    /// Continues a run that was cut off or held, or undoes it.
    Resume {
        job: JobId,
        environment: EnvironmentIndex,
        reopened: Box<ReopenedRun>,
        how: Resumption,
        stop: StopSignal,
    },
}

/// Which runs of the store are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichRuns {
    All,
    /// Those that were cut off or held.
    Waiting,
}

/// When something is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    AtOnce,
    /// It was looked at just now.
    AfterPause,
}

/// Runs of the store, and what is watched after one.
#[derive(Debug)]
pub enum RunsEffect {
    Find(WhichRuns),
    Leave(Box<Journal>),
    /// Looks at the checklist of a run.
    Watch {
        job: JobId,
        environment: EnvironmentIndex,
        list: Box<Checklist>,
        look: Look,
    },
}

/// Failed instances of an integration.
#[derive(Debug)]
pub enum RecoveryEffect {
    /// Asks for its last day, for a screen.
    Triage {
        id: ScreenId,
        environment: EnvironmentIndex,
        integration: IntegrationId,
        answer: fn(Result<Arc<Triage>, Failure>) -> ScreenEvent,
    },
    Plan {
        id: ScreenId,
        environment: EnvironmentIndex,
        integration: IntegrationId,
        recovery: Recovery,
        /// None: all of the last day.
        only: Option<Vec<String>>,
    },
    Run {
        job: JobId,
        environment: EnvironmentIndex,
        approved: Box<ApprovedRecovery>,
    },
}

/// What only the terminal itself can do.
#[derive(Debug)]
pub enum TerminalEffect {
    Suspend,
    /// Puts a text on the terminal's clipboard.
    Copy(String),
    /// Shows a text in the person's own pager.
    Page {
        name: String,
        text: String,
    },
}

impl Effect {
    /// Asks for something about an archive in the name of a screen.
    pub fn archive(id: ScreenId, effect: ArchiveEffect) -> Self {
        Self::Archive { id, effect }
    }

    /// Puts a text on the terminal's clipboard.
    pub fn copy(text: String) -> Self {
        Self::Terminal(TerminalEffect::Copy(text))
    }
}
