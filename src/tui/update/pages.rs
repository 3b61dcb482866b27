//! Pages: inspector, file, compare, timeline, search inside archives.

mod compare;
mod inspect;

use super::super::{
    app::App,
    event::Effect,
    keymap::Action,
    layer::Layer,
    page::{Body, FoundView, Page, Subject, Timeline, TimelineStep, next_place, step},
};
use crate::model::{ArtifactKey, Kind, Level, Reference};
use crate::oic::AuditRecord;
use crate::ops::grep::Pattern;
use crate::store::StoredVersion;
use crate::workspace::collection::CollectionSource;
pub use compare::{compare_cursor, compared, text, want_text};
pub use inspect::{examined, graphed, inspect_cursor, lines, unpacked};

/// Asks what differs between what is under the cursor and its newest backup, once.
pub fn difference_under_cursor(app: &mut App) -> Option<Effect> {
    let of = app.difference().filter(|of| !app.differing && !app.differences.contains_key(of))?;
    let name = &app.columns[of.column].name;
    let newest = app.store.index.as_ref()?.newest(name, Kind::Integration, &of.code)?;
    let subject = Subject { kind: Kind::Integration, code: of.code.clone(), column: of.column };
    let (before, after) = (newest.reference(), live_reference(app, &subject)?);
    app.differing = true;
    Some(Effect::Differ { of, before, after })
}

/// What a page is told in answer to what it asked.
pub fn stepped(app: &mut App, id: u64, place: Option<usize>, result: Result<String, String>) {
    let Some(Page { body: Body::Timeline(timeline), .. }) = app.page(id) else { return };
    let step = match result {
        Ok(text) => TimelineStep::Changed(text),
        Err(why) => TimelineStep::Failed(why),
    };
    match place {
        None => timeline.live = Some(step),
        Some(place) => {
            if let Some(there) = timeline.steps.get_mut(place) {
                *there = step;
            }
        }
    }
}

pub fn found(app: &mut App, id: u64, result: Result<crate::ops::grep::GrepReport, String>) {
    if let Some(Page { body: Body::Found(found), .. }) = app.page(id) {
        found.searching = false;
        found.cursor = 0;
        found.report = Some(result);
    }
}

pub fn wrote(app: &mut App, result: Result<String, String>) {
    match result {
        Ok(name) => app.say(Level::Fact, format!("written to {name}")),
        Err(why) => app.say(Level::Blocker, why),
    }
}

/// An action on the page that is on top; none where it means nothing there.
pub fn act(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let Layer::Page(page) = &mut app.layer else { return None };
    match action {
        Action::Find => {
            page.find.clear();
            page.typing = true;
            return Some(vec![]);
        }
        Action::Confirm if page.typing => return Some(typed(app)),
        Action::Next | Action::Previous
            if !page.find.is_empty() && !matches!(page.body, Body::Compare(_)) =>
        {
            go_to_match(page, action == Action::Next, false);
            return Some(vec![]);
        }
        _ => {}
    }
    match &page.body {
        Body::Inspector(_) => inspect::act(app, action),
        Body::Viewer(_) => inspect::act_on_file(app, action),
        Body::Compare(_) => compare::act(app, action),
        Body::Timeline(_) => on_timeline(app, action),
        Body::Found(_) => on_found(app, action),
    }
}

/// Enter after something was typed into a page.
fn typed(app: &mut App) -> Vec<Effect> {
    let id = app.next_id();
    let Layer::Page(page) = &mut app.layer else { return vec![] };
    page.typing = false;
    let Body::Found(found) = &mut page.body else {
        go_to_match(page, true, true);
        return vec![];
    };
    let pattern = match Pattern::new(&page.find) {
        _ if page.find.is_empty() => return vec![],
        Ok(pattern) => pattern,
        // A person types a URL or an expression, not always a regular expression.
        Err(_) => match Pattern::literal(&page.find) {
            Some(pattern) => pattern,
            None => return vec![],
        },
    };
    found.pattern.clone_from(&page.find);
    found.searching = true;
    page.id = id;
    vec![Effect::Find { id, scope: found.scope.clone(), pattern }]
}

/// Who did what is known, or why not.
pub fn audited(app: &mut App, id: u64, result: Result<Vec<AuditRecord>, String>) {
    if let Some(Body::Timeline(timeline)) = app.page(id).map(|p| &mut p.body) {
        timeline.audit = Some(result);
    }
}

/// Only letters that a file's name may have everywhere.
fn safe(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect()
}

/// One step back: within the page, or out of it.
pub fn back(mut page: Box<Page>) -> Layer {
    if steps_back(&mut page) { Layer::Page(page) } else { Layer::None }
}

