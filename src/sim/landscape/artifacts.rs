//! What a company has beside integrations.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::When;
use crate::model::{EnvironmentName, Version};

/// A connection, the same in each environment but for its address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSpec {
    pub code: String,
    pub name: String,
    pub adapter: String,
    #[serde(default)]
    pub policy: String,
    /// `{environment}` is replaced by the environment's name.
    pub url: String,
    /// Whether projects alone have it, each a copy of its own.
    #[serde(default)]
    pub projects_only: bool,
    /// The agent group through which it goes.
    #[serde(default)]
    pub agent: Option<String>,
    /// The certificate that it trusts or signs with.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Files that are attached, by their property; each holds its own name.
    #[serde(default)]
    pub attachments: BTreeMap<String, String>,
    #[serde(default)]
    pub missing_in: Vec<EnvironmentName>,
    #[serde(default)]
    pub unconfigured_in: Vec<EnvironmentName>,
    /// What `test` answers where it does not succeed.
    #[serde(default)]
    pub test_fails: Option<String>,
    /// The right password: `test` refuses another one that was set; None accepts any.
    #[serde(default)]
    pub password: Option<String>,
}

/// A lookup with its rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupSpec {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Whether projects alone have it, each a copy of its own.
    #[serde(default)]
    pub projects_only: bool,
    #[serde(default)]
    pub missing_in: Vec<EnvironmentName>,
    #[serde(default)]
    pub updated: Option<When>,
    #[serde(default)]
    pub by: Option<String>,
    /// Earlier rows on an environment, which only the store remembers.
    #[serde(default)]
    pub past: Vec<PastLookup>,
}

/// The rows that a lookup had in an environment until some time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastLookup {
    pub environment: EnvironmentName,
    pub until: When,
    pub rows: Vec<Vec<String>>,
}

impl LookupSpec {
    /// A lookup that somebody saved just now.
    pub fn saved(name: &str, columns: Vec<String>, rows: Vec<Vec<String>>, who: &str) -> Self {
        let (name, by) = (name.to_owned(), Some(who.to_owned()));
        Self {
            name,
            columns,
            rows,
            projects_only: false,
            missing_in: vec![],
            updated: Some(When::now()),
            by,
            past: vec![],
        }
    }
}

/// A JavaScript library.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySpec {
    pub code: String,
    pub name: String,
    pub version: Version,
    pub script: String,
    /// The name of the script's file, which stays whatever code the library gets; the code in lower
    /// case where it is not said.
    #[serde(default)]
    pub file: Option<String>,
    #[serde(default)]
    pub updated: Option<When>,
    #[serde(default)]
    pub missing_in: Vec<EnvironmentName>,
}

impl LibrarySpec {
    /// The name of the script's file.
    pub fn file(&self) -> String {
        self.file.clone().unwrap_or_else(|| format!("{}.js", self.code.to_ascii_lowercase()))
    }

    /// The id by which paths of the API name the library: `CODE|01.02.0003`.
    pub fn id(&self) -> String {
        format!("{}|{}", self.code, self.version)
    }
}

/// Integrations that are exported together. An environment has it where it has one of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSpec {
    pub name: String,
    /// Codes of integrations, or patterns: `WORKER_*`. The package has every version of them that
    /// is in the global space.
    pub integrations: Vec<String>,
}

/// A project of a Generation 3 instance. An environment has it where it has one of its
/// integrations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    pub code: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// Codes of integrations that live in the project, and so not in the global space; or
    /// patterns: `WORKER_*`.
    #[serde(default)]
    pub integrations: Vec<String>,
    /// Codes of integrations that are in the project and in the global space, each by itself.
    #[serde(default)]
    pub twins: Vec<String>,
    /// Lookups that it has although no integration of it uses them.
    #[serde(default)]
    pub lookups: Vec<String>,
    /// Codes of libraries that it has a copy of.
    #[serde(default)]
    pub libraries: Vec<String>,
    #[serde(default)]
    pub deployments: Vec<DeploymentSpec>,
    /// Who may do what in it; without it everybody may do everything.
    #[serde(default)]
    pub access: Option<AccessSpec>,
    /// Whose it is: `DEVELOPED`, or Oracle's own: `ACCELERATOR`, `BA`.
    #[serde(default = "developed")]
    pub r#type: String,
}

fn developed() -> String {
    "DEVELOPED".into()
}

/// Versions of a project's integrations that belong together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentSpec {
    pub code: String,
    pub name: String,
    /// `CODE|01.02.0003`
    pub integrations: Vec<String>,
}

/// Names of clients and people, by what they may do in a project.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessSpec {
    #[serde(default)]
    pub administrators: Vec<String>,
    #[serde(default)]
    pub editors: Vec<String>,
    #[serde(default)]
    pub viewers: Vec<String>,
    #[serde(default)]
    pub monitors: Vec<String>,
}

impl AccessSpec {
    /// The list as the service writes it.
    pub fn list(&self) -> serde_json::Value {
        let right = |names: &[String]| {
            let allowed = names
                .iter()
                .map(|name| serde_json::json!({ "id": name, "displayName": name, "type": "user" }));
            serde_json::json!({ "allowAll": false, "allowed": allowed.collect::<Vec<_>>() })
        };
        serde_json::json!({
            "administrators": right(&self.administrators), "editors": right(&self.editors),
            "viewers": right(&self.viewers), "monitors": right(&self.monitors),
        })
    }
}

impl ProjectSpec {
    /// The codes of all integrations in it.
    pub fn codes(&self) -> impl Iterator<Item = &String> {
        self.integrations.iter().chain(&self.twins)
    }
}

/// A certificate of an environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSpec {
    pub alias: String,
    #[serde(default = "x509")]
    pub r#type: String,
    #[serde(default = "trust")]
    pub category: String,
    pub expires: When,
    #[serde(default)]
    pub missing_in: Vec<EnvironmentName>,
}

fn x509() -> String {
    "X509".into()
}
fn trust() -> String {
    "TRUST".into()
}

/// A group of connectivity agents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentGroupSpec {
    pub id: String,
    pub name: String,
    pub agents: Vec<String>,
    /// Environments on which none of its agents answers.
    #[serde(default)]
    pub down_in: Vec<EnvironmentName>,
    #[serde(default)]
    pub missing_in: Vec<EnvironmentName>,
}
