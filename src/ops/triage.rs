//! What fails since when: the runs of one integration, its errors by their words, failures per
//! hour.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::IntegrationId;
use crate::oic::{Client, OicError, Run, RunError, RunStatus, Window};

/// Hours that are shown.
pub const HOURS: usize = 24;
/// The service gives no more (docs/oic-rest-api.md, Errors of runs).
const MOST: usize = 550;

/// The last day of one integration.
#[derive(Debug, Clone, Serialize)]
pub struct Triage {
    pub id: IntegrationId,
    /// When this was looked at: the end of the last hour.
    pub at: Timestamp,
    /// Newest first.
    pub runs: Vec<Run>,
    /// Newest first.
    pub errors: Vec<RunError>,
    /// The same words at the same step once, the most frequent first.
    pub groups: Vec<ErrorGroup>,
    /// Oldest first; the last one ends now.
    pub hours: Vec<Hour>,
    /// When the failures began that have not stopped; none where the newest run was good.
    pub failing_since: Option<Timestamp>,
    /// The service gave no more: what is older is not counted.
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
        client.runs(id, Window::Day, None),
        client.runs(id, Window::Day, Some("FAILED")),
        client.run_errors(id, Window::Day),
    );
    let (mut runs, failed) = (runs?, failed?);
    let capped = runs.len() >= MOST || failed.len() >= MOST;
    // A long list is cut where it is oldest; the failed ones have a list of their own.
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
        runs: Vec<Run>,
        errors: Vec<RunError>,
        capped: bool,
    ) -> Self {
        let mut hours = vec![Hour::default(); HOURS];
        for run in &runs {
            let Some(place) = run.started.and_then(|t| place_of(at, t)) else { continue };
            match run.status {
                RunStatus::Failed => hours[place].failed += 1,
                RunStatus::Running | RunStatus::Recovering => {}
                _ => hours[place].good += 1,
            }
        }
        let ended =
            runs.iter().filter(|r| !matches!(r.status, RunStatus::Running | RunStatus::Recovering));
        let failing = ended.take_while(|r| r.status == RunStatus::Failed);
        let failing_since = failing.filter_map(|r| r.started).last();
        let groups = grouped(&errors);
        Self { id, at, runs, errors, groups, hours, failing_since, capped }
    }

    /// The place of a moment among the hours.
    pub fn place(&self, time: Timestamp) -> Option<usize> {
        place_of(self.at, time)
    }

    pub fn failed(&self) -> u64 {
        self.hours.iter().map(|h| h.failed).sum()
    }

    pub fn total(&self) -> u64 {
        self.hours.iter().map(|h| h.failed + h.good).sum()
    }
}

fn place_of(end: Timestamp, time: Timestamp) -> Option<usize> {
    let ago = end.duration_since(time);
    if ago < SignedDuration::ZERO {
        // Clocks differ by seconds.
        return (ago > SignedDuration::from_mins(-5)).then_some(HOURS - 1);
    }
    let hours = usize::try_from(ago.as_hours()).ok()?;
    (hours < HOURS).then(|| HOURS - 1 - hours)
}

/// The same words at the same step once, the most frequent first.
pub fn grouped(errors: &[RunError]) -> Vec<ErrorGroup> {
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

    fn run(at: Timestamp, minutes_ago: i64, status: RunStatus) -> Run {
        let started = Some(at - SignedDuration::from_mins(minutes_ago));
        Run {
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
            run(at, 1, RunStatus::Running),
            run(at, 5, RunStatus::Failed),
            run(at, 65, RunStatus::Failed),
            run(at, 70, RunStatus::Completed),
            run(at, 80, RunStatus::Failed),
            run(at, 60 * 30, RunStatus::Failed),
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
