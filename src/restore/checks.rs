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

use std::collections::BTreeMap;

pub(super) use connections::to_configure as connections_to_configure;

use super::{
    plan::{Check, PlanItem},
    request::Goal,
    survey::{Situation, SurveyedArtifact},
};
use crate::model::{Finding, Level};

/// Findings of one sort that are listed one by one; more are only counted.
const LISTED: usize = 12;

/// A check: looks at a situation and at what was decided, and gives what a person should know.
type CheckOf = fn(&Situation, &[PlanItem]) -> Vec<Check>;

/// Every check of a plan that changes something, in the order in which a person reads the findings.
const CHECKS: &[CheckOf] = &[
    |s, _| s.protection.iter().cloned().map(Check::from).collect(),
    |s, _| s.request.notes.iter().cloned().map(Check::from).collect(),
    unknown::check,
    |s, _| s.working.known().into_iter().flatten().map(|run| run.finding().into()).collect(),
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
    if items.iter().all(|i| i.settled) {
        out.push(Finding::fact("nothing to restore: only the proof is made").into());
        // What was left out, and that it works with another one, is told all the same.
        let notes = s.request.notes.iter().cloned().map(Check::from);
        let found = notes.chain(DEPENDENCIES.iter().flat_map(|check| check(s, items)));
        out.extend(found.filter(|check| check.level != Level::Fact));
        return out;
    }
    out.extend(CHECKS.iter().flat_map(|check| check(s, items)));
    out
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
