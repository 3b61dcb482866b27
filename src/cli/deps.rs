//! `oicx deps REF [--reverse]`.

use super::{
    args::{DepsFormat, DepsOptions, Global},
    output::{self, CommandError, Exit},
    workspace_unless,
};
use crate::config::Config;
use crate::model::{Reference, StorePick, Target};
use crate::ops::deps::{DependencyDirection, DependencyGraph, DependencyTree};
use crate::workspace::{
    collection::CollectionSource,
    source::{SourceError, fetch_bytes},
};

/// Prints what a reference needs or what needs it, as a tree, a graph or JSON.
pub async fn run(
    load: impl FnOnce() -> Result<Config, CommandError>,
    options: &DepsOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let format = if global.json { DepsFormat::Json } else { options.format };
    let file = matches!(options.reference, Reference::File(_));
    let workspace = workspace_unless(file, global, load).await?;
    let (graph, roots) = match (scope_of(&options.reference), &workspace) {
        (Some((source, target)), Some(workspace)) if options.reverse => {
            let graph = DependencyGraph::build(workspace, &source).await?;
            let (code, scope) = (&target.code, target.scope.as_ref());
            let roots = graph.named(scope, code);
            if roots.is_empty() {
                let reference = &options.reference;
                return match fetch_bytes(Some(workspace), reference).await {
                    Ok(_) => Ok(print_unneeded(&graph, format, global)),
                    Err(why @ SourceError::Ambiguous { .. }) => Err(why.into()),
                    Err(_) => Err(CommandError::failed(format!(
                        "nothing named {code} is in {reference} or needed there\n  → `oicx list` \
                            shows what there is"
                    ))),
                };
            }
            (graph, roots)
        }
        _ => DependencyGraph::below(workspace.as_ref(), &options.reference).await?,
    };
    if roots.is_empty() {
        return Err(CommandError::failed("this archive is not an integration: it needs nothing"));
    }
    let direction =
        if options.reverse { DependencyDirection::NeededBy } else { DependencyDirection::Needs };
    let trees: Vec<DependencyTree> = roots.iter().map(|root| graph.tree(root, direction)).collect();
    match format {
        DepsFormat::Json => output::json(&trees),
        DepsFormat::Tree => trees.iter().flat_map(DependencyTree::lines).for_each(output::line),
        DepsFormat::Mermaid => trees.iter().for_each(|t| output::line(t.mermaid().trim_end())),
        DepsFormat::Dot => trees.iter().for_each(|t| output::line(t.dot().trim_end())),
    }
    if options.reverse && trees.iter().all(|t| t.children.is_empty()) {
        output::aside(global, "nothing needs it");
    }
    Ok(told_problems(&graph))
}

/// What is there, and stands in no graph: nothing that was read needs it.
fn print_unneeded(graph: &DependencyGraph, format: DepsFormat, global: &Global) -> Exit {
    if format == DepsFormat::Json {
        output::json(&Vec::<DependencyTree>::new());
    }
    output::aside(global, "nothing needs it");
    told_problems(graph)
}

/// Names what could not be read.
fn told_problems(graph: &DependencyGraph) -> Exit {
    for problem in &graph.problems {
        output::tell(format!("oicx: not read: {problem}"));
    }
    if graph.problems.is_empty() { Exit::Done } else { Exit::Partly }
}

fn scope_of(reference: &Reference) -> Option<(CollectionSource, &Target)> {
    match reference {
        Reference::File(_) => None,
        Reference::Live { environment, target, .. } => {
            Some((CollectionSource::Live(environment.clone()), target))
        }
        Reference::Stored { environment, target, pick: StorePick::Snapshot(id, _) } => {
            Some((CollectionSource::Snapshot(environment.clone(), id.clone()), target))
        }
        Reference::Stored { environment, target, .. } => {
            Some((CollectionSource::Stored(environment.clone()), target))
        }
    }
}
