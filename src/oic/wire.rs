//! Reads the service's JSON in all forms that occur: kebab-case or camelCase names, errors in
//! several shapes.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ErrorKind;
use crate::model::{ArtifactState, IntegrationId, Scope, Status, parse_service_time, visible};

/// Parses an answer.
///
/// # Errors
/// [`ErrorKind::NotJson`] for anything that is no JSON, with how it begins.
pub fn parse(bytes: &[u8], content_type: &str) -> Result<Value, ErrorKind> {
    serde_json::from_slice(bytes).map(camel_keys).map_err(|_| {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
        ErrorKind::NotJson {
            content_type: visible(content_type).into_owned(),
            start: visible(start.trim()).into_owned(),
        }
    })
}

/// Reads parsed JSON into a type.
pub fn shape<T: DeserializeOwned>(value: Value) -> Result<T, ErrorKind> {
    serde_json::from_value(value).map_err(|e| ErrorKind::Unexpected(e.to_string()))
}

/// The records of a list, under the first of these names. A list without records may leave them
/// out; an answer that has something else in their place is no list.
///
/// # Errors
/// [`ErrorKind::Unexpected`] with the fields that were there: an empty list would be shown for a
/// full one.
pub fn items(value: &Value, names: &[&str]) -> Result<Vec<Value>, ErrorKind> {
    const OF_PAGING: [&str; 8] = [
        "hasMore",
        "limit",
        "offset",
        "links",
        "count",
        "totalResults",
        "totalRecordsCount",
        "orderBy",
    ];
    let object = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(bare) => return Ok(bare.clone()),
        Value::Object(object) => object,
        other => return Err(ErrorKind::Unexpected(format!("a list was expected, not {other}"))),
    };
    let named = || names.iter().filter_map(|name| object.get(*name));
    if let Some(found) = named().find(|found| !found.is_null()) {
        return shape(found.clone());
    }
    if named().next().is_some() {
        return Ok(Vec::new());
    }
    let total =
        ["totalResults", "totalRecordsCount", "count"].iter().find_map(|k| value[*k].as_u64());
    // An object that only repeats how the list was asked for is an empty list.
    let plain = |(key, value): (&String, &Value)| {
        OF_PAGING.contains(&key.as_str()) || !(value.is_array() || value.is_object())
    };
    let known = object.iter().all(plain);
    match (total, known) {
        (Some(0), _) | (None, true) => Ok(Vec::new()),
        _ => {
            Err(ErrorKind::Unexpected(format!("it has no list of records, but {}", fields(value))))
        }
    }
}

/// What a person would miss, of all records of a list: groups of names for one thing, of which no
/// record has any. In words, with the fields that are there; none where nothing is missing.
pub fn missing(items: &[Value], expected: &[&[&str]]) -> Option<String> {
    let lacks = |names: &&&[&str]| {
        !items.iter().any(|item| names.iter().any(|name| item.get(*name).is_some()))
    };
    let gone: Vec<&str> = expected.iter().filter(lacks).map(|names| names[0]).collect();
    let first = items.first().filter(|_| !gone.is_empty())?;
    Some(format!("no record has {}; they have {}", gone.join(", "), fields(first)))
}

/// The first of these fields that holds a text; empty where none does.
pub fn text(item: &Value, keys: &[&str]) -> String {
    let found = keys.iter().find_map(|k| item[*k].as_str().filter(|t| !t.is_empty()));
    visible(found.unwrap_or_default()).into_owned()
}

/// The id of an integration: one of the fields `ids` has it whole, or one of `codes` the code
/// beside a version.
pub fn integration_id(item: &Value, ids: &[&str], codes: &[&str]) -> Option<IntegrationId> {
    let id = match text(item, ids).parse::<IntegrationId>() {
        Ok(id) => id,
        Err(_) => {
            let code = Some(text(item, codes)).filter(|code| !code.is_empty())?;
            let version = text(item, &["integrationVersion", "version"]).parse().ok()?;
            IntegrationId::new(code, version)
        }
    };
    Some(in_its_project(id, item))
}

/// The id within the project that an answer names beside it, where the id itself names none.
pub fn in_its_project(id: IntegrationId, item: &Value) -> IntegrationId {
    let project = text(item, &["projectCode", "projectId"]);
    match id.scope.is_global() && !project.is_empty() {
        true => id.within(Scope::of_project(project.as_str())),
        false => id,
    }
}

