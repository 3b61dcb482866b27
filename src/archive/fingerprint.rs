//! The fingerprint of an archive: what it means, as one SHA-256 (docs/archive-format.md, What is
//! cosmetic).
//!
//! Two are made in one pass. The *full* fingerprint covers everything that carries meaning, the
//! copies of connections and lookups that travel along included: two exports with the same full
//! fingerprint need not both be kept. The *portable* one leaves those copies out: an import does
//! not overwrite a connection or a lookup that the target has, so between environments, and as
//! proof of a restore, only the portable fingerprint can be equal. It is also the same whether an
//! integration stands in an export of its own or in its project's archive.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::{
    parallel,
    renumbering::{self, Renumbering},
    xml,
};
use crate::model::Fingerprint;

mod form;

pub(super) use form::{
    MEANINGLESS_INFO, attribute_name, is_meaningless_property, travels_along, why_unread,
};
pub use form::{
    canonical_bytes, identity, is_cosmetic, is_identity, meaningful_attributes, same_in_connection,
    same_in_jca,
};

/// The version of the rules. It is raised with every change of them, so that fingerprints made by
/// different rules are never compared. Caches carry it in their name.
pub const RULES: u32 = 5;

/// The two fingerprints of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprints {
    pub full: Fingerprint,
    pub portable: Fingerprint,
}

impl Fingerprints {
    /// The fingerprints of a file of which only the bytes are known.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let fingerprint = Fingerprint::from_bytes(Sha256::digest(bytes).into());
        Self { full: fingerprint, portable: fingerprint }
    }
}

/// The files that carry meaning, each by its path with numbers replaced, and in the one form in
/// which it can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canonical {
    parts: Vec<(String, CanonicalPart)>,
    /// The paths of files that the meaning needs and that cannot be read: their bytes stand for
    /// them.
    unread: Vec<String>,
}

/// One file of a [`Canonical`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct CanonicalPart {
    /// Whether the file is a copy of an artifact that the target has, or will be given, as its own.
    travels_along: bool,
    sha256: [u8; 32],
    /// Who the integration is, where this file says it: an export and a project's archive say the
    /// same in two files with other names.
    identity: Option<[u8; 32]>,
}

impl Canonical {
    /// Makes the canonical form of unpacked files, given in any order by their path in the
    /// integration.
    pub fn of_files<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Self {
        let files: Vec<_> = files.into_iter().filter(|(path, _)| !is_cosmetic(path)).collect();
        let project = files.iter().find(|(path, _)| path.ends_with("PROJECT-INF/project.xml"));
        let renumbering = project
            .and_then(|(_, b)| xml::parse(b))
            .map(|doc| Renumbering::of_project(&doc))
            .unwrap_or_default();
        let mut parts = Vec::new();
        let size = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let hashed = |(path, bytes): &(&str, &[u8])| {
            let form = form::of_file(path, bytes, &renumbering);
            let unread = matches!(form, Cow::Borrowed(_)) && form::is_broken(path, bytes);
            (Sha256::digest(form).into(), unread)
        };
        let hashes = parallel::map(&files, size, hashed);
        let mut not_read = Vec::new();
        for ((path, bytes), (sha256, unread)) in files.into_iter().zip(hashes) {
            not_read.extend(unread.then(|| path.to_owned()));
            let identity = form::identity(path, bytes).map(|text| Sha256::digest(text).into());
            let part = CanonicalPart { travels_along: travels_along(path), sha256, identity };
            // Files that nothing refers to lose their number, so two of them may get the same name.
            parts.push((renumbering.apply(path), part));
        }
        Self { parts, unread: not_read }
    }

    /// The path of a file that the meaning needs and that cannot be read.
    pub fn unread(&self) -> Option<&str> {
        self.unread.first().map(String::as_str)
    }

    /// Like [`Canonical::of_files`], but reads only files that may name a number. That is enough to
    /// tell whether two archives that are equal but for numbers refer to the same steps and files.
    pub fn of_references<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Self {
        let names_a_number =
            |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(renumbering::may_hold_a_number);
        let bare = |(path, bytes): (&'f str, &'f [u8])| {
            (path, if names_a_number(bytes) { bytes } else { &[][..] })
        };
        Self::of_files(files.into_iter().map(bare))
    }

    /// The full and the portable fingerprint.
    pub fn fingerprints(&self) -> Fingerprints {
        let total = |with_copies: bool| {
            let mut lines: Vec<_> = self
                .parts
                .iter()
                .filter(|(_, part)| with_copies || !part.travels_along)
                .map(|(name, part)| match part.identity.filter(|_| !with_copies) {
                    Some(identity) => ("who it is", identity),
                    None => (name.trim_end_matches('+'), part.sha256),
                })
                .collect();
            lines.sort_unstable();
            let mut hash = Sha256::new();
            hash.update(format!("oicx fingerprint {RULES}\n"));
            for (name, sha256) in lines {
                hash.update(name.as_bytes());
                hash.update([0]);
                hash.update(sha256);
            }
            Fingerprint::from_bytes(hash.finalize().into())
        };
        Fingerprints { full: total(true), portable: total(false) }
    }
}

/// The fingerprint of a text that is canonical already.
pub fn of_text(kind: &str, text: &str) -> Fingerprint {
    Fingerprint::from_bytes(
        Sha256::digest(format!("oicx fingerprint {RULES} {kind}\n{text}")).into(),
    )
}

/// A path without numbers: `processor_24/req_<hash>.xsl` becomes `processor#/req#.xsl`.
pub fn without_numbers(path: &str) -> String {
    Renumbering::default().apply(path)
}

/// A line without the numbers that each save deals out anew: those of steps and resources, of the
/// mapper's elements (`xml:id`) and of the flow's elements (`id`).
pub fn without_saves_numbers(line: &str) -> Cow<'_, str> {
    if !renumbering::may_hold_a_number(line) && !line.contains(" id=\"") {
        return Cow::Borrowed(line);
    }
    let bare = without_numbers(line);
    let mut out = String::with_capacity(bare.len());
    let mut rest = bare.as_str();
    while let Some(at) = rest.find("id=\"") {
        let value = at + 4;
        let end = rest[value..].find('"').map_or(rest.len(), |e| value + e);
        let before = rest[..at].chars().next_back();
        out.push_str(&rest[..value]);
        let counted = rest[value..end].trim_end_matches(|c: char| c.is_ascii_digit());
        let is_id = matches!(before, Some(' ' | ':'));
        out.push_str(if is_id { counted } else { &rest[value..end] });
        rest = &rest[end..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod rules;
