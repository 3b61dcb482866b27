//! Secrets that an export carries: keys, passwords, tokens. Each is found with its place and kind,
//! and its value is never repeated; readable outputs blank it. A real public export carried a whole
//! private key.

mod blanking;

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use regex::Regex;
use roxmltree::Node;
use serde::{Deserialize, Serialize};

use super::{
    definitions::{child, child_text, local},
    expression::Expression,
    xml,
    zip::BoundedZip,
};
use crate::model::{AttachedFile, DOTS, Description, Finding, visible};
pub use blanking::{BlankedAs, Blanker};
pub(super) use blanking::{blank_file, blank_files};

/// What kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    PrivateKey,
    KeyStore,
    Password,
    Token,
    Authorization,
    UrlCredentials,
    /// A file that is attached to a connection.
    Attachment,
}

impl SecretKind {
    /// The words for one of this kind, in lower case.
    pub fn label(self) -> &'static str {
        match self {
            Self::PrivateKey => "private key",
            Self::KeyStore => "key store",
            Self::Password => "password",
            Self::Token => "token",
            Self::Authorization => "authorisation header",
            Self::UrlCredentials => "URL with credentials",
            Self::Attachment => "attachment",
        }
    }
}

/// A secret in a file: where and what, without its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Secret {
    pub kind: SecretKind,
    /// The file, by path in the archive.
    pub file: String,
    /// The line, from 1; 0 in a binary file.
    pub line: usize,
    /// What carries it: a property, an attachment, a field.
    pub carrier: String,
}

impl Secret {
    /// The files that a description holds.
    pub(super) fn of_description(description: &Description) -> Vec<Self> {
        let kept = description.attachments.iter().filter(|(_, file)| file.content.is_some());
        let secret = |(property, file): (&String, &AttachedFile)| Self {
            kind: SecretKind::Attachment,
            file: description.code.clone(),
            line: 0,
            carrier: format!("{property} {}", file.name).trim().to_owned(),
        };
        kept.map(secret).collect()
    }

    /// The warning that names file and line, never the secret.
    pub fn finding(&self) -> Finding {
        let carrier =
            if self.carrier.is_empty() { String::new() } else { format!(" ({})", self.carrier) };
        let line = if self.line > 0 { format!(" line {}", self.line) } else { String::new() };
        Finding::warning(
            format!("{} in `{}`{line}{carrier}", self.kind.label(), visible(&self.file)),
            "treat the archive as a secret; change the credential if the file was passed on",
        )
    }
}

/// How much of a file is looked at, in bytes.
const MAX_SCANNED: usize = 8 << 20;
/// How many layers of base64 are looked into: no real attachment has more.
const MAX_NESTING: usize = 2;

/// The text of a file, as far as it is looked at; none where it is no text.
fn scanned(bytes: &[u8]) -> Option<&str> {
    let bytes = &bytes[..bytes.len().min(MAX_SCANNED)];
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // It was cut within a letter.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&bytes[..e.valid_up_to()]).ok(),
        Err(_) => None,
    }
}

/// A stretch of a text that is to be blanked.
struct SecretHit {
    range: Range<usize>,
    kind: SecretKind,
    carrier: String,
}

