//! Connections.

use axum::{
    Json, Router,
    extract::Query,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{PathOf, QueryPairs, RequestTarget, integrations::wire_time, page};
use crate::sim::state::{LiveConnection, ServiceRefusal, refuse};

/// The routes that list, describe and test connections.
pub fn routes() -> Router {
    let all = ["", "/projects/{project}"].map(|prefix| {
        let at = |path: &str| format!("{prefix}/connections{path}");
        Router::new()
            .route(&at(""), get(connections))
            .route(&at("/{id}"), get(connection))
            .route(&at("/{id}/test"), post(test_connection))
    });
    all.into_iter().fold(Router::new(), Router::merge)
}

fn describe(connection: &LiveConnection) -> Value {
    let spec = &connection.spec;
    let mut properties = vec![json!({ "propertyName": "connectionUrl", "propertyValue": spec.url,
        "propertyType": "URL", "required": true })];
    properties.extend(spec.certificate.as_ref().map(|alias| {
        json!({ "propertyName": "sslCertificateAlias", "propertyValue": alias,
            "propertyType": "STRING" })
    }));
    properties.extend(connection.attached.iter().map(|(name, file)| {
        json!({ "propertyName": name, "propertyType": "FILE", "hasAttachment": true,
            "attachmentName": file.as_ref().map(|(name, _)| name) })
    }));
    json!({
        "id": spec.code,
        "name": spec.name,
        "adapterType": { "name": spec.adapter },
        "role": "SOURCE_AND_TARGET",
        "status": if connection.configured { "CONFIGURED" } else { "INPROGRESS" },
        "connectionProperties": properties,
        "securityProperties": [
            { "propertyName": "username", "propertyType": "STRING",
                "propertyValue": connection.user },
            { "propertyName": "password", "propertyType": "PASSWORD" },
        ],
        "securityPolicy": spec.policy,
        "agentGroupId": spec.agent,
        "percentageComplete": if connection.configured { 100 } else { 40 },
        "lastUpdated": wire_time(connection.updated),
        "lockedFlag": connection.locked_by.is_some(),
        "lockedBy": connection.locked_by,
        "links": [],
    })
}

async fn connections(
    target: RequestTarget,
    path: PathOf,
    Query(query): QueryPairs,
) -> Result<Json<Value>, ServiceRefusal> {
    target.with(|i| {
        i.is_here(&path.scope())?;
        let all = i.connections_in(&path.scope()).values().map(describe).collect();
        Ok(Json(page(all, &query)))
    })
}

async fn connection(target: RequestTarget, path: PathOf) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.text("id");
    target.with(|i| match i.connections_in(&path.scope()).get(id) {
        Some(connection) => Ok(Json(describe(connection))),
        None => refuse(404, "ICS-10101", format!("Connection {id} does not exist.")),
    })
}

async fn test_connection(
    target: RequestTarget,
    path: PathOf,
) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.text("id");
    target.with(|i| match i.connections_in(&path.scope()).get(id) {
        None => refuse(404, "ICS-10101", format!("Connection {id} does not exist.")),
        Some(c) if !c.configured => {
            refuse(409, "ICS-10102", format!("Connection {id} is not configured."))
        }
        Some(c) => {
            let (well, words) = c.tested();
            Ok(Json(json!({ "id": id, "status": if well { "SUCCESS" } else { "FAILED" },
                "details": words })))
        }
    })
}
