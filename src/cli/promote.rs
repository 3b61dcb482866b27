//! `oicx promote REF… --to ENV`.

use super::{
    args::{Global, PromoteOptions},
    output::{CommandError, Exit},
    restore::{Blocked, perform, prepare_with, write_by_hand},
    waiting,
};
use crate::config::Config;
use crate::ops::promote;

/// Plans to bring integrations from one environment to another, asks, and does it.
pub async fn run(
    config: &Config,
    options: &PromoteOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let client = workspace.environment(&options.to)?;
    let into = options.into.as_ref();
    let request = promote::request(&workspace, &options.references, &options.to, into).await?;
    let plan_options = options.decided.plan_options(&request);
    let choices = (options.along, Blocked::Stays);
    let prepared = prepare_with(&workspace, client, &request, plan_options, choices).await?;
    let consent = write_by_hand(&prepared, &options.by_hand, &options.consent)?;
    perform(&workspace, client, prepared, &consent, global).await
}
