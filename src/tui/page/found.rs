//! What a search inside archives found: integrations, and the steps in them.

use crate::ops::collection::Scope;
use crate::ops::deps::{Graph, Node};
use crate::ops::grep::{Hit, Report};

#[derive(Debug)]
pub struct FoundView {
    pub scope: Scope,
    /// Set where the question is who needs a thing, and not what says a pattern.
    pub needed: Option<Node>,
    /// What was searched for; empty before the first search.
    pub pattern: String,
    pub searching: bool,
    pub report: Option<Result<Report, String>>,
    pub cursor: usize,
}

/// A line of the list.
#[derive(Debug, Clone, Copy)]
pub enum FoundLine<'f> {
    /// An integration, with how many hits it has.
    Head(&'f crate::ops::grep::Found),
    Hit(&'f crate::ops::grep::Found, &'f Hit),
}

impl FoundView {
    pub fn new(scope: Scope) -> Self {
        Self { scope, needed: None, pattern: String::new(), searching: false, report: None, cursor: 0 }
    }

    pub fn lines(&self) -> Vec<FoundLine<'_>> {
        let Some(Ok(report)) = &self.report else { return Vec::new() };
        let mut out = Vec::new();
        for found in &report.found {
            out.push(FoundLine::Head(found));
            out.extend(found.hits.iter().map(|hit| FoundLine::Hit(found, hit)));
        }
        out
    }

    /// Who needs a thing, directly and through others, as if it had been searched for.
    pub fn take_graph(&mut self, graph: &Graph) {
        let Some(node) = &self.needed else { return };
        let mut found = Vec::new();
        let mut open: Vec<(crate::ops::deps::Tree, String)> =
            graph.tree(node, true).children.into_iter().map(|t| (t, node.name.clone())).collect();
        while let Some((tree, needs)) = open.pop() {
            let code = tree.node.name.clone();
            let hit =
                |place: &String| Hit { place: format!("needs {needs}"), part: "seen in".into(), text: place.clone() };
            let reference = match &self.scope {
                Scope::Live(name) => format!("{name}:{code}"),
                Scope::Stored(name) | Scope::Snapshot(name, _) => format!("store:{name}/{code}"),
                Scope::Store => code.clone(),
            };
            let hits = tree.seen_in.iter().map(hit).collect();
            found.push(crate::ops::grep::Found { reference, code: code.clone(), version: String::new(), hits });
            open.extend(tree.children.into_iter().map(|t| (t, code.clone())));
        }
        found.sort_by(|a, b| a.code.cmp(&b.code));
        self.report = Some(Ok(Report { archives: found.len(), found, problems: graph.problems.clone() }));
    }

    /// The reference of the integration under the cursor.
    pub fn reference(&self) -> Option<String> {
        match self.lines().get(self.cursor)? {
            FoundLine::Head(found) | FoundLine::Hit(found, _) => Some(found.reference.clone()),
        }
    }

    pub fn place(&self) -> String {
        match &self.scope {
            Scope::Live(name) => name.to_string(),
            Scope::Stored(name) => format!("the store's newest of {name}"),
            Scope::Store => "the store".into(),
            Scope::Snapshot(name, id) => format!("snapshot {id} of {name}"),
        }
    }
}
