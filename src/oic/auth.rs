//! Signing in. Each environment has one token, shared by all calls, renewed before it ends and once
//! when the service refuses it. The token endpoint has a rate limit of its own
//! (docs/oic-rest-api.md, Sign-in).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use url::Url;

use super::client::retry_after;
use super::error::{ErrorKind, classify};
use super::wire::error_words;
use crate::config::{AuthConfig, JwtAuth, SecretSource};
use crate::model::visible;

/// A token is renewed when less than this of its life is left.
const MARGIN: Duration = Duration::from_secs(60);
const ASSERTION_SECONDS: i64 = 300;

/// Gives every call what it signs in with.
#[derive(Debug)]
pub struct SignIn {
    auth: AuthConfig,
    held: Mutex<Option<HeldToken>>,
    timeout: Duration,
    /// Whether the client's credentials go in the form: in HTTP Basic they were refused.
    in_form: AtomicBool,
}

#[derive(Debug, Clone)]
enum HeldToken {
    Token { value: SecretString, renew_at: Instant },
    Password(SecretString),
}

/// What a call was signed with, so that a refusal can say which token was refused.
#[derive(Debug, Clone)]
pub struct TokenUse(SecretString);

#[derive(serde::Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// A failure at the token endpoint, and whether it is worth another try.
#[derive(Debug)]
pub struct SignInRefused {
    pub kind: ErrorKind,
    pub again: bool,
    /// How long the identity domain asks to wait.
    pub wait: Option<Duration>,
}

impl From<ErrorKind> for SignInRefused {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, again: false, wait: None }
    }
}

impl SignIn {
    /// A holder of tokens that has none yet; asking for one fails after `timeout`.
    pub fn new(auth: AuthConfig, timeout: Duration) -> Self {
        Self { auth, held: Mutex::new(None), timeout, in_form: AtomicBool::new(false) }
    }

    /// Adds the authorization to a request. `refused` is the token that the service has just
    /// refused with a 401.
    ///
    /// # Errors
    /// Where no token can be had.
    pub async fn sign(
        &self,
        http: &reqwest::Client,
        request: RequestBuilder,
        refused: Option<&TokenUse>,
    ) -> Result<(RequestBuilder, TokenUse), SignInRefused> {
        // The lock is held while a token is fetched: everybody else waits for that one.
        let mut held = self.held.lock().await;
        let stale = match held.as_ref() {
            None => true,
            Some(HeldToken::Password(_)) => false,
            Some(HeldToken::Token { value, renew_at }) => {
                *renew_at <= Instant::now()
                    || refused.is_some_and(|used| used.0.expose_secret() == value.expose_secret())
            }
        };
        if stale {
            *held = None;
            *held = Some(self.obtain(http).await?);
        }
        match (held.as_ref(), &self.auth) {
            (Some(HeldToken::Password(password)), AuthConfig::Basic { user, .. }) => Ok((
                request.basic_auth(user, Some(password.expose_secret())),
                TokenUse(password.clone()),
            )),
            (Some(HeldToken::Token { value, .. }), _) => {
                Ok((request.bearer_auth(value.expose_secret()), TokenUse(value.clone())))
            }
            _ => Err(ErrorKind::Unexpected("no credentials are held".into()).into()),
        }
    }

    /// Whether another token can be had when one is refused.
    pub fn renews(&self) -> bool {
        !matches!(self.auth, AuthConfig::Basic { .. })
    }

