//! Single changes to an environment. Before a change is repeated, its effect is checked, because a
//! lost answer does not mean that nothing happened.

use std::{collections::BTreeSet, future::Future, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::error::StepError;
use super::live::{look, means};
use crate::model::{
    AccessList, ArtifactKey, Fingerprint, IntegrationId, ProjectCode, ScheduleParameters,
    ScheduleState, Scope, Status, StepIndex, visible,
};
use crate::oic::{ActivationState, Client, ConnectionSettings, OicError, same_times};
use crate::workspace::events::{Events, Progress, StopSignal};

/// Pauses and patience, which tests shorten.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// The longest pause between two checks of an activation; the first ones are shorter.
    pub poll: Duration,
    /// The pause before a change is repeated; it doubles each time.
    pub again: Duration,
    pub tries: usize,
    /// How often putting back is tried: a failure there is worse than waiting. The pause doubles up
    /// to a minute.
    pub put_back: usize,
    /// How long a state from before a call may still be shown after it; none: as the environment's
    /// config says.
    pub grace: Option<Duration>,
    /// How long an activation must have held when it is proven; none: as the environment's config
    /// says.
    pub steady: Option<Duration>,
    /// How long a step that a person wants held may still come to its end.
    pub hold: Duration,
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
            grace: None,
            steady: None,
            hold: Duration::from_secs(4),
            at_once: 4,
        }
    }
}

/// Which values of schedule parameters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteParameters {
    /// Those that have no value: a replacement lost them. Others were moved by a run since.
    Unset,
    /// All: another version ran, and its values are newer than this one's own.
    All,
}

/// What a step says that had nothing to do.
pub const ALREADY: &str = "already in that state";

/// What a schedule is brought to.
pub struct ScheduleWrites<'a> {
    pub definition: Option<&'a Value>,
    /// Whether a schedule that is there gets the times of the definition.
    pub times: bool,
    /// Whether one that was stopped for that goes on afterwards, where no state is wanted.
    pub restart: bool,
    pub parameters: &'a ScheduleParameters,
    pub write: WriteParameters,
}

/// What became of the definition of a schedule.
struct DefinedSchedule {
    said: String,
    /// How it stood before it was stopped for that.
    stopped: Option<ScheduleState>,
}

