//! Signing in. Each environment has one token, shared by all calls, renewed before it ends and once
//! when the service refuses it. The token endpoint has a rate limit of its own
//! (docs/oic-rest-api.md, Sign-in).

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use url::Url;

use super::answer_headers::{clock_ahead, retry_after};
use super::error::{ErrorKind, classify};
use super::login::{AuthorizationCode, LoginFile};
use super::token_file::{FileLock, SharedToken, TokenFile};
use super::wire::error_words;
use crate::config::{AuthConfig, JwtAuth, PersonAuth, SecretSource};
use crate::model::{remember_secret, visible};

/// A token is renewed when less than this of its life is left.
const MARGIN: Duration = Duration::from_secs(60);
const ASSERTION_SECONDS: i64 = 300;
/// How far clocks may differ before a person is told.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(60);
/// How long nobody asks at most, whatever time was named.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// How long nobody asks where the token endpoint refused and named no time; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Gives every call what it signs in with.
#[derive(Debug)]
pub struct SignIn {
    auth: AuthConfig,
    held: Mutex<Option<HeldToken>>,
    timeout: Duration,
    /// Whether the client's credentials go in the form: in HTTP Basic they were refused.
    in_form: AtomicBool,
    /// Until when nobody asks for a token: whoever asked last was told to come again.
    paused: StdMutex<Option<TokenPause>>,
    /// Where the token is shared with other processes; none where it is not.
    shared: Option<TokenFile>,
}

/// The token endpoint gives none for now. Many calls wait for one token: each of them asking again
/// would use its rate limit up.
#[derive(Debug, Clone)]
struct TokenPause {
    until: Instant,
    /// How often it refused in a row.
    times: u32,
    status: u16,
    words: String,
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
    #[serde(default)]
    refresh_token: Option<SecretString>,
}

