//! Who needs what: the graph over all archives of a scope, built once, read in both directions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::archive::{Dependency, Integration, NeedKind};
use crate::model::{Kind, Reference, StorePick, Target};
use crate::workspace::collection::{self, CollectionSource};
use crate::workspace::{
    Workspace,
    source::{SourceError, fetch_bytes},
};

/// What the graph connects: an integration, or what one needs. An integration stands for all its
/// versions, by its code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DependencyNode {
    pub kind: NeedKind,
    pub name: String,
}

impl DependencyNode {
    /// The node of an integration, whatever its version.
    pub fn integration(code: &str) -> Self {
        Self { kind: NeedKind::Integration, name: code.to_owned() }
    }

    fn of(dependency: &Dependency) -> Self {
        let name = match dependency.kind {
            NeedKind::Integration => dependency.name.split('|').next().unwrap_or_default(),
            _ => dependency.name.as_str(),
        };
        Self { kind: dependency.kind, name: name.to_owned() }
    }
}

/// Integration -> what it needs, and where that was seen.
#[derive(Debug, Clone, Default)]
pub struct DependencyGraph {
    needs: BTreeMap<DependencyNode, Vec<(DependencyNode, Vec<String>)>>,
    needed_by: BTreeMap<DependencyNode, BTreeSet<DependencyNode>>,
    /// Archives that could not be read, with why.
    pub problems: Vec<String>,
}

impl DependencyGraph {
    /// Builds the graph of a scope.
    ///
    /// # Errors
    /// Where it cannot be listed. An archive that cannot be read is a problem in the graph.
    pub async fn build(
        workspace: &Workspace,
        scope: &CollectionSource,
    ) -> Result<Self, SourceError> {
        let items = collection::list(workspace, scope).await?;
        let work = |_: &collection::CollectionItem, unpacked: crate::archive::UnpackedArchive| {
            unpacked.contents.integrations().to_vec()
        };
        let mut this = Self::default();
        for (item, result) in collection::each(workspace, items, work).await {
            match result {
                Ok(integrations) => integrations.iter().for_each(|it| this.add(it)),
                Err(why) => this.problems.push(format!("{}: {why}", item.reference())),
            }
        }
        Ok(this)
    }

    /// Builds the graph below one integration: itself, what it calls, and so on.
    ///
    /// # Errors
    /// Where the first cannot be fetched. A called integration that cannot be fetched is a problem
    /// in the graph.
    pub async fn below(
        workspace: Option<&Workspace>,
        reference: &Reference,
    ) -> Result<(Self, Vec<DependencyNode>), SourceError> {
        let mut this = Self::default();
        let contents = fetch_bytes(workspace, reference).await?.contents().await?;
        contents.integrations().iter().for_each(|it| this.add(it));
        let roots = contents
            .integrations()
            .iter()
            .map(|it| DependencyNode::integration(&it.id.code))
            .collect();
        let mut asked: BTreeSet<String> = BTreeSet::new();
        loop {
            let code = this.called().find(|c| !asked.contains(*c)).map(str::to_owned);
            let Some((code, next)) = code.and_then(|c| Some((c.clone(), beside(reference, &c)?)))
            else {
                break;
            };
            asked.insert(code);
            let read = match fetch_bytes(workspace, &next).await {
                Ok(fetched) => fetched.contents().await,
                Err(e) => Err(e),
            };
            match read {
                Ok(contents) => contents.integrations().iter().for_each(|it| this.add(it)),
                Err(e) => this.problems.push(format!("{next}: {e}")),
            }
        }
        Ok((this, roots))
    }

    /// Codes of integrations that are called and not in the graph yet.
    fn called(&self) -> impl Iterator<Item = &str> {
        let open =
            |n: &&DependencyNode| n.kind == NeedKind::Integration && !self.needs.contains_key(*n);
        self.needed_by.keys().filter(open).map(|n| n.name.as_str())
    }

    /// Adds what one integration needs.
    pub fn add(&mut self, it: &Integration) {
        let own = DependencyNode::integration(&it.id.code);
        let mut needs: Vec<(DependencyNode, Vec<String>)> = Vec::new();
        // An integration's own schedule is left out: nothing else could break it.
        for d in it.needs.iter().filter(|d| !d.preseeded && d.kind != NeedKind::Schedule) {
            let node = DependencyNode::of(d);
            self.needed_by.entry(node.clone()).or_default().insert(own.clone());
            needs.push((node, d.seen_in.clone()));
        }
        self.needs.insert(own, needs);
    }

    /// What a node needs, each with the places where that was seen.
    pub fn needs(&self, node: &DependencyNode) -> &[(DependencyNode, Vec<String>)] {
        self.needs.get(node).map_or(&[], Vec::as_slice)
    }

    /// The nodes that need this one directly.
    pub fn needed_by(&self, node: &DependencyNode) -> impl Iterator<Item = &DependencyNode> {
        self.needed_by.get(node).into_iter().flatten()
    }

    /// All nodes of that name, whatever their kind.
    pub fn named(&self, name: &str) -> Vec<DependencyNode> {
        let all: BTreeSet<&DependencyNode> =
            self.needs.keys().chain(self.needed_by.keys()).collect();
        all.into_iter().filter(|n| n.name == name).cloned().collect()
    }

    /// The tree below a node, in one direction. A node that was shown above is not opened again.
    pub fn tree(&self, root: &DependencyNode, reverse: bool) -> DependencyTree {
        self.branch(root, Vec::new(), reverse, &mut BTreeSet::new())
    }

