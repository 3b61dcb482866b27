//! XML written in one way: namespaces by URI, attributes sorted, white space between elements gone.

use std::borrow::Cow;

use roxmltree::{Attribute, Document, Node, ParsingOptions};

use super::budget;

/// Nesting past this is hostile: real exports stay under 60.
pub const MAX_DEPTH: usize = 200;

/// Parses without a DTD and with a bound on nodes. `None` where it is not well-formed text.
pub fn parse(bytes: &[u8]) -> Option<Document<'_>> {
    parse_or_why(bytes).ok()
}

/// As [`parse`], with why it is not well-formed text.
pub fn parse_or_why(bytes: &[u8]) -> Result<Document<'_>, XmlError> {
    let text = std::str::from_utf8(bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if budget::has_too_many_attributes(text) {
        return Err(XmlError::Attributes);
    }
    let nodes_limit = 4 * budget::FILE_MARKUP as u32;
    let options = ParsingOptions { allow_dtd: false, nodes_limit, ..ParsingOptions::default() };
    Ok(Document::parse_with_options(text, options)?)
}

/// Why bytes are no XML that is read.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    #[error("not UTF-8 from byte {}", .0.valid_up_to())]
    Text(#[from] std::str::Utf8Error),
    #[error(
        "an element has more than {} attributes, or too many declare a namespace",
        budget::ATTRIBUTES
    )]
    Attributes,
    #[error(transparent)]
    Form(#[from] roxmltree::Error),
}

/// What is left out or changed while writing.
pub trait CanonicalRules {
    /// Whether this element carries no meaning.
    fn skip(&self, node: Node<'_, '_>) -> bool;
    /// Changes a value or a text whose prefixes are resolved already.
    fn text<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str>;
    /// Whether this attribute carries no meaning.
    fn skip_attribute(&self, node: Node<'_, '_>, attribute: &Attribute<'_, '_>) -> bool;
    /// Whether the children's order carries no meaning.
    fn unordered(&self, node: Node<'_, '_>) -> bool;
    /// Whether a child may stand anywhere among its siblings: all such children are written first.
    fn floats(&self, _: Node<'_, '_>) -> bool {
        false
    }
    /// The value of an attribute before its prefixes are resolved.
    fn value<'v>(&self, _: Node<'_, '_>, attribute: &'v Attribute<'_, '_>) -> Cow<'v, str> {
        Cow::Borrowed(attribute.value())
    }
}

/// The canonical text. `None` where the nesting is deeper than any real export.
pub fn canonical(doc: &Document<'_>, rules: &impl CanonicalRules) -> Option<String> {
    let mut out = String::new();
    write_node(doc.root_element(), rules, 0, &mut out).then_some(out)
}

fn write_node(
    node: Node<'_, '_>,
    rules: &impl CanonicalRules,
    depth: usize,
    out: &mut String,
) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    out.push('<');
    write_name(node.tag_name().namespace(), node.tag_name().name(), out);
    let mut attributes: Vec<_> =
        node.attributes().filter(|a| !rules.skip_attribute(node, a)).collect();
    attributes.sort_unstable_by_key(|a| (a.namespace(), a.name()));
    for attribute in attributes {
        out.push(' ');
        write_name(attribute.namespace(), attribute.name(), out);
        out.push_str("=\"");
        let value = rules.value(node, &attribute);
        out.push_str(&rules.text(resolve_prefixes(node, &value)));
        out.push('"');
    }
    out.push('>');
    let fits = write_children(node, rules, depth, out);
    out.push_str("</>");
    fits
}

fn write_children(
    node: Node<'_, '_>,
    rules: &impl CanonicalRules,
    depth: usize,
    out: &mut String,
) -> bool {
    let (mut parts, mut floating) = (Vec::new(), Vec::new());
    let (sort, begin) = (rules.unordered(node), out.len());
    for child in node.children() {
        let start = out.len();
        if child.is_element() {
            if !rules.skip(child) && !write_node(child, rules, depth + 1, out) {
                return false;
            }
        } else if let (true, Some(text)) = (child.is_text(), child.text().map(str::trim))
            && !text.is_empty()
        {
            out.push_str(&rules.text(resolve_prefixes(node, text)));
        }
        if sort {
            parts.push(out.split_off(start));
        } else if rules.floats(child) {
            floating.push(out.split_off(start));
        }
    }
    parts.sort_unstable();
    if !floating.is_empty() {
        floating.sort_unstable();
        parts = floating;
        parts.push(out.split_off(begin));
    }
    parts.iter().for_each(|part| out.push_str(part));
    true
}

