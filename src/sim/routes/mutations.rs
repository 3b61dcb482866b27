//! Calls that change lookups, libraries, packages and connections.

use axum::{
    Json, Router,
    extract::{Multipart, Path},
    http::{HeaderMap, StatusCode},
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};

use super::{JsonResult, PathOf, RequestTarget, integrations::upload, patch_alone};
use crate::model::{IntegrationId, Scope};
use crate::sim::state::{ImportAs, ServiceRefusal, refuse};

type StatusResult = Result<StatusCode, ServiceRefusal>;

/// The routes that set connections, and import, replace or delete lookups, libraries, packages,
/// projects and certificates.
pub fn routes() -> Router {
    Router::new()
        .merge(in_scope(""))
        .route("/lookups/archive", post(import_lookup).put(replace_lookup))
        .merge(in_scope("/projects/{project}"))
        .route("/projects/{project}/lookups/archive", post(import_lookup))
        .route("/projects/{project}/lookups/{name}", put(put_lookup))
        .route("/packages/archive", post(import_package).put(replace_package))
        .route("/packages/{name}", delete(delete_package))
        .route("/projects/archive", post(import_project))
        .route("/projects/{id}", delete(delete_project))
        .route("/certificates", post(import_certificate))
        .route("/certificates/{id}", delete(delete_certificate))
}

/// The calls that the global space and projects have both.
fn in_scope(prefix: &str) -> Router {
    Router::new()
        .route(&format!("{prefix}/connections/{{id}}"), post(configure).delete(delete_connection))
        .route(
            &format!("{prefix}/connections/{{id}}/attachments/{{property}}"),
            get(attachment).post(attach),
        )
        .route(&format!("{prefix}/lookups/{{name}}"), delete(delete_lookup))
        .route(&format!("{prefix}/libraries/archive"), post(import_library))
        .route(&format!("{prefix}/libraries/{{id}}/archive"), post(replace_library))
        .route(&format!("{prefix}/libraries/{{id}}"), delete(delete_library))
}

/// `{"connectionProperties":[…],"securityProperties":[…],"securityPolicy","agentGroupId"}` with the
/// override PATCH.
async fn configure(
    target: RequestTarget,
    path: PathOf,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, ServiceRefusal> {
    patch_alone(&headers)?;
    let pairs = |key: &str| -> Vec<(String, String)> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let items = body[key].as_array().into_iter().flatten();
        items.map(|p| (text(&p["propertyName"]), text(&p["propertyValue"]))).collect()
    };
    let (properties, security) = (pairs("connectionProperties"), pairs("securityProperties"));
    target.with(|i| {
        i.configure(
            &path.scope(),
            path.text("id"),
            &properties,
            &security,
            body["securityPolicy"].as_str(),
            body["agentGroupId"].as_str(),
        )?;
        Ok(Json(json!({ "id": path.text("id") })))
    })
}

async fn attachment(target: RequestTarget, path: PathOf) -> Result<Vec<u8>, ServiceRefusal> {
    let (code, property) = (path.text("id"), path.text("property"));
    target.with(|i| i.attachment(&path.scope(), code, property)).map(|(_, bytes)| bytes)
}

async fn attach(target: RequestTarget, path: PathOf, form: Multipart) -> StatusResult {
    let form = upload(form).await?;
    let (code, property) = (path.text("id"), path.text("property"));
    let file = (form.name, form.file);
    target.with(|i| i.attach(&path.scope(), code, property, file)).map(|()| StatusCode::OK)
}

async fn delete_connection(target: RequestTarget, path: PathOf) -> StatusResult {
    target.with(|i| i.delete_connection(&path.scope(), path.text("id"))).map(|()| StatusCode::OK)
}

async fn import_lookup(target: RequestTarget, path: PathOf, form: Multipart) -> StatusResult {
    let bytes = upload(form).await?.file;
    target
        .with(|i| i.import_lookup(&path.scope(), &bytes, ImportAs::New))
        .map(|()| StatusCode::NO_CONTENT)
}

async fn replace_lookup(target: RequestTarget, form: Multipart) -> StatusResult {
    let bytes = upload(form).await?.file;
    target
        .with(|i| i.import_lookup(&Scope::Global, &bytes, ImportAs::Replacement))
        .map(|()| StatusCode::OK)
}

