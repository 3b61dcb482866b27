//! What one environment has: every artifact, with the counts of its instances.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    ArtifactState, EnvironmentName, InstanceCounts, IntegrationId, Kind, Status, UnlistedKind,
    Version,
};
use crate::oic::{Client, ListedArtifact, ListedIntegration, OicError, Window};

/// An environment as it was at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub environment: EnvironmentName,
    pub taken: Timestamp,
    pub artifacts: Vec<ListingEntry>,
    /// Whether the role may read monitoring; without it nothing is known of failures.
    pub runs_known: bool,
    /// Kinds that could not be listed, and why.
    #[serde(default)]
    pub unseen: Vec<UnlistedKind>,
}

/// One artifact of a list. Only integrations and libraries have a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListingEntry {
    pub kind: Kind,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    pub name: String,
    pub state: ArtifactState,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scheduled: bool,
    /// The instances of the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<InstanceCounts>,
    /// When a certificate ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl ListingEntry {
    /// The id, for an integration.
    pub fn integration_id(&self) -> Option<IntegrationId> {
        Some(IntegrationId::new(&self.code, self.version?))
    }
}

/// How long a list beside the integrations may take: the screen waits for the slowest.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads everything of an environment; its lists are asked for side by side.
///
/// # Errors
/// Where the integrations cannot be listed. Another kind that the environment does not offer or the
/// role may not see is left out, and named in [`Listing::unseen`].
pub async fn read(client: &Client) -> Result<Listing, OicError> {
    let taken = Timestamp::now();
    let others = Kind::ALL.into_iter().filter(|k| !matches!(k, Kind::Integration | Kind::Schedule));
    let catalogs = others.map(|kind| async move {
        (kind, tokio::time::timeout(PATIENCE, client.catalog(kind)).await)
    });
    let (integrations, runs, catalogs) = tokio::join!(
        client.integrations(),
        client.run_counts(Window::Day),
        futures::future::join_all(catalogs)
    );
    let integrations = integrations?;
    let runs = runs
        .inspect_err(|e| tracing::warn!(environment = %client.name(), "runs are not shown: {e}"))
        .ok();
    let runs_known = runs.is_some();
    let runs = runs.unwrap_or_default();
    let schedules: Vec<ListingEntry> =
        integrations.iter().filter(|i| i.scheduled && !i.state.prebuilt).map(of_schedule).collect();
    let mut artifacts: Vec<ListingEntry> =
        integrations.into_iter().map(|i| of_integration(i, &runs)).collect();
    artifacts.extend(schedules);
    let mut unseen = Vec::new();
    for (kind, catalog) in catalogs {
        let reason = match catalog {
            Ok(Ok(listed)) => {
                artifacts.extend(listed.into_iter().map(of_listed));
                continue;
            }
            Ok(Err(e)) => e.reason(),
            Err(_) => format!("no answer in {} s", PATIENCE.as_secs()),
        };
        tracing::info!(environment = %client.name(), "{} are not shown: {reason}", kind.plural());
        unseen.push(UnlistedKind { kind, reason });
    }
    Ok(Listing { environment: client.name().clone(), taken, artifacts, runs_known, unseen })
}

fn of_integration(
    found: ListedIntegration,
    runs: &HashMap<IntegrationId, InstanceCounts>,
) -> ListingEntry {
    ListingEntry {
        kind: Kind::Integration,
        runs: runs.get(&found.id).copied(),
        code: found.id.code,
        version: Some(found.id.version),
        name: found.name,
        state: found.state,
        scheduled: found.scheduled,
        expires: None,
    }
}

/// The entry of an integration's schedule. The list of integrations tells only that it has one.
fn of_schedule(of: &ListedIntegration) -> ListingEntry {
    ListingEntry {
        kind: Kind::Schedule,
        code: of.id.code.clone(),
        version: Some(of.id.version),
        name: format!("schedule of {}", of.name),
        state: ArtifactState::new(Status::Other("scheduled".into())),
        scheduled: true,
        runs: None,
        expires: None,
    }
}

fn of_listed(found: ListedArtifact) -> ListingEntry {
    let name = match found.note.as_str() {
        "" => found.name,
        note => format!("{} ({note})", found.name),
    };
    ListingEntry {
        kind: found.kind,
        code: found.code,
        version: found.version,
        name,
        state: found.state,
        scheduled: false,
        runs: None,
        expires: found.expires,
    }
}
