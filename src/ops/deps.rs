//! Who needs what: the graph over all archives of a scope, built once, read in both directions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::archive::{ContentsBody, Dependency, Integration, NeedKind};
use crate::model::{Kind, Reference, Scope, StorePick, Target, Version};
use crate::workspace::collection::{self, Collection, CollectionSource};
use crate::workspace::{
    Workspace,
    source::{SourceError, fetch_bytes},
};

/// What the graph connects: an integration, or what one needs. An integration stands for all its
/// versions, by its code. Twins in two scopes are two nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DependencyNode {
    pub kind: NeedKind,
    pub name: String,
    /// The project that it lives in; the global space is left out. Certificates and agent groups
    /// are always global.
    #[serde(skip_serializing_if = "Scope::is_global")]
    pub scope: Scope,
}

impl DependencyNode {
    /// The node of an integration, whatever its version.
    pub fn integration(scope: &Scope, code: &str) -> Self {
        Self::of_kind(NeedKind::Integration, scope, code)
    }

    /// The node of what has this kind and name for those who live in a scope.
    pub fn of_kind(kind: NeedKind, scope: &Scope, name: &str) -> Self {
        let scope = match kind {
            NeedKind::Certificate | NeedKind::Agent => Scope::Global,
            _ => scope.clone(),
        };
        Self { kind, name: name.to_owned(), scope }
    }

    /// What a caller in a scope needs.
    fn of(dependency: &Dependency, caller: &Scope) -> Self {
        let scope = dependency.scope.as_ref().map_or_else(|| caller.clone(), |s| s.of(caller));
        let name = match dependency.kind {
            NeedKind::Integration => dependency.name.split('|').next().unwrap_or_default(),
            _ => dependency.name.as_str(),
        };
        Self::of_kind(dependency.kind, &scope, name)
    }

    /// `PROJECT/CODE`; the code alone in the global space.
    pub fn shown(&self) -> String {
        format!("{}{}", self.scope.prefix(), self.name)
    }
}

/// What an integration needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededNode {
    pub node: DependencyNode,
    /// Where that was seen.
    pub places: Vec<String>,
    /// The versions of the integration that need it.
    pub versions: BTreeSet<Version>,
}

/// Integration -> what it needs, and where that was seen.
#[derive(Debug, Clone, Default)]
pub struct DependencyGraph {
    needs: BTreeMap<DependencyNode, Vec<NeededNode>>,
    /// The versions of each integration that were read.
    versions: BTreeMap<DependencyNode, BTreeSet<Version>>,
    needed_by: BTreeMap<DependencyNode, BTreeSet<DependencyNode>>,
    /// Calls of which the archive does not tell the scope, as if the callee lived with the caller.
    unsure: Vec<(DependencyNode, DependencyNode)>,
    /// Archives that could not be read, with why.
    pub problems: Vec<String>,
}

/// Calls between integrations of which one lives in a project and the other does not, as caller and
/// callee.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrossingCalls {
    pub outwards: Vec<(DependencyNode, DependencyNode)>,
    pub inwards: Vec<(DependencyNode, DependencyNode)>,
}

impl DependencyGraph {
    /// The calls across the border of a scope.
    pub fn crossing(&self, scope: &Scope) -> CrossingCalls {
        let calls = self.needs.iter().flat_map(|(caller, needs)| {
            let called = needs.iter().map(|need| &need.node);
            called
                .filter(|callee| callee.kind == NeedKind::Integration)
                .map(move |callee| (caller.clone(), callee.clone()))
        });
        let crosses = calls.filter(|(a, b)| (a.scope == *scope) != (b.scope == *scope));
        let (outwards, inwards) = crosses.partition(|(caller, _)| caller.scope == *scope);
        CrossingCalls { outwards, inwards }
    }

