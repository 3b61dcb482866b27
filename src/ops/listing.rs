//! What one environment has: every artifact, with how its runs went.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{EnvironmentName, IntegrationId, Kind, RunCounts, Status, Version};
use crate::oic::{Client, Connection, Integration, Lookup, OicError, Window};

/// An environment as it was at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub environment: EnvironmentName,
    pub taken: Timestamp,
    pub artifacts: Vec<Artifact>,
    /// Whether the role may read monitoring; without it nothing is known of failures.
    pub runs_known: bool,
}

/// One artifact of a list. Connections and lookups have no version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    pub kind: Kind,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    pub name: String,
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_by: Option<String>,
    /// Who holds the lock; empty where the service does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_by: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prebuilt: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scheduled: bool,
    /// In the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<RunCounts>,
}

impl Artifact {
    /// The id, for an integration.
    pub fn integration_id(&self) -> Option<IntegrationId> {
        Some(IntegrationId::new(&self.code, self.version?))
    }
}

/// Reads everything of an environment; its lists are asked for side by side.
///
/// # Errors
/// Where the integrations cannot be listed. What the role may not see besides is left out.
pub async fn read(client: &Client) -> Result<Listing, OicError> {
    let taken = Timestamp::now();
    let (integrations, runs, connections, lookups) =
        tokio::join!(client.integrations(), client.run_counts(Window::Day), client.connections(), client.lookups());
    let integrations = integrations?;
    let lenient = |what: &str, e: &OicError| tracing::warn!(environment = %client.name(), "{what} are not shown: {e}");
    let runs = runs.inspect_err(|e| lenient("runs", e)).ok();
    let connections = connections.inspect_err(|e| lenient("connections", e)).unwrap_or_default();
    let lookups = lookups.inspect_err(|e| lenient("lookups", e)).unwrap_or_default();
    let runs_known = runs.is_some();
    let runs = runs.unwrap_or_default();
    let artifacts = integrations
        .into_iter()
        .map(|i| of_integration(i, &runs))
        .chain(connections.into_iter().map(of_connection))
        .chain(lookups.into_iter().map(of_lookup))
        .collect();
    Ok(Listing { environment: client.name().clone(), taken, artifacts, runs_known })
}

fn of_integration(found: Integration, runs: &HashMap<IntegrationId, RunCounts>) -> Artifact {
    let locked_by = found.locked.then(|| found.locked_by.clone().unwrap_or_default());
    Artifact {
        kind: Kind::Integration,
        runs: runs.get(&found.id).copied(),
        code: found.id.code,
        version: Some(found.id.version),
        name: found.name,
        status: found.status,
        last_updated: found.last_updated,
        last_updated_by: found.last_updated_by,
        locked_by,
        prebuilt: found.prebuilt,
        scheduled: found.scheduled,
    }
}

fn of_connection(found: Connection) -> Artifact {
    plain(Kind::Connection, found.code, format!("{} ({})", found.name, found.adapter), found.status, found.locked)
}

fn of_lookup(found: Lookup) -> Artifact {
    plain(Kind::Lookup, found.name.clone(), found.name, Status::Configured, found.locked)
}

fn plain(kind: Kind, code: String, name: String, status: Status, locked: bool) -> Artifact {
    Artifact {
        kind,
        code,
        version: None,
        name,
        status,
        last_updated: None,
        last_updated_by: None,
        locked_by: locked.then(String::new),
        prebuilt: false,
        scheduled: false,
        runs: None,
    }
}
