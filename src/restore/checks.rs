//! The checks of a plan: findings, each with advice, some with a remedy that one key applies.

mod agents;
mod artifact;
mod certificates;
mod connections;
mod dependencies;
mod in_project;
mod interruption;
mod limit;
mod schedule;
#[cfg(test)]
mod tests;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use connections::to_configure as connections_to_configure;

use super::{
    plan::{Check, LeftOut, PlanItem},
    request::Goal,
    run_store::OngoingRun,
    survey::{Situation, SurveyedArtifact},
};
use crate::model::{ArtifactKey, Finding, Kind, Level, Scope};

/// Findings of one sort that are listed one by one; more are only counted.
const LISTED: usize = 12;

/// A check: looks at a situation and at what was decided, and gives what a person should know.
type CheckOf = fn(&Situation, &[PlanItem]) -> Vec<Check>;

/// Every check of a plan that changes something, in the order in which a person reads the findings.
const CHECKS: &[CheckOf] = &[
    |s, _| s.protection.iter().cloned().map(Check::from).collect(),
    |s, _| s.request.notes.iter().cloned().map(Check::from).collect(),
    unknown::check,
    |s, _| s.working.known().into_iter().flatten().map(others_work_on).collect(),
    interruption::check,
    artifact::check,
    artifact::check_projects,
    in_project::check,
    connections::check,
    connections::check_given,
    connections::check_likeness,
    dependencies::check_lookups,
    dependencies::check_changed_lookups,
    dependencies::check_libraries,
    dependencies::check_children,
    schedule::check_untouched_members,
    agents::check,
    certificates::check,
    limit::check,
    schedule::check,
];

/// The checks of what an artifact works with: they matter also where the artifact itself is as
/// wanted.
const DEPENDENCIES: &[CheckOf] = &[
    connections::check_likeness,
    dependencies::check_lookups,
    dependencies::check_libraries,
    dependencies::check_children,
    schedule::check_untouched_members,
];

/// All findings on a situation.
pub(super) fn all(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out = vec![Check::from(artifact::files(s))];
    out.extend(left_out(s));
    out.extend(in_project::check_refused(s));
    let blocked = out.iter().any(|check| check.level == Level::Blocker);
    if items.iter().all(|i| i.as_wanted) && !blocked {
        out.push(Finding::fact("nothing to restore: only the proof is made").into());
        // What was left out, and that it works with another one, is told all the same.
        let notes = s.request.notes.iter().cloned().map(Check::from);
        let found = notes.chain(DEPENDENCIES.iter().flat_map(|check| check(s, items)));
        out.extend(found.filter(|check| check.level != Level::Fact));
        return out;
    }
    out.extend(CHECKS.iter().flat_map(|check| check(s, items)));
    out.iter_mut().for_each(|check| check.of = asked_for(&check.of, items));
    merged(out)
}

/// What is found of several artifacts in the same words, once.
fn merged(all: Vec<Check>) -> Vec<Check> {
    let mut out: Vec<Check> = Vec::new();
    for check in all {
        let same = |c: &&mut Check| {
            (&c.finding, &c.remedy, c.of.is_empty())
                == (&check.finding, &check.remedy, check.of.is_empty())
        };
        match out.iter_mut().find(same) {
            Some(told) => told.of.extend(check.of),
            None => out.push(check),
        }
    }
    out
}

/// What a person left out, so that the others can be restored.
fn left_out(s: &Situation) -> Vec<Check> {
    let fix = "restore it by itself once nothing forbids it";
    let told = s.options.leave_out.iter().map(LeftOut::of);
    told.map(|one| Finding::warning(one.describe(), fix).into()).collect()
}

/// Another run on the same artifacts that has not ended.
fn others_work_on(run: &OngoingRun) -> Check {
    Check::from(run.finding()).of_all(run.on.clone())
}

/// The same artifacts, with the package or project that brings it in the place of each that does not
/// come by itself.
fn asked_for(of: &BTreeSet<ArtifactKey>, items: &[PlanItem]) -> BTreeSet<ArtifactKey> {
    let brings = |key: &ArtifactKey| {
        let item = items.iter().find(|item| item.key == *key)?;
        Some(items.get(item.within?.0)?.key.clone())
    };
    of.iter().map(|key| brings(key).unwrap_or_else(|| key.clone())).collect()
}

/// Why it is not known how many instances of an integration are under way.
fn why_in_flight_is_unknown(s: &Situation) -> &str {
    let twins = "the service does not tell projects apart in them, and another scope has this code";
    s.target.instances.why_unknown().unwrap_or(twins)
}

/// The artifacts that need a connection of a scope. Of a project that is rebuilt all of it does:
/// what only it has now goes with it.
fn users_of_connection(s: &Situation, scope: &Scope, code: &str) -> BTreeSet<ArtifactKey> {
    let uses = |part: &&SurveyedArtifact| {
        let key = &part.wanted.key;
        let archive = part.wanted.archive.as_ref().filter(|_| part.wanted.goal != Goal::Absent);
        let rebuilt =
            key.kind == Kind::Project && s.options.rebuild.contains(&key.code.as_str().into());
        let needs = archive.is_some_and(|a| a.needs.connections.contains(code));
        key.uses_scope() == *scope && (needs || rebuilt)
    };
    s.parts.iter().filter(uses).map(|part| part.wanted.key.clone()).collect()
}

/// What a person calls a part.
fn name(part: &SurveyedArtifact) -> String {
    part.wanted
        .key
        .integration_id()
        .map_or_else(|| part.wanted.key.to_string(), |id| id.to_string())
}

/// What the integrations of a plan need, each with who needs it.
fn needed<'a>(
    s: &'a Situation,
    of: impl Fn(&'a SurveyedArtifact) -> Vec<&'a String>,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for part in s.parts.iter().filter(|p| p.wanted.goal != Goal::Absent) {
        for need in of(part) {
            out.entry(need).or_default().push(&part.wanted.key.code);
        }
    }
    out
}
