//! Sends failed instances again or gives them up. A plan says how many there are, which errors they
//! had, and whether sending them again can help; then come the calls, each looked at before it is
//! repeated.

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::triage::grouped;
use crate::model::{
    ArtifactKey, EnvironmentName, Finding, IntegrationId, PlanRefused, RunId, Scope, Status,
    Target, ago, plural,
};
use crate::oic::{
    self, Client, InstanceError, ListedIntegration, MOST_LISTED, NotAtRest, OicError, Recovery,
    WaitLimits, Window, wait_until_at_rest,
};
use crate::restore::RunOwner;
use crate::store::{self, Store, StoreError};
use crate::workspace::events::{Events, Progress};

/// How many groups of errors a plan shows.
const GROUPS: usize = 5;
/// How many ids go in one call.
const AT_ONCE: usize = 50;

/// What will be done with which instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryPlan {
    pub environment: EnvironmentName,
    pub id: IntegrationId,
    pub recovery: Recovery,
    /// Newest first.
    pub errors: Vec<InstanceError>,
    pub checks: Vec<Finding>,
    pub protected: bool,
}

/// A plan that was confirmed.
#[derive(Debug, Clone)]
pub struct ApprovedRecovery(RecoveryPlan);

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryReport {
    pub environment: EnvironmentName,
    pub id: IntegrationId,
    pub recovery: Recovery,
    pub by: RunOwner,
    pub at: Timestamp,
    /// Ids of the errors that the service took.
    pub taken: Vec<String>,
    /// Ids of the errors that it did not take, and why.
    pub left: Vec<String>,
    /// Ids of the errors of which it is not known whether it took them: its answer was lost, and
    /// what was taken stays listed for a while. Sent again, they might run twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    pub why: Option<String>,
    /// The jobs in which the service does it, each with its last word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<RecoveryJob>,
}

/// A job of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryJob {
    pub id: String,
    /// The service's word for how it stands; none where it does not tell.
    pub status: Option<String>,
}

impl RecoveryReport {
    /// `212 runs accepted, 3 left, of 50 it is not known`
    pub fn describe(&self) -> String {
        let mut parts = vec![format!("{} accepted", plural(self.taken.len(), "run"))];
        if !self.left.is_empty() {
            parts.push(format!("{} left", self.left.len()));
        }
        if !self.unknown.is_empty() {
            parts.push(format!("of {} it is not known", self.unknown.len()));
        }
        parts.join(", ")
    }

    /// Whether the service took all.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty() && self.unknown.is_empty()
    }
}

/// How long what the service took may stay listed as failed: it works it off in its own time.
const TAKEN_FOR: SignedDuration = SignedDuration::from_mins(15);

/// When each error of an integration was sent lately, by the error's id, and whether the service
/// said that it took it, as the store's notes tell.
async fn taken_lately(
    store: Option<&Store>,
    environment: &EnvironmentName,
    id: &IntegrationId,
) -> Result<HashMap<String, (Timestamp, bool)>, StoreError> {
    let Some(store) = store else { return Ok(HashMap::new()) };
    let since = Timestamp::now() - TAKEN_FOR;
    let notes = store.recoveries(since).await?;
    let read = notes.iter().filter_map(|n| serde_json::from_slice::<RecoveryReport>(n).ok());
    let of = |r: &RecoveryReport| r.environment == *environment && r.id == *id && r.at >= since;
    let taken = read.filter(of).flat_map(|report| {
        let at = report.at;
        let taken = report.taken.into_iter().map(move |error| (error, (at, true)));
        let unknown = report.unknown.into_iter().map(move |error| (error, (at, false)));
        taken.chain(unknown).collect::<Vec<_>>()
    });
    Ok(taken.collect())
}

