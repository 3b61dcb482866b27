//! What an environment has of every kind, as the service's lists say.

use std::collections::BTreeMap;

use futures::StreamExt;
use jiff::Timestamp;

use crate::archive::sha256_hex;
use crate::model::{
    ArtifactKey, ArtifactState, ExportFailure, IntegrationId, Kind, ManifestEntry, UnlistedKind,
};
use crate::oic::{Client, ListedArtifact, ListedIntegration, OicError};

/// One artifact and how it is taken.
#[derive(Debug, Clone)]
pub struct InventoryItem {
    pub key: ArtifactKey,
    pub name: String,
    pub state: ArtifactState,
    pub revision: Option<String>,
    pub members: Vec<String>,
    pub expires: Option<Timestamp>,
    pub how: Retrieval,
}

#[derive(Debug, Clone)]
pub enum Retrieval {
    /// Exported by the id that the service knows.
    Export(String),
    Describe(Box<ListedArtifact>),
    Schedule(IntegrationId),
}

impl Retrieval {
    fn id(&self) -> Option<&str> {
        match self {
            Self::Export(id) => Some(id),
            _ => None,
        }
    }
}

/// All artifacts that an environment has.
#[derive(Debug, Default)]
pub struct Inventory {
    pub found: Vec<InventoryItem>,
    pub unseen: Vec<UnlistedKind>,
    pub failed: Vec<ExportFailure>,
}

impl InventoryItem {
    /// Whether the list says enough to know that nothing changed. The last update of a package or a
    /// project does not change with the integrations in it: only their own times tell.
    pub fn tells_changes(&self) -> bool {
        match self.key.kind {
            Kind::Package | Kind::Project => self.revision.is_some(),
            _ => self.state.last_updated.is_some(),
        }
    }

    /// A manifest's entry for this moment, with the file of a stored one.
    pub fn entry_like(&self, stored: &ManifestEntry) -> ManifestEntry {
        ManifestEntry {
            name: self.name.clone(),
            status: self.state.status.clone(),
            last_updated: self.state.last_updated,
            last_updated_by: self.state.last_updated_by.clone(),
            revision: self.revision.clone(),
            members: if self.members.is_empty() {
                stored.members.clone()
            } else {
                self.members.clone()
            },
            expires: self.expires,
            ..stored.clone()
        }
    }
}

impl Inventory {
    /// Asks for all lists side by side.
    ///
    /// # Errors
    /// Where the integrations cannot be listed, on which all else depends.
    pub async fn read(client: &Client, kinds: &[Kind]) -> Result<Self, OicError> {
        let needs_integrations =
            |k: &Kind| matches!(k, Kind::Integration | Kind::Schedule | Kind::Package);
        let integrations = async {
            if kinds.iter().any(needs_integrations) {
                client.integrations().await
            } else {
                Ok(Vec::new())
            }
        };
        let catalogs = futures::future::join_all(
            kinds.iter().map(|k| async move { (*k, client.catalog(*k).await) }),
        );
        let (integrations, catalogs) = tokio::join!(integrations, catalogs);
        let integrations = integrations?;
        let mut this = Self::default();
        for (kind, catalog) in catalogs {
            match catalog {
                Ok(listed) => this.found.extend(listed.into_iter().map(InventoryItem::from)),
                Err(e) => this.not_listed(kind, &e),
            }
        }
        for package in this.found.iter_mut().filter(|f| f.key.kind == Kind::Package) {
            package.look_into_package(&integrations);
        }
        this.look_into_projects(client).await;
        if kinds.contains(&Kind::Schedule) {
            this.found.extend(
                integrations
                    .iter()
                    .filter(|i| i.scheduled && !i.state.prebuilt)
                    .map(InventoryItem::schedule),
            );
        }
        if kinds.contains(&Kind::Integration) {
            this.found.extend(integrations.into_iter().map(InventoryItem::from));
        }
        Ok(this)
    }

