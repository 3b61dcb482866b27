//! What belongs to a project as a whole: who may do what in it (docs/projects.md, Project calls).

use reqwest::Method;
use serde_json::Value;

use super::{
    client::{Client, Payload, RequestSpec},
    error::OicError,
};
use crate::model::{ProjectCode, Scope};

fn access_path(code: &ProjectCode) -> String {
    format!("{}/acl", Scope::Project(code.clone()).api_path())
}

impl Client {
    /// The access list of a project, as the service writes it. It is in no archive.
    ///
    /// # Errors
    /// Where the service has no such call (404, 405), or the role may not read it.
    pub async fn access_list(&self, code: &ProjectCode) -> Result<Value, OicError> {
        let call = RequestSpec::get("read the access list of", access_path(code));
        self.json(call.about(code)).await
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
