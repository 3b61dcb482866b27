//! `oicx deps REF [--reverse]`.

use super::{
    args::{DepsFormat, DepsOptions, Global},
    output::{self, Exit, Problem},
};
use crate::config::Config;
use crate::model::{Reference, StorePick};
use crate::ops::collection::Scope;
use crate::ops::deps::{Graph, Node, Tree};
use crate::ops::{source::fetch_bytes, workspace::Workspace};

pub async fn run(
    load: impl FnOnce() -> Result<Config, Problem>,
    options: &DepsOptions,
    global: &Global,
) -> Result<Exit, Problem> {
    let format = if global.json { DepsFormat::Json } else { options.format };
    let (graph, roots) = match (&options.reference, scope_of(&options.reference)) {
        (Reference::File(_), _) | (_, None) => of_file(options).await?,
        (reference, Some((scope, code))) => {
            let workspace = Workspace::open(&load()?).await?;
            let graph = Graph::build(&workspace, &scope).await?;
            let roots = roots(&graph, code, options.reverse);
            if roots.is_empty() {
                return Err(Problem::failed(format!(
                    "nothing named {code} is in {reference} or needed there\n  → `oicx list` shows what there is"
                )));
            }
            (graph, roots)
        }
    };
    let trees: Vec<Tree> = roots.iter().map(|root| graph.tree(root, options.reverse)).collect();
    match format {
        DepsFormat::Json => output::json(&trees),
        DepsFormat::Tree => trees.iter().flat_map(Tree::lines).for_each(output::line),
        DepsFormat::Mermaid => trees.iter().for_each(|t| output::line(t.mermaid(options.reverse).trim_end())),
        DepsFormat::Dot => trees.iter().for_each(|t| output::line(t.dot(options.reverse).trim_end())),
    }
    if options.reverse && trees.iter().all(|t| t.children.is_empty()) {
        output::aside(global, "nothing needs it");
    }
    for problem in &graph.problems {
        eprintln!("oicx: not read: {problem}");
    }
    Ok(if graph.problems.is_empty() { Exit::Done } else { Exit::Partly })
}

/// The integration of that code, else everything of that name.
fn roots(graph: &Graph, code: &str, reverse: bool) -> Vec<Node> {
    let own = Node::integration(code);
    if !reverse && !graph.needs(&own).is_empty() { vec![own] } else { graph.named(code) }
}

fn scope_of(reference: &Reference) -> Option<(Scope, &str)> {
    match reference {
        Reference::File(_) => None,
        Reference::Live { environment, code, .. } => Some((Scope::Live(environment.clone()), code)),
        Reference::Stored { environment, code, pick: StorePick::Snapshot(id) } => {
            Some((Scope::Snapshot(environment.clone(), id.clone()), code))
        }
        Reference::Stored { environment, code, .. } => Some((Scope::Stored(environment.clone()), code)),
    }
}

/// A file's own integrations.
async fn of_file(options: &DepsOptions) -> Result<(Graph, Vec<Node>), Problem> {
    let contents = fetch_bytes(None, &options.reference).await?.contents().await?;
    let mut graph = Graph::default();
    contents.integrations().iter().for_each(|it| graph.add(it));
    let mut roots: Vec<Node> = contents.integrations().iter().map(|it| Node::integration(&it.id.code)).collect();
    if roots.is_empty() {
        return Err(Problem::failed(format!("a {} needs nothing", contents.kind())));
    }
    if options.reverse {
        roots.retain(|r| graph.needed_by(r).next().is_some());
    }
    Ok((graph, roots))
}
