//! One artifact as it is on an environment now, and the state to return to if the run fails. Only
//! reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::companions::{CompanionQuestions, state_of};
use super::survey::ScopeLists;
use crate::archive::{Fingerprints, ValidatedArchive};
use crate::model::{
    Answer, ArtifactKey, ArtifactState, Fingerprint, IntegrationId, Kind, ProjectCode,
    ScheduleParameters, ScheduleState, Status,
};
use crate::oic::{Client, ListedIntegration, OicError};
use crate::workspace::source::{FetchedArchive, export_integration, read_kept};

/// An artifact as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveState {
    pub state: ArtifactState,
    /// Whether it may have a schedule.
    pub scheduled: bool,
    /// Whether it has one; none where the service does not tell.
    pub schedule_defined: Option<bool>,
    /// The current values of its schedule's parameters.
    pub parameters: ScheduleParameters,
}

impl LiveState {
    /// The state of an artifact that runs by no schedule.
    pub(super) fn of(state: ArtifactState) -> Self {
        let parameters = ScheduleParameters::new();
        Self { state, scheduled: false, schedule_defined: None, parameters }
    }
}

/// The state to return to if the run fails.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PriorState {
    /// Its status; none where it did not exist.
    pub status: Option<Status>,
    pub last_updated: Option<Timestamp>,
    pub last_updated_by: Option<String>,
    /// Its portable fingerprint; none where it did not exist or could not be exported.
    #[serde(rename = "flow", default, skip_serializing_if = "Option::is_none")]
    pub portable: Option<Fingerprint>,
    /// The active version of the same major that an activation swaps out.
    pub swapped: Option<IntegrationId>,
    /// The schedule of the version that ran: this one, or the one that is swapped out.
    #[serde(default)]
    pub schedule: Answer<Option<ScheduleState>>,
    /// Connections and lookups that an import brings along because they were not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<ArtifactKey>,
    /// How its schedule is defined, where the schedule goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_definition: Option<Value>,
    /// How its own schedule is defined, where that stays: an undo needs it once the artifact is
    /// gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_times: Option<Value>,
    /// The current values of the parameters of the schedule of the version that ran.
    #[serde(default, skip_serializing_if = "ScheduleParameters::is_empty")]
    pub parameters: ScheduleParameters,
    /// Of a project that is rebuilt: what runs in it, and what is in no archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<ProjectCompanion>,
}

/// What a project has that its archive does not hold, before it is rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectCompanion {
    /// The integrations that are active.
    pub active: Vec<ActiveMember>,
    /// Who may do what in it; none where the instance has no such lists.
    #[serde(default, skip_serializing_if = "Answer::is_absent")]
    pub access_list: Answer<Option<Value>>,
    /// The connections that an import leaves without credentials.
    pub connections: Vec<String>,
    /// The lookups in it. Its archive holds those that an integration uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookups: Vec<String>,
}

/// An active integration of a project, with its schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActiveMember {
    pub id: IntegrationId,
    #[serde(default, skip_serializing_if = "Answer::is_absent")]
    pub schedule: Answer<Option<ScheduleState>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_definition: Option<Value>,
    #[serde(default, skip_serializing_if = "ScheduleParameters::is_empty")]
    pub parameters: ScheduleParameters,
}

impl ActiveMember {
    async fn read(
        client: &Client,
        found: &ListedIntegration,
        companions: CompanionQuestions<'_>,
    ) -> Result<Self, OicError> {
        let id = found.id.clone();
        if !found.scheduled {
            let (schedule, parameters) = (Answer::Known(None), ScheduleParameters::new());
            return Ok(Self { id, schedule, schedule_definition: None, parameters });
        }
        let answer = companions.schedule_definition(client, &id, found.schedule_defined).await;
        let schedule_definition = answer.there().cloned();
        let schedule = answer.map(|there| state_of(there.as_ref()));
        let parameters = client.schedule_parameters(&id).await?;
        Ok(Self { id, schedule, schedule_definition, parameters })
    }
}

