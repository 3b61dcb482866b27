//! The numbers in an export (`processor_24`, `req_<32 hex>.xsl`) change at each save and mean
//! nothing. This gives each a new one by where the flow first uses it, so that two saves read the
//! same.

use std::{borrow::Cow, collections::HashMap, fmt::Write};

use roxmltree::{Document, Node};

use super::xml;

const NUMBERED: [&str; 9] = [
    "application",
    "processor",
    "resourcegroup",
    "resource",
    "input",
    "output",
    "messagecontext",
    "inbound",
    "outbound",
];

/// How deep definitions are looked at to tell siblings apart: real ones nest four deep.
const KEY_DEPTH: usize = 6;

/// Old name -> name by first use.
#[derive(Debug, Default)]
pub struct Renumbering {
    new_names: HashMap<String, String>,
}

impl Renumbering {
    /// Reads a `project.xml`. The orchestration comes first: its order is the flow's, while the
    /// definitions beside it, and what they hold, stand in no order.
    pub fn of_project(doc: &Document<'_>) -> Self {
        let mut this = Self::default();
        let is_definition =
            |n: &Node<'_, '_>| matches!(n.tag_name().name(), "application" | "processor");
        let definitions: HashMap<&str, Node<'_, '_>> = doc
            .descendants()
            .filter(is_definition)
            .filter_map(|n| Some((n.attribute("name")?, n)))
            .collect();
        let flow = doc.descendants().find(|n| n.tag_name().name() == "orchestration");
        let references: Vec<&str> = flow
            .iter()
            .flat_map(Node::descendants)
            .flat_map(|step| step.attributes())
            .filter(|a| a.name().ends_with("efUri"))
            .map(|a| a.value())
            .collect();
        references.iter().for_each(|r| this.visit_text(r));
        for reference in references {
            let head = reference.split('/').next().unwrap_or_default();
            definitions.get(head).iter().for_each(|definition| this.visit(**definition, 0));
        }
        this.visit(doc.root_element(), 0);
        this
    }

    /// Gives new names to all that a node holds. Siblings are taken in an order that depends
    /// neither on their numbers nor on where they stand.
    fn visit(&mut self, node: Node<'_, '_>, depth: usize) {
        if depth > xml::MAX_DEPTH {
            return;
        }
        node.attributes().for_each(|a| self.visit_text(a.value()));
        let mut children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
        if node.tag_name().name() != "orchestration" {
            self.sort(&mut children);
        }
        children.into_iter().for_each(|child| self.visit(child, depth + 1));
    }

    /// Sorts nodes by their text. It begins with the name of the element, so where none of these
    /// begins another, only nodes of one name have to be compared whole.
    fn sort(&self, nodes: &mut [Node<'_, '_>]) {
        fn name<'a>(n: &Node<'a, '_>) -> &'a str {
            n.tag_name().name()
        }
        nodes.sort_by_key(name);
        let begins_next = |pair: &[Node<'_, '_>]| {
            name(&pair[0]) != name(&pair[1]) && name(&pair[1]).starts_with(name(&pair[0]))
        };
        if nodes.windows(2).any(begins_next) {
            return nodes.sort_by_cached_key(|node| self.key(*node, 0));
        }
        for same in nodes.chunk_by_mut(|a, b| name(a) == name(b)).filter(|same| same.len() > 1) {
            same.sort_by_cached_key(|node| self.key(*node, 0));
        }
    }

    /// A node as text, with the names that are known by now.
    fn key(&self, node: Node<'_, '_>, depth: usize) -> String {
        let mut out = node.tag_name().name().to_owned();
        let mut attributes: Vec<String> =
            node.attributes().map(|a| format!(" {}={}", a.name(), self.apply(a.value()))).collect();
        attributes.sort_unstable();
        out.extend(attributes);
        if let Some(text) = node.text() {
            out.push_str(&self.apply(text.trim()));
        }
        if depth < KEY_DEPTH {
            let mut children: Vec<String> =
                node.children().filter(Node::is_element).map(|c| self.key(c, depth + 1)).collect();
            children.sort_unstable();
            out.extend(children);
        }
        out
    }

    fn visit_text(&mut self, text: &str) {
        // Most texts hold no number, and splitting them takes long.
        if !text.contains('_') {
            return;
        }
        for word in words(text).filter_map(|w| w.ok()) {
            if let Some(stem) = numbered_stem(word)
                && !self.new_names.contains_key(word)
            {
                let name = format!("{stem}#{}", self.new_names.len());
                self.new_names.insert(word.to_owned(), name);
            }
        }
    }

    /// The text with every number that the project uses replaced. Others lose their number: a file
    /// that nothing refers to has no place in the flow.
    pub fn apply(&self, text: &str) -> String {
        if !text.contains('_') {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for piece in words(text) {
            match piece {
                Err(between) => out.push_str(between),
                Ok(word) => match (self.new_names.get(word), numbered_stem(word)) {
                    (Some(name), _) => out.push_str(name),
                    (None, Some(stem)) => {
                        let _ = write!(out, "{stem}#");
                    }
                    (None, None) => out.push_str(word),
                },
            }
        }
        out
    }
}

/// Whether a text may hold a numbered name. Most texts hold none, and looking closer takes longer.
pub fn may_hold_a_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_stem = |end: usize| {
        NUMBERED.iter().chain(&["req", "resp"]).any(|s| bytes[..end].ends_with(s.as_bytes()))
    };
    let after = |i: usize| bytes.get(i + 1).is_some_and(u8::is_ascii_hexdigit);
    bytes.iter().enumerate().any(|(i, b)| *b == b'_' && after(i) && is_stem(i))
}