/// Every secret of a file.
pub fn scan(path: &str, bytes: &[u8]) -> Vec<Secret> {
    let bytes = &bytes[..bytes.len().min(MAX_SCANNED)];
    let secret = |kind, line, carrier| Secret { kind, file: path.to_owned(), line, carrier };
    if let Some(kind) = binary(bytes) {
        return vec![secret(kind, 0, String::new())];
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return in_zip(path, bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let hits = hits(path, text, 0);
    let mut at = (0, 1);
    let mut out = Vec::with_capacity(hits.len());
    for hit in hits {
        let start = hit.range.start.max(at.0);
        at = (start, at.1 + text[at.0..start].bytes().filter(|b| *b == b'\n').count());
        out.push(secret(hit.kind, at.1, hit.carrier));
    }
    out
}

/// Looks for secrets in a zip within the archive, such as a library's jar: one level deep, and at
/// most [`MAX_SCANNED`] bytes.
fn in_zip(path: &str, bytes: &[u8]) -> Vec<Secret> {
    let Ok(mut zip) = BoundedZip::open(bytes) else { return Vec::new() };
    let mut left = MAX_SCANNED as u64;
    let mut out = Vec::new();
    for file in zip.files().to_vec() {
        let Some(rest) = left.checked_sub(file.size) else { break };
        left = rest;
        let Ok(inner) = zip.read(&file.name) else { continue };
        if !inner.starts_with(b"PK\x03\x04") {
            out.extend(scan(&format!("{path}!{}", file.name), &inner));
        }
    }
    out
}

/// The text with each secret replaced by dots.
pub fn blank(path: &str, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for hit in hits(path, text, 0) {
        if hit.range.start >= from {
            out.push_str(&text[from..hit.range.start]);
            out.push_str(DOTS);
            from = hit.range.end;
        }
    }
    out.push_str(&text[from..]);
    out
}

/// The value, or dots where its name or its shape says that it is secret.
pub fn blank_value<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    if named(name, value, 0..value.len()).is_some() {
        return Cow::Borrowed(DOTS);
    }
    // No secret shows by its shape in fewer bytes.
    if value.len() < 12 { Cow::Borrowed(value) } else { Cow::Owned(blank("", value)) }
}

/// All hits of a text, sorted by place; of two that overlap, the one that begins first.
fn hits(path: &str, text: &str, nesting: usize) -> Vec<SecretHit> {
    let mut found = shapes(text);
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit('.').next().unwrap_or_default() {
        "xml" | "jca" | "xsl" | "xslt" | "wsdl" | "xsd" | "dvm" => {
            found.extend(in_xml(text, nesting))
        }
        "csv" => found.extend(in_csv(text)),
        "properties" if name.ends_with("expr.properties") => found.extend(in_expression(text)),
        "properties" => found.extend(by_pattern(text, &PROPERTY_LINE)),
        "json" | "js" | "yaml" => found.extend(by_pattern(text, &NAMED_STRING)),
        _ => {}
    }
    if nesting < MAX_NESTING {
        found.extend(in_base64(text, nesting));
    }
    found.sort_by_key(|h| (h.range.start, std::cmp::Reverse(h.range.end)));
    let mut kept: Vec<SecretHit> = Vec::with_capacity(found.len());
    for hit in found {
        if kept.last().is_none_or(|k| hit.range.start >= k.range.end) {
            kept.push(hit);
        }
    }
    kept
}

/// Compiles a pattern of this file. Its text is fixed, and the tests try it.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

type SecretPattern = LazyLock<Option<Regex>>;

static PEM: SecretPattern = LazyLock::new(|| {
    pattern(
        r"(?x)-----BEGIN\ (?:[A-Z0-9]+\ )*PRIVATE\ KEY(?:\ BLOCK)?-----
        (?:[^-]|-[^-]){40,}?
        -----END\ (?:[A-Z0-9]+\ )*PRIVATE\ KEY(?:\ BLOCK)?-----",
    )
});
static TOKEN: SecretPattern = LazyLock::new(|| {
    pattern(
        r"(?x)\b(?:
            eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
            |AKIA[0-9A-Z]{16}
            |gh[pousr]_[A-Za-z0-9]{36}
            |xox[abprs]-[A-Za-z0-9-]{20,}
            |AIza[0-9A-Za-z_-]{35}
            |sk_live_[0-9A-Za-z]{20,}
        )",
    )
});
static HEADER: SecretPattern =
    LazyLock::new(|| pattern(r"\b(?:Bearer|Basic)\s+([A-Za-z0-9+/_.~=-]{12,})"));
