//! Promote: what runs on one environment goes to the next, by the planner of a restore. Before it,
//! both sides are kept in the store under a label; the target is compared first.

use jiff::Timestamp;

use super::{
    backup::{self, BackupSelection},
    drift::changes,
    request_builder::RequestError,
};
use crate::model::{ArtifactKey, EnvironmentName, Finding, Kind, Reference, stamp};
use crate::oic::Client;
use crate::restore::{Request, RestorePlan, Verb};
use crate::workspace::{OpenError, Workspace, events::Events};

/// What is asked for, with what the target has instead as findings.
///
/// # Errors
/// Where a reference names nothing that can be sent.
pub async fn request(
    workspace: &Workspace,
    references: &[Reference],
    to: &EnvironmentName,
) -> Result<Request, RequestError> {
    let mut request = workspace.request(Verb::Promote, references).await?;
    let client =
        workspace.environment(to).map_err(|e: OpenError| RequestError::Source(e.into()))?;
    for (wanted, from) in request.wanted.iter().zip(references) {
        let key = &wanted.key;
        let environment = to.clone();
        let target = Reference::Live {
            environment,
            kind: key.kind,
            code: key.code.clone(),
            version: key.version,
        };
        let there = match crate::restore::exists(client, key).await {
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

fn label(to: &EnvironmentName) -> String {
    format!("before promote to {to}")
}

/// Keeps what goes, and what is there instead, in the store: each as a labelled snapshot of its
/// environment.
///
/// # Errors
/// In words: nothing is promoted then.
pub async fn keep_both(
    workspace: &Workspace,
    plan: &RestorePlan,
    references: &[Reference],
    events: &Events,
) -> Result<Vec<String>, String> {
    let mut kept = Vec::new();
    let changing = || plan.items.iter().filter(|i| !i.settled);
    let goes: Vec<ArtifactKey> = changing().map(|i| i.key.clone()).collect();
    // Of the target what is there now: the same version, or the one that is swapped out.
    let same = changing().filter(|i| i.before.status.is_some()).map(|i| i.key.clone());
    let swapped = changing().filter_map(|i| i.before.swapped.clone()).map(ArtifactKey::from);
    let there: Vec<ArtifactKey> = same.chain(swapped).collect();
    let tag =
        format!("promote-{}-{}", plan.environment, stamp(Timestamp::now()).to_ascii_lowercase());
    let sources = references.iter().filter_map(|r| match r {
        Reference::Live { environment, .. } => Some(environment.clone()),
        _ => None,
    });
    let mut sides: Vec<EnvironmentName> = sources.collect();
    sides.push(plan.environment.clone());
    sides.dedup();
    for side in sides {
        let client = workspace.environment(&side).map_err(|e| e.to_string())?;
        let chosen = if side == plan.environment { there.clone() } else { goes.clone() };
        if chosen.is_empty() {
            continue;
        }
        let scope = BackupSelection {
            chosen,
            tags: vec![tag.clone()],
            before: Some(label(&plan.environment)),
            ..BackupSelection::default()
        };
        kept.extend(keep(workspace, client, &scope, events).await?);
    }
    Ok(kept)
}

async fn keep(
    workspace: &Workspace,
    client: &Client,
    scope: &BackupSelection,
    events: &Events,
) -> Result<Option<String>, String> {
    let store = workspace.store().map_err(|e| e.to_string())?;
    let index = store.index().await.map_err(|e| e.to_string())?;
    let plan = backup::plan(client, store, &index, scope).await.map_err(|e| e.to_string())?;
    let done = backup::run(
        client,
        store,
        &index,
        plan,
        events,
        &tokio_util::sync::CancellationToken::new(),
    )
    .await;
    let outcome = done.map_err(|e| e.to_string())?;
    if let Some(failure) = outcome.failed.first() {
        return Err(format!(
            "{} of {} cannot be kept first: {}",
            failure.artifact,
            client.name(),
            failure.error
        ));
    }
    Ok(outcome.id.map(|id| format!("snapshot {id} of {}", client.name())))
}
