//! What the numbers of a `project.xml` stand for: endpoints and steps by name, and who owns each
//! message.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use crate::model::visible;

/// The definitions that stand beside the flow in a `project.xml`, by name.
#[derive(Debug)]
pub struct Definitions<'d> {
    by_name: HashMap<&'d str, Node<'d, 'd>>,
    contexts: HashMap<&'d str, String>,
}

impl<'d> Definitions<'d> {
    /// Finds the `application` and `processor` elements of a flow by name, with the context of
    /// each.
    pub fn of(doc: &'d Document<'d>) -> Self {
        let is_definition = |n: &Node<'_, '_>| matches!(local(*n), "application" | "processor");
        let by_name: HashMap<_, _> = doc
            .descendants()
            .filter(is_definition)
            .filter_map(|n| Some((n.attribute("name")?, n)))
            .collect();
        let mut contexts = HashMap::new();
        for node in doc.descendants().filter(|n| local(*n) == "application") {
            let name = endpoint_name(node);
            for port in node.descendants().filter(|n| matches!(local(*n), "input" | "output")) {
                if let Some(context) = message_of(port) {
                    let role = child_text(port, "role").unwrap_or_default();
                    contexts.insert(context, format!("{name} {role}").trim_end().to_owned());
                }
            }
        }
        // A message is named by its owner before the steps that fill it: the output of a map is the
        // endpoint's own message, and a variable belongs to its declaration.
        let mut steps: Vec<(bool, String, Node<'d, 'd>)> = doc
            .descendants()
            .filter(|n| local(*n) == "processor" && child_text(*n, "type") != Some("transformer"))
            .map(|n| {
                (
                    !matches!(
                        child_text(n, "type"),
                        Some("messageTracker" | "globalVariableDefinition")
                    ),
                    step_name(n),
                    n,
                )
            })
            .collect();
        steps.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        for (_, name, node) in steps {
            // A switch passes on what it was given: it owns no message.
            let given: Vec<_> =
                node.children().filter(|n| local(*n) == "input").filter_map(message_of).collect();
            for port in node.descendants().filter(|n| local(*n) == "output") {
                if let Some(context) = message_of(port).filter(|c| !given.contains(c)) {
                    contexts.entry(context).or_insert_with(|| name.clone());
                }
            }
        }
        for message in doc.descendants().filter(|n| local(*n) == "messageContext") {
            if let Some(context) = message.attribute("name")
                && !contexts.contains_key(context)
                && let Some(name) = name_by_owner(message, &by_name)
            {
                contexts.insert(context, name);
            }
        }
        Self { by_name, contexts }
    }

    /// The element with this name; none where the flow does not define it.
    pub fn get(&self, name: &str) -> Option<Node<'d, 'd>> {
        self.by_name.get(name).copied()
    }

    /// All endpoints, in the order in which they are written.
    pub fn applications(&self) -> Vec<(&'d str, Node<'d, 'd>)> {
        let mut all: Vec<_> = self
            .by_name
            .iter()
            .filter(|(_, n)| local(**n) == "application")
            .map(|(k, n)| (*k, *n))
            .collect();
        all.sort_unstable_by_key(|(_, n)| n.range().start);
        all
    }

    /// The name of the message with this number: `getWorkers request`.
    pub fn message(&self, context: &str) -> Option<&str> {
        self.contexts.get(context).map(String::as_str)
    }

    /// What a reference names, for a person: `processor_24` becomes the step's own name.
    pub fn label(&self, reference: &str) -> String {
        let head = reference.split('/').next().unwrap_or_default();
        if let Some(message) = self.message(head) {
            return message.to_owned();
        }
        match self.get(head) {
            Some(node) if local(node) == "application" => endpoint_name(node),
            Some(node) => step_name(node),
            None => visible(reference).into_owned(),
        }
    }
}

/// The local name of an element: prefixes and namespaces differ from file to file.
pub fn local<'n>(node: Node<'n, '_>) -> &'n str {
    node.tag_name().name()
}

/// The text of the first child of that name, without blanks around it.
pub fn child_text<'n>(node: Node<'n, '_>, name: &str) -> Option<&'n str> {
    let child = node.children().find(|c| local(*c) == name)?;
    child.text().map(str::trim).filter(|t| !t.is_empty())
}

/// The child of that name.
pub fn child<'n, 'i>(node: Node<'n, 'i>, name: &str) -> Option<Node<'n, 'i>> {
    node.children().find(|c| local(*c) == name)
}

/// `name` and `value` of each `property` child.
pub fn properties_of<'n>(node: Node<'n, '_>) -> Vec<(&'n str, &'n str)> {
    node.children()
        .filter(|c| local(*c) == "property")
        .filter_map(|c| Some((c.attribute("name")?, c.attribute("value").unwrap_or_default())))
        .collect()
}

/// The files that a node and its inner ones refer to, by path in the integration.
pub fn resources_of(node: Node<'_, '_>) -> Vec<String> {
    node.descendants()
        .filter(|n| local(*n) == "resource")
        .filter_map(|n| n.attribute("location"))
        .map(|location| location.trim_start_matches("../").to_owned())
        .collect()
}

/// The message that a port carries.
pub fn message_of<'n>(port: Node<'n, '_>) -> Option<&'n str> {
    child(port, "messageContextRef")?.attribute("refUri")
}

/// The name of an endpoint: the text of `adapter/name`, else the numbered name of the element.
pub fn endpoint_name(application: Node<'_, '_>) -> String {
    let adapter = child(application, "adapter");
    let name =
        adapter.and_then(|a| child_text(a, "name")).or_else(|| application.attribute("name"));
    visible(name.unwrap_or_default()).into_owned()
}

/// The name of a message that no port of an endpoint and no output of a step names: that of the
/// element in whose files its type is declared, else that of its type. What a stage file step is
/// given is filled by a map alone, and is that step's request.
fn name_by_owner<'d>(
    message: Node<'d, 'd>,
    by_name: &HashMap<&'d str, Node<'d, 'd>>,
) -> Option<String> {
    let reference = child(message, "resourceRef").and_then(|r| r.attribute("refUri"));
    let owner = reference
        .and_then(|r| r.split('/').next())
        .and_then(|head| by_name.get(head))
        .filter(|n| child_text(**n, "type") != Some("transformer"));
    if let Some(owner) = owner {
        let name = match local(*owner) {
            "application" => endpoint_name(*owner),
            _ => step_name(*owner),
        };
        let taken = owner.children().filter(|n| local(*n) == "input").filter_map(message_of);
        let request = taken.into_iter().any(|c| Some(c) == message.attribute("name"));
        return Some(if request { format!("{name} request") } else { name });
    }
    let element = child(message, "rootElement").and_then(|r| r.attribute("elementName"));
    element.map(|e| visible(e).into_owned())
}

fn step_name(processor: Node<'_, '_>) -> String {
    let variable = properties_of(processor)
        .into_iter()
        .find(|(name, _)| *name == "variableName")
        .map(|(_, v)| v);
    let name = variable
        .or_else(|| child_text(processor, "processorName"))
        .or_else(|| child_text(processor, "type"));
    visible(name.or_else(|| processor.attribute("name")).unwrap_or_default()).into_owned()
}