/// Who asks for a token: a client with a secret, or one that has none.
type ClientId<'a> = (&'a str, Option<&'a SecretString>);

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
    /// A holder of tokens that has none yet; asking for one fails after `timeout`. `tokens` is the
    /// folder in which processes share theirs.
    pub fn new(auth: AuthConfig, timeout: Duration, tokens: Option<&Path>) -> Self {
        let shared = tokens.zip(identity(&auth)).map(|(folder, of)| TokenFile::new(folder, &of));
        let (in_form, paused) = (AtomicBool::new(false), StdMutex::new(None));
        Self { auth, held: Mutex::new(None), timeout, in_form, paused, shared }
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
        let Ok(mut held) = tokio::time::timeout(self.timeout, self.held.lock()).await else {
            return Err(ErrorKind::Timeout(self.timeout).into());
        };
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
            self.if_not_paused()?;
            let token = self.shared_or_new(http, refused.map(|used| &used.0)).await;
            *held = Some(token.map_err(|refused| self.pause(refused))?);
            *self.paused() = None;
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

    fn paused(&self) -> MutexGuard<'_, Option<TokenPause>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn if_not_paused(&self) -> Result<(), SignInRefused> {
        let now = Instant::now();
        match self.paused().as_ref().filter(|paused| paused.until > now) {
            None => Ok(()),
            Some(TokenPause { until, status, words, .. }) => Err(SignInRefused {
                kind: ErrorKind::SignIn { status: *status, words: words.clone() },
                again: true,
                wait: Some(until.duration_since(now)),
            }),
        }
    }

    /// Takes in that there is no token for now: nobody asks before the time that was named, else
    /// for a moment that doubles.
    fn pause(&self, mut refused: SignInRefused) -> SignInRefused {
        if let (true, ErrorKind::SignIn { status, words }) = (refused.again, &refused.kind) {
            let mut paused = self.paused();
            let times = paused.as_ref().map_or(0, |paused| paused.times + 1);
            let wait = refused.wait.unwrap_or(FIRST_PAUSE * 2_u32.pow(times.min(5)));
            // The pause is bounded: after it, a call asks the identity domain itself.
            let until = Instant::now() + wait.min(LONGEST_PAUSE);
            *paused = Some(TokenPause { until, times, status: *status, words: words.clone() });
            drop(paused);
            refused.wait = Some(wait);
        }
        refused
    }

    /// Whether another token can be had when one is refused.
    pub fn renews(&self) -> bool {
        !matches!(self.auth, AuthConfig::Basic { .. })
    }

    /// The token of another process where one is good, else a new one.
    async fn shared_or_new(
        &self,
        http: &reqwest::Client,
        refused: Option<&SecretString>,
    ) -> Result<HeldToken, SignInRefused> {
        let Some(file) = &self.shared else { return self.obtain(http).await };
        if let Some(token) = file.read(refused) {
            return Ok(token.into());
        }
        // Another process may have got a token while this one waited for the lock.
        let _lock = file.lock(self.timeout).await;
        if let Some(token) = file.read(refused) {
            return Ok(token.into());
        }
        let token = self.obtain(http).await?;
        self.share(&token);
        Ok(token)
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
                self.ask(http, token_url, (client_id, Some(&password)), &form).await.map(held)
            }
            AuthConfig::Jwt(jwt) => {
                let key = secret(&jwt.private_key).await?;
                let words = |e: jsonwebtoken::errors::Error| visible(&e.to_string()).into_owned();
                let assertion =
                    assertion(jwt, &key).map_err(|e| ErrorKind::SigningKey(words(e)))?;
                let form = [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", assertion.expose_secret()),
                    ("scope", &jwt.scope),
                ];
                let password = secret(&jwt.client_secret).await?;
                let client = (jwt.client_id.as_str(), Some(&password));
                self.ask(http, &jwt.token_url, client, &form).await.map(held)
            }
            AuthConfig::Person(person) => self.refresh(http, person).await,
        }
    }

    /// Takes the refresh token of the person who signed in for an access token.
    async fn refresh(
        &self,
        http: &reqwest::Client,
        person: &PersonAuth,
    ) -> Result<HeldToken, SignInRefused> {
        let file = LoginFile::of(person);
        // A refresh token is good for one use: a process that waited for the lock reads the next
        // one.
        let _lock = FileLock::beside(file.path(), self.timeout).await;
        let Some(refresh) = file.read() else {
            return Err(ErrorKind::NotSignedIn("no sign-in is kept on this machine".into()).into());
        };
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose_secret()),
            ("scope", person.scope.as_str()),
        ];
        match self.ask_as(http, person, &form).await {
            Ok(answer) => {
                self.keep_login(&file, &answer);
                Ok(held(answer))
            }
            Err(SignInRefused { kind: ErrorKind::SignIn { status: 400 | 401, words }, .. })
                if words.contains("invalid_grant") =>
            {
                let why = format!("the sign-in has ended or was revoked ({words})");
                Err(ErrorKind::NotSignedIn(why).into())
            }
            Err(refused) => Err(refused),
        }
    }

    /// Ends a sign-in in the browser: takes the code for tokens, and keeps them. Says whether it
    /// lasts longer than one access token.
    ///
    /// # Errors
    /// Where the identity domain refuses, or the sign-in cannot be kept.
    pub async fn finish_login(
        &self,
        http: &reqwest::Client,
        came: AuthorizationCode,
    ) -> Result<bool, SignInRefused> {
        let AuthConfig::Person(person) = &self.auth else {
            return Err(ErrorKind::Unexpected("no person signs in here".into()).into());
        };
        let form = [
            ("grant_type", "authorization_code"),
            ("code", came.code.expose_secret()),
            ("redirect_uri", came.redirect.as_str()),
            ("code_verifier", came.verifier.expose_secret()),
        ];
        let file = LoginFile::of(person);
        let _lock = FileLock::beside(file.path(), self.timeout).await;
        let answer = self.ask_as(http, person, &form).await?;
        let lasts = answer.refresh_token.is_some();
        let kept = match &answer.refresh_token {
            Some(token) => file.write(token),
            // The one that is there may be another person's.
            None => file.forget().map(drop),
        };
        kept.map_err(|e| ErrorKind::NotSignedIn(e.to_string()))?;
        if !lasts && self.shared.is_none() {
            let why = "the identity domain gave no refresh token, and share_token = false keeps \
                no other";
            return Err(ErrorKind::NotSignedIn(why.into()).into());
        }
        let token = held(answer);
        self.share(&token);
        *self.held.lock().await = Some(token);
        *self.paused() = None;
        Ok(lasts)
    }

    /// An identity domain may give another refresh token with each use, and refuse the old one.
    fn keep_login(&self, file: &LoginFile, answer: &TokenAnswer) {
        if let Some(token) = &answer.refresh_token
            && let Err(e) = file.write(token)
        {
            tracing::warn!("{e}");
        }
    }

    async fn ask_as(
        &self,
        http: &reqwest::Client,
        person: &PersonAuth,
        form: &[(&str, &str)],
    ) -> Result<TokenAnswer, SignInRefused> {
        let secret = match &person.client_secret {
            Some(source) => Some(source.read().await.map_err(ErrorKind::Secret)?),
            None => None,
        };
        self.ask(http, &person.token_url, (&person.client_id, secret.as_ref()), form).await
    }

    /// Asks for a token with the client's credentials in HTTP Basic; where they are refused so, in
    /// the form, which some identity domains want. A client without a secret names itself there.
    async fn ask(
        &self,
        http: &reqwest::Client,
        token_url: &Url,
        (id, secret): ClientId<'_>,
        form: &[(&str, &str)],
    ) -> Result<TokenAnswer, SignInRefused> {
        let mut with_client = form.to_vec();
        with_client.push(("client_id", id));
        let Some(secret) = secret.map(ExposeSecret::expose_secret) else {
            return self.fetch(http.post(token_url.clone()).form(&with_client)).await;
        };
        // The service may repeat the header, which has the credentials in this form.
        remember_secret(&STANDARD.encode(format!("{id}:{secret}")));
        if !self.in_form.load(Ordering::Relaxed) {
            let basic = http.post(token_url.clone()).basic_auth(id, Some(secret)).form(form);
            match self.fetch(basic).await {
                Err(SignInRefused { kind: ErrorKind::SignIn { status, ref words }, .. })
                    if matches!(status, 400 | 401) && words.contains("client") => {}
                other => return other,
            }
        }
        with_client.push(("client_secret", secret));
        let token = self.fetch(http.post(token_url.clone()).form(&with_client)).await?;
        self.in_form.store(true, Ordering::Relaxed);
        Ok(token)
    }

    async fn fetch(&self, request: RequestBuilder) -> Result<TokenAnswer, SignInRefused> {
        let again = |e: reqwest::Error| {
            let kind = classify(&e, self.timeout);
            let again = !matches!(kind, ErrorKind::Certificate(_));
            SignInRefused { kind, again, wait: None }
        };
        let answer = request.timeout(self.timeout).send().await.map_err(again)?;
        let status = answer.status();
        let wait = retry_after(answer.headers());
        let apart = clock_ahead(answer.headers()).filter(|a| a.abs() > CLOCKS_APART);
        let bytes = answer.bytes().await.map_err(again)?;
        if !status.is_success() {
            let (words, code) = error_words(&bytes);
            let mut words = code.map_or(words.clone(), |c| format!("{words} [{c}]"));
            // An assertion is good for minutes only.
            if let Some(apart) = apart.filter(|_| matches!(self.auth, AuthConfig::Jwt(_))) {
                let side = if apart.is_positive() { "ahead of" } else { "behind" };
                let seconds = apart.abs().as_secs();
                words +=
                    &format!("; this machine's clock is {seconds} s {side} the identity domain's");
            }
            let kind = ErrorKind::SignIn { status: status.as_u16(), words };
            return Err(SignInRefused {
                kind,
                again: status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
                wait,
            });
        }
        serde_json::from_slice(&bytes).map_err(|_| {
            let why = "the token endpoint did not answer with a token; check token_url";
            ErrorKind::Unexpected(why.into()).into()
        })
    }

    /// Forgets the token, also the one that other processes share.
    pub async fn forget(&self) {
        *self.held.lock().await = None;
        *self.paused() = None;
        if let Some(file) = &self.shared {
            let _lock = file.lock(self.timeout).await;
            file.forget();
        }
    }

    /// Lets other processes use a token.
    fn share(&self, token: &HeldToken) {
        if let (Some(file), HeldToken::Token { value, renew_at }) = (&self.shared, token) {
            let usable = renew_at.saturating_duration_since(Instant::now());
            file.write(&SharedToken { value: value.clone(), usable });
        }
    }
}

