//! Exports and comparisons in the background: whether cells of the rows on the screen are the same,
//! and what differs between the row under the cursor and its newest backup.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{MatrixTable, TableLine};
use crate::model::{
    ArtifactKey, ArtifactName, EnvironmentIndex, Fingerprint, IntegrationId, Kind, Status, Version,
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
            let asked = worth_an_export(app, row, environment);
            let Some(scope) = asked.first().map(|(id, _)| id.scope.clone()) else { continue };
            let wanted = match scope.is_global() {
                true => asked,
                false => {
                    let project = app.table.matrix.rows.iter().filter(|r| r.scope == scope);
                    project.flat_map(|r| worth_an_export(app, r, environment)).collect()
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

/// The active versions of a cell, each with the time of its last change, whose fingerprints would
/// tell something that is not known, and were not asked for.
fn worth_an_export(
    app: &App,
    row: &MatrixRow,
    environment: EnvironmentIndex,
) -> Vec<(IntegrationId, Timestamp)> {
    let Some(cell) = row.cell(environment) else { return vec![] };
    let of = &app.environments[environment];
    let calm = of.fresh && of.error.is_none() && cell.state.status != Status::Busy;
    if !calm || cell.state.prebuilt || cell.state.locked_by.is_some() {
        return vec![];
    }
    let id = |version| row.artifact.key(version).integration_id();
    let untold = untold_versions(&app.table, row, environment, cell);
    let wanted = untold.filter_map(|(version, updated)| Some((id(version)?, updated?)));
    let asked = |id: &IntegrationId| {
        let key = (environment, id.clone());
        app.background.failed.contains(&key) || app.background.under_way.contains(&key)
    };
    wanted.filter(|(id, _)| row.kind == Kind::Integration && !asked(id)).collect()
}

/// The version that a cell shows and those that run beside it, each with the time of its last
/// change: those of which no fingerprint is known, and of which the base has the same version.
fn untold_versions(
    table: &MatrixTable,
    row: &MatrixRow,
    environment: EnvironmentIndex,
    cell: &MatrixCell,
) -> impl Iterator<Item = (Option<Version>, Option<Timestamp>)> {
    let base = row.cell(table.base);
    let is_base = environment == table.base;
    let shown = is_base || base.is_some_and(|b| b.version == cell.version);
    let shown =
        (shown && cell.portable.is_none()).then_some((cell.version, cell.state.last_updated));
    let on_base = move |version: Version| {
        is_base || base.is_some_and(|b| b.beside.iter().any(|other| other.version == version))
    };
    let beside = cell.beside.iter().filter(move |v| v.portable.is_none() && on_base(v.version));
    shown.into_iter().chain(beside.map(|v| (Some(v.version), v.last_updated)))
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
    let Some(cell) = cell else { return };
    if let Some(beside) = cell.beside.iter_mut().find(|v| v.version == id.version) {
        beside.portable = Some(portable);
        return;
    }
    if cell.version == Some(id.version) {
        cell.portable = Some(portable);
    }
    if environment == base {
        row.stored.current = newest.map(|n| n == portable);
    }
    if !artifact.scope.is_global() {
        app.table.look_into(&artifact.scope);
    }
}
