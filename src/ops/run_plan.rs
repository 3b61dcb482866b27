//! Running an approved plan, whatever its verb.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    backup::{self, BackupError, BackupSelection},
    drill::{self, DrillError, DrillReport},
};
use crate::model::{ArtifactKey, EnvironmentName, stamp};
use crate::restore::{
    self, ApprovedPlan, Journal, Payloads, ReopenedRun, RestorePlan, RunContext, Verb,
};
use crate::store::StoreError;
use crate::workspace::{
    OpenError, Workspace,
    events::{Events, Progress},
};

/// The label of the snapshots that are taken before a run.
pub(super) fn label_before(verb: Verb, to: &EnvironmentName) -> String {
    format!("before {} to {to}", verb.label())
}

/// Why a plan was not run.
#[derive(Debug, thiserror::Error)]
pub enum RunPlanError {
    #[error(transparent)]
    Environment(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("nothing was changed: {environment} cannot be kept first: {cause}")]
    Backup { environment: EnvironmentName, cause: BackupError },
    #[error("nothing was changed: {artifact} of {environment} cannot be kept first: {why}")]
    NotKept { artifact: ArtifactKey, environment: EnvironmentName, why: String },
}

/// Runs a plan of any verb. What it wants kept first is kept before its first step.
///
/// # Errors
/// Where something cannot be kept, or the journal cannot be written; nothing was changed then.
pub async fn run_plan(
    workspace: &Workspace,
    approved: ApprovedPlan,
    payloads: Payloads,
    context: RunContext<'_>,
) -> Result<Journal, RunPlanError> {
    let plan = approved.plan();
    if plan.changes_something() {
        for side in &plan.kept_first {
            if let Some(text) = keep_side(workspace, plan, side).await? {
                context.events.send(Progress::Note { text });
            }
        }
    }
    Ok(restore::run(approved, payloads, context).await?)
}

/// How a run that stopped in the middle is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumption {
    Continue,
    Undo,
}

impl Resumption {
    /// What is done with the run of a plan, in one line.
    pub fn title(self, plan: &RestorePlan) -> String {
        let how = match self {
            Self::Undo => "put back",
            Self::Continue => "continue",
        };
        format!("{how}: {}", plan.title())
    }
}

/// Continues or undoes a run that stopped in the middle. A rehearsal that comes to its end by that
/// is measured, and taken away again.
///
/// # Errors
/// Where the journal cannot be written, or what was rehearsed cannot be taken away.
pub async fn take_up(
    reopened: ReopenedRun,
    how: Resumption,
    context: RunContext<'_>,
) -> Result<(Journal, Option<DrillReport>), TakeUpError> {
    let journal = match how {
        Resumption::Undo => return Ok((restore::undo(reopened, context).await?, None)),
        Resumption::Continue => restore::continue_run(reopened, context).await?,
    };
    let rehearsed = journal.plan.verb == Verb::Drill && !journal.is_open();
    let report = match rehearsed {
        true => Some(Box::pin(drill::end(&journal, context)).await?),
        false => None,
    };
    Ok((journal, report))
}

/// Why a run that was taken up did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum TakeUpError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Drill(#[from] DrillError),
}

/// Keeps what a plan sends or replaces, as a labelled snapshot of one environment. Says what was
/// kept; nothing where the plan touches nothing there.
async fn keep_side(
    workspace: &Workspace,
    plan: &RestorePlan,
    side: &EnvironmentName,
) -> Result<Option<String>, RunPlanError> {
    let changing = || plan.items.iter().filter(|i| !i.as_wanted);
    let chosen: Vec<ArtifactKey> = if *side == plan.environment {
        // What the target has now is kept: the same version, or the one that is swapped out.
        let same = changing().filter(|i| i.before.status.is_some()).map(|i| i.key.clone());
        let swapped = changing().filter_map(|i| i.before.swapped.clone()).map(ArtifactKey::from);
        same.chain(swapped).collect()
    } else {
        changing().map(|i| i.key.clone()).collect()
    };
    if chosen.is_empty() {
        return Ok(None);
    }
    let now = stamp(Timestamp::now()).to_ascii_lowercase();
    let selection = BackupSelection {
        chosen,
        tags: vec![format!("{}-{}-{now}", plan.verb.label(), plan.environment)],
        before: Some(label_before(plan.verb, &plan.environment)),
        ..BackupSelection::default()
    };
    keep(workspace, side, &selection).await
}

async fn keep(
    workspace: &Workspace,
    name: &EnvironmentName,
    selection: &BackupSelection,
) -> Result<Option<String>, RunPlanError> {
    let (client, store) = (workspace.environment(name)?, workspace.store()?);
    let index = store.index().await?;
    let (events, never) = (Events::silent(), CancellationToken::new());
    let outcome = backup::take(client, store, &index, selection, &events, &never)
        .await
        .map_err(|cause| RunPlanError::Backup { environment: name.clone(), cause })?;
    match outcome.failed.into_iter().next() {
        Some(failure) => Err(RunPlanError::NotKept {
            artifact: failure.artifact,
            environment: name.clone(),
            why: failure.error,
        }),
        None => Ok(outcome.id.map(|id| format!("kept snapshot {id} of {name}"))),
    }
}
