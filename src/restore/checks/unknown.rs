//! What was asked for a plan and got no answer: neither yes nor no is taken for it, and what could
//! be lost by that blocks.

use std::collections::BTreeSet;

use super::{needed as needed_by, users_of_connection};
use crate::model::{Answer, EnvironmentName, Finding, Kind, ScheduleState, Scope, plural};
use crate::restore::{
    plan::{Check, PlanItem},
    remedy::Remedy,
    request::{ScheduleChoice, Verb},
    survey::{Situation, SurveyedArtifact},
};

/// All questions without an answer but those on agents, certificates, runs in flight and likeness,
/// whose checks say it themselves.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out: Vec<Check> = store(s).into_iter().map(Check::from).collect();
    for item in items.iter().filter(|i| !i.as_wanted) {
        let Some(part) = s.part(&item.key) else { continue };
        let found = schedules(s, item)
            .into_iter()
            .chain(unread_descriptions(s, part, item))
            .chain(access_list(item).map(Check::from));
        out.extend(found.map(|check| check.of(&item.key)));
    }
    out.extend(kept_connections(s));
    out.extend(s.connections.unread().map(|((scope, code), why)| {
        let what =
            format!("what connection {} is set to could not be read: {why}", at(scope, code));
        let fix = "whether it is the archive's, and which agent and certificate it needs, is not \
            known: look in the console";
        Finding::warning(what, fix).into()
    }));
    out.extend(libraries(s).map(Check::from));
    out
}

/// What is needed of a sort whose list could not be read.
pub(super) fn needed(
    sort: &str,
    names: &BTreeSet<String>,
    (environment, why): (&EnvironmentName, &str),
) -> Vec<Check> {
    if names.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let what =
        format!("whether {sort} {} is on {environment} is not known: {why}", names.join(", "));
    vec![
        Finding::warning(what, "look in the console: calls through it fail where it is not").into(),
    ]
}

fn store(s: &Situation) -> Vec<Finding> {
    let mut out = Vec::new();
    if let Some(why) = s.index.why_unknown() {
        out.push(Finding::blocker(
            format!("what the store keeps beside the archive is not known: {why}"),
            "schedules, parameters and access lists would be lost: look with oicx verify, then plan \
             again",
        ));
    }
    if let Some(problems) = s.index.known().filter(|problems| !problems.is_empty()) {
        let what = format!("the store cannot read all that it holds: {}", problems.join("; "));
        out.push(Finding::warning(what, "look with oicx verify: something may be kept there"));
    }
    if let Some(why) = s.working.why_unknown() {
        out.push(Finding::blocker(
            format!("whether somebody else works on it is not known: {why}"),
            "plan again once the store answers",
        ));
    }
    out.extend(s.unread_lookups.iter().map(|lookup| {
        let what = format!("a lookup of the project is kept, and cannot be read: {lookup}");
        let fix = "it is not put back: oicx verify --repair-from takes a good file from a copy of \
            the store";
        Finding::warning(what, fix)
    }));
    if !s.unread_journals.is_empty() {
        let what = format!(
            "{} of the store cannot be read: {}",
            plural(s.unread_journals.len(), "journal"),
            s.unread_journals.join(", ")
        );
        let fix = "whether its run works on the same is not known: a newer oicx may have written \
            it, or it is damaged";
        out.push(Finding::warning(what, fix));
    }
    out
}

