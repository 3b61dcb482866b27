//! Drill: rehearses the loss of an environment on another one. What a snapshot holds is restored
//! there, proven, measured, and taken away again.

use std::{collections::BTreeSet, fmt::Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::request_builder::RequestError;
use crate::model::{
    ArtifactKey, ConnectionName, EnvironmentName, Finding, Kind, PlanRefused, RunId, Scope,
    SnapshotName, markdown, plural,
};
use crate::oic::{Client, OicError};
use crate::restore;
use crate::restore::{
    ApprovedPlan, Goal, Journal, PayloadArchive, Payloads, PlanOptions, PreparedPlan, Request,
    RunContext, RunError, RunOutcome, Verb, WantedArtifact,
};
use crate::store::StoreError;
use crate::workspace::Workspace;

/// What is rehearsed.
#[derive(Debug, Clone)]
pub struct DrillSelection {
    pub snapshot: SnapshotName,
    /// How many integrations are rehearsed; none: all.
    pub sample: Option<usize>,
    /// What is put before the name of a lookup or library where the target has one of that name.
    pub prefix: String,
    /// Whether integrations are activated; without it, they are imported and proven only.
    pub activate: bool,
}

/// Why nothing can be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("{oic}\n  → {advice}", oic = .0, advice = .0.advice())]
    Oic(#[from] OicError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Refused(#[from] PlanRefused),
    #[error(
        "a drill of {0} in {0} would touch what it rehearses the loss of\n  → name another \
            environment with --in"
    )]
    Same(EnvironmentName),
    #[error(
        "{target} has everything that {source_name} has under the same names: nothing can be \
            rehearsed without touching it\n  → name an environment that is empty, or has less"
    )]
    NothingFree { source_name: String, target: EnvironmentName },
    #[error("what was rehearsed is still on the target: {0}")]
    CleanUp(#[from] RunError),
}

/// Prepares a drill: what will be rehearsed, and what cannot be.
///
/// # Errors
/// Where there is no such snapshot, or the target has no room for any of it.
pub async fn prepare(
    workspace: &Workspace,
    target: &Client,
    scope: &DrillSelection,
) -> Result<PreparedPlan, DrillError> {
    if *target.name() == scope.snapshot.environment {
        return Err(DrillError::Same(target.name().clone()));
    }
    // The integrations of a package are rehearsed by themselves.
    let takes = |key: &ArtifactKey, _: &str| key.kind.can_be_sent() && key.kind != Kind::Package;
    let mut request = workspace.request_snapshot(Verb::Drill, &scope.snapshot, takes).await?;
    request.rehearses = Some(scope.snapshot.environment.clone());
    let there: BTreeSet<String> =
        target.integrations_in(&Scope::Global).await?.into_iter().map(|i| i.id.code).collect();
    let names = |all: Vec<crate::oic::ListedArtifact>| {
        all.into_iter().map(|l| l.code).collect::<BTreeSet<_>>()
    };
    let lookups = names(target.catalog(Kind::Lookup).await?);
    let libraries = names(target.catalog(Kind::Library).await?);
    let projects = names(target.projects().await?);
    let projects = choose_projects(&mut request, scope, &projects, target);
    if !projects.is_empty() {
        let what = "access lists are not rehearsed: a project is open to whom the target gives a \
            new one, until it is taken away again";
        request.notes.push(Finding::fact(what));
    }
    choose(&mut request, scope, &there, &lookups, &libraries);
    request.wanted.extend(projects);
    if request.wanted.is_empty() {
        let (source_name, target) = (scope.snapshot.to_string(), target.name().clone());
        return Err(DrillError::NothingFree { source_name, target });
    }
    Ok(restore::prepare(target, workspace.store.as_ref(), &request, &PlanOptions::default())
        .await?)
}

