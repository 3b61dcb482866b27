//! Two archives side by side.

use std::sync::Arc;

use super::super::super::{
    app::App,
    event::Effect,
    keymap::Action,
    layer::Layer,
    page::{Body, CompareView, Mode, Page, Subject, next_place, step},
};
use crate::diff::{RowKind, TextDiff};
use crate::model::{Level, Reference, short_date, version_text};
use crate::ops::compare::Compared;
use crate::store::StoredVersion;

/// Columns that one key goes to the side.
pub const SIDEWAYS: usize = 16;

/// Compares what is under the cursor: in the base column and the store's, the newest backup with
/// what is live; in another column, the base's live version with that column's.
pub fn compare_cursor(app: &mut App) -> Vec<Effect> {
    let Some(subject) = super::subject(app) else { return vec![] };
    if app.table.on_store() || subject.column == app.table.base {
        return of_subject(app, &subject);
    }
    let in_base = Subject { column: app.table.base, ..subject.clone() };
    match (super::live_reference(app, &in_base), super::live_reference(app, &subject)) {
        (Some(before), Some(after)) => open(app, before, after),
        (None, Some(_)) => of_subject(app, &subject),
        (_, None) => {
            let name = app.columns[subject.column].name.clone();
            app.say(Level::Warning, format!("{name} has no {} to compare", subject.code));
            vec![]
        }
    }
}

/// The newest backup with what is live.
pub fn of_subject(app: &mut App, of: &Subject) -> Vec<Effect> {
    let (name, code) = (app.columns[of.column].name.clone(), &of.code);
    let newest = app.store.index.as_ref().and_then(|i| i.newest(&name, of.kind, code));
    match (newest.map(StoredVersion::reference), super::live_reference(app, of)) {
        (Some(before), Some(after)) => open(app, before, after),
        (None, _) => {
            app.say(
                Level::Warning,
                format!("the store has no version of {code} from {name}; e exports one"),
            );
            vec![]
        }
        (_, None) => {
            app.say(Level::Warning, format!("{name} has no {code} to compare with its backup"));
            vec![]
        }
    }
}

pub fn open(app: &mut App, before: Reference, after: Reference) -> Vec<Effect> {
    let id = app.next_id();
    app.open(Layer::Opening { title: format!("comparing {before} with {after}"), id, column: 0 });
    vec![Effect::Compare { id, before, after }]
}

/// A comparison is there.
pub fn compared(app: &mut App, id: u64, result: Result<Arc<Compared>, String>) -> Vec<Effect> {
    if !matches!(&app.layer, Layer::Opening { id: waiting, .. } if *waiting == id) {
        return vec![];
    }
    app.layer = Layer::None;
    match result {
        Ok(compared) => {
            let names = (name_of(app, &compared.before_label), name_of(app, &compared.after_label));
            app.layer = Layer::Page(Box::new(Page::new(
                id,
                Body::Compare(CompareView::new(compared, names)),
            )));
            want_text(app)
        }
        Err(why) => {
            app.resume();
            app.say(Level::Blocker, why);
            vec![]
        }
    }
}

/// What a person calls a reference: where it is, and of when.
fn name_of(app: &App, label: &str) -> String {
    match label.parse::<Reference>() {
        Ok(Reference::Live { environment, version, .. }) => {
            format!("{environment} live {}", version_text(version)).trim_end().to_owned()
        }
        Ok(reference @ Reference::Stored { .. }) => {
            let Reference::Stored { environment, kind, code, .. } = &reference else {
                return label.to_owned();
            };
            let index = app.store.index.as_ref();
            let found = index.and_then(|i| {
                i.history(environment, *kind, code).find(|v| v.reference() == reference)
            });
            match found {
                Some(v) => {
                    let when = short_date(v.last_seen);
                    format!("{environment} {when} {}", version_text(v.version))
                        .trim_end()
                        .to_owned()
                }
                None => label.to_owned(),
            }
        }
        _ => label.to_owned(),
    }
}

/// A pair of files is there as text.
pub fn text(app: &mut App, id: u64, place: usize, text: Arc<TextDiff>) {
    if let Some(Page { body: Body::Compare(view), .. }) = app.page(id) {
        view.text = Some((place, text));
        view.show_change();
    }
}

/// Asks for the text of the change under the cursor, unless it is there.
pub fn want_text(app: &mut App) -> Vec<Effect> {
    let Layer::Page(page) = &mut app.layer else { return vec![] };
    let Body::Compare(view) = &mut page.body else { return vec![] };
    if view.has_text() {
        if view.mode == Mode::Changes {
            view.show_change();
        }
        return vec![];
    }
    match view.wanted_file() {
        Some(place) => {
            vec![Effect::Text { id: page.id, compared: Arc::clone(&view.compared), place }]
        }
        None => {
            view.text = None;
            vec![]
        }
    }
}

