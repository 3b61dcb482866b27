//! One item of a plan: the state that it starts from, and the one that it shall reach.

use std::collections::BTreeMap;

use super::{order, strategy::choose};
use crate::model::{ArtifactKey, ItemIndex, Kind, ScheduleState, Status};
use crate::restore::{
    checks,
    plan::{PlanItem, Strategy},
    request::{Goal, ScheduleChoice, Verb},
    survey::{Situation, SurveyedArtifact},
};

pub(super) fn item_of(s: &Situation, part: &SurveyedArtifact) -> PlanItem {
    let (strategy, reason) = choose(s, part);
    let was_active = match &part.wanted.goal {
        Goal::AsTaken(was) => was.as_ref().is_none_or(|w| *w == Status::Active),
        Goal::Exactly { active, .. } => *active,
        Goal::Absent => false,
    };
    let runs = part.wanted.key.kind == Kind::Integration;
    let exactly = matches!(part.wanted.goal, Goal::Exactly { .. } | Goal::Absent);
    let by_choice = !exactly
        && part.within.is_none()
        && (part.before.was_active() || strategy == Strategy::Activate);
    let activate = runs && (was_active || by_choice);
    let wanted = match (&part.wanted.archive, &part.wanted.goal) {
        (_, Goal::Absent) => None,
        // An artifact without an archive, a certificate, can only be checked for being there.
        (Some(_), _) if !part.wanted.key.kind.has_archive() => None,
        (Some(archive), _) => Some(archive.fingerprints.portable),
        (None, _) => part.before.portable,
    };
    // An undo goes back to what was.
    let schedule_choice = match s.request.verb {
        Verb::Rollback => ScheduleChoice::Keep,
        _ => s.options.schedule,
    };
    let mut item = PlanItem {
        key: part.wanted.key.clone(),
        source: part.wanted.label.clone(),
        strategy,
        reason: part.brought.clone().unwrap_or(reason),
        after: vec![],
        waits_for: vec![],
        within: None,
        activate,
        schedule: schedule_of(part, schedule_choice, exactly).filter(|_| activate),
        wanted,
        before: part.before.clone(),
        as_wanted: false,
        needs: needs_of(s, part),
        copy_of: part.wanted.copy_of.clone().filter(|_| strategy == Strategy::Import),
        kept: part.kept.clone(),
        connections: BTreeMap::new(),
        sets: Vec::new(),
        schedule_choice,
        overwrites_times: schedule_choice == ScheduleChoice::Stored || part.wanted.times.is_some(),
        overwrites_parameters: schedule_choice == ScheduleChoice::Stored
            || !part.wanted.parameters.is_empty(),
    };
    if let (Some(inside), Some(archive)) = (&mut item.before.inside, &part.wanted.archive) {
        let active = std::mem::take(&mut inside.active);
        inside.active = order::callees_first(active, &archive.member_needs);
    }
    item.as_wanted = part.within.is_none() && is_as_wanted(part, &item, exactly);
    item
}

/// Says which empty connections an item sets, and which items it waits for since they set one that
/// it uses.
pub(super) fn share_connections(s: &Situation, items: &[PlanItem], item: &mut PlanItem) {
    let scope = item.key.uses_scope();
    let codes = match item.as_wanted {
        true => Vec::new(),
        false => checks::connections_to_configure(s, item),
    };
    for code in codes {
        let set_by =
            |other: &PlanItem| other.key.uses_scope() == scope && other.sets.contains(&code);
        match items.iter().position(set_by).map(ItemIndex) {
            Some(first) if item.after.contains(&first) || item.waits_for.contains(&first) => {}
            Some(first) => item.waits_for.push(first),
            None => item.sets.push(code),
        }
    }
    let rebuilt = item.strategy == Strategy::Rebuild;
    let here = s.target.within(&scope).connections.iter().filter(|_| rebuilt);
    // Putting back what is there now sets those that only this has.
    item.connections = item
        .sets
        .iter()
        .cloned()
        .chain(here.map(|c| c.code.clone()))
        .filter_map(|code| {
            let kept = s.kept_connection(&scope, &code)?;
            Some((code, kept.clone()))
        })
        .collect();
}

/// How the schedule stands at the end, if it runs at all.
fn schedule_of(
    part: &SurveyedArtifact,
    choice: ScheduleChoice,
    exactly: bool,
) -> Option<ScheduleState> {
    let schedule = match &part.wanted.goal {
        Goal::Exactly { schedule, .. } => schedule.clone(),
        _ => part.before.schedule.there().cloned(),
    };
    let kept = part.kept.schedule.clone();
    // A state that is asked for exactly is complete, but for what comes in a project; and where
    // another version ran, its schedule tells.
    let from_backup = (!exactly || part.within.is_some()) && part.before.swapped.is_none();
    let keep = schedule.or_else(|| kept.clone().filter(|_| from_backup));
    match choice {
        ScheduleChoice::Keep => keep,
        // A snapshot's own entries have their schedule as it was stored.
        ScheduleChoice::Stored => kept.or(keep.filter(|_| exactly && part.within.is_none())),
        ScheduleChoice::Stopped => {
            // One of which nobody knows may run.
            let may_run = keep.is_some() || part.before.schedule.why_unknown().is_some();
            may_run.then_some(ScheduleState::Stopped)
        }
    }
}

/// Whether nothing has to be done but the proof.
fn is_as_wanted(part: &SurveyedArtifact, item: &PlanItem, exactly: bool) -> bool {
    if part.wanted.goal == Goal::Absent {
        return part.before.status.is_none();
    }
    let runs = part.wanted.key.kind == Kind::Integration;
    let status = part.before.was_active() == item.activate || !runs;
    let stays = part.before.schedule.known() == Some(&item.schedule);
    let schedule = match item.schedule_choice {
        ScheduleChoice::Keep => !exactly || item.schedule.is_none() || stays,
        // What is left inactive has no schedule that runs.
        _ => stays || !item.activate,
    };
    item.strategy == Strategy::Activate
        && status
        && schedule
        && !item.changes_parameters()
        && !item.changes_times()
}

/// The dependencies to check once the integration runs. A library that an archive names only by one
/// of its functions is unknown and left out.
fn needs_of(s: &Situation, part: &SurveyedArtifact) -> Vec<ArtifactKey> {
    let Some(needs) = part.wanted.archive.as_ref().map(|a| &a.needs) else { return Vec::new() };
    let scope = part.wanted.key.uses_scope();
    let key = |kind| {
        let scope = scope.clone();
        move |code: &String| ArtifactKey::new(kind, code, None).within(scope.clone())
    };
    let libraries = s.target.within(&scope).libraries.known();
    let known = |code: &&String| libraries.is_some_and(|l| l.contains_key(*code));
    let connections = needs.connections.iter().map(key(Kind::Connection));
    let lookups = needs.lookups.iter().map(key(Kind::Lookup));
    let libraries = needs.libraries.iter().filter(known).map(key(Kind::Library));
    connections.chain(lookups).chain(libraries).collect()
}
