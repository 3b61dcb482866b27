//! A simulator of the OIC REST API on loopback, for the demo, the tests and anybody's
//! scripts.
//!
//! It speaks what docs/oic-rest-api.md says, so a script written for the real service works against
//! it.

pub mod archive;
mod breakable_listener;
mod faults;
pub mod landscape;
mod replay;
mod routes;
mod server;
mod state;

pub use faults::{Fault, FaultError};
pub use landscape::{Landscape, LookupSpec, Manners, When};
pub use replay::Replay;
pub use server::{InstanceAddress, ServerOptions, Simulator, StartError};
pub use state::{ArchiveBody, ImportAs, ServiceInstance};
