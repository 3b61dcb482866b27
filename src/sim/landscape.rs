//! What the simulated company looks like: a TOML file, read and unfolded.

mod artifacts;
mod generate;
mod manners;
mod members;
mod when;

use std::{collections::BTreeMap, path::Path, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;

use crate::config::ConfigProblem;
use crate::model::{EnvironmentName, InstanceCounts, ScheduleState, Status, Version};
pub use artifacts::{
    AccessSpec, AgentGroupSpec, CertificateSpec, ConnectionSpec, DeploymentSpec, LibrarySpec,
    LookupSpec, PackageSpec, ProjectSpec,
};
pub use manners::Manners;
pub use members::scopes_of;
pub use when::When;

/// A whole simulated company, unfolded: every integration stands for itself.
#[derive(Debug, Clone)]
pub struct Landscape {
    pub environments: Vec<EnvironmentSpec>,
    pub connections: Vec<ConnectionSpec>,
    pub lookups: Vec<LookupSpec>,
    pub libraries: Vec<LibrarySpec>,
    pub packages: Vec<PackageSpec>,
    pub projects: Vec<ProjectSpec>,
    pub certificates: Vec<CertificateSpec>,
    pub agents: Vec<AgentGroupSpec>,
    pub integrations: Vec<IntegrationSpec>,
    pub history: Vec<HistorySpec>,
    pub faults: Vec<String>,
}

/// One simulated service instance.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    pub name: EnvironmentName,
    pub instance: String,
    #[serde(default = "third")]
    pub generation: u8,
    /// How long an activation takes, in milliseconds.
    #[serde(default)]
    pub activation_ms: u64,
    /// The time between two instances of an integration that runs by itself, in milliseconds.
    #[serde(default = "half_a_minute")]
    pub run_every_ms: u64,
    /// How many may be active (docs/oic-rest-api.md, Limits).
    #[serde(default = "active_limit")]
    pub active_limit: usize,
    #[serde(default)]
    pub protected: bool,
    /// Field names as the Gen 3 reference prints them (`has-more`), not as the wire has them.
    #[serde(default)]
    pub kebab_case: bool,
    /// Whether an integration of a project can be exported alone; the reference lists no such call.
    #[serde(default)]
    pub exports_members: bool,
    /// Whether a project that a client has no right to is listed and refuses with 403; otherwise it
    /// is hidden from that client. Nobody has reported which of both the service does.
    #[serde(default)]
    pub refuses_projects: bool,
    #[serde(default)]
    pub manners: Manners,
    pub clients: Vec<AccountSpec>,
    /// How long a token is good for, in seconds.
    #[serde(default = "hour")]
    pub token_seconds: i64,
    /// Verifies JWT assertions; PEM.
    #[serde(default)]
    pub jwt_public_key: Option<String>,
}

fn third() -> u8 {
    3
}
fn half_a_minute() -> u64 {
    30_000
}
fn active_limit() -> usize {
    700
}
fn hour() -> i64 {
    3600
}

impl EnvironmentSpec {
    /// Its manners, with those that have a key of their own.
    pub fn manners(&self) -> Manners {
        Manners {
            exports_members: self.exports_members || self.manners.exports_members,
            refuses_projects: self.refuses_projects || self.manners.refuses_projects,
            kebab_case: self.kebab_case || self.manners.kebab_case,
            ..self.manners
        }
    }

    /// The time that an activation takes; with zero it has ended by the next call.
    pub fn activation(&self) -> Duration {
        Duration::from_millis(self.activation_ms)
    }

    /// The time between two instances of an integration that runs by itself, at least one
    /// millisecond.
    pub fn run_every(&self) -> Duration {
        Duration::from_millis(self.run_every_ms.max(1))
    }
}

/// Somebody who may sign in: an OAuth client, or a user of a Gen 2 instance.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSpec {
    pub id: String,
    pub secret: String,
    pub role: Role,
}

