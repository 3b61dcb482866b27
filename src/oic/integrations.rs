//! Integrations: list, read, export, import, replace, activate, deactivate, delete.

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    at_rest::is_at_rest,
    capabilities::Capability,
    client::{Client, Payload, RequestSpec},
    error::{ErrorKind, OicError},
    wire,
};
use crate::model::{ArtifactState, IntegrationId, ScheduleParameters, Scope, Status, visible};

/// One integration as the service describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedIntegration {
    pub id: IntegrationId,
    pub name: String,
    pub state: ArtifactState,
    pub scheduled: bool,
    /// Whether it has one; none where the service does not tell.
    pub schedule_defined: Option<bool>,
    pub package: Option<String>,
    /// The current values of its schedule's parameters; lists may leave them out.
    pub parameters: ScheduleParameters,
    /// Parameters of its schedule that have no value, or only their default.
    pub unset_parameters: Vec<String>,
}

impl ListedIntegration {
    /// Whether it takes requests now.
    pub fn is_active(&self) -> bool {
        self.state.status == Status::Active
    }
}

/// An integration as the service sends it. Both spellings of the schedule flag occur
/// (docs/oic-rest-api.md, Integrations).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntegrationJson {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    pattern: String,
    #[serde(default, alias = "scheduleApplicableFlag")]
    schedule_applicable: bool,
    #[serde(default, alias = "scheduleDefinedFlag")]
    schedule_defined: Option<bool>,
    package_name: Option<String>,
    project_id: Option<String>,
}

impl IntegrationJson {
    /// Reads an integration of the list of a scope; the service's ids do not name the project.
    fn read(value: &Value, scope: &Scope) -> Result<ListedIntegration, ErrorKind> {
        let state = wire::state(value, Status::Configured);
        let prebuilt = value["projectType"] == "PREBUILT";
        let (parameters, unset_parameters) = super::schedule::parameters(&value["scheduleParams"]);
        let wire = Self::deserialize(value).map_err(|e| ErrorKind::Unexpected(e.to_string()))?;
        let clean = |text: String| visible(&text).into_owned();
        let id: IntegrationId = wire
            .id
            .parse()
            .map_err(|e: crate::model::ParseIdError| ErrorKind::Unexpected(e.to_string()))?;
        let project = wire.project_id.filter(|p| !p.is_empty() && scope.is_global());
        Ok(ListedIntegration {
            id: id.within(project.map_or_else(|| scope.clone(), Scope::of_project)),
            name: clean(wire.name),
            state: ArtifactState { status: wire.status.into(), prebuilt, ..state },
            scheduled: wire.schedule_applicable || wire.pattern == "Scheduled",
            schedule_defined: wire.schedule_defined,
            package: wire.package_name.map(clean).filter(|p| !p.is_empty()),
            parameters,
            unset_parameters,
        })
    }
}

/// How far an activation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivationState {
    Active,
    InProgress,
    NotActive,
    Failed,
    /// A word that nobody has heard of: it may be on its way.
    Unknown(String),
}

/// The path of an integration in its scope.
pub(super) fn path(id: &IntegrationId) -> String {
    format!("{}/integrations/{}", id.scope.api_path(), id.path_segment())
}

impl Client {
    /// What the list of the global space has: its integrations, and on an instance that lists those
    /// of projects there too, these (told apart by `projectId`).
    pub async fn integrations(&self) -> Result<Vec<ListedIntegration>, OicError> {
        self.list_integrations(&Scope::Global, |_| ()).await
    }

    /// Like [`Client::integrations`]; where more than one page comes, `came` gets what is known so
    /// far, the first time with the first page.
    pub async fn integrations_as_they_come(
        &self,
        came: impl Fn(Vec<ListedIntegration>),
    ) -> Result<Vec<ListedIntegration>, OicError> {
        let read = |item: &Value| IntegrationJson::read(item, &Scope::Global).ok();
        let items = |items: &[Value]| came(items.iter().filter_map(read).collect());
        self.list_integrations(&Scope::Global, items).await
    }