async fn put_lookup(target: RequestTarget, path: PathOf, Json(body): Json<Value>) -> JsonResult {
    if target.with(|i| Ok(i.settings.manners().keeps_lookups))? {
        return refuse(405, "ICS-10003", "Method not allowed.");
    }
    let (scope, name) = (path.scope(), path.text("name"));
    target.with(|i| i.put_lookup(&scope, name, &body))?;
    Ok(Json(json!({ "name": name })))
}

async fn delete_lookup(target: RequestTarget, path: PathOf) -> StatusResult {
    target.with(|i| i.delete_lookup(&path.scope(), path.text("name"))).map(|()| StatusCode::OK)
}

async fn import_library(target: RequestTarget, path: PathOf, form: Multipart) -> StatusResult {
    let form = upload(form).await?;
    let field = |key: &str| form.fields.get(key).map(String::as_str).unwrap_or_default();
    let Ok(version) = field("version").parse() else {
        return refuse(400, "ICS-10304", "The form's version is missing or no version.");
    };
    if field("code").is_empty() || field("name").is_empty() || field("type") != "API" {
        return refuse(400, "ICS-10304", "The form needs name, code, version and type=API.");
    }
    let what = (field("code"), field("name"), version);
    let scope = path.scope();
    target
        .with(|i| i.import_library(&scope, what, &form.file, ImportAs::New))
        .map(|()| StatusCode::NO_CONTENT)
}

async fn replace_library(target: RequestTarget, path: PathOf, form: Multipart) -> StatusResult {
    let form = upload(form).await?;
    let (scope, id) = (path.scope(), path.text("id"));
    let Ok(id) = id.parse::<IntegrationId>() else {
        return refuse(404, "ICS-10301", format!("Library {id} does not exist."));
    };
    let what = (id.code.as_str(), id.code.as_str(), id.version);
    target
        .with(|i| i.import_library(&scope, what, &form.file, ImportAs::Replacement))
        .map(|()| StatusCode::OK)
}

async fn delete_library(target: RequestTarget, path: PathOf) -> StatusResult {
    let (scope, id) = (path.scope(), path.text("id"));
    target.with(|i| i.delete_library(&scope, id)).map(|()| StatusCode::OK)
}

async fn import_package(target: RequestTarget, form: Multipart) -> StatusResult {
    let bytes = upload(form).await?.file;
    target.with(|i| i.import_package(&bytes, ImportAs::New)).map(|()| StatusCode::NO_CONTENT)
}

async fn replace_package(target: RequestTarget, form: Multipart) -> StatusResult {
    let bytes = upload(form).await?.file;
    target.with(|i| i.import_package(&bytes, ImportAs::Replacement)).map(|()| StatusCode::OK)
}

async fn delete_package(target: RequestTarget, Path(name): Path<String>) -> StatusResult {
    target.with(|i| i.delete_package(&name)).map(|()| StatusCode::OK)
}

async fn import_project(target: RequestTarget, form: Multipart) -> StatusResult {
    let bytes = upload(form).await?.file;
    target.with(|i| i.import_project(&bytes)).map(|()| StatusCode::OK)
}

async fn delete_project(target: RequestTarget, Path(id): Path<String>) -> StatusResult {
    target.with(|i| i.delete_project(&id)).map(|()| StatusCode::OK)
}

async fn import_certificate(target: RequestTarget, form: Multipart) -> StatusResult {
    let form = upload(form).await?;
    let field = |key: &str| form.fields.get(key).map(String::as_str).unwrap_or_default();
    let (name, kind, category) = (field("name"), field("type"), field("category"));
    if name.is_empty()
        || !matches!(kind, "X509" | "SAML" | "PGP" | "SIGNKEY" | "DIGITALSIGNATURE")
        || category.is_empty()
    {
        return refuse(400, "ICS-10604", "The form needs name, type and category.");
    }
    target
        .with(|i| i.import_certificate(name, kind, category, &form.file))
        .map(|()| StatusCode::NO_CONTENT)
}

async fn delete_certificate(target: RequestTarget, Path(id): Path<String>) -> StatusResult {
    target.with(|i| i.delete_certificate(&id)).map(|()| StatusCode::OK)
}
