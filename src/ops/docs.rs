//! Writes a snapshot as a Markdown site: a page for each artifact, an index, who needs whom,
//! certificates by expiry.

mod page;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use futures::StreamExt;
use serde::Serialize;

use super::{
    backup,
    deps::{DependencyDirection, DependencyGraph, DependencyNode, DependencyTree},
    readable,
};
use crate::archive::{ContentsBody, UnpackedArchive};
use crate::files::write_atomic;
use crate::model::{
    Description, EnvironmentName, IntegrationId, Kind, Manifest, ManifestEntry, NoSnapshot, Scope,
    SnapshotName, markdown, precedence,
};
use crate::store::{Store, StoreError};
use crate::workspace::{
    Workspace,
    collection::CollectionSource,
    events::{Events, Progress},
    source::{SourceError, open_stored},
};
use page::{DocPage, Link};

/// What was written.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DocsReport {
    pub environment: Option<EnvironmentName>,
    pub snapshot: String,
    pub folder: PathBuf,
    pub pages: usize,
    /// Artifacts that could not be read, and why: they have no page.
    pub problems: Vec<String>,
}

/// Why there is no documentation.
#[derive(Debug, thiserror::Error)]
pub enum DocsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    NoSnapshot(#[from] NoSnapshot),
    #[error("{path} cannot be written: {why}")]
    Write { path: String, why: std::io::Error },
    #[error("{0} is not empty and was not written by `oicx docs`\n  → name a new or empty folder")]
    Occupied(PathBuf),
}

/// One artifact, read.
struct Read {
    entry: ManifestEntry,
    unpacked: UnpackedArchive,
}

/// The most edges that Mermaid draws in one chart unless it is told otherwise.
const MOST_EDGES: usize = 400;

/// The first line of the index. By it, a later run knows that the folder is its own.
const MARK: &str = "<!-- written by oicx docs -->";

/// Writes the site of an environment's snapshot: the one that is named, else the newest full one.
///
/// # Errors
/// Where there is no such snapshot, or the folder cannot be written.
pub async fn run(
    workspace: &Workspace,
    store: &Store,
    name: &SnapshotName,
    folder: &Path,
    events: &Events,
) -> Result<DocsReport, DocsError> {
    let index = store.index().await?;
    let environment = &name.environment;
    let found = index.snapshot_named(name).ok_or_else(|| NoSnapshot(name.clone()))?;
    check_folder(folder)?;
    let manifest = &store.manifest_with_members(environment, &found.id).await?;
    let mut report = DocsReport {
        environment: Some(environment.clone()),
        snapshot: manifest.id.to_string(),
        folder: folder.to_owned(),
        ..DocsReport::default()
    };
    let read = read_all(store, manifest, events, &mut report).await;
    let graph = DependencyGraph::build(
        workspace,
        &CollectionSource::Snapshot(environment.clone(), manifest.id.clone()),
    )
    .await?;
    report.problems.extend(graph.problems.iter().cloned());
    for page in pages(manifest, &read, &graph) {
        let path = folder.join(&page.path);
        let fail = |why| DocsError::Write { path: path.display().to_string(), why };
        write_atomic(&path, page.text.as_bytes()).map_err(fail)?;
        report.pages += 1;
    }
    Ok(report)
}

fn check_folder(folder: &Path) -> Result<(), DocsError> {
    let empty = std::fs::read_dir(folder).map_or(true, |mut d| d.next().is_none());
    let own = std::fs::read_to_string(folder.join("index.md")).is_ok_and(|t| t.starts_with(MARK));
    if empty || own { Ok(()) } else { Err(DocsError::Occupied(folder.to_owned())) }
}

async fn read_all(
    store: &Store,
    manifest: &Manifest,
    events: &Events,
    report: &mut DocsReport,
) -> Vec<Read> {
    events.send(Progress::Total { count: manifest.entries.len() });
    let mut opened = std::pin::pin!(open_stored(store, manifest.entries.clone()));
    let mut out = Vec::new();
    while let Some((entry, opened)) = opened.next().await {
        match opened {
            Ok(unpacked) => {
                events.send(Progress::Done { what: entry.code.clone(), bytes: entry.size });
                out.push(Read { entry, unpacked });
            }
            Err(why) => report.problems.push(format!("{}: {why}", entry.path)),
        }
    }
    out
}

