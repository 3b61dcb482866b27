//! Projects: the spaces in which integrations live (docs/projects.md).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A project's code, which is also its id in paths of the service. Empty where an archive does not
/// say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectCode(String);

impl ProjectCode {
    /// The code as the service writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ProjectCode {
    fn from(code: String) -> Self {
        Self(code)
    }
}

impl From<&str> for ProjectCode {
    fn from(code: &str) -> Self {
        Self(code.to_owned())
    }
}

impl fmt::Display for ProjectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
