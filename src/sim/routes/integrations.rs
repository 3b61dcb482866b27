//! Integrations, their archives, activation and schedule.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Multipart, Query},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{PathOf, RequestTarget, page_of, patch_alone};
use crate::model::{IntegrationId, ScheduleState, Scope, Status};
use crate::sim::state::{
    ArchiveBody, ImportAs, LiveIntegration, ServiceInstance, ServiceRefusal, refuse,
};

/// The routes for integrations: list, archive, import, activation, schedule, and calls to REST
/// triggers.
pub fn routes() -> Router {
    Router::new()
        .merge(in_scope(""))
        .route("/integrations/archive", post(import).put(replace))
        .route("/integrations/{id}/archive", get(archive))
        .route("/integrations/{id}/schedule/futureruns", get(future_runs))
        // In a project there is no list of times to come and, unless the landscape says otherwise,
        // no replacing and no export of one integration (docs/projects.md, Inside a project).
        .merge(in_scope("/projects/{project}"))
        .route("/projects/{project}/integrations/{id}/archive", get(member_archive))
        .route("/projects/{project}/integrations/archive", post(import).put(replace))
        .route("/projects/{project}/integrations/copy", post(copy))
        .route("/flows/rest/{code}/{version}/{*path}", get(flow).post(flow))
        .route("/flows/rest/project/{project}/{code}/{version}/{*path}", get(flow).post(flow))
}

/// The calls that the global space and projects have both.
fn in_scope(prefix: &str) -> Router {
    let at = |path: &str| format!("{prefix}/integrations{path}");
    Router::new()
        .route(&at(""), get(list))
        .route(&at("/{id}"), get(one).post(change).delete(delete))
        .route(&at("/{id}/activationStatus"), get(activation_status))
        .route(&at("/{id}/activationErrors"), get(activation_errors))
        .route(&at("/{id}/schedule"), get(schedule).post(create_schedule).put(update_schedule))
        .route(&at("/{id}/schedule/parameters"), patch(set_parameters))
        .route(&at("/{id}/schedule/{action}"), post(change_schedule))
}

