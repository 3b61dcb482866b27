//! Connections: list, read, test. They have no archive of their own.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;

use super::{
    client::{Client, HiddenBytes, Idempotency, Payload, RequestSpec},
    error::{ErrorKind, OicError},
    wire,
};
use crate::config::names_a_secret;
use crate::model::{ArtifactState, Scope, path_segment, visible};

/// A connection as the service describes it. Secrets are never among the properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedConnection {
    pub code: String,
    pub name: String,
    pub adapter: String,
    pub state: ArtifactState,
}

/// The properties of a connection by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFields {
    pub properties: Vec<ConnectionField>,
    pub security: Vec<ConnectionField>,
}

impl ConnectionFields {
    /// Whether a property may be given a file.
    pub fn takes_file(&self, property: &str) -> bool {
        let mut all = self.properties.iter().chain(&self.security);
        all.any(|f| f.name == property && f.takes_file)
    }
}

/// One property: its value is given out unless it is a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionField {
    pub name: String,
    pub value: String,
    pub required: bool,
    pub secret: bool,
    /// Whether it may be given a file.
    pub takes_file: bool,
    /// The name of the attached file, where one is attached: the property is set in no other way
    /// (docs/oic-rest-api.md, Connections).
    pub attachment: Option<String>,
}

/// What a connection is set to, as far as the service tells: secrets are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionDetails {
    pub adapter: String,
    pub policy: String,
    /// The agent group through which it goes.
    pub agent: Option<String>,
    /// Name -> value.
    pub properties: BTreeMap<String, String>,
    /// Names of the secrets that it needs.
    pub ask: BTreeSet<String>,
    /// Property -> the name of the attached file.
    pub attachments: BTreeMap<String, String>,
}

/// A file that is to be attached.
#[derive(Clone)]
pub struct AttachmentUpload {
    pub name: String,
    /// A secret.
    pub bytes: Bytes,
}

impl std::fmt::Debug for AttachmentUpload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} …", self.name)
    }
}

/// What `test` answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionTest {
    pub success: bool,
    pub details: String,
}

fn read(value: &Value) -> ListedConnection {
    let text = |v: &Value| visible(v.as_str().unwrap_or_default()).into_owned();
    ListedConnection {
        code: text(&value["id"]),
        name: text(&value["name"]),
        adapter: text(&value["adapterType"]["name"]),
        state: wire::state(value, text(&value["status"]).into()),
    }
}

/// Reads a property; none without a name. A secret is one by its type, by its name, or because the
/// service masks its value.
fn field(item: &Value) -> Option<ConnectionField> {
    let text = |key: &str| visible(item[key].as_str().unwrap_or_default()).into_owned();
    let kind = text("propertyType").to_ascii_uppercase();
    let name = Some(text("propertyName")).filter(|n| !n.is_empty())?;
    let value = text("propertyValue");
    let is_set = |key: &str| item[key] == true || item[key] == "true";
    let attached = is_set("hasAttachment");
    let attachment = attached.then(|| {
        let names = ["attachmentName", "fileName", "propertyValue"];
        wire::text(item, &names)
    });
    let takes_file = attached || matches!(kind.as_str(), "FILE" | "URL_OR_FILE");
    let masked = !value.is_empty() && value.chars().all(|c| matches!(c, '*' | '•'));
    let typed = matches!(kind.as_str(), "PASSWORD" | "SECRET" | "CSF_KEY");
    let secret = (typed || masked || names_a_secret(&name)) && attachment.is_none();
    let withheld = secret || attachment.is_some();
    let value = if withheld { String::new() } else { value };
    let required = is_set("required") || is_set("requiredFlag");
    Some(ConnectionField { name, value, required, secret, takes_file, attachment })
}

/// The properties of one part of a connection: `connectionProperties` or `securityProperties`.
pub(super) fn properties(connection: &Value, part: &str) -> Vec<ConnectionField> {
    let items = connection[part].as_array();
    items.into_iter().flatten().filter_map(field).collect()
}

/// What can be set on a connection, from its own answer.
fn fields(connection: &Value) -> ConnectionFields {
    let of = |part: &str| properties(connection, part);
    ConnectionFields { properties: of("connectionProperties"), security: of("securityProperties") }
}

/// The path of a connection; `tail` is what follows its code: `/test`, or nothing.
pub(super) fn path(scope: &Scope, code: &str, tail: &str) -> String {
    format!("{}/connections/{}{tail}", scope.api_path(), path_segment(code))
}

