//! `oicx list`: the matrix as text.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::{
    args::{Global, ListOptions},
    chosen,
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::Config;
use crate::model::{
    ArtifactName, EnvironmentIndex, EnvironmentName, Kind, Scope, UnlistedKind, age, plural,
    thousands,
};
use crate::oic::OicError;
use crate::ops::matrix::{ActiveVersion, Judged, Mark, Matrix, MatrixRow};
use crate::search::Query;
use crate::store::Index;
use crate::workspace::{
    Workspace,
    fingerprint_cache::FingerprintCache,
    listing::{self, Listing, ListingEntry},
    listing_cache,
};

/// Prints the artifacts of every environment and the store side by side, as the matrix shows them.
pub async fn run(
    config: &Config,
    options: &ListOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    print(&waiting::open(config, global).await?, options, global).await
}

#[derive(Serialize)]
struct ListReport<'a> {
    rows: Vec<RowReport<'a>>,
    failed: Vec<FailedReport>,
    /// What could not be looked at in environments that answered.
    unseen: Vec<UnseenReport<'a>>,
    /// Of what the failures are not known.
    not_counted: Vec<NotCountedReport<'a>>,
}

/// Integrations of an environment whose instances are not known: all of them, or those that have a
/// twin in another scope from which the service does not tell them apart.
#[derive(Serialize)]
struct NotCountedReport<'a> {
    environment: &'a EnvironmentName,
    /// The twins; `null` means all.
    artifacts: Option<Vec<ArtifactName>>,
}

impl<'a> NotCountedReport<'a> {
    fn of(listing: &'a Listing) -> Option<Self> {
        let environment = &listing.environment;
        if !listing.runs_known {
            return Some(Self { environment, artifacts: None });
        }
        let twins: BTreeSet<ArtifactName> =
            listing.with_shared_runs().map(ListingEntry::name_of).collect();
        let some = !twins.is_empty();
        some.then(|| Self { environment, artifacts: Some(twins.into_iter().collect()) })
    }

    fn describe(&self) -> String {
        let environment = self.environment;
        match &self.artifacts {
            None => format!("failures on {environment} are not known: oicx doctor says why"),
            Some(twins) => {
                let names: Vec<String> = twins.iter().map(ToString::to_string).collect();
                let names = names.join(", ");
                format!(
                    "failures on {environment} are not told apart, and shown for none of {names}"
                )
            }
        }
    }
}

#[derive(Serialize)]
struct UnseenReport<'a> {
    environment: &'a EnvironmentName,
    #[serde(flatten)]
    unseen: &'a UnlistedKind,
}

#[derive(Serialize)]
struct RowReport<'a> {
    kind: Kind,
    /// The project's code; `null` for the global space.
    scope: &'a Scope,
    code: &'a str,
    name: &'a str,
    cells: BTreeMap<&'a EnvironmentName, CellReport<'a>>,
    store: StoreReport,
}

#[derive(Serialize)]
struct CellReport<'a> {
    /// Whether the last backup had it, and the environment has it no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
    version: Option<String>,
    status: Option<String>,
    mark: Mark,
    /// Whether the mark comes from both archives.
    settled: bool,
    /// Of all versions that are active; `null` where they may be a twin's.
    failed_runs: Option<u64>,
    /// Whether it is Oracle's own, which the service does not export.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    prebuilt: bool,
    /// Versions that are active beside the one that is shown.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    active_too: &'a [ActiveVersion],
    /// Who edits it now, and who has changes in the console that are not saved; `somebody` where
    /// the service does not say who.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsaved_by: Option<&'a str>,
}

#[derive(Serialize)]
struct StoreReport {
    versions: usize,
    newest: Option<jiff::Timestamp>,
}

#[derive(Serialize)]
struct FailedReport {
    environment: EnvironmentName,
    error: String,
}

impl FailedReport {
    fn of(error: &OicError) -> Self {
        Self { environment: error.environment.clone(), error: error.to_string() }
    }
}