static URL: SecretPattern = LazyLock::new(|| {
    pattern(r#"\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>{}$]+:([^\s/:@"'<>{}$%]{3,})@[A-Za-z0-9]"#)
});
static NAMED_STRING: SecretPattern = LazyLock::new(|| {
    pattern(
        r#"(?x)["']?([A-Za-z0-9_.-]{3,60})["']?\s*[:=]\s*
        (?:"((?:[^"\\\r\n]|\\.){3,})"|'((?:[^'\\\r\n]|\\.){3,})')"#,
    )
});
/// A name and a value in a URL or a form.
static FORM_FIELD: SecretPattern = LazyLock::new(|| {
    pattern(r#"[?&;\s"'>]([A-Za-z][A-Za-z0-9_.-]{2,59})=([^&;\s"'<>{}$()\[\],]{6,})"#)
});
/// JSON and XML inside another text, as it is or escaped: a sample in an adapter's settings.
static ESCAPED_STRING: SecretPattern = LazyLock::new(|| {
    pattern(
        r#"(?x)(?:"|\\"|&quot;|&\#34;)([A-Za-z0-9_.-]{3,60})(?:"|\\"|&quot;|&\#34;)\s*:\s*
        (?:"|\\"|&quot;|&\#34;)([^"&\\\r\n]{3,}?)(?:"|\\"|&quot;|&\#34;)"#,
    )
});
static ESCAPED_ELEMENT: SecretPattern = LazyLock::new(|| {
    pattern(r"&lt;(?:[A-Za-z0-9_.-]+:)?([A-Za-z0-9_.-]{3,60})&gt;([^&<>\r\n]{3,})&lt;/")
});
/// A header with its value, alone on its line or in a sample.
static NAMED_HEADER: SecretPattern = LazyLock::new(|| {
    pattern(
        r#"(?im)\b(x-api-key|api-key|apikey|x-auth-token|x-access-token|ocp-apim-subscription-key|x-functions-key)["']?\s*[:=]\s*["']?([^\s"'<>&;,]{6,})"#,
    )
});
static PROPERTY_LINE: SecretPattern =
    LazyLock::new(|| pattern(r"(?m)^\s*([A-Za-z0-9_.-]{3,60})\s*[:=][ \t]*(\S[^\r\n]{2,})$"));
/// The secrets that show by their shape alone, whatever their name is.
fn shapes(text: &str) -> Vec<SecretHit> {
    let mut found = Vec::new();
    let hit = |range: Range<usize>, kind| SecretHit { range, kind, carrier: String::new() };
    let all = |pattern: &'static SecretPattern| pattern.iter().flat_map(|p| p.captures_iter(text));
    if text.contains("PRIVATE KEY") {
        found
            .extend(all(&PEM).filter_map(|c| Some(hit(c.get(0)?.range(), SecretKind::PrivateKey))));
    }
    found.extend(all(&TOKEN).filter_map(|c| Some(hit(c.get(0)?.range(), SecretKind::Token))));
    for captures in all(&HEADER) {
        let (Some(whole), Some(value)) = (captures.get(0), captures.get(1)) else { continue };
        // `Basic authentication` is prose: a header's value is base64 of `user:password`.
        let basic = whole.as_str().starts_with("Basic");
        let holds = STANDARD
            .decode(value.as_str())
            .is_ok_and(|d| d.contains(&b':') && std::str::from_utf8(&d).is_ok());
        let mixed = value.as_str().bytes().any(|b| b.is_ascii_digit()) && value.len() >= 20;
        if (basic && holds) || (!basic && mixed) {
            found.push(hit(value.range(), SecretKind::Authorization));
        }
    }
    found.extend(by_pattern(text, &NAMED_HEADER));
    if text.contains('=') {
        found.extend(by_pattern(text, &FORM_FIELD));
    }
    found.extend(by_pattern(text, &ESCAPED_STRING));
    if text.contains("&lt;") {
        found.extend(by_pattern(text, &ESCAPED_ELEMENT));
    }
    if text.contains("://") {
        found.extend(
            all(&URL).filter_map(|c| Some(hit(c.get(1)?.range(), SecretKind::UrlCredentials))),
        );
    }
    found
}

/// The hits of the form `name = "value"` where the name says that the value is secret.
fn by_pattern(text: &str, pattern: &'static SecretPattern) -> Vec<SecretHit> {
    let all = pattern.iter().flat_map(|p| p.captures_iter(text));
    all.filter_map(|c| {
        let (name, value) = (c.get(1)?, c.get(2).or_else(|| c.get(3))?);
        named(name.as_str(), value.as_str(), value.range())
    })
    .collect()
}

fn in_expression(text: &str) -> Vec<SecretHit> {
    let expression = Expression::parse(text);
    let Some(literal) = literal(&expression.written) else { return Vec::new() };
    let places = text.match_indices(literal).map(|(at, l)| at..at + l.len());
    places.filter_map(|range| named(&expression.variable, literal, range)).collect()
}

fn in_xml(text: &str, nesting: usize) -> Vec<SecretHit> {
    let offset = text.len() - text.trim_start_matches('\u{feff}').len();
    let Some(doc) = xml::parse(text.as_bytes()) else { return Vec::new() };
    let mut found = Vec::new();
    for node in doc.descendants().filter(Node::is_element) {
        if local(node) == "attachment" {
            found.extend(in_attachment(node, nesting));
        } else if let (Some(name), Some(value)) = (child_text(node, "name"), child(node, "value")) {
            found.extend(value.text().and_then(|t| named(name, t, text_range(value)?)));
        }
        let carrier = node.attribute("name").unwrap_or_default();
        if let Some(secret) = in_variable(node, carrier) {
            found.push(secret);
        }
        if local(node) == "rows" {
            found.extend(in_secret_columns(node));
        }
        if let Some(value) = node.attribute_node("value") {
            found.extend(named(carrier, value.value(), value.range_value()));
        }
        if let Some(select) = node.attribute_node("select")
            && let Some(text) = literal(select.value())
            && let Some(field) = node.parent_element()
        {
            found.extend(named(local(field), text, select.range_value()));
        }
        if let Some(text) = node.text().filter(|_| node.children().count() == 1) {
            found.extend(text_range(node).and_then(|range| named(local(node), text, range)));
        }
    }
    found.iter_mut().for_each(|h| h.range = h.range.start + offset..h.range.end + offset);
    found
}

/// A variable or parameter of a mapping whose name says that its value is secret.
fn in_variable(node: Node<'_, '_>, name: &str) -> Option<SecretHit> {
    if !matches!(local(node), "variable" | "param" | "with-param") {
        return None;
    }
    match node.attribute_node("select") {
        Some(select) => named(name, literal(select.value())?, select.range_value()),
        None => {
            let text = node.text().filter(|_| node.children().count() == 1)?;
            named(name, text, text_range(node)?)
        }
    }
}

/// The cells of a lookup below columns whose name says that they are secret.
fn in_secret_columns(rows: Node<'_, '_>) -> Vec<SecretHit> {
    let columns = rows.parent_element().and_then(|lookup| child(lookup, "columns"));
    let names: Vec<&str> = columns
        .iter()
        .flat_map(|columns| columns.children().filter(Node::is_element))
        .map(|column| column.attribute("name").unwrap_or_default())
        .collect();
    if !names.iter().any(|name| is_secret_name(name)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for row in rows.children().filter(Node::is_element) {
        let cells = row.children().filter(Node::is_element);
        for (name, cell) in names.iter().zip(cells) {
            let value = cell.text().zip(text_range(cell));
            found.extend(value.and_then(|(text, range)| named(name, text, range)));
        }
    }
    found
}

/// The same in a lookup's CSV, whose first line names the columns; in the service's own, the second
/// (docs/archive-format.md, Lookups).
fn in_csv(text: &str) -> Vec<SecretHit> {
    let own = text.trim_start_matches('\u{feff}').starts_with("DVM,");
    let skipped = if own { text.find('\n').map_or(0, |end| end + 1) } else { 0 };
    let table = &text[skipped..];
    if !table.lines().next().unwrap_or_default().split(',').any(is_secret_name) {
        return Vec::new();
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(table.as_bytes());
    let Ok(names) = reader.headers().cloned() else { return Vec::new() };
    let mut found = Vec::new();
    for record in reader.records().flatten() {
        let Some(start) = record.position().map(|at| at.byte() as usize) else { continue };
        let mut from = skipped + start;
        for (name, cell) in names.iter().zip(&record) {
            let Some(at) = text.get(from..).and_then(|rest| rest.find(cell)) else { continue };
            let range = from + at..from + at + cell.len();
            from = range.end;
            found.extend(named(name, cell, range));
        }
    }
    found
}

fn text_range(node: Node<'_, '_>) -> Option<Range<usize>> {
    node.children().find(Node::is_text).map(|t| t.range())
}

/// Looks for a secret in a connection's attachment: in the decoded base64, else in the text itself.
fn in_attachment(node: Node<'_, '_>, nesting: usize) -> Vec<SecretHit> {
    let Some(content) = child(node, "content") else { return Vec::new() };
    let (Some(text), Some(range)) = (content.text(), text_range(content)) else {
        return Vec::new();
    };
    let name = child_text(node, "attachmentName")
        .or_else(|| child_text(node, "propertyName"))
        .unwrap_or("attachment");
    let carrier = format!("attachment {}", visible(name));
    let inside = decode(text).and_then(|bytes| secret_inside(&bytes, nesting + 1));
    inside
        .or_else(|| secret_inside(text.as_bytes(), nesting + 1))
        .map(|kind| SecretHit { range, kind, carrier })
        .into_iter()
        .collect()
}

/// Shorter base64 holds no key and no store.
const BASE64_FROM: usize = 64;

fn in_base64(text: &str, nesting: usize) -> Vec<SecretHit> {
    base64_runs(text.as_bytes())
        .filter_map(|range| {
            let kind = secret_inside(&decode(&text[range.clone()])?, nesting + 1)?;
            Some(SecretHit { range, kind, carrier: "base64".into() })
        })
        .collect()
}

/// Stretches that may be base64: a first line long enough, and the lines that follow it.
fn base64_runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            while at < bytes.len() && is_base64(bytes[at]) {
                at += 1;
            }
            if at - start >= BASE64_FROM {
                while at < bytes.len()
                    && (is_base64(bytes[at]) || matches!(bytes[at], b'\r' | b'\n' | b'='))
                {
                    at += 1;
                }
                return Some(start..at);
            }
            at += 1;
        }
        None
    })
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let packed: Vec<u8> =
        text.bytes().filter(|b| !b.is_ascii_whitespace()).take(MAX_SCANNED).collect();
    // A blob that a pattern cut out may end anywhere.
    STANDARD.decode(&packed).or_else(|_| STANDARD.decode(&packed[..packed.len() / 4 * 4])).ok()
}

