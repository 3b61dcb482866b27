//! Values for connections that an import left empty, taken from the config's overlay or from what a
//! person typed.

use secrecy::SecretString;

use super::{ConnectionValues, error::ConnectionValuesError};
use crate::model::Scope;
use crate::oic::{Client, ConnectionFields, ConnectionSettings};

const POLICY: &str = "securityPolicy";
const AGENT: &str = "agentGroupId";

/// What is set on a connection, each value under the property of its name.
///
/// # Errors
/// Where no value is given, a secret cannot be read, or the connection has no such property.
pub(super) async fn settings(
    client: &Client,
    scope: &Scope,
    code: &str,
    connection_values: &ConnectionValues,
) -> Result<ConnectionSettings, ConnectionValuesError> {
    let mut settings = connection_values.get(code).cloned().unwrap_or_default();
    let Some(overlay) = client.environment().connections.get(code) else {
        return if settings.is_empty() {
            Err(ConnectionValuesError::Missing {
                environment: client.name().clone(),
                code: code.to_owned(),
            })
        } else {
            sorted(client, scope, code, settings).await
        };
    };
    for (property, value) in overlay {
        let read = value.read().await.map_err(|why| ConnectionValuesError::Secret {
            code: code.to_owned(),
            property: property.clone(),
            why,
        })?;
        // A typed value wins over the config's.
        settings.security.entry(property.clone()).or_insert(read);
    }
    sorted(client, scope, code, settings).await
}

/// Sorts values, which all stand under `security`, once the service says which are plain
/// properties.
async fn sorted(
    client: &Client,
    scope: &Scope,
    code: &str,
    all: ConnectionSettings,
) -> Result<ConnectionSettings, ConnectionValuesError> {
    use secrecy::ExposeSecret;
    let fields = client.connection_fields(scope, code).await?;
    let mut out = ConnectionSettings {
        policy: all.policy,
        agent: all.agent,
        ..ConnectionSettings::default()
    };
    let plain = all.properties.into_iter().map(|(name, value)| (name, SecretString::from(value)));
    for (name, value) in plain.chain(all.security) {
        if name == POLICY {
            out.policy = Some(value.expose_secret().to_owned());
        } else if name == AGENT {
            out.agent = Some(value.expose_secret().to_owned());
        } else if fields.properties.iter().any(|f| f.name == name) {
            out.properties.insert(name, value.expose_secret().to_owned());
        } else if fields.security.iter().any(|f| f.name == name) {
            out.security.insert(name, value);
        } else {
            return Err(ConnectionValuesError::NoSuchProperty {
                code: code.to_owned(),
                property: name,
                known: names(&fields),
            });
        }
    }
    Ok(out)
}

fn names(fields: &ConnectionFields) -> String {
    let all = fields.properties.iter().chain(&fields.security).map(|f| f.name.as_str());
    all.chain([POLICY, AGENT]).collect::<Vec<_>>().join(", ")
}
