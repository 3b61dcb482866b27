//! The flow: a tree of steps in order and nesting, each with what a person who built it would read
//! there.

use roxmltree::{Document, Node};
use serde_json::Value;

use super::{
    definitions::{Definitions, child, child_text, local, message_of, properties_of, resources_of},
    endpoint::{self, Endpoint},
    expression::Expression,
    flow_step_kind::FlowStepKind,
    integration_files::IntegrationFiles,
    json,
    mapping::{self, Mapping},
    xml,
};
use crate::model::{plural, visible};

/// Real flows nest under 25.
const MAX_DEPTH: usize = 100;

/// A step, a branch or a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowStep {
    pub kind: FlowStepKind,
    pub name: String,
    /// What it calls, maps, tests or logs, in one line.
    pub detail: String,
    /// `processor_24`, as it is written; empty where it refers to nothing.
    pub reference: String,
    /// Index into the integration's endpoints.
    pub endpoint: Option<usize>,
    /// Index into the integration's mappings.
    pub mapping: Option<usize>,
    /// Role (empty for the only one) and expression.
    pub expressions: Vec<(String, Expression)>,
    /// Everything else that its definition says, label -> value.
    pub settings: Vec<(String, String)>,
    /// Its files, by path in the integration.
    pub files: Vec<String>,
    pub children: Vec<FlowStep>,
}

impl FlowStep {
    /// `map to getWorkers`: kind and name in one.
    pub fn title(&self) -> String {
        let label = self.kind.label();
        match self.kind {
            FlowStepKind::Transformer | FlowStepKind::Route => self.name.clone(),
            _ if self.name.is_empty() || self.name == label => label.to_owned(),
            _ => format!("{label} {}", self.name),
        }
    }

    /// This step and all below it, in the order of the flow, with their depth.
    pub fn walk<'s>(&'s self, depth: usize, visit: &mut dyn FnMut(&'s FlowStep, usize)) {
        visit(self, depth);
        self.children.iter().for_each(|c| c.walk(depth + 1, visit));
    }
}

/// How many steps a tree has.
pub fn count(steps: &[FlowStep]) -> usize {
    steps.iter().map(|s| 1 + count(&s.children)).sum()
}

/// The flow as it was read, with the endpoints and mappings that its steps refer to.
#[derive(Debug, Default)]
pub(super) struct FlowDocument {
    pub steps: Vec<FlowStep>,
    pub endpoints: Vec<Endpoint>,
    pub mappings: Vec<Mapping>,
}

/// Reads the flow of a `project.xml` and what it refers to.
pub(super) fn read(doc: &Document<'_>, folder: &mut IntegrationFiles<'_, '_>) -> FlowDocument {
    let definitions = Definitions::of(doc);
    let endpoints: Vec<Endpoint> = definitions
        .applications()
        .into_iter()
        .map(|(name, node)| Endpoint::read(name, node, folder))
        .collect();
    let mut reader = FlowReader {
        definitions: &definitions,
        folder,
        endpoints: &endpoints,
        mappings: Vec::new(),
    };
    let steps = match doc.descendants().find(|n| local(*n) == "orchestration") {
        Some(flow) => reader.children(flow, 0),
        None => Vec::new(),
    };
    let mappings = reader.mappings;
    FlowDocument { steps, endpoints, mappings }
}

struct FlowReader<'r, 'd, 'z, 'a> {
    definitions: &'r Definitions<'d>,
    folder: &'r mut IntegrationFiles<'z, 'a>,
    endpoints: &'r [Endpoint],
    mappings: Vec<Mapping>,
}

