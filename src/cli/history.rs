//! `oicx history CODE`.

use serde::Serialize;

use super::{
    args::{Global, HistoryOptions},
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::Config;
use crate::model::{Reference, short_date, version_text};
use crate::ops::history::{HistoryEntry, tell};

#[derive(Serialize)]
struct HistoryRow<'a> {
    reference: String,
    #[serde(flatten)]
    told: &'a HistoryEntry,
}

/// Prints the stored versions of one artifact, with what each changed.
pub async fn run(
    config: &Config,
    options: &HistoryOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let store = workspace.store()?;
    let given = options.code.parse().ok().filter(|r| !matches!(r, Reference::File(_)));
    let names_its_own = given.is_some();
    // With any environment's name before it, the code is a reference, so that a wrong code gets the
    // messages of references.
    let named = match given {
        Some(given) => given,
        None => format!("any:{}", options.code)
            .parse()
            .map_err(|e| CommandError::usage(format!("{e}")))?,
    };
    let (Reference::Live { target, environment, .. }
    | Reference::Stored { target, environment, .. }) = named
    else {
        return Err(CommandError::usage(format!("`{}` is not a code", options.code)));
    };
    let of = names_its_own.then_some(environment);
    let environment = options.environment.as_ref().or(of.as_ref());
    let story = tell(store, &target, environment, !options.brief).await?;
    if story.is_empty() {
        let advice = match target.kept_with_project() {
            Some(project) => {
                format!("its project's archive has it: oicx history projects/{project}")
            }
            None => "`oicx backup` takes one".to_owned(),
        };
        return Err(CommandError::failed(format!(
            "the store has no version of the {} {}\n  → {advice}",
            target.kind,
            target.in_words()
        )));
    }
    if global.json {
        let rows: Vec<_> = story
            .iter()
            .map(|told| HistoryRow { reference: told.stored.reference().to_string(), told })
            .collect();
        output::json(&serde_json::json!({ "kind": target.kind, "code": target.code,
            "scope": target.scope, "versions": rows }));
        return Ok(Exit::Done);
    }
    for told in &story {
        let v = &told.stored;
        let by = v.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
        let note = if v.safety_run.is_some() { "  safety export before a restore" } else { "" };
        let gone = told.gone.map(|t| format!(", gone since {}", short_date(t))).unwrap_or_default();
        output::line(format!(
            "{:8} {:10} {}  seen {} – {}{gone}  {}{by}{note}",
            v.environment,
            version_text(v.version),
            v.fingerprint.short(),
            short_date(v.first_seen),
            short_date(v.last_seen),
            v.status.label(),
        ));
        if let Some(change) = &told.change {
            output::line(format!("         {change}"));
        }
        output::line(format!("         {}", v.reference()));
    }
    Ok(Exit::Done)
}