impl ProjectCompanion {
    /// Reads what a project has that its archive does not hold, given what is listed in it.
    ///
    /// # Errors
    /// Where something of it is there and cannot be read: it would be lost.
    pub(super) async fn read(
        client: &Client,
        project: &ProjectCode,
        lists: &ScopeLists,
        companions: CompanionQuestions<'_>,
    ) -> Result<Self, OicError> {
        let ScopeLists { integrations, connections, lookups, .. } = lists;
        let active = integrations.iter().filter(|i| i.state.status == Status::Active);
        let active = active.map(|found| ActiveMember::read(client, found, companions));
        Ok(Self {
            active: futures::future::try_join_all(active).await?,
            access_list: companions.access_list(client, project).await,
            connections: connections.iter().map(|c| c.code.clone()).collect(),
            lookups: lookups.iter().cloned().collect(),
        })
    }
}

impl PriorState {
    /// Whether it was active when it was looked at.
    pub fn was_active(&self) -> bool {
        self.status == Some(Status::Active)
    }
}

/// The live state of an artifact; none where it does not exist.
pub(super) async fn look(
    client: &Client,
    key: &ArtifactKey,
) -> Result<Option<LiveState>, OicError> {
    if let Some(id) = key.integration_id() {
        let found = client.find_integration(&id).await?;
        return Ok(found.map(|i| LiveState {
            state: i.state,
            scheduled: i.scheduled,
            schedule_defined: i.schedule_defined,
            parameters: i.parameters,
        }));
    }
    let found = client.find(key).await?;
    Ok(found.map(|l| LiveState::of(l.state)))
}

/// The fingerprints of a live artifact; none where it does not exist.
///
/// # Errors
/// Where it cannot be exported or read.
pub async fn live_fingerprints(
    client: &Client,
    key: &ArtifactKey,
) -> Result<Option<Fingerprints>, OicError> {
    if let Some(id) = key.integration_id().filter(|id| !id.scope.is_global()) {
        return member_fingerprints(client, &id).await;
    }
    Ok(live_archive(client, key).await?.map(|archive| archive.fingerprints))
}

/// A live artifact as its export reads, of a kind that has an export of its own; none where it does
/// not exist.
///
/// # Errors
/// Where it cannot be exported or read.
pub(super) async fn live_archive(
    client: &Client,
    key: &ArtifactKey,
) -> Result<Option<ValidatedArchive>, OicError> {
    let bytes = match client.export(key).await {
        Ok(bytes) => bytes,
        Err(e) if e.status() == Some(404) => return Ok(None),
        Err(e) => return Err(e),
    };
    match read_kept(key.kind, bytes).await {
        Ok(kept) => Ok(Some(kept)),
        Err(why) => Err(client.unreadable("export", &key.to_string(), why.to_string())),
    }
}

/// Whether a live artifact is there and has this portable fingerprint.
///
/// # Errors
/// As [`live_fingerprints`].
pub async fn means(
    client: &Client,
    key: &ArtifactKey,
    wanted: Fingerprint,
) -> Result<bool, OicError> {
    Ok(live_fingerprints(client, key).await?.is_some_and(|live| live.portable == wanted))
}

/// The fingerprints of an integration in a project; none where it does not exist.
async fn member_fingerprints(
    client: &Client,
    id: &IntegrationId,
) -> Result<Option<Fingerprints>, OicError> {
    if client.find_integration(id).await?.is_none() {
        return Ok(None);
    }
    let (bytes, part) = export_integration(client, id).await?;
    let (label, unseen) = (id.to_string(), Vec::new());
    let fetched = FetchedArchive { label, bytes, part, was: None, unseen };
    match fetched.fingerprints(Kind::Integration).await {
        Ok(fingerprints) => Ok(Some(fingerprints)),
        Err(why) => Err(client.unreadable("export", &id.to_string(), why.to_string())),
    }
}
