//! One file as text: normalised, secrets blanked, folding by its indentation.

use std::{collections::BTreeSet, sync::Arc};

use crate::tui::{
    screen::moved,
    widgets::{
        finder::{Direction, Finder, MatchFrom, next_match},
        text::contains,
    },
};

#[derive(Debug)]
pub struct ViewerScreen {
    pub finder: Finder,
    /// The archive's label.
    pub label: String,
    pub path: String,
    pub lines: Arc<Vec<String>>,
    /// The index of the line under the cursor, in `shown`.
    pub cursor: usize,
    /// How many columns are left out.
    pub shift: usize,
    /// Lines that hide what is indented below them.
    pub folded: BTreeSet<usize>,
    /// Indexes of the lines that are shown.
    pub shown: Vec<usize>,
}

impl ViewerScreen {
    /// Opens a file's lines at the first that contains `find`.
    pub fn open(label: String, path: String, lines: Arc<Vec<String>>, find: &str) -> Self {
        let mut this = Self {
            finder: Finder::default(),
            label,
            path,
            lines,
            cursor: 0,
            shift: 0,
            folded: BTreeSet::new(),
            shown: Vec::new(),
        };
        this.unfold();
        // A text that was looked for among the names of files may be in none of the lines.
        if this.lines.iter().any(|line| contains(line, find)) {
            this.finder.field.set(find);
            this.go_to_match(Direction::Forward, MatchFrom::Here);
        }
        this
    }

    /// Moves by so many of the lines that are shown.
    pub fn move_by(&mut self, lines: isize) {
        self.cursor = moved(self.cursor, lines, self.shown.len());
    }

    /// Goes to the next line that says what is looked for, folded or not.
    pub fn go_to_match(&mut self, direction: Direction, from: MatchFrom) {
        let here = self.shown.get(self.cursor).copied().unwrap_or(0);
        let fits = |i: usize| contains(&self.lines[i], self.finder.text());
        if let Some(line) = next_match(here, self.lines.len(), (direction, from), fits) {
            self.go_to(line);
        }
    }

    /// Whether something is indented below a line.
    pub fn folds(&self, line: usize) -> bool {
        self.lines.get(line + 1).is_some_and(|next| depth(next) > depth(&self.lines[line]))
    }

    /// Hides what is indented below the line under the cursor, or shows it again.
    pub fn toggle_fold(&mut self) {
        let Some(line) = self.shown.get(self.cursor).copied().filter(|l| self.folds(*l)) else {
            return;
        };
        if !self.folded.remove(&line) {
            self.folded.insert(line);
        }
        self.unfold();
        self.cursor = self.shown.iter().position(|l| *l == line).unwrap_or(0);
    }

    /// Goes to a line of the file, and opens what hides it.
    pub fn go_to(&mut self, line: usize) {
        self.folded.retain(|f| *f >= line || depth(&self.lines[*f]) >= depth(&self.lines[line]));
        self.unfold();
        self.cursor = self.shown.iter().position(|l| *l >= line).unwrap_or(0);
    }

    fn unfold(&mut self) {
        self.shown.clear();
        let mut hidden_below: Option<usize> = None;
        for (i, line) in self.lines.iter().enumerate() {
            let at = depth(line);
            if hidden_below.is_some_and(|limit| at > limit) {
                continue;
            }
            hidden_below = self.folded.contains(&i).then_some(at);
            self.shown.push(i);
        }
    }
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_hides_what_is_indented_below() {
        let lines = ["<a>", "  <b>", "    x", "  </b>", "</a>"].map(str::to_owned).to_vec();
        let mut viewer = ViewerScreen::open("l".into(), "p".into(), Arc::new(lines), "");
        viewer.cursor = 1;
        viewer.toggle_fold();
        assert_eq!(viewer.shown, [0, 1, 3, 4]);
        viewer.go_to(2);
        assert_eq!((viewer.shown.len(), viewer.cursor), (5, 2));
    }
}
