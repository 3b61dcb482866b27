//! Blanks a transcript: shapes stay, and every name is replaced by another, the same one each time.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value};

use crate::model::{
    Exchange, RecordedBody, Version, parse_service_time, path_segment, segment_name,
};

/// Fields whose values are words of the service in capitals: `STARTING`. One that nobody has heard
/// of is what a transcript is for.
const STATES: [&str; 5] = ["status", "state", "activationStatus", "scheduleStatus", "lockStatus"];

/// Words of the service that say nothing of a person or a company.
const WORDS: [&str; 62] = [
    "Orchestration",
    "Scheduled",
    "FREEFORM",
    "TEMPLATE",
    "DEVELOPED",
    "PREBUILT",
    "ACCELERATOR",
    "BA",
    "user",
    "group",
    "USER",
    "GROUP",
    "SOURCE",
    "TARGET",
    "SOURCE_AND_TARGET",
    "URL",
    "STRING",
    "PASSWORD",
    "CSF_KEY",
    "SECRET",
    "INTEGER",
    "BOOLEAN",
    "CHOICE",
    "ONCE",
    "MINUTELY",
    "HOURLY",
    "DAILY",
    "WEEKLY",
    "MONTHLY",
    "YEARLY",
    "UTC",
    "self",
    "canonical",
    "describedby",
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "CREATE",
    "UPDATE",
    "ACTIVATE",
    "DEACTIVATE",
    "LOCK",
    "UNLOCK",
    "IMPORT",
    "EXPORT",
    "ICS_ProjectV2",
    "ICS_AppInstance",
    "ICS_Schedule",
    "ICS_Lookup",
    "X509",
    "PGP",
    "TRUST",
    "IDENTITY",
    "PUBLIC",
    "PRIVATE",
    "SUCCESS",
    "ERROR",
    "name",
    "time",
    "code",
];

/// Fields whose numbers count or measure, or are times.
const COUNTS: [&str; 24] = [
    "totalResults",
    "totalRecordsCount",
    "limit",
    "offset",
    "count",
    "percentageComplete",
    "noOfMsgsReceived",
    "noOfMsgsProcessed",
    "noOfSuccess",
    "noOfErrors",
    "noOfAborted",
    "successRate",
    "retryCount",
    "interval",
    "size",
    "status",
    "timeStamp",
    "timestamp",
    "lastUpdated",
    "expiryDate",
    "creationDate",
    "usage",
    "usageActive",
    "version",
];

/// Fields that a record of the service has. An object with none of them is a map by names.
const FIELDS: [&str; 55] = [
    "id",
    "code",
    "name",
    "status",
    "state",
    "type",
    "value",
    "version",
    "items",
    "links",
    "href",
    "rel",
    "title",
    "detail",
    "hasMore",
    "totalResults",
    "administrators",
    "editors",
    "viewers",
    "monitors",
    "allowAll",
    "allowed",
    "displayName",
    "propertyName",
    "frequency",
    "frequencyType",
    "locked",
    "by",
    "date",
    "updated",
    "created",
    "labelsRs",
    "activationStatus",
    "errorCode",
    "errorMessage",
    "rowData",
    "columns",
    "columnName",
    "connections",
    "agents",
    "timeStamp",
    "timestamp",
    "operationName",
    "userName",
    "userId",
    "actionType",
    "resourceType",
    "resourceCode",
    "instanceId",
    "creationDate",
    "startDate",
    "icalExpression",
    "noOfErrors",
    "lastUpdated",
    "o:errorCode",
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
    /// How many names, numbers and other texts were replaced.
    pub names: usize,
    pub hosts: usize,
    pub mails: usize,
}

/// Replaces every name, number, host, id and mail address, each by the same word wherever it
/// stands. What stays are times, counts, versions and words of the service. Whatever contains one
/// of the
/// `known` names is replaced in any case.
pub fn blank(calls: &[Exchange], known: &[String]) -> Blanked {
    let known = known.iter().filter(|k| k.len() > 2).map(|k| k.to_lowercase()).collect();
    let mut words = Replacements { known, ..Replacements::default() };
    let calls = calls.iter().map(|call| words.exchange(call)).collect();
    Blanked { calls, names: words.names.len(), hosts: words.hosts.len(), mails: words.mails.len() }
}

#[derive(Debug, Default)]
struct Replacements {
    names: BTreeMap<String, String>,
    hosts: BTreeMap<String, String>,
    mails: BTreeMap<String, String>,
    /// Names that the config has, in small letters.
    known: Vec<String>,
}

impl Replacements {
    fn exchange(&mut self, call: &Exchange) -> Exchange {
        let content_type = call.content_type.split(';').next().unwrap_or_default().trim();
        Exchange {
            method: call.method.clone(),
            path: self.path(&call.path),
            query: call.query.iter().map(|(k, v)| (k.clone(), self.query(k, v))).collect(),
            status: call.status,
            content_type: content_type.to_owned(),
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
            path_segment(&this.text(&segment_name(segment)))
        };
        path.split('/').map(|s| segment(self, s)).collect::<Vec<_>>().join("/")
    }

