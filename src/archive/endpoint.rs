//! An endpoint of a flow: which connection it goes through, and what it calls there.

use roxmltree::Node;

use super::{
    definitions::{child, child_text, endpoint_name, local, properties_of, resources_of},
    dependency::CalledScope,
    fingerprint,
    integration_files::IntegrationFiles,
    xml,
};
use crate::model::{Finding, IntegrationId, visible};

/// One `application` of a `project.xml` with its `.jca`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// `application_29`
    pub reference: String,
    /// The name a person gave it.
    pub name: String,
    /// `source` for the trigger, `target` for what is called.
    pub role: String,
    /// The connection's code.
    pub connection: String,
    /// `rest`, `ftp`, `collocatedics` …; empty where no `.jca` says it.
    pub adapter: String,
    /// `push-sync`, `fire-and-forget`, `pull`
    pub mep: String,
    /// What is called there, in the adapter's own word.
    pub operation: String,
    /// `GET`, for adapters that have one.
    pub verb: String,
    /// `/hcmRestApi/resources/workers`
    pub resource: String,
    /// The integration that it calls.
    pub calls: Option<IntegrationId>,
    /// Where that integration lives; none where the `.jca` does not tell.
    pub calls_in: Option<CalledScope>,
    /// Everything that the `.jca` says beside that, name -> value.
    pub settings: Vec<(String, String)>,
    /// Its files, by path in the integration.
    pub files: Vec<String>,
    /// The events that it publishes or subscribes to.
    pub events: Vec<String>,
}

impl Endpoint {
    /// `GET /hcmRestApi/resources/workers`, or the operation.
    pub fn call(&self) -> String {
        match (&self.calls, self.verb.as_str(), self.resource.as_str()) {
            (Some(id), ..) => format!("integration {} {}", id.code, id.version),
            (None, "", "") => self.operation.clone(),
            (None, "", resource) => {
                format!("{} {resource}", self.operation).trim_start().to_owned()
            }
            (None, verb, resource) => format!("{verb} {resource}").trim_end().to_owned(),
        }
    }

    /// Reads an endpoint from its element in `project.xml` and the files that it names. `reference`
    /// is what the flow calls it by: `application_9`.
    pub(super) fn read(
        reference: &str,
        node: Node<'_, '_>,
        folder: &mut IntegrationFiles<'_, '_>,
    ) -> Self {
        let adapter = child(node, "adapter");
        let port = child(node, "inbound").or_else(|| child(node, "outbound"));
        let shown = |text: Option<&str>| visible(text.unwrap_or_default()).into_owned();
        let mut this = Self {
            reference: reference.to_owned(),
            name: endpoint_name(node),
            role: shown(child_text(node, "role")),
            connection: shown(adapter.and_then(|a| child_text(a, "code"))),
            mep: shown(child_text(node, "mep")),
            operation: shown(port.and_then(|p| child_text(p, "operation"))),
            files: resources_of(node),
            events: events_of(node),
            ..Self::default()
        };
        if let Some(description) = adapter.and_then(|a| child_text(a, "description")) {
            this.settings.push(("description".into(), visible(description).into_owned()));
        }
        for (name, value) in adapter.map(properties_of).unwrap_or_default() {
            this.settings.push((visible(name).into_owned(), visible(value).into_owned()));
        }
        if let Some(binding) = port.and_then(|p| child_text(p, "binding")) {
            this.settings.push(("binding".into(), visible(binding).into_owned()));
        }
        for path in this.files.clone().iter().filter(|p| p.ends_with(".jca")) {
            this.read_jca(path, folder);
        }
        this.fill_in();
        this
    }

    /// Takes from the definition what no `.jca` says: an operation of a trigger with several may
    /// have no `.jca` of its own.
    fn fill_in(&mut self) {
        let said = |key: &str| {
            let found = self.settings.iter().find(|(k, v)| k == key && !v.is_empty());
            found.map(|(_, v)| v.clone()).unwrap_or_default()
        };
        let from = [said("binding"), said("verb"), said("resourceUrl")];
        let into = [&mut self.adapter, &mut self.verb, &mut self.resource];
        for (field, value) in into.into_iter().zip(from) {
            if field.is_empty() {
                *field = value;
            }
        }
    }

