//! The checklist after a run, which ticks itself: connections work, dependencies exist, the
//! integration is active, its schedule runs, and its first instance succeeds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    journal::{Journal, RunOutcome},
    live::look,
    plan::Strategy,
};
use crate::model::{
    ArtifactKey, EnvironmentName, IntegrationId, Kind, RunId, ScheduleState, Scope, Status,
    clock_time, plural,
};
use crate::oic::{Client, InstanceStatus, OicError, Window};

/// What is watched after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checklist {
    pub run: RunId,
    pub environment: EnvironmentName,
    /// Instances that began earlier do not count.
    pub since: Timestamp,
    pub ticks: Vec<ChecklistItem>,
}

/// One line of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecklistItem {
    pub what: String,
    pub watch: Watch,
    pub state: ChecklistState,
    /// What was seen last, in words.
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecklistState {
    Open,
    Good,
    Bad,
}

impl ChecklistItem {
    /// Whether nothing is left to do for this line.
    pub fn done(&self) -> bool {
        self.state == ChecklistState::Good
    }
}

/// What a line of the checklist looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    Connection(String),
    ProjectConnection(Scope, String),
    There(ArtifactKey),
    Active(IntegrationId),
    Schedule(IntegrationId, ScheduleState),
    FirstRun(IntegrationId),
}

/// The note of a line that has not been checked yet.
pub const NOT_YET: &str = "not looked at yet";
/// How long the first instance is waited for, in seconds.
const PATIENCE: i64 = 7_200;
/// The most lines of a checklist: more would not be read.
const MOST: usize = 40;

impl Checklist {
    /// The checklist for a run that restored something.
    pub fn of(journal: &Journal) -> Self {
        let mut watches: Vec<Watch> = Vec::new();
        let plan = &journal.plan;
        let restored = |place: usize| {
            journal.items[place].outcome == Some(RunOutcome::Restored)
                || plan.items[place].as_wanted
        };
        let items = plan
            .items
            .iter()
            .enumerate()
            .filter(|(place, i)| restored(*place) && i.strategy != Strategy::Remove);
        for (_, item) in items {
            let Some(id) = item.id().filter(|_| item.activate) else { continue };
            for need in &item.needs {
                watches.push(match need.kind {
                    Kind::Connection if need.scope.is_global() => {
                        Watch::Connection(need.code.clone())
                    }
                    Kind::Connection => {
                        Watch::ProjectConnection(need.scope.clone(), need.code.clone())
                    }
                    _ => Watch::There(need.clone()),
                });
            }
            watches.push(Watch::Active(id.clone()));
            if let Some(schedule) =
                item.schedule.clone().filter(|s| !matches!(s, ScheduleState::Other(_)))
            {
                watches.push(Watch::Schedule(id.clone(), schedule));
            }
            watches.push(Watch::FirstRun(id));
        }
        let several = watches.iter().filter(|w| matches!(w, Watch::FirstRun(_))).count() > 1;
        let mut ticks: Vec<ChecklistItem> = Vec::new();
        for watch in watches {
            if ticks.iter().all(|t| t.watch != watch) && ticks.len() < MOST {
                ticks.push(ChecklistItem {
                    what: watch.describe(several),
                    watch,
                    state: ChecklistState::Open,
                    note: NOT_YET.into(),
                });
            }
        }
        let since = journal.finished.unwrap_or(journal.started);
        Self { run: journal.run.clone(), environment: plan.environment.clone(), since, ticks }
    }

    /// Whether nothing is left to wait for.
    pub fn complete(&self) -> bool {
        self.ticks.iter().all(ChecklistItem::done)
    }

    /// Whether the first instance may still be waited for.
    pub fn worth_watching(&self) -> bool {
        Timestamp::now().duration_since(self.since).as_secs() < PATIENCE
    }

    /// Checks every line that is not ticked yet.
    pub async fn look(&mut self, client: &Client) {
        let since = self.since;
        for tick in self.ticks.iter_mut().filter(|t| !t.done()) {
            let seen = tick.watch.seen(client, since).await;
            (tick.state, tick.note) = seen
                .unwrap_or_else(|e| (ChecklistState::Open, format!("not seen: {}", e.reason())));
        }
    }
}

impl Watch {
    /// The line's text; it begins with the code only where several integrations are watched.
    fn describe(&self, several: bool) -> String {
        let of =
            |id: &IntegrationId| if several { format!("{}: ", id.code) } else { String::new() };
        match self {
            Self::Connection(code) => format!("connection {code} works"),
            Self::ProjectConnection(scope, code) => {
                format!("connection {}{code} works", scope.prefix())
            }
            Self::There(key) => format!("{key} is there"),
            Self::Active(id) => format!("{}it is active", of(id)),
            Self::Schedule(id, state) => format!("{}its schedule is {}", of(id), state.label()),
            Self::FirstRun(id) => format!("{}its first run is green", of(id)),
        }
    }

    async fn seen(
        &self,
        client: &Client,
        since: Timestamp,
    ) -> Result<(ChecklistState, String), OicError> {
        let good = |yes: bool| if yes { ChecklistState::Good } else { ChecklistState::Bad };
        Ok(match self {
            Self::Connection(code) => {
                let test = client.test_connection(&Scope::Global, code).await?;
                (good(test.success), test.details)
            }
            Self::ProjectConnection(scope, code) => {
                let test = client.test_connection(scope, code).await?;
                (good(test.success), test.details)
            }
            Self::There(key) => {
                let there = match key.kind {
                    // An archive may name a library by its code alone.
                    Kind::Library if key.version.is_none() => {
                        let all = client.catalog_in(&key.scope, key.kind).await?;
                        all.iter().any(|l| l.code == key.code)
                    }
                    _ => look(client, key).await?.is_some(),
                };
                (good(there), if there { "yes".into() } else { format!("{} is not there", key) })
            }
            Self::Active(id) => {
                let status = client.integration(id).await?.state.status;
                (good(status == Status::Active), status.label().to_owned())
            }
            Self::Schedule(id, wanted) => {
                let state = client.schedule(id).await?;
                let word = state.as_ref().map_or("none", ScheduleState::label).to_owned();
                (good(state.as_ref() == Some(wanted)), word)
            }
            Self::FirstRun(id) => first_run(client, id, since).await?,
        })
    }
}

/// Looks at the first instance that began after the restore and has ended: it decides.
async fn first_run(
    client: &Client,
    id: &IntegrationId,
    since: Timestamp,
) -> Result<(ChecklistState, String), OicError> {
    let mut runs = client.instances(id, Window::Hour, None).await?;
    runs.retain(|r| r.started.is_some_and(|t| t >= since));
    runs.reverse();
    let ended = runs
        .iter()
        .find(|r| !matches!(r.status, InstanceStatus::Running | InstanceStatus::Recovering));
    Ok(match ended {
        Some(run) => {
            let at = run.started.map(clock_time).unwrap_or_default();
            let good = run.status == InstanceStatus::Completed;
            (
                if good { ChecklistState::Good } else { ChecklistState::Bad },
                format!("{at} {}", run.status.label()),
            )
        }
        None if runs.is_empty() => match client.next_run(id).await {
            Some(next) => (ChecklistState::Open, format!("none yet; next {}", clock_time(next))),
            None => (ChecklistState::Open, "none yet".into()),
        },
        None => (ChecklistState::Open, format!("{} under way", plural(runs.len(), "run"))),
    })
}
