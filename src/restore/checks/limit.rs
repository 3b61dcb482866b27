//! The limit of active integrations.

use crate::model::{Finding, IntegrationId, Status};
use crate::oic::ListedIntegration;
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    remedy::Remedy,
    survey::Situation,
};

/// How many active integrations an environment allows (docs/oic-rest-api.md, Limits).
const ACTIVE_LIMIT: usize = 700;

/// Whether the environment's limit leaves room for the integrations that become active.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let active = s.target.integrations().filter(|i| i.state.status == Status::Active).count();
    let comes = |i: &&PlanItem| {
        i.activate && !i.settled && !i.before.was_active() && i.before.swapped.is_none()
    };
    let goes = |i: &&PlanItem| {
        matches!(i.strategy, Strategy::Deactivate | Strategy::Remove)
            && !i.settled
            && i.before.was_active()
    };
    let (comes, goes) = (items.iter().filter(comes).count(), items.iter().filter(goes).count());
    let after = (active + comes).saturating_sub(goes);
    if comes == 0 || after <= ACTIVE_LIMIT {
        return Vec::new();
    }
    let what = format!(
        "{active} integrations are active, the limit is {ACTIVE_LIMIT}: {} too many",
        after - ACTIVE_LIMIT
    );
    vec![match room(s, items) {
        Some(id) => Check {
            finding: Finding::blocker(
                what,
                format!("deactivate {id} first: no schedule, {}", quiet(s)),
            ),
            remedy: Some(Remedy::Deactivate(id)),
        },
        None => Finding::blocker(what, "deactivate one that is not needed first").into(),
    }]
}

/// Which integration can be deactivated to make room: an older major version of one that is
/// restored, else the one that was not changed for longest; never one that ran within the hour or
/// has a schedule.
fn room(s: &Situation, items: &[PlanItem]) -> Option<IntegrationId> {
    let restored = |code: &str| items.iter().any(|i| i.key.code == code && i.activate);
    let free = |i: &&ListedIntegration| {
        let in_plan = items.iter().any(|item| item.id().as_ref() == Some(&i.id));
        let ran = s.target.ran(&i.id).unwrap_or_default();
        i.state.status == Status::Active && !i.scheduled && !in_plan && !i.state.prebuilt && !ran
    };
    let all = s.target.integrations().filter(free);
    let best = all.min_by_key(|i| (!restored(&i.id.code), i.state.last_updated, i.id.version))?;
    Some(best.id.clone())
}

fn quiet(s: &Situation) -> &'static str {
    if s.target.instances.is_some() { "no runs within the hour" } else { "its runs are not known" }
}
