//! The limit of active integrations.

use crate::model::{Finding, IntegrationId, plural};
use crate::oic::ListedIntegration;
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    remedy::Remedy,
    survey::{ACTIVE_LIMIT, PROJECT_LIMIT, Situation},
};

/// Whether the environment's limit leaves room for the integrations that become active.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let active = s.target.counted().filter(|i| i.is_active()).count();
    let comes = |i: &&PlanItem| {
        i.activate && !i.as_wanted && !i.before.was_active() && i.before.swapped.is_none()
    };
    let goes = |i: &&PlanItem| {
        matches!(i.strategy, Strategy::Deactivate | Strategy::Remove)
            && !i.as_wanted
            && i.before.was_active()
    };
    let (comes, goes) = (items.iter().filter(comes).count(), items.iter().filter(goes).count());
    let after = (active + comes).saturating_sub(goes);
    if comes == 0 {
        return Vec::new();
    }
    if after <= ACTIVE_LIMIT {
        return not_counted(s, after).into_iter().collect();
    }
    let what = format!(
        "{active} integrations are active, the limit is {ACTIVE_LIMIT}: {} too many",
        after - ACTIVE_LIMIT
    );
    vec![match room(s, items) {
        Some(id) => {
            let fix = format!("deactivate {id} first: no schedule, {}", quiet(s));
            Check::new(Finding::blocker(what, fix), Some(Remedy::Deactivate(id)))
        }
        None => Finding::blocker(what, "deactivate one that is not needed first").into(),
    }]
}

/// A warning where projects that could not be listed may have the rest of what the limit allows.
fn not_counted(s: &Situation, after: usize) -> Option<Check> {
    if let Some(why) = &s.target.elsewhere.no_projects {
        let what = format!(
            "active integrations in projects are not counted against the limit of \
             {ACTIVE_LIMIT}: {why}"
        );
        let fix = "if the service refuses to activate by its limit, everything is put back";
        return Some(Finding::warning(what, fix).into());
    }
    let unlisted = s.target.elsewhere.unlisted.len();
    if unlisted == 0 || after + unlisted * PROJECT_LIMIT <= ACTIVE_LIMIT {
        return None;
    }
    let what = format!(
        "at least {after} of {ACTIVE_LIMIT} integrations that may be active will be: {} could not \
            be listed",
        plural(unlisted, "project")
    );
    let fix = "if the service refuses to activate by its limit, everything is put back";
    Some(Finding::warning(what, fix).into())
}

/// Which integration can be deactivated to make room: an older major version of one that is
/// restored, else the one that was not changed for longest; never one that ran within the hour or
/// has a schedule.
fn room(s: &Situation, items: &[PlanItem]) -> Option<IntegrationId> {
    let restored = |code: &str| items.iter().any(|i| i.key.code == code && i.activate);
    let free = |i: &&ListedIntegration| {
        let in_plan = items.iter().any(|item| item.id().as_ref() == Some(&i.id));
        let ran = s.target.ran(&i.id).unwrap_or_default();
        i.is_active() && !i.scheduled && !in_plan && !i.state.prebuilt && !ran
    };
    let all = s.target.counted().filter(free);
    let best = all.min_by_key(|i| (!restored(&i.id.code), i.state.last_updated, i.id.version))?;
    Some(best.id.clone())
}

fn quiet(s: &Situation) -> &'static str {
    if s.target.instances.known().is_some() {
        "no runs within the hour"
    } else {
        "its runs are not known"
    }
}