/// Where an artifact's page lies.
fn path_of(entry: &ManifestEntry) -> String {
    let version = entry.version.map(|v| format!("-{v}")).unwrap_or_default();
    format!("{}/{}{version}.md", entry.kind.folder(), readable::file_name(entry))
}

fn pages(manifest: &Manifest, read: &[Read], graph: &DependencyGraph) -> Vec<DocPage> {
    let link_in = |scope: &Scope, kind: Kind, code: &str| -> Option<Link> {
        let of = |scope: &Scope| {
            let fits = |e: &ManifestEntry| e.kind == kind && e.code == code && e.scope == *scope;
            let all = read.iter().map(|r| &r.entry).filter(|e| fits(e));
            all.max_by_key(|e| precedence(&e.status, e.version))
        };
        // Lookups and libraries are never another scope's (docs/projects.md).
        let shared = !matches!(kind, Kind::Lookup | Kind::Library);
        let best = of(scope).or_else(|| of(&Scope::Global).filter(|_| shared))?;
        Some(Link { text: best.key().name().scoped_code(), path: path_of(best) })
    };
    let mut out = vec![index(manifest, read), whole_graph(read, graph)];
    for Read { entry, unpacked } in read.iter().filter(|r| r.entry.kind != Kind::Schedule) {
        let path = path_of(entry);
        let scope = entry.key().uses_scope();
        let link = |kind: Kind, code: &str| link_in(&scope, kind, code);
        let member = |id: &IntegrationId| {
            let version = |r: &&Read| {
                r.entry.kind == Kind::Integration
                    && r.entry.code == id.code
                    && r.entry.version == Some(id.version)
            };
            let in_scope = |r: &&Read| version(r) && r.entry.scope == scope;
            let found = read.iter().find(in_scope).or_else(|| read.iter().find(version))?;
            Some(Link { text: id.code.clone(), path: path_of(&found.entry) })
        };
        let text = match &unpacked.contents.body {
            ContentsBody::Integration(it) => {
                let node = DependencyNode::integration(&entry.scope, &it.id.code);
                let caller =
                    |n: &DependencyNode| match link_in(&n.scope, Kind::Integration, &n.name) {
                        Some(link) => link.from("integrations/"),
                        None => markdown(&n.shown()),
                    };
                let needed_by: Vec<String> = graph.needed_by(&node).map(caller).collect();
                page::integration(entry, it, schedule_of(read, entry), &needed_by, &link)
            }
            ContentsBody::Lookup(lookup) => page::lookup(entry, lookup),
            ContentsBody::Description(description) => page::description(entry, description),
            ContentsBody::Library(library) => page::library(entry, library),
            ContentsBody::Package(_) => page::package(entry, unpacked, &member),
            ContentsBody::Project(project) => {
                let inside = |kind: Kind| links_in(read, &scope, kind);
                page::project(entry, project, &inside, &member)
            }
        };
        out.push(DocPage { path, text });
    }
    out
}

/// The description of an integration's schedule.
fn schedule_of<'r>(read: &'r [Read], entry: &ManifestEntry) -> Option<&'r Description> {
    let of = |r: &&Read| {
        r.entry.kind == Kind::Schedule
            && r.entry.scope == entry.scope
            && r.entry.code == entry.code
            && r.entry.version == entry.version
    };
    match &read.iter().find(of)?.unpacked.contents.body {
        ContentsBody::Description(description) => Some(description),
        _ => None,
    }
}

/// The pages of what a project has of a kind.
fn links_in(read: &[Read], scope: &Scope, kind: Kind) -> Vec<Link> {
    let of_kind = read.iter().filter(|r| r.entry.kind == kind);
    let inside = of_kind.filter(|r| r.entry.key().uses_scope() == *scope);
    inside.map(|r| Link { text: r.entry.code.clone(), path: path_of(&r.entry) }).collect()
}