async fn list(
    target: RequestTarget,
    path: PathOf,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Json<Value>, ServiceRefusal> {
    target.with(|instance| {
        let offset: usize = query
            .iter()
            .find(|(k, _)| k == "offset")
            .and_then(|(_, v)| v.parse().ok())
            .unwrap_or(0);
        let scope = path.scope();
        instance.is_here(&scope)?;
        let here = instance.integrations.iter().filter(|(id, _)| id.scope == scope);
        let mut items: Vec<_> = here.map(|found| (found, false)).collect();
        if let Some((first, _)) = items.first().filter(|_| target.drift && offset > 0) {
            // An integration that sorts first was created since the last page, so all others moved
            // by one.
            items.insert(0, (*first, true));
        }
        let mut answer = page_of(items, &query, |((id, live), is_new)| {
            let mut one = summary(instance, id, live);
            if is_new {
                one["id"] = json!("AAA_NEW|01.00.0000");
                one["code"] = json!("AAA_NEW");
            }
            one
        });
        let cap = instance.settings.manners.page_cap;
        if let Some(items) = answer["items"].as_array_mut().filter(|_| cap > 0) {
            items.truncate(cap);
            let count = items.len();
            (answer["hasMore"], answer["totalResults"]) = (json!(false), json!(count));
        }
        Ok(Json(answer))
    })
}

/// `{"projectCode": null or "OTHER", "integrations": [{"code", "version"}]}`: the source stays.
async fn copy(
    target: RequestTarget,
    path: PathOf,
    Json(body): Json<Value>,
) -> Result<StatusCode, ServiceRefusal> {
    let from = body["projectCode"].as_str().map_or(Scope::Global, Scope::of_project);
    target.with(|instance| {
        let asked = body["integrations"].as_array().cloned().unwrap_or_default();
        for one in asked {
            let text = |key: &str| one[key].as_str().unwrap_or_default();
            let Ok(version) = text("version").parse() else {
                return refuse(400, "ICS-10400", "the version is missing");
            };
            let id = IntegrationId::new(text("code"), version).within(from.clone());
            let bytes = instance.export(&id)?;
            instance.import(&bytes, &path.scope(), ImportAs::New)?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
}

async fn one(target: RequestTarget, path: PathOf) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let live = instance.get(&id)?;
        let mut whole = summary(instance, &id, live);
        whole["dependencies"] = dependencies(instance, &id.scope, live);
        whole["description"] = json!(live.body.description());
        if !live.parameters.is_empty() {
            let parameter = |(name, value): (&String, &Option<String>)| {
                let one = json!({ "code": name, "defaultValue": "", "value": value,
                    "type": "string" });
                (name.clone(), one)
            };
            whole["scheduleParams"] = live.parameters.iter().map(parameter).collect();
        }
        Ok(Json(whole))
    })
}

fn summary(instance: &ServiceInstance, id: &IntegrationId, live: &LiveIntegration) -> Value {
    let scheduled = live.body.scheduled();
    let mut value = json!({
        "id": id.service_id(),
        "code": id.code,
        "version": id.version,
        "name": live.body.name(),
        "status": live.status_words().0,
        "pattern": if scheduled { "Scheduled" } else { "Orchestration" },
        "style": "FREEFORM",
        "projectType": if live.body.prebuilt() { "PREBUILT" } else { "DEVELOPED" },
        "percentageComplete": 100,
        "lockedFlag": live.locked_by.is_some(),
        "created": wire_time(live.updated),
        "createdBy": live.by,
        "lastUpdated": wire_time(live.updated),
        "lastUpdatedBy": live.by,
        "scheduleApplicableFlag": scheduled,
        "scheduleDefinedFlag": live.schedule.is_some(),
        "endPoints": end_points(live),
        "links": [],
    });
    if let Some(project) = id.scope.project() {
        value["projectId"] = json!(project);
    }
    if let Some(package) = instance.package_of(&id.code).filter(|_| id.scope.is_global()) {
        value["packageName"] = json!(package);
    }
    if let Some(who) = live.locked_by.as_ref().or(live.unsaved_by.as_ref()) {
        value["lockedBy"] = json!(who);
    }
    if live.unsaved_by.is_some() {
        value["tempCopyExists"] = json!(true);
    }
    value
}

/// The connections that an integration calls and is called through, with their roles.
fn end_points(live: &LiveIntegration) -> Value {
    let one = |name: &str, role: &str, connection: &str| {
        json!({ "name": name, "role": role,
            "connection": { "id": connection } })
    };
    match &live.body {
        ArchiveBody::Flow(flow) => {
            let trigger = flow.schedule.is_none();
            let trigger = trigger.then(|| one("trigger", "SOURCE", &flow.trigger_connection));
            let called =
                [&flow.source, &flow.target].map(|e| one(&e.name, "TARGET", &e.connection));
            trigger.into_iter().chain(called).collect()
        }
        // Roles are not read from an imported archive.
        ArchiveBody::Imported(_, iar) => {
            iar.needs.connections.iter().map(|code| one(code, "TARGET", code)).collect()
        }
    }
}

fn dependencies(instance: &ServiceInstance, scope: &Scope, live: &LiveIntegration) -> Value {
    let connections: Vec<_> = live
        .body
        .connections()
        .iter()
        .filter_map(|code| instance.connections_in(scope).get(code))
        .map(|c| {
            json!({ "id": c.spec.code, "name": c.spec.name, "type": c.spec.adapter,
                "status": if c.configured { "CONFIGURED" } else { "INPROGRESS" } })
        })
        .collect();
    let lookups = live.body.lookups();
    let lookups: Vec<_> =
        lookups.iter().map(|name| json!({ "name": name, "status": "CONFIGURED" })).collect();
    json!({ "connections": connections, "lookups": lookups })
}

/// A time as the service writes it, in UTC with milliseconds: `2026-01-31T08:00:00.000+0000`.
pub fn wire_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

async fn archive(target: RequestTarget, path: PathOf) -> Result<Response, ServiceRefusal> {
    let id = path.integration()?;
    let bytes = target.with(|instance| instance.export(&id))?;
    let disposition = format!("attachment; filename=\"{}\"", id.file_name());
    Ok((
        [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        bytes,
    )
        .into_response())
}

async fn member_archive(target: RequestTarget, path: PathOf) -> Result<Response, ServiceRefusal> {
    match target.with(|instance| Ok(instance.settings.manners().exports_members))? {
        true => archive(target, path).await,
        false => refuse(404, "ICS-10000", "No such resource."),
    }
}

/// A multipart form: its file, and its other fields.
pub(super) struct Form {
    /// The name of the file.
    pub name: String,
    pub file: Vec<u8>,
    pub fields: BTreeMap<String, String>,
}

/// Reads a multipart form; refuses with 400 one that breaks off or has no file.
pub(super) async fn upload(mut form: Multipart) -> Result<Form, ServiceRefusal> {
    let broken = |e: axum::extract::multipart::MultipartError| ServiceRefusal {
        status: 400,
        code: "ICS-20002",
        words: format!("The upload broke off: {e}"),
    };
    let (mut file, mut file_name, mut fields) = (None, String::new(), BTreeMap::new());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            file_name = field.file_name().unwrap_or_default().to_owned();
            file = Some(field.bytes().await.map_err(broken)?.to_vec());
        } else {
            fields.insert(name, field.text().await.map_err(broken)?);
        }
    }
    match file {
        Some(file) => Ok(Form { name: file_name, file, fields }),
        None => refuse(400, "ICS-20003", "The form has no field named file."),
    }
}

