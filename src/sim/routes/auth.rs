//! Tokens: who may sign in, and whether a call carries a good one.

use std::time::Duration;

use axum::{
    Form, Json,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, ToSpan};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::json;

use super::{Routing, Shared, allowed, before, browser::TokenRequest, header_text};
use crate::archive::sha256_hex;
use crate::sim::{
    breakable_listener::BreakableListener,
    faults::FaultedCall,
    landscape::{AccountSpec, Manners},
    state::{Caller, ServiceInstance, ServiceRefusal, no_project},
};

/// The form of a call for a token.
#[derive(serde::Deserialize)]
pub struct TokenGrant {
    grant_type: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    assertion: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: Option<String>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    code_verifier: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    refresh_token: String,
}

const GRANTS: [&str; 4] = [
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "authorization_code",
    "refresh_token",
];

impl TokenGrant {
    /// The client's name and secret, in HTTP Basic or in the form; none where it names itself
    /// nowhere. A client of a person may have no secret.
    fn client(&self, headers: &HeaderMap) -> Option<(String, Option<String>)> {
        if let Some((id, secret)) = basic(headers) {
            return Some((id, Some(secret)));
        }
        (!self.client_id.is_empty()).then(|| (self.client_id.clone(), self.client_secret.clone()))
    }

    /// Whether a person signs in.
    fn is_of_a_person(&self) -> bool {
        matches!(self.grant_type.as_str(), "authorization_code" | "refresh_token")
    }
}

/// The answer of an identity domain that was asked too often; none where it was not.
fn at_the_limit(shared: &Shared, manners: &[Manners]) -> Option<Response> {
    let longest = manners.iter().map(|m| m.token_limit_ms).max().filter(|ms| *ms > 0)?;
    let left = Duration::from_millis(longest).checked_sub(shared.since_first_token())?;
    let words = "Rate limit exceeded";
    let mut answer = refuse(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", words);
    let seconds = left.as_secs() + 1;
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Some(answer)
}

/// `POST /oauth2/v1/token`: one endpoint for all environments, as an identity domain is. A client's
/// token is good on every instance that knows the client.
pub async fn token(
    State(routing): State<Routing>,
    ConnectInfo(wire): ConnectInfo<BreakableListener>,
    headers: HeaderMap,
    Form(grant): Form<TokenGrant>,
) -> Response {
    let shared = &routing.shared;
    shared.calls().push("- POST /oauth2/v1/token".into());
    let hits = shared.faults.count_and_match(FaultedCall {
        environment: "-",
        method: "POST",
        path: "/oauth2/v1/token",
    });
    if let Some(answer) = before(&hits, &wire).await {
        return answer;
    }
    let manners: Vec<Manners> = (0..shared.instances.len())
        .filter_map(|index| Some(shared.instance(index)?.settings.manners()))
        .collect();
    if let Some(answer) = at_the_limit(shared, &manners) {
        return answer;
    }
    let wrong =
        || refuse(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed.");
    if manners.iter().any(|m| m.credentials_in_body) && basic(&headers).is_some() {
        return wrong();
    }
    let Some((id, secret)) = grant.client(&headers) else { return wrong() };
    if grant.scope.is_empty() && grant.grant_type != "authorization_code" {
        return refuse(StatusCode::BAD_REQUEST, "invalid_scope", "The scope is missing.");
    }
    if !GRANTS.contains(&grant.grant_type.as_str()) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "The grant type is not supported.",
        );
    }
    if grant.is_of_a_person() && !person_holds(shared, &grant, &id) {
        let words = "The code or refresh token is not valid, or was revoked.";
        return refuse(StatusCode::BAD_REQUEST, "invalid_grant", words);
    }
    let Some((token, seconds)) = issue(shared, &grant, &id, secret.as_deref()) else {
        return wrong();
    };
    let mut answer =
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds });
    if grant.is_of_a_person() {
        let number = shared.fresh_id();
        answer["refresh_token"] = json!(shared.sign_ins().new_refresh(&id, number));
    }
    Json(answer).into_response()
}

/// A new token on each instance that knows the client, and for how many seconds the longest is
/// good; none where no instance does.
fn issue(
    shared: &Shared,
    grant: &TokenGrant,
    id: &str,
    secret: Option<&str>,
) -> Option<(String, i64)> {
    let token = sha256_hex(format!("{id}{}{}", shared.fresh_id(), Timestamp::now()).as_bytes());
    let mut seconds = None;
    for index in 0..shared.instances.len() {
        let Some(mut instance) = shared.instance(index) else { continue };
        let caller = match (secret, grant.is_of_a_person()) {
            (Some(secret), _) => instance.account(id, secret),
            (None, true) => instance.public_client(id),
            (None, false) => None,
        };
        if let Some(caller) = caller
            && (grant.assertion.is_empty() || assertion_holds(&instance, &grant.assertion, id))
        {
            let lifetime = instance.settings.token_seconds;
            let until =
                Timestamp::now().saturating_add(lifetime.seconds()).unwrap_or(Timestamp::MAX);
            instance.tokens.insert(token.clone(), (caller, until));
            seconds = seconds.max(Some(lifetime));
        }
    }
    seconds.map(|seconds| (token, seconds))
}

fn person_holds(shared: &Shared, grant: &TokenGrant, client: &str) -> bool {
    let mut sign_ins = shared.sign_ins();
    if grant.grant_type == "refresh_token" {
        return sign_ins.take_refresh(client, &grant.refresh_token);
    }
    sign_ins.take_code(TokenRequest {
        client,
        code: &grant.code,
        verifier: &grant.code_verifier,
        redirect: &grant.redirect_uri,
    })
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

    /// A client without a secret, for which a person has signed in.
    fn public_client(&self, id: &str) -> Option<Caller> {
        let found = self.settings.clients.iter().find(|a| a.id == id)?;
        Some(Caller { id: found.id.clone(), role: found.role })
    }

    /// Refuses a call into a project that the caller has no right to, as a setting of the landscape
    /// says: as if it were not there, or with 403.
    fn may_enter(&self, caller: &Caller, path: &str) -> Result<(), ServiceRefusal> {
        let Some((_, rest)) = path.split_once("/projects/") else { return Ok(()) };
        let code = rest.split('/').next().unwrap_or_default();
        match self.others.projects.get(code) {
            Some(project) if !project.is_seen_by(caller) => {
                if self.settings.manners().refuses_projects {
                    let words = format!("{} has no right to project {code}.", caller.id);
                    return Err(ServiceRefusal { status: 403, code: "ICS-10403", words });
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
) -> Result<Caller, ServiceRefusal> {
    let refuse = |status, code, words: &str| ServiceRefusal { status, code, words: words.into() };
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
