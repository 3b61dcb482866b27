//! The rows of the list of changes: those of a member are folded under one head, which opens.

use super::state::CompareScreen;
use crate::diff::{Change, head_of};

/// A row on which the cursor can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareRow {
    /// The head of the changes of one member, by its section.
    Head(usize),
    /// A change of the comparison, by its section and its index.
    Change(usize, usize),
    /// What a member that came says differently: its section, its index, the index in there.
    Inside(usize, usize, usize),
    Cosmetic(usize),
}

impl CompareRow {
    /// The section that the row is in.
    pub fn section(self) -> Option<usize> {
        match self {
            Self::Head(section) | Self::Change(section, _) | Self::Inside(section, ..) => {
                Some(section)
            }
            Self::Cosmetic(_) => None,
        }
    }
}

impl CompareScreen {
    /// The rows that are shown.
    pub fn rows(&self) -> Vec<CompareRow> {
        self.rows_where(&|section| self.open.contains(&section))
    }

    /// The rows as if every member were open.
    pub fn all_rows(&self) -> Vec<CompareRow> {
        self.rows_where(&|_| true)
    }

    fn rows_where(&self, is_open: &dyn Fn(usize) -> bool) -> Vec<CompareRow> {
        let mut out = Vec::new();
        for (section, range) in self.sections.iter().enumerate() {
            let is_member = is_inside(&self.changes()[range.start]);
            out.extend(is_member.then_some(CompareRow::Head(section)));
            if is_member && !is_open(section) {
                continue;
            }
            for i in range.clone() {
                out.push(CompareRow::Change(section, i));
                let inside = self.changes()[i].inside.len();
                let shown = if is_open(section) { inside } else { 0 };
                out.extend((0..shown).map(|k| CompareRow::Inside(section, i, k)));
            }
        }
        let cosmetic = self.compared.comparison.cosmetic.len();
        out.extend((0..if self.cosmetic { cosmetic } else { 0 }).map(CompareRow::Cosmetic));
        out
    }

    /// The change of a row; that of a head is its first.
    pub fn change_of(&self, row: CompareRow) -> Option<&Change> {
        match row {
            CompareRow::Head(section) => self.changes().get(self.sections.get(section)?.start),
            CompareRow::Change(_, i) => self.changes().get(i),
            CompareRow::Inside(_, i, k) => self.changes().get(i)?.inside.get(k),
            CompareRow::Cosmetic(_) => None,
        }
    }

    /// `HELLO_WORLD 01.00.0000: 1 endpoint`
    pub fn head(&self, section: usize) -> String {
        self.sections.get(section).map(|r| head_of(&self.changes()[r.clone()])).unwrap_or_default()
    }

    /// Whether the row stands below the head of its member, or below the member that came.
    pub fn head_is_above(&self, row: CompareRow) -> bool {
        match row {
            CompareRow::Inside(..) => true,
            CompareRow::Change(_, i) => self.changes().get(i).is_some_and(is_inside),
            CompareRow::Head(_) | CompareRow::Cosmetic(_) => false,
        }
    }

    /// Whether the row opens and closes, and if so whether it is open.
    pub fn fold_of(&self, row: CompareRow) -> Option<bool> {
        let folds = match row {
            CompareRow::Head(_) => true,
            CompareRow::Change(_, i) => self.changes().get(i).is_some_and(|c| !c.inside.is_empty()),
            CompareRow::Inside(..) | CompareRow::Cosmetic(_) => false,
        };
        row.section().filter(|_| folds).map(|section| self.open.contains(&section))
    }

    /// Opens or closes the row under the cursor. False where it does not fold.
    pub fn toggle(&mut self) -> bool {
        let row = self.rows().get(self.cursor).copied();
        let Some((section, open)) = row.and_then(|r| Some((r.section()?, self.fold_of(r)?))) else {
            return false;
        };
        if open {
            self.open.remove(&section);
        } else {
            self.open.insert(section);
        }
        true
    }

    /// Puts the cursor on a row, whose section is opened for it.
    pub fn show(&mut self, row: CompareRow) {
        self.open.extend(row.section());
        self.cursor = self.rows().iter().position(|r| *r == row).unwrap_or(self.cursor);
    }
}

/// Whether a change is one inside a member, and not one of the whole member.
fn is_inside(change: &Change) -> bool {
    change.place_in_member() != change.place
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diff::{self, fixture};
    use crate::ops::compare::Compared;
    use crate::tui::screen::ScreenId;

    /// A project by its members: code and version, and the name of their one step.
    fn project(members: &[(&str, &str, &str)]) -> crate::archive::UnpackedArchive {
        let mut files = vec![("project/project.yaml".to_owned(), "code: HR\n".to_owned())];
        for (code, version, step) in members {
            let folder = format!("project/integrations/{code}_{version}");
            let info = format!(r#"{{"properties":{{"code":"{code}","version":"{version}"}}}}"#);
            let flow = format!("<p><orchestration><note name=\"{step}\"/></orchestration></p>");
            files.push((format!("{folder}/info.json"), info));
            files.push((format!("{folder}/PROJECT-INF/project.xml"), flow));
        }
        fixture::opened(&fixture::zip(files), "HR.car")
    }

    #[test]
    fn what_is_in_a_member_is_folded_and_opens() {
        let before = project(&[("SYNC", "01.00.0000", "a"), ("PAY", "01.00.0000", "x")]);
        let after = project(&[
            ("SYNC", "01.00.0000", "b"),
            ("PAY", "01.00.0000", "x"),
            ("PAY", "01.00.0001", "y"),
        ]);
        let comparison = diff::compare(&before, &after).unwrap();
        let (before_label, after_label) = ("a".to_owned(), "b".to_owned());
        let compared = Compared { before_label, after_label, before, after, comparison };
        let names = ("a".to_owned(), "b".to_owned());
        let mut view = CompareScreen::new(ScreenId(1), Arc::new(compared), names);
        assert_eq!(view.rows(), [CompareRow::Change(0, 0), CompareRow::Head(1)]);
        assert_eq!(view.fold_of(CompareRow::Head(1)), Some(false));
        assert!(view.head(1).starts_with("SYNC 01.00.0000: "), "{}", view.head(1));
        assert!(view.toggle(), "a version that came opens");
        assert!(view.rows().contains(&CompareRow::Inside(0, 0, 0)), "{:?}", view.rows());
        let all = view.all_rows();
        let last = *all.last().unwrap();
        view.show(last);
        assert_eq!(view.rows(), all);
        assert_eq!(view.rows()[view.cursor], last);
        assert!(view.change().unwrap().place.starts_with("SYNC 01.00.0000 › "));
        assert!(!view.toggle(), "a change does not fold");
        view.cursor = view.rows().iter().position(|r| *r == CompareRow::Head(1)).unwrap();
        assert!(view.toggle());
        assert_eq!(view.rows().last(), Some(&CompareRow::Head(1)));
    }
}
