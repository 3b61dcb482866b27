//! The ways from an artifact, a reference or a choice to the screen that shows it. Each function
//! gives back the step to take, or says why there is nothing to show.

use super::{
    app::{App, Subject},
    event::{ArchiveEffect, Effect, PlanQuestion, RecoveryEffect, RestoreEffect, ScreenEvent},
    keymap::{Action, Context},
    screen::{
        Step,
        find::Find,
        help::HelpScreen,
        jobs::JobList,
        log::LogScreen,
        matrix::MatrixColumn,
        quit::QuitQuestion,
        search::Search,
        timeline::{Timeline, TimelineEvent},
        versions::Versions,
        waiting::{Waiting, WaitingFor},
    },
};
use crate::model::{
    Answer, ArtifactKey, ArtifactName, EnvironmentIndex, Kind, Level, Reference, Scope,
};
use crate::restore::PlanOptions;
use crate::store::{Index, StoredVersion};
use crate::workspace::collection::CollectionSource;

/// Opens the field that narrows the rows.
pub fn find(_: &mut App) -> Step {
    Step::open(Find)
}

/// Opens the keys of the screen that is on top.
pub fn help(app: &mut App) -> Step {
    Step::open(HelpScreen::of(app.top().context()))
}

/// Leaves the program; asks first where something still changes an environment.
pub fn quit(app: &mut App) -> Step {
    if app.jobs.changing().is_some() && app.top().context() != Context::Quit {
        return Step::open(QuitQuestion);
    }
    app.quit = true;
    Step::stay()
}

/// Opens the list of jobs, the newest under the cursor.
pub fn jobs(app: &mut App) -> Step {
    Step::open(JobList { cursor: app.jobs.all.len().saturating_sub(1) })
}

/// Opens the log at its end.
pub fn log(_: &mut App) -> Step {
    Step::open(LogScreen::default())
}

/// Goes to the rows of a kind with a name, those of a project by its code too.
pub fn rows_of(app: &mut App, scope: &Scope, kind: Kind, name: &str) -> Step {
    app.table.set_kind(Some(kind));
    let text = match scope.project() {
        Some(project) => format!("{project}/{name}"),
        None => name.to_owned(),
    };
    Step::home().with(app.table.set_filter(&text))
}

/// Fetches an archive and shows it.
pub fn inspect(app: &mut App, environment: EnvironmentIndex, reference: Reference) -> Step {
    let id = app.next_id();
    let title = format!("opening {reference}");
    let waiting = Waiting { id, title, what: WaitingFor::Archive(environment) };
    Step::open(waiting).with([Effect::archive(id, ArchiveEffect::Open(reference))])
}

/// Opens what is under the cursor: live, or on the store's column the newest stored version.
pub fn inspect_cursor(app: &mut App) -> Step {
    let Some(subject) = app.subject() else { return Step::stay() };
    let name = app.environments[subject.environment].name.clone();
    let (chosen, place) = if app.table.on_store() {
        (newest_backup(app, &subject).map(StoredVersion::reference), "the store".to_owned())
    } else {
        (app.live_reference(&subject), name.to_string())
    };
    match chosen {
        Some(reference) => inspect(app, subject.environment, reference),
        None => {
            app.say(Level::Warning, format!("{place} has no {}", subject.artifact));
            Step::stay()
        }
    }
}

/// Opens the live version of an integration that an archive names: the one in the scope, else the
/// global one.
pub fn inspect_integration(
    app: &mut App,
    environment: EnvironmentIndex,
    scope: Scope,
    code: String,
) -> Step {
    let global = ArtifactName::new(Kind::Integration, code);
    let there = global.clone().within(scope);
    let live = [there, global.clone()]
        .into_iter()
        .find_map(|artifact| app.live_reference(&Subject { artifact, environment }));
    match live {
        Some(reference) => inspect(app, environment, reference),
        None => inspect_elsewhere(app, environment, &global),
    }
}

/// Opens an integration that neither the scope in which it was looked for nor the global space has:
/// where several projects have it, a person chooses among their rows.
fn inspect_elsewhere(app: &mut App, environment: EnvironmentIndex, of: &ArtifactName) -> Step {
    let name = app.environments[environment].name.clone();
    let found: Vec<ArtifactName> =
        app.table.in_any_scope(of, environment).map(|r| r.artifact.clone()).collect();
    match found.as_slice() {
        [] => {
            app.say(Level::Warning, format!("{name} has no {of}"));
            Step::stay()
        }
        [one] => {
            let reference = app.live_reference(&Subject { artifact: one.clone(), environment });
            reference.map_or_else(Step::stay, |reference| inspect(app, environment, reference))
        }
        several => {
            let scopes: Vec<String> = several.iter().map(|a| a.scope.to_string()).collect();
            let text = format!("{} is in {}: choose one", of.code, scopes.join(" and "));
            app.say(Level::Warning, text);
            app.table.column = MatrixColumn::Environment(environment);
            app.table.scope = None;
            rows_of(app, &Scope::Global, of.kind, &of.code)
        }
    }
}

