//! A person's sign-in in the browser (authorization code with PKCE). The person of the simulator
//! always agrees.

use std::collections::BTreeMap;

use axum::{
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Routing, Shared};
use crate::archive::sha256_hex;

/// The codes and refresh tokens that were given out and are still good.
#[derive(Debug, Default)]
pub struct SignIns {
    codes: BTreeMap<String, IssuedCode>,
    /// Refresh token -> client. Each is good for one use.
    refresh: BTreeMap<String, String>,
}

#[derive(Debug)]
struct IssuedCode {
    client: String,
    challenge: String,
    redirect: String,
}

/// What a client brings for a token.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    pub client: &'a str,
    pub code: &'a str,
    pub verifier: &'a str,
    pub redirect: &'a str,
}

impl SignIns {
    /// Ends every sign-in, as an administrator can.
    pub fn revoke(&mut self) {
        *self = Self::default();
    }

    /// Takes a code; false where it is not known, was used, or is somebody else's.
    pub fn take_code(&mut self, request: TokenRequest<'_>) -> bool {
        let Some(issued) = self.codes.remove(request.code) else { return false };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(request.verifier.as_bytes()));
        issued.client == request.client
            && issued.redirect == request.redirect
            && issued.challenge == challenge
    }

    /// Takes a refresh token; false where it is not known or was used.
    pub fn take_refresh(&mut self, client: &str, token: &str) -> bool {
        self.refresh.remove(token).is_some_and(|of| of == client)
    }

    /// A new refresh token.
    pub fn new_refresh(&mut self, client: &str, number: u64) -> String {
        let token = secret("refresh", client, number);
        self.refresh.insert(token.clone(), client.to_owned());
        token
    }
}

fn secret(kind: &str, client: &str, number: u64) -> String {
    sha256_hex(format!("{kind} {client} {number} {}", Timestamp::now()).as_bytes())
}

/// The query with which a client sends the browser.
#[derive(serde::Deserialize)]
pub struct AuthorizeQuery {
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
}

/// `GET /oauth2/v1/authorize`: sends the browser back with a code.
pub async fn authorize(
    State(routing): State<Routing>,
    Query(wanted): Query<AuthorizeQuery>,
) -> Response {
    let shared: &Shared = &routing.shared;
    shared.calls().push("- GET /oauth2/v1/authorize".into());
    let bad = |words: &'static str| (StatusCode::BAD_REQUEST, words).into_response();
    let Ok(mut back) = Url::parse(&wanted.redirect_uri) else { return bad("invalid redirect_uri") };
    if back.host_str() != Some("localhost") {
        return bad("the redirect URL is not registered");
    }
    if wanted.response_type != "code" || wanted.code_challenge_method != "S256" {
        return bad("unsupported response_type or code_challenge_method");
    }
    let code = secret("code", &wanted.client_id, shared.fresh_id());
    let issued = IssuedCode {
        client: wanted.client_id,
        challenge: wanted.code_challenge,
        redirect: wanted.redirect_uri,
    };
    shared.sign_ins().codes.insert(code.clone(), issued);
    back.query_pairs_mut().extend_pairs([("code", &code), ("state", &wanted.state)]);
    match HeaderValue::from_str(back.as_str()) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => bad("invalid redirect_uri"),
    }
}