/// Service roles, by what they may do (docs/oic-rest-api.md, Roles).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Role {
    ServiceAdministrator,
    ServiceDeveloper,
    ServiceViewer,
    ServiceMonitor,
    ServiceInvoker,
}

/// An integration of the company, and where it stands.
#[derive(Debug, Clone)]
pub struct IntegrationSpec {
    pub code: String,
    pub flow: FlowSpec,
    pub placements: Vec<Placement>,
    /// Earlier states that only the store remembers, oldest first.
    pub past: Vec<PastPlacement>,
}

/// What an integration does: it reads from a source and puts each result into a target.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSpec {
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// iCal, for a scheduled integration; none for one with a REST trigger.
    #[serde(default)]
    pub schedule: Option<String>,
    #[serde(default = "rest_trigger")]
    pub trigger_connection: String,
    pub source: EndpointSpec,
    pub target: EndpointSpec,
    /// Target field -> expression.
    pub fields: BTreeMap<String, String>,
    #[serde(default)]
    pub loggers: Vec<String>,
    /// Integrations that it calls: `CODE|01.02.0003`, or a code for its `01.00.0000`.
    #[serde(default)]
    pub calls: Vec<String>,
    #[serde(default)]
    pub prebuilt: bool,
}

fn rest_trigger() -> String {
    "OIC_REST".into()
}

impl FlowSpec {
    /// The connections it uses, the trigger's included.
    pub fn connections(&self) -> Vec<&str> {
        let trigger = self.schedule.is_none().then_some(self.trigger_connection.as_str());
        let mut all: Vec<_> = [&self.source, &self.target]
            .map(|e| e.connection.as_str())
            .into_iter()
            .chain(trigger)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A copy of the flow with an edit in it: its fields replace those of the same name, its
    /// loggers are added at the end.
    pub fn with(&self, edit: &Edit) -> Self {
        let mut flow = self.clone();
        flow.fields.extend(edit.fields.clone());
        flow.loggers.extend(edit.loggers.clone());
        flow
    }
}

/// What a flow calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    pub name: String,
    pub connection: String,
    pub adapter: String,
    pub verb: String,
    pub resource: String,
}

/// How one version of an integration stands in one environment now.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    pub environment: EnvironmentName,
    pub version: Version,
    #[serde(default = "active")]
    pub status: Status,
    pub updated: When,
    #[serde(default = "somebody")]
    pub by: String,
    #[serde(default)]
    pub edit: Edit,
    /// Every instance in this state fails.
    #[serde(default)]
    pub broken: bool,
    /// The message of a failing instance; the step that fails follows.
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub failing_step: Option<String>,
    #[serde(default)]
    pub runs: InstanceCounts,
    #[serde(default)]
    pub locked_by: Option<String>,
    /// Who has changes in the console that are not saved.
    #[serde(default)]
    pub unsaved_by: Option<String>,
    #[serde(default)]
    pub schedule: Option<ScheduleState>,
    /// Current values of its schedule's parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

fn active() -> Status {
    Status::Active
}
fn somebody() -> String {
    "a.integrator".into()
}

/// What a revision changed in the flow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    #[serde(default)]
    pub loggers: Vec<String>,
}

/// How a version stood from some time on, until the next such entry or the placement.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastPlacement {
    pub environment: EnvironmentName,
    pub version: Version,
    pub from: When,
    #[serde(default = "somebody")]
    pub by: String,
    #[serde(default)]
    pub edit: Edit,
}

