//! What the service can export or describe: its kind, its id, its version, its status.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Scope;

/// The kinds of artifact, in the order in which a person is shown them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Integration,
    Connection,
    Lookup,
    Library,
    Package,
    Project,
    Certificate,
    /// A group of connectivity agents.
    Agent,
    /// The schedule of one version of an integration.
    Schedule,
    /// Who may do what in a project; its code is that of the project.
    Access,
}

impl Kind {
    pub const ALL: [Self; 10] = [
        Self::Integration,
        Self::Connection,
        Self::Lookup,
        Self::Library,
        Self::Package,
        Self::Project,
        Self::Certificate,
        Self::Agent,
        Self::Schedule,
        Self::Access,
    ];

    /// `integration`, `connection` …
    pub fn singular(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Connection => "connection",
            Self::Lookup => "lookup",
            Self::Library => "library",
            Self::Package => "package",
            Self::Project => "project",
            Self::Certificate => "certificate",
            Self::Agent => "agent",
            Self::Schedule => "schedule",
            Self::Access => "access list",
        }
    }

    /// The word of the kind in references, and its folder in the store: `integrations`, `access`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Access => "access",
            other => other.plural(),
        }
    }

    /// `integrations`, `connections` …
    pub fn plural(self) -> &'static str {
        match self {
            Self::Integration => "integrations",
            Self::Connection => "connections",
            Self::Lookup => "lookups",
            Self::Library => "libraries",
            Self::Package => "packages",
            Self::Project => "projects",
            Self::Certificate => "certificates",
            Self::Agent => "agents",
            Self::Schedule => "schedules",
            Self::Access => "access lists",
        }
    }

    /// Whether it holds integrations, which come and go with it.
    pub fn holds_integrations(self) -> bool {
        match self {
            Self::Package | Self::Project => true,
            Self::Integration
            | Self::Connection
            | Self::Lookup
            | Self::Library
            | Self::Schedule
            | Self::Access
            | Self::Certificate
            | Self::Agent => false,
        }
    }

    /// Whether the kind can be in a project. Packages, projects, certificates and agent groups are
    /// global (docs/projects.md, Identity and twins).
    pub fn lives_in_projects(self) -> bool {
        match self {
            Self::Integration
            | Self::Connection
            | Self::Lookup
            | Self::Library
            | Self::Schedule
            | Self::Access => true,
            Self::Package | Self::Project | Self::Certificate | Self::Agent => false,
        }
    }

    /// Whether an artifact of the kind has a version. A schedule has that of its integration.
    pub fn has_versions(self) -> bool {
        match self {
            Self::Integration | Self::Library | Self::Schedule => true,
            Self::Connection
            | Self::Lookup
            | Self::Package
            | Self::Project
            | Self::Certificate
            | Self::Agent
            | Self::Access => false,
        }
    }

    /// Whether the kind is listed for itself: integrations come first, their schedules with them, and
    /// projects with an access list each.
    pub fn is_cataloged(self) -> bool {
        match self {
            Self::Connection
            | Self::Lookup
            | Self::Library
            | Self::Package
            | Self::Certificate
            | Self::Agent => true,
            Self::Integration | Self::Schedule | Self::Project | Self::Access => false,
        }
    }

    /// Whether an artifact of the kind stands for itself in lists. A schedule stands with its
    /// integration, an access list with its project.
    pub fn has_rows(self) -> bool {
        self.is_cataloged() || matches!(self, Self::Integration | Self::Project)
    }

    /// How early a plan brings an artifact of the kind where no dependency decides: kinds that
    /// others need come first. What belongs to an integration or is described comes with those.
    pub fn rank(self) -> u8 {
        match self {
            Self::Library | Self::Certificate => 1,
            Self::Lookup => 2,
            Self::Package | Self::Project => 3,
            Self::Integration | Self::Connection | Self::Agent | Self::Schedule | Self::Access => 4,
        }
    }

    /// The kind whose list tells that an artifact of this kind is there: a schedule is known by the
    /// list of integrations.
    pub fn listed_with(self) -> Self {
        match self {
            Self::Schedule => Self::Integration,
            Self::Integration
            | Self::Connection
            | Self::Lookup
            | Self::Library
            | Self::Package
            | Self::Project
            | Self::Certificate
            | Self::Agent
            | Self::Access => self,
        }
    }

    /// How the name of a stored file of this kind ends. What has no export is kept as a
    /// description.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Integration => "iar",
            Self::Lookup => "csv",
            Self::Library => "jar",
            Self::Package => "par",
            Self::Project => "car",
            Self::Connection | Self::Certificate | Self::Agent | Self::Schedule | Self::Access => {
                "json"
            }
        }
    }
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind; one of: {known}", known = Kind::ALL.map(Kind::folder).join(", "))]
pub struct ParseKindError(String);