    /// All integrations of a scope.
    pub async fn integrations_in(&self, scope: &Scope) -> Result<Vec<ListedIntegration>, OicError> {
        let mut all = self.list_integrations(scope, |_| ()).await?;
        all.retain(|i| i.id.scope == *scope);
        Ok(all)
    }

    /// One that cannot be read is left out with a line in the log.
    async fn list_integrations(
        &self,
        scope: &Scope,
        came: impl Fn(&[Value]),
    ) -> Result<Vec<ListedIntegration>, OicError> {
        let path = format!("{}/integrations", scope.api_path());
        let items = self.list_as_it_comes("list integrations", &path, "id", came).await?;
        self.expects("list integrations", &items, &[&["status"], &["lastUpdated"]]);
        let read = |item: &Value| {
            let logged = |e: &ErrorKind| tracing::warn!(environment = %self.name(), "integration {} is not shown: {e}", item["id"]);
            IntegrationJson::read(item, scope).inspect_err(logged).ok()
        };
        self.records("list integrations", None, &items, read)
    }

    /// One version of an integration, with its state; [`ErrorKind::Status`] 404 where there is
    /// none.
    pub async fn integration(&self, id: &IntegrationId) -> Result<ListedIntegration, OicError> {
        let call = RequestSpec::get("read", path(id)).about(id);
        let value = self.json(call).await?;
        let failed = |kind| self.error("read", Some(id.to_string()), kind);
        // An integration without a status may run, so it must not be taken for inactive.
        if let Some(missing) = wire::missing(std::slice::from_ref(&value), &[&["status"]]) {
            return Err(failed(ErrorKind::Unexpected(missing)));
        }
        IntegrationJson::read(&value, &id.scope).map_err(failed)
    }

