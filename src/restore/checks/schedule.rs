//! Schedules that a plan does not start.

use crate::model::Finding;
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    request::Verb,
    survey::Situation,
};

/// Integrations that have a schedule which did not run before.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    if s.request.verb == Verb::Rollback {
        return Vec::new();
    }
    let stays_stopped = |i: &&PlanItem| {
        let part = s.parts.iter().find(|p| p.wanted.key == i.key);
        let has = part.and_then(|p| p.wanted.archive.as_ref()).is_some_and(|a| a.scheduled);
        has && i.schedule.is_none() && !i.settled && i.strategy != Strategy::Remove
    };
    let found: Vec<&PlanItem> = items.iter().filter(stays_stopped).collect();
    let what = match found.as_slice() {
        [] => return Vec::new(),
        [_] if items.len() == 1 => {
            "it has a schedule, and none ran before: it stays stopped".to_owned()
        }
        [one] => format!("{} has a schedule, and none ran before: it stays stopped", one.key),
        many => format!(
            "{} have a schedule that did not run here before: they stay stopped",
            many.len()
        ),
    };
    vec![Finding::warning(what, "start it in the console once its first run is wanted").into()]
}
