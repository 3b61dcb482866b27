//! `oicx promote REF… --to ENV`.

use super::{
    args::{Global, PromoteOptions},
    output::{self, CommandError, Exit},
    restore::{Allowed, allow, execute, prepare_with_children},
};
use crate::config::Config;
use crate::ops::promote;
use crate::restore::PlanOptions;
use crate::workspace::Workspace;

pub async fn run(
    config: &Config,
    options: &PromoteOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = Workspace::open(config).await?;
    let client = workspace.environment(&options.to)?;
    let references = &options.references;
    let request = promote::request(&workspace, references, &options.to).await?;
    let prepared = prepare_with_children(
        &workspace,
        client,
        &request,
        PlanOptions::default(),
        options.with_children,
    )
    .await?;
    let (approved, payloads) = match allow(prepared, &options.consent, global)? {
        Allowed::Shown(exit) => return Ok(exit),
        Allowed::Yes(approved, payloads) => (approved, payloads),
    };
    let plan = approved.plan().clone();
    if plan.changes_something() {
        let (workspace, plan) = (&workspace, &plan);
        let work =
            |events| async move { promote::keep_both(workspace, plan, references, &events).await };
        let kept = output::watched(global, "promote", work).await;
        let kept =
            kept.map_err(|why| CommandError::failed(format!("nothing was changed: {why}")))?;
        kept.iter().for_each(|k| output::aside(global, format!("kept {k}")));
    }
    execute(&workspace, client, *approved, payloads, global).await
}
