//! The fingerprint of an archive: what it means, as one SHA-256 (docs/archive-format.md, What is
//! cosmetic).
//!
//! Two are made in one pass. The *full* fingerprint covers everything that carries meaning, the
//! copies of connections and lookups that travel along included: two exports with the same full
//! fingerprint need not both be kept. The *portable* one leaves those copies out: an import does
//! not overwrite a connection or a lookup that the target has, so between environments, and as
//! proof of a restore, only the portable fingerprint can be equal.

use std::{borrow::Cow, collections::BTreeMap};

use roxmltree::{Attribute, Node};
use sha2::{Digest, Sha256};

use super::{
    Expression, Lookup, json,
    names::{self, Renumbering},
    parallel, properties, xml,
};
use crate::model::Fingerprint;

/// The version of the rules. It is raised with every change of them, so that fingerprints made by
/// different rules are never compared. Caches carry it in their name.
pub const RULES: u32 = 3;

const MEANINGLESS_FILES: [&str; 4] =
    ["layout.json", "layout3.json", "analysis.json", "project_messages.json"];

const MEANINGLESS_KEYS: [&str; 7] = [
    "mod",
    "validity",
    "version",
    "CAV",
    "lastUpdatedICSVersion",
    "project_persisted_state",
    "project_transient_state",
];

/// Keys without meaning in a project's `info.json`, where `version` is the integration's own and
/// has a meaning.
pub(super) const MEANINGLESS_INFO: [&str; 6] =
    ["mod", "validity", "CAV", "lastUpdatedICSVersion", "persistedState", "transientState"];

const MEANINGLESS_ELEMENTS: [&str; 7] = [
    "securedAuditInfo",
    "lastSaved",
    "csfkey",
    "pluginVersion",
    "sdkVersion",
    "platformVersion",
    "updatePluginVersion",
];

/// Properties of a `.jca` without meaning: where the environment keeps the connection's
/// credentials, and when a called integration was created there. Both differ between environments
/// that run the same flow.
const MEANINGLESS_PROPERTIES: [&str; 2] = ["csfkey", "integration_created"];

/// Elements whose children stand in no order: definitions beside the flow, their resources, and
/// lists of named values.
const UNORDERED: [&str; 10] = [
    "icsflow",
    "application",
    "processor",
    "inbound",
    "outbound",
    "resourceGroup",
    "interaction-spec",
    "activation-spec",
    "non-managed-connection",
    "connectionProperties",
];

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
    parts: BTreeMap<String, CanonicalPart>,
}

/// One file of a [`Canonical`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct CanonicalPart {
    /// Whether the file is a copy of an artifact that the target has, or will be given, as its own.
    travels_along: bool,
    digest: [u8; 32],
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
        let mut parts = BTreeMap::new();
        let size = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let digest = |(path, bytes): &(&str, &[u8])| {
            Sha256::digest(normal_form(path, bytes, &renumbering)).into()
        };
        let digests = parallel::map(&files, size, digest);
        for ((path, _), digest) in files.into_iter().zip(digests) {
            let part = CanonicalPart { travels_along: travels_along(path), digest };
            let mut name = renumbering.apply(path);
            // Files that nothing refers to lose their number, so two of them may get the same name.
            while parts.contains_key(&name) {
                name.push('+');
            }
            parts.insert(name, part);
        }
        Self { parts }
    }

    /// Like [`Canonical::of_files`], but reads only files that may name a number. That is enough to
    /// tell whether two archives that are equal but for numbers refer to the same steps and files.
    pub fn of_references<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Self {
        let names_a_number =
            |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(names::may_hold_a_number);
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
                .map(|(name, part)| (name.trim_end_matches('+'), part.digest))
                .collect();
            lines.sort_unstable();
            let mut hash = Sha256::new();
            hash.update(format!("oicx fingerprint {RULES}\n"));
            for (name, digest) in lines {
                hash.update(name.as_bytes());
                hash.update([0]);
                hash.update(digest);
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

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file carries no meaning: the canvas, the editor's state, what the service derives.
pub fn is_cosmetic(path: &str) -> bool {
    let name = file_name(path);
    MEANINGLESS_FILES.contains(&name)
        || name.ends_with("_stateinfo.xml")
        || name.ends_with("stateinfo.json")
}

fn travels_along(path: &str) -> bool {
    path.starts_with("appinstances/") || path.starts_with("dvms/")
}

/// A file's bytes without what carries no meaning. A file that cannot be read keeps its bytes.
fn normal_form<'a>(path: &str, bytes: &'a [u8], renumbering: &Renumbering) -> Cow<'a, [u8]> {
    let name = file_name(path);
    let text = || std::str::from_utf8(bytes).ok();
    let canonical = match name.rsplit('.').next().unwrap_or_default() {
        "dvm" => Lookup::from_dvm(bytes).ok().map(|l| l.canonical()),
        "xml" | "xsl" | "xslt" | "xsd" | "wsdl" | "jca" => {
            xml::parse(bytes).and_then(|doc| xml::canonical(&doc, &ExportRules { renumbering }))
        }
        "properties" if name == "ics_project_attributes.properties" => {
            text().map(project_attributes)
        }
        "properties" if name.ends_with("expr.properties") => {
            text().map(|t| Expression::parse(t).canonical())
        }
        "properties" => text().map(|t| without_comments(t, renumbering)),
        "json" if path == "info.json" => {
            json::canonical(bytes, &|key| !MEANINGLESS_INFO.contains(&key), &keep)
        }
        "json" => json::canonical(bytes, &|_| true, &|t| renumbering.apply(t)),
        _ => None,
    };
    canonical.map_or(Cow::Borrowed(bytes), |t| Cow::Owned(t.into_bytes()))
}

