//! The files of a plan and what is there now: locks, exports that are not possible, projects that
//! exist.

use super::name;
use crate::model::{Finding, Kind, plural};
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    request::Goal,
    survey::{Situation, SurveyedArtifact},
};

/// How many files were read and are whole.
pub(super) fn files(s: &Situation) -> Finding {
    let mut files = s.parts.iter().filter(|p| p.wanted.archive.is_some());
    match (files.next(), files.count()) {
        (None, _) => Finding::fact("no file is needed"),
        (Some(one), 0) => Finding::fact(format!("archive whole, {}", name(one))),
        (Some(_), others) => Finding::fact(format!("{} whole", plural(others + 1, "archive"))),
    }
}

/// What prevents a change of an artifact.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out = Vec::new();
    for part in &s.parts {
        let item = items.iter().find(|i| i.key == part.wanted.key && !i.settled);
        let Some(item) = item else { continue };
        out.extend(lock(part));
        out.extend(cannot_be_kept(part, item.strategy));
        if part.there.as_ref().is_some_and(|t| t.state.prebuilt) {
            let fix = "Oracle's own are not replaced; restore it under another code";
            out.push(Finding::blocker(format!("{} is prebuilt", name(part)), fix));
        }
    }
    out.into_iter().map(Check::from).collect()
}

fn lock(part: &SurveyedArtifact) -> Option<Finding> {
    let there = part.there.as_ref().filter(|t| t.state.is_locked())?;
    let who = there.state.locked_by.clone().unwrap_or_else(|| "somebody".into());
    Some(Finding::blocker(
        format!("{} is locked by {who}", name(part)),
        format!("ask {who} to close it, or unlock it in the console as an administrator"),
    ))
}

/// An artifact that cannot be exported cannot be put back, so it is not touched.
fn cannot_be_kept(part: &SurveyedArtifact, strategy: Strategy) -> Option<Finding> {
    let Some(Err(why)) = &part.fingerprints else { return None };
    if !matches!(strategy, Strategy::Replace | Strategy::Remove) {
        return None;
    }
    let fix = "what is there could not be saved first, so it is not touched; unlock it, or delete \
        it in the console";
    Some(Finding::blocker(format!("{} cannot be exported: {why}", name(part)), fix))
}

/// An import of a project does not replace one that exists.
pub(super) fn check_projects(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let wanted =
        |p: &&SurveyedArtifact| p.wanted.key.kind == Kind::Project && p.wanted.goal != Goal::Absent;
    s.parts.iter().filter(wanted).flat_map(|part| project(s, part)).map(Check::from).collect()
}

fn project(s: &Situation, part: &SurveyedArtifact) -> Option<Finding> {
    let (key, environment) = (&part.wanted.key, &s.environment);
    let fix = "restore its integrations one by one, or delete it in the console first: an import \
        replaces nothing";
    if part.there.is_some() {
        let wanted = part.wanted.archive.as_ref().map(|a| a.fingerprints.portable);
        let same = part.portable_fingerprint() == wanted;
        let what = format!("{key} is on {environment} already");
        return (!same).then(|| Finding::blocker(what, fix));
    }
    let members = part.wanted.archive.iter().flat_map(|a| &a.within);
    let taken: Vec<String> =
        members.filter(|id| s.target.integration(id).is_some()).map(ToString::to_string).collect();
    let what = format!("{} of {key} is on {environment} already", taken.join(", "));
    (!taken.is_empty()).then(|| Finding::blocker(what, fix))
}
