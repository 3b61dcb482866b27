//! Compares schemas element by element: which fields of a message came, went or are of another
//! type.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::{
    Change, ChangeGroup,
    files::{FilePair, FileState},
};
use crate::archive::{Files, parse_xml};

/// Real schemas nest under 40.
const MAX_DEPTH: usize = 120;

/// The changes between the two files of a pair, where they are schemas and show what changed; none
/// otherwise.
pub fn of_pair(pair: &FilePair, before: &Files, after: &Files) -> Vec<Change> {
    let name = pair.name();
    if !(name.ends_with(".xsd") || name.ends_with(".wsdl")) || pair.state != FileState::Changed {
        return Vec::new();
    }
    let (Some(old), Some(new)) = (&pair.before, &pair.after) else { return Vec::new() };
    let elements = |files: &Files, path: &str| files.get(path).and_then(|b| elements_of(b));
    let (Some(x), Some(y)) = (elements(before, old), elements(after, new)) else {
        return Vec::new();
    };
    let file = name.rsplit('/').next().unwrap_or(name);
    let mut out = Vec::new();
    for (path, kind) in &x {
        if y.get(path) != Some(kind) && !parent_changed(path, &x, &y) {
            out.push(Change::between(
                ChangeGroup::Schema,
                format!("{file}: {path}"),
                Some(kind),
                y.get(path).map(String::as_str),
            ));
        }
    }
    for (path, kind) in y.iter().filter(|(path, _)| !x.contains_key(*path)) {
        if !parent_changed(path, &y, &x) {
            out.push(Change::between(
                ChangeGroup::Schema,
                format!("{file}: {path}"),
                None,
                Some(kind),
            ));
        }
    }
    let anchor = |c: &Change| {
        c.place.rsplit('/').next().unwrap_or_default().trim_start_matches('@').to_owned()
    };
    out.into_iter()
        .map(|c| {
            let word = anchor(&c);
            c.in_files(Some(old), Some(new)).at(word)
        })
        .collect()
}

/// Whether an element above this one came or went too. Such a change is told once, at its top.
fn parent_changed(
    path: &str,
    here: &BTreeMap<String, String>,
    there: &BTreeMap<String, String>,
) -> bool {
    let mut rest = path;
    while let Some((parent, _)) = rest.rsplit_once('/') {
        if here.contains_key(parent) && !there.contains_key(parent) {
            return true;
        }
        rest = parent;
    }
    false
}

/// Path by names -> what is there: `element type xsd:string [0..1]`.
fn elements_of(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let doc: Document<'_> = parse_xml(bytes)?;
    let mut out = BTreeMap::new();
    visit(doc.root_element(), "", 0, &mut out);
    Some(out)
}

fn visit(node: Node<'_, '_>, path: &str, depth: usize, out: &mut BTreeMap<String, String>) {
    if depth > MAX_DEPTH {
        return;
    }
    let name = node
        .attribute("name")
        .or_else(|| node.attribute("ref"))
        .or_else(|| node.attribute("value"));
    let word = node.tag_name().name();
    let here = match name {
        Some(name) => {
            let name = name.rsplit(':').next().unwrap_or(name);
            let name = if word == "attribute" { format!("@{name}") } else { name.to_owned() };
            let mut key = if path.is_empty() { name } else { format!("{path}/{name}") };
            // In a WSDL, a message, a part and an operation may have the same name.
            while out.contains_key(&key) {
                key.push_str(&format!(" ({word})"));
            }
            out.insert(key.clone(), described(node, word));
            key
        }
        None => path.to_owned(),
    };
    node.children().filter(Node::is_element).for_each(|child| visit(child, &here, depth + 1, out));
}

fn described(node: Node<'_, '_>, word: &str) -> String {
    let mut out = word.to_owned();
    let mut attributes: Vec<_> =
        node.attributes().filter(|a| !matches!(a.name(), "name" | "ref" | "id")).collect();
    attributes.sort_unstable_by_key(|a| a.name());
    for attribute in attributes {
        // The prefix of a name may be any word, so it is left out.
        let named = attribute
            .value()
            .split_once(':')
            .filter(|(p, _)| node.lookup_namespace_uri(Some(p)).is_some());
        let value = named.map_or(attribute.value(), |(_, name)| name);
        out.push_str(&format!(" {} {value}", attribute.name()));
    }
    out
}
