//! Single instances of integrations and their errors: what failed where, and sending it again.
//!
//! The reference does not list every field of these answers (docs/oic-rest-api.md, Runs): they are
//! read under the names that occur.

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    at_rest::{RestState, job_state},
    client::{Client, Payload, RequestSpec},
    error::OicError,
    monitoring::Window,
    wire,
};
use crate::model::{IntegrationId, Scope, path_segment, visible};

/// The status of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceStatus {
    Running,
    Completed,
    Failed,
    Aborted,
    Recovering,
    Resubmitted,
    Other(String),
}

impl InstanceStatus {
    fn of(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "IN_PROGRESS" | "RUNNING" => Self::Running,
            "COMPLETED" | "SUCCEEDED" => Self::Completed,
            "FAILED" | "ERRORED" => Self::Failed,
            "ABORTED" | "DISCARDED" => Self::Aborted,
            "RECOVERING" => Self::Recovering,
            "RESUBMITTED" => Self::Resubmitted,
            _ => Self::Other(visible(word).into_owned()),
        }
    }

    /// The word for the state; one that oicx does not know is given as the service wrote it.
    pub fn label(&self) -> &str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Recovering => "recovering",
            Self::Resubmitted => "resubmitted",
            Self::Other(word) => word,
        }
    }

    /// One character that stands for the state in lists.
    pub fn mark(&self) -> char {
        match self {
            Self::Running | Self::Recovering => '⟳',
            Self::Completed => '✓',
            Self::Failed => '✗',
            Self::Aborted => '–',
            Self::Resubmitted => '↻',
            Self::Other(_) => '·',
        }
    }
}

/// One instance of an integration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub id: String,
    pub integration: Option<IntegrationId>,
    pub status: InstanceStatus,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// The business identifiers, as `name value`.
    pub tracking: Vec<String>,
}

/// One error of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceError {
    /// The id that resubmit and discard take.
    pub id: String,
    /// The id of the instance that failed.
    #[serde(rename = "run")]
    pub instance: String,
    pub integration: Option<IntegrationId>,
    /// Where the integration is; none where no record of the answer tells, so that it may be a
    /// twin's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    pub message: String,
    /// The step or endpoint where it failed, as the service names it.
    pub step: String,
    pub at: Option<Timestamp>,
    /// Whether the instance can be sent again.
    pub recoverable: bool,
    pub tracking: Vec<String>,
}

/// What is done with failed instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recovery {
    Resubmit,
    Discard,
}

impl Recovery {
    /// The verb, in lower case.
    pub fn label(self) -> &'static str {
        match self {
            Self::Resubmit => "resubmit",
            Self::Discard => "discard",
        }
    }
}

/// What the service answered to a recovery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryAnswer {
    /// The ids that it took: all, where it does not say which.
    pub accepted: Vec<String>,
    /// The ids that it did not take.
    pub refused: Vec<String>,
    pub job: Option<String>,
    /// Its words on those that it did not take.
    pub message: Option<String>,
}

impl RecoveryAnswer {
    fn read(value: &Value, asked: &[String]) -> Self {
        let ids = |key: &str| {
            let items = value[key].as_array()?;
            let id = |v: &Value| match v {
                Value::String(id) => Some(id.clone()),
                Value::Number(id) => Some(id.to_string()),
                _ => None,
            };
            Some(items.iter().filter_map(id).collect::<Vec<_>>())
        };
        let named: Vec<String> =
            ["invalidIds", "nonRecoverableIds"].into_iter().filter_map(ids).flatten().collect();
        let taken = ids("acceptedIds");
        let is_taken = |id: &&String| match &taken {
            Some(taken) => taken.contains(*id),
            None => !named.contains(*id),
        };
        let (accepted, refused) = asked.iter().partition::<Vec<_>, _>(is_taken);
        let text = |key: &str| value[key].as_str().map(|t| visible(t).into_owned());
        Self {
            accepted: accepted.into_iter().cloned().collect(),
            refused: refused.into_iter().cloned().collect(),
            job: text("recoveryJobId"),
            message: text("message").filter(|t| !t.is_empty()),
        }
    }
}

const PAGE: usize = 50;
/// The most that the service gives of runs or errors; of more, the older ones are not listed.
pub const MOST_LISTED: usize = 550;
/// The last offset that the service takes. A higher one is refused with 400, and `hasMore` is not
/// to be trusted there.
const LAST_OFFSET: usize = 500;

impl Client {
    /// Instances of one integration in a window, newest first: 550 at most, which is what the
    /// service gives.
    ///
    /// # Errors
    /// Where the role may not read monitoring.
    pub async fn instances(
        &self,
        id: &IntegrationId,
        window: Window,
        status: Option<&str>,
    ) -> Result<Vec<Instance>, OicError> {
        let status = status.map(|s| format!(",status:'{s}'")).unwrap_or_default();
        let query = format!("{{{}{status}}}", filter_for(id, window));
        let items = self.monitored("read the runs of", "/monitoring/instances", &query, id).await?;
        self.expects(
            "read the runs of",
            &items,
            &[&["status"], &["creationDate", "startDate", "receivedDate"]],
        );
        let items = without_twins(items, id);
        let subject = Some(id.to_string());
        let mut runs = self.records("read the runs of", subject, &items, read_instance)?;
        runs.sort_by_key(|r| std::cmp::Reverse(r.started));
        Ok(runs)
    }

