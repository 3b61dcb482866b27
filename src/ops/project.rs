//! What a project is beside its archive: who may do what in it, its deployments, and calls that
//! cross its border.

use super::deps::{CrossingCalls, DependencyGraph};
use crate::model::{
    AccessList, Answer, ArtifactKey, Description, EnvironmentName, ProjectCode, Reference, Scope,
};
use crate::oic::{Client, ListedDeployment, OicError};
use crate::workspace::{Workspace, collection::CollectionSource};

/// What was found out about a project.
#[derive(Debug, Clone)]
pub struct ProjectFacts {
    /// Who may do what in it; or why that is not known.
    pub access: Answer<AccessList>,
    /// The deployments that the service lists; or why they are not known.
    pub deployments: Answer<Vec<ListedDeployment>>,
    /// Calls across its border, as the newest backups of the environment tell; or why they are not
    /// known.
    pub crossing: Answer<CrossingCalls>,
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
                Some(client) => client.deployments(&project).await.map_err(not_told).into(),
                None => Answer::unknown("the archive alone tells them"),
            }
        },
        crossing(workspace, environment, &project),
    );
    Some(ProjectFacts { access, deployments, crossing })
}

async fn access_now(client: &Client, project: &ProjectCode) -> Answer<AccessList> {
    client.access_list(project).await.map(|list| AccessList::read(&list)).map_err(not_told).into()
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
) -> Answer<AccessList> {
    let none = || Answer::unknown("no backup has kept it");
    let Some(store) = workspace.store.as_ref() else { return none() };
    let index = match workspace.index().await {
        Ok(index) => index,
        Err(e) => return Answer::unknown(e),
    };
    let newest = index.newest(environment, &ArtifactKey::access_of(project).name());
    let Some(newest) = newest else { return none() };
    match store.read(newest).await {
        Ok(bytes) => Description::from_bytes(&bytes)
            .and_then(|description| description.given)
            .map_or_else(none, |list| Answer::Known(AccessList::read(&list))),
        Err(e) => Answer::unknown(e),
    }
}

async fn crossing(
    workspace: &Workspace,
    environment: &EnvironmentName,
    project: &ProjectCode,
) -> Answer<CrossingCalls> {
    if workspace.store.is_none() {
        return Answer::unknown("without a store it is not known who calls it");
    }
    let source = CollectionSource::Stored(environment.clone());
    let graph = DependencyGraph::build(workspace, &source).await;
    graph.map(|graph| graph.crossing(&Scope::Project(project.clone()))).into()
}