impl FromStr for Kind {
    type Err = ParseKindError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|k| {
                let words = [k.singular(), k.plural(), k.folder()];
                words.iter().any(|word| text.eq_ignore_ascii_case(word))
            })
            .ok_or_else(|| ParseKindError(super::visible(text).into_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.singular())
    }
}

/// A version as the service writes it: `01.02.0003`. Activating one deactivates an active one with
/// the same `major` (docs/oic-rest-api.md, Integrations).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    pub major: u8,
    pub minor: u8,
    pub patch: u16,
}

/// Why a text is no id or version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    #[error("`{0}` is not a version; OIC writes them as 01.02.0003")]
    Version(String),
    #[error("`{0}` is not an integration id; OIC writes them as CODE|01.02.0003")]
    Id(String),
}

impl FromStr for Version {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseIdError::Version(super::visible(text).into_owned());
        let mut parts = text.trim().split('.');
        let mut next = |digits: usize| {
            let part = parts.next().filter(|p| !p.is_empty() && p.len() <= digits)?;
            part.chars().all(|c| c.is_ascii_digit()).then(|| part.parse::<u16>().ok()).flatten()
        };
        let (Some(major), Some(minor), Some(patch)) = (next(2), next(2), next(4)) else {
            return Err(bad());
        };
        if parts.next().is_some() {
            return Err(bad());
        }
        let small = |n: u16| u8::try_from(n).map_err(|_| bad());
        Ok(Self { major: small(major)?, minor: small(minor)?, patch })
    }
}

impl TryFrom<String> for Version {
    type Error = ParseIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:02}.{:02}.{:04}", self.major, self.minor, self.patch))
    }
}

/// A version as text for a column; empty for an artifact without one.
pub fn version_text(version: Option<Version>) -> String {
    version.map(|v| v.to_string()).unwrap_or_default()
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One version of one integration: `CODE|VV.VV.VVVV` in the global space, `CODE|VV.VV.VVVV|PROJECT`
/// in a project. The service writes the third part in monitoring only; elsewhere its ids leave the
/// project out (docs/projects.md, Identity and twins).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IntegrationId {
    pub scope: Scope,
    pub code: String,
    pub version: Version,
}

impl IntegrationId {
    /// A version of an integration in the global space; the code is kept as it is written.
    pub fn new(code: impl Into<String>, version: Version) -> Self {
        Self { scope: Scope::Global, code: code.into(), version }
    }

    /// The same code and version in another scope.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The id as the service writes it in lists and in its messages, without the project.
    pub fn service_id(&self) -> String {
        format!("{}|{}", self.code, self.version)
    }

    /// The form in a URL's path: `CODE%7CVV.VV.VVVV`, without the project.
    pub fn path_segment(&self) -> String {
        format!("{}%7C{}", super::path_segment(&self.code), self.version)
    }

    /// A file name for a person's own folder: `CODE_01.02.0003.iar`.
    pub fn file_name(&self) -> String {
        format!("{}_{}.iar", plain_file_name(&self.code), self.version)
    }
}

/// The file name of a project's archive in a person's own folder: `PEOPLE_CORE.car`.
pub fn project_file_name(code: &str) -> String {
    format!("{}.{}", plain_file_name(code), Kind::Project.ending())
}

/// A code in the letters that every disk takes, for the name of a file.
pub fn plain_file_name(code: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
    code.chars().map(plain).collect()
}

impl FromStr for IntegrationId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseIdError::Id(super::visible(text).into_owned());
        let (head, last) = text.rsplit_once('|').ok_or_else(bad)?;
        // The third part is a project's code, which is never a version: it has no points.
        let (code, version, scope) = match (last.parse(), head.rsplit_once('|')) {
            (Ok(version), _) => (head, version, Scope::Global),
            (Err(_), Some((code, version))) if !last.is_empty() => {
                (code, version.parse()?, Scope::of_project(last))
            }
            (Err(e), _) => return Err(e),
        };
        if code.is_empty() {
            return Err(bad());
        }
        Ok(Self { scope, code: code.to_owned(), version })
    }
}

