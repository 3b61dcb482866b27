//! What the connections are set to that an import leaves empty: as they are on the target before
//! their project is rebuilt, else as the snapshot has them. Secrets are in neither.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{
    AT_ONCE,
    kept_descriptions::{beside, read_stored},
    survey_list::SurveyList,
    target_lists::TargetLists,
};
use crate::archive::blank_value;
use crate::model::{
    Answer, ArtifactKey, AttachedFile, Description, EnvironmentName, Kind, ProjectCode, Scope,
};
use crate::oic::{Client, ConnectionDetails};
use crate::restore::{
    journal::FileRef,
    request::{Goal, Request, Verb, WantedArtifact},
    survey::KeptDescriptions,
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
    /// The description in the store that holds the content of all attached files, where one does.
    /// Journals call it a record.
    #[serde(default, rename = "record", skip_serializing_if = "Option::is_none")]
    pub description: Option<FileRef>,
}

impl KeptConnection {
    fn of_description(description: &Description, version: &StoredVersion) -> Self {
        let mut properties = description.properties.clone();
        let policy = properties.remove("securityPolicy").unwrap_or_default();
        let agent = properties.remove("agentGroupId");
        // Records of older releases do not say what can be set: what is no property of the
        // connection is left out when it is set.
        properties.retain(|name, _| match description.settable.is_empty() {
            true => !Description::is_fact(name),
            false => description.settable.contains(name),
        });
        let attachments = description.attachments.iter().map(|(p, a)| (p.clone(), a.name.clone()));
        let whole = description.attachments.values().all(|a| a.content.is_some());
        let stored = || FileRef { path: version.path.clone(), sha256: version.sha256.clone() };
        let (ask, attachments) = (description.ask.clone(), attachments.collect());
        let description = whole.then(stored);
        Self { properties, policy, agent, ask, attachments, description }.without_credentials()
    }

    fn of_live(live: ConnectionDetails) -> Self {
        let ConnectionDetails { policy, agent, properties, ask, attachments, .. } = live;
        Self { properties, policy, agent, ask, attachments, description: None }
            .without_credentials()
    }

    /// The same, with values that hold credentials left to whoever knows them: a plan is shown, and
    /// kept in the journal.
    fn without_credentials(self) -> Self {
        let is_open = |(name, value): &(String, String)| blank_value(name, value) == value.as_str();
        let (open, secret): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.properties.into_iter().partition(is_open);
        let ask = self.ask.into_iter().chain(secret.into_keys()).collect();
        Self { properties: open, ask, ..self }
    }

    /// What it is, as a store keeps it: all but its secrets, and what is in attached files.
    pub fn describe(&self, code: &str) -> Description {
        let mut description = Description::new(Kind::Connection, code, code);
        description.properties = self.properties.clone();
        description.settable = self.properties.keys().cloned().collect();
        description.set("securityPolicy", self.policy.clone());
        description.set("agentGroupId", self.agent.clone().unwrap_or_default());
        description.ask = self.ask.clone();
        let attached = |(property, name): (&String, &String)| {
            (property.clone(), AttachedFile { name: name.clone(), content: None })
        };
        description.attachments = self.attachments.iter().map(attached).collect();
        description
    }

    /// The names of what it sets.
    pub fn names(&self) -> Vec<String> {
        let policy = (!self.policy.is_empty()).then(|| "securityPolicy".to_owned());
        let agent = self.agent.as_ref().map(|_| "agentGroupId".to_owned());
        let attached = self.description.iter().flat_map(|_| self.attachments.keys().cloned());
        self.properties.keys().cloned().chain(policy).chain(agent).chain(attached).collect()
    }

    /// Attached files of which nobody has the content.
    pub fn lost_attachments(&self) -> Vec<String> {
        let all = self.attachments.iter().filter(|_| self.description.is_none());
        let named = all.filter(|(_, file)| !file.is_empty());
        named.map(|(property, file)| format!("{property} ({file})")).collect()
    }
}

/// The connections that will be empty, each by its scope and code.
pub type KeptConnections = BTreeMap<(Scope, String), Answer<KeptConnection>>;

/// A connection that is looked for.
struct SoughtConnection {
    scope: Scope,
    code: String,
    /// Whether the target has it now, in a project that is rebuilt.
    there: bool,
    stored: Option<StoredVersion>,
}

