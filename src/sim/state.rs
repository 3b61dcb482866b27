//! What a simulated instance holds, and how it changes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

mod activation;
mod artifacts;
mod body;
mod instance_archives;
mod instances;
mod live_integration;
mod mutations;
mod refusal;

use super::{
    archive::{self, ExportContext},
    landscape::{self, ConnectionSpec, FlowSpec, Landscape, LookupSpec, Role},
};
use crate::archive::Iar;
use crate::model::{Fingerprint, IntegrationId, ScheduleState, Scope, Status};

pub use artifacts::{AuditLine, InstanceArtifacts, ProjectSpace, no_project};
pub use body::ArchiveBody;
use instance_archives::InstanceArchives;
pub use refusal::{ServiceRefusal, refuse};

pub use instances::{InstanceHistory, Recovered, SimInstance};

/// One service instance.
#[derive(Debug)]
pub struct ServiceInstance {
    pub settings: landscape::EnvironmentSpec,
    pub integrations: BTreeMap<IntegrationId, LiveIntegration>,
    pub connections: BTreeMap<String, LiveConnection>,
    pub lookups: BTreeMap<String, LookupSpec>,
    pub others: InstanceArtifacts,
    /// Token -> who has it and until when.
    pub tokens: HashMap<String, (Caller, Timestamp)>,
    /// The password that `test` accepts, and the files that it takes, by connection; the connection
    /// may not be here yet.
    connection_needs: BTreeMap<String, (Option<String>, BTreeMap<String, String>)>,
    /// What a person did with failed instances, by the instance.
    recovered: BTreeMap<String, (Recovered, Instant)>,
    /// Portable fingerprints of flows whose instances all fail.
    broken_flows: BTreeSet<Fingerprint>,
    /// The names of schedule parameters, by the code of the integration: an import brings the names
    /// without their values.
    parameter_names: BTreeMap<String, BTreeSet<String>>,
    /// Integrations of imported projects that are not there yet, and when they will be.
    arriving: Vec<(Instant, IntegrationId, LiveIntegration)>,
    /// Exports and imports of the whole.
    instance_archives: InstanceArchives,
    pub stuck_activation: bool,
    pub fail_activation: bool,
    pub flip_activation: bool,
}

/// How an import meets what the instance has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportAs {
    /// As something new; refused where it is there.
    New,
    /// In place of what is there; refused where nothing is.
    Replacement,
}

impl ImportAs {
    /// Refuses with 409 what is there already, and with 404 a replacement of what is not. The codes
    /// are those of the two refusals; `what` is `Lookup COUNTRIES`.
    fn check(
        self,
        is_there: bool,
        [exists, missing]: [&'static str; 2],
        what: &str,
    ) -> Result<(), ServiceRefusal> {
        match (self, is_there) {
            (Self::New, true) => refuse(409, exists, format!("{what} exists already.")),
            (Self::Replacement, false) => refuse(404, missing, format!("{what} does not exist.")),
            (Self::New, false) | (Self::Replacement, true) => Ok(()),
        }
    }
}

/// Who calls: an OAuth client, or a user of a Gen 2 instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub id: String,
    pub role: Role,
}

/// A connection on an instance.
#[derive(Debug, Clone)]
pub struct LiveConnection {
    pub spec: ConnectionSpec,
    pub configured: bool,
    /// What somebody set over the API; secrets are never given out again.
    pub secrets: BTreeMap<String, String>,
    /// Property -> name and content of the file that is attached; none yet where an import brought
    /// the connection.
    pub attached: BTreeMap<String, Option<(String, Vec<u8>)>>,
    pub user: Option<String>,
    pub updated: Timestamp,
    pub locked_by: Option<String>,
}

