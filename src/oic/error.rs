//! What went wrong with a call: where, doing what, with which artifact, the server's own words, and
//! what to try.

use std::{fmt, time::Duration};

use super::refusal::{Refusal, RefusedAnswer, sign_in_advice};
use crate::config::SecretError;
use crate::model::{Answer, EnvironmentName, visible};

/// A failed call. Never holds a secret: headers and bodies that were sent are not kept.
#[derive(Debug, Clone)]
pub struct OicError {
    pub environment: EnvironmentName,
    /// What was being done: `export`, `list integrations`.
    pub action: &'static str,
    /// The artifact's id, where there is one.
    pub subject: Option<String>,
    pub kind: ErrorKind,
}

/// Why a call failed.
#[derive(Debug, Clone)]
pub enum ErrorKind {
    /// The config says `read_only`: nothing was sent.
    ReadOnly,
    Secret(SecretError),
    /// The identity domain said no.
    SignIn {
        status: u16,
        words: String,
    },
    /// Nobody is signed in: why.
    NotSignedIn(String),
    /// The key for a JWT assertion cannot sign.
    SigningKey(String),
    /// No connection came about.
    Connect(String),
    Certificate(String),
    Timeout(Duration),
    /// The call was not sent: the environment answered no other call for so long.
    NoTurn(Duration),
    /// The connection broke, or the answer was cut off.
    Broken(String),
    /// The service answered with an error.
    Status {
        status: u16,
        words: String,
        code: Option<String>,
        request_id: Option<String>,
        /// Whether it was a web page: then it may be from a host between.
        page: bool,
    },
    /// An answer that is no JSON, such as a proxy's page.
    NotJson {
        content_type: String,
        start: String,
    },
    /// JSON, but not what the reference says.
    Unexpected(String),
    TooLarge(u64),
    /// A change was redirected to a host that is not this service.
    ForeignRedirect(String),
}

impl OicError {
    /// The HTTP status of the answer; none where no answer came.
    pub fn status(&self) -> Option<u16> {
        match self.kind {
            ErrorKind::Status { status, .. } | ErrorKind::SignIn { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether a call that was sent may have taken effect although no good answer came.
    pub fn is_ambiguous(&self) -> bool {
        match self.kind {
            ErrorKind::Timeout(_)
            | ErrorKind::Broken(_)
            | ErrorKind::NotJson { .. }
            | ErrorKind::Unexpected(_) => true,
            ErrorKind::Status { status, .. } => {
                status >= 500 && !self.refusal().is_some_and(Refusal::is_final)
            }
            _ => false,
        }
    }

    /// Whether nothing was heard of the service: the next call would hear as little.
    pub fn is_silence(&self) -> bool {
        use ErrorKind::{Broken, Connect, NoTurn, Timeout};
        matches!(self.kind, Timeout(_) | NoTurn(_) | Broken(_) | Connect(_))
    }

    /// Why the service said no; none where it did not answer with an error.
    pub fn refusal(&self) -> Option<Refusal> {
        self.kind.refusal()
    }

    /// Whether the service says for certain that it has no such call. A 404 may also mean that what
    /// was asked about is gone, or hidden from the role.
    pub fn says_not_offered(&self) -> bool {
        matches!(self.status(), Some(405 | 501))
    }

    /// The answer that a call gave, or in a few words why it gave none.
    pub fn answer<T>(result: Result<T, Self>) -> Answer<T> {
        Answer::from(result.map_err(|e| e.reason()))
    }

    /// The reason alone, in a few words for a column's head.
    pub fn reason(&self) -> String {
        match &self.kind {
            ErrorKind::ReadOnly => "read-only".into(),
            ErrorKind::Secret(_) => "secret not readable".into(),
            ErrorKind::SignIn { status, .. } => format!("sign-in refused ({status})"),
            ErrorKind::NotSignedIn(_) => "nobody is signed in".into(),
            ErrorKind::SigningKey(_) => "signing key not usable".into(),
            ErrorKind::Connect(_) => "cannot connect".into(),
            ErrorKind::Certificate(_) => "certificate refused".into(),
            ErrorKind::Timeout(_) | ErrorKind::NoTurn(_) => "no answer in time".into(),
            ErrorKind::Broken(_) => "connection broke".into(),
            ErrorKind::Status { status, .. } => match self.refusal().and_then(Refusal::short) {
                Some(short) => format!("{short} ({status})"),
                None => format!("HTTP {status}"),
            },
            ErrorKind::NotJson { .. } => "answered with a web page".into(),
            ErrorKind::Unexpected(_) => "unexpected answer".into(),
            ErrorKind::TooLarge(_) => "answer too large".into(),
            ErrorKind::ForeignRedirect(_) => "redirected elsewhere".into(),
        }
    }

    /// What a person can try.
    pub fn advice(&self) -> &'static str {
        match &self.kind {
            ErrorKind::ReadOnly => {
                "set read_only = false for this environment if changes are meant"
            }
            ErrorKind::Secret(_) => {
                "check the secret's place in the config; `oicx doctor` tries it"
            }
            ErrorKind::SignIn { status, words } => sign_in_advice(*status, words),
            ErrorKind::NotSignedIn(_) => "`oicx login ENV` signs in with a browser",
            ErrorKind::SigningKey(_) => {
                "private_key must be an RSA key in PEM form, and its certificate imported in the \
                    identity domain"
            }
            ErrorKind::Connect(_) => {
                "check url, VPN and proxy (HTTPS_PROXY); `oicx doctor` tries the host"
            }
            ErrorKind::Certificate(why) => certificate_advice(why),
            ErrorKind::Timeout(_) | ErrorKind::NoTurn(_) => {
                "the service is slow or a firewall drops the call; try again"
            }
            ErrorKind::Broken(_) => "try again; if it fails again, check VPN and proxy",
            ErrorKind::Status { .. } => self.refusal().unwrap_or(Refusal::Unknown).advice(),
            ErrorKind::NotJson { .. } => {
                "a proxy or sign-in page stands between: check url and VPN"
            }
            ErrorKind::Unexpected(_) => {
                "the service may speak a newer version; run with -v and report it"
            }
            ErrorKind::TooLarge(_) => "this is more than any export known; check url",
            ErrorKind::ForeignRedirect(_) => {
                "the token is given to no other host: set url to the one that is named, if it is \
                 this environment's"
            }
        }
    }
}

impl ErrorKind {
    /// Why the service said no; none where it did not answer with an error.
    pub fn refusal(&self) -> Option<Refusal> {
        let Self::Status { status, words, code, page, .. } = self else { return None };
        let code = code.as_deref();
        Some(Refusal::of(RefusedAnswer { status: *status, words, code, page: *page }))
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => {
                write!(f, "this environment is read-only in the config; nothing was sent")
            }
            Self::Secret(e) => write!(f, "{e}"),
            Self::SignIn { status, words } => write!(f, "sign-in refused ({status}): {words}"),
            Self::NotSignedIn(why) => write!(f, "nobody is signed in: {why}"),
            Self::SigningKey(why) => write!(f, "the assertion cannot be signed: {why}"),
            Self::Connect(why) => write!(f, "cannot connect: {why}"),
            Self::Certificate(why) => write!(f, "the server's certificate is refused: {why}"),
            Self::Timeout(after) => write!(f, "no answer within {} s", after.as_secs_f32().ceil()),
            Self::NoTurn(after) => write!(
                f,
                "nothing was sent: no other call was answered for {} s",
                after.as_secs_f32().ceil()
            ),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
            Self::Status { status, words, code, request_id, .. } => {
                let reason =
                    reqwest::StatusCode::from_u16(*status).ok().and_then(|s| s.canonical_reason());
                let reason = reason.unwrap_or_default();
                write!(f, "{status} {reason}")?;
                // The title of a web page often says the number again.
                if !words.is_empty() && *words != format!("{status} {reason}") {
                    write!(f, ": {words}")?;
                }
                code.iter().try_for_each(|c| write!(f, " [{c}]"))?;
                request_id.iter().try_for_each(|id| write!(f, " (opc-request-id {id})"))
            }
            Self::NotJson { content_type, start } => {
                write!(f, "a page of type {content_type} came where JSON was due: {start}")
            }
            Self::Unexpected(why) => write!(f, "the answer is not what the reference says: {why}"),
            Self::TooLarge(bytes) => write!(f, "the answer is larger than {} MB", bytes >> 20),
            Self::ForeignRedirect(host) => {
                write!(
                    f,
                    "url leads to {host}, to which the token is not given; nothing was done there"
                )
            }
        }
    }
}

impl fmt::Display for OicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.environment, self.action)?;
        self.subject.iter().try_for_each(|s| write!(f, " {}", visible(s)))?;
        write!(f, ": {}", self.kind)
    }
}

