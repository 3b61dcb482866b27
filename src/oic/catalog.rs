//! Every kind beside integrations, with the same calls for all: list, export, describe.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    client::{Client, RequestSpec},
    connections::{ConnectionField, properties},
    error::{ErrorKind, OicError},
    kinds::{Details, Export, KindCalls, calls_in},
    wire,
};
use crate::archive::{ArchiveError, library_of_project};
use crate::model::{
    AccessList, ArtifactKey, ArtifactName, ArtifactState, AttachedFile, Description, FileContent,
    IntegrationId, Kind, ScheduleParameters, Scope, Status, Version, path_segment, visible,
};

/// One artifact as a list of the service shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedArtifact {
    pub kind: Kind,
    pub scope: Scope,
    /// What the service calls it in a path: `HCM_REST`, `JSLIB|01.00.0000`.
    pub id: String,
    pub code: String,
    pub version: Option<Version>,
    pub name: String,
    pub state: ArtifactState,
    /// A connection's adapter, a certificate's type.
    pub note: String,
    pub expires: Option<Timestamp>,
    /// The JSON of the artifact as the service gave it.
    pub item: Value,
}

impl ListedArtifact {
    /// What tells it apart from other artifacts of the environment.
    pub fn key(&self) -> ArtifactKey {
        let Self { kind, scope, code, version, .. } = self;
        ArtifactName::new(*kind, code).within(scope.clone()).key(*version)
    }
}

impl ArtifactKey {
    /// The id that stands in paths of the service: `COUNTRY_CODES`, `JSLIB|01.00.0000`.
    pub fn service_id(&self) -> String {
        match self.version {
            Some(version) => IntegrationId::new(&self.code, version).service_id(),
            None => self.code.clone(),
        }
    }
}

impl ArtifactKey {
    /// What messages of the client call it: the id as the service knows it, in a project with the
    /// project.
    pub(super) fn subject(&self) -> String {
        match self.integration_id() {
            Some(id) => id.to_string(),
            None => format!("{}{}", self.scope.prefix(), self.service_id()),
        }
    }
}

/// The export of a project with all that is in it: an empty label names no deployment
/// (docs/projects.md, Project calls).
fn ask_project(code: &str) -> RequestSpec {
    let path = format!("/projects/{}/archive", path_segment(code));
    let body = serde_json::json!({ "type": "DEVELOPED", "code": code, "label": "" });
    RequestSpec { file: true, ..RequestSpec::ask("export project", path, body) }
}

/// The lists of several kinds, or why there is none.
pub type Catalogs = Vec<(Kind, Result<Vec<ListedArtifact>, OicError>)>;

impl Client {
    /// The lists of several kinds in a scope, asked for side by side.
    pub async fn catalogs_in(
        &self,
        scope: &Scope,
        kinds: impl IntoIterator<Item = Kind>,
    ) -> Catalogs {
        let read = |kind| async move { (kind, self.catalog_in(scope, kind).await) };
        futures::future::join_all(kinds.into_iter().map(read)).await
    }

    /// All artifacts of a kind in the global space. The answer is empty for integrations, which
    /// have their own call, and for schedules, which belong to integrations.
    pub async fn catalog(&self, kind: Kind) -> Result<Vec<ListedArtifact>, OicError> {
        self.catalog_in(&Scope::Global, kind).await
    }

    /// All artifacts of a kind in a scope. Empty also where the kind is never in that scope.
    pub async fn catalog_in(
        &self,
        scope: &Scope,
        kind: Kind,
    ) -> Result<Vec<ListedArtifact>, OicError> {
        let Some(calls) = catalog_calls(kind, scope) else {
            return Ok(Vec::new());
        };
        if kind == Kind::Access {
            return Ok(self.access_of(scope).await?.into_iter().collect());
        }
        let path = format!("{}{}", scope.api_path(), calls.folder);
        let items = match self.list(calls.list, &path, calls.id).await {
            // Some releases have the path that the reference named before.
            Err(e) if kind == Kind::Agent && e.status() == Some(404) => {
                self.list(calls.list, "/agentgroups", calls.id).await?
            }
            other => other?,
        };
        let read = |item: &Value| read(kind, scope, calls.id, item.clone());
        let mut all = self.records(calls.list, None, &items, read)?;
        all.retain(|found| wire::is_listed_in(scope, &found.item));
        if kind == Kind::Agent {
            for group in &mut all {
                self.add_agents(group).await;
            }
        }
        Ok(all)
    }

