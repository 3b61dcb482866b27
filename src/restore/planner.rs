//! Decides the strategy, the order and the steps of each artifact. Pure: takes a [`Situation`],
//! gives a [`RestorePlan`].

use super::{
    checks,
    plan::{PlanItem, PlanStep, RestorePlan, StepKind, Strategy},
    request::{Goal, Verb},
    survey::{Situation, SurveyedArtifact},
};
use crate::archive::Fingerprints;
use crate::model::{ArtifactKey, Kind, ScheduleState, Status};

impl RestorePlan {
    /// Makes the plan for a situation. Reads nothing and changes nothing.
    pub fn of(situation: &Situation) -> Self {
        let s = situation;
        let order = order_of(s);
        let place_of = |part: usize| order.iter().position(|p| *p == part).unwrap_or_default();
        let mut items: Vec<PlanItem> = Vec::new();
        for part in &order {
            let mut item = item_of(s, &s.parts[*part]);
            item.within = s.parts[*part].within.map(place_of);
            item.after = before_it(s, *part).into_iter().map(place_of).collect();
            if s.request.verb == Verb::Rollback {
                item.after = undone_before(&items, &item, s.request.together);
            }
            items.push(item);
        }
        let (strategy, reason) = headline(s, &items);
        let checks = checks::all(s, &items);
        let steps = items.iter().enumerate().flat_map(|(n, item)| steps_of(s, n, item)).collect();
        let mut plan = Self {
            verb: s.request.verb,
            environment: s.environment.clone(),
            source: s.request.source.clone(),
            strategy,
            reason,
            checks,
            if_it_fails: vec![],
            items,
            steps,
            protected: s.protected,
            together: s.request.together,
            undoes: s.request.undoes.clone(),
            rehearses: s.request.rehearses.clone(),
        };
        plan.if_it_fails = plan.list_undo();
        plan
    }
}

fn live_fingerprints(part: &SurveyedArtifact) -> Option<Fingerprints> {
    part.fingerprints.as_ref().and_then(|m| m.as_ref().ok()).copied()
}

fn item_of(s: &Situation, part: &SurveyedArtifact) -> PlanItem {
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
    let schedule = match &part.wanted.goal {
        Goal::Exactly { schedule, .. } => schedule.clone(),
        _ => part.before.schedule.clone(),
    };
    let wanted = match (&part.wanted.archive, &part.wanted.goal) {
        (_, Goal::Absent) => None,
        // Of a certificate nobody can tell more than that it is there.
        (Some(_), _) if !part.wanted.key.kind.has_archive() => None,
        (Some(archive), _) => Some(archive.fingerprints.portable),
        (None, _) => part.before.portable,
    };
    let stands = part.before.was_active() == activate || !runs;
    let schedule = schedule.filter(|_| activate);
    let scheduled = !exactly || schedule.is_none() || part.before.schedule == schedule;
    let settled = match part.wanted.goal {
        Goal::Absent => part.before.status.is_none(),
        _ => part.within.is_none() && matches!(strategy, Strategy::Activate) && stands && scheduled,
    };
    PlanItem {
        key: part.wanted.key.clone(),
        source: part.wanted.label.clone(),
        strategy,
        reason: part.brought.clone().unwrap_or(reason),
        after: vec![],
        within: None,
        activate,
        schedule,
        wanted,
        before: part.before.clone(),
        settled: settled && part.within.is_none(),
        needs: needs_of(s, part),
    }
}

/// The dependencies to check once the integration runs. A library that an archive names only by one
/// of its functions is unknown and left out.
fn needs_of(s: &Situation, part: &SurveyedArtifact) -> Vec<ArtifactKey> {
    let Some(needs) = part.wanted.archive.as_ref().map(|a| &a.needs) else { return Vec::new() };
    let key = |kind| move |code: &String| ArtifactKey::new(kind, code, None);
    let known = |code: &&String| s.libraries.as_ref().is_some_and(|l| l.contains(*code));
    let connections = needs.connections.iter().map(key(Kind::Connection));
    let lookups = needs.lookups.iter().map(key(Kind::Lookup));
    let libraries = needs.libraries.iter().filter(known).map(key(Kind::Library));
    connections.chain(lookups).chain(libraries).collect()
}

