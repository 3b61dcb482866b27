//! Where the parts of an archive lie: the folders of an `.iar`, and those of a `.car`
//! (docs/archive-format.md).

use std::borrow::Cow;

/// All of an integration's export lies below it.
pub const EXPORT: &str = "icspackage/";
/// The integration's own files, in an export.
pub const EXPORT_OWN: &str = "icspackage/project/";
/// All of a project's archive lies below it.
pub const PROJECT: &str = "project/";
pub const PROJECT_YAML: &str = "project/project.yaml";
pub const PROJECT_DIGEST: &str = "project/oic_project.properties";
/// A folder for each integration of a project.
pub const MEMBERS: &str = "project/integrations/";
pub const PROJECT_LIBRARIES: &str = "project/libraries/";
pub const DEPLOYMENTS: &str = "project/labels/";

/// Copies that travel along with an integration: folders as the integration sees them.
pub const CONNECTIONS: &str = "appinstances/";
pub const LOOKUPS: &str = "dvms/";
pub const LIBRARIES: &str = "libraries/";
/// Libraries again, by display names, with the code in a file.
pub const NAMED_LIBRARIES: &str = "apilibrary/";
pub const EVENTS: &str = "eventtypes/";
pub const CERTIFICATES: &str = "certificates/";

/// What a project holds once for all its integrations: the folder there, and the one in which an
/// integration's own export has its copy.
pub const SHARED: [(&str, &str); 3] = [
    ("project/connections/", CONNECTIONS),
    ("project/lookups/", LOOKUPS),
    (PROJECT_LIBRARIES, LIBRARIES),
];

/// The path that a connection or lookup beside a project's members would have in an integration's
/// export.
pub fn as_in_an_export(path: &str) -> Cow<'_, str> {
    let inner = |(there, here): &(&str, &str)| Some(format!("{here}{}", path.strip_prefix(there)?));
    let mut copies = SHARED.iter().filter(|(_, here)| *here != LIBRARIES);
    copies.find_map(inner).map_or(Cow::Borrowed(path), Cow::Owned)
}
