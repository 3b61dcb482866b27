//! One version of an integration on an instance: what it shows, and what is under way on it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ArchiveBody, InstanceHistory, LiveIntegration, ServiceRefusal, refuse};
use crate::archive::Iar;
use crate::model::{InstanceCounts, IntegrationId, ScheduleState, Status};
use crate::sim::landscape::FlowSpec;
use crate::sim::landscape::Manners;

impl LiveIntegration {
    /// An integration as an import leaves it: it does not run, and nothing is under way.
    pub(super) fn imported(bytes: &[u8], iar: Iar) -> Self {
        let error = ("The target refused the request (simulated).".into(), "the target".into());
        let history = InstanceHistory::new(InstanceCounts::default(), None, error);
        Self::new(ArchiveBody::Imported(bytes.into(), Box::new(iar)), history)
    }

    /// An integration that was saved just now and does not run.
    pub(super) fn new(body: ArchiveBody, history: InstanceHistory) -> Self {
        let schedule = body.scheduled().then_some(ScheduleState::Stopped);
        Self {
            body,
            status: Status::Configured,
            updated: Timestamp::now(),
            by: "oicx".into(),
            locked_by: None,
            unsaved_by: None,
            schedule,
            history,
            broken: false,
            saves: 1,
            activation: None,
            activation_error: None,
            parameters: BTreeMap::new(),
            timed_out: false,
            deactivated_at: None,
            old_status: None,
            definition: None,
            old_schedule: None,
            schedule_passes: None,
        }
    }

    /// What is under way ends with the next call.
    pub fn end_what_passes(&mut self) {
        let now = Instant::now();
        self.deactivated_at.iter_mut().for_each(|ends| *ends = now);
        self.schedule_passes.iter_mut().for_each(|(_, ends)| *ends = now);
        (self.old_status, self.old_schedule) = (None, None);
    }

    /// Refuses with 412 while a deactivation is under way.
    pub fn is_at_rest(&self, id: &IntegrationId) -> Result<(), ServiceRefusal> {
        match self.deactivated_at {
            Some(_) => refuse(412, "ICS-10064", format!("{id} is being deactivated.")),
            None => Ok(()),
        }
    }

    /// Shows the words from before a call for a while.
    pub(super) fn show_for(&mut self, old: (String, String), lag: Duration) {
        self.old_status = (!lag.is_zero()).then(|| (old, Instant::now() + lag));
    }

    /// The service's words for its status: in lists, and where an activation is watched.
    pub fn status_words(&self) -> (String, String) {
        if let Some((old, _)) = &self.old_status {
            return old.clone();
        }
        match (&self.status, self.deactivated_at) {
            (_, Some(_)) => ("DEACTIVATION_INPROGRESS".into(), "DEACTIVATION_INPROGRESS".into()),
            // While an activation is under way the list keeps the old `status`.
            (Status::Busy, None) => ("CONFIGURED".into(), "ACTIVATION_INPROGRESS".into()),
            (other, None) => (other.clone().into(), other.clone().into()),
        }
    }

    /// When its schedule runs, as it was defined by a call, else as its flow says.
    pub fn schedule_times(&self) -> Value {
        self.definition.clone().unwrap_or_else(|| {
            let ical = match &self.body {
                ArchiveBody::Flow(flow) => flow.schedule.clone(),
                ArchiveBody::Imported(..) => None,
            };
            json!({ "frequency": "ical", "icalExpression": ical, "scheduleTZ": "UTC" })
        })
    }

    /// [`Self::schedule_times`] as an instance of these manners writes them.
    pub fn schedule_times_in(&self, manners: &Manners) -> Value {
        let mut times = self.schedule_times();
        if manners.frequency_is_object {
            without_rule(&mut times);
        }
        times
    }

    /// The service's word for the state of its schedule; none where it has none.
    pub fn schedule_word(&self) -> Option<String> {
        let state = self.schedule.as_ref()?;
        if let Some((old, _)) = &self.old_schedule {
            return Some(old.clone());
        }
        Some(match (&self.schedule_passes, state) {
            (Some((word, _)), _) => (*word).to_owned(),
            (None, ScheduleState::Running) => "ACTIVE".to_owned(),
            (None, other) => other.label().to_ascii_uppercase(),
        })
    }

    /// Somebody saves a change in the console, without a new version number. Imported ones cannot
    /// be edited here: their bytes are all that is known of them.
    pub fn edit(&mut self, change: impl FnOnce(&mut FlowSpec), who: &str) {
        if let ArchiveBody::Flow(flow) = &mut self.body {
            change(Arc::make_mut(flow));
        }
        self.saves += 1;
        self.by = who.to_owned();
        self.updated = Timestamp::now();
    }

    /// Deactivates it at once, with its schedule and its instances.
    pub(super) fn stop(&mut self) {
        self.activation = None;
        self.status = Status::Configured;
        if self.schedule.is_some() {
            self.schedule = Some(ScheduleState::Stopped);
        }
        self.update_instances();
    }

    /// Somebody starts, pauses or stops the schedule, which takes that time; the old state is shown
    /// for a while.
    pub fn set_schedule(&mut self, state: ScheduleState, takes: Duration, lag: Duration) {
        let old = self.schedule_word();
        self.old_schedule = old.filter(|_| !lag.is_zero()).map(|old| (old, Instant::now() + lag));
        let word = match &state {
            ScheduleState::Running if self.schedule == Some(ScheduleState::Paused) => "RESUMING",
            ScheduleState::Running => "STARTING",
            ScheduleState::Paused => "PAUSING",
            _ => "STOPPING",
        };
        self.schedule_passes = (!takes.is_zero()).then(|| (word, Instant::now() + takes));
        self.schedule = Some(state);
        self.update_instances();
    }
}

/// Writes the iCal rule of a schedule as an object, as some instances do.
fn without_rule(times: &mut Value) {
    let Some(rule) = times["icalExpression"].as_str().map(str::to_owned) else { return };
    let part = |key: &str| rule.split(';').find_map(|p| p.strip_prefix(key));
    let interval = part("INTERVAL=").and_then(|n| n.parse::<u32>().ok()).unwrap_or(1);
    times["frequency"] =
        json!({ "frequencyType": part("FREQ=").unwrap_or_default(), "interval": interval });
    times.as_object_mut().and_then(|fields| fields.remove("icalExpression"));
}
