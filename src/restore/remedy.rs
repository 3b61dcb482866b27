//! Remedies: what makes a finding of a plan go away. Everything that a remedy is stands here: its
//! words, the option of the command line that applies it, and what it adds to the next plan.

use serde::{Deserialize, Serialize};

use super::request::{PlanOptions, ScheduleChoice};
use crate::model::{
    ArtifactKey, ConnectionName, IntegrationId, Kind, ProjectCode, project_file_name,
};

/// What makes a finding go away. A new plan is made with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Restore this artifact first: the store has it.
    Along(ArtifactKey),
    /// Ask for the values of this connection.
    Configure(ConnectionName),
    /// Deactivate this integration to make room at the activation limit.
    Deactivate(IntegrationId),
    /// Delete this project and import it again.
    Rebuild(ProjectCode),
    /// Let schedules stand like this at the end.
    Schedule(ScheduleChoice),
    /// Write the archive of this project to a file, for what a person does in the console.
    WriteOut(ProjectCode),
}

/// What is done with a remedy that a person takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemedyTaken<'a> {
    /// The plan is made again, with the options as they are now.
    Plan,
    /// A person gives the values of this connection first.
    Ask(&'a ConnectionName),
    /// The files of the plan's steps by hand are written out.
    Write,
}

impl Remedy {
    /// What it does, for a person who is offered it: `restores CHILD first`.
    pub fn describe(&self) -> String {
        match self {
            Self::Along(key) => format!("restores {key} first"),
            Self::Configure(name) => format!("asks for the values of {name}"),
            Self::Deactivate(id) => format!("deactivates {id} first"),
            Self::Rebuild(code) => format!("plans to delete {code} and import it again"),
            Self::Schedule(ScheduleChoice::Keep) => "keeps the schedule as it is there".into(),
            Self::Schedule(ScheduleChoice::Stored) => "takes the stored schedule".into(),
            Self::Schedule(ScheduleChoice::Stopped) => "leaves the schedule stopped".into(),
            Self::WriteOut(code) => {
                format!("writes {} to this folder", project_file_name(code.as_str()))
            }
        }
    }

    /// The option of `oicx restore` that applies it: `--deactivate 'OLD|01.00.0000'`; none where
    /// only the explorer can, which asks for values.
    pub fn option(&self) -> Option<String> {
        match self {
            Self::Along(key) if key.kind == Kind::Lookup => Some("--with-lookups".into()),
            Self::Along(key) if key.kind == Kind::Library => Some("--with-libraries".into()),
            Self::Along(key) if key.kind == Kind::Integration => Some("--with-children".into()),
            Self::Along(_) => None,
            Self::Deactivate(id) => Some(format!("--deactivate '{id}'")),
            Self::Rebuild(_) => Some("--rebuild".into()),
            Self::Schedule(choice) => Some(format!("--schedule {}", choice.label())),
            Self::WriteOut(_) => Some("--by-hand FOLDER".into()),
            Self::Configure(_) => None,
        }
    }
}

impl PlanOptions {
    /// Takes a remedy up, so that the next plan is made with it, and says what is to be done first.
    pub fn take<'a>(&mut self, remedy: &'a Remedy) -> RemedyTaken<'a> {
        match remedy {
            Remedy::Configure(name) => return RemedyTaken::Ask(name),
            Remedy::WriteOut(_) => return RemedyTaken::Write,
            Remedy::Along(key) => drop(self.along.insert(key.clone())),
            Remedy::Deactivate(id) => drop(self.deactivate.insert(id.clone())),
            Remedy::Rebuild(code) => drop(self.rebuild.insert(code.clone())),
            Remedy::Schedule(choice) => self.schedule = *choice,
        }
        RemedyTaken::Plan
    }
}