/// Changes artifacts of one environment.
#[derive(Clone, Copy)]
pub struct RetryingClient<'a> {
    pub client: &'a Client,
    pub retry_policy: &'a RetryPolicy,
    /// Where it tells for which step it waits.
    pub waiting: Option<(&'a Events, StepIndex)>,
    /// Where a person stops the run; none while it is put back, which goes on then.
    pub stop: Option<&'a StopSignal>,
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LOST: &str = "done, although the answer was lost";

impl RetryPolicy {
    /// How long a state from before a call may still be shown after it.
    pub(super) fn grace_on(&self, client: &Client) -> Duration {
        self.grace.unwrap_or(Duration::from_secs(client.environment().grace))
    }
}

impl RetryingClient<'_> {
    /// How long a state from before a call may still be shown after it.
    pub(super) fn grace(&self) -> Duration {
        self.retry_policy.grace_on(self.client)
    }

    /// How long an activation must have held when it is proven.
    pub(super) fn steady(&self) -> Duration {
        let said = Duration::from_secs(self.client.environment().steady);
        self.retry_policy.steady.unwrap_or(said)
    }

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
        let (mut tries, began) = (0, Instant::now());
        loop {
            tries += 1;
            let refused = match attempt().await {
                Ok(()) => return Ok(String::new()),
                Err(error) if error.is_ambiguous() => {
                    open = Some(error);
                    None
                }
                Err(error) if tries == 1 => return Err(error),
                // It may also mean that an earlier try took effect.
                Err(error) => Some(error),
            };
            if let Some(error) = open.as_ref().or(refused.as_ref()) {
                self.pause(pause, &error.reason()).await;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            match look().await {
                Ok(true) => return Ok(LOST.into()),
                Ok(false) => {
                    // What was begun before may be shown only now, whatever this try was told.
                    if let Some(error) = refused {
                        match self.comes_true(&mut look).await {
                            Some(true) => return Ok(LOST.into()),
                            Some(false) => open = Some(error),
                            None => open = open.or(Some(error)),
                        }
                    }
                }
                // The check failed too: the effect stays unknown.
                Err(_) => open = open.or(refused),
            }
            let is_last = tries >= self.retry_policy.tries
                || began.elapsed() >= self.client.environment().deadlines.step
                || self.is_stopped();
            if let Some(error) = open.take_if(|e| is_last || !e.is_ambiguous()) {
                return Err(error);
            }
        }
    }

    /// Whether a person asked the run to stop: then nothing is tried again.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.asked().is_some())
    }

    /// Waits before it looks what a failed try did, and tells for how long; shorter where a person
    /// stops the run.
    async fn pause(&self, pause: Duration, why: &str) {
        let sleep = telling(pause, |left| self.tell(&format!("{why}; looking again in {left} s")));
        match self.stop {
            Some(stop) => drop(stop.unless_stopped(sleep).await),
            None => sleep.await,
        }
    }

    /// Waits until what the service shows can no longer be from before a call.
    pub(super) async fn wait_out_grace(&self) {
        let tell = |left| self.tell(&format!("{left} s until what it shows is sure"));
        telling(self.grace(), tell).await;
    }

    /// Accepts a refusal where the wanted state is reached: 412 means that it is in that state
    /// already, which the service may show only a moment after the call that brought it there.
    async fn unless_so<L>(
        &self,
        result: Result<String, OicError>,
        mut look: impl FnMut() -> L,
    ) -> Result<String, OicError>
    where
        L: Future<Output = Result<bool, OicError>>,
    {
        match result {
            Err(error) if !error.is_ambiguous() => {
                let may_mean_it = matches!(error.status(), Some(404 | 409 | 412));
                let is_so = match may_mean_it {
                    true => self.comes_true(look).await.unwrap_or(false),
                    false => look().await.unwrap_or(false),
                };
                if is_so { Ok(ALREADY.into()) } else { Err(error) }
            }
            other => other,
        }
    }

    /// Whether something is shown before the grace is over; none where the last look got no answer.
    async fn comes_true<L>(&self, mut look: impl FnMut() -> L) -> Option<bool>
    where
        L: Future<Output = Result<bool, OicError>>,
    {
        let began = Instant::now();
        loop {
            let in_grace = began.elapsed() < self.grace();
            match look().await {
                Ok(true) => return Some(true),
                Ok(false) if !in_grace => return Some(false),
                Err(_) if !in_grace => return None,
                _ => {
                    let waited = began.elapsed().as_secs();
                    self.tell(&format!(
                        "looking for {waited} s whether an earlier try took effect"
                    ));
                    tokio::time::sleep(self.retry_policy.poll).await;
                }
            }
        }
    }

    /// Deactivates and waits until it no longer runs; a refusal counts as done where it is at rest
    /// already, or gone.
    pub async fn deactivate(&self, id: &IntegrationId) -> Result<String, StepError> {
        let begun = || async move {
            let found = self.client.find_integration(id).await?;
            Ok(found.is_none_or(|i| i.state.status != Status::Active))
        };
        let result = self.change(|| self.client.deactivate(id), begun).await;
        let said = self.unless_so(result, begun).await?;
        self.wait_for_deactivation(id).await?;
        Ok(said)
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
        let replaced = || means(self.client, key, wanted);
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
        let mut said = ALREADY.to_owned();
        if !settings.has_files_alone() {
            let set = || self.client.configure_connection(scope, code, settings);
            said = self.change(set, unknown).await?;
        }
        for (property, file) in &settings.attachments {
            let attach = || self.client.attach_to_connection(scope, code, (property, file));
            said = self.change(attach, unknown).await?;
        }
        Ok(said)
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
        let whole = AccessList::read(list);
        let mut unknown = BTreeSet::new();
        loop {
            let (list, gone) = AccessList::without_gone(list, &unknown);
            if !gone.is_empty() && AccessList::read(&list).has_no_administrator() {
                let gone = gone.join(", ");
                return Ok(format!("! not put back: all administrators are gone: {gone}"));
            }
            let no_look = || async { Ok(false) };
            let set = self.change(|| self.client.set_access_list(&project, &list), no_look).await;
            let refused = match set {
                Ok(said) if gone.is_empty() => return Ok(said),
                Ok(said) => return Ok(format!("{said}, without {}: gone", gone.join(", "))),
                Err(refused) => refused,
            };
            // One that the service does not know keeps nobody else from their right.
            let named = match refused.status() {
                Some(400..500) => whole.named_in(&refused.to_string()),
                _ => BTreeSet::new(),
            };
            let before = unknown.len();
            unknown.extend(named);
            if unknown.len() == before {
                return Err(refused);
            }
        }
    }

    /// Sets values of a schedule's parameters that were lost, and reads them back: a flow that
    /// starts without them takes old data again. One that this version does not have is left out
    /// and named. Nothing is set while the schedule runs: its flow knows better by now.
    async fn set_parameters(
        &self,
        id: &IntegrationId,
        values: &ScheduleParameters,
        write: WriteParameters,
    ) -> Result<String, StepError> {
        if self.wait_for_schedule(id, None).await? == Some(ScheduleState::Running) {
            return Ok("left: its schedule runs already".into());
        }
        let now = self.client.integration(id).await?;
        let tells = !now.parameters.is_empty() || !now.unset_parameters.is_empty();
        let has = |name: &String| {
            !tells || now.parameters.contains_key(name) || now.unset_parameters.contains(name)
        };
        let is_lost =
            |name: &String| write == WriteParameters::All || now.unset_parameters.contains(name);
        let gone: Vec<_> =
            values.keys().filter(|n| !has(n)).map(|n| visible(n).into_owned()).collect();
        let wanted: ScheduleParameters = values
            .iter()
            .filter(|(name, _)| has(name) && is_lost(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let wanted = &wanted;
        let there = || async move {
            let found = self.client.schedule_parameters(id).await?;
            Ok(wanted.iter().all(|(name, value)| found.get(name) == Some(value)))
        };
        let mut said = ALREADY.to_owned();
        if !wanted.is_empty() && !there().await? {
            let set = self.change(|| self.client.set_schedule_parameters(id, wanted), there);
            said = set.await?;
            if !there().await? {
                let names = wanted.keys().map(|name| visible(name).into_owned()).collect();
                return Err(StepError::Parameters { id: id.clone(), names });
            }
        }
        if gone.is_empty() {
            return Ok(said);
        }
        Ok(format!("{said}; this version has no {}", gone.join(", "))
            .trim_start_matches("; ")
            .into())
    }

    /// Defines the schedule where it went with its integration, sets its parameters, and brings it
    /// to a state, where one is wanted.
    pub async fn restore_schedule(
        &self,
        id: &IntegrationId,
        wanted: Option<&ScheduleState>,
        writes: ScheduleWrites<'_>,
    ) -> Result<String, StepError> {
        let defined = self.define_schedule(id, &writes).await?;
        let mut said = defined.said.clone();
        // A flow must not start before it knows where it was.
        if !writes.parameters.is_empty() {
            said = self.set_parameters(id, writes.parameters, writes.write).await?;
        }
        let wanted = wanted.or(defined.stopped.as_ref().filter(|_| writes.restart));
        if let Some(wanted) = wanted {
            said = self.set_schedule(id, wanted).await?;
        }
        Ok(if defined.said == ALREADY { said } else { defined.said })
    }

    /// Creates a schedule where there is none, and gives one that is there other times where that
    /// is asked for. Does nothing where no definition is known.
    async fn define_schedule(
        &self,
        id: &IntegrationId,
        writes: &ScheduleWrites<'_>,
    ) -> Result<DefinedSchedule, StepError> {
        let already = || DefinedSchedule { said: ALREADY.into(), stopped: None };
        let Some(definition) = writes.definition else { return Ok(already()) };
        let Some(live) = self.client.schedule_definition(id).await? else {
            let there = || async move { Ok(self.client.schedule_definition(id).await?.is_some()) };
            let said = self.change(|| self.client.create_schedule(id, definition), there).await?;
            return Ok(DefinedSchedule { said, stopped: None });
        };
        if !writes.times || same_times(&live, definition) {
            return Ok(already());
        }
        // It must not run between its old times and its new ones, nor before its parameters are
        // set.
        let was = self.wait_for_schedule(id, None).await?;
        let runs = matches!(was, Some(ScheduleState::Running | ScheduleState::Paused));
        if runs {
            self.set_schedule(id, &ScheduleState::Stopped).await?;
        }
        let has_times = || async move {
            let live = self.client.schedule_definition(id).await?;
            Ok(live.is_some_and(|live| same_times(&live, definition)))
        };
        let mut said =
            self.change(|| self.client.update_schedule(id, definition), has_times).await?;
        if !has_times().await? {
            said = "! taken; but the service shows other times than were sent".into();
        }
        Ok(DefinedSchedule { said, stopped: was.filter(|_| runs) })
    }

    /// Activates and waits for the end; says how long that took. Where it fails and the service
    /// says that it is to be tried again, that is done once.
    ///
    /// # Errors
    /// Where the service refuses it, or it fails, or takes longer than the config allows.
    pub async fn activate(&self, id: &IntegrationId) -> Result<Duration, StepError> {
        let started = Instant::now();
        let mut again = true;
        loop {
            let begun = || async move {
                let state = self.client.activation(id).await?;
                Ok(matches!(state, ActivationState::Active | ActivationState::InProgress))
            };
            let before = self.client.activation(id).await.ok();
            let result = self.change(|| self.client.activate(id), begun).await;
            self.unless_so(result, begun).await?;
            let state = self.wait_for_activation(id, before.as_ref()).await?;
            if state == ActivationState::Active {
                return Ok(started.elapsed());
            }
            let why = self.client.activation_error(id).await;
            let why = why.unwrap_or_else(|| match state {
                ActivationState::NotActive => "it ended, and it is not active".into(),
                _ => "no reason is given".into(),
            });
            if !std::mem::take(&mut again) || !says_retry(&why) {
                let (environment, id) = (self.client.name().clone(), id.clone());
                return Err(StepError::ActivationFailed { environment, id, why });
            }
            self.tell(&format!("once more, as the service says: {why}"));
            // What failed may have to be deactivated first; where it counts as not active, this is
            // refused and nothing is lost.
            if let Err(e) = self.client.deactivate(id).await {
                tracing::debug!("before the second activation: {e}");
            }
        }
    }

    /// Brings the schedule to a state from any other, and waits until it rests there.
    async fn set_schedule(
        &self,
        id: &IntegrationId,
        wanted: &ScheduleState,
    ) -> Result<String, StepError> {
        if let ScheduleState::Other(word) = wanted {
            return Ok(format!("left stopped: it was {word}, which cannot be set"));
        }
        // What somebody or an earlier try began comes to its end first.
        let now = self.wait_for_schedule(id, None).await?;
        if wanted.is_met_by(now.as_ref()) {
            return Ok(ALREADY.into());
        }
        match wanted {
            ScheduleState::Stopped => {
                self.bring(id, wanted, || self.client.stop_schedule(id)).await
            }
            ScheduleState::Paused => {
                if now != Some(ScheduleState::Running) {
                    let running = ScheduleState::Running;
                    self.bring(id, &running, || self.client.start_schedule(id)).await?;
                }
                self.bring(id, wanted, || self.client.pause_schedule(id)).await
            }
            _ => {
                let running = ScheduleState::Running;
                self.bring(id, &running, || self.client.start_schedule(id)).await
            }
        }
    }

    /// Makes the call that brings a schedule to a state, waits until it rests, and makes sure that
    /// it does so there.
    async fn bring<D>(
        &self,
        id: &IntegrationId,
        wanted: &ScheduleState,
        call: impl FnMut() -> D,
    ) -> Result<String, StepError>
    where
        D: Future<Output = Result<(), OicError>>,
    {
        let there = || self.schedule_heads_for(id, wanted);
        let result = self.change(call, there).await;
        let said = self.unless_so(result, there).await?;
        let found = self.wait_for_schedule(id, Some(wanted)).await?;
        if found.as_ref() == Some(wanted) {
            return Ok(said);
        }
        let found = found.as_ref().map_or("none", ScheduleState::label).to_owned();
        Err(StepError::Schedule { id: id.clone(), found, wanted: wanted.label().to_owned() })
    }

    /// Whether a schedule is in a state or on its way to it.
    async fn schedule_heads_for(
        &self,
        id: &IntegrationId,
        wanted: &ScheduleState,
    ) -> Result<bool, OicError> {
        Ok(self.client.schedule(id).await?.map(ScheduleState::resting).as_ref() == Some(wanted))
    }

    /// Tells what is waited for.
    pub(super) fn tell(&self, text: &str) {
        if let Some((events, index)) = self.waiting {
            events.send(Progress::Waiting { index, text: text.to_owned() });
        }
    }
}

/// Waits, and tells every ten seconds how many seconds are left; nothing where it is less than one.
pub(super) async fn telling(wait: Duration, tell: impl Fn(u64)) {
    const AGAIN: Duration = Duration::from_secs(10);
    let mut left = wait;
    while !left.is_zero() {
        if left.as_secs() > 0 {
            tell(left.as_secs());
        }
        let piece = left.min(AGAIN);
        tokio::time::sleep(piece).await;
        left -= piece;
    }
}

/// Whether the service asks in its words for another try: a deployment timed out, and nothing is
/// wrong with the integration (docs/oic-rest-api.md, Activation).
fn says_retry(why: &str) -> bool {
    let why = why.to_lowercase();
    ["retry", "try again"].iter().any(|word| why.contains(word))
}
