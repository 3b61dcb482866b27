//! Schedules that a plan does not start, and the values of their parameters.

use crate::model::{EnvironmentName, Finding, ScheduleState, visible};
use crate::oic::describe_times;
use crate::restore::{
    plan::{Check, PlanItem, Strategy},
    remedy::Remedy,
    request::{ScheduleChoice, Verb, WantedArtifact},
    survey::Situation,
};

/// Schedules that do not run at the end, and the values of their parameters.
pub(super) fn check(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out = match s.options.schedule {
        ScheduleChoice::Stopped => Vec::new(),
        ScheduleChoice::Stored => without_record(s, items),
        ScheduleChoice::Keep => stopped(s, items),
    };
    out.extend(undefined_in_project(s, items));
    out.extend(other_times(s, items));
    out.extend(recreated(items));
    out.extend(parameters(items));
    out
}

/// Projects and packages that are there unchanged, where another schedule than the one there is
/// asked for: what is in them is not looked at.
pub(super) fn check_untouched_members(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let with_members = |i: &&PlanItem| {
        i.as_wanted
            && !i.schedule_choice.is_keep()
            && i.key.kind.holds_integrations()
            && s.request.verb != Verb::Rollback
    };
    let check = |item: &PlanItem| {
        let what = format!(
            "{} is there unchanged: the schedules of its integrations stay as they are",
            item.key
        );
        let fix = "name the integrations whose schedules should differ";
        Check::from(Finding::warning(what, fix))
    };
    items.iter().filter(with_members).map(check).collect()
}

/// The item of the project in whose archive an item comes.
fn project_of<'i>(items: &'i [PlanItem], item: &PlanItem) -> Option<&'i PlanItem> {
    items.get(item.within?.0)
}

/// Whether a schedule starts an integration, as its own file or its project's says.
fn is_scheduled(s: &Situation, items: &[PlanItem], item: &PlanItem) -> bool {
    let own = s.archive(&item.key).is_some_and(|a| a.scheduled);
    let project = project_of(items, item).and_then(|project| s.archive(&project.key));
    let id = item.key.integration_id();
    own || project.zip(id).is_some_and(|(archive, id)| archive.scheduled_members.contains(&id))
}

/// The environment that an item, or the project in which it comes, is from.
fn origin<'s>(
    s: &'s Situation,
    items: &[PlanItem],
    item: &PlanItem,
) -> Option<&'s EnvironmentName> {
    let key = project_of(items, item).map_or(&item.key, |project| &project.key);
    s.part(key)?.wanted.origin.as_ref()
}

/// Integrations that come in a project's archive, which leaves schedules out, and whose schedules
/// nothing else brings.
fn undefined_in_project(s: &Situation, items: &[PlanItem]) -> Option<Check> {
    if s.request.verb == Verb::Drill {
        return None;
    }
    let undefined = |i: &&PlanItem| {
        let comes = project_of(items, i)
            .is_some_and(|p| matches!(p.strategy, Strategy::Import | Strategy::Rebuild));
        let brought = i.kept.schedule_definition.is_some() || i.recreated_schedule().is_some();
        comes && !brought && i.kept.unread.is_none() && is_scheduled(s, items, i)
    };
    let found: Vec<&PlanItem> = items.iter().filter(undefined).collect();
    let first = found.first()?;
    let names: Vec<String> = found.iter().map(|item| item.key.to_string()).collect();
    let why = match origin(s, items, first) {
        Some(origin) if *origin != s.environment => {
            format!("those of {origin} are not taken for {}", s.environment)
        }
        _ => "no snapshot that is meant has them".to_owned(),
    };
    let what = format!(
        "no schedule runs afterwards for {}: whether an import defines one is not documented, and {why}",
        names.join(", ")
    );
    Some(Check::from(Finding::warning(
        what,
        "look at them in the console, and define and start what should run",
    )))
}

/// Scheduled integrations of which the store has no schedule, although the stored one is wanted.
fn without_record(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let lacks = |i: &&PlanItem| {
        i.activate && !i.as_wanted && i.kept.schedule.is_none() && i.schedule.is_none()
    };
    let check = |item: &PlanItem| {
        if !is_scheduled(s, items, item) && item.before.schedule.is_absent() {
            return None;
        }
        let (key, here) = (&item.key, &s.environment);
        let what = match origin(s, items, item) {
            Some(origin) if origin != here => {
                format!("{key} is from {origin}, whose schedule is not taken for {here}")
            }
            Some(_) => format!("the snapshot of {key} does not say how its schedule was"),
            None => format!("{key} is from a file, which does not say how its schedule was"),
        };
        let fix = "keep the schedule that is there, or leave it stopped";
        let remedy = Some(Remedy::Schedule(ScheduleChoice::Keep));
        Some(Check::new(Finding::blocker(what, fix), remedy).of(key))
    };
    items.iter().filter(lacks).filter_map(check).collect()
}

