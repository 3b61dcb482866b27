//! The design-time audit: who changed what (docs/oic-rest-api.md, Audit).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    client::{Client, RequestSpec},
    error::OicError,
    wire,
};
use crate::model::{IntegrationId, Kind, Scope, Version};

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    pub time: Timestamp,
    pub user: String,
    /// The service's own word: `UPDATE`, `ACTIVATE`, `LOCK` …
    pub action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Where the artifact is; none where the record does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// How far two clocks may differ: the time that is asked for is this machine's, the records' is the
/// service's.
const SLACK: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

/// The most records that the service gives in one answer.
const MOST: usize = 500;

impl Client {
    /// What was changed since a time, oldest first. The service can only be asked for fixed windows
    /// of time; what is older than its retention period is gone.
    pub async fn audit_since(&self, since: Timestamp) -> Result<Vec<AuditRecord>, OicError> {
        let query = format!("{{timewindow:'{}', limit:'{MOST}'}}", window(since, Timestamp::now()));
        let value = self
            .json(RequestSpec::get("read the audit", "/monitoring/auditRecords").with("q", query))
            .await?;
        let failed = |kind| self.error("read the audit", None, kind);
        let items = wire::items(&value, &["items", "auditRecords", "records"]).map_err(failed)?;
        let read = self.records("read the audit", None, &items, read)?;
        let mut records: Vec<AuditRecord> = read.into_iter().flatten().collect();
        // The records' times are those of the service's clock.
        let since = self.service_clock(since).checked_sub(SLACK).unwrap_or(Timestamp::MIN);
        records.retain(|r| r.time >= since);
        records.sort_by_key(|r| r.time);
        Ok(records)
    }
}

/// The service's smallest window that reaches back far enough.
fn window(since: Timestamp, now: Timestamp) -> &'static str {
    match now.duration_since(since).as_hours() {
        ..1 => "1h",
        1..6 => "6h",
        6..24 => "1d",
        24..48 => "2d",
        48..72 => "3d",
        _ => "RETENTIONPERIOD",
    }
}

/// A log definition of Oracle's names the fields (docs/oic-rest-api.md, Audit); older answers used
/// others. None: it has no time, and cannot be read. A record without a subject says nothing of an
/// artifact.
fn read(item: &Value) -> Option<Option<AuditRecord>> {
    let text = |keys: &[&str]| wire::text(item, keys);
    let times = [
        "timeStamp",
        "date",
        "time",
        "eventDate",
        "eventTime",
        "auditDate",
        "timestamp",
        "lastUpdated",
        "created",
    ];
    let time = times.iter().find_map(|k| wire::time(&item[*k]))?;
    let id = text(&["resourceCode", "code", "resourceId", "id", "name", "resourceName"]);
    let project = text(&["projectCode", "projectId"]);
    let told = (!project.is_empty()).then(|| Scope::of_project(project.as_str()));
    let (code, in_id, scope) = match (id.parse::<IntegrationId>(), id.split_once('|')) {
        // The third part of an id is its project.
        (Ok(id), _) => {
            let scope = told.or_else(|| Some(id.scope).filter(|s| !s.is_global()));
            (id.code, Some(id.version), scope)
        }
        (Err(_), Some((code, _))) => (code.to_owned(), None, told),
        (Err(_), None) => (id, None, told),
    };
    let user = text(&["userName", "user", "userId", "lastUpdatedBy", "createdBy"]);
    let action =
        text(&["operationName", "action", "actionType", "actionName", "operation", "event"]);
    let version = text(&["version", "resourceVersion"]).parse().ok().or(in_id);
    let kind = kind_of(&text(&["type", "resourceType", "objectType"]));
    let record = AuditRecord { time, user, action, kind, code, version, scope };
    Some((!record.code.is_empty()).then_some(record))
}

/// The kind for a word of the audit.
fn kind_of(word: &str) -> Option<Kind> {
    Some(match word {
        "ICS_ProjectV2" => Kind::Integration,
        "ICS_AppInstance" => Kind::Connection,
        "ICS_DVM" => Kind::Lookup,
        "ICS_Schedule" => Kind::Schedule,
        "API_LIBRARY" => Kind::Library,
        "ICS_PACKAGE" => Kind::Package,
        "ICS_AgentDefinition" | "ICS_AgentInstance" => Kind::Agent,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_read_under_several_names_and_what_says_nothing_is_left_out() {
        let one = read(&json!({ "date": "2026-01-31T01:30:00.000+0000", "userName": "j.doe",
            "action": "UPDATE",
            "type": "ICS_ProjectV2", "code": "SYNC", "version": "01.00.0000" }))
        .flatten()
        .unwrap();
        assert_eq!(
            (one.user.as_str(), one.kind, one.code.as_str()),
            ("j.doe", Some(Kind::Integration), "SYNC")
        );
        let other =
            read(&json!({ "timestamp": 1754468634159_i64, "userId": "x", "actionType": "LOCK",
            "resourceType": "ICS_DVM", "resourceId": "A|01.00.0000" }))
            .flatten()
            .unwrap();
        assert_eq!((other.code.as_str(), other.version.is_some()), ("A", true));
        let of_2026 = read(&json!({ "timeStamp": "2026-01-31T01:30:00.000+0000",
            "operationName": "UPDATE", "userName": "j.doe", "resourceType": "ICS_ProjectV2",
            "resourceCode": "SYNC", "resourceName": "Sync", "resourceVersion": "01.00.0000" }));
        assert_eq!(of_2026, Some(Some(one)));
        let of_nothing = json!({ "timeStamp": "2026-01-31T01:30:00.000+0000", "userName": "x" });
        assert_eq!(read(&of_nothing), Some(None));
        assert!(read(&json!({ "user": "x" })).is_none());
    }

    #[test]
    fn the_window_reaches_back_far_enough() {
        let now = Timestamp::now();
        let ago = |hours: i64| now - jiff::SignedDuration::from_hours(hours);
        assert_eq!(
            [0, 5, 23, 47, 71, 100].map(|h| window(ago(h), now)),
            ["1h", "6h", "1d", "2d", "3d", "RETENTIONPERIOD"]
        );
    }
}
