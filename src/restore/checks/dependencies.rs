//! The lookups, libraries and child integrations that integrations need.

use std::collections::BTreeSet;

use super::needed;
use crate::model::{ArtifactKey, Finding, IntegrationId, Kind, Scope, Status, plural};
use crate::restore::{
    plan::{Check, PlanItem},
    remedy::Remedy,
    request::Goal,
    survey::{Situation, SurveyedArtifact},
};

/// Which lookups are there, and which come along.
pub(super) fn check_lookups(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let scopes: BTreeSet<Scope> = s.parts.iter().map(|p| p.wanted.key.uses_scope()).collect();
    let mut out = Vec::new();
    let mut good = 0;
    for scope in scopes {
        let all = needed(s, |p| {
            let lookups = p.wanted.archive.iter().flat_map(|a| &a.needs.lookups);
            lookups.filter(|_| p.wanted.key.uses_scope() == scope).collect()
        });
        for name in all.keys() {
            match lookup(s, ArtifactKey::new(Kind::Lookup, *name, None).within(scope.clone())) {
                Some(finding) => out.push(finding.into()),
                None => good += 1,
            }
        }
    }
    if good > 0 {
        out.insert(0, Finding::fact(format!("{} there", plural(good, "lookup"))).into());
    }
    out
}

/// What is to be said of a lookup that is needed; none where it is there.
fn lookup(s: &Situation, key: ArtifactKey) -> Option<Finding> {
    let along = s.parts.iter().find(|p| p.wanted.key == key && p.there.is_none());
    let environment = &s.environment;
    if let Some(part) = along {
        let from = &part.wanted.label;
        let what = format!("{key} is not on {environment}: also restored, from {from}");
        return Some(Finding::fact(what));
    }
    if s.target.within(&key.scope).lookups.contains(&key.code) {
        return None;
    }
    let fix = "neither there nor in the store: the archive's own copy comes along with an import; \
        check its rows afterwards";
    Some(Finding::warning(format!("{key} is not on {environment}"), fix))
}

/// Which libraries come along. An archive may name only a library's function; then there is nothing
/// to check.
pub(super) fn check_libraries(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let along =
        s.parts.iter().filter(|p| p.wanted.key.kind == Kind::Library && p.brought.is_some());
    let comes = |p: &SurveyedArtifact| {
        Finding::fact(format!(
            "{} is not on {}: also restored, from {}",
            p.wanted.key, s.environment, p.wanted.label
        ))
    };
    along.map(comes).map(Check::from).collect()
}

/// Whether the integrations that are called are there and active.
pub(super) fn check_children(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let needed = |p: &SurveyedArtifact| -> Vec<IntegrationId> {
        let called = p.wanted.archive.iter().flat_map(|a| &a.needs.children);
        called.map(|child| s.target.called_from(&p.wanted.key.uses_scope(), child)).collect()
    };
    let children: BTreeSet<IntegrationId> = s.parts.iter().flat_map(needed).collect();
    let in_plan = |id: &&IntegrationId| {
        let key = ArtifactKey::from((*id).clone());
        s.parts.iter().any(|p| p.wanted.key == key && p.wanted.goal != Goal::Absent)
    };
    children.iter().filter(|id| !in_plan(id)).map(|id| child(s, id)).collect()
}

fn child(s: &Situation, id: &IntegrationId) -> Check {
    match s.target.integration(id).map(|i| &i.state.status) {
        Some(Status::Active) => {
            return Finding::fact(format!("child integration {id} is active")).into();
        }
        Some(other) => {
            let what = format!("child integration {id} is {}", other.label());
            return Finding::warning(what, "activate it too, or calls to it fail").into();
        }
        None => {}
    }
    let what = format!("child integration {id} is not on {}", s.environment);
    let key = ArtifactKey::from(id.clone());
    if !s.offered.contains(&key) {
        return Finding::warning(what, "bring it there first, or calls to it fail").into();
    }
    let fix = "the store has it: restore it first, or calls to it fail";
    Check { finding: Finding::warning(what, fix), remedy: Some(Remedy::Along(key)) }
}