/// One version of one integration on an instance.
#[derive(Debug, Clone)]
pub struct LiveIntegration {
    pub body: ArchiveBody,
    pub status: Status,
    pub updated: Timestamp,
    pub by: String,
    pub locked_by: Option<String>,
    /// Who has changes in the console that are not saved.
    pub unsaved_by: Option<String>,
    pub schedule: Option<ScheduleState>,
    /// How its schedule was defined by a call; none: as its flow says.
    pub definition: Option<Value>,
    pub history: InstanceHistory,
    pub broken: bool,
    pub saves: u32,
    pub activation: Option<Activation>,
    pub activation_error: Option<String>,
    /// Parameters of its schedule, and their values; none: the default.
    pub parameters: BTreeMap<String, Option<String>>,
    /// Whether an activation of it has timed out already.
    timed_out: bool,
    /// When a deactivation that is under way ends.
    deactivated_at: Option<Instant>,
    /// The words for its status from before the last call, and how long they are still shown.
    old_status: Option<((String, String), Instant)>,
    /// The same for its schedule.
    old_schedule: Option<(String, Instant)>,
    /// The service's word for the change that the schedule is in, and when that ends.
    schedule_passes: Option<(&'static str, Instant)>,
}

/// An activation under way.
#[derive(Debug, Clone)]
pub struct Activation {
    ends: Option<Instant>,
    /// The error that it ends with; None where it succeeds.
    error: Option<String>,
    /// Whether it succeeds and fails a moment later.
    flips: bool,
}

/// What the service says where an activation was too slow.
const TIMED_OUT: &str = "Deployment timed out. The server was slow to react. Retry the activation.";

/// How long an activation looks good that fails a moment later.
const FLIP_AFTER: Duration = Duration::from_millis(10);

impl ServiceInstance {
    /// An environment as the landscape describes it at the start, with nobody signed in.
    pub fn new(settings: &landscape::EnvironmentSpec, landscape: &Landscape) -> Self {
        let name = &settings.name;
        let connections = landscape.connections_in(name).into_iter().filter(|c| !c.projects_only);
        let connections = connections.map(|spec| {
            let configured = !spec.unconfigured_in.contains(name);
            (spec.code.clone(), LiveConnection::new(spec, configured))
        });
        let global = |l: &&LookupSpec| !l.projects_only && !l.missing_in.contains(name);
        let lookups = landscape.lookups.iter().filter(global);
        let mut this = Self {
            settings: settings.clone(),
            integrations: BTreeMap::new(),
            connections: connections.collect(),
            lookups: lookups.map(|l| (l.name.clone(), l.clone())).collect(),
            others: InstanceArtifacts::new(settings, landscape),
            tokens: HashMap::new(),
            connection_needs: landscape
                .connections
                .iter()
                .map(|c| (c.code.clone(), (c.password.clone(), c.attachments.clone())))
                .collect(),
            recovered: BTreeMap::new(),
            broken_flows: BTreeSet::new(),
            parameter_names: BTreeMap::new(),
            arriving: Vec::new(),
            instance_archives: InstanceArchives::default(),
            stuck_activation: false,
            fail_activation: false,
            flip_activation: false,
        };
        for integration in &landscape.integrations {
            for placement in integration.placements.iter().filter(|p| p.environment == *name) {
                let projects = this.others.projects.values().map(|p| &p.spec);
                for scope in landscape::scopes_of(projects, &integration.code) {
                    this.place(integration, placement, scope);
                }
            }
        }
        this
    }

    fn place(
        &mut self,
        integration: &landscape::IntegrationSpec,
        placement: &landscape::Placement,
        scope: Scope,
    ) {
        let id = IntegrationId::new(&integration.code, placement.version).within(scope);
        let flow = integration.flow.with(&placement.edit);
        let scheduled = flow.schedule.is_some();
        let failing_since = placement.broken.then(|| placement.updated.time());
        let step = placement.failing_step.clone().unwrap_or_else(|| flow.target.name.clone());
        let words = placement
            .error
            .clone()
            .unwrap_or_else(|| "The target refused the request (simulated).".into());
        let history = InstanceHistory::new(placement.runs, failing_since, (words, step));
        let mut live = LiveIntegration {
            status: placement.status.clone(),
            updated: placement.updated.time(),
            by: placement.by.clone(),
            locked_by: placement.locked_by.clone(),
            unsaved_by: placement.unsaved_by.clone(),
            schedule: scheduled
                .then(|| placement.schedule.clone().unwrap_or(ScheduleState::Stopped)),
            broken: placement.broken,
            parameters: placement
                .parameters
                .iter()
                .map(|(name, value)| (name.clone(), Some(value.clone())))
                .collect(),
            ..LiveIntegration::new(ArchiveBody::Flow(Arc::new(flow)), history)
        };
        live.update_instances();
        let names = self.parameter_names.entry(id.code.clone()).or_default();
        names.extend(placement.parameters.keys().cloned());
        self.integrations.insert(id.clone(), live);
        if placement.broken
            && let Ok(iar) = self
                .export(&id)
                .map_err(|r| r.words)
                .and_then(|b| Iar::read(&b).map_err(|e| e.to_string()))
        {
            self.broken_flows.insert(iar.fingerprints.portable);
        }
    }

