//! The ways to what is in archives: one inspected, two compared, all of an artifact over time, all
//! of a column searched.

use std::sync::Arc;

use super::{rows_of, store_index};
use crate::archive::UnpackedArchive;
use crate::model::{
    ArtifactName, EnvironmentIndex, Kind, Level, Reference, Scope, StorePick, short_date,
    version_text,
};
use crate::ops::compare::Compared;
use crate::store::{SnapshotSummary, StoredVersion};
use crate::tui::{
    app::{App, Subject},
    event::{ArchiveEffect, Effect, RecoveryEffect, ScreenEvent},
    keymap::{Action, Context},
    screen::{
        ScreenId, Transition,
        compare::CompareScreen,
        inspector::InspectorScreen,
        matrix::MatrixColumn,
        search::SearchScreen,
        timeline::{TimelineEvent, TimelineScreen},
        viewer::ViewerScreen,
        waiting::{WaitingFor, WaitingScreen},
    },
};
use crate::workspace::collection::CollectionSource;

/// Fetches an archive and shows it.
pub fn inspect(app: &mut App, environment: EnvironmentIndex, reference: Reference) -> Transition {
    let id = app.next_id();
    let title = format!("opening {reference}");
    let waiting = WaitingScreen { id, title, what: WaitingFor::Archive(environment) };
    Transition::open(waiting).with([Effect::archive(id, ArchiveEffect::Open(reference))])
}

/// Opens what is under the cursor: live, or on the store's column the newest stored version.
pub fn inspect_cursor(app: &mut App) -> Transition {
    let Some(subject) = app.subject() else { return Transition::stay() };
    let name = app.environments[subject.environment].name.clone();
    let kept = || newest_backup(app, &subject).map(StoredVersion::reference);
    let gone = app.table.row().is_some_and(|row| row.is_gone(subject.environment));
    let (chosen, place) = match app.table.on_store() {
        true => (kept(), "the store".to_owned()),
        // What is gone can be looked at as it was.
        false if gone => (kept(), name.to_string()),
        false => (app.live_reference(&subject), name.to_string()),
    };
    match chosen {
        Some(reference) => inspect(app, subject.environment, reference),
        None => {
            app.say(Level::Warning, format!("{place} has no {}", subject.artifact));
            Transition::stay()
        }
    }
}

/// Opens an integration that an archive names: the one in the scope, else the global one. Where the
/// archive is of the store, it is the one that the same snapshot has, as far as the store knows it;
/// else the live one.
pub fn inspect_integration(
    app: &mut App,
    of: &Subject,
    from: Option<Reference>,
    scope: Scope,
    code: String,
) -> Transition {
    let environment = of.environment;
    let global = ArtifactName::new(Kind::Integration, code);
    let there = global.clone().within(scope);
    let stored = [&there, &global].into_iter().find_map(|artifact| {
        let subject = Subject { artifact: artifact.clone(), environment };
        stored_beside(app, from.as_ref()?, &subject)
    });
    if let Some(reference) = stored {
        return inspect(app, environment, reference);
    }
    let live = [there, global.clone()]
        .into_iter()
        .find_map(|artifact| app.live_reference(&Subject { artifact, environment }));
    match live {
        Some(reference) => inspect(app, environment, reference),
        None => inspect_elsewhere(app, environment, &global),
    }
}

/// An artifact as the snapshot has it that a reference is of.
fn stored_beside(app: &App, reference: &Reference, subject: &Subject) -> Option<Reference> {
    let Reference::Stored { environment, pick, .. } = reference else { return None };
    let index = app.store.index.as_ref()?;
    let mut versions = index.history(environment, &subject.artifact);
    let pick = match pick {
        StorePick::Snapshot(id, _) => {
            let of = |s: &&SnapshotSummary| s.environment == *environment && s.id == *id;
            let started = index.snapshots().iter().find(of)?.started;
            versions.find(|v| v.safety_run.is_none() && v.was_there(started))?;
            StorePick::Snapshot(id.clone(), None)
        }
        StorePick::Newest { back: 0, .. } => {
            versions.find(|v| v.safety_run.is_none())?;
            StorePick::Newest { version: None, back: 0 }
        }
        StorePick::Newest { .. } | StorePick::Run(_) => return None,
    };
    let (environment, target) = (environment.clone(), subject.artifact.clone().into());
    Some(Reference::Stored { environment, target, pick })
}

