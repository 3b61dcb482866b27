//! One environment's client: builds a call, signs it, limits how many run at once, repeats what is
//! safe to repeat, follows redirects within the environment, and turns every failure into an
//! [`OicError`].

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Method, Response, StatusCode,
    header::{self, HeaderMap},
    multipart,
};
use tokio::{sync::Semaphore, time::Instant};
use url::Url;

use super::{
    answer_headers::{clock_ahead, header_text, parse_http_date, redirect_target, retry_after},
    auth::{SignIn, TokenUse},
    capabilities::KnownCapabilities,
    error::{ErrorKind, OicError, classify},
    login::AuthorizationCode,
    pending_calls::{PausedBy, PendingCall, PendingCalls, Silence},
    refusal::Refusal,
    request_spec::ApiResponse,
    wire,
};
use crate::config::{EnvironmentConfig, same_environment};
use crate::model::{EnvironmentName, Exchange, RecordedBody, visible};

pub(super) use super::request_spec::{
    Hidden, HiddenBytes, Host, Idempotency, Payload, RequestSpec,
};

const MAX_ANSWER: u64 = 256 << 20;
const MAX_REDIRECTS: usize = 5;
/// How long a connection is kept that no call uses.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// Times and counts that tests shorten.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Tries of a call that is safe to repeat, the first included.
    pub tries: usize,
    /// The first pause between tries; it doubles, with jitter.
    pub pause: Duration,
    /// The longest `Retry-After` that is waited for.
    pub longest_pause: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { tries: 5, pause: Duration::from_millis(300), longest_pause: Duration::from_secs(60) }
    }
}

/// Speaks to one environment. Cheap to clone; dropping a call's future cancels the call.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    environment: EnvironmentConfig,
    /// Made with the first call, so that a start need not wait: reading the machine's trusted
    /// certificates takes time.
    http: OnceLock<reqwest::Client>,
    sign_in: SignIn,
    limit: Semaphore,
    tuning: Tuning,
    /// What is known of calls that not every instance has.
    capabilities: Mutex<KnownCapabilities>,
    /// What calls answered, where that is recorded.
    recording: Option<Mutex<Recording>>,
    pending: PendingCalls,
    /// How far this machine's clock is ahead of the service's, in seconds, as the last answer told.
    ahead: AtomicI64,
}

/// What the calls of a client answered.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Oldest first.
    pub calls: Vec<Exchange>,
    /// Records of lists that no reader could read, each with the fields that it has.
    pub unread: Vec<String>,
}

/// One try that failed.
struct FailedAttempt {
    kind: ErrorKind,
    /// Whether it may be sent again: the service surely did nothing, or was only asked to read.
    again: bool,
    wait: Option<Duration>,
}

impl FailedAttempt {
    /// One after which the call is not made again.
    fn last(kind: ErrorKind) -> Self {
        Self { kind, again: false, wait: None }
    }
}

