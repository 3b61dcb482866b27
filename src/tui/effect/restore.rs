//! Plans made and carried out, and values for connections.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::EffectRunner;
use crate::model::{ConnectionName, EnvironmentIndex};
use crate::ops::{promote, run_plan};
use crate::restore::{self, ConnectionValues, Journal, PlanOptions, Request, RunContext, Verb};
use crate::tui::{
    event::{PlanQuestion, Planned, RestoreEffect, ScreenEvent},
    failure::Failure,
    jobs::JobEvent,
    screen::{connection_form::FormEvent, waiting::WaitingEvent},
};
use crate::workspace::events::{Events, StopSignal};

impl EffectRunner {
    pub(super) async fn restore(&self, effect: RestoreEffect) {
        match effect {
            RestoreEffect::Plan { id, environment, title, question, options } => {
                let result = self.plan(environment, title, question, options).await.map(Box::new);
                self.tell(id, ScreenEvent::Waiting(WaitingEvent::Planned(result)));
            }
            RestoreEffect::Fields { id, environment, name, payloads } => {
                let client = &self.workspace.environments[environment];
                let result = restore::fields(&self.workspace, client, payloads, &name)
                    .await
                    .map_err(Failure::from);
                self.tell(id, ScreenEvent::Form(FormEvent::Fields(result)));
            }
            RestoreEffect::KeepSecrets { environment, name, secrets } => {
                let work = move || keep_secrets(environment.as_str(), &name, &secrets);
                let result = tokio::task::spawn_blocking(work).await;
                let result = result.unwrap_or_else(|e| Err(e.into()));
                self.send(crate::tui::event::Event::Done(result));
            }
            RestoreEffect::Run {
                job,
                environment,
                approved,
                payloads,
                connection_values,
                stop,
            } => {
                let events = self.progress(job);
                let result = async {
                    let context = self.context(environment, &connection_values, &events, &stop)?;
                    let ended =
                        run_plan::run_plan(&self.workspace, *approved, payloads, context).await;
                    ended.map_err(Failure::from)
                };
                let result: Result<Journal, Failure> = result.await;
                self.tell_job(job, JobEvent::Restored(result.map(Box::new)));
            }
            RestoreEffect::Resume { job, environment, reopened, how, stop } => {
                let (events, values) = (self.progress(job), ConnectionValues::default());
                let result = async {
                    let context = self.context(environment, &values, &events, &stop)?;
                    let ended = run_plan::take_up(*reopened, how, context).await;
                    ended.map(|(journal, _)| journal).map_err(Failure::from)
                };
                let result: Result<Journal, Failure> = result.await;
                self.tell_job(job, JobEvent::Restored(result.map(Box::new)));
            }
        }
    }

    fn context<'a>(
        &'a self,
        environment: EnvironmentIndex,
        connection_values: &'a ConnectionValues,
        events: &'a Events,
        stop: &'a StopSignal,
    ) -> Result<RunContext<'a>, Failure> {
        Ok(RunContext {
            client: &self.workspace.environments[environment],
            store: self.store()?,
            retry_policy: &self.retry_policy,
            connection_values,
            events,
            stop,
        })
    }

    async fn plan(
        &self,
        environment: EnvironmentIndex,
        title: String,
        question: PlanQuestion,
        options: PlanOptions,
    ) -> Result<Planned, Failure> {
        let client = &self.workspace.environments[environment];
        let request = self.request(environment, &question).await?;
        let store = self.workspace.store.as_ref();
        let prepared = restore::prepare(client, store, &request, &options).await;
        let prepared = prepared.map_err(Failure::with_advice)?;
        Ok(Planned { environment, title, prepared, question, options })
    }

    async fn request(
        &self,
        environment: EnvironmentIndex,
        question: &PlanQuestion,
    ) -> Result<Request, Failure> {
        match question {
            PlanQuestion::Promote(references) => {
                let target = self.workspace.environments[environment].name();
                let request = promote::request(&self.workspace, references, target, None).await;
                request.map_err(Failure::from)
            }
            PlanQuestion::Move(references, into) => {
                let here = self.workspace.environments[environment].name();
                let request = promote::request(&self.workspace, references, here, Some(into)).await;
                request.map_err(Failure::from)
            }
            PlanQuestion::Versions(versions) => {
                let mut all: Option<Request> = None;
                for version in versions {
                    let one = self.workspace.request_version(Verb::Restore, version).await;
                    let one = one?;
                    match &mut all {
                        Some(all) => all.and(one),
                        None => all = Some(one),
                    }
                }
                all.ok_or_else(|| Failure::new("nothing was chosen"))
            }
            PlanQuestion::Undo(run) => {
                let store = self.store()?;
                let journal = restore::find_run(store, run.as_str()).await?;
                Ok(restore::undoing(store, &journal).await?)
            }
        }
    }
}

/// Puts secrets in the keyring, and says which lines of the config name them.
fn keep_secrets(
    environment: &str,
    connection: &ConnectionName,
    secrets: &BTreeMap<String, SecretString>,
) -> Result<String, Failure> {
    let mut lines = Vec::new();
    for (property, secret) in secrets {
        let name = format!("{environment}/{connection}/{property}");
        crate::config::keep_in_keyring(&name, secret)?;
        lines.push(format!("{property} = {{ keyring = {name:?} }}"));
    }
    // A key with a slash stands in quotes.
    let key = match connection.scope.is_global() {
        true => connection.code.clone(),
        false => format!("{:?}", connection.with_scope()),
    };
    Ok(format!("kept; under [environments.{environment}.connections.{key}]: {}", lines.join(", ")))
}
