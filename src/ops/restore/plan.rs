//! The decision: which way, what speaks against it, which steps. Pure: a [`Situation`] in, a [`Plan`] out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::survey::{Before, Situation};
use crate::archive::Meaning;
use crate::model::{EnvironmentName, Finding, IntegrationId, Level, ScheduleState, Status, clock_time, plural};

/// Active integrations that an instance takes (oic-rest-api.md, Errors and limits).
const ACTIVE_LIMIT: usize = 700;

/// How the wanted version gets there, the least disruptive first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// It is there, unchanged, and not active.
    Activate,
    /// It is not there.
    Import,
    /// This version number was changed in place.
    Replace,
}

/// One thing that will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub kind: StepKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    SafetyExport,
    Deactivate,
    Import,
    Replace,
    Activate,
    Schedule,
    Prove,
}

/// A restore that was thought through and not yet allowed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub environment: EnvironmentName,
    pub id: IntegrationId,
    /// What is restored, as a person named it.
    pub source: String,
    pub way: Way,
    pub reason: String,
    pub checks: Vec<Finding>,
    pub steps: Vec<Step>,
    /// What is done where a step fails.
    pub if_it_fails: Vec<String>,
    pub protected: bool,
    /// Whether it shall run at the end.
    pub activate: bool,
    /// The schedule at the end; none where there is none to set.
    pub schedule: Option<ScheduleState>,
    pub before: Before,
    pub wanted_fingerprint: crate::model::Fingerprint,
}

/// A plan that has no blocker and was confirmed. Only such a plan can be run.
#[derive(Debug, Clone)]
pub struct Approved(Plan);

impl Approved {
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}

/// Why a plan may not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the plan has {}:\n{}", plural(.0.len(), "blocker"), .0.iter().map(|f| format!("  ✗ {}{}", f.what, f.fix.iter().map(|x| format!("\n    → {x}")).collect::<String>())).collect::<Vec<_>>().join("\n"))]
    Blocked(Vec<Finding>),
    #[error("{0} is protected: its name must be given, as typed text or with --confirm {0}; nothing was changed")]
    Unconfirmed(EnvironmentName),
}

impl Plan {
    /// Decides.
    pub fn of(situation: &Situation) -> Self {
        let (way, reason) = choose(situation);
        let s = situation;
        let activate = s.wanted.was_active || s.before.was_active() || way == Way::Activate;
        let schedule = s.before.schedule.clone().filter(|_| activate);
        let mut plan = Self {
            environment: s.environment.clone(),
            id: s.wanted.iar.id.clone(),
            source: s.wanted.label.clone(),
            way,
            reason,
            checks: checks(s, way),
            steps: vec![],
            if_it_fails: vec![],
            protected: s.protected,
            activate,
            schedule,
            before: s.before.clone(),
            wanted_fingerprint: s.wanted.iar.meaning.flow,
        };
        plan.steps = plan.list_steps(already_there(s));
        plan.if_it_fails = plan.list_undo();
        plan
    }

    pub fn blockers(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().filter(|c| c.level == Level::Blocker)
    }

    /// Whether the plan does anything but prove.
    pub fn changes_something(&self) -> bool {
        self.steps.iter().any(|s| !matches!(s.kind, StepKind::Prove | StepKind::SafetyExport))
    }

    /// Lets the plan run. `confirmation` is what was typed, or given with `--confirm`.
    ///
    /// # Errors
    /// Where there is a blocker, or a protected environment's name was not given exactly.
    pub fn approve(self, confirmation: Option<&str>) -> Result<Approved, Refused> {
        let blockers: Vec<_> = self.blockers().cloned().collect();
        if !blockers.is_empty() {
            return Err(Refused::Blocked(blockers));
        }
        let confirmed = confirmation.is_some_and(|typed| typed == self.environment.as_str());
        if self.protected && self.changes_something() && !confirmed {
            return Err(Refused::Unconfirmed(self.environment.clone()));
        }
        Ok(Approved(self))
    }

