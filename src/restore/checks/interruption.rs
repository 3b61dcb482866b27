//! What a plan interrupts, and what runs now.

use super::LISTED;
use crate::model::{Finding, Kind, clock_time, plural};
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    survey::Situation,
};

/// The gaps, the instances in flight, and the next scheduled run.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let stops = |i: &&PlanItem| {
        use Strategy::{ByHand, Deactivate, Remove, Replace};
        matches!(i.strategy, Replace | ByHand | Deactivate | Remove)
            && i.before.was_active()
            && !i.as_wanted
    };
    let gaps: Vec<&PlanItem> = items.iter().filter(stops).collect();
    let mut out: Vec<Finding> =
        gaps.iter().take(LISTED).map(|item| gap(s, item, items.len() == 1)).collect();
    if gaps.len() > LISTED {
        let more = &gaps[LISTED..];
        let in_flight: u64 = more.iter().filter_map(|i| in_flight(s, i)).sum();
        let have = if more.len() == 1 { "has" } else { "have" };
        let runs = plural(in_flight as usize, "run");
        let what = format!("{} more {have} a gap; {runs} in flight", more.len());
        let fix = "requests that wait are lost; restore fewer at once where that matters";
        out.push(Finding::warning(what, fix));
    }
    // What a rebuild stops is told with the project.
    let whole = |i: &PlanItem| i.key.kind == Kind::Project && i.strategy == Strategy::Replace;
    let rebuilt = items.iter().any(|i| i.strategy == Strategy::Rebuild || whole(i));
    if gaps.is_empty() && !rebuilt {
        let swaps = |i: &PlanItem| i.activate && !i.as_wanted && i.before.swapped.is_some();
        out.push(Finding::fact(match items.iter().any(swaps) {
            true => "no gap: the service swaps versions in one step",
            false => "nothing of it runs now, so nothing is interrupted",
        }));
    }
    let next = s.parts.iter().filter_map(|p| p.next_run).min();
    out.extend(next.map(|t| Finding::fact(format!("next scheduled run {}", clock_time(t)))));
    out.into_iter().map(Check::from).collect()
}

fn in_flight(s: &Situation, item: &PlanItem) -> Option<u64> {
    s.part(&item.key)?.in_flight
}

/// The finding on a gap: what stops, how long the last activation took, and what is lost.
fn gap(s: &Situation, item: &PlanItem, alone: bool) -> Finding {
    let took = |t: f64| format!(" (the last activation here took {t:.0} s)");
    let long = s.last_activation.map(took).unwrap_or_default();
    let what = match item.strategy {
        Strategy::Replace | Strategy::ByHand if alone => {
            format!("a gap from deactivation to activation{long}")
        }
        Strategy::Replace | Strategy::ByHand => {
            format!("a gap of {} from deactivation to activation{long}", item.key)
        }
        _ => format!("{} stops", item.key),
    };
    match in_flight(s, item) {
        Some(0) => Finding::fact(format!("{what}; 0 runs in flight")),
        Some(n) => {
            let fix = "wait until they are done, or continue: requests that wait are lost";
            Finding::warning(format!("{what}; {} in flight", plural(n as usize, "run")), fix)
        }
        None => {
            let why = super::why_in_flight_is_unknown(s);
            let fix = "look in the console; the role may have to read monitoring";
            Finding::warning(format!("{what}; runs in flight are not known: {why}"), fix)
        }
    }
}