impl std::error::Error for OicError {}

/// What to do about a certificate, by why it is refused: only one whose issuer nobody here knows
/// may be one to trust.
fn certificate_advice(why: &str) -> &'static str {
    let why = why.to_ascii_lowercase().replace(' ', "");
    let says = |word: &str| why.contains(word);
    if says("expired") {
        "the host's certificate has expired: whoever runs the host must renew it; do not trust it, \
         and check this machine's clock"
    } else if says("notvalidyet") {
        "the certificate is not valid yet: check this machine's clock"
    } else if says("notvalidforname") {
        "the certificate is another host's: check url, and whether a proxy answers for it"
    } else if says("revoked") {
        "the certificate was revoked: do not trust it; ask whoever runs the host"
    } else {
        "a proxy may stand between: add its certificate to this machine's trust store, or name a \
         file with it in SSL_CERT_FILE"
    }
}

/// Sorts an error of the HTTP library.
pub fn classify(error: &reqwest::Error, timeout: Duration) -> ErrorKind {
    let chain = innermost(error);
    if chain.to_ascii_lowercase().contains("certificate") {
        ErrorKind::Certificate(chain)
    } else if error.is_connect() {
        // A connection that took too long, too: nothing was sent.
        ErrorKind::Connect(chain)
    } else if error.is_timeout() {
        ErrorKind::Timeout(timeout)
    } else {
        ErrorKind::Broken(chain)
    }
}

/// The last words of the chain of causes: `Connection refused (os error 111)`. The outer ones
/// repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    visible(&cause.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::expired("invalid peer certificate: certificate expired: verification time 1", "renew")]
    #[case::expired_in_one_word("invalid peer certificate: Expired", "renew")]
    #[case::not_valid_yet("invalid peer certificate: NotValidYet", "clock")]
    #[case::another_host("invalid peer certificate: certificate not valid for name \"a\"", "url")]
    #[case::revoked("invalid peer certificate: Revoked", "do not trust")]
    #[case::unknown_issuer("invalid peer certificate: UnknownIssuer", "trust store")]
    fn only_an_unknown_issuer_is_advised_to_be_trusted(#[case] why: &str, #[case] says: &str) {
        let advice = certificate_advice(why);
        assert!(advice.contains(says), "{advice}");
        assert_eq!(advice.contains("trust store"), why.contains("UnknownIssuer"));
    }
}
