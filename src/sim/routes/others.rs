//! Connections.

use axum::{
    Json, Router,
    extract::{Path, Query},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{QueryPairs, RequestTarget, integrations::wire_time, page};
use crate::sim::state::{LiveConnection, Refusal, refuse};

/// The routes that list, describe and test connections.
pub fn routes() -> Router {
    Router::new()
        .route("/connections", get(connections))
        .route("/connections/{id}", get(connection))
        .route("/connections/{id}/test", post(test_connection))
}

fn describe(connection: &LiveConnection) -> Value {
    let spec = &connection.spec;
    json!({
        "id": spec.code,
        "name": spec.name,
        "adapterType": { "name": spec.adapter },
        "role": "SOURCE_AND_TARGET",
        "status": if connection.configured { "CONFIGURED" } else { "INPROGRESS" },
        "connectionProperties": [{ "propertyName": "connectionUrl", "propertyValue": spec.url,
            "propertyType": "URL", "required": true }],
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
    Query(query): QueryPairs,
) -> Result<Json<Value>, Refusal> {
    target.with(|i| Ok(Json(page(i.connections.values().map(describe).collect(), &query))))
}

async fn connection(target: RequestTarget, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    target.with(|i| match i.connections.get(&id) {
        Some(connection) => Ok(Json(describe(connection))),
        None => refuse(404, "ICS-10101", format!("Connection {id} does not exist.")),
    })
}

async fn test_connection(
    target: RequestTarget,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    target.with(|i| match i.connections.get(&id) {
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
