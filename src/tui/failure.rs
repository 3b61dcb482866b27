//! What the explorer says where something outside did not work: the words of an error, with what to
//! do.

use std::fmt;

use crate::oic::OicError;

/// The words of an error, for a person. Every error that reaches the screen is one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure in the caller's own words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// An error of the service, with what to do about it.
    pub fn with_advice(error: OicError) -> Self {
        Self(format!("{error} → {}", error.advice()))
    }

    /// An error of the service in a few words, for a line among others.
    pub fn short(error: OicError) -> Self {
        Self(error.reason())
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}