/// Fetches two archives and shows how they differ.
pub fn compare(app: &mut App, before: Reference, after: Reference) -> Step {
    let title = format!("comparing {before} with {after}");
    compare_titled(app, title, before, after)
}

/// Compares two archives under a title of its own, which is shown while the answer is waited for.
pub fn compare_titled(app: &mut App, title: String, before: Reference, after: Reference) -> Step {
    let id = app.next_id();
    let waiting = Waiting { id, title, what: WaitingFor::Comparison };
    Step::open(waiting).with([Effect::archive(id, ArchiveEffect::Compare { before, after })])
}

/// Compares what is under the cursor. The base column and the store's compare the newest backup
/// with what is live; another column compares the base's live version with its own.
pub fn compare_cursor(app: &mut App) -> Step {
    let Some(subject) = app.subject() else { return Step::stay() };
    if app.table.on_store() || subject.environment == app.table.base {
        return compare_with_backup(app, &subject);
    }
    let in_base = Subject { environment: app.table.base, ..subject.clone() };
    match (here_or_moved(app, &in_base), here_or_moved(app, &subject)) {
        (Some(before), Some(after)) => compare(app, before, after),
        (None, Some(_)) => compare_with_backup(app, &subject),
        (_, None) => {
            let name = app.environments[subject.environment].name.clone();
            app.say(Level::Warning, format!("{name} has no {} to compare", subject.artifact));
            Step::stay()
        }
    }
}

/// What an environment has of an artifact: in its scope, else in the one that it was moved to.
fn here_or_moved(app: &App, subject: &Subject) -> Option<Reference> {
    app.live_reference(subject).or_else(|| {
        let row = app.table.moved(&subject.artifact, subject.environment)?;
        let artifact = row.artifact.clone();
        app.live_reference(&Subject { artifact, environment: subject.environment })
    })
}

/// Compares the newest backup with what is live.
pub fn compare_with_backup(app: &mut App, of: &Subject) -> Step {
    if store_index(app).is_none() {
        return Step::stay();
    }
    let (name, code) = (app.environments[of.environment].name.clone(), &of.artifact);
    let newest = newest_backup(app, of).map(StoredVersion::reference);
    match (newest, app.live_reference(of)) {
        (Some(before), Some(after)) => compare(app, before, after),
        (None, _) => {
            let key = app.key(Context::Explorer, Action::Export);
            let text = format!("the store has no version of {code} from {name}; {key} exports one");
            app.say(Level::Warning, text);
            Step::stay()
        }
        (_, None) => {
            app.say(Level::Warning, format!("{name} has no {code} to compare with its backup"));
            Step::stay()
        }
    }
}

fn newest_backup<'a>(app: &'a App, of: &Subject) -> Option<&'a StoredVersion> {
    let name = &app.environments[of.environment].name;
    app.store.index.as_ref()?.newest(name, &of.artifact)
}

/// The index of the store; says why where there is none.
fn store_index(app: &mut App) -> Option<std::sync::Arc<Index>> {
    match app.store.ready() {
        Answer::Known(index) => Some(index),
        Answer::Unknown { unknown } => {
            app.say(Level::Warning, unknown);
            None
        }
    }
}

/// Opens the timeline of the row under the cursor.
pub fn timeline_of_cursor(app: &mut App) -> Step {
    let Some(subject) = app.subject() else { return Step::stay() };
    timeline(app, subject)
}

/// Opens the timeline of an artifact.
pub fn timeline(app: &mut App, subject: Subject) -> Step {
    let Some(index) = store_index(app) else { return Step::stay() };
    let name = app.environments[subject.environment].name.clone();
    let rows = index.history(&name, &subject.artifact).cloned().collect::<Vec<_>>();
    let live = app.live_reference(&subject);
    if rows.is_empty() && live.is_none() {
        let text =
            format!("{name} has no {}, and the store has no version of it", subject.artifact);
        app.say(Level::Warning, text);
        return Step::stay();
    }
    let id = app.next_id();
    let environment = subject.environment;
    let key = subject.artifact.key(None);
    let screen = Timeline::new(id, subject, rows, live.is_some());
    let since = screen.rows.iter().map(|v| v.first_seen).min();
    let (pairs, newest) = (screen.pairs(), screen.newest().map(StoredVersion::reference));
    let integration = match &live {
        Some(Reference::Live { target, version, .. }) => {
            target.name().and_then(|name| name.key(*version).integration_id())
        }
        _ => None,
    };
    let triage = integration.map(|integration| {
        let answer = |result| ScreenEvent::Timeline(TimelineEvent::Triaged(result));
        Effect::Recovery(RecoveryEffect::Triage { id, environment, integration, answer })
    });
    Step::open(screen)
        .with([
            Effect::archive(id, ArchiveEffect::Steps { live, pairs, newest }),
            Effect::archive(id, ArchiveEffect::Audit { environment, key, since }),
        ])
        .with(triage)
}

