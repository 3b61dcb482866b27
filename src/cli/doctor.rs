//! `oicx doctor`.

use super::{
    args::Global,
    output::{self, CommandError, Exit},
};
use crate::config::Config;
use crate::ops::doctor;

/// Examines every configured environment and the store; fails where anything blocks.
pub async fn run(config: &Config, global: &Global) -> Result<Exit, CommandError> {
    let sections = doctor::examine(config).await;
    if global.json {
        output::json(&serde_json::json!({ "sections": sections }));
    } else {
        for section in &sections {
            output::line(&section.about);
            for finding in &section.findings {
                output::line(format!("  {} {}", finding.mark(), finding.what));
                finding.fix.iter().for_each(|fix| output::line(format!("      → {fix}")));
            }
        }
    }
    Ok(if sections.iter().any(doctor::Section::is_bad) { Exit::Failed } else { Exit::Done })
}
