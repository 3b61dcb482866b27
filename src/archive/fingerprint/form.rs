//! The one form of a file in which it is compared, and what carries no meaning in it
//! (docs/archive-format.md, What is cosmetic). Fingerprints and compare both go by this page.

use std::{borrow::Cow, collections::BTreeMap};

use roxmltree::{Attribute, Node};

use super::super::{
    Expression, Lookup, json, layout, properties,
    renumbering::{self, Renumbering},
    sha256_hex, xml,
    zip::BoundedZip,
};

const MEANINGLESS_FILES: [&str; 5] = [
    "layout.json",
    "layout3.json",
    "analysis.json",
    "project_messages.json",
    "oic_project.properties",
];

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
pub(in super::super) const MEANINGLESS_INFO: [&str; 6] =
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

/// Parts of a connection that differ by instance and by what was done with it there, beside
/// [`MEANINGLESS_ELEMENTS`].
const MEANINGLESS_IN_CONNECTIONS: [&str; 6] =
    ["id", "groupId", "status", "percentageComplete", "revision", "hidden"];

/// Properties without meaning, of a `.jca` and of a connection: where the environment keeps the
/// credentials, when the connection was saved, when a called integration was created, and what an
/// upgrade of the adapter adds.
const MEANINGLESS_PROPERTIES: [&str; 4] =
    ["csfkey", "lastSaved", "integration_created", "forceWsdlTypesBuild"];

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

const XSLT: &str = "http://www.w3.org/1999/XSL/Transform";

/// The most that a file which is a zip itself may unpack to, with all zips in it, in bytes.
const MAX_INNER_BYTES: u64 = 64 << 20;

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file carries no meaning: the canvas, the editor's state, what the service derives, who
/// packed a jar.
pub fn is_cosmetic(path: &str) -> bool {
    let name = file_name(path);
    MEANINGLESS_FILES.contains(&name)
        || name.ends_with("_stateinfo.xml")
        || name.ends_with("stateinfo.json")
        || path.starts_with("META-INF/")
}

/// Whether a file is a copy of an artifact that the target has, or will be given, as its own.
pub(in super::super) fn travels_along(path: &str) -> bool {
    let path = layout::as_in_an_export(path);
    path.starts_with(layout::CONNECTIONS) || path.starts_with(layout::LOOKUPS)
}

/// Whether an integration means nothing certain because this file, of which no form could be made,
/// cannot be read: its flow, its endpoints, its mappings, or a copy that travels along. A mapping
/// that somebody uploaded may have another encoding or a DTD: its bytes stand for it, unless they
/// are damaged. Schemas are compared by their bytes where they cannot be read.
pub(super) fn is_broken(path: &str, bytes: &[u8]) -> bool {
    let path = layout::as_in_an_export(path);
    match file_name(&path).rsplit('.').next().unwrap_or_default() {
        "xsl" | "xslt" => is_damaged_text(bytes),
        "jca" | "dvm" => true,
        "xml" => path.ends_with("PROJECT-INF/project.xml") || path.starts_with(layout::CONNECTIONS),
        "json" => path == "info.json",
        _ => false,
    }
}

/// Whether bytes that should be a text of XML are cut off, or no text in the encoding that they
/// name.
fn is_damaged_text(bytes: &[u8]) -> bool {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if utf16 || bytes.is_empty() {
        return false;
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).to_ascii_lowercase();
    let other_encoding = head.contains("encoding=") && !head.contains("utf-8");
    let whole = bytes.trim_ascii_end().ends_with(b">");
    bytes.contains(&0) || !whole || (std::str::from_utf8(bytes).is_err() && !other_encoding)
}

/// Why a file cannot be read that [`is_broken`].
pub(in super::super) fn why_unread(path: &str, bytes: &[u8]) -> String {
    if file_name(path).ends_with(".json") {
        let read = serde_json::from_slice::<serde::de::IgnoredAny>(bytes);
        return read.err().map_or_else(|| "it is nested too deep".into(), |e| e.to_string());
    }
    match xml::parse_or_why(bytes) {
        Err(why) => why.to_string(),
        Ok(_) => "it is not what it should be, or nested too deep".into(),
    }
}

/// A file in the form in which two of them can be compared outside of their flows: numbers are left
/// out, since a step more or less renumbers all others.
pub fn canonical_bytes<'a>(path: &str, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    of_file(path, bytes, &Renumbering::default())
}

/// A file's bytes without what carries no meaning. A file that cannot be read keeps its bytes.
pub(super) fn of_file<'a>(path: &str, bytes: &'a [u8], renumbering: &Renumbering) -> Cow<'a, [u8]> {
    let mut left = MAX_INNER_BYTES;
    within_bound(path, bytes, renumbering, &mut left)
}

