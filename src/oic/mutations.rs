//! Calls that change artifacts other than integrations: import, replace and delete of lookups,
//! libraries and packages; a connection's properties.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    capabilities::Capability,
    catalog::artifact_path,
    client::{Client, Hidden, HiddenBytes, Payload, RequestSpec},
    connections::AttachmentUpload,
    error::{ErrorKind, OicError},
    kinds::{Import, KindCalls, Replace, calls_in},
};
use crate::archive::Lookup;
use crate::config::CertificateSource;
use crate::model::{ArtifactKey, Kind, Scope, Version, plain_file_name, remember_secret};

/// What is set on a connection. What is not named stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionSettings {
    pub properties: BTreeMap<String, String>,
    /// Secrets too: no debug output shows them.
    pub security: BTreeMap<String, SecretString>,
    pub policy: Option<String>,
    pub agent: Option<String>,
    /// Files that are attached as properties.
    pub attachments: BTreeMap<String, AttachmentUpload>,
}

impl ConnectionSettings {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty()
            && self.security.is_empty()
            && self.policy.is_none()
            && self.agent.is_none()
            && self.attachments.is_empty()
    }

    /// Whether nothing but files is to be set.
    pub fn has_files_alone(&self) -> bool {
        self.to_wire() == json!({})
    }

    fn to_wire(&self) -> Value {
        let property =
            |name: &String, value: &str| json!({ "propertyName": name, "propertyValue": value });
        let mut out = json!({});
        if !self.properties.is_empty() {
            out["connectionProperties"] =
                self.properties.iter().map(|(n, v)| property(n, v)).collect();
        }
        self.security.values().for_each(|value| remember_secret(value.expose_secret()));
        if !self.security.is_empty() {
            out["securityProperties"] =
                self.security.iter().map(|(n, v)| property(n, v.expose_secret())).collect();
        }
        if let Some(policy) = &self.policy {
            out["securityPolicy"] = json!(policy);
        }
        if let Some(agent) = &self.agent {
            out["agentGroupId"] = json!(agent);
        }
        out
    }
}

impl Client {
    /// Imports a file as a new artifact (409 where it exists).
    ///
    /// # Errors
    /// Where the service refused, or it is not known whether the call took effect.
    pub async fn import_file(&self, key: &ArtifactKey, bytes: Bytes) -> Result<(), OicError> {
        let calls = self.calls_of("import", key)?;
        let folder = format!("{}{}", key.scope.api_path(), calls.folder);
        let path = match calls.import {
            Import::Archive => format!("{folder}/archive"),
            Import::Upload => folder,
            Import::None => return Err(self.no_such_call("import", key)),
        };
        self.upload_file("import", Method::POST, path, key, bytes).await
    }

    /// Replaces the artifact that is there with a file. Inside a project there is no such call for
    /// some kinds: then it is deleted and imported, and where the import fails nothing is there.
    ///
    /// # Errors
    /// As [`Self::import_file`].
    pub async fn replace_file(&self, key: &ArtifactKey, bytes: Bytes) -> Result<(), OicError> {
        let calls = self.calls_of("replace", key)?;
        let (method, path) = match calls.replace {
            Replace::Put => {
                (Method::PUT, format!("{}{}/archive", key.scope.api_path(), calls.folder))
            }
            Replace::PostToItself => {
                (Method::POST, format!("{}/archive", artifact_path(key, calls.folder)))
            }
            Replace::PutIfOffered => {
                let path = format!("{}{}/archive", key.scope.api_path(), calls.folder);
                let put = self.upload_file("replace", Method::PUT, path, key, bytes.clone());
                let (call, refusals) = (Capability::MemberReplacement, [404, 405, 501]);
                return self.put_or_import((key, bytes), call, &refusals, put).await;
            }
            Replace::PutContent => {
                let put = self.put_lookup(key, bytes.clone());
                let (call, refusals) = (Capability::LookupContent, [400, 404, 405, 415, 501]);
                return self.put_or_import((key, bytes), call, &refusals, put).await;
            }
            Replace::None => return Err(self.no_such_call("replace", key)),
        };
        self.upload_file("replace", method, path, key, bytes).await
    }

    /// Replaces what is there by one call, where the instance has it; else deletes and imports it.
    /// `refusals` are the answers that mean that it has not.
    async fn put_or_import(
        &self,
        (key, bytes): (&ArtifactKey, Bytes),
        call: Capability,
        refusals: &[u16],
        put: impl Future<Output = Result<(), OicError>>,
    ) -> Result<(), OicError> {
        if self.offers(call) == Some(false) {
            return self.delete_and_import(key, bytes).await;
        }
        match put.await {
            Ok(()) => {
                self.learn_offered(call);
                Ok(())
            }
            Err(e) if e.status().is_some_and(|status| refusals.contains(&status)) => {
                if e.says_not_offered() {
                    self.learn_missing(call);
                }
                self.delete_and_import(key, bytes).await
            }
            refused => refused,
        }
    }