/// A token with the time until which it is used: one that lives shorter than the margin, for half
/// of its life.
fn held(token: TokenAnswer) -> HeldToken {
    let lifetime = Duration::from_secs(token.expires_in.unwrap_or(600));
    let usable = lifetime.checked_sub(MARGIN).unwrap_or(lifetime / 2).max(lifetime / 2);
    remember_secret(token.access_token.expose_secret());
    HeldToken::Token { value: token.access_token, renew_at: Instant::now() + usable }
}

impl From<SharedToken> for HeldToken {
    fn from(SharedToken { value, usable }: SharedToken) -> Self {
        remember_secret(value.expose_secret());
        Self::Token { value, renew_at: Instant::now() + usable }
    }
}

/// All that tells one sign-in from another, but for its secrets; none where there is no token.
fn identity(auth: &AuthConfig) -> Option<String> {
    match auth {
        AuthConfig::Basic { .. } => None,
        AuthConfig::ClientCredentials { token_url, client_id, scope, .. } => {
            Some(format!("client {token_url} {client_id} {scope}"))
        }
        AuthConfig::Person(person) => {
            let PersonAuth { token_url, client_id, scope, .. } = &**person;
            Some(format!("person {token_url} {client_id} {scope}"))
        }
        AuthConfig::Jwt(jwt) => {
            let JwtAuth { token_url, client_id, user, scope, .. } = &**jwt;
            Some(format!("jwt {token_url} {client_id} {user} {scope}"))
        }
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

fn assertion(
    jwt: &JwtAuth,
    key: &SecretString,
) -> Result<SecretString, jsonwebtoken::errors::Error> {
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
    let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes())?;
    jsonwebtoken::encode(&header, &claims, &key).map(SecretString::from)
}
