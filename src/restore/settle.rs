//! What takes time on the service: an answer of 2xx says that it began. One mechanism waits for
//! activations, deactivations and schedules until they rest.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

use super::{error::StepError, retrying_client::RetryingClient};
use crate::model::{IntegrationId, ScheduleState, Status};
use crate::oic::{ActivationState, OicError};

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
    /// Looks until something rests; tells meanwhile what is waited for and how long.
    ///
    /// # Errors
    /// [`StepError::Hangs`] where it still passes when the patience of the config is at its end;
    /// [`StepError::Unwatched`] where the service refuses to tell.
    pub(super) async fn settle<S, L>(
        &self,
        what: &str,
        id: &IntegrationId,
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
            match look().await {
                Ok(Resting(state)) => return Ok(state),
                Ok(Passing(word)) => last = word,
                Err(e) if e.is_ambiguous() => tracing::warn!("while waiting for the {what}: {e}"),
                Err(e) => return Err(StepError::Unwatched(e)),
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

    /// Waits for the end of an activation that was begun.
    pub(super) async fn settled_activation(
        &self,
        id: &IntegrationId,
    ) -> Result<ActivationState, StepError> {
        self.settle("activation", id, || async move {
            Ok(match self.client.activation(id).await? {
                state @ (ActivationState::Active | ActivationState::Failed) => Resting(state),
                ActivationState::InProgress => Passing("being activated".into()),
                // It is begun in a moment.
                ActivationState::NotActive => Passing("not active".into()),
            })
        })
        .await
    }

    /// Waits until an integration no longer runs: it is deactivated, or gone.
    ///
    /// # Errors
    /// [`StepError::StillActive`] where it rests and runs.
    pub(super) async fn settled_deactivation(&self, id: &IntegrationId) -> Result<(), StepError> {
        let state = self.settle("deactivation", id, || self.standing(id)).await?;
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

    /// Waits until a schedule rests; none where there is none.
    pub(super) async fn settled_schedule(
        &self,
        id: &IntegrationId,
    ) -> Result<Option<ScheduleState>, StepError> {
        self.settle("schedule", id, || async move {
            Ok(match self.client.schedule(id).await? {
                Some(ScheduleState::Passing { word, .. }) => Passing(word),
                state => Resting(state),
            })
        })
        .await
    }
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
