//! The checks of a plan: findings, each with advice, some with a remedy that one key applies.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    plan::{Check, PlanItem, Remedy, Strategy},
    request::{Goal, Verb},
    survey::{Situation, SurveyedArtifact},
};
use crate::model::{
    ArtifactKey, EXPIRES_SOON_DAYS, Finding, IntegrationId, Kind, Status, clock_time, days_until,
    plural,
};

/// Active integrations that an instance allows (docs/oic-rest-api.md, Limits).
const ACTIVE_LIMIT: usize = 700;
/// Findings of one sort that are listed one by one; more are only counted.
const TOLD: usize = 12;

/// All findings on a situation, in the order in which a person reads them.
pub(super) fn all(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out = vec![Check::from(whole(s))];
    if items.iter().all(|i| i.settled) {
        out.push(Finding::fact("nothing to restore: only the proof is made").into());
        return out;
    }
    if s.read_only {
        let what = format!("{} is read-only in the config", s.environment);
        out.push(Finding::blocker(what, "set read_only = false for it if this is meant").into());
    }
    out.extend(s.request.notes.iter().cloned().map(Check::from));
    out.extend(s.working.iter().map(|w| Check::from(w.finding())));
    out.extend(interruption(s, items).into_iter().map(Check::from));
    let changing =
        |part: &&SurveyedArtifact| items.iter().any(|i| i.key == part.wanted.key && !i.settled);
    for part in s.parts.iter().filter(changing) {
        out.extend(lock(part).map(Check::from));
        let strategy = items.iter().find(|i| i.key == part.wanted.key).map(|i| i.strategy);
        if let (Some(Strategy::Replace | Strategy::Remove), Some(Err(why))) =
            (strategy, &part.fingerprints)
        {
            let fix = "what is there could not be saved first, so it is not touched; unlock it, or \
                delete it in the console";
            out.push(
                Finding::blocker(format!("{} cannot be exported: {why}", name(part)), fix).into(),
            );
        }
        if part.there.as_ref().is_some_and(|t| t.state.prebuilt) {
            let fix = "Oracle's own are not replaced; restore it under another code";
            out.push(Finding::blocker(format!("{} is prebuilt", name(part)), fix).into());
        }
    }
    out.extend(wholes(s));
    out.extend(connections(s, items));
    out.extend(tables(s));
    out.extend(libraries(s).into_iter().map(Check::from));
    out.extend(children(s));
    out.extend(agents_and_certificates(s).into_iter().map(Check::from));
    out.extend(limit(s, items));
    out.extend(unscheduled(s, items).into_iter().map(Check::from));
    out
}

/// An import of a project replaces nothing.
fn wholes(s: &Situation) -> Vec<Check> {
    let mut out = Vec::new();
    for part in s
        .parts
        .iter()
        .filter(|p| p.wanted.key.kind == Kind::Project && p.wanted.goal != Goal::Absent)
    {
        let key = &part.wanted.key;
        let fix = "restore its integrations one by one, or delete it in the console first: an \
            import replaces nothing";
        let same = part.fingerprints.as_ref().and_then(|m| m.as_ref().ok()).map(|m| m.portable)
            == part.wanted.archive.as_ref().map(|a| a.fingerprints.portable);
        if part.there.is_some() && !same {
            out.push(
                Finding::blocker(format!("{key} is on {} already", s.environment), fix).into(),
            );
        }
        let members = part.wanted.archive.iter().flat_map(|a| &a.within);
        let taken: Vec<_> = members
            .filter(|id| s.integrations.iter().any(|i| i.id == **id))
            .map(ToString::to_string)
            .collect();
        if part.there.is_none() && !taken.is_empty() {
            out.push(
                Finding::blocker(
                    format!("{} of {key} is on {} already", taken.join(", "), s.environment),
                    fix,
                )
                .into(),
            );
        }
    }
    out
}

fn name(part: &SurveyedArtifact) -> String {
    super::live::integration_id(&part.wanted.key)
        .map_or_else(|| part.wanted.key.to_string(), |id| id.to_string())
}

fn whole(s: &Situation) -> Finding {
    let files = s.parts.iter().filter(|p| p.wanted.archive.is_some());
    match files.clone().count() {
        0 => Finding::fact("no file is needed"),
        1 => {
            Finding::fact(format!("archive whole, {}", files.map(name).next().unwrap_or_default()))
        }
        n => Finding::fact(format!("{} whole", plural(n, "archive"))),
    }
}