/// As [`of_file`]. `left` is how much zips in it may still unpack to, in bytes.
fn within_bound<'a>(
    path: &str,
    bytes: &'a [u8],
    renumbering: &Renumbering,
    left: &mut u64,
) -> Cow<'a, [u8]> {
    let path = layout::as_in_an_export(path);
    let name = file_name(&path);
    let text = || std::str::from_utf8(bytes).ok();
    let canonical = match name.rsplit('.').next().unwrap_or_default() {
        _ if bytes.starts_with(b"PK") => of_zip(bytes, left),
        "dvm" => Lookup::from_dvm(bytes).ok().map(|l| l.canonical()),
        "xml" | "xsl" | "xslt" | "xsd" | "wsdl" | "jca" => {
            let rules = ExportRules { renumbering, kind: XmlKind::of(&path) };
            xml::parse(bytes).and_then(|doc| xml::canonical(&doc, &rules))
        }
        "properties" if name == "ics_project_attributes.properties" => {
            text().map(project_attributes)
        }
        "properties" if name.ends_with("expr.properties") => {
            text().map(|t| Expression::parse(t).canonical())
        }
        "properties" => text().map(|t| without_comments(t, renumbering)),
        "json" => of_json(&path, bytes, renumbering),
        _ => None,
    };
    canonical.map_or(Cow::Borrowed(bytes), |t| Cow::Owned(t.into_bytes()))
}

fn of_json(path: &str, bytes: &[u8], renumbering: &Renumbering) -> Option<String> {
    let deployment = path.starts_with(layout::DEPLOYMENTS);
    let lists_stand_in_no_order = deployment || path == "info.json";
    json::canonical(
        bytes,
        &json::JsonRules {
            keep: &|key| match path {
                "info.json" => !MEANINGLESS_INFO.contains(&key),
                // It counts how often the deployment was saved.
                _ => !(deployment && key == "revision"),
            },
            text: &|key, text| match key {
                _ if path == "info.json" => text.to_owned(),
                "schema" => renumbering.apply(&without_blanks(text)),
                _ => renumbering.apply(text),
            },
            sort_lists: lists_stand_in_no_order,
        },
    )
}

/// A zip by what is in it: times, order and compression are the writer's. `None` where it cannot be
/// read whole or unpacks to too much.
fn of_zip(bytes: &[u8], left: &mut u64) -> Option<String> {
    let mut zip = BoundedZip::open_strict(bytes).ok()?;
    let total = zip.files().iter().map(|f| f.size).sum();
    *left = left.checked_sub(total)?;
    let mut names: Vec<String> = zip.names().map(str::to_owned).collect();
    names.retain(|name| !is_cosmetic(name));
    names.sort_unstable();
    let mut out = String::new();
    for name in names {
        let inner = zip.take(&name).ok()?;
        let form = within_bound(&name, &inner, &Renumbering::default(), left);
        out.push_str(&format!("{} {name}\n", sha256_hex(&form)));
    }
    Some(out)
}

/// What `ics_project_attributes.properties` of an export and `info.json` of a project's member both
/// say of an integration, by the name in the second (docs/archive-format.md, Projects).
const IDENTITY: [(&str, &str); 8] = [
    ("project_code", "code"),
    ("project_version", "version"),
    ("project_name", "name"),
    ("project_description", "description"),
    ("project_type", "type"),
    ("keywords", "keywords"),
    ("mep_type", "mepType"),
    ("tracking_instance_name", "trackingInstanceName"),
];

/// The name that the attributes of an export have for a key of a member's `info.json`; the key
/// itself where they have no other.
pub fn attribute_name(info_key: &str) -> &str {
    IDENTITY.iter().find(|(_, name)| *name == info_key).map_or(info_key, |(attribute, _)| attribute)
}

/// Whether an attribute is part of who an integration is, which both files say. Of the scope only
/// `Public` says something: it is private without a word.
pub fn is_identity(attribute: &str, value: &str) -> bool {
    IDENTITY.iter().any(|(name, _)| *name == attribute)
        || (attribute == "scope" && value == "Public")
}

/// Who an integration is, in one form for both files that say it; none for another file, or one
/// that cannot be read.
pub fn identity(path: &str, bytes: &[u8]) -> Option<String> {
    let said: BTreeMap<String, String> = match path {
        "ics_project_attributes.properties" => {
            let all = properties::parse(std::str::from_utf8(bytes).ok()?);
            let named = |(key, value): (String, String)| {
                let name = IDENTITY.iter().find(|(here, _)| *here == key)?.1;
                Some((name.to_owned(), value))
            };
            all.into_iter().filter_map(named).collect()
        }
        "info.json" => {
            let all: serde_json::Value = serde_json::from_slice(bytes).ok()?;
            let all = all.get("properties")?.as_object()?;
            let says = |(key, value): (&String, &serde_json::Value)| {
                let value = value.as_str()?;
                is_identity(attribute_name(key), value).then(|| (key.clone(), value.to_owned()))
            };
            all.iter().filter_map(says).collect()
        }
        _ => return None,
    };
    let lines = said.iter().filter(|(_, value)| !value.is_empty());
    Some(lines.map(|(key, value)| format!("{key}={value}\n")).collect())
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

/// Whether a property of a `.jca` or a connection carries no meaning, whatever its value is.
pub(in super::super) fn is_meaningless_property(name: &str) -> bool {
    MEANINGLESS_PROPERTIES.contains(&name)
        || (name.starts_with("cloud.adapter.") && name.ends_with(".version"))
}

/// What a property of a `.jca` says; none where it says nothing: its name carries no meaning, or it
/// is not set, which an older adapter did not write at all.
fn said_by_jca<'v>(name: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let name = name.trim_start_matches("connection.");
    if is_meaningless_property(name) || value.is_empty() || value == "false" {
        return None;
    }
    Some(if name.contains("Sample") { without_blanks(value) } else { Cow::Borrowed(value) })
}

