//! `oicx doctor`.

use super::{
    args::{DoctorOptions, Global},
    output::{self, CommandError, Exit},
    transcript, waiting,
};
use crate::config::Config;
use crate::ops::doctor;

/// Examines, records a transcript, or checks one.
pub async fn run(
    load: impl FnOnce() -> Result<Config, CommandError>,
    options: &DoctorOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    if let Some(file) = &options.check {
        return transcript::check(file, global).await;
    }
    let config = load()?;
    if let Some(file) = &options.record {
        return transcript::record(&config, options, file, global).await;
    }
    examine(&config, global).await
}

/// Examines every configured environment and the store; fails where anything blocks.
pub async fn examine(config: &Config, global: &Global) -> Result<Exit, CommandError> {
    let clients = doctor::clients(config);
    waiting::tell_silences(clients.clone(), global);
    let sections = doctor::examine(config, &clients).await;
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