    /// Adds what an archive needs and the instance lacks, with connections configured, as a company
    /// that runs the archive has them.
    pub fn provide_for(&mut self, iar: &Iar) {
        let there: BTreeSet<String> = self.connections.keys().cloned().collect();
        // The global space is always here.
        let _ = self.bring_along(iar, &[], &Scope::Global);
        for (code, connection) in &mut self.connections {
            connection.configured |= !there.contains(code);
        }
    }

    /// Adds an archive from a file as an integration that runs.
    pub fn adopt(&mut self, bytes: &[u8], iar: Iar) {
        let id = iar.id.clone();
        let mut live = LiveIntegration::imported(bytes, iar);
        live.status = Status::Active;
        live.schedule = live.body.scheduled().then_some(ScheduleState::Running);
        live.update_instances();
        self.integrations.insert(id, live);
    }

    /// The bytes of an export now: each export has other bytes and the same meaning.
    pub fn export(&self, id: &IntegrationId) -> Result<Vec<u8>, ServiceRefusal> {
        let live = self.get(id)?;
        if live.body.prebuilt() {
            return refuse(
                423,
                "ICS-10012",
                format!("{id} is a prebuilt integration and cannot be exported."),
            );
        }
        if let Some(who) = &live.locked_by {
            return refuse(423, "ICS-10013", format!("The integration {id} is locked by {who}."));
        }
        match &live.body {
            ArchiveBody::Imported(bytes, _) => {
                archive::repack(bytes, Timestamp::now()).or_else(|e| {
                    refuse(500, "ICS-20500", format!("The archive cannot be written: {e}"))
                })
            }
            ArchiveBody::Flow(flow) => {
                Ok(self.build(id, flow, &live.status, live.saves, Timestamp::now()))
            }
        }
    }

    /// A flow's archive with this instance's connections and lookups around it.
    pub fn build(
        &self,
        id: &IntegrationId,
        flow: &FlowSpec,
        status: &Status,
        saves: u32,
        now: Timestamp,
    ) -> Vec<u8> {
        let connections = flow
            .connections()
            .iter()
            .filter_map(|c| Some(&self.connections_in(&id.scope).get(*c)?.spec))
            .collect();
        let lookups = self.lookups_in(&id.scope).values().filter(|l| uses(flow, &l.name)).collect();
        let inside = self
            .integrations
            .keys()
            .filter(|other| !id.scope.is_global() && other.scope == id.scope);
        let neighbours = inside.map(|other| other.code.as_str()).collect();
        let around = ExportContext { connections, lookups, neighbours, status, saves, now };
        archive::build(id, flow, &around)
    }

    /// The version of an integration by its id; refuses with 404 where the environment has none.
    pub fn get(&self, id: &IntegrationId) -> Result<&LiveIntegration, ServiceRefusal> {
        self.integrations.get(id).map_or_else(
            || refuse(404, "ICS-10001", format!("Integration {id} does not exist.")),
            Ok,
        )
    }

    /// The version of an integration by its id, to be changed; refuses as [`Self::get`] does.
    pub fn get_mut(&mut self, id: &IntegrationId) -> Result<&mut LiveIntegration, ServiceRefusal> {
        self.integrations.get_mut(id).map_or_else(
            || refuse(404, "ICS-10001", format!("Integration {id} does not exist.")),
            Ok,
        )
    }

    /// Who did what: the last save of each integration and lookup, then what was recorded since.
    pub fn audit_lines(&self) -> Vec<AuditLine> {
        let integrations = self.integrations.iter().map(|(id, live)| AuditLine {
            time: live.updated,
            who: live.by.clone(),
            action: "UPDATE",
            kind: "ICS_ProjectV2",
            code: id.code.clone(),
            version: Some(id.version.to_string()),
            scope: id.scope.clone(),
        });
        let in_projects = self.others.projects.iter().flat_map(|(code, project)| {
            let scope = Scope::of_project(code.as_str());
            project.lookups.values().map(move |l| (scope.clone(), l))
        });
        let global = self.lookups.values().map(|l| (Scope::Global, l));
        let lookups = global.chain(in_projects).filter_map(|(scope, l)| {
            Some(AuditLine {
                time: l.updated?.time(),
                who: l.by.clone().unwrap_or_else(|| "a.integrator".into()),
                action: "UPDATE",
                kind: "ICS_DVM",
                code: l.name.clone(),
                version: None,
                scope,
            })
        });
        integrations.chain(lookups).chain(self.others.audit.iter().cloned()).collect()
    }

