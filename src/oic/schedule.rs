//! The schedule of an integration. After an activation it is stopped until it is started.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{Client, Payload, RequestSpec},
    error::OicError,
};
use crate::model::{IntegrationId, ScheduleParameters, ScheduleState, lasting, visible};

/// The path of an integration's schedule; `action` is what follows: `/start`, or nothing.
pub(super) fn path(id: &IntegrationId, action: &str) -> String {
    format!("{}/schedule{action}", super::integrations::path(id))
}

/// How a schedule stands, out of what [`Client::schedule_definition`] gave.
pub fn schedule_state(definition: &Value) -> Option<ScheduleState> {
    let state = definition["state"].as_str().or_else(|| definition["status"].as_str());
    state.map(ScheduleState::from)
}

/// What defines a schedule, without what the service answers beside it
/// (docs/oic-rest-api.md, Schedules).
pub(super) fn definition(mut answer: Value) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        for answered in ["state", "status", "links", "id", "nextRunTime"] {
            fields.remove(answered);
        }
        // Times of the last and the next run pass.
        fields.retain(|key, _| !key.starts_with("next") && !key.starts_with("last"));
    }
    answer
}

/// Whether two answers define a schedule with the same times.
pub fn same_times(one: &Value, other: &Value) -> bool {
    lasting(&definition(one.clone())) == lasting(&definition(other.clone()))
}

/// When a schedule runs, in one line: `DAILY, from 2/14/2025|0:0:0 (UTC)`. A shape that is not
/// known is shown as the service wrote it.
pub fn describe_times(definition: &Value) -> String {
    let text = |key: &str| definition[key].as_str().filter(|t| !t.is_empty());
    let rules = match (&definition["frequency"], text("icalExpression")) {
        (_, Some(rule)) => rule.to_owned(),
        (Value::Array(all), None) => all.iter().map(frequency).collect::<Vec<_>>().join("; "),
        (one, None) => frequency(one),
    };
    let from = text("startDate").map(|date| format!(", from {date}")).unwrap_or_default();
    let until = text("endDate").map(|date| format!(", until {date}")).unwrap_or_default();
    let zone = text("scheduleTZ").map(|zone| format!(" ({zone})")).unwrap_or_default();
    visible(&format!("{rules}{from}{until}{zone}")).into_owned()
}

/// One frequency: a word, or an object with a type and an interval (docs/oic-rest-api.md,
/// Schedules).
fn frequency(given: &Value) -> String {
    match (given, given["frequencyType"].as_str(), given["interval"].as_u64()) {
        (Value::String(word), ..) => word.clone(),
        (Value::Object(fields), Some(word), every) => {
            let told = ["frequencyType", "interval"];
            let others = fields.iter().filter(|(key, _)| !told.contains(&key.as_str()));
            let others: String = others.map(|(key, value)| format!(", {key} {value}")).collect();
            match every {
                None | Some(1) => format!("{word}{others}"),
                Some(n) => format!("{word}, every {n}{others}"),
            }
        }
        (other, ..) => other.to_string(),
    }
}

/// The current values of parameters, and the names of those that have none or only their default,
/// out of an integration's `scheduleParams`: an object by name, or a list.
pub(super) fn parameters(given: &Value) -> (ScheduleParameters, Vec<String>) {
    let named = |one: &Value| Some(one["name"].as_str().or(one["code"].as_str())?.to_owned());
    let all: Vec<(String, &Value)> = match given {
        Value::Object(all) => all.iter().map(|(name, one)| (name.clone(), one)).collect(),
        Value::Array(all) => all.iter().filter_map(|one| Some((named(one)?, one))).collect(),
        _ => Vec::new(),
    };
    let (mut values, mut unset) = (ScheduleParameters::new(), Vec::new());
    for (name, one) in all {
        if one["value"].is_null() || one["value"] == one["defaultValue"] {
            unset.push(name.clone());
        }
        match &one["value"] {
            Value::Null => {}
            Value::String(text) => drop(values.insert(name, text.clone())),
            other => drop(values.insert(name, other.to_string())),
        }
    }
    (values, unset)
}

impl Client {
    /// The current values of the schedule's parameters; empty where it has none.
    ///
    /// # Errors
    /// Where the integration cannot be read.
    pub async fn schedule_parameters(
        &self,
        id: &IntegrationId,
    ) -> Result<ScheduleParameters, OicError> {
        Ok(self.integration(id).await?.parameters)
    }

    /// Sets values of the schedule's parameters; others stay (reference, "Update Scheduled
    /// Integration Parameters").
    ///
    /// # Errors
    /// Where the service refuses, or it is not known whether it took them.
    pub async fn set_schedule_parameters(
        &self,
        id: &IntegrationId,
        values: &ScheduleParameters,
    ) -> Result<(), OicError> {
        let values: Vec<_> =
            values.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let body = Payload::Json(json!({ "parameters": values }));
        let path = path(id, "/parameters");
        let call = RequestSpec::change("set schedule parameters of", Method::PATCH, path, body);
        self.send(call.about(id)).await.map(drop)
    }

    /// How the schedule stands; none where there is none.
    pub async fn schedule(&self, id: &IntegrationId) -> Result<Option<ScheduleState>, OicError> {
        Ok(self.schedule_definition(id).await?.as_ref().and_then(schedule_state))
    }