/// Opens the search inside the archives of the column under the cursor.
pub fn search_inside(app: &mut App) -> Step {
    let source = match app.table.column.environment() {
        None => CollectionSource::Store,
        Some(environment) => CollectionSource::Live(app.environments[environment].name.clone()),
    };
    let id = app.next_id();
    Step::open(Search::new(id, source))
}

/// Why an artifact of a kind cannot be restored; None where it can.
pub fn why_not_sent(app: &App, kind: Kind) -> Option<String> {
    if kind.can_be_sent() {
        return None;
    }
    let key = app.key(Context::Explorer, Action::Compare);
    Some(format!(
        "a {kind} is a description: there is no file to restore; {key} compares what it was with \
         what it is"
    ))
}

/// Shows the stored versions of the row under the cursor; where several rows are marked, plans to
/// restore their newest backups together.
pub fn restore(app: &mut App) -> Step {
    let Some(index) = store_index(app) else { return Step::stay() };
    // On the head of a scope there is no subject, but there may be marks.
    let subject = app.subject();
    if let Some(why) = subject.as_ref().and_then(|s| why_not_sent(app, s.artifact.kind)) {
        app.say(Level::Warning, why);
        return Step::stay();
    }
    if app.table.marks.len() > 1 {
        return restore_marked(app, &index);
    }
    let Some(subject) = subject else { return Step::stay() };
    match Versions::of(app, &index, &subject) {
        Some(versions) => Step::open(versions),
        None => {
            let key = app.key(Context::Explorer, Action::Export);
            let text =
                format!("the store has no version of {}; {key} exports one", subject.artifact);
            app.say(Level::Warning, text);
            Step::stay()
        }
    }
}

/// Plans to restore for each marked row its newest backup, if possible one that is not what runs
/// now. Plans nothing where a row has no backup.
fn restore_marked(app: &mut App, index: &Index) -> Step {
    let environment = app.target();
    let name = app.environments[environment].name.clone();
    let mut versions = Vec::new();
    let mut without = Vec::new();
    for row in app.table.selected() {
        let live = row.cell(environment).and_then(|c| c.portable);
        let mut all: Vec<&StoredVersion> =
            index.history(&name, &row.artifact).filter(|v| v.safety_run.is_none()).collect();
        all.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
        let found = all.iter().find(|v| Some(v.portable) != live).or(all.first());
        match found.filter(|_| why_not_sent(app, row.kind).is_none()) {
            Some(version) => versions.push((*version).clone()),
            None => without.push(row.artifact.to_string()),
        }
    }
    if !without.is_empty() {
        let key = app.key(Context::Explorer, Action::UnmarkAll);
        let text = format!(
            "the store has no backup of {name} that can be sent for {}; {key} takes the marks away",
            without.join(", ")
        );
        app.say(Level::Warning, text);
        return Step::stay();
    }
    let title = format!("the newest backups of {} rows to {name}", versions.len());
    plan(app, environment, title, PlanQuestion::Versions(versions), PlanOptions::default())
}

/// Plans to move what runs in the column under the cursor to the next one.
pub fn promote(app: &mut App) -> Step {
    let from = app.target();
    let to = EnvironmentIndex(from.0 + 1);
    if app.table.on_store() || to.0 >= app.environments.len() {
        let text =
            "it goes from a column to the next one: go to the environment that it comes from";
        app.say(Level::Warning, text);
        return Step::stay();
    }
    let chosen: Vec<_> = app.table.selected().iter().filter_map(|r| r.key(from)).collect();
    let (name, next) = (app.environments[from].name.clone(), app.environments[to].name.clone());
    if let Some(why) = chosen.iter().find_map(|k| why_not_sent(app, k.kind)) {
        app.say(Level::Warning, why);
        return Step::stay();
    }
    let title = match chosen.as_slice() {
        [] => {
            app.say(Level::Warning, format!("{name} has nothing here to promote"));
            return Step::stay();
        }
        [one] => format!("{one} from {name} to {next}"),
        many => format!("{} artifacts from {name} to {next}", many.len()),
    };
    let reference = |k: ArtifactKey| Reference::Live {
        environment: name.clone(),
        target: k.name().into(),
        version: k.version,
    };
    let references = chosen.into_iter().map(reference).collect();
    plan(app, to, title, PlanQuestion::Promote(references), PlanOptions::default())
}

/// Plans to restore one stored version.
pub fn plan_version(app: &mut App, environment: EnvironmentIndex, version: StoredVersion) -> Step {
    let title = format!("{} to {}", version.key(), app.environments[environment].name);
    let question = PlanQuestion::Versions(vec![version]);
    plan(app, environment, title, question, PlanOptions::default())
}

/// Asks for a plan, and waits for it.
pub fn plan(
    app: &mut App,
    environment: EnvironmentIndex,
    title: String,
    question: PlanQuestion,
    options: PlanOptions,
) -> Step {
    let id = app.next_id();
    let waiting = Waiting { id, title: title.clone(), what: WaitingFor::Plan };
    let effect = RestoreEffect::Plan { id, environment, title, question, options };
    Step::open(waiting).with([Effect::Restore(effect)])
}
