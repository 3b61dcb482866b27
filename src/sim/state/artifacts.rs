//! What an instance holds beside integrations, and how it is exported.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Caller, LiveConnection, ServiceInstance, ServiceRefusal, refuse};
use crate::model::{EnvironmentName, IntegrationId, Scope};
use crate::sim::{
    archive::{library_jar, lookup_csv, package_par, project_car},
    landscape::{
        AccessSpec, AgentGroupSpec, CertificateSpec, ConnectionSpec, FlowSpec, Landscape,
        LibrarySpec, LookupSpec, PackageSpec, ProjectSpec, Role, When,
    },
};

/// What an instance holds beside integrations, by the names that paths of the API use.
#[derive(Debug, Default)]
pub struct InstanceArtifacts {
    pub libraries: BTreeMap<String, LibrarySpec>,
    pub packages: BTreeMap<String, PackageSpec>,
    pub projects: BTreeMap<String, ProjectSpace>,
    pub certificates: BTreeMap<String, CertificateSpec>,
    pub agents: BTreeMap<String, AgentGroupSpec>,
    /// Who did what, without the last saves, which integrations and lookups tell themselves.
    pub audit: Vec<AuditLine>,
}

/// The refusal for a project that is not here.
pub fn no_project(code: &str) -> ServiceRefusal {
    let words = format!("Project {code} does not exist.");
    ServiceRefusal { status: 404, code: "ICS-10501", words }
}

/// One line of the design-time audit.
#[derive(Debug, Clone)]
pub struct AuditLine {
    pub time: Timestamp,
    pub who: String,
    pub action: &'static str,
    /// The audit's own word: `ICS_ProjectV2` …
    pub kind: &'static str,
    pub code: String,
    pub version: Option<String>,
    pub scope: Scope,
}

impl InstanceArtifacts {
    /// What the landscape gives an environment; packages and projects only where it has one of
    /// their integrations, projects only on Generation 3.
    pub fn new(settings: &crate::sim::landscape::EnvironmentSpec, landscape: &Landscape) -> Self {
        let name = &settings.name;
        let placed = |code: &String| {
            let of = landscape.integrations.iter().filter(|i| i.code == *code);
            of.flat_map(|i| &i.placements).any(|p| p.environment == *name)
        };
        let libraries = landscape.libraries.iter().filter(|l| !l.missing_in.contains(name));
        let certificates = landscape.certificates.iter().filter(|c| !c.missing_in.contains(name));
        let agents = landscape.agents.iter().filter(|a| !a.missing_in.contains(name));
        let packages = landscape.packages.iter().filter(|p| p.integrations.iter().any(placed));
        let third = settings.generation >= 3;
        let projects = landscape.projects.iter().filter(|p| third && p.codes().any(placed));
        let space = |p: &ProjectSpec| ProjectSpace::new(p, name, landscape);
        Self {
            libraries: libraries.map(|l| (l.id(), l.clone())).collect(),
            packages: packages.map(|p| (p.name.clone(), p.clone())).collect(),
            projects: projects.map(|p| (p.code.clone(), space(p))).collect(),
            certificates: certificates.map(|c| (c.alias.clone(), c.clone())).collect(),
            agents: agents.map(|a| (a.id.clone(), a.clone())).collect(),
            audit: Vec::new(),
        }
    }
}

/// A project with what is its own beside its integrations.
#[derive(Debug)]
pub struct ProjectSpace {
    pub spec: ProjectSpec,
    pub connections: BTreeMap<String, LiveConnection>,
    pub lookups: BTreeMap<String, LookupSpec>,
    /// By the id that paths of the API name: `CODE|01.02.0003`.
    pub libraries: BTreeMap<String, LibrarySpec>,
    /// Who may do what in it, as the service writes it. No archive holds it.
    pub access_list: serde_json::Value,
    /// Who has the project itself open in the console.
    pub locked_by: Option<String>,
    /// When the project itself was last saved; what is in it has times of its own.
    pub updated: Timestamp,
    pub by: String,
}

