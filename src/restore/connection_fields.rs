//! The properties that can be set on a connection, also before its environment has it. A form asks
//! for them.

use bytes::Bytes;

use super::error::ConnectionValuesError;
use crate::archive::{Connection, Contents, ContentsBody};
use crate::config::names_a_secret;
use crate::model::{ConnectionName, Description, Kind};
use crate::oic::{Client, ConnectionField};
use crate::store::{Index, Store, StoredVersion};
use crate::workspace::Workspace;

/// The properties of a connection, from the first source that knows it: the environment itself, the
/// store's newest description, the other environments, then the files of the plan (an archive
/// carries the connections that it uses). A value is filled in only from the environment itself,
/// since another environment's address would be wrong here.
///
/// # Errors
/// The service did not answer, or nobody knows the connection.
pub async fn fields(
    workspace: &Workspace,
    client: &Client,
    payloads: Vec<Bytes>,
    name: &ConnectionName,
) -> Result<Vec<ConnectionField>, ConnectionValuesError> {
    if let Some(fields) = of_service(client, name).await? {
        return Ok(fields);
    }
    if let Some(store) = &workspace.store
        && let Some(fields) = of_store(store, client, name).await?
    {
        return Ok(fields);
    }
    for other in workspace.environments.iter().filter(|e| e.name() != client.name()) {
        // If an environment does not answer, the next is asked.
        if let Ok(Some(fields)) = of_service(other, name).await {
            return Ok(fields
                .into_iter()
                .map(|f| ConnectionField { value: String::new(), ..f })
                .collect());
        }
    }
    let wanted = name.code.clone();
    let sent = tokio::task::spawn_blocking(move || {
        payloads.iter().find_map(|bytes| of_archive(bytes, &wanted))
    });
    if let Some(fields) = sent.await? {
        return Ok(fields);
    }
    Err(ConnectionValuesError::Unknown(name.to_string()))
}

async fn of_service(
    client: &Client,
    name: &ConnectionName,
) -> Result<Option<Vec<ConnectionField>>, ConnectionValuesError> {
    match client.connection_fields(&name.scope, &name.code).await {
        Ok(fields) => Ok(Some(fields.properties.into_iter().chain(fields.security).collect())),
        Err(e) if e.status() == Some(404) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

async fn of_store(
    store: &Store,
    client: &Client,
    name: &ConnectionName,
) -> Result<Option<Vec<ConnectionField>>, ConnectionValuesError> {
    let index: Index = store.index().await?;
    let is_it = |v: &&StoredVersion| {
        v.kind == Kind::Connection && v.code == name.code && v.scope == name.scope
    };
    let known = index.versions().iter().filter(is_it);
    let Some(newest) = known.max_by_key(|v| (v.environment == *client.name(), v.last_seen)) else {
        return Ok(None);
    };
    let bytes = store.read(newest).await?;
    let Some(description) = Description::from_bytes(&bytes) else { return Ok(None) };
    let own = newest.environment == *client.name();
    let plain = description.properties.iter().filter(|(name, _)| !Description::is_fact(name));
    let plain = plain.map(|(name, value)| field(name, if own { value } else { "" }, false));
    let asked = description.ask.iter().map(|name| field(name, "", names_a_secret(name)));
    let attached = description.attachments.iter().map(|(name, file)| ConnectionField {
        required: false,
        takes_file: true,
        attachment: Some(file.name.clone()),
        ..field(name, "", false)
    });
    Ok(Some(plain.chain(asked).chain(attached).collect()))
}

fn of_archive(bytes: &[u8], code: &str) -> Option<Vec<ConnectionField>> {
    let contents = Contents::read(bytes, None).ok()?;
    let own: &[Connection] = match &contents.body {
        ContentsBody::Project(project) => &project.connections,
        _ => &[],
    };
    let all = own.iter().chain(contents.integrations().iter().flat_map(|i| &i.connections));
    let found = all.into_iter().find(|c| c.code == code)?;
    Some(found.properties.iter().map(|(name, _)| field(name, "", names_a_secret(name))).collect())
}

fn field(name: &str, value: &str, secret: bool) -> ConnectionField {
    let (name, value) = (name.to_owned(), value.to_owned());
    ConnectionField { name, value, required: true, secret, takes_file: false, attachment: None }
}
