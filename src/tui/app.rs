//! The state of the explorer.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use ratatui::layout::Rect;

use super::{
    event::{BackupDifference, Effect},
    jobs::Jobs,
    keymap::{Action, Keymap},
    layer::Layer,
    page::Page,
    table::Table,
    theme::Theme,
};
use crate::model::{EnvironmentName, IntegrationId, Level, Status};
use crate::ops::matrix::Matrix;
use crate::store::Index;
use crate::workspace::{fingerprint_cache::FingerprintCache, listing::Listing};

/// Exports at once that only settle whether cells are the same.
const SETTLERS: usize = 6;

pub struct App {
    pub columns: Vec<Column>,
    pub store: StoreState,
    pub fingerprint_cache: FingerprintCache,
    pub table: Table,
    pub layer: Layer,
    /// Pages under the layer, the last on top: where Esc goes.
    pub below: Vec<Page>,
    pub jobs: Jobs,
    pub message: Option<Message>,
    pub keymap: Keymap,
    pub theme: Theme,
    pub theme_name: String,
    pub ascii: bool,
    pub log: Arc<Mutex<Vec<String>>>,
    /// Where things were drawn, for the mouse and for scrolling.
    pub hits: ClickAreas,
    pub demo: bool,
    pub quit: bool,
    /// Counts ticks, for what moves.
    pub beat: usize,
    /// What differs between a live integration and its newest backup, in words; none where that
    /// could not be found out.
    pub differences: HashMap<BackupDifference, Option<String>>,
    /// Whether one is asked for: one at a time.
    pub differing: bool,
    /// Counts what was asked for, so that a late answer is known as one.
    asked: u64,
    settling: HashSet<(usize, IntegrationId)>,
    /// Exports that failed are not asked again until the next refresh.
    unsettled: HashSet<(usize, IntegrationId)>,
}

/// One environment.
#[derive(Debug)]
pub struct Column {
    pub name: EnvironmentName,
    pub protected: bool,
    pub read_only: bool,
    /// The last known, from this start or an earlier one.
    pub listing: Option<Arc<Listing>>,
    pub loading: bool,
    /// Whether the listing is of this start.
    pub fresh: bool,
    /// Why it did not answer: short, and whole.
    pub error: Option<(String, String)>,
}

impl Column {
    /// How many integrations there are, versions of one counted once. The list is sorted by the
    /// service or nearly so, which makes neighbours enough to look at.
    pub fn integrations(&self) -> usize {
        let Some(listing) = &self.listing else { return 0 };
        let mut last = None;
        let mut count = 0;
        for artifact in
            listing.artifacts.iter().filter(|a| a.kind == crate::model::Kind::Integration)
        {
            count += usize::from(last != Some(&artifact.code));
            last = Some(&artifact.code);
        }
        count
    }
}

#[derive(Debug, Default)]
pub struct StoreState {
    /// None: the config names no store.
    pub label: Option<String>,
    pub index: Option<Arc<Index>>,
    pub error: Option<String>,
    /// When each environment was last rehearsed with success.
    pub drills: Vec<(EnvironmentName, jiff::Timestamp)>,
}

/// One line above the footer.
#[derive(Debug, Clone)]
pub struct Message {
    pub level: Level,
    pub text: String,
}

/// What lies where on the screen.
#[derive(Debug, Clone, Default)]
pub struct ClickAreas {
    pub rows: Rect,
    /// Columns by place: the environment, or the store after the last.
    pub columns: Vec<(Rect, usize)>,
    pub footer: Vec<(Rect, Action)>,
    pub title: Rect,
    /// The list of the topmost layer, and its first row's place.
    pub list: Option<(Rect, usize)>,
}

impl App {
    /// Whether something on the screen moves by itself.
    pub fn moves(&self) -> bool {
        self.columns.iter().any(|c| c.loading)
            || self.jobs.running().next().is_some()
            || (matches!(self.layer, Layer::Planning { .. } | Layer::Opening { .. })
                || matches!(&self.layer, Layer::Recover(view) if view.plan.is_none()))
    }

    /// The live integration under the cursor and its newest backup, where both are known and
    /// differ.
    pub fn difference(&self) -> Option<BackupDifference> {
        let column = self.target();
        let row = self.table.row().filter(|r| r.kind == crate::model::Kind::Integration)?;
        let live = row.cells.get(column)?.as_ref()?.portable?;
        let index = self.store.index.as_ref()?;
        let newest =
            index.newest(&self.columns[column].name, crate::model::Kind::Integration, &row.code)?;
        let stored = newest.portable;
        (live != stored).then(|| BackupDifference { column, code: row.code.clone(), live, stored })
    }

    /// A number for something that is asked for.
    pub fn next_id(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// Puts a layer on top; a page that was there waits below it.
    pub fn open(&mut self, layer: Layer) {
        if let Layer::Page(page) = std::mem::replace(&mut self.layer, layer) {
            self.below.push(*page);
        }
    }

    /// Shows the page that waits, where nothing else is on top.
    pub fn resume(&mut self) {
        if matches!(self.layer, Layer::None)
            && let Some(page) = self.below.pop()
        {
            self.layer = Layer::Page(Box::new(page));
        }
    }

    /// The page with this number, on top or below.
    pub fn page(&mut self, id: u64) -> Option<&mut Page> {
        let top = match &mut self.layer {
            Layer::Page(page) => Some(&mut **page),
            _ => None,
        };
        top.into_iter().chain(self.below.iter_mut()).find(|p| p.id == id)
    }

    pub fn set_theme(&mut self, name: &str) {
        self.theme = Theme::named(name);
        self.theme_name = name.to_owned();
    }

    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.message = Some(Message { level, text: text.into() });
    }

