//! What a snapshot does not hold, and why: nobody must take it for more than it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    CoverageGap, EnvironmentName, Kind, ManifestEntry, SkippedArtifact, UnlistedKind, plural,
};
use crate::store::Index;

/// Projects that are named one by one; more are counted.
const NAMED: usize = 3;

/// The gaps of a snapshot of all that an environment has.
pub fn gaps(
    entries: &[ManifestEntry],
    unseen: &[UnlistedKind],
    skipped: &[SkippedArtifact],
    attachments: bool,
) -> Vec<CoverageGap> {
    let gap = |what: String, why: &str| CoverageGap { what, why: why.to_owned() };
    let mut out = not_seen(unseen);
    let prebuilt = skipped.iter().filter(|s| s.prebuilt).count();
    if prebuilt > 0 {
        let what = plural(prebuilt, "prebuilt artifact");
        out.push(gap(what, "Oracle's own: the service does not export them"));
    }
    let count = |kind: Kind| entries.iter().filter(|e| e.kind == kind).count();
    if count(Kind::Connection) > 0 {
        let what = format!("credentials of {}", plural(count(Kind::Connection), "connection"));
        out.push(gap(what, "the service does not give them out"));
        if !attachments {
            let why = "they are secrets; `attachments = true` in the config keeps them";
            out.push(gap("files attached to connections".into(), why));
        }
    }
    if count(Kind::Certificate) > 0 {
        let what = format!("the content of {}", plural(count(Kind::Certificate), "certificate"));
        out.push(gap(what, "the service does not export them"));
    }
    if count(Kind::Project) > 0 {
        let what = "robots, AI agents, decisions and B2B of projects".into();
        out.push(gap(what, "no call exports them"));
        out.push(gap(
            "projects that this account has no right to, if there are any".into(),
            "the service does not list them; a ServiceAdministrator reaches all",
        ));
    }
    out
}

/// Projects that the last snapshot of everything had, and that are not listed any more. That they
/// are gone is not known: the service hides what an account has no right to.
pub fn projects_not_seen(
    index: &Index,
    environment: &EnvironmentName,
    is_listed: impl Fn(&str) -> bool,
) -> Vec<CoverageGap> {
    let had = index.there_last(environment).filter(|v| v.kind == Kind::Project);
    let codes: BTreeSet<&str> =
        had.map(|v| v.code.as_str()).filter(|code| !is_listed(code)).collect();
    let why = "the last snapshot had it, and it is not listed any more: it was deleted, or this \
        account has no right to it";
    let gap = |code| CoverageGap { what: format!("project {code}"), why: why.to_owned() };
    codes.into_iter().map(gap).collect()
}

/// What people have not saved yet.
pub fn unsaved(named: &[String]) -> Option<CoverageGap> {
    let what = match named {
        [] => return None,
        some if some.len() <= NAMED => format!("unsaved changes of {}", some.join(", ")),
        many => format!("unsaved changes of {}", plural(many.len(), "integration")),
    };
    let why = "an export has what was saved last".to_owned();
    Some(CoverageGap { what, why })
}

/// What could not be listed, each kind and reason once: all that can be said of a snapshot of
/// chosen artifacts.
pub fn not_seen(unseen: &[UnlistedKind]) -> Vec<CoverageGap> {
    let mut by_reason: BTreeMap<(Kind, &str), Vec<&UnlistedKind>> = BTreeMap::new();
    for one in unseen {
        by_reason.entry((one.kind, one.reason.as_str())).or_default().push(one);
    }
    let gap = |((kind, why), all): ((Kind, &str), Vec<&UnlistedKind>)| {
        let projects: Vec<String> =
            all.iter().filter_map(|u| u.scope.project()).map(ToString::to_string).collect();
        let what = match projects.len() {
            0 => kind.plural().to_owned(),
            n if n > NAMED => format!("{} of {}", kind.plural(), plural(n, "project")),
            _ => format!("{} of {}", kind.plural(), projects.join(", ")),
        };
        CoverageGap { what, why: why.to_owned() }
    };
    by_reason.into_iter().map(gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    #[test]
    fn what_could_not_be_listed_is_told_once_for_all_projects_that_lack_it() {
        let unseen = |kind, scope: &str, reason: &str| {
            let scope = if scope.is_empty() { Scope::Global } else { scope.into() };
            UnlistedKind::new(kind, scope, reason)
        };
        let mut all: Vec<UnlistedKind> = ["A", "B", "C", "D"]
            .map(|p| unseen(Kind::Access, p, "this instance does not offer access lists (404)"))
            .to_vec();
        all.push(unseen(Kind::Certificate, "", "the role may not see certificates (403)"));
        all.push(unseen(Kind::Lookup, "B", "503"));
        let told: Vec<String> = not_seen(&all).iter().map(|g| g.what.clone()).collect();
        assert_eq!(told, ["lookups of B", "certificates", "access lists of 4 projects"]);
    }
}
