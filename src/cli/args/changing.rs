//! What the commands that change an environment may say.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::{
    Args,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser},
};

use crate::model::{
    ArtifactKey, EnvironmentName, IntegrationId, Kind, Reference, Scope, SnapshotName,
};
use crate::restore::{ConnectionValues, PlanOptions, Remedy, Request, RestorePlan, ScheduleChoice};

#[derive(Debug, Args)]
pub struct RestoreOptions {
    /// What to restore: store:prod/CODE, store:prod/CODE~1, store:prod/lookups/NAME,
    /// prod:CODE@01.02.0003, or a file. Of several, either all are restored or none
    #[arg(value_name = "REF", required_unless_present = "snapshot", conflicts_with = "snapshot")]
    pub references: Vec<Reference>,
    /// Restore everything in a snapshot, each artifact for itself: ENV for the newest snapshot, or
    /// ENV@LABEL for the one with this id, tag or --before text
    #[arg(long, value_name = "SNAPSHOT")]
    pub snapshot: Option<SnapshotName>,
    /// With --snapshot: only this kind, as `oicx list --kind`; may be given several times
    #[arg(long = "kind", value_name = "K", conflicts_with = "references", requires = "snapshot")]
    pub kinds: Vec<Kind>,
    /// With --snapshot: only what matches, as / in the explorer
    #[arg(long, value_name = "Q", conflicts_with = "references", requires = "snapshot")]
    pub filter: Option<String>,
    /// The environment to change
    #[arg(long, value_name = "ENV")]
    pub to: EnvironmentName,
    /// Into this project, or `global` for the global space, instead of the scope that it is from
    #[arg(long, value_name = "PROJECT", conflicts_with = "snapshot", value_parser = scope_parser())]
    pub into: Option<Scope>,
    #[command(flatten)]
    pub along: AlongOptions,
    #[command(flatten)]
    pub decided: DecisionOptions,
    /// With --snapshot: leave out what something forbids, and restore the others
    #[arg(long, conflicts_with = "references", requires = "snapshot")]
    pub skip_blocked: bool,
    #[command(flatten)]
    pub by_hand: ByHandOptions,
    #[command(flatten)]
    pub consent: ConsentOptions,
}

/// What a person decides of a plan: each is a remedy that a finding may offer.
#[derive(Debug, Clone, Args)]
pub struct DecisionOptions {
    /// Whether schedules run at the end, and the values of their parameters: as they are there, as
    /// the snapshot has them (its times, too), or stopped
    #[arg(long, value_name = "WHICH", default_value = "keep", value_parser = schedule_parser())]
    pub schedule: ScheduleChoice,
    /// Delete a project that was changed, and import it again: all that is in it stops meanwhile
    #[arg(long)]
    pub rebuild: bool,
    /// Deactivate this one first, as CODE|VERSION, to make room at the activation limit
    #[arg(long, value_name = "ID")]
    pub deactivate: Vec<IntegrationId>,
}

impl DecisionOptions {
    /// The options of the plan for a request.
    pub fn plan_options(&self, request: &Request) -> PlanOptions {
        let projects = request.wanted.iter().filter(|w| w.key.kind == Kind::Project);
        let projects = projects.filter(|_| self.rebuild);
        PlanOptions {
            // What comes along and what is left out is decided by what the plan offers.
            along: BTreeSet::new(),
            leave_out: BTreeMap::new(),
            connection_values: ConnectionValues::default(),
            rebuild: projects.map(|w| w.key.code.as_str().into()).collect(),
            deactivate: self.deactivate.iter().cloned().collect(),
            schedule: self.schedule,
        }
    }
}

