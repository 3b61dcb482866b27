//! Promote: brings what runs on one environment to the next, with the planner of a restore. Before
//! that, both sides are kept in the store under a label, and the target is compared.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    backup::{self, BackupError, BackupSelection},
    drift::changes,
    moving,
    request_builder::RequestError,
};
use crate::archive::Lookup;
use crate::model::{
    ArtifactKey, EnvironmentName, Finding, Fingerprint, Kind, Reference, Scope, stamp,
};
use crate::restore::{
    self, ApprovedPlan, Journal, Payloads, Request, RestorePlan, RunContext, Verb, WantedArtifact,
};
use crate::store::StoreError;
use crate::workspace::{
    OpenError, Workspace,
    events::{Events, Progress},
};

/// The request of a promotion, with findings that say what the target has instead. `into` names
/// another scope than the one that an artifact is from.
///
/// # Errors
/// Where a reference names nothing that can be sent.
pub async fn request(
    workspace: &Workspace,
    references: &[Reference],
    to: &EnvironmentName,
    into: Option<&Scope>,
) -> Result<Request, RequestError> {
    let mut request = workspace.request(Verb::Promote, references).await?;
    for (wanted, reference) in request.wanted.iter_mut().zip(references) {
        if let Reference::Live { environment, .. } = reference {
            let from = wanted.key.uses_scope();
            wanted.worked_with = works_with(workspace, environment, &from, wanted).await;
            take_live_rows(workspace, environment, &from, wanted).await;
        }
    }
    if let Some(scope) = into {
        moving::move_into(workspace, &mut request, to, scope).await?;
    }
    let client =
        workspace.environment(to).map_err(|e: OpenError| RequestError::Source(e.into()))?;
    for (wanted, from) in request.wanted.iter().zip(references) {
        let key = &wanted.key;
        let environment = to.clone();
        let target =
            Reference::Live { environment, target: key.name().into(), version: key.version };
        let there = match restore::exists(client, key).await {
            Ok(there) => there,
            Err(e) => {
                request.notes.push(Finding::warning(
                    format!("{key} on {to} is not compared: {}", e.reason()),
                    e.advice(),
                ));
                continue;
            }
        };
        if there && key.kind != Kind::Package {
            let text = changes(workspace, &target, from).await;
            request.notes.push(Finding::fact(format!("what {to} has of {key} differs in: {text}")));
        }
    }
    request.notes.push(Finding::fact(format!(
        "before it, both sides are kept in the store as {}",
        label(to)
    )));
    Ok(request)
}

/// What the child integrations and libraries of an artifact are now where it comes from. One that
/// cannot be read is not compared.
async fn works_with(
    workspace: &Workspace,
    environment: &EnvironmentName,
    from: &Scope,
    wanted: &WantedArtifact,
) -> BTreeMap<ArtifactKey, Fingerprint> {
    let mut out = BTreeMap::new();
    let Ok(client) = workspace.environment(environment) else { return out };
    let Some(archive) = &wanted.archive else { return out };
    for child in &archive.needs.children {
        // A flow calls what its own project has; what is not there is in the global space.
        for scope in [from, &Scope::Global] {
            let key = ArtifactKey::from(child.clone().within(scope.clone()));
            match restore::live_fingerprints(client, &key).await {
                Ok(Some(found)) => {
                    out.insert(key, found.portable);
                    break;
                }
                Ok(None) => {}
                Err(e) => tracing::warn!("{key} of {environment} is not compared: {e}"),
            }
        }
    }
    out
}

/// Takes of each lookup the rows that it has now where the artifact comes from. One that cannot be
/// read stays as the archive has it.
async fn take_live_rows(
    workspace: &Workspace,
    environment: &EnvironmentName,
    from: &Scope,
    wanted: &mut WantedArtifact,
) {
    let Ok(client) = workspace.environment(environment) else { return };
    let Some(archive) = &mut wanted.archive else { return };
    for name in &archive.needs.lookups {
        let key = ArtifactKey::new(Kind::Lookup, name, None).within(from.clone());
        let read = client.export(&key).await.map_err(|e| e.to_string());
        match read.and_then(|bytes| Lookup::from_csv(&bytes).map_err(|e| e.to_string())) {
            Ok(rows) => drop(archive.copies.lookups.insert(name.clone(), rows)),
            Err(why) => tracing::warn!("{key} of {environment} is compared as archived: {why}"),
        }
    }
}

