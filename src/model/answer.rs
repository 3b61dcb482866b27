//! The answer to a question that may have got none.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// What a question to the service or the store gave. An answer that could not be read is not the
/// answer "no": nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Answer<T> {
    /// Nobody could say, and why.
    Unknown {
        unknown: String,
    },
    Known(T),
}

impl<T> Answer<T> {
    /// No answer, and why.
    pub fn unknown(why: impl Display) -> Self {
        Self::Unknown { unknown: why.to_string() }
    }

    /// The answer, where there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::Unknown { .. } => None,
        }
    }

    /// Why there is no answer; none where there is one.
    pub fn why_unknown(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown { unknown } => Some(unknown),
        }
    }

    /// The same about something that is made of the answer.
    pub fn map<U>(self, made: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Known(answer) => Answer::Known(made(answer)),
            Self::Unknown { unknown } => Answer::Unknown { unknown },
        }
    }
}

impl<T> Answer<Option<T>> {
    /// What is known to be there.
    pub fn there(&self) -> Option<&T> {
        self.known()?.as_ref()
    }

    /// Whether it is known that nothing is there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Known(None))
    }
}

impl<T: Default> Default for Answer<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

impl<T, E: Display> From<Result<T, E>> for Answer<T> {
    fn from(result: Result<T, E>) -> Self {
        result.map_or_else(Self::unknown, Self::Known)
    }
}

impl<T> From<Option<T>> for Answer<Option<T>> {
    fn from(there: Option<T>) -> Self {
        Self::Known(there)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::ScheduleState;

    #[test]
    fn an_answer_that_looks_like_none_is_one() {
        let text = r#"{"unknown":"x","other":1}"#;
        let given: Answer<Option<serde_json::Value>> = serde_json::from_str(text).unwrap();
        assert_eq!(given.there().unwrap()["other"], 1);
    }

    /// Journals of older releases have a state or null.
    #[rstest]
    #[case::there(r#""running""#, Answer::Known(Some(ScheduleState::Running)))]
    #[case::nothing("null", Answer::Known(None))]
    #[case::not_known(r#"{"unknown":"404"}"#, Answer::unknown("404"))]
    fn an_answer_is_written_and_read(
        #[case] text: &str,
        #[case] answer: Answer<Option<ScheduleState>>,
    ) {
        assert_eq!(serde_json::from_str::<Answer<Option<ScheduleState>>>(text).unwrap(), answer);
        assert_eq!(serde_json::to_string(&answer).unwrap(), text);
    }
}
