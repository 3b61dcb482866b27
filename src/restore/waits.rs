//! Waits in a run for what takes time on the service: activations, deactivations, schedules and the
//! import of a project.

use std::{collections::BTreeSet, future::Future, time::Duration};

use super::{error::StepError, retrying_client::RetryingClient};
use crate::model::{ArtifactKey, IntegrationId, ScheduleState, Status, plural};
use crate::oic::{
    self, ActivationState, NotAtRest, OicError,
    RestState::{self, Passing, Resting, Unsure},
    WaitLimits,
};

/// How many times the grace a word that nobody knows is waited out.
const UNSURE: u32 = 6;

impl RetryingClient<'_> {
    /// Looks until something rests, as [`oic::wait_until_at_rest`] does, with the patience
    /// of the config.
    ///
    /// # Errors
    /// [`StepError::Hangs`] where it still passes, or nobody answers, when the patience is at its
    /// end; [`StepError::Unwatched`] where the service refuses to tell.
    async fn wait_until_at_rest<S, L>(
        &self,
        what: &str,
        subject: &impl ToString,
        may_be_old: impl Fn(&S) -> bool,
        look: impl FnMut() -> L,
    ) -> Result<S, StepError>
    where
        L: Future<Output = Result<RestState<S>, OicError>>,
    {
        let limits = WaitLimits {
            poll: self.retry_policy.poll,
            longest: Duration::from_secs(self.client.environment().activation_timeout),
            grace: self.grace(),
            unsure: self.grace() * UNSURE,
        };
        let most = limits.longest.as_secs();
        let tell = |word: &str, waited: Duration| {
            if waited.as_secs() > 0 {
                let then = if self.is_stopped() { "; the run stops after that" } else { "" };
                self.tell(&format!("{word} for {} s, at most {most} s{then}", waited.as_secs()));
            }
        };
        oic::wait_until_at_rest(limits, may_be_old, look, tell).await.map_err(|why| match why {
            NotAtRest::Unwatched(e) => StepError::Unwatched(e),
            NotAtRest::Hangs { state, waited } => StepError::Hangs {
                environment: self.client.name().clone(),
                what: what.to_owned(),
                subject: subject.to_string(),
                state,
                seconds: waited.as_secs(),
            },
        })
    }

    /// Waits for the end of an activation that was begun; `before` is how it stood before.
    pub(super) async fn wait_for_activation(
        &self,
        id: &IntegrationId,
        before: Option<&ActivationState>,
    ) -> Result<ActivationState, StepError> {
        let may_be_old = |state: &ActivationState| {
            *state == ActivationState::NotActive
                || *state == ActivationState::Failed && before == Some(state)
        };
        self.wait_until_at_rest("activation", id, may_be_old, || async move {
            Ok(match self.client.activation(id).await? {
                ActivationState::InProgress => Passing("being activated".into()),
                ActivationState::Unknown(word) => {
                    Unsure { state: ActivationState::NotActive, word }
                }
                state => Resting(state),
            })
        })
        .await
    }

    /// Waits until an integration no longer runs: it is deactivated, or gone.
    ///
    /// # Errors
    /// [`StepError::StillActive`] where it rests and runs.
    pub(super) async fn wait_for_deactivation(&self, id: &IntegrationId) -> Result<(), StepError> {
        let may_be_old = |state: &Option<Status>| state.as_ref() == Some(&Status::Active);
        let look = || self.standing(id);
        let state = self.wait_until_at_rest("deactivation", id, may_be_old, look).await?;
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
    async fn standing(&self, id: &IntegrationId) -> Result<RestState<Option<Status>>, OicError> {
        let Some(found) = self.client.find_integration(id).await? else {
            return Ok(Resting(None));
        };
        Ok(match found.state.status {
            Status::Busy => Passing("busy".into()),
            // Some instances say so only where the activation is watched.
            status => match self.client.activation(id).await {
                Ok(ActivationState::InProgress) => Passing("busy".into()),
                Ok(ActivationState::Unknown(word)) => Unsure { state: Some(status), word },
                Ok(_) => match &status {
                    Status::Other(word) if !oic::is_at_rest(word) => {
                        let word = word.clone();
                        Unsure { state: Some(status), word }
                    }
                    _ => Resting(Some(status)),
                },
                // It went between the two calls.
                Err(e) if e.status() == Some(404) => Resting(None),
                Err(e) => return Err(e),
            },
        })
    }

    /// Waits until an imported project has all the integrations that its archive holds.
    pub(super) async fn wait_for_import(
        &self,
        project: &ArtifactKey,
        members: &BTreeSet<IntegrationId>,
    ) -> Result<(), StepError> {
        let scope = &project.uses_scope();
        self.wait_until_at_rest(
            "import",
            project,
            |_| false,
            || async move {
                let listed = match self.client.integrations_in(scope).await {
                    // It is not shown yet.
                    Err(e) if e.status() == Some(404) => vec![],
                    listed => listed?,
                };
                let missing =
                    members.iter().filter(|m| !listed.iter().any(|l| l.id == **m)).count();
                Ok(match missing {
                    0 => Resting(()),
                    n => Passing(format!("without {} of its archive", plural(n, "integration"))),
                })
            },
        )
        .await
    }

    /// Waits until a schedule rests, and where a state is wanted, until it is in that one or rests
    /// longer in another; none where there is none.
    pub(super) async fn wait_for_schedule(
        &self,
        id: &IntegrationId,
        wanted: Option<&ScheduleState>,
    ) -> Result<Option<ScheduleState>, StepError> {
        let may_be_old =
            |state: &Option<ScheduleState>| wanted.is_some() && state.as_ref() != wanted;
        self.wait_until_at_rest("schedule", id, may_be_old, || async move {
            Ok(match self.client.schedule(id).await? {
                Some(ScheduleState::Passing { word, .. }) => Passing(word),
                Some(ScheduleState::Other(word)) if !oic::is_at_rest(&word) => {
                    Unsure { state: Some(ScheduleState::Other(word.clone())), word }
                }
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