    /// [`Self::integration`], with none for a 404.
    pub async fn find_integration(
        &self,
        id: &IntegrationId,
    ) -> Result<Option<ListedIntegration>, OicError> {
        match self.integration(id).await {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.status() == Some(404) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The export, byte for byte. Inside a project a service may not offer it (404, 405).
    pub async fn archive(&self, id: &IntegrationId) -> Result<Bytes, OicError> {
        let call = RequestSpec::file("export", format!("{}/archive", path(id))).about(id);
        Ok(self.send(call).await?.bytes)
    }

    /// The export of an integration in a project, where the instance offers that call; most do not
    /// (docs/projects.md, Inside a project). What one answer says holds for the whole environment.
    ///
    /// # Errors
    /// Where the service refuses for another reason.
    pub async fn archive_in_project(&self, id: &IntegrationId) -> Result<Option<Bytes>, OicError> {
        if self.offers(Capability::MemberArchive) == Some(false) {
            return Ok(None);
        }
        match self.archive(id).await {
            Ok(bytes) => {
                self.learn_offered(Capability::MemberArchive);
                Ok(Some(bytes))
            }
            // The integration is there, so the 404 is about the call.
            Err(e) if matches!(e.status(), Some(404 | 405)) => {
                // What worked before is offered, whatever a host between says now.
                if self.offers(Capability::MemberArchive) == Some(true) {
                    return Err(e);
                }
                if e.status() == Some(404) && self.find_integration(id).await?.is_none() {
                    return Err(e);
                }
                self.learn_missing(Capability::MemberArchive);
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// Copies an integration of the global space, or a public one of another project, into a
    /// project; the source stays (docs/projects.md, Inside a project).
    ///
    /// # Errors
    /// Where the service refuses, or it is not known whether the call took effect.
    pub async fn copy_integration(
        &self,
        from: &IntegrationId,
        into: &Scope,
    ) -> Result<(), OicError> {
        let body = json!({
            "projectCode": from.scope.project(),
            "integrations": [{ "code": from.code, "version": from.version }],
        });
        let path = format!("{}/integrations/copy", into.api_path());
        let call = RequestSpec::change("copy", Method::POST, path, Payload::Json(body));
        self.send(call.about(from)).await.map(drop)
    }

    /// Starts an activation; [`Self::activation`] says how it goes.
    pub async fn activate(&self, id: &IntegrationId) -> Result<(), OicError> {
        let body = Payload::Patch(json!({ "status": "ACTIVATED" }));
        let call = RequestSpec::change("activate", Method::POST, path(id), body).about(id);
        self.send(call.with("enableAsyncActivationMode", true)).await.map(drop)
    }

    /// Stops an integration, and its schedule with it. Requests that wait are lost.
    pub async fn deactivate(&self, id: &IntegrationId) -> Result<(), OicError> {
        let body = Payload::Patch(
            json!({ "status": "CONFIGURED", "stopScheduleForDeactivation": "true" }),
        );
        self.send(RequestSpec::change("deactivate", Method::POST, path(id), body).about(id))
            .await
            .map(drop)
    }

    /// How far a running activation or deactivation is.
    pub async fn activation(&self, id: &IntegrationId) -> Result<ActivationState, OicError> {
        const ACTION: &str = "watch the activation of";
        let call = RequestSpec::get(ACTION, format!("{}/activationStatus", path(id)));
        let told = match self.json(call.about(id)).await {
            Ok(value) => value["activationStatus"].as_str().map(|word| word.to_owned().into()),
            Err(e) if matches!(e.status(), Some(404 | 405)) => None,
            Err(e) => return Err(e),
        };
        // Where the instance does not offer that call, or it says nothing, the integration tells.
        let word = match told {
            Some(word) => word,
            None => self.integration(id).await?.state.status,
        };
        Ok(match word {
            Status::Active => ActivationState::Active,
            Status::FailedActivation => ActivationState::Failed,
            Status::Busy => ActivationState::InProgress,
            Status::Configured | Status::Draft | Status::Down => ActivationState::NotActive,
            Status::Other(word) => match word.to_ascii_uppercase().as_str() {
                "ACTIVATION_SUCCEEDED" | "ACTIVE" => ActivationState::Active,
                "ACTIVATION_FAILED" | "FAILED" => ActivationState::Failed,
                _ if is_at_rest(&word) => ActivationState::NotActive,
                _ => ActivationState::Unknown(word),
            },
        })
    }

    /// Why the last activation failed, in the service's words; none in Generation 2, which has no
    /// such call.
    pub async fn activation_error(&self, id: &IntegrationId) -> Option<String> {
        let call = RequestSpec::get(
            "read the activation error of",
            format!("{}/activationErrors", path(id)),
        )
        .about(id);
        let value = self.json(call).await.ok()?;
        let text =
            value["errorMessage"].as_str().or_else(|| value["shortSummaryMessage"].as_str())?;
        Some(visible(text).into_owned()).filter(|t| !t.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integration_of_the_wire_is_read_with_either_flag_and_parts_missing() {
        let full = json!({ "id": "A|01.00.0000", "name": "A\u{1b}[0m", "status": "ACTIVATED",
            "scheduleApplicableFlag": true,
            "lastUpdated": "2025-08-06T08:23:54.159+0000", "lockedFlag": true, "lockedBy": "x",
            "unknown": [1] });
        let read = IntegrationJson::read(&full, &Scope::Global).unwrap();
        assert!(read.scheduled && read.state.is_locked() && read.state.last_updated.is_some());
        assert_eq!(read.name, "A␛[0m");
        let bare = IntegrationJson::read(
            &json!({ "id": "A|01.00.0000", "scheduleApplicable": true,
                "lastUpdated": 1754468634159_i64 }),
            &"P".into(),
        )
        .unwrap();
        assert_eq!(bare.id.scope, "P".into());
        assert!(bare.scheduled && bare.state.last_updated.is_some());
        assert!(IntegrationJson::read(&json!({ "id": "A" }), &Scope::Global).is_err());
        let twin = json!({ "id": "A|01.00.0000", "projectId": "P" });
        let listed_globally = IntegrationJson::read(&twin, &Scope::Global).unwrap();
        assert_eq!(listed_globally.id.scope, "P".into());
    }
}