/// False where there is no step back within the page.
fn steps_back(page: &mut Page) -> bool {
    if page.typing {
        page.typing = false;
        // A search that never was leaves nothing to look at.
        return !matches!(&page.body, Body::Found(f) if f.report.is_none() && !f.searching);
    }
    match &mut page.body {
        Body::Found(_) => false,
        _ if !page.find.is_empty() => {
            page.find.clear();
            true
        }
        Body::Compare(view) => compare::back(view),
        _ => false,
    }
}

/// Moves the cursor to the next line that holds what is searched.
pub fn go_to_match(page: &mut Page, forward: bool, stay: bool) {
    let find = page.find.clone();
    let fits = |text: &str| super::super::page::finds(&find, text);
    let from = |cursor: usize, count: usize| {
        if stay { (cursor + count.max(1) - 1) % count.max(1) } else { cursor }
    };
    match &mut page.body {
        Body::Inspector(inspector) => {
            let lines = inspector.lines();
            let text = |i: usize| format!("{} {}", lines[i].item.text, lines[i].item.note);
            let start = from(inspector.cursor(), lines.len());
            if let Some(place) = next_place(start, lines.len(), forward, |i| fits(&text(i))) {
                inspector.set_cursor(place);
            }
        }
        Body::Viewer(viewer) => {
            let at = viewer.shown.get(viewer.cursor).copied().unwrap_or(0);
            let count = viewer.lines.len();
            if let Some(line) =
                next_place(from(at, count), count, forward, |i| fits(&viewer.lines[i]))
            {
                viewer.go_to(line);
            }
        }
        Body::Compare(view) => compare::go_to_match(view, &find, forward),
        Body::Found(found) => {
            let count = found.lines().len();
            found.cursor = step(found.cursor, if forward { 1 } else { -1 }, count);
        }
        Body::Timeline(_) => {}
    }
}

/// Moves the cursor, or what is scrolled.
pub fn move_by(page: &mut Page, rows: isize) {
    match &mut page.body {
        Body::Inspector(inspector) => {
            let count = inspector.lines().len();
            let place = step(inspector.cursor(), rows, count);
            inspector.set_cursor(place);
        }
        Body::Viewer(viewer) => viewer.cursor = step(viewer.cursor, rows, viewer.shown.len()),
        Body::Compare(view) => compare::move_by(view, rows),
        Body::Timeline(timeline) => timeline.cursor = step(timeline.cursor, rows, timeline.count()),
        Body::Found(found) => found.cursor = step(found.cursor, rows, found.lines().len()),
    }
}

/// Puts the cursor on a line. True where it was there already.
pub fn clicked(page: &mut Page, place: usize) -> bool {
    match &mut page.body {
        Body::Inspector(inspector) if place < inspector.lines().len() => {
            let again = inspector.cursor() == place;
            inspector.set_cursor(place);
            again
        }
        Body::Viewer(viewer) if place < viewer.shown.len() => {
            std::mem::replace(&mut viewer.cursor, place) == place
        }
        Body::Compare(view)
            if view.mode == super::super::page::Mode::Changes && place < view.count() =>
        {
            std::mem::replace(&mut view.cursor, place) == place
        }
        Body::Timeline(timeline) if place < timeline.count() => {
            std::mem::replace(&mut timeline.cursor, place) == place
        }
        Body::Found(found) if place < found.lines().len() => {
            std::mem::replace(&mut found.cursor, place) == place
        }
        _ => false,
    }
}

/// Opens the timeline of the row under the cursor, or of what is inspected.
pub fn timeline(app: &mut App) -> Vec<Effect> {
    let Some(subject) = subject(app) else { return vec![] };
    let Subject { kind, code, column } = subject.clone();
    let Some(index) = app.store.index.clone() else {
        let why = app
            .store
            .error
            .clone()
            .unwrap_or_else(|| "the store is not read yet, or the config names none".into());
        app.say(Level::Warning, why);
        return vec![];
    };
    let name = app.columns[column].name.clone();
    let mut rows: Vec<StoredVersion> = index.history(&name, kind, &code).cloned().collect();
    rows.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
    let live = live_reference(app, &subject);
    if rows.is_empty() && live.is_none() {
        app.say(
            Level::Warning,
            format!("{name} has no {code}, and the store has no version of it"),
        );
        return vec![];
    }
    let pairs: Vec<(usize, Reference, Reference)> = (0..rows.len())
        .filter_map(|i| {
            let before = Timeline::before(&rows, i)?;
            Some((i, before.reference(), rows[i].reference()))
        })
        .collect();
    let steps = (0..rows.len())
        .map(|i| {
            if Timeline::before(&rows, i).is_some() {
                TimelineStep::Asked
            } else {
                TimelineStep::First
            }
        })
        .collect();
    let newest = rows.iter().find(|v| v.safety_run.is_none()).map(StoredVersion::reference);
    let state = match (&live, &newest) {
        (None, _) => None,
        (Some(_), None) => Some(TimelineStep::First),
        (Some(_), Some(_)) => Some(TimelineStep::Asked),
    };
    let id = app.next_id();
    let since = rows.iter().map(|v| v.first_seen).min();
    let key = ArtifactKey::new(kind, subject.code.clone(), None);
    let integration = match &live {
        Some(Reference::Live { kind: Kind::Integration, code, version: Some(version), .. }) => {
            Some(crate::model::IntegrationId::new(code, *version))
        }
        _ => None,
    };
    let view = Timeline { audit: None, triage: None, subject, rows, steps, live: state, cursor: 0 };
    app.open(Layer::Page(Box::new(Page::new(id, Body::Timeline(view)))));
    let audit = Effect::Audit { id, column, key, since };
    let triage = integration.map(|integration| Effect::Triage { id, column, integration });
    [Effect::Steps { id, live, pairs, newest }, audit].into_iter().chain(triage).collect()
}

