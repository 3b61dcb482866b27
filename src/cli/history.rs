//! `oicx history CODE`.

use super::{
    args::Global,
    output::{self, Exit, Problem},
};
use crate::config::Config;
use crate::model::{EnvironmentName, Kind, short_date};
use crate::ops::workspace::Workspace;
use crate::store::StoredVersion;

pub async fn run(
    config: &Config,
    code: &str,
    environment: Option<&EnvironmentName>,
    global: &Global,
) -> Result<Exit, Problem> {
    let workspace = Workspace::open(config).await?;
    let index = workspace.store()?.index().await?;
    let wanted = |v: &&StoredVersion| {
        v.kind == Kind::Integration && v.code == code && environment.is_none_or(|e| v.environment == *e)
    };
    let mut versions: Vec<&StoredVersion> = index.versions().iter().filter(wanted).collect();
    versions.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
    if versions.is_empty() {
        return Err(Problem::failed(format!("the store has no version of {code}\n  → `oicx backup` takes one")));
    }
    if global.json {
        let rows: Vec<_> =
            versions.iter().map(|v| serde_json::json!({ "reference": v.reference(), "stored": v })).collect();
        output::json(&serde_json::json!({ "code": code, "versions": rows }));
        return Ok(Exit::Done);
    }
    for v in versions {
        let by = v.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
        let note = if v.safety_run.is_some() { "  safety export before a restore" } else { "" };
        output::line(format!(
            "{:8} {} {}  seen {} – {}  {}{by}{note}\n         {}",
            v.environment,
            v.version,
            v.fingerprint.short(),
            short_date(v.first_seen),
            short_date(v.last_seen),
            v.status.word(),
            v.reference()
        ));
    }
    Ok(Exit::Done)
}