impl ProjectSpace {
    /// A project of the landscape with its own copies of the connections and lookups that its
    /// integrations use.
    fn new(spec: &ProjectSpec, environment: &EnvironmentName, landscape: &Landscape) -> Self {
        let mut this = Self::empty(spec.clone());
        let codes: Vec<&String> = spec.codes().collect();
        let members = landscape.integrations.iter().filter(|i| codes.contains(&&i.code));
        let flows: Vec<&FlowSpec> = members.map(|i| &i.flow).collect();
        for connection in landscape.connections_in(environment) {
            if flows.iter().any(|f| f.connections().contains(&connection.code.as_str())) {
                let configured = !connection.unconfigured_in.contains(environment);
                let code = connection.code.clone();
                this.connections.insert(code, LiveConnection::new(connection, configured));
            }
        }
        for lookup in landscape.lookups.iter().filter(|l| !l.missing_in.contains(environment)) {
            let used = flows.iter().any(|f| super::uses(f, &lookup.name));
            if used || spec.lookups.contains(&lookup.name) {
                this.lookups.insert(lookup.name.clone(), lookup.clone());
            }
        }
        let libraries = landscape.libraries.iter().filter(|l| !l.missing_in.contains(environment));
        for library in libraries.filter(|l| spec.libraries.contains(&l.code)) {
            this.libraries.insert(library.id(), library.clone());
        }
        this
    }

    /// Whether a client may see the project, by its access list. An administrator of the service
    /// reaches every project.
    pub fn is_seen_by(&self, caller: &Caller) -> bool {
        if caller.role == Role::ServiceAdministrator {
            return true;
        }
        let rights = self.access_list.as_object().into_iter().flatten();
        rights.map(|(_, right)| right).any(|right| {
            let mut allowed = right["allowed"].as_array().into_iter().flatten();
            right["allowAll"] == true || allowed.any(|one| one["id"] == caller.id.as_str())
        })
    }

    /// A project that holds nothing yet.
    pub fn empty(spec: ProjectSpec) -> Self {
        let open = || {
            serde_json::json!({
                "administrators": { "allowAll": true }, "editors": { "allowAll": true },
                "viewers": { "allowAll": true }, "monitors": { "allowAll": true },
            })
        };
        Self {
            access_list: spec.access.as_ref().map_or_else(open, AccessSpec::list),
            spec,
            connections: BTreeMap::new(),
            lookups: BTreeMap::new(),
            libraries: BTreeMap::new(),
            locked_by: None,
            updated: When::long_ago().time(),
            by: "a.integrator".into(),
        }
    }
}

impl ServiceInstance {
    /// The integrations of a package that are here.
    pub fn members<'a>(&'a self, codes: &'a [String]) -> impl Iterator<Item = &'a IntegrationId> {
        self.integrations.keys().filter(|id| id.scope.is_global() && codes.contains(&id.code))
    }

    /// The integrations of a scope.
    pub fn inside<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a IntegrationId> {
        self.integrations.keys().filter(move |id| id.scope == *scope)
    }

    /// The connections of a scope; empty for a project that is not here.
    pub fn connections_in(&self, scope: &Scope) -> &BTreeMap<String, LiveConnection> {
        static NONE: BTreeMap<String, LiveConnection> = BTreeMap::new();
        match scope.project() {
            None => &self.connections,
            Some(p) => self.others.projects.get(p.as_str()).map_or(&NONE, |p| &p.connections),
        }
    }

    /// The connections of a scope, to be changed; refuses where the project is not here.
    pub fn connections_mut(
        &mut self,
        scope: &Scope,
    ) -> Result<&mut BTreeMap<String, LiveConnection>, ServiceRefusal> {
        match scope.project() {
            None => Ok(&mut self.connections),
            Some(p) => Ok(&mut self.project_mut(p.as_str())?.connections),
        }
    }

    /// The lookups of a scope; empty for a project that is not here.
    pub fn lookups_in(&self, scope: &Scope) -> &BTreeMap<String, LookupSpec> {
        static NONE: BTreeMap<String, LookupSpec> = BTreeMap::new();
        match scope.project() {
            None => &self.lookups,
            Some(p) => self.others.projects.get(p.as_str()).map_or(&NONE, |p| &p.lookups),
        }
    }

    /// The lookups of a scope, to be changed; refuses where the project is not here.
    pub fn lookups_mut(
        &mut self,
        scope: &Scope,
    ) -> Result<&mut BTreeMap<String, LookupSpec>, ServiceRefusal> {
        match scope.project() {
            None => Ok(&mut self.lookups),
            Some(p) => Ok(&mut self.project_mut(p.as_str())?.lookups),
        }
    }

