//! The state that all screens share.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use super::{
    event::{Effect, MatrixEffect},
    jobs::Jobs,
    keymap::{Action, Context, Keymap},
    screen::{
        Screen, ScreenId,
        matrix::{BackgroundWork, LoadFailure, MatrixColumn, MatrixScreen, MatrixTable},
    },
    theme::{Theme, ThemeName},
    widgets::{scrollbar::Scroll, toast::Toast},
};
use crate::model::{
    Answer, ArtifactName, EnvironmentIndex, EnvironmentName, Kind, Level, Reference, ago_between,
};
use crate::oic::{Client, Silence};
use crate::ops::matrix::Matrix;
use crate::store::Index;
use crate::workspace::{
    Workspace, fingerprint_cache::FingerprintCache, listing::Listing, listing_cache,
};

pub struct App {
    pub environments: Vec<Environment>,
    pub store: StoreState,
    pub fingerprint_cache: FingerprintCache,
    /// The rows.
    pub table: MatrixTable,
    /// What is asked for in the background, for the rows in sight.
    pub background: BackgroundWork,
    /// The matrix at the bottom, and what lies over it; the last takes the keys.
    pub screens: Vec<Box<dyn Screen>>,
    pub jobs: Jobs,
    pub toast: Option<Toast>,
    /// Environments that have not answered a call for a while.
    pub silences: Vec<Silence>,
    pub keymap: Keymap,
    pub theme: Theme,
    pub theme_name: ThemeName,
    pub ascii: bool,
    pub log: Arc<Mutex<Vec<String>>>,
    /// Where the log goes on disk.
    pub log_file: Option<PathBuf>,
    /// Where things were drawn, for the mouse and for scrolling.
    pub areas: ClickAreas,
    pub demo: bool,
    pub quit: bool,
    /// Counts ticks, for what moves.
    pub ticks: usize,
    /// The time of the last event: drawing asks for no time of its own.
    pub now: Timestamp,
    /// Counts what was asked for, so that a late answer is known as one.
    asked: u64,
}

/// One environment.
#[derive(Debug)]
pub struct Environment {
    pub name: EnvironmentName,
    pub protected: bool,
    pub read_only: bool,
    /// The last known, from this start or an earlier one.
    pub listing: Option<Arc<Listing>>,
    pub loading: bool,
    /// Whether the listing is of this start.
    pub fresh: bool,
    /// Why it did not answer.
    pub error: Option<LoadFailure>,
}

impl Environment {
    /// How many integrations there are; the versions of one count once. The service gives the list
    /// sorted, or nearly so, so it is enough to compare neighbours.
    pub fn integrations(&self) -> usize {
        let Some(listing) = &self.listing else { return 0 };
        let mut last = None;
        let mut count = 0;
        for artifact in listing.artifacts.iter().filter(|a| a.kind == Kind::Integration) {
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
    pub drills: Vec<(EnvironmentName, Timestamp)>,
}

impl StoreState {
    /// Whether it has not said yet what it holds.
    pub fn is_being_read(&self) -> bool {
        self.label.is_some() && self.index.is_none() && self.error.is_none()
    }

    /// The index; not known while the store is being read, and where there is none.
    pub fn ready(&self) -> Answer<Arc<Index>> {
        match (&self.index, &self.error, &self.label) {
            (Some(index), ..) => Answer::Known(index.clone()),
            (None, Some(error), _) => Answer::unknown(error),
            (None, None, Some(_)) => {
                Answer::unknown("the store is being read: try again in a moment")
            }
            (None, None, None) => Answer::unknown("the config names no store"),
        }
    }
}

/// Where parts of the screen lie, for clicks.
#[derive(Debug, Clone, Default)]
pub struct ClickAreas {
    pub rows: Rect,
    pub columns: Vec<(Rect, MatrixColumn)>,
    /// Words that stand for a key: the footer, tabs.
    pub actions: Vec<(Rect, Action)>,
    pub title: Rect,
    /// The list, or the text, of the topmost screen.
    pub list: Option<DrawnLines>,
}

/// The lines of a list or a text that are drawn.
#[derive(Debug, Clone, Copy)]
pub struct DrawnLines {
    pub area: Rect,
    /// The index of the first line that is drawn.
    pub first: usize,
    /// Lines in all.
    pub count: usize,
}

impl DrawnLines {
    /// Where the bar stands.
    pub fn scroll(self) -> Scroll {
        Scroll { first: self.first, count: self.count, height: usize::from(self.area.height) }
    }

    /// The index of the first line when the last one is in sight.
    pub fn last_first(self) -> usize {
        self.count.saturating_sub(usize::from(self.area.height))
    }
}

impl ClickAreas {
    /// The action of the words at a place, where words stand there for a key.
    pub fn action_at(&self, at: Position) -> Option<Action> {
        self.actions.iter().find(|(area, _)| area.contains(at)).map(|(_, action)| *action)
    }
}

/// An artifact in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub artifact: ArtifactName,
    pub environment: EnvironmentIndex,
}

impl App {
    /// A fresh explorer: nothing is known yet but the names, and what was seen last time.
    pub fn new(setup: &super::Setup) -> Self {
        let workspace = &setup.workspace;
        let environments: Vec<Environment> = workspace
            .environments
            .iter()
            .zip(seen_last_time(workspace))
            .map(|(client, seen)| Environment {
                name: client.name().clone(),
                protected: client.environment().protected,
                read_only: client.environment().read_only,
                listing: seen.map(Arc::new),
                loading: true,
                fresh: false,
                error: None,
            })
            .collect();
        let theme_name = setup.look.theme.as_deref().map(ThemeName::of).unwrap_or_default();
        Self {
            table: MatrixTable::new(environments.len()),
            environments,
            store: StoreState {
                label: workspace.store.as_ref().map(|s| s.label().to_owned()),
                ..StoreState::default()
            },
            fingerprint_cache: FingerprintCache::load(workspace.cache.as_deref()),
            background: BackgroundWork::default(),
            screens: vec![Box::new(MatrixScreen)],
            jobs: Jobs::default(),
            toast: None,
            silences: Vec::new(),
            keymap: setup.keymap.clone(),
            theme: Theme::named(theme_name),
            theme_name,
            ascii: setup.look.ascii,
            log: setup.log.clone(),
            log_file: setup.log_file.clone(),
            areas: ClickAreas::default(),
            demo: setup.demo,
            quit: false,
            ticks: 0,
            now: Timestamp::now(),
            asked: 0,
        }
    }

