//! The columns: an environment each, the store last.

use crate::model::EnvironmentIndex;

/// A column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixColumn {
    /// By its index among the environments.
    Environment(EnvironmentIndex),
    /// The last column.
    Store,
}

impl MatrixColumn {
    /// The column of an index, of so many environments.
    pub fn at(index: usize, environments: usize) -> Option<Self> {
        match index.cmp(&environments) {
            std::cmp::Ordering::Less => Some(Self::Environment(EnvironmentIndex(index))),
            std::cmp::Ordering::Equal => Some(Self::Store),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// Its index from the left, of so many environments.
    pub fn index(self, environments: usize) -> usize {
        match self {
            Self::Environment(environment) => environment.0,
            Self::Store => environments,
        }
    }

    /// The environment, where it is one.
    pub fn environment(self) -> Option<EnvironmentIndex> {
        match self {
            Self::Environment(environment) => Some(environment),
            Self::Store => None,
        }
    }
}

/// What comes after the last column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnsEnd {
    /// The first one.
    Wraps,
    /// Nothing.
    Stops,
}