async fn import(
    target: RequestTarget,
    path: PathOf,
    form: Multipart,
) -> Result<Response, ServiceRefusal> {
    let bytes = upload(form).await?.file;
    let scope = path.scope();
    let id = target.with(|instance| instance.import(&bytes, &scope, ImportAs::New))?;
    let place = format!("{}{}", super::BASE, scope.api_path());
    let location = format!("{place}/integrations/{}", id.path_segment());
    Ok((StatusCode::NO_CONTENT, [(header::LOCATION, location)]).into_response())
}

async fn replace(
    target: RequestTarget,
    path: PathOf,
    form: Multipart,
) -> Result<Json<Value>, ServiceRefusal> {
    let scope = path.scope();
    if !scope.is_global() && !target.with(|i| Ok(i.settings.manners().replaces_members))? {
        return refuse(405, "ICS-10003", "Method not allowed.");
    }
    let bytes = upload(form).await?.file;
    target.with(|instance| {
        let id = instance.import(&bytes, &scope, ImportAs::Replacement)?;
        Ok(Json(summary(instance, &id, instance.get(&id)?)))
    })
}

/// `{"status":"ACTIVATED"}` or `{"status":"CONFIGURED"}` with the override PATCH.
async fn change(
    target: RequestTarget,
    path: PathOf,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.integration()?;
    patch_alone(&headers)?;
    target.with(|instance| {
        match body["status"].as_str() {
            Some("ACTIVATED") => instance.activate(&id)?,
            Some("CONFIGURED") => instance.deactivate(&id)?,
            _ => return refuse(400, "ICS-10400", "status must be ACTIVATED or CONFIGURED."),
        }
        Ok(Json(summary(instance, &id, instance.get(&id)?)))
    })
}

async fn delete(target: RequestTarget, path: PathOf) -> Result<StatusCode, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| instance.delete(&id)).map(|()| StatusCode::OK)
}

async fn activation_status(
    target: RequestTarget,
    path: PathOf,
) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        Ok(Json(json!({ "activationStatus": instance.get(&id)?.status_words().1 })))
    })
}

async fn activation_errors(
    target: RequestTarget,
    path: PathOf,
) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let error = instance.get(&id)?.activation_error.clone();
        Ok(Json(json!({
            "code": id.code, "version": id.version, "hasErrors": error.is_some(),
            "shortSummaryMessage": error.as_ref().map(|_| "The activation \
                failed."), "errorMessage": error,
        })))
    })
}

/// Answers a call to a REST trigger: the active version echoes what it is, or fails if its
/// instances fail.
async fn flow(target: RequestTarget, path: PathOf) -> Result<Json<Value>, ServiceRefusal> {
    let (scope, code) = (path.scope(), path.text("code"));
    target.with(|instance| {
        let running = instance
            .integrations
            .iter()
            .find(|(id, l)| id.scope == scope && id.code == code && l.status == Status::Active);
        match running {
            Some((_, live)) if live.broken => {
                refuse(500, "ICS-20900", live.history.error.0.clone())
            }
            Some((id, _)) => Ok(Json(json!({ "integration": id.to_string(), 
                    "called": { "version": path.text("version"), "path": path.text("path") } }))),
            None => refuse(404, "ICS-20901", format!("No active integration answers to {code}.")),
        }
    })
}

async fn schedule(target: RequestTarget, path: PathOf) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let live = instance.get(&id)?;
        let Some(word) = live.schedule_word() else {
            return refuse(404, "ICS-10050", format!("{id} has no schedule."));
        };
        let mut answer = live.schedule_times_in(&instance.settings.manners);
        answer["state"] = json!(word);
        Ok(Json(answer))
    })
}