/// Whether what a list of a scope has is in that scope: an instance may list what is in projects in
/// the global space too, told apart by `projectId`.
pub fn is_listed_in(scope: &Scope, item: &Value) -> bool {
    !scope.is_global() || item["projectId"].as_str().is_none_or(str::is_empty)
}

/// Reads the records of a list. One that cannot be read is left out, with a line in the log that
/// names the fields it has; their values stay out of it.
///
/// # Errors
/// Where there are records and none can be read: an empty list would be shown for a full one.
pub fn records<T>(
    items: &[Value],
    action: &str,
    read: impl Fn(&Value) -> Option<T>,
    left_out: impl Fn(String),
) -> Result<Vec<T>, ErrorKind> {
    let mut all = Vec::with_capacity(items.len());
    let mut dropped = None;
    for item in items {
        match read(item) {
            Some(record) => all.push(record),
            None => {
                let what = format!("{action}: a record is left out; it has {}", fields(item));
                tracing::warn!("{what}");
                left_out(what);
                dropped.get_or_insert(item);
            }
        }
    }
    match dropped {
        Some(item) if all.is_empty() => Err(ErrorKind::Unexpected(format!(
            "none of {} records can be read; they have {}",
            items.len(),
            fields(item)
        ))),
        _ => Ok(all),
    }
}

/// The names of an object's fields, as many as fit in a line.
fn fields(item: &Value) -> String {
    const MOST: usize = 20;
    let Some(object) = item.as_object() else { return "no fields".into() };
    let names: Vec<_> = object.keys().take(MOST).map(|k| visible(k).into_owned()).collect();
    if names.is_empty() { "no fields".into() } else { names.join(", ") }
}

/// A time as an answer has it: text, or milliseconds since 1970.
pub fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse_service_time(text),
        other => other.as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok()),
    }
}

/// Turns `has-more` into `hasMore`, at every depth. The reference prints the former, the service
/// sends the latter.
fn camel_keys(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().map(|(k, v)| (camel(k), camel_keys(v))).collect(),
        Value::Array(items) => items.into_iter().map(camel_keys).collect(),
        other => other,
    }
}

fn camel(key: String) -> String {
    if !key.contains('-') {
        return key;
    }
    let mut out = String::with_capacity(key.len());
    let mut upper = false;
    for c in key.chars() {
        if c == '-' {
            upper = true;
        } else {
            out.push(if std::mem::take(&mut upper) { c.to_ascii_uppercase() } else { c });
        }
    }
    out
}

/// The words and code of an error's body, which is JSON in one of two shapes, or a page.
pub fn error_words(bytes: &[u8]) -> (String, Option<String>) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
        return (page_title(&text).unwrap_or_default(), None);
    };
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
            .map(|t| visible(t).into_owned())
    };
    let words = text("detail")
        .or_else(|| text("message"))
        .or_else(|| text("error_description"))
        .or_else(|| text("title"));
    let code = text("o:errorCode").or_else(|| text("errorCode")).or_else(|| text("error"));
    (words.unwrap_or_default(), code)
}

/// The title of an HTML page, which is all a person wants of it.
fn page_title(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = lower[start..].find('<')? + start;
    Some(visible(text.get(start..end)?.trim()).into_owned())
}

