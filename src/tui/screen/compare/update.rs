//! What keys change in a comparison.

use std::sync::Arc;

use super::{
    rows::CompareRow,
    state::{CompareMode, CompareScreen},
};
use crate::diff::{Change, RowKind};
use crate::model::Level;
use crate::tui::{
    app::App,
    event::{ArchiveEffect, Effect},
    keymap::Action,
    navigate,
    screen::{SIDEWAYS, Transition, move_cursor},
    widgets::{
        finder::{Direction, FinderRequest, MatchFrom, next_match},
        text::{contains, file_name},
    },
};

impl CompareScreen {
    /// Asks for the text of the change under the cursor, unless it is there.
    pub fn want_text(&mut self) -> Option<Effect> {
        if self.has_text() {
            if self.mode == CompareMode::Changes {
                self.show_change();
            }
            return None;
        }
        let Some(index) = self.wanted_file() else {
            self.text = None;
            return None;
        };
        let text = ArchiveEffect::Text { compared: Arc::clone(&self.compared), index };
        Some(Effect::archive(self.id, text))
    }

    /// Moves in whichever list has the keys.
    pub fn move_by(&mut self, lines: isize) {
        match self.mode {
            CompareMode::Changes => {
                let count = self.count();
                move_cursor(&mut self.cursor, lines, count);
            }
            CompareMode::Files => {
                let count = self.differing().len();
                move_cursor(&mut self.file_cursor, lines, count);
            }
            CompareMode::Text => {
                let count = self.text.as_ref().map_or(0, |(_, t)| t.rows.len());
                move_cursor(&mut self.scroll, lines, count);
            }
        }
    }
}

/// Answers a key, and asks for the text that the cursor then needs.
pub fn on_action(app: &mut App, view: &mut CompareScreen, action: Action) -> Transition {
    // The finder answers first; without a text to look for, its keys go from one change to the
    // next.
    if let Some(found) = view.finder.on_action(action) {
        if let FinderRequest::Go(direction, from) = found {
            go_to_match(view, direction, from);
        }
        return Transition::stay().with(view.want_text());
    }
    match action {
        Action::Confirm => {
            let toggled = view.mode == CompareMode::Changes && view.toggle();
            if !toggled && view.mode != CompareMode::Text && !open_text(view) {
                app.say(Level::Warning, "this change stands in no file of its own");
                return Transition::stay();
            }
        }
        Action::Back => match view.mode {
            CompareMode::Text => view.mode = view.came_from,
            CompareMode::Files => {
                (view.mode, view.came_from) = (CompareMode::Changes, CompareMode::Changes)
            }
            CompareMode::Changes => return Transition::close(),
        },
        Action::Next if view.mode == CompareMode::Text => go_to_hunk(view, Direction::Forward),
        Action::Previous if view.mode == CompareMode::Text => go_to_hunk(view, Direction::Backward),
        Action::Next => view.move_by(1),
        Action::Previous => view.move_by(-1),
        Action::Left => view.shift = view.shift.saturating_sub(SIDEWAYS.by),
        Action::Right => view.shift = (view.shift + SIDEWAYS.by).min(SIDEWAYS.most),
        Action::Cosmetic => view.cosmetic = !view.cosmetic,
        Action::TextOnly => {
            view.mode = if view.mode == CompareMode::Files {
                CompareMode::Changes
            } else {
                CompareMode::Files
            };
            view.came_from = view.mode;
        }
        Action::Swap => return swap(app, view),
        Action::Copy => {
            app.say(Level::Fact, "copied the comparison");
            return Transition::stay().with([Effect::copy(report(view))]);
        }
        Action::Write => {
            let code = view.compared.after.contents.integrations().first();
            let code = code.map_or("archive", |i| i.id.code.as_str());
            let name = file_name(&format!("{code}-compare.txt"));
            return Transition::stay()
                .with([Effect::Write { name, bytes: report(view).into_bytes() }]);
        }
        _ => return Transition::pass(),
    }
    Transition::stay().with(view.want_text())
}

