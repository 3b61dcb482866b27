//! Runs of the store, and what is watched after one.

use std::time::Duration;

use super::EffectRunner;
use crate::ops::drill;
use crate::restore::{self, Journal, RunProcess};
use crate::tui::{
    event::{Event, Look, RunsEffect, WhichRuns},
    failure::Failure,
    jobs::JobEvent,
    screen::runs::{RunRow, RunsEvent},
};

/// The pause between two looks at the checklist of a run.
const WATCH: Duration = Duration::from_secs(4);

impl EffectRunner {
    pub(super) async fn runs(&self, effect: RunsEffect) {
        match effect {
            RunsEffect::Find(which) => {
                let found = async { restore::all_runs(self.store()?).await.map_err(Failure::from) };
                let found: Result<Vec<Journal>, Failure> = found.await;
                let drills = found.as_ref().map(|all| drill::last_good_of(all)).unwrap_or_default();
                let result = found.map(|all| rows_of(all, which));
                self.send(Event::Runs(RunsEvent::Found { which, result, drills }));
            }
            RunsEffect::Leave(journal) => {
                let run = journal.run.clone();
                let left =
                    async { restore::leave(self.store()?, *journal).await.map_err(Failure::from) };
                let result: Result<(), Failure> = left.await;
                self.send(Event::Runs(RunsEvent::Left(result.map(|()| run))));
            }
            RunsEffect::Watch { job, environment, mut list, look } => {
                match look {
                    Look::AtOnce => {}
                    Look::AfterPause => tokio::time::sleep(WATCH).await,
                }
                list.look(&self.workspace.environments[environment]).await;
                self.tell_job(job, JobEvent::Watched(list));
            }
        }
    }
}

/// The runs that were asked for. This is the only place that asks the system whether a run is
/// alive.
fn rows_of(journals: Vec<Journal>, which: WhichRuns) -> Vec<RunRow> {
    let row = |journal: Journal| RunRow { process: RunProcess::of(&journal), journal };
    let wanted = |row: &RunRow| match which {
        WhichRuns::All => true,
        WhichRuns::Waiting => row.waits(),
    };
    journals.into_iter().map(row).filter(wanted).collect()
}
