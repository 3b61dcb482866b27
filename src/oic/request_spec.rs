//! One call to be made, as data: where it goes, what it carries, and what it may do.

use bytes::Bytes;
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;
use url::Url;

use super::error::ErrorKind;
use crate::config::EnvironmentConfig;

const BASE: &str = "/ic/api/integration/v1";
const COMMON_BASE: &str = "/ic/api/common/v1";

/// What a call may do to the environment, which says when it may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idempotency {
    /// The call only reads: it is repeated after each failure that may pass.
    None,
    /// The call changes something: it is sent again only where the service surely did nothing (401,
    /// 429). The caller looks before it tries again.
    Changes,
}

/// Where a call goes (docs/oic-rest-api.md, Hosts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    Design,
    /// The design host, at the API of the whole instance.
    Common,
    /// Where flows are called.
    Runtime,
}

/// One call to be made.
#[derive(Debug, Clone)]
pub(super) struct RequestSpec {
    pub action: &'static str,
    pub subject: Option<String>,
    pub idempotency: Idempotency,
    pub host: Host,
    pub method: Method,
    /// The path below the API's base; for a call of a flow, the whole path.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Payload,
    /// Whether the answer is a file, which the service may let another host hand out.
    pub file: bool,
}

/// What a call carries.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    Empty,
    Json(Value),
    /// A flow's own input, JSON.
    Raw(Bytes),
    /// Sent as POST with `X-HTTP-Method-Override: PATCH`.
    Patch(Value),
    /// JSON that carries secrets.
    PrivateJson(Hidden),
    /// A patch that carries secrets.
    PrivatePatch(Hidden),
    /// The multipart field `file`, and others beside it.
    Archive {
        name: String,
        bytes: HiddenBytes,
        fields: Vec<(&'static str, String)>,
    },
}

/// The bytes of a file, which may be a secret: no debug output shows them.
#[derive(Clone)]
pub(super) struct HiddenBytes(pub Bytes);

impl std::fmt::Debug for HiddenBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A value that no debug output shows.
#[derive(Clone)]
pub(super) struct Hidden(pub Value);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A good answer.
#[derive(Debug)]
pub(super) struct ApiResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl RequestSpec {
    /// Where the call goes in an environment.
    ///
    /// # Errors
    /// Where a flow is called whose host is not known, or the address is none.
    pub fn url(&self, environment: &EnvironmentConfig) -> Result<Url, ErrorKind> {
        let design = |base: &str| {
            let host = environment.url.as_str().trim_end_matches('/');
            format!("{host}{base}{}", self.path)
        };
        let text = match (self.host, environment.runtime_url()) {
            (Host::Design, _) => design(BASE),
            (Host::Common, _) => design(COMMON_BASE),
            (Host::Runtime, Some(runtime)) => {
                format!("{}{}", runtime.as_str().trim_end_matches('/'), self.path)
            }
            (Host::Runtime, None) => {
                let why = "its runtime host is not known: set runtime = \"https://…\" for it in \
                    the config";
                return Err(ErrorKind::Unexpected(why.into()));
            }
        };
        let unusable = |e: url::ParseError| ErrorKind::Unexpected(e.to_string());
        let mut url = Url::parse(&text).map_err(unusable)?;
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(self.query.iter().map(|(k, v)| (*k, v.as_str())));
            let designed = self.host != Host::Runtime;
            if let Some(instance) = environment.instance.as_ref().filter(|_| designed) {
                query.append_pair("integrationInstance", instance);
            }
        }
        if url.query() == Some("") {
            url.set_query(None);
        }
        Ok(url)
    }

    /// A reading call to the design host; `action` completes "cannot … the integration".
    pub fn get(action: &'static str, path: impl Into<String>) -> Self {
        let path = path.into();
        Self {
            action,
            subject: None,
            idempotency: Idempotency::None,
            host: Host::Design,
            method: Method::GET,
            path,
            query: vec![],
            body: Payload::Empty,
            file: false,
        }
    }

    /// A reading call that is answered with a file.
    pub fn file(action: &'static str, path: impl Into<String>) -> Self {
        Self { file: true, ..Self::get(action, path) }
    }

    /// A call that changes something at the design host, and is therefore not repeated blindly.
    pub fn change(
        action: &'static str,
        method: Method,
        path: impl Into<String>,
        body: Payload,
    ) -> Self {
        Self { idempotency: Idempotency::Changes, method, body, ..Self::get(action, path) }
    }

    /// Asks with a body: the service wants a POST, and nothing is changed by it.
    pub fn ask(action: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Payload::Json(body), ..Self::get(action, path) }
    }

    /// Names what the call is about, for messages.
    pub fn about(mut self, subject: impl ToString) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Adds a parameter to the query; it is escaped when the call is sent.
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }
}
