//! The order of a plan: each artifact comes after the ones that it needs.

use std::collections::BTreeMap;

use crate::archive::{CalledScope, Needs};
use crate::model::{IntegrationId, ItemIndex, Kind, Scope};
use crate::restore::{
    live::ActiveMember,
    plan::PlanItem,
    request::{Goal, Verb},
    survey::{Situation, SurveyedArtifact},
};

/// The order of the parts: each comes after the ones that it needs.
pub(super) fn order_of(s: &Situation) -> Vec<usize> {
    let mut out = Vec::new();
    let mut seen = vec![false; s.parts.len()];
    let mut places: Vec<usize> = (0..s.parts.len()).collect();
    let before: &dyn Fn(usize) -> Vec<usize> = match s.request.verb {
        // The last change is undone first; only what comes in one project is put in order.
        Verb::Rollback => &|place| before_in_project(s, place),
        _ => {
            places.sort_by_key(|p| rank(&s.parts[*p]));
            &|place| before_it(s, place)
        }
    };
    for place in places {
        visit(before, place, &mut seen, &mut out);
    }
    out
}

/// The parts of the same project that must be done before one.
pub(super) fn before_in_project(s: &Situation, place: usize) -> Vec<usize> {
    let within = s.parts[place].within;
    let same = |other: &usize| within.is_some() && s.parts[*other].within == within;
    before_it(s, place).into_iter().filter(same).collect()
}

/// Integrations of a project in the order in which they are activated: the called ones first. A
/// cycle is cut where it is entered.
pub(super) fn callees_first(
    active: Vec<ActiveMember>,
    needs: &BTreeMap<IntegrationId, Needs>,
) -> Vec<ActiveMember> {
    let before = |place: usize| -> Vec<usize> {
        let Some(needs) = needs.get(&active[place].id) else { return Vec::new() };
        let is_called = |other: &ActiveMember| {
            let named = other.id.clone().within(Scope::Global);
            needs.children.contains(&named)
                && needs.called_in.get(&named) != Some(&CalledScope::Global)
        };
        (0..active.len()).filter(|other| *other != place && is_called(&active[*other])).collect()
    };
    let (mut seen, mut out) = (vec![false; active.len()], Vec::new());
    (0..active.len()).for_each(|place| visit(&before, place, &mut seen, &mut out));
    out.into_iter().map(|place| active[place].clone()).collect()
}

/// Adds a part after the ones that it needs. A cycle of integrations is cut where it is entered.
fn visit(
    before: &dyn Fn(usize) -> Vec<usize>,
    place: usize,
    seen: &mut [bool],
    out: &mut Vec<usize>,
) {
    if std::mem::replace(&mut seen[place], true) {
        return;
    }
    for earlier in before(place) {
        visit(before, earlier, seen, out);
    }
    out.push(place);
}

/// The rank of a part where no dependency decides: kinds that others need come first.
fn rank(part: &SurveyedArtifact) -> u8 {
    let room = part.wanted.archive.is_none()
        // What lies in a project that is imported makes no room.
        && part.within.is_none()
        && matches!(part.wanted.goal, Goal::Exactly { active: false, .. });
    if room { 0 } else { part.wanted.key.kind.rank() }
}

/// The parts that must be done before one.
pub(super) fn before_it(s: &Situation, place: usize) -> Vec<usize> {
    let part = &s.parts[place];
    let mut out: Vec<usize> = part.within.into_iter().collect();
    out.extend(project_of(s, part).filter(|project| Some(*project) != part.within));
    let room = |p: &SurveyedArtifact| rank(p) == 0;
    if rank(part) != 0 && part.wanted.key.kind == Kind::Integration {
        out.extend((0..s.parts.len()).filter(|p| room(&s.parts[*p])));
    }
    let scope = part.wanted.key.uses_scope();
    for needs in all_needs(s, part) {
        for (other, found) in s.parts.iter().enumerate().filter(|(other, _)| *other != place) {
            let key = &found.wanted.key;
            let needed = match key.kind {
                Kind::Lookup => key.scope == scope && needs.lookups.contains(&key.code),
                Kind::Library => key.scope == scope && needs.libraries.contains(&key.code),
                Kind::Certificate => needs.certificates.contains(&key.code),
                Kind::Integration => {
                    (found.wanted.archive.is_some() || found.within.is_some())
                        && found.within != Some(place)
                        && key.integration_id().is_some_and(|id| calls(s, &scope, needs, &id))
                }
                // `Needs` names no other kind that is ever sent.
                _ => false,
            };
            if needed && !out.contains(&other) {
                out.push(other);
            }
        }
    }
    out
}

/// What a part needs: by its own file and those of its package's members, or as its project's file
/// says.
fn all_needs<'s>(s: &'s Situation, part: &'s SurveyedArtifact) -> Vec<&'s Needs> {
    if let Some(archive) = &part.wanted.archive {
        let members = archive.members.iter().map(|(_, member)| &member.needs);
        return std::iter::once(&archive.needs).chain(members).collect();
    }
    let project = part.within.and_then(|place| s.parts[place].wanted.archive.as_ref());
    let id = part.wanted.key.integration_id();
    let needs = project.zip(id).and_then(|(project, id)| project.member_needs.get(&id));
    needs.into_iter().collect()
}

/// Whether what needs these calls an integration from a scope: what is called is named without its
/// own.
fn calls(s: &Situation, from: &Scope, needs: &Needs, id: &IntegrationId) -> bool {
    let named = id.clone().within(Scope::Global);
    let told = needs.called_in.contains_key(&named);
    needs.children.contains(&named)
        && (s.target.called_by(needs, from, &named) == *id || !told && id.scope == *from)
}

/// The project that must be there before a lookup is added to it, where it is wanted too.
fn project_of(s: &Situation, part: &SurveyedArtifact) -> Option<usize> {
    let key = Some(&part.wanted.key).filter(|key| key.kind == Kind::Lookup)?;
    s.parts.iter().position(|p| p.wanted.goal != Goal::Absent && p.wanted.key.holds(key))
}

/// The items that must be undone before one: the last change is undone first. Independent items
/// wait only where they must: versions of one integration for each other, and artifacts that
/// integrations use for all integrations.
pub(super) fn undone_before(
    before: &[PlanItem],
    item: &PlanItem,
    together: bool,
) -> Vec<ItemIndex> {
    if together {
        return before.len().checked_sub(1).map(ItemIndex).into_iter().collect();
    }
    let integration = |i: &PlanItem| i.key.kind == Kind::Integration;
    let waits = |other: &PlanItem| match integration(item) {
        true => other.key.code == item.key.code && other.key.scope == item.key.scope,
        false => integration(other),
    };
    let waited_for = before.iter().enumerate().filter(|(_, other)| waits(other));
    waited_for.map(|(index, _)| ItemIndex(index)).collect()
}
