//! The lookups, libraries and child integrations that integrations need.

use std::collections::BTreeSet;

use super::needed;
use crate::model::{Answer, ArtifactKey, Finding, IntegrationId, Kind, Scope, Status, plural};
use crate::restore::{
    plan::{Check, PlanItem},
    remedy::Remedy,
    request::Goal,
    survey::{Likeness, Situation, SurveyedArtifact},
};

/// Which lookups are there, which are other ones, and which come along.
pub(super) fn check_lookups(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let scopes: BTreeSet<Scope> = s.parts.iter().map(|p| p.wanted.key.uses_scope()).collect();
    let mut out = Vec::new();
    let (mut there, mut same) = (0, 0);
    for scope in scopes {
        let all = needed(s, |p| {
            let lookups = p.wanted.archive.iter().flat_map(|a| &a.needs.lookups);
            lookups.filter(|_| p.wanted.key.uses_scope() == scope).collect()
        });
        for name in all.keys() {
            let key = ArtifactKey::new(Kind::Lookup, *name, None).within(scope.clone());
            match lookup(s, &key) {
                Some(check) => out.push(check),
                None if s.likeness.get(&key) == Some(&Likeness::Same) => same += 1,
                None => there += 1,
            }
        }
    }
    let found = [(same, "there, and the same"), (there, "there")];
    for (count, words) in found.into_iter().filter(|(count, _)| *count > 0).rev() {
        out.insert(0, Finding::fact(format!("{} {words}", plural(count, "lookup"))).into());
    }
    out
}

/// What is to be said of a lookup that is needed; none where it is there and nothing else is known.
fn lookup(s: &Situation, key: &ArtifactKey) -> Option<Check> {
    let environment = &s.environment;
    if let Some(part) = s.part(key) {
        let from = &part.wanted.label;
        let what = format!("{key} is not on {environment}: also restored, from {from}");
        return part.there.is_none().then(|| Finding::fact(what).into());
    }
    if !s.target.within(&key.scope).lookups.contains(&key.code) {
        let fix = "neither there nor in the store: the archive's own copy comes along with an \
            import; check its rows afterwards";
        return Some(Finding::warning(format!("{key} is not on {environment}"), fix).into());
    }
    match s.likeness.get(key)? {
        Likeness::Same => None,
        Likeness::Other(how) => {
            let what = format!("{key} on {environment} is another one than it worked with: {how}");
            let fix =
                "the rows that are there stay, if they are meant; else bring the others along";
            let remedy = Some(Remedy::Along(key.clone()));
            Some(Check::new(Finding::warning(what, fix), remedy))
        }
        Likeness::Unread(why) => Some(not_compared(s, key, why).into()),
    }
}

fn not_compared(s: &Situation, key: &ArtifactKey, why: &str) -> Finding {
    let what = format!("{key} is on {}, and was not compared: {why}", s.environment);
    Finding::warning(what, "look at it in the console")
}

/// What changes for others with a lookup that is there and gets other rows.
pub(super) fn check_changed_lookups(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let is_changed = |p: &&SurveyedArtifact| {
        let key = &p.wanted.key;
        key.kind == Kind::Lookup && items.iter().any(|i| i.key == *key && !i.as_wanted)
    };
    s.parts.iter().filter(is_changed).filter_map(|p| changed_lookup(s, &p.wanted.key)).collect()
}

fn changed_lookup(s: &Situation, key: &ArtifactKey) -> Option<Check> {
    let Likeness::Other(how) = s.likeness.get(key)? else { return None };
    let readers = s.readers.active.get(key);
    let names: Vec<String> = readers.into_iter().flatten().map(ToString::to_string).collect();
    let unknown = match s.readers.unknown {
        0 => String::new(),
        n => format!("; of {} no backup tells", plural(n, "active integration")),
    };
    let what = match names.len() {
        0 => format!("{key} changes: {how}; no active integration is known to read it{unknown}"),
        n => format!(
            "{key} changes under {}, {}: {how}{unknown}",
            plural(n, "active integration"),
            names.join(", ")
        ),
    };
    Some(match names.is_empty() && unknown.is_empty() {
        true => Finding::fact(what).into(),
        false => {
            let fix = "they read the new rows from then on: look whether that is right for them";
            Finding::warning(what, fix).into()
        }
    })
}

