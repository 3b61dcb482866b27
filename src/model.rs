//! Plain data that every other module speaks: names, ids, statuses, findings. No I/O here.

mod artifact;
mod environment;
mod finding;
mod fingerprint;
mod reference;
mod runs;
mod snapshot;
mod text;
mod time;

pub use artifact::{IntegrationId, Kind, ParseIdError, Status, Version};
pub use environment::{EnvironmentName, ParseNameError};
pub use finding::{Finding, Level};
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use reference::{ParseReferenceError, Reference, StorePick};
pub use runs::{RunCounts, ScheduleState};
pub use snapshot::{Entry, Failure, Manifest, Purpose, Skipped, SnapshotId};
pub use text::{path_segment, plural, thousands, visible};
pub use time::{age, age_between, ago, clock_time, parse_service_time, short_date, stamp};