/// What is done where the steps are a person's.
#[derive(Debug, Clone, Args)]
pub struct ByHandOptions {
    /// Write the project's archive to this folder, for who imports it in the console: where the
    /// service has no call for it, or a whole project is not to be imported by oicx, which then
    /// only prints the plan
    #[arg(long = "by-hand", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// Reads the scope that `--into` names.
fn scope_parser() -> impl TypedValueParser<Value = Scope> {
    NonEmptyStringValueParser::new().map(|text| Scope::named(&text))
}

/// Reads the choice of `--schedule`.
fn schedule_parser() -> impl TypedValueParser<Value = ScheduleChoice> {
    let all = [ScheduleChoice::Keep, ScheduleChoice::Stored, ScheduleChoice::Stopped];
    PossibleValuesParser::new(all.map(ScheduleChoice::label))
        .map(move |word| all.into_iter().find(|choice| choice.label() == word).unwrap_or_default())
}

/// How a plan is allowed.
#[derive(Debug, Clone, Args)]
pub struct ConsentOptions {
    /// Print the plan and change nothing
    #[arg(long)]
    pub plan: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// The name of a protected environment, instead of typing it when asked
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

#[derive(Debug, Args)]
pub struct PromoteOptions {
    /// What to move: test:CODE, test:CODE@01.02.0003, test:lookups/NAME, or from the store. Of
    /// several, either all are moved or none
    #[arg(value_name = "REF", required = true)]
    pub references: Vec<Reference>,
    /// The environment to change
    #[arg(long, value_name = "ENV")]
    pub to: EnvironmentName,
    /// Into this project, or `global` for the global space, instead of the scope that it is from
    #[arg(long, value_name = "PROJECT", value_parser = scope_parser())]
    pub into: Option<Scope>,
    #[command(flatten)]
    pub along: AlongOptions,
    #[command(flatten)]
    pub decided: DecisionOptions,
    #[command(flatten)]
    pub by_hand: ByHandOptions,
    #[command(flatten)]
    pub consent: ConsentOptions,
}

#[derive(Debug, Args)]
pub struct DrillOptions {
    /// The snapshot to restore: ENV for the newest, or ENV@LABEL
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: SnapshotName,
    /// The environment to rehearse in
    #[arg(long = "in", value_name = "ENV")]
    pub target: EnvironmentName,
    /// Only N integrations, and what they need
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Prefix for lookups and libraries whose own name is taken
    #[arg(long, value_name = "TEXT", default_value = "DRILL_")]
    pub prefix: String,
    /// Import and prove only
    #[arg(long)]
    pub no_activate: bool,
    /// Also write the report to this file, as Markdown
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub consent: ConsentOptions,
}

#[derive(Debug, Args)]
pub struct RollbackOptions {
    /// The run, or the beginning of its id
    #[arg(value_name = "RUN")]
    pub run: String,
    #[command(flatten)]
    pub consent: ConsentOptions,
}

#[derive(Debug, Args)]
pub struct ResumeOptions {
    /// The run, or the beginning of its id; without one, the open runs are listed
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Undo it: put back what was there before
    #[arg(long, conflicts_with = "leave")]
    pub undo: bool,
    /// Leave everything as it is now, and close the run
    #[arg(long)]
    pub leave: bool,
    #[command(flatten)]
    pub consent: ConsentOptions,
}

/// Which dependencies come along.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct AlongOptions {
    /// Also bring child integrations that are missing, or other ones than were called, and in the
    /// store
    #[arg(long)]
    pub with_children: bool,
    /// Also bring the lookups that have other rows on the environment
    #[arg(long)]
    pub with_lookups: bool,
    /// Also bring the libraries that are others on the environment, and in the store
    #[arg(long)]
    pub with_libraries: bool,
}

impl AlongOptions {
    /// What a plan offers and these options take.
    pub fn taken(self, plan: &RestorePlan) -> Vec<ArtifactKey> {
        let wanted = |key: &ArtifactKey| match key.kind {
            Kind::Lookup => self.with_lookups,
            Kind::Library => self.with_libraries,
            Kind::Integration => self.with_children,
            // Nothing else comes along by an option.
            _ => false,
        };
        let offered = plan.checks.iter().filter_map(|c| match &c.remedy {
            Some(Remedy::Along(key)) => Some(key.clone()),
            _ => None,
        });
        offered.filter(wanted).collect()
    }
}
