//! Lookups, libraries, packages, projects, certificates, agent groups, and the audit.

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    JsonResult, PathOf, QueryPairs, RequestTarget, asked, integrations::wire_time, page,
    window_start,
};
use crate::model::{Scope, Status};
use crate::sim::archive::label;
use crate::sim::landscape::{
    AgentGroupSpec, CertificateSpec, LibrarySpec, LookupSpec, PackageSpec, When,
};
use crate::sim::state::{
    AuditLine, ProjectSpace, ServiceInstance, ServiceRefusal, no_project, refuse,
};

/// The routes that read lookups, libraries, packages, projects, certificates, agent groups and the
/// audit.
pub fn routes() -> Router {
    Router::new()
        .merge(lookup_routes(""))
        .merge(lookup_routes("/projects/{project}"))
        .merge(library_routes(""))
        .merge(library_routes("/projects/{project}"))
        .route("/libraries/{id}/archive", get(library_archive))
        .route("/packages", get(packages))
        .route("/packages/{name}", get(package))
        .route("/packages/{name}/archive", get(package_archive))
        .route("/projects", get(projects))
        .route("/projects/{id}", get(project))
        .route("/projects/{id}/acl", get(access_list).put(set_access_list))
        .route("/projects/{project}/deployments", get(deployments))
        .route("/projects/{project}/deployments/{id}", get(deployment))
        .route("/projects/{id}/archive", post(project_archive))
        .route("/certificates", get(certificates))
        .route("/certificates/{id}", get(certificate))
        .route("/monitoring/agentgroups", get(agent_groups))
        .route("/monitoring/auditRecords", get(audit))
}

fn lookup_routes(prefix: &str) -> Router {
    let at = |path: &str| format!("{prefix}/lookups{path}");
    Router::new()
        .route(&at(""), get(lookups))
        .route(&at("/{name}"), get(lookup))
        .route(&at("/{name}/archive"), get(lookup_archive))
}

/// Inside a project a library is listed and not exported (docs/projects.md, Inside a project).
fn library_routes(prefix: &str) -> Router {
    Router::new()
        .route(&format!("{prefix}/libraries"), get(libraries))
        .route(&format!("{prefix}/libraries/{{id}}"), get(library))
}

fn bytes(content_type: &'static str, archive: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], archive).into_response()
}

fn list(
    target: &RequestTarget,
    query: &[(String, String)],
    items: impl FnOnce(&ServiceInstance) -> Vec<Value>,
) -> JsonResult {
    target.with(|i| Ok(Json(page(items(i), query))))
}

fn describe_lookup(l: &LookupSpec) -> Value {
    let updated = l.updated.unwrap_or_else(When::long_ago).time();
    json!({ "id": l.name, "name": l.name, "columns": l.columns, "rowCount": l.rows.len(),
        "status": "CONFIGURED",
        "lockedFlag": false, "lastUpdated": wire_time(updated),
        "lastUpdatedBy": l.by.as_deref().unwrap_or("a.integrator") })
}

async fn lookups(target: RequestTarget, path: PathOf, Query(query): QueryPairs) -> JsonResult {
    target.with(|i| {
        i.is_here(&path.scope())?;
        let all = i.lookups_in(&path.scope()).values().map(describe_lookup).collect();
        Ok(Json(page(all, &query)))
    })
}

async fn lookup(target: RequestTarget, path: PathOf) -> JsonResult {
    let name = path.text("name");
    target.with(|i| match i.lookups_in(&path.scope()).get(name) {
        Some(l) => {
            let mut whole = describe_lookup(l);
            whole["rows"] = l.rows.iter().map(|r| json!({ "rowData": r })).collect();
            Ok(Json(whole))
        }
        None => refuse(404, "ICS-10201", format!("Lookup {name} does not exist.")),
    })
}

async fn lookup_archive(target: RequestTarget, path: PathOf) -> Result<Response, ServiceRefusal> {
    let name = path.text("name");
    target.with(|i| i.export_lookup(&path.scope(), name)).map(|b| bytes("text/csv", b))
}

