//! A description of what has no export: a connection, a certificate, an agent group, a schedule.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, ScheduleParameters, Version};

/// What the service said of one artifact. Secrets are not in it, since the service gives them to
/// nobody, but for the files that are attached to a connection where the config lets them be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The number of the format. Its key marks a JSON file as such a description.
    pub oicx_record: u32,
    pub kind: Kind,
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Name -> value, as the service said them.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Which properties of a connection can be set; empty in records of older releases.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub settable: BTreeSet<String>,
    /// Names of secrets that the artifact needs and nobody gives out: a restore must ask for them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ask: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What the service gave, where that is sent back as it was: a schedule, an access list. What
    /// it means is in the properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Value>,
    /// The current values of a schedule's parameters, exactly. The properties have them in words.
    #[serde(default, skip_serializing_if = "ScheduleParameters::is_empty")]
    pub parameters: ScheduleParameters,
    /// The files that are attached to a connection, by their property.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, AttachedFile>,
}

/// A file that is attached to a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedFile {
    /// Its name, as far as the service says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is in it, where the config lets it be kept: it is a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<FileContent>,
}

/// The bytes of an attached file in base64. No debug output shows them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileContent(String);

impl FileContent {
    /// Takes the bytes of a file.
    pub fn new(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes))
    }

    /// `1234 bytes, SHA-256 1a2b3c4d5e6f7081`; the hash is of the text that is kept.
    pub fn describe(&self) -> String {
        use sha2::{Digest, Sha256};
        let hash = Sha256::digest(self.0.as_bytes());
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{} bytes, SHA-256 {hash}", self.bytes().map_or(0, |bytes| bytes.len()))
    }

    /// The bytes; none where the text is no base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.0).ok()
    }
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Description {
    pub const FORMAT: u32 = 1;
    /// How the property ends that says in words which file is attached.
    pub const ATTACHMENT_WORD: &str = " (attachment)";

    /// A description without properties, in the format of this release.
    pub fn new(kind: Kind, code: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            oicx_record: Self::FORMAT,
            kind,
            code: code.into(),
            version: None,
            name: name.into(),
            properties: BTreeMap::new(),
            settable: BTreeSet::new(),
            ask: BTreeSet::new(),
            expires: None,
            given: None,
            parameters: ScheduleParameters::new(),
            attachments: BTreeMap::new(),
        }
    }

    /// Adds a property that has a value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.properties.insert(name.to_owned(), value);
        }
    }

    /// The bytes that are kept. The same description gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data with text keys: serialising it cannot fail.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The bytes with each attached file's content replaced by its size and hash; none where it
    /// holds no such content.
    pub fn without_contents(&self) -> Option<Vec<u8>> {
        let mut shown = self.clone();
        let held: Vec<_> =
            shown.attachments.values_mut().filter_map(|file| file.content.as_mut()).collect();
        if held.is_empty() {
            return None;
        }
        held.into_iter().for_each(|content| *content = FileContent(content.describe()));
        Some(shown.to_bytes())
    }

    /// Whether a property only says what a connection is, or which file is attached, and cannot be
    /// set.
    pub fn is_fact(property: &str) -> bool {
        ["adapter", "role", "description", "keywords", "projectId"].contains(&property)
            || property.ends_with(Self::ATTACHMENT_WORD)
    }

    /// Reads a description; none where the bytes are none that this program knows.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|r: &Self| r.oicx_record <= Self::FORMAT)
    }

    /// All facts that carry meaning, sorted, as one text.
    pub fn canonical(&self) -> String {
        let head = format!("{}\u{1f}{}\u{1f}{}", self.kind, self.code, self.name);
        let properties = self.properties.iter().map(|(k, v)| format!("{k}\u{1f}{v}"));
        let ask = self.ask.iter().map(|a| format!("ask\u{1f}{a}"));
        // All that is sent back counts, also parts that no property tells.
        let given = self.given.iter().map(|given| format!("given\u{1f}{}", lasting(given)));
        let attached = self.attachments.iter().map(|(property, file)| {
            let content = file.content.as_ref().map(|c| c.0.as_str()).unwrap_or_default();
            format!("attachment\u{1f}{property}\u{1f}{}\u{1f}{content}", file.name)
        });
        std::iter::once(head)
            .chain(properties)
            .chain(ask)
            .chain(given)
            .chain(attached)
            .collect::<Vec<_>>()
            .join("\u{1e}")
    }
}

/// JSON without what passes (times of the last and the next run, links), in one order.
pub fn lasting(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let passes =
                |key: &str| key == "links" || key.starts_with("next") || key.starts_with("last");
            let kept = fields.iter().filter(|(key, _)| !passes(key));
            Value::Object(kept.map(|(key, value)| (key.clone(), lasting(value))).collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(lasting).collect();
            items.sort_by_cached_key(ToString::to_string);
            Value::Array(items)
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_what_is_none_is_not() {
        let mut description = Description::new(Kind::Connection, "HCM_REST", "HCM");
        description.set("connectionUrl", "https://hcm.example");
        description.set("empty", "");
        description.ask.insert("password".into());
        let bytes = description.to_bytes();
        assert_eq!(Description::from_bytes(&bytes), Some(description));
        assert_eq!(Description::from_bytes(b"{}"), None);
        let newer =
            String::from_utf8(bytes).unwrap().replace("\"oicx_record\": 1", "\"oicx_record\": 9");
        assert_eq!(Description::from_bytes(newer.as_bytes()), None);
    }
}
