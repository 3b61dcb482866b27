//! Moves artifacts into or out of a project: what a person should know of it before.

use super::{
    deps::{DependencyGraph, DependencyNode},
    request_builder::RequestError,
};
use crate::model::{ArtifactKey, EnvironmentName, Finding, Kind, Scope};
use crate::restore::Request;
use crate::workspace::{Workspace, collection::CollectionSource};

/// Callers that are named one by one; more are counted.
const NAMED: usize = 5;

/// Wants the artifacts of a request in another scope, and says what that changes for who calls
/// them.
///
/// # Errors
/// Where the store, which tells the callers, cannot be listed.
pub async fn move_into(
    workspace: &Workspace,
    request: &mut Request,
    to: &EnvironmentName,
    scope: &Scope,
) -> Result<(), RequestError> {
    let moved: Vec<ArtifactKey> = request
        .wanted
        .iter()
        .map(|w| w.key.clone())
        .filter(|key| key.kind.lives_in_projects() && key.scope != *scope)
        .collect();
    request.move_into(scope, to);
    let integrations: Vec<_> = moved.iter().filter(|k| k.kind == Kind::Integration).collect();
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
    for key in integrations {
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
        let what = "its own callers keep the old address: in a project the address has the \
            project in it";
        request.notes.push(Finding::warning(what, fix));
        let left = callers.iter().flatten().filter(|c| c.scope.is_global() && !scope.is_global());
        let left: Vec<String> = left.map(|c| c.shown()).collect();
        if !left.is_empty() {
            let what = format!("{} in the global space may not call it there", left.join(", "));
            request.notes.push(Finding::warning(what, "move the callers too"));
        }
    }
    Ok(())
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
