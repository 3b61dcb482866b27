//! What keys, clicks and answers change on the matrix.

use std::sync::Arc;

use ratatui::layout::Position;

use super::{
    BackupDifference, MatrixColumn,
    background::{compare_under_cursor, fingerprint_rows, fingerprinted},
    column::ColumnsEnd,
};
use crate::archive::Fingerprints;
use crate::model::{EnvironmentIndex, IntegrationId, Kind, Level};
use crate::ops::backup::BackupSelection;
use crate::store::Index;
use crate::tui::{
    app::App,
    event::{Effect, MatrixEffect},
    failure::Failure,
    keymap::{Action, Context},
    navigate,
    screen::{Layer, Transition},
};
use crate::workspace::listing::Listing;

/// Something about environments, the store and the rows.
#[derive(Debug)]
pub enum MatrixEvent {
    /// What the global space of an environment has; its projects are still asked.
    PartlyLoaded {
        environment: EnvironmentIndex,
        listing: Listing,
    },
    Loaded {
        environment: EnvironmentIndex,
        result: Result<Listing, LoadFailure>,
    },
    StoreLoaded(Result<Arc<Index>, Failure>),
    /// An export gave the fingerprints of a live integration.
    Fingerprinted {
        environment: EnvironmentIndex,
        id: IntegrationId,
        result: Result<Fingerprints, Failure>,
    },
    Ranked {
        generation: u64,
        hits: Vec<(i64, usize)>,
    },
    /// What differs between what is live and its newest backup.
    Difference {
        of: BackupDifference,
        result: Result<String, Failure>,
    },
}

/// Why an environment did not answer: in a few words, and whole with what to do.
#[derive(Debug, Clone)]
pub struct LoadFailure {
    pub reason: String,
    pub text: String,
}

/// Does what an action means on the rows.
pub fn on_action(app: &mut App, action: Action) -> Transition {
    if let Some(transition) = on_head(app, action) {
        return transition;
    }
    let table = &mut app.table;
    match action {
        Action::Back => back(app),
        Action::Find => return navigate::find(app),
        Action::NextColumn => table.move_column(1, ColumnsEnd::Wraps),
        Action::Right => table.move_column(1, ColumnsEnd::Stops),
        Action::Left => table.move_column(-1, ColumnsEnd::Stops),
        Action::Mark => {
            let on_row = table.head().is_none();
            table.toggle_mark();
            // On a head the next press takes the marks away again.
            table.move_by(isize::from(on_row));
        }
        Action::MarkAll => table.mark_shown(),
        Action::UnmarkAll => table.marks.clear(),
        Action::OnlyDifferences => {
            table.only_differences = !table.only_differences;
            table.show();
        }
        Action::OnlyFailing => {
            table.only_failing = !table.only_failing;
            table.show();
        }
        Action::Sort => {
            table.order = table.order.next();
            table.show();
        }
        Action::Kind => table.set_kind(next_kind(table.kind)),
        Action::Group => table.toggle_groups(),
        Action::Project => return navigate::projects(app),
        Action::Base => return set_base(app),
        Action::Refresh => return Transition::stay().with(refresh(app)),
        Action::Export => return Transition::stay().with(export(app)),
        Action::Backup => {
            let environment = app.target();
            return Transition::stay().with(backup_all(app, environment));
        }
        Action::Restore => return navigate::restore(app),
        Action::Inspect => return navigate::inspect_cursor(app),
        Action::Compare => return navigate::compare_cursor(app),
        Action::Timeline => return navigate::timeline_of_cursor(app),
        Action::Promote => return navigate::promote(app),
        Action::Move => return navigate::choose_where_to_move(app),
        Action::Drift => return navigate::drift(app),
        Action::SearchInside => return navigate::search_inside(app),
        other => {
            let column = other.column().and_then(|c| MatrixColumn::at(c, table.environments()));
            match column {
                Some(column) => table.column = column,
                None => return Transition::pass(),
            }
        }
    }
    Transition::stay()
}

