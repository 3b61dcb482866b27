//! Bytes of an export -> what it means. Nothing here trusts the bytes: counts, sizes, ratios, names and
//! nesting are checked before anything is used (archive-format.md; design §10).

mod fingerprint;
mod iar;
mod names;
mod properties;
mod xml;
mod zip;

pub use fingerprint::Meaning;
pub use iar::{Iar, Needs};
pub use zip::{ArchiveError, Zip};

/// SHA-256 of the bytes as hexadecimal text: what manifests list beside the meaning.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    crate::model::Fingerprint::from_bytes(digest).to_string()
}
