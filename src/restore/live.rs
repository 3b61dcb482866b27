//! One artifact as it is on an environment now, and the state to return to if the run fails. Only
//! reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::archive::Fingerprints;
use crate::model::{
    ArtifactKey, ArtifactState, Fingerprint, IntegrationId, Kind, ScheduleState, Status,
};
use crate::oic::{Client, OicError};
use crate::workspace::source::{FetchedArchive, export_integration, read_kept};

/// An artifact as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveState {
    pub state: ArtifactState,
    /// Whether it may have a schedule.
    pub scheduled: bool,
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
    pub schedule: Option<ScheduleState>,
    /// Connections and lookups that an import brings along because they were not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<ArtifactKey>,
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
        return Ok(found.map(|i| LiveState { state: i.state, scheduled: i.scheduled }));
    }
    let found = client.find(key).await?;
    Ok(found.map(|l| LiveState { state: l.state, scheduled: false }))
}

/// The fingerprints of a live artifact; none where it does not exist.
///
/// # Errors
/// Where it cannot be exported or read.
pub(super) async fn live_fingerprints(
    client: &Client,
    key: &ArtifactKey,
) -> Result<Option<Fingerprints>, OicError> {
    if let Some(id) = key.integration_id().filter(|id| !id.scope.is_global()) {
        return member_fingerprints(client, &id).await;
    }
    let bytes = match client.export(key).await {
        Ok(bytes) => bytes,
        Err(e) if e.status() == Some(404) => return Ok(None),
        Err(e) => return Err(e),
    };
    match read_kept(key.kind, bytes).await {
        Ok(kept) => Ok(Some(kept.fingerprints)),
        Err(why) => Err(client.unreadable("export", &key.to_string(), why.to_string())),
    }
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
    let fetched = FetchedArchive { label: id.to_string(), bytes, part, was: None };
    match fetched.fingerprints(Kind::Integration).await {
        Ok(fingerprints) => Ok(Some(fingerprints)),
        Err(why) => Err(client.unreadable("export", &id.to_string(), why.to_string())),
    }
}
