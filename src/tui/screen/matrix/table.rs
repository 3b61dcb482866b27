//! The rows that are shown: filtered, sorted, marked, with a cursor that stays on its row.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    column::{ColumnsEnd, MatrixColumn},
    counts::RowCounts,
};
use crate::model::{ArtifactName, EXPIRES_SOON_DAYS, EnvironmentIndex, Kind, Scope};
use crate::ops::matrix::{Matrix, MatrixCell, MatrixRow};
use crate::search::{Candidate, Query};
use crate::tui::{
    event::{Effect, MatrixEffect},
    screen::move_cursor,
    widgets::text_field::TextField,
};

/// Up to this many rows are ranked at once with the keystroke; more are ranked beside the drawing.
const RANK_AT_ONCE: usize = 3_000;
const LONGEST_FILTER: usize = 80;

/// The order of the rows while nothing is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    #[default]
    Name,
    Failures,
    Changed,
    Backup,
}

impl SortOrder {
    /// The order that follows, round the end.
    pub fn next(self) -> Self {
        match self {
            Self::Name => Self::Failures,
            Self::Failures => Self::Changed,
            Self::Changed => Self::Backup,
            Self::Backup => Self::Name,
        }
    }

    /// The words for the order in the title.
    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "by name",
            Self::Failures => "by failures",
            Self::Changed => "by last change",
            Self::Backup => "by age of backup",
        }
    }
}

/// The widths of the texts in the rows, in characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextWidths {
    pub name: usize,
    /// The longest note of each column, long and short.
    pub notes: Vec<(usize, usize)>,
}

impl TextWidths {
    fn of(matrix: &Matrix) -> Self {
        let mut notes = vec![(0, 0); matrix.environments.len()];
        for row in &matrix.rows {
            for (cell, (long, short)) in row.cells.iter().zip(&mut notes) {
                let Some(cell) = cell.as_ref().filter(|c| !note(c, true).is_empty()) else {
                    continue;
                };
                *long = (*long).max(note(cell, false).chars().count());
                *short = (*short).max(note(cell, true).chars().count());
            }
        }
        let name = matrix.rows.iter().map(|r| r.scoped_code().chars().count()).max().unwrap_or(0);
        Self { name, notes }
    }
}

