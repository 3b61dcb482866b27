//! Exports and comparisons in the background: whether cells of the rows on the screen are the same,
//! and what differs between the row under the cursor and its newest backup.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{MatrixTable, TableLine};
use crate::model::{
    ArtifactKey, ArtifactName, EnvironmentIndex, Fingerprint, IntegrationId, Kind, Status,
};
use crate::ops::matrix::{MatrixCell, MatrixRow};
use crate::tui::{
    app::{App, Subject},
    event::{Effect, MatrixEffect},
    failure::Failure,
};

/// Exports at once that only tell whether cells are the same.
const AT_ONCE: usize = 6;

/// A live integration and its newest backup, by what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackupDifference {
    pub environment: EnvironmentIndex,
    pub artifact: ArtifactName,
    pub live: Fingerprint,
    pub stored: Fingerprint,
}

/// What is asked for in the background, and what came of it.
#[derive(Debug, Default)]
pub struct BackgroundWork {
    under_way: HashSet<(EnvironmentIndex, IntegrationId)>,
    /// Exports that failed are not asked again until the next refresh.
    failed: HashSet<(EnvironmentIndex, IntegrationId)>,
    /// What differs, in words; none where that could not be found out.
    differences: HashMap<BackupDifference, Option<String>>,
    /// Whether a comparison is under way: there is one at a time.
    comparing: bool,
}

impl BackgroundWork {
    /// Whether all that was asked for has answered.
    pub fn is_done(&self) -> bool {
        self.under_way.is_empty() && !self.comparing
    }

    /// How many exports are under way: a project's is one.
    fn exports(&self) -> usize {
        let alone = self.under_way.iter().filter(|(_, id)| id.scope.is_global()).count();
        let projects = self.under_way.iter().filter(|(_, id)| !id.scope.is_global());
        let projects: HashSet<_> = projects.map(|(e, id)| (e, &id.scope)).collect();
        alone + projects.len()
    }

    /// Forgets which exports failed: they may work now.
    pub fn retry_failed(&mut self) {
        self.failed.clear();
    }

    /// What differs, in words; None where that is not known.
    pub fn difference(&self, of: &BackupDifference) -> Option<String> {
        self.differences.get(of).cloned().flatten()
    }

    /// Takes in what differs, in words.
    pub fn compared(&mut self, of: BackupDifference, result: Result<String, Failure>) {
        self.comparing = false;
        self.differences.insert(of, result.ok());
    }
}

impl App {
    /// The live integration under the cursor and its newest backup, where both are known and
    /// differ.
    pub fn difference_under_cursor(&self) -> Option<BackupDifference> {
        let environment = self.target();
        let row = self.table.row().filter(|r| r.kind == Kind::Integration)?;
        let live = row.cell(environment)?.portable?;
        let index = self.store.index.as_ref()?;
        let name = &self.environments[environment].name;
        let stored = index.newest(name, &row.artifact)?.portable;
        let artifact = row.artifact.clone();
        (live != stored).then_some(BackupDifference { environment, artifact, live, stored })
    }
}

/// Asks what differs between what is under the cursor and its newest backup, once.
pub fn compare_under_cursor(app: &mut App) -> Option<Effect> {
    let of = app.difference_under_cursor()?;
    if app.background.comparing || app.background.differences.contains_key(&of) {
        return None;
    }
    let name = &app.environments[of.environment].name;
    let newest = app.store.index.as_ref()?.newest(name, &of.artifact)?;
    let subject = Subject { artifact: of.artifact.clone(), environment: of.environment };
    let (before, after) = (newest.reference(), app.live_reference(&subject)?);
    app.background.comparing = true;
    Some(Effect::Matrix(MatrixEffect::Differ { of, pair: Box::new((before, after)) }))
}

/// Asks for the exports that tell what the rows on the screen mean. Of a project all that is worth
/// knowing is asked for together: it may come in one file.
pub fn fingerprint_rows(app: &mut App) -> Vec<Effect> {
    let height = usize::from(app.areas.rows.height);
    let mut effects = Vec::new();
    let shown = app.table.shown.iter().skip(app.table.offset).take(height);
    let row = |line: &TableLine| match line {
        TableLine::Row(index) => Some(*index),
        TableLine::Head(_) => None,
    };
    let on_screen: Vec<usize> = shown.filter_map(row).collect();
    for index in on_screen {
        for environment in EnvironmentIndex::all(app.environments.len()) {
            if app.background.exports() >= AT_ONCE {
                return effects;
            }
            let row = &app.table.matrix.rows[index];
            let Some(asked) = worth_an_export(app, row, environment) else { continue };
            let scope = asked.0.scope.clone();
            let wanted: Vec<_> = match scope.is_global() {
                true => vec![asked],
                false => {
                    let project = app.table.matrix.rows.iter().filter(|r| r.scope == scope);
                    project.filter_map(|r| worth_an_export(app, r, environment)).collect()
                }
            };
            for (id, _) in &wanted {
                app.background.under_way.insert((environment, id.clone()));
            }
            effects.push(Effect::Matrix(MatrixEffect::Fingerprint { environment, wanted }));
        }
    }
    effects
}

/// The integration of a cell with the time of its last change, where its fingerprint would tell
/// something that is not known, and was not asked for.
fn worth_an_export(
    app: &App,
    row: &MatrixRow,
    environment: EnvironmentIndex,
) -> Option<(IntegrationId, Timestamp)> {
    let cell = row.cell(environment)?;
    if !is_worth_an_export(&app.table, row, environment, cell) {
        return None;
    }
    let of = &app.environments[environment];
    let calm = of.fresh && of.error.is_none() && cell.state.status != Status::Busy;
    let (id, updated) = (row.integration_id(environment)?, cell.state.last_updated?);
    let key = (environment, id);
    let asked = app.background.failed.contains(&key) || app.background.under_way.contains(&key);
    (calm && !asked).then_some((key.1, updated))
}

/// Whether the fingerprint of a cell would tell something that is not known.
fn is_worth_an_export(
    table: &MatrixTable,
    row: &MatrixRow,
    environment: EnvironmentIndex,
    cell: &MatrixCell,
) -> bool {
    let base = row.cell(table.base);
    let comparable = environment == table.base || base.is_some_and(|b| b.version == cell.version);
    comparable && cell.portable.is_none() && !cell.state.prebuilt && cell.state.locked_by.is_none()
}

/// Takes in the portable fingerprint from an export; None where the export failed.
pub fn fingerprinted(
    app: &mut App,
    environment: EnvironmentIndex,
    id: IntegrationId,
    found: Option<Fingerprint>,
) {
    let key = (environment, id);
    app.background.under_way.remove(&key);
    let (environment, id) = key;
    let Some(portable) = found else {
        app.background.failed.insert((environment, id));
        return;
    };
    let base = app.table.base;
    let index = app.store.index.as_ref();
    let name = &app.environments[base].name;
    let artifact = ArtifactKey::from(id.clone()).name();
    let newest = index.and_then(|i| i.newest(name, &artifact)).map(|v| v.portable);
    let Some(row) = app.table.find_mut(&artifact) else { return };
    let cell = row.cells.get_mut(environment.0).and_then(Option::as_mut);
    if let Some(cell) = cell.filter(|c| c.version == Some(id.version)) {
        cell.portable = Some(portable);
    }
    if environment == base {
        row.stored.current = newest.map(|n| n == portable);
    }
}