    /// A query is the service's own language, with names in quotes.
    fn query(&mut self, key: &str, value: &str) -> String {
        if key != "q" {
            let own = value.parse::<i64>().is_ok() || WORDS.contains(&value);
            return if own { value.to_owned() } else { self.text(value) };
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
        let is_limit = part.len() <= 4 && part.parse::<u32>().is_ok();
        match KEPT.contains(&part) || is_limit || is_a_time(part) || is_a_version(part) {
            true => part.to_owned(),
            false => self.text(part),
        }
    }

    fn value(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) if COUNTS.contains(&key) => Value::Number(number.clone()),
            // A number may be somebody's: of a person, a payment, a phone.
            Value::Number(number) => {
                let digits = number.to_string().chars().filter(char::is_ascii_digit).count();
                Value::from("1".repeat(digits.clamp(1, 15)).parse::<u64>().unwrap_or(1))
            }
            Value::String(text) => Value::String(self.field(key, text)),
            Value::Array(all) => all.iter().map(|one| self.value(key, one)).collect(),
            Value::Object(fields) => Value::Object(self.object(key, fields)),
        }
    }

    /// The keys of a record are the service's; those of a map are names, and nothing below them is
    /// known.
    fn object(&mut self, key: &str, fields: &Map<String, Value>) -> Map<String, Value> {
        let is_map =
            key == "scheduleParams" || !fields.keys().any(|k| FIELDS.contains(&k.as_str()));
        let one = |(k, v): (&String, &Value)| {
            if is_map || !is_a_field(k) {
                (self.text(k), self.unknown(v))
            } else {
                (k.clone(), self.value(k, v))
            }
        };
        fields.iter().map(one).collect()
    }

    /// A value of which it is not known what it is: its shape alone stays.
    fn unknown(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.name(text)),
            Value::Array(all) => all.iter().map(|one| self.unknown(one)).collect(),
            Value::Object(fields) => {
                let known = |k: &str| is_a_field(k) && (FIELDS.contains(&k) || k == "defaultValue");
                let mut out = Map::new();
                for (k, v) in fields {
                    let name = if known(k) { k.clone() } else { self.text(k) };
                    out.insert(name, self.unknown(v));
                }
                Value::Object(out)
            }
            other => self.value("", other),
        }
    }

    fn field(&mut self, key: &str, text: &str) -> String {
        let is_state = STATES.contains(&key)
            && text.len() <= 40
            && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let is_count = COUNTS.contains(&key) && text.parse::<f64>().is_ok();
        let stays = text.is_empty()
            || is_state
            || is_count
            || WORDS.contains(&text)
            || matches!(text, "true" | "false")
            || is_a_time(text)
            || is_a_version(text);
        if stays && !self.is_known(text) { text.to_owned() } else { self.text(text) }
    }

    fn is_known(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.known.iter().any(|known| text.contains(known))
    }

    /// Another text for this one, of the same sort.
    fn text(&mut self, text: &str) -> String {
        if text.is_empty() || (is_a_version(text) && !self.is_known(text)) {
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

fn is_a_time(text: &str) -> bool {
    text.len() >= 10
        && text.contains(['-', '/'])
        && text.starts_with(|c: char| c.is_ascii_digit())
        && parse_service_time(text).is_some()
}

fn is_a_version(text: &str) -> bool {
    text.contains('.') && text.parse::<Version>().is_ok()
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
        let Blanked { calls, names, hosts, mails } = blank(&[list, one], &[]);
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
        let Blanked { calls, .. } = blank(&[asked], &[]);
        let asked = &calls[0];
        assert!(!asked.path.contains("HR") && !asked.path.contains("PAY"), "{}", asked.path);
        assert!(asked.path.starts_with("/projects/") && asked.path.ends_with("/schedule"));
        let q = &asked.query["q"];
        assert!(q.contains("timewindow:'1h'") && q.contains("status:'FAILED'"), "{q}");
        assert!(!q.contains("PAY") && !q.contains("'HR'"), "{q}");
        assert_eq!(asked.query["limit"], "50");
    }

    #[test]
    fn what_may_be_somebodys_is_never_kept() {
        let body = json!({ "items": [{ "id": "A|01.00.0000", "title": "User Jane Doe may not",
            "type": "Payroll Mueller", "state": "Acme GmbH", "category": "IBAN Kunde",
            "propertyName": "mueller", "phone": "+4915112345678", "employee": 4711047,
            "payment": 65929970489_u64, "status": "STARTING", "totalResults": 12,
            "primaryValue": "104233",
            "scheduleParams": { "lastEmployee": { "type": "Schmidt AG", "value": "104233",
                "status": "Huber" } } }],
            "byName": { "bluebirdAcquisition": 1, "schmidtHeinrich": { "status": "MEIER" } } });
        let mut asked = call("/integrations", body);
        asked.content_type = "application/json; tenant=bigcorp-payroll".into();
        let known = ["acme-prod".to_owned(), "int".to_owned()];
        let Blanked { calls, .. } = blank(&[asked], &known);
        let text = crate::model::Transcript::text(&calls);
        for name in [
            "Jane",
            "Mueller",
            "Acme",
            "IBAN",
            "mueller",
            "4915112345678",
            "4711047",
            "65929970489",
            "104233",
            "Schmidt",
            "Huber",
            "bluebird",
            "schmidt",
            "MEIER",
            "bigcorp",
            "lastEmployee",
        ] {
            assert!(!text.contains(name), "{name}: {text}");
        }
        assert!(text.contains("STARTING") && text.contains("\"totalResults\":12"), "{text}");
        assert!(text.contains("/integrations"), "{text}");
    }

    #[test]
    fn what_the_config_names_is_replaced_wherever_it_stands() {
        let known = ["ACTIVE".to_owned()];
        let asked = call("/integrations", json!({ "status": "ACTIVE" }));
        let Blanked { calls, .. } = blank(&[asked], &known);
        assert!(!crate::model::Transcript::text(&calls).contains("ACTIVE"));
    }
}