    /// The screen that takes the keys.
    pub fn top(&self) -> &dyn Screen {
        // The matrix is never closed; the other arm keeps a mistake from being a panic.
        self.screens.last().map_or(&MatrixScreen, |top| &**top)
    }

    /// Whether something on the screen moves by itself.
    pub fn moves(&self) -> bool {
        self.environments.iter().any(|e| e.loading)
            || self.jobs.running().next().is_some()
            || self.screens.iter().any(|s| s.moves())
    }

    /// A new id for a screen that asks for something.
    pub fn next_id(&mut self) -> ScreenId {
        self.asked += 1;
        ScreenId(self.asked)
    }

    /// Uses another theme from the next drawing on.
    pub fn set_theme(&mut self, name: ThemeName) {
        self.theme = Theme::named(name);
        self.theme_name = name;
    }

    /// Says one line above the footer.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.toast = Some(Toast { level, text: text.into() });
    }

    /// The key of an action, for messages; the action's word where no key has it.
    pub fn key(&self, context: Context, action: Action) -> String {
        let key = self.keymap.key_for(context, action);
        key.map_or_else(|| format!(":{}", action.label()), |k| k.to_string())
    }

    /// `5m ago`, as seen at the time of the last event.
    pub fn ago(&self, time: Timestamp) -> String {
        ago_between(time, self.now)
    }

    /// The environment under the cursor; on the store's column, the base.
    pub fn target(&self) -> EnvironmentIndex {
        self.table.target()
    }

    /// The index of the environment with this name.
    pub fn environment(&self, name: &EnvironmentName) -> Option<EnvironmentIndex> {
        self.environments.iter().position(|e| e.name == *name).map(EnvironmentIndex)
    }

    /// The artifact under the cursor, and the environment; None where no row is shown.
    pub fn subject(&self) -> Option<Subject> {
        let row = self.table.row()?;
        Some(Subject { artifact: row.artifact.clone(), environment: self.target() })
    }

    /// The reference of an artifact that is live in its environment; None where the list has none.
    pub fn live_reference(&self, of: &Subject) -> Option<Reference> {
        let row = self.table.find(&of.artifact)?;
        let key = row.key(of.environment)?;
        let environment = self.environments[of.environment].name.clone();
        Some(Reference::Live { environment, target: key.name().into(), version: key.version })
    }

    /// Builds the rows again from what is known.
    pub fn rebuild(&mut self) -> Vec<Effect> {
        let names: Vec<_> = self.environments.iter().map(|e| e.name.clone()).collect();
        let listings: Vec<Option<&Listing>> =
            self.environments.iter().map(|e| e.listing.as_deref()).collect();
        let known = listings.iter().map(Option::is_some).collect();
        let index = self.store.index.as_deref();
        let base = self.table.base;
        let matrix = Matrix::build(&names, &listings, index, &self.fingerprint_cache, base);
        self.table.set_matrix(matrix, known).into_iter().collect()
    }

    /// Asks an environment for its lists again.
    pub fn reload(&mut self, environment: EnvironmentIndex) -> Effect {
        self.environments[environment].loading = true;
        Effect::Matrix(MatrixEffect::Load(environment))
    }
}

/// Each environment's last listing. They are read side by side: the first picture waits for them.
fn seen_last_time(workspace: &Workspace) -> Vec<Option<Listing>> {
    let Some(folder) = workspace.cache.as_deref() else {
        return workspace.environments.iter().map(|_| None).collect();
    };
    std::thread::scope(|scope| {
        let load = |client: &Client| {
            let environment = client.environment().clone();
            scope.spawn(move || listing_cache::load(folder, &environment))
        };
        let reads: Vec<_> = workspace.environments.iter().map(load).collect();
        // A listing that cannot be read counts as none.
        reads.into_iter().map(|r| r.join().ok().flatten()).collect()
    })
}
