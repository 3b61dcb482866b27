//! Calls on the runtime host that show that a flow works, as the config says.

use serde_json::Value;

use crate::config::Smoke;
use crate::model::visible;
use crate::oic::Client;

/// Makes one call and compares its answer.
///
/// # Errors
/// In words: what came instead, or why no answer came.
pub(super) async fn call(client: &Client, smoke: &Smoke) -> Result<String, String> {
    let what = format!("{} {}", smoke.method, smoke.path);
    let body = match &smoke.body {
        Some(path) => {
            let read = tokio::fs::read(path).await;
            Some(read.map_err(|e| {
                format!("the smoke call's body {} cannot be read: {e}", path.display())
            })?)
        }
        None => None,
    };
    let answer = client.call_flow(&smoke.method, &smoke.path, body.map(Into::into)).await;
    let (status, bytes) = answer.map_err(|e| format!("{e} → {}", e.advice()))?;
    if status != smoke.status {
        return Err(format!(
            "{what} answered {status} instead of {}{}",
            smoke.status,
            start_of(&bytes)
        ));
    }
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    for (path, wanted) in &smoke.json {
        let found = at(&value, path);
        let text = match found {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => return Err(format!("the answer of {what} has no {path}{}", start_of(&bytes))),
        };
        if text != *wanted {
            return Err(format!(
                "{path} in the answer of {what} is {} instead of {wanted}",
                visible(&text)
            ));
        }
    }
    let fields = if smoke.json.is_empty() {
        String::new()
    } else {
        format!(", {} as expected", smoke.json.len())
    };
    Ok(format!("{what}: {status}{fields}"))
}

/// `items.0.name`
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