/// Which libraries come along, and which that are there are other ones. An archive may name only a
/// library's function; then there is nothing to check.
pub(super) fn check_libraries(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let along =
        s.parts.iter().filter(|p| p.wanted.key.kind == Kind::Library && p.brought.is_some());
    let comes = |p: &SurveyedArtifact| {
        Finding::fact(format!(
            "{} is not on {}: also restored, from {}",
            p.wanted.key, s.environment, p.wanted.label
        ))
    };
    let there = s.likeness.iter().filter(|(key, _)| key.kind == Kind::Library);
    let compared = there.map(|(key, likeness)| match likeness {
        Likeness::Same => Finding::fact(format!("{key} there, and the same")).into(),
        Likeness::Other(how) => {
            let what = format!("{key} on {} is another one: {how}", s.environment);
            let fix =
                "compare it, and bring the old one along where it is wanted: others may use it";
            let remedy = offered(s, key).map(Remedy::Along);
            Check::new(Finding::warning(what, fix), remedy)
        }
        Likeness::Unread(why) => not_compared(s, key, why).into(),
    });
    along.map(comes).map(Check::from).chain(compared).collect()
}

/// The library that the store could bring along, with its version.
fn offered(s: &Situation, library: &ArtifactKey) -> Option<ArtifactKey> {
    s.offered.iter().find(|key| key.name() == library.name()).cloned()
}

/// Whether the integrations that are called are there and active.
pub(super) fn check_children(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let needed = |p: &SurveyedArtifact| -> Vec<IntegrationId> {
        let Some(needs) = p.wanted.archive.as_ref().map(|a| &a.needs) else { return Vec::new() };
        let scope = p.wanted.key.uses_scope();
        needs.children.iter().map(|child| s.target.called_by(needs, &scope, child)).collect()
    };
    let children: BTreeSet<IntegrationId> = s.parts.iter().flat_map(needed).collect();
    let in_plan = |id: &&IntegrationId| {
        let key = ArtifactKey::from((*id).clone());
        s.parts.iter().any(|p| p.wanted.key == key && p.wanted.goal != Goal::Absent)
    };
    children.iter().filter(|id| !in_plan(id)).map(|id| child(s, id)).collect()
}

fn child(s: &Situation, id: &IntegrationId) -> Check {
    let key = ArtifactKey::from(id.clone());
    if let Some(why) = s.target.called.get(id).and_then(Answer::why_unknown) {
        let what = format!("whether child integration {id} is active is not known: {why}");
        return Finding::warning(what, "look in the console: calls to it fail where it is not")
            .into();
    }
    let (what, fix) = match s.target.integration(id).map(|i| &i.state.status) {
        Some(Status::Active) => return active_child(s, &key),
        Some(other) => {
            let what = format!("child integration {id} is {}", other.label());
            return Finding::warning(what, "activate it too, or calls to it fail").into();
        }
        None => (
            format!("child integration {id} is not on {}", s.environment),
            "bring it there first, or calls to it fail",
        ),
    };
    if !s.offered.contains(&key) {
        return Finding::warning(what, fix).into();
    }
    let fix = "the store has it: restore it first, or calls to it fail";
    Check::new(Finding::warning(what, fix), Some(Remedy::Along(key)))
}

/// A child integration that runs: maybe not the one that was called when the caller worked.
fn active_child(s: &Situation, key: &ArtifactKey) -> Check {
    let id = key.integration_id().map_or_else(|| key.to_string(), |id| id.to_string());
    let name = format!("child integration {id}");
    match s.likeness.get(key) {
        None => Finding::fact(format!("{name} is active")).into(),
        Some(Likeness::Same) => Finding::fact(format!("{name} is active, and the same")).into(),
        Some(Likeness::Unread(why)) => Finding::warning(
            format!("{name} is active, and was not compared: {why}"),
            "compare it where it matters: oicx diff",
        )
        .into(),
        Some(Likeness::Other(how)) => {
            let what = format!("{name} is active, and another one than was called: {how}");
            let offered = s.offered.contains(key);
            let fix = match offered {
                true => "the store has the one that was called: bring it along, or test the two",
                false => "test the two together: oicx diff shows what changed",
            };
            let remedy = offered.then(|| Remedy::Along(key.clone()));
            Check::new(Finding::warning(what, fix), remedy)
        }
    }
}
