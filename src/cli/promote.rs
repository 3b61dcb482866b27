//! `oicx promote REF… --to ENV`.

use super::{
    args::{Global, PromoteOptions},
    output::{CommandError, Exit},
    restore::{Allowed, allow, execute, prepare_along},
    waiting,
};
use crate::config::Config;
use crate::ops::promote;
use crate::restore::PlanOptions;

/// Plans to bring integrations from one environment to another, asks, and does it.
pub async fn run(
    config: &Config,
    options: &PromoteOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let client = workspace.environment(&options.to)?;
    let references = &options.references;
    let request =
        promote::request(&workspace, references, &options.to, options.into.as_ref()).await?;
    let plan_options = PlanOptions { schedule: options.schedule, ..PlanOptions::default() };
    let prepared = prepare_along(&workspace, client, &request, plan_options, options.along).await?;
    match allow(prepared, &options.consent, global)? {
        Allowed::Shown(exit) => Ok(exit),
        Allowed::Yes(approved, payloads) => {
            execute(&workspace, client, *approved, payloads, references, global).await
        }
    }
}