/// Takes the projects out of a request, and gives those that are rehearsed: whole ones that the
/// target does not have, and whose connections get values there. A sample is of single
/// integrations.
fn choose_projects(
    request: &mut Request,
    scope: &DrillSelection,
    there: &BTreeSet<String>,
    target: &Client,
) -> Vec<WantedArtifact> {
    let (projects, rest): (Vec<WantedArtifact>, Vec<WantedArtifact>) =
        std::mem::take(&mut request.wanted).into_iter().partition(|w| w.key.kind == Kind::Project);
    request.wanted = rest;
    if scope.sample.is_some() {
        if !projects.is_empty() {
            let what = format!("{} not rehearsed", plural(projects.len(), "project"));
            let fix = "a sample is of single integrations; rehearse without --sample to see all";
            request.notes.push(Finding::warning(what, fix));
        }
        return Vec::new();
    }
    let given = |project: &ArtifactKey, code: &str| {
        let name = ConnectionName::new(&project.uses_scope(), code);
        target.environment().values_of(&name).is_some()
    };
    let mut chosen = Vec::new();
    for mut project in projects {
        let code = project.key.code.clone();
        let needs = project.archive.iter().flat_map(|a| &a.needs.connections);
        let without: Vec<&str> =
            needs.filter(|c| !given(&project.key, c)).map(String::as_str).collect();
        if there.contains(&code) {
            let what = format!("project {code} is on the target and is not rehearsed");
            let fix = "rehearse in an environment that is empty to see all of it";
            request.notes.push(Finding::warning(what, fix));
        } else if scope.activate && !without.is_empty() {
            let what = format!(
                "project {code} is not rehearsed: {} without values: {}",
                plural(without.len(), "connection"),
                without.join(", ")
            );
            let fix = format!(
                "give them under [environments.{}.connections.CODE], or rehearse imports alone \
                    with --no-activate",
                target.name()
            );
            request.notes.push(Finding::warning(what, fix));
        } else {
            if !scope.activate {
                project.goal = Goal::Exactly { active: false, schedule: None };
            }
            chosen.push(project);
        }
    }
    chosen
}

/// Chooses what is rehearsed. What the target has under the same name is left alone. A lookup or
/// library is then rehearsed under another name. An integration is not rehearsed: its code stands
/// in the files of its archive, which is sent byte for byte as it was kept.
fn choose(
    request: &mut Request,
    scope: &DrillSelection,
    there: &BTreeSet<String>,
    lookups: &BTreeSet<String>,
    libraries: &BTreeSet<String>,
) {
    let (integrations, mut tables): (Vec<WantedArtifact>, Vec<WantedArtifact>) =
        std::mem::take(&mut request.wanted)
            .into_iter()
            .partition(|w| w.key.kind == Kind::Integration);
    let all = integrations.len();
    let (mut free, taken): (Vec<WantedArtifact>, Vec<WantedArtifact>) =
        integrations.into_iter().partition(|w| !there.contains(&w.key.code));
    free.sort_by_key(|w| crate::archive::sha256_hex(w.key.to_string().as_bytes()));
    free.truncate(scope.sample.unwrap_or(usize::MAX));
    for wanted in &mut free {
        let active = matches!(&wanted.goal, Goal::Exactly { active: true, .. }) && scope.activate;
        // A rehearsal must not process real business data, so no schedule runs.
        wanted.goal = Goal::Exactly { active, schedule: None };
    }
    if scope.sample.is_some() {
        let needed = |w: &WantedArtifact| {
            let needs = free.iter().filter_map(|f| f.archive.as_ref()).map(|a| &a.needs);
            needs
                .clone()
                .any(|n| n.lookups.contains(&w.key.code) || n.libraries.contains(&w.key.code))
        };
        tables.retain(needed);
    }
    for wanted in &mut tables {
        let taken = if wanted.key.kind == Kind::Lookup { lookups } else { libraries };
        if taken.contains(&wanted.key.code) {
            rename(wanted, &scope.prefix);
        }
    }
    if !taken.is_empty() {
        let what = format!(
            "{} of {all} are on the target under the same code and are not rehearsed",
            plural(taken.len(), "integration")
        );
        request.notes.push(Finding::warning(
            what,
            "rehearse in an environment that is empty to see all of it",
        ));
    }
    if !scope.activate {
        request.notes.push(Finding::warning(
            "nothing is activated: imports alone are rehearsed",
            "leave --no-activate out to rehearse activation",
        ));
    }
    request.notes.push(Finding::fact(
        "schedules stay stopped; at the end all of it is taken away again, proven",
    ));
    request.wanted = tables;
    request.wanted.extend(free);
}

