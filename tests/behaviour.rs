//! What oicx does, one module a behaviour, on the real simulator, real files and the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alike;
mod archives;
mod backup;
mod cli;
mod client;
mod documents;
mod explorer;
mod fuzzed;
mod help;
mod hostile;
mod instance_export;
mod killed;
mod kinds;
mod matrix;
mod old_journals;
mod plans;
mod pressure;
mod project_input;
mod project_page;
mod project_restore;
mod projects;
mod readable;
mod reliable;
mod restore;
mod runs;
mod screens;
mod settling;
mod sign_in;
mod store;
mod support;
mod terminal;
mod transcripts;
mod unanswered;
mod understand;
mod ways;
