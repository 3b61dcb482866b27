//! The instances of an integration: those that the landscape tells of, spread over the day before,
//! and those that come while it runs.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::{ServiceInstance, ServiceRefusal, refuse};
use crate::model::{InstanceCounts, IntegrationId, ScheduleState, Status};

/// The time over which the landscape's counts are spread.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The instances of one id over time; they stay when the integration is replaced.
#[derive(Debug, Clone)]
pub struct InstanceHistory {
    base: InstanceCounts,
    /// When this history began; the instances that `base` counts lie before.
    began: Timestamp,
    /// When instances began to fail; None: failed ones lie among the good ones.
    failing_since: Option<Timestamp>,
    periods: Vec<Period>,
    /// The message of a failing instance, and the step that fails.
    pub error: (String, String),
}

/// A time in which instances come.
#[derive(Debug, Clone)]
struct Period {
    from: Timestamp,
    until: Option<Timestamp>,
    broken: bool,
}

/// One instance.
#[derive(Debug, Clone)]
pub struct SimInstance {
    pub id: String,
    pub at: Timestamp,
    pub failed: bool,
    /// What a person did with it after it failed.
    pub recovered: Option<Recovered>,
}

/// What became of a failed instance that a person took care of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    Discarded,
    /// The instance was sent again and succeeded.
    Resubmitted,
}

impl InstanceHistory {
    /// A history of which `base` tells the instances of the day before now; `error` is the message
    /// of a failing instance and the step that fails.
    pub fn new(
        base: InstanceCounts,
        failing_since: Option<Timestamp>,
        error: (String, String),
    ) -> Self {
        Self { base, began: Timestamp::now(), failing_since, periods: Vec::new(), error }
    }

    /// Begins a period of instances, which fail where `broken`; a period that is open ends first.
    pub fn begin(&mut self, broken: bool) {
        self.end();
        self.periods.push(Period { from: Timestamp::now(), until: None, broken });
    }

    /// Ends the open period of instances; nothing happens where none is open.
    pub fn end(&mut self) {
        if let Some(last) = self.periods.last_mut().filter(|p| p.until.is_none()) {
            last.until = Some(Timestamp::now());
        }
    }

    /// Every instance, oldest first.
    fn list(&self, id: &IntegrationId, every: Duration, scheduled: bool) -> Vec<SimInstance> {
        let mut out = Vec::new();
        let mut add = |at: Timestamp, failed: bool| {
            let project = id.scope.project().map(|p| format!("{p}-")).unwrap_or_default();
            let id = format!("{project}{}-{}-{}", id.code, id.version, at.as_millisecond());
            out.push(SimInstance { id, at, failed, recovered: None });
        };
        let start = self.began - DAY;
        let turned = self.failing_since.unwrap_or(self.began).clamp(start, self.began);
        spread(start, turned, self.base.succeeded).for_each(|at| add(at, false));
        let failing_from = if self.failing_since.is_some() { turned } else { start };
        spread(failing_from, self.began, self.base.failed).for_each(|at| add(at, true));
        // An integration without schedule and counted instances waits for callers, which are not
        // simulated.
        if scheduled || self.base != InstanceCounts::default() {
            let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::from_secs(30));
            for period in &self.periods {
                let until = period.until.unwrap_or_else(Timestamp::now);
                let mut at = period.from + every;
                while at <= until {
                    add(at, period.broken);
                    at += every;
                }
            }
        }
        out.sort_by_key(|r| r.at);
        out
    }
}

/// `count` moments, spread evenly between two.
fn spread(from: Timestamp, until: Timestamp, count: u64) -> impl Iterator<Item = Timestamp> {
    let whole = until.duration_since(from).as_millis().max(1);
    (0..count).map(move |n| {
        let part = whole * i128::from(2 * n + 1) / i128::from(2 * count);
        from + SignedDuration::from_millis(i64::try_from(part).unwrap_or_default())
    })
}

impl ServiceInstance {
    /// Every instance of one integration, oldest first.
    pub fn instances(&self, id: &IntegrationId) -> Vec<SimInstance> {
        let Some(live) = self.integrations.get(id) else { return Vec::new() };
        let mut runs = live.history.list(id, self.settings.run_every(), live.schedule.is_some());
        for run in &mut runs {
            let (at, shown) = (Instant::now(), self.settings.manners.recovery());
            let done = self.recovered.get(&run.id).filter(|(_, since)| *since + shown <= at);
            run.recovered = done.map(|(how, _)| *how);
        }
        runs
    }

    /// The instances since a time, counted as monitoring counts them.
    pub fn instance_counts(&self, id: &IntegrationId, since: Timestamp) -> InstanceCounts {
        let aborted = self.integrations.get(id).map_or(0, |l| l.history.base.aborted);
        let mut counts = InstanceCounts { received: aborted, aborted, ..InstanceCounts::default() };
        for run in self.instances(id).iter().filter(|r| r.at >= since) {
            counts.received += 1;
            match (run.failed, run.recovered) {
                (false, _) | (true, Some(Recovered::Resubmitted)) => counts.succeeded += 1,
                (true, Some(Recovered::Discarded)) => counts.aborted += 1,
                (true, None) => counts.failed += 1,
            }
        }
        counts
    }

    /// Resubmits or discards failed instances. An instance that is sent to a flow that still fails
    /// stays failed.
    pub fn recover(&mut self, ids: &[String], how: Recovered) -> Result<(), ServiceRefusal> {
        let mut found = Vec::new();
        for (id, live) in &self.integrations {
            let works = !live.broken && live.status == Status::Active;
            found
                .extend(self.instances(id).into_iter().filter(|r| r.failed).map(|r| (r.id, works)));
        }
        for id in ids {
            let Some((_, works)) = found.iter().find(|(run, _)| run == id) else {
                return refuse(404, "ICS-10801", format!("No failed run {id} is known."));
            };
            if *works || how == Recovered::Discarded {
                self.recovered.insert(id.clone(), (how, Instant::now()));
            }
        }
        Ok(())
    }
}

impl super::LiveIntegration {
    /// Makes every instance fail from now on.
    pub fn fail_from_now(&mut self) {
        self.broken = true;
        self.update_instances();
    }

    /// Forgets all instances so far.
    pub fn quiet(&mut self) {
        self.history =
            InstanceHistory::new(InstanceCounts::default(), None, self.history.error.clone());
        self.update_instances();
    }

    /// Begins or ends a period of instances, as status and schedule require.
    pub(super) fn update_instances(&mut self) {
        let runs = self.status == Status::Active
            && self.schedule.as_ref().is_none_or(|state| *state == ScheduleState::Running);
        if runs { self.history.begin(self.broken) } else { self.history.end() }
    }
}
