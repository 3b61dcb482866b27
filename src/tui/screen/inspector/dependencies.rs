//! The tab Dependencies: what it needs, and who needs it.

use super::state::{InspectorLine, InspectorScreen, LineTarget, plain};
use crate::archive::{CalledScope, Dependency, NeedKind};
use crate::model::{Kind, Scope, plural};
use crate::ops::deps::{DependencyDirection, DependencyNode, DependencyTree};
use crate::tui::widgets::tree::{Fact, Tone, TreeItem};

impl InspectorScreen {
    pub(super) fn dependencies(&self) -> Vec<InspectorLine> {
        let mut out = vec![plain("needs", Tone::Title)];
        for it in self.unpacked.contents.integrations() {
            out.extend(it.needs.iter().map(|need| need_line(need, &self.subject.artifact.scope)));
        }
        if out.len() == 1 {
            out.push(plain("nothing", Tone::Dim));
        }
        out.push(plain("", Tone::Plain));
        out.push(plain("is needed by", Tone::Title));
        match &self.graph {
            None => out.push(plain("asking who in the environment needs it …", Tone::Dim)),
            Some(Err(why)) => out.push(plain(why.clone(), Tone::Warning)),
            Some(Ok(graph)) => {
                let own = self.own_node();
                let tree = graph.tree(&own, DependencyDirection::NeededBy);
                if tree.children.is_empty() {
                    out.push(plain("nothing", Tone::Dim));
                }
                needed_by(&tree.children, 0, &mut out);
                if !graph.problems.is_empty() {
                    let text =
                        format!("! {} could not be read", plural(graph.problems.len(), "archive"));
                    out.push(plain(text, Tone::Warning));
                    out.extend(graph.problems.iter().map(|p| plain(format!("  {p}"), Tone::Dim)));
                }
            }
        }
        out
    }

    /// The node of this archive in the graph.
    fn own_node(&self) -> DependencyNode {
        let artifact = &self.subject.artifact;
        let found = self.unpacked.contents.identity();
        let kind = NeedKind::of_artifact(found.kind).unwrap_or(NeedKind::Integration);
        let code = found.code.as_deref().unwrap_or(&artifact.code);
        DependencyNode::of_kind(kind, &artifact.scope, code)
    }
}

/// A line for what an integration in a scope needs.
fn need_line(need: &Dependency, caller: &Scope) -> InspectorLine {
    let tone = if need.preseeded { Tone::Dim } else { Tone::Plain };
    let note = match &need.scope {
        _ if need.preseeded => "the service's own".into(),
        Some(CalledScope::Project(project)) => format!("of project {project}"),
        Some(CalledScope::Global) if !caller.is_global() => "global".into(),
        _ => String::new(),
    };
    let scope = need.scope.as_ref().map_or_else(|| caller.clone(), |scope| scope.of(caller));
    let item = TreeItem {
        depth: 1,
        text: format!("{:<12} {}", need.kind.label(), need.name),
        note,
        tone,
        ..TreeItem::default()
    };
    let target = match need.kind {
        NeedKind::Integration => {
            let code = need.name.split('|').next().unwrap_or_default();
            LineTarget::Integration(scope, code.to_owned())
        }
        NeedKind::Connection => LineTarget::Row(scope, Kind::Connection, need.name.clone()),
        NeedKind::Lookup => LineTarget::Row(scope, Kind::Lookup, need.name.clone()),
        _ => LineTarget::Nothing,
    };
    let facts = need.seen_in.iter().map(|place| Fact::new("seen in", place)).collect();
    InspectorLine { item, target, facts, ..InspectorLine::default() }
}

fn needed_by(trees: &[DependencyTree], depth: usize, out: &mut Vec<InspectorLine>) {
    for tree in trees {
        let item = TreeItem {
            depth: depth + 1,
            text: format!("{:<12} {}", tree.node.kind.label(), tree.node.shown()),
            ..TreeItem::default()
        };
        let facts = tree.seen_in.iter().map(|place| Fact::new("seen in", place)).collect();
        let target = LineTarget::Integration(tree.node.scope.clone(), tree.node.name.clone());
        out.push(InspectorLine { item, target, facts, ..InspectorLine::default() });
        needed_by(&tree.children, depth + 1, out);
    }
}
