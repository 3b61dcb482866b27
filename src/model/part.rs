//! Which part of a file an artifact is.

use super::{IntegrationId, Kind, Version};

/// What of a file is meant: all of it, or one integration of a project's archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilePart {
    Whole,
    Member { code: String, version: Version },
}

impl FilePart {
    /// The integration as a part of its project's archive.
    pub fn member(id: &IntegrationId) -> Self {
        Self::Member { code: id.code.clone(), version: id.version }
    }

    /// The ending of the file's name, where the part is of this kind.
    pub fn ending(&self, kind: Kind) -> &'static str {
        match self {
            Self::Whole => kind.ending(),
            Self::Member { .. } => Kind::Project.ending(),
        }
    }
}