pub fn act(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let Layer::Page(page) = &mut app.layer else { return None };
    let find = page.find.clone();
    let Body::Compare(view) = &mut page.body else { return None };
    match action {
        Action::Confirm if view.mode != Mode::Text => {
            view.came_from = view.mode;
            if view.wanted_file().is_none() {
                app.say(Level::Warning, "this change stands in no file of its own");
                return Some(vec![]);
            }
            view.mode = Mode::Text;
        }
        Action::Confirm => {}
        Action::Next | Action::Previous => match view.mode {
            Mode::Text if !find.is_empty() => go_to_match(view, &find, action == Action::Next),
            Mode::Text => go_to_hunk(view, action == Action::Next),
            _ => move_by(view, if action == Action::Next { 1 } else { -1 }),
        },
        Action::Left => view.shift = view.shift.saturating_sub(SIDEWAYS),
        Action::Right => view.shift = (view.shift + SIDEWAYS).min(4_000),
        Action::Cosmetic => view.cosmetic = !view.cosmetic,
        Action::TextOnly => {
            view.mode = if view.mode == Mode::Files { Mode::Changes } else { Mode::Files };
            view.came_from = view.mode;
        }
        Action::Swap => return Some(swap(app)),
        Action::Copy => {
            let text = report(view);
            app.say(Level::Fact, "copied the comparison");
            return Some(vec![Effect::Copy(text)]);
        }
        Action::Write => {
            let code =
                view.compared.after.contents.integrations().first().map(|i| i.id.code.clone());
            let name =
                super::safe(&format!("{}-compare.txt", code.unwrap_or_else(|| "archive".into())));
            return Some(vec![Effect::Write { name, bytes: report(view).into_bytes() }]);
        }
        _ => return None,
    }
    Some(want_text(app))
}

/// The other way round: both references are known by their labels.
fn swap(app: &mut App) -> Vec<Effect> {
    let Layer::Page(page) = &app.layer else { return vec![] };
    let Body::Compare(view) = &page.body else { return vec![] };
    let (before, after) = (view.compared.before_label.parse(), view.compared.after_label.parse());
    let (Ok(before), Ok(after)) = (before, after) else { return vec![] };
    let id = app.next_id();
    app.layer = Layer::Opening { title: "swapping the sides".into(), id, column: 0 };
    vec![Effect::Compare { id, before: after, after: before }]
}

/// One step back within the page. False where the page itself is to be left.
pub fn back(view: &mut CompareView) -> bool {
    match view.mode {
        Mode::Text => view.mode = view.came_from,
        Mode::Files => {
            view.mode = Mode::Changes;
            view.came_from = Mode::Changes;
        }
        Mode::Changes => return false,
    }
    true
}

pub fn move_by(view: &mut CompareView, rows: isize) {
    match view.mode {
        Mode::Changes => view.cursor = step(view.cursor, rows, view.count()),
        Mode::Files => view.file_cursor = step(view.file_cursor, rows, view.differing().len()),
        Mode::Text => {
            let count = view.text.as_ref().map_or(0, |(_, t)| t.rows.len());
            view.scroll = step(view.scroll, rows, count);
        }
    }
}

fn go_to_hunk(view: &mut CompareView, forward: bool) {
    let Some((_, text)) = &view.text else { return };
    let hunks = text.hunks();
    let at = view.scroll + 3;
    let next = if forward {
        hunks.iter().find(|h| **h > at).or(hunks.first())
    } else {
        hunks.iter().rev().find(|h| **h < at).or(hunks.last())
    };
    if let Some(place) = next {
        view.scroll = place.saturating_sub(3);
    }
}

pub fn go_to_match(view: &mut CompareView, find: &str, forward: bool) {
    let fits = |text: &str| super::super::super::page::finds(find, text);
    if view.mode == Mode::Text {
        let Some((_, text)) = &view.text else { return };
        let says = |i: usize| {
            let row = &text.rows[i];
            row.before.is_some_and(|l| fits(&text.before[l]))
                || row.after.is_some_and(|l| fits(&text.after[l]))
        };
        if let Some(place) = next_place(view.scroll + 3, text.rows.len(), forward, says) {
            view.scroll = place.saturating_sub(3);
        }
        return;
    }
    let changes = view.changes();
    let says = |i: usize| {
        let c = &changes[i];
        [Some(&c.place), c.before.as_ref(), c.after.as_ref()].into_iter().flatten().any(|t| fits(t))
    };
    if let Some(place) = next_place(view.cursor, changes.len(), forward, says) {
        view.cursor = place;
    }
}

/// All of it as text, to be pasted into a ticket.
fn report(view: &CompareView) -> String {
    let found = &view.compared.comparison;
    let mut out =
        format!("--- {}\n+++ {}\n", view.compared.before_label, view.compared.after_label);
    for change in &found.changes {
        out.push_str(&format!(
            "{} {} {}\n",
            change.change.mark(),
            change.group.label(),
            change.place
        ));
        change.before.iter().for_each(|b| out.push_str(&format!("    - {b}\n")));
        change.after.iter().for_each(|a| out.push_str(&format!("    + {a}\n")));
    }
    if found.same {
        out.push_str("the same in meaning\n");
    }
    out.push_str(&format!("{} cosmetic differences\n", found.cosmetic.len()));
    if let Some((place, text)) = &view.text
        && text.rows.iter().any(|r| r.kind != RowKind::Same)
    {
        let name = found.files.get(*place).map(|p| p.name().to_owned()).unwrap_or_default();
        out.push_str(&format!("\n{name}\n{}\n", text.unified(3).join("\n")));
    }
    out
}
