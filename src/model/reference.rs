//! How a person names an artifact: `prod:CODE@01.02.0003`, `store:prod/CODE~1`, a file.

use std::{fmt, path::PathBuf, str::FromStr};

use super::project::GLOBAL;
use super::{
    ArtifactName, EnvironmentName, Kind, ProjectCode, RunId, Scope, SnapshotId, Version, visible,
};

/// A live artifact, a stored version, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `prod:CODE`, `prod:PROJECT/CODE@01.02.0003`, `prod:lookups/NAME`; without a version, the
    /// active one, else the newest.
    Live { environment: EnvironmentName, target: Target, version: Option<Version> },
    /// `store:prod/CODE…`, `store:prod/PROJECT/lookups/NAME…`
    Stored { environment: EnvironmentName, target: Target, pick: StorePick },
    /// Anything with a path separator or an archive's ending.
    File(PathBuf),
}

/// The artifact that a reference names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// None where the reference names no scope: the one that has the code is meant, if it is the
    /// only one.
    pub scope: Option<Scope>,
    pub kind: Kind,
    pub code: String,
}

impl Target {
    /// The artifact in a scope; a scope that the reference names must be the same.
    pub fn in_scope(&self, scope: Scope) -> ArtifactName {
        ArtifactName { kind: self.kind, scope, code: self.code.clone() }
    }

    /// The artifact, where the reference names its scope.
    pub fn name(&self) -> Option<ArtifactName> {
        self.scope.clone().map(|scope| self.in_scope(scope))
    }

    /// Whether an artifact may be meant.
    pub fn fits(&self, kind: Kind, scope: &Scope, code: &str) -> bool {
        self.kind == kind && self.code == code && self.scope.as_ref().is_none_or(|s| s == scope)
    }
}

impl From<ArtifactName> for Target {
    fn from(name: ArtifactName) -> Self {
        Self { scope: Some(name.scope), kind: name.kind, code: name.code }
    }
}

impl fmt::Display for Target {
    /// As references have it: `SYNC`, `PEOPLE_CORE/lookups/COUNTRIES`. Characters with a meaning
    /// in references are escaped. The global space is not named, so that a reference stays short;
    /// where a project has the code too, [`Self::explicit`] is needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Scope::Project(project)) = &self.scope {
            write!(f, "{}/", escaped_project(project.as_str()))?;
        }
        f.write_str(&named(self.kind, &self.code))
    }
}

impl Target {
    /// The project whose stored archive alone has it: a snapshot has no entry for a library in one.
    pub fn kept_with_project(&self) -> Option<&ProjectCode> {
        let project = self.scope.as_ref().and_then(Scope::project);
        project.filter(|_| self.kind == Kind::Library)
    }

    /// As a sentence has it, without the kind: `NAME`, `PEOPLE_CORE/NAME`.
    pub fn in_words(&self) -> String {
        let scope = self.scope.as_ref().map(Scope::prefix).unwrap_or_default();
        format!("{scope}{}", visible(&self.code))
    }

    /// Like its display, with the global space named: `global/SYNC`.
    pub fn explicit(&self) -> String {
        match &self.scope {
            Some(Scope::Global) => format!("{GLOBAL}/{}", named(self.kind, &self.code)),
            _ => self.to_string(),
        }
    }
}