    /// Errors of one integration in a window, newest first.
    ///
    /// # Errors
    /// Where the role may not read monitoring.
    pub async fn instance_errors(
        &self,
        id: &IntegrationId,
        window: Window,
    ) -> Result<Vec<InstanceError>, OicError> {
        let query = format!("{{{}}}", filter_for(id, window));
        let items = self.monitored("read the errors of", "/monitoring/errors", &query, id).await?;
        self.expects("read the errors of", &items, &[&MESSAGE, &HAPPENED]);
        let told = items.iter().any(tells_scope).then(|| id.scope.clone());
        let items = without_twins(items, id);
        let subject = Some(id.to_string());
        let mut errors = self.records("read the errors of", subject, &items, read_error)?;
        errors.iter_mut().for_each(|e| e.scope.clone_from(&told));
        errors.sort_by_key(|e| std::cmp::Reverse(e.at));
        Ok(errors)
    }

    /// Sends failed instances again, or gives them up, with one call for all. The service does it
    /// in its own time. Asks for an answer that says what was accepted; where that form is refused,
    /// for the plain one, which may be empty (docs/oic-rest-api.md, Resubmit and discard).
    ///
    /// # Errors
    /// Where the service refused, or it is not known whether the call took effect.
    pub async fn recover(
        &self,
        recovery: Recovery,
        ids: &[String],
    ) -> Result<RecoveryAnswer, OicError> {
        let (action, path) = match recovery {
            Recovery::Resubmit => ("resubmit", "/monitoring/errors/resubmit"),
            Recovery::Discard => ("discard", "/monitoring/errors/discard"),
        };
        let plain = || {
            let body = Payload::Json(json!({ "ids": ids }));
            RequestSpec::change(action, Method::POST, path, body)
        };
        let answer = match self.send(plain().with("return", "sync")).await {
            // Such a refusal may be about the form as well as about the ids.
            Err(e) if matches!(e.status(), Some(400 | 404 | 405 | 412 | 415 | 501)) => {
                self.send(plain()).await?
            }
            other => other?,
        };
        // An empty 2xx is an answer; a page of a host between is none.
        let value = match answer.bytes.trim_ascii().is_empty() {
            true => Value::Null,
            false => {
                wire::parse(&answer.bytes, "").map_err(|kind| self.error(action, None, kind))?
            }
        };
        Ok(RecoveryAnswer::read(&value, ids))
    }

    /// How a recovery job stands, in the service's word; none where the service does not tell.
    pub async fn recovery_job(&self, id: &str) -> Result<RestState<Option<String>>, OicError> {
        let path = format!("/monitoring/errors/recoveryJobs/{}", path_segment(id));
        let value = self.json(RequestSpec::get("read the recovery job", path).about(id)).await?;
        let word = ["recoveryJobStatus", "status", "state"].iter().find_map(|k| value[*k].as_str());
        Ok(job_state(word.map(|word| visible(word).into_owned())))
    }

    async fn monitored(
        &self,
        action: &'static str,
        path: &str,
        query: &str,
        id: &IntegrationId,
    ) -> Result<Vec<Value>, OicError> {
        let mut all: Vec<Value> = Vec::new();
        let mut offset = 0;
        loop {
            let call = RequestSpec::get(action, path)
                .about(id)
                .with("q", query)
                .with("limit", PAGE)
                .with("offset", offset);
            let value = self.json(call).await?;
            let failed = |kind| self.error(action, Some(id.to_string()), kind);
            let items = wire::items(&value, &["items"]).map_err(failed)?;
            let got = items.len();
            let known =
                |item: &Value| item["id"].is_string() && all.iter().any(|a| a["id"] == item["id"]);
            let new: Vec<Value> = items.into_iter().filter(|i| !known(i)).collect();
            let fresh = new.len();
            all.extend(new);
            offset += PAGE;
            if got < PAGE || fresh == 0 || offset > LAST_OFFSET {
                return Ok(all);
            }
        }
    }
}

/// The filter for one integration. A twin in a project has the same code and version: the project
/// tells them apart (docs/projects.md, Runs).
fn filter_for(id: &IntegrationId, window: Window) -> String {
    let project = id.scope.project().map(|p| format!(",projectCode:'{}'", p.as_str()));
    format!(
        "timewindow:'{}',code:'{}',version:'{}'{}",
        window.label(),
        id.code,
        id.version,
        project.unwrap_or_default()
    )
}

/// The records that are about the integration that was asked for: an instance may ignore the filter
/// by project, and give those of a twin too. Where any record tells a project, or that it has none,
/// one that tells nothing is of the global space; where none does, all are taken for what was
/// asked.
fn without_twins(mut items: Vec<Value>, asked: &IntegrationId) -> Vec<Value> {
    if items.iter().any(tells_scope) {
        items.retain(|item| scope_of(item) == asked.scope);
    }
    items
}

