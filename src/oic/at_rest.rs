//! Waits for what takes time on the service, since an answer of 2xx only says that it began:
//! activations, schedules, imports and jobs, until they are at rest.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::error::{ErrorKind, OicError};

/// The state of something that the service takes time for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestState<S> {
    /// It stays so until somebody changes it.
    Resting(S),
    /// It is on its way, in the service's word.
    Passing(String),
    /// The service's word for it is not known: it may be on its way, or stay so.
    Unsure { state: S, word: String },
}

/// How long something is waited for.
#[derive(Debug, Clone, Copy)]
pub struct WaitLimits {
    /// The longest pause between two looks: the first ones follow sooner, since much is done in a
    /// moment.
    pub poll: Duration,
    /// The longest time in all.
    pub longest: Duration,
    /// How long a state from before a call may still be shown after it, or nothing at all.
    pub grace: Duration,
    /// How long one word that nobody knows is waited out before it is taken for one at rest.
    pub unsure: Duration,
}

/// The word for how something stands before the service has said it.
pub const UNANSWERED: &str = "unanswered";

/// Why something is not known to rest.
#[derive(Debug, thiserror::Error)]
pub enum NotAtRest {
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
/// [`NotAtRest::Hangs`] where it still passes, or nobody answers, at the end of `limits.longest`;
/// [`NotAtRest::Unwatched`] where the service refuses to tell.
pub async fn wait_until_at_rest<S, L>(
    limits: WaitLimits,
    may_be_old: impl Fn(&S) -> bool,
    mut look: impl FnMut() -> L,
    mut tell: impl FnMut(&str, Duration),
) -> Result<S, NotAtRest>
where
    L: Future<Output = Result<RestState<S>, OicError>>,
{
    let began = Instant::now();
    // The word until the service says how it stands.
    let mut last = UNANSWERED.to_owned();
    let mut unsure: Option<(String, Instant)> = None;
    let mut pause = limits.poll / 10;
    loop {
        // An answer shows the state at the time of the question, however long it took.
        let in_grace = began.elapsed() < limits.grace;
        match look().await {
            Ok(RestState::Resting(state)) if may_be_old(&state) && in_grace => {}
            Ok(RestState::Resting(state)) => return Ok(state),
            Ok(RestState::Passing(word)) => last = word,
            Ok(RestState::Unsure { state, word }) => {
                let since = match unsure.take().filter(|(same, _)| *same == word) {
                    Some((_, since)) => since,
                    None => Instant::now(),
                };
                if since.elapsed() >= limits.unsure {
                    return Ok(state);
                }
                unsure = Some((word.clone(), since));
                last = word;
            }
            // What was just begun may not be found yet.
            Err(e) if e.status() == Some(404) && in_grace => tracing::debug!("not there yet: {e}"),
            Err(e) if is_lasting(&e) => return Err(NotAtRest::Unwatched(e)),
            Err(e) => tracing::warn!("while waiting: {e}"),
        }
        let waited = began.elapsed();
        if waited >= limits.longest {
            return Err(NotAtRest::Hangs { state: last, waited: limits.longest });
        }
        tell(&last, waited);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(limits.poll);
    }
}

/// Whether asking again how it goes cannot help: the role may not see it, it is gone, or the
/// instance has no such call. Any other failure passes: the wait goes on where the service did not
/// answer once.
fn is_lasting(error: &OicError) -> bool {
    matches!(error.kind, ErrorKind::Status { status: 401 | 403 | 404 | 405 | 501, .. })
}

/// Whether a word that is not known otherwise says of itself that it stays: it failed, ended or was
/// switched off.
pub fn is_at_rest(word: &str) -> bool {
    const AT_REST: [&str; 30] = [
        "ABORTED",
        "CANCELED",
        "CANCELLED",
        "CLOSED",
        "COMPLETE",
        "COMPLETED",
        "CONFIGURED",
        "DELETED",
        "DISABLED",
        "DISCARDED",
        "DONE",
        "DRAFT",
        "ENDED",
        "ERROR",
        "ERRORED",
        "EXPIRED",
        "FINISHED",
        "IDLE",
        "INACTIVE",
        "INVALID",
        "KILLED",
        "NONE",
        "PROCESSED",
        "REJECTED",
        "RESUBMITTED",
        "SKIPPED",
        "STOPPED",
        "SUCCEEDED",
        "SUCCESS",
        "TERMINATED",
    ];
    let word = word.to_ascii_uppercase();
    let parts = || word.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty());
    let on_its_way = |part: &str| part == "NOT" || part == "IN" || part.ends_with("ING");
    let at_rest = |part: &str| AT_REST.contains(&part) || part.starts_with("FAIL");
    word.is_empty() || parts().any(at_rest) && !parts().any(on_its_way)
}

/// How a job stands by the service's word for it.
pub(super) fn job_state(word: Option<String>) -> RestState<Option<String>> {
    let passes = |word: &str| {
        let word = word.to_ascii_uppercase();
        ["PROGRESS", "RUNNING", "STARTED", "QUEUED", "PENDING", "ACCEPTED", "SCHEDULED"]
            .iter()
            .any(|passing| word.contains(passing))
    };
    match word {
        Some(word) if passes(&word) => RestState::Passing(word),
        Some(word) if !is_at_rest(&word) => RestState::Unsure { state: Some(word.clone()), word },
        word => RestState::Resting(word),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("FAILEDDEACTIVATION", true)]
    #[case("ACTIVATION_FAILED", true)]
    #[case("IDLE", true)]
    #[case("COMPLETED", true)]
    #[case("", true)]
    #[case("WARMING_UP", false)]
    #[case("QUEUED_FOR_START", false)]
    #[case("NOT_COMPLETED", false)]
    #[case("PENDING_STOPPED", false)]
    #[case("INCOMPLETE", false)]
    #[case("BLOCKED", false)]
    fn a_word_says_of_itself_whether_it_stays(#[case] word: &str, #[case] stays: bool) {
        assert_eq!(is_at_rest(word), stays);
    }

    /// A word that nobody knows is waited out, and not for ever.
    #[tokio::test]
    async fn a_word_that_stays_is_taken_for_one_at_rest() {
        let limits = WaitLimits {
            poll: Duration::from_millis(1),
            longest: Duration::from_secs(300),
            grace: Duration::from_millis(1),
            unsure: Duration::from_millis(60),
        };
        let began = Instant::now();
        let look = || async { Ok(RestState::Unsure { state: 7, word: "GLOWING".to_owned() }) };
        assert_eq!(wait_until_at_rest(limits, |_| false, look, |_, _| ()).await.unwrap(), 7);
        assert!(began.elapsed() >= Duration::from_millis(60));
    }
}
