//! The name of a connection, with the scope that it is of.

use std::{collections::BTreeMap, fmt};

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
        format!("{}/{}", self.scope, self.code)
    }

    /// What a table has for the connection: under its name with the scope, else under its code,
    /// which stands for every scope that is not named.
    pub fn find_in<'t, T>(&self, table: &'t BTreeMap<String, T>) -> Option<&'t T> {
        table.get(&self.with_scope()).or_else(|| table.get(&self.code))
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.scope.prefix(), self.code)
    }
}

/// Reads `HCM`, `global/HCM` or `PEOPLE/HCM`.
impl From<&str> for ConnectionName {
    fn from(text: &str) -> Self {
        match text.split_once('/') {
            Some((scope, code)) => Self::new(&Scope::named(scope), code),
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