/// What a cell says beside version and marks: when it ends, failed runs, a lock, or changes that
/// somebody has not saved.
pub fn note(cell: &MatrixCell, short: bool) -> String {
    let failed = cell.failed_runs();
    if let Some(days) = cell.days_left.filter(|d| *d <= EXPIRES_SOON_DAYS) {
        return match days {
            ..0 => "ended".into(),
            days => format!("{days}d"),
        };
    }
    match (failed, &cell.state.locked_by, &cell.state.unsaved_by) {
        (0, Some(_), _) => if short { "lock" } else { "locked" }.into(),
        (0, None, Some(_)) => if short { "edit" } else { "unsaved" }.into(),
        (0, None, None) => String::new(),
        (n, ..) if short => format!("✗ {n}"),
        (n, ..) => format!("✗ {n} failed"),
    }
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableLine {
    /// By its index in the matrix.
    Row(usize),
    /// The head of the rows of a scope.
    Head(Scope),
}

/// The rows with what is typed, marked and chosen.
#[derive(Debug)]
pub struct MatrixTable {
    pub matrix: Matrix,
    /// Which environments' lists are known.
    pub known: Vec<bool>,
    candidates: Arc<Vec<Candidate>>,
    /// None: all kinds.
    pub kind: Option<Kind>,
    /// None: all scopes.
    pub scope: Option<Scope>,
    pub filter: TextField,
    pub order: SortOrder,
    pub only_differences: bool,
    pub only_failing: bool,
    pub base: EnvironmentIndex,
    /// Whether the rows stand under heads, one for each scope.
    pub grouped: bool,
    /// The scopes whose rows are hidden under their head.
    pub folded: BTreeSet<Scope>,
    /// What each head counts, over the rows that fit.
    pub heads: BTreeMap<Scope, RowCounts>,
    /// The lines, in the order that is shown.
    pub shown: Vec<TableLine>,
    /// What the last ranking gave; none while nothing is typed.
    ranked: Option<Vec<usize>>,
    generation: u64,
    /// The generation that `ranked` shows.
    shown_generation: u64,
    pub cursor: usize,
    /// The column under the cursor.
    pub column: MatrixColumn,
    /// The first row on the screen.
    pub offset: usize,
    pub marks: BTreeSet<ArtifactName>,
    pub counts: RowCounts,
    by_scope: BTreeMap<Scope, RowCounts>,
    /// How wide names and notes are over all rows, so that columns stand still while rows scroll.
    pub widths: TextWidths,
    /// The row to stand on once it is there.
    pub wanted: Option<ArtifactName>,
    /// Whether the person chose where to stand: until then the cursor is on the first row.
    pub chosen: bool,
}

impl MatrixTable {
    /// A table for so many environments, whose lists are not known yet.
    pub fn new(environments: usize) -> Self {
        let last = EnvironmentIndex(environments.saturating_sub(1));
        Self {
            matrix: Matrix::default(),
            known: vec![false; environments],
            candidates: Arc::default(),
            kind: Some(Kind::Integration),
            scope: None,
            filter: TextField::new(LONGEST_FILTER),
            order: SortOrder::default(),
            only_differences: false,
            only_failing: false,
            base: last,
            grouped: false,
            folded: BTreeSet::new(),
            heads: BTreeMap::new(),
            shown: vec![],
            ranked: None,
            generation: 0,
            shown_generation: 0,
            cursor: 0,
            column: MatrixColumn::Environment(last),
            offset: 0,
            marks: BTreeSet::new(),
            counts: RowCounts::default(),
            by_scope: BTreeMap::new(),
            widths: TextWidths::default(),
            wanted: None,
            chosen: false,
        }
    }

    /// How many environments there are.
    pub fn environments(&self) -> usize {
        self.known.len()
    }

    /// Whether the cursor is on the store's column.
    pub fn on_store(&self) -> bool {
        self.column == MatrixColumn::Store
    }

    /// The environment under the cursor; on the store's column, the base.
    pub fn target(&self) -> EnvironmentIndex {
        self.column.environment().unwrap_or(self.base)
    }

    /// Goes so many columns to the right, or to the left below 0; `end` says what comes after
    /// the last one.
    pub fn move_column(&mut self, by: isize, end: ColumnsEnd) {
        let count = self.environments() + 1;
        let here = self.column.index(self.environments());
        let index = match end {
            ColumnsEnd::Wraps => here.wrapping_add_signed(by).wrapping_add(count) % count,
            ColumnsEnd::Stops => here.saturating_add_signed(by).min(count - 1),
        };
        self.column = MatrixColumn::at(index, self.environments()).unwrap_or(self.column);
    }

    /// The row under the cursor; None where no row is shown, or the cursor is on a head.
    pub fn row(&self) -> Option<&MatrixRow> {
        match self.shown.get(self.cursor)? {
            TableLine::Row(index) => self.matrix.rows.get(*index),
            TableLine::Head(_) => None,
        }
    }

    /// The scope of the head under the cursor; None where the cursor is on a row.
    pub fn head(&self) -> Option<&Scope> {
        match self.shown.get(self.cursor)? {
            TableLine::Row(_) => None,
            TableLine::Head(scope) => Some(scope),
        }
    }

    /// Whether the rows stand under heads now: what is typed ranks them over all scopes.
    pub fn has_heads(&self) -> bool {
        self.grouped && self.ranked.is_none()
    }

    /// The indexes of the rows that are shown, in their order.
    pub fn shown_rows(&self) -> impl Iterator<Item = usize> {
        self.shown.iter().filter_map(|line| match line {
            TableLine::Row(index) => Some(*index),
            TableLine::Head(_) => None,
        })
    }

    /// Groups the rows by scope, or stops that.
    pub fn toggle_groups(&mut self) {
        self.stay_on_row();
        self.grouped = !self.grouped;
        self.show();
    }

    /// Hides the rows under the head at the cursor, or shows them again.
    pub fn toggle_fold(&mut self) {
        let Some(scope) = self.head().cloned() else { return };
        if !self.folded.remove(&scope) {
            self.folded.insert(scope);
        }
        self.show();
    }

    /// The row of an artifact.
    pub fn find(&self, artifact: &ArtifactName) -> Option<&MatrixRow> {
        // Rows are sorted by artifact.
        let rows = &self.matrix.rows;
        rows.get(rows.binary_search_by(|r| r.artifact.cmp(artifact)).ok()?)
    }

    /// The integration of this code that an environment has in another scope, where it has none in
    /// this one: it was moved. None where several are.
    pub fn moved(
        &self,
        artifact: &ArtifactName,
        environment: EnvironmentIndex,
    ) -> Option<&MatrixRow> {
        let there = |row: &MatrixRow| row.cell(environment).is_some();
        if artifact.kind != Kind::Integration || self.find(artifact).is_some_and(there) {
            return None;
        }
        let mut twins = self.in_any_scope(artifact, environment);
        twins.next().filter(|_| twins.next().is_none())
    }

    /// The rows of this kind and code that an environment has, whatever their scope.
    pub fn in_any_scope(
        &self,
        artifact: &ArtifactName,
        environment: EnvironmentIndex,
    ) -> impl Iterator<Item = &MatrixRow> {
        let (kind, code) = (artifact.kind, artifact.code.clone());
        self.matrix.rows.iter().filter(move |row| {
            row.kind == kind && row.code == code && row.cell(environment).is_some()
        })
    }

    /// The row of an artifact, to be changed.
    pub fn find_mut(&mut self, artifact: &ArtifactName) -> Option<&mut MatrixRow> {
        let rows = &mut self.matrix.rows;
        let index = rows.binary_search_by(|r| r.artifact.cmp(artifact)).ok()?;
        rows.get_mut(index)
    }

    /// Lets the cursor stay on its row when other rows come to be shown.
    pub fn stay_on_row(&mut self) {
        self.wanted = self.row().map(|r| r.artifact.clone());
    }

    /// Takes new rows in; the effect ranks them where that takes a while.
    pub fn set_matrix(&mut self, matrix: Matrix, known: Vec<bool>) -> Option<Effect> {
        if let (None, true, Some(row)) = (&self.wanted, self.chosen, self.row()) {
            self.wanted = Some(row.artifact.clone());
        }
        let same = self.matrix.rows.len() == matrix.rows.len()
            && self.matrix.rows.iter().zip(&matrix.rows).all(|(a, b)| a.artifact == b.artifact);
        if !same {
            self.candidates = Arc::new(matrix.rows.iter().map(candidate).collect());
            self.ranked = None;
        }
        self.widths = TextWidths::of(&matrix);
        self.matrix = matrix;
        self.known = known;
        self.count();
        if same {
            self.show();
            None
        } else {
            self.rank()
        }
    }

    /// Says anew whether what is in a project differs, since more is known of it.
    pub fn look_into(&mut self, scope: &Scope) {
        self.matrix.look_into(scope, self.base, &self.known);
    }

    /// Ranks by what is typed, at once or beside the drawing.
    pub fn rank(&mut self) -> Option<Effect> {
        self.generation += 1;
        if self.filter.text().trim().is_empty() {
            self.ranked = None;
            self.shown_generation = self.generation;
            self.show();
            return None;
        }
        if self.candidates.len() <= RANK_AT_ONCE {
            let hits = Query::new(self.filter.text()).hits(&self.candidates);
            self.take_ranking(self.generation, hits);
            return None;
        }
        Some(Effect::Matrix(MatrixEffect::Rank {
            generation: self.generation,
            typed: self.filter.text().to_owned(),
            rows: self.candidates.clone(),
        }))
    }

    /// Whether the rows do not yet show what was typed.
    pub fn is_ranking(&self) -> bool {
        self.shown_generation != self.generation
    }

    /// Takes a ranking in; one of an older query is dropped.
    pub fn take_ranking(&mut self, generation: u64, mut hits: Vec<(i64, usize)>) {
        if generation == self.generation {
            self.shown_generation = generation;
            // Failing rows come first among equals, since a person looks for them.
            if hits.len() <= RANK_AT_ONCE {
                let calm =
                    |index: usize| !self.matrix.rows.get(index).is_some_and(MatrixRow::is_failing);
                hits.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), calm(*index)));
            }
            self.ranked = Some(hits.into_iter().map(|(_, index)| index).collect());
            // The cursor goes to the best match while letters are typed.
            (self.cursor, self.offset, self.chosen) = (0, 0, false);
            self.show();
            self.chosen = true;
        }
    }

    /// Works out which rows are shown, in which order, and where the cursor is.
    pub fn show(&mut self) {
        let here = self
            .wanted
            .take()
            .or_else(|| self.row().filter(|_| self.chosen).map(|r| r.artifact.clone()));
        let rows = &self.matrix.rows;
        let fits = |index: &usize| self.fits(&rows[*index]);
        let mut shown: Vec<usize> = match &self.ranked {
            Some(ranked) => {
                ranked.iter().copied().filter(|p| *p < rows.len()).filter(fits).collect()
            }
            None => (0..rows.len()).filter(fits).collect(),
        };
        if self.ranked.is_none() {
            sort(rows, &mut shown, self.order);
            if self.kind == Some(Kind::Certificate) && self.order == SortOrder::Name {
                // The certificate that ends first comes first, since somebody must see to it.
                shown.sort_by_key(|p| {
                    rows[*p].cells.iter().flatten().filter_map(|c| c.expires).min()
                });
            }
        }
        let head = self.head().cloned();
        let lines = self.lines_of(shown);
        let rows = &self.matrix.rows;
        let is_here = |line: &TableLine| match line {
            TableLine::Row(p) => here.as_ref().is_some_and(|of| rows[*p].artifact == *of),
            TableLine::Head(scope) => here.is_none() && head.as_ref() == Some(scope),
        };
        // A row that is folded away is under its head; under a head that is gone are its rows.
        let near = |line: &TableLine| match line {
            TableLine::Row(p) => here.is_none() && head.as_ref() == Some(&*rows[*p].home()),
            TableLine::Head(scope) => here.as_ref().is_some_and(|of| *of.home() == *scope),
        };
        let index = lines.iter().position(is_here).or_else(|| lines.iter().position(near));
        self.cursor = if self.ranked.is_some() {
            0
        } else {
            index.unwrap_or(self.cursor.min(lines.len().saturating_sub(1)))
        };
        if index.is_none() && rows.is_empty() {
            self.wanted = here;
        }
        self.shown = lines;
    }

    /// The lines of rows in their order: with a head before those of each scope, where they are
    /// grouped.
    fn lines_of(&mut self, rows: Vec<usize>) -> Vec<TableLine> {
        self.heads.clear();
        if !self.has_heads() {
            return rows.into_iter().map(TableLine::Row).collect();
        }
        let mut groups: BTreeMap<Scope, Vec<usize>> = BTreeMap::new();
        for index in rows {
            let row = &self.matrix.rows[index];
            let counts = self.heads.entry(row.home().into_owned()).or_default();
            counts.add(row, self.base, &self.known);
            groups.entry(row.home().into_owned()).or_default().push(index);
        }
        let mut lines = Vec::new();
        for (scope, rows) in groups {
            lines.push(TableLine::Head(scope.clone()));
            if !self.folded.contains(&scope) {
                lines.extend(rows.into_iter().map(TableLine::Row));
            }
        }
        lines
    }

    /// Counts what the title and the list of projects tell. Typing does not change it; new facts
    /// about rows do.
    pub fn count(&mut self) {
        self.by_scope.clear();
        for row in self.matrix.rows.iter().filter(|r| self.kind.is_none_or(|k| r.kind == k)) {
            let counts = self.by_scope.entry(row.home().into_owned()).or_default();
            counts.add(row, self.base, &self.known);
        }
        self.counts = self.counts_of(self.scope.as_ref());
    }

    /// The counts of the kind that is shown in a scope; none counts all of them.
    pub fn counts_of(&self, scope: Option<&Scope>) -> RowCounts {
        match scope {
            Some(scope) => self.by_scope.get(scope).copied().unwrap_or_default(),
            None => self.by_scope.values().copied().sum(),
        }
    }

    /// Moves the cursor by so many of the rows that are shown; from now on it stays on its artifact
    /// when the rows change.
    pub fn move_by(&mut self, rows: isize) {
        self.chosen = true;
        move_cursor(&mut self.cursor, rows, self.shown.len());
    }

    /// Keeps the cursor on the screen, given how many rows fit.
    pub fn scroll_into(&mut self, height: usize) {
        if self.cursor < self.offset {
            self.offset = self.cursor;
        } else if height > 0 && self.cursor >= self.offset + height {
            self.offset = self.cursor + 1 - height;
        }
        self.offset =
            self.offset.min(self.shown.len().saturating_sub(height.min(self.shown.len())));
    }

    /// Shows one kind of artifact; none shows all.
    pub fn set_kind(&mut self, kind: Option<Kind>) {
        let here = self.row().map(|r| r.artifact.clone());
        self.kind = kind;
        self.count();
        self.show();
        if self.row().is_none_or(|r| here.as_ref() != Some(&r.artifact)) {
            (self.cursor, self.offset) = (0, 0);
        }
    }

    /// Whether a row passes all filters but what is typed.
    fn fits(&self, row: &MatrixRow) -> bool {
        self.is_of(row)
            && (!self.only_differences || row.differs(self.base, &self.known))
            && (!self.only_failing || row.is_failing())
    }

    /// Whether a row is of the kind and the scope that are shown.
    pub fn is_of(&self, row: &MatrixRow) -> bool {
        self.kind.is_none_or(|k| row.kind == k)
            && self.scope.as_ref().is_none_or(|scope| *row.home() == *scope)
    }

    /// Shows one scope alone; none shows all. The cursor stays on its row where that is shown.
    pub fn set_scope(&mut self, scope: Option<Scope>) {
        self.stay_on_row();
        self.scope = scope;
        self.count();
        self.show();
        self.offset = 0;
    }

    /// Filters by another text.
    pub fn set_filter(&mut self, filter: &str) -> Option<Effect> {
        self.filter.set(filter);
        self.rank()
    }

    /// Marks the row under the cursor for a verb, or takes its mark away; on a head, all rows of
    /// its scope.
    pub fn toggle_mark(&mut self) {
        if let Some(scope) = self.head() {
            let inside = self.matrix.rows.iter().filter(|r| self.fits(r) && *r.home() == *scope);
            let all: Vec<ArtifactName> = inside.map(|r| r.artifact.clone()).collect();
            match all.iter().all(|key| self.marks.contains(key)) {
                true => self.marks.retain(|key| !all.contains(key)),
                false => self.marks.extend(all),
            }
            return;
        }
        let Some(key) = self.row().map(|r| r.artifact.clone()) else { return };
        if !self.marks.remove(&key) {
            self.marks.insert(key);
        }
    }

    /// Marks every row that is shown.
    pub fn mark_shown(&mut self) {
        let shown: Vec<usize> = self.shown_rows().collect();
        self.marks.extend(shown.into_iter().map(|p| self.matrix.rows[p].artifact.clone()));
    }

    /// Whether a row is marked for a verb.
    pub fn is_marked(&self, row: &MatrixRow) -> bool {
        !self.marks.is_empty() && self.marks.contains(&row.artifact)
    }

    /// The marked rows, else the one under the cursor.
    pub fn selected(&self) -> Vec<&MatrixRow> {
        if self.marks.is_empty() {
            return self.row().into_iter().collect();
        }
        self.matrix.rows.iter().filter(|r| self.is_marked(r)).collect()
    }
}

/// What a typed word is looked for in: the project, then the code.
fn candidate(row: &MatrixRow) -> Candidate {
    Candidate::new(row.scoped_code())
}

fn sort(rows: &[MatrixRow], shown: &mut [usize], order: SortOrder) {
    use std::cmp::Reverse;
    match order {
        // The matrix is built in this order.
        SortOrder::Name => {}
        SortOrder::Failures => shown.sort_by_key(|p| {
            Reverse(rows[*p].cells.iter().flatten().map(MatrixCell::failed_runs).max())
        }),
        SortOrder::Changed => shown.sort_by_key(|p| {
            Reverse(rows[*p].cells.iter().flatten().filter_map(|c| c.state.last_updated).max())
        }),
        SortOrder::Backup => shown.sort_by_key(|p| rows[*p].stored.newest),
    }
}