/// A file in the form in which two of them can be compared outside of their flows: numbers are left
/// out, since a step more or less renumbers all others.
pub fn canonical_bytes<'a>(path: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    normal_form(path, bytes, &Renumbering::default())
}

/// A path without numbers: `processor_24/req_<hash>.xsl` becomes `processor#/req#.xsl`.
pub fn without_numbers(path: &str) -> String {
    Renumbering::default().apply(path)
}

/// A line without the numbers that each save deals out anew: those of steps and resources, of the
/// mapper's elements (`xml:id`) and of the flow's elements (`id`).
pub fn without_saves_numbers(line: &str) -> Cow<'_, str> {
    if !names::may_hold_a_number(line) && !line.contains(" id=\"") {
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

fn keep(text: &str) -> String {
    text.to_owned()
}

fn project_attributes(text: &str) -> String {
    let mut out = String::new();
    for (key, value) in meaningful_attributes(text) {
        out.push_str(&format!("{key}={value}\n"));
    }
    out
}

/// The keys of `ics_project_attributes.properties` that carry meaning.
pub fn meaningful_attributes(text: &str) -> BTreeMap<String, String> {
    let mut all = properties::parse(text);
    all.retain(|key, _| !MEANINGLESS_KEYS.contains(&key.as_str()));
    all
}

/// The canonical form of any other `.properties` file: comments, which hold a date, are left out,
/// and lines are sorted, since their order is the writer's.
fn without_comments(text: &str, renumbering: &Renumbering) -> String {
    let mut lines: Vec<_> =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    lines.sort_unstable();
    renumbering.apply(&lines.join("\n"))
}

/// What carries meaning in the XML of an export.
#[derive(Debug)]
pub struct ExportRules<'a> {
    pub renumbering: &'a Renumbering,
}

/// Whether an element of an export's XML carries no meaning.
pub fn is_meaningless(node: Node<'_, '_>) -> bool {
    let name = node.tag_name().name();
    let property = || {
        let key = node.attribute("name").filter(|_| name == "property").unwrap_or_default();
        MEANINGLESS_PROPERTIES.contains(&key)
            || (key.starts_with("cloud.adapter.") && key.ends_with(".version"))
    };
    MEANINGLESS_ELEMENTS.contains(&name) || property()
}

impl xml::CanonicalRules for ExportRules<'_> {
    fn skip(&self, node: Node<'_, '_>) -> bool {
        is_meaningless(node)
    }

    fn text<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        if names::may_hold_a_number(&text) {
            Cow::Owned(self.renumbering.apply(&text))
        } else {
            text
        }
    }

    /// A mapper's `xml:id` and a step's `id` are counted anew at each save, and nothing refers to
    /// them. `exclude-result-prefixes` lists prefixes, and a prefix may be any word.
    fn skip_attribute(&self, node: Node<'_, '_>, attribute: &Attribute<'_, '_>) -> bool {
        match attribute.name() {
            "id" if attribute.namespace() == Some("http://www.w3.org/XML/1998/namespace") => true,
            "id" => node.ancestors().any(|a| a.tag_name().name() == "orchestration"),
            "exclude-result-prefixes" => true,
            _ => false,
        }
    }

    fn unordered(&self, node: Node<'_, '_>) -> bool {
        UNORDERED.contains(&node.tag_name().name())
    }
}

#[cfg(test)]
mod rules;
