//! Integrations in a project: what can be added or replaced alone there, and what a person can do
//! where nothing can (docs/projects.md, Inside a project).

use crate::model::{ArtifactKey, Finding, HIDDEN_PROJECT, Kind, ProjectCode, Scope};
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    planner::why_by_hand,
    remedy::Remedy,
    survey::{Situation, SurveyedArtifact},
};

/// What prevents that an artifact is added or replaced, where it is in a project or comes from one.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out = Vec::new();
    for item in items.iter().filter(|i| !i.as_wanted && i.within.is_none()) {
        let Some(part) = s.part(&item.key) else { continue };
        let project = item.key.scope.project();
        let alone = (item.key.kind == Kind::Integration).then(|| not_alone(part, item)).flatten();
        let found = project
            .and_then(|p| no_project(s, p, item))
            .into_iter()
            .chain(alone)
            .chain(may_be_hidden(s, item))
            .map(Check::from)
            .chain(project.and_then(|p| by_hand(s, p, part, item)));
        out.extend(found.map(|check| check.of(&item.key)));
    }
    out
}

/// What is wanted in projects that could not be listed: it is not planned for.
pub(super) fn check_refused(s: &Situation) -> Vec<Check> {
    let refused = |(scope, why): (&Scope, &String)| {
        let left_out = |key: &ArtifactKey| s.options.leave_out.contains_key(key);
        let wanted = s.request.wanted.iter().map(|w| &w.key).filter(|key| !left_out(key));
        let of: Vec<ArtifactKey> = wanted.filter(|k| k.uses_scope() == *scope).cloned().collect();
        let what = format!("what is in {scope} on {} could not be listed: {why}", s.environment);
        let fix = "the account of oicx must be allowed there; plan again where that is so";
        (!of.is_empty()).then(|| Check::from(Finding::blocker(what, fix)).of_all(of))
    };
    s.target.refused.iter().filter_map(refused).collect()
}

fn no_project(s: &Situation, project: &ProjectCode, item: &PlanItem) -> Option<Finding> {
    let brought = |p: &SurveyedArtifact| {
        p.wanted.key.kind == Kind::Project && p.wanted.key.code == project.as_str()
    };
    let there = s.target.projects.contains(project.as_str()) || s.parts.iter().any(brought);
    if there || item.strategy == Strategy::Remove {
        return None;
    }
    let what = format!("{} lists no project {project}", s.environment);
    let fix = format!("restore the whole project, or create it in the console; {HIDDEN_PROJECT}");
    Some(Finding::blocker(what, fix))
}

/// A project that is to be imported may be there and hidden: nobody can tell before the import is
/// refused.
fn may_be_hidden(s: &Situation, item: &PlanItem) -> Option<Finding> {
    if item.key.kind != Kind::Project || item.strategy != Strategy::Import {
        return None;
    }
    let what = format!("{} lists no project {}; {HIDDEN_PROJECT}", s.environment, item.key.code);
    let fix = "if it is there, the import is refused and nothing is changed: ask one of its \
        administrators, or use the account of a ServiceAdministrator";
    Some(Finding::warning(what, fix))
}

/// An integration that is stored as a part of its project's archive cannot be sent by itself.
fn not_alone(part: &SurveyedArtifact, item: &PlanItem) -> Option<Finding> {
    if part.why_unread().is_some()
        || !item.strategy.sends()
        || part.wanted.archive.as_ref()?.is_whole_file()
    {
        return None;
    }
    if let Some(from) = &item.copy_of {
        let what =
            format!("the service itself copies {from}: its project does not export it alone");
        let fix = "it must be public (available to other projects); look at the connections of the \
            copy before it is used: what is copied with it is not documented";
        return Some(Finding::warning(what, fix));
    }
    let what = part.wanted.cannot_be_sent_alone();
    let fix = "copy it in the console: its project, the integration's menu, Copy";
    Some(Finding::blocker(what, fix))
}

/// What the service has no call for is a person's: the steps of the plan are theirs.
fn by_hand(
    s: &Situation,
    project: &ProjectCode,
    part: &SurveyedArtifact,
    item: &PlanItem,
) -> Option<Check> {
    let why = why_by_hand(s, part).filter(|_| item.strategy == Strategy::ByHand)?;
    let rebuild = format!("or rebuild the project: oicx restore …/projects/{project} --rebuild");
    let finding = Finding::blocker(why, format!("by hand: the steps below are yours; {rebuild}"));
    let file = part.wanted.archive.as_ref().is_some_and(|a| !a.is_whole_file());
    let remedy = file.then(|| Remedy::WriteOut(project.clone()));
    Some(Check::new(finding, remedy))
}
