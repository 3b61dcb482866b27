//! Effects that plan and run what changes an environment, and that watch what came of it.

use std::{sync::Arc, time::Duration};

use super::{
    super::event::{Effect, Event, PlanQuestion, Planned},
    Runner,
};
use crate::oic::Window;
use crate::ops::{drill, promote, recover, triage};
use crate::restore;
use crate::restore::{ConnectionValues, Journal, PlanOptions, Request, RunContext, Verb};
use crate::workspace::events::Events;

/// Between two looks at what should be so after a run.
const WATCH: Duration = Duration::from_secs(4);

impl Runner {
    pub(super) async fn survey(
        &self,
        column: usize,
        title: &str,
        ask: PlanQuestion,
        plan_options: PlanOptions,
    ) -> Result<Planned, String> {
        let client = &self.workspace.environments[column];
        let request = match &ask {
            PlanQuestion::Promote(references) => {
                promote::request(&self.workspace, references, client.name())
                    .await
                    .map_err(|e| e.to_string())?
            }
            other => self.request(other).await?,
        };
        let prepared =
            restore::prepare(client, self.workspace.store.as_ref(), &request, &plan_options).await;
        let prepared = prepared.map_err(|e| format!("{e} → {}", e.advice()))?;
        Ok(Planned { column, title: title.to_owned(), prepared, ask, plan_options })
    }

    async fn request(&self, ask: &PlanQuestion) -> Result<Request, String> {
        match ask {
            PlanQuestion::Versions(versions) => {
                let mut all: Option<Request> = None;
                for version in versions {
                    let one = self
                        .workspace
                        .request_version(Verb::Restore, version)
                        .await
                        .map_err(|e| e.to_string())?;
                    match &mut all {
                        Some(all) => all.and(one),
                        None => all = Some(one),
                    }
                }
                all.ok_or_else(|| "nothing was chosen".into())
            }
            // Asked for with its target.
            PlanQuestion::Promote(_) => Err("a promotion has a target".into()),
            PlanQuestion::Undo(run) => {
                let store = self.workspace.store().map_err(|e| e.to_string())?;
                let journal = restore::find_run(store, run).await?;
                restore::undoing(store, &journal).await
            }
        }
    }

    pub(super) async fn work(&self, effect: Effect) {
        match effect {
            Effect::Restore { job, column, approved, payloads, connection_values, keep, stop } => {
                let events = self.progress(job);
                let result = async {
                    let (client, store) = (&self.workspace.environments[column], self.store()?);
                    if !keep.is_empty() {
                        promote::keep_both(
                            &self.workspace,
                            approved.plan(),
                            &keep,
                            &Events::silent(),
                        )
                        .await?;
                    }
                    let context = RunContext {
                        client,
                        store,
                        retry_policy: &self.retry_policy,
                        connection_values: &connection_values,
                        events: &events,
                        stop: &stop,
                    };
                    restore::run(*approved, payloads, context).await.map_err(|e| e.to_string())
                };
                self.restored(job, result.await);
            }
            Effect::Resume { job, column, reopened, undo, stop } => {
                let (events, connection_values) = (self.progress(job), ConnectionValues::default());
                let result = async {
                    let (client, store) = (&self.workspace.environments[column], self.store()?);
                    let context = RunContext {
                        client,
                        store,
                        retry_policy: &self.retry_policy,
                        connection_values: &connection_values,
                        events: &events,
                        stop: &stop,
                    };
                    let ended = if undo {
                        restore::undo(*reopened, context).await
                    } else {
                        restore::continue_run(*reopened, context).await
                    };
                    ended.map_err(|e| e.to_string())
                };
                self.restored(job, result.await);
            }
            Effect::FindRuns { open_only } => {
                let found =
                    async { restore::all_runs(self.store()?).await.map_err(|e| e.to_string()) };
                let found: Result<Vec<Journal>, String> = found.await;
                let drills = found.as_ref().map(|all| drill::last_good_of(all)).unwrap_or_default();
                let waits = |j: &Journal| !open_only || (j.is_open() && !restore::is_alive(j));
                let result = found.map(|all| all.into_iter().filter(waits).collect());
                self.send(Event::Runs { open_only, result, drills });
            }
            Effect::Triage { id, column, integration } => {
                let result = triage::look(&self.workspace.environments[column], &integration).await;
                self.send(Event::Triaged {
                    id,
                    result: result.map(Arc::new).map_err(|e| e.reason()),
                });
            }
            Effect::PlanRecovery { column, integration, recovery, only } => {
                let client = &self.workspace.environments[column];
                let plan =
                    recover::plan(client, &integration, Window::Day, recovery, only.as_deref())
                        .await;
                let result = plan.map(Box::new).map_err(|e| format!("{e} → {}", e.advice()));
                self.send(Event::RecoveryPlanned(result));
            }
            Effect::Recover { job, column, approved } => {
                let (client, store) =
                    (&self.workspace.environments[column], self.workspace.store.as_ref());
                let report =
                    Box::new(recover::run(*approved, client, store, &self.progress(job)).await);
                self.send(Event::Recovered { job, report });
            }
            Effect::LeaveRun(journal) => {
                let run = journal.run.clone();
                let result = async {
                    restore::leave(self.store()?, *journal).await.map_err(|e| e.to_string())
                };
                let result = result.await.map(|()| run);
                self.send(Event::LeftRun(result));
            }
            Effect::Watch { job, column, mut list } => {
                if list.ticks.iter().any(|t| t.note != restore::NOT_YET) {
                    tokio::time::sleep(WATCH).await;
                }
                list.look(&self.workspace.environments[column]).await;
                self.send(Event::Seen { job, list });
            }
            Effect::KeepSecrets { environment, code, secrets } => {
                let work = move || keep_secrets(environment.as_str(), &code, &secrets);
                let result =
                    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(e.to_string()));
                self.send(Event::Stored(result));
            }
            Effect::Fields { column, code, payloads } => {
                let client = &self.workspace.environments[column];
                let result = restore::fields(&self.workspace, client, payloads, &code).await;
                self.send(Event::Fields { code, result });
            }
            _ => {}
        }
    }

    fn store(&self) -> Result<&crate::store::Store, String> {
        self.workspace.store().map_err(|e| e.to_string())
    }

    fn restored(&self, job: usize, result: Result<Journal, String>) {
        self.send(Event::Restored { job, result: result.map(Box::new) });
    }
}

/// Says which lines of the config name them from now on.
fn keep_secrets(
    environment: &str,
    code: &str,
    secrets: &std::collections::BTreeMap<String, secrecy::SecretString>,
) -> Result<String, String> {
    let mut lines = Vec::new();
    for (property, secret) in secrets {
        let name = format!("{environment}/{code}/{property}");
        crate::config::keep_in_keyring(&name, secret).map_err(|e| e.to_string())?;
        lines.push(format!("{property} = {{ keyring = {name:?} }}"));
    }
    Ok(format!("kept; under [environments.{environment}.connections.{code}]: {}", lines.join(", ")))
}
