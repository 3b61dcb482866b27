//! The REST client of one environment (docs/oic-rest-api.md): sign-in, limits, retries and paging
//! in [`Client`], then one file for each resource.

mod answer_headers;
mod at_rest;
mod audit;
mod auth;
mod capabilities;
mod catalog;
mod client;
mod connections;
mod error;
mod instance_archive;
mod instances;
mod integrations;
mod json_answers;
mod kinds;
mod login;
mod monitoring;
mod mutations;
mod paging;
mod pending_calls;
mod projects;
mod refusal;
mod request_spec;
mod schedule;
mod scopes;
mod token_file;
mod wire;

pub use at_rest::{NotAtRest, RestState, UNANSWERED, WaitLimits, is_at_rest, wait_until_at_rest};
pub use audit::AuditRecord;
pub use catalog::{Catalogs, ListedArtifact, access_description, schedule_description};
pub use client::{Client, Recording, Tuning};
pub use connections::{
    AttachmentUpload, ConnectionDetails, ConnectionField, ConnectionFields, ConnectionTest,
    ListedConnection,
};
pub use error::{ErrorKind, OicError};
pub use instance_archive::InstanceExportOrder;
pub use instances::{Instance, InstanceError, InstanceStatus, MOST_LISTED, Recovery};
pub use integrations::{ActivationState, ListedIntegration};
pub use login::{LONGEST_WAIT as LONGEST_LOGIN, Login, LoginError, LoginFile};
pub use monitoring::{InstanceTally, Twin, Window};
pub use mutations::ConnectionSettings;
pub use pending_calls::{Silence, TOLD_AFTER};
pub use projects::ListedDeployment;
pub use refusal::Refusal;
pub use schedule::{describe_times, same_times, schedule_state};
pub use scopes::IntegrationsEverywhere;
