//! The HTTP side: which instance a call is for, who calls, what goes wrong on purpose.

mod auth;
mod browser;
mod catalog;
mod connections;
mod instance_archives;
mod integrations;
mod monitoring;
mod mutations;
mod refusing_host;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, FromRequestParts, RawPathParams, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    breakable_listener::BreakableListener,
    faults::{Fault, FaultKind, FaultedCall, Faults},
    landscape::Role,
    state::{Caller, ServiceInstance, ServiceRefusal, refuse},
};

/// The parameters of a request in their order.
type QueryPairs = axum::extract::Query<Vec<(String, String)>>;
/// One JSON document, or why not.
type JsonResult = Result<Json<Value>, ServiceRefusal>;

use crate::model::{IntegrationId, Scope};
use browser::SignIns;

const BASE: &str = "/ic/api/integration/v1";
const COMMON_BASE: &str = "/ic/api/common/v1";
const MAX_UPLOAD: usize = 64 << 20;
/// Longer than any client waits.
const FOREVER: Duration = Duration::from_secs(3600);

/// The state that all routes share.
#[derive(Debug)]
pub struct Shared {
    instances: Vec<Mutex<ServiceInstance>>,
    pub faults: Faults,
    calls: Mutex<Vec<String>>,
    next_id: AtomicU64,
    before_calls: Mutex<Vec<BeforeCall>>,
    sign_ins: Mutex<SignIns>,
    /// Calls that were left without an answer.
    pub held: AtomicUsize,
    first_token: OnceLock<Instant>,
}

/// Something that happens on an instance just before a call that comes later.
struct BeforeCall {
    environment: String,
    /// How many calls pass before it happens.
    after: usize,
    happens: Box<dyn FnOnce(&mut ServiceInstance) + Send>,
}

impl std::fmt::Debug for BeforeCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BeforeCall on {} after {}", self.environment, self.after)
    }
}

impl Shared {
    /// The state at the start of the simulator, with the instances in the order of the landscape
    /// and no call counted.
    pub fn new(instances: Vec<Mutex<ServiceInstance>>, faults: Faults) -> Self {
        Self {
            instances,
            faults,
            calls: Mutex::default(),
            next_id: AtomicU64::new(1),
            before_calls: Mutex::default(),
            sign_ins: Mutex::default(),
            held: AtomicUsize::new(0),
            first_token: OnceLock::new(),
        }
    }

    /// All calls so far, oldest first, as `ENVIRONMENT METHOD /path`; a call for a token has `-`
    /// for the environment. The list stays locked while the guard lives.
    pub fn calls(&self) -> MutexGuard<'_, Vec<String>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since a token was first asked for.
    fn since_first_token(&self) -> Duration {
        self.first_token.get_or_init(Instant::now).elapsed()
    }

    /// The sign-ins of persons.
    pub fn sign_ins(&self) -> MutexGuard<'_, SignIns> {
        self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn instance(&self, index: usize) -> Option<MutexGuard<'_, ServiceInstance>> {
        let mut instance =
            self.instances.get(index)?.lock().unwrap_or_else(PoisonError::into_inner);
        instance.end_what_is_due();
        Some(instance)
    }

    /// Lets something happen once on an environment: just before a call to it, after `after` other
    /// calls to it have passed.
    pub fn add_before_call(
        &self,
        environment: &str,
        after: usize,
        happens: Box<dyn FnOnce(&mut ServiceInstance) + Send>,
    ) {
        let environment = environment.to_owned();
        let mut all = self.before_calls.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(BeforeCall { environment, after, happens });
    }

    /// Forgets all that was to happen before a later call.
    pub fn clear_before_calls(&self) {
        self.before_calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Runs what is due before a call to an instance, and counts the call for the rest.
    fn run_before_call(&self, name: &str, index: usize) {
        let mut due = Vec::new();
        {
            let mut all = self.before_calls.lock().unwrap_or_else(PoisonError::into_inner);
            for one in std::mem::take(&mut *all) {
                match one {
                    one if one.environment != name => all.push(one),
                    one if one.after == 0 => due.push(one.happens),
                    one => all.push(BeforeCall { after: one.after - 1, ..one }),
                }
            }
        }
        if let Some(mut instance) = self.instance(index).filter(|_| !due.is_empty()) {
            due.into_iter().for_each(|happens| happens(&mut instance));
        }
    }

    /// Locks the instance of an environment; None where no environment has that name. It locks the
    /// others in turn to find it, so a caller must not hold one.
    pub fn instance_named(&self, name: &str) -> Option<MutexGuard<'_, ServiceInstance>> {
        let index = (0..self.instances.len())
            .find(|i| self.instance(*i).is_some_and(|e| e.settings.name.as_str() == name))?;
        self.instance(index)
    }

    fn fresh_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

