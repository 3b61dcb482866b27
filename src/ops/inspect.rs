//! What is in an archive, as a report that both `--json` and text are made from. Secrets are
//! blanked.

use serde::{Serialize, Serializer};

use crate::archive::{
    Contents, ContentsBody, Dependency, Deployment, Endpoint, FlowStep, Integration, Mapping,
    Project, Secret, UnpackedArchive, blank_value,
};
use crate::model::{Finding, Fingerprint, Kind, visible};

/// A kind as a person reads it: `access list`.
fn kind_by_name<S: Serializer>(kind: &Kind, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(kind.singular())
}

/// The report of one archive (`oicx inspect`).
#[derive(Debug, Clone, Serialize)]
pub struct InspectReport {
    #[serde(serialize_with = "kind_by_name")]
    pub kind: Kind,
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The portable fingerprint, without the copies of connections and lookups that travel along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_fingerprint: Option<Fingerprint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<&'static str>,
    pub flow: Vec<StepReport>,
    pub endpoints: Vec<EndpointReport>,
    pub mappings: Vec<MappingReport>,
    pub tracking: Vec<TrackingReport>,
    pub dependencies: Vec<Dependency>,
    pub connections: Vec<ConnectionReport>,
    pub lookups: Vec<LookupReport>,
    /// Members of a package or project.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub integrations: Vec<InspectReport>,
    /// Deployments of a project.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<DeploymentReport>,
    /// Definitions of schedules in a project: code and version of the integration, when it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Named>,
    /// Libraries of a project, by code and version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
    /// Events of a project, by code and revision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Scripts of a library.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<ScriptReport>,
    /// The properties of an artifact that has no export: a connection, a certificate, an agent
    /// group, a schedule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Named>,
    /// Names of secrets that nobody gives out: a restore asks for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ask: Vec<String>,
    pub findings: Vec<Finding>,
    pub secrets: Vec<Secret>,
    pub files: Vec<FileReport>,
}

