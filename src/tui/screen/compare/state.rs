//! Two archives side by side: what changed in meaning, then the text.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use super::rows::CompareRow;
use crate::diff::{Change, FilePair, FileState, RowKind, TextDiff, TextRow};
use crate::ops::compare::Compared;
use crate::tui::{screen::ScreenId, widgets::finder::Finder};

/// The part that takes the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareMode {
    /// The list of changes, with the text of the one under the cursor below it.
    Changes,
    /// The list of files that differ.
    Files,
    /// The text alone.
    Text,
}

#[derive(Debug)]
pub struct CompareScreen {
    pub id: ScreenId,
    pub finder: Finder,
    pub compared: Arc<Compared>,
    /// What the two sides are called on the screen.
    pub names: (String, String),
    pub mode: CompareMode,
    /// The mode to which Esc goes from the text.
    pub came_from: CompareMode,
    pub cosmetic: bool,
    /// The changes that are folded together.
    pub sections: Vec<Range<usize>>,
    /// The sections that are open.
    pub open: BTreeSet<usize>,
    /// The row under the cursor.
    pub cursor: usize,
    pub file_cursor: usize,
    /// The text that is shown, by its index in the comparison's files.
    pub text: Option<(usize, Arc<TextDiff>)>,
    /// The first row of the text that is shown.
    pub scroll: usize,
    /// How many columns of the text are left out.
    pub shift: usize,
}

impl CompareScreen {
    /// A comparison, with what its two sides are called.
    pub fn new(id: ScreenId, compared: Arc<Compared>, names: (String, String)) -> Self {
        let mode = CompareMode::Changes;
        let sections = compared.comparison.sections();
        Self {
            id,
            finder: Finder::default(),
            // What is the only one has nothing to be folded for.
            open: if sections.len() == 1 { BTreeSet::from([0]) } else { BTreeSet::new() },
            sections,
            compared,
            names,
            mode,
            came_from: mode,
            cosmetic: false,
            cursor: 0,
            file_cursor: 0,
            text: None,
            scroll: 0,
            shift: 0,
        }
    }

    /// The changes in meaning, without the cosmetic ones.
    pub fn changes(&self) -> &[Change] {
        &self.compared.comparison.changes
    }

    /// How many rows the list of changes has.
    pub fn count(&self) -> usize {
        self.rows().len()
    }

    /// The change under the cursor; None where the cursor is on a cosmetic one or the list is
    /// empty.
    pub fn change(&self) -> Option<&Change> {
        self.change_of(*self.rows().get(self.cursor)?)
    }

    /// The files that differ, by their index.
    pub fn differing(&self) -> Vec<usize> {
        let files = &self.compared.comparison.files;
        let wanted = |p: &FilePair| match p.state {
            FileState::Same => false,
            FileState::Cosmetic => self.cosmetic,
            _ => true,
        };
        (0..files.len()).filter(|i| wanted(&files[*i])).collect()
    }

    /// The index of the change, cosmetic one or file on each line of the list; None for a line that
    /// belongs to the one above it.
    pub fn indexes_of_lines(&self) -> Vec<Option<usize>> {
        if self.mode == CompareMode::Files {
            return (0..self.differing().len()).map(Some).collect();
        }
        let mut out = Vec::new();
        out.extend(self.compared.comparison.same.then_some(None));
        for (i, row) in self.rows().into_iter().enumerate() {
            out.push(Some(i));
            let change = self.change_of(row).filter(|_| !matches!(row, CompareRow::Head(_)));
            let has_values = change.is_some_and(|c| c.before.is_some() || c.after.is_some());
            out.extend(has_values.then_some(None));
        }
        out
    }

    /// The index of the file that is chosen, or in which the change under the cursor stands; None
    /// where the change stands in no file.
    pub fn wanted_file(&self) -> Option<usize> {
        if self.mode == CompareMode::Files || self.came_from == CompareMode::Files {
            return self.differing().get(self.file_cursor).copied();
        }
        let change = self.change()?;
        let before = |p: &FilePair| change.before_file.is_some() && p.before == change.before_file;
        let after = |p: &FilePair| change.after_file.is_some() && p.after == change.after_file;
        let files = &self.compared.comparison.files;
        // A version that came is compared with one that stayed, whose files have pairs of their
        // own.
        let exact = files.iter().position(|p| before(p) && after(p));
        exact.or_else(|| files.iter().position(|p| before(p) || after(p)))
    }

    /// Whether the text of the wanted file is there.
    pub fn has_text(&self) -> bool {
        self.wanted_file().is_some() && self.text.as_ref().map(|(i, _)| *i) == self.wanted_file()
    }

    /// Scrolls the text to the change under the cursor: to the row with its anchor, else to the
    /// first row that differs.
    pub fn show_change(&mut self) {
        let Some((_, text)) = &self.text else { return };
        // A file chosen from the list of files belongs to no single change.
        let by_file = self.mode == CompareMode::Files || self.came_from == CompareMode::Files;
        let anchor =
            self.change().filter(|_| !by_file).map(|c| c.anchor.clone()).unwrap_or_default();
        let says = |row: &TextRow| {
            let line = |lines: &[String], at: Option<usize>| {
                at.is_some_and(|i| lines[i].contains(&anchor))
            };
            line(&text.before, row.before) || line(&text.after, row.after)
        };
        let hunks = text.hunks();
        let in_hunk = |start: &usize| {
            let rows = text.rows[*start..].iter().take_while(|r| r.kind != RowKind::Same);
            !anchor.is_empty() && rows.clone().any(says)
        };
        let row = hunks.iter().find(|h| in_hunk(h)).or(hunks.first()).copied().unwrap_or(0);
        self.scroll = row.saturating_sub(3);
    }
}
