//! `appinstances/<CODE>.xml`: a connection as it travels along with an integration.

use roxmltree::Node;

use super::{
    definitions::{child, child_text, local},
    fingerprint, sha256_hex, xml,
};
use crate::model::visible;

/// A connection's settings. Passwords are never exported; attachments are, and may hold keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    pub code: String,
    pub name: String,
    /// `rest`, `ftp`, `erp` …
    pub adapter: String,
    pub description: String,
    pub policy: String,
    /// Name -> value; empty where the export leaves a secret out.
    pub properties: Vec<(String, String)>,
    /// The agent group through which the connection goes, where it has one.
    pub agent: Option<String>,
    pub attachments: Vec<Attachment>,
    /// The file, by path in the integration.
    pub file: String,
}

/// A file attached to a connection. Its content is not kept: it may be a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// `propertyName`
    pub property: String,
    pub file: String,
    /// SHA-256 of the content, the first 8 digits.
    pub sha256: String,
}

impl Attachment {
    /// The file and the hash of its content, as a message names them: `key.pem (1f2e3d4c)`.
    pub fn shown(&self) -> String {
        format!("{} ({})", self.file, self.sha256)
    }
}

/// How a value begins that an export leaves to each environment: `%%ERP_Host`.
pub const PLACEHOLDER: &str = "%%";

impl Connection {
    /// Reads a connection's XML; none where the bytes are no such XML.
    pub fn read(path: &str, bytes: &[u8]) -> Option<Self> {
        let doc = xml::parse(bytes)?;
        let root = doc.root_element();
        let shown = |name: &str| visible(child_text(root, name).unwrap_or_default()).into_owned();
        let agent = root
            .descendants()
            .filter(|n| local(*n).to_ascii_lowercase().starts_with("agent"))
            .find_map(|n| n.text().map(str::trim).filter(|t| !t.is_empty()));
        Some(Self {
            code: shown("instanceCode"),
            name: shown("displayName"),
            adapter: shown("applicationTypeRef").to_lowercase(),
            description: shown("description"),
            policy: shown("securityPolicy"),
            properties: properties(root),
            agent: agent.map(|a| visible(a).into_owned()),
            attachments: attachments(root),
            file: path.to_owned(),
        })
        .filter(|c| !c.code.is_empty())
    }

    /// Whether the connection is one of the service's own, which every environment has.
    pub fn is_preseeded(code: &str) -> bool {
        code.starts_with("PRESEEDED_")
    }

    /// Aliases of certificates that the properties name.
    pub fn certificates(&self) -> impl Iterator<Item = &str> {
        let all = self.properties.iter();
        all.filter(|(k, v)| names_certificate(k, v)).map(|(_, v)| v.as_str())
    }
}

/// Whether a property of a connection names a certificate by its alias.
pub fn names_certificate(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_alias = name.contains("certificatealias")
        || name.contains("keyalias")
        || name.ends_with("certalias");
    is_alias && !value.is_empty() && !value.starts_with(PLACEHOLDER)
}

fn properties(root: Node<'_, '_>) -> Vec<(String, String)> {
    let mut out: Vec<_> = root
        .descendants()
        .filter(|n| local(*n) == "connectionProperty")
        .filter_map(|n| {
            let name = child_text(n, "name")?;
            let value = child_text(n, "value").unwrap_or_default();
            let shown = || (visible(name).into_owned(), visible(value).into_owned());
            (!fingerprint::is_meaningless_property(name)).then(shown)
        })
        .collect();
    out.sort();
    out
}

fn attachments(root: Node<'_, '_>) -> Vec<Attachment> {
    let text = |n, name| visible(child_text(n, name).unwrap_or_default()).into_owned();
    let sha256 =
        |n| sha256_hex(child_text(n, "content").unwrap_or_default().as_bytes())[..8].to_owned();
    let all = child(root, "attachments").into_iter().flat_map(|a| a.children());
    all.filter(|n| local(*n) == "attachment")
        .map(|n| Attachment {
            property: text(n, "propertyName"),
            file: text(n, "attachmentName"),
            sha256: sha256(n),
        })
        .collect()
}
