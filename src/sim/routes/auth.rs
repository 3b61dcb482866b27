//! Tokens: who may sign in, and whether a call carries a good one.

use axum::{
    Form, Json,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, ToSpan};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::json;

use super::{Gate, Shared, allowed, before, header_text};
use crate::archive::sha256_hex;
use crate::sim::{
    faults::FaultedCall,
    landscape::AccountSpec,
    state::{Caller, Refusal, ServiceInstance, no_project},
    wire::BreakableListener,
};

#[derive(serde::Deserialize)]
pub struct Grant {
    grant_type: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    assertion: String,
}

/// `POST /oauth2/v1/token`: one endpoint for all environments, as an identity domain is. A client's
/// token is good on every instance that knows the client.
pub async fn token(
    State(gate): State<Gate>,
    ConnectInfo(wire): ConnectInfo<BreakableListener>,
    headers: HeaderMap,
    Form(grant): Form<Grant>,
) -> Response {
    let shared = &gate.shared;
    shared.calls().push("- POST /oauth2/v1/token".into());
    let hits = shared.faults.strike(FaultedCall {
        environment: "-",
        method: "POST",
        path: "/oauth2/v1/token",
    });
    if let Some(answer) = before(&hits, &wire).await {
        return answer;
    }
    let Some((id, secret)) = basic(&headers) else {
        return refuse(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed.");
    };
    if grant.scope.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "invalid_scope", "The scope is missing.");
    }
    let known = ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"];
    if !known.contains(&grant.grant_type.as_str()) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "The grant type is not supported.",
        );
    }
    let token = sha256_hex(format!("{id}{}{}", shared.fresh_id(), Timestamp::now()).as_bytes());
    let mut seconds = None;
    for index in 0..shared.instances.len() {
        if let Some(mut instance) = shared.instance(index)
            && let Some(caller) = instance.account(&id, &secret)
            && (grant.assertion.is_empty() || assertion_holds(&instance, &grant.assertion, &id))
        {
            let lifetime = instance.settings.token_seconds;
            let until =
                Timestamp::now().saturating_add(lifetime.seconds()).unwrap_or(Timestamp::MAX);
            instance.tokens.insert(token.clone(), (caller, until));
            seconds = seconds.max(Some(lifetime));
        }
    }
    match seconds {
        Some(seconds) => {
            Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds }))
                .into_response()
        }
        None => refuse(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed."),
    }
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({ "error": error, "error_description": description }))).into_response()
}

fn assertion_holds(instance: &ServiceInstance, assertion: &str, client: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Claims {
        iss: String,
        sub: String,
        jti: String,
    }
    let Some(key) = instance.settings.jwt_public_key.as_deref() else { return false };
    let Ok(key) = DecodingKey::from_rsa_pem(key.as_bytes()) else { return false };
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["https://identity.oraclecloud.com/"]);
    jsonwebtoken::decode::<Claims>(assertion, &key, &rules).is_ok_and(|t| {
        t.claims.iss == client
            && !t.claims.sub.is_empty()
            && !t.claims.jti.is_empty()
            && t.header.kid.is_some()
    })
}

impl ServiceInstance {
    fn account(&self, id: &str, secret: &str) -> Option<Caller> {
        let known = |a: &&AccountSpec| a.id == id && a.secret == secret;
        let found = self.settings.clients.iter().find(known)?;
        Some(Caller { id: found.id.clone(), role: found.role })
    }

    /// Refuses a call into a project that the caller has no right to, as a setting of the landscape
    /// says: as if it were not there, or with 403.
    fn may_enter(&self, caller: &Caller, path: &str) -> Result<(), Refusal> {
        let Some((_, rest)) = path.split_once("/projects/") else { return Ok(()) };
        let code = rest.split('/').next().unwrap_or_default();
        match self.others.projects.get(code) {
            Some(project) if !project.is_seen_by(caller) => {
                if self.settings.refuses_projects {
                    let words = format!("{} has no right to project {code}.", caller.id);
                    return Err(Refusal { status: 403, code: "ICS-10403", words });
                }
                Err(no_project(code))
            }
            _ => Ok(()),
        }
    }
}

/// Checks who calls: refuses a bad token with 401, and a role that may not do this with 403.
pub fn check(
    shared: &Shared,
    index: usize,
    request: &Request,
    path: &str,
) -> Result<Caller, Refusal> {
    let refuse = |status, code, words: &str| Refusal { status, code, words: words.into() };
    let Some(instance) = shared.instance(index) else {
        return Err(refuse(500, "SIM-1", "the instance is gone"));
    };
    let header = header_text(request.headers(), "authorization");
    let caller = if let Some(token) = header.strip_prefix("Bearer ") {
        let found = instance.tokens.get(token).filter(|(_, until)| *until > Timestamp::now());
        found
            .map(|(caller, _)| caller.clone())
            .ok_or_else(|| refuse(401, "ICS-10401", "The token is not valid or is expired."))?
    } else if let (Some((id, secret)), 2) = (basic(request.headers()), instance.settings.generation)
    {
        instance
            .account(&id, &secret)
            .ok_or_else(|| refuse(401, "ICS-10401", "User name or password is wrong."))?
    } else {
        return Err(refuse(401, "ICS-10401", "This instance takes OAuth tokens only."));
    };
    let method = match header_text(request.headers(), "x-http-method-override") {
        "" => request.method().as_str(),
        other => other,
    };
    if !allowed(caller.role, method, path) {
        let words = format!("The role {:?} may not do this.", caller.role);
        return Err(refuse(403, "ICS-10403", &words));
    }
    instance.may_enter(&caller, path)?;
    Ok(caller)
}

/// Name and password of HTTP Basic.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = header_text(headers, "authorization").strip_prefix("Basic ")?;
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