impl Client {
    /// A client of an environment. Nothing is called or read yet.
    pub fn new(environment: EnvironmentConfig, tuning: Tuning) -> Self {
        let tokens = environment.token_folder.as_deref();
        let sign_in = SignIn::new(environment.auth.clone(), environment.deadlines.read, tokens);
        let limit = Semaphore::new(environment.concurrency);
        let (http, capabilities, recording) = (OnceLock::new(), Mutex::default(), None);
        let pending = PendingCalls::default();
        let inner = Inner {
            environment,
            http,
            sign_in,
            limit,
            tuning,
            capabilities,
            recording,
            pending,
            ahead: AtomicI64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// A client that records what its calls answer. It refuses to change anything.
    pub fn recording(environment: EnvironmentConfig, tuning: Tuning) -> Self {
        let mut this = Self::new(EnvironmentConfig { read_only: true, ..environment }, tuning);
        if let Some(inner) = Arc::get_mut(&mut this.inner) {
            inner.recording = Some(Mutex::default());
        }
        this
    }

    /// What was recorded so far; nothing where the client does not record.
    pub fn recorded(&self) -> Recording {
        let mut all = Recording::default();
        self.if_recording(|recording| all.clone_from(recording));
        all
    }

    /// Changes the recording of calls; nothing happens where the client does not record.
    pub(super) fn if_recording(&self, note: impl FnOnce(&mut Recording)) {
        if let Some(recording) = &self.inner.recording {
            note(&mut recording.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The name of the environment, as the configuration writes it.
    pub fn name(&self) -> &EnvironmentName {
        &self.inner.environment.name
    }

    /// The configuration of the environment.
    pub fn environment(&self) -> &EnvironmentConfig {
        &self.inner.environment
    }

    /// The call that has had no answer for longest, where that is longer than `after`.
    pub fn silence(&self, after: Duration) -> Option<Silence> {
        self.inner.pending.silence(self.name(), after)
    }

    /// What is known of calls that not every instance has.
    pub(super) fn capabilities(&self) -> MutexGuard<'_, KnownCapabilities> {
        self.inner.capabilities.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the service says it is now: the `Date` of any answer.
    ///
    /// # Errors
    /// Where the smallest call there is fails.
    pub async fn service_time(&self) -> Result<Option<Timestamp>, OicError> {
        let answer =
            self.send(RequestSpec::get("sign in", "/integrations").with("limit", 1)).await?;
        let date = answer.headers.get(header::DATE).and_then(|v| v.to_str().ok());
        Ok(date.and_then(parse_http_date))
    }

    /// What the service's clock shows at a time of this machine's, as far as its answers told.
    pub fn service_clock(&self, here: Timestamp) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.inner.ahead.load(Ordering::Relaxed));
        here.checked_sub(ahead).unwrap_or(here)
    }

    /// Forgets the token that it holds and shares with other processes: the next call asks for one.
    pub async fn forget_token(&self) {
        self.inner.sign_in.forget().await;
    }

    /// Ends a person's sign-in in the browser. True where it lasts longer than one access token.
    ///
    /// # Errors
    /// Where the identity domain refuses, or the sign-in cannot be kept.
    pub async fn finish_login(&self, came: AuthorizationCode) -> Result<bool, OicError> {
        let fail = |kind| self.error("sign in", None, kind);
        let http = self.http().map_err(|e| fail(e.kind))?;
        self.inner.sign_in.finish_login(http, came).await.map_err(|e| fail(e.kind))
    }

    /// An error of this environment. `action` is what was being done, `subject` with what.
    pub(super) fn error(
        &self,
        action: &'static str,
        subject: Option<String>,
        kind: ErrorKind,
    ) -> OicError {
        OicError { environment: self.name().clone(), action, subject, kind }
    }

    /// Calls a flow on the runtime host. Gives the status and the body; where the service refuses,
    /// the body is its words.
    ///
    /// # Errors
    /// Where no answer came.
    pub async fn call_flow(
        &self,
        method: &str,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<(u16, Bytes), OicError> {
        let method = method.parse().unwrap_or(Method::GET);
        let idempotency =
            if method == Method::GET { Idempotency::None } else { Idempotency::Changes };
        let body = body.map_or(Payload::Empty, Payload::Raw);
        let call = RequestSpec {
            method,
            idempotency,
            body,
            host: Host::Runtime,
            ..RequestSpec::get("call the flow", path)
        };
        match self.send(call).await {
            Ok(answer) => Ok((answer.status, answer.bytes)),
            Err(OicError { kind: ErrorKind::Status { status, words, .. }, .. }) => {
                Ok((status, words.into()))
            }
            Err(e) => Err(e),
        }
    }

    /// Does work of several calls that a person waits for.
    ///
    /// # Errors
    /// As the work; [`ErrorKind::Timeout`] where it takes longer than `most`, with the call that it
    /// then waited for.
    pub async fn within<T>(
        &self,
        most: Duration,
        action: &'static str,
        work: impl Future<Output = Result<T, OicError>>,
    ) -> Result<T, OicError> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            done = &mut work => done,
            () = tokio::time::sleep(most) => Err(self.too_slow(action, most)),
        }
    }

    /// As [`Client::within`], for a list: its pages may wait for their turn behind many others, so
    /// it is given up only where nothing at all is answered, or after five times as long.
    pub(super) async fn listed_within<T>(
        &self,
        action: &'static str,
        work: impl Future<Output = Result<T, OicError>>,
    ) -> Result<T, OicError> {
        const MOST_TIMES: u32 = 5;
        let deadlines = &self.inner.environment.deadlines;
        let mut work = std::pin::pin!(work);
        let mut times = 0;
        loop {
            times += 1;
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(deadlines.listing) => {}
            }
            if times == MOST_TIMES || !self.inner.pending.heard_within(deadlines.read) {
                return Err(self.too_slow(action, deadlines.listing * times));
            }
        }
    }

    fn too_slow(&self, action: &'static str, after: Duration) -> OicError {
        let waits = self.silence(Duration::ZERO).map(|s| format!("(at {})", s.call));
        self.error(action, waits, ErrorKind::Timeout(after))
    }

    /// The error for an answer that came and cannot be used, for callers that read archives.
    pub fn unreadable(&self, action: &'static str, subject: &str, why: String) -> OicError {
        self.error(action, Some(subject.to_owned()), ErrorKind::Unexpected(why))
    }

    /// Makes a call, repeating what is safe to repeat.
    pub(super) async fn send(&self, call: RequestSpec) -> Result<ApiResponse, OicError> {
        let fail = |kind| self.error(call.action, call.subject.clone(), kind);
        if call.idempotency == Idempotency::Changes && self.inner.environment.read_only {
            return Err(fail(ErrorKind::ReadOnly));
        }
        let tuning = &self.inner.tuning;
        let pending_call = self.inner.pending.begin(&call, &self.inner.environment.deadlines);
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(tuning.pause)
            .with_max_times(tuning.tries.saturating_sub(1))
            .with_jitter()
            .build();
        loop {
            let failed = match self.once(&call, &pending_call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match pauses.next() {
                Some(pause) if failed.again && !pending_call.is_over() => {
                    let wait = failed.wait.unwrap_or(pause);
                    if wait > tuning.longest_pause {
                        return Err(fail(failed.kind));
                    }
                    tracing::debug!(environment = %self.name(), action = call.action, "again in \
                        {wait:?}: {}", failed.kind);
                    let by = match failed.wait {
                        Some(_) => PausedBy::Service,
                        None => PausedBy::Client,
                    };
                    pending_call.pause(wait, by).await;
                }
                _ => return Err(fail(failed.kind)),
            }
        }
    }

    fn http(&self) -> Result<&reqwest::Client, FailedAttempt> {
        let Inner { environment, http, .. } = &*self.inner;
        if let Some(made) = http.get() {
            return Ok(made);
        }
        let builder = reqwest::Client::builder()
            .user_agent(concat!("oicx/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(environment.deadlines.connect)
            .redirect(reqwest::redirect::Policy::none())
            // A firewall drops a connection that is not used: the next call would get no answer.
            .pool_idle_timeout(IDLE_CONNECTION)
            .tcp_keepalive(IDLE_CONNECTION)
            .pool_max_idle_per_host(environment.concurrency);
        // A proxy from the environment variables is never meant for this machine itself.
        let builder = if environment.url.scheme() == "http" { builder.no_proxy() } else { builder };
        let made = builder
            .build()
            .map_err(|e| FailedAttempt::last(classify(&e, environment.deadlines.connect)))?;
        Ok(http.get_or_init(|| made))
    }

    /// One try: signed, redirected where need be, and signed anew once where the token was refused.
    async fn once(
        &self,
        call: &RequestSpec,
        pending_call: &PendingCall<'_>,
    ) -> Result<ApiResponse, FailedAttempt> {
        let no_turn = || FailedAttempt::last(ErrorKind::NoTurn(pending_call.most()));
        // The semaphore is never closed.
        let _slot = pending_call.turn(self.inner.limit.acquire()).await.ok_or_else(no_turn)?;
        let mut refused: Option<TokenUse> = None;
        loop {
            let (response, used) = self.follow(call, pending_call, refused.as_ref()).await?;
            if response.status() == StatusCode::UNAUTHORIZED
                && refused.is_none()
                && self.inner.sign_in.renews()
            {
                refused = used;
                if refused.is_some() {
                    continue;
                }
            }
            return self.read(call, pending_call, response).await;
        }
    }

    /// Sends, and follows redirects. The token goes along within the environment only.
    async fn follow(
        &self,
        call: &RequestSpec,
        pending_call: &PendingCall<'_>,
        refused: Option<&TokenUse>,
    ) -> Result<(Response, Option<TokenUse>), FailedAttempt> {
        let inner = &self.inner;
        let mut url = call.url(&inner.environment).map_err(FailedAttempt::last)?;
        let mut signed = true;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.request(call, url.clone())?;
            let mut used = None;
            if signed {
                let (with_token, token) =
                    inner.sign_in.sign(self.http()?, request, refused).await.map_err(|r| {
                        FailedAttempt { again: r.again, kind: r.kind, wait: r.wait }
                    })?;
                (request, used) = (with_token, Some(token));
            }
            tracing::debug!(environment = %self.name(), "{} {}", call.method, url.path());
            pending_call.sent();
            let asked = Instant::now();
            let response = self
                .within_deadline(call, pending_call, pending_call.until(), request.send())
                .await?;
            // An answer that took long was dated at an unknown moment of that.
            let quick = asked.elapsed() < Duration::from_secs(3);
            if let Some(ahead) = clock_ahead(response.headers()).filter(|_| signed && quick) {
                inner.ahead.store(ahead.as_secs(), Ordering::Relaxed);
            }
            let foreign = |to: &Url| {
                let host = visible(&to.origin().ascii_serialization()).into_owned();
                Err(FailedAttempt::last(ErrorKind::ForeignRedirect(host)))
            };
            let Some(next) = redirect_target(&url, &response) else {
                // On another host only what needs no token can be read.
                if !signed && matches!(response.status().as_u16(), 401 | 403) {
                    return foreign(&url);
                }
                return Ok((response, used));
            };
            let stays = same_environment(&inner.environment.url, &next);
            // A file may lie elsewhere, as safe as here; what the environment says of itself, and
            // what is changed in it, never does.
            let weaker = url.scheme() == "https" && next.scheme() != "https";
            if !stays && (call.idempotency == Idempotency::Changes || !call.file || weaker) {
                return foreign(&next);
            }
            signed = stays;
            url = next;
        }
        let kind = ErrorKind::Unexpected(format!("more than {MAX_REDIRECTS} redirects"));
        Err(FailedAttempt::last(kind))
    }

    fn request(
        &self,
        call: &RequestSpec,
        url: Url,
    ) -> Result<reqwest::RequestBuilder, FailedAttempt> {
        let patches = matches!(call.body, Payload::Patch(_) | Payload::PrivatePatch(_));
        let method = if patches { Method::POST } else { call.method.clone() };
        let request = self.http()?.request(method, url);
        Ok(match &call.body {
            Payload::Empty => request,
            Payload::Json(value) | Payload::PrivateJson(Hidden(value)) => request.json(value),
            Payload::Raw(bytes) => {
                request.header(header::CONTENT_TYPE, "application/json").body(bytes.clone())
            }
            Payload::Patch(value) | Payload::PrivatePatch(Hidden(value)) => {
                request.header("X-HTTP-Method-Override", "PATCH").json(value)
            }
            Payload::Archive { name, bytes, fields } => {
                let part = multipart::Part::stream(bytes.0.clone()).file_name(name.clone());
                let form = multipart::Form::new().part("file", part);
                request.multipart(
                    fields.iter().fold(form, |form, (key, value)| form.text(*key, value.clone())),
                )
            }
        })
    }

    /// Waits for an answer, or a piece of it, until its deadline.
    async fn within_deadline<T>(
        &self,
        call: &RequestSpec,
        pending_call: &PendingCall<'_>,
        until: Instant,
        answer: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, FailedAttempt> {
        let began = Instant::now();
        match tokio::time::timeout_at(until, answer).await {
            Ok(answer) => answer.map_err(|e| self.broken(call, &e)),
            Err(_) => Err(FailedAttempt {
                kind: ErrorKind::Timeout(began.elapsed().max(pending_call.most())),
                again: call.idempotency == Idempotency::None,
                wait: None,
            }),
        }
    }

    fn broken(&self, call: &RequestSpec, error: &reqwest::Error) -> FailedAttempt {
        let kind = classify(error, self.inner.environment.deadlines.connect);
        // Without a connection, nothing was done.
        let untouched = matches!(kind, ErrorKind::Connect(_));
        let passing = !matches!(kind, ErrorKind::Certificate(_));
        FailedAttempt {
            again: passing && (untouched || call.idempotency == Idempotency::None),
            kind,
            wait: None,
        }
    }

    async fn read(
        &self,
        call: &RequestSpec,
        pending_call: &PendingCall<'_>,
        response: Response,
    ) -> Result<ApiResponse, FailedAttempt> {
        let status = response.status();
        let headers = response.headers().clone();
        let bytes = self.body(call, pending_call, response).await?;
        self.record(call, status, &headers, &bytes);
        if status.is_success() {
            return Ok(ApiResponse { status: status.as_u16(), headers, bytes });
        }
        let (words, code) = wire::error_words(&bytes);
        let request_id = Some(header_text(&headers, "opc-request-id")).filter(|id| !id.is_empty());
        let request_id = request_id.map(|id| visible(id).into_owned());
        let page = bytes.trim_ascii_start().starts_with(b"<");
        let kind = ErrorKind::Status { status: status.as_u16(), words, code, request_id, page };
        let weather = matches!(status.as_u16(), 500 | 502 | 503 | 504)
            && !kind.refusal().is_some_and(Refusal::is_final);
        let again = status == StatusCode::TOO_MANY_REQUESTS
            || (weather && call.idempotency == Idempotency::None);
        Err(FailedAttempt { kind, again, wait: retry_after(&headers) })
    }

    /// Keeps an answer where they are recorded: JSON as it is, of anything else the size alone.
    fn record(&self, call: &RequestSpec, status: StatusCode, headers: &HeaderMap, bytes: &Bytes) {
        self.if_recording(|recording| {
            let body = match serde_json::from_slice(bytes) {
                _ if bytes.is_empty() => RecordedBody::Empty,
                Ok(value) => RecordedBody::Json(value),
                Err(_) => RecordedBody::Other { bytes: bytes.len() },
            };
            recording.calls.push(Exchange {
                method: call.method.to_string(),
                path: call.path.clone(),
                query: call.query.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
                status: status.as_u16(),
                content_type: header_text(headers, header::CONTENT_TYPE.as_str()).to_owned(),
                body,
            });
        });
    }

    async fn body(
        &self,
        call: &RequestSpec,
        pending_call: &PendingCall<'_>,
        mut response: Response,
    ) -> Result<Bytes, FailedAttempt> {
        let too_large = || FailedAttempt::last(ErrorKind::TooLarge(MAX_ANSWER));
        let announced = response.content_length().unwrap_or(0);
        if announced > MAX_ANSWER {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(announced.min(4 << 20) as usize);
        while let Some(chunk) =
            self.within_deadline(call, pending_call, pending_call.heard(), response.chunk()).await?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > MAX_ANSWER {
                return Err(too_large());
            }
        }
        Ok(bytes.into())
    }
}
