//! One integration, read as the person who built it would read it.

use std::collections::BTreeMap;

use super::{
    ArchiveError,
    connection::Connection,
    definitions::{child_text, local, message_of},
    dependency::{self, Dependency, NeedKind},
    endpoint::Endpoint,
    fingerprint,
    flow::{self, FlowStep},
    flow_step_kind::FlowStepKind,
    integration_files::{FileEntry, IntegrationFiles},
    layout,
    lookup::Lookup,
    mapping::Mapping,
    xml,
};
use crate::model::{Finding, IntegrationId, visible};

/// What is in an export of an integration, or in a project's member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    pub id: IntegrationId,
    /// The display name.
    pub name: String,
    pub description: String,
    /// What `ics_project_attributes.properties` or `info.json` says, without what carries no
    /// meaning, by the names of the first.
    pub attributes: BTreeMap<String, String>,
    pub flow: Vec<FlowStep>,
    pub endpoints: Vec<Endpoint>,
    pub mappings: Vec<Mapping>,
    pub tracking: Vec<Tracking>,
    pub connections: Vec<Connection>,
    pub lookups: Vec<Lookup>,
    pub needs: Vec<Dependency>,
    pub findings: Vec<Finding>,
    pub files: Vec<FileEntry>,
    /// Whether it is a member of a project.
    pub in_project: bool,
    /// Where it lies in a package or project: its entry's name, or its folder.
    pub(super) place: String,
    /// The dependencies that `info.json` lists.
    pub(super) declared: Vec<(NeedKind, String)>,
}

/// A business identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// Which of its trigger's identifiers it is: `tracking_var_1`, `approve_tracking_var_2`.
    pub role: String,
    pub name: String,
    pub xpath: String,
    pub primary: bool,
}

/// Who an integration is, from its attributes alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: IntegrationId,
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub declared: Vec<(NeedKind, String)>,
    pub in_project: bool,
}

impl Integration {
    /// The service's own word for who made the integration: `DEVELOPED`, `PREBUILT` …; empty where
    /// the archive does not say it.
    pub fn project_type(&self) -> &str {
        self.attributes.get("project_type").map_or("", String::as_str)
    }

    /// Whether a schedule starts it: by its exchange pattern (`MEP07`), or by the schedule it
    /// names.
    pub fn scheduled(&self) -> bool {
        let mep = self.attributes.get("mep_type");
        mep.is_some_and(|m| m == "MEP07") || self.needs.iter().any(|n| n.kind == NeedKind::Schedule)
    }

    /// The connections that the flow goes through: a project keeps those of all its members
    /// together.
    pub fn own_connections(&self) -> impl Iterator<Item = &Connection> {
        let used = |code: &str| self.endpoints.iter().any(|e| e.connection == code);
        self.connections.iter().filter(move |c| !self.in_project || used(&c.code))
    }

    /// The lookups that this integration uses, among those that travel along.
    pub fn own_lookups(&self) -> impl Iterator<Item = &Lookup> {
        let used =
            |name: &str| self.needs.iter().any(|n| n.kind == NeedKind::Lookup && n.name == name);
        self.lookups.iter().filter(move |l| !self.in_project || used(&l.name))
    }

