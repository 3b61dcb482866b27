//! Values for connections that an import left empty: what a person typed, else the config's, else
//! what the connection was set to before.

use std::path::PathBuf;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use super::{
    ConnectionValues, error::ConnectionValuesError, journal::read_file_ref, survey::KeptConnection,
};
use crate::config::{OverlayValue, SecretError, SecretSource, expand_home};
use crate::model::{ConnectionName, Description, Scope};
use crate::oic::{AttachmentUpload, Client, ConnectionField, ConnectionFields, ConnectionSettings};
use crate::store::Store;

pub(super) const POLICY: &str = "securityPolicy";
pub(super) const AGENT: &str = "agentGroupId";

/// Where the values of connections are from.
#[derive(Clone, Copy)]
pub(super) struct ValueSources<'a> {
    pub client: &'a Client,
    pub store: &'a Store,
    /// What a person typed. All stand as texts under their names.
    pub typed: &'a ConnectionValues,
}

/// One value before it is known what its property takes.
enum GivenValue {
    Text(SecretString),
    /// A file that is attached.
    File(PathBuf),
}

impl ValueSources<'_> {
    /// What is set on a connection, each value under the property of its name. A typed value wins
    /// over the config's, and both over what it was set to before.
    ///
    /// # Errors
    /// Where no value is known, a secret or a file cannot be read, or the connection has no such
    /// property as is given.
    pub async fn settings(
        &self,
        scope: &Scope,
        code: &str,
        kept: Option<&KeptConnection>,
    ) -> Result<ConnectionSettings, ConnectionValuesError> {
        let name = ConnectionName::new(scope, code);
        let typed = self.typed.get(&name).filter(|typed| !typed.is_empty());
        let overlay = self.client.environment().values_of(&name);
        if typed.is_none() && overlay.is_none() && kept.is_none() {
            let (environment, code) = (self.client.name().clone(), code.to_owned());
            return Err(ConnectionValuesError::Missing { environment, code });
        }
        let fields = self.client.connection_fields(scope, code).await?;
        let mut out = match kept {
            Some(kept) => self.as_before(&fields, kept).await?,
            None => ConnectionSettings::default(),
        };
        for (property, value) in overlay.into_iter().flatten() {
            let takes_file = fields.takes_file(property)
                || kept.is_some_and(|kept| kept.attachments.contains_key(property));
            let given = match (takes_file, value) {
                (true, OverlayValue::Plain(path)) if !is_url(path) => {
                    GivenValue::File(expand_home(path))
                }
                (true, OverlayValue::Secret(SecretSource::File(path))) => {
                    GivenValue::File(path.clone())
                }
                (_, value) => {
                    GivenValue::Text(value.read().await.map_err(|why| unread(code, property, why))?)
                }
            };
            place(&mut out, &fields, code, property, given).await?;
        }
        if let Some(typed) = typed {
            out.policy = typed.policy.clone().or(out.policy);
            out.agent = typed.agent.clone().or(out.agent);
            let plain = typed.properties.iter().map(|(n, v)| (n, SecretString::from(v.clone())));
            let secret = typed.security.iter().map(|(n, v)| (n, v.clone()));
            for (property, value) in plain.chain(secret) {
                let file = fields.takes_file(property) && !is_url(value.expose_secret());
                let given = match file {
                    true => GivenValue::File(expand_home(value.expose_secret())),
                    false => GivenValue::Text(value),
                };
                place(&mut out, &fields, code, property, given).await?;
            }
        }
        Ok(out)
    }

    /// Reads what the config gives for a connection, and keeps none of it: what cannot be read is
    /// found out before anything is changed.
    ///
    /// # Errors
    /// Where a secret or a file cannot be read.
    pub async fn are_readable(
        &self,
        scope: &Scope,
        code: &str,
    ) -> Result<(), ConnectionValuesError> {
        let name = ConnectionName::new(scope, code);
        if self.typed.get(&name).is_some_and(|typed| !typed.is_empty()) {
            return Ok(());
        }
        for (property, value) in self.client.environment().values_of(&name).into_iter().flatten() {
            let read = match value {
                // It may be the content of an attachment, which is no text.
                OverlayValue::Secret(SecretSource::File(path)) => {
                    let why = |e: std::io::Error| SecretError::File {
                        path: path.clone(),
                        why: e.to_string(),
                    };
                    tokio::fs::read(path).await.map(drop).map_err(why)
                }
                value => value.read().await.map(drop),
            };
            read.map_err(|why| unread(code, property, why))?;
        }
        Ok(())
    }

    /// What it was set to before, as far as it has these properties now.
    async fn as_before(
        &self,
        fields: &ConnectionFields,
        kept: &KeptConnection,
    ) -> Result<ConnectionSettings, ConnectionValuesError> {
        let mut out = ConnectionSettings {
            policy: Some(kept.policy.clone()).filter(|policy| !policy.is_empty()),
            agent: kept.agent.clone(),
            ..ConnectionSettings::default()
        };
        for (name, value) in &kept.properties {
            let named = |f: &&ConnectionField| f.name == *name && f.attachment.is_none();
            if fields.properties.iter().any(|f| named(&f)) {
                out.properties.insert(name.clone(), value.clone());
            } else if fields.security.iter().any(|f| named(&f)) {
                out.security.insert(name.clone(), SecretString::from(value.clone()));
            }
        }
        let Some(file) = kept.description.as_ref().filter(|_| !kept.attachments.is_empty()) else {
            return Ok(out);
        };
        let description = Description::from_bytes(&read_file_ref(self.store, file).await?);
        for (property, file) in description.map(|r| r.attachments).unwrap_or_default() {
            let Some(bytes) = file.content.and_then(|content| content.bytes()) else { continue };
            let name = if file.name.is_empty() { property.clone() } else { file.name };
            out.attachments.insert(property, AttachmentUpload { name, bytes: bytes.into() });
        }
        Ok(out)
    }
}

