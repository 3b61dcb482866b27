//! Counts rows by how they stand against the base.

use crate::model::EnvironmentIndex;
use crate::ops::matrix::{Mark, MatrixRow};
use crate::tui::app::App;

/// How many rows of an environment have which mark against the base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DriftCounts {
    pub same: usize,
    pub different: usize,
    pub older: usize,
    pub newer: usize,
    /// Rows that are not on the environment.
    pub missing: usize,
    /// Rows that are not on the base.
    pub more: usize,
    /// Rows that are not compared yet, or guessed by version and date.
    pub open: usize,
}

impl DriftCounts {
    /// Counts the rows of the kind and the scope that are shown.
    pub fn of(app: &App, environment: EnvironmentIndex) -> Self {
        let table = &app.table;
        let mut counts = Self::default();
        for row in table.matrix.rows.iter().filter(|r| table.is_of(r)) {
            let judged = row.judge(environment, table.base, &table.known);
            match judged.mark {
                Mark::Same => counts.same += 1,
                Mark::Different => counts.different += 1,
                Mark::Older => counts.older += 1,
                Mark::Newer => counts.newer += 1,
                Mark::Absent => counts.missing += 1,
                Mark::Unknown => counts.open += 1,
                Mark::None => {}
            }
            let guessed = !judged.proven && matches!(judged.mark, Mark::Same | Mark::Different);
            counts.open += usize::from(guessed);
            let has = |row: &MatrixRow, e: EnvironmentIndex| row.cell(e).is_some();
            counts.more += usize::from(has(row, environment) && !has(row, table.base));
        }
        counts
    }
}
