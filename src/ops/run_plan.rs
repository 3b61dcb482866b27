//! Running an approved plan, whatever its verb.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::backup::{self, BackupError, BackupSelection};
use crate::model::{ArtifactKey, EnvironmentName, stamp};
use crate::restore::{self, ApprovedPlan, Journal, Payloads, RestorePlan, RunContext, Verb};
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