/// The instance a call is for, after the middleware found it.
#[derive(Debug, Clone)]
pub struct RequestTarget {
    shared: Arc<Shared>,
    index: usize,
    drift: bool,
    caller: Caller,
}

impl RequestTarget {
    /// Works on the instance under its lock.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut ServiceInstance) -> Result<T, ServiceRefusal>,
    ) -> Result<T, ServiceRefusal> {
        let missing =
            || ServiceRefusal { status: 500, code: "SIM-1", words: "the instance is gone".into() };
        work(&mut *self.shared.instance(self.index).ok_or_else(missing)?)
    }
}

impl<S: Sync> axum::extract::FromRequestParts<S> for RequestTarget {
    type Rejection = ServiceRefusal;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, ServiceRefusal> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| ServiceRefusal {
            status: 500,
            code: "SIM-2",
            words: "no instance was chosen".into(),
        })
    }
}

/// The parameters of a path. A path that begins with a project's is about what is in that project.
struct PathOf(Vec<(String, String)>);

impl PathOf {
    /// The project that the path names, else the global space.
    fn scope(&self) -> Scope {
        match self.text("project") {
            "" => Scope::Global,
            project => Scope::of_project(project),
        }
    }

    /// A parameter; empty where the path has none of this name.
    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The integration of `{id}`, in the scope of the path.
    fn integration(&self) -> Result<IntegrationId, ServiceRefusal> {
        let text = self.text("id");
        match text.parse::<IntegrationId>() {
            Ok(id) => Ok(id.within(self.scope())),
            Err(_) => refuse(404, "ICS-10001", format!("{text} is not an integration.")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathOf {
    type Rejection = ServiceRefusal;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Self, ServiceRefusal> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|e| ServiceRefusal { status: 400, code: "ICS-10400", words: e.to_string() })?;
        Ok(Self(params.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()))
    }
}

/// The design-time host of one environment (`only`) or of all, told apart by `integrationInstance`.
pub fn design(shared: Arc<Shared>, only: Option<usize>) -> Router {
    let routing = Routing { shared: shared.clone(), only };
    let common = instance_archives::routes()
        .fallback(not_there)
        .layer(middleware::from_fn_with_state(routing.clone(), answer_call));
    let api = Router::new()
        .merge(integrations::routes())
        .merge(connections::routes())
        .merge(catalog::routes())
        .merge(mutations::routes())
        .merge(monitoring::routes())
        .fallback(not_there)
        .layer(axum::extract::DefaultBodyLimit::max(MAX_UPLOAD))
        .layer(middleware::from_fn_with_state(routing, answer_call));
    let token = Router::new()
        .route("/oauth2/v1/token", axum::routing::post(auth::token))
        .route("/oauth2/v1/authorize", axum::routing::get(browser::authorize))
        .with_state(Routing { shared, only });
    let all = Router::new().nest(BASE, api).nest(COMMON_BASE, common).merge(token);
    // Some clients end a path with a slash, which is the same resource.
    Router::new().fallback(move |request| all.clone().oneshot(without_last_slash(request)))
}

async fn not_there() -> ServiceRefusal {
    ServiceRefusal { status: 404, code: "ICS-10000", words: "No such resource.".into() }
}

fn without_last_slash(mut request: Request) -> Request {
    let uri = request.uri();
    let path = uri.path().trim_end_matches('/');
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    if let Ok(uri) = whole.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

/// The runtime host: a 307 to the design host.
pub fn runtime(design: String, instance: String) -> Router {
    Router::new().fallback(move |uri: Uri| {
        let query = uri.query().map(|q| format!("{q}&")).unwrap_or_default();
        let query = if query.contains("integrationInstance=") {
            query
        } else {
            format!("{query}integrationInstance={instance}")
        };
        let location = format!("{design}{}?{}", uri.path(), query.trim_end_matches('&'));
        async move { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]) }
    })
}

#[derive(Clone)]
struct Routing {
    shared: Arc<Shared>,
    only: Option<usize>,
}

impl Routing {
    /// Which instance the query names. Gen 2 has no `integrationInstance`.
    fn choose(&self, uri: &Uri) -> Result<usize, ServiceRefusal> {
        let refuse = |words: String| ServiceRefusal { status: 400, code: "ICS-10400", words };
        let query = uri.query().unwrap_or_default();
        let named = url::form_urlencoded::parse(query.as_bytes())
            .find(|(k, _)| k == "integrationInstance")
            .map(|(_, v)| v);
        let fits = |index: usize, name: Option<&str>| {
            self.shared.instance(index).is_some_and(|i| match name {
                Some(name) => i.settings.instance == name,
                None => i.settings.generation == 2,
            })
        };
        let mut candidates = match self.only {
            Some(index) => index..index + 1,
            None => 0..self.shared.instances.len(),
        };
        candidates.find(|i| fits(*i, named.as_deref())).ok_or_else(|| match named {
            Some(name) => ServiceRefusal {
                status: 404,
                code: "ICS-10404",
                words: format!("The service instance {name} is not known here."),
            },
            None => refuse("The query parameter integrationInstance is missing.".into()),
        })
    }
}

async fn answer_call(
    State(routing): State<Routing>,
    ConnectInfo(wire): ConnectInfo<BreakableListener>,
    mut request: Request,
    next: Next,
) -> Response {
    let shared = routing.shared.clone();
    let index = match routing.choose(request.uri()) {
        Ok(index) => index,
        Err(refusal) => return refusal.into_response(),
    };
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let (name, manners) = match shared.instance(index) {
        Some(i) => (i.settings.name.to_string(), i.settings.manners()),
        None => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    shared.calls().push(format!("{name} {method} {path}"));
    shared.run_before_call(&name, index);
    let hits = shared.faults.count_and_match(FaultedCall {
        environment: &name,
        method: &method,
        path: &path,
    });
    if hits.iter().any(|f| f.what == FaultKind::Hang) {
        shared.held.fetch_add(1, Ordering::SeqCst);
    }
    if let Some(answer) = before(&hits, &wire).await {
        return answer;
    }
    if let Some(answer) = refusing_host::answer(&manners, &request) {
        return answer;
    }
    let caller = match auth::check(&shared, index, &request, &path) {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    apply_to_instance(&shared, index, &hits);
    let drift = hits.iter().any(|f| f.what == FaultKind::Drift);
    request.extensions_mut().insert(RequestTarget { shared: shared.clone(), index, drift, caller });
    let mut answer = next.run(request).await;
    if manners.kebab_case {
        answer = in_kebab_case(answer).await;
    }
    // A file that is asked for by POST is no answer to a change.
    let is_file = header_text(answer.headers(), "content-type").contains("octet-stream");
    if manners.empty_bodies && method != "GET" && !is_file && answer.status().is_success() {
        answer = without_body(answer);
    }
    let request_id = format!("SIM{:08X}/{:04X}", shared.fresh_id(), index);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        answer.headers_mut().insert("opc-request-id", value);
    }
    let date = manners.clock(Timestamp::now()).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::from_str(&date) {
        answer.headers_mut().insert(header::DATE, value);
    }
    if hits.iter().any(|f| f.what == FaultKind::Stall) {
        shared.held.fetch_add(1, Ordering::SeqCst);
    }
    after(&hits, &wire, answer).await
}

/// Faults that take the place of the work.
async fn before(hits: &[Fault], wire: &BreakableListener) -> Option<Response> {
    for fault in hits {
        match fault.what {
            FaultKind::Latency(time) => tokio::time::sleep(time).await,
            FaultKind::Hang => tokio::time::sleep(FOREVER).await,
            FaultKind::Reset => {
                wire.break_after(0);
                return Some(StatusCode::NO_CONTENT.into_response());
            }
            FaultKind::Html => {
                let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please \
                    sign in.</body></html>";
                return Some(([(header::CONTENT_TYPE, "text/html")], page).into_response());
            }
            FaultKind::ExpiredToken => {
                return Some(
                    ServiceRefusal {
                        status: 401,
                        code: "ICS-10401",
                        words: "The token is expired.".into(),
                    }
                    .into_response(),
                );
            }
            FaultKind::Status(status) => {
                let words = "The service is having a moment (simulated).".to_owned();
                let mut answer = ServiceRefusal { status, code: "SIM-9", words }.into_response();
                if let Some(seconds) = fault.retry_after {
                    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                return Some(answer);
            }
            _ => {}
        }
    }
    None
}

fn apply_to_instance(shared: &Shared, index: usize, hits: &[Fault]) {
    if let Some(mut instance) = shared.instance(index) {
        instance.stuck_activation = hits.iter().any(|f| f.what == FaultKind::StuckActivation);
        instance.fail_activation = hits.iter().any(|f| f.what == FaultKind::FailActivation);
        instance.flip_activation = hits.iter().any(|f| f.what == FaultKind::FlipActivation);
    }
}

/// Faults that hit the answer on its way back.
async fn after(hits: &[Fault], wire: &BreakableListener, answer: Response) -> Response {
    if hits.iter().any(|f| f.what == FaultKind::Stall) {
        tokio::time::sleep(FOREVER).await;
    }
    if hits.iter().any(|f| f.what == FaultKind::Lost) {
        wire.break_after(0);
        return answer;
    }
    let mut answer = answer;
    for fault in hits {
        if let FaultKind::Say { word, instead } = &fault.what {
            answer = saying(word, instead, answer).await;
        }
    }
    if !hits.iter().any(|f| f.what == FaultKind::Truncate) {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    // The head is about 200 bytes; what counts is that the body is announced whole and comes in
    // part.
    wire.break_after(200 + bytes.len() as i64 / 2);
    Response::from_parts(parts, Body::from(bytes))
}

/// An answer in which a name or a text is another one.
async fn saying(word: &str, instead: &str, answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let quoted = |word: &str| format!("\"{word}\"");
    let changed = match std::str::from_utf8(&bytes) {
        Ok(text) => text.replace(&quoted(word), &quoted(instead)).into_bytes(),
        Err(_) => bytes.to_vec(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(changed))
}

fn without_body(answer: Response) -> Response {
    let (mut parts, _) = answer.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

async fn in_kebab_case(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let changed =
        serde_json::from_slice::<Value>(&bytes).map(kebab).map(|v| v.to_string().into_bytes());
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(changed.unwrap_or_else(|_| bytes.to_vec())))
}

fn kebab(value: Value) -> Value {
    let key = |k: String| {
        k.chars().fold(String::new(), |mut out, c| {
            if c.is_ascii_uppercase() {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
            out
        })
    };
    match value {
        Value::Object(map) => map.into_iter().map(|(k, v)| (key(k), kebab(v))).collect(),
        Value::Array(items) => items.into_iter().map(kebab).collect(),
        other => other,
    }
}

impl IntoResponse for ServiceRefusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "detail": self.words,
            "o:errorCode": self.code,
            "status": self.status.to_string(),
        });
        (status, Json(body)).into_response()
    }
}

/// A page of a list by `limit` and `offset`; `orderBy=name` is the order that the list has already.
fn page(items: Vec<Value>, query: &[(String, String)]) -> Value {
    page_of(items, query, |item| item)
}

/// A page of a list of which only that part is described.
fn page_of<T>(items: Vec<T>, query: &[(String, String)], describe: impl Fn(T) -> Value) -> Value {
    let number =
        |key: &str| query.iter().find(|(k, _)| k == key).and_then(|(_, v)| v.parse::<usize>().ok());
    let (limit, offset) = (number("limit").unwrap_or(100).min(1000), number("offset").unwrap_or(0));
    let total = items.len();
    let part: Vec<_> = items.into_iter().skip(offset).take(limit).map(describe).collect();
    let more = offset + part.len() < total;
    json!({ "items": part, "hasMore": more, "limit": limit, "totalResults": total, "links": [] })
}

/// A field of `q={timewindow:'1d',code:'X'}`.
fn asked(query: &[(String, String)], key: &str) -> Option<String> {
    let (_, q) = query.iter().find(|(k, _)| k == "q")?;
    let rest = q.split_once(&format!("{key}:'"))?.1;
    Some(rest.split('\'').next().unwrap_or_default().to_owned())
}

/// When the window of a query begins.
fn window_start(query: &[(String, String)]) -> jiff::Timestamp {
    let hours = match asked(query, "timewindow").as_deref() {
        Some("6h") => 6,
        Some("1d") => 24,
        Some("2d") => 48,
        Some("3d") => 72,
        Some("RETENTIONPERIOD") => 32 * 24,
        _ => 1,
    };
    jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)
}

/// Whether the caller's role is enough.
fn allowed(role: Role, method: &str, path: &str) -> bool {
    let reads = method == "GET";
    let monitors = path.contains("/monitoring/");
    // Exporting a project is asked for with a POST and changes nothing.
    let reads = reads || (path.contains("/projects/") && path.ends_with("/archive"));
    match role {
        Role::ServiceAdministrator => true,
        Role::ServiceDeveloper => !path.contains("/certificates"),
        Role::ServiceViewer => reads && !path.contains("/certificates"),
        Role::ServiceMonitor => reads && monitors,
        Role::ServiceInvoker => false,
    }
}

/// Refuses a POST that changes in place without saying so in its header.
fn patch_alone(headers: &HeaderMap) -> Result<(), ServiceRefusal> {
    match header_text(headers, "x-http-method-override") {
        "PATCH" => Ok(()),
        _ => refuse(405, "ICS-10405", "Send X-HTTP-Method-Override: PATCH."),
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}