/// Finds what the connections were set to that the wanted artifacts need and an import leaves
/// empty.
pub(super) async fn find(
    client: &Client,
    store: Option<(&Store, &Index)>,
    request: &Request,
    sought: &SurveyList,
    lists: &TargetLists,
    rebuild: &BTreeSet<ProjectCode>,
) -> KeptConnections {
    let mut wanted: BTreeMap<(Scope, String), SoughtConnection> = BTreeMap::new();
    for one in sought.0.iter().filter(|s| s.wanted.goal != Goal::Absent) {
        let scope = one.wanted.key.uses_scope();
        let rebuilt = scope.project().is_some_and(|p| rebuild.contains(p));
        let needs = one.wanted.archive.iter().flat_map(|a| &a.needs.connections);
        // An undo brings back what only there now is, too.
        let here = lists.within(&scope).connections.iter().map(|c| &c.code).filter(|_| rebuilt);
        for code in needs.chain(here) {
            let there = lists.within(&scope).connections.iter().any(|c| c.code == *code);
            if there && !rebuilt {
                continue;
            }
            // An undo brings back what was there before, of which only the store has the files.
            let kept = request.verb == Verb::Rollback
                || KeptDescriptions::are_wanted(request, &one.wanted, client.name());
            let stored = store.filter(|_| kept);
            let stored = stored.and_then(|(_, index)| {
                stored_version(index, client.name(), (&one.wanted, code), there).cloned()
            });
            let (scope, code) = (scope.clone(), code.clone());
            wanted.entry((scope.clone(), code.clone())).or_insert(SoughtConnection {
                scope,
                code,
                there,
                stored,
            });
        }
    }
    let store = store.map(|(store, _)| store);
    let read = |(key, sought): ((Scope, String), SoughtConnection)| async move {
        Some((key, kept_of(client, store, sought).await?))
    };
    let all = futures::stream::iter(wanted).map(read).buffer_unordered(AT_ONCE);
    all.filter_map(|one| async { one }).collect().await
}

/// What one connection was set to: as it is there now, else as the store has it; none where neither
/// has it.
async fn kept_of(
    client: &Client,
    store: Option<&Store>,
    sought: SoughtConnection,
) -> Option<Answer<KeptConnection>> {
    let description = match store.zip(sought.stored.as_ref()) {
        Some((store, version)) => Some(read_stored(store, version).await),
        None => None,
    };
    if let Some(Answer::Unknown { unknown }) = description.as_ref().filter(|_| !sought.there) {
        return Some(Answer::unknown(unknown));
    }
    let description = description.and_then(|description| description.known().cloned());
    let stored = description.as_ref().zip(sought.stored.as_ref());
    let stored =
        stored.map(|(description, version)| KeptConnection::of_description(description, version));
    if !sought.there {
        return stored.map(Answer::Known);
    }
    let live = client.connection_details(&sought.scope, &sought.code).await;
    let live = match live {
        Ok(live) => KeptConnection::of_live(live),
        Err(e) => return Some(Answer::unknown(e.reason())),
    };
    // Only the store has the content of its files, as far as it is the one that is attached now.
    let content = match (description, stored) {
        (Some(description), Some(stored))
            if has_files(client, &sought, &live, &description).await =>
        {
            stored.description
        }
        _ => None,
    };
    Some(Answer::Known(KeptConnection { description: content, ..live }))
}

/// Whether a description has every file that is attached now.
async fn has_files(
    client: &Client,
    sought: &SoughtConnection,
    live: &KeptConnection,
    description: &Description,
) -> bool {
    for property in live.attachments.keys() {
        let kept = description.attachments.get(property).and_then(|file| file.content.as_ref());
        let Some(kept) = kept.filter(|_| client.environment().attachments) else { return false };
        let now = client.connection_attachment(&sought.scope, &sought.code, property).await;
        if now.ok().map(Vec::from) != kept.bytes() {
            return false;
        }
    }
    true
}

/// The description of a connection. Of one that is there the newest: only its files are asked of the
/// store. Else that of the snapshot which an artifact is from, else the newest.
fn stored_version<'i>(
    index: &'i Index,
    target: &EnvironmentName,
    (wanted, code): (&WantedArtifact, &str),
    there: bool,
) -> Option<&'i StoredVersion> {
    let origin = wanted.origin.as_ref().unwrap_or(target);
    let key = ArtifactKey::new(Kind::Connection, code, None).within(wanted.key.uses_scope());
    let newest = || index.newest(origin, &key.name());
    match there {
        true => newest(),
        false => beside(index, origin, &wanted.label, &key).or_else(newest),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A run that was begun by an earlier version still finds the files that it is to attach.
    #[test]
    fn a_journal_names_the_content_of_attached_files_as_it_always_did() {
        let file = json!({ "path": "prod/connections/HCM.json", "sha256": "00" });
        let journal = json!({ "policy": "BASIC_AUTH", "record": file });
        let kept: KeptConnection = serde_json::from_value(journal.clone()).unwrap();
        assert_eq!(serde_json::to_value(&kept.description).unwrap(), file);
        assert_eq!(serde_json::to_value(&kept).unwrap(), journal);
    }
}
