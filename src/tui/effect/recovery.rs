//! Failed instances of an integration: looked at, sent again, given up.

use std::sync::Arc;

use super::EffectRunner;
use crate::oic::Window;
use crate::ops::{recover, triage};
use crate::tui::{
    event::{RecoveryEffect, ScreenEvent},
    failure::Failure,
    jobs::JobEvent,
    screen::recover::RecoverEvent,
};

impl EffectRunner {
    pub(super) async fn recovery(&self, effect: RecoveryEffect) {
        match effect {
            RecoveryEffect::Triage { id, environment, integration, answer } => {
                let client = &self.workspace.environments[environment];
                let result = triage::look(client, &integration).await;
                self.tell(id, answer(result.map(Arc::new).map_err(Failure::short)));
            }
            RecoveryEffect::Plan { id, environment, integration, recovery, only } => {
                let client = &self.workspace.environments[environment];
                let only = only.as_deref();
                let of = (client, self.workspace.store.as_ref());
                let plan = recover::plan(of, &integration, Window::Day, recovery, only).await;
                let result = plan.map(Box::new).map_err(Failure::with_advice);
                self.tell(id, ScreenEvent::Recover(RecoverEvent::Planned(result)));
            }
            RecoveryEffect::Run { job, environment, approved } => {
                let client = &self.workspace.environments[environment];
                let store = self.workspace.store.as_ref();
                let report = recover::run(*approved, client, store, &self.progress(job)).await;
                self.tell_job(job, JobEvent::Recovered(Box::new(report)));
            }
        }
    }
}