/// What speaks against sending runs of which no record tells the project: those of a twin would be
/// sent, too.
async fn maybe_of_twins(
    client: &Client,
    id: &IntegrationId,
    errors: &[InstanceError],
) -> Option<Finding> {
    if errors.iter().all(|e| e.scope.is_some()) {
        return None;
    }
    let everywhere = match client.integrations_everywhere().await {
        Ok(everywhere) => everywhere,
        Err(e) => {
            let what = format!("whether {id} has a twin in a project is not known: {}", e.reason());
            return Some(Finding::warning(what, "look in the console whose runs these are"));
        }
    };
    let same = |i: &ListedIntegration| {
        i.id.code == id.code && i.id.version == id.version && i.id.scope != id.scope
    };
    let twins: Vec<String> =
        everywhere.found.iter().filter(|i| same(i)).map(|i| i.id.to_string()).collect();
    if twins.is_empty() {
        return None;
    }
    let what = format!(
        "{} does not say whose these runs are: they may be those of {}",
        client.name(),
        twins.join(", ")
    );
    Some(Finding::blocker(what, "send them again in the console, where each is named"))
}

/// Looks which instances failed. What the service took a moment ago, as the store tells, is left
/// out: it may still be listed, and would run twice. `only` names some of them by their error's id;
/// none: all of the window.
///
/// # Errors
/// Where the role may not read monitoring.
pub async fn plan(
    (client, store): (&Client, Option<&Store>),
    id: &IntegrationId,
    window: Window,
    recovery: Recovery,
    only: Option<&[String]>,
) -> Result<RecoveryPlan, OicError> {
    let mut errors = client.instance_errors(id, window).await?;
    errors.retain(|e| only.is_none_or(|o| o.contains(&e.id)));
    let live = client.integration(id).await?;
    let mut checks = Vec::new();
    let sent = taken_lately(store, client.name(), id).await;
    if let Err(e) = &sent {
        let what = format!("whether some were sent a moment ago is not known: {e}");
        checks.push(Finding::warning(
            what,
            "what is sent twice may run twice: ask who else works on it",
        ));
    }
    let sent = sent.unwrap_or_default();
    let later = |e: &InstanceError, at: &Timestamp| {
        e.at.is_some_and(|failed| failed > client.service_clock(*at))
    };
    // What failed again since then is another failure.
    let left_out = |e: &InstanceError| sent.get(&e.id).filter(|(at, _)| !later(e, at)).copied();
    checks.extend(told_of_sent(errors.iter().filter_map(left_out)));
    errors.retain(|e| left_out(e).is_none());
    checks.extend(what_failed(client, id, window, &mut errors).await);
    if recovery == Recovery::Resubmit {
        checks.extend(will_it_help(&errors, &live));
    } else if !errors.is_empty() {
        checks.push(Finding::warning(
            "what is discarded cannot be sent again",
            "resubmit instead where the data is still wanted",
        ));
    }
    let environment = client.environment();
    checks.extend(environment.protection());
    let (environment, protected) = (environment.name.clone(), environment.protected);
    Ok(RecoveryPlan { environment, id: id.clone(), recovery, errors, checks, protected })
}

/// Leaves those that can be sent again, and says what failed how often.
async fn what_failed(
    client: &Client,
    id: &IntegrationId,
    window: Window,
    errors: &mut Vec<InstanceError>,
) -> Vec<Finding> {
    let mut checks = Vec::new();
    let all = errors.len();
    errors.retain(|e| e.recoverable);
    if errors.is_empty() {
        let what =
            format!("no run of {id} failed within {} that could be sent again", window.label());
        checks.push(Finding::blocker(what, "look at a longer time, or at another version"));
        checks.extend(failing_beside(client, id, window).await);
    } else {
        checks.push(Finding::fact(format!(
            "{} of {id} within {}",
            plural(errors.len(), "failed run"),
            window.label()
        )));
    }
    checks.extend(maybe_of_twins(client, id, errors).await);
    if all > errors.len() {
        let what = format!(
            "{} cannot be sent again, the service says",
            plural(all - errors.len(), "other")
        );
        checks.push(Finding::warning(what, "look at them in the console"));
    }
    checks.extend(
        grouped(errors)
            .iter()
            .take(GROUPS)
            .map(|g| Finding::fact(format!("{} × {}", g.count, g.describe()))),
    );
    checks
}

