//! How wide columns are, and what gives way on a narrow screen.

use super::table::MatrixTable;
use crate::model::EnvironmentIndex;
use crate::ops::matrix::{Judged, Mark, MatrixRow};

/// Version, status, mark: `01.02.0003 ● ≠`.
pub const PLAIN: usize = 14;
const MARKER: usize = 3;
/// `12 versions · newest 3h`, `12 · 3h`.
const STORE_LONG: usize = 25;
const STORE_SHORT: usize = 10;
/// `  2026-11-23 01:30 by somebody`
const CHANGED: usize = 34;
const GAP: usize = 2;
const SHORTEST_NAME: usize = 18;
const LONGEST_NAME: usize = 46;

/// Widths for one drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnWidths {
    pub name: usize,
    /// Environments that are drawn, with their widths.
    pub environments: Vec<(EnvironmentIndex, usize)>,
    /// Marks of the environments that are not drawn.
    pub folded: Vec<EnvironmentIndex>,
    pub store: usize,
    /// Short words in cells.
    pub short: bool,
    /// Short words in the store's column.
    pub store_short: bool,
    /// The width of the base's last change; 0 where there is no room for it.
    pub changed: usize,
}

impl ColumnWidths {
    /// Works out the widths for a screen of `width` columns: words get short first, then only the
    /// environment under the cursor is drawn and the others give their marks.
    pub fn fit(table: &MatrixTable, names: &[&str], width: usize) -> Self {
        let longest = table.widths.name;
        let name = longest.clamp(SHORTEST_NAME, LONGEST_NAME);
        let widths = |short: bool| -> Vec<(EnvironmentIndex, usize)> {
            let of = |i: EnvironmentIndex| {
                widest(table, i, short).max(names[i.0].chars().count() + 2).max(PLAIN)
            };
            EnvironmentIndex::all(names.len()).map(|i| (i, of(i))).collect()
        };
        let sum = |e: &[(EnvironmentIndex, usize)]| e.iter().map(|(_, w)| w + GAP).sum::<usize>();
        for (short, store_short) in [(false, false), (true, false), (true, true)] {
            let store = if store_short { STORE_SHORT } else { STORE_LONG };
            let environments = widths(short);
            let others = MARKER + sum(&environments) + GAP + store;
            let left = width.saturating_sub(others);
            let enough =
                if store_short { SHORTEST_NAME.max(longest.min(24)) } else { name.min(34) };
            if left >= enough {
                let name = name.min(left);
                let spare = left - name;
                let changed = if spare >= CHANGED { spare } else { 0 };
                return Self {
                    name,
                    environments,
                    folded: vec![],
                    store,
                    short,
                    store_short,
                    changed,
                };
            }
        }
        Self::folded(table, &widths(true), name, width)
    }

    /// The widths for the environment under the cursor and the marks of the others.
    fn folded(
        table: &MatrixTable,
        widths: &[(EnvironmentIndex, usize)],
        name: usize,
        width: usize,
    ) -> Self {
        let shown = table.target();
        let folded: Vec<_> = EnvironmentIndex::all(widths.len()).filter(|i| *i != shown).collect();
        let marks = folded.len() * 6;
        let environments: Vec<_> = widths.iter().copied().filter(|(i, _)| *i == shown).collect();
        let taken = MARKER
            + environments.iter().map(|(_, w)| w + GAP).sum::<usize>()
            + marks
            + GAP
            + STORE_SHORT;
        let left = width.saturating_sub(taken).max(SHORTEST_NAME);
        Self {
            name: name.min(left),
            environments,
            folded,
            store: STORE_SHORT,
            short: true,
            store_short: true,
            changed: 0,
        }
    }
}

fn widest(table: &MatrixTable, column: EnvironmentIndex, short: bool) -> usize {
    let (long, brief) = table.widths.notes.get(column.0).copied().unwrap_or_default();
    match if short { brief } else { long } {
        0 => PLAIN,
        note => PLAIN + note + 1,
    }
}

/// The mark against the base, and whether it is drawn fainter.
pub fn mark(row: &MatrixRow, column: EnvironmentIndex, table: &MatrixTable) -> Judged {
    row.judge(column, table.base, &table.known)
}

/// The character that a mark is drawn with.
pub fn symbol(judged: Judged) -> &'static str {
    match judged.mark {
        Mark::None => " ",
        other => other.symbol(),
    }
}
