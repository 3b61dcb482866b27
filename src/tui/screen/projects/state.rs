//! The scopes that the rows can be narrowed to, with what each has.

use std::collections::BTreeSet;

use crate::model::{ArtifactKey, ArtifactName, EnvironmentIndex, Kind, Scope};
use crate::ops::matrix::MatrixRow;
use crate::search::{Candidate, Query};
use crate::tui::{app::App, screen::matrix::MatrixTable, widgets::text_field::TextField};

/// Longest text that is looked for, in characters.
const LONGEST: usize = 80;

/// What a scope is chosen for.
#[derive(Debug, Clone)]
pub enum ScopeChoice {
    /// The rows are narrowed to it.
    Narrow,
    /// These artifacts of an environment are to be brought into it.
    Move(EnvironmentIndex, Vec<ArtifactKey>),
}

/// The list, and what is typed to narrow it.
#[derive(Debug)]
pub struct ProjectsScreen {
    pub choice: ScopeChoice,
    pub typed: TextField,
    /// None: all scopes.
    pub lines: Vec<Option<Scope>>,
    /// Indexes of the lines that match, best first.
    pub shown: Vec<usize>,
    pub cursor: usize,
}

impl ProjectsScreen {
    /// All scopes that a list or the store knows: those with most failures first, then those with
    /// most differences.
    pub fn of(app: &App) -> Self {
        let lines = lines(app);
        let here = lines.iter().position(|scope| *scope == app.table.scope).unwrap_or(0);
        let shown = (0..lines.len()).collect();
        let (choice, typed) = (ScopeChoice::Narrow, TextField::new(LONGEST));
        Self { choice, typed, lines, shown, cursor: here }
    }

    /// The scopes of an environment into which artifacts can be brought: those that hold not all of
    /// them already.
    pub fn to_move(app: &App, environment: EnvironmentIndex, keys: Vec<ArtifactKey>) -> Self {
        let there = |row: &&MatrixRow| row.kind == Kind::Project && row.cell(environment).is_some();
        let projects = app.table.matrix.rows.iter().filter(there);
        let projects = projects.map(|row| Scope::of_project(row.code.as_str()));
        let scopes: BTreeSet<Scope> = std::iter::once(Scope::Global).chain(projects).collect();
        let new = scopes.into_iter().filter(|s| keys.iter().any(|key| key.scope != *s));
        let lines: Vec<Option<Scope>> = new.map(Some).collect();
        let shown = (0..lines.len()).collect();
        let (choice, typed) = (ScopeChoice::Move(environment, keys), TextField::new(LONGEST));
        Self { choice, typed, lines, shown, cursor: 0 }
    }

    /// The title of the list.
    pub fn title(&self) -> String {
        match &self.choice {
            ScopeChoice::Narrow => "Projects".into(),
            ScopeChoice::Move(_, keys) => match keys.as_slice() {
                [one] => format!("Move {one} into"),
                many => format!("Move {} artifacts into", many.len()),
            },
        }
    }

    /// Ranks again after something was typed.
    pub fn rank(&mut self, table: &MatrixTable) {
        let text = |scope: &Option<Scope>| {
            let scope = scope.as_ref();
            Candidate::new(format!("{} {}", word(scope), name(table, scope)))
        };
        let rows: Vec<_> = self.lines.iter().map(text).collect();
        self.shown = match self.typed.text().trim() {
            "" => (0..self.lines.len()).collect(),
            typed => Query::new(typed).rank(&rows),
        };
        self.cursor = 0;
    }

    /// The line under the cursor; None where nothing matches what was typed.
    pub fn chosen(&self) -> Option<&Option<Scope>> {
        self.lines.get(*self.shown.get(self.cursor)?)
    }
}

/// The word for a line: a project's code, `global`, `all`.
pub fn word(scope: Option<&Scope>) -> String {
    scope.map_or_else(|| "all".into(), ToString::to_string)
}

/// A project's name, where a list tells it.
pub fn name<'a>(table: &'a MatrixTable, scope: Option<&Scope>) -> &'a str {
    let project = scope.and_then(Scope::project).and_then(|project| {
        let code = project.as_str().to_owned();
        table.find(&ArtifactName { kind: Kind::Project, scope: Scope::Global, code })
    });
    project.map_or("", |row| &row.name)
}

/// All scopes, then each of them.
fn lines(app: &App) -> Vec<Option<Scope>> {
    let table = &app.table;
    let mut scopes: BTreeSet<Scope> = [Scope::Global].into();
    // A project that refuses its lists, or that only the store has, has no rows.
    let listings = app.environments.iter().filter_map(|e| e.listing.as_ref());
    scopes.extend(listings.flat_map(|l| &l.unseen).map(|u| u.scope.clone()));
    let stored = app.store.index.iter().flat_map(|index| index.versions());
    scopes.extend(stored.map(|v| v.scope.clone()));
    for row in &table.matrix.rows {
        scopes.insert(row.scope.clone());
        if row.kind == Kind::Project {
            scopes.insert(Scope::of_project(row.code.as_str()));
        }
    }
    let mut scopes: Vec<Scope> = scopes.into_iter().collect();
    // What needs a person comes first; the global space keeps its place at the head of the rest.
    scopes.sort_by_key(|scope| {
        let counts = table.counts_of(Some(scope));
        std::cmp::Reverse((counts.failing, counts.differ))
    });
    std::iter::once(None).chain(scopes.into_iter().map(Some)).collect()
}