/// Schedules of what stops: how they stood is needed to bring them back.
fn schedules(s: &Situation, item: &PlanItem) -> Vec<Check> {
    let own = item.activate || item.before.was_active();
    let own = own.then(|| (item.key.to_string(), &item.before.schedule));
    let members = item.before.inside.iter().flat_map(|inside| &inside.active);
    let members = members.map(|m| (m.id.to_string(), &m.schedule));
    let unknown = |(name, answer): (String, &Answer<Option<ScheduleState>>)| {
        let why = answer.why_unknown()?;
        let what = format!("how the schedule of {name} stands is not known: {why}");
        // An undo says itself how schedules are to stand.
        if s.options.schedule == ScheduleChoice::Stopped || s.request.verb == Verb::Rollback {
            return Some(Finding::warning(what, "if this is undone, it stays stopped").into());
        }
        let fix = "it would stay stopped, and nothing could start it as it was: plan again in a \
            moment, or decide that it is to stay stopped";
        let remedy = Some(Remedy::Schedule(ScheduleChoice::Stopped));
        Some(Check::new(Finding::blocker(what, fix), remedy))
    };
    own.into_iter().chain(members).filter_map(unknown).collect()
}

/// Who may do what in a project that is rebuilt: its deletion takes that along.
fn access_list(item: &PlanItem) -> Option<Finding> {
    let why = item.before.inside.as_ref()?.access_list.why_unknown()?;
    let what = format!("who may do what in {} could not be read: {why}", item.key);
    Some(match item.access_list() {
        Some(_) => Finding::warning(what, "it gets the list that the snapshot has"),
        None => Finding::blocker(what, "it would be lost with the project: plan again in a moment"),
    })
}

/// Records of the store that cannot be read, and that would be put back.
fn unread_descriptions(s: &Situation, part: &SurveyedArtifact, item: &PlanItem) -> Option<Check> {
    let why = part.kept.unread.as_ref()?;
    if item.key.kind == Kind::Project {
        let what = format!("who may do what in {} is kept, and cannot be read: {why}", item.key);
        let fix = "set it in the console afterwards: it may be open to everybody";
        return Some(Finding::warning(what, fix).into());
    }
    let what = format!("the schedule of {} is kept, and cannot be read: {why}", item.key);
    Some(match s.options.schedule {
        ScheduleChoice::Stopped => {
            Finding::warning(what, "define it in the console once it is to run").into()
        }
        _ => {
            let fix =
                "it would be lost: look with oicx verify, or decide that it is to stay stopped";
            let remedy = Some(Remedy::Schedule(ScheduleChoice::Stopped));
            Check::new(Finding::blocker(what, fix), remedy)
        }
    })
}

/// Connections that will be empty, of which it could not be read what they were set to.
fn kept_connections(s: &Situation) -> Vec<Check> {
    let all = s.kept_connections.iter();
    let unread = all.filter_map(|(named, answer)| Some((named, answer.why_unknown()?)));
    let one = |((scope, code), why): (&(Scope, String), &str)| {
        let what = format!("what connection {} was set to is not known: {why}", at(scope, code));
        // What a rebuild deletes, nobody can read any more. Values that are given come all the
        // same.
        let lost = scope.project().is_some_and(|p| s.options.rebuild.contains(p));
        match lost && s.values.get(scope, code).is_none() {
            true => {
                let finding =
                    Finding::blocker(what, "it would be lost with the project: plan again");
                Check::from(finding).of_all(users_of_connection(s, scope, code))
            }
            false => {
                Finding::warning(what, "give its values here, or set them in the console").into()
            }
        }
    };
    unread.map(one).collect()
}

/// Scopes whose libraries could not be listed, although something there needs one.
fn libraries(s: &Situation) -> impl Iterator<Item = Finding> {
    let needed =
        needed_by(s, |p| p.wanted.archive.iter().flat_map(|a| &a.needs.libraries).collect());
    let any = !needed.is_empty();
    s.target.scopes.iter().filter(move |_| any).filter_map(|(scope, lists)| {
        let why = lists.libraries.why_unknown()?;
        let whose = scope.project().map_or_else(String::new, |p| format!(" of project {p}"));
        let what = format!("the libraries{whose} on {} could not be listed: {why}", s.environment);
        let fix = "whether those that are needed are there is not known: look in the console";
        Some(Finding::warning(what, fix))
    })
}

/// A connection with its project.
fn at(scope: &Scope, code: &str) -> String {
    scope.project().map_or_else(|| code.to_owned(), |p| format!("{p}/{code}"))
}