fn choose(s: &Situation, part: &SurveyedArtifact) -> (Strategy, String) {
    let (key, environment) = (&part.wanted.key, &s.environment);
    if part.within.is_some() {
        return (Strategy::Activate, "it is brought as part of a whole".into());
    }
    let Some(there) = &part.there else {
        return match part.wanted.goal {
            Goal::Absent => (Strategy::Remove, format!("{environment} has no {key} already")),
            _ => (Strategy::Import, format!("{environment} has no {key}")),
        };
    };
    let Some(archive) = &part.wanted.archive else {
        return match part.wanted.goal {
            Goal::Absent => (Strategy::Remove, "it was not there before".into()),
            Goal::Exactly { active: false, .. } => {
                (Strategy::Deactivate, "it did not run before".into())
            }
            _ => (Strategy::Activate, "it ran before".into()),
        };
    };
    if part.wanted.goal == Goal::Absent {
        return (Strategy::Remove, "it was not there before".into());
    }
    let same = live_fingerprints(part).is_some_and(|m| m.portable == archive.fingerprints.portable);
    let inactive = matches!(part.wanted.goal, Goal::Exactly { active: false, .. });
    match (same, &there.state.status) {
        (true, Status::Active) if inactive => {
            (Strategy::Deactivate, "it is there unchanged and shall not run".into())
        }
        (true, Status::Active) => {
            (Strategy::Activate, format!("{environment} runs this very version already"))
        }
        (true, _) if key.kind != Kind::Integration => {
            (Strategy::Activate, format!("{environment} has the same already"))
        }
        (true, status) => {
            (Strategy::Activate, format!("it is there unchanged and {}", status.label()))
        }
        (false, _) => {
            let by = there
                .state
                .last_updated_by
                .as_ref()
                .map(|b| format!(" by {b}"))
                .unwrap_or_default();
            let at = there
                .state
                .last_updated
                .map(|t| format!(" at {}", crate::model::short_date(t)))
                .unwrap_or_default();
            let what =
                if key.kind == Kind::Integration { "this version number was" } else { "it was" };
            (Strategy::Replace, format!("{what} changed in place{by}{at}"))
        }
    }
}

/// The items that must be undone before one: the last change is undone first. Independent items
/// wait only where they must: versions of one integration for each other, and artifacts that
/// integrations use for all integrations.
fn undone_before(before: &[PlanItem], item: &PlanItem, together: bool) -> Vec<usize> {
    if together {
        return before.len().checked_sub(1).into_iter().collect();
    }
    let integration = |i: &PlanItem| i.key.kind == Kind::Integration;
    let waits = |other: &PlanItem| {
        if integration(item) { other.key.code == item.key.code } else { integration(other) }
    };
    (0..before.len()).filter(|place| waits(&before[*place])).collect()
}

/// The strategy and the reason of the whole plan; of several items the most disruptive one.
fn headline(s: &Situation, items: &[PlanItem]) -> (Strategy, String) {
    let asked: Vec<&PlanItem> = items
        .iter()
        .filter(|i| {
            s.parts
                .iter()
                .any(|p| p.wanted.key == i.key && p.brought.is_none() && p.within.is_none())
        })
        .collect();
    if let [one] = asked.as_slice() {
        return (one.strategy, one.reason.clone());
    }
    let ways = [
        Strategy::Import,
        Strategy::Replace,
        Strategy::Activate,
        Strategy::Deactivate,
        Strategy::Remove,
    ];
    let count =
        |strategy: Strategy| items.iter().filter(|i| i.strategy == strategy && !i.settled).count();
    let mut words: Vec<String> = ways
        .iter()
        .filter(|w| count(**w) > 0)
        .map(|w| format!("{} to {}", count(*w), w.label()))
        .collect();
    let settled = items.iter().filter(|i| i.settled).count();
    if settled > 0 {
        words.push(format!("{settled} there already"));
    }
    let most = [Strategy::Replace, Strategy::Remove, Strategy::Deactivate, Strategy::Import]
        .into_iter()
        .find(|w| count(*w) > 0);
    (most.unwrap_or(Strategy::Activate), words.join(", "))
}

/// The order of the parts: each comes after the ones that it needs.
fn order_of(s: &Situation) -> Vec<usize> {
    if s.request.verb == Verb::Rollback {
        return (0..s.parts.len()).collect();
    }
    let mut out = Vec::new();
    let mut seen = vec![false; s.parts.len()];
    let mut places: Vec<usize> = (0..s.parts.len()).collect();
    places.sort_by_key(|p| rank(&s.parts[*p]));
    for place in places {
        visit(s, place, &mut seen, &mut out);
    }
    out
}

/// Adds a part after the ones that it needs. A cycle of integrations is cut where it is entered.
fn visit(s: &Situation, place: usize, seen: &mut [bool], out: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[place], true) {
        return;
    }
    for before in before_it(s, place) {
        visit(s, before, seen, out);
    }
    out.push(place);
}

/// The rank of a part where no dependency decides: kinds that others need come first.
fn rank(part: &SurveyedArtifact) -> u8 {
    let room = part.wanted.archive.is_none()
        && matches!(part.wanted.goal, Goal::Exactly { active: false, .. });
    match part.wanted.key.kind {
        _ if room => 0,
        Kind::Library | Kind::Certificate => 1,
        Kind::Lookup => 2,
        Kind::Package | Kind::Project => 3,
        _ => 4,
    }
}