fn index(manifest: &Manifest, read: &[Read]) -> DocPage {
    let label = manifest.label();
    let label = if label.is_empty() { String::new() } else { format!(" ({})", markdown(&label)) };
    let mut text = format!(
        "{MARK}\n# {}\n\nAs of {}{label}, snapshot `{}`. [Who needs whom](dependencies.md).\n",
        manifest.environment,
        manifest.started.strftime("%F %H:%M UTC"),
        manifest.id
    );
    let certificates = read.iter().filter_map(|r| Some((r.entry.expires?, &r.entry)));
    let mut certificates: Vec<_> = certificates.collect();
    certificates.sort_by_key(|(expires, _)| *expires);
    if !certificates.is_empty() {
        text.push_str("\n## Certificates by expiry\n\n| ends | certificate |\n|---|---|\n");
        for (expires, entry) in certificates {
            let link = Link { text: entry.key().name().scoped_code(), path: path_of(entry) };
            text.push_str(&format!("| {} | {} |\n", expires.strftime("%F"), link.from("index.md")));
        }
    }
    for kind in Kind::ALL.into_iter().filter(|k| *k != Kind::Schedule) {
        let of: Vec<&ManifestEntry> =
            read.iter().map(|r| &r.entry).filter(|e| e.kind == kind).collect();
        if of.is_empty() {
            continue;
        }
        text.push_str(&format!(
            "\n## {}\n\n| code | name | version | status | last changed |\n|---|---|---|---|---|\n",
            title(kind)
        ));
        for entry in of {
            let link = Link { text: entry.key().name().scoped_code(), path: path_of(entry) };
            let by = entry.last_updated_by.as_deref().unwrap_or_default();
            let when = entry.last_updated.map(|t| t.strftime("%F").to_string()).unwrap_or_default();
            text.push_str(&format!(
                "| {} | {} | {} | {} | {when} {} |\n",
                link.from("index.md"),
                markdown(&entry.name),
                crate::model::version_text(entry.version),
                entry.status.label(),
                markdown(by)
            ));
        }
    }
    // Older releases wrote only what could not be listed.
    let not_held = match manifest.not_held.is_empty() {
        true => backup::not_seen(&manifest.unseen),
        false => manifest.not_held.clone(),
    };
    if !not_held.is_empty() {
        text.push_str("\n## Not in this snapshot\n\n");
        for gap in &not_held {
            let (what, why) = (markdown(&gap.what), markdown(&gap.why));
            text.push_str(&format!("- {what}: {why}\n"));
        }
    }
    DocPage { path: "index.md".into(), text }
}

fn title(kind: Kind) -> String {
    let word = kind.plural();
    format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])
}

/// The page with the graph of every integration and what it needs.
fn whole_graph(read: &[Read], graph: &DependencyGraph) -> DocPage {
    let nodes: std::collections::BTreeSet<DependencyNode> = read
        .iter()
        .filter(|r| r.entry.kind == Kind::Integration)
        .map(|r| DependencyNode::integration(&r.entry.scope, &r.entry.code))
        .collect();
    let trees: Vec<DependencyTree> =
        nodes.iter().map(|node| graph.tree(node, DependencyDirection::Needs)).collect();
    let edges = DependencyTree::edges_of(&trees);
    let mut text = String::from("# Who needs whom\n\n[Index](index.md)\n");
    if edges.len() <= MOST_EDGES {
        text.push_str(&format!("\n```mermaid\n{}```\n", DependencyTree::mermaid_of(&trees)));
    } else {
        text.push_str(&format!(
            "\n{} pairs are more than a chart can show; the pages have their own.\n",
            edges.len()
        ));
    }
    let mut needed: BTreeMap<&DependencyNode, Vec<String>> = BTreeMap::new();
    for (who, what) in &edges {
        needed.entry(what).or_default().push(who.shown());
    }
    text.push_str("\n| kind | name | is needed by |\n|---|---|---|\n");
    for (node, who) in needed {
        let who: Vec<String> = who.iter().map(|w| markdown(w)).collect();
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            node.kind.label(),
            markdown(&node.shown()),
            who.join(", ")
        ));
    }
    DocPage { path: "dependencies.md".into(), text }
}