/// Schedules that are in place, and get other times.
fn other_times(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let which = match s.request.verb {
        Verb::Rollback => "earlier",
        _ => "stored",
    };
    let check = |item: &PlanItem| {
        let (kept, live) =
            (item.kept.schedule_definition.as_ref()?, item.before.schedule_definition.as_ref()?);
        let of = if items.len() == 1 { String::new() } else { format!(" of {}", item.key) };
        let (from, to) = (describe_times(live), describe_times(kept));
        let what = match from == to {
            true => format!("the schedule{of} gets its {which} definition: {to}"),
            false => {
                format!("the schedule{of} gets its {which} times: {to}, instead of {from}")
            }
        };
        Some(Check::from(Finding::fact(what)))
    };
    let changes = items.iter().filter(|i| i.changes_times() && !i.as_wanted);
    changes.filter_map(check).collect()
}

/// Schedules that go with what is there, or went with what is not there any more, and come back.
fn recreated(items: &[PlanItem]) -> Vec<Check> {
    let check = |item: &PlanItem| {
        let (times, state) = (item.recreated_schedule()?, item.schedule.as_ref()?);
        let what = if items.len() == 1 {
            "its schedule comes back".to_owned()
        } else {
            format!("the schedule of {} comes back", item.key)
        };
        let (times, state) = (describe_times(times), state.label());
        Some(Check::from(Finding::fact(format!("{what}: {times}, {state}"))))
    };
    items.iter().filter(|i| !i.as_wanted && !i.changes_times()).filter_map(check).collect()
}

/// The values of parameters that come back, and those that nobody knows.
fn parameters(items: &[PlanItem]) -> Vec<Check> {
    let comes = |item: &&PlanItem| item.activate && !item.as_wanted;
    let told = |item: &PlanItem| {
        let values = item.schedule_parameters();
        let pair = |(name, value)| visible(&format!("{name} = {value}")).into_owned();
        let pairs: Vec<String> = values.iter().map(pair).collect();
        let of = if items.len() == 1 { String::new() } else { format!(" of {}", item.key) };
        (!values.is_empty()).then(|| {
            let values = pairs.join(", ");
            Check::from(Finding::fact(format!("its schedule's parameters{of}: {values}")))
        })
    };
    let mut out: Vec<_> = items.iter().filter(comes).filter_map(told).collect();
    let starts_anew = |item: &&PlanItem| {
        item.schedule == Some(ScheduleState::Running)
            && item.before.status.is_none()
            && item.schedule_parameters().is_empty()
            && item.before.swapped.is_none()
    };
    let anew: Vec<_> = items.iter().filter(comes).filter(starts_anew).collect();
    if !anew.is_empty() {
        let names: Vec<_> = anew.iter().map(|item| item.key.code.as_str()).collect();
        let what = format!(
            "values of schedule parameters, if it has any, are not in the store: {} begins with \
             the defaults",
            names.join(", ")
        );
        let fix = "where a parameter holds the time of the last run, leave the schedule stopped, and \
            set it in the console before it starts";
        let remedy = Some(Remedy::Schedule(ScheduleChoice::Stopped));
        out.push(Check::new(Finding::warning(what, fix), remedy));
    }
    out
}

/// Integrations that have a schedule which did not run before.
fn stopped(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    if s.request.verb == Verb::Rollback {
        return Vec::new();
    }
    let stays_stopped = |i: &&PlanItem| {
        let has = s.archive(&i.key).is_some_and(|a| a.scheduled);
        // A deactivation stopped it, and an activation does not start it.
        let was_stopped = i.schedule == Some(ScheduleState::Stopped)
            && i.activate
            && !i.before.was_active()
            && i.before.swapped.is_none();
        let stays = i.schedule.is_none() || was_stopped;
        has && stays && !i.as_wanted && i.strategy != Strategy::Remove
    };
    let found: Vec<&PlanItem> = items.iter().filter(stays_stopped).collect();
    let what = match found.as_slice() {
        [] => return Vec::new(),
        [_] if items.len() == 1 => {
            "it has a schedule, and none ran before: it stays stopped".to_owned()
        }
        [one] => format!("{} has a schedule, and none ran before: it stays stopped", one.key),
        many => format!(
            "{} have a schedule that did not run here before: they stay stopped",
            many.len()
        ),
    };
    // The store's schedule is taken only where it ran.
    let at_home = s.request.verb == Verb::Restore
        && found.iter().all(|item| {
            let part = s.part(&item.key);
            let home = |w: &WantedArtifact| w.origin.as_ref() == Some(&s.environment);
            part.is_some_and(|p| home(&p.wanted) && p.wanted.seen.is_some())
        });
    let fix = "start it in the console once its first run is wanted";
    let remedy = at_home.then_some(Remedy::Schedule(ScheduleChoice::Stored));
    vec![Check::new(Finding::warning(what, fix), remedy)]
}