    /// Builds the graph of a scope.
    ///
    /// # Errors
    /// Where it cannot be listed. An archive that cannot be read is a problem in the graph.
    pub async fn build(
        workspace: &Workspace,
        scope: &CollectionSource,
    ) -> Result<Self, SourceError> {
        let Collection { items, unseen } = collection::list(workspace, scope).await?;
        let work = |_: &collection::CollectionItem, unpacked: crate::archive::UnpackedArchive| {
            unpacked.contents.integrations().to_vec()
        };
        let mut this = Self { problems: unseen, ..Self::default() };
        for (item, result) in collection::each(workspace, items, work).await {
            match result {
                Ok(integrations) => {
                    integrations.iter().for_each(|it| this.add(&item.id.scope, it));
                }
                Err(why) => this.problems.push(format!("{}: {why}", item.reference())),
            }
        }
        this.find_global_callees();
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
        let first = this.fetch(workspace, reference).await?;
        let roots: BTreeSet<DependencyNode> = first.into_iter().collect();
        let mut asked: BTreeSet<DependencyNode> = BTreeSet::new();
        loop {
            this.find_global_callees();
            let open = this.called().find(|n| !asked.contains(*n)).cloned();
            let Some((node, next)) = open.and_then(|n| Some((n.clone(), beside(reference, &n)?)))
            else {
                break;
            };
            let unsure = this.unsure.iter().any(|(_, callee)| *callee == node);
            asked.insert(node.clone());
            match this.fetch(workspace, &next).await {
                Ok(_) => {}
                // What does not live with the caller may be global.
                Err(_) if unsure && !node.scope.is_global() => this.move_to_global(&node),
                Err(e) => this.problems.push(format!("{next}: {e}")),
            }
        }
        Ok((this, roots.into_iter().collect()))
    }

    /// Adds all integrations of the archive that a reference names, and gives their nodes.
    async fn fetch(
        &mut self,
        workspace: Option<&Workspace>,
        reference: &Reference,
    ) -> Result<Vec<DependencyNode>, SourceError> {
        let fetched = fetch_bytes(workspace, reference).await?;
        let named = match fetched.label.parse() {
            Ok(Reference::Live { target, .. } | Reference::Stored { target, .. }) => target.scope,
            _ => None,
        };
        let contents = fetched.contents().await?;
        let scope = match &contents.body {
            ContentsBody::Project(project) => Scope::Project(project.code.clone()),
            _ => named.unwrap_or_default(),
        };
        let all = contents.integrations();
        all.iter().for_each(|it| self.add(&scope, it));
        Ok(all.iter().map(|it| DependencyNode::integration(&scope, &it.id.code)).collect())
    }

    /// Integrations that are called and not in the graph yet.
    fn called(&self) -> impl Iterator<Item = &DependencyNode> {
        let open =
            |n: &&DependencyNode| n.kind == NeedKind::Integration && !self.needs.contains_key(*n);
        self.needed_by.keys().filter(open)
    }

    /// A callee of which the archive does not tell the scope lives with its caller where there is
    /// one, else in the global space where there is one.
    fn find_global_callees(&mut self) {
        let is_global = |node: &DependencyNode| {
            let global = DependencyNode { scope: Scope::Global, ..node.clone() };
            !node.scope.is_global()
                && !self.needs.contains_key(node)
                && self.needs.contains_key(&global)
        };
        let moved: BTreeSet<DependencyNode> =
            self.unsure.iter().map(|(_, n)| n).filter(|n| is_global(n)).cloned().collect();
        moved.iter().for_each(|node| self.move_to_global(node));
    }

    /// Puts a callee, of which the archive does not tell the scope, into the global space.
    fn move_to_global(&mut self, node: &DependencyNode) {
        let global = DependencyNode { scope: Scope::Global, ..node.clone() };
        let unsure = std::mem::take(&mut self.unsure);
        let (here, rest): (Vec<_>, Vec<_>) = unsure.into_iter().partition(|(_, n)| n == node);
        self.unsure = rest;
        for (caller, _) in here {
            let needs = self.needs.get_mut(&caller).into_iter().flatten();
            needs.filter(|n| n.node == *node).for_each(|n| n.node.clone_from(&global));
            if let Some(callers) = self.needed_by.get_mut(node) {
                callers.remove(&caller);
            }
            self.needed_by.entry(global.clone()).or_default().insert(caller);
        }
        self.needed_by.retain(|_, callers| !callers.is_empty());
    }

