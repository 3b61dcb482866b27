//! Plain data that every other module speaks: names, ids, statuses, findings. No I/O here.

mod access;
mod answer;
mod approval;
mod artifact;
mod connection_name;
mod description;
mod environment;
mod finding;
mod fingerprint;
mod instance_export;
mod instances;
mod known_secrets;
mod part;
mod project;
mod reference;
mod run_id;
mod snapshot;
mod state;
mod text;
mod time;
mod transcript;

pub use access::{AccessList, Grant};
pub use answer::Answer;
pub use approval::PlanRefused;
pub use artifact::{
    IntegrationId, Kind, ParseIdError, ParseKindError, Status, Version, plain_file_name,
    project_file_name, version_text,
};
pub use connection_name::ConnectionName;
pub use description::{AttachedFile, Description, FileContent, lasting};
pub use environment::{EnvironmentName, ParseNameError};
pub use finding::{Finding, Level};
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use instance_export::InstanceExport;
pub use instances::{InstanceCounts, ScheduleParameters, ScheduleState};
pub use known_secrets::{DOTS, remember_secret, without_secrets};
pub use part::FilePart;
pub use project::{HIDDEN_PROJECT, ProjectCode, Scope};
pub use reference::{ParseReferenceError, Reference, StorePick, Target};
pub use run_id::{EnvironmentIndex, ItemIndex, RunId, StepIndex};
pub use snapshot::{
    ArtifactKey, ArtifactName, CoverageGap, ExportFailure, ListState, Manifest, ManifestEntry,
    NoSnapshot, Purpose, SkippedArtifact, SnapshotId, SnapshotName, UnlistedKind, Visibility,
};
pub use state::{ArtifactState, precedence};
pub use text::{
    capitalized, markdown, path_segment, plural, segment_name, thousands, visible, visible_lines,
};
pub use time::{
    EXPIRES_SOON_DAYS, age, age_between, ago, ago_between, clock_time, clock_with_seconds,
    days_until, parse_service_time, short_date, stamp,
};
pub use transcript::{Exchange, RecordedBody, Transcript, TranscriptError, TranscriptHead};