/// What is left out since it was sent a moment ago.
fn told_of_sent(left_out: impl Iterator<Item = (Timestamp, bool)>) -> Vec<Finding> {
    let (taken, unknown): (Vec<_>, Vec<_>) = left_out.partition(|(_, taken)| *taken);
    let fix = "what was sent stays listed for a while; after 15 minutes they are offered again";
    let told = |sent: Vec<(Timestamp, bool)>, how: &str| {
        let last = sent.iter().map(|(at, _)| *at).max()?;
        let what = format!("{} more were {how} {}: left out", sent.len(), ago(last));
        Some(Finding::warning(what, fix))
    };
    let both = [(taken, "accepted"), (unknown, "sent, and nobody knows whether they were taken,")];
    both.into_iter().filter_map(|(sent, how)| told(sent, how)).collect()
}

/// Which other versions of the same integration have failed runs, where this one has none.
async fn failing_beside(client: &Client, id: &IntegrationId, window: Window) -> Option<Finding> {
    let counts = client.instance_counts(window).await.ok()?;
    let beside = |other: &&IntegrationId| {
        let scope = if counts.tells_projects() { &id.scope } else { &Scope::Global };
        other.code == id.code && other.scope == *scope && other.version != id.version
    };
    let mut failing: Vec<String> = counts
        .iter()
        .filter(|(other, counts)| beside(other) && counts.failed > 0)
        .map(|(other, counts)| {
            format!("{} of {}", plural(counts.failed as usize, "run"), other.version)
        })
        .collect();
    failing.sort();
    let what = format!("of other versions failed: {}", failing.join(", "));
    let named = Target::from(ArtifactKey::from(id.clone()).name());
    let fix = format!("oicx recover {}:{named}@VERSION takes one of them", client.name());
    (!failing.is_empty()).then(|| Finding::warning(what, fix))
}

/// Whether sending again can help: only where something has changed since the failure.
fn will_it_help(errors: &[InstanceError], live: &crate::oic::ListedIntegration) -> Option<Finding> {
    let last = errors.iter().filter_map(|e| e.at).max()?;
    if live.state.status != Status::Active {
        let what = format!("{} is {}: nothing takes them", live.id, live.state.status.label());
        return Some(Finding::blocker(what, "activate or restore it first"));
    }
    let changed = live.state.last_updated?;
    Some(if changed > last {
        Finding::fact(format!(
            "{} was changed {}, after the last of them failed",
            live.id,
            ago(changed)
        ))
    } else {
        let what =
            format!("nothing of {} changed since the last of them failed {}", live.id, ago(last));
        Finding::warning(what, "they may fail again: restore or mend it first, or its target")
    })
}

impl RecoveryPlan {
    /// # Errors
    /// Where there is a blocker, or a protected environment's name was not given exactly.
    pub fn approve(self, confirmation: Option<&str>) -> Result<ApprovedRecovery, PlanRefused> {
        PlanRefused::if_blocked(&self.checks)?;
        if self.protected {
            PlanRefused::if_unconfirmed(self.environment.as_str(), confirmation)?;
        }
        Ok(ApprovedRecovery(self))
    }

    /// `resubmit 212 runs of SYNC|01.00.0000 on prod`
    pub fn title(&self) -> String {
        format!(
            "{} {} of {} on {}",
            self.recovery.label(),
            plural(self.errors.len(), "run"),
            self.id,
            self.environment
        )
    }
}

/// Carries out the plan, and writes what was done beside the runs in the store, where there is one.
pub async fn run(
    approved: ApprovedRecovery,
    client: &Client,
    store: Option<&Store>,
    events: &Events,
) -> RecoveryReport {
    let plan = approved.0;
    let mut report = RecoveryReport {
        environment: plan.environment.clone(),
        id: plan.id.clone(),
        recovery: plan.recovery,
        by: RunOwner::me(),
        at: Timestamp::now(),
        taken: vec![],
        left: vec![],
        unknown: vec![],
        why: None,
        jobs: vec![],
    };
    let ids: Vec<String> = plan.errors.iter().map(|e| e.id.clone()).collect();
    events.send(Progress::Total { count: ids.len() });
    let mut allowed = true;
    let run = store::run_id(report.at, plan.recovery.label());
    for part in ids.chunks(AT_ONCE) {
        // Whoever plans meanwhile, or after a kill, must know what may have been sent.
        if allowed {
            let mut before = report.clone();
            before.unknown.extend(part.iter().cloned());
            write_down(store, &run, &before, events).await;
        }
        match allowed {
            true => allowed = send(client, part, &mut report).await,
            false => report.left.extend(part.iter().cloned()),
        }
        for id in part {
            events.send(match report.taken.contains(id) {
                true => Progress::Done { what: id.clone(), bytes: 0 },
                false => {
                    let why = report.why.clone().unwrap_or_default();
                    Progress::Failed { what: id.clone(), why }
                }
            });
        }
    }
    // What was taken must be known although the wait for the jobs is cut short.
    write_down(store, &run, &report, events).await;
    if !report.jobs.is_empty() {
        follow(client, &mut report.jobs, events).await;
        write_down(store, &run, &report, events).await;
    }
    report
}