/// Opens an integration that neither the scope in which it was looked for nor the global space has:
/// where several projects have it, a person chooses among their rows.
fn inspect_elsewhere(
    app: &mut App,
    environment: EnvironmentIndex,
    of: &ArtifactName,
) -> Transition {
    let name = app.environments[environment].name.clone();
    let found: Vec<ArtifactName> =
        app.table.in_any_scope(of, environment).map(|r| r.artifact.clone()).collect();
    match found.as_slice() {
        [] => {
            let listing = app.environments[environment].listing.as_ref();
            let so_far = match listing.is_some_and(|l| l.is_growing()) {
                true => " so far: its projects have not all answered",
                false => "",
            };
            app.say(Level::Warning, format!("{name} has no {of}{so_far}"));
            Transition::stay()
        }
        [one] => {
            let reference = app.live_reference(&Subject { artifact: one.clone(), environment });
            reference
                .map_or_else(Transition::stay, |reference| inspect(app, environment, reference))
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
pub fn compare(app: &mut App, before: Reference, after: Reference) -> Transition {
    let title = format!("comparing {before} with {after}");
    compare_titled(app, title, before, after)
}

/// Compares two archives under a title of its own, which is shown while the answer is waited for.
pub fn compare_titled(
    app: &mut App,
    title: String,
    before: Reference,
    after: Reference,
) -> Transition {
    let id = app.next_id();
    let waiting = WaitingScreen { id, title, what: WaitingFor::Comparison };
    Transition::open(waiting).with([Effect::archive(id, ArchiveEffect::Compare { before, after })])
}

/// Compares what is under the cursor. The base column and the store's compare the newest backup
/// with what is live; another column compares the base's live version with its own.
pub fn compare_cursor(app: &mut App) -> Transition {
    let Some(subject) = app.subject() else { return Transition::stay() };
    if app.table.on_store() || subject.environment == app.table.base {
        return compare_with_backup(app, &subject);
    }
    let in_base = Subject { environment: app.table.base, ..subject.clone() };
    match (live_or_moved(app, &in_base), live_or_moved(app, &subject)) {
        (Some(before), Some(after)) => compare(app, before, after),
        (None, Some(_)) => {
            let moved = app.table.moved(&subject.artifact, subject.environment);
            let artifact = moved.map(|row| row.artifact.clone());
            let artifact = artifact.unwrap_or_else(|| subject.artifact.clone());
            compare_with_backup(app, &Subject { artifact, ..subject })
        }
        (_, None) => {
            let name = app.environments[subject.environment].name.clone();
            app.say(Level::Warning, format!("{name} has no {} to compare", subject.artifact));
            Transition::stay()
        }
    }
}

/// What an environment has of an artifact: in its scope, else in the one that it was moved to.
fn live_or_moved(app: &App, subject: &Subject) -> Option<Reference> {
    app.live_reference(subject).or_else(|| {
        let row = app.table.moved(&subject.artifact, subject.environment)?;
        let artifact = row.artifact.clone();
        app.live_reference(&Subject { artifact, environment: subject.environment })
    })
}

/// Compares the newest backup with what is live.
pub fn compare_with_backup(app: &mut App, of: &Subject) -> Transition {
    if store_index(app).is_none() {
        return Transition::stay();
    }
    let (name, code) = (app.environments[of.environment].name.clone(), &of.artifact);
    let newest = newest_backup(app, of).map(StoredVersion::reference);
    match (newest, app.live_reference(of)) {
        (Some(before), Some(after)) => compare(app, before, after),
        (None, None) => {
            let moved = app.table.moved(code, of.environment);
            let there = moved.map(|row| format!(" there; it is in {}", row.scope));
            let text = format!("{name} has no {code}{}", there.unwrap_or_default());
            app.say(Level::Warning, text);
            Transition::stay()
        }
        (None, Some(_)) => {
            let key = app.key(Context::Explorer, Action::Export);
            let text = format!("the store has no version of {code} from {name}; {key} exports one");
            app.say(Level::Warning, text);
            Transition::stay()
        }
        (Some(_), None) => {
            app.say(Level::Warning, format!("{name} has no {code} to compare with its backup"));
            Transition::stay()
        }
    }
}

fn newest_backup<'a>(app: &'a App, of: &Subject) -> Option<&'a StoredVersion> {
    let name = &app.environments[of.environment].name;
    app.store.index.as_ref()?.newest(name, &of.artifact)
}

/// Opens the timeline of the row under the cursor.
pub fn timeline_of_cursor(app: &mut App) -> Transition {
    let Some(subject) = app.subject() else { return Transition::stay() };
    timeline(app, subject)
}

/// Opens the timeline of an artifact.
pub fn timeline(app: &mut App, subject: Subject) -> Transition {
    let Some(index) = store_index(app) else { return Transition::stay() };
    let name = app.environments[subject.environment].name.clone();
    let rows = index.history(&name, &subject.artifact).cloned().collect::<Vec<_>>();
    let live = app.live_reference(&subject);
    if rows.is_empty() && live.is_none() {
        let text =
            format!("{name} has no {}, and the store has no version of it", subject.artifact);
        app.say(Level::Warning, text);
        return Transition::stay();
    }
    let id = app.next_id();
    let environment = subject.environment;
    let key = subject.artifact.key(None);
    let screen = TimelineScreen::new(id, subject, rows, live.is_some());
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
    Transition::open(screen)
        .with([
            Effect::archive(id, ArchiveEffect::Changes { live, pairs, newest }),
            Effect::archive(id, ArchiveEffect::Audit { environment, key, since }),
        ])
        .with(triage)
}

/// Opens the search inside the archives of the column under the cursor.
pub fn search_inside(app: &mut App) -> Transition {
    let source = match app.table.column.environment() {
        None => CollectionSource::Store,
        Some(environment) => CollectionSource::Live(app.environments[environment].name.clone()),
    };
    let id = app.next_id();
    Transition::open(SearchScreen::new(id, source))
}

/// Opens an archive that was fetched, from an environment or belonging to it, and asks for what is
/// found out from all of its files.
pub fn opened(
    app: &mut App,
    id: ScreenId,
    environment: EnvironmentIndex,
    label: String,
    unpacked: Arc<UnpackedArchive>,
) -> Transition {
    let mut asked = vec![ArchiveEffect::Examine(unpacked.clone())];
    let screen = InspectorScreen::new(app, id, environment, label, unpacked);
    let reference = screen.reference.clone().filter(|_| screen.project.is_some());
    asked.extend(reference.map(ArchiveEffect::Project));
    let effects = asked.into_iter().map(|effect| Effect::archive(id, effect));
    Transition::open(screen).with(effects.collect::<Vec<_>>())
}

/// Opens a comparison that was made.
pub fn compared(app: &mut App, id: ScreenId, compared: Arc<Compared>) -> Transition {
    let (before, after) = (&compared.before_label, &compared.after_label);
    let [mut first, mut second] = [before, after].map(|label| display_name(app, label));
    // Which artifact each is, is said where the sides are two.
    if let (Some(a), Some(b)) = (scoped_code(before), scoped_code(after))
        && a != b
    {
        (first, second) = (format!("{a} {first}"), format!("{b} {second}"));
    }
    let names = (first, second);
    let mut screen = CompareScreen::new(id, compared, names);
    let text = screen.want_text();
    Transition::open(screen).with(text)
}

/// Opens a file of an archive at the first line that says what is looked for.
pub fn viewer(label: String, path: String, lines: Arc<Vec<String>>, find: &str) -> Transition {
    Transition::open(ViewerScreen::open(label, path, lines, find))
}

/// The artifact that a reference names, with its scope; none for a file.
fn scoped_code(label: &str) -> Option<String> {
    let (Reference::Live { target, .. } | Reference::Stored { target, .. }) = label.parse().ok()?
    else {
        return None;
    };
    Some(target.in_words())
}

/// The name of a reference for a person: the environment, and from when the version is.
fn display_name(app: &App, label: &str) -> String {
    match label.parse::<Reference>() {
        Ok(Reference::Live { environment, version, .. }) => {
            format!("{environment} live {}", version_text(version)).trim_end().to_owned()
        }
        Ok(reference @ Reference::Stored { .. }) => {
            stored_name(app, &reference).unwrap_or_else(|| label.to_owned())
        }
        Ok(Reference::File(_)) | Err(_) => label.to_owned(),
    }
}

fn stored_name(app: &App, reference: &Reference) -> Option<String> {
    let Reference::Stored { environment, target, .. } = reference else { return None };
    let index = app.store.index.as_ref()?;
    let name = target.in_scope(target.scope.clone().unwrap_or_default());
    let same = |v: &&StoredVersion| v.reference().to_string() == reference.to_string();
    let version = index.history(environment, &name).find(same)?;
    let when = short_date(version.last_seen);
    Some(format!("{environment} {when} {}", version_text(version.version)).trim_end().to_owned())
}
