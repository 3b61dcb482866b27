//! The files of a plan and what is there now: locks, exports that are not possible, projects that
//! exist.

use serde_json::Value;

use super::name;
use crate::model::{
    AccessList, ArtifactKey, Finding, Fingerprint, IntegrationId, Kind, Status, plural, visible,
};
use crate::oic::ListedIntegration;
use crate::restore::{
    live::ActiveMember,
    plan::{Check, PlanItem, Strategy},
    remedy::Remedy,
    request::{Goal, Verb},
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
        let item = items.iter().find(|i| i.key == part.wanted.key && !i.as_wanted);
        let Some(item) = item else { continue };
        let found = lock(part)
            .into_iter()
            .chain(locked_inside(s, part, item))
            .chain(unsaved(part))
            .chain(cannot_be_kept(part, item.strategy))
            .chain(edited(s, part, item))
            .chain(broken(s, part, item))
            .chain(prebuilt(part));
        out.extend(found.map(|finding| Check::from(finding).of(&item.key)));
    }
    out
}

fn prebuilt(part: &SurveyedArtifact) -> Option<Finding> {
    part.there.as_ref().filter(|there| there.state.prebuilt)?;
    let fix = "Oracle's own are not replaced; restore it under another code";
    Some(Finding::blocker(format!("{} is prebuilt", name(part)), fix))
}

fn lock(part: &SurveyedArtifact) -> Option<Finding> {
    let who = part.there.as_ref()?.state.lock_holder()?;
    Some(locked(&name(part), who))
}

fn locked(what: &str, who: &str) -> Finding {
    Finding::blocker(
        format!("{what} is locked by {who}"),
        format!("ask {who} to close it, or unlock it in the console as an administrator"),
    )
}

/// Which integrations of a project or package are locked: with one of them the service deletes and
/// replaces none (docs/projects.md, Project calls; docs/oic-rest-api.md, Packages).
fn locked_inside(s: &Situation, part: &SurveyedArtifact, item: &PlanItem) -> Vec<Finding> {
    let here = s.target.within(&item.key.uses_scope()).integrations.iter();
    let members: Vec<&IntegrationId> = part.wanted.archive.iter().flat_map(|a| &a.within).collect();
    let goes = |i: &&ListedIntegration| match (item.strategy, item.key.kind) {
        (Strategy::Rebuild, _) => true,
        (Strategy::Replace, Kind::Package) => members.contains(&&i.id),
        _ => false,
    };
    let one = |i: &ListedIntegration| Some(locked(&i.id.to_string(), i.state.lock_holder()?));
    here.filter(goes).filter_map(one).collect()
}

/// What somebody has not saved is in no export, and their save would undo this run.
fn unsaved(part: &SurveyedArtifact) -> Option<Finding> {
    let there = part.there.as_ref().filter(|t| !t.state.is_locked())?;
    let what = there.state.unsaved()?;
    Some(Finding::warning(
        format!("{}: {what} are in the console", name(part)),
        "no export holds them, and saving them later may undo this: ask for a save or a discard",
    ))
}

/// The service refuses an archive that was changed outside it, with ICS-20099.
fn edited(s: &Situation, part: &SurveyedArtifact, item: &PlanItem) -> Option<Finding> {
    let original = s.edited.get(&part.wanted.key).filter(|_| item.strategy.sends())?;
    Some(Finding::blocker(
        format!(
            "{} was changed outside the service, which refuses it: it has the digest of {original} \
             and means something else",
            part.wanted.label
        ),
        format!("restore {original}, or make the change in the designer"),
    ))
}

/// What cannot be read is no source of a restore; an undo brings back what was there, whatever that
/// was.
fn broken(s: &Situation, part: &SurveyedArtifact, item: &PlanItem) -> Option<Finding> {
    let archive = part.wanted.archive.as_ref().filter(|_| item.strategy.sends())?;
    let broken = archive.broken.join("; ");
    if broken.is_empty() {
        return None;
    }
    let what = format!("{} holds what cannot be read: {broken}", part.wanted.label);
    Some(match s.request.verb {
        Verb::Rollback => Finding::warning(what, "it was so before: look at it afterwards"),
        _ => Finding::blocker(what, "choose an older snapshot, or restore the others one by one"),
    })
}

/// An artifact that cannot be exported cannot be put back, so it is not touched.
fn cannot_be_kept(part: &SurveyedArtifact, strategy: Strategy) -> Option<Finding> {
    let why = part.why_unread()?;
    if !strategy.loses_content() {
        return None;
    }
    let fix = "what is there could not be saved first, so it is not touched: plan again once it \
        can be exported; a lock, also of another one in its project, forbids that";
    Some(Finding::blocker(format!("{} cannot be exported: {why}", name(part)), fix))
}

