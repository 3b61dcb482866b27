//! Enter searches, then opens what was found.

use super::SearchScreen;
use crate::model::{EnvironmentIndex, Level, Reference};
use crate::ops::grep::Pattern;
use crate::tui::{
    app::App,
    event::{ArchiveEffect, Effect},
    keymap::Action,
    navigate,
    screen::{Transition, move_cursor},
};

/// Answers a key: searches, moves the cursor, or opens or copies what is under it.
pub fn on_action(app: &mut App, view: &mut SearchScreen, action: Action) -> Transition {
    match action {
        Action::Find => {
            view.finder.field.clear();
            view.finder.typing = true;
        }
        Action::Confirm if view.finder.typing => return search(app, view),
        Action::Back if view.finder.typing => {
            view.finder.typing = false;
            // Without a search there is nothing to look at.
            if view.report.is_none() && !view.searching {
                return Transition::close();
            }
        }
        Action::Next | Action::Previous => {
            let by = if action == Action::Next { 1 } else { -1 };
            let count = view.lines().len();
            move_cursor(&mut view.cursor, by, count);
        }
        Action::Confirm => return open(app, view),
        Action::Copy => {
            let Some(text) = view.reference() else { return Transition::stay() };
            app.say(Level::Fact, format!("copied {text}"));
            return Transition::stay().with([Effect::copy(text)]);
        }
        _ => return Transition::pass(),
    }
    Transition::stay()
}

/// Searches for what was typed under a new id, so that a late answer to an earlier search is
/// dropped.
fn search(app: &mut App, view: &mut SearchScreen) -> Transition {
    view.finder.typing = false;
    let typed = view.finder.text();
    if typed.is_empty() {
        return Transition::stay();
    }
    // A person types a URL or an expression, not always a regular expression.
    let pattern = Pattern::new(typed).ok().or_else(|| Pattern::literal(typed));
    let Some(pattern) = pattern else { return Transition::stay() };
    view.pattern = typed.to_owned();
    view.searching = true;
    view.id = app.next_id();
    let find = ArchiveEffect::Find { source: view.source.clone(), pattern };
    Transition::stay().with([Effect::archive(view.id, find)])
}

/// Opens the integration under the cursor.
fn open(app: &mut App, view: &SearchScreen) -> Transition {
    let reference = view.reference().and_then(|r| r.parse::<Reference>().ok());
    let Some(reference) = reference else { return Transition::stay() };
    let environment = match &reference {
        Reference::Live { environment, .. } | Reference::Stored { environment, .. } => {
            app.environment(environment).unwrap_or_default()
        }
        Reference::File(_) => EnvironmentIndex::default(),
    };
    navigate::inspect(app, environment, reference)
}
