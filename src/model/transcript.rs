//! What calls answered, kept so that somebody else can see the shapes of a service without seeing
//! what is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One call and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    pub method: String,
    /// Below the API's base, as it was sent.
    pub path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    pub status: u16,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    pub body: RecordedBody,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedBody {
    Empty,
    Json(Value),
    /// Text that is no JSON: what it is, not what it says.
    Other {
        bytes: usize,
    },
}

/// The first line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptHead {
    /// The number of the format; its key marks the file.
    pub oicx_transcript: u32,
    pub made_by: String,
}

impl TranscriptHead {
    pub const FORMAT: u32 = 1;
}

/// A transcript: one call a line, so that half a file is half the calls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    pub calls: Vec<Exchange>,
    /// Lines that could not be read, with their number and why.
    pub unread: Vec<(usize, String)>,
}

/// Why a file is no transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    #[error("it is not a transcript: its first line does not say oicx_transcript")]
    NoHead,
    #[error("it is a transcript of format {0}, and this program knows up to {known}", known = TranscriptHead::FORMAT)]
    Newer(u32),
    #[error("no call in it can be read")]
    Empty,
}

impl Transcript {
    /// Reads a transcript. Lines that cannot be read, such as one that is cut off, are told in
    /// [`Self::unread`].
    ///
    /// # Errors
    /// [`TranscriptError`].
    pub fn parse(text: &str) -> Result<Self, TranscriptError> {
        let mut lines = text.lines().enumerate();
        let head = lines.next().and_then(|(_, line)| serde_json::from_str(line).ok());
        let head: TranscriptHead = head.ok_or(TranscriptError::NoHead)?;
        if head.oicx_transcript > TranscriptHead::FORMAT {
            return Err(TranscriptError::Newer(head.oicx_transcript));
        }
        let mut this = Self::default();
        for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(call) => this.calls.push(call),
                Err(e) => this.unread.push((at + 1, e.to_string())),
            }
        }
        if this.calls.is_empty() {
            return Err(TranscriptError::Empty);
        }
        Ok(this)
    }

    /// The text of these calls.
    pub fn text(calls: &[Exchange]) -> String {
        let head = TranscriptHead {
            oicx_transcript: TranscriptHead::FORMAT,
            made_by: concat!("oicx ", env!("CARGO_PKG_VERSION")).into(),
        };
        // Plain data with text keys: serialising it cannot fail.
        let mut out = serde_json::to_string(&head).unwrap_or_default();
        out.push('\n');
        for call in calls {
            out.push_str(&serde_json::to_string(call).unwrap_or_default());
            out.push('\n');
        }
        out
    }
}
