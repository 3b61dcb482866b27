//! What a project is beside its archive: who may do what in it, its deployments, and calls that
//! cross its border.

use super::deps::{CrossingCalls, DependencyGraph};
use crate::model::{
    AccessList, ArtifactKey, Description, EnvironmentName, ProjectCode, Reference, Scope,
};
use crate::oic::{Client, ListedDeployment, OicError};
use crate::workspace::{Workspace, collection::CollectionSource};

/// What was found out about a project.
#[derive(Debug, Clone)]
pub struct ProjectFacts {
    /// Who may do what in it; or why that is not known.
    pub access: Result<AccessList, String>,
    /// The deployments that the service lists; or why they are not known.
    pub deployments: Result<Vec<ListedDeployment>, String>,
    /// Calls across its border, as the newest backups of the environment tell; or why they are not
    /// known.
    pub crossing: Result<CrossingCalls, String>,
}

/// Finds out what a project is beside its archive: live, as the service says now; stored, as the
/// backups say.
pub async fn look(workspace: &Workspace, reference: &Reference) -> Option<ProjectFacts> {
    let (environment, target) = match reference {
        Reference::Live { environment, target, .. }
        | Reference::Stored { environment, target, .. } => (environment, target),
        Reference::File(_) => return None,
    };
    let project = ProjectCode::from(target.code.as_str());
    let live = match reference {
        Reference::Live { .. } => workspace.environment(environment).ok(),
        _ => None,
    };
    let (access, deployments, crossing) = tokio::join!(
        async {
            match live {
                Some(client) => access_now(client, &project).await,
                None => access_stored(workspace, environment, &project).await,
            }
        },
        async {
            match live {
                Some(client) => client.deployments(&project).await.map_err(not_told),
                None => Err("the archive alone tells them".to_owned()),
            }
        },
        crossing(workspace, environment, &project),
    );
    Some(ProjectFacts { access, deployments, crossing })
}

async fn access_now(client: &Client, project: &ProjectCode) -> Result<AccessList, String> {
    let list = client.access_list(project).await.map_err(not_told)?;
    Ok(AccessList::read(&list))
}

/// What cannot be read, in few words.
fn not_told(error: OicError) -> String {
    match error.status() {
        Some(404 | 405) => "this instance does not tell".to_owned(),
        Some(403) => "the role may not see it".to_owned(),
        _ => error.reason(),
    }
}

async fn access_stored(
    workspace: &Workspace,
    environment: &EnvironmentName,
    project: &ProjectCode,
) -> Result<AccessList, String> {
    let none = || "no backup has kept it".to_owned();
    let store = workspace.store.as_ref().ok_or_else(none)?;
    let index = workspace.index().await.map_err(|e| e.to_string())?;
    let newest = index.newest(environment, &ArtifactKey::access_of(project).name());
    let bytes = store.read(newest.ok_or_else(none)?).await.map_err(|e| e.to_string())?;
    let given = Description::from_bytes(&bytes).and_then(|record| record.given);
    given.map(|list| AccessList::read(&list)).ok_or_else(none)
}

async fn crossing(
    workspace: &Workspace,
    environment: &EnvironmentName,
    project: &ProjectCode,
) -> Result<CrossingCalls, String> {
    if workspace.store.is_none() {
        return Err("without a store it is not known who calls it".into());
    }
    let source = CollectionSource::Stored(environment.clone());
    let graph = DependencyGraph::build(workspace, &source).await.map_err(|e| e.to_string())?;
    Ok(graph.crossing(&Scope::Project(project.clone())))
}