/// Whether a record tells a project, or that it has none.
fn tells_scope(item: &Value) -> bool {
    let has = |v: &Value| ["projectCode", "projectId"].iter().any(|k| v.get(*k).is_some());
    has(item) || has(&item["integration"]) || !scope_of(item).is_global()
}

/// The scope that a record names; the global space where it names none.
fn scope_of(item: &Value) -> Scope {
    let named = integration(item).map(|id| id.scope).filter(|scope| !scope.is_global());
    let beside = || wire::text(item, &["projectCode", "projectId"]);
    named.unwrap_or_else(|| match beside() {
        none if none.is_empty() => Scope::Global,
        project => Scope::of_project(project.as_str()),
    })
}

fn time(item: &Value, keys: &[&str]) -> Option<Timestamp> {
    keys.iter().find_map(|k| wire::time(&item[*k]))
}

/// `integrationId` is a code beside `integrationVersion`, or both in one, in a project with the
/// project as a third part; else `projectCode` or `projectId` may name it.
fn integration(item: &Value) -> Option<IntegrationId> {
    // Errors have an object (reference, "Retrieve Errored Instances").
    if let Some(one) = item.get("integration").filter(|one| one.is_object()) {
        let id = wire::integration_id(one, &["id"], &["code"])?;
        return Some(wire::in_its_project(id, item));
    }
    let keys = ["integrationId", "integration", "code"];
    wire::integration_id(item, &keys, &keys)
}

fn tracking(item: &Value) -> Vec<String> {
    let items = item["trackings"].as_array().or_else(|| item["trackingVariables"].as_array());
    let pair = |t: &Value| {
        format!("{} {}", wire::text(t, &["name"]), wire::text(t, &["value"])).trim().to_owned()
    };
    items.into_iter().flatten().map(pair).filter(|t| !t.is_empty()).collect()
}

fn read_instance(item: &Value) -> Option<Instance> {
    Some(Instance {
        id: Some(wire::text(item, &["id", "instanceId"])).filter(|id| !id.is_empty())?,
        integration: integration(item),
        status: InstanceStatus::of(&wire::text(item, &["status"])),
        started: time(item, &["creationDate", "receivedDate", "date"]),
        ended: time(item, &["processingEndDate", "lastTrackedTime"]),
        tracking: tracking(item),
    })
}

/// Names of what an error says, and of when it happened.
const MESSAGE: [&str; 4] = ["errorMessage", "message", "errorDetails", "shortSummaryMessage"];
const HAPPENED: [&str; 4] = ["faultDate", "errorDate", "creationDate", "date"];

fn read_error(item: &Value) -> Option<InstanceError> {
    let id = Some(wire::text(item, &["id", "errorId", "faultId", "instanceId"]))
        .filter(|id| !id.is_empty())?;
    Some(InstanceError {
        instance: Some(wire::text(item, &["instanceId"]))
            .filter(|r| !r.is_empty())
            .unwrap_or_else(|| id.clone()),
        id,
        integration: integration(item),
        scope: None,
        message: wire::text(item, &MESSAGE),
        step: wire::text(item, &["errorLocation", "location", "endpointName", "activity"]),
        at: time(item, &HAPPENED),
        recoverable: item["recoverable"]
            .as_bool()
            .or_else(|| item["isRecoverable"].as_bool())
            .unwrap_or(true),
        tracking: tracking(item),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_errors_are_read_under_the_names_that_occur() {
        let run = json!({ "id": "42", "integrationId": "SYNC", "integrationVersion": "01.00.0000",
            "status": "FAILED",
            "creationDate": "2026-08-15T01:31:00.000+0000", 
            "trackings": [{ "name": "employee", "value": "7\u{1b}" }] });
        let read = read_instance(&run).unwrap();
        assert_eq!(
            (read.status, read.tracking),
            (InstanceStatus::Failed, vec!["employee 7␛".to_owned()])
        );
        assert_eq!(read.integration, "SYNC|01.00.0000".parse().ok());
        let error = json!({ "instanceId": "42", "integration": "SYNC|01.00.0000",
            "errorMessage": "no grade", "errorLocation": "putEmployee" });
        let read = read_error(&error).unwrap();
        assert_eq!(
            (read.id.as_str(), read.instance.as_str(), read.step.as_str()),
            ("42", "42", "putEmployee")
        );
        let of_2026 = json!({ "id": "42", "faultId": "f-1", "errorMessage": "no grade",
            "integration": { "code": "SYNC", "version": "01.00.0000", "projectId": "P" },
            "creationDate": "2026-08-15T01:31:00.000+0000" });
        let read = read_error(&of_2026).unwrap();
        assert_eq!(read.integration, "SYNC|01.00.0000|P".parse().ok());
        assert!(read.at.is_some());
        assert!(
            read_instance(&json!({ "status": "FAILED" })).is_none()
                && read_error(&json!({})).is_none()
        );
    }
}