/// What is interrupted, and what runs now.
fn interruption(s: &Situation, items: &[PlanItem]) -> Vec<Finding> {
    let mut out = Vec::new();
    let part_of = |item: &PlanItem| s.parts.iter().find(|p| p.wanted.key == item.key);
    let stops = |i: &&PlanItem| {
        matches!(i.strategy, Strategy::Replace | Strategy::Deactivate | Strategy::Remove)
            && i.before.was_active()
    };
    let gaps: Vec<&PlanItem> = items.iter().filter(|i| !i.settled).filter(stops).collect();
    for item in gaps.iter().take(TOLD) {
        let took = |t: f64| format!(" (the last activation here took {t:.0} s)");
        let long = s.last_activation.map(took).unwrap_or_default();
        let what = match item.strategy {
            Strategy::Replace if items.len() == 1 => {
                format!("a gap from deactivation to activation{long}")
            }
            Strategy::Replace => {
                format!("a gap of {} from deactivation to activation{long}", item.key)
            }
            _ => format!("{} stops", item.key),
        };
        out.push(match part_of(item).and_then(|p| p.in_flight) {
            Some(0) => Finding::fact(format!("{what}; 0 runs in flight")),
            Some(n) => {
                let fix = "wait until they are done, or go on: requests that wait are lost";
                Finding::warning(format!("{what}; {} in flight", plural(n as usize, "run")), fix)
            }
            None => {
                let fix = "the role may not read monitoring; look in the console";
                Finding::warning(format!("{what}; runs in flight are not known"), fix)
            }
        });
    }
    if gaps.len() > TOLD {
        let in_flight: u64 = gaps.iter().skip(TOLD).filter_map(|i| part_of(i)?.in_flight).sum();
        let what = format!("{} more have a gap; {in_flight} runs in flight", gaps.len() - TOLD);
        out.push(Finding::warning(
            what,
            "requests that wait are lost; restore fewer at once where that matters",
        ));
    }
    let swapped: Vec<&IntegrationId> = items
        .iter()
        .filter(|i| i.activate && !i.settled)
        .filter_map(|i| i.before.swapped.as_ref())
        .collect();
    if gaps.is_empty() {
        out.push(Finding::fact(match swapped.is_empty() {
            false => "no gap: the service swaps versions in one step",
            true => "nothing of it runs now, so nothing is interrupted",
        }));
    }
    let next = s.parts.iter().filter_map(|p| p.next_run).min();
    out.extend(next.map(|t| Finding::fact(format!("next scheduled run {}", clock_time(t)))));
    out
}

