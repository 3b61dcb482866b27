//! What the command line may say. The doc comments are the help.

#![allow(rustdoc::broken_intra_doc_links, reason = "these comments are the text of --help")]

mod changing;
mod storing;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::{EnvironmentName, Kind, ProjectCode, Reference};
use crate::ops::drift::Side;
use crate::sim::Fault;

pub use changing::{
    AlongOptions, ByHandOptions, ConsentOptions, DrillOptions, PromoteOptions, RestoreOptions,
    ResumeOptions, RollbackOptions,
};
pub use storing::{
    CopyOptions, DocsOptions, GitOptions, HistoryOptions, ImportOptions, InstanceExportOptions,
    PruneOptions, VerifyOptions,
};

/// Oracle Integration Cloud environments and their backups side by side: find, export, compare,
/// restore.
///
/// Without a command it opens the explorer on the environments of the config. `oicx demo` shows it
/// on an invented company, without account or network.
#[derive(Debug, Parser)]
#[command(name = "oicx", version, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// The config file [default: config.toml in the platform's config folder]
    #[arg(long, global = true, env = "OICX_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub global: Global,

    /// Say more in the log: -v what is called, -vv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 usage or config; 3 partly done (what \
    failed is listed); 4 the two sides differ; 130 interrupted.\nResults come on standard output, \
    everything else on standard error.";