/// Puts a value where its property takes it.
async fn place(
    out: &mut ConnectionSettings,
    fields: &ConnectionFields,
    code: &str,
    property: &str,
    given: GivenValue,
) -> Result<(), ConnectionValuesError> {
    let has = |all: &[ConnectionField]| all.iter().any(|f| f.name == property);
    let name = property.to_owned();
    let value = match given {
        GivenValue::File(path) => {
            let read = tokio::fs::read(&path).await;
            let bytes: Bytes = match read {
                Ok(bytes) => bytes.into(),
                Err(e) => {
                    let why = SecretError::File { path, why: e.to_string() };
                    return Err(unread(code, property, why));
                }
            };
            let file = path.file_name().map(|n| n.to_string_lossy().into_owned());
            let file = AttachmentUpload { name: file.unwrap_or_else(|| name.clone()), bytes };
            out.attachments.insert(name, file);
            return Ok(());
        }
        GivenValue::Text(value) => value,
    };
    if name == POLICY {
        out.policy = Some(value.expose_secret().to_owned());
    } else if name == AGENT {
        out.agent = Some(value.expose_secret().to_owned());
    } else if fields.takes_file(property) && !is_url(value.expose_secret()) {
        let bytes = value.expose_secret().as_bytes().to_vec().into();
        out.attachments.insert(name.clone(), AttachmentUpload { name, bytes });
    } else if has(&fields.properties) {
        out.properties.insert(name, value.expose_secret().to_owned());
    } else if has(&fields.security) {
        out.security.insert(name, value);
    } else {
        let (code, known) = (code.to_owned(), names(fields));
        return Err(ConnectionValuesError::NoSuchProperty { code, property: name, known });
    }
    Ok(())
}

/// Whether a text is an address, and no path of a file.
fn is_url(text: &str) -> bool {
    text.contains("://")
}

fn unread(code: &str, property: &str, why: SecretError) -> ConnectionValuesError {
    let (code, property) = (code.to_owned(), property.to_owned());
    ConnectionValuesError::Secret { code, property, why }
}

fn names(fields: &ConnectionFields) -> String {
    let all = fields.properties.iter().chain(&fields.security).map(|f| f.name.as_str());
    all.chain([POLICY, AGENT]).collect::<Vec<_>>().join(", ")
}
