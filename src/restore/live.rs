//! One artifact as it stands on an environment, and what must be so again. Only reads.

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

/// What must be so again where the run does not end well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PriorState {
    /// How it stood; none where it was not there.
    pub status: Option<Status>,
    pub last_updated: Option<Timestamp>,
    pub last_updated_by: Option<String>,
    /// What it meant; none where it was not there, or could not be exported.
    #[serde(rename = "flow", default, skip_serializing_if = "Option::is_none")]
    pub portable: Option<Fingerprint>,
    /// The active version of the same major that an activation swaps out.
    pub swapped: Option<IntegrationId>,
    /// The schedule of whichever of the two ran.
    pub schedule: Option<ScheduleState>,
    /// Connections and lookups that an import brings along because they were not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<ArtifactKey>,
}

impl PriorState {
    pub fn was_active(&self) -> bool {
        self.status == Some(Status::Active)
    }
}

/// What the service calls an artifact in a path.
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

/// How an artifact stands; none where it is not there.
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

/// What a live artifact means now; none where it is not there.
///
/// # Errors
/// In words: why it cannot be exported or read.
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
