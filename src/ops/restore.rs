//! Restore: put a version back, prove that it runs, or put back what was there and prove that (design §7).
//!
//! [`survey`] looks, [`Plan::of`] decides (pure), [`Plan::approve`] lets nothing through that has a blocker or
//! lacks its confirmation, [`run`] does it and writes the journal.

mod hands;
mod journal;
mod plan;
mod run;
mod survey;

pub use journal::{Journal, Outcome, Proof};
pub use plan::{Approved, Plan, Refused, Step, StepKind, Way};
pub use run::{Pace, run};
pub use survey::{Before, Situation, survey};
