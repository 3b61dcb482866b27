//! What stands before the service and answers in its place: an instance that is stopped or in
//! maintenance, a host that redirects, an allowlist, a sign-in that the host does not take.

use axum::{
    Json,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::sim::landscape::Manners;

/// What is answered to every call in the service's place; none where the service is reached.
pub fn answer(manners: &Manners, request: &Request) -> Option<Response> {
    if manners.vanity_host {
        return redirect(request);
    }
    if manners.stopped {
        let words = json!({ "title": "Conflict", "status": "409",
            "detail": "Service instance is not in active state." });
        return Some((StatusCode::CONFLICT, Json(words)).into_response());
    }
    if manners.maintenance {
        let words = json!({ "title": "Service Unavailable", "status": "503",
            "detail": "The service instance is under maintenance." });
        return Some((StatusCode::SERVICE_UNAVAILABLE, Json(words)).into_response());
    }
    if manners.allowlist {
        return Some(page(StatusCode::FORBIDDEN, "403 Forbidden"));
    }
    manners.narrow_scope.then(|| {
        let mut answer = page(StatusCode::UNAUTHORIZED, "401 Authorization Required");
        let why = header::HeaderValue::from_static("Bearer error=\"insufficient_scope\"");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, why);
        answer
    })
}

/// A custom endpoint sends calls to the host that the instance really has: here the same address
/// under its other name.
fn redirect(request: &Request) -> Option<Response> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let (name, port) = host.rsplit_once(':')?;
    if name == "localhost" {
        return None;
    }
    let path = request.uri().path_and_query()?;
    let to = header::HeaderValue::from_str(&format!("http://localhost:{port}{path}")).ok()?;
    Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response())
}

/// A page of a web server, as hosts between send.
fn page(status: StatusCode, title: &str) -> Response {
    let text =
        format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
    (status, [(header::CONTENT_TYPE, "text/html")], text).into_response()
}