/// The parts that must be done before one.
fn before_it(s: &Situation, place: usize) -> Vec<usize> {
    let part = &s.parts[place];
    let mut out: Vec<usize> = part.within.into_iter().collect();
    let room = |p: &SurveyedArtifact| rank(p) == 0;
    if rank(part) != 0 && part.wanted.key.kind == Kind::Integration {
        out.extend((0..s.parts.len()).filter(|p| room(&s.parts[*p])));
    }
    let Some(archive) = &part.wanted.archive else { return out };
    let members = archive.members.iter().map(|(_, a)| &a.needs);
    for needs in std::iter::once(&archive.needs).chain(members) {
        for (other, found) in s.parts.iter().enumerate().filter(|(other, _)| *other != place) {
            let key = &found.wanted.key;
            let needed = match key.kind {
                Kind::Lookup => needs.lookups.contains(&key.code),
                Kind::Library => needs.libraries.contains(&key.code),
                Kind::Certificate => needs.certificates.contains(&key.code),
                Kind::Integration => {
                    found.wanted.archive.is_some()
                        && found.within != Some(place)
                        && super::live::integration_id(key)
                            .is_some_and(|id| needs.children.contains(&id))
                }
                _ => false,
            };
            if needed && !out.contains(&other) {
                out.push(other);
            }
        }
    }
    out
}

fn steps_of(s: &Situation, place: usize, item: &PlanItem) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    let mut add = |kind, about: Option<&String>, text: String| {
        steps.push(PlanStep { item: place, kind, about: about.cloned(), text });
    };
    let (key, environment) = (&item.key, &s.environment);
    let id = item.id().map_or_else(|| key.to_string(), |id| id.to_string());
    let runs = matches!(item.before.status, Some(Status::Active | Status::Busy))
        && key.kind == Kind::Integration;
    let source = &item.source;
    let of = if s.parts.len() > 1 { format!(" of {id}") } else { String::new() };
    if !item.settled {
        let has_file =
            s.parts.iter().any(|p| p.wanted.key == item.key && p.wanted.archive.is_some());
        let changes_content = matches!(item.strategy, Strategy::Replace | Strategy::Remove);
        if changes_content
            || (item.strategy != Strategy::Import && !has_file && item.within.is_none())
        {
            add(
                StepKind::SafetyExport,
                None,
                format!("safety export of {id} from {environment} to the store"),
            );
        }
        match item.strategy {
            Strategy::Replace => {
                if runs {
                    add(StepKind::Deactivate, None, format!("deactivate {id}: the gap begins"));
                }
                add(StepKind::Replace, None, format!("replace {id} with {source}"));
            }
            Strategy::Import => add(StepKind::Import, None, format!("import {source}")),
            Strategy::Deactivate => add(StepKind::Deactivate, None, format!("deactivate {id}")),
            Strategy::Remove => {
                if runs {
                    add(StepKind::Deactivate, None, format!("deactivate {id}"));
                }
                add(StepKind::Delete, None, format!("delete {id} from {environment}"));
            }
            Strategy::Activate => {}
        }
        for code in checks::connections_to_configure(s, item) {
            let names = s.values.get(&code).map(|n| n.join(", ")).unwrap_or_default();
            add(StepKind::Configure, Some(&code), format!("set {names} of connection {code}"));
            add(StepKind::Test, Some(&code), format!("test connection {code}"));
        }
        if item.activate && !(item.strategy == Strategy::Activate && item.before.was_active()) {
            let swap = item
                .before
                .swapped
                .as_ref()
                .map(|o| format!(", which swaps out {o}"))
                .unwrap_or_default();
            add(StepKind::Activate, None, format!("activate {id}{swap}"));
        }
        match &item.schedule {
            Some(ScheduleState::Running) => {
                add(StepKind::Schedule, None, format!("start the schedule{of}, as it was"))
            }
            Some(ScheduleState::Paused) => {
                add(
                    StepKind::Schedule,
                    None,
                    format!("start and pause the schedule{of}, as it was"),
                );
            }
            _ => {}
        }
        if item.activate && s.smoke.contains(&key.code) {
            add(StepKind::Smoke, None, format!("call {id} as the config's smoke calls say"));
        }
    }
    let what = match (item.strategy, key.kind) {
        (Strategy::Remove, _) => format!("prove: {id} is not there"),
        (Strategy::Deactivate, _) => format!("prove: {id} does not run"),
        (_, Kind::Integration) if of.is_empty() => {
            "prove: export again and compare fingerprints, status and schedule".into()
        }
        (_, kind) if !kind.has_archive() => format!("prove: {id} is there"),
        _ => format!("prove: export {id} again and compare fingerprints"),
    };
    add(StepKind::Prove, None, what);
    steps
}