#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub json: bool,

    /// Print results only
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// How progress is shown on standard error
    #[arg(long, global = true, value_enum, default_value_t = ProgressStyle::Auto)]
    pub progress: ProgressStyle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressStyle {
    /// Bars on a terminal; otherwise nothing, except JSON lines for a backup
    Auto,
    /// One JSON object per line
    Json,
    None,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the explorer (what happens without a command)
    #[command(hide = true)]
    Explore,
    /// The explorer on an invented company: three environments, a store with history, an incident
    /// at 01:30
    Demo(DemoOptions),
    /// Write a commented config to start from
    Init {
        /// Write over a config that is there
        #[arg(long)]
        force: bool,
    },
    /// Check config, clock, sign-in, role and store; say what to do about each problem
    Doctor(DoctorOptions),
    /// Sign in with a browser, for an environment with auth type authorization_code
    Login(LoginOptions),
    /// Forget the sign-in that is kept on this machine
    Logout {
        /// The environment
        #[arg(value_name = "ENV")]
        environment: EnvironmentName,
    },
    /// Print the matrix: one row per artifact, one column per environment
    List(ListOptions),
    /// Show what is in an archive: flow, mappings, endpoints, dependencies, secrets
    Inspect(InspectOptions),
    /// Compare two archives: what changed in meaning, then the text; exit 4 where they differ
    Diff(DiffOptions),
    /// Show what an integration needs; with --reverse, what needs an integration, lookup or
    /// connection
    Deps(DepsOptions),
    /// Search inside archives: expressions, endpoints, fields, lookups; results are steps
    Grep(GrepOptions),
    /// Take a snapshot of environments; only what changed is downloaded
    Backup(BackupOptions),
    /// Have the service export everything to an object storage: a further net beside the snapshots
    InstanceExport(InstanceExportOptions),
    /// Restore versions and prove that they run; otherwise put back what was there, and prove that
    Restore(RestoreOptions),
    /// Move what runs on one environment to the next: compare first, keep both sides, prove the
    /// result
    Promote(PromoteOptions),
    /// Undo a finished run: put back what was there before it, and prove it
    Rollback(RollbackOptions),
    /// Rehearse the loss of an environment in another one: restore, prove, measure, remove it again
    Drill(DrillOptions),
    /// Show what differs in meaning between two environments, snapshots or labels, and which side
    /// is ahead; exit 4 where they differ
    ///
    /// Integrations (each version that runs), lookups and libraries are compared by their meaning;
    /// of connections it is only looked whether they are there. Schedules and access lists are not
    /// compared. What one side does not tell of is counted as not compared: exit 3.
    Drift(DriftOptions),
    /// Resubmit failed runs, or discard them
    Recover(RecoverOptions),
    /// Continue, undo or leave a run that was interrupted or held
    Resume(ResumeOptions),
    /// List the runs that changed something: who, what, when, how each ended
    Runs(RunsOptions),
    /// List the snapshots in the store with their labels, newest first
    Snapshots {
        /// Only those of these environments
        #[arg(value_name = "ENV")]
        environments: Vec<EnvironmentName>,
    },
    /// Show an artifact's history: its stored versions, where each was live, what changed, by whom
    History(HistoryOptions),
    /// Check that the store holds what its snapshots list; --repair-from replaces bad files
    Verify(VerifyOptions),
    /// Remove old snapshots; the options say which ones to keep
    Prune(PruneOptions),
    /// Copy to another store what is missing there; each file is verified
    Copy(CopyOptions),
    /// Import exports from a folder into the store, as history of an environment
    Import(ImportOptions),
    /// Write each snapshot as a commit of readable text: what changed in meaning, by whom
    Git(GitOptions),
    /// Write a Markdown site of a snapshot: flows, endpoints, mappings, who needs whom,
    /// certificates by expiry
    Docs(DocsOptions),
    /// Run the simulator of the OIC REST API alone, for any client
    Sim(SimOptions),
    /// Print a script that completes commands for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Also add every .iar of this folder to the first environment
    #[arg(long, value_name = "FOLDER")]
    pub archives: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ListOptions {
    /// Only these environments
    #[arg(value_name = "ENV")]
    pub environments: Vec<EnvironmentName>,
    /// Only this kind: integrations, connections, lookups, libraries, packages, projects,
    /// certificates, agents, schedules, access
    #[arg(long, default_value = "integrations")]
    pub kind: Option<Kind>,
    /// Only what matches, as / in the explorer
    #[arg(long, value_name = "Q")]
    pub filter: Option<String>,
    /// Only what differs from the last environment
    #[arg(long)]
    pub differs: bool,
    /// Only what failed within the last day
    #[arg(long)]
    pub failing: bool,
}

impl Default for ListOptions {
    fn default() -> Self {
        let (environments, kind) = (vec![], Some(Kind::Integration));
        Self { environments, kind, filter: None, differs: false, failing: false }
    }
}

#[derive(Debug, Args)]
pub struct InspectOptions {
    /// What to inspect: prod:CODE, store:prod/CODE~1, or a file (.iar .par .car .csv .dvm .jar .js)
    #[arg(value_name = "REF")]
    pub reference: Reference,
    /// Only the flow, each step with its expressions
    #[arg(long, group = "part")]
    pub flow: bool,
    /// Only the mappings, each target field with its expression
    #[arg(long, group = "part")]
    pub mappings: bool,
    /// Only what it needs, and where each was seen
    #[arg(long, group = "part")]
    pub deps: bool,
    /// Only the files in it
    #[arg(long, group = "part")]
    pub files: bool,
    /// Only the secrets that it carries: place and kind, never the value
    #[arg(long, group = "part")]
    pub secrets: bool,
}

impl InspectOptions {
    /// Whether only a part is asked for.
    pub fn is_part(&self) -> bool {
        self.flow || self.mappings || self.deps || self.files || self.secrets
    }
}

#[derive(Debug, Args)]
pub struct DiffOptions {
    /// The earlier one: prod:CODE, store:prod/CODE~1, or a file
    #[arg(value_name = "BEFORE")]
    pub before: Reference,
    /// The later one
    #[arg(value_name = "AFTER")]
    pub after: Reference,
    /// Also the text of the files that differ, normalised, as diff -u writes it
    #[arg(long)]
    pub text: bool,
    /// Only how many changes of which kind
    #[arg(long, conflicts_with_all = ["text", "cosmetic"])]
    pub stat: bool,
    /// Also what differs without meaning
    #[arg(long)]
    pub cosmetic: bool,
}

#[derive(Debug, Args)]
pub struct DepsOptions {
    /// prod:CODE, store:prod/CODE, store:prod/CODE@snapshot:ID, or a file; with --reverse also a
    /// lookup's, connection's, library's … name as CODE
    #[arg(value_name = "REF")]
    pub reference: Reference,
    /// Who needs it, and who needs those: what breaks if it changes
    #[arg(long)]
    pub reverse: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = DepsFormat::Tree)]
    pub format: DepsFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DepsFormat {
    Tree,
    /// A flowchart for Markdown
    Mermaid,
    /// For Graphviz
    Dot,
    Json,
}

#[derive(Debug, Args)]
pub struct GrepOptions {
    /// A regular expression; without a capital letter, case does not matter
    pub pattern: String,
    /// Where: an environment, `store`, `store:ENV`, or a reference [default: the newest of all in
    /// the store]
    #[arg(value_name = "WHERE")]
    pub places: Vec<String>,
    /// Also in schemas (wsdl, xsd)
    #[arg(long)]
    pub schemas: bool,
}

