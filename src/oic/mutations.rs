//! Calls that change artifacts other than integrations: import, replace and delete of lookups,
//! libraries and packages; a connection's properties.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    client::{Client, Hidden, Payload, RequestSpec},
    error::{ErrorKind, OicError},
    kinds::{Import, KindCalls, Replace, calls},
};
use crate::model::{IntegrationId, Kind, path_segment};

/// What is set on a connection. What is not named stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionSettings {
    pub properties: BTreeMap<String, String>,
    /// Secrets too: no debug output shows them.
    pub security: BTreeMap<String, SecretString>,
    pub policy: Option<String>,
    pub agent: Option<String>,
}

impl ConnectionSettings {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty()
            && self.security.is_empty()
            && self.policy.is_none()
            && self.agent.is_none()
    }

    fn to_wire(&self) -> Value {
        let property =
            |name: &String, value: &str| json!({ "propertyName": name, "propertyValue": value });
        let mut out = json!({});
        if !self.properties.is_empty() {
            out["connectionProperties"] =
                self.properties.iter().map(|(n, v)| property(n, v)).collect();
        }
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
    /// Imports a file as a new artifact (409 where it exists). `id` is the artifact's id in paths.
    ///
    /// # Errors
    /// Where the service refused, or it is not known whether the call took effect.
    pub async fn import_file(&self, kind: Kind, id: &str, bytes: Bytes) -> Result<(), OicError> {
        let calls = self.calls_of("import", kind, id)?;
        let path = match calls.import {
            Import::Archive => format!("{}/archive", calls.folder),
            Import::Upload => calls.folder.to_owned(),
            Import::None => return Err(self.no_such_call("import", kind, id)),
        };
        self.upload_file("import", Method::POST, path, kind, id, bytes).await
    }

    /// Replaces the artifact that is there with a file.
    ///
    /// # Errors
    /// As [`Self::import_file`].
    pub async fn replace_file(&self, kind: Kind, id: &str, bytes: Bytes) -> Result<(), OicError> {
        let calls = self.calls_of("replace", kind, id)?;
        let (method, path) = match calls.replace {
            Replace::Put => (Method::PUT, format!("{}/archive", calls.folder)),
            Replace::PostToItself => {
                (Method::POST, format!("{}/{}/archive", calls.folder, path_segment(id)))
            }
            Replace::None => return Err(self.no_such_call("replace", kind, id)),
        };
        self.upload_file("replace", method, path, kind, id, bytes).await
    }

    /// Deletes one artifact.
    ///
    /// # Errors
    /// As [`Self::import_file`].
    pub async fn delete_one(&self, kind: Kind, id: &str) -> Result<(), OicError> {
        let calls = self.calls_of("delete", kind, id)?;
        if !calls.delete {
            return Err(self.no_such_call("delete", kind, id));
        }
        let path = format!("{}/{}", calls.folder, path_segment(id));
        self.send(RequestSpec::change("delete", Method::DELETE, path, Payload::Empty).about(id))
            .await
            .map(drop)
    }

    /// Sets properties of a connection.
    ///
    /// # Errors
    /// As [`Self::import_file`].
    pub async fn configure_connection(
        &self,
        code: &str,
        settings: &ConnectionSettings,
    ) -> Result<(), OicError> {
        let body = Payload::PrivatePatch(Hidden(settings.to_wire()));
        let path = format!("/connections/{}", path_segment(code));
        self.send(RequestSpec::change("configure connection", Method::POST, path, body).about(code))
            .await
            .map(drop)
    }

    /// The calls of a kind, where the service has some.
    pub(super) fn calls_of(
        &self,
        action: &'static str,
        kind: Kind,
        id: &str,
    ) -> Result<KindCalls, OicError> {
        calls(kind).ok_or_else(|| self.no_such_call(action, kind, id))
    }

    /// The error for a call that the service does not have for a kind.
    pub(super) fn no_such_call(&self, action: &'static str, kind: Kind, id: &str) -> OicError {
        let why = format!("a {kind} has no such call");
        self.error(action, Some(id.into()), ErrorKind::Unexpected(why))
    }

    async fn upload_file(
        &self,
        action: &'static str,
        method: Method,
        path: String,
        kind: Kind,
        id: &str,
        bytes: Bytes,
    ) -> Result<(), OicError> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
        let stem: String = id.chars().map(plain).collect();
        let mut fields = Vec::new();
        if let (Kind::Library, Ok(library)) = (kind, id.parse::<IntegrationId>()) {
            let version = library.version.to_string();
            let code = library.code;
            fields = vec![
                ("name", code.clone()),
                ("code", code),
                ("version", version),
                ("type", "API".into()),
            ];
        }
        if let (Kind::Certificate, Some(source)) = (kind, self.environment().certificates.get(id)) {
            fields = vec![
                ("name", id.to_owned()),
                ("type", source.r#type.clone()),
                ("category", source.category.clone()),
            ];
        }
        let ending = if kind == Kind::Certificate { "pem" } else { kind.ending() };
        let body = Payload::Archive { name: format!("{stem}.{ending}"), bytes, fields };
        self.send(RequestSpec::change(action, method, path, body).about(id)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_go_to_the_wire_and_never_to_a_debug_output() {
        let settings = ConnectionSettings {
            properties: [("connectionUrl".to_owned(), "https://hcm.example".to_owned())].into(),
            security: [("password".to_owned(), SecretString::from("hunter2"))].into(),
            policy: None,
            agent: None,
        };
        assert_eq!(settings.to_wire()["securityProperties"][0]["propertyValue"], "hunter2");
        assert!(settings.to_wire().get("securityPolicy").is_none());
        assert!(!format!("{settings:?}").contains("hunter2"));
        let body = Payload::PrivatePatch(Hidden(settings.to_wire()));
        assert!(!format!("{body:?}").contains("hunter2"));
    }
}
