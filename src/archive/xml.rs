//! XML written in one way: namespaces by URI, attributes sorted, white space between elements gone.

use std::borrow::Cow;

use roxmltree::{Document, Node, ParsingOptions};

/// Nesting past this is hostile: real exports stay under 60.
const MAX_DEPTH: usize = 200;

/// Parses without a DTD and with a bound on nodes. `None` where it is not well-formed text.
pub fn parse(bytes: &[u8]) -> Option<Document<'_>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions { allow_dtd: false, nodes_limit: 4_000_000, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).ok()
}

/// What is left out or changed while writing.
pub trait Rules {
    /// Whether this element carries no meaning.
    fn skip(&self, node: Node<'_, '_>) -> bool;
    /// Values and text, after prefixes were resolved.
    fn text<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str>;
    /// Whether the children's order carries no meaning.
    fn unordered(&self, node: Node<'_, '_>) -> bool;
}

/// The canonical text. `None` where the nesting is deeper than any real export.
pub fn canonical(doc: &Document<'_>, rules: &impl Rules) -> Option<String> {
    let mut out = String::new();
    write_node(doc.root_element(), rules, 0, &mut out).then_some(out)
}

fn write_node(node: Node<'_, '_>, rules: &impl Rules, depth: usize, out: &mut String) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    out.push('<');
    write_name(node.tag_name().namespace(), node.tag_name().name(), out);
    let mut attributes: Vec<_> = node.attributes().collect();
    attributes.sort_unstable_by_key(|a| (a.namespace(), a.name()));
    for attribute in attributes {
        out.push(' ');
        write_name(attribute.namespace(), attribute.name(), out);
        out.push_str("=\"");
        out.push_str(&rules.text(resolve_prefixes(node, attribute.value())));
        out.push('"');
    }
    out.push('>');
    let fits = write_children(node, rules, depth, out);
    out.push_str("</>");
    fits
}

fn write_children(node: Node<'_, '_>, rules: &impl Rules, depth: usize, out: &mut String) -> bool {
    let mut parts = Vec::new();
    let sort = rules.unordered(node);
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
        }
    }
    parts.sort_unstable();
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
fn resolve_prefixes<'t>(node: Node<'_, '_>, text: &'t str) -> Cow<'t, str> {
    if !text.contains(':') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut from = 0;
    for (colon, _) in text.match_indices(':') {
        let head = &text[from..colon];
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = head.char_indices().rev().take_while(|(_, c)| is_name(*c)).last().map(|(i, _)| i);
        // `axis::name` and `scheme://…` are no prefixed names.
        let name_follows = text[colon + 1..].starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '*');
        let uri = start.filter(|_| name_follows).and_then(|s| node.lookup_namespace_uri(Some(&head[s..])));
        match (start, uri) {
            (Some(s), Some(uri)) => {
                out.push_str(&head[..s]);
                out.push('{');
                out.push_str(uri);
                out.push('}');
            }
            _ => {
                out.push_str(head);
                out.push(':');
            }
        }
        from = colon + 1;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    impl Rules for Plain {
        fn skip(&self, _: Node<'_, '_>) -> bool {
            false
        }
        fn text<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
            text
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
    fn dtds_and_bottomless_nesting_are_not_read() {
        assert!(parse(b"<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>").is_none());
        let deep = format!("{}{}", "<a>".repeat(500), "</a>".repeat(500));
        assert!(parse(deep.as_bytes()).is_none_or(|doc| canonical(&doc, &Plain).is_none()));
    }
}
