//! Blanks a transcript: shapes stay, and every name is replaced by another, the same one each time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::{Map, Value};

use crate::model::{Exchange, RecordedBody, parse_service_time};

/// Fields whose values are the service's own words.
const WORDS: [&str; 30] = [
    "status",
    "state",
    "activationStatus",
    "scheduleStatus",
    "lockStatus",
    "pattern",
    "style",
    "type",
    "projectType",
    "role",
    "propertyType",
    "category",
    "action",
    "actionType",
    "objectType",
    "origin",
    "mepType",
    "frequency",
    "frequencyType",
    "scheduleTZ",
    "rel",
    "method",
    "mediaType",
    "replay",
    "errorCode",
    "o:errorCode",
    "title",
    "orderBy",
    "propertyName",
    "timeWindow",
];

/// Segments of paths that are the service's own.
const SEGMENTS: [&str; 36] = [
    "integrations",
    "projects",
    "connections",
    "lookups",
    "libraries",
    "packages",
    "certificates",
    "agentgroups",
    "agents",
    "monitoring",
    "instances",
    "errors",
    "auditRecords",
    "recoveryJobs",
    "archive",
    "schedule",
    "futureruns",
    "parameters",
    "activationStatus",
    "activationErrors",
    "deployments",
    "acl",
    "usage",
    "test",
    "jobs",
    "start",
    "stop",
    "pause",
    "resume",
    "copy",
    "history",
    "logs",
    "attachments",
    "ic",
    "api",
    "v1",
];

static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(.*)\|(\d{1,2}\.\d{1,2}\.\d{1,4})(?:\|(.*))?$").ok());
static MAIL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[^@\s]+@[^@\s]+$").ok());

/// A blanked transcript, and what was replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Blanked {
    pub calls: Vec<Exchange>,
    /// How many names of each sort were replaced.
    pub names: usize,
    pub hosts: usize,
    pub mails: usize,
}

/// Replaces every name, host, id and mail address, each by the same word wherever it stands.
pub fn blank(calls: &[Exchange]) -> Blanked {
    let mut words = Replacements::default();
    let calls = calls.iter().map(|call| words.exchange(call)).collect();
    Blanked { calls, names: words.names.len(), hosts: words.hosts.len(), mails: words.mails.len() }
}

#[derive(Debug, Default)]
struct Replacements {
    names: BTreeMap<String, String>,
    hosts: BTreeMap<String, String>,
    mails: BTreeMap<String, String>,
}

impl Replacements {
    fn exchange(&mut self, call: &Exchange) -> Exchange {
        Exchange {
            method: call.method.clone(),
            path: self.path(&call.path),
            query: call.query.iter().map(|(k, v)| (k.clone(), self.query(k, v))).collect(),
            status: call.status,
            content_type: call.content_type.clone(),
            body: match &call.body {
                RecordedBody::Json(value) => RecordedBody::Json(self.value("", value)),
                other => other.clone(),
            },
        }
    }

    fn path(&mut self, path: &str) -> String {
        let segment = |this: &mut Self, segment: &str| {
            if segment.is_empty() || SEGMENTS.contains(&segment) {
                return segment.to_owned();
            }
            let plain = percent_decoded(segment);
            crate::model::path_segment(&this.text(&plain))
        };
        path.split('/').map(|s| segment(self, s)).collect::<Vec<_>>().join("/")
    }

    /// A query is the service's own language, with names in quotes.
    fn query(&mut self, key: &str, value: &str) -> String {
        if key != "q" {
            return match value.parse::<i64>().is_ok() || WORDS.contains(&key) {
                true => value.to_owned(),
                false => self.text(value),
            };
        }
        let mut out = String::new();
        for (at, part) in value.split('\'').enumerate() {
            if at > 0 {
                out.push('\'');
            }
            match at % 2 {
                0 => out.push_str(part),
                _ => out.push_str(&self.quoted(part)),
            }
        }
        out
    }

    /// Words of the query's language stay: a window, a status.
    fn quoted(&mut self, part: &str) -> String {
        const KEPT: [&str; 8] =
            ["1h", "6h", "1d", "2d", "3d", "RETENTIONPERIOD", "FAILED", "COMPLETED"];
        let is_number = part.parse::<i64>().is_ok();
        match KEPT.contains(&part) || is_number || is_a_time(part) || is_a_version(part) {
            true => part.to_owned(),
            false => self.text(part),
        }
    }

    fn value(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => Value::String(self.field(key, text)),
            Value::Array(all) => all.iter().map(|one| self.value(key, one)).collect(),
            Value::Object(fields) => Value::Object(self.object(key, fields)),
        }
    }

    /// The keys of an object are the service's, but where they are names: values of parameters.
    fn object(&mut self, key: &str, fields: &Map<String, Value>) -> Map<String, Value> {
        let named = key == "scheduleParams";
        let one = |(k, v): (&String, &Value)| {
            let name = if named || !is_a_field(k) { self.text(k) } else { k.clone() };
            (name, self.value(k, v))
        };
        fields.iter().map(one).collect()
    }

    fn field(&mut self, key: &str, text: &str) -> String {
        let is_word =
            text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphabetic() || "_ -".contains(c));
        if text.is_empty() || (WORDS.contains(&key) && is_word) || is_plain(text) {
            return text.to_owned();
        }
        self.text(text)
    }

    /// Another text for this one, of the same sort.
    fn text(&mut self, text: &str) -> String {
        if text.is_empty() || is_plain(text) {
            return text.to_owned();
        }
        if let Some(found) = VERSION.as_ref().and_then(|v| v.captures(text)) {
            let project = found.get(3).map(|p| format!("|{}", self.name(p.as_str())));
            let code = self.name(&found[1]);
            return format!("{code}|{}{}", &found[2], project.unwrap_or_default());
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
            let next = self.hosts.len() + 1;
            let host = self.hosts.entry(host.to_owned());
            let host = host.or_insert_with(|| format!("host{next}.example")).clone();
            // What follows the host holds names.
            return format!("{}://{host}/…", if scheme == "http" { "http" } else { "https" });
        }
        if MAIL.as_ref().is_some_and(|m| m.is_match(text)) {
            let next = self.mails.len() + 1;
            let mail = self.mails.entry(text.to_owned());
            return mail.or_insert_with(|| format!("person{next}@example.com")).clone();
        }
        self.name(text)
    }

    fn name(&mut self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let next = self.names.len() + 1;
        self.names.entry(text.to_owned()).or_insert_with(|| format!("NAME_{next}")).clone()
    }
}