    fn list_steps(&self, already_there: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut add = |kind, text: String| steps.push(Step { kind, text });
        let (id, environment) = (&self.id, &self.environment);
        if !already_there {
            match self.way {
                Way::Replace => {
                    add(StepKind::SafetyExport, format!("safety export of {id} from {environment} to the store"));
                    if matches!(self.before.status, Some(Status::Active | Status::Busy)) {
                        add(StepKind::Deactivate, format!("deactivate {id}: the gap begins"));
                    }
                    add(StepKind::Replace, format!("replace {id} with {}", self.source));
                }
                Way::Import => add(StepKind::Import, format!("import {}", self.source)),
                Way::Activate => {}
            }
            if self.activate {
                let swap = self.before.swapped.as_ref().map(|o| format!(", which swaps out {o}")).unwrap_or_default();
                add(StepKind::Activate, format!("activate {id}{swap}"));
            }
        }
        match &self.schedule {
            Some(ScheduleState::Running) if !already_there => {
                add(StepKind::Schedule, "start the schedule, as it was".into())
            }
            Some(ScheduleState::Paused) if !already_there => {
                add(StepKind::Schedule, "start and pause the schedule, as it was".into())
            }
            _ => {}
        }
        add(StepKind::Prove, "prove: export again and compare fingerprints, status and schedule".into());
        steps
    }

    fn list_undo(&self) -> Vec<String> {
        let id = &self.id;
        let schedule = self.before.schedule.as_ref().map(|s| format!(", schedule {}", s.word())).unwrap_or_default();
        let mut lines = Vec::new();
        match self.way {
            Way::Replace => lines.push(format!(
                "the safety export is put back and left {}{schedule}",
                self.before.status.as_ref().map_or("as it was", Status::word)
            )),
            Way::Import => lines.push(format!("the imported {id} is deleted again")),
            Way::Activate => lines.push(format!("{id} is deactivated again")),
        }
        if let (Some(other), true) = (&self.before.swapped, self.activate) {
            lines.push(format!("{other} is activated again{schedule}"));
        }
        lines.push("what was there before is proven by another export".into());
        lines
    }
}

fn live_meaning(s: &Situation) -> Option<Meaning> {
    s.there_meaning.as_ref().and_then(|m| m.as_ref().ok().copied())
}

fn already_there(s: &Situation) -> bool {
    s.before.was_active() && live_meaning(s).is_some_and(|m| m.flow == s.wanted.iar.meaning.flow)
}

fn choose(s: &Situation) -> (Way, String) {
    let (Some(there), live) = (&s.there, live_meaning(s)) else {
        return (Way::Import, format!("{} has no {}", s.environment, s.wanted.iar.id));
    };
    let same = live.is_some_and(|m| m.flow == s.wanted.iar.meaning.flow);
    match (same, &there.status) {
        (true, Status::Active) => (Way::Activate, format!("{} runs this very version already", s.environment)),
        (true, status) => (Way::Activate, format!("it is there unchanged and {}", status.word())),
        (false, _) => {
            let by = there.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
            let at = there.last_updated.map(|t| format!(" at {}", crate::model::short_date(t))).unwrap_or_default();
            (Way::Replace, format!("this version number was changed in place{by}{at}"))
        }
    }
}

