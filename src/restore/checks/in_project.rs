//! Integrations in a project: what can be added or replaced alone there, and what a person can do
//! where nothing can (docs/projects.md, Inside a project).

use crate::model::{Finding, Kind, ProjectCode};
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    survey::{Situation, SurveyedArtifact},
};

/// What prevents that an artifact is added or replaced, where it is in a project or comes from one.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out = Vec::new();
    for item in items.iter().filter(|i| !i.settled && i.within.is_none()) {
        let Some(part) = s.parts.iter().find(|p| p.wanted.key == item.key) else { continue };
        let project = item.key.scope.project();
        out.extend(project.and_then(|p| no_project(s, p, item)));
        if item.key.kind == Kind::Integration {
            let alone = not_alone(part, project, item.strategy);
            out.extend(alone.or_else(|| project.and_then(|p| not_kept(s, p, item))));
        }
    }
    out.into_iter().map(Check::from).collect()
}

fn no_project(s: &Situation, project: &ProjectCode, item: &PlanItem) -> Option<Finding> {
    let brought = |p: &SurveyedArtifact| {
        p.wanted.key.kind == Kind::Project && p.wanted.key.code == project.as_str()
    };
    let there = s.target.projects.contains(project.as_str()) || s.parts.iter().any(brought);
    if there || item.strategy == Strategy::Remove {
        return None;
    }
    let what = format!("{} has no project {project}", s.environment);
    Some(Finding::blocker(what, "restore the whole project, or create it in the console"))
}

/// An integration that is stored as a part of its project's archive cannot be sent by itself.
fn not_alone(
    part: &SurveyedArtifact,
    project: Option<&ProjectCode>,
    strategy: Strategy,
) -> Option<Finding> {
    if !strategy.sends() || part.wanted.archive.as_ref()?.can_be_sent() {
        return None;
    }
    if let Some(from) = part.wanted.copy_of.as_ref().filter(|_| strategy == Strategy::Import) {
        let what =
            format!("the service itself copies {from}: its project does not export it alone");
        let fix = "it must be public (available to other projects); look at the connections of the \
            copy before it is used: what is copied with it is not documented";
        return Some(Finding::warning(what, fix));
    }
    let what = format!(
        "{} is kept as a part of its project's archive, and cannot be sent alone",
        part.wanted.label
    );
    let fix = match project {
        Some(project) => by_hand(project, strategy),
        None => "copy it in the console: its project, the integration's menu, Copy".into(),
    };
    Some(Finding::blocker(what, fix))
}

/// What cannot be exported first could not be put back, so it is not touched.
fn not_kept(s: &Situation, project: &ProjectCode, item: &PlanItem) -> Option<Finding> {
    if item.strategy != Strategy::Replace || s.exports_members == Some(true) {
        return None;
    }
    let what = format!(
        "{} exports no integration of a project alone: what is there now could not be put back",
        s.environment
    );
    Some(Finding::blocker(what, by_hand(project, item.strategy)))
}

/// What a person can do in the console.
fn by_hand(project: &ProjectCode, strategy: Strategy) -> String {
    let first = match strategy {
        Strategy::Replace => format!("deactivate and delete this version in {project}, then "),
        _ => String::new(),
    };
    format!(
        "rebuild the project (oicx restore …/projects/{project} --rebuild), or by hand in the \
            console: {first}import the project's archive from the store in Projects: it adds the \
            versions that are missing and replaces nothing"
    )
}