/// The facts that every list gives of an artifact, whatever its kind. A project has its times and
/// lock in `state` (docs/projects.md, Project calls); a library may have `lastUpdatedDate`.
pub fn state(item: &Value, status: Status) -> ArtifactState {
    let text = |key: &str| {
        let text = item[key].as_str().filter(|t| !t.is_empty())?;
        Some(visible(text).into_owned())
    };
    let nested = &item["state"];
    let text_in = |value: &Value| {
        let text = value.as_str().filter(|t| !t.is_empty())?;
        Some(visible(text).into_owned())
    };
    let locked = item["lockedFlag"].as_bool().unwrap_or(false)
        || nested["locked"] == true
        || nested["lockStatus"] == "LOCKED";
    let prebuilt = ["type", "projectType"].iter().any(|k| item[*k] == "PREBUILT");
    // Oracle's own projects are accelerators, in lists also `BA`.
    let accelerator = item["type"] == "ACCELERATOR" || item["type"] == "BA";
    ArtifactState {
        status,
        last_updated: ["lastUpdated", "lastUpdatedDate"]
            .iter()
            .find_map(|k| time(&item[*k]))
            .or_else(|| time(&nested["updated"]["date"])),
        last_updated_by: text("lastUpdatedBy").or_else(|| text_in(&nested["updated"]["by"])),
        locked_by: locked
            .then(|| text("lockedBy").or_else(|| text_in(&nested["lockedBy"])).unwrap_or_default()),
        unsaved_by: (item["tempCopyExists"] == true).then(|| text("lockedBy").unwrap_or_default()),
        prebuilt: prebuilt || item["readOnly"] == true || accelerator,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::a_list(json!({ "items": [1, 2] }), Ok(2))]
    #[case::under_another_known_name(json!({ "records": [1] }), Ok(1))]
    #[case::a_bare_list(json!([1]), Ok(1))]
    #[case::an_empty_body(Value::Null, Ok(0))]
    #[case::nothing_in_it(json!({ "items": null, "hasMore": false }), Ok(0))]
    #[case::left_out(json!({ "hasMore": false, "links": [] }), Ok(0))]
    #[case::left_out_and_counted(json!({ "totalResults": 0, "more": 1 }), Ok(0))]
    #[case::the_second_name(json!({ "items": null, "records": [1] }), Ok(1))]
    #[case::how_it_was_asked(json!({ "timeWindow": "1d", "links": [] }), Ok(0))]
    #[case::another_name(json!({ "elements": [1], "hasMore": false }), Err("elements, hasMore"))]
    #[case::counted_and_not_there(json!({ "totalResults": 3 }), Err("totalResults"))]
    #[case::no_list(json!("moment"), Err("a list was expected"))]
    fn a_list_is_empty_only_where_it_says_so(
        #[case] answer: Value,
        #[case] wanted: Result<usize, &str>,
    ) {
        match (items(&answer, &["items", "records"]), wanted) {
            (Ok(found), Ok(count)) => assert_eq!(found.len(), count),
            (Err(ErrorKind::Unexpected(why)), Err(says)) => assert!(why.contains(says), "{why}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn what_no_record_has_is_named_with_what_is_there() {
        let expected: &[&[&str]] = &[&["status", "state"], &["lastUpdated"]];
        let whole = [json!({ "state": "x" }), json!({ "lastUpdated": 1 })];
        assert_eq!(missing(&whole, expected), None);
        assert_eq!(missing(&[], expected), None, "an empty list tells nothing");
        let without = missing(&[json!({ "id": 1, "state": "x" })], expected).unwrap();
        assert_eq!(without, "no record has lastUpdated; they have id, state");
    }

    #[test]
    fn both_ways_of_writing_names_are_read() {
        let kebab =
            parse(br#"{"has-more":true,"items":[{"last-updated-by":"x"}]}"#, "application/json")
                .unwrap();
        assert_eq!(kebab, json!({"hasMore": true, "items": [{"lastUpdatedBy": "x"}]}));
    }

    #[test]
    fn a_list_of_which_nothing_can_be_read_is_not_empty() {
        let read = |item: &Value| item["id"].as_str().map(str::to_owned);
        let one = [json!({ "id": "A" }), json!({ "code": "secret" })];
        assert_eq!(records(&one, "x", read, |_| ()).unwrap(), ["A"]);
        assert!(records(&[], "x", read, |_| ()).unwrap().is_empty());
        let why = records(&one[1..], "x", read, |_| ()).unwrap_err().to_string();
        assert!(why.contains("none of 1 records") && why.contains("code"), "{why}");
        assert!(!why.contains("secret"), "{why}");
    }

    #[test]
    fn errors_of_every_shape_give_their_words() {
        let words = |text: &str| error_words(text.as_bytes());
        assert_eq!(
            words(r#"{"title":"T","detail":"D","o:errorCode":"C","status":404}"#),
            ("D".into(), Some("C".into()))
        );
        assert_eq!(
            words(r#"{"status":"HTTP 409 Conflict","errorCode":"C","message":"M"}"#),
            ("M".into(), Some("C".into()))
        );
        assert_eq!(words("<html><title>Bad Gateway</title>"), ("Bad Gateway".into(), None));
        assert_eq!(words(""), (String::new(), None));
    }

    #[test]
    fn a_page_where_json_was_due_is_named() {
        let error = parse(b"<!DOCTYPE html>\n<html>", "text/html").unwrap_err().to_string();
        assert!(error.contains("text/html") && error.contains("<!DOCTYPE html>␊<html>"), "{error}");
    }
}
