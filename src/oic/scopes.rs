//! The scopes of an environment: the global space and its projects (docs/projects.md). The global
//! lists leave out what is in projects, so each project is asked for itself.

use std::collections::HashSet;

use super::{
    catalog::ListedArtifact, client::Client, error::OicError, integrations::ListedIntegration,
};
use crate::model::{IntegrationId, Kind, ListState, Scope, UnlistedKind};

/// What was read over all scopes, and what could not be.
#[derive(Debug, Clone, Default)]
pub struct IntegrationsEverywhere {
    pub found: Vec<ListedIntegration>,
    /// Scopes whose list could not be read, and why.
    pub unseen: Vec<UnlistedKind>,
}

impl IntegrationsEverywhere {
    /// Whether several scopes have one code and version.
    pub fn has_twins(&self) -> bool {
        let mut seen = HashSet::new();
        !self.found.iter().all(|i| seen.insert(i.id.service_id()))
    }
}

impl Client {
    /// The projects that the role sees; empty on an instance that has none to offer (404: an older
    /// generation).
    ///
    /// # Errors
    /// Where they cannot be listed for another reason.
    pub async fn projects(&self) -> Result<Vec<ListedArtifact>, OicError> {
        match self.catalog(Kind::Project).await {
            Err(e) if e.status() == Some(404) => Ok(Vec::new()),
            other => other,
        }
    }

    /// The global space, then each project that the role sees.
    ///
    /// # Errors
    /// As [`Self::projects`].
    pub async fn scopes(&self) -> Result<Vec<Scope>, OicError> {
        let projects = self.projects().await?;
        let inside = projects.into_iter().map(|p| Scope::of_project(p.code));
        Ok(std::iter::once(Scope::Global).chain(inside).collect())
    }

    /// The integrations of the global space and of every project, asked for side by side. A scope
    /// that the role may not see is named in [`IntegrationsEverywhere::unseen`].
    ///
    /// # Errors
    /// Where the global space cannot be listed for another reason, or the role sees no scope.
    pub async fn integrations_everywhere(&self) -> Result<IntegrationsEverywhere, OicError> {
        let (global, projects) = tokio::join!(self.integrations(), self.projects());
        let mut all = IntegrationsEverywhere::default();
        match (global, &projects) {
            (Ok(found), _) => all.found = found,
            // A role may be allowed to work in projects only.
            (Err(e), Ok(inside)) if e.status() == Some(403) && !inside.is_empty() => {
                let (kind, scope, reason) = (Kind::Integration, Scope::Global, e.reason());
                all.unseen.push(UnlistedKind::new(kind, scope, reason));
            }
            (Err(e), _) => return Err(e),
        }
        let projects = match projects {
            Ok(projects) => projects,
            Err(e) => {
                let (kind, scope) = (Kind::Project, Scope::Global);
                all.unseen.push(UnlistedKind::new(kind, scope, e.reason()));
                return Ok(all);
            }
        };
        let lists = projects.into_iter().map(|project| async move {
            let scope = Scope::of_project(project.code);
            (self.integrations_in(&scope).await, scope)
        });
        // An instance may list what is in projects in the global space too.
        let mut known: HashSet<IntegrationId> = all.found.iter().map(|i| i.id.clone()).collect();
        for (list, scope) in futures::future::join_all(lists).await {
            match list {
                Ok(found) => {
                    all.found.extend(found.into_iter().filter(|i| known.insert(i.id.clone())));
                }
                // A project that was deleted since the list of projects has nothing.
                Err(e) if e.status() == Some(404) && !self.is_there(&scope).await => {}
                Err(e) => {
                    let list = match e.status() {
                        Some(403 | 404 | 405 | 501) => ListState::Refused,
                        _ => ListState::Failed,
                    };
                    let unlisted = UnlistedKind::new(Kind::Integration, scope, e.reason());
                    all.unseen.push(UnlistedKind { list, ..unlisted });
                }
            }
        }
        Ok(all)
    }

    /// Whether a project is still there; true where that cannot be found out.
    async fn is_there(&self, scope: &Scope) -> bool {
        let Some(project) = scope.project() else { return true };
        let key = crate::model::ArtifactKey::new(Kind::Project, project.as_str(), None);
        !matches!(self.find(&key).await, Ok(None))
    }
}
