//! What the connections are set to that an import leaves empty: as they are on the target before
//! their project is rebuilt, else as the snapshot has them. Secrets are in neither.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{AT_ONCE, kept_records::beside, sought::SoughtList, target_lists::TargetLists};
use crate::model::{ArtifactKey, Description, Kind, ProjectCode, Scope};
use crate::oic::{Client, ConnectionDetails};
use crate::restore::{
    journal::FileRef,
    request::{Goal, Request, WantedArtifact},
    survey::KeptRecords,
};
use crate::store::{Index, Store, StoredVersion};

/// What one connection is to be set to beside its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptConnection {
    /// Name -> value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Names of the secrets that it needs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ask: BTreeSet<String>,
    /// Property -> the name of the file that is attached as it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, String>,
    /// The record in the store that holds the content of all attached files, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<FileRef>,
}

impl KeptConnection {
    fn of_record(record: &Description, version: &StoredVersion) -> Self {
        let mut properties = record.properties.clone();
        properties.retain(|name, _| !name.ends_with(Description::ATTACHMENT_WORD));
        // What is no property of the connection is left out when it is set.
        let policy = properties.remove("securityPolicy").unwrap_or_default();
        let agent = properties.remove("agentGroupId");
        let attachments = record.attachments.iter().map(|(p, a)| (p.clone(), a.name.clone()));
        let whole = record.attachments.values().all(|a| a.content.is_some());
        Self {
            properties,
            policy,
            agent,
            ask: record.ask.clone(),
            attachments: attachments.collect(),
            record: whole
                .then(|| FileRef { path: version.path.clone(), sha256: version.sha256.clone() }),
        }
    }

    fn of_live(live: ConnectionDetails) -> Self {
        let ConnectionDetails { policy, agent, properties, ask, attachments, .. } = live;
        Self { properties, policy, agent, ask, attachments, record: None }
    }

    /// The names of what it sets.
    pub fn names(&self) -> Vec<String> {
        let policy = (!self.policy.is_empty()).then(|| "securityPolicy".to_owned());
        let agent = self.agent.as_ref().map(|_| "agentGroupId".to_owned());
        let told = self.properties.keys().filter(|name| !is_described(name)).cloned();
        let attached = self.record.iter().flat_map(|_| self.attachments.keys().cloned());
        told.chain(policy).chain(agent).chain(attached).collect()
    }

    /// Attached files of which nobody has the content.
    pub fn lost_attachments(&self) -> Vec<String> {
        let all = self.attachments.iter().filter(|_| self.record.is_none());
        all.map(|(property, file)| format!("{property} ({file})")).collect()
    }
}

/// Whether a fact of a description says what the connection is, and cannot be set.
fn is_described(name: &str) -> bool {
    ["adapter", "role", "description", "keywords", "projectId"].contains(&name)
}

/// The connections that will be empty, each by its scope and code.
pub(super) type KeptConnections = BTreeMap<(Scope, String), KeptConnection>;

/// Finds what the connections were set to that the wanted artifacts need and an import leaves
/// empty.
pub(super) async fn find(
    client: &Client,
    store: Option<(&Store, &Index)>,
    request: &Request,
    sought: &SoughtList,
    lists: &TargetLists,
    rebuild: &BTreeSet<ProjectCode>,
) -> KeptConnections {
    let mut wanted: BTreeMap<(Scope, String), (bool, Option<StoredVersion>)> = BTreeMap::new();
    for one in sought.0.iter().filter(|s| s.wanted.goal != Goal::Absent) {
        let scope = one.wanted.key.uses_scope();
        let rebuilt = scope.project().is_some_and(|p| rebuild.contains(p));
        for code in one.wanted.archive.iter().flat_map(|a| &a.needs.connections) {
            let there = lists.within(&scope).connections.iter().any(|c| c.code == *code);
            if there && !rebuilt {
                continue;
            }
            let kept = KeptRecords::are_wanted(request, &one.wanted, client.name());
            let stored = store.filter(|_| kept);
            let stored =
                stored.and_then(|(_, index)| stored_version(index, &one.wanted, code).cloned());
            wanted.entry((scope.clone(), code.clone())).or_insert((there, stored));
        }
    }
    let store = store.map(|(store, _)| store);
    let read = |((scope, code), (there, stored)): (
        (Scope, String),
        (bool, Option<StoredVersion>),
    )| async move {
        let kept = match store.zip(stored) {
            Some((store, version)) => read_stored(store, &version).await,
            None => None,
        };
        let live = match there {
            true => client.connection_details(&scope, &code).await.ok(),
            false => None,
        };
        let found = match (live.map(KeptConnection::of_live), kept) {
            // Only the store may have the content of its files.
            (Some(live), Some(kept)) if kept.attachments == live.attachments => {
                KeptConnection { record: kept.record, ..live }
            }
            (live, kept) => live.or(kept)?,
        };
        Some(((scope, code), found))
    };
    let all = futures::stream::iter(wanted).map(read).buffer_unordered(AT_ONCE);
    all.filter_map(|one| async { one }).collect().await
}

/// The record of a connection in the snapshot that an artifact is from, else the newest one.
fn stored_version<'i>(
    index: &'i Index,
    wanted: &WantedArtifact,
    code: &str,
) -> Option<&'i StoredVersion> {
    let origin = wanted.origin.as_ref()?;
    let key = ArtifactKey::new(Kind::Connection, code, None).within(wanted.key.uses_scope());
    let newest = || index.newest(origin, &key.name());
    beside(index, origin, &wanted.label, &key).or_else(newest)
}

async fn read_stored(store: &Store, version: &StoredVersion) -> Option<KeptConnection> {
    let bytes = store.read(version).await;
    let bytes = bytes.inspect_err(|e| tracing::warn!("{} is not put back: {e}", version.path));
    let record = Description::from_bytes(&bytes.ok()?)?;
    Some(KeptConnection::of_record(&record, version))
}