/// A field of the service's: `lastUpdatedBy`, `o:errorCode`.
fn is_a_field(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "-:_".contains(c))
}

/// What names nothing: a number, a time, a version, a truth value.
fn is_plain(text: &str) -> bool {
    text.parse::<f64>().is_ok()
        || matches!(text, "true" | "false" | "null")
        || is_a_time(text)
        || is_a_version(text)
}

fn is_a_time(text: &str) -> bool {
    text.len() >= 10
        && text.starts_with(|c: char| c.is_ascii_digit())
        && parse_service_time(text).is_some()
}

fn is_a_version(text: &str) -> bool {
    text.parse::<crate::model::Version>().is_ok()
}

fn percent_decoded(text: &str) -> String {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    // A segment has no `=` or `&` that is not escaped.
    pairs.map(|(key, _)| key.into_owned()).next().unwrap_or_default()
}

/// The texts of a transcript that must not be in it: what a person's config names.
pub fn leaks<'t>(text: &str, secrets: impl IntoIterator<Item = &'t str>) -> BTreeSet<&'t str> {
    secrets.into_iter().filter(|s| s.len() > 2 && text.contains(*s)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(path: &str, body: Value) -> Exchange {
        Exchange {
            method: "GET".into(),
            path: path.into(),
            query: BTreeMap::new(),
            status: 200,
            content_type: "application/json".into(),
            body: RecordedBody::Json(body),
        }
    }

    #[test]
    fn shapes_and_the_services_words_stay_and_names_are_the_same_everywhere() {
        let list = call(
            "/integrations",
            json!({ "items": [{ "id": "PAY|01.02.0003", "code": "PAY", "version": "01.02.0003",
                "name": "Pay run of Müller AG", "status": "ACTIVATED", "lockedFlag": false,
                "lastUpdatedBy": "j.doe@acme.com", "lastUpdated": "2026-08-06T08:23:54.159+0000",
                "scheduleParams": { "LastRunDate": { "value": "secret" } },
                "links": [{ "rel": "self", "href": "https://acme.example/ic/PAY" }] }],
                "totalResults": 1, "hasMore": false }),
        );
        let one = call("/integrations/PAY%7C01.02.0003", json!({ "state": { "status": "Pay" } }));
        let Blanked { calls, names, hosts, mails } = blank(&[list, one]);
        let RecordedBody::Json(list) = &calls[0].body else { panic!("{calls:?}") };
        let item = &list["items"][0];
        let code = item["code"].as_str().unwrap();
        assert_eq!(item["id"], format!("{code}|01.02.0003"));
        assert_eq!(calls[1].path, format!("/integrations/{code}%7C01.02.0003"));
        assert_eq!(item["status"], "ACTIVATED");
        assert_eq!(item["lastUpdated"], "2026-08-06T08:23:54.159+0000");
        assert_eq!(item["lastUpdatedBy"], "person1@example.com");
        assert_eq!(item["links"][0]["href"], "https://host1.example/…");
        assert_eq!(item["links"][0]["rel"], "self");
        assert_eq!((&list["totalResults"], &list["hasMore"]), (&json!(1), &json!(false)));
        assert_eq!((hosts, mails), (1, 1));
        assert!(names >= 3, "{names}");
        let text = crate::model::Transcript::text(&calls);
        for name in ["PAY", "Müller", "acme", "j.doe", "secret", "LastRunDate"] {
            assert!(!text.contains(name), "{name}: {text}");
        }
    }

    #[test]
    fn names_in_queries_and_paths_are_blanked_too() {
        let mut asked = call("/projects/HR/integrations/PAY%7C01.00.0000/schedule", json!({}));
        let q = "{timewindow:'1h', code:'PAY', version:'01.00.0000', projectCode:'HR', status:'FAILED'}";
        asked.query = BTreeMap::from([("q".into(), q.into()), ("limit".into(), "50".into())]);
        let Blanked { calls, .. } = blank(&[asked]);
        let asked = &calls[0];
        assert!(!asked.path.contains("HR") && !asked.path.contains("PAY"), "{}", asked.path);
        assert!(asked.path.starts_with("/projects/") && asked.path.ends_with("/schedule"));
        let q = &asked.query["q"];
        assert!(q.contains("timewindow:'1h'") && q.contains("status:'FAILED'"), "{q}");
        assert!(!q.contains("PAY") && !q.contains("'HR'"), "{q}");
        assert_eq!(asked.query["limit"], "50");
    }
}
