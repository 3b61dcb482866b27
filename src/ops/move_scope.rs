//! Moves artifacts into or out of a project: what a person should know of it before.

use super::{
    deps::{DependencyGraph, DependencyNode},
    request_builder::{RequestError, refuse_doubles},
};
use crate::model::{ArtifactKey, EnvironmentName, Finding, Kind, Scope};
use crate::restore::{Request, WantedArtifact};
use crate::workspace::{Workspace, collection::CollectionSource};

/// Callers that are named one by one; more are counted.
const NAMED: usize = 5;

/// Wants the artifacts of a request in another scope, and says what that changes for who calls
/// them.
///
/// # Errors
/// Where one of them is in no scope, two would be one afterwards, or the store, which tells the
/// callers, cannot be listed.
pub async fn move_into(
    workspace: &Workspace,
    request: &mut Request,
    to: &EnvironmentName,
    scope: &Scope,
) -> Result<(), RequestError> {
    if let Some(fixed) = request.wanted.iter().find(|w| !w.key.kind.lives_in_projects()) {
        return Err(RequestError::NotInScopes(fixed.key.clone()));
    }
    let is_moved = |w: &&WantedArtifact| w.key.kind == Kind::Integration && w.key.scope != *scope;
    let moved = request.wanted.iter().filter(is_moved);
    let scheduled = |w: &WantedArtifact| w.archive.as_ref().is_some_and(|a| a.scheduled);
    let integrations: Vec<(ArtifactKey, bool)> =
        moved.map(|w| (w.key.clone(), scheduled(w))).collect();
    request.move_into(scope, to);
    refuse_doubles(&request.wanted)?;
    if integrations.is_empty() {
        return Ok(());
    }
    let graph = match workspace.store.is_some() {
        true => {
            let of = CollectionSource::Stored(to.clone());
            Some(DependencyGraph::build(workspace, &of).await?)
        }
        false => None,
    };
    for (key, scheduled) in &integrations {
        let callers = graph.as_ref().map(|graph| callers_of(graph, key));
        let what = format!(
            "{key} comes into {}; the one in {} stays as it is",
            scope.in_words(),
            key.scope.in_words()
        );
        request.notes.push(Finding::fact(what));
        let fix = format!(
            "{}; nothing of them is changed here",
            match &callers {
                Some(callers) => named(callers, to),
                None => "who calls it is not known without a store".into(),
            }
        );
        let what = match addresses(key, scope).filter(|_| !scheduled) {
            Some((old, new)) => format!(
                "its own callers keep the old address: with a REST trigger, {new} is the new one, \
                    {old} the old"
            ),
            None => "who calls it still calls the old one".to_owned(),
        };
        request.notes.push(Finding::warning(what, fix));
        request.notes.extend(scheduled.then(|| its_schedule(key, scope)));
        let left = callers.iter().flatten().filter(|c| c.scope.is_global() && !scope.is_global());
        let left: Vec<String> = left.map(|c| c.shown()).collect();
        if !left.is_empty() {
            let what = format!("{} in the global space may not call it there", left.join(", "));
            request.notes.push(Finding::warning(what, "move the callers too"));
        }
    }
    Ok(())
}

/// Where an integration with a REST trigger is called, before and after, by path on the runtime's
/// host (docs/projects.md, Endpoints and callers).
fn addresses(key: &ArtifactKey, scope: &Scope) -> Option<(String, String)> {
    let version = key.version?;
    let address = |scope: &Scope| {
        let space = match scope.project() {
            Some(project) => format!("v2/flows/rest/project/{project}"),
            None => "v1/flows/rest".to_owned(),
        };
        let (code, major, minor) = (&key.code, version.major, version.minor);
        format!("/ic/api/integration/{space}/{code}/{major}.{minor}/…")
    };
    Some((address(&key.scope), address(scope)))
}

/// What becomes of the schedule of an integration that is moved.
fn its_schedule(key: &ArtifactKey, scope: &Scope) -> Finding {
    let what = format!(
        "the schedule of {key} stays with the one in {}: the one in {} does not run by itself",
        key.scope.in_words(),
        scope.in_words()
    );
    let fix = "define and start it in the console, and stop the old one before: else both run";
    Finding::warning(what, fix)
}

/// Names who calls an integration, as far as the newest backups of the environment tell.
fn named(callers: &[&DependencyNode], on: &EnvironmentName) -> String {
    let names: Vec<String> = callers.iter().map(|c| c.shown()).collect();
    match names.len() {
        0 => {
            format!("no integration in the backups of {on} calls it; callers outside are not known")
        }
        n if n > NAMED => {
            format!("on {on} {} and {} more call it", names[..NAMED].join(", "), n - NAMED)
        }
        _ => format!("on {on} it is called by {}", names.join(", ")),
    }
}

fn callers_of<'a>(graph: &'a DependencyGraph, key: &ArtifactKey) -> Vec<&'a DependencyNode> {
    graph.needed_by(&DependencyNode::integration(&key.scope, &key.code)).collect()
}
