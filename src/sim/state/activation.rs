//! How integrations are activated and deactivated: each begins with a call, and ends a while later.

use std::time::{Duration, Instant};

use super::{
    Activation, FLIP_AFTER, ServiceInstance, ServiceRefusal, TIMED_OUT, refuse, same_major,
};
use crate::model::{IntegrationId, Status};

impl ServiceInstance {
    /// Ends what has been under way long enough; it runs before every call.
    pub fn end_what_is_due(&mut self) {
        let now = Instant::now();
        for live in self.integrations.values_mut() {
            if live.deactivated_at.take_if(|ends| *ends <= now).is_some() {
                live.status = Status::Configured;
            }
            live.schedule_passes.take_if(|(_, ends)| *ends <= now);
            live.old_status.take_if(|(_, ends)| *ends <= now);
            live.old_schedule.take_if(|(_, ends)| *ends <= now);
        }
        let arrived = self.arriving.extract_if(.., |(at, ..)| *at <= now);
        self.integrations.extend(arrived.map(|(_, id, live)| (id, live)));
        let done: Vec<IntegrationId> = self
            .integrations
            .iter()
            .filter(|(_, l)| {
                l.activation.as_ref().is_some_and(|a| a.ends.is_some_and(|e| e <= now))
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in done {
            self.finish_activation(&id);
        }
    }

    fn finish_activation(&mut self, id: &IntegrationId) {
        let Some(live) = self.integrations.get_mut(id) else { return };
        let ended = live.activation.take();
        if ended.as_ref().is_some_and(|a| a.flips) {
            let error =
                Some("The endpoint stopped answering after the activation (simulated).".to_owned());
            live.activation =
                Some(Activation { ends: Some(Instant::now() + FLIP_AFTER), error, flips: false });
        }
        let error = ended.and_then(|a| a.error);
        live.status = if error.is_some() { Status::FailedActivation } else { Status::Active };
        live.activation_error = error;
        live.update_instances();
        if live.status != Status::Active {
            return;
        }
        // The active version of the same major is swapped out in the same step.
        for (other, live) in &mut self.integrations {
            if same_major(other, id) && other != id && live.status == Status::Active {
                live.stop();
            }
        }
    }

    /// Begins an activation, which [`Self::end_what_is_due`] ends. Refuses where the integration is
    /// active already or too many others are; a connection or lookup that is missing fails the
    /// activation later.
    pub fn activate(&mut self, id: &IntegrationId) -> Result<(), ServiceRefusal> {
        let problem = self.activation_problem(id)?;
        let active = self.integrations.iter().filter(|(_, l)| l.status == Status::Active);
        if active.filter(|(other, _)| !same_major(other, id)).count() >= self.settings.active_limit
        {
            let limit = self.settings.active_limit;
            return refuse(
                412,
                "ICS-10063",
                format!("{limit} integrations are active, more are not allowed."),
            );
        }
        let flips = self.flip_activation;
        let takes = if self.stuck_activation { None } else { Some(self.settings.activation()) };
        let forced = self
            .fail_activation
            .then(|| "The adapter refused the endpoint (simulated).".to_owned());
        let manners = self.settings.manners;
        let times_out = manners.activation_times_out;
        let live = self.get_mut(id)?;
        let old = live.status_words();
        live.is_at_rest(id)?;
        let times_out = times_out && !std::mem::replace(&mut live.timed_out, true);
        let forced = forced.or_else(|| times_out.then(|| TIMED_OUT.to_owned()));
        if live.status == Status::Active {
            return refuse(412, "ICS-10061", format!("{id} is already active."));
        }
        let ends = takes.map(|t: Duration| Instant::now() + t);
        live.activation = Some(Activation { ends, error: problem.or(forced), flips });
        live.activation_error = None;
        live.status = Status::Busy;
        live.show_for(old, manners.lag());
        Ok(())
    }

    fn activation_problem(&self, id: &IntegrationId) -> Result<Option<String>, ServiceRefusal> {
        let live = self.get(id)?;
        let missing = live
            .body
            .connections()
            .into_iter()
            .find(|c| !self.connections_in(&id.scope).get(c).is_some_and(|c| c.configured));
        if let Some(code) = missing {
            return Ok(Some(format!("The connection {code} is not configured.")));
        }
        let gone =
            live.body.lookups().into_iter().find(|l| !self.lookups_in(&id.scope).contains_key(l));
        Ok(gone.map(|l| format!("The lookup {l} does not exist.")))
    }

    /// Stops an integration and its schedule at once, also while it is being activated or after
    /// that failed; refuses with 412 in any other status.
    pub fn deactivate(&mut self, id: &IntegrationId) -> Result<(), ServiceRefusal> {
        let manners = self.settings.manners;
        let live = self.get_mut(id)?;
        live.is_at_rest(id)?;
        match live.status {
            Status::Active | Status::Busy => {
                let old = live.status_words();
                live.stop();
                live.show_for(old, manners.lag());
                if manners.deactivation_ms > 0 {
                    live.status = Status::Busy;
                    live.deactivated_at = Some(Instant::now() + manners.deactivation());
                }
                Ok(())
            }
            Status::FailedActivation if !manners.failed_is_inactive => {
                live.stop();
                Ok(())
            }
            _ => refuse(412, "ICS-10062", format!("{id} is not active.")),
        }
    }
}
