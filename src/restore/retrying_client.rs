//! Single changes to an environment. Before a change is repeated, its effect is checked, because a
//! lost answer does not mean that nothing happened.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::error::StepError;
use super::live::{live_fingerprints, look};
use crate::model::{
    AccessList, ArtifactKey, Fingerprint, IntegrationId, ProjectCode, ScheduleState, Scope, Status,
};
use crate::oic::{ActivationState, Client, ConnectionSettings, OicError};

/// Pauses and patience, which tests shorten.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// The pause between two checks of an activation.
    pub poll: Duration,
    /// The pause before a change is repeated; it doubles each time.
    pub again: Duration,
    pub tries: usize,
    /// How often putting back is tried: a failure there is worse than waiting. The pause doubles up
    /// to a minute.
    pub put_back: usize,
    /// How long an activation must have held when it is proven.
    pub steady: Duration,
    /// How many artifacts are worked on at once.
    pub at_once: usize,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(1000),
            again: Duration::from_secs(2),
            tries: 5,
            put_back: 8,
            steady: Duration::from_secs(2),
            at_once: 4,
        }
    }
}

/// Changes artifacts of one environment.
pub struct RetryingClient<'a> {
    pub client: &'a Client,
    pub retry_policy: &'a RetryPolicy,
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LOST: &str = "done, although the answer was lost";

