//! `oicx drill ENV --in ENV2`.

use super::{
    args::{DrillOptions, Global},
    output::{self, CommandError, Exit},
    restore::{Allowed, allow, watched_run},
    waiting,
};
use crate::config::Config;
use crate::files::write_atomic;
use crate::ops::drill::{self, DrillReport, DrillSelection};
use crate::restore::RunContext;

/// Restores a snapshot into an environment kept for it and says whether what came out is the same.
pub async fn run(
    config: &Config,
    options: &DrillOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let client = workspace.environment(&options.target)?;
    let scope = DrillSelection {
        snapshot: options.snapshot.clone(),
        sample: options.sample,
        prefix: options.prefix.clone(),
        activate: !options.no_activate,
    };
    let prepared = drill::prepare(&workspace, client, &scope).await?;
    let (approved, payloads) = match allow(prepared, &options.consent, global)? {
        Allowed::Shown(exit) => return Ok(exit),
        Allowed::Yes(approved, payloads) => (approved, payloads),
    };
    let store = workspace.store()?;
    let work = async |context: RunContext<'_>| drill::run(*approved, payloads, context).await;
    let (report, _) = watched_run((client, store), "drill", global, work).await?;
    if let Some(path) = &options.report {
        let written = write_atomic(path, report.markdown().as_bytes());
        written.map_err(|e| {
            CommandError::failed(format!("{} cannot be written: {e}", path.display()))
        })?;
    }
    Ok(tell(&report, global))
}

/// Tells how a rehearsal went.
pub(super) fn tell(report: &DrillReport, global: &Global) -> Exit {
    if global.json {
        output::json(report)
    } else {
        output::line(report.markdown().trim_end())
    }
    if report.good { Exit::Done } else { Exit::Failed }
}