/// Gives what is wanted another name. A lookup has its name in its first line; a library's file
/// does not hold its name.
fn rename(wanted: &mut WantedArtifact, prefix: &str) {
    let new = format!("{prefix}{}", wanted.key.code);
    let key = ArtifactKey::new(wanted.key.kind, &new, wanted.key.version);
    let Some(archive) = &wanted.archive else { return };
    let bytes = match wanted.key.kind {
        Kind::Lookup => renamed_csv(&archive.bytes, &wanted.key.code, &new),
        _ => archive.bytes.clone(),
    };
    if let Ok(archive) = PayloadArchive::read(&key, &bytes) {
        wanted.label = format!("{} under the name {new}", wanted.label);
        (wanted.key, wanted.archive) = (key, Some(archive));
    }
}

/// The service's CSV with another name in its first line, `DVM,NAME,DESCRIPTION`.
fn renamed_csv(bytes: &[u8], old: &str, new: &str) -> bytes::Bytes {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).replacen(old, new, 1);
    [head.as_bytes(), &bytes[end..]].concat().into()
}

/// What a drill showed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DrillReport {
    pub rehearsed: EnvironmentName,
    pub target: EnvironmentName,
    pub source: String,
    pub run: RunId,
    pub clean_up: Option<RunId>,
    pub started: Timestamp,
    /// How long the restore alone took, in seconds.
    pub seconds: f64,
    pub artifacts: Vec<DrillMeasure>,
    pub good: bool,
    pub notes: Vec<String>,
}

/// One artifact of a drill.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DrillMeasure {
    pub artifact: ArtifactKey,
    pub result: RunOutcome,
    pub seconds: f64,
    pub error: Option<String>,
}

/// Restores, proves, measures, takes everything away again and reports how it went.
///
/// # Errors
/// Where the run cannot begin, or what it brought cannot be taken away.
pub async fn run(
    approved: ApprovedPlan,
    payloads: Payloads,
    context: RunContext<'_>,
) -> Result<(DrillReport, Journal), DrillError> {
    let journal = restore::run(approved, payloads, context).await?;
    let report = end(&journal, context).await?;
    Ok((report, journal))
}

/// Measures a rehearsal that came to its end, and takes away again what it brought. One that stopped
/// in the middle is left as it is.
///
/// # Errors
/// Where what it brought cannot be taken away.
pub async fn end(journal: &Journal, context: RunContext<'_>) -> Result<DrillReport, DrillError> {
    let mut report = report(journal);
    if journal.is_open() {
        let text = format!(
            "{} stopped in the middle: oicx resume {} --undo takes away what it brought",
            journal.run, journal.run
        );
        report.notes.push(text);
        return Ok(report);
    }
    if journal.changed() {
        let request = restore::undoing(context.store, journal).await?;
        let prepared = restore::prepare(
            context.client,
            Some(context.store),
            &request,
            &PlanOptions::default(),
        )
        .await?;
        // Taking away what the run brought needs no further approval: the plan said so.
        let name = context.client.name().to_string();
        let gone =
            restore::run(prepared.plan.approve(Some(&name))?, prepared.payloads, context).await?;
        report.clean_up = Some(gone.run.clone());
        report.good &= gone.result == Some(RunOutcome::Restored);
        if gone.result != Some(RunOutcome::Restored) {
            let why = gone.why().unwrap_or_default();
            report.notes.push(format!(
                "taking it away: {}: {why}",
                gone.result.map_or("cut off", RunOutcome::describe)
            ));
        }
    }
    Ok(report)
}