/// What an action means on the head of a scope's rows; None where it means the same as on a row.
fn on_head(app: &mut App, action: Action) -> Option<Transition> {
    let scope = app.table.head()?.clone();
    match action {
        Action::Inspect => app.table.toggle_fold(),
        // What is marked counts, wherever the cursor is.
        Action::Export | Action::Restore | Action::Promote | Action::Move
            if !app.table.marks.is_empty() =>
        {
            return None;
        }
        Action::Export
        | Action::Restore
        | Action::Promote
        | Action::Move
        | Action::Compare
        | Action::Timeline => {
            let key = |action| app.key(Context::Explorer, action);
            let text = format!(
                "this is the head of {scope}: {} folds it, {} marks its rows",
                key(Action::Inspect),
                key(Action::Mark)
            );
            app.say(Level::Warning, text);
        }
        _ => return None,
    }
    Some(Transition::stay())
}

fn next_kind(kind: Option<Kind>) -> Option<Kind> {
    let index = kind.and_then(|k| Kind::ALL.iter().position(|other| *other == k));
    match (kind, index) {
        (None, _) => Some(Kind::ALL[0]),
        (Some(_), Some(p)) => Kind::ALL.get(p + 1).copied(),
        (Some(_), None) => None,
    }
}

fn set_base(app: &mut App) -> Transition {
    let MatrixColumn::Environment(base) = app.table.column else {
        let text = "the store is not a base; go to an environment's column first";
        app.say(Level::Warning, text);
        return Transition::stay();
    };
    app.table.base = base;
    Transition::stay().with(app.rebuild())
}

/// Takes away the filter, the marks, or what else narrows the rows, one at a time; never leaves the
/// program.
fn back(app: &mut App) {
    let table = &mut app.table;
    if !table.filter.is_empty() {
        table.stay_on_row();
        table.set_filter("");
    } else if !table.marks.is_empty() {
        table.marks.clear();
    } else if table.only_differences || table.only_failing {
        (table.only_differences, table.only_failing) = (false, false);
        table.show();
    } else if table.scope.is_some() {
        table.set_scope(None);
    }
}

/// Answers a click on the rows, a column or the title.
pub fn clicked(app: &mut App, at: Position) -> Option<Action> {
    let column = app.areas.columns.iter().find(|(area, _)| area.contains(at)).map(|(_, c)| *c);
    if let Some(column) = column {
        app.table.column = column;
    }
    if app.areas.rows.contains(at) {
        let index = app.table.offset + usize::from(at.y - app.areas.rows.y);
        if index < app.table.shown.len() {
            app.table.cursor = index;
            app.table.chosen = true;
        }
        return None;
    }
    app.areas.title.contains(at).then_some(Action::Kind)
}

/// Asks everything again.
pub fn refresh(app: &mut App) -> Vec<Effect> {
    app.background.retry_failed();
    let mut effects = vec![Effect::Matrix(MatrixEffect::LoadStore)];
    effects.extend(
        EnvironmentIndex::all(app.environments.len()).map(|e| app.reload(e)).collect::<Vec<_>>(),
    );
    effects
}

/// Exports what is marked, else the row under the cursor, from the environment under the cursor.
pub fn export(app: &mut App) -> Vec<Effect> {
    let environment = app.target();
    let chosen: Vec<_> = app.table.selected().iter().filter_map(|r| r.key(environment)).collect();
    let name = app.environments[environment].name.clone();
    let title = match chosen.as_slice() {
        [] => {
            app.say(Level::Warning, format!("{name} has nothing here to export"));
            return vec![];
        }
        [one] => format!("export {one} from {name}"),
        many => format!("export {} artifacts from {name}", many.len()),
    };
    backup(app, environment, title, BackupSelection { chosen, ..BackupSelection::default() })
}