#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// The flow's own word: `invoke`, `transformer`, `router` …
    pub kind: String,
    pub name: String,
    pub detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expressions: Vec<Named>,
    pub children: Vec<StepReport>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Named {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct EndpointReport {
    pub name: String,
    pub role: String,
    pub connection: String,
    pub adapter: String,
    pub operation: String,
    pub verb: String,
    pub resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<String>,
    pub settings: Vec<Named>,
}

#[derive(Debug, Clone, Serialize)]
pub struct MappingReport {
    pub target: String,
    pub sources: Vec<String>,
    pub file: String,
    pub assignments: Vec<AssignmentReport>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AssignmentReport {
    pub target: String,
    pub expression: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TrackingReport {
    pub name: String,
    pub xpath: String,
    pub primary: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ConnectionReport {
    pub code: String,
    pub name: String,
    pub adapter: String,
    pub policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub properties: Vec<Named>,
    pub attachments: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct LookupReport {
    pub name: String,
    pub description: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DeploymentReport {
    pub code: String,
    pub name: String,
    /// Its members: code and version.
    pub members: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ScriptReport {
    pub file: String,
    pub functions: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    pub path: String,
    pub size: u64,
}

impl InspectReport {
    /// The whole report: with fingerprints and secrets, for which all files are read.
    pub fn of(unpacked: &UnpackedArchive) -> Self {
        let mut report = Self::of_contents(&unpacked.contents);
        let fingerprints = unpacked.fingerprints();
        (report.fingerprint, report.flow_fingerprint) =
            (Some(fingerprints.full), Some(fingerprints.portable));
        for (i, member) in report.integrations.iter_mut().enumerate() {
            let fingerprints = unpacked.member_fingerprints(i);
            (member.fingerprint, member.flow_fingerprint) =
                (Some(fingerprints.full), Some(fingerprints.portable));
        }
        report.secrets = unpacked.secrets();
        report.findings.extend(report.secrets.iter().map(Secret::finding));
        report
    }

    /// The part of the report that needs no reading of every file.
    pub fn of_contents(contents: &Contents) -> Self {
        let mut report = match &contents.body {
            ContentsBody::Integration(it) => Self::of_integration(it),
            ContentsBody::Package(p) => {
                let members = p.integrations.iter().map(Self::of_integration).collect();
                Self {
                    name: p.name.clone(),
                    code: p.name.clone(),
                    integrations: members,
                    ..Self::empty(contents)
                }
            }
            ContentsBody::Project(p) => Self::of_project(p, contents),
            ContentsBody::Lookup(l) => Self {
                code: l.name.clone(),
                name: l.name.clone(),
                description: l.description.clone(),
                lookups: vec![lookup(l)],
                ..Self::empty(contents)
            },
            ContentsBody::Library(l) => {
                let script = |(file, functions): &(String, Vec<String>)| ScriptReport {
                    file: file.clone(),
                    functions: functions.clone(),
                };
                let scripts = l.scripts.iter().map(script).collect();
                Self {
                    code: l.name.clone(),
                    name: l.name.clone(),
                    scripts,
                    ..Self::empty(contents)
                }
            }
            ContentsBody::Description(r) => Self {
                code: visible(&r.code).into_owned(),
                version: r.version.map(|v| v.to_string()),
                name: visible(&r.name).into_owned(),
                properties: r.properties.iter().map(|(k, v)| named(k, v)).collect(),
                ask: r.ask.iter().map(|a| visible(a).into_owned()).collect(),
                ..Self::empty(contents)
            },
        };
        report.findings = contents.findings.clone();
        report.files = contents
            .files
            .iter()
            .map(|f| FileReport { path: f.name.clone(), size: f.size })
            .collect();
        report
    }

    fn of_project(p: &Project, contents: &Contents) -> Self {
        let deployment = |d: &Deployment| DeploymentReport {
            code: d.code.clone(),
            name: d.name.clone(),
            members: d.members.iter().map(|(_, code, v)| format!("{code} {v}")).collect(),
        };
        let (libraries, events) = p.libraries_and_events();
        Self {
            code: p.code.to_string(),
            name: p.name.clone(),
            description: p.description.clone(),
            integrations: p.integrations.iter().map(Self::of_integration).collect(),
            connections: p.connections.iter().map(connection).collect(),
            lookups: p.lookups.iter().map(lookup).collect(),
            deployments: p.deployments.iter().map(deployment).collect(),
            schedules: p.schedules.iter().map(|(of, s)| named(of, &s.describe())).collect(),
            libraries: libraries.into_iter().collect(),
            events: events.into_iter().collect(),
            ..Self::empty(contents)
        }
    }

    fn empty(contents: &Contents) -> Self {
        Self {
            kind: contents.identity().kind,
            code: String::new(),
            version: None,
            name: String::new(),
            description: String::new(),
            fingerprint: None,
            flow_fingerprint: None,
            pattern: None,
            flow: Vec::new(),
            endpoints: Vec::new(),
            mappings: Vec::new(),
            tracking: Vec::new(),
            dependencies: Vec::new(),
            connections: Vec::new(),
            lookups: Vec::new(),
            integrations: Vec::new(),
            deployments: Vec::new(),
            schedules: Vec::new(),
            libraries: Vec::new(),
            events: Vec::new(),
            scripts: Vec::new(),
            properties: Vec::new(),
            ask: Vec::new(),
            findings: Vec::new(),
            secrets: Vec::new(),
            files: Vec::new(),
        }
    }

    fn of_integration(it: &Integration) -> Self {
        let tracking = |t: &crate::archive::Tracking| TrackingReport {
            name: t.name.clone(),
            xpath: t.xpath.clone(),
            primary: t.primary,
        };
        Self {
            kind: Kind::Integration,
            code: it.id.code.clone(),
            version: Some(it.id.version.to_string()),
            name: it.name.clone(),
            description: it.description.clone(),
            fingerprint: None,
            flow_fingerprint: None,
            pattern: Some(it.pattern()),
            flow: it.flow.iter().map(step).collect(),
            endpoints: it.endpoints.iter().map(endpoint).collect(),
            mappings: it.mappings.iter().map(mapping).collect(),
            tracking: it.tracking.iter().map(tracking).collect(),
            dependencies: it.needs.clone(),
            connections: it.own_connections().map(connection).collect(),
            lookups: it.own_lookups().map(lookup).collect(),
            integrations: Vec::new(),
            deployments: Vec::new(),
            schedules: Vec::new(),
            libraries: Vec::new(),
            events: Vec::new(),
            scripts: Vec::new(),
            properties: Vec::new(),
            ask: Vec::new(),
            findings: it.findings.clone(),
            secrets: Vec::new(),
            files: it
                .files
                .iter()
                .map(|f| FileReport { path: f.path.clone(), size: f.size })
                .collect(),
        }
    }
}

fn named(name: &str, value: &str) -> Named {
    Named { name: name.to_owned(), value: blank_value(name, value).into_owned() }
}

fn step(step: &FlowStep) -> StepReport {
    let expressions = step.expressions.iter().filter(|(_, e)| !e.shown().is_empty());
    let carrier = |role: &str, variable: &str| {
        if role.is_empty() { variable.to_owned() } else { role.to_owned() }
    };
    StepReport {
        kind: step.kind.to_string(),
        name: step.name.clone(),
        detail: blank_value(&step.name, &step.detail).into_owned(),
        expressions: expressions
            .map(|(role, e)| named(&carrier(role, &e.variable), e.shown()))
            .collect(),
        children: step.children.iter().map(self::step).collect(),
    }
}

fn endpoint(e: &Endpoint) -> EndpointReport {
    EndpointReport {
        name: e.name.clone(),
        role: e.role.clone(),
        connection: e.connection.clone(),
        adapter: e.adapter.clone(),
        operation: e.operation.clone(),
        verb: e.verb.clone(),
        resource: e.resource.clone(),
        calls: e.calls.as_ref().map(ToString::to_string),
        settings: e.settings.iter().map(|(k, v)| named(k, v)).collect(),
    }
}

fn mapping(m: &Mapping) -> MappingReport {
    let assignment = |a: &crate::archive::Assignment| AssignmentReport {
        target: a.target.clone(),
        expression: a.shown().into_owned(),
        within: a.within.clone(),
    };
    MappingReport {
        target: m.target.clone(),
        sources: m.sources.clone(),
        file: m.file.clone(),
        assignments: m.assignments.iter().map(assignment).collect(),
    }
}

fn connection(c: &crate::archive::Connection) -> ConnectionReport {
    ConnectionReport {
        code: c.code.clone(),
        name: c.name.clone(),
        adapter: c.adapter.clone(),
        policy: c.policy.clone(),
        agent: c.agent.clone(),
        properties: c.properties.iter().map(|(k, v)| named(k, v)).collect(),
        attachments: c.attachments.iter().map(|a| format!("{}: {}", a.property, a.file)).collect(),
    }
}

fn lookup(l: &crate::archive::Lookup) -> LookupReport {
    LookupReport {
        name: l.name.clone(),
        description: l.description.clone(),
        columns: l.columns.clone(),
        rows: l.rows.clone(),
    }
}