#[derive(Debug, Args)]
pub struct BackupOptions {
    /// Only these environments
    #[arg(value_name = "ENV")]
    pub environments: Vec<EnvironmentName>,
    /// Only this kind, such as lookups; may be given several times
    #[arg(long = "kind", value_name = "K")]
    pub kinds: Vec<Kind>,
    /// Only what matches, as / in the explorer
    #[arg(long, value_name = "Q")]
    pub filter: Option<String>,
    /// A tag to find the snapshot by; may be given several times. prune --keep-tagged keeps it
    #[arg(long = "tag", value_name = "WORD")]
    pub tags: Vec<String>,
    /// What is about to happen, such as "deploy 4711": a label to find the snapshot by
    #[arg(long, value_name = "TEXT")]
    pub before: Option<String>,
    /// Show what changed since the snapshot with this label; without a label, since the last one
    /// taken with --before
    #[arg(long, value_name = "LABEL", num_args = 0..=1, default_missing_value = "")]
    pub since_deploy: Option<String>,
}

#[derive(Debug, Args)]
pub struct DoctorOptions {
    /// The environment to record
    #[arg(value_name = "ENV", requires = "record")]
    pub environment: Option<EnvironmentName>,
    /// Walk the environment, which only reads, and write here what each call answers, with every
    /// name, host and mail address replaced
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub record: Option<PathBuf>,
    /// Read such a file with every reader of this program, and say what none can read
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct LoginOptions {
    /// The environment
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// Do not open a browser: print the address
    #[arg(long)]
    pub no_browser: bool,
}

#[derive(Debug, Args)]
pub struct DriftOptions {
    /// An environment, store:ENV for its newest snapshot, or ENV@LABEL
    #[arg(value_name = "A")]
    pub first: Side,
    /// The same
    #[arg(value_name = "B")]
    pub second: Side,
    /// Only what is in this project
    #[arg(long, value_name = "CODE", value_parser = |text: &str| {
        Ok::<_, std::convert::Infallible>(ProjectCode::named(text))
    })]
    pub project: Option<ProjectCode>,
    /// Leave out what changed in each
    #[arg(long)]
    pub brief: bool,
}

#[derive(Debug, Args)]
pub struct RecoverOptions {
    /// The integration: prod:CODE@01.02.0003, or prod:CODE for the one that runs
    #[arg(value_name = "REF")]
    pub reference: Reference,
    /// Discard the failed runs instead of resubmitting them
    #[arg(long)]
    pub discard: bool,
    /// How far to look back
    #[arg(long, value_enum, default_value_t = WindowChoice::Day)]
    pub window: WindowChoice,
    #[command(flatten)]
    pub consent: ConsentOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WindowChoice {
    #[value(name = "1h")]
    Hour,
    #[value(name = "6h")]
    SixHours,
    #[value(name = "1d")]
    Day,
    #[value(name = "3d")]
    ThreeDays,
}

#[derive(Debug, Args)]
pub struct RunsOptions {
    /// Show this run in full: its id, or the beginning of it
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Print it as a Markdown note for a ticket
    #[arg(long, requires = "run")]
    pub note: bool,
    /// Only those on this environment
    #[arg(long = "env", value_name = "ENV")]
    pub environment: Option<EnvironmentName>,
}

#[derive(Debug, Args)]
pub struct SimOptions {
    /// Where to listen; loopback only
    #[arg(long, default_value = "127.0.0.1:8089", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// A port for each environment, counted up from the first
    #[arg(long)]
    pub separate: bool,
    /// The landscape, a TOML file [default: the demo's]
    #[arg(long, value_name = "FILE")]
    pub landscape: Option<PathBuf>,
    /// Add every .iar of this folder to the first environment
    #[arg(long, value_name = "FOLDER")]
    pub archives: Option<PathBuf>,
    /// What goes wrong, such as "status=503 env=prod path=/archive times=2"; may be given several
    /// times
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<Fault>,
    /// How all environments behave where instances differ; may be given several times. What takes
    /// its time, in milliseconds: schedule_ms=25000, deactivation_ms=5000, lag_ms=2000,
    /// project_import_ms, recovery_ms, instance_job_ms, token_limit_ms. What is otherwise:
    /// activation_times_out=true, failed_is_inactive, frequency_is_object, resubmit_is_silent,
    /// exports_members, replaces_members, refuses_projects, keeps_lookups, renames_libraries,
    /// ignores_project_code, hides_project_code, kebab_case, empty_bodies, edited_is_500,
    /// credentials_in_body; what stands before the service: stopped, maintenance, vanity_host,
    /// allowlist, narrow_scope; page_cap=50, clock_s=-600
    #[arg(long = "manner", value_name = "KEY=VALUE")]
    pub manners: Vec<String>,
    /// Answer from a transcript that `oicx doctor --record` wrote, instead of a landscape
    #[arg(long, value_name = "FILE",
        conflicts_with_all = ["landscape", "archives", "faults", "manners", "separate"])]
    pub replay: Option<PathBuf>,
}