/// The weightiest secret in decoded bytes.
fn secret_inside(bytes: &[u8], nesting: usize) -> Option<SecretKind> {
    binary(bytes).or_else(|| {
        let text = std::str::from_utf8(bytes).ok()?;
        hits("", text, nesting).into_iter().map(|h| h.kind).min()
    })
}

/// Key stores and keys by their first bytes: PKCS#12 (RFC 7292, version 3), JKS, JCEKS, PKCS#8 (RFC
/// 5208) and PKCS#1 (RFC 8017) in DER.
fn binary(bytes: &[u8]) -> Option<SecretKind> {
    match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Some(SecretKind::KeyStore),
        [0x30, 0x82, _, _, 0x02, 0x01, 0x03, 0x30, ..]
        | [0x30, 0x80, 0x02, 0x01, 0x03, 0x30, ..] => Some(SecretKind::KeyStore),
        [0x30, 0x82, _, _, 0x02, 0x01, 0x00, 0x30 | 0x02, ..] => Some(SecretKind::PrivateKey),
        _ => None,
    }
}

const SECRET_NAMES: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "authtoken",
    "accesstoken",
    "refreshtoken",
];
/// A name that holds one of these speaks about a secret and holds none.
const ABOUT: [&str; 17] = [
    "url", "uri", "endpoint", "type", "policy", "location", "path", "alias", "expir", "lifetime",
    "required", "enabled", "csf", "format", "header", "reset", "name",
];
const NO_VALUES: [&str; 12] = [
    "bearer",
    "basic",
    "true",
    "false",
    "null",
    "none",
    "string",
    "password",
    "secret",
    "undefined",
    "changeme",
    "xsd:string",
];

