//! `oicx grep PATTERN [WHERE…]`.

use super::{
    args::{Global, GrepOptions},
    output::{self, Exit, Problem},
    workspace_unless,
};
use crate::config::Config;
use crate::model::{EnvironmentName, Reference, plural};
use crate::ops::collection::Scope;
use crate::ops::grep::{self, Found, Pattern, Report};
use crate::ops::source::fetch_bytes;

/// What a person named: a scope, or one thing.
enum Place {
    Scope(Scope),
    One(Reference),
}

pub async fn run(
    load: impl FnOnce() -> Result<Config, Problem>,
    options: &GrepOptions,
    global: &Global,
) -> Result<Exit, Problem> {
    let pattern = Pattern::new(&options.pattern).map_err(Problem::usage)?;
    let mut places = options.places.iter().map(|text| place(text)).collect::<Result<Vec<_>, _>>()?;
    let files_only = !places.is_empty() && places.iter().all(|p| matches!(p, Place::One(Reference::File(_))));
    let workspace = workspace_unless(files_only, load).await?;
    if places.is_empty() {
        places.push(Place::Scope(Scope::Store));
    }
    let mut report = Report::default();
    for place in places {
        match (place, &workspace) {
            (Place::Scope(scope), Some(workspace)) => {
                let part = grep::run(workspace, &scope, &pattern, options.schemas).await?;
                report.archives += part.archives;
                report.found.extend(part.found);
                report.problems.extend(part.problems);
            }
            (Place::One(reference), workspace) => {
                let fetched = fetch_bytes(workspace.as_ref(), &reference).await?;
                let opened = fetched.open()?;
                let hits = grep::search(&opened, &pattern, options.schemas);
                report.archives += 1;
                if !hits.is_empty() {
                    let id = opened.contents.integrations().first().map(|it| it.id.clone());
                    let (code, version) = id.map(|id| (id.code, id.version.to_string())).unwrap_or_default();
                    report.found.push(Found { reference: fetched.label, code, version, hits });
                }
            }
            (Place::Scope(_), None) => {}
        }
    }
    print(&report, global);
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::Partly })
}

/// `store`, `store:prod`, `prod`, or a reference.
fn place(text: &str) -> Result<Place, Problem> {
    if text == "store" {
        return Ok(Place::Scope(Scope::Store));
    }
    let stored = text.strip_prefix("store:").filter(|rest| !rest.contains('/'));
    if let Some(Ok(name)) = stored.map(str::parse::<EnvironmentName>) {
        return Ok(Place::Scope(Scope::Stored(name)));
    }
    if let Ok(reference) = text.parse::<Reference>() {
        return Ok(Place::One(reference));
    }
    text.parse().map(|name| Place::Scope(Scope::Live(name))).map_err(|e| Problem::usage(format!("{e}")))
}

fn print(report: &Report, global: &Global) {
    if global.json {
        return output::json(report);
    }
    for found in &report.found {
        output::line(&found.reference);
        for hit in &found.hits {
            output::line(format!("  {}  {}: {}", hit.place, hit.part, hit.text));
        }
    }
    for problem in &report.problems {
        eprintln!("oicx: not searched: {problem}");
    }
    let hits: usize = report.found.iter().map(|f| f.hits.len()).sum();
    let (integrations, all) = (plural(report.found.len(), "integration"), plural(report.archives, "archive"));
    output::aside(global, format!("{} in {integrations}, of {all}", plural(hits, "hit")));
}
