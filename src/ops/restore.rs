//! Restore, and all that is made of it: bring artifacts to what is wanted, prove it, or put back what was
//! there and prove that (design §7).
//!
//! [`survey`] looks, [`Plan::of`] decides (pure), [`Plan::approve`] lets nothing through that has a blocker or
//! lacks its confirmation, [`run`] does it and writes the journal, [`go_on`] and [`undo`] take up what was cut
//! off. [`prepare`] is the way in for all who ask.

mod back;
mod checklist;
mod checks;
mod decide;
mod fields;
mod hands;
mod journal;
mod note;
mod open;
mod plan;
mod request;
mod rewire;
mod run;
mod smoke;
mod survey;
mod there;
mod work;

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::model::ArtifactKey;
use crate::oic::{Client, ConnectionSettings, OicError};
use crate::store::Store;

pub use checklist::{Checklist, NOT_YET, Tick, TickState, Watch};
pub use fields::fields;
pub use journal::{Journal, Line, Outcome, Proof, Record, Who};
pub use note::incident_note;
pub use open::{Working, all as all_runs, find as find_run, is_alive, leave, open as open_runs, undoing};
pub use plan::{Approved, Check, Item, Plan, Refused, Remedy, Step, StepKind, Way};
pub use request::{Archive, Goal, Request, Verb, Wanted, Wishes};
pub use run::{Cargo, Pace, Reopened, Scene, go_on, run, undo};
pub use survey::{Part, Situation, survey};
pub use there::{Before, Look};

/// Values for connections that a person gave, by code.
pub type Given = BTreeMap<String, ConnectionSettings>;

/// A plan, and the files that it sends.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub plan: Plan,
    pub cargo: Cargo,
}

/// Whether an environment has an artifact.
///
/// # Errors
/// Where the service does not say so.
pub async fn there(client: &Client, key: &ArtifactKey) -> Result<bool, OicError> {
    Ok(there::look(client, key).await?.is_some())
}

/// Looks at the target and decides.
///
/// # Errors
/// Where a list that the plan cannot do without is not readable.
pub async fn prepare(
    client: &Client,
    store: Option<&Store>,
    request: &Request,
    wishes: &Wishes,
) -> Result<Prepared, OicError> {
    let situation = survey(client, store, request, wishes).await?;
    let plan = Plan::of(&situation);
    let bytes_of = |item: &Item| {
        let part = situation.parts.iter().find(|p| p.wanted.key == item.key);
        // What is only activated may be gone when it must be put back.
        let sends =
            matches!(item.way, Way::Import | Way::Replace | Way::Activate) && !item.settled && item.within.is_none();
        part.and_then(|p| p.wanted.archive.as_ref()).filter(|_| sends).map(|a| a.bytes.clone()).unwrap_or_default()
    };
    let cargo: Vec<Bytes> = plan.items.iter().map(bytes_of).collect();
    Ok(Prepared { plan, cargo })
}
