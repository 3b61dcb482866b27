//! What the commands on the store may say.

use std::path::PathBuf;

use clap::Args;

use super::ConsentOptions;
use crate::model::{EnvironmentName, SnapshotName};

#[derive(Debug, Args)]
pub struct HistoryOptions {
    /// The code, such as SYNC, with its kind: lookups/COUNTRY_CODES; or a reference: prod:SYNC
    pub code: String,
    /// Only those from this environment
    #[arg(long = "env", value_name = "ENV")]
    pub environment: Option<EnvironmentName>,
    /// Leave out what changed: the archives are not read
    #[arg(long)]
    pub brief: bool,
}

#[derive(Debug, Args)]
pub struct InstanceExportOptions {
    /// The environment
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The bucket: a name below instance_storage of the config, or its whole URL
    #[arg(long, value_name = "BUCKET", required_unless_present = "job")]
    pub to: Option<String>,
    /// The name of the job, which none may have had before; without it, one with the time
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Take certificates and credentials of connections along
    #[arg(long)]
    pub security: bool,
    /// Start the job, and do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// Start nothing: follow this job to its end
    #[arg(long, value_name = "ID", conflicts_with_all = ["to", "name", "security", "no_wait", "plan"])]
    pub job: Option<String>,
    /// How long the job is followed, in minutes
    #[arg(long, default_value_t = 120, value_name = "N")]
    pub wait_minutes: u64,
    /// The pause between two looks, in milliseconds
    #[arg(long, default_value_t = 10_000, value_name = "N", hide = true)]
    pub poll_ms: u64,
    #[command(flatten)]
    pub consent: ConsentOptions,
}

#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// Only these environments
    #[arg(value_name = "ENV")]
    pub environments: Vec<EnvironmentName>,
    /// Read every file and check hash, archive and fingerprint; without it, the sizes of all files
    /// and a sample that differs each day
    #[arg(long)]
    pub deep: bool,
    /// Replace bad files by good ones from this store: a name of [stores], a folder, or
    /// s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    pub repair_from: Option<String>,
    /// Check this store instead of the config's
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,
}

#[derive(Debug, Args)]
pub struct PruneOptions {
    /// Only these environments
    #[arg(value_name = "ENV")]
    pub environments: Vec<EnvironmentName>,
    /// Keep the newest N
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub keep_last: usize,
    /// Keep the newest of each of the last N hours that have a snapshot
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub keep_hourly: usize,
    /// Keep the newest of each of the last N days that have a snapshot
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub keep_daily: usize,
    /// Keep the newest of each of the last N weeks that have a snapshot
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub keep_weekly: usize,
    /// Keep the newest of each of the last N months that have a snapshot
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub keep_monthly: usize,
    /// Keep the newest of each of the last N years that have a snapshot
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub keep_yearly: usize,
    /// Keep all with a tag, or taken with --before
    #[arg(long)]
    pub keep_tagged: bool,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct CopyOptions {
    /// The store to copy to: a name of [stores], a folder, or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    pub to: String,
    /// Copy this store instead of the config's
    #[arg(long, value_name = "STORE")]
    pub from: Option<String>,
}

#[derive(Debug, Args)]
pub struct ImportOptions {
    /// A folder of .iar, .par, .car, .csv, .jar files, or one of them
    pub folder: PathBuf,
    /// The environment that they were exported from
    #[arg(long = "env", value_name = "ENV")]
    pub environment: EnvironmentName,
}

#[derive(Debug, Args)]
pub struct GitOptions {
    /// Only these environments
    #[arg(value_name = "ENV")]
    pub environments: Vec<EnvironmentName>,
    /// A new or empty folder, or the repository that an earlier run made
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
    /// Put this tag on the last commit
    #[arg(long, value_name = "NAME")]
    pub tag: Option<String>,
    /// Do not push, although the repository has a remote
    #[arg(long)]
    pub no_push: bool,
}

#[derive(Debug, Args)]
pub struct DocsOptions {
    /// The snapshot: ENV for the newest, or ENV@LABEL for the one with this id, tag or --before
    /// text
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: SnapshotName,
    /// The folder to write to: a new or empty one, or that of an earlier run
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
}