async fn write_down(store: Option<&Store>, run: &RunId, report: &RecoveryReport, events: &Events) {
    let Some(store) = store else { return };
    let bytes = serde_json::to_vec_pretty(report).unwrap_or_default();
    if let Err(e) = store.overwrite(&store::recovery_path(run), bytes.into()).await {
        events.send(Progress::Note { text: format!("what was done is not written down: {e}") });
    }
}

/// Makes one call. What one call refuses says nothing of the next: false only where the role may
/// not do it at all.
async fn send(client: &Client, ids: &[String], report: &mut RecoveryReport) -> bool {
    let ids = ids.to_vec();
    let told = |report: &mut RecoveryReport, why: String| {
        report.why.get_or_insert(why);
    };
    match client.recover(report.recovery, &ids).await {
        Ok(answer) => {
            if !answer.refused.is_empty() {
                let why = answer.message.unwrap_or_else(|| {
                    format!("the service cannot {} them", report.recovery.label())
                });
                told(report, why);
            }
            report.taken.extend(answer.accepted);
            report.left.extend(answer.refused);
            report.jobs.extend(answer.job.map(|id| RecoveryJob { id, status: None }));
        }
        Err(e) if e.is_ambiguous() => {
            // What is still listed may have been taken all the same.
            let still = client.instance_errors(&report.id, Window::ThreeDays).await.ok();
            // Of a list that is cut, what is missing says nothing.
            let still = still.filter(|listed| listed.len() < MOST_LISTED);
            let listed = |id: &String| still.as_ref().is_none_or(|l| l.iter().any(|e| e.id == *id));
            let (unknown, taken) = ids.into_iter().partition::<Vec<_>, _>(listed);
            if !unknown.is_empty() {
                told(report, format!("{e}; look in the console before sending them again"));
            }
            report.taken.extend(taken);
            report.unknown.extend(unknown);
        }
        Err(e) => {
            told(report, format!("{e} → {}", e.advice()));
            report.left.extend(ids);
            return !matches!(e.status(), Some(401 | 403));
        }
    }
    true
}

/// Looks until the service's jobs end, as long as the config lets an activation take; what is still
/// under way then was accepted all the same.
async fn follow(client: &Client, jobs: &mut [RecoveryJob], events: &Events) {
    let limits = WaitLimits {
        poll: Duration::from_secs(1),
        longest: Duration::from_secs(client.environment().activation_timeout),
        grace: Duration::ZERO,
        unsure: Duration::from_secs(10),
    };
    let most = limits.longest.as_secs();
    let ends = jobs.iter_mut().map(|job| async move {
        let id = job.id.clone();
        let look = || client.recovery_job(&id);
        let tell = |word: &str, waited: Duration| {
            if waited.as_secs() > 0 {
                let for_so_long = format!("{word} for {} s, at most {most} s", waited.as_secs());
                events.send(Progress::Note { text: format!("job {id}: {for_so_long}") });
            }
        };
        job.status = match wait_until_at_rest(limits, |_| false, look, tell).await {
            Ok(word) => word,
            Err(NotAtRest::Hangs { state, .. }) => Some(state).filter(|s| s != oic::UNANSWERED),
            Err(NotAtRest::Unwatched(_)) => None,
        };
    });
    futures::future::join_all(ends).await;
}