/// The text without the numbers in the names that the service makes in a WSDL of an endpoint, its
/// number and its port: `jitsievents_18_outbound_19` becomes `jitsievents_#_outbound_#`.
pub fn without_port_numbers(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("bound_") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for piece in words(&text) {
        match piece.map(|word| (port_name(word), word)) {
            Ok((Some((stem, port)), _)) => {
                let _ = write!(out, "{stem}_#_{port}_#");
            }
            Ok((None, word)) => out.push_str(word),
            Err(between) => out.push_str(between),
        }
    }
    Cow::Owned(out)
}

/// `jitsievents` and `outbound` of `jitsievents_18_outbound_19`.
fn port_name(word: &str) -> Option<(&str, &str)> {
    let counted = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (rest, _) = word.rsplit_once('_').filter(|(_, n)| counted(n))?;
    let (rest, port) =
        rest.rsplit_once('_').filter(|(_, p)| matches!(*p, "inbound" | "outbound"))?;
    let (stem, _) = rest.rsplit_once('_').filter(|(_, n)| counted(n))?;
    Some((stem, port))
}

/// `processor` of `processor_24`, `req` of `req_<32 hex>`.
fn numbered_stem(word: &str) -> Option<&str> {
    let (stem, tail) = word.rsplit_once('_')?;
    let digits = !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit());
    let hash = tail.len() == 32 && tail.bytes().all(|b| b.is_ascii_hexdigit());
    let known = (digits && NUMBERED.contains(&stem)) || (hash && matches!(stem, "req" | "resp"));
    known.then_some(stem)
}

/// Splits into words (`Ok`) and what lies between them (`Err`).
fn words(text: &str) -> impl Iterator<Item = Result<&str, &str>> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.as_bytes().first()?;
        let word = is_word(first);
        let end = rest.bytes().position(|b| is_word(b) != word).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(if word { Ok(piece) } else { Err(piece) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = r#"<p><application name="application_9" x="input_3"/>
<processor name="processor_70">
<r location="../resources/processor_70/req_0123456789abcdef0123456789abcdef.xsl"/></processor>
        <orchestration><a refUri="processor_70"/><b refUri="application_9/input_3"/></orchestration></p>"#;

    #[test]
    fn two_saves_of_one_flow_get_the_same_names() {
        let again = PROJECT
            .replace("processor_70", "processor_5")
            .replace("application_9", "application_1234")
            .replace("0123456789abcdef0123456789abcdef", "ffffffffffffffffffffffffffffffff");
        let read =
            |text: &str| Renumbering::of_project(&Document::parse(text).unwrap()).apply(text);
        assert_eq!(read(PROJECT), read(&again));
        assert!(read(PROJECT).contains("processor#0"));
        assert!(!read(PROJECT).contains("req_"));
    }

    #[test]
    fn siblings_that_stand_in_no_order_may_stand_in_any() {
        let a = concat!(
            r#"<p><processor name="processor_1"><resourceGroup name="resourcegroup_2">"#,
            r#"<resource name="resource_3" type="jca"/><resource name="resource_4" "#,
            r#"type="wsdl"/></resourceGroup><x refUri="messagecontext_5"><role>a</role></x><x "#,
            r#"refUri="messagecontext_6"><role>b</role></x></processor><orchestration><a "#,
            r#"refUri="processor_1"/></orchestration></p>"#,
        );
        let b = concat!(
            r#"<p><processor name="processor_1"><x refUri="messagecontext_6"><role>b</role></x>"#,
            r#"<x refUri="messagecontext_5"><role>a</role></x><resourceGroup "#,
            r#"name="resourcegroup_2"><resource name="resource_4" type="wsdl"/><resource "#,
            r#"name="resource_3" type="jca"/></resourceGroup></processor><orchestration><a "#,
            r#"refUri="processor_1"/></orchestration></p>"#,
        );
        let names = |text: &str| {
            let names = Renumbering::of_project(&Document::parse(text).unwrap());
            ["resource_3", "resource_4", "messagecontext_5", "messagecontext_6"]
                .map(|n| names.apply(n))
        };
        assert_eq!(names(a), names(b));
    }

    #[test]
    fn a_step_that_refers_to_another_reads_differently() {
        let a = concat!(
            r#"<p><processor name="processor_1"/><processor name="processor_2"/><orchestration>"#,
            r#"<a refUri="processor_1"/><b refUri="processor_2"/></orchestration></p>"#,
        );
        let b = a.replace(r#"<b refUri="processor_2"/>"#, r#"<b refUri="processor_1"/>"#);
        let read =
            |text: &str| Renumbering::of_project(&Document::parse(text).unwrap()).apply(text);
        assert_ne!(read(a), read(&b));
    }
}
