//! The REST client of one environment (oic-rest-api.md): sign-in, limits, retries and paging in
//! [`Client`], then one file a resource.

mod auth;
mod client;
mod connections;
mod error;
mod integrations;
mod lookups;
mod monitoring;
mod paging;
mod redirect;
mod schedule;
mod wire;

pub use client::{Client, Tuning};
pub use connections::{Connection, ConnectionTest};
pub use error::{ErrorKind, OicError};
pub use integrations::{ActivationState, Integration};
pub use lookups::Lookup;
pub use monitoring::Window;
