//! Answers from a transcript: what a service said once, said again.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use url::form_urlencoded;

use super::server::StartError;
use crate::model::{Exchange, RecordedBody, Transcript, segment_name};

const BASE: &str = "/ic/api/integration/v1";
const TOKEN: &str = "/oauth2/v1/token";

/// A server that answers from a transcript; it ends when it is dropped.
#[derive(Debug)]
pub struct Replay {
    address: SocketAddr,
    task: JoinHandle<()>,
}

type Query = BTreeMap<String, String>;

/// The answers to one call, in their order; the last one stays.
#[derive(Debug, Default)]
struct Answers {
    all: Vec<Exchange>,
    next: usize,
}

/// The answers of a transcript, by method, path and query.
#[derive(Debug, Default)]
struct Recorded(Mutex<HashMap<(String, String, Query), Answers>>);

impl Replay {
    /// Serves a transcript.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub async fn start(transcript: &Transcript, listen: SocketAddr) -> Result<Self, StartError> {
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(listen.ip()));
        }
        let fail = |why| StartError::Listen { address: listen, why };
        let listener = TcpListener::bind(listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let recorded = Arc::new(Recorded::of(transcript));
        let router = Router::new().fallback(answer).with_state(recorded);
        let task = tokio::spawn(async move {
            if let Err(e) = axum::serve(listener, router).await {
                tracing::error!("the replay stopped listening: {e}");
            }
        });
        Ok(Self { address, task })
    }

    /// `http://127.0.0.1:4711`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Recorded {
    fn of(transcript: &Transcript) -> Self {
        let mut all: HashMap<_, Answers> = HashMap::new();
        for call in &transcript.calls {
            let key = (call.method.clone(), decoded(&call.path), call.query.clone());
            all.entry(key).or_default().all.push(call.clone());
        }
        Self(Mutex::new(all))
    }

    /// The next answer to a call. A query's filter may name a time, so one that was not recorded is
    /// answered like the same call with another filter.
    fn find(&self, method: &str, path: &str, query: &Query) -> Option<Exchange> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let exact = (method.to_owned(), path.to_owned(), query.clone());
        if let Some(answers) = all.get_mut(&exact) {
            return answers.take();
        }
        let without = |query: &Query| {
            let mut query = query.clone();
            query.remove("q");
            query
        };
        let like = |(m, p, q): &(String, String, Query)| {
            m == method && p == path && without(q) == without(query)
        };
        let key = all.keys().find(|key| like(key)).cloned()?;
        all.get_mut(&key)?.take()
    }
}

impl Answers {
    fn take(&mut self) -> Option<Exchange> {
        let at = self.next.min(self.all.len().checked_sub(1)?);
        self.next = at + 1;
        self.all.get(at).cloned()
    }
}

async fn answer(State(recorded): State<Arc<Recorded>>, request: Request) -> Response {
    let uri = request.uri();
    if uri.path() == TOKEN {
        let token =
            json!({ "access_token": "replayed", "token_type": "Bearer", "expires_in": 3600 });
        return axum::Json(token).into_response();
    }
    let path = uri.path().strip_prefix(BASE).unwrap_or(uri.path());
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query: Query = query
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .filter(|(k, _)| k != "integrationInstance")
        .collect();
    match recorded.find(request.method().as_str(), &decoded(path), &query) {
        Some(exchange) => said_again(exchange),
        None => {
            let words = "The transcript has no such call.";
            let body = json!({ "title": words, "status": "404" });
            (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
        }
    }
}

fn said_again(exchange: Exchange) -> Response {
    let status = StatusCode::from_u16(exchange.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let content_type = [(header::CONTENT_TYPE, exchange.content_type)];
    match exchange.body {
        RecordedBody::Empty => (status, content_type).into_response(),
        RecordedBody::Json(value) => (status, content_type, value.to_string()).into_response(),
        // What it said was not kept.
        RecordedBody::Other { bytes } => {
            (status, content_type, " ".repeat(bytes.min(1 << 20))).into_response()
        }
    }
}

/// A path with each segment decoded: the same name may be written in two ways.
fn decoded(path: &str) -> String {
    path.split('/').map(segment_name).collect::<Vec<_>>().join("/")
}
