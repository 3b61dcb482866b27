//! Exports in the background, which settle for the rows on the screen whether cells are the same.

use std::collections::{HashMap, HashSet};

use super::MatrixTable;
use crate::model::{ArtifactKey, ArtifactName, Fingerprint, IntegrationId, Kind, Status};
use crate::ops::matrix::{MatrixCell, MatrixRow};
use crate::tui::{
    app::{App, Subject},
    event::{Effect, MatrixEffect},
    failure::Failure,
};

/// Exports at once that only settle whether cells are the same.
const AT_ONCE: usize = 6;

/// A live integration and its newest backup, by what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BackupDifference {
    pub environment: usize,
    pub artifact: ArtifactName,
    pub live: Fingerprint,
    pub stored: Fingerprint,
}

/// What is asked for in the background, and what came of it.
#[derive(Debug, Default)]
pub struct Settling {
    under_way: HashSet<(usize, IntegrationId)>,
    /// Exports that failed are not asked again until the next refresh.
    failed: HashSet<(usize, IntegrationId)>,
    /// What differs, in words; none where that could not be found out.
    differences: HashMap<BackupDifference, Option<String>>,
    /// Whether a comparison is under way: there is one at a time.
    comparing: bool,
}

impl Settling {
    /// Whether all that was asked for has answered.
    pub fn is_done(&self) -> bool {
        self.under_way.is_empty() && !self.comparing
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
        let live = row.cells.get(environment)?.as_ref()?.portable?;
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
    if app.settling.comparing || app.settling.differences.contains_key(&of) {
        return None;
    }
    let name = &app.environments[of.environment].name;
    let newest = app.store.index.as_ref()?.newest(name, &of.artifact)?;
    let subject = Subject { artifact: of.artifact.clone(), environment: of.environment };
    let (before, after) = (newest.reference(), app.live_reference(&subject)?);
    app.settling.comparing = true;
    Some(Effect::Matrix(MatrixEffect::Differ { of, pair: Box::new((before, after)) }))
}

/// Asks for the exports that would settle the rows on the screen.
pub fn settle_rows(app: &mut App) -> Vec<Effect> {
    let height = usize::from(app.areas.rows.height);
    let mut effects = Vec::new();
    for place in app.table.shown.iter().skip(app.table.offset).take(height) {
        let row = &app.table.matrix.rows[*place];
        for (environment, cell) in row.cells.iter().enumerate() {
            if app.settling.under_way.len() >= AT_ONCE {
                return effects;
            }
            let Some(cell) =
                cell.as_ref().filter(|c| is_worth_an_export(&app.table, row, environment, c))
            else {
                continue;
            };
            let of = &app.environments[environment];
            let calm = of.fresh && of.error.is_none() && cell.state.status != Status::Busy;
            let (Some(id), Some(updated)) =
                (row.integration_id(environment), cell.state.last_updated)
            else {
                continue;
            };
            let key = (environment, id.clone());
            if calm && !app.settling.failed.contains(&key) && app.settling.under_way.insert(key) {
                effects.push(Effect::Matrix(MatrixEffect::Settle { environment, id, updated }));
            }
        }
    }
    effects
}

/// Whether the fingerprint of a cell would tell something that is not known.
fn is_worth_an_export(
    table: &MatrixTable,
    row: &MatrixRow,
    environment: usize,
    cell: &MatrixCell,
) -> bool {
    let base = row.cells.get(table.base).and_then(Option::as_ref);
    let comparable = environment == table.base || base.is_some_and(|b| b.version == cell.version);
    comparable && cell.portable.is_none() && !cell.state.prebuilt && cell.state.locked_by.is_none()
}

/// Takes in the portable fingerprint from an export; None where the export failed.
pub fn settled(app: &mut App, environment: usize, id: IntegrationId, found: Option<Fingerprint>) {
    let key = (environment, id);
    app.settling.under_way.remove(&key);
    let (environment, id) = key;
    let Some(portable) = found else {
        app.settling.failed.insert((environment, id));
        return;
    };
    let base = app.table.base;
    let index = app.store.index.as_ref();
    let name = &app.environments[base].name;
    let artifact = ArtifactKey::from(id.clone()).name();
    let newest = index.and_then(|i| i.newest(name, &artifact)).map(|v| v.portable);
    let Some(row) = app.table.find_mut(&artifact) else { return };
    let cell = row.cells.get_mut(environment).and_then(Option::as_mut);
    if let Some(cell) = cell.filter(|c| c.version == Some(id.version)) {
        cell.portable = Some(portable);
    }
    if environment == base {
        row.stored.current = newest.map(|n| n == portable);
    }
}