impl Client {
    /// All connections of a scope, read page by page.
    pub async fn connections(&self, scope: &Scope) -> Result<Vec<ListedConnection>, OicError> {
        let path = format!("{}/connections", scope.api_path());
        let items = self.list("list connections", &path, "id").await?;
        Ok(items.iter().filter(|item| wire::is_listed_in(scope, item)).map(read).collect())
    }

    /// One connection with its properties; an answer without an id is an error.
    pub async fn connection(
        &self,
        scope: &Scope,
        code: &str,
    ) -> Result<ListedConnection, OicError> {
        let call = RequestSpec::get("read connection", path(scope, code, ""));
        let value = self.json(call.about(code)).await?;
        if value["id"].is_null() {
            return Err(self.error(
                "read connection",
                Some(code.into()),
                ErrorKind::Unexpected("no id".into()),
            ));
        }
        Ok(read(&value))
    }

    /// What can be set on a connection.
    pub async fn connection_fields(
        &self,
        scope: &Scope,
        code: &str,
    ) -> Result<ConnectionFields, OicError> {
        let call = RequestSpec::get("read connection", path(scope, code, ""));
        Ok(fields(&self.json(call.about(code)).await?))
    }

    /// What a connection is set to.
    pub async fn connection_details(
        &self,
        scope: &Scope,
        code: &str,
    ) -> Result<ConnectionDetails, OicError> {
        let call = RequestSpec::get("read connection", path(scope, code, ""));
        let value = self.json(call.about(code)).await?;
        let ConnectionFields { properties, security } = fields(&value);
        // A person must be asked for each value of the sign-in that the service does not give out.
        let withheld = |f: &&ConnectionField| f.value.is_empty() && f.attachment.is_none();
        let missing = security.iter().filter(withheld).map(|f| f.name.clone());
        let secrets = properties.iter().filter(|f| f.secret).map(|f| f.name.clone());
        let ask = missing.chain(secrets).collect();
        let all: Vec<ConnectionField> = properties.into_iter().chain(security).collect();
        let attached = |f: &ConnectionField| Some((f.name.clone(), f.attachment.clone()?));
        let attachments = all.iter().filter_map(attached).collect();
        let filled =
            |f: &ConnectionField| !f.secret && !f.value.is_empty() && f.attachment.is_none();
        let all = all.into_iter().filter(filled);
        Ok(ConnectionDetails {
            adapter: read(&value).adapter,
            policy: wire::text(&value, &["securityPolicy"]),
            agent: Some(wire::text(&value, &["agentGroupId"])).filter(|a| !a.is_empty()),
            properties: all.map(|f| (f.name, f.value)).collect(),
            ask,
            attachments,
        })
    }

    /// The bytes of the file that is attached to a connection as a property. They are a secret.
    ///
    /// # Errors
    /// Where the service refuses, or there is none.
    pub async fn connection_attachment(
        &self,
        scope: &Scope,
        code: &str,
        property: &str,
    ) -> Result<Bytes, OicError> {
        let path = path(scope, code, &format!("/attachments/{}", path_segment(property)));
        let call = RequestSpec::file("read the attachment of", path).about(code);
        Ok(self.send(call).await?.bytes)
    }

    /// Attaches a file to a connection as a property.
    ///
    /// # Errors
    /// Where the service refuses, or it is not known whether it took it.
    pub async fn attach_to_connection(
        &self,
        scope: &Scope,
        code: &str,
        (property, file): (&str, &AttachmentUpload),
    ) -> Result<(), OicError> {
        let path = path(scope, code, &format!("/attachments/{}", path_segment(property)));
        let body = Payload::Archive {
            name: file.name.clone(),
            bytes: HiddenBytes(file.bytes.clone()),
            fields: Vec::new(),
        };
        let call = RequestSpec::change("attach a file to", Method::POST, path, body);
        self.send(call.about(code)).await.map(drop)
    }

    /// Asks the service to try the connection. Nothing is changed by it.
    pub async fn test_connection(
        &self,
        scope: &Scope,
        code: &str,
    ) -> Result<ConnectionTest, OicError> {
        let call = RequestSpec::change(
            "test connection",
            Method::POST,
            path(scope, code, "/test"),
            Payload::Empty,
        )
        .about(code);
        let answer =
            self.json_if_any(RequestSpec { idempotency: Idempotency::None, ..call }).await?;
        let Some(value) = answer else {
            let details = "the service answers that it was tested, and no more".into();
            return Ok(ConnectionTest { success: true, details });
        };
        let details = visible(value["details"].as_str().unwrap_or_default()).into_owned();
        Ok(ConnectionTest { success: value["status"] == "SUCCESS", details })
    }
}
