//! The name of a connection, with the scope that it is of.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Scope;

/// A connection of a scope: `HCM`, or `PEOPLE/HCM` in a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionName {
    pub scope: Scope,
    pub code: String,
}

impl ConnectionName {
    /// The name of a connection in a scope.
    pub fn new(scope: &Scope, code: &str) -> Self {
        Self { scope: scope.clone(), code: code.to_owned() }
    }

    /// How the config names it so that no other scope's is meant: `PEOPLE/HCM`, `global/HCM`.
    pub fn with_scope(&self) -> String {
        match self.scope.project() {
            Some(project) => format!("{project}/{}", self.code),
            None => format!("global/{}", self.code),
        }
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope.project() {
            Some(project) => write!(f, "{project}/{}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

/// Reads `HCM`, `global/HCM` or `PEOPLE/HCM`.
impl From<&str> for ConnectionName {
    fn from(text: &str) -> Self {
        match text.split_once('/') {
            Some(("global", code)) => Self::new(&Scope::Global, code),
            Some((project, code)) => Self::new(&Scope::of_project(project), code),
            None => Self::new(&Scope::Global, text),
        }
    }
}

impl Serialize for ConnectionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConnectionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_is_written() {
        for text in ["HCM", "PEOPLE/HCM"] {
            assert_eq!(ConnectionName::from(text).to_string(), text);
        }
        assert_eq!(ConnectionName::from("global/HCM"), ConnectionName::from("HCM"));
        assert_eq!(ConnectionName::from("HCM").with_scope(), "global/HCM");
    }
}