    fn read_jca(&mut self, path: &str, folder: &mut IntegrationFiles<'_, '_>) {
        let Some(settings) = jca(path, folder) else { return };
        self.adapter = settings.adapter;
        self.calls = called(&self.adapter, &settings.values);
        self.calls_in = self.calls.as_ref().and_then(|_| called_in(&settings.values));
        let take = |wanted: &[&str]| {
            let found = wanted
                .iter()
                .find_map(|w| settings.values.iter().find(|(k, v)| k == w && !v.is_empty()));
            found.map(|(_, v)| v.clone())
        };
        self.verb = take(&["HttpVerb"]).unwrap_or_default();
        self.resource = take(&[
            "ResourceURI",
            "operationPath",
            "DownloadReadPhysicalDirectory",
            "PhysicalDirectory",
            "resourceURI",
        ])
        .map(|r| r.trim().to_owned())
        .unwrap_or_default();
        if let Some(operation) = take(&["targetOperation", "Operation", "operation"]) {
            self.operation = operation;
        }
        self.settings.extend(settings.values);
    }
}

/// What a `.jca` says.
#[derive(Debug, Default)]
pub(super) struct Jca {
    pub adapter: String,
    /// Its properties that carry meaning, in a fixed order; those of the connection with
    /// `connection.` before them.
    pub values: Vec<(String, String)>,
}

/// Reads a `.jca`; what cannot be read is noted in the folder.
pub(super) fn jca(path: &str, folder: &mut IntegrationFiles<'_, '_>) -> Option<Jca> {
    let bytes = folder.get(path)?;
    let Some(doc) = xml::parse(&bytes) else {
        folder.note(Finding::warning(
            format!("`{}` is not well-formed XML", visible(path)),
            "the endpoint's settings are missing here",
        ));
        return None;
    };
    let mut values = Vec::new();
    for node in doc.descendants() {
        let prefix = if local(node) == "non-managed-connection" { "connection." } else { "" };
        for property in node.children().filter(|c| local(*c) == "property") {
            let name = property.attribute("name");
            if let Some(name) = name.filter(|n| !fingerprint::is_meaningless_property(n)) {
                let value = visible(property.attribute("value").unwrap_or_default()).into_owned();
                values.push((format!("{prefix}{}", visible(name)), value));
            }
        }
    }
    values.sort();
    let adapter = doc.root_element().attribute("adapter").unwrap_or_default();
    Some(Jca { adapter: visible(adapter).to_lowercase(), values })
}

/// The integration that a `collocatedics` endpoint calls.
fn called(adapter: &str, values: &[(String, String)]) -> Option<IntegrationId> {
    if adapter != "collocatedics" {
        return None;
    }
    let value = |key: &str| values.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    value("integration_id").and_then(|id| id.parse().ok()).or_else(|| {
        Some(IntegrationId::new(
            value("integration_code")?,
            value("integration_version")?.parse().ok()?,
        ))
    })
}

/// Where the integration that is called lives (docs/archive-format.md, Calls to other
/// integrations).
fn called_in(values: &[(String, String)]) -> Option<CalledScope> {
    let value = |key: &str| values.iter().find(|(k, v)| k == key && !v.is_empty());
    match (value("integrationContext").map(|(_, v)| v.as_str()), value("project_id")) {
        (Some("INTRA_PROJECT"), _) => Some(CalledScope::Own),
        (Some("GLOBAL"), _) => Some(CalledScope::Global),
        (_, Some((_, project))) => Some(CalledScope::Project(project.as_str().into())),
        _ => None,
    }
}

fn events_of(node: Node<'_, '_>) -> Vec<String> {
    let within = |n: &Node<'_, '_>| n.ancestors().any(|a| local(a) == "eventTypes");
    node.descendants()
        .filter(|n| n.is_element() && within(n))
        .filter_map(|n| {
            let named = n.attribute("code").or_else(|| n.attribute("name"));
            named.or_else(|| n.text().map(str::trim).filter(|t| !t.is_empty()))
        })
        .map(|t| visible(t).into_owned())
        .collect()
}
