//! How many rows there are, and how many of them need a look.

use crate::model::EnvironmentIndex;
use crate::ops::matrix::MatrixRow;

/// Counts over some of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    pub all: usize,
    pub differ: usize,
    pub failing: usize,
}

impl RowCounts {
    /// Counts one more row, judged against the base where the lists are known.
    pub fn add(&mut self, row: &MatrixRow, base: EnvironmentIndex, known: &[bool]) {
        self.all += 1;
        self.differ += usize::from(row.differs(base, known));
        self.failing += usize::from(row.is_failing());
    }
}

impl std::iter::Sum for RowCounts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, of| Self {
            all: sum.all + of.all,
            differ: sum.differ + of.differ,
            failing: sum.failing + of.failing,
        })
    }
}