fn describe_library(l: &LibrarySpec) -> Value {
    let updated = l.updated.unwrap_or_else(When::long_ago).time();
    json!({ "id": l.id(), "code": l.code, "version": l.version, "name": l.name, "type": "API",
        "status": "CONFIGURED", "lastUpdated": wire_time(updated),
        "lastUpdatedBy": "a.integrator" })
}

async fn libraries(target: RequestTarget, path: PathOf, Query(query): QueryPairs) -> JsonResult {
    target.with(|i| {
        i.is_here(&path.scope())?;
        let all = i.libraries_in(&path.scope()).values().map(describe_library).collect();
        Ok(Json(page(all, &query)))
    })
}

async fn library(target: RequestTarget, path: PathOf) -> JsonResult {
    let id = path.text("id");
    target.with(|i| match i.libraries_in(&path.scope()).get(id) {
        Some(l) => Ok(Json(describe_library(l))),
        None => refuse(404, "ICS-10301", format!("Library {id} does not exist.")),
    })
}

async fn deployments(target: RequestTarget, path: PathOf, Query(query): QueryPairs) -> JsonResult {
    target.with(|i| {
        let project = i.project_in(&path.scope())?;
        Ok(Json(page(project.spec.deployments.iter().map(label).collect(), &query)))
    })
}

async fn deployment(target: RequestTarget, path: PathOf) -> JsonResult {
    let code = path.text("id");
    target.with(|i| {
        let all = &i.project_in(&path.scope())?.spec.deployments;
        match all.iter().find(|d| d.code == code) {
            Some(found) => Ok(Json(label(found))),
            None => refuse(404, "ICS-10511", format!("Deployment {code} does not exist.")),
        }
    })
}

async fn library_archive(
    target: RequestTarget,
    Path(id): Path<String>,
) -> Result<Response, ServiceRefusal> {
    target.with(|i| i.export_library(&id)).map(|b| bytes("application/octet-stream", b))
}

fn describe_package(i: &ServiceInstance, p: &PackageSpec) -> Value {
    json!({ "id": p.name, "name": p.name, "type": "DEVELOPED",
        "countOfIntegrations": i.members(&p.integrations).count() })
}

async fn packages(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    list(&target, &query, |i| i.others.packages.values().map(|p| describe_package(i, p)).collect())
}

async fn package(target: RequestTarget, Path(name): Path<String>) -> JsonResult {
    target.with(|i| match i.others.packages.get(&name) {
        Some(p) => Ok(Json(describe_package(i, p))),
        None => refuse(404, "ICS-10401", format!("Package {name} does not exist.")),
    })
}

async fn package_archive(
    target: RequestTarget,
    Path(name): Path<String>,
) -> Result<Response, ServiceRefusal> {
    target.with(|i| i.export_package(&name)).map(|b| bytes("application/octet-stream", b))
}

/// Refuses on Generation 2, which has no projects.
fn third(i: &ServiceInstance) -> Result<(), ServiceRefusal> {
    if i.settings.generation >= 3 { Ok(()) } else { refuse(404, "ICS-10000", "No such resource.") }
}

/// A project as lists and single answers have it: its times and lock are in `state`
/// (docs/projects.md, Project calls).
fn describe_project(i: &ServiceInstance, p: &ProjectSpace) -> Value {
    let scope = Scope::of_project(p.spec.code.as_str());
    let statuses = || i.inside(&scope).filter_map(|id| i.integrations.get(id)).map(|l| &l.status);
    let state = match statuses().all(|s| *s == Status::Active) {
        true => "ACTIVE",
        false => "CONFIGURED",
    };
    let labels = p.spec.deployments.iter().map(label).collect::<Vec<_>>();
    json!({ "id": p.spec.code, "code": p.spec.code, "name": p.spec.name, "type": p.spec.r#type,
        "description": p.spec.description,
        "state": { "status": state, "lockedBy": p.locked_by,
            "lockStatus": if p.locked_by.is_some() { "LOCKED" } else { "UNLOCKED" },
            "assets": { "labelsRs": { "items": labels } },
            "updated": { "by": p.by, "date": wire_time(p.updated) } } })
}

async fn projects(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    target.with(|i| {
        third(i)?;
        let seen = |p: &&ProjectSpace| {
            i.settings.manners().refuses_projects || p.is_seen_by(&target.caller)
        };
        let items = i.others.projects.values().filter(seen).map(|p| describe_project(i, p));
        Ok(Json(page(items.collect(), &query)))
    })
}