/// Whether a body defines a schedule: an object with times in one of the shapes that are known.
fn defines_times(body: &Value) -> bool {
    body["icalExpression"].is_string() || !body["frequency"].is_null()
}

/// Gives the schedule other times.
async fn update_schedule(
    target: RequestTarget,
    path: PathOf,
    Json(definition): Json<Value>,
) -> Result<StatusCode, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let live = instance.scheduled_mut(&id)?;
        if !defines_times(&definition) {
            return refuse(400, "ICS-10054", format!("{id} cannot have this schedule."));
        }
        live.definition = Some(definition);
        Ok(StatusCode::OK)
    })
}

/// Defines a schedule where there is none. Its times are kept as they are given.
async fn create_schedule(
    target: RequestTarget,
    path: PathOf,
    Json(definition): Json<Value>,
) -> Result<StatusCode, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let live = instance.get_mut(&id)?;
        if live.schedule.is_some() {
            return refuse(409, "ICS-10053", format!("{id} has a schedule already."));
        }
        if !live.body.scheduled() || !defines_times(&definition) {
            return refuse(400, "ICS-10054", format!("{id} cannot have this schedule."));
        }
        live.schedule = Some(ScheduleState::Stopped);
        live.definition = Some(definition);
        Ok(StatusCode::OK)
    })
}

async fn future_runs(target: RequestTarget, path: PathOf) -> Result<Json<Value>, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let live = instance.scheduled_mut(&id)?;
        let running = live.schedule == Some(ScheduleState::Running);
        let every = match &live.body {
            ArchiveBody::Flow(flow) => period(flow.schedule.as_deref().unwrap_or_default()),
            // The schedule of an imported archive is not read here.
            ArchiveBody::Imported(..) => 3600,
        };
        let next = Timestamp::now().as_second() / every * every + every;
        let times =
            (0..5).filter_map(|n| Timestamp::from_second(next + n * every).ok()).map(wire_time);
        let items: Vec<String> = if running { times.collect() } else { vec![] };
        Ok(Json(json!({ "items": items, "hasMore": false })))
    })
}

/// Seconds between two times of an iCal rule.
fn period(rule: &str) -> i64 {
    let part = |key: &str| rule.split(';').find_map(|p| p.strip_prefix(key));
    let unit = match part("FREQ=") {
        Some("MINUTELY") => 60,
        Some("DAILY") => 86_400,
        _ => 3600,
    };
    let interval = part("INTERVAL=").and_then(|n| n.parse().ok()).unwrap_or(1_i64).clamp(1, 10_000);
    unit * interval
}

/// `{"parameters": [{"name", "value"}]}`; names that the integration does not have are refused.
async fn set_parameters(
    target: RequestTarget,
    path: PathOf,
    Json(body): Json<Value>,
) -> Result<StatusCode, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let live = instance.scheduled_mut(&id)?;
        for one in body["parameters"].as_array().into_iter().flatten() {
            let (name, value) = (one["name"].as_str().unwrap_or_default(), &one["value"]);
            let Some(place) = live.parameters.get_mut(name) else {
                return refuse(400, "ICS-10055", format!("{id} has no parameter {name}."));
            };
            *place = value.as_str().map(str::to_owned);
        }
        Ok(StatusCode::OK)
    })
}

async fn change_schedule(
    target: RequestTarget,
    path: PathOf,
) -> Result<StatusCode, ServiceRefusal> {
    let id = path.integration()?;
    target.with(|instance| {
        let manners = instance.settings.manners;
        let takes = manners.schedule();
        let live = instance.scheduled_mut(&id)?;
        let action = path.text("action");
        let state = match action {
            "jobs" => return Ok(StatusCode::NO_CONTENT),
            "start" | "resume" if live.status != Status::Active => {
                return refuse(412, "ICS-10051", format!("{id} is not active."));
            }
            "start" | "resume" => ScheduleState::Running,
            "stop" => ScheduleState::Stopped,
            "pause" => ScheduleState::Paused,
            _ => {
                return refuse(
                    404,
                    "ICS-10052",
                    format!("{action} is not an action on a schedule."),
                );
            }
        };
        live.set_schedule(state, takes, manners.lag());
        Ok(if takes.is_zero() { StatusCode::OK } else { StatusCode::ACCEPTED })
    })
}