impl<'d> FlowReader<'_, 'd, '_, '_> {
    fn children(&mut self, node: Node<'d, 'd>, depth: usize) -> Vec<FlowStep> {
        if depth > MAX_DEPTH {
            return Vec::new();
        }
        node.children().filter(Node::is_element).map(|child| self.step(child, depth)).collect()
    }

    fn step(&mut self, node: Node<'d, 'd>, depth: usize) -> FlowStep {
        let reference = node.attribute("refUri").unwrap_or_default();
        let mut step = FlowStep {
            kind: FlowStepKind::of(local(node)),
            name: visible(
                node.attribute("name")
                    .or_else(|| node.attribute("displayName"))
                    .unwrap_or_default(),
            )
            .into_owned(),
            reference: reference.to_owned(),
            ..FlowStep::default()
        };
        for attribute in node.attributes() {
            if !matches!(
                attribute.name(),
                "id" | "refUri" | "name" | "displayName" | "trackingRefUri"
            ) {
                step.settings
                    .push((attribute.name().to_owned(), visible(attribute.value()).into_owned()));
            }
        }
        let head = reference.split('/').next().unwrap_or_default();
        step.endpoint = self.endpoints.iter().position(|e| e.reference == head);
        if let Some(definition) = self.part(reference)
            && step.endpoint.is_none()
        {
            self.define(&mut step, definition);
        }
        self.describe(&mut step);
        step.children = self.children(node, depth + 1);
        step
    }

    /// The definition that a reference names: the whole of it, or the output that is a route.
    fn part(&self, reference: &str) -> Option<Node<'d, 'd>> {
        let mut names = reference.split('/');
        let mut node = self.definitions.get(names.next()?)?;
        for name in names {
            node = node.children().find(|c| c.attribute("name") == Some(name))?;
        }
        Some(node)
    }

    /// Fills in the step what its processor, or one output of the processor, says.
    fn define(&mut self, step: &mut FlowStep, node: Node<'d, 'd>) {
        if step.name.is_empty() {
            step.name = visible(child_text(node, "processorName").unwrap_or_default()).into_owned();
        }
        if let Some(description) = child_text(node, "processorDescription") {
            step.settings.push(("description".into(), visible(description).into_owned()));
        }
        if let Some(role) = child_text(node, "role").filter(|r| *r != "undefined") {
            step.settings.push(("role".into(), visible(role).into_owned()));
        }
        for (name, value) in properties_of(node) {
            match name {
                // The mapping itself says what these two properties say.
                "has-mappings" | "dependent-dvms" => {}
                "variableName" => step.name = visible(value).into_owned(),
                _ => step.settings.push((visible(name).into_owned(), visible(value).into_owned())),
            }
        }
        for reference in node.children().filter(|c| local(*c) == "resourceRef") {
            let message = self.definitions.label(reference.attribute("refUri").unwrap_or_default());
            let role = child_text(reference, "role").unwrap_or("source");
            let name =
                child_text(reference, "subRole").map(|s| format!(" ${s}")).unwrap_or_default();
            step.settings
                .push(("reads".into(), visible(&format!("{message}{name} ({role})")).into_owned()));
        }
        for port in node.children().filter(|c| matches!(local(*c), "input" | "output")) {
            if let Some(message) = message_of(port)
                && step.kind == FlowStepKind::Transformer
            {
                step.settings.push((local(port).to_owned(), self.definitions.label(message)));
            }
        }
        // The outputs of a switch are its routes, and each route has its own files.
        let own = if step.kind == FlowStepKind::Router {
            child(node, "resourceGroup")
        } else {
            Some(node)
        };
        step.files = own.map(resources_of).unwrap_or_default();
        step.settings.sort();
        for path in step.files.clone() {
            self.read_resource(step, &path);
        }
    }

    fn read_resource(&mut self, step: &mut FlowStep, path: &str) {
        let file = path.rsplit('/').next().unwrap_or(path);
        if let Some(role) = file.strip_suffix("expr.properties") {
            if let Some(text) = self.folder.text(path) {
                let expression = Expression { file: path.to_owned(), ..Expression::parse(&text) };
                step.expressions.push((visible(role).into_owned(), expression));
            }
        } else if file.ends_with(".xsl") || file.ends_with(".xslt") {
            self.read_mapping(step, path);
        } else if file == "stitch.json" {
            self.read_stitch(step, path);
        } else if let Some(part) =
            file.strip_prefix("notification_").and_then(|f| f.strip_suffix(".data"))
        {
            let text = self.folder.text(path).unwrap_or_default();
            step.settings.push((visible(part).into_owned(), visible(&words(&text)).into_owned()));
        } else if file.ends_with(".jca")
            && let Some(jca) = endpoint::jca(path, self.folder)
        {
            step.settings.extend(jca.values);
        }
    }

    fn read_mapping(&mut self, step: &mut FlowStep, path: &str) {
        let Some(bytes) = self.folder.get(path) else { return };
        let Some(assignments) = Mapping::assignments_of(&bytes) else {
            let what = format!("the mapping `{}` is not well-formed XML", visible(path));
            self.folder
                .note(crate::model::Finding::warning(what, "its assignments are missing here"));
            return;
        };
        let value =
            |key: &str| step.settings.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
        let target = value("output").unwrap_or_default();
        let mut sources: Vec<String> = value("input").into_iter().collect();
        sources.extend(Mapping::params_of(&bytes).into_iter().map(|p| format!("${}", visible(&p))));
        step.mapping = Some(self.mappings.len());
        self.mappings.push(Mapping { target, sources, file: path.to_owned(), assignments });
    }

    /// Reads a stitch's assignments, in the order in which they are made.
    fn read_stitch(&mut self, step: &mut FlowStep, path: &str) {
        let Some(value) =
            self.folder.get(path).and_then(|b| serde_json::from_slice::<Value>(&b).ok())
        else {
            let what = format!("`{}` is not JSON", visible(path));
            self.folder.note(crate::model::Finding::warning(
                what,
                "what the stitch assigns is missing here",
            ));
            return;
        };
        let prefixes = json::prefixes_of(&value);
        let text = |value: &Value, at: &str| {
            value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        for stitch in value.get("stitches").and_then(Value::as_array).into_iter().flatten() {
            let verb = text(stitch, "/@type");
            if matches!(verb.as_str(), "NamespaceResolver" | "Variable" | "") {
                continue;
            }
            let written = text(stitch, "/from/expression");
            let to = text(stitch, "/to/path");
            let exact = |t: &str| {
                xml::with_namespaces(t, |p| prefixes.get(p).map(String::as_str)).into_owned()
            };
            let expression = Expression {
                variable: mapping::short(&to),
                short: mapping::short(&written),
                xpath: format!("{verb} {} {}", exact(&to), exact(&written)),
                written,
                file: path.to_owned(),
                ..Expression::default()
            };
            step.expressions
                .push((format!("{} {}", verb.to_lowercase(), expression.variable), expression));
        }
    }

    /// Fills in the name of a step whose definition has none, and its line of detail.
    fn describe(&self, step: &mut FlowStep) {
        let expression = step.expressions.first().map(|(_, e)| e.clone()).unwrap_or_default();
        let shown = visible(expression.shown()).into_owned();
        match step.kind {
            FlowStepKind::Transformer => {
                let mapping = step.mapping.map(|i| &self.mappings[i]);
                let target =
                    mapping.map(|m| m.target.trim_end_matches(" request")).unwrap_or_default();
                step.name =
                    if target.is_empty() { "map".into() } else { format!("map to {target}") };
                step.detail =
                    mapping.map(|m| plural(m.assignments.len(), "assignment")).unwrap_or_default();
            }
            FlowStepKind::Assignment => {
                (step.name, step.detail) = (visible(&expression.variable).into_owned(), shown)
            }
            FlowStepKind::Route => {
                let otherwise = expression.short == "Else" || expression.name == "Otherwise";
                let name = visible(&expression.name).into_owned();
                let condition = if otherwise { "otherwise".into() } else { format!("if {shown}") };
                (step.name, step.detail) = match name.as_str() {
                    "" | "Otherwise" => (condition, String::new()),
                    _ => (name, condition),
                };
            }
            FlowStepKind::Notification => {
                let subject = step.settings.iter().find(|(k, _)| k == "subject");
                step.detail = subject.map_or(shown, |(_, v)| v.clone());
            }
            FlowStepKind::For => {
                step.detail = format!("${} in {shown}", visible(&expression.variable))
            }
            FlowStepKind::Stitch => step.detail = plural(step.expressions.len(), "assignment"),
            FlowStepKind::StageFile => {
                let operation = step.settings.iter().find(|(k, _)| k == "operation");
                step.detail = operation.map(|(_, v)| v.clone()).unwrap_or_default();
            }
            FlowStepKind::Logger
            | FlowStepKind::Throw
            | FlowStepKind::While
            | FlowStepKind::Wait => {
                if step.name.is_empty() {
                    step.name = visible(&expression.variable).into_owned();
                }
                step.detail = shown;
            }
            _ => {
                if let Some(endpoint) = step.endpoint.map(|i| &self.endpoints[i]) {
                    step.name.clone_from(&endpoint.name);
                    step.detail = endpoint.call();
                } else if step.detail.is_empty() {
                    step.detail = shown;
                }
            }
        }
    }
}

/// The words of an e-mail: its text without white space around them and, where it is HTML, without
/// tags.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tag = &rest[at + 1..];
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
        rest = match tag.find('>').filter(|_| is_tag) {
            Some(end) => {
                out.push(' ');
                &tag[end + 1..]
            }
            None => {
                out.push('<');
                tag
            }
        };
    }
    out.push_str(rest);
    out.replace("&nbsp;", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
