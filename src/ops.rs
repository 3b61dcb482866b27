//! What the product does, one file for each verb. A verb plans (pure, printable), runs, and reports
//! through events; everything that asks or draws stays outside.

pub mod backup;
pub mod compare;
pub mod copy;
pub mod deps;
pub mod docs;
pub mod doctor;
pub mod drift;
pub mod drill;
pub mod git;
pub mod grep;
pub mod history;
pub mod import;
pub mod inspect;
pub mod instance_export;
pub mod matrix;
pub mod move_scope;
pub mod project;
pub mod promote;
pub mod prune;
pub mod readable;
pub mod recover;
pub mod request_builder;
pub mod run_plan;
pub mod snapshot_changes;
pub mod summary;
pub mod transcript;
pub mod triage;
pub mod verify;