fn write_name(namespace: Option<&str>, name: &str, out: &mut String) {
    if let Some(uri) = namespace {
        out.push('{');
        out.push_str(uri);
        out.push('}');
    }
    out.push_str(name);
}

/// `ns1:employee` in an expression means what its prefix stands for, not the prefix.
pub fn resolve_prefixes<'t>(node: Node<'_, '_>, text: &'t str) -> Cow<'t, str> {
    with_namespaces(text, |prefix| node.lookup_namespace_uri(Some(prefix)))
}

/// The text with each `prefix:name` that `uri_of` knows written as `{uri}name`. What stands in
/// quotes is text and stays.
pub fn with_namespaces<'t, 'u>(
    text: &'t str,
    uri_of: impl Fn(&str) -> Option<&'u str>,
) -> Cow<'t, str> {
    if !text.contains(':') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    for piece in prefixed_names(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Name { prefix, written } => match uri_of(prefix) {
                Some(uri) => {
                    out.push('{');
                    out.push_str(uri);
                    out.push('}');
                }
                None => out.push_str(written),
            },
        }
    }
    Cow::Owned(out)
}

/// A stretch of an expression.
pub enum Piece<'t> {
    Text(&'t str),
    /// `written` is the prefix with its colon.
    Name {
        prefix: &'t str,
        written: &'t str,
    },
}

/// Splits an expression into prefixed names and the text between them; joined they give `text`.
pub fn prefixed_names(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = next_prefix(rest);
        let (at, prefix) = end.unwrap_or((rest.len(), 0));
        if at > 0 {
            let (head, tail) = rest.split_at(at);
            rest = tail;
            return Some(Piece::Text(head));
        }
        let (written, tail) = rest.split_at(prefix + 1);
        rest = tail;
        Some(Piece::Name { prefix: &written[..prefix], written })
    })
}

/// Where the next `prefix:` before a name begins, and how long the prefix is.
fn next_prefix(text: &str) -> Option<(usize, usize)> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let (mut start, mut quote) = (None, None);
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            c if quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            '"' | '\'' => (quote, start) = (Some(c), None),
            // `axis::name` and `scheme://…` are no prefixed names.
            ':' => {
                let follows =
                    chars.peek().is_some_and(|(_, c)| c.is_alphabetic() || matches!(c, '_' | '*'));
                if let (Some(s), true) = (start, follows) {
                    return Some((s, i - s));
                }
                start = None;
            }
            c if is_name(c) => start = start.or(Some(i)),
            _ => start = None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    impl CanonicalRules for Plain {
        fn skip(&self, _: Node<'_, '_>) -> bool {
            false
        }
        fn text<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
            text
        }
        fn skip_attribute(&self, _: Node<'_, '_>, _: &Attribute<'_, '_>) -> bool {
            false
        }
        fn unordered(&self, _: Node<'_, '_>) -> bool {
            false
        }
    }

    fn written(text: &str) -> String {
        canonical(&parse(text.as_bytes()).unwrap(), &Plain).unwrap()
    }

    #[test]
    fn prefixes_white_space_and_attribute_order_carry_no_meaning() {
        let a = r#"<a:x xmlns:a="u" one="1" two="a:name/b"><a:y> t </a:y></a:x>"#;
        let b = "<q:x xmlns:q=\"u\" two=\"q:name/b\" one=\"1\">\n  <q:y>t</q:y>\n</q:x>";
        assert_eq!(written(a), written(b));
        assert_ne!(written(a), written(&a.replace("one=\"1\"", "one=\"2\"")));
        assert_ne!(written(a), written(&a.replace("xmlns:a=\"u\"", "xmlns:a=\"v\"")));
    }

    #[test]
    fn what_stands_in_quotes_is_text_and_keeps_its_prefix() {
        let read = |text| with_namespaces(text, |p| (p == "a").then_some("u")).into_owned();
        assert_eq!(read("concat('a:x', a:y, $v/a:z)"), "concat('a:x', {u}y, $v/{u}z)");
        assert_eq!(
            read("child::a:b | http://a:80 | other:c"),
            "child::{u}b | http://a:80 | other:c"
        );
        assert_eq!(read("if (a:b) then \"a:c\" else 1"), "if ({u}b) then \"a:c\" else 1");
    }

    #[test]
    fn dtds_and_bottomless_nesting_are_not_read() {
        assert!(parse(b"<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>").is_none());
        let deep = format!("{}{}", "<a>".repeat(500), "</a>".repeat(500));
        assert!(parse(deep.as_bytes()).is_none_or(|doc| canonical(&doc, &Plain).is_none()));
    }
}
