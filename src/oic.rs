//! The REST client of one environment (oic-rest-api.md): sign-in, limits, retries and paging in
//! [`Client`], then one file a resource.

mod audit;
mod auth;
mod catalog;
mod client;
mod connections;
mod error;
mod integrations;
mod monitoring;
mod paging;
mod redirect;
mod schedule;
mod wire;

pub use audit::AuditRecord;
pub use catalog::Listed;
pub use client::{Client, Tuning};
pub use connections::{Connection, ConnectionTest};
pub use error::{ErrorKind, OicError};
pub use integrations::{ActivationState, Integration};
pub use monitoring::Window;