    /// Adds what one integration of a scope needs. Another version of it adds to what the first
    /// needs.
    pub fn add(&mut self, scope: &Scope, it: &Integration) {
        let own = DependencyNode::integration(scope, &it.id.code);
        let mut needs = self.needs.remove(&own).unwrap_or_default();
        self.versions.entry(own.clone()).or_default().insert(it.id.version);
        // An integration's own schedule is left out: nothing else could break it.
        for d in it.needs.iter().filter(|d| !d.preseeded && d.kind != NeedKind::Schedule) {
            let node = DependencyNode::of(d, scope);
            self.needed_by.entry(node.clone()).or_default().insert(own.clone());
            if d.kind == NeedKind::Integration && d.scope.is_none() {
                self.unsure.push((own.clone(), node.clone()));
            }
            let versions = BTreeSet::from([it.id.version]);
            match needs.iter_mut().find(|n| n.node == node) {
                Some(need) => {
                    let more = d.seen_in.iter().filter(|p| !need.places.contains(p)).cloned();
                    let more: Vec<String> = more.collect();
                    need.places.extend(more);
                    need.versions.extend(versions);
                }
                None => needs.push(NeededNode { node, places: d.seen_in.clone(), versions }),
            }
        }
        self.needs.insert(own, needs);
    }

    /// What a node needs.
    pub fn needs(&self, node: &DependencyNode) -> &[NeededNode] {
        self.needs.get(node).map_or(&[], Vec::as_slice)
    }

    /// The nodes that need this one directly.
    pub fn needed_by(&self, node: &DependencyNode) -> impl Iterator<Item = &DependencyNode> {
        self.needed_by.get(node).into_iter().flatten()
    }

    /// All nodes of that name, whatever their kind: in the scope, where one is given.
    pub fn named(&self, scope: Option<&Scope>, name: &str) -> Vec<DependencyNode> {
        let all: BTreeSet<&DependencyNode> =
            self.needs.keys().chain(self.needed_by.keys()).collect();
        let fits = |n: &&DependencyNode| {
            n.name == name && scope.is_none_or(|s| *n == &DependencyNode::of_kind(n.kind, s, name))
        };
        all.into_iter().filter(fits).cloned().collect()
    }

    /// The tree below a node, in one direction. A node that was shown above is not opened again.
    pub fn tree(&self, root: &DependencyNode, direction: DependencyDirection) -> DependencyTree {
        let root = NeededNode { node: root.clone(), places: Vec::new(), versions: BTreeSet::new() };
        self.branch(root, direction, &mut BTreeSet::new())
    }

    fn branch(
        &self,
        NeededNode { node, places: seen_in, versions }: NeededNode,
        direction: DependencyDirection,
        shown: &mut BTreeSet<DependencyNode>,
    ) -> DependencyTree {
        let first = shown.insert(node.clone());
        let next: Vec<NeededNode> = match direction {
            _ if !first => Vec::new(),
            DependencyDirection::Needs => {
                self.needs(&node).iter().map(|need| self.told(&node, need)).collect()
            }
            DependencyDirection::NeededBy => {
                let callers = self.needed_by(&node).filter_map(|caller| {
                    let need = self.needs(caller).iter().find(|n| n.node == node)?;
                    Some(NeededNode { node: caller.clone(), ..self.told(caller, need) })
                });
                callers.collect()
            }
        };
        let again =
            !first && direction == DependencyDirection::Needs && !self.needs(&node).is_empty();
        let children = next.into_iter().map(|need| self.branch(need, direction, shown)).collect();
        let versions = versions.into_iter().collect();
        DependencyTree { direction, node, seen_in, versions, again, children }
    }

    /// What an integration needs; its versions are told where others of it do not need that.
    fn told(&self, of: &DependencyNode, need: &NeededNode) -> NeededNode {
        let mut told = need.clone();
        if self.versions.get(of) == Some(&told.versions) {
            told.versions.clear();
        }
        told
    }
}

/// A reference to an integration of the same environment; none for a file, which has nothing beside
/// it.
fn beside(reference: &Reference, node: &DependencyNode) -> Option<Reference> {
    let target = Target {
        scope: Some(node.scope.clone()),
        kind: Kind::Integration,
        code: node.name.clone(),
    };
    match reference {
        Reference::File(_) => None,
        Reference::Live { environment, .. } => {
            Some(Reference::Live { environment: environment.clone(), target, version: None })
        }
        Reference::Stored { environment, pick, .. } => {
            let pick = match pick {
                StorePick::Snapshot(id, _) => StorePick::Snapshot(id.clone(), None),
                _ => StorePick::Newest { version: None, back: 0 },
            };
            Some(Reference::Stored { environment: environment.clone(), target, pick })
        }
    }
}