/// A name by its letters and digits, in lower case.
fn plain_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Whether what is called so is secret. `token` alone is, and not as a part of a word: it is a word
/// of many.
fn is_secret_name(name: &str) -> bool {
    let plain = plain_name(name);
    let speaks = SECRET_NAMES.iter().any(|s| plain.contains(s)) || plain == "token";
    speaks && !ABOUT.iter().any(|a| plain.contains(a))
}

/// A hit where the name says that it is secret, and the value is one and no placeholder for one.
fn named(name: &str, value: &str, range: Range<usize>) -> Option<SecretHit> {
    let plain = plain_name(name);
    let is_secret = is_secret_name(name);
    let value = value.trim().trim_matches(['"', '\'']);
    let first = value.chars().next()?;
    let placeholder = matches!(first, '%' | '$' | '{' | '<' | '#' | '/' | '•')
        || value.chars().all(|c| c == first);
    let word = NO_VALUES.contains(&value.to_ascii_lowercase().as_str());
    if !is_secret || value.len() < 3 || placeholder || word {
        return None;
    }
    let kind = if plain.contains("token") || plain.contains("key") {
        SecretKind::Token
    } else {
        SecretKind::Password
    };
    Some(SecretHit { range, kind, carrier: visible(name).into_owned() })
}

/// The text of an expression that is one quoted text and nothing else.
fn literal(expression: &str) -> Option<&str> {
    let text = expression.trim();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains(quote)).then_some(inner)
}

#[cfg(test)]
mod tests;
