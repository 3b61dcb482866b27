//! Does on tokio what the update asked for, and sends back what came of it.

mod read;
mod work;

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::event::{Effect, Event, LoadFailure};
use crate::ops::backup::{self, BackupSelection};
use crate::restore::RetryPolicy;
use crate::search::Query;
use crate::workspace::{
    Workspace, events::Events, fingerprint_cache::FingerprintCache, listing, listing_cache,
};

/// Runs effects. Events come back through the channel, in whatever order they end.
#[derive(Debug, Clone)]
pub struct Runner {
    pub workspace: Workspace,
    pub fingerprint_cache: FingerprintCache,
    pub retry_policy: RetryPolicy,
    pub events: UnboundedSender<Event>,
}

impl Runner {
    /// Starts an effect. [`Effect::Suspend`] is the terminal's own and is not done here.
    pub fn run(&self, effect: Effect) {
        let this = self.clone();
        match effect {
            Effect::Suspend | Effect::Copy(_) | Effect::Page { .. } => {}
            Effect::Load(column) => {
                tokio::spawn(async move { this.load(column).await });
            }
            Effect::LoadStore => {
                tokio::spawn(async move {
                    let result =
                        this.workspace.index().await.map(Arc::new).map_err(|e| e.to_string());
                    this.send(Event::StoreLoaded(result));
                });
            }
            Effect::Settle { column, id, updated } => {
                tokio::spawn(async move {
                    let client = &this.workspace.environments[column];
                    let result = this.fingerprint_cache.find_out(client, &id, updated).await;
                    this.send(Event::Settled { column, id, result });
                });
            }
            Effect::Rank { generation, typed, rows } => {
                tokio::task::spawn_blocking(move || {
                    let hits = Query::new(&typed).hits(&rows);
                    this.send(Event::Ranked { generation, hits });
                });
            }
            Effect::Survey { column, title, ask, plan_options } => {
                tokio::spawn(async move {
                    let result = this.survey(column, &title, ask, plan_options).await.map(Box::new);
                    this.send(Event::Planned { title, result });
                });
            }
            Effect::Backup { job, column, scope, cancel } => {
                tokio::spawn(async move {
                    let events = this.progress(job);
                    let result = this.backup(column, scope, &events, &cancel).await;
                    this.send(Event::BackedUp { job, result });
                });
            }
            effect @ (Effect::Open { .. }
            | Effect::Examine { .. }
            | Effect::Graph { .. }
            | Effect::Compare { .. }
            | Effect::Lines { .. }
            | Effect::Text { .. }
            | Effect::Steps { .. }
            | Effect::Audit { .. }
            | Effect::Differ { .. }
            | Effect::Find { .. }
            | Effect::Write { .. }) => {
                tokio::spawn(async move { this.read(effect).await });
            }
            effect @ (Effect::Restore { .. }
            | Effect::Resume { .. }
            | Effect::FindRuns { .. }
            | Effect::LeaveRun(_)
            | Effect::Watch { .. }
            | Effect::KeepSecrets { .. }
            | Effect::Triage { .. }
            | Effect::PlanRecovery { .. }
            | Effect::Recover { .. }
            | Effect::Fields { .. }) => {
                tokio::spawn(async move { this.work(effect).await });
            }
        }
    }

    /// Nobody listening means that the program ends.
    fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// A channel whose news come back as events of this job.
    fn progress(&self, job: usize) -> Events {
        let (events, mut news) = Events::channel();
        let sender = self.events.clone();
        tokio::spawn(async move {
            while let Some(progress) = news.recv().await {
                let _ = sender.send(Event::Progress { job, progress });
            }
        });
        events
    }

    async fn load(&self, column: usize) {
        let client = &self.workspace.environments[column];
        let result = listing::read(client).await;
        if let (Ok(listing), Some(folder)) = (&result, &self.workspace.cache) {
            listing_cache::save(folder, client.environment(), listing);
        }
        let result = result
            .map_err(|e| LoadFailure {
                reason: e.reason(), text: format!("{e} → {}", e.advice())
            });
        self.send(Event::Loaded { column, result });
    }

    async fn backup(
        &self,
        column: usize,
        scope: BackupSelection,
        events: &Events,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<backup::BackupOutcome, String> {
        let client = &self.workspace.environments[column];
        let store = self.workspace.store().map_err(|e| e.to_string())?;
        let index = store.index().await.map_err(|e| e.to_string())?;
        let plan = backup::plan(client, store, &index, &scope).await.map_err(|e| e.to_string())?;
        backup::run(client, store, &index, plan, events, cancel).await.map_err(|e| e.to_string())
    }
}