/// Gives the text the keys. False where the change stands in no file.
fn open_text(view: &mut CompareScreen) -> bool {
    view.came_from = view.mode;
    if view.wanted_file().is_none() {
        return false;
    }
    view.mode = CompareMode::Text;
    true
}

/// Compares again with the sides swapped; nothing happens where a label is no reference.
fn swap(app: &mut App, view: &CompareScreen) -> Transition {
    let (before, after) = (view.compared.before_label.parse(), view.compared.after_label.parse());
    let (Ok(before), Ok(after)) = (before, after) else { return Transition::stay() };
    navigate::compare_titled(app, "swapping the sides".into(), after, before).instead()
}

/// Goes to the next run of rows that differ, round the end.
fn go_to_hunk(view: &mut CompareScreen, direction: Direction) {
    let Some((_, text)) = &view.text else { return };
    let hunks = text.hunks();
    let at = view.scroll + 3;
    let next = if direction == Direction::Forward {
        hunks.iter().find(|h| **h > at).or(hunks.first())
    } else {
        hunks.iter().rev().find(|h| **h < at).or(hunks.last())
    };
    if let Some(row) = next {
        view.scroll = row.saturating_sub(3);
    }
}

/// Goes to the next change, or row of the text, that says what is looked for.
fn go_to_match(view: &mut CompareScreen, direction: Direction, from: MatchFrom) {
    let fits = |text: &str| contains(text, view.finder.text());
    if view.mode == CompareMode::Text {
        let Some((_, text)) = &view.text else { return };
        let says = |i: usize| {
            let row = &text.rows[i];
            row.before.is_some_and(|l| fits(&text.before[l]))
                || row.after.is_some_and(|l| fits(&text.after[l]))
        };
        if let Some(row) = next_match(view.scroll + 3, text.rows.len(), (direction, from), says) {
            view.scroll = row.saturating_sub(3);
        }
        return;
    }
    // What is folded is looked at too, and opened where it is found.
    let (rows, all) = (view.rows(), view.all_rows());
    let here = rows.get(view.cursor).and_then(|row| all.iter().position(|r| r == row));
    let says = |i: usize| {
        let change = view.change_of(all[i]).filter(|_| !matches!(all[i], CompareRow::Head(_)));
        change.is_some_and(|c| {
            let texts = [Some(&c.place), c.before.as_ref(), c.after.as_ref()];
            texts.into_iter().flatten().any(|t| fits(t))
        })
    };
    if let Some(index) = next_match(here.unwrap_or(0), all.len(), (direction, from), says) {
        view.show(all[index]);
    }
}

fn report_change(change: &Change, indent: &str, out: &mut String) {
    let (mark, group) = (change.change.mark(), change.group.label());
    out.push_str(&format!("{indent}{mark} {group} {}\n", change.place));
    change.before.iter().for_each(|b| out.push_str(&format!("{indent}    - {b}\n")));
    change.after.iter().for_each(|a| out.push_str(&format!("{indent}    + {a}\n")));
}

/// The whole comparison as text, to be pasted into a ticket.
fn report(view: &CompareScreen) -> String {
    let found = &view.compared.comparison;
    let mut out =
        format!("--- {}\n+++ {}\n", view.compared.before_label, view.compared.after_label);
    for change in &found.changes {
        report_change(change, "", &mut out);
        change.inside.iter().for_each(|inner| report_change(inner, "    ", &mut out));
    }
    if found.same {
        out.push_str("the same in meaning\n");
    }
    out.push_str(&format!("{} cosmetic differences\n", found.cosmetic.len()));
    if let Some((index, text)) = &view.text
        && text.rows.iter().any(|r| r.kind != RowKind::Same)
    {
        let name = found.files.get(*index).map(|p| p.name().to_owned()).unwrap_or_default();
        out.push_str(&format!("\n{name}\n{}\n", text.unified(3).join("\n")));
    }
    out
}
