//! Instances and their errors.

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    JsonResult, QueryPairs, RequestTarget, asked, integrations::wire_time, page, page_of,
    window_start,
};
use crate::model::{IntegrationId, Scope};
use crate::sim::state::{Recovered, ServiceInstance, ServiceRefusal, SimInstance, refuse};

/// The largest offset that is answered.
const LAST_OFFSET: usize = 500;

/// The routes that count and list instances and their errors, and that resubmit or discard failed
/// ones.
pub fn routes() -> Router {
    Router::new()
        .route("/monitoring/integrations", get(integrations))
        .route("/monitoring/instances", get(instances))
        .route("/monitoring/instances/{id}", get(instance))
        .route("/monitoring/errors", get(errors))
        .route("/monitoring/errors/{action}", post(recover))
        .route("/monitoring/errors/{id}/{action}", post(recover_one))
}

async fn integrations(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    let from = window_start(&query);
    target.with(|i| {
        let describe = |id: &IntegrationId| {
            let Ok(live) = i.get(id) else { return Value::Null };
            let runs = i.instance_counts(id, from);
            let told = match i.settings.manners.hides_project_code {
                true => id.service_id(),
                false => id.to_string(),
            };
            json!({
                "id": told, "code": id.code, "version": id.version,
                "name": live.body.name(),
                "noOfMsgsReceived": runs.received,
                "noOfMsgsProcessed": runs.succeeded + runs.failed + runs.aborted,
                "noOfSuccess": runs.succeeded, "noOfErrors": runs.failed,
                "noOfAborted": runs.aborted,
                "scheduleStatus": live.schedule.as_ref().map(|s| s.label().to_ascii_uppercase()),
                "lastUpdated": wire_time(live.updated),
            })
        };
        Ok(Json(page_of(i.integrations.keys().collect(), &query, describe)))
    })
}

/// The instances that a query asks for, newest first.
fn chosen(
    i: &ServiceInstance,
    query: &[(String, String)],
) -> Result<Vec<(IntegrationId, SimInstance)>, ServiceRefusal> {
    let offset = query
        .iter()
        .find(|(k, _)| k == "offset")
        .and_then(|(_, v)| v.parse::<usize>().ok())
        .unwrap_or(0);
    if offset > LAST_OFFSET {
        return refuse(400, "ICS-10400", format!("offset must not be over {LAST_OFFSET}."));
    }
    let (code, version, from) =
        (asked(query, "code"), asked(query, "version"), window_start(query));
    let ignored = i.settings.manners.ignores_project_code;
    let project = asked(query, "projectCode").filter(|_| !ignored);
    let fits = |id: &&IntegrationId| {
        code.as_ref().is_none_or(|c| *c == id.code)
            && version.as_ref().is_none_or(|v| *v == id.version.to_string())
            && project.as_ref().is_none_or(|p| id.scope == Scope::of_project(p.as_str()))
    };
    let mut out = Vec::new();
    for id in i.integrations.keys().filter(fits) {
        out.extend(i.instances(id).into_iter().filter(|r| r.at >= from).map(|r| (id.clone(), r)));
    }
    out.sort_by_key(|(_, r)| std::cmp::Reverse(r.at));
    Ok(out)
}

fn status(run: &SimInstance) -> &'static str {
    match (run.failed, run.recovered) {
        (false, _) | (true, Some(Recovered::Resubmitted)) => "COMPLETED",
        (true, Some(Recovered::Discarded)) => "ABORTED",
        (true, None) => "FAILED",
    }
}

/// What an instance was about: the business identifier that the flow tracks.
fn tracking(run: &SimInstance) -> Value {
    let value = (run.at.as_second() % 100_000).to_string();
    json!([{ "name": "record", "primary": true, "value": value }])
}

async fn instances(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    let wanted = asked(&query, "status");
    target.with(|i| {
        let all = chosen(i, &query)?;
        let fits = |run: &SimInstance| wanted.as_ref().is_none_or(|w| w == status(run));
        let items = all.into_iter().filter(|(_, r)| fits(r)).map(describe);
        let items: Vec<_> = items.map(|item| as_told(i, item)).collect();
        let total = items.len();
        let mut answer = page(items, &query);
        answer["totalRecordsCount"] = json!(total);
        Ok(Json(answer))
    })
}

/// A record as an instance of these manners gives it.
fn as_told(i: &ServiceInstance, mut record: Value) -> Value {
    if i.settings.manners.hides_project_code {
        record.as_object_mut().and_then(|fields| fields.remove("projectCode"));
    }
    record
}

fn describe((id, run): (IntegrationId, SimInstance)) -> Value {
    json!({ "id": run.id, "integrationId": id.code, "integrationVersion": id.version,
        "projectCode": id.scope,
        "status": status(&run),
        "creationDate": wire_time(run.at), "processingEndDate": wire_time(run.at),
        "trackings": tracking(&run) })
}

async fn instance(target: RequestTarget, Path(wanted): Path<String>) -> JsonResult {
    target.with(|i| {
        let all = i.integrations.keys();
        let mut found = all.flat_map(|id| i.instances(id).into_iter().map(|run| (id.clone(), run)));
        match found.find(|(_, run)| run.id == wanted) {
            Some(found) => Ok(Json(as_told(i, describe(found)))),
            None => refuse(404, "ICS-10001", format!("Instance {wanted} does not exist.")),
        }
    })
}

async fn errors(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    target.with(|i| {
        let describe = |(id, run): (IntegrationId, SimInstance)| {
            let (words, step) = i.get(&id).map(|l| l.history.error.clone()).unwrap_or_default();
            let error = json!({ "id": run.id, "instanceId": run.id, "integrationId": id.code,
                "integrationVersion": id.version, "projectCode": id.scope,
                "errorMessage": words, "errorLocation": step, "faultDate": wire_time(run.at),
                "recoverable": true,
                "trackings": tracking(&run) });
            as_told(i, error)
        };
        let failed =
            |(_, run): &(IntegrationId, SimInstance)| run.failed && run.recovered.is_none();
        let items = chosen(i, &query)?.into_iter().filter(failed).map(describe).collect();
        Ok(Json(page(items, &query)))
    })
}

fn recovery(action: &str) -> Result<Recovered, ServiceRefusal> {
    match action {
        "resubmit" => Ok(Recovered::Resubmitted),
        "discard" => Ok(Recovered::Discarded),
        _ => refuse(404, "ICS-10000", "No such resource."),
    }
}

async fn recover(
    target: RequestTarget,
    Path(action): Path<String>,
    Json(body): Json<Value>,
) -> Result<Response, ServiceRefusal> {
    let ids: Vec<String> = body["ids"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|v| Some(v.as_str()?.to_owned()))
        .collect();
    let how = recovery(&action)?;
    target.with(|i| {
        i.recover(&ids, how)?;
        if i.settings.manners.resubmit_is_silent {
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        let job = format!("job-{}", ids.len());
        let told = json!({ "recoveryJobId": job, "acceptedIds": ids });
        Ok((StatusCode::ACCEPTED, Json(told)).into_response())
    })
}

async fn recover_one(
    target: RequestTarget,
    Path((id, action)): Path<(String, String)>,
) -> Result<StatusCode, ServiceRefusal> {
    let how = recovery(&action)?;
    target.with(|i| i.recover(std::slice::from_ref(&id), how)).map(|()| StatusCode::OK)
}