    /// How the schedule is defined, as the service writes it; none where there is none. It is in no
    /// archive, and goes with its integration.
    ///
    /// # Errors
    /// Where the service refuses.
    pub async fn schedule_definition(&self, id: &IntegrationId) -> Result<Option<Value>, OicError> {
        match self.json(RequestSpec::get("read the schedule of", path(id, "")).about(id)).await {
            Ok(value) => Ok(Some(value)),
            Err(e) if e.status() == Some(404) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Creates a schedule from what [`Self::schedule_definition`] gave, without the state that it
    /// was in.
    ///
    /// # Errors
    /// Where the service refuses.
    pub async fn create_schedule(
        &self,
        id: &IntegrationId,
        definition: &Value,
    ) -> Result<(), OicError> {
        self.send_definition("create the schedule of", Method::POST, (id, definition)).await
    }

    /// Gives a schedule that is there the times of another definition.
    ///
    /// # Errors
    /// Where the service refuses, or there is no schedule.
    pub async fn update_schedule(
        &self,
        id: &IntegrationId,
        definition: &Value,
    ) -> Result<(), OicError> {
        self.send_definition("update the schedule of", Method::PUT, (id, definition)).await
    }

    async fn send_definition(
        &self,
        action: &'static str,
        method: Method,
        (id, given): (&IntegrationId, &Value),
    ) -> Result<(), OicError> {
        let body = Payload::Json(definition(given.clone()));
        let call = RequestSpec::change(action, method, path(id, ""), body);
        self.send(call.about(id)).await.map(drop)
    }

    /// When it runs next, where the service says so (Gen 3).
    pub async fn next_run(&self, id: &IntegrationId) -> Option<jiff::Timestamp> {
        let value = self
            .json(RequestSpec::get("read the next runs of", path(id, "/futureruns")).about(id))
            .await
            .ok()?;
        let runs = value["items"].as_array().or_else(|| value["futureRuns"].as_array())?;
        let time = |run: &Value| {
            run.as_str().or_else(|| run["time"].as_str()).and_then(crate::model::parse_service_time)
        };
        runs.iter().find_map(time)
    }

    /// Asks the service to start the schedule of an active integration.
    pub async fn start_schedule(&self, id: &IntegrationId) -> Result<(), OicError> {
        self.change_schedule("start the schedule of", "/start", id).await
    }

    /// Asks the service to pause the schedule.
    pub async fn pause_schedule(&self, id: &IntegrationId) -> Result<(), OicError> {
        self.change_schedule("pause the schedule of", "/pause", id).await
    }

    /// Asks the service to stop the schedule.
    pub async fn stop_schedule(&self, id: &IntegrationId) -> Result<(), OicError> {
        self.change_schedule("stop the schedule of", "/stop", id).await
    }

    async fn change_schedule(
        &self,
        action: &'static str,
        verb: &str,
        id: &IntegrationId,
    ) -> Result<(), OicError> {
        let call =
            RequestSpec::change(action, Method::POST, path(id, verb), Payload::Empty).about(id);
        self.send(call.with("async", true)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_whatever_their_shape() {
        for (definition, told) in [
            (
                json!({ "frequency": "ical", "icalExpression": "FREQ=DAILY;BYHOUR=2",
                    "scheduleTZ": "UTC" }),
                "FREQ=DAILY;BYHOUR=2 (UTC)",
            ),
            (
                json!({ "frequency": { "frequencyType": "DAILY", "interval": 1 },
                    "startDate": "2/14/2025|0:0:0" }),
                "DAILY, from 2/14/2025|0:0:0",
            ),
            (
                json!({ "frequency": [{ "frequencyType": "HOURLY", "interval": 2 },
                    { "frequencyType": "DAILY", "hour": 3 }] }),
                "HOURLY, every 2; DAILY, hour 3",
            ),
            (
                json!({ "frequency": { "days": [1, 2] }, "endDate": "x" }),
                "{\"days\":[1,2]}, until x",
            ),
            (json!({}), "null"),
        ] {
            assert_eq!(describe_times(&definition), told);
        }
    }

    #[test]
    fn parameters_are_read_as_an_object_or_a_list_and_one_without_a_value_is_named() {
        let object = json!({
            "lastRun": { "code": "lastRun", "value": "2026-11-25", "defaultValue": "1970" },
            "batch": { "value": 50, "defaultValue": 50 }, "area": { "value": null, "defaultValue": "EMEA" },
        });
        let list = json!([
            { "name": "lastRun", "value": "2026-11-25" },
            { "code": "batch", "value": 50, "defaultValue": 50 },
            { "name": "area" }, { "value": "nobody's" },
        ]);
        let values = ScheduleParameters::from([
            ("lastRun".to_owned(), "2026-11-25".to_owned()),
            ("batch".to_owned(), "50".to_owned()),
        ]);
        for given in [object, list] {
            let (found, mut unset) = parameters(&given);
            unset.sort();
            assert_eq!((&found, unset), (&values, vec!["area".to_owned(), "batch".to_owned()]));
        }
        assert_eq!(parameters(&Value::Null), (ScheduleParameters::new(), vec![]));
    }
}