/// An import of a project does not replace one that exists.
pub(super) fn check_projects(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let wanted =
        |p: &&SurveyedArtifact| p.wanted.key.kind == Kind::Project && p.wanted.goal != Goal::Absent;
    let of = |part: &SurveyedArtifact| {
        let key = part.wanted.key.clone();
        project(s, part, items).into_iter().map(move |check| check.of(&key))
    };
    let mut out: Vec<Check> = s.parts.iter().filter(wanted).flat_map(of).collect();
    if !s.not_kept.is_empty() {
        let names: Vec<String> = s.not_kept.iter().map(ToString::to_string).collect();
        let what = format!(
            "no snapshot says whether {} {} active: not activated",
            names.join(", "),
            if names.len() == 1 { "was" } else { "were" }
        );
        out.push(Finding::warning(what, "activate afterwards what should run").into());
    }
    out
}

fn project(s: &Situation, part: &SurveyedArtifact, items: &[PlanItem]) -> Vec<Check> {
    let (key, environment) = (&part.wanted.key, &s.environment);
    let item = items.iter().find(|i| i.key == *key);
    if let Some(item) = item.filter(|i| i.strategy == Strategy::Rebuild) {
        return rebuilt(s, part, item).into_iter().map(Check::from).collect();
    }
    if part.there.is_some() {
        let wanted = part.wanted.archive.as_ref().map(|a| a.fingerprints.portable);
        if part.portable_fingerprint() == wanted {
            return Vec::new();
        }
        let what = format!("{key} is on {environment} already, and an import replaces nothing");
        let fix = "restore its integrations one by one, or rebuild it: delete it and import it \
            again, with a gap for all that is in it";
        let remedy = Some(Remedy::Rebuild(key.code.as_str().into()));
        return vec![Check::new(Finding::blocker(what, fix), remedy)];
    }
    let members = part.wanted.archive.iter().flat_map(|a| &a.within);
    let taken: Vec<String> =
        members.filter(|id| s.target.integration(id).is_some()).map(ToString::to_string).collect();
    if taken.is_empty() {
        return who_reaches(s, part).into_iter().map(Check::from).collect();
    }
    let what = format!("{} of {key} is on {environment} already", taken.join(", "));
    let fix = "delete it in the console first: an import replaces nothing";
    vec![Finding::blocker(what, fix).into()]
}

/// Who reaches a project that is imported: whom its access list names, where that is put back.
fn who_reaches(s: &Situation, part: &SurveyedArtifact) -> Option<Finding> {
    let (key, environment) = (&part.wanted.key, &s.environment);
    if let Some(list) = &part.kept.access_list {
        return Some(reaches(key, list));
    }
    // One that cannot be read is told by itself.
    if part.kept.unread.is_some() || s.request.verb == Verb::Drill {
        return None;
    }
    let why = match &part.wanted.origin {
        Some(origin) if origin != environment => {
            format!("the list of {origin} is not taken for {environment}")
        }
        _ => "no snapshot that is meant has its list".to_owned(),
    };
    let what = format!("who may do what in {key} is what {environment} gives a new project: {why}");
    Some(Finding::warning(what, "set it in the console afterwards: it may be open to everybody"))
}

/// Who reaches a project once its access list is back: maybe not the account that restores it.
fn reaches(key: &ArtifactKey, list: &Value) -> Finding {
    let who = AccessList::read(list).describe();
    let what = format!("once {key} has its access list again, only these reach it: {who}");
    let fix = "the account of oicx must be among them or a ServiceAdministrator, else what follows \
        is refused";
    Finding::warning(what, fix)
}

/// How many runs of what a rebuild stops are under way now.
fn under_way(s: &Situation, active: &[ActiveMember]) -> Option<Finding> {
    let of = |member: &ActiveMember| s.target.in_flight(&member.id);
    let Some(count) = active.iter().map(of).sum::<Option<u64>>() else {
        let why = super::why_in_flight_is_unknown(s);
        let what = format!("runs in flight are not known: {why}");
        return Some(Finding::warning(what, "look in the console"));
    };
    let runs = plural(count as usize, "run");
    let what = format!("{runs} in flight that began within the hour");
    Some(match count {
        0 => Finding::fact(what),
        _ => Finding::warning(what, "wait until they are done: requests that wait are lost"),
    })
}

/// Which integrations of a project are others afterwards: a rebuild takes all of them back.
fn goes_back(part: &SurveyedArtifact) -> Option<Finding> {
    let wanted = &part.wanted.archive.as_ref()?.member_fingerprints;
    // Where what is there cannot be read, nothing is known of it.
    part.fingerprints.as_ref()?.known()?;
    let other = |(id, live): (&IntegrationId, &Fingerprint)| {
        let changes = wanted.get(id).is_some_and(|wanted| wanted != live);
        changes.then(|| id.service_id())
    };
    let changed: Vec<String> = part.members.iter().filter_map(other).collect();
    let come = wanted.keys().filter(|id| !part.members.contains_key(*id));
    let come: Vec<String> = come.map(IntegrationId::service_id).collect();
    let mut parts = Vec::new();
    if !changed.is_empty() {
        parts.push(format!("changes back: {}", changed.join(", ")));
    }
    if !come.is_empty() {
        parts.push(format!("comes again: {}", come.join(", ")));
    }
    (!parts.is_empty()).then(|| Finding::fact(parts.join("; ")))
}

