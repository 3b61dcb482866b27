//! Promote: brings what runs on one environment to the next, with the planner of a restore. The
//! target is compared for the plan, and both sides are kept in the store before the first step.

use std::collections::BTreeMap;

use super::{drift::changes, move_scope, request_builder::RequestError, run_plan::label_before};
use crate::archive::Lookup;
use crate::model::{ArtifactKey, EnvironmentName, Finding, Fingerprint, Kind, Reference, Scope};
use crate::restore::{self, Request, Verb, WantedArtifact};
use crate::workspace::{OpenError, Workspace};

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
        move_scope::move_into(workspace, &mut request, to, scope).await?;
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
        "before it, both sides are kept in the store under the label \"{}\"",
        label_before(request.verb, to)
    )));
    let sources = references.iter().filter_map(|r| match r {
        Reference::Live { environment, .. } => Some(environment),
        Reference::Stored { .. } | Reference::File(_) => None,
    });
    for side in sources.chain([to]) {
        if !request.kept_first.contains(side) {
            request.kept_first.push(side.clone());
        }
    }
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
        let told = archive.needs.called_in.get(child).map(|told| vec![told.of(from)]);
        for scope in told.unwrap_or_else(|| vec![from.clone(), Scope::Global]) {
            let key = ArtifactKey::from(child.clone().within(scope));
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
