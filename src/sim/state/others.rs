//! What an instance holds beside integrations, and how it is exported.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Refusal, ServiceInstance, refuse};
use crate::model::IntegrationId;
use crate::sim::{
    archive::{library_jar, lookup_csv, package_par, project_car},
    landscape::{
        AgentGroupSpec, CertificateSpec, ConnectionSpec, Landscape, LibrarySpec, PackageSpec,
        ProjectSpec,
    },
};

/// What an instance holds beside integrations, by the names that paths of the API use.
#[derive(Debug, Default)]
pub struct Others {
    pub libraries: BTreeMap<String, LibrarySpec>,
    pub packages: BTreeMap<String, PackageSpec>,
    pub projects: BTreeMap<String, ProjectSpec>,
    pub certificates: BTreeMap<String, CertificateSpec>,
    pub agents: BTreeMap<String, AgentGroupSpec>,
    /// Who did what, without the last saves, which integrations and lookups tell themselves.
    pub audit: Vec<AuditLine>,
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
}

impl Others {
    /// What the landscape gives an environment; packages and projects only where it has one of
    /// their integrations, projects only on Generation 3.
    pub fn new(settings: &crate::sim::landscape::EnvironmentSpec, landscape: &Landscape) -> Self {
        let name = &settings.name;
        let here = |integrations: &[String]| {
            let placed = |code: &String| {
                let of = landscape.integrations.iter().filter(|i| i.code == *code);
                of.flat_map(|i| &i.placements).any(|p| p.environment == *name)
            };
            integrations.iter().any(placed)
        };
        let libraries = landscape.libraries.iter().filter(|l| !l.missing_in.contains(name));
        let certificates = landscape.certificates.iter().filter(|c| !c.missing_in.contains(name));
        let agents = landscape.agents.iter().filter(|a| !a.missing_in.contains(name));
        let packages = landscape.packages.iter().filter(|p| here(&p.integrations));
        let third = settings.generation >= 3;
        let projects = landscape.projects.iter().filter(|p| third && here(&p.integrations));
        Self {
            libraries: libraries.map(|l| (l.id(), l.clone())).collect(),
            packages: packages.map(|p| (p.name.clone(), p.clone())).collect(),
            projects: projects.map(|p| (p.code.clone(), p.clone())).collect(),
            certificates: certificates.map(|c| (c.alias.clone(), c.clone())).collect(),
            agents: agents.map(|a| (a.id.clone(), a.clone())).collect(),
            audit: Vec::new(),
        }
    }
}

impl ServiceInstance {
    /// The integrations of a package or project that are here.
    pub fn members<'a>(&'a self, codes: &'a [String]) -> impl Iterator<Item = &'a IntegrationId> {
        self.integrations.keys().filter(|id| codes.contains(&id.code))
    }

    /// The package that an integration is in.
    pub fn package_of(&self, code: &str) -> Option<&str> {
        let mut all = self.others.packages.values();
        all.find(|p| p.integrations.iter().any(|c| c == code)).map(|p| p.name.as_str())
    }

    /// The lookup as CSV, byte for byte the same until it changes.
    pub fn export_lookup(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        match self.lookups.get(name) {
            Some(lookup) => Ok(lookup_csv(lookup)),
            None => refuse(404, "ICS-10201", format!("Lookup {name} does not exist.")),
        }
    }

    /// The library as a `.jar`, with other bytes at each export.
    pub fn export_library(&self, id: &str) -> Result<Vec<u8>, Refusal> {
        match self.others.libraries.get(id) {
            Some(library) => Ok(library_jar(library, Timestamp::now())),
            None => refuse(404, "ICS-10301", format!("Library {id} does not exist.")),
        }
    }

    /// The package as a `.par` with those of its integrations that are here; refuses where one of
    /// them cannot be exported.
    pub fn export_package(&self, name: &str) -> Result<Vec<u8>, Refusal> {
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

    /// The project as a `.car` with those of its integrations that are here and the connections
    /// they use; refuses where one of them cannot be exported.
    pub fn export_project(&self, code: &str) -> Result<Vec<u8>, Refusal> {
        let Some(project) = self.others.projects.get(code) else {
            return refuse(404, "ICS-10501", format!("Project {code} does not exist."));
        };
        let mut members = Vec::new();
        let mut connections: BTreeMap<String, &ConnectionSpec> = BTreeMap::new();
        for id in self.members(&project.integrations) {
            for code in self.get(id)?.body.connections() {
                if let Some(connection) = self.connections.get(&code) {
                    connections.insert(code, &connection.spec);
                }
            }
            members.push((id.to_string(), self.export(id)?));
        }
        project_car(project, &members, &connections, Timestamp::now())
            .or_else(|e| refuse(500, "ICS-20500", format!("The project cannot be written: {e}")))
    }
}
