//! What fails since when: the instances of one integration, its errors by their words, failures per
//! hour.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::IntegrationId;
use crate::oic::{Client, Instance, InstanceError, InstanceStatus, OicError, Window};

/// How many hours are shown.
pub const HOURS: usize = 24;
/// The most instances that the service gives (docs/oic-rest-api.md, Errors of runs).
const MOST: usize = 550;

/// The last day of one integration.
#[derive(Debug, Clone, Serialize)]
pub struct Triage {
    pub id: IntegrationId,
    /// When this was looked at: the end of the last hour.
    pub at: Timestamp,
    /// Newest first.
    pub runs: Vec<Instance>,
    /// Newest first.
    pub errors: Vec<InstanceError>,
    /// Errors with the same words at the same step, once each, the most frequent first.
    pub groups: Vec<ErrorGroup>,
    /// Oldest first; the last one ends now.
    pub hours: Vec<Hour>,
    /// When the failures began that still go on; none where the newest instance was good.
    pub failing_since: Option<Timestamp>,
    /// Whether the service gave as many as it can: then older ones are not counted.
    pub capped: bool,
}

/// Errors of the same words at the same step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorGroup {
    pub message: String,
    pub step: String,
    pub count: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hour {
    pub good: u64,
    pub failed: u64,
}

/// Looks at the last day.
///
/// # Errors
/// Where the role may not read monitoring.
pub async fn look(client: &Client, id: &IntegrationId) -> Result<Triage, OicError> {
    let (runs, failed, errors) = tokio::join!(
        client.instances(id, Window::Day, None),
        client.instances(id, Window::Day, Some("FAILED")),
        client.instance_errors(id, Window::Day),
    );
    let (mut runs, failed) = (runs?, failed?);
    let capped = runs.len() >= MOST || failed.len() >= MOST;
    // A long list is cut at its oldest end. The failed instances have a list of their own, which
    // adds them.
    for run in failed {
        if runs.iter().all(|r| r.id != run.id) {
            runs.push(run);
        }
    }
    runs.sort_by_key(|r| std::cmp::Reverse(r.started));
    Ok(Triage::of(id.clone(), Timestamp::now(), runs, errors?, capped))
}

impl Triage {
    fn of(
        id: IntegrationId,
        at: Timestamp,
        runs: Vec<Instance>,
        errors: Vec<InstanceError>,
        capped: bool,
    ) -> Self {
        let mut hours = vec![Hour::default(); HOURS];
        for run in &runs {
            let Some(place) = run.started.and_then(|t| place_of(at, t)) else { continue };
            match run.status {
                InstanceStatus::Failed => hours[place].failed += 1,
                InstanceStatus::Running | InstanceStatus::Recovering => {}
                _ => hours[place].good += 1,
            }
        }
        let ended = runs
            .iter()
            .filter(|r| !matches!(r.status, InstanceStatus::Running | InstanceStatus::Recovering));
        let failing = ended.take_while(|r| r.status == InstanceStatus::Failed);
        let failing_since = failing.filter_map(|r| r.started).last();
        let groups = grouped(&errors);
        Self { id, at, runs, errors, groups, hours, failing_since, capped }
    }

    /// The place of a moment in [`Triage::hours`].
    pub fn place(&self, time: Timestamp) -> Option<usize> {
        place_of(self.at, time)
    }

    /// Failed instances of all hours.
    pub fn failed(&self) -> u64 {
        self.hours.iter().map(|h| h.failed).sum()
    }

    /// Instances of all hours, failed and good.
    pub fn total(&self) -> u64 {
        self.hours.iter().map(|h| h.failed + h.good).sum()
    }
}

fn place_of(end: Timestamp, time: Timestamp) -> Option<usize> {
    let ago = end.duration_since(time);
    if ago < SignedDuration::ZERO {
        // A time that is a little ahead is now: clocks differ.
        return (ago > SignedDuration::from_mins(-5)).then_some(HOURS - 1);
    }
    let hours = usize::try_from(ago.as_hours()).ok()?;
    (hours < HOURS).then(|| HOURS - 1 - hours)
}

/// Errors with the same words at the same step, once each, the most frequent first.
pub fn grouped(errors: &[InstanceError]) -> Vec<ErrorGroup> {
    let mut out: Vec<ErrorGroup> = Vec::new();
    for e in errors {
        match out.iter_mut().find(|g| g.message == e.message && g.step == e.step) {
            Some(group) => group.count += 1,
            None => {
                out.push(ErrorGroup { message: e.message.clone(), step: e.step.clone(), count: 1 })
            }
        }
    }
    out.sort_by_key(|g| std::cmp::Reverse(g.count));
    out
}

impl ErrorGroup {
    /// `no grade (at putThing)`
    pub fn describe(&self) -> String {
        let at = if self.step.is_empty() { String::new() } else { format!(" (at {})", self.step) };
        format!("{}{at}", if self.message.is_empty() { "no words" } else { &self.message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(at: Timestamp, minutes_ago: i64, status: InstanceStatus) -> Instance {
        let started = Some(at - SignedDuration::from_mins(minutes_ago));
        Instance {
            id: minutes_ago.to_string(),
            integration: None,
            status,
            started,
            ended: None,
            tracking: vec![],
        }
    }

    #[test]
    fn failures_are_counted_by_hour_and_their_beginning_is_told() {
        let at = Timestamp::from_second(1_780_000_000).unwrap();
        let runs = vec![
            run(at, 1, InstanceStatus::Running),
            run(at, 5, InstanceStatus::Failed),
            run(at, 65, InstanceStatus::Failed),
            run(at, 70, InstanceStatus::Completed),
            run(at, 80, InstanceStatus::Failed),
            run(at, 60 * 30, InstanceStatus::Failed),
        ];
        let triage = Triage::of("A|01.00.0000".parse().unwrap(), at, runs, vec![], false);
        assert_eq!(triage.hours[HOURS - 1], Hour { good: 0, failed: 1 });
        assert_eq!(triage.hours[HOURS - 2], Hour { good: 1, failed: 2 });
        assert_eq!(
            (triage.failed(), triage.total()),
            (3, 4),
            "what is older than a day is not counted"
        );
        assert_eq!(triage.failing_since, Some(at - SignedDuration::from_mins(65)));
    }
}
