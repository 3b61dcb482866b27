//! Decides the strategy, the order and the steps of each artifact. Pure: takes a [`Situation`],
//! gives a [`RestorePlan`].

mod item;
mod order;
mod steps;
mod strategy;
#[cfg(test)]
mod tests;

pub(super) use strategy::why_by_hand;

use super::{
    checks,
    plan::{LeftOut, PlanItem, RestorePlan, Strategy},
    request::Verb,
    survey::Situation,
};
use crate::model::ItemIndex;

impl RestorePlan {
    /// Makes the plan for a situation. Reads nothing and changes nothing.
    pub fn of(situation: &Situation) -> Self {
        let s = situation;
        let order = order::order_of(s);
        let place_of =
            |part: usize| ItemIndex(order.iter().position(|p| *p == part).unwrap_or_default());
        let mut items: Vec<PlanItem> = Vec::new();
        for part in &order {
            let mut item = item::item_of(s, &s.parts[*part]);
            item.within = s.parts[*part].within.map(place_of);
            let before = match s.request.verb {
                Verb::Rollback => order::before_in_project(s, *part),
                _ => order::before_it(s, *part),
            };
            // What is only reached over a cycle is not waited for.
            let before = before.into_iter().map(place_of).filter(|at| at.0 < items.len());
            item.after = before.collect();
            if s.request.verb == Verb::Rollback {
                item.after.extend(order::undone_before(&items, &item, s.request.together));
            }
            item::share_connections(s, &items, &mut item);
            items.push(item);
        }
        let (strategy, reason) = headline(s, &items);
        let steps = items
            .iter()
            .enumerate()
            .flat_map(|(n, item)| steps::steps_of(s, ItemIndex(n), item))
            .collect();
        let mut plan = Self {
            verb: s.request.verb,
            environment: s.environment.clone(),
            source: s.request.source.clone(),
            strategy,
            reason,
            checks: checks::all(s, &items),
            if_it_fails: vec![],
            items,
            steps,
            protected: s.protected,
            together: s.request.together,
            undoes: s.request.undoes.clone(),
            rehearses: s.request.rehearses.clone(),
            kept_first: s.request.kept_first.clone(),
            left_out: s
                .request
                .left_out
                .iter()
                .chain(&s.options.leave_out)
                .map(LeftOut::of)
                .collect(),
        };
        plan.if_it_fails = plan.list_undo();
        plan
    }
}

/// The strategy and the reason of the whole plan; of several items the most disruptive one.
fn headline(s: &Situation, items: &[PlanItem]) -> (Strategy, String) {
    let asked: Vec<&PlanItem> = items
        .iter()
        .filter(|i| {
            s.parts
                .iter()
                .any(|p| p.wanted.key == i.key && p.brought.is_none() && p.within.is_none())
        })
        .collect();
    if let [one] = asked.as_slice() {
        return (one.strategy, one.reason.clone());
    }
    let all = [
        Strategy::Import,
        Strategy::Replace,
        Strategy::Rebuild,
        Strategy::Activate,
        Strategy::Deactivate,
        Strategy::Remove,
        Strategy::ByHand,
    ];
    let count = |strategy: Strategy| {
        items.iter().filter(|i| i.strategy == strategy && !i.as_wanted).count()
    };
    let mut counts: Vec<String> = all
        .iter()
        .filter(|s| count(**s) > 0)
        .map(|s| format!("{} to {}", count(*s), s.label()))
        .collect();
    let as_wanted = items.iter().filter(|i| i.as_wanted).count();
    if as_wanted > 0 {
        counts.push(format!("{as_wanted} there already"));
    }
    let most = [
        Strategy::ByHand,
        Strategy::Rebuild,
        Strategy::Replace,
        Strategy::Remove,
        Strategy::Deactivate,
        Strategy::Import,
    ]
    .into_iter()
    .find(|s| count(*s) > 0);
    (most.unwrap_or(Strategy::Activate), counts.join(", "))
}
