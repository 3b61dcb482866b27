//! The REST client of one environment (oic-rest-api.md): sign-in, limits, retries and paging in
//! [`Client`], then one file a resource.

mod audit;
mod auth;
mod catalog;
mod changes;
mod client;
mod connections;
mod error;
mod integrations;
mod monitoring;
mod paging;
mod redirect;
mod runs;
mod schedule;
mod wire;

pub use audit::AuditRecord;
pub use catalog::Listed;
pub use changes::ConnectionSettings;
pub use client::{Client, Tuning};
pub use connections::{Connection, ConnectionFields, ConnectionTest, Field};
pub use error::{ErrorKind, OicError};
pub use integrations::{ActivationState, Integration};
pub use monitoring::Window;
pub use runs::{Recovery, Run, RunError, RunStatus};
