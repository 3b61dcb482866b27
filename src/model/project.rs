//! Projects and scopes: where integrations live (docs/projects.md).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{path_segment, reference, visible};

/// The word that stands for the global space where a project's code could stand.
pub(super) const GLOBAL: &str = "global";

/// What is to be remembered wherever a project is said not to be there.
pub const HIDDEN_PROJECT: &str =
    "a project whose access list leaves this account out is not listed either";

/// A project's code, which is also its id in paths of the service. Empty where an archive does not
/// say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectCode(String);

impl ProjectCode {
    /// The project that a word names, as references have it: `%67lobal` is the one called `global`.
    pub fn named(word: &str) -> Self {
        Self(reference::decoded(word).unwrap_or_else(|_| word.to_owned()))
    }

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
        f.pad(&visible(&self.0))
    }
}

/// Where an artifact lives. The same code and version may be in several scopes of one environment;
/// they are different artifacts. In JSON the global space is `null`, or the field is absent: what
/// was written before there were scopes is global.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Option<ProjectCode>", into = "Option<ProjectCode>")]
pub enum Scope {
    #[default]
    Global,
    Project(ProjectCode),
}

impl Scope {
    /// The scope of a project.
    pub fn of_project(code: impl Into<ProjectCode>) -> Self {
        Self::Project(code.into())
    }

    /// Whether it is the global space.
    pub fn is_global(&self) -> bool {
        *self == Self::Global
    }

    /// `project PEOPLE`, `the global space`.
    pub fn in_words(&self) -> String {
        self.project()
            .map_or_else(|| "the global space".to_owned(), |project| format!("project {project}"))
    }

    /// The scope that a word names: `global`, or the code of a project as references have it.
    pub fn named(word: &str) -> Self {
        match word {
            GLOBAL => Self::Global,
            project => Self::Project(ProjectCode::named(project)),
        }
    }

    /// The project; none for the global space.
    pub fn project(&self) -> Option<&ProjectCode> {
        match self {
            Self::Global => None,
            Self::Project(code) => Some(code),
        }
    }

    /// What stands before a code so that it names one artifact: `PEOPLE_CORE/`; nothing for the
    /// global space. It can be pasted into a reference.
    pub fn prefix(&self) -> String {
        let named = |p: &ProjectCode| reference::escaped_project(p.as_str());
        self.project().map(|p| format!("{}/", visible(&named(p)))).unwrap_or_default()
    }

    /// What stands before the paths of the scope in the API: `/projects/PEOPLE_CORE`; nothing for
    /// the global space.
    pub fn api_path(&self) -> String {
        self.project()
            .map(|p| format!("/projects/{}", path_segment(p.as_str())))
            .unwrap_or_default()
    }
}

impl From<Option<ProjectCode>> for Scope {
    fn from(project: Option<ProjectCode>) -> Self {
        project.map_or(Self::Global, Self::Project)
    }
}

impl From<&str> for Scope {
    fn from(project: &str) -> Self {
        Self::of_project(project)
    }
}

impl From<Scope> for Option<ProjectCode> {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Global => None,
            Scope::Project(code) => Some(code),
        }
    }
}

impl fmt::Display for Scope {
    /// `PEOPLE_CORE`, `global`. A project of that very code is told apart from the global space as
    /// in references: `%67lobal`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.pad(GLOBAL),
            Self::Project(code) if code.as_str() == GLOBAL => {
                f.pad(&reference::escaped_project(GLOBAL))
            }
            Self::Project(code) => code.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// What is shown of a scope names it again, also where its code reads like another word.
    #[rstest]
    #[case::global(Scope::Global, "global", "")]
    #[case::plain("PEOPLE_CORE".into(), "PEOPLE_CORE", "PEOPLE_CORE/")]
    #[case::like_the_global_space("global".into(), "%67lobal", "%67lobal/")]
    #[case::like_a_kind("lookups".into(), "lookups", "%6Cookups/")]
    fn a_scope_is_named_by_what_is_shown(
        #[case] scope: Scope,
        #[case] shown: &str,
        #[case] prefix: &str,
    ) {
        assert_eq!((scope.to_string().as_str(), scope.prefix().as_str()), (shown, prefix));
        assert_eq!(Scope::named(shown), scope);
    }
}
