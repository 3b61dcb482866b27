//! Events in, state changed, effects out. Pure: no disk, no network, no clock that matters.

mod keys;
mod mouse;
mod pages;
mod restore;
mod runs;
mod triage;
mod watch;

use std::sync::Arc;

use super::{
    app::App,
    event::{Effect, Event, LoadFailure},
    layer::Layer,
};
use crate::model::Level;
use crate::ops::backup::BackupSelection;
use crate::workspace::listing::Listing;

/// The heart of the explorer.
pub fn update(app: &mut App, event: Event) -> Vec<Effect> {
    let mut effects = match event {
        Event::Key(key) => keys::pressed(app, key),
        Event::Paste(text) => keys::pasted(app, &text),
        Event::Mouse(mouse) => mouse::moved(app, mouse),
        Event::Redraw => vec![],
        Event::Tick => {
            app.beat = app.beat.wrapping_add(1);
            vec![]
        }
        Event::Terminate => {
            app.quit = true;
            vec![]
        }
        Event::Loaded { column, result } => loaded(app, column, result),
        Event::StoreLoaded(result) => store_loaded(app, result),
        Event::Settled { column, id, result } => {
            if let Err(why) = &result {
                tracing::info!("{}: {id} is not settled: {why}", app.columns[column].name);
            }
            app.settled(column, id, result.ok().map(|m| m.portable));
            if app.is_settled() || app.table.only_differences {
                app.table.count();
                app.table.show();
            }
            vec![]
        }
        Event::Ranked { generation, hits } => {
            app.table.take_ranking(generation, hits);
            vec![]
        }
        Event::Planned { title, result } => restore::planned(app, &title, result),
        Event::Progress { job, progress } => {
            if let Some(job) = app.jobs.get_mut(job) {
                job.news(progress);
            }
            vec![]
        }
        Event::BackedUp { job, result } => backed_up(app, job, result),
        Event::Restored { job, result } => restore::ended(app, job, result),
        Event::Runs { open_only, result, drills } => {
            app.store.drills = drills;
            runs::found(app, open_only, result)
        }
        Event::RecoveryPlanned(result) => triage::planned(app, result),
        Event::Recovered { job, report } => triage::recovered(app, job, &report),
        Event::LeftRun(result) => runs::left(app, result),
        Event::Seen { job, list } => watch::seen(app, job, list),
        Event::Fields { code, result } => restore::fields(app, &code, result),
        Event::Compared { id, result } => pages::compared(app, id, result),
        Event::Opened { id, result } => pages::unpacked(app, id, result),
        answer => {
            answered(app, answer);
            vec![]
        }
    };
    let height = usize::from(app.hits.rows.height);
    app.table.scroll_into(height);
    if matches!(app.layer, Layer::None | Layer::Find | Layer::Run { .. }) {
        effects.extend(app.settle());
        effects.extend(pages::difference_under_cursor(app));
    }
    effects
}

/// Answers to what a page asked.
fn answered(app: &mut App, event: Event) {
    match event {
        Event::Examined { id, fingerprints, secrets } => {
            pages::examined(app, id, fingerprints, secrets)
        }
        Event::Graphed { id, result } => pages::graphed(app, id, result),
        Event::Lines { id, path, lines } => pages::lines(app, id, path, lines),
        Event::Text { id, place, text } => pages::text(app, id, place, text),
        Event::Step { id, place, result } => pages::stepped(app, id, place, result),
        Event::Audited { id, result } => pages::audited(app, id, result),
        Event::Triaged { id, result } => triage::known(app, id, result),
        Event::Found { id, result } => pages::found(app, id, result),
        Event::Difference { of, result } => {
            app.differing = false;
            app.differences.insert(of, result.ok());
        }
        Event::Wrote(result) => pages::wrote(app, result),
        Event::Stored(result) => match result {
            Ok(text) => app.say(Level::Fact, text),
            Err(why) => app.say(Level::Warning, why),
        },
        _ => {}
    }
}

/// What a start asks for.
pub fn start(app: &mut App) -> Vec<Effect> {
    let mut effects = app.rebuild();
    effects.extend(refresh(app));
    if app.store.label.is_some() {
        effects.push(Effect::FindRuns { open_only: true });
    }
    effects
}

/// Asks everything again.
fn refresh(app: &mut App) -> Vec<Effect> {
    app.forgive();
    let mut effects = vec![Effect::LoadStore];
    for (i, column) in app.columns.iter_mut().enumerate() {
        column.loading = true;
        effects.push(Effect::Load(i));
    }
    effects
}

fn loaded(app: &mut App, place: usize, result: Result<Listing, LoadFailure>) -> Vec<Effect> {
    let column = &mut app.columns[place];
    column.loading = false;
    match result {
        Ok(listing) => {
            column.listing = Some(Arc::new(listing));
            column.fresh = true;
            column.error = None;
        }
        Err(failure) => {
            tracing::warn!("{}", failure.text);
            // The others go on; this one keeps what was last known.
            column.error = Some((failure.reason, failure.text.clone()));
            app.say(Level::Warning, failure.text);
        }
    }
    app.rebuild()
}

fn store_loaded(app: &mut App, result: Result<Arc<crate::store::Index>, String>) -> Vec<Effect> {
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
            app.store.error = Some(why.clone());
            app.say(Level::Blocker, why);
        }
    }
    app.rebuild()
}

/// Exports what is marked, else the row under the cursor, from the column under the cursor.
fn export(app: &mut App) -> Vec<Effect> {
    let column = app.target();
    let chosen: Vec<_> = app.table.selected().iter().filter_map(|r| r.key(column)).collect();
    let name = app.columns[column].name.clone();
    match chosen.as_slice() {
        [] => {
            app.say(Level::Warning, format!("{name} has nothing here to export"));
            vec![]
        }
        [one] => {
            let title = format!("export {one} from {name}");
            backup(app, column, title, BackupSelection { chosen, ..BackupSelection::default() })
        }
        many => {
            let title = format!("export {} artifacts from {name}", many.len());
            backup(app, column, title, BackupSelection { chosen, ..BackupSelection::default() })
        }
    }
}

fn backup_all(app: &mut App, column: usize) -> Vec<Effect> {
    let title = format!("backup of {}", app.columns[column].name);
    backup(app, column, title, BackupSelection::default())
}

fn backup(app: &mut App, column: usize, title: String, scope: BackupSelection) -> Vec<Effect> {
    if app.store.label.is_none() {
        app.say(
            Level::Warning,
            "the config names no store; add a line such as: store = \"~/oic-backups\"",
        );
        return vec![];
    }
    let (job, stop) = app.jobs.begin(title, None, None);
    vec![Effect::Backup { job, column, scope, cancel: stop.token().clone() }]
}

fn backed_up(
    app: &mut App,
    job: usize,
    result: Result<crate::ops::backup::BackupOutcome, String>,
) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(job) else { return vec![] };
    let text = job.backed_up(result);
    let level = match job.state {
        super::jobs::JobState::Done => Level::Fact,
        super::jobs::JobState::Failed => Level::Blocker,
        _ => Level::Warning,
    };
    if level == Level::Fact {
        app.table.marks.clear();
    }
    app.say(level, text);
    vec![Effect::LoadStore]
}