    /// The environment under the cursor; on the store's column, the base.
    pub fn target(&self) -> usize {
        if self.table.on_store() { self.table.base } else { self.table.column }
    }

    /// Builds the rows again from what is known.
    pub fn rebuild(&mut self) -> Vec<Effect> {
        let names: Vec<_> = self.columns.iter().map(|c| c.name.clone()).collect();
        let listings: Vec<Option<&Listing>> =
            self.columns.iter().map(|c| c.listing.as_deref()).collect();
        let known = listings.iter().map(Option::is_some).collect();
        let matrix = Matrix::build(
            &names,
            &listings,
            self.store.index.as_deref(),
            &self.fingerprint_cache,
            self.table.base,
        );
        self.table.set_matrix(matrix, known).into_iter().collect()
    }

    /// Forgets which exports failed: they may work now.
    pub fn forgive(&mut self) {
        self.unsettled.clear();
    }

    /// Asks for the exports that would settle the rows on the screen.
    pub fn settle(&mut self) -> Vec<Effect> {
        let height = usize::from(self.hits.rows.height);
        let mut effects = Vec::new();
        for place in self.table.shown.iter().skip(self.table.offset).take(height) {
            let row = &self.table.matrix.rows[*place];
            for (column, cell) in row.cells.iter().enumerate() {
                if self.settling.len() >= SETTLERS {
                    return effects;
                }
                let Some(cell) = cell
                    .as_ref()
                    .filter(|c| c.portable.is_none() && !c.prebuilt && c.locked_by.is_none())
                else {
                    continue;
                };
                let base = row.cells.get(self.table.base).and_then(Option::as_ref);
                let useful =
                    column == self.table.base || base.is_some_and(|b| b.version == cell.version);
                let calm = self.columns[column].fresh
                    && self.columns[column].error.is_none()
                    && cell.status != Status::Busy;
                let (Some(id), Some(updated)) = (row.integration_id(column), cell.last_updated)
                else {
                    continue;
                };
                let key = (column, id.clone());
                if useful && calm && !self.unsettled.contains(&key) && self.settling.insert(key) {
                    effects.push(Effect::Settle { column, id, updated });
                }
            }
        }
        effects
    }

    /// Takes in what an export told.
    pub fn settled(
        &mut self,
        column: usize,
        id: IntegrationId,
        flow: Option<crate::model::Fingerprint>,
    ) {
        let key = (column, id);
        self.settling.remove(&key);
        let (column, id) = key;
        let Some(flow) = flow else {
            self.unsettled.insert((column, id));
            return;
        };
        let base = self.table.base;
        let newest = self
            .store
            .index
            .as_ref()
            .and_then(|i| {
                i.newest(&self.columns[base].name, crate::model::Kind::Integration, &id.code)
            })
            .map(|v| v.portable);
        let rows = &mut self.table.matrix.rows;
        // Rows stand by kind and code.
        let found = rows.binary_search_by(|r| {
            (r.kind, r.code.as_str()).cmp(&(crate::model::Kind::Integration, id.code.as_str()))
        });
        if let Ok(place) = found {
            let row = &mut rows[place];
            if let Some(cell) = row
                .cells
                .get_mut(column)
                .and_then(Option::as_mut)
                .filter(|c| c.version == Some(id.version))
            {
                cell.portable = Some(flow);
            }
            if column == base {
                row.stored.current = newest.map(|n| n == flow);
            }
        }
    }

    /// Whether all exports that were asked for have answered.
    pub fn is_settled(&self) -> bool {
        self.settling.is_empty() && !self.differing
    }
}

/// Each environment's last listing. They are read side by side: the first picture waits for them.
fn seen_last_time(workspace: &crate::workspace::Workspace) -> Vec<Option<Listing>> {
    let Some(folder) = workspace.cache.as_deref() else {
        return workspace.environments.iter().map(|_| None).collect();
    };
    std::thread::scope(|scope| {
        let load = |client: &crate::oic::Client| {
            let environment = client.environment().clone();
            scope.spawn(move || crate::workspace::listing_cache::load(folder, &environment))
        };
        let reads: Vec<_> = workspace.environments.iter().map(load).collect();
        // What cannot be read is as good as not there.
        reads.into_iter().map(|r| r.join().ok().flatten()).collect()
    })
}

impl App {
    /// A fresh explorer: nothing is known yet but the names, and what was seen last time.
    pub fn new(setup: &super::Setup) -> Self {
        let workspace = &setup.workspace;
        let columns: Vec<Column> = workspace
            .environments
            .iter()
            .zip(seen_last_time(workspace))
            .map(|(client, seen)| Column {
                name: client.name().clone(),
                protected: client.environment().protected,
                read_only: client.environment().read_only,
                listing: seen.map(Arc::new),
                loading: true,
                fresh: false,
                error: None,
            })
            .collect();
        let theme_name = setup.look.theme.clone().unwrap_or_else(|| "dark".into());
        Self {
            table: Table::new(columns.len()),
            columns,
            store: StoreState {
                label: workspace.store.as_ref().map(|s| s.label().to_owned()),
                ..StoreState::default()
            },
            fingerprint_cache: FingerprintCache::load(workspace.cache.as_deref()),
            layer: Layer::None,
            below: Vec::new(),
            differences: HashMap::new(),
            differing: false,
            asked: 0,
            jobs: Jobs::default(),
            message: None,
            keymap: setup.keymap.clone(),
            theme: Theme::named(&theme_name),
            theme_name,
            ascii: setup.look.ascii,
            log: setup.log.clone(),
            hits: ClickAreas::default(),
            demo: setup.demo,
            quit: false,
            beat: 0,
            settling: HashSet::new(),
            unsettled: HashSet::new(),
        }
    }
}
