//! Smoke calls: the config's calls to the runtime host, which show that a flow works.

use serde_json::Value;

use super::error::SmokeError;
use crate::config::Smoke;
use crate::model::visible;
use crate::oic::Client;

/// Makes one call and compares its answer.
///
/// # Errors
/// Where the answer is not the expected one, or none came.
pub(super) async fn call(client: &Client, smoke: &Smoke) -> Result<String, SmokeError> {
    let call = format!("{} {}", smoke.method, smoke.path);
    let body = match &smoke.body {
        Some(path) => {
            let read = tokio::fs::read(path).await;
            Some(read.map_err(|why| SmokeError::Body { path: path.clone(), why })?)
        }
        None => None,
    };
    let answer = client.call_flow(&smoke.method, &smoke.path, body.map(Into::into)).await;
    let (found, bytes) = answer?;
    if found != smoke.status {
        let (wanted, answer) = (smoke.status, start_of(&bytes));
        return Err(SmokeError::Status { call, found, wanted, answer });
    }
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    for (path, wanted) in &smoke.json {
        let text = match at(&value, path) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => {
                let (path, answer) = (path.clone(), start_of(&bytes));
                return Err(SmokeError::NoField { call, path, answer });
            }
        };
        if text != *wanted {
            let (path, wanted) = (path.clone(), wanted.clone());
            let found = visible(&text).into_owned();
            return Err(SmokeError::Field { call, path, found, wanted });
        }
    }
    let fields = if smoke.json.is_empty() {
        String::new()
    } else {
        format!(", {} as expected", smoke.json.len())
    };
    Ok(format!("{call}: {found}{fields}"))
}

/// The value at a path such as `items.0.name`.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |at, part| match at {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })
}

fn start_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(160)]);
    let text = visible(text.trim()).into_owned();
    if text.is_empty() { text } else { format!(": {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_into_objects_and_lists() {
        let value = serde_json::json!({ "items": [{ "name": "a" }], "ok": true });
        assert_eq!(at(&value, "items.0.name"), Some(&Value::String("a".into())));
        assert_eq!(at(&value, "ok"), Some(&Value::Bool(true)));
        assert_eq!(at(&value, "items.1.name"), None);
    }
}
