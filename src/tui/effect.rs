//! Runs on tokio the effects that the update asked for, and sends their results back as events.
//! Computing is done off the runtime's threads.

mod archive;
mod matrix;
mod recovery;
mod restore;
mod runs;

use std::{path::PathBuf, time::Duration};

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{
    StoreFilling,
    event::{Effect, Event, MatrixEffect, ScreenEvent},
    failure::Failure,
    jobs::{JobEvent, JobId},
    screen::ScreenId,
};
use crate::model::EnvironmentIndex;
use crate::oic::TOLD_AFTER;
use crate::ops::backup::{self, BackupOutcome, BackupSelection};
use crate::restore::RetryPolicy;
use crate::store::Store;
use crate::workspace::{Workspace, events::Events, fingerprint_cache::FingerprintCache};

/// Runs effects. Events come back through the channel, in whatever order they end.
#[derive(Debug, Clone)]
pub struct EffectRunner {
    pub workspace: Workspace,
    pub fingerprint_cache: FingerprintCache,
    pub retry_policy: RetryPolicy,
    pub events: UnboundedSender<Event>,
    /// Ends when the store may be read.
    pub filling: Option<StoreFilling>,
    /// Where files are written to; empty: where the program was started.
    pub folder: PathBuf,
}

impl EffectRunner {
    /// Starts an effect. Effects of the terminal are not done here.
    pub fn run(&self, effect: Effect) {
        let this = self.clone();
        tokio::spawn(async move {
            if let Some(filling) = this.filling.clone().filter(|_| reads_store(&effect)) {
                // Who loads the store tells where this failed.
                let _ = filling.await;
            }
            match effect {
                Effect::Matrix(effect) => this.matrix(effect).await,
                Effect::Archive { id, effect } => this.archive(id, effect).await,
                Effect::Restore(effect) => this.restore(effect).await,
                Effect::Runs(effect) => this.runs(effect).await,
                Effect::Recovery(effect) => this.recovery(effect).await,
                Effect::Backup { job, environment, selection, cancel } => {
                    let result = this.backup(job, environment, selection, &cancel).await;
                    this.tell_job(job, JobEvent::BackedUp(result));
                }
                Effect::Write { name, bytes } => this.write(name, bytes).await,
                Effect::Terminal(_) => {}
            }
        });
    }

    /// Tells each second of environments that have not answered a call for a while.
    pub fn watch_silences(&self) {
        let this = self.clone();
        tokio::spawn(async move {
            let mut told = Vec::new();
            while !this.events.is_closed() {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let clients = this.workspace.environments.iter();
                let silences: Vec<_> = clients.filter_map(|c| c.silence(TOLD_AFTER)).collect();
                if silences != told {
                    this.send(Event::Silences(silences.clone()));
                    told = silences;
                }
            }
        });
    }

    /// Sends an event; it is lost where nobody listens, since the program ends then.
    fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }

    fn tell(&self, id: ScreenId, event: ScreenEvent) {
        self.send(Event::Screen { id, event });
    }

    fn tell_job(&self, job: JobId, event: JobEvent) {
        self.send(Event::Job { job, event });
    }

    fn store(&self) -> Result<&Store, Failure> {
        self.workspace.store().map_err(Failure::from)
    }

    /// A channel whose news come back as events of this job.
    fn progress(&self, job: JobId) -> Events {
        let (events, mut news) = Events::channel();
        let sender = self.events.clone();
        tokio::spawn(async move {
            while let Some(progress) = news.recv().await {
                let _ = sender.send(Event::Job { job, event: JobEvent::Progress(progress) });
            }
        });
        events
    }

    async fn backup(
        &self,
        job: JobId,
        environment: EnvironmentIndex,
        selection: BackupSelection,
        cancel: &CancellationToken,
    ) -> Result<BackupOutcome, Failure> {
        let client = &self.workspace.environments[environment];
        let (store, events) = (self.store()?, self.progress(job));
        let index = store.index().await?;
        let taken = backup::take(client, store, &index, &selection, &events, cancel).await;
        taken.map_err(Failure::from)
    }

    async fn write(&self, name: String, bytes: Vec<u8>) {
        let path = self.folder.join(&name);
        let work = move || {
            let written = crate::files::write_beside(&path, &bytes);
            written.map_err(|e| Failure::new(format!("{name} cannot be written: {e}")))
        };
        let result = tokio::task::spawn_blocking(work).await;
        let result = result.unwrap_or_else(|e| Err(e.into()));
        self.send(Event::Done(result.map(|path| format!("written to {}", path.display()))));
    }
}

/// Whether an effect may read the store, and so waits until it is filled.
fn reads_store(effect: &Effect) -> bool {
    use MatrixEffect::{Fingerprint, Load, Rank};
    match effect {
        Effect::Matrix(Load(_) | Rank { .. } | Fingerprint { .. }) => false,
        Effect::Write { .. } | Effect::Terminal(_) => false,
        Effect::Matrix(_) | Effect::Archive { .. } | Effect::Restore(_) => true,
        Effect::Runs(_) | Effect::Recovery(_) | Effect::Backup { .. } => true,
    }
}