    /// The access list of a project as an artifact of it; none for the global space.
    async fn access_of(&self, scope: &Scope) -> Result<Option<ListedArtifact>, OicError> {
        let Some(project) = scope.project() else { return Ok(None) };
        let item = self.access_list(project).await?;
        Ok(Some(ListedArtifact {
            kind: Kind::Access,
            scope: scope.clone(),
            id: project.as_str().to_owned(),
            code: project.as_str().to_owned(),
            version: None,
            name: format!("who may do what in {project}"),
            state: ArtifactState::new(Status::Configured),
            note: String::new(),
            expires: None,
            item,
        }))
    }

    /// One artifact of a kind that can be asked for by itself; none for a 404.
    ///
    /// # Errors
    /// Where the service does not say whether it is there.
    pub async fn find(&self, key: &ArtifactKey) -> Result<Option<ListedArtifact>, OicError> {
        let kind = key.kind;
        let Some(calls) = catalog_calls(kind, &key.scope) else {
            return Ok(None);
        };
        if kind == Kind::Access {
            return match self.access_of(&key.scope).await {
                Err(e) if e.status() == Some(404) => Ok(None),
                other => other,
            };
        }
        if kind == Kind::Agent {
            // Groups have two paths, of which the list finds the right one.
            let all = self.catalog_in(&key.scope, kind).await?;
            return Ok(all.into_iter().find(|found| found.code == key.code));
        }
        let path = artifact_path(key, calls.folder);
        match self.json(RequestSpec::get("read", path).about(key.subject())).await {
            Ok(item) => Ok(read(kind, &key.scope, calls.id, item)),
            Err(e) if e.status() == Some(404) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Adds the agents of a group and whether they run: the group's own word, else that of its
    /// agents. Where the role may not read monitoring, nothing is known of them.
    async fn add_agents(&self, group: &mut ListedArtifact) {
        let agents: Vec<Value> = match group.item["agents"].as_array() {
            Some(agents) => agents.clone(),
            None => {
                let path = format!("/monitoring/agentgroups/{}/agents", path_segment(&group.id));
                let call = RequestSpec::get("list agents", path).about(&group.id);
                let Ok(value) = self.json(call).await else { return };
                let items = wire::items(&value, &["items"]);
                items
                    .inspect_err(|e| tracing::warn!("the agents of {}: {e}", group.id))
                    .unwrap_or_default()
            }
        };
        let up = |a: &&Value| {
            let word = wire::text(a, &["status", "state"]).to_ascii_uppercase();
            matches!(word.as_str(), "UP" | "ACTIVE" | "RUNNING" | "AVAILABLE")
        };
        let word = wire::text(&group.item, &["status"]).to_ascii_uppercase();
        group.state.status = match (word.as_str(), agents.len(), agents.iter().filter(up).count()) {
            ("AVAILABLE", ..) => Status::Active,
            ("UNAVAILABLE", ..) => Status::Down,
            (_, 0, _) => Status::Other("no agent".into()),
            (_, all, running) if running == all => Status::Active,
            (_, _, 0) => Status::Down,
            (_, all, running) => Status::Other(format!("{running} of {all} up")),
        };
        let names: Vec<String> = agents.iter().map(|a| wire::text(a, &["name", "id"])).collect();
        group.item["agents"] = Value::String(names.join(", "));
    }

    /// The bytes of an export, of any kind that has one. A project is exported whole.
    pub async fn export(&self, key: &ArtifactKey) -> Result<Bytes, OicError> {
        let calls = self.calls_of("export", key)?;
        let path = format!("{}/archive", artifact_path(key, calls.folder));
        let call = match calls.export {
            Export::Get => RequestSpec::file("export", path),
            Export::AskProject => ask_project(&key.code),
            Export::FromProject => {
                let Some(project) = key.scope.project() else {
                    return Err(self.no_such_call("export", key));
                };
                let whole = self.send(ask_project(project.as_str()).about(key.subject())).await?;
                let (code, version) = (key.code.clone(), key.version);
                let read = move || library_of_project(&whole.bytes, &code, version);
                let found = tokio::task::spawn_blocking(read).await;
                let found =
                    found.unwrap_or_else(|e| Err(ArchiveError::ReaderFailed(e.to_string())));
                let unreadable = |e| self.unreadable("export", &key.to_string(), e);
                return match found {
                    Ok(Some(bytes)) => Ok(bytes.into()),
                    Ok(None) => Err(unreadable(format!("the archive of {project} has none"))),
                    Err(e) => Err(unreadable(e.to_string())),
                };
            }
            Export::InProject => {
                let alone = match key.integration_id() {
                    Some(id) => self.archive_in_project(&id).await?,
                    None => None,
                };
                return alone.ok_or_else(|| self.no_such_call("export", key));
            }
            Export::Described => return Err(self.no_such_call("export", key)),
        };
        Ok(self.send(call.about(key.subject())).await?.bytes)
    }

    /// All that the service tells of an artifact that has no export.
    pub async fn describe(&self, found: &ListedArtifact) -> Result<Description, OicError> {
        let calls = calls_in(found.kind, &found.scope);
        let mut item = match calls.map(|calls| (calls.details, calls.folder)) {
            None | Some((Details::List, _)) => found.item.clone(),
            Some((details @ (Details::Get(name) | Details::GetIfShown(name)), folder)) => {
                let scope = found.scope.api_path();
                let path = format!("{scope}{folder}/{}", path_segment(&found.id));
                let call = RequestSpec::get(name, path);
                match self.json(call.about(&found.id)).await {
                    Ok(one) => one,
                    Err(e)
                        if details == Details::GetIfShown(name)
                            && matches!(e.status(), Some(403..=405)) =>
                    {
                        found.item.clone()
                    }
                    Err(e) => return Err(e),
                }
            }
        };
        if found.kind == Kind::Access {
            return Ok(access_description(&found.code, &found.name, found.item.clone()));
        }
        if !item.is_object() {
            let kind = ErrorKind::Unexpected("it is not an object".into());
            return Err(self.error("describe", Some(found.id.clone()), kind));
        }
        let mut description = Description::new(found.kind, &found.code, &found.name);
        description.expires = found.expires;
        add_settings(&mut description, &mut item);
        for (property, file) in &mut description.attachments {
            if self.environment().attachments {
                match self.connection_attachment(&found.scope, &found.id, property).await {
                    Ok(bytes) => file.content = Some(FileContent::new(&bytes)),
                    // Nothing is attached.
                    Err(e) if e.status() == Some(404) => {}
                    Err(e) => return Err(e),
                }
            }
            if file.name.is_empty() && file.content.is_none() {
                continue;
            }
            let name = if file.name.is_empty() { "a file" } else { &file.name };
            // The property tells which content it is, so that another content is a change.
            let content = file.content.as_ref().map(FileContent::describe);
            let told = content.map_or(name.to_owned(), |content| format!("{name}, {content}"));
            let property = format!("{property}{}", Description::ATTACHMENT_WORD);
            description.properties.insert(property, told);
        }
        Ok(description)
    }

    /// The schedule of an integration as it is set; none where it has none.
    pub async fn describe_schedule(
        &self,
        id: &IntegrationId,
        name: &str,
    ) -> Result<Option<Description>, OicError> {
        let path = super::schedule::path(id, "");
        let item = match self.json(RequestSpec::get("read the schedule of", path).about(id)).await {
            Ok(item) => item,
            Err(e) if e.status() == Some(404) => return Ok(None),
            Err(e) => return Err(e),
        };
        let parameters = self.schedule_parameters(id).await?;
        let description = schedule_description(id, name, item, parameters);
        Ok((!description.properties.is_empty()).then_some(description))
    }
}

/// The description of a schedule, from what the service gave of it.
pub fn schedule_description(
    id: &IntegrationId,
    name: &str,
    given: Value,
    parameters: ScheduleParameters,
) -> Description {
    let mut description = Description::new(Kind::Schedule, &id.code, name);
    description.version = Some(id.version);
    add_scalars(&mut description, &given);
    description.given = Some(super::schedule::definition(given));
    description.parameters = parameters;
    for (name, value) in &description.parameters {
        let (name, value) = (visible(name), visible(value).into_owned());
        description.properties.insert(format!("parameter {name}"), value);
    }
    description
}

/// The calls of a kind that is listed as all others; integrations have calls of their own.
fn catalog_calls(kind: Kind, scope: &Scope) -> Option<KindCalls> {
    calls_in(kind, scope).filter(|_| kind != Kind::Integration)
}

/// The path of an artifact whose kind has this folder.
pub(super) fn artifact_path(key: &ArtifactKey, folder: &str) -> String {
    format!("{}{folder}/{}", key.scope.api_path(), path_segment(&key.service_id()))
}

/// Reads one artifact of a list; none where it has no id.
fn read(kind: Kind, scope: &Scope, key: &str, item: Value) -> Option<ListedArtifact> {
    let id = Some(wire::text(&item, &[key, "id", "code", "name"])).filter(|id| !id.is_empty())?;
    let (code, version) = match id.parse::<IntegrationId>() {
        Ok(both) if kind.has_versions() => (both.code, Some(both.version)),
        _ => (id.clone(), None),
    };
    let code = if kind == Kind::Project { some(&item, &["code"]).unwrap_or(code) } else { code };
    let notes = calls_in(kind, scope).map_or(&[][..], |calls| calls.note);
    let text = |pointer: &&str| {
        let text = item.pointer(pointer)?.as_str().filter(|text| !text.is_empty())?;
        Some(visible(text).into_owned())
    };
    let note = notes.iter().find_map(text);
    // `ACTIVE` of an artifact that cannot run says only that it is there.
    let status = some(&item, &["status"])
        .filter(|word| word != "ACTIVE")
        .map_or(Status::Configured, Status::from);
    Some(ListedArtifact {
        kind,
        scope: scope.clone(),
        name: some(&item, &["name", "alias", "displayName"]).unwrap_or_else(|| code.clone()),
        note: note.unwrap_or_default(),
        state: wire::state(&item, status),
        expires: wire::time(&item["expiryDate"]),
        id,
        code,
        version,
        item,
    })
}

/// An access list in words, with the list itself: it is sent back as it was.
pub fn access_description(code: &str, name: &str, given: Value) -> Description {
    let mut description = Description::new(Kind::Access, code, name);
    for (right, grant) in AccessList::read(&given).rights {
        description.set(right, grant.describe());
    }
    description.given = Some(given);
    description
}

fn some(item: &Value, keys: &[&str]) -> Option<String> {
    Some(wire::text(item, keys)).filter(|t| !t.is_empty())
}

/// Fields that say nothing of the artifact itself: who holds it, when it was touched, how it does
/// now.
const PASSING: [&str; 18] = [
    "id",
    "code",
    "name",
    "links",
    "status",
    "created",
    "createdBy",
    "lastUpdated",
    "lastUpdatedBy",
    "lockedFlag",
    "lockedBy",
    "lockedDate",
    "percentageComplete",
    "usage",
    "usageActive",
    "lastRun",
    "nextRun",
    "lastTested",
];

/// Adds a connection's properties by their names, then all else that is a plain value.
fn add_settings(description: &mut Description, item: &mut Value) {
    for part in ["connectionProperties", "securityProperties"] {
        for field in properties(item, part) {
            let ConnectionField { name, value, secret, attachment, .. } = field;
            let missing = part == "securityProperties" && value.is_empty();
            if let Some(file) = attachment {
                description.attachments.insert(name, AttachedFile { name: file, content: None });
            } else if secret || missing {
                description.ask.insert(name);
            } else {
                description.settable.insert(name.clone());
                description.set(&name, value);
            }
        }
        item[part].take();
    }
    let adapter = wire::text(&item["adapterType"], &["name", "displayName"]);
    description.set("adapter", adapter);
    add_scalars(description, item);
}

fn add_scalars(description: &mut Description, item: &Value) {
    for (key, value) in item.as_object().into_iter().flatten() {
        let passing =
            PASSING.contains(&key.as_str()) || key.starts_with("next") || key.starts_with("last");
        if passing || description.properties.contains_key(key) {
            continue;
        }
        let value = match value {
            Value::String(text) => visible(text).into_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(items) if items.iter().all(Value::is_string) => items
                .iter()
                .filter_map(Value::as_str)
                .map(|t| visible(t).into_owned())
                .collect::<Vec<_>>()
                .join(", "),
            _ => continue,
        };
        description.set(&visible(key), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_connection_is_described_without_its_secrets() {
        let mut item = json!({ "id": "HCM", "name": "HCM",
            "lastUpdated": "2025-08-06T08:23:54.159+0000",
            "adapterType": { "name": "rest" }, "securityPolicy": "BASIC", "agentGroupId": "DC1",
            "percentageComplete": 100,
            "connectionProperties": [
                { "propertyName": "connectionUrl", "propertyValue": "https://h" },
                { "propertyName": "token", "propertyValue": "*****" } ],
            "securityProperties": [
                { "propertyName": "username", "propertyValue": "svc" },
                { "propertyName": "password", "propertyType": "PASSWORD",
                    "propertyValue": "leaked" },
                { "propertyName": "secret2" } ] });
        let mut description = Description::new(Kind::Connection, "HCM", "HCM");
        add_settings(&mut description, &mut item);
        let names: Vec<&str> = description.properties.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["adapter", "agentGroupId", "connectionUrl", "securityPolicy", "username"]
        );
        assert_eq!(
            description.ask.iter().map(String::as_str).collect::<Vec<_>>(),
            ["password", "secret2", "token"]
        );
    }

    #[test]
    fn items_of_each_kind_are_read_and_one_without_an_id_is_not() {
        let library = read(
            Kind::Library,
            &Scope::Global,
            "id",
            json!({ "id": "LIB|01.00.0000", "name": "Lib" }),
        )
        .unwrap();
        assert_eq!((library.code.as_str(), library.version.is_some()), ("LIB", true));
        let lookup =
            read(Kind::Lookup, &Scope::Global, "name", json!({ "name": "A|01.00.0000" })).unwrap();
        assert_eq!((lookup.code.as_str(), lookup.version), ("A|01.00.0000", None));
        assert!(read(Kind::Project, &Scope::Global, "id", json!({ "name": "" })).is_none());
    }
}
