//! `oicx grep PATTERN [WHERE…]`.

use super::{
    args::{Global, GrepOptions},
    output::{self, CommandError, Exit},
    workspace_unless,
};
use crate::config::Config;
use crate::model::{EnvironmentName, Reference, plural, visible};
use crate::ops::grep::{self, ArchiveHits, GrepReport, Pattern};
use crate::workspace::collection::CollectionSource;
use crate::workspace::source::fetch_bytes;

/// Where a person wants to search: in a scope, or in one archive.
enum SearchLocation {
    Scope(CollectionSource),
    One(Reference),
}

/// Searches files of archives for a pattern and prints each match with its place.
pub async fn run(
    load: impl FnOnce() -> Result<Config, CommandError>,
    options: &GrepOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let pattern = Pattern::new(&options.pattern).map_err(|e| CommandError::usage(e.to_string()))?;
    let mut places =
        options.places.iter().map(|text| place(text)).collect::<Result<Vec<_>, _>>()?;
    let files_only = !places.is_empty()
        && places.iter().all(|p| matches!(p, SearchLocation::One(Reference::File(_))));
    let workspace = workspace_unless(files_only, global, load).await?;
    if places.is_empty() {
        places.push(SearchLocation::Scope(CollectionSource::Store));
    }
    let mut report = GrepReport::default();
    for place in places {
        match (place, &workspace) {
            (SearchLocation::Scope(scope), Some(workspace)) => {
                let part = grep::run(workspace, &scope, &pattern, options.schemas).await?;
                report.archives += part.archives;
                report.found.extend(part.found);
                report.problems.extend(part.problems);
            }
            (SearchLocation::One(reference), workspace) => {
                let fetched = fetch_bytes(workspace.as_ref(), &reference).await?;
                output::not_looked_at(&fetched);
                let unpacked = fetched.open_as_it_is()?;
                report.archives += 1;
                for (id, hits) in grep::search_parts(&unpacked, &pattern, options.schemas) {
                    if hits.is_empty() {
                        continue;
                    }
                    let (code, version) =
                        id.map(|id| (id.code, id.version.to_string())).unwrap_or_default();
                    report.found.push(ArchiveHits {
                        scope: fetched.scope(),
                        reference: fetched.label.clone(),
                        code,
                        version,
                        hits,
                    });
                }
            }
            (SearchLocation::Scope(_), None) => {}
        }
    }
    print(&report, global);
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::Partly })
}

/// Reads where to search: `store`, `store:prod`, `prod`, or a reference.
fn place(text: &str) -> Result<SearchLocation, CommandError> {
    if text == "store" {
        return Ok(SearchLocation::Scope(CollectionSource::Store));
    }
    let stored = text.strip_prefix("store:").filter(|rest| !rest.contains('/'));
    if let Some(Ok(name)) = stored.map(str::parse::<EnvironmentName>) {
        return Ok(SearchLocation::Scope(CollectionSource::Stored(name)));
    }
    if let Ok(reference) = text.parse::<Reference>() {
        return Ok(SearchLocation::One(reference));
    }
    text.parse()
        .map(|name| SearchLocation::Scope(CollectionSource::Live(name)))
        .map_err(|e| CommandError::usage(format!("{e}")))
}

fn print(report: &GrepReport, global: &Global) {
    if global.json {
        return output::json(report);
    }
    let of_one = report.found.chunk_by(|a, b| a.reference == b.reference);
    for (found, several) in of_one.flat_map(|all| all.iter().map(|f| (f, all.len() > 1))) {
        // Of several integrations in one archive, each is named.
        let (code, version) = (&found.code, &found.version);
        output::line(match (several, code.is_empty()) {
            (false, _) => found.reference.clone(),
            (true, true) => format!("{} › beside its integrations", found.reference),
            (true, false) => format!("{} › {} {version}", found.reference, visible(code)),
        });
        for hit in &found.hits {
            output::line(format!("  {}  {}: {}", hit.place, hit.part, hit.text));
        }
    }
    for problem in &report.problems {
        output::tell(format!("oicx: not searched: {problem}"));
    }
    let hits: usize = report.found.iter().map(|f| f.hits.len()).sum();
    let in_some = report.found.iter().filter(|f| !f.code.is_empty()).count();
    let (integrations, all) = (plural(in_some, "integration"), plural(report.archives, "archive"));
    output::aside(global, format!("{} in {integrations}, of {all}", plural(hits, "hit")));
}