    fn not_listed(&mut self, kind: Kind, error: &OicError) {
        let reason = match error.status() {
            Some(status @ (404 | 405 | 501)) => {
                format!("this instance does not offer {} ({status})", kind.plural())
            }
            Some(403) => format!("the role may not see {} (403)", kind.plural()),
            _ => {
                let error = format!("{} cannot be listed: {error}", kind.plural());
                self.failed.push(ExportFailure {
                    artifact: ArtifactKey::new(kind, "", None),
                    error: error.clone(),
                });
                error
            }
        };
        self.unseen.push(UnlistedKind { kind, reason });
    }

    async fn look_into_projects(&mut self, client: &Client) {
        let ids = self.found.iter().filter(|f| f.key.kind == Kind::Project);
        let ids: Vec<String> = ids.filter_map(|f| f.how.id().map(str::to_owned)).collect();
        let look = |id: String| async move {
            let members = client.project_members(&id.as_str().into()).await;
            (id, members)
        };
        let mut answers = futures::stream::iter(ids).map(look).buffer_unordered(16);
        while let Some((id, members)) = answers.next().await {
            let project = self
                .found
                .iter_mut()
                .find(|f| f.key.kind == Kind::Project && f.how.id() == Some(&id));
            // Where the service does not offer this list, the export itself tells what is in the
            // project.
            if let (Some(project), Ok(members)) = (project, members) {
                project.set_members(members);
            }
        }
    }
}

impl InventoryItem {
    fn schedule(of: &ListedIntegration) -> Self {
        Self {
            key: ArtifactKey::new(Kind::Schedule, &of.id.code, Some(of.id.version)),
            name: of.name.clone(),
            // The last update is left out: a schedule is stopped and started without an update of
            // its integration.
            state: ArtifactState::new(of.state.status.clone()),
            revision: None,
            members: vec![],
            expires: None,
            how: Retrieval::Schedule(of.id.clone()),
        }
    }

    fn look_into_package(&mut self, integrations: &[ListedIntegration]) {
        let Some(id) = self.how.id() else { return };
        let inside = integrations.iter().filter(|i| i.package.as_deref() == Some(id));
        let members: Vec<_> = inside.map(|i| (i.id.to_string(), i.state.last_updated)).collect();
        // A list that leaves the package's name out would make every package look empty and
        // unchanged.
        if !members.is_empty() {
            self.set_members(members);
        }
    }

    /// Sets the members. Where the last update of each is known, their digest shows a change
    /// inside.
    fn set_members(&mut self, mut members: Vec<(String, Option<Timestamp>)>) {
        members.sort();
        let known: Option<BTreeMap<&String, Timestamp>> =
            members.iter().map(|(id, t)| Some((id, (*t)?))).collect();
        self.revision = known.map(|known| {
            let lines: Vec<String> =
                known.iter().map(|(id, time)| format!("{id} {time}")).collect();
            sha256_hex(format!("{:?}\n{}", self.state.last_updated, lines.join("\n")).as_bytes())
                [..16]
                .to_owned()
        });
        self.members = members.into_iter().map(|(id, _)| id).collect();
    }
}

impl From<ListedIntegration> for InventoryItem {
    fn from(found: ListedIntegration) -> Self {
        Self {
            how: Retrieval::Export(found.id.to_string()),
            key: found.id.into(),
            name: found.name,
            state: found.state,
            revision: None,
            members: vec![],
            expires: None,
        }
    }
}

impl From<ListedArtifact> for InventoryItem {
    fn from(found: ListedArtifact) -> Self {
        Self {
            key: ArtifactKey::new(found.kind, &found.code, found.version),
            name: found.name.clone(),
            state: ArtifactState {
                // A prebuilt artifact cannot be exported, but it can be described.
                prebuilt: found.state.prebuilt && found.kind.has_archive(),
                ..found.state.clone()
            },
            revision: None,
            members: vec![],
            expires: found.expires,
            how: if found.kind.has_archive() {
                Retrieval::Export(found.id.clone())
            } else {
                Retrieval::Describe(Box::new(found))
            },
        }
    }
}