    /// The libraries of a scope; empty for a project that is not here.
    pub fn libraries_in(&self, scope: &Scope) -> &BTreeMap<String, LibrarySpec> {
        static NONE: BTreeMap<String, LibrarySpec> = BTreeMap::new();
        match scope.project() {
            None => &self.others.libraries,
            Some(p) => self.others.projects.get(p.as_str()).map_or(&NONE, |p| &p.libraries),
        }
    }

    /// The libraries of a scope, to be changed; refuses where the project is not here.
    pub fn libraries_mut(
        &mut self,
        scope: &Scope,
    ) -> Result<&mut BTreeMap<String, LibrarySpec>, ServiceRefusal> {
        match scope.project() {
            None => Ok(&mut self.others.libraries),
            Some(p) => Ok(&mut self.project_mut(p.as_str())?.libraries),
        }
    }

    fn project_mut(&mut self, code: &str) -> Result<&mut ProjectSpace, ServiceRefusal> {
        self.others.projects.get_mut(code).ok_or_else(|| no_project(code))
    }

    /// The project of a scope; refuses where it is not here.
    pub fn project_in(&self, scope: &Scope) -> Result<&ProjectSpace, ServiceRefusal> {
        let code = scope.project().map_or("", |p| p.as_str());
        self.others.projects.get(code).ok_or_else(|| no_project(code))
    }

    /// Refuses where a scope is a project that is not here.
    pub fn is_here(&self, scope: &Scope) -> Result<(), ServiceRefusal> {
        match scope.project() {
            Some(p) if !self.others.projects.contains_key(p.as_str()) => {
                Err(no_project(p.as_str()))
            }
            _ => Ok(()),
        }
    }

    /// The package that an integration is in.
    pub fn package_of(&self, code: &str) -> Option<&str> {
        let mut all = self.others.packages.values();
        all.find(|p| p.integrations.iter().any(|c| c == code)).map(|p| p.name.as_str())
    }

    /// The lookup as CSV, byte for byte the same until it changes.
    pub fn export_lookup(&self, scope: &Scope, name: &str) -> Result<Vec<u8>, ServiceRefusal> {
        match self.lookups_in(scope).get(name) {
            Some(lookup) => Ok(lookup_csv(lookup)),
            None => refuse(404, "ICS-10201", format!("Lookup {name} does not exist.")),
        }
    }

    /// The library as a `.jar`, with other bytes at each export.
    pub fn export_library(&self, id: &str) -> Result<Vec<u8>, ServiceRefusal> {
        match self.others.libraries.get(id) {
            Some(library) => Ok(library_jar(library, Timestamp::now())),
            None => refuse(404, "ICS-10301", format!("Library {id} does not exist.")),
        }
    }

    /// The package as a `.par` with those of its integrations that are here; refuses where one of
    /// them cannot be exported.
    pub fn export_package(&self, name: &str) -> Result<Vec<u8>, ServiceRefusal> {
        let Some(package) = self.others.packages.get(name) else {
            return refuse(404, "ICS-10401", format!("Package {name} does not exist."));
        };
        let mut members = Vec::new();
        for id in self.members(&package.integrations) {
            let title = self.get(id)?.body.name().to_owned();
            members.push((title, id.version.to_string(), self.export(id)?));
        }
        Ok(package_par(name, members, Timestamp::now()))
    }

    /// The project as a `.car` with its integrations and connections; a lookup that none of them
    /// uses is not in it. Refuses where one of them cannot be exported.
    pub fn export_project(&self, code: &str) -> Result<Vec<u8>, ServiceRefusal> {
        let project = self.others.projects.get(code).ok_or_else(|| no_project(code))?;
        let mut members = Vec::new();
        for id in self.inside(&Scope::of_project(code)) {
            members.push((id.service_id(), self.export(id)?));
        }
        let connections: BTreeMap<String, &ConnectionSpec> =
            project.connections.iter().map(|(code, c)| (code.clone(), &c.spec)).collect();
        let libraries = &project.libraries;
        project_car(&project.spec, &members, &connections, libraries, Timestamp::now())
            .or_else(|e| refuse(500, "ICS-20500", format!("The project cannot be written: {e}")))
    }
}
