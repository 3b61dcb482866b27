//! Reads the bytes of an export into what they mean. Nothing here trusts the bytes: counts, sizes,
//! ratios, names and nesting are checked before anything is used (docs/archive-format.md, Sizes and
//! bounds).

mod budget;
mod connection;
mod contents;
mod copies;
mod definitions;
mod dependency;
mod endpoint;
mod error;
mod expression;
mod fingerprint;
mod flow;
mod flow_step_kind;
mod iar;
mod integration;
mod integration_files;
mod json;
pub mod layout;
mod lookup;
mod mapping;
mod parallel;
mod project_parts;
mod properties;
mod renumbering;
mod secret;
mod unpacked;
mod validated;
mod xml;
mod zip;

pub use connection::{Connection, PLACEHOLDER, names_certificate};
pub use contents::{ArchiveIdentity, Contents, ContentsBody, Library, Package, Project};
pub use copies::{Copies, scripts_of};
pub use dependency::{CalledScope, Dependency, NeedKind, Needs};
pub use endpoint::Endpoint;
pub use error::ArchiveError;
pub use expression::Expression;
pub use fingerprint::{
    Fingerprints, RULES, canonical_bytes, identity, is_cosmetic, is_identity, same_in_connection,
    same_in_jca, without_numbers, without_saves_numbers,
};
pub use flow::{FlowStep, count as count_steps};
pub use flow_step_kind::FlowStepKind;
pub use iar::{Iar, digest_of};
pub use integration::{Integration, Tracking};
pub use integration_files::FileEntry;
pub use lookup::Lookup;
pub use mapping::{Assignment, Mapping, short as short_expression};
pub use parallel::map as parallel_map;
pub use project_parts::{Deployment, ScheduleDefinition, library_of_project, read_event};
pub use secret::{BlankedAs, Blanker, Secret, SecretKind, blank, blank_value};
pub use unpacked::{
    Files, UnpackedArchive, is_packing, mean_the_same, mean_the_same_elsewhere, refer_to_the_same,
};
pub use validated::{MemberArchive, ValidatedArchive, fingerprints_of};
pub use xml::parse as parse_xml;
pub use zip::{BoundedZip, ZipEntry};

/// Visits every step of a flow in its order.
pub fn flow_steps<'s>(steps: &'s [FlowStep], visit: &mut dyn FnMut(&'s FlowStep)) {
    steps.iter().for_each(|s| s.walk(0, &mut |step, _| visit(step)));
}

/// SHA-256 of the bytes as hexadecimal text. Manifests list it beside the fingerprints.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    crate::model::Fingerprint::from_bytes(digest).to_string()
}
