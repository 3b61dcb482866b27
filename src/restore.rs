//! Restore, and the verbs that stand on it: brings artifacts to the wanted state and proves it, or
//! puts back what was there before and proves that.
//!
//! [`survey()`] looks, [`RestorePlan::of`] decides (pure), [`RestorePlan::approve`] lets nothing
//! through that has a blocker or lacks its confirmation, [`run()`] does it and writes the journal,
//! [`continue_run`] and [`undo`] take up a run that was cut off. Every caller starts with
//! [`prepare`].

mod checklist;
mod checks;
mod companions;
mod connection_fields;
mod connection_values;
mod ending;
mod error;
mod execute;
#[cfg(test)]
mod fixture;
mod journal;
mod journal_format;
mod live;
mod note;
mod plan;
mod planner;
mod prove;
mod remedy;
mod request;
mod retrying_client;
mod revert;
mod revert_project;
mod run;
mod run_store;
mod safety;
mod smoke;
mod steps;
mod survey;
mod waits;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use crate::model::{ArtifactKey, ConnectionName, Kind, project_file_name};
use crate::oic::{Client, ConnectionSettings, OicError};
use crate::store::Store;

pub use checklist::{Checklist, ChecklistItem, ChecklistState, NOT_YET, Watch};
pub use connection_fields::fields;
pub use ending::{Ending, EndingTone, NextStep};
pub use error::{ConnectionValuesError, KeptFileError, RunError, SmokeError, StepError};
pub use journal::{ItemProgress, Journal, JournalLine, NotPutBack, Proof, RunOutcome, RunOwner};
pub use live::{LiveState, PriorState, live_fingerprints};
pub use note::incident_note;
pub use plan::{ApprovedPlan, Check, LeftOut, PlanItem, PlanStep, RestorePlan, StepKind, Strategy};
pub use remedy::{Remedy, RemedyTaken};
pub use request::{
    Goal, PayloadArchive, PlanOptions, Request, ScheduleChoice, Verb, WantedArtifact,
};
pub use run::{Payloads, ReopenedRun, RetryPolicy, RunContext, continue_run, run, undo};
pub use run_store::{
    OngoingRun, RunProcess, all as all_runs, find as find_run, leave, open as open_runs, undoing,
};
pub use survey::{
    Likeness, LookupReaders, ScopeLists, Situation, SurveyedArtifact, TargetConnections,
    TargetLists, survey,
};

/// Values for connections that a person gave.
pub type ConnectionValues = BTreeMap<ConnectionName, ConnectionSettings>;

/// A plan, and the files that it sends.
#[derive(Debug, Clone)]
pub struct PreparedPlan {
    pub plan: RestorePlan,
    pub payloads: Payloads,
    /// What a person needs for the steps that are by hand.
    pub by_hand: Vec<FileByHand>,
}

/// The archive of a project, which a person can import in the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileByHand {
    pub name: String,
    pub bytes: Bytes,
    /// The strategy of the plan for the whole project; none where only a part of it is wanted.
    pub instead_of: Option<Strategy>,
}

/// Whether an environment has an artifact.
///
/// # Errors
/// Where the service cannot be asked.
pub async fn exists(client: &Client, key: &ArtifactKey) -> Result<bool, OicError> {
    Ok(live::look(client, key).await?.is_some())
}

/// How much longer a plan may take for each artifact that is wanted.
const PLANNED_IN: Duration = Duration::from_secs(1);

/// Surveys the target and makes the plan.
///
/// # Errors
/// Where a list that the plan cannot do without is not readable.
pub async fn prepare(
    client: &Client,
    store: Option<&Store>,
    request: &Request,
    plan_options: &PlanOptions,
) -> Result<PreparedPlan, OicError> {
    let asked = u32::try_from(request.wanted.len()).unwrap_or(u32::MAX);
    let most = client.environment().deadlines.plan + PLANNED_IN * asked;
    let survey = Box::pin(survey(client, store, request, plan_options));
    let situation = client.within(most, "make a plan", survey).await?;
    let plan = RestorePlan::of(&situation);
    let bytes_of = |item: &PlanItem| {
        // An artifact that is only activated has a file too: putting back sends it if the artifact
        // is gone.
        let may_send = item.strategy.sends() || item.strategy == Strategy::Activate;
        let sends = may_send && !item.as_wanted && item.within.is_none();
        situation.archive(&item.key).filter(|_| sends).map(|a| a.bytes.clone()).unwrap_or_default()
    };
    let payloads: Vec<Bytes> = plan.items.iter().map(bytes_of).collect();
    let by_hand = files_by_hand(&situation, &plan);
    Ok(PreparedPlan { plan, payloads, by_hand })
}

/// The archives of projects that the steps by hand name, and those that the plan itself sends: who
/// cannot let oicx do it imports them in the console. Each once.
fn files_by_hand(situation: &Situation, plan: &RestorePlan) -> Vec<FileByHand> {
    let mut files: Vec<FileByHand> = Vec::new();
    for item in &plan.items {
        let Some(archive) = situation.archive(&item.key) else { continue };
        let (project, bytes, instead_of) = match (item.key.kind, item.key.scope.project()) {
            (Kind::Project, _) if item.strategy.sends() => {
                (item.key.code.as_str(), archive.bytes.clone(), Some(item.strategy))
            }
            (_, Some(project)) if item.strategy == Strategy::ByHand => {
                (project.as_str(), archive.project_file.clone(), None)
            }
            _ => continue,
        };
        let file = FileByHand { name: project_file_name(project), bytes, instead_of };
        if !file.bytes.is_empty() && !files.contains(&file) {
            files.push(file);
        }
    }
    files
}
