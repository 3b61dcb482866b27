//! The archive of a whole service instance (docs/oic-rest-api.md, "Whole instance"). The service
//! makes it in a job and writes it to an object storage; oicx only asks and follows.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    at_rest::RestState,
    client::{Client, Hidden, Host, Payload, RequestSpec},
    error::{ErrorKind, OicError},
    wire,
};
use crate::model::path_segment;

const EXPORT: &str = "/exportServiceInstanceArchive";

/// What a job is started with.
#[derive(Debug)]
pub struct InstanceExportOrder<'a> {
    /// A name that no job had before.
    pub name: &'a str,
    pub description: &'a str,
    /// The bucket's URL in the Swift form.
    pub bucket: &'a str,
    /// Who writes there.
    pub user: &'a str,
    /// An auth token of that user.
    pub auth_token: &'a SecretString,
    /// Whether certificates and credentials of connections are in the archive.
    pub security: bool,
}

impl Client {
    /// Starts the export of the whole instance. Gives the id of the job.
    ///
    /// # Errors
    /// Where the service refuses: 409 where another job runs, or the name was used before.
    pub async fn start_instance_export(
        &self,
        order: &InstanceExportOrder<'_>,
    ) -> Result<String, OicError> {
        let action = "start the export of the instance";
        let body = json!({
            "jobName": order.name, "description": order.description,
            "exportSecurityArtifacts": order.security,
            "storageInfo": { "storageUrl": order.bucket, "storageUser": order.user,
                "storagePassword": order.auth_token.expose_secret() },
        });
        let body = Payload::PrivateJson(Hidden(body));
        let call = RequestSpec::change(action, Method::POST, EXPORT, body).about(order.name);
        let answer = self.json(RequestSpec { host: Host::Common, ..call }).await?;
        let job = wire::text(&answer, &["jobId", "id"]);
        match job.is_empty() {
            false => Ok(job),
            true => {
                let kind = ErrorKind::Unexpected("no id of a job".into());
                Err(self.error(action, Some(order.name.to_owned()), kind))
            }
        }
    }

    /// How such a job stands; at its end, in the service's word.
    ///
    /// # Errors
    /// Where the service refuses to tell.
    pub async fn instance_export_job(&self, job: &str) -> Result<RestState<String>, OicError> {
        let path = format!("{EXPORT}/{}", path_segment(job));
        let call = RequestSpec::get("read the job", path).about(job);
        let answer = self.json(RequestSpec { host: Host::Common, ..call }).await?;
        let word = wire::text(&answer, &["overallStatus", "status"]);
        // A word that is not known, or none, is no end: exports are done in stages.
        let ends = |word: &str| {
            let word = word.to_ascii_uppercase();
            ["COMPLETE", "SUCCE", "FAIL", "ERROR", "CANCEL", "ABORT"]
                .iter()
                .any(|end| word.contains(end))
        };
        Ok(match ends(&word) {
            true => RestState::Resting(word),
            false if word.is_empty() => RestState::Passing("without a state".into()),
            false => RestState::Passing(word),
        })
    }
}