    async fn obtain(&self, http: &reqwest::Client) -> Result<HeldToken, SignInRefused> {
        let secret = |source: &SecretSource| {
            let source = source.clone();
            async move { source.read().await.map_err(ErrorKind::Secret) }
        };
        match &self.auth {
            AuthConfig::Basic { password, .. } => Ok(HeldToken::Password(secret(password).await?)),
            AuthConfig::ClientCredentials { token_url, client_id, client_secret, scope } => {
                let form = [("grant_type", "client_credentials"), ("scope", scope)];
                let password = secret(client_secret).await?;
                self.ask(http, token_url, (client_id, &password), &form).await
            }
            AuthConfig::Jwt(jwt) => {
                let key = secret(&jwt.private_key).await?;
                let assertion = assertion(jwt, &key).map_err(ErrorKind::SigningKey)?;
                let form = [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", assertion.expose_secret()),
                    ("scope", &jwt.scope),
                ];
                let password = secret(&jwt.client_secret).await?;
                self.ask(http, &jwt.token_url, (&jwt.client_id, &password), &form).await
            }
        }
    }

    /// Asks for a token with the client's credentials in HTTP Basic; where they are refused so, in
    /// the form, which some identity domains want.
    async fn ask(
        &self,
        http: &reqwest::Client,
        token_url: &Url,
        (id, secret): (&str, &SecretString),
        form: &[(&str, &str)],
    ) -> Result<HeldToken, SignInRefused> {
        let secret = secret.expose_secret();
        if !self.in_form.load(Ordering::Relaxed) {
            let basic = http.post(token_url.clone()).basic_auth(id, Some(secret)).form(form);
            match self.fetch(basic).await {
                Err(SignInRefused { kind: ErrorKind::SignIn { status, ref words }, .. })
                    if matches!(status, 400 | 401) && words.contains("client") => {}
                other => return other,
            }
        }
        let mut with_client = form.to_vec();
        with_client.extend([("client_id", id), ("client_secret", secret)]);
        let token = self.fetch(http.post(token_url.clone()).form(&with_client)).await?;
        self.in_form.store(true, Ordering::Relaxed);
        Ok(token)
    }

    async fn fetch(&self, request: RequestBuilder) -> Result<HeldToken, SignInRefused> {
        let again = |e: reqwest::Error| {
            let kind = classify(&e, self.timeout);
            let again = !matches!(kind, ErrorKind::Certificate(_));
            SignInRefused { kind, again, wait: None }
        };
        let answer = request.timeout(self.timeout).send().await.map_err(again)?;
        let status = answer.status();
        let wait = retry_after(answer.headers());
        let bytes = answer.bytes().await.map_err(again)?;
        if !status.is_success() {
            let (words, code) = error_words(&bytes);
            let words = code.map_or(words.clone(), |c| format!("{words} [{c}]"));
            let kind = ErrorKind::SignIn { status: status.as_u16(), words };
            return Err(SignInRefused {
                kind,
                again: status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
                wait,
            });
        }
        let token: TokenAnswer = serde_json::from_slice(&bytes).map_err(|_| {
            ErrorKind::Unexpected(
                "the token endpoint did not answer with a token; check token_url".into(),
            )
        })?;
        let lifetime = Duration::from_secs(token.expires_in.unwrap_or(600));
        // A token that lives shorter than the margin is used for half of its life.
        let usable = lifetime.checked_sub(MARGIN).unwrap_or(lifetime / 2).max(lifetime / 2);
        Ok(HeldToken::Token { value: token.access_token, renew_at: Instant::now() + usable })
    }
}

#[derive(serde::Serialize)]
struct AssertionClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

fn assertion(jwt: &JwtAuth, key: &SecretString) -> Result<SecretString, String> {
    let now = Timestamp::now();
    let claims = AssertionClaims {
        iss: &jwt.client_id,
        sub: &jwt.user,
        aud: &jwt.audience,
        iat: now.as_second(),
        exp: now.as_second() + ASSERTION_SECONDS,
        jti: format!("oicx-{}", now.as_nanosecond()),
    };
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(jwt.key_id.clone());
    let words = |e: jsonwebtoken::errors::Error| visible(&e.to_string()).into_owned();
    let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes()).map_err(words)?;
    jsonwebtoken::encode(&header, &claims, &key).map(SecretString::from).map_err(words)
}
