//! The values that an environment's connections get where an import leaves them empty, and the
//! calls that show that a flow works.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{SecretError, SecretSource};
use crate::model::Scope;

/// One value of `[environments.test.connections.HCM_REST]`: in the clear, or where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverlayValue {
    Plain(String),
    Secret(SecretSource),
}

impl OverlayValue {
    /// # Errors
    /// Where the secret's place cannot be read.
    pub async fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Plain(text) => Ok(SecretString::from(text.clone())),
            Self::Secret(source) => source.read().await,
        }
    }
}

impl<'de> Deserialize<'de> for OverlayValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = OverlayValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a text, or where a secret lies: { env = … }, { command = … }, { file = … } or \
            { keyring = … }",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(OverlayValue::Plain(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        SecretSource::deserialize(MapAccessDeserializer::new(map)).map(OverlayValue::Secret)
    }
}

/// Property -> value, by the service's own names. `securityPolicy` and `agentGroupId` are among
/// them.
pub type Overlay = BTreeMap<String, OverlayValue>;

/// Whether a property's name says that its value is a secret, which never stands in the config.
pub fn names_a_secret(property: &str) -> bool {
    let lower = property.to_ascii_lowercase();
    ["password", "passphrase", "secret", "token", "apikey", "api_key", "privatekey", "credential"]
        .iter()
        .any(|word| lower.contains(word))
        && !lower.ends_with("url")
        && !lower.ends_with("uri")
}

/// The file of a certificate, which is uploaded where a plan needs the certificate:
/// `[environments.test.certificates.ALIAS]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSource {
    pub file: PathBuf,
    /// X509, SAML, PGP, SIGNKEY, DIGITALSIGNATURE
    #[serde(default = "x509")]
    pub r#type: String,
    /// TRUST, IDENTITY …
    #[serde(default = "trust")]
    pub category: String,
}

fn x509() -> String {
    "X509".into()
}
fn trust() -> String {
    "TRUST".into()
}

/// A call against the runtime host that shows that an integration works.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smoke {
    /// The integration after whose activation the call is made: `CODE`, `PROJECT/CODE` or
    /// `global/CODE`.
    pub integration: String,
    #[serde(default = "get")]
    pub method: String,
    /// The path, with a leading `/`: `/ic/api/integration/v1/flows/rest/ORDERS/1.0/orders`
    pub path: String,
    /// A file that is sent as the body.
    #[serde(default)]
    pub body: Option<PathBuf>,
    #[serde(default = "ok")]
    pub status: u16,
    /// Fields of the JSON answer, `a.b.0` -> the text that must stand there.
    #[serde(default)]
    pub json: BTreeMap<String, String>,
}

impl Smoke {
    /// Whether the call shows that this integration works. Where its scope is not named, the path
    /// of a flow tells it; another path is called for each scope that has the code.
    pub fn is_of(&self, scope: &Scope, code: &str) -> bool {
        let (named, of) = match self.integration.split_once('/') {
            Some((word, of)) => (Some(Scope::named(word)), of),
            None => (self.scope_of_path(), self.integration.as_str()),
        };
        of == code && named.is_none_or(|named| named == *scope)
    }

    /// The scope of the flow that the path calls (docs/projects.md, Endpoints and callers).
    fn scope_of_path(&self) -> Option<Scope> {
        let (_, flow) = self.path.split_once("/flows/rest/")?;
        let project = flow.strip_prefix("project/").and_then(|rest| rest.split('/').next());
        Some(project.map_or(Scope::Global, Scope::of_project))
    }
}

fn get() -> String {
    "GET".into()
}
fn ok() -> u16 {
    200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_and_addresses_are_none() {
        for secret in ["password", "clientSecret", "apiKey", "privateKeyPassphrase", "ACCESS_TOKEN"]
        {
            assert!(names_a_secret(secret), "{secret}");
        }
        for plain in ["connectionUrl", "username", "tokenUrl", "accessTokenUri", "host"] {
            assert!(!names_a_secret(plain), "{plain}");
        }
    }
}