/// Which way dependencies are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependencyDirection {
    /// From an artifact to what it needs.
    Needs,
    /// From an artifact to what needs it.
    NeededBy,
}

/// A node and what it needs, or what needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DependencyTree {
    #[serde(skip)]
    pub direction: DependencyDirection,
    #[serde(flatten)]
    pub node: DependencyNode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen_in: Vec<String>,
    /// The versions of the integration that need it, where others do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
    /// Whether the node was opened further up already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<DependencyTree>,
}

impl DependencyTree {
    /// The tree drawn with lines, as `tree` does.
    pub fn lines(&self) -> Vec<String> {
        let mut out = vec![format!("{} {}", self.node.kind.label(), self.node.shown())];
        self.branch_lines("", &mut out);
        out
    }

    fn branch_lines(&self, indent: &str, out: &mut Vec<String>) {
        for (i, child) in self.children.iter().enumerate() {
            let last = i + 1 == self.children.len();
            let (knot, under) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let again = if child.again { " (above)" } else { "" };
            let alone: Vec<String> = child.versions.iter().map(ToString::to_string).collect();
            let alone = match alone.is_empty() {
                true => String::new(),
                false => format!(" ({} alone)", alone.join(", ")),
            };
            out.push(format!(
                "{indent}{knot}{} {}{alone}{again}",
                child.node.kind.label(),
                child.node.shown()
            ));
            child.branch_lines(&format!("{indent}{under}"), out);
        }
    }

    /// Adds each edge once: who needs, what is needed.
    fn edges(&self, out: &mut BTreeSet<(DependencyNode, DependencyNode)>) {
        for child in &self.children {
            let pair = (self.node.clone(), child.node.clone());
            out.insert(match self.direction {
                DependencyDirection::Needs => pair,
                DependencyDirection::NeededBy => (pair.1, pair.0),
            });
            child.edges(out);
        }
    }

    /// Each pair of who needs and what is needed, once, over several trees.
    pub fn edges_of(trees: &[Self]) -> BTreeSet<(DependencyNode, DependencyNode)> {
        let mut edges = BTreeSet::new();
        trees.iter().for_each(|t| t.edges(&mut edges));
        edges
    }