fn checks(s: &Situation, way: Way) -> Vec<Finding> {
    let mut out = vec![Finding::fact(format!("archive whole, {}", s.wanted.iar.id))];
    if already_there(s) {
        out.push(Finding::fact("nothing to restore: only the proof is made"));
        return out;
    }
    if s.read_only {
        out.push(Finding::blocker(
            format!("{} is read-only in the config", s.environment),
            "set read_only = false for it if this restore is meant",
        ));
    }
    out.extend(interruption(s, way));
    out.extend(lock(s));
    if let (Way::Replace, Some(Err(why))) = (way, &s.there_meaning) {
        let fix =
            "what is there could not be saved first, so it is not replaced; unlock it, or delete it in the console";
        out.push(Finding::blocker(format!("{} cannot be exported: {why}", s.wanted.iar.id), fix));
    }
    out.extend(connections(s));
    out.extend(s.missing_lookups.iter().map(|name| {
        let fix = "the archive's own copy comes along with an import; check its rows afterwards";
        Finding::warning(format!("lookup {name} is not on {}", s.environment), fix)
    }));
    let lookups = s.wanted.iar.needs.lookups.len() - s.missing_lookups.len();
    if lookups > 0 {
        out.push(Finding::fact(format!("{} there", plural(lookups, "lookup"))));
    }
    out.extend(children(s));
    let becomes_active = !s.before.was_active() && s.before.swapped.is_none();
    if becomes_active && s.active_count >= ACTIVE_LIMIT {
        let fix = "deactivate one that is not needed first";
        out.push(Finding::blocker(
            format!("{} integrations are active, the limit is {ACTIVE_LIMIT}", s.active_count),
            fix,
        ));
    }
    if s.wanted.iar.scheduled && s.before.schedule.is_none() {
        let fix = "start it in the console once its first run is wanted";
        out.push(Finding::warning("it has a schedule, and none ran before: it stays stopped", fix));
    }
    out
}

/// What the restore interrupts.
fn interruption(s: &Situation, way: Way) -> Vec<Finding> {
    let mut out = Vec::new();
    let gap = way == Way::Replace && s.before.was_active();
    match (gap, s.in_flight) {
        (true, Some(0)) => out.push(Finding::fact("a gap from deactivation to activation; 0 runs in flight")),
        (true, Some(n)) => {
            let fix = "wait until they are done, or go on: requests that wait are lost";
            out.push(Finding::warning(
                format!("a gap from deactivation to activation; {} in flight", plural(n as usize, "run")),
                fix,
            ));
        }
        (true, None) => {
            let fix = "the role may not read monitoring; look in the console";
            out.push(Finding::warning("a gap from deactivation to activation; runs in flight are not known", fix));
        }
        (false, _) if s.before.swapped.is_some() => {
            out.push(Finding::fact("no gap: the service swaps versions in one step"))
        }
        (false, _) => out.push(Finding::fact("nothing of it runs now, so nothing is interrupted")),
    }
    out.extend(s.next_run.map(|t| Finding::fact(format!("next scheduled run {}", clock_time(t)))));
    out
}

fn lock(s: &Situation) -> Option<Finding> {
    let there = s.there.as_ref().filter(|t| t.locked)?;
    let who = there.locked_by.clone().unwrap_or_else(|| "somebody".into());
    Some(Finding::blocker(
        format!("{} is locked by {who}", there.id),
        format!("ask {who} to close it, or unlock it in the console as an administrator"),
    ))
}

fn connections(s: &Situation) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut good = 0;
    for (code, found) in &s.connections {
        match found {
            Some(c) if c.status == Status::Configured => good += 1,
            Some(c) => out.push(Finding::blocker(
                format!("connection {code} on {} is {}", s.environment, c.status.word()),
                "configure and test it in the console: activation fails without it",
            )),
            None => out.push(Finding::blocker(
                format!("connection {code} is not on {}", s.environment),
                "create and configure it in the console first: an import brings it without credentials, and activation fails",
            )),
        }
    }
    if good > 0 {
        out.push(Finding::fact(format!("{} configured; the target's own values stay", plural(good, "connection"))));
    }
    out
}

fn children(s: &Situation) -> Vec<Finding> {
    let judge = |(id, status): &(IntegrationId, Option<Status>)| match status {
        Some(Status::Active) => Finding::fact(format!("child integration {id} is active")),
        Some(other) => Finding::warning(
            format!("child integration {id} is {}", other.word()),
            "activate it too, or calls to it fail",
        ),
        None => Finding::warning(
            format!("child integration {id} is not on {}", s.environment),
            "restore it first, or calls to it fail",
        ),
    };
    s.children.iter().map(judge).collect()
}

/// The time at which a plan's facts were true, for the second look before the first change.
pub(super) fn moved_since(plan: &Plan, now: Option<Timestamp>) -> bool {
    plan.before.last_updated != now
}