/// Snapshots that a demo's store already has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistorySpec {
    pub environment: EnvironmentName,
    pub at: Vec<When>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LandscapeFile {
    environment: Vec<EnvironmentSpec>,
    #[serde(default)]
    connection: Vec<ConnectionSpec>,
    #[serde(default)]
    lookup: Vec<LookupSpec>,
    #[serde(default)]
    library: Vec<LibrarySpec>,
    #[serde(default)]
    package: Vec<PackageSpec>,
    #[serde(default)]
    project: Vec<ProjectSpec>,
    #[serde(default)]
    certificate: Vec<CertificateSpec>,
    #[serde(default)]
    agent: Vec<AgentGroupSpec>,
    #[serde(default)]
    integration: Vec<IntegrationTable>,
    #[serde(default)]
    family: Vec<generate::Family>,
    #[serde(default)]
    spread: Vec<generate::EnvironmentFill>,
    #[serde(default)]
    history: Vec<HistorySpec>,
    #[serde(default)]
    faults: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntegrationTable {
    code: String,
    flow: FlowSpec,
    #[serde(default)]
    at: Vec<Placement>,
    #[serde(default)]
    past: Vec<PastPlacement>,
}

const DEMO: &str = include_str!("../../assets/demo/landscape.toml");

impl Landscape {
    /// The landscape of the demo, with its incident.
    ///
    /// # Errors
    /// Never with the file that is built in; a test reads it.
    pub fn demo() -> Result<Self, ConfigProblem> {
        Self::parse(DEMO, Path::new("landscape.toml"))
    }

    /// Reads and unfolds a landscape.
    ///
    /// # Errors
    /// The first mistake, with line and column.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigProblem> {
        let file: LandscapeFile =
            toml::from_str(text).map_err(|e| ConfigProblem::from_toml(text, path, &e))?;
        let mut integrations: Vec<IntegrationSpec> = file
            .integration
            .into_iter()
            .map(|t| IntegrationSpec { code: t.code, flow: t.flow, placements: t.at, past: t.past })
            .collect();
        let made = generate::unfold(&file.family);
        let codes: Vec<String> = integrations.iter().chain(&made).map(|i| i.code.clone()).collect();
        let (mut packages, mut projects) = (file.package, file.project);
        members::unfold(&mut packages, &mut projects, &codes).map_err(
            |members::UnknownPattern(pattern)| {
                let span = text.find(&format!("\"{pattern}\"")).map(|at| at..at);
                let what = format!("no integration has a code that begins as `{pattern}` says");
                ConfigProblem::at(text, path, span, what)
            },
        )?;
        let scopes = |code: &str| scopes_of(&projects, code).len();
        generate::add(&mut integrations, made, &file.spread, scopes);
        Ok(Self {
            environments: file.environment,
            connections: file.connection,
            lookups: file.lookup,
            libraries: file.library,
            packages,
            projects,
            certificates: file.certificate,
            agents: file.agent,
            integrations,
            history: file.history,
            faults: file.faults,
        })
    }

    /// The connections that an environment has, with its own URLs.
    pub fn connections_in(&self, environment: &EnvironmentName) -> Vec<ConnectionSpec> {
        let mut out: Vec<_> = self
            .connections
            .iter()
            .filter(|c| !c.missing_in.contains(environment))
            .cloned()
            .collect();
        for connection in &mut out {
            connection.url = connection.url.replace("{environment}", environment.as_str());
        }
        out
    }
}

