//! Export and import of the whole instance (docs/oic-rest-api.md, "Whole instance").

use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{JsonResult, RequestTarget};
use crate::sim::state::{ServiceRefusal, refuse};

/// The routes below the base of the common API.
pub fn routes() -> Router {
    Router::new()
        .route("/exportServiceInstanceArchive", post(export))
        .route("/exportServiceInstanceArchive/{job}", get(job))
        .route("/importServiceInstanceArchive", post(import))
        .route("/importServiceInstanceArchive/{job}", get(job))
}

type Begun = Result<(StatusCode, Json<Value>), ServiceRefusal>;

fn begun(job: String) -> Begun {
    Ok((StatusCode::ACCEPTED, Json(json!({ "jobId": job, "overallStatus": "RUNNING" }))))
}

/// Refuses a body that does not say where the archive lies and who may write there.
fn stored(body: &Value) -> Result<(), ServiceRefusal> {
    let given = |key: &str| body["storageInfo"][key].as_str().is_some_and(|text| !text.is_empty());
    match ["storageUrl", "storageUser", "storagePassword"].into_iter().all(given) {
        true => Ok(()),
        false => refuse(400, "ICS-10700", "storageInfo is not complete."),
    }
}

async fn export(target: RequestTarget, Json(body): Json<Value>) -> Begun {
    stored(&body)?;
    let name = body["jobName"].as_str().unwrap_or_default();
    begun(target.with(|i| i.export_whole(name))?)
}

async fn import(target: RequestTarget, Json(body): Json<Value>) -> Begun {
    stored(&body)?;
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    begun(target.with(|i| i.import_whole(text("jobName"), text("archiveFile")))?)
}

async fn job(target: RequestTarget, Path(job): Path<String>) -> JsonResult {
    let word = target.with(|i| i.job_word(&job))?;
    Ok(Json(json!({ "jobId": job, "overallStatus": word })))
}