    /// The tree as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        Self::mermaid_of(std::slice::from_ref(self))
    }

    /// One Mermaid flowchart of several trees.
    pub fn mermaid_of(trees: &[Self]) -> String {
        let edges = Self::edges_of(trees);
        let mut out = String::from("flowchart LR\n");
        let numbers = number(trees, &edges);
        for (node, n) in &numbers {
            let text = node.shown().replace('"', "&quot;");
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
    pub fn dot(&self) -> String {
        let mut edges = BTreeSet::new();
        self.edges(&mut edges);
        let mut out = String::from("digraph needs {\n  rankdir=LR;\n  node [shape=box];\n");
        let numbers = number(std::slice::from_ref(self), &edges);
        for (node, n) in &numbers {
            let text = node.shown().replace('\\', "\\\\").replace('"', "\\\"");
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::diff::fixture::{FileTexts, iar, opened};

    /// An integration that calls another one, as its `.jca` says it.
    fn calling(code: &str, callee: &str, context: &str) -> Integration {
        let application = r#"<application name="application_1"><adapter><name>call</name></adapter>
            <inbound><resourceGroup><resource location="../resources/application_1/c.jca"/>
            </resourceGroup></inbound></application>"#;
        let jca = format!(
            r#"<adapter-config adapter="collocatedics"><endpoint-interaction><interaction-spec>
            <property name="integration_id" value="{callee}|01.00.0000"/>{context}
            </interaction-spec></endpoint-interaction></adapter-config>"#
        );
        let attributes = format!("project_code={code}\nproject_version=01.00.0000\n");
        let project = format!("<p><icsflow>{application}<orchestration/></icsflow></p>");
        let files: FileTexts = [
            ("ics_project_attributes.properties".to_owned(), attributes),
            ("PROJECT-INF/project.xml".to_owned(), project),
            ("resources/application_1/c.jca".to_owned(), jca),
        ]
        .into();
        opened(&iar(files), "a.iar").contents.integrations()[0].clone()
    }

    const OWN: &str = r#"<property name="integrationContext" value="INTRA_PROJECT"/>"#;
    const GLOBAL: &str = r#"<property name="integrationContext" value="GLOBAL"/>"#;
    const OTHER: &str = r#"<property name="project_id" value="MONEY"/>"#;

    /// CHILD is in the global space and in two projects; ONE is only global, MINE only in HR.
    fn graph(caller: &Scope, callee: &str, context: &str) -> DependencyGraph {
        let mut graph = DependencyGraph::default();
        let (hr, money) = (Scope::of_project("HR"), Scope::of_project("MONEY"));
        for (scope, code) in [
            (&Scope::Global, "CHILD"),
            (&hr, "CHILD"),
            (&money, "CHILD"),
            (&Scope::Global, "ONE"),
            (&hr, "MINE"),
        ] {
            graph.add(scope, &calling(code, "LEAF", GLOBAL));
        }
        graph.add(caller, &calling("PARENT", callee, context));
        graph.find_global_callees();
        graph
    }

    #[rstest]
    #[case::of_its_own_project("HR", "CHILD", OWN, "HR/CHILD")]
    #[case::a_global_one("HR", "CHILD", GLOBAL, "CHILD")]
    #[case::of_another_project("HR", "CHILD", OTHER, "MONEY/CHILD")]
    #[case::not_told_and_own("HR", "CHILD", "", "HR/CHILD")]
    #[case::not_told_and_only_own("HR", "MINE", "", "HR/MINE")]
    #[case::not_told_and_only_global("HR", "ONE", "", "ONE")]
    #[case::not_told_and_nowhere("HR", "NONE", "", "HR/NONE")]
    #[case::of_a_global_caller("", "CHILD", "", "CHILD")]
    fn a_callee_is_looked_for_in_its_scope_and_twins_are_not_mixed(
        #[case] project: &str,
        #[case] callee: &str,
        #[case] context: &str,
        #[case] expected: &str,
    ) {
        let scope = if project.is_empty() { Scope::Global } else { Scope::of_project(project) };
        let graph = graph(&scope, callee, context);
        let parent = DependencyNode::integration(&scope, "PARENT");
        let needs: Vec<String> = graph.needs(&parent).iter().map(|n| n.node.shown()).collect();
        assert_eq!(needs, [expected]);
        // Read the other way round, only that twin is needed by it.
        for node in graph.named(None, callee) {
            let callers: Vec<String> = graph.needed_by(&node).map(DependencyNode::shown).collect();
            assert_eq!(callers.contains(&parent.shown()), node.shown() == expected, "{node:?}");
        }
        let tree = graph.tree(&parent, DependencyDirection::Needs).lines();
        assert!(tree[1].ends_with(&format!("integration {expected}")), "{tree:?}");
    }

    #[test]
    fn a_name_is_looked_for_in_one_scope_where_one_is_given() {
        let graph = graph(&Scope::of_project("HR"), "CHILD", OWN);
        let named = |scope: Option<&Scope>| -> Vec<String> {
            graph.named(scope, "CHILD").iter().map(DependencyNode::shown).collect()
        };
        assert_eq!(named(None), ["CHILD", "HR/CHILD", "MONEY/CHILD"]);
        assert_eq!(named(Some(&Scope::Global)), ["CHILD"]);
        assert_eq!(named(Some(&Scope::of_project("HR"))), ["HR/CHILD"]);
    }

    #[test]
    fn two_versions_of_one_code_need_what_either_needs() {
        let mut graph = DependencyGraph::default();
        for callee in ["A", "B"] {
            graph.add(&Scope::Global, &calling("PARENT", callee, GLOBAL));
        }
        let parent = DependencyNode::integration(&Scope::Global, "PARENT");
        let needs: Vec<String> = graph.needs(&parent).iter().map(|n| n.node.shown()).collect();
        assert_eq!(needs, ["A", "B"]);
    }
}