fn lock(part: &SurveyedArtifact) -> Option<Finding> {
    let there = part.there.as_ref().filter(|t| t.state.is_locked())?;
    let who = there.state.locked_by.clone().unwrap_or_else(|| "somebody".into());
    Some(Finding::blocker(
        format!("{} is locked by {who}", name(part)),
        format!("ask {who} to close it, or unlock it in the console as an administrator"),
    ))
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

/// Connections of an item that will not work as they stand: missing, or not complete. The first
/// item that needs one sets it.
pub(super) fn connections_to_configure(s: &Situation, item: &PlanItem) -> Vec<String> {
    let of = |i: &ArtifactKey| {
        s.parts.iter().find(|p| p.wanted.key == *i).and_then(|p| p.wanted.archive.as_ref())
    };
    let Some(archive) =
        of(&item.key).filter(|_| !matches!(item.strategy, Strategy::Remove | Strategy::Deactivate))
    else {
        return Vec::new();
    };
    let first = |code: &String| {
        let users = s.parts.iter().filter(|p| p.wanted.goal != Goal::Absent);
        let mut users = users.filter(|p| {
            p.wanted.archive.as_ref().is_some_and(|a| a.needs.connections.contains(code))
        });
        users.next().is_some_and(|p| p.wanted.key == item.key)
    };
    let ready = |code: &String| {
        s.connections.iter().any(|c| c.code == *code && c.state.status == Status::Configured)
    };
    let needs = archive.needs.connections.iter();
    needs.filter(|c| !ready(c) && s.values.contains_key(*c) && first(c)).cloned().collect()
}

fn connections(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let all = needed(s, |p| p.wanted.archive.iter().flat_map(|a| &a.needs.connections).collect());
    let mut out = Vec::new();
    let mut good = 0;
    for (code, users) in all {
        let found = s.connections.iter().find(|c| c.code == code);
        if found.is_some_and(|c| c.state.status == Status::Configured) {
            good += 1;
            continue;
        }
        let state = match found {
            Some(c) => {
                format!("connection {code} on {} is {}", s.environment, c.state.status.label())
            }
            None => format!("connection {code} is not on {}", s.environment),
        };
        if let Some(names) = s.values.get(code) {
            out.push(
                Finding::fact(format!("{state}: it gets {} and is tested", names.join(", ")))
                    .into(),
            );
            continue;
        }
        let fix = match found {
            Some(_) => "give its values here, in the config, or in the console: activation fails \
                without them"
                .into(),
            None => format!(
                "an import brings it without credentials: give its values here or under \
                    [environments.{}.connections.{code}]; {} without it",
                s.environment,
                if users.len() == 1 { "activation fails" } else { "activations fail" }
            ),
        };
        let remedy = Some(Remedy::Configure(code.to_owned()));
        out.push(Check { finding: Finding::blocker(state, fix), remedy });
    }
    if good > 0 {
        let what =
            format!("{} configured; the target's own values stay", plural(good, "connection"));
        out.insert(0, Finding::fact(what).into());
    }
    out
}

fn tables(s: &Situation) -> Vec<Check> {
    let all = needed(s, |p| p.wanted.archive.iter().flat_map(|a| &a.needs.lookups).collect());
    let mut out = Vec::new();
    let mut good = 0;
    for name in all.keys() {
        let along = s
            .parts
            .iter()
            .find(|p| p.wanted.key.kind == Kind::Lookup && p.wanted.key.code == **name);
        match along {
            Some(part) if part.there.is_none() => {
                let what = format!(
                    "lookup {name} is not on {}: restored along from {}",
                    s.environment, part.wanted.label
                );
                out.push(Finding::fact(what).into());
            }
            _ if s.lookups.contains(*name) => good += 1,
            _ => {
                let fix = "neither there nor in the store: the archive's own copy comes along with \
                    an import; check its rows afterwards";
                out.push(
                    Finding::warning(format!("lookup {name} is not on {}", s.environment), fix)
                        .into(),
                );
            }
        }
    }
    if good > 0 {
        out.insert(0, Finding::fact(format!("{} there", plural(good, "lookup"))).into());
    }
    out
}

/// An archive may name only a library's function; then there is nothing to check.
fn libraries(s: &Situation) -> Vec<Finding> {
    let along =
        s.parts.iter().filter(|p| p.wanted.key.kind == Kind::Library && p.brought.is_some());
    let told = |p: &SurveyedArtifact| {
        Finding::fact(format!(
            "{} is not on {}: restored along from {}",
            p.wanted.key, s.environment, p.wanted.label
        ))
    };
    along.map(told).collect()
}

fn children(s: &Situation) -> Vec<Check> {
    let mut out = Vec::new();
    let wanted: BTreeSet<&IntegrationId> = s
        .parts
        .iter()
        .filter_map(|p| p.wanted.archive.as_ref())
        .flat_map(|a| &a.needs.children)
        .collect();
    for child in wanted {
        let key = ArtifactKey::from(child.clone());
        if s.parts.iter().any(|p| p.wanted.key == key && p.wanted.goal != Goal::Absent) {
            continue;
        }
        let found = s.integrations.iter().find(|i| i.id == *child).map(|i| &i.state.status);
        out.push(match found {
            Some(Status::Active) => {
                Finding::fact(format!("child integration {child} is active")).into()
            }
            Some(other) => {
                let what = format!("child integration {child} is {}", other.label());
                Finding::warning(what, "activate it too, or calls to it fail").into()
            }
            None => {
                let what = format!("child integration {child} is not on {}", s.environment);
                match s.offered.contains(&key) {
                    true => Check {
                        finding: Finding::warning(
                            what,
                            "the store has it: restore it first, or calls to it fail",
                        ),
                        remedy: Some(Remedy::Along(key)),
                    },
                    false => {
                        Finding::warning(what, "bring it there first, or calls to it fail").into()
                    }
                }
            }
        });
    }
    out
}

fn agents_and_certificates(s: &Situation) -> Vec<Finding> {
    let mut out = Vec::new();
    for (agent, _) in needed(s, |p| p.wanted.archive.iter().flat_map(|a| &a.needs.agents).collect())
    {
        let Some(all) = &s.agents else { continue };
        match all.iter().find(|a| a.code == agent || a.name == agent) {
            Some(group) if group.state.status == Status::Down => out.push(Finding::warning(
                format!("no agent of {agent} runs"),
                "start one on its host: calls through it fail until then",
            )),
            Some(_) => {}
            None => out.push(Finding::warning(
                format!("agent group {agent} is not on {}", s.environment),
                "create it in the console, or point the connection to another",
            )),
        }
    }
    for (alias, _) in
        needed(s, |p| p.wanted.archive.iter().flat_map(|a| &a.needs.certificates).collect())
    {
        let Some(all) = &s.certificates else { continue };
        if let Some(part) = s
            .parts
            .iter()
            .find(|p| p.wanted.key.kind == Kind::Certificate && p.wanted.key.code == alias)
        {
            out.push(Finding::fact(format!(
                "certificate {alias} is not on {}: uploaded from {}",
                s.environment, part.wanted.label
            )));
            continue;
        }
        let fix = "name its file under [environments.NAME.certificates.ALIAS], or upload it in the \
            console: a private part never leaves the service";
        match all.iter().find(|c| c.code == alias || c.name == alias) {
            None => out.push(Finding::warning(
                format!("certificate {alias} is not on {}", s.environment),
                fix,
            )),
            Some(found) => out.extend(
                found
                    .expires
                    .map(|t| days_until(t, jiff::Timestamp::now()))
                    .filter(|d| *d <= EXPIRES_SOON_DAYS)
                    .map(|days| match days {
                        d if d < 0 => {
                            Finding::warning(format!("certificate {alias} has expired"), fix)
                        }
                        d => Finding::warning(
                            format!("certificate {alias} expires in {}", plural(d as usize, "day")),
                            fix,
                        ),
                    }),
            ),
        }
    }
    out
}

/// Whether the instance's limit leaves room for the integrations that become active.
fn limit(s: &Situation, items: &[PlanItem]) -> Option<Check> {
    let active = s.integrations.iter().filter(|i| i.state.status == Status::Active).count();
    let comes = |i: &&PlanItem| {
        i.activate && !i.settled && !i.before.was_active() && i.before.swapped.is_none()
    };
    let goes = |i: &&PlanItem| {
        matches!(i.strategy, Strategy::Deactivate | Strategy::Remove)
            && !i.settled
            && i.before.was_active()
    };
    let (comes, goes) = (items.iter().filter(comes).count(), items.iter().filter(goes).count());
    let after = (active + comes).saturating_sub(goes);
    if comes == 0 || after <= ACTIVE_LIMIT {
        return None;
    }
    let what = format!(
        "{active} integrations are active, the limit is {ACTIVE_LIMIT}: {} too many",
        after - ACTIVE_LIMIT
    );
    Some(match room(s, items) {
        Some(id) => Check {
            finding: Finding::blocker(
                what,
                format!("deactivate {id} first: no schedule, {}", quiet(s)),
            ),
            remedy: Some(Remedy::Deactivate(id)),
        },
        None => Finding::blocker(what, "deactivate one that is not needed first").into(),
    })
}

/// Which integration can be deactivated to make room: an older major version of one that is
/// restored, else the one that was not changed for longest; never one that ran within the hour or
/// has a schedule.
fn room(s: &Situation, items: &[PlanItem]) -> Option<IntegrationId> {
    let restored = |code: &str| items.iter().any(|i| i.key.code == code && i.activate);
    let free = |i: &&crate::oic::ListedIntegration| {
        let in_plan = items.iter().any(|item| item.id().as_ref() == Some(&i.id));
        let ran = s.ran.as_ref().is_some_and(|ran| ran.contains(&i.id));
        i.state.status == Status::Active && !i.scheduled && !in_plan && !i.state.prebuilt && !ran
    };
    let all = s.integrations.iter().filter(free);
    let best = all.min_by_key(|i| (!restored(&i.id.code), i.state.last_updated, i.id.version))?;
    Some(best.id.clone())
}

fn quiet(s: &Situation) -> &'static str {
    if s.ran.is_some() { "no runs within the hour" } else { "its runs are not known" }
}

fn unscheduled(s: &Situation, items: &[PlanItem]) -> Vec<Finding> {
    let scheduled = |i: &&PlanItem| {
        let part = s.parts.iter().find(|p| p.wanted.key == i.key);
        let has = part.and_then(|p| p.wanted.archive.as_ref()).is_some_and(|a| a.scheduled);
        has && i.schedule.is_none() && !i.settled && i.strategy != Strategy::Remove
    };
    let found: Vec<&PlanItem> =
        items.iter().filter(scheduled).filter(|_| s.request.verb != Verb::Rollback).collect();
    let fix = "start it in the console once its first run is wanted";
    match found.as_slice() {
        [] => vec![],
        [_] if items.len() == 1 => {
            vec![Finding::warning("it has a schedule, and none ran before: it stays stopped", fix)]
        }
        [one] => {
            vec![Finding::warning(
                format!("{} has a schedule, and none ran before: it stays stopped", one.key),
                fix,
            )]
        }
        many => {
            let what = format!(
                "{} have a schedule that did not run here before: they stay stopped",
                many.len()
            );
            vec![Finding::warning(what, fix)]
        }
    }
}