/// Takes a snapshot of an environment.
pub fn backup_all(app: &mut App, environment: EnvironmentIndex) -> Vec<Effect> {
    let title = format!("backup of {}", app.environments[environment].name);
    backup(app, environment, title, BackupSelection::default())
}

fn backup(
    app: &mut App,
    environment: EnvironmentIndex,
    title: String,
    selection: BackupSelection,
) -> Vec<Effect> {
    if app.store.label.is_none() {
        let text = "the config names no store; add a line such as: store = \"~/oic-backups\"";
        app.say(Level::Warning, text);
        return vec![];
    }
    let (job, stop) = app.jobs.begin(title, None, None);
    vec![Effect::Backup { job, environment, selection, cancel: stop.token().clone() }]
}

/// Takes in what was asked for the rows.
pub fn on_event(app: &mut App, event: MatrixEvent) -> Vec<Effect> {
    match event {
        MatrixEvent::PartlyLoaded { environment, listing } => {
            partly_loaded(app, environment, listing)
        }
        MatrixEvent::Loaded { environment, result } => loaded(app, environment, result),
        MatrixEvent::StoreLoaded(result) => store_loaded(app, result),
        MatrixEvent::Fingerprinted { environment, id, result } => {
            if let Err(why) = &result {
                let name = &app.environments[environment].name;
                tracing::info!("{name}: the fingerprint of {id} is not known: {why}");
            }
            fingerprinted(app, environment, id, result.ok().map(|f| f.portable));
            if app.background.is_done() || app.table.only_differences {
                app.table.count();
                app.table.show();
            }
            vec![]
        }
        MatrixEvent::Ranked { generation, hits } => {
            app.table.take_ranking(generation, hits);
            vec![]
        }
        MatrixEvent::Difference { of, result } => {
            app.background.compared(of, result);
            vec![]
        }
    }
}

/// Shows what an environment has answered so far. What an earlier start knew is more, and stays
/// until all has answered.
fn partly_loaded(app: &mut App, of: EnvironmentIndex, listing: Listing) -> Vec<Effect> {
    let environment = &mut app.environments[of];
    if environment.listing.as_ref().is_some_and(|known| !known.is_growing()) {
        return vec![];
    }
    environment.listing = Some(Arc::new(listing));
    app.rebuild()
}

fn loaded(
    app: &mut App,
    of: EnvironmentIndex,
    result: Result<Listing, LoadFailure>,
) -> Vec<Effect> {
    let environment = &mut app.environments[of];
    environment.loading = false;
    match result {
        Ok(listing) => {
            environment.listing = Some(Arc::new(listing));
            environment.fresh = true;
            environment.error = None;
        }
        Err(failure) => {
            tracing::warn!("{}", failure.text);
            // The others continue; this one keeps what was last known.
            environment.error = Some(failure.clone());
            app.say(Level::Warning, failure.text);
        }
    }
    app.rebuild()
}

fn store_loaded(app: &mut App, result: Result<Arc<Index>, Failure>) -> Vec<Effect> {
    match result {
        Ok(index) => {
            app.fingerprint_cache.learn_index(&index);
            if let Some(problem) = index.problems.first() {
                app.say(Level::Warning, problem.clone());
            }
            app.store.index = Some(index);
            app.store.error = None;
        }
        Err(why) => {
            app.store.error = Some(why.to_string());
            app.say(Level::Blocker, why);
        }
    }
    app.rebuild()
}

/// Keeps the cursor in sight after an event, and asks for what the rows in sight need.
pub fn after_event(app: &mut App) -> Vec<Effect> {
    app.table.scroll_into(usize::from(app.areas.rows.height));
    let in_sight = app.top().layer() == Layer::Matrix || app.top().context() == Context::Run;
    if !in_sight {
        return vec![];
    }
    let mut effects = fingerprint_rows(app);
    effects.extend(compare_under_cursor(app));
    effects
}
