//! The scopes that the rows can be narrowed to, with what each has.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Kind, Scope};
use crate::search::{Candidate, Query};
use crate::tui::{app::App, widgets::text_field::TextField};

/// Longest text that is looked for, in characters.
const LONGEST: usize = 80;

/// One line: a scope, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeEntry {
    /// None: all scopes.
    pub scope: Option<Scope>,
    /// The project's name, where a list tells it.
    pub name: String,
    pub counts: ScopeCounts,
}

impl ScopeEntry {
    /// The word for the scope: a project's code, `global`, `all`.
    pub fn code(&self) -> String {
        self.scope.as_ref().map_or_else(|| "all".into(), ToString::to_string)
    }
}

/// How many rows of the kind that is shown a scope has, and how many of them need a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    pub rows: usize,
    pub differ: usize,
    pub failing: usize,
}

/// The list, and what is typed to narrow it.
#[derive(Debug)]
pub struct Projects {
    pub typed: TextField,
    pub entries: Vec<ScopeEntry>,
    /// Indexes of the entries that match, best first.
    pub shown: Vec<usize>,
    pub cursor: usize,
}

impl Projects {
    /// All scopes that a list or the store knows: those with most failures first, then those with
    /// most differences.
    pub fn of(app: &App) -> Self {
        let entries = entries(app);
        let here = entries.iter().position(|e| e.scope == app.table.scope).unwrap_or(0);
        let shown = (0..entries.len()).collect();
        Self { typed: TextField::new(LONGEST), entries, shown, cursor: here }
    }

    /// Ranks again after something was typed.
    pub fn rank(&mut self) {
        let text = |e: &ScopeEntry| Candidate::new(format!("{} {}", e.code(), e.name));
        let rows: Vec<_> = self.entries.iter().map(text).collect();
        self.shown = match self.typed.text().trim() {
            "" => (0..self.entries.len()).collect(),
            typed => Query::new(typed).rank(&rows),
        };
        self.cursor = 0;
    }

    /// The entry under the cursor; None where nothing matches what was typed.
    pub fn chosen(&self) -> Option<&ScopeEntry> {
        self.entries.get(*self.shown.get(self.cursor)?)
    }
}

/// The scopes as they are known now, with their counts.
pub(super) fn entries(app: &App) -> Vec<ScopeEntry> {
    let table = &app.table;
    let mut counts: BTreeMap<Scope, ScopeCounts> = BTreeMap::new();
    let mut names: BTreeMap<Scope, String> = BTreeMap::new();
    let mut scopes: BTreeSet<Scope> = [Scope::Global].into();
    // A project that refuses its lists, or that only the store has, has no rows.
    let listings = app.environments.iter().filter_map(|e| e.listing.as_ref());
    scopes.extend(listings.flat_map(|l| &l.unseen).map(|u| u.scope.clone()));
    let stored = app.store.index.iter().flat_map(|index| index.versions());
    scopes.extend(stored.map(|v| v.scope.clone()));
    for row in &table.matrix.rows {
        scopes.insert(row.scope.clone());
        if row.kind == Kind::Project {
            let scope = Scope::of_project(row.code.as_str());
            names.insert(scope.clone(), row.name.clone());
            scopes.insert(scope);
        }
        if table.kind.is_none_or(|k| k == row.kind) {
            let of = counts.entry(row.scope.clone()).or_default();
            of.rows += 1;
            of.differ += usize::from(row.differs(table.base, &table.known));
            of.failing += usize::from(row.is_failing());
        }
    }
    let entry = |scope: Scope| ScopeEntry {
        name: names.get(&scope).cloned().unwrap_or_default(),
        counts: counts.get(&scope).copied().unwrap_or_default(),
        scope: Some(scope),
    };
    let mut all: Vec<ScopeEntry> = scopes.into_iter().map(entry).collect();
    // What needs a person comes first; the global space keeps its place at the head of the rest.
    all.sort_by_key(|e| std::cmp::Reverse((e.counts.failing, e.counts.differ)));
    let total = |of: fn(&ScopeCounts) -> usize| all.iter().map(|e| of(&e.counts)).sum();
    let counts = ScopeCounts {
        rows: total(|c| c.rows),
        differ: total(|c| c.differ),
        failing: total(|c| c.failing),
    };
    all.insert(0, ScopeEntry { scope: None, name: String::new(), counts });
    all
}
