//! The name by which a person calls one environment.

use std::{fmt, str::FromStr, sync::Arc};

/// An environment's name in the config: `dev`, `test`, `prod`.
///
/// It is also a folder in the store and a word in references, so only lower-case letters, digits,
/// `-` and `_` are taken, 32 at most, and `store` is kept for the store itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvironmentName(Arc<str>);

/// Why a text is no environment name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseNameError {
    #[error("an environment's name is empty; use a short word such as prod")]
    Empty,
    #[error(
        "`{0}` is not an environment name: use lower-case letters, digits, - and _ (32 at most)"
    )]
    Letters(String),
    #[error(
        "`{0}` is reserved (the store, the snapshot and run folders use it); choose another name"
    )]
    Reserved(String),
}

impl EnvironmentName {
    /// The name as the configuration writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvironmentName {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseNameError::Empty);
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if text.len() > 32 || !text.chars().all(plain) {
            return Err(ParseNameError::Letters(super::visible(text).into_owned()));
        }
        // `runs` lies beside the environments in the store; the others are device names on Windows.
        let device = matches!(text, "con" | "prn" | "aux" | "nul") || is_port(text);
        if device || matches!(text, "store" | "runs") {
            return Err(ParseNameError::Reserved(text.into()));
        }
        Ok(Self(text.into()))
    }
}

fn is_port(text: &str) -> bool {
    text.len() == 4
        && (text.starts_with("com") || text.starts_with("lpt"))
        && text.ends_with(|c: char| c.is_ascii_digit())
}

impl TryFrom<String> for EnvironmentName {
    type Error = ParseNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EnvironmentName> for String {
    fn from(name: EnvironmentName) -> Self {
        name.0.as_ref().into()
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_taken_and_others_say_why() {
        assert_eq!("prod".parse::<EnvironmentName>().map(|n| n.to_string()), Ok("prod".into()));
        assert_eq!("".parse::<EnvironmentName>(), Err(ParseNameError::Empty));
        for odd in ["Prod", "a b", "a/b", "..", &"x".repeat(33)] {
            assert!(
                matches!(odd.parse::<EnvironmentName>(), Err(ParseNameError::Letters(_))),
                "{odd}"
            );
        }
        for taken in ["store", "runs", "nul", "com1"] {
            assert!(
                matches!(taken.parse::<EnvironmentName>(), Err(ParseNameError::Reserved(_))),
                "{taken}"
            );
        }
    }
}