    /// The pattern in words, from `mep_type` and how the flow begins.
    pub fn pattern(&self) -> &'static str {
        let mut trigger = "";
        super::flow_steps(&self.flow, &mut |s| {
            if trigger.is_empty() && s.kind.glyph() == '▷' {
                trigger = if s.kind == FlowStepKind::Subscribe { "event" } else { "app driven" };
            }
        });
        match trigger {
            _ if self.scheduled() => "scheduled",
            "event" => "event driven",
            "app driven" => "app driven",
            _ => "without a trigger",
        }
    }

    /// Reads what the folder holds. A part that is missing or broken is a finding, never the end.
    pub(super) fn read(who: Identity, folder: &mut IntegrationFiles<'_, '_>) -> Self {
        let mut this = Self {
            id: who.id,
            name: who.name,
            attributes: who.attributes,
            declared: who.declared,
            in_project: who.in_project,
            place: String::new(),
            description: String::new(),
            flow: Vec::new(),
            endpoints: Vec::new(),
            mappings: Vec::new(),
            tracking: Vec::new(),
            connections: Vec::new(),
            lookups: Vec::new(),
            needs: Vec::new(),
            findings: Vec::new(),
            files: folder.entries().cloned().collect(),
        };
        this.read_project(folder);
        this.read_copies(folder);
        this.needs = this.gather_needs(folder);
        this.findings = folder.findings().to_vec();
        this
    }

    fn gather_needs(&self, folder: &mut IntegrationFiles<'_, '_>) -> Vec<Dependency> {
        let connections: Vec<&Connection> = self.own_connections().collect();
        let named = dependency::NamedDependency {
            code: &self.id.code,
            in_project: self.in_project,
            flow: &self.flow,
            endpoints: &self.endpoints,
            connections: &connections,
            declared: &self.declared,
        };
        dependency::gather(&named, folder)
    }

    fn read_project(&mut self, folder: &mut IntegrationFiles<'_, '_>) {
        const PROJECT: &str = "PROJECT-INF/project.xml";
        let Some(bytes) = folder.get(PROJECT) else {
            let what = "PROJECT-INF/project.xml is missing or cannot be read";
            folder.note(Finding::warning(what, "the flow is not shown; export it again"));
            return;
        };
        let Some(doc) = xml::parse(&bytes) else {
            let what = "PROJECT-INF/project.xml is not well-formed XML, or holds what no export \
                holds (a DTD)";
            folder.note(Finding::warning(what, "the flow is not shown; export it again"));
            return;
        };
        let root = doc.root_element();
        self.description =
            visible(child_text(root, "projectDescription").unwrap_or_default()).into_owned();
        if doc.descendants().all(|n| local(n) != "orchestration") {
            folder.note(Finding::warning(
                "PROJECT-INF/project.xml has no orchestration",
                "it may be a draft, or of a kind that has no flow",
            ));
        }
        let read = flow::read(&doc, folder);
        (self.flow, self.endpoints, self.mappings) = (read.steps, read.endpoints, read.mappings);
        let variables = doc.descendants().filter(|n| local(*n) == "trackingVariable");
        self.tracking = variables
            .filter(|n| child_text(*n, "xpath").is_some() && message_of(*n).is_some())
            .map(|n| Tracking {
                role: visible(child_text(n, "role").unwrap_or_default()).into_owned(),
                name: visible(child_text(n, "name").unwrap_or_default()).into_owned(),
                xpath: visible(child_text(n, "xpath").unwrap_or_default()).into_owned(),
                primary: child_text(n, "primary") == Some("true"),
            })
            .collect();
        // The triggers of a flow stand in no order, and so do their identifiers.
        self.tracking.sort_by(|a, b| a.role.cmp(&b.role));
    }

    /// Reads the copies of connections and lookups that travel along.
    fn read_copies(&mut self, folder: &mut IntegrationFiles<'_, '_>) {
        for path in folder.within(layout::CONNECTIONS) {
            let Some(bytes) = folder.get(&path) else { continue };
            match Connection::read(&path, &bytes) {
                Some(connection) => self.connections.push(connection),
                None => folder.note(Finding::warning(
                    format!("the connection `{}` cannot be read", visible(&path)),
                    "its settings are missing here",
                )),
            }
        }
        for path in folder.within(layout::LOOKUPS) {
            let Some(bytes) = folder.get(&path) else { continue };
            match Lookup::from_dvm(&bytes) {
                Ok(lookup) => self.lookups.push(lookup),
                Err(e) => {
                    let what = format!("the lookup `{}` cannot be read: {e}", visible(&path));
                    folder.note(Finding::warning(what, "its rows are missing here"));
                }
            }
        }
    }
}

/// Reads the identity from `ics_project_attributes.properties`.
pub(super) fn identity(text: &str) -> Result<Identity, ArchiveError> {
    let attributes = fingerprint::meaningful_attributes(text);
    let get = |key: &str| attributes.get(key).cloned().unwrap_or_default();
    let id = id_of(&get("project_code"), &get("project_version"))?;
    let name = visible(&get("project_name")).into_owned();
    Ok(Identity { id, name, attributes, declared: Vec::new(), in_project: false })
}

/// Reads the identity from the `info.json` of a project's member.
pub(super) fn member_identity(bytes: &[u8]) -> Result<Identity, ArchiveError> {
    let broken = |why: String| ArchiveError::Broken { name: "info.json".into(), why };
    let info: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| broken(e.to_string()))?;
    let properties = info
        .get("properties")
        .and_then(|p| p.as_object())
        .ok_or_else(|| broken("no properties".into()))?;
    let get = |key: &str| properties.get(key).and_then(|v| v.as_str()).unwrap_or_default();
    let id = id_of(get("code"), get("version"))?;
    let attributes = properties
        .iter()
        .filter(|(k, _)| !fingerprint::MEANINGLESS_INFO.contains(&k.as_str()))
        .filter_map(|(k, v)| {
            Some((fingerprint::attribute_name(k).to_owned(), v.as_str()?.to_owned()))
        })
        .collect();
    let mut declared = Vec::new();
    for (list, kind) in [
        ("connections", NeedKind::Connection),
        ("lookups", NeedKind::Lookup),
        ("libraries", NeedKind::Library),
        ("certificates", NeedKind::Certificate),
        ("integrations", NeedKind::Integration),
        ("events", NeedKind::Event),
        ("eventtypes", NeedKind::Event),
        ("schedules", NeedKind::Schedule),
    ] {
        let names = info.pointer(&format!("/dependencies/{list}")).and_then(|v| v.as_array());
        declared.extend(
            names.into_iter().flatten().filter_map(|n| Some((kind, n.as_str()?.to_owned()))),
        );
    }
    Ok(Identity {
        id,
        name: visible(get("name")).into_owned(),
        attributes,
        declared,
        in_project: true,
    })
}

fn id_of(code: &str, version: &str) -> Result<IntegrationId, ArchiveError> {
    match (code, version.parse()) {
        ("", _) => Err(ArchiveError::NotAnIntegration("project_code is missing".into())),
        (code, Ok(version)) => Ok(IntegrationId::new(visible(code), version)),
        (_, Err(e)) => Err(ArchiveError::NotAnIntegration(format!("project_version: {e}"))),
    }
}
