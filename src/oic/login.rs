//! A person's own sign-in, in the browser: authorization code with PKCE and a loopback redirect
//! (RFC 6749, RFC 7636, RFC 8252). The audit then names the person and not a client. What is kept
//! is the refresh token, in a file that only its owner may read.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::Query, http::StatusCode, response::Html, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::{
    net::TcpListener,
    sync::{Mutex, oneshot},
};
use url::Url;

use crate::archive::sha256_hex;
use crate::config::PersonAuth;
use crate::files;
use crate::model::visible;

/// How long a person has to sign in.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Why nobody is signed in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoginError {
    #[error("port {port} of this machine, to which the browser comes back, cannot be used: {why}")]
    Port { port: u16, why: String },
    #[error("no random number can be had: {0}")]
    Random(String),
    #[error("nobody signed in within {} minutes", LONGEST_WAIT.as_secs() / 60)]
    TooLate,
    #[error("the identity domain said no: {0}")]
    Refused(String),
    #[error("the sign-in cannot be kept in {path}: {why}")]
    Keep { path: PathBuf, why: String },
}

/// Where the refresh token of a person is kept.
#[derive(Debug, Clone)]
pub struct LoginFile(PathBuf);

#[derive(Serialize, Deserialize)]
struct StoredRefreshToken {
    refresh_token: String,
}

impl LoginFile {
    /// The file of one identity domain, client and scope.
    pub fn of(auth: &PersonAuth) -> Self {
        let of = format!("{} {} {}", auth.token_url, auth.client_id, auth.scope);
        let hash = sha256_hex(of.as_bytes());
        Self(auth.login_folder.join(format!("{}.json", &hash[..24])))
    }

    /// The refresh token; none where nobody is signed in.
    pub fn read(&self) -> Option<SecretString> {
        let stored: StoredRefreshToken =
            serde_json::from_slice(&std::fs::read(&self.0).ok()?).ok()?;
        Some(stored.refresh_token).filter(|t| !t.is_empty()).map(SecretString::from)
    }

    /// Keeps a refresh token.
    ///
    /// # Errors
    /// [`LoginError::Keep`].
    pub fn write(&self, token: &SecretString) -> Result<(), LoginError> {
        let stored = StoredRefreshToken { refresh_token: token.expose_secret().to_owned() };
        files::write_private_json(&self.0, &stored)
            .map_err(|e| LoginError::Keep { path: self.0.clone(), why: e.to_string() })
    }

    /// Forgets it. False where there was none.
    ///
    /// # Errors
    /// [`LoginError::Keep`].
    pub fn forget(&self) -> Result<bool, LoginError> {
        match std::fs::remove_file(&self.0) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(LoginError::Keep { path: self.0.clone(), why: e.to_string() }),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// What the browser brings back, with what proves that this process began it.
#[derive(Debug)]
pub struct AuthorizationCode {
    pub code: SecretString,
    pub verifier: SecretString,
    pub redirect: String,
}

/// A sign-in that has begun: this machine listens for the browser.
#[derive(Debug)]
pub struct Login {
    listener: TcpListener,
    address: Url,
    state: String,
    verifier: SecretString,
    redirect: String,
}

impl Login {
    /// Listens on the port of the config, and makes the address that a person opens.
    ///
    /// # Errors
    /// [`LoginError::Port`], [`LoginError::Random`].
    pub async fn begin(auth: &PersonAuth) -> Result<Self, LoginError> {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, auth.redirect_port));
        let busy =
            |e: std::io::Error| LoginError::Port { port: auth.redirect_port, why: e.to_string() };
        let listener = TcpListener::bind(at).await.map_err(busy)?;
        let port = listener.local_addr().map_err(busy)?.port();
        let redirect = format!("http://localhost:{port}/callback");
        let (state, verifier) = (random()?, SecretString::from(random()?));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()));
        let mut address = auth.authorize_url.clone();
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &auth.client_id),
            ("redirect_uri", &redirect),
            ("scope", &auth.scope),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(Self { listener, address, state, verifier, redirect })
    }

    /// The address that a person opens in a browser. It holds no secret.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// Waits for the browser.
    ///
    /// # Errors
    /// [`LoginError::TooLate`], or [`LoginError::Refused`] with the identity domain's words.
    pub async fn wait(self, longest: Duration) -> Result<AuthorizationCode, LoginError> {
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let state = self.state.clone();
        let answer = move |Query(came): Query<Callback>| {
            let (sender, state) = (sender.clone(), state.clone());
            async move { came.take(&state, &sender).await }
        };
        let router = Router::new().route("/callback", get(answer));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = axum::serve(self.listener, router)
            .with_graceful_shutdown(async move { drop(stopped.await) });
        let serving = tokio::spawn(async move { served.await });
        let came = tokio::time::timeout(longest, receiver).await;
        // The page that says so still reaches the browser.
        drop(stop);
        drop(tokio::time::timeout(Duration::from_secs(2), serving).await);
        let code = match came {
            Ok(Ok(code)) => code?,
            Ok(Err(_)) | Err(_) => return Err(LoginError::TooLate),
        };
        Ok(AuthorizationCode { code, verifier: self.verifier, redirect: self.redirect })
    }
}

/// What the identity domain sends the browser back with.
#[derive(Debug, Deserialize)]
struct Callback {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

type Waiting = Mutex<Option<oneshot::Sender<Result<SecretString, LoginError>>>>;

impl Callback {
    async fn take(self, state: &str, waiting: &Waiting) -> (StatusCode, Html<String>) {
        let page = |status, text: &str| {
            (status, Html(format!("<!doctype html><title>oicx</title><p>{text}</p>")))
        };
        // Another page of this machine may call here: it does not know the state.
        if self.state != state {
            return page(StatusCode::BAD_REQUEST, "This is not the sign-in that oicx began.");
        }
        let came = match (self.code, self.error) {
            (Some(code), None) => Ok(SecretString::from(code)),
            (_, error) => {
                let words = self.error_description.or(error).unwrap_or_else(|| "no code".into());
                Err(LoginError::Refused(visible(&words).into_owned()))
            }
        };
        let text = match &came {
            Ok(_) => "Signed in. You can close this page.",
            Err(_) => "Not signed in: the terminal says why.",
        };
        if let Some(sender) = waiting.lock().await.take() {
            drop(sender.send(came));
        }
        page(StatusCode::OK, text)
    }
}

/// 256 random bits from the system, as text that a URL can hold.
fn random() -> Result<String, LoginError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| LoginError::Random(e.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
