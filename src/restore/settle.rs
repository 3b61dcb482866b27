//! What takes time on the service: an answer of 2xx says that it began. One mechanism waits for
//! activations, deactivations and schedules until they rest.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::{error::StepError, retrying_client::RetryingClient};
use crate::model::{IntegrationId, ScheduleState, Status};
use crate::oic::{ActivationState, ErrorKind, OicError};

/// How something stands that the service takes time for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing<S> {
    /// It stays so until somebody changes it.
    Resting(S),
    /// It is on its way, in the service's word.
    Passing(String),
}

use Standing::{Passing, Resting};

impl RetryingClient<'_> {
    /// Looks until something rests; tells meanwhile what is waited for and how long. A state that
    /// `may_be_old` names is taken for what was before the call until a grace is over: the service
    /// takes a call first and changes what it shows a moment later.
    ///
    /// # Errors
    /// [`StepError::Hangs`] where it still passes, or nobody answers, when the patience of the
    /// config is at its end; [`StepError::Unwatched`] where the service refuses to tell.
    pub(super) async fn settle<S, L>(
        &self,
        what: &str,
        id: &IntegrationId,
        may_be_old: impl Fn(&S) -> bool,
        mut look: impl FnMut() -> L,
    ) -> Result<S, StepError>
    where
        L: Future<Output = Result<Standing<S>, OicError>>,
    {
        let began = Instant::now();
        let patience = Duration::from_secs(self.client.environment().activation_timeout);
        // Until the service says how it stands.
        let mut last = "unanswered".to_owned();
        loop {
            // As it was when it was asked for, however long the answer took.
            let in_grace = began.elapsed() < self.retry_policy.grace;
            match look().await {
                Ok(Resting(state)) if may_be_old(&state) && in_grace => {}
                Ok(Resting(state)) => return Ok(state),
                Ok(Passing(word)) => last = word,
                Err(e) if is_lasting(&e) => return Err(StepError::Unwatched(e)),
                Err(e) => tracing::warn!("while waiting for the {what}: {e}"),
            }
            let waited = began.elapsed();
            if waited >= patience {
                return Err(StepError::Hangs {
                    environment: self.client.name().clone(),
                    what: what.to_owned(),
                    id: id.clone(),
                    state: last,
                    seconds: patience.as_secs(),
                });
            }
            let (waited, most) = (waited.as_secs(), patience.as_secs());
            if waited > 0 {
                self.tell(&format!("{last} for {waited} s, at most {most} s"));
            }
            tokio::time::sleep(self.retry_policy.poll).await;
        }
    }

    /// Waits for the end of an activation that was begun; `before` is how it stood before.
    pub(super) async fn settled_activation(
        &self,
        id: &IntegrationId,
        before: Option<&ActivationState>,
    ) -> Result<ActivationState, StepError> {
        let may_be_old = |state: &ActivationState| {
            *state == ActivationState::NotActive
                || *state == ActivationState::Failed && before == Some(state)
        };
        self.settle("activation", id, may_be_old, || async move {
            Ok(match self.client.activation(id).await? {
                ActivationState::InProgress => Passing("being activated".into()),
                state => Resting(state),
            })
        })
        .await
    }

    /// Waits until an integration no longer runs: it is deactivated, or gone.
    ///
    /// # Errors
    /// [`StepError::StillActive`] where it rests and runs.
    pub(super) async fn settled_deactivation(&self, id: &IntegrationId) -> Result<(), StepError> {
        let may_be_old = |state: &Option<Status>| state.as_ref() == Some(&Status::Active);
        let look = || self.standing(id);
        let state = self.settle("deactivation", id, may_be_old, look).await?;
        match state {
            None => Ok(()),
            Some(status) if !runs(&status) => Ok(()),
            Some(status) => Err(StepError::StillActive {
                environment: self.client.name().clone(),
                id: id.clone(),
                state: status.label().to_owned(),
            }),
        }
    }

    /// How an integration stands; none where it is gone.
    async fn standing(&self, id: &IntegrationId) -> Result<Standing<Option<Status>>, OicError> {
        let Some(found) = self.client.find_integration(id).await? else {
            return Ok(Resting(None));
        };
        Ok(match found.state.status {
            Status::Busy => Passing("busy".into()),
            // Some instances say so only where the activation is watched.
            status => match self.client.activation(id).await {
                Ok(ActivationState::InProgress) => Passing("busy".into()),
                Ok(_) => Resting(Some(status)),
                // It went between the two calls.
                Err(e) if e.status() == Some(404) => Resting(None),
                Err(e) => return Err(e),
            },
        })
    }

    /// Waits until a schedule rests, and where a state is wanted, until it is in that one or rests
    /// longer in another; none where there is none.
    pub(super) async fn settled_schedule(
        &self,
        id: &IntegrationId,
        wanted: Option<&ScheduleState>,
    ) -> Result<Option<ScheduleState>, StepError> {
        let may_be_old =
            |state: &Option<ScheduleState>| wanted.is_some() && state.as_ref() != wanted;
        self.settle("schedule", id, may_be_old, || async move {
            Ok(match self.client.schedule(id).await? {
                Some(ScheduleState::Passing { word, .. }) => Passing(word),
                state => Resting(state),
            })
        })
        .await
    }
}

/// Whether asking again how it goes cannot help: the role may not see it, or it is gone. All else
/// is weather: somebody who waits for the service does not turn round because it did not answer.
fn is_lasting(error: &OicError) -> bool {
    matches!(error.kind, ErrorKind::Status { status: 401 | 403 | 404, .. })
}

/// Whether an integration in this resting state takes requests.
fn runs(status: &Status) -> bool {
    match status {
        Status::Active => true,
        // The service could not deactivate it.
        Status::Other(word) => word.eq_ignore_ascii_case("FAILEDDEACTIVATION"),
        _ => false,
    }
}