impl IntegrationSpec {
    /// The version, flow, time and author that an environment ran at `time`; none where it was not
    /// there.
    pub fn as_it_was(
        &self,
        environment: &EnvironmentName,
        time: Timestamp,
    ) -> Option<(Version, FlowSpec, Timestamp, &str)> {
        let past = self.past.iter().filter(|p| p.environment == *environment);
        let now = self
            .placements
            .iter()
            .filter(|p| p.environment == *environment && p.status == Status::Active);
        past.map(|p| (p.from.time(), p.version, &p.edit, p.by.as_str()))
            .chain(now.map(|p| (p.updated.time(), p.version, &p.edit, p.by.as_str())))
            .filter(|(from, ..)| *from <= time)
            .max_by_key(|(from, ..)| *from)
            .map(|(from, version, edit, by)| (version, self.flow.with(edit), from, by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    #[test]
    fn the_demo_tells_the_incident() {
        let landscape = Landscape::demo().unwrap();
        let rows = |name: &str| scopes_on(&landscape, name).len();
        assert_eq!((rows("dev"), rows("test"), rows("prod")), (200, 188, 120));
        let sync = landscape.integrations.iter().find(|i| i.code == "EMPLOYEE_DATA_SYNC").unwrap();
        let prod = sync.placements.iter().find(|p| p.environment.as_str() == "prod").unwrap();
        assert!(prod.broken && prod.runs.failed > 200);
        assert_eq!(scopes_of(&landscape.projects, &sync.code), ["PEOPLE_CORE".into()]);
        let before = sync.as_it_was(
            &prod.environment,
            Timestamp::from_second(prod.updated.time().as_second() - 3600).unwrap(),
        );
        let (version, flow, ..) = before.unwrap();
        assert_eq!(version, prod.version, "changed in place");
        assert!(flow.fields["payGrade"].contains("PAY_GRADE"));
    }

    /// The scope of each row that an environment has.
    fn scopes_on(landscape: &Landscape, name: &str) -> Vec<Scope> {
        let here =
            |i: &&IntegrationSpec| i.placements.iter().any(|p| p.environment.as_str() == name);
        let found = landscape.integrations.iter().filter(here);
        found.flat_map(|i| scopes_of(&landscape.projects, &i.code)).collect()
    }

    #[test]
    fn the_demo_lives_mostly_in_six_projects_of_a_size_that_the_service_allows() {
        let landscape = Landscape::demo().unwrap();
        assert_eq!(landscape.projects.len(), 6);
        for name in ["dev", "test", "prod"] {
            let scopes = scopes_on(&landscape, name);
            let count = |scope: &Scope| scopes.iter().filter(|s| *s == scope).count();
            let global = count(&Scope::Global);
            assert!((20..scopes.len() / 4).contains(&global), "{name}: {global} are global");
            for project in &landscape.projects {
                let members = count(&Scope::of_project(project.code.as_str()));
                assert!((10..=100).contains(&members), "{name} {}: {members}", project.code);
            }
        }
        let twins: Vec<&String> = landscape.projects.iter().flat_map(|p| &p.twins).collect();
        assert_eq!(twins, ["ACCOUNT_MERGE"]);
        let global = |code: &String| scopes_of(&landscape.projects, code) == [Scope::Global];
        for package in &landscape.packages {
            assert!(package.integrations.iter().all(global), "{}", package.name);
        }
    }

    #[test]
    fn every_connection_and_lookup_that_a_demo_flow_names_exists() {
        let landscape = Landscape::demo().unwrap();
        for integration in &landscape.integrations {
            for code in integration.flow.connections() {
                assert!(
                    landscape.connections.iter().any(|c| c.code == code),
                    "{}: {code}",
                    integration.code
                );
            }
        }
        let codes: std::collections::BTreeSet<_> =
            landscape.integrations.iter().map(|i| &i.code).collect();
        assert_eq!(codes.len(), landscape.integrations.len(), "codes are unique");
    }

    #[test]
    fn a_pattern_that_stands_for_nothing_has_a_place() {
        let text = "environment = []\n[[project]]\ncode = \"A\"\nname = \"A\"\n\
            integrations = [\"B_*\"]\n";
        let problem = Landscape::parse(text, Path::new("l.toml")).unwrap_err();
        assert_eq!((problem.line, problem.column), (5, 17));
        assert!(problem.what.contains("`B_*`"), "{problem}");
    }

    #[test]
    fn a_mistake_in_a_landscape_has_a_place() {
        let problem =
            Landscape::parse("[[environment]]\nname = \"dev\"\nhost = 1\n", Path::new("l.toml"))
                .unwrap_err();
        assert_eq!((problem.line, problem.column), (3, 1));
    }
}
