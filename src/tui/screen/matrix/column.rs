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
    /// The column at a place, of so many environments.
    pub fn at(place: usize, environments: usize) -> Option<Self> {
        match place.cmp(&environments) {
            std::cmp::Ordering::Less => Some(Self::Environment(EnvironmentIndex(place))),
            std::cmp::Ordering::Equal => Some(Self::Store),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// Its place from the left, of so many environments.
    pub fn place(self, environments: usize) -> usize {
        match self {
            Self::Environment(environment) => environment.0,
            Self::Store => environments,
        }
    }

    /// The environment, where it is one.
    pub fn environment(self) -> Option<EnvironmentIndex> {
        match self {
            Self::Environment(place) => Some(place),
            Self::Store => None,
        }
    }
}

/// Whether the first column comes after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    Yes,
    No,
}