/// Reads all environments side by side and prints what they have. An environment that fails is
/// named, and the others go on.
pub async fn print(
    workspace: &Workspace,
    options: &ListOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let clients = chosen(workspace, &options.environments)?;
    let index = workspace.index().await?;
    let fingerprint_cache = FingerprintCache::load(workspace.cache.as_deref());
    fingerprint_cache.learn_index(&index);
    let read: Vec<Result<Listing, OicError>> =
        futures::future::join_all(clients.iter().map(|c| listing::read(c))).await;
    let mut failed = Vec::new();
    let mut listings = Vec::new();
    for (client, result) in clients.iter().zip(read) {
        match result {
            Ok(listing) => {
                if let Some(folder) = &workspace.cache {
                    listing_cache::save(folder, client.environment(), &listing);
                }
                listings.push(Some(listing));
            }
            Err(e) => {
                failed.push(e);
                listings.push(None);
            }
        }
    }
    let names: Vec<_> = clients.iter().map(|c| c.name().clone()).collect();
    let read = Read { names, listings, failed };
    Ok(print_rows(options, global, &read, &index, &fingerprint_cache))
}

/// What was read of the environments, and what could not be.
struct Read {
    names: Vec<EnvironmentName>,
    /// In the order of the names; none of an environment that failed.
    listings: Vec<Option<Listing>>,
    failed: Vec<OicError>,
}

fn print_rows(
    options: &ListOptions,
    global: &Global,
    Read { names, listings, failed }: &Read,
    index: &Index,
    fingerprint_cache: &FingerprintCache,
) -> Exit {
    let known: Vec<bool> = listings.iter().map(Option::is_some).collect();
    let base = EnvironmentIndex(names.len() - 1);
    let references: Vec<Option<&Listing>> = listings.iter().map(Option::as_ref).collect();
    let matrix = Matrix::build(names, &references, Some(index), fingerprint_cache, base);
    let rows = select(&matrix, options, base, &known);
    let unseen: Vec<UnseenReport<'_>> = names
        .iter()
        .zip(listings)
        .filter_map(|(name, listing)| Some((name, listing.as_ref()?)))
        .flat_map(|(environment, listing)| {
            let refused = listing.refused(options.kind);
            refused.map(move |unseen| UnseenReport { environment, unseen })
        })
        .collect();
    let integrations = options.kind.is_none_or(|kind| kind == Kind::Integration);
    let read = listings.iter().flatten().filter(|_| integrations);
    let not_counted: Vec<_> = read.filter_map(NotCountedReport::of).collect();
    if global.json {
        output::json(&ListReport {
            rows: rows.iter().map(|r| report(r, names, base, &known)).collect(),
            failed: failed.iter().map(FailedReport::of).collect(),
            unseen,
            not_counted,
        });
    } else {
        table(&rows, names, base, &known);
        let all = plural(matrix.rows.len(), "row");
        let shown = if rows.len() == matrix.rows.len() {
            all
        } else {
            format!("{} of {all}", thousands(rows.len()))
        };
        output::aside(global, shown);
        for UnseenReport { environment, unseen } in &unseen {
            let (what, why) = (unseen.what(), &unseen.reason);
            output::tell(format!("oicx: {what} of {environment} are not shown: {why}"));
        }
        for one in &not_counted {
            output::tell(format!("oicx: {}", one.describe()));
        }
        for e in failed {
            output::tell(format!("oicx: {e}\n  → {}", e.advice()));
        }
    }
    match (failed.len(), names.len()) {
        (0, _) => Exit::Done,
        (bad, all) if bad == all => Exit::Failed,
        _ => Exit::Partly,
    }
}

fn select<'a>(
    matrix: &'a Matrix,
    options: &ListOptions,
    base: EnvironmentIndex,
    known: &[bool],
) -> Vec<&'a MatrixRow> {
    let query = options.filter.as_deref().map(Query::new);
    matrix
        .rows
        .iter()
        .filter(|r| options.kind.is_none_or(|k| r.kind == k))
        .filter(|r| query.as_ref().is_none_or(|q| q.matches(&r.scoped_code(), &r.name)))
        .filter(|r| !options.differs || r.differs(base, known))
        .filter(|r| !options.failing || r.is_failing())
        .collect()
}