    fn branch(
        &self,
        node: &DependencyNode,
        seen_in: Vec<String>,
        reverse: bool,
        shown: &mut BTreeSet<DependencyNode>,
    ) -> DependencyTree {
        let first = shown.insert(node.clone());
        let next: Vec<(DependencyNode, Vec<String>)> = match (first, reverse) {
            (false, _) => Vec::new(),
            (true, false) => self.needs(node).to_vec(),
            (true, true) => {
                self.needed_by(node).map(|n| (n.clone(), self.places(n, node))).collect()
            }
        };
        let again = !(first || reverse || self.needs(node).is_empty());
        let children =
            next.into_iter().map(|(n, places)| self.branch(&n, places, reverse, shown)).collect();
        DependencyTree { node: node.clone(), seen_in, again, children }
    }

    /// The places where `from` names `to`.
    fn places(&self, from: &DependencyNode, to: &DependencyNode) -> Vec<String> {
        self.needs(from)
            .iter()
            .find(|(n, _)| n == to)
            .map(|(_, places)| places.clone())
            .unwrap_or_default()
    }
}

/// A reference to another code in the same place; none for a file, which has nothing beside it.
fn beside(reference: &Reference, code: &str) -> Option<Reference> {
    let same_place = |of: &Target| Target {
        scope: of.scope.clone(),
        kind: Kind::Integration,
        code: code.to_owned(),
    };
    match reference {
        Reference::File(_) => None,
        Reference::Live { environment, target, .. } => Some(Reference::Live {
            environment: environment.clone(),
            target: same_place(target),
            version: None,
        }),
        Reference::Stored { environment, target, pick } => {
            let pick = match pick {
                StorePick::Snapshot(id, _) => StorePick::Snapshot(id.clone(), None),
                _ => StorePick::Newest { version: None, back: 0 },
            };
            Some(Reference::Stored {
                environment: environment.clone(),
                target: same_place(target),
                pick,
            })
        }
    }
}

/// A node and what it needs, or what needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DependencyTree {
    #[serde(flatten)]
    pub node: DependencyNode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen_in: Vec<String>,
    /// Whether the node was opened further up already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<DependencyTree>,
}

impl DependencyTree {
    /// The tree drawn with lines, as `tree` does.
    pub fn lines(&self) -> Vec<String> {
        let mut out = vec![format!("{} {}", self.node.kind.label(), self.node.name)];
        self.branch_lines("", &mut out);
        out
    }

    fn branch_lines(&self, indent: &str, out: &mut Vec<String>) {
        for (i, child) in self.children.iter().enumerate() {
            let last = i + 1 == self.children.len();
            let (knot, under) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let again = if child.again { " (above)" } else { "" };
            out.push(format!(
                "{indent}{knot}{} {}{again}",
                child.node.kind.label(),
                child.node.name
            ));
            child.branch_lines(&format!("{indent}{under}"), out);
        }
    }

    /// Adds each edge once: who needs, what is needed.
    fn edges(&self, reverse: bool, out: &mut BTreeSet<(DependencyNode, DependencyNode)>) {
        for child in &self.children {
            let pair = (self.node.clone(), child.node.clone());
            out.insert(if reverse { (pair.1, pair.0) } else { pair });
            child.edges(reverse, out);
        }
    }

    /// Each pair of who needs and what is needed, once, over several trees.
    pub fn edges_of(trees: &[Self], reverse: bool) -> BTreeSet<(DependencyNode, DependencyNode)> {
        let mut edges = BTreeSet::new();
        trees.iter().for_each(|t| t.edges(reverse, &mut edges));
        edges
    }

    /// The tree as a Mermaid flowchart.
    pub fn mermaid(&self, reverse: bool) -> String {
        Self::mermaid_of(std::slice::from_ref(self), reverse)
    }

    /// One Mermaid flowchart of several trees.
    pub fn mermaid_of(trees: &[Self], reverse: bool) -> String {
        let edges = Self::edges_of(trees, reverse);
        let mut out = String::from("flowchart LR\n");
        let numbers = number(trees, &edges);
        for (node, n) in &numbers {
            let text = node.name.replace('"', "&quot;");
            let (open, close) = match node.kind {
                NeedKind::Integration => ("[\"", "\"]"),
                NeedKind::Connection => ("([\"", "\"])"),
                NeedKind::Lookup => ("[(\"", "\")]"),
                _ => ("{{\"", "\"}}"),
            };
            out.push_str(&format!("  n{n}{open}{text}{close}\n"));
        }
        for (from, to) in &edges {
            out.push_str(&format!("  n{} --> n{}\n", numbers[from], numbers[to]));
        }
        out
    }

    /// The tree as a Graphviz chart.
    pub fn dot(&self, reverse: bool) -> String {
        let mut edges = BTreeSet::new();
        self.edges(reverse, &mut edges);
        let mut out = String::from("digraph needs {\n  rankdir=LR;\n  node [shape=box];\n");
        let numbers = number(std::slice::from_ref(self), &edges);
        for (node, n) in &numbers {
            let text = node.name.replace('\\', "\\\\").replace('"', "\\\"");
            let shape = match node.kind {
                NeedKind::Integration => "box",
                NeedKind::Connection => "ellipse",
                NeedKind::Lookup => "cylinder",
                _ => "hexagon",
            };
            out.push_str(&format!("  n{n} [label=\"{text}\", shape={shape}];\n"));
        }
        for (from, to) in &edges {
            out.push_str(&format!("  n{} -> n{};\n", numbers[from], numbers[to]));
        }
        out.push_str("}\n");
        out
    }
}

fn number(
    roots: &[DependencyTree],
    edges: &BTreeSet<(DependencyNode, DependencyNode)>,
) -> BTreeMap<DependencyNode, usize> {
    let roots = roots.iter().map(|r| &r.node);
    let all: BTreeSet<&DependencyNode> =
        edges.iter().flat_map(|(a, b)| [a, b]).chain(roots).collect();
    all.into_iter().cloned().zip(0..).collect()
}
