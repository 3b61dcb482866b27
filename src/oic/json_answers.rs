//! What a call answers as JSON: one document, or the records of a list.

use reqwest::header;
use serde_json::Value;

use super::{
    answer_headers::header_text,
    client::{Client, RequestSpec},
    error::OicError,
    request_spec::ApiResponse,
    wire,
};

impl Client {
    /// Makes a call and parses the answer as JSON.
    pub(super) async fn json(&self, call: RequestSpec) -> Result<Value, OicError> {
        let (action, subject) = (call.action, call.subject.clone());
        self.parsed(action, subject, &self.send(call).await?)
    }

    /// [`Self::json`] of a call whose success may have an empty body: none where it has
    /// (docs/oic-rest-api.md, Field names and times).
    pub(super) async fn json_if_any(&self, call: RequestSpec) -> Result<Option<Value>, OicError> {
        let (action, subject) = (call.action, call.subject.clone());
        let answer = self.send(call).await?;
        let any = !answer.bytes.is_empty();
        any.then(|| self.parsed(action, subject, &answer)).transpose()
    }

    fn parsed(
        &self,
        action: &'static str,
        subject: Option<String>,
        answer: &ApiResponse,
    ) -> Result<Value, OicError> {
        let content_type = header_text(&answer.headers, header::CONTENT_TYPE.as_str());
        wire::parse(&answer.bytes, content_type).map_err(|kind| self.error(action, subject, kind))
    }

    /// Reads the records of a list as [`wire::records`] does.
    ///
    /// # Errors
    /// Where there are records and none can be read.
    pub(super) fn records<T>(
        &self,
        action: &'static str,
        subject: Option<String>,
        items: &[Value],
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, OicError> {
        let dropped = |why: String| self.if_recording(|recording| recording.unread.push(why));
        let read = wire::records(items, action, read, dropped);
        read.map_err(|kind| self.error(action, subject, kind))
    }

    /// Notes what no record of a list has although it should be there, each time as groups of names
    /// for one thing: a line in the log, and in a transcript's check.
    pub(super) fn expects(&self, action: &'static str, items: &[Value], expected: &[&[&str]]) {
        if let Some(missing) = wire::missing(items, expected) {
            let what = format!("{action}: {missing}");
            tracing::warn!(environment = %self.name(), "{what}");
            self.if_recording(|recording| recording.unread.push(what));
        }
    }
}