impl RetryingClient<'_> {
    /// Makes a change, repeated where that is safe. After a failure that leaves it open what
    /// happened, `look` finds out whether it took effect.
    ///
    /// # Errors
    /// A clear refusal of the service; or, where nobody could find out whether a try took effect,
    /// the error that left it open ([`OicError::is_ambiguous`]).
    async fn change<D, L>(
        &self,
        mut attempt: impl FnMut() -> D,
        mut look: impl FnMut() -> L,
    ) -> Result<String, OicError>
    where
        D: Future<Output = Result<(), OicError>>,
        L: Future<Output = Result<bool, OicError>>,
    {
        // A try whose effect is still unknown.
        let mut open: Option<OicError> = None;
        let mut pause = self.retry_policy.again;
        let mut tries = 0;
        loop {
            tries += 1;
            let refused = match attempt().await {
                Ok(()) => return Ok(String::new()),
                Err(error) if error.is_ambiguous() => {
                    open = Some(error);
                    None
                }
                Err(error) if tries == 1 => return Err(error),
                // 409 and 412 may also mean that an earlier try took effect.
                Err(error) => Some(error),
            };
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match look().await {
                Ok(true) => return Ok(LOST.into()),
                Ok(false) => open = refused.or(open),
                // The check failed too: the effect stays unknown.
                Err(_) => open = open.or(refused),
            }
            if let Some(error) =
                open.take_if(|e| tries >= self.retry_policy.tries || !e.is_ambiguous())
            {
                return Err(error);
            }
        }
    }

    /// Accepts a refusal where the wanted state is reached: 412 means that it is in that state
    /// already.
    async fn unless_so<L>(
        &self,
        result: Result<String, OicError>,
        look: impl Fn() -> L,
    ) -> Result<String, OicError>
    where
        L: Future<Output = Result<bool, OicError>>,
    {
        match result {
            Err(error) if !error.is_ambiguous() && look().await.unwrap_or(false) => {
                Ok("already in that state".into())
            }
            other => other,
        }
    }

    /// Deactivates; a refusal counts as done where the integration is at rest already, or gone.
    pub async fn deactivate(&self, id: &IntegrationId) -> Result<String, OicError> {
        let inactive =
            || async move { Ok(self.client.integration(id).await?.state.status != Status::Active) };
        let result = self.change(|| self.client.deactivate(id), inactive).await;
        let idle = || async move {
            if self.client.find_integration(id).await?.is_none() {
                return Ok(true);
            }
            Ok(inactive().await? && self.client.activation(id).await? == ActivationState::NotActive)
        };
        self.unless_so(result, idle).await
    }

    /// Imports an archive that is not there yet. Where the answer was lost, it looks before it
    /// repeats.
    pub async fn import(&self, key: &ArtifactKey, bytes: &Bytes) -> Result<String, OicError> {
        let there = || async move { Ok(look(self.client, key).await?.is_some()) };
        self.change(|| self.client.import_file(key, bytes.clone()), there).await
    }

    /// Lets the service copy an integration of another scope into a project.
    pub async fn copy(&self, key: &ArtifactKey, from: &IntegrationId) -> Result<String, OicError> {
        let there = || async move { Ok(look(self.client, key).await?.is_some()) };
        self.change(|| self.client.copy_integration(from, &key.scope), there).await
    }

    /// Replaces an archive in place; done when the live one has the portable fingerprint `wanted`.
    pub async fn replace(
        &self,
        key: &ArtifactKey,
        bytes: &Bytes,
        wanted: Fingerprint,
    ) -> Result<String, OicError> {
        let replaced = || async move {
            Ok(live_fingerprints(self.client, key).await?.is_some_and(|m| m.portable == wanted))
        };
        self.change(|| self.client.replace_file(key, bytes.clone()), replaced).await
    }

    /// Deletes one artifact; one that is gone already counts as done.
    pub async fn delete(&self, key: &ArtifactKey) -> Result<String, OicError> {
        let gone = || async move { Ok(look(self.client, key).await?.is_none()) };
        let result = self.change(|| self.client.delete_one(key), gone).await;
        self.unless_so(result, gone).await
    }

    /// Sets a connection's values. Setting them twice does no harm, so nothing is checked between
    /// tries.
    pub async fn configure(
        &self,
        scope: &Scope,
        code: &str,
        settings: &ConnectionSettings,
    ) -> Result<String, OicError> {
        let unknown = || async { Ok(false) };
        self.change(|| self.client.configure_connection(scope, code, settings), unknown).await
    }

    /// Puts back who may do what in a project, without those that the service does not know any
    /// more. Setting it twice does no harm, so nothing is checked between tries. A list of which
    /// all administrators are gone is not sent: nobody could reach the project.
    pub async fn set_access_list(
        &self,
        key: &ArtifactKey,
        list: &Value,
    ) -> Result<String, OicError> {
        let project = ProjectCode::from(key.code.as_str());
        let (list, gone) = AccessList::without_gone(list);
        if !gone.is_empty() && AccessList::read(&list).has_no_administrator() {
            return Ok(format!("! not put back: all administrators are gone: {}", gone.join(", ")));
        }
        let unknown = || async { Ok(false) };
        let said = self.change(|| self.client.set_access_list(&project, &list), unknown).await?;
        match gone.as_slice() {
            [] => Ok(said),
            gone => Ok(format!("{said}, without {}: gone", gone.join(", "))),
        }
    }

    /// Defines the schedule where it went with its integration, and brings it to a state, where one
    /// is wanted.
    pub async fn restore_schedule(
        &self,
        id: &IntegrationId,
        wanted: Option<&ScheduleState>,
        definition: Option<&Value>,
    ) -> Result<String, OicError> {
        let defined = self.create_schedule(id, definition).await?;
        match wanted {
            Some(wanted) => self.set_schedule(id, wanted).await,
            None => Ok(defined),
        }
    }

    /// Does nothing where there is a schedule, or where no definition is known.
    async fn create_schedule(
        &self,
        id: &IntegrationId,
        definition: Option<&Value>,
    ) -> Result<String, OicError> {
        let there = || async move { Ok(self.client.schedule_definition(id).await?.is_some()) };
        match definition {
            Some(definition) if !there().await? => {
                self.change(|| self.client.create_schedule(id, definition), there).await
            }
            _ => Ok("already in that state".into()),
        }
    }

    /// Starts the activation and watches it to its end; says how long that took.
    ///
    /// # Errors
    /// Where the service refuses it, or it fails or takes longer than the config allows.
    pub async fn activate(&self, id: &IntegrationId) -> Result<Duration, StepError> {
        let begun = || async move {
            let state = self.client.activation(id).await?;
            Ok(matches!(state, ActivationState::Active | ActivationState::InProgress))
        };
        let result = self.change(|| self.client.activate(id), begun).await;
        self.unless_so(result, begun).await?;
        self.watch(id).await
    }

    /// Watches an activation that was begun to its end.
    async fn watch(&self, id: &IntegrationId) -> Result<Duration, StepError> {
        let started = Timestamp::now();
        let patience = Duration::from_secs(self.client.environment().activation_timeout);
        loop {
            match self.client.activation(id).await {
                Ok(ActivationState::Active) => {
                    return Ok(Timestamp::now().duration_since(started).unsigned_abs());
                }
                Ok(ActivationState::Failed) => {
                    let why = self.client.activation_error(id).await;
                    return Err(StepError::ActivationFailed {
                        environment: self.client.name().clone(),
                        id: id.clone(),
                        why: why.unwrap_or_else(|| "no reason is given".into()),
                    });
                }
                Ok(ActivationState::InProgress | ActivationState::NotActive) => {}
                Err(e) if e.is_ambiguous() => tracing::warn!("while watching the activation: {e}"),
                Err(e) => return Err(e.into()),
            }
            let waited = Timestamp::now().duration_since(started);
            if waited.unsigned_abs() >= patience {
                return Err(StepError::ActivationTimeout {
                    environment: self.client.name().clone(),
                    id: id.clone(),
                    seconds: patience.as_secs(),
                });
            }
            tokio::time::sleep(self.retry_policy.poll).await;
        }
    }

    /// Brings the schedule to a state from any other.
    async fn set_schedule(
        &self,
        id: &IntegrationId,
        wanted: &ScheduleState,
    ) -> Result<String, OicError> {
        let there = || async move { Ok(self.client.schedule(id).await?.as_ref() == Some(wanted)) };
        if there().await? {
            return Ok("already in that state".into());
        }
        match wanted {
            ScheduleState::Running => self.change(|| self.client.start_schedule(id), there).await,
            ScheduleState::Stopped => self.change(|| self.client.stop_schedule(id), there).await,
            ScheduleState::Paused => {
                let running = || async move {
                    Ok(self.client.schedule(id).await? == Some(ScheduleState::Running))
                };
                self.change(|| self.client.start_schedule(id), running).await?;
                self.change(|| self.client.pause_schedule(id), there).await
            }
            ScheduleState::Other(word) => {
                Ok(format!("left stopped: it was {word}, which cannot be set"))
            }
        }
    }
}
