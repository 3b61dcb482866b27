//! Why the simulated service says no.

/// Why the service says no: the HTTP status and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRefusal {
    pub status: u16,
    pub code: &'static str,
    pub words: String,
}

/// A refusal as a `Result`, to be returned: the HTTP status, the error code of the service, and its
/// words.
pub fn refuse<T>(
    status: u16,
    code: &'static str,
    words: impl Into<String>,
) -> Result<T, ServiceRefusal> {
    Err(ServiceRefusal { status, code, words: words.into() })
}