/// What a rebuild stops, what it puts back, and what is gone afterwards.
fn rebuilt(s: &Situation, part: &SurveyedArtifact, item: &PlanItem) -> Vec<Finding> {
    let inside = item.before.inside.clone().unwrap_or_default();
    let mut out = Vec::new();
    let names: Vec<String> = inside.active.iter().map(|m| m.id.service_id()).collect();
    if !names.is_empty() {
        let took = s.last_activation.map(|t| format!(" (the last activation here took {t:.0} s)"));
        let what = format!(
            "{} stop until the project is imported and they are active again{}: {}",
            plural(names.len(), "active integration"),
            took.unwrap_or_default(),
            names.join(", ")
        );
        out.push(Finding::warning(what, "requests that wait are lost; wait until it is quiet"));
        out.extend(under_way(s, &inside.active));
    }
    out.extend(goes_back(part));
    out.extend(only_there_now(s, part, item));
    out.extend(schedules_that_go(s, item));
    out.extend(put_back_afterwards(s, item));
    let fix = "look at them in the console before: which of them an export holds is not documented";
    out.push(Finding::warning(
        "robots, decisions and agents of the project are not looked at",
        fix,
    ));
    out
}

/// What is in the project now and not in what is restored.
fn only_there_now(s: &Situation, part: &SurveyedArtifact, item: &PlanItem) -> Option<Finding> {
    let inside = item.before.inside.clone().unwrap_or_default();
    let held: Vec<_> = part.wanted.archive.iter().flat_map(|a| &a.within).collect();
    let here = &s.target.within(&item.key.uses_scope()).integrations;
    let mut gone: Vec<String> =
        here.iter().filter(|i| !held.contains(&&i.id)).map(|i| i.id.service_id()).collect();
    let scope = item.key.uses_scope();
    let comes = |name: &String| {
        let of =
            |p: &SurveyedArtifact| p.wanted.key.kind == Kind::Lookup && p.wanted.key.scope == scope;
        s.parts.iter().any(|p| of(p) && p.wanted.key.code == *name)
    };
    let lookups = inside.lookups.iter().filter(|name| !comes(name));
    gone.extend(lookups.map(|name| format!("lookup {}", visible(name))));
    let stays = part.wanted.archive.as_ref().map(|a| &a.beside);
    let beside = part.beside.iter().filter(|name| !stays.is_some_and(|s| s.contains(*name)));
    gone.extend(beside.cloned());
    (!gone.is_empty()).then(|| {
        let what = format!("only there now, and not in what is restored: {}", gone.join(", "));
        let fix = "they are deleted with the project; only its safety export holds them then, and \
            an undo brings them back";
        Finding::warning(what, fix)
    })
}

/// The schedules of what is not active: they go with the project.
fn schedules_that_go(s: &Situation, item: &PlanItem) -> Option<Finding> {
    let here = &s.target.within(&item.key.uses_scope()).integrations;
    let idle = here.iter().filter(|i| i.scheduled && i.state.status != Status::Active).count();
    (idle > 0).then(|| {
        let what = format!(
            "the schedules of {} that {} not active go with the project, and are not put back",
            plural(idle, "integration"),
            if idle == 1 { "is" } else { "are" }
        );
        Finding::warning(what, "note them in the console first; a backup describes them")
    })
}

/// What is read before, put back afterwards, and what cannot be.
fn put_back_afterwards(s: &Situation, item: &PlanItem) -> Vec<Finding> {
    let inside = item.before.inside.clone().unwrap_or_default();
    let mut out = Vec::new();
    let schedules = inside.active.iter().filter(|m| m.schedule_definition.is_some()).count();
    let mut kept = vec![plural(schedules, "schedule")];
    kept.extend(inside.access_list.there().is_some().then(|| "the access list".to_owned()));
    out.push(Finding::fact(format!(
        "read before, and put back afterwards: {}; connections get the values that are given",
        kept.join(", ")
    )));
    if inside.access_list.known() == Some(&None) && item.access_list().is_none() {
        let what = format!(
            "who may do what in {} is not put back: {} answers that it has no access list",
            item.key, s.environment
        );
        let fix = "look in the console before, and note who may edit it: it goes with the project";
        out.push(Finding::warning(what, fix));
    }
    out
}
