//! What an archive means, as one number (design §3, archive-format.md "What changes without meaning").
//!
//! Two are made in one pass. The *whole* covers everything that carries meaning, the copies of
//! connections and lookups that travel along included: two exports with the same whole need not both be
//! kept. The *flow* leaves those copies out: an import does not overwrite a connection or a lookup that
//! the target has, so between environments, and as proof of a restore, only the flow can be equal.

use std::borrow::Cow;

use roxmltree::Node;
use sha2::{Digest, Sha256};

use super::{names::Renumbering, properties, xml};
use crate::model::Fingerprint;

/// Bumped with every change of the rules, so that numbers of different rules never meet.
const RULES: &[u8] = b"oicx fingerprint 1\n";

const MEANINGLESS_FILES: [&str; 5] =
    ["layout.json", "layout3.json", "analysis.json", "project_messages.json", "stateinfo.json"];

const MEANINGLESS_KEYS: [&str; 7] = [
    "mod",
    "validity",
    "version",
    "CAV",
    "lastUpdatedICSVersion",
    "project_persisted_state",
    "project_transient_state",
];

const MEANINGLESS_ELEMENTS: [&str; 6] =
    ["securedAuditInfo", "lastSaved", "csfkey", "pluginVersion", "sdkVersion", "platformVersion"];

/// Properties of a `.jca`: where the instance keeps the connection's credentials, and when a called
/// integration was created there. Both differ between instances that run the same flow.
const MEANINGLESS_PROPERTIES: [&str; 2] = ["csfkey", "integration_created"];

/// The two fingerprints of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub whole: Fingerprint,
    pub flow: Fingerprint,
}

/// From the unpacked entries, in any order.
pub fn of_entries(entries: &[(String, Vec<u8>)]) -> Meaning {
    let project = entries.iter().find(|(name, _)| name.ends_with("PROJECT-INF/project.xml"));
    let renumbering =
        project.and_then(|(_, bytes)| xml::parse(bytes)).map(|doc| Renumbering::of_project(&doc)).unwrap_or_default();
    let mut parts: Vec<(String, bool, [u8; 32])> = entries
        .iter()
        .filter(|(name, _)| !is_meaningless_file(name))
        .map(|(name, bytes)| {
            let digest = Sha256::digest(normal_form(name, bytes, &renumbering)).into();
            (renumbering.apply(name), travels_along(name), digest)
        })
        .collect();
    parts.sort_unstable();
    let total = |with_copies: bool| {
        let mut hash = Sha256::new();
        hash.update(RULES);
        for (name, _, digest) in parts.iter().filter(|(_, copy, _)| with_copies || !copy) {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(digest);
        }
        Fingerprint::from_bytes(hash.finalize().into())
    };
    Meaning { whole: total(true), flow: total(false) }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_meaningless_file(path: &str) -> bool {
    let name = file_name(path);
    MEANINGLESS_FILES.contains(&name) || name.ends_with("_stateinfo.xml")
}

/// A copy of something that the target has, or will be given, as its own.
fn travels_along(path: &str) -> bool {
    path.starts_with("icspackage/appinstances/") || path.starts_with("icspackage/dvms/")
}

/// The part with what carries no meaning taken away. A part that cannot be read stands for itself.
fn normal_form<'a>(name: &str, bytes: &'a [u8], renumbering: &Renumbering) -> Cow<'a, [u8]> {
    let ending = file_name(name).rsplit('.').next().unwrap_or_default();
    let text = match ending {
        "xml" | "xsl" | "xslt" | "xsd" | "wsdl" | "jca" | "dvm" => {
            xml::parse(bytes).and_then(|doc| xml::canonical(&doc, &ExportRules { renumbering }))
        }
        "properties" if file_name(name) == "ics_project_attributes.properties" => {
            std::str::from_utf8(bytes).ok().map(project_attributes)
        }
        "properties" => std::str::from_utf8(bytes).ok().map(|text| without_comments(text, renumbering)),
        _ => None,
    };
    text.map_or(Cow::Borrowed(bytes), |t| Cow::Owned(t.into_bytes()))
}

fn project_attributes(text: &str) -> String {
    let mut out = String::new();
    for (key, value) in properties::parse(text).iter().filter(|(k, _)| !MEANINGLESS_KEYS.contains(&k.as_str())) {
        out.push_str(&format!("{key}={value}\n"));
    }
    out
}

/// `expr.properties` and the like are `Key : value` lines under a date comment.
fn without_comments(text: &str, renumbering: &Renumbering) -> String {
    let mut lines: Vec<_> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    lines.sort_unstable();
    renumbering.apply(&lines.join("\n"))
}

struct ExportRules<'a> {
    renumbering: &'a Renumbering,
}

impl xml::Rules for ExportRules<'_> {
    fn skip(&self, node: Node<'_, '_>) -> bool {
        let name = node.tag_name().name();
        let property = || {
            let key = node.attribute("name").filter(|_| name == "property").unwrap_or_default();
            MEANINGLESS_PROPERTIES.contains(&key) || (key.starts_with("cloud.adapter.") && key.ends_with(".version"))
        };
        MEANINGLESS_ELEMENTS.contains(&name) || property()
    }

    fn text<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        if text.contains('_') { Cow::Owned(self.renumbering.apply(&text)) } else { text }
    }

    /// The definitions beside the orchestration stand in no order.
    fn unordered(&self, node: Node<'_, '_>) -> bool {
        node.tag_name().name() == "icsflow"
    }
}