fn report(journal: &Journal) -> DrillReport {
    let plan = &journal.plan;
    let pauses = journal.pauses.iter();
    let paused: f64 = pauses.map(|p| p.until.duration_since(p.from).as_secs_f64()).sum();
    let interrupted = (!journal.pauses.is_empty())
        .then(|| format!("it was interrupted for {paused:.0} s, which are not counted"));
    let artifacts: Vec<DrillMeasure> = plan
        .items
        .iter()
        .zip(plan.item_indices())
        .map(|(item, at)| {
            let record = &journal.items[at];
            DrillMeasure {
                artifact: item.key.clone(),
                result: match record.outcome.unwrap_or(RunOutcome::Untouched) {
                    // It came with another one, and was proven.
                    RunOutcome::Untouched if record.is_proven() => RunOutcome::Restored,
                    other => other,
                },
                seconds: journal.span(at).map_or(0.0, |(from, to)| journal.worked(from, to)),
                error: record.why(),
            }
        })
        .collect();
    let finished = journal.finished.unwrap_or(journal.started);
    DrillReport {
        rehearsed: plan.rehearses.clone().unwrap_or_else(|| plan.environment.clone()),
        target: plan.environment.clone(),
        source: plan.source.clone(),
        run: journal.run.clone(),
        clean_up: None,
        started: journal.started,
        seconds: journal.worked(journal.started, finished),
        good: journal.result == Some(RunOutcome::Restored),
        artifacts,
        notes: plan
            .checks
            .iter()
            .filter(|c| c.level != crate::model::Level::Fact)
            .map(|c| c.what.clone())
            .chain(interrupted)
            .collect(),
    }
}

impl DrillReport {
    /// The report as Markdown, for those who ask whether a backup is worth anything.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let good = self.artifacts.iter().filter(|a| a.result == RunOutcome::Restored).count();
        let verdict = if self.good { "good" } else { "NOT good" };
        writeln!(out, "# Drill of {} in {}: {verdict}\n", self.rehearsed, self.target)?;
        writeln!(
            out,
            "{} of {} restored and proven from {}, in {:.1} s.",
            good,
            plural(self.artifacts.len(), "artifact"),
            self.source,
            self.seconds
        )?;
        writeln!(
            out,
            "Began {}; run `{}`; taken away again by {}.\n",
            self.started.strftime("%Y-%m-%d %H:%M UTC"),
            self.run,
            self.clean_up.as_ref().map_or_else(|| "nobody".into(), |r| format!("`{r}`"))
        )?;
        self.notes.iter().try_for_each(|note| writeln!(out, "- {}", markdown(note)))?;
        writeln!(out, "\n| artifact | result | s |\n|---|---|---|")?;
        for a in &self.artifacts {
            let why = a.error.as_ref().map(|e| format!(": {}", markdown(e))).unwrap_or_default();
            let artifact = markdown(&a.artifact.to_string());
            writeln!(out, "| {artifact} | {}{why} | {:.1} |", a.result.describe(), a.seconds)?;
        }
        Ok(())
    }
}

/// When each environment was last rehearsed with success: restored, and taken away again. The runs
/// are newest first.
pub fn last_good_of(runs: &[Journal]) -> Vec<(EnvironmentName, Timestamp)> {
    let gone = |run: &RunId| {
        runs.iter()
            .any(|j| j.plan.undoes.as_ref() == Some(run) && j.result == Some(RunOutcome::Restored))
    };
    let mut out: Vec<(EnvironmentName, Timestamp)> = Vec::new();
    let good = runs.iter().filter(|j| {
        j.plan.verb == Verb::Drill && j.result == Some(RunOutcome::Restored) && gone(&j.run)
    });
    for journal in good {
        let Some(name) = &journal.plan.rehearses else { continue };
        if out.iter().all(|(n, _)| n != name) {
            out.push((name.clone(), journal.started));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_gets_another_name_in_its_first_line_alone() {
        let csv = "\u{feff}DVM,PAY_GRADE,Grades of PAY_GRADE\r\nA,B\r\nPAY_GRADE,1\r\n";
        let renamed = renamed_csv(csv.as_bytes(), "PAY_GRADE", "DRILL_PAY_GRADE");
        assert_eq!(
            renamed,
            "\u{feff}DVM,DRILL_PAY_GRADE,Grades of PAY_GRADE\r\nA,B\r\nPAY_GRADE,1\r\n"
        );
    }
}