impl TryFrom<String> for IntegrationId {
    type Error = ParseIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IntegrationId> for String {
    fn from(id: IntegrationId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.code, self.version)?;
        self.scope.project().map_or(Ok(()), |p| write!(f, "|{}", p.as_str()))
    }
}

impl fmt::Debug for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The status of an artifact in its environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// `ACTIVATED`: it runs.
    Active,
    /// `CONFIGURED`: complete, not running.
    Configured,
    /// `INPROGRESS`: a draft, not complete.
    Draft,
    /// `FAILEDACTIVATION`
    FailedActivation,
    /// An agent group of which no agent answers.
    Down,
    /// `ACTIVATION_INPROGRESS`, `DEACTIVATION_INPROGRESS`, `REFRESH_INPROGRESS` …
    Busy,
    /// A word this program does not know, kept as the service said it.
    Other(String),
}

impl Status {
    /// The status of an artifact of which nobody kept it.
    pub fn not_kept() -> Self {
        Self::Other(Self::NOT_KEPT.into())
    }

    const NOT_KEPT: &str = "not kept";

    /// The status, where it was kept.
    pub fn if_kept(&self) -> Option<&Self> {
        (!matches!(self, Self::Other(word) if word == Self::NOT_KEPT)).then_some(self)
    }

    /// One character that a column shows.
    pub fn mark(&self) -> char {
        match self {
            Self::Active => '●',
            Self::Configured => '○',
            Self::Draft => '◐',
            Self::FailedActivation => '✗',
            Self::Down => '✗',
            Self::Busy => '⟳',
            Self::Other(_) => '·',
        }
    }

    /// The word that a person reads.
    pub fn label(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Configured => "configured",
            Self::Draft => "draft",
            Self::FailedActivation => "activation failed",
            Self::Down => "down",
            Self::Busy => "busy",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "ACTIVATED" => Self::Active,
            "CONFIGURED" => Self::Configured,
            "INPROGRESS" => Self::Draft,
            "FAILEDACTIVATION" => Self::FailedActivation,
            "DOWN" => Self::Down,
            busy if busy.ends_with("_INPROGRESS") => Self::Busy,
            _ => Self::Other(super::visible(&word).into_owned()),
        }
    }
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => "ACTIVATED".into(),
            Status::Configured => "CONFIGURED".into(),
            Status::Draft => "INPROGRESS".into(),
            Status::FailedActivation => "FAILEDACTIVATION".into(),
            Status::Down => "DOWN".into(),
            Status::Busy => "ACTIVATION_INPROGRESS".into(),
            Status::Other(word) => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written_as_the_service_does() {
        let id: IntegrationId = "EMPLOYEE_DATA_SYNC|01.02.0003".parse().unwrap();
        assert_eq!(id.version, Version { major: 1, minor: 2, patch: 3 });
        assert_eq!(id.to_string(), "EMPLOYEE_DATA_SYNC|01.02.0003");
        assert_eq!(id.path_segment(), "EMPLOYEE_DATA_SYNC%7C01.02.0003");
        assert_eq!(
            IntegrationId::new("a b/c", id.version).path_segment(),
            "a%20b%2Fc%7C01.02.0003"
        );
        let inside: IntegrationId = "SYNC|01.02.0003|PEOPLE_CORE".parse().unwrap();
        assert_eq!(inside, IntegrationId::new("SYNC", id.version).within("PEOPLE_CORE".into()));
        assert_eq!(inside.to_string(), "SYNC|01.02.0003|PEOPLE_CORE");
        assert_eq!(inside.path_segment(), "SYNC%7C01.02.0003");
        assert_eq!(inside.service_id(), "SYNC|01.02.0003");
    }

    #[test]
    fn bad_versions_are_refused() {
        for bad in ["", "1", "1.2", "1.2.3.4", "a.b.c", "999.1.1", "01.02.00033", "-1.2.3"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
        assert!("NOVERSION".parse::<IntegrationId>().is_err());
        for bad in ["|01.00.0000", "A|01.00.0000|", "A|B|C", "|01.00.0000|P", "A|B"] {
            assert!(bad.parse::<IntegrationId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_statuses_are_kept() {
        assert_eq!(Status::from("ACTIVATED".to_string()), Status::Active);
        assert_eq!(Status::from("REFRESH_INPROGRESS".to_string()), Status::Busy);
        assert_eq!(Status::from("NEWWORD".to_string()), Status::Other("NEWWORD".into()));
    }
}
