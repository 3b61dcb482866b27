//! How a person names an artifact: `prod:CODE@01.02.0003`, `store:prod/CODE~1`, a file.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{EnvironmentName, Kind, RunId, SnapshotId, Version, visible};

/// A live artifact, a stored version, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `prod:CODE`, `prod:CODE@01.02.0003`, `prod:lookups/NAME`; without a version, the active one,
    /// else the newest.
    Live { environment: EnvironmentName, kind: Kind, code: String, version: Option<Version> },
    /// `store:prod/CODE…`, `store:prod/lookups/NAME…`
    Stored { environment: EnvironmentName, kind: Kind, code: String, pick: StorePick },
    /// Anything with a path separator or an archive's ending.
    File(PathBuf),
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
    "`{text}` names nothing: {why}\n  use prod:CODE, prod:CODE@01.02.0003, store:prod/CODE, \
        store:prod/CODE~1, store:prod/CODE@snapshot:ID, or a file's path"
)]
pub struct ParseReferenceError {
    text: String,
    why: String,
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why: String| ParseReferenceError { text: visible(text).into_owned(), why };
        if let Some(rest) = text.strip_prefix("store:") {
            return stored(rest).map_err(fail);
        }
        if looks_like_a_file(text) {
            return Ok(Self::File(text.into()));
        }
        let (environment, rest) = text
            .split_once(':')
            .ok_or_else(|| fail("it has no environment and is no file".into()))?;
        let environment =
            environment.parse().map_err(|e: super::ParseNameError| fail(e.to_string()))?;
        let (code, version) = match rest.split_once('@') {
            None => (rest, None),
            Some((code, version)) => {
                (code, Some(version.parse().map_err(|e: super::ParseIdError| fail(e.to_string()))?))
            }
        };
        let (kind, code) = kind_and_code(code).map_err(fail)?;
        Ok(Self::Live { environment, kind, code, version })
    }
}

fn stored(rest: &str) -> Result<Reference, String> {
    let (environment, rest) = rest.split_once('/').ok_or("after store: comes ENVIRONMENT/CODE")?;
    let environment = environment.parse().map_err(|e: super::ParseNameError| e.to_string())?;
    let (rest, back) = match rest.rsplit_once('~') {
        Some((head, n)) => {
            (head, n.parse().map_err(|_| format!("~{n} is no number of steps back"))?)
        }
        None => (rest, 0),
    };
    let (code, at) = match rest.split_once('@') {
        Some((code, at)) => (code, Some(at)),
        None => (rest, None),
    };
    let (kind, code) = kind_and_code(code)?;
    let pick = match at {
        None => StorePick::Newest { version: None, back },
        Some(at) => match at.split_once(':') {
            Some(("snapshot", id)) if back == 0 => StorePick::Snapshot(SnapshotId(id.into()), None),
            Some((head, id)) if back == 0 && head.ends_with("@snapshot") => {
                let version = head.trim_end_matches("@snapshot").parse();
                let version = version.map_err(|e: super::ParseIdError| e.to_string())?;
                StorePick::Snapshot(SnapshotId(id.into()), Some(version))
            }
            Some(("run", id)) if back == 0 => StorePick::Run(id.into()),
            Some((word, _)) => {
                return Err(format!("@{word}: is not known (or cannot be combined with ~)"));
            }
            None => {
                let version = at.parse().map_err(|e: super::ParseIdError| e.to_string())?;
                StorePick::Newest { version: Some(version), back }
            }
        },
    };
    Ok(Reference::Stored { environment, kind, code, pick })
}

/// Reads `lookups/NAME`, or a code alone, which is an integration's.
fn kind_and_code(text: &str) -> Result<(Kind, String), String> {
    let (kind, code) = match text.split_once('/') {
        Some((word, code)) => match plural_kind(word) {
            Some(kind) => (kind, code),
            None => return Err(format!("`{}` is no kind", visible(word))),
        },
        None => (Kind::Integration, text),
    };
    if code.is_empty() {
        return Err("the code is missing".into());
    }
    if code.contains('~') {
        return Err("~ goes back in the store: store:ENV/CODE~1".into());
    }
    Ok((kind, decoded(code)?))
}

fn plural_kind(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|k| k.plural() == word)
}

/// Writes what [`kind_and_code`] reads: the kind where it is no integration, then the code, in
/// which characters with a meaning in references are escaped.
fn named(kind: Kind, code: &str) -> String {
    let escaped = |c: char| match c {
        '%' | '@' | '~' | '/' | '\\' | ':' => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    let code: String = code.chars().map(escaped).collect();
    if kind == Kind::Integration { code } else { format!("{}/{code}", kind.plural()) }
}

fn decoded(code: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(code.len());
    let mut rest = code.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [a, b, after @ ..]) => {
                let digits = std::str::from_utf8(&[*a, *b])
                    .ok()
                    .and_then(|d| u8::from_str_radix(d, 16).ok());
                bytes.push(digits.ok_or("after % come two hexadecimal digits")?);
                rest = after;
            }
            (b'%', _) => return Err("after % come two hexadecimal digits".into()),
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| "the code is no UTF-8".into())
}

fn looks_like_a_file(text: &str) -> bool {
    let of_a_kind =
        |rest: &str| rest.split_once('/').is_some_and(|(word, _)| plural_kind(word).is_some());
    if text
        .split_once(':')
        .is_some_and(|(env, rest)| env.parse::<EnvironmentName>().is_ok() && of_a_kind(rest))
    {
        return false;
    }
    let ends = [".iar", ".par", ".car", ".csv", ".dvm", ".jar", ".js", ".json"];
    let lower = text.to_ascii_lowercase();
    text.contains(['/', '\\']) || ends.iter().any(|e| lower.ends_with(e))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live { environment, kind, code, version } => {
                write!(f, "{environment}:{}", named(*kind, code))?;
                version.iter().try_for_each(|v| write!(f, "@{v}"))
            }
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stored { environment, kind, code, pick } => {
                write!(f, "store:{environment}/{}", named(*kind, code))?;
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
            "./CODE_01.00.0000.iar",
            "X.car",
        ] {
            assert_eq!(text.parse::<Reference>().map(|r| r.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_names_nothing_says_why() {
        for (text, why) in [
            ("CODE", "no environment"),
            ("prod:", "code is missing"),
            ("prod:CODE@x", "no version"),
            ("store:CODE", "ENVIRONMENT/CODE"),
            ("store:prod/CODE~x", "steps back"),
            ("store:prod/CODE@what:1", "@what"),
            ("Prod:CODE", "no environment name"),
        ] {
            let error = text.parse::<Reference>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
