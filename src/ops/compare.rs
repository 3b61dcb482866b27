//! Compares what two references name. This takes milliseconds of computing, which is not done on
//! the runtime's threads.

use crate::archive::{ArchiveError, UnpackedArchive};
use crate::diff::{self, Comparison, DifferentKinds};
use crate::workspace::source::{FetchedArchive, ReadError, SourceError};

/// Two archives, unpacked, and what differs between them.
#[derive(Debug)]
pub struct Compared {
    pub before_label: String,
    pub after_label: String,
    pub before: UnpackedArchive,
    pub after: UnpackedArchive,
    pub comparison: Comparison,
}

/// Why two archives cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Kinds(#[from] DifferentKinds),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Reads two archives and compares them.
///
/// # Errors
/// Where one of the two is no archive, or they are of different kinds.
pub async fn compare(
    before: FetchedArchive,
    after: FetchedArchive,
) -> Result<Compared, CompareError> {
    let work = move || {
        let (x, y) = (before.open()?, after.open()?);
        let comparison = diff::compare(&x, &y)?;
        Ok(Compared {
            before_label: before.label,
            after_label: after.label,
            before: x,
            after: y,
            comparison,
        })
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        let why = ArchiveError::ReaderFailed(e.to_string());
        Err(CompareError::Source(SourceError::Archive { label: "the comparison".into(), why }))
    })
}