fn label(to: &EnvironmentName) -> String {
    format!("before promote to {to}")
}

/// Why nothing was promoted.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    #[error(transparent)]
    Environment(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("nothing was changed: {environment} cannot be kept first: {cause}")]
    Backup { environment: EnvironmentName, cause: BackupError },
    #[error("nothing was changed: {artifact} of {environment} cannot be kept first: {why}")]
    NotKept { artifact: ArtifactKey, environment: EnvironmentName, why: String },
}

/// Keeps both sides in the store, then runs the plan.
///
/// # Errors
/// Where one side cannot be kept, or the journal cannot be written; nothing was changed then.
pub async fn run(
    workspace: &Workspace,
    approved: ApprovedPlan,
    payloads: Payloads,
    references: &[Reference],
    context: RunContext<'_>,
) -> Result<Journal, PromoteError> {
    let plan = approved.plan();
    if plan.changes_something() {
        for text in keep_both(workspace, plan, references).await? {
            context.events.send(Progress::Note { text });
        }
    }
    Ok(restore::run(approved, payloads, context).await?)
}

/// Keeps what is promoted and what it replaces, each as a labelled snapshot of its environment.
/// Says what was kept.
async fn keep_both(
    workspace: &Workspace,
    plan: &RestorePlan,
    references: &[Reference],
) -> Result<Vec<String>, PromoteError> {
    let changing = || plan.items.iter().filter(|i| !i.settled);
    let goes: Vec<ArtifactKey> = changing().map(|i| i.key.clone()).collect();
    // What the target has now is kept: the same version, or the one that is swapped out.
    let same = changing().filter(|i| i.before.status.is_some()).map(|i| i.key.clone());
    let swapped = changing().filter_map(|i| i.before.swapped.clone()).map(ArtifactKey::from);
    let replaced: Vec<ArtifactKey> = same.chain(swapped).collect();
    let now = stamp(Timestamp::now()).to_ascii_lowercase();
    let tag = format!("promote-{}-{now}", plan.environment);
    let sources = references.iter().filter_map(|r| match r {
        Reference::Live { environment, .. } => Some(environment.clone()),
        Reference::Stored { .. } | Reference::File(_) => None,
    });
    let mut sides: Vec<EnvironmentName> = sources.collect();
    sides.push(plan.environment.clone());
    sides.dedup();
    let mut kept = Vec::new();
    for side in sides {
        let chosen = if side == plan.environment { replaced.clone() } else { goes.clone() };
        if chosen.is_empty() {
            continue;
        }
        let selection = BackupSelection {
            chosen,
            tags: vec![tag.clone()],
            before: Some(label(&plan.environment)),
            ..BackupSelection::default()
        };
        kept.extend(keep(workspace, &side, &selection).await?);
    }
    Ok(kept)
}

async fn keep(
    workspace: &Workspace,
    name: &EnvironmentName,
    selection: &BackupSelection,
) -> Result<Option<String>, PromoteError> {
    let (client, store) = (workspace.environment(name)?, workspace.store()?);
    let index = store.index().await?;
    let (events, never) = (Events::silent(), CancellationToken::new());
    let outcome = backup::take(client, store, &index, selection, &events, &never)
        .await
        .map_err(|cause| PromoteError::Backup { environment: name.clone(), cause })?;
    match outcome.failed.into_iter().next() {
        Some(failure) => Err(PromoteError::NotKept {
            artifact: failure.artifact,
            environment: name.clone(),
            why: failure.error,
        }),
        None => Ok(outcome.id.map(|id| format!("kept snapshot {id} of {name}"))),
    }
}
