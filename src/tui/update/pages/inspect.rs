//! The inspector and the viewer of one file.

use std::{collections::BTreeSet, sync::Arc};

use super::super::super::{
    app::App,
    event::Effect,
    keymap::Action,
    layer::Layer,
    page::{Body, Inspector, LineTarget, Page, Subject, Tab, Viewer, owners_of},
};
use crate::archive::{Fingerprints, Secret, UnpackedArchive};
use crate::model::{Kind, Level, Reference};
use crate::ops::deps::DependencyGraph;
use crate::store::StoredVersion;
use crate::workspace::collection::CollectionSource;

/// Opens what is under the cursor: live, or on the store's column the newest stored version.
pub fn inspect_cursor(app: &mut App) -> Vec<Effect> {
    let Some(subject) = super::subject(app) else { return vec![] };
    let column = subject.column;
    let stored = app.table.on_store();
    let newest = app
        .store
        .index
        .as_ref()
        .and_then(|i| i.newest(&app.columns[column].name, subject.kind, &subject.code))
        .map(StoredVersion::reference);
    let chosen = if stored { newest } else { super::live_reference(app, &subject) };
    match chosen {
        Some(reference) => open(app, column, reference),
        None => {
            let place =
                if stored { "the store".into() } else { app.columns[column].name.to_string() };
            app.say(Level::Warning, format!("{place} has no {}", subject.code));
            vec![]
        }
    }
}

/// Fetches an archive and shows it.
pub fn open(app: &mut App, column: usize, reference: Reference) -> Vec<Effect> {
    let id = app.next_id();
    app.open(Layer::Opening { title: format!("opening {reference}"), id, column });
    vec![Effect::Open { id, reference }]
}

/// An archive is there: shows it, unless the person went elsewhere meanwhile.
pub fn unpacked(
    app: &mut App,
    id: u64,
    result: Result<(String, Arc<UnpackedArchive>), String>,
) -> Vec<Effect> {
    let column = match &app.layer {
        Layer::Opening { id: waiting, column, .. } if *waiting == id => *column,
        _ => return vec![],
    };
    app.layer = Layer::None;
    let (label, unpacked) = match result {
        Ok(found) => found,
        Err(why) => {
            app.resume();
            app.say(Level::Blocker, why);
            return vec![];
        }
    };
    let subject = subject_of(&label, &unpacked, column);
    let row =
        app.table.matrix.rows.iter().find(|r| r.kind == subject.kind && r.code == subject.code);
    let runs = row.and_then(|r| r.cells.get(column)?.as_ref()?.runs);
    let name = app.columns[column].name.clone();
    let mut history: Vec<_> = app
        .store
        .index
        .iter()
        .flat_map(|i| i.history(&name, subject.kind, &subject.code).cloned())
        .collect();
    history.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
    let inspector = Inspector {
        tab: if unpacked.contents.integrations().is_empty() { Tab::Overview } else { Tab::Flow },
        label,
        subject,
        unpacked: Arc::clone(&unpacked),
        examined: None,
        cursors: [0; 7],
        folded: BTreeSet::new(),
        owners: owners_of(&unpacked),
        graph: None,
        graph_asked: false,
        history,
        runs,
        triage: None,
        triage_asked: false,
    };
    app.layer = Layer::Page(Box::new(Page::new(id, Body::Inspector(Box::new(inspector)))));
    vec![Effect::Examine { id, unpacked }]
}

/// What an archive is: as it was named, else by what is in it.
fn subject_of(label: &str, unpacked: &UnpackedArchive, column: usize) -> Subject {
    match label.parse() {
        Ok(Reference::Live { kind, code, .. } | Reference::Stored { kind, code, .. }) => {
            Subject { kind, code, column }
        }
        _ => {
            let first = unpacked.contents.integrations().first().map(|it| it.id.code.clone());
            Subject {
                kind: Kind::Integration,
                code: first.unwrap_or_else(|| label.to_owned()),
                column,
            }
        }
    }
}

pub fn examined(app: &mut App, id: u64, fingerprints: Fingerprints, secrets: Vec<Secret>) {
    if let Some(Page { body: Body::Inspector(inspector), .. }) = app.page(id) {
        inspector.examined = Some((fingerprints, secrets));
    }
}

pub fn graphed(app: &mut App, id: u64, result: Result<Arc<DependencyGraph>, String>) {
    if let Some(Body::Inspector(inspector)) = app.page(id).map(|p| &mut p.body) {
        inspector.graph = Some(result);
    }
}

/// A file's lines are there.
pub fn lines(app: &mut App, id: u64, path: String, lines: Arc<Vec<String>>) {
    let Layer::Page(page) = &app.layer else { return };
    let Body::Inspector(inspector) = &page.body else { return };
    if page.id != id {
        return;
    }
    let (label, mut find) = (inspector.label.clone(), page.find.clone());
    // What was looked for among the files' names may be in none of the lines.
    if !lines.iter().any(|line| super::super::super::page::finds(&find, line)) {
        find.clear();
    }
    let new = app.next_id();
    let mut page = Page::new(new, Body::Viewer(Viewer::new(label, path, lines)));
    page.find = find;
    super::go_to_match(&mut page, true, true);
    app.open(Layer::Page(Box::new(page)));
}

