//! What an environment has of every kind, as the service's lists say.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use jiff::Timestamp;

use crate::archive::sha256_hex;
use crate::model::{
    ArtifactKey, ArtifactState, ExportFailure, IntegrationId, Kind, ListState, ManifestEntry,
    ProjectCode, Scope, UnlistedKind,
};
use crate::oic::{
    Catalogs, Client, IntegrationsEverywhere, ListedArtifact, ListedIntegration, OicError,
};

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
    /// The integrations and libraries of a project that are taken out of its file.
    pub parts: Vec<InventoryItem>,
}

#[derive(Debug, Clone)]
pub enum Retrieval {
    /// Exported as a file of its own.
    Export,
    /// Taken out of its project's archive.
    Member,
    Describe(Box<ListedArtifact>),
    Schedule(IntegrationId),
}

/// All artifacts that an environment has.
#[derive(Debug, Default)]
pub struct Inventory {
    pub found: Vec<InventoryItem>,
    pub unseen: Vec<UnlistedKind>,
    pub failed: Vec<ExportFailure>,
    /// The lists that the service answered with 404.
    not_found: BTreeSet<(Kind, Scope)>,
}

impl InventoryItem {
    /// Whether the list says enough to know that nothing changed. The last update of a package or a
    /// project does not change with the integrations in it: only their own times tell.
    pub fn tells_changes(&self) -> bool {
        match self.key.kind.holds_integrations() {
            true => self.revision.is_some(),
            false => self.state.last_updated.is_some(),
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
    /// Asks for all lists side by side, in the global space and in every project.
    ///
    /// # Errors
    /// Where the integrations of the global space cannot be listed, on which all else depends.
    pub async fn read(client: &Client, kinds: &[Kind]) -> Result<Self, OicError> {
        let needs_integrations =
            |k: &Kind| matches!(k, Kind::Integration | Kind::Schedule) || k.holds_integrations();
        let integrations = async {
            if kinds.iter().any(needs_integrations) {
                client.integrations_everywhere().await
            } else {
                Ok(IntegrationsEverywhere::default())
            }
        };
        let global = Scope::Global;
        // What is in projects is found by the list of projects.
        let projects_too = kinds.iter().any(|k| k.lives_in_projects() && *k != Kind::Schedule)
            && !kinds.contains(&Kind::Project);
        let listed: Vec<Kind> =
            kinds.iter().copied().chain(projects_too.then_some(Kind::Project)).collect();
        let (integrations, catalogs) =
            tokio::join!(integrations, client.catalogs_in(&global, listed));
        let IntegrationsEverywhere { found: integrations, unseen } = integrations?;
        let mut this = Self::default();
        for u in unseen.iter().filter(|u| u.list == ListState::Failed) {
            this.list_failed(
                u.kind,
                &u.scope,
                format!("{} cannot be listed: {}", u.what(), u.reason),
            );
        }
        // A project that cannot be listed is told by the list of projects too.
        this.unseen.extend(unseen.into_iter().filter(|u| u.kind != Kind::Project));
        this.add_catalogs(client, &global, catalogs);
        this.look_into_projects(client, kinds, &integrations).await;
        // With and without its files, a connection's record is another one.
        let kept = client.environment().attachments.then(|| "attachments".to_owned());
        for one in this.found.iter_mut().filter(|f| f.key.kind == Kind::Connection) {
            one.revision.clone_from(&kept);
        }
        for package in this.found.iter_mut().filter(|f| f.key.kind == Kind::Package) {
            package.look_into_package(&integrations);
        }
        if kinds.contains(&Kind::Schedule) {
            this.found.extend(
                integrations
                    .iter()
                    .filter(|i| i.scheduled && !i.state.prebuilt)
                    .map(InventoryItem::schedule),
            );
        }
        if kinds.contains(&Kind::Integration) {
            let alone = exports_members(client, &integrations).await;
            this.found
                .extend(integrations.into_iter().map(|i| InventoryItem::integration(i, alone)));
        }
        this.tell_hidden();
        Ok(this)
    }

    /// A kind that other projects list is offered: a project where it is not found hides it from
    /// this account, or is gone by now.
    fn tell_hidden(&mut self) {
        let projects: BTreeSet<Scope> = self
            .found
            .iter()
            .filter(|f| f.key.kind == Kind::Project)
            .map(|f| f.key.uses_scope())
            .collect();
        let missed: BTreeSet<(Kind, Scope)> =
            self.unseen.iter().map(|u| (u.kind, u.scope.clone())).collect();
        let elsewhere =
            |kind: Kind| projects.iter().any(|scope| !missed.contains(&(kind, scope.clone())));
        for one in self.unseen.iter_mut().filter(|u| u.list == ListState::NotOffered) {
            if let Some(project) = one.scope.project()
                && self.not_found.contains(&(one.kind, one.scope.clone()))
                && elsewhere(one.kind)
            {
                one.list = ListState::Refused;
                one.reason = format!(
                    "{project} has no {} for this account, or is gone by now (404)",
                    one.kind.plural()
                );
            }
        }
    }

    fn add_catalogs(&mut self, client: &Client, scope: &Scope, catalogs: Catalogs) {
        for (kind, catalog) in catalogs {
            match catalog {
                Ok(listed) => self.found.extend(listed.into_iter().map(InventoryItem::from)),
                Err(e) => {
                    let offered =
                        kind == Kind::Access && client.offers_access_lists() == Some(true);
                    self.not_listed(kind, scope, &e, offered);
                }
            }
        }
    }

    /// Notes a list that was not read. `offered` says whether other projects have one.
    fn not_listed(&mut self, kind: Kind, scope: &Scope, error: &OicError, offered: bool) {
        let kinds = kind.plural();
        if error.status() == Some(404) {
            self.not_found.insert((kind, scope.clone()));
        }
        let (list, reason) = match error.status() {
            Some(404) if offered => {
                (ListState::Refused, format!("the service hides {kinds} here (404)"))
            }
            Some(status @ (404 | 405 | 501)) => {
                (ListState::NotOffered, format!("this instance does not offer {kinds} ({status})"))
            }
            Some(403) => (ListState::Refused, format!("the role may not see {kinds} (403)")),
            _ => {
                let error = format!("{kinds} cannot be listed: {error}");
                self.list_failed(kind, scope, error.clone());
                (ListState::Failed, error)
            }
        };
        let unlisted = UnlistedKind::new(kind, scope.clone(), reason);
        self.unseen.push(UnlistedKind { list, ..unlisted });
    }

    fn list_failed(&mut self, kind: Kind, scope: &Scope, error: String) {
        let artifact = ArtifactKey::new(kind, "", None).within(scope.clone());
        self.failed.push(ExportFailure { artifact, error });
    }

    /// Reads what each project has beside its integrations, and gives each project a revision of
    /// all that is in it: its own last update may stay when something inside changes.
    async fn look_into_projects(
        &mut self,
        client: &Client,
        kinds: &[Kind],
        integrations: &[ListedIntegration],
    ) {
        let projects: Vec<Scope> = self
            .found
            .iter()
            .filter(|f| f.key.kind == Kind::Project && !f.state.prebuilt)
            .map(|f| Scope::of_project(f.key.code.as_str()))
            .collect();
        // What a change inside is known by, and what is taken beside the project's archive.
        let inside = |kind: &Kind| kind.is_cataloged() && kind.lives_in_projects();
        let mut inside: Vec<Kind> = Kind::ALL.into_iter().filter(inside).collect();
        inside.extend(kinds.contains(&Kind::Access).then_some(Kind::Access));
        let inside = &inside;
        let look = |scope: Scope| async move {
            let catalogs = client.catalogs_in(&scope, inside.iter().copied()).await;
            (scope, catalogs)
        };
        let answers = futures::stream::iter(projects).map(look).buffer_unordered(16);
        // What one project refuses is judged by what the others answer.
        let answers: Vec<(Scope, Catalogs)> = answers.collect().await;
        for (scope, catalogs) in answers {
            let members = integrations.iter().filter(|i| i.id.scope == scope);
            let mut times: Vec<(String, Option<Timestamp>)> =
                members.map(|i| (i.id.service_id(), i.state.last_updated)).collect();
            let count = times.len();
            let mut complete = self.unseen.iter().all(|u| u.scope != scope);
            // An access list tells no time, and is in no archive.
            for (kind, catalog) in catalogs.iter().filter(|(kind, _)| *kind != Kind::Access) {
                match catalog {
                    Ok(listed) => times.extend(
                        listed.iter().map(|l| (format!("{kind} {}", l.id), l.state.last_updated)),
                    ),
                    // An instance without this call has nothing of the kind in projects. A 404 may
                    // mean other things: what is there may have changed.
                    Err(e) if e.says_not_offered() => {}
                    Err(_) => complete = false,
                }
            }
            let project = self.found.iter_mut().find(|f| {
                f.key.kind == Kind::Project && Some(f.key.code.as_str()) == scope_code(&scope)
            });
            if let Some(project) = project.filter(|_| complete) {
                project.set_members(times, count);
            }
            let wanted = catalogs.into_iter().filter(|(kind, _)| kinds.contains(kind));
            self.add_catalogs(client, &scope, wanted.collect());
        }
    }
}

fn scope_code(scope: &Scope) -> Option<&str> {
    scope.project().map(ProjectCode::as_str)
}

impl InventoryItem {
    fn schedule(of: &ListedIntegration) -> Self {
        Self {
            key: ArtifactKey::new(Kind::Schedule, &of.id.code, Some(of.id.version))
                .within(of.id.scope.clone()),
            name: of.name.clone(),
            // The last update is left out: a schedule is stopped and started without an update of
            // its integration.
            state: ArtifactState::new(of.state.status.clone()),
            revision: None,
            members: vec![],
            expires: None,
            how: Retrieval::Schedule(of.id.clone()),
            parts: vec![],
        }
    }

    fn look_into_package(&mut self, integrations: &[ListedIntegration]) {
        let name = self.key.code.clone();
        let inside = integrations
            .iter()
            .filter(|i| i.id.scope.is_global() && i.package.as_deref() == Some(&name));
        let members: Vec<_> = inside.map(|i| (i.id.to_string(), i.state.last_updated)).collect();
        // A list that leaves the package's name out would make every package look empty and
        // unchanged.
        if !members.is_empty() {
            let count = members.len();
            self.set_members(members, count);
        }
    }

    /// Sets the members, which are the first `count` of `parts`. Where the last update of each part
    /// is known, their digest shows a change inside.
    fn set_members(&mut self, parts: Vec<(String, Option<Timestamp>)>, count: usize) {
        let mut members: Vec<String> = parts[..count].iter().map(|(id, _)| id.clone()).collect();
        members.sort();
        self.members = members;
        let known: Option<BTreeMap<&String, Timestamp>> =
            parts.iter().map(|(id, t)| Some((id, (*t)?))).collect();
        self.revision = known.map(|known| {
            let lines: Vec<String> =
                known.iter().map(|(id, time)| format!("{id} {time}")).collect();
            sha256_hex(format!("{:?}\n{}", self.state.last_updated, lines.join("\n")).as_bytes())
                [..16]
                .to_owned()
        });
    }
}

/// Whether the environment exports an integration of a project alone, found out by asking for one.
async fn exports_members(client: &Client, integrations: &[ListedIntegration]) -> bool {
    if let Some(known) = client.exports_members() {
        return known;
    }
    let inside = |i: &&ListedIntegration| {
        !i.id.scope.is_global() && !i.state.prebuilt && !i.state.is_locked()
    };
    match integrations.iter().find(inside) {
        Some(one) => matches!(client.archive_in_project(&one.id).await, Ok(Some(_))),
        None => false,
    }
}

impl InventoryItem {
    /// An integration; `alone` says whether one of a project is exported by itself. Its file can
    /// then be sent by itself too.
    fn integration(found: ListedIntegration, alone: bool) -> Self {
        Self {
            how: match found.id.scope {
                Scope::Project(_) if !alone => Retrieval::Member,
                _ => Retrieval::Export,
            },
            parts: vec![],
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
            key: found.key(),
            name: found.name.clone(),
            state: ArtifactState {
                // A prebuilt artifact cannot be exported, but it can be described.
                prebuilt: found.state.prebuilt && found.kind.has_archive(),
                ..found.state.clone()
            },
            revision: None,
            members: vec![],
            expires: found.expires,
            how: match found.kind {
                // No call exports one that is in a project.
                Kind::Library if !found.scope.is_global() => Retrieval::Member,
                kind if kind.has_archive() => Retrieval::Export,
                _ => Retrieval::Describe(Box::new(found)),
            },
            parts: vec![],
        }
    }
}