async fn project(target: RequestTarget, Path(id): Path<String>) -> JsonResult {
    target.with(|i| {
        third(i)?;
        let project = i.others.projects.get(&id).ok_or_else(|| no_project(&id))?;
        Ok(Json(describe_project(i, project)))
    })
}

async fn access_list(target: RequestTarget, Path(id): Path<String>) -> JsonResult {
    target.with(|i| {
        third(i)?;
        let project = i.others.projects.get(&id).ok_or_else(|| no_project(&id))?;
        Ok(Json(project.access_list.clone()))
    })
}

/// A principal that is called `gone` is not known any more.
async fn set_access_list(
    target: RequestTarget,
    Path(id): Path<String>,
    Json(list): Json<Value>,
) -> Result<StatusCode, ServiceRefusal> {
    target.with(|i| {
        third(i)?;
        let project = i.others.projects.get_mut(&id).ok_or_else(|| no_project(&id))?;
        if list.to_string().contains("\"id\":\"gone\"") {
            return refuse(400, "ICS-10505", "idNotFound: gone");
        }
        project.access_list = list;
        Ok(StatusCode::NO_CONTENT)
    })
}

async fn project_archive(
    target: RequestTarget,
    Path(id): Path<String>,
) -> Result<Response, ServiceRefusal> {
    target
        .with(|i| {
            third(i)?;
            i.export_project(&id)
        })
        .map(|b| bytes("application/octet-stream", b))
}

fn describe_certificate(c: &CertificateSpec) -> Value {
    let ended = c.expires.time() < Timestamp::now();
    json!({ "id": c.alias, "name": c.alias, "alias": c.alias, "type": c.r#type,
        "category": c.category,
        "expiryDate": wire_time(c.expires.time()),
        "status": if ended { "EXPIRED" } else { "CONFIGURED" },
        "subject": format!("CN={}", c.alias.to_ascii_lowercase()), 
        "serialNumber": format!("{:x}", c.alias.len() * 7919) })
}

async fn certificates(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    list(&target, &query, |i| i.others.certificates.values().map(describe_certificate).collect())
}

async fn certificate(target: RequestTarget, Path(id): Path<String>) -> JsonResult {
    target.with(|i| match i.others.certificates.get(&id) {
        Some(c) => Ok(Json(describe_certificate(c))),
        None => refuse(404, "ICS-10601", format!("Certificate {id} does not exist.")),
    })
}

async fn agent_groups(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    list(&target, &query, |i| {
        let describe = |a: &AgentGroupSpec| {
            let down = a.down_in.contains(&i.settings.name);
            let (group, agent) =
                if down { ("UNAVAILABLE", "UNAVAILABLE") } else { ("AVAILABLE", "ACTIVE") };
            let agents: Vec<_> = a
                .agents
                .iter()
                .map(|id| json!({ "id": id, "name": id, "status": agent }))
                .collect();
            json!({ "id": a.id, "name": a.name, "agentType": "CONNECTIVITY", "status": group,
                "agents": agents })
        };
        i.others.agents.values().map(describe).collect()
    })
}

/// The lines of the audit, newest first, by `q={timewindow:'1d', limit:'100'}`.
async fn audit(target: RequestTarget, Query(query): QueryPairs) -> JsonResult {
    let limit = asked(&query, "limit").and_then(|l| l.parse().ok()).unwrap_or(15);
    let from = window_start(&query);
    target.with(|i| {
        let mut lines = i.audit_lines();
        lines.retain(|l| l.time >= from);
        lines.sort_by_key(|l| std::cmp::Reverse(l.time));
        let describe = |l: &AuditLine| {
            let time = i.settings.manners.clock(l.time);
            json!({ "timeStamp": wire_time(time), "userName": l.who, "operationName": l.action,
                "resourceType": l.kind, "resourceCode": l.code, "resourceName": l.code,
                "resourceVersion": l.version,
                "projectCode": l.scope.project().map(|p| p.as_str()) })
        };
        let items: Vec<_> = lines.iter().take(limit).map(describe).collect();
        Ok(Json(json!({ "items": items, "totalResults": lines.len() })))
    })
}