/// What a key means: what is inspected, else the row under the cursor.
pub fn subject(app: &App) -> Option<Subject> {
    if let Layer::Page(page) = &app.layer {
        match &page.body {
            Body::Inspector(i) => return Some(i.subject.clone()),
            Body::Timeline(t) => return Some(t.subject.clone()),
            _ => {}
        }
    }
    let row = app.table.row()?;
    Some(Subject { kind: row.kind, code: row.code.clone(), column: app.target() })
}

/// What is live of a thing in its column, as the list says.
pub fn live_reference(app: &App, of: &Subject) -> Option<Reference> {
    let rows = &app.table.matrix.rows;
    let row = rows.iter().find(|r| r.kind == of.kind && r.code == of.code)?;
    let key = row.key(of.column)?;
    let environment = app.columns[of.column].name.clone();
    Some(Reference::Live { environment, kind: key.kind, code: key.code, version: key.version })
}

fn on_timeline(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let Layer::Page(page) = &app.layer else { return None };
    let Body::Timeline(timeline) = &page.body else { return None };
    let subject = timeline.subject.clone();
    let column = subject.column;
    let version = timeline.version().cloned();
    let chosen =
        version.as_ref().map(StoredVersion::reference).or_else(|| live_reference(app, &subject));
    match action {
        Action::Inspect => Some(inspect::open(app, column, chosen?)),
        Action::Restore => match version {
            Some(version) if super::restore::not_sent(version.kind).is_none() => {
                let (code, rows) = (subject.code, vec![version]);
                Some(super::restore::take_version(
                    app,
                    super::super::layer::Versions { code, target: column, rows, cursor: 0 },
                ))
            }
            Some(_) => {
                app.say(Level::Warning, super::restore::not_sent(subject.kind).unwrap_or_default());
                Some(vec![])
            }
            None => {
                app.say(Level::Warning, "this is what is live; choose a stored version to restore");
                Some(vec![])
            }
        },
        // Against live: what a restore would change.
        Action::Confirm => match (version, live_reference(app, &subject)) {
            (Some(version), Some(live)) => Some(compare::open(app, live, version.reference())),
            (None, _) => Some(compare::of_subject(app, &subject)),
            (Some(_), None) => Some(inspect::open(app, column, chosen?)),
        },
        Action::Compare => {
            let place = timeline.rows.iter().position(|v| Some(v) == version.as_ref());
            match place
                .and_then(|p| Timeline::before(&timeline.rows, p))
                .map(StoredVersion::reference)
            {
                Some(before) => Some(compare::open(app, before, chosen?)),
                None => Some(compare::of_subject(app, &subject)),
            }
        }
        Action::Copy => {
            let text = chosen.map(|r| r.to_string()).unwrap_or_default();
            app.say(Level::Fact, format!("copied {text}"));
            Some(vec![Effect::Copy(text)])
        }
        _ => None,
    }
}

/// Opens the search inside archives of the column under the cursor.
pub fn search_inside(app: &mut App) -> Vec<Effect> {
    let scope = if app.table.on_store() {
        CollectionSource::Store
    } else {
        CollectionSource::Live(app.columns[app.target()].name.clone())
    };
    let id = app.next_id();
    let mut page = Page::new(id, Body::Found(FoundView::new(scope)));
    page.typing = true;
    app.open(Layer::Page(Box::new(page)));
    vec![]
}

fn on_found(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let Layer::Page(page) = &app.layer else { return None };
    let Body::Found(found) = &page.body else { return None };
    let reference = found.reference();
    match action {
        Action::Confirm => {
            let reference: Reference = reference?.parse().ok()?;
            let column = match &reference {
                Reference::Live { environment, .. } | Reference::Stored { environment, .. } => {
                    app.columns.iter().position(|c| c.name == *environment).unwrap_or(0)
                }
                Reference::File(_) => 0,
            };
            Some(inspect::open(app, column, reference))
        }
        Action::Copy => {
            let text = reference?;
            app.say(Level::Fact, format!("copied {text}"));
            Some(vec![Effect::Copy(text)])
        }
        _ => None,
    }
}
