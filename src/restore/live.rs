//! One artifact as it is on an environment now, and the state to return to if the run fails. Only
//! reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::archive::Fingerprints;
use crate::model::{
    ArtifactKey, ArtifactState, Fingerprint, IntegrationId, Kind, ScheduleState, Status,
};
use crate::oic::{Client, OicError};
use crate::workspace::source::read_kept;

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

/// The artifact's id as it stands in a path of the service.
pub(super) fn service_id(key: &ArtifactKey) -> String {
    match key.version {
        Some(version) => IntegrationId::new(&key.code, version).to_string(),
        None => key.code.clone(),
    }
}

/// The id of an integration's key.
pub(super) fn integration_id(key: &ArtifactKey) -> Option<IntegrationId> {
    Some(IntegrationId::new(&key.code, key.version.filter(|_| key.kind == Kind::Integration)?))
}

/// The live state of an artifact; none where it does not exist.
pub(super) async fn look(
    client: &Client,
    key: &ArtifactKey,
) -> Result<Option<LiveState>, OicError> {
    if let Some(id) = integration_id(key) {
        let found = client.find_integration(&id).await?;
        return Ok(found.map(|i| LiveState { state: i.state, scheduled: i.scheduled }));
    }
    let found = client.find(key.kind, &service_id(key)).await?;
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
    let bytes = match client.export(key.kind, &service_id(key)).await {
        Ok(bytes) => bytes,
        Err(e) if e.status() == Some(404) => return Ok(None),
        Err(e) => return Err(e),
    };
    match read_kept(key.kind, bytes).await {
        Ok(kept) => Ok(Some(kept.fingerprints)),
        Err(why) => Err(client.unreadable("export", &service_id(key), why.to_string())),
    }
}