fn report<'a>(
    row: &'a MatrixRow,
    names: &'a [EnvironmentName],
    base: EnvironmentIndex,
    known: &[bool],
) -> RowReport<'a> {
    let cell = |column: EnvironmentIndex| {
        let Judged { mark, proven } = row.judge(column, base, known);
        let cell = row.cell(column);
        CellReport {
            gone: row.is_gone(column),
            version: cell.and_then(|c| c.version).map(|v| v.to_string()),
            status: cell.map(|c| c.state.status.clone().into()),
            mark,
            settled: proven,
            failed_runs: match cell {
                Some(cell) if cell.shares_runs => None,
                Some(cell) => Some(cell.failed_runs()),
                None => Some(0),
            },
            prebuilt: cell.is_some_and(|c| c.state.prebuilt),
            active_too: cell.map(|c| c.beside.as_slice()).unwrap_or_default(),
            locked_by: cell.and_then(|c| c.state.lock_holder()),
            unsaved_by: cell.and_then(|c| c.state.unsaved_holder()),
        }
    };
    RowReport {
        kind: row.kind,
        scope: &row.scope,
        code: &row.code,
        name: &row.name,
        cells: EnvironmentIndex::all(names.len())
            .zip(names)
            .map(|(i, name)| (name, cell(i)))
            .collect(),
        store: StoreReport { versions: row.stored.versions, newest: row.stored.newest },
    }
}

fn table(rows: &[&MatrixRow], names: &[EnvironmentName], base: EnvironmentIndex, known: &[bool]) {
    let mut lines: Vec<Vec<String>> = vec![
        std::iter::once("NAME".to_owned())
            .chain(names.iter().map(ToString::to_string))
            .chain(std::iter::once("store".to_owned()))
            .collect(),
    ];
    for row in rows {
        let cells = EnvironmentIndex::all(names.len()).map(|i| cell_text(row, i, base, known));
        let stored = match (row.stored.versions, row.stored.newest) {
            (0, _) | (_, None) => String::new(),
            (n, Some(newest)) => format!("{} · newest {}", plural(n, "version"), age(newest)),
        };
        lines.push(
            std::iter::once(row.scoped_code())
                .chain(cells)
                .chain(std::iter::once(stored))
                .collect(),
        );
    }
    let widths: Vec<usize> = (0..names.len() + 2)
        .map(|i| lines.iter().map(|l| l[i].width()).max().unwrap_or(0))
        .collect();
    for line in lines {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(t, w)| format!("{t}{}", " ".repeat(w - t.width())))
            .collect();
        output::line(padded.join("  ").trim_end());
    }
}

fn cell_text(
    row: &MatrixRow,
    column: EnvironmentIndex,
    base: EnvironmentIndex,
    known: &[bool],
) -> String {
    let Judged { mark, proven } = row.judge(column, base, known);
    let Some(cell) = row.cell(column) else {
        let gone = if row.is_gone(column) { " gone" } else { "" };
        return format!("{}{gone}", mark.symbol());
    };
    let version = cell.version.map(|v| format!("{v} ")).unwrap_or_default();
    let sure = if proven { "" } else { "?" };
    let mark = if mark == Mark::Unknown { "?".into() } else { format!("{}{sure}", mark.symbol()) };
    let shown = cell.runs.map_or(0, |r| r.failed);
    let mut failed = if shown > 0 { format!(" ✗ {shown} failed") } else { String::new() };
    for other in cell.beside.iter().filter(|other| other.failed_runs > 0) {
        failed.push_str(&format!(" ✗ {} failed in {}", other.failed_runs, other.version));
    }
    let locked = cell.state.lock_holder().map(|who| format!(" locked by {who}"));
    let held = locked.or_else(|| Some(format!(" {}", cell.state.unsaved()?))).unwrap_or_default();
    let prebuilt = if cell.state.prebuilt { " prebuilt" } else { "" };
    format!("{version}{} {mark}{failed}{held}{prebuilt}", cell.state.status.mark())
        .trim_end()
        .to_owned()
}
