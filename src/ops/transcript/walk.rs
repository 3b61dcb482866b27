//! The walk: one call after the other through everything that the client reads.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{IntegrationId, Kind, ProjectCode, Scope, plural};
use crate::oic::{Client, InstanceTally, OicError, Twin, Window};

/// How many artifacts of one sort are looked at one by one.
const LOOKED_AT: usize = 4;

/// What one reader of the client made of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalkedCall {
    /// `integrations`, `schedule of …`
    pub what: String,
    /// `12 records`, `there`, `none`
    pub found: String,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// Whether the service itself said no: a role, a call that is not offered.
    pub refused: bool,
}

struct Walk<'c> {
    client: &'c Client,
    calls: Vec<WalkedCall>,
    /// The instances of a day.
    tally: InstanceTally,
}

impl Walk<'_> {
    /// Notes how a call ended, and gives what it found.
    fn note<T>(
        &mut self,
        what: impl Into<String>,
        result: Result<T, OicError>,
        found: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let what = what.into();
        let (found, problem, refused, value) = match result {
            Ok(value) => (found(&value), None, false, Some(value)),
            Err(e) => {
                let refused = e.status().is_some();
                (String::new(), Some(e.kind.to_string()), refused, None)
            }
        };
        self.calls.push(WalkedCall { what, found, problem, refused });
        value
    }

    fn list<T>(&mut self, what: impl Into<String>, result: Result<Vec<T>, OicError>) -> Vec<T> {
        self.note(what, result, |all| plural(all.len(), "record")).unwrap_or_default()
    }

    fn maybe<T>(
        &mut self,
        what: impl Into<String>,
        result: Result<Option<T>, OicError>,
    ) -> Option<T> {
        let found = |one: &Option<T>| if one.is_some() { "there" } else { "none" }.to_owned();
        self.note(what, result, found).flatten()
    }

    async fn scope(&mut self, scope: &Scope) {
        let client = self.client;
        let of = |what: &str| match scope.project() {
            Some(project) => format!("{what} of {project}"),
            None => what.to_owned(),
        };
        let integrations = match scope {
            Scope::Global => client.integrations().await,
            Scope::Project(_) => client.integrations_in(scope).await,
        };
        let integrations = self.list(of("integrations"), integrations);
        // What failed tells most, then what is scheduled.
        let mut chosen: Vec<_> = integrations.iter().collect();
        let failed =
            |id: &IntegrationId| self.tally.of(id, Twin::Absent).map_or(0, |counts| counts.failed);
        chosen.sort_by_key(|i| (std::cmp::Reverse(failed(&i.id)), !i.scheduled));
        for one in chosen.into_iter().take(LOOKED_AT) {
            self.integration(&one.id, one.scheduled).await;
        }
        for kind in
            Kind::ALL.into_iter().filter(|kind| kind.lives_in_projects() && kind.is_cataloged())
        {
            let found = client.catalog_in(scope, kind).await;
            let found = self.list(of(kind.plural()), found);
            for one in found.iter().filter(|_| kind == Kind::Connection).take(LOOKED_AT) {
                let details = client.connection_details(scope, &one.code).await;
                self.note(format!("connection {}", one.code), details, |d| {
                    plural(d.properties.len(), "property")
                });
            }
        }
    }

    async fn integration(&mut self, id: &IntegrationId, scheduled: bool) {
        let client = self.client;
        let one = client.find_integration(id).await;
        self.maybe(format!("integration {id}"), one);
        let activation = client.activation(id).await;
        self.note(format!("activation of {id}"), activation, |state| format!("{state:?}"));
        if scheduled {
            let schedule = client.schedule_definition(id).await;
            self.maybe(format!("schedule of {id}"), schedule);
            self.calls.push(WalkedCall {
                what: format!("next run of {id}"),
                found: match client.next_run(id).await {
                    Some(_) => "there".into(),
                    None => "none".into(),
                },
                problem: None,
                refused: false,
            });
        }
        let runs = client.instances(id, Window::ThreeDays, None).await;
        self.list(format!("runs of {id}"), runs);
        let errors = client.instance_errors(id, Window::ThreeDays).await;
        self.list(format!("errors of {id}"), errors);
    }

    async fn project(&mut self, code: &ProjectCode) {
        let deployments = self.client.deployments(code).await;
        self.list(format!("deployments of {code}"), deployments);
        let access = self.client.access_list(code).await;
        self.note(format!("access list of {code}"), access, |_| "there".into());
        self.scope(&Scope::Project(code.clone())).await;
    }
}

/// Reads an environment with every reader of the client, a few of each sort, and the audit since a
/// time. Nothing is changed.
pub async fn walk(client: &Client, since: Timestamp) -> Vec<WalkedCall> {
    let mut walk = Walk { client, calls: Vec::new(), tally: InstanceTally::default() };
    let time = client.service_time().await;
    walk.maybe("the service's time", time);
    let counts = client.instance_counts(Window::Day).await;
    let counts = walk.note("run counts", counts, |all| plural(all.iter().count(), "record"));
    walk.tally = counts.unwrap_or_default();
    walk.scope(&Scope::Global).await;
    let elsewhere = |kind: &Kind| !kind.lives_in_projects() && kind.is_cataloged();
    for kind in Kind::ALL.into_iter().filter(elsewhere) {
        let found = client.catalog(kind).await;
        walk.list(kind.plural(), found);
    }
    let projects = client.projects().await;
    let mut projects = walk.list("projects", projects);
    let failed = |code: &str| -> u64 {
        let inside = walk.tally.iter().filter(|(id, _)| id.scope == Scope::of_project(code));
        inside.map(|(_, counts)| counts.failed).sum()
    };
    projects.sort_by_key(|project| std::cmp::Reverse(failed(&project.code)));
    for project in projects.iter().take(LOOKED_AT) {
        walk.project(&project.code.as_str().into()).await;
    }
    let audit = client.audit_since(since).await;
    walk.list("audit", audit);
    walk.calls
}
