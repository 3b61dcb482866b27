//! What belongs to a project as a whole: who may do what in it, and its deployments
//! (docs/projects.md, Project calls).

use reqwest::Method;
use serde_json::Value;

use super::{
    capabilities::Capability,
    client::{Client, Payload, RequestSpec},
    error::OicError,
};
use crate::model::{ProjectCode, Scope, visible};

/// Versions of a project's integrations that belong together, as the service lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDeployment {
    pub code: String,
    pub name: String,
    /// The code and version of each member.
    pub members: Vec<(String, String)>,
}

const LIST_DEPLOYMENTS: &str = "list deployments";
const READ_ACCESS: &str = "read the access list of";

fn access_path(code: &ProjectCode) -> String {
    format!("{}/acl", Scope::Project(code.clone()).api_path())
}

impl Client {
    /// The deployments of a project, sorted by code.
    ///
    /// # Errors
    /// Where the service has no such call (404, 405), or the role may not read it.
    pub async fn deployments(&self, code: &ProjectCode) -> Result<Vec<ListedDeployment>, OicError> {
        let path = format!("{}/deployments", Scope::Project(code.clone()).api_path());
        let list = self.list(LIST_DEPLOYMENTS, &path, "code");
        let items = self.ask_where_offered(Capability::Deployments, LIST_DEPLOYMENTS, list).await?;
        let text = |value: &Value| visible(value.as_str().unwrap_or_default()).into_owned();
        let member = |m: &Value| (text(&m["code"]), text(&m["version"]));
        let read = |item: Value| ListedDeployment {
            code: text(&item["code"]),
            name: text(&item["name"]),
            members: item["integrations"].as_array().into_iter().flatten().map(member).collect(),
        };
        let mut all: Vec<_> = items.into_iter().map(read).collect();
        all.sort_by(|a, b| a.code.cmp(&b.code));
        Ok(all)
    }

    /// The access list of a project, as the service writes it. It is in no archive.
    ///
    /// # Errors
    /// Where the service has no such call (404, 405), or the role may not read it.
    pub async fn access_list(&self, code: &ProjectCode) -> Result<Value, OicError> {
        let call = RequestSpec::get(READ_ACCESS, access_path(code)).about(code);
        self.ask_where_offered(Capability::AccessLists, READ_ACCESS, self.json(call)).await
    }

    /// Sets the access list of a project to what [`Self::access_list`] gave.
    ///
    /// # Errors
    /// Where the service refuses it, such as for a user that is gone (`idNotFound`).
    pub async fn set_access_list(&self, code: &ProjectCode, list: &Value) -> Result<(), OicError> {
        let body = Payload::Json(list.clone());
        let call =
            RequestSpec::change("set the access list of", Method::PUT, access_path(code), body);
        self.send(call.about(code)).await.map(drop)
    }
}