    /// Gives a lookup of a project other content, without a moment in which it is not there.
    async fn put_lookup(&self, key: &ArtifactKey, csv: Bytes) -> Result<(), OicError> {
        let lookup = Lookup::from_csv(&csv)
            .map_err(|e| self.unreadable("replace", &key.subject(), e.to_string()))?;
        let rows: Vec<Value> = lookup.rows.iter().map(|row| json!({ "rowData": row })).collect();
        let body = json!({ "name": lookup.name, "description": lookup.description,
            "columns": lookup.columns, "rows": rows });
        let path = artifact_path(key, self.calls_of("replace", key)?.folder);
        let call = RequestSpec::change("replace", Method::PUT, path, Payload::Json(body));
        self.send(call.about(key.subject())).await.map(drop)
    }

    async fn delete_and_import(&self, key: &ArtifactKey, bytes: Bytes) -> Result<(), OicError> {
        // A call before this one may have deleted it.
        match self.delete_one(key).await {
            Err(e) if e.status() != Some(404) => Err(e),
            _ => self.import_file(key, bytes).await,
        }
    }

    /// Deletes one artifact.
    ///
    /// # Errors
    /// As [`Self::import_file`].
    pub async fn delete_one(&self, key: &ArtifactKey) -> Result<(), OicError> {
        let calls = self.calls_of("delete", key)?;
        if !calls.delete {
            return Err(self.no_such_call("delete", key));
        }
        let path = artifact_path(key, calls.folder);
        self.send(
            RequestSpec::change("delete", Method::DELETE, path, Payload::Empty)
                .about(key.subject()),
        )
        .await
        .map(drop)
    }

    /// Sets properties of a connection.
    ///
    /// # Errors
    /// As [`Self::import_file`].
    pub async fn configure_connection(
        &self,
        scope: &Scope,
        code: &str,
        settings: &ConnectionSettings,
    ) -> Result<(), OicError> {
        let body = Payload::PrivatePatch(Hidden(settings.to_wire()));
        let path = super::connections::path(scope, code, "");
        self.send(RequestSpec::change("configure connection", Method::POST, path, body).about(code))
            .await
            .map(drop)
    }

    /// The calls of an artifact's kind in its scope, where the service has some.
    pub(super) fn calls_of(
        &self,
        action: &'static str,
        key: &ArtifactKey,
    ) -> Result<KindCalls, OicError> {
        calls_in(key.kind, &key.scope).ok_or_else(|| self.no_such_call(action, key))
    }

    /// The error for a call that the service does not have for a kind in a scope.
    pub(super) fn no_such_call(&self, action: &'static str, key: &ArtifactKey) -> OicError {
        let place = if key.scope.is_global() { "" } else { " in a project" };
        let why = format!("there is no such call for {}{place}", key.kind.plural());
        self.error(action, Some(key.subject()), ErrorKind::Unexpected(why))
    }

    async fn upload_file(
        &self,
        action: &'static str,
        method: Method,
        path: String,
        key: &ArtifactKey,
        bytes: Bytes,
    ) -> Result<(), OicError> {
        let (kind, id) = (key.kind, key.service_id());
        let (ending, fields) = match kind {
            Kind::Library => (kind.ending(), key.version.map(|v| library_fields(&key.code, v))),
            Kind::Certificate => {
                let source = self.environment().certificates.get(&id);
                ("pem", source.map(|source| certificate_fields(&id, source)))
            }
            // A file alone says all of the others.
            _ => (kind.ending(), None),
        };
        let (bytes, fields) = (HiddenBytes(bytes), fields.unwrap_or_default());
        let body =
            Payload::Archive { name: format!("{}.{ending}", plain_file_name(&id)), bytes, fields };
        self.send(RequestSpec::change(action, method, path, body).about(key.subject()))
            .await
            .map(drop)
    }
}

/// The fields of a form, each by its name.
type FormFields = Vec<(&'static str, String)>;

fn library_fields(code: &str, version: Version) -> FormFields {
    vec![
        ("name", code.to_owned()),
        ("code", code.to_owned()),
        ("version", version.to_string()),
        ("type", "API".into()),
    ]
}

fn certificate_fields(alias: &str, source: &CertificateSource) -> FormFields {
    vec![
        ("name", alias.to_owned()),
        ("type", source.r#type.clone()),
        ("category", source.category.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_go_to_the_wire_and_never_to_a_debug_output() {
        let settings = ConnectionSettings {
            properties: [("connectionUrl".to_owned(), "https://hcm.example".to_owned())].into(),
            security: [("password".to_owned(), SecretString::from("hunter2"))].into(),
            ..ConnectionSettings::default()
        };
        assert_eq!(settings.to_wire()["securityProperties"][0]["propertyValue"], "hunter2");
        assert!(settings.to_wire().get("securityPolicy").is_none());
        assert!(!format!("{settings:?}").contains("hunter2"));
        let body = Payload::PrivatePatch(Hidden(settings.to_wire()));
        assert!(!format!("{body:?}").contains("hunter2"));
    }
}