    /// Somebody changes a lookup's rows in the console.
    pub fn edit_lookup(
        &mut self,
        name: &str,
        who: &str,
        change: impl FnOnce(&mut Vec<Vec<String>>),
    ) {
        if let Some(lookup) = self.lookups.get_mut(name) {
            change(&mut lookup.rows);
            lookup.updated = Some(landscape::When::now());
            lookup.by = Some(who.to_owned());
        }
    }

    /// Removes one version of an integration; refuses with 423 where it is active or locked.
    pub fn delete(&mut self, id: &IntegrationId) -> Result<(), ServiceRefusal> {
        let live = self.get(id)?;
        live.is_at_rest(id)?;
        if live.status == Status::Active || live.locked_by.is_some() {
            return refuse(
                423,
                "ICS-10014",
                format!("{id} is active or locked and cannot be deleted."),
            );
        }
        self.integrations.remove(id);
        Ok(())
    }

    /// Imports an archive as a new integration or in place of the one that is there.
    pub fn import(
        &mut self,
        bytes: &[u8],
        scope: &Scope,
        how: ImportAs,
    ) -> Result<IntegrationId, ServiceRefusal> {
        self.is_here(scope)?;
        let iar = match Iar::read(bytes) {
            Ok(iar) => iar,
            Err(e) => return refuse(400, "ICS-20001", format!("The archive is not valid: {e}")),
        };
        if archive::was_edited(bytes).unwrap_or(true) {
            let status = if self.settings.manners.edited_is_500 { 500 } else { 400 };
            return refuse(status, "ICS-20099", "The archive was changed outside of the service.");
        }
        let id = iar.id.clone().within(scope.clone());
        let there = self.integrations.get(&id);
        how.check(there.is_some(), ["ICS-10005", "ICS-10001"], &format!("Integration {id}"))?;
        let (saves, history, definition) = match there {
            None => (0, None, None),
            Some(old) => {
                if old.status == Status::Active || old.status == Status::Busy {
                    return refuse(
                        412,
                        "ICS-10017",
                        format!("{id} is active. Deactivate it before it is replaced."),
                    );
                }
                if let Some(who) = &old.locked_by {
                    return refuse(
                        423,
                        "ICS-10013",
                        format!("The integration {id} is locked by {who}."),
                    );
                }
                // Monitoring counts by id, so instances from before the replacement stay counted.
                (old.saves, Some(old.history.clone()), Some(old.schedule_times()))
            }
        };
        self.bring_along(&iar, bytes, scope)?;
        let broken = self.broken_flows.contains(&iar.fingerprints.portable);
        let fresh = LiveIntegration::imported(bytes, iar);
        let history = history.unwrap_or_else(|| fresh.history.clone());
        let names = self.parameter_names.get(&id.code).into_iter().flatten();
        let parameters = names.map(|name| (name.clone(), None)).collect();
        let saves = saves + 1;
        let mut live = LiveIntegration { broken, history, saves, parameters, definition, ..fresh };
        if !scope.is_global() {
            // A schedule is in no archive: it went with what was deleted.
            (live.schedule, live.definition) = (None, None);
        }
        self.integrations.insert(id.clone(), live);
        Ok(id)
    }

    /// Connections and lookups that are missing come along with an import: connections without
    /// credentials, lookups as the archive has them.
    fn bring_along(
        &mut self,
        iar: &Iar,
        bytes: &[u8],
        scope: &Scope,
    ) -> Result<(), ServiceRefusal> {
        for code in &iar.needs.connections {
            let needs = self.connection_needs.get(code).cloned().unwrap_or_default();
            let connections = self.connections_mut(scope)?;
            connections
                .entry(code.clone())
                .or_insert_with(|| LiveConnection::brought_along(code, needs));
        }
        let copies = archive::lookups_in(bytes);
        for name in &iar.needs.lookups {
            let copy = copies.iter().find(|c| c.name == *name).cloned().unwrap_or_default();
            let read = LookupSpec::saved(name, copy.columns, copy.rows, "oicx");
            self.lookups_mut(scope)?.entry(name.clone()).or_insert(read);
        }
        Ok(())
    }
}

/// Whether two are versions of one integration with the same major number: of those only one runs.
fn same_major(a: &IntegrationId, b: &IntegrationId) -> bool {
    a.scope == b.scope && a.code == b.code && a.version.major == b.version.major
}

fn uses(flow: &FlowSpec, lookup: &str) -> bool {
    let call = format!("dvm:lookupValue(\"{lookup}\"");
    flow.fields.values().any(|e| e.contains(&call))
}
