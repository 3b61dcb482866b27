//! Plain data that every other module speaks: names, ids, statuses, findings. No I/O here.

mod artifact;
mod environment;
mod finding;
mod fingerprint;
mod record;
mod reference;
mod runs;
mod snapshot;
mod text;
mod time;

pub use artifact::{IntegrationId, Kind, ParseIdError, Status, Version, version_text};
pub use environment::{EnvironmentName, ParseNameError};
pub use finding::{Finding, Level};
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use record::Record;
pub use reference::{ParseReferenceError, Reference, StorePick};
pub use runs::{RunCounts, ScheduleState};
pub use snapshot::{
    ArtifactKey, Entry, Failure, Manifest, NoSnapshot, Purpose, Skipped, SnapshotId, SnapshotName, Unseen,
};
pub use text::{path_segment, plural, thousands, visible};
pub use time::{age, age_between, ago, clock_time, days_until, parse_service_time, short_date, stamp};
