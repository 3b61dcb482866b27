//! The lists of the target that a plan is made from.

use std::collections::{BTreeSet, HashMap};

use crate::archive::Needs;
use crate::model::{InstanceCounts, IntegrationId, Kind, Scope};
use crate::oic::{Client, ListedArtifact, ListedConnection, ListedIntegration, OicError, Window};
use crate::restore::request::Request;

/// The target's own lists, asked for side by side.
#[derive(Debug, Clone, Default)]
pub struct TargetLists {
    pub integrations: Vec<ListedIntegration>,
    pub connections: Vec<ListedConnection>,
    /// Names.
    pub lookups: BTreeSet<String>,
    /// Codes; none where the list cannot be read.
    pub libraries: Option<BTreeSet<String>>,
    /// Empty where no package is wanted.
    pub packages: BTreeSet<String>,
    /// Empty where no project is wanted.
    pub projects: BTreeSet<String>,
    /// None where they cannot be seen, or nothing needs one.
    pub agents: Option<Vec<ListedArtifact>>,
    /// None where they cannot be seen, or nothing needs one.
    pub certificates: Option<Vec<ListedArtifact>>,
    /// Instances within the hour; none where the role may not see them.
    pub instances: Option<HashMap<IntegrationId, InstanceCounts>>,
}

impl TargetLists {
    /// Reads the lists.
    ///
    /// # Errors
    /// Where the integrations, connections or lookups cannot be listed; other lists may be missing.
    pub(super) async fn read(client: &Client, request: &Request) -> Result<Self, OicError> {
        let needs: Vec<&Needs> =
            request.wanted.iter().filter_map(|w| Some(&w.archive.as_ref()?.needs)).collect();
        let asked = |any: bool, kind| async move {
            if any { client.catalog(kind).await.ok() } else { None }
        };
        let needs_agents = needs.iter().any(|n| !n.agents.is_empty());
        let needs_certificates = needs.iter().any(|n| !n.certificates.is_empty());
        let packages = request.wanted.iter().any(|w| w.key.kind == Kind::Package);
        let projects = request.wanted.iter().any(|w| w.key.kind == Kind::Project);
        let (
            integrations,
            connections,
            lookups,
            libraries,
            packages,
            projects,
            agents,
            certificates,
            instances,
        ) = tokio::join!(
            client.integrations(),
            client.connections(&Scope::Global),
            client.catalog(Kind::Lookup),
            client.catalog(Kind::Library),
            asked(packages, Kind::Package),
            asked(projects, Kind::Project),
            asked(needs_agents, Kind::Agent),
            asked(needs_certificates, Kind::Certificate),
            client.run_counts(Window::Hour),
        );
        let codes =
            |all: Vec<ListedArtifact>| all.into_iter().map(|l| l.code).collect::<BTreeSet<_>>();
        Ok(Self {
            integrations: integrations?,
            connections: connections?,
            lookups: codes(lookups?),
            libraries: libraries.ok().map(codes),
            packages: packages.map(codes).unwrap_or_default(),
            projects: projects.map(codes).unwrap_or_default(),
            agents,
            certificates,
            instances: instances.ok(),
        })
    }

    /// The listed integration with this id.
    pub fn integration(&self, id: &IntegrationId) -> Option<&ListedIntegration> {
        self.integrations.iter().find(|i| i.id == *id)
    }

    /// Whether an integration had instances within the hour; none where the role may not see it.
    pub fn ran(&self, id: &IntegrationId) -> Option<bool> {
        Some(self.instances.as_ref()?.get(id).is_some_and(|counts| counts.received > 0))
    }
}
