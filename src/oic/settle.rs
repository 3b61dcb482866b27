//! What takes time on the service: an answer of 2xx says that it began. One mechanism waits for
//! activations, schedules, imports and jobs until they rest.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::error::{ErrorKind, OicError};

/// How something stands that the service takes time for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<S> {
    /// It stays so until somebody changes it.
    Resting(S),
    /// It is on its way, in the service's word.
    Passing(String),
}

/// How long something is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The pause between two looks.
    pub poll: Duration,
    /// The longest time in all.
    pub longest: Duration,
    /// How long a state from before a call may still be shown after it, or nothing at all.
    pub grace: Duration,
}

/// The word for how something stands before the service has said it.
pub const UNANSWERED: &str = "unanswered";

/// Why something is not known to rest.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    #[error("it is still {state} after {} s", .waited.as_secs())]
    Hangs { state: String, waited: Duration },
    #[error("the service does not tell how it stands: {0}")]
    Unwatched(OicError),
}

/// Looks until something rests, and tells meanwhile the word that it stands in and how long that
/// lasts. A state that `may_be_old` names is taken for what was before the call until a grace is
/// over: the service takes a call first and changes what it shows a moment later.
///
/// # Errors
/// [`Unsettled::Hangs`] where it still passes, or nobody answers, at the end of the patience;
/// [`Unsettled::Unwatched`] where the service refuses to tell.
pub async fn settle<S, L>(
    patience: Patience,
    may_be_old: impl Fn(&S) -> bool,
    mut look: impl FnMut() -> L,
    mut tell: impl FnMut(&str, Duration),
) -> Result<S, Unsettled>
where
    L: Future<Output = Result<Standing<S>, OicError>>,
{
    let began = Instant::now();
    // Until the service says how it stands.
    let mut last = UNANSWERED.to_owned();
    loop {
        // As it was when it was asked for, however long the answer took.
        let in_grace = began.elapsed() < patience.grace;
        match look().await {
            Ok(Standing::Resting(state)) if may_be_old(&state) && in_grace => {}
            Ok(Standing::Resting(state)) => return Ok(state),
            Ok(Standing::Passing(word)) => last = word,
            // What was just begun may not be found yet.
            Err(e) if e.status() == Some(404) && in_grace => tracing::debug!("not there yet: {e}"),
            Err(e) if is_lasting(&e) => return Err(Unsettled::Unwatched(e)),
            Err(e) => tracing::warn!("while waiting: {e}"),
        }
        let waited = began.elapsed();
        if waited >= patience.longest {
            return Err(Unsettled::Hangs { state: last, waited: patience.longest });
        }
        tell(&last, waited);
        tokio::time::sleep(patience.poll).await;
    }
}

/// Whether asking again how it goes cannot help: the role may not see it, or it is gone. All else
/// is weather: somebody who waits for the service does not turn round because it did not answer.
fn is_lasting(error: &OicError) -> bool {
    matches!(error.kind, ErrorKind::Status { status: 401 | 403 | 404, .. })
}

/// Whether a state that is not known otherwise stays, by its word: what failed, ended or was
/// switched off does. Any other word may be one of a state on its way, and is waited out.
pub fn rests(word: &str) -> bool {
    const AT_REST: [&str; 20] = [
        "FAIL",
        "ERROR",
        "COMPLET",
        "SUCCE",
        "FINISH",
        "DONE",
        "END",
        "EXPIRED",
        "CANCEL",
        "ABORT",
        "STOPPED",
        "DISABLED",
        "INACTIVE",
        "INVALID",
        "DRAFT",
        "LOCKED",
        "NONE",
        "UNKNOWN",
        "NOT_",
        "CONFIGURED",
    ];
    let word = word.to_ascii_uppercase();
    word.is_empty() || AT_REST.iter().any(|part| word.contains(part)) && !word.ends_with("ING")
}

/// How a job stands by the service's word for it.
pub(super) fn job_standing(word: Option<String>) -> Standing<Option<String>> {
    match word {
        Some(word) if !rests(&word) => Standing::Passing(word),
        word => Standing::Resting(word),
    }
}