pub fn act(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let Layer::Page(page) = &mut app.layer else { return None };
    let Body::Inspector(inspector) = &mut page.body else { return None };
    match action {
        Action::NextTab | Action::PreviousTab => {
            let tabs = inspector.tabs();
            let by = if action == Action::NextTab { 1 } else { tabs.len() - 1 };
            let here = tabs.iter().position(|t| *t == inspector.tab).unwrap_or(0);
            return Some(go_to_tab(app, (here + by) % tabs.len()));
        }
        Action::Fold | Action::Unfold => {
            let line = inspector.lines().into_iter().nth(inspector.cursor())?;
            if let LineTarget::Fold(key) = line.target {
                if action == Action::Fold {
                    inspector.folded.insert(key)
                } else {
                    inspector.folded.remove(&key)
                };
            }
        }
        Action::Confirm => return Some(follow(app)),
        Action::Copy => {
            let lines: Vec<String> = inspector.lines().iter().map(text_of).collect();
            let text = format!("{}\n{}\n", inspector.label, lines.join("\n"));
            let word = inspector.tab.label();
            app.say(Level::Fact, format!("copied {word}"));
            return Some(vec![Effect::Copy(text)]);
        }
        Action::Write => {
            let lines: Vec<String> = inspector.lines().iter().map(text_of).collect();
            let text = format!("{}\n{}\n", inspector.label, lines.join("\n"));
            let name =
                format!("{}-{}.txt", inspector.subject.code, inspector.tab.label().to_lowercase());
            return Some(vec![Effect::Write {
                name: super::safe(&name),
                bytes: text.into_bytes(),
            }]);
        }
        Action::Compare => {
            let subject = inspector.subject.clone();
            return Some(super::compare::of_subject(app, &subject));
        }
        Action::Timeline => return Some(super::timeline(app)),
        Action::Resubmit | Action::ResubmitAll | Action::Discard | Action::DiscardAll => {
            return Some(super::super::triage::act(app, action));
        }
        other => {
            return other
                .column()
                .filter(|t| *t < inspector.tabs().len())
                .map(|tab| go_to_tab(app, tab));
        }
    }
    Some(vec![])
}

fn text_of(line: &super::super::super::page::InspectorLine) -> String {
    let item = &line.item;
    format!("{}{} {} {}", "  ".repeat(item.depth), item.glyph, item.text, item.note)
        .trim_end()
        .to_owned()
}

fn go_to_tab(app: &mut App, tab: usize) -> Vec<Effect> {
    let Layer::Page(page) = &mut app.layer else { return vec![] };
    let id = page.id;
    let Body::Inspector(inspector) = &mut page.body else { return vec![] };
    let Some(tab) = inspector.tabs().get(tab) else { return vec![] };
    inspector.go_to_tab(*tab);
    if inspector.tab == Tab::Dependencies && !std::mem::replace(&mut inspector.graph_asked, true) {
        let environment = app.columns[inspector.subject.column].name.clone();
        return vec![Effect::Graph { id, scope: CollectionSource::Live(environment) }];
    }
    if inspector.tab == Tab::Runs
        && let Some(integration) = inspector.integration()
        && !std::mem::replace(&mut inspector.triage_asked, true)
    {
        return vec![Effect::Triage { id, column: inspector.subject.column, integration }];
    }
    vec![]
}

/// Enter: opens or closes, shows the file, or jumps to what is named.
fn follow(app: &mut App) -> Vec<Effect> {
    let Layer::Page(page) = &mut app.layer else { return vec![] };
    let id = page.id;
    let Body::Inspector(inspector) = &mut page.body else { return vec![] };
    let Some(line) = inspector.lines().into_iter().nth(inspector.cursor()) else { return vec![] };
    let column = inspector.subject.column;
    match line.target {
        LineTarget::Nothing | LineTarget::FailedRun(_) => vec![],
        LineTarget::Step(step) => {
            if !inspector.go_to_step(&step) {
                app.say(Level::Warning, format!("no step of this flow is called {step}"));
            }
            vec![]
        }
        LineTarget::Fold(key) => {
            if !inspector.folded.remove(&key) {
                inspector.folded.insert(key);
            }
            vec![]
        }
        LineTarget::File(path) => {
            vec![Effect::Lines { id, unpacked: Arc::clone(&inspector.unpacked), path }]
        }
        LineTarget::Version(place) => {
            let version = inspector.history.get(place).map(StoredVersion::reference);
            let this = inspector.label.parse::<Reference>().ok();
            match (version, this) {
                (Some(version), Some(this)) => super::compare::open(app, version, this),
                _ => vec![],
            }
        }
        LineTarget::Row(kind, name) => {
            app.below.clear();
            app.layer = Layer::None;
            app.table.set_kind(Some(kind));
            app.table.set_filter(name).into_iter().collect()
        }
        LineTarget::Integration(code) => {
            let subject = Subject { kind: Kind::Integration, code, column };
            match super::live_reference(app, &subject) {
                Some(reference) => open(app, column, reference),
                None => {
                    let name = app.columns[column].name.clone();
                    app.say(Level::Warning, format!("{name} has no {}", subject.code));
                    vec![]
                }
            }
        }
    }
}

pub fn act_on_file(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let Layer::Page(page) = &mut app.layer else { return None };
    let Body::Viewer(viewer) = &mut page.body else { return None };
    let text = || viewer.lines.join("\n") + "\n";
    let name = viewer.path.rsplit('/').next().unwrap_or("file").to_owned();
    match action {
        Action::Fold => {
            viewer.toggle_fold();
            Some(vec![])
        }
        Action::Left | Action::Right => {
            let by = super::compare::SIDEWAYS;
            viewer.shift = if action == Action::Left {
                viewer.shift.saturating_sub(by)
            } else {
                (viewer.shift + by).min(4_000)
            };
            Some(vec![])
        }
        Action::Copy => {
            let effects = vec![Effect::Copy(text())];
            app.say(Level::Fact, format!("copied {name}"));
            Some(effects)
        }
        Action::Write => {
            Some(vec![Effect::Write { name: super::safe(&name), bytes: text().into_bytes() }])
        }
        Action::Pager => Some(vec![Effect::Page { name: super::safe(&name), text: text() }]),
        _ => None,
    }
}