/// What a property of a connection says; none where it says nothing.
fn said_by_connection<'v>(name: &str, value: &'v str) -> Option<&'v str> {
    (!is_meaningless_property(name) && !value.is_empty()).then_some(value)
}

/// Whether two values of one property of a `.jca`, or a value and none, say the same.
pub fn same_in_jca(name: &str, before: Option<&str>, after: Option<&str>) -> bool {
    let said = |value: Option<&str>| value.and_then(|v| said_by_jca(name, v).map(Cow::into_owned));
    before == after || said(before) == said(after)
}

/// Whether two values of one property of a connection, or a value and none, say the same.
pub fn same_in_connection(name: &str, before: Option<&str>, after: Option<&str>) -> bool {
    let said =
        |value: Option<&str>| value.and_then(|v| said_by_connection(name, v).map(str::to_owned));
    said(before) == said(after)
}

/// JSON without the white space that somebody's editor put between its values; any other text as it
/// is.
fn without_blanks(text: &str) -> Cow<'_, str> {
    let begins = text.trim_start().starts_with(['{', '[']);
    if !begins || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if quoted || !c.is_ascii_whitespace() {
            out.push(c);
        }
        (quoted, escaped) = match c {
            _ if escaped => (quoted, false),
            '\\' => (quoted, quoted),
            '"' => (!quoted, false),
            _ => (quoted, false),
        };
    }
    Cow::Owned(out)
}

/// What kind of XML a file is: each has its own parts without meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum XmlKind {
    Connection,
    Jca,
    Mapping,
    Schema,
    /// `project.xml` and the rest.
    Other,
}

impl XmlKind {
    fn of(path: &str) -> Self {
        match path.rsplit('.').next().unwrap_or_default() {
            "jca" => Self::Jca,
            "xsl" | "xslt" => Self::Mapping,
            "xsd" | "wsdl" => Self::Schema,
            _ if path.starts_with(layout::CONNECTIONS) => Self::Connection,
            _ => Self::Other,
        }
    }
}

/// What carries meaning in the XML of an export.
#[derive(Debug)]
struct ExportRules<'a> {
    renumbering: &'a Renumbering,
    kind: XmlKind,
}

impl ExportRules<'_> {
    fn skip_in_connection(&self, node: Node<'_, '_>) -> bool {
        let name = node.tag_name().name();
        let child = |wanted: &str| {
            let found = node.children().find(|c| c.tag_name().name() == wanted);
            found.and_then(|c| c.text()).map_or("", str::trim)
        };
        let is_top = node.parent_element().is_some_and(|p| p.parent_element().is_none());
        MEANINGLESS_ELEMENTS.contains(&name)
            || is_top && MEANINGLESS_IN_CONNECTIONS.contains(&name)
            || name == "connectionProperty"
                && said_by_connection(child("name"), child("value")).is_none()
    }
}

impl xml::CanonicalRules for ExportRules<'_> {
    fn skip(&self, node: Node<'_, '_>) -> bool {
        let name = node.tag_name().name();
        let property = |key: &str| node.attribute(key).filter(|_| name == "property");
        match self.kind {
            XmlKind::Connection => self.skip_in_connection(node),
            XmlKind::Jca => property("name").is_some_and(|key| {
                said_by_jca(key, property("value").unwrap_or_default()).is_none()
            }),
            // An element of a message may have any name.
            XmlKind::Mapping | XmlKind::Schema => false,
            XmlKind::Other => {
                MEANINGLESS_ELEMENTS.contains(&name)
                    || property("name").is_some_and(is_meaningless_property)
            }
        }
    }

    fn value<'v>(&self, node: Node<'_, '_>, attribute: &'v Attribute<'_, '_>) -> Cow<'v, str> {
        let value = attribute.value();
        let is_property = self.kind == XmlKind::Jca && node.tag_name().name() == "property";
        match node.attribute("name").filter(|_| is_property && attribute.name() == "value") {
            Some(name) => said_by_jca(name, value).unwrap_or(Cow::Borrowed(value)),
            None => Cow::Borrowed(value),
        }
    }

    fn text<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        let text = match self.kind {
            XmlKind::Schema => renumbering::without_port_numbers(text),
            _ => text,
        };
        if renumbering::may_hold_a_number(&text) {
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

    /// Parameters of a mapping are told apart by their names.
    fn floats(&self, child: Node<'_, '_>) -> bool {
        let name = child.tag_name();
        self.kind == XmlKind::Mapping
            && name.namespace() == Some(XSLT)
            && matches!(name.name(), "param" | "with-param")
    }
}
