//! What the service offers for each kind: its paths, and what can be done with an artifact. This is
//! the only such table: where the service begins to export or import a kind, one row changes. Paths
//! inside a project are in docs/projects.md, "What each kind can do".

use crate::model::{ArtifactKey, Kind, Scope};

/// How an artifact of a kind is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// `GET …/ID/archive`.
    Get,
    /// `POST …/ID/archive` with what is wanted of a project.
    AskProject,
    /// Only as a part of its project's archive.
    InProject,
    /// As a file of its project's archive: `POST /projects/CODE/archive`.
    FromProject,
    /// It has no export: it is described by its properties.
    Described,
}

/// How a file of a kind is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Import {
    /// `POST …/archive`.
    Archive,
    /// `POST …` with the file and its particulars.
    Upload,
    None,
}

/// How a file replaces the artifact that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// `PUT …/archive`.
    Put,
    /// `POST …/ID/archive` (docs/oic-rest-api.md, "Libraries").
    PostToItself,
    /// `PUT …/archive`; deleted and imported where the instance has no such call.
    PutIfOffered,
    /// `PUT` of its content as JSON; deleted and imported where the instance has no such call.
    PutContent,
    None,
}

/// What tells all of an artifact that has no export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// The list says all that there is.
    List,
    /// A list may leave parts out: `GET …/ID`, with the name of the call for errors.
    Get(&'static str),
    /// The same; some environments list the kind and do not show a single one.
    GetIfShown(&'static str),
}

/// The calls of one kind in one scope.
#[derive(Debug, Clone, Copy)]
pub struct KindCalls {
    /// The path of the kind below its scope's: `/lookups`.
    pub folder: &'static str,
    /// The name of the call that lists, for errors.
    pub list: &'static str,
    /// The field in a list that holds the id of an artifact for paths.
    pub id: &'static str,
    /// JSON pointers of an item in a list; the first that is there says in a word what it is.
    pub note: &'static [&'static str],
    /// What tells all of an artifact.
    pub details: Details,
    pub export: Export,
    pub import: Import,
    pub replace: Replace,
    /// Whether an artifact of the kind can be deleted.
    pub delete: bool,
}

/// The calls of a kind in a scope; none where the kind is never there. A schedule has none of its
/// own: it belongs to its integration.
pub fn calls_in(kind: Kind, scope: &Scope) -> Option<KindCalls> {
    match scope {
        Scope::Global => calls(kind),
        Scope::Project(_) => project_calls(kind),
    }
}

/// The calls of a kind inside a project (docs/projects.md, Inside a project).
fn project_calls(kind: Kind) -> Option<KindCalls> {
    let global = || calls(kind);
    match kind {
        Kind::Integration => global().map(|calls| KindCalls {
            export: Export::InProject,
            replace: Replace::PutIfOffered,
            ..calls
        }),
        Kind::Connection => global(),
        Kind::Lookup => global().map(|calls| KindCalls { replace: Replace::PutContent, ..calls }),
        Kind::Library => global().map(|calls| KindCalls { export: Export::FromProject, ..calls }),
        Kind::Access => Some(KindCalls {
            folder: "/acl",
            list: "read the access list of",
            id: "code",
            note: &[],
            details: Details::List,
            export: Export::Described,
            import: Import::None,
            replace: Replace::None,
            delete: false,
        }),
        // A schedule is its integration's; the others are global.
        Kind::Schedule | Kind::Package | Kind::Project | Kind::Certificate | Kind::Agent => None,
    }
}

/// The calls of a kind in the global space.
pub fn calls(kind: Kind) -> Option<KindCalls> {
    let row = |folder, list, id, export, import, replace| {
        let (note, details): (&[&str], _) = (&[], Details::List);
        Some(KindCalls { folder, list, id, note, details, export, import, replace, delete: true })
    };
    use {Export as E, Import as I, Replace as R};
    match kind {
        Kind::Integration => {
            row("/integrations", "list integrations", "id", E::Get, I::Archive, R::Put)
        }
        Kind::Connection => {
            row("/connections", "list connections", "id", E::Described, I::None, R::None).map(
                |calls| KindCalls {
                    note: &["/adapterType/name", "/adapterType/displayName"],
                    details: Details::Get("read connection"),
                    ..calls
                },
            )
        }
        Kind::Lookup => row("/lookups", "list lookups", "name", E::Get, I::Archive, R::Put),
        Kind::Library => {
            row("/libraries", "list libraries", "id", E::Get, I::Archive, R::PostToItself)
        }
        Kind::Package => row("/packages", "list packages", "name", E::Get, I::Archive, R::Put),
        Kind::Project => row("/projects", "list projects", "id", E::AskProject, I::Archive, R::Put),
        Kind::Certificate => {
            row("/certificates", "list certificates", "id", E::Described, I::Upload, R::Put).map(
                |calls| KindCalls {
                    note: &["/type"],
                    details: Details::GetIfShown("read certificate"),
                    ..calls
                },
            )
        }
        Kind::Agent => row(
            "/monitoring/agentgroups",
            "list agent groups",
            "id",
            E::Described,
            I::None,
            R::None,
        )
        .map(|calls| KindCalls { delete: false, ..calls }),
        // An access list is a project's.
        Kind::Schedule | Kind::Access => None,
    }
}

impl ArtifactKey {
    /// Whether replacing it may take two calls: it is deleted, and imported again.
    pub fn is_replaced_by_deleting(&self) -> bool {
        calls_in(self.kind, &self.scope)
            .is_some_and(|c| matches!(c.replace, Replace::PutIfOffered | Replace::PutContent))
    }
}

impl Kind {
    /// Whether the service exports the kind; a kind that it does not export can only be described.
    pub fn has_archive(self) -> bool {
        calls(self).is_some_and(|c| c.export != Export::Described)
    }

    /// Whether a stored file of the kind can be sent back: restored, promoted, rehearsed.
    pub fn can_be_sent(self) -> bool {
        calls(self).is_some_and(|c| c.import == Import::Archive)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Kind::Integration, true, true)]
    #[case(Kind::Connection, false, false)]
    #[case(Kind::Lookup, true, true)]
    #[case(Kind::Library, true, true)]
    #[case(Kind::Package, true, true)]
    #[case(Kind::Project, true, true)]
    #[case(Kind::Certificate, false, false)]
    #[case(Kind::Agent, false, false)]
    #[case(Kind::Schedule, false, false)]
    #[case(Kind::Access, false, false)]
    fn what_is_exported_and_what_is_sent(
        #[case] kind: Kind,
        #[case] exported: bool,
        #[case] sent: bool,
    ) {
        assert_eq!((kind.has_archive(), kind.can_be_sent()), (exported, sent));
    }

    #[test]
    fn only_a_kind_that_lives_in_projects_has_calls_there() {
        let project = Scope::of_project("PEOPLE");
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Schedule) {
            let has_calls = calls_in(kind, &project).is_some();
            assert_eq!(has_calls, kind.lives_in_projects(), "{kind}");
        }
    }

    #[test]
    fn a_file_of_a_kind_is_kept_as_json_where_it_is_described() {
        for kind in Kind::ALL {
            assert_eq!(kind.has_archive(), kind.ending() != "json", "{kind}");
        }
    }
}