/// Which stored version of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePick {
    /// The newest (of a version number where one is given), `back` steps before it by content.
    Newest { version: Option<Version>, back: usize },
    /// The version that was in one snapshot; where no version is named, the active one there, else
    /// the highest.
    Snapshot(SnapshotId, Option<Version>),
    /// The safety export of one restore.
    Run(RunId),
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` names nothing: {why}\n  use prod:CODE, prod:PROJECT/CODE, prod:CODE@01.02.0003, \
        store:prod/CODE, store:prod/CODE~1, store:prod/CODE@snapshot:ID, or a file's path"
)]
pub struct ParseReferenceError {
    text: String,
    why: ReferenceProblem,
}

/// What is wrong with a text that should be a reference or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceProblem {
    #[error("it has no environment and is not a file")]
    NoEnvironment,
    #[error("after store: comes ENVIRONMENT/CODE")]
    NoStoredCode,
    #[error("~{0} is not a number of steps back")]
    NoSteps(String),
    #[error("@{0}: is not known (or cannot be combined with ~)")]
    UnknownPick(String),
    #[error("`{word}` is not a kind; one of: {}", Kind::ALL.map(Kind::folder).join(", "))]
    UnknownKind { word: String },
    #[error("it has more parts than PROJECT/KIND/CODE")]
    TooManyParts,
    #[error("the code is missing")]
    NoCode,
    #[error("~ goes back in the store: store:ENV/CODE~1")]
    StepsOutsideStore,
    #[error("{} are never in a project ({project})", .kind.plural())]
    NotInProjects { kind: Kind, project: ProjectCode },
    #[error("before / comes a project or a kind")]
    NoScope,
    #[error("after % come two hexadecimal digits")]
    BrokenEscape,
    #[error("the code is not UTF-8")]
    NotUtf8,
    #[error(transparent)]
    Environment(#[from] super::ParseNameError),
    #[error(transparent)]
    Version(#[from] super::ParseIdError),
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = match text.strip_prefix("store:") {
            Some(rest) => stored(rest),
            None if looks_like_a_file(text) => Ok(Self::File(text.into())),
            None => live(text),
        };
        read.map_err(|why| ParseReferenceError { text: visible(text).into_owned(), why })
    }
}

fn live(text: &str) -> Result<Reference, ReferenceProblem> {
    let (environment, rest) = text.split_once(':').ok_or(ReferenceProblem::NoEnvironment)?;
    let environment = environment.parse()?;
    let (code, version) = match rest.split_once('@') {
        None => (rest, None),
        Some((code, version)) => (code, Some(version.parse()?)),
    };
    let target = code.parse()?;
    Ok(Reference::Live { environment, target, version })
}

fn stored(rest: &str) -> Result<Reference, ReferenceProblem> {
    let (environment, rest) = rest.split_once('/').ok_or(ReferenceProblem::NoStoredCode)?;
    let environment = environment.parse()?;
    let (rest, back) = match rest.rsplit_once('~') {
        Some((head, n)) => {
            (head, n.parse().map_err(|_| ReferenceProblem::NoSteps(visible(n).into_owned()))?)
        }
        None => (rest, 0),
    };
    let (code, at) = match rest.split_once('@') {
        Some((code, at)) => (code, Some(at)),
        None => (rest, None),
    };
    let target = code.parse()?;
    let pick = match at {
        None => StorePick::Newest { version: None, back },
        Some(at) => match at.split_once(':') {
            Some(("snapshot", id)) if back == 0 => StorePick::Snapshot(SnapshotId(id.into()), None),
            Some((head, id)) if back == 0 && head.ends_with("@snapshot") => {
                let version = head.trim_end_matches("@snapshot").parse()?;
                StorePick::Snapshot(SnapshotId(id.into()), Some(version))
            }
            Some(("run", id)) if back == 0 => StorePick::Run(id.into()),
            Some((word, _)) => {
                return Err(ReferenceProblem::UnknownPick(visible(word).into_owned()));
            }
            None => StorePick::Newest { version: Some(at.parse()?), back },
        },
    };
    Ok(Reference::Stored { environment, target, pick })
}

impl FromStr for Target {
    type Err = ReferenceProblem;

    /// Reads `CODE`, `PROJECT/CODE`, `global/CODE`, `lookups/NAME`, `PROJECT/lookups/NAME`. A code
    /// without a kind is an integration's.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scope, kind, code) = match text.split('/').collect::<Vec<_>>().as_slice() {
            [code] => (None, Kind::Integration, *code),
            [word, code] => match kind_of_folder(word) {
                Some(kind) => (None, kind, *code),
                None => (Some(scope_named(word)?), Kind::Integration, *code),
            },
            [scope, word, code] => {
                let kind = kind_of_folder(word).ok_or_else(|| ReferenceProblem::UnknownKind {
                    word: visible(word).into_owned(),
                })?;
                (Some(scope_named(scope)?), kind, *code)
            }
            _ => return Err(ReferenceProblem::TooManyParts),
        };
        if code.is_empty() {
            return Err(ReferenceProblem::NoCode);
        }
        if code.contains('~') {
            return Err(ReferenceProblem::StepsOutsideStore);
        }
        let code = decoded(code)?;
        if let (Some(Scope::Project(project)), false) = (&scope, kind.lives_in_projects()) {
            return Err(ReferenceProblem::NotInProjects { kind, project: project.clone() });
        }
        Ok(Self { scope, kind, code })
    }
}

fn scope_named(word: &str) -> Result<Scope, ReferenceProblem> {
    match word {
        "" => Err(ReferenceProblem::NoScope),
        GLOBAL => Ok(Scope::Global),
        project => Ok(Scope::of_project(decoded(project)?)),
    }
}

fn kind_of_folder(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|k| k.folder() == word)
}

/// Writes what [`Target`] reads: the kind where it is no integration, then the code, in which
/// characters with a meaning in references are escaped.
fn named(kind: Kind, code: &str) -> String {
    let code = escaped(code);
    if kind == Kind::Integration { code } else { format!("{}/{code}", kind.folder()) }
}

fn escaped(code: &str) -> String {
    let escape = |c: char| match c {
        '%' | '@' | '~' | '/' | '\\' | ':' => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    code.chars().map(escape).collect()
}

/// A project's code where a kind or `global` could stand: one that reads like those has its first
/// letter escaped.
pub(super) fn escaped_project(code: &str) -> String {
    let text = escaped(code);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if kind_of_folder(&text).is_some() || text == GLOBAL => {
            format!("%{:02X}{}", u32::from(first), letters.as_str())
        }
        _ => text,
    }
}

pub(super) fn decoded(code: &str) -> Result<String, ReferenceProblem> {
    let mut bytes = Vec::with_capacity(code.len());
    let mut rest = code.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [a, b, after @ ..]) => {
                let digits = std::str::from_utf8(&[*a, *b])
                    .ok()
                    .and_then(|d| u8::from_str_radix(d, 16).ok());
                bytes.push(digits.ok_or(ReferenceProblem::BrokenEscape)?);
                rest = after;
            }
            (b'%', _) => return Err(ReferenceProblem::BrokenEscape),
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| ReferenceProblem::NotUtf8)
}

fn looks_like_a_file(text: &str) -> bool {
    let of_a_kind = |rest: &str| rest.split('/').rev().skip(1).any(|w| kind_of_folder(w).is_some());
    let ends = [".iar", ".par", ".car", ".csv", ".dvm", ".jar", ".js", ".json"];
    let lower = text.to_ascii_lowercase();
    let has_ending = ends.iter().any(|e| lower.ends_with(e));
    if let Some((environment, rest)) = text.split_once(':')
        && environment.parse::<EnvironmentName>().is_ok()
    {
        // `c:/x`, `c:\x` and `c:../x` are files of a machine with drives.
        let like_a_path = rest.starts_with(['/', '\\', '.']) || rest.contains('\\');
        return !of_a_kind(rest) && (like_a_path || has_ending);
    }
    text.contains(['/', '\\']) || has_ending
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live { environment, target, version } => {
                write!(f, "{environment}:{target}")?;
                version.iter().try_for_each(|v| write!(f, "@{v}"))
            }
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stored { environment, target, pick } => {
                write!(f, "store:{environment}/{target}")?;
                match pick {
                    StorePick::Newest { version, back } => {
                        version.iter().try_for_each(|v| write!(f, "@{v}"))?;
                        if *back > 0 { write!(f, "~{back}") } else { Ok(()) }
                    }
                    StorePick::Snapshot(id, None) => write!(f, "@snapshot:{id}"),
                    StorePick::Snapshot(id, Some(version)) => write!(f, "@{version}@snapshot:{id}"),
                    StorePick::Run(id) => write!(f, "@run:{id}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_design_reads_and_prints_back() {
        for text in [
            "prod:CODE",
            "prod:CODE@01.02.0003",
            "store:prod/CODE",
            "store:prod/CODE@01.02.0003",
            "store:prod/CODE~1",
            "store:prod/CODE@01.02.0003~2",
            "store:prod/CODE@snapshot:2026-08-15T013010Z-9d2e",
            "store:prod/CODE@01.02.0003@snapshot:2026-08-15T013010Z-9d2e",
            "prod:lookups/COUNTRY_CODES",
            "prod:lookups/odd%2Fna%25me%40x",
            "store:prod/certificates/a b~2",
            "store:prod/libraries/LIB@01.00.0000@snapshot:2026-08-15T013010Z-9d2e",
            "store:prod/CODE@run:2026-08-15T020304Z-restore-1a2b",
            "prod:PEOPLE_CORE/CODE",
            "prod:PEOPLE_CORE/CODE@01.02.0003",
            "prod:PEOPLE_CORE/lookups/NAME",
            "prod:projects/PEOPLE_CORE",
            "prod:%6Cookups/CODE",
            "prod:%67lobal/lookups/NAME",
            "store:prod/PEOPLE_CORE/CODE~1",
            "store:prod/PEOPLE_CORE/libraries/LIB@01.00.0000@snapshot:2026-08-15T013010Z-9d2e",
            "./CODE_01.00.0000.iar",
            "X.car",
        ] {
            assert_eq!(text.parse::<Reference>().map(|r| r.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_scope_is_a_project_the_global_space_or_not_named() {
        let scope = |text: &str| match text.parse() {
            Ok(Reference::Live { target, .. } | Reference::Stored { target, .. }) => target.scope,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(scope("prod:CODE"), None);
        assert_eq!(scope("prod:lookups/NAME"), None);
        assert_eq!(scope("prod:global/CODE"), Some(Scope::Global));
        assert_eq!(scope("store:prod/global/lookups/NAME"), Some(Scope::Global));
        assert_eq!(scope("prod:P/CODE"), Some("P".into()));
        assert_eq!(scope("prod:%6Cookups/CODE"), Some("lookups".into()));
        assert_eq!(scope("prod:LOOKUPS/CODE"), Some("LOOKUPS".into()));
    }

    #[test]
    fn a_path_is_a_file_and_a_project_is_none() {
        for file in ["./P/CODE", "dir/X.iar", "c:/x.iar", "c:\\x", "prod:X.iar", "prod:/tmp/x"] {
            assert!(matches!(file.parse(), Ok(Reference::File(_)) | Err(_)), "{file}");
        }
        assert!(matches!("prod:P/CODE".parse(), Ok(Reference::Live { .. })));
    }

    #[test]
    fn what_names_nothing_says_why() {
        for (text, why) in [
            ("CODE", "no environment"),
            ("prod:", "code is missing"),
            ("prod:CODE@x", "not a version"),
            ("store:CODE", "ENVIRONMENT/CODE"),
            ("store:prod/CODE~x", "steps back"),
            ("store:prod/CODE@what:1", "@what"),
            ("Prod:CODE", "not an environment name"),
            ("prod:P/Q/CODE", "`Q` is not a kind"),
            ("prod:P/lookups/A/B", "more parts"),
            ("prod:P/certificates/CA", "never in a project"),
            ("prod:P/", "code is missing"),
        ] {
            let error = text.parse::<Reference>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
