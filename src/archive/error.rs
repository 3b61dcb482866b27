//! Why an export is not read: the bytes are no archive, are not safe to read, or are not what they
//! are taken for.

use std::fmt::Display;

use super::{budget, lookup};
use crate::model::{IntegrationId, Kind, Version, visible};

/// Why bytes are no archive, not one that is safe to read, or not the one that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive is empty (0 bytes)")]
    Empty,
    #[error(
        "this is an HTML page, not an archive: a proxy or a sign-in page answered instead of the \
            service"
    )]
    Html,
    #[error("this is not a zip archive, or it is cut off: {0}")]
    NotZip(String),
    #[error("the archive holds {0} entries; more than {max} are not read", max = budget::ENTRIES)]
    TooMany(usize),
    #[error("`{name}` in the archive {why}; it is not read")]
    Suspicious { name: String, why: &'static str },
    #[error("`{name}` in the archive is broken: {why}")]
    Broken { name: String, why: String },
    /// A part that carries meaning cannot be read: what the archive means is not known.
    #[error("{0}")]
    Unread(String),
    #[error("`{0}` stands in the archive more than once; which one counts cannot be known")]
    Twice(String),
    #[error("this zip is not an integration export: {0}")]
    NotAnIntegration(String),
    #[error("it has no project/project.yaml")]
    NotAProject,
    #[error("it is not a lookup: its first line is not `DVM,<name>,<description>`")]
    NotALookup,
    /// The copy of a lookup that travels along is no such XML.
    #[error("the .dvm {0}")]
    BrokenDvm(String),
    #[error("the lookup has more than {max} cells", max = lookup::MAX_CELLS)]
    TooManyCells,
    /// It may be right in itself, and is not of the kind that is wanted.
    #[error("it is of kind {found}, not {wanted}")]
    OtherKind { found: Kind, wanted: Kind },
    /// It may be right in itself, and is not the artifact that is wanted.
    #[error("it is the archive of {found}, not of {wanted}")]
    OtherArtifact { found: String, wanted: String },
    /// A project's archive lacks an integration that it should have.
    #[error("the project's archive has no {code} {version}", code = visible(code))]
    NoMember { code: String, version: Version },
    #[error("it has no such part")]
    NoSuchPart,
    #[error("{0} is not a file of its own")]
    NotAFile(IntegrationId),
    /// A file of this kind does not say which artifact it is; the store does.
    #[error(
        "a {kind}'s file does not say its code and version; restore it from the store: \
            store:ENV/{folder}/CODE",
        folder = kind.folder()
    )]
    SaysNoCode { kind: Kind },
    /// This program failed while it read: a fault of its own.
    #[error("{0}")]
    ReaderFailed(String),
}

impl ArchiveError {
    /// The archive of one artifact was given where another's is wanted.
    pub fn other_artifact(found: &dyn Display, wanted: &dyn Display) -> Self {
        Self::OtherArtifact { found: found.to_string(), wanted: wanted.to_string() }
    }
}
