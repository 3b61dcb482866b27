//! What is on the target now, as far as a plan must know it. Only reads.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::archive::{Iar, Meaning};
use crate::model::{EnvironmentName, IntegrationId, Kind, ScheduleState, Status};
use crate::oic::{Client, Connection, Integration, OicError, Window};
use crate::ops::source::{Source, read_iar};

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct Situation {
    pub environment: EnvironmentName,
    pub protected: bool,
    pub read_only: bool,
    pub wanted: Wanted,
    pub before: Before,
    /// The same version number on the target.
    pub there: Option<Integration>,
    /// What that means; the words where it cannot be exported.
    pub there_meaning: Option<Result<Meaning, String>>,
    /// Connections the archive needs, as the target has them.
    pub connections: Vec<(String, Option<Connection>)>,
    pub missing_lookups: BTreeSet<String>,
    /// Integrations it calls, as the target has them.
    pub children: Vec<(IntegrationId, Option<Status>)>,
    pub active_count: usize,
    /// Runs under way now; none where the role may not see them.
    pub in_flight: Option<u64>,
    pub next_run: Option<Timestamp>,
}

/// What is to be restored.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub label: String,
    pub iar: Iar,
    /// Whether it ran when it was taken.
    pub was_active: bool,
}

/// What must be so again where the restore does not end well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// The version that is to be restored: how it stood, none where it was not there.
    pub status: Option<Status>,
    pub last_updated: Option<Timestamp>,
    pub last_updated_by: Option<String>,
    /// The active version of the same major that an activation swaps out.
    pub swapped: Option<IntegrationId>,
    /// The schedule of whichever of the two ran.
    pub schedule: Option<ScheduleState>,
}

impl Before {
    pub fn was_active(&self) -> bool {
        self.status == Some(Status::Active)
    }
}

/// Looks at the target.
///
/// # Errors
/// Where a list that the plan cannot do without is not readable.
pub async fn survey(client: &Client, source: &Source) -> Result<Situation, OicError> {
    let iar = &source.iar;
    let id = &iar.id;
    let (all, connections, lookups) =
        tokio::join!(client.integrations(), client.connections(), client.catalog(Kind::Lookup));
    let (all, connections, lookups) = (all?, connections?, lookups?);
    // The list may leave parts out, and the lock matters: ask for the one.
    let there = client.find_integration(id).await?;
    let there_meaning = match &there {
        Some(_) => Some(export_meaning(client, id).await),
        None => None,
    };
    let same_major = |i: &&Integration| i.id.code == id.code && i.id.version.major == id.version.major;
    let swapped =
        all.iter().filter(same_major).find(|i| i.id != *id && i.status == Status::Active).map(|i| i.id.clone());
    let runner = swapped.clone().or_else(|| there.as_ref().filter(|t| t.scheduled).map(|t| t.id.clone()));
    let schedule = match runner {
        Some(runner) if iar.scheduled => client.schedule(&runner).await?,
        _ => None,
    };
    let in_flight = client.run_counts(Window::Hour).await.ok().map(|counts| {
        let running = swapped.as_ref().unwrap_or(id);
        counts.get(running).map_or(0, crate::model::RunCounts::in_flight)
    });
    let next_run = match schedule {
        Some(ScheduleState::Running) => client.next_run(swapped.as_ref().unwrap_or(id)).await,
        _ => None,
    };
    let before = Before {
        status: there.as_ref().map(|t| t.status.clone()),
        last_updated: there.as_ref().and_then(|t| t.last_updated),
        last_updated_by: there.as_ref().and_then(|t| t.last_updated_by.clone()),
        swapped,
        schedule,
    };
    let find_connection = |code: &String| (code.clone(), connections.iter().find(|c| c.code == *code).cloned());
    let find_child =
        |child: &IntegrationId| (child.clone(), all.iter().find(|i| i.id == *child).map(|i| i.status.clone()));
    Ok(Situation {
        environment: client.name().clone(),
        protected: client.environment().protected,
        read_only: client.environment().read_only,
        wanted: Wanted {
            label: source.label.clone(),
            iar: iar.clone(),
            was_active: source.was.as_ref().is_none_or(|s| *s == Status::Active),
        },
        before,
        there,
        there_meaning,
        connections: iar.needs.connections.iter().map(find_connection).collect(),
        missing_lookups: iar.needs.lookups.iter().filter(|n| !lookups.iter().any(|l| l.code == **n)).cloned().collect(),
        children: iar.needs.children.iter().map(find_child).collect(),
        active_count: all.iter().filter(|i| i.status == Status::Active).count(),
        in_flight,
        next_run,
    })
}

/// What a live integration means now.
pub(super) async fn export_meaning(client: &Client, id: &IntegrationId) -> Result<Meaning, String> {
    let bytes = client.archive(id).await.map_err(|e| e.kind.to_string())?;
    read_iar(bytes).await.map(|iar| iar.meaning)
}
