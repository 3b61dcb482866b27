//! What keys and answers change on a timeline.

use super::{TimelineEvent, TimelineScreen};
use crate::model::{Level, Reference};
use crate::store::StoredVersion;
use crate::tui::{app::App, event::Effect, keymap::Action, navigate, screen::Transition};

/// Answers a key for the version under the cursor: inspects, restores, compares or copies its
/// reference.
pub fn on_action(app: &mut App, view: &TimelineScreen, action: Action) -> Transition {
    let environment = view.subject.environment;
    match action {
        Action::Inspect => match reference_here(app, view) {
            Some(reference) => navigate::inspect(app, environment, reference),
            None => Transition::stay(),
        },
        Action::Restore => restore(app, view),
        Action::Confirm => compare_with_live(app, view),
        Action::Compare => compare_with_before(app, view),
        Action::Copy => {
            let text = reference_here(app, view).map(|r| r.to_string()).unwrap_or_default();
            app.say(Level::Fact, format!("copied {text}"));
            Transition::stay().with([Effect::copy(text)])
        }
        _ => Transition::pass(),
    }
}

/// The version under the cursor, stored or live.
fn reference_here(app: &App, view: &TimelineScreen) -> Option<Reference> {
    let stored = view.version().map(StoredVersion::reference);
    stored.or_else(|| app.live_reference(&view.subject))
}

fn restore(app: &mut App, view: &TimelineScreen) -> Transition {
    let Some(version) = view.version().cloned() else {
        app.say(Level::Warning, "this is what is live; choose a stored version to restore");
        return Transition::stay();
    };
    if let Some(why) = navigate::why_not_sent(app, version.kind) {
        app.say(Level::Warning, why);
        return Transition::stay();
    }
    navigate::plan_version(app, view.subject.environment, version)
}

/// Compares what is live with the version under the cursor: that is what a restore would change.
fn compare_with_live(app: &mut App, view: &TimelineScreen) -> Transition {
    let environment = view.subject.environment;
    match (view.version().map(StoredVersion::reference), app.live_reference(&view.subject)) {
        (Some(version), Some(live)) => navigate::compare(app, live, version),
        (Some(version), None) => navigate::inspect(app, environment, version),
        (None, _) => navigate::compare_with_backup(app, &view.subject),
    }
}

fn compare_with_before(app: &mut App, view: &TimelineScreen) -> Transition {
    let version = view.version();
    let index = view.rows.iter().position(|v| Some(v) == version);
    let before =
        index.and_then(|p| TimelineScreen::before(&view.rows, p)).map(StoredVersion::reference);
    match (before, reference_here(app, view)) {
        (Some(before), Some(here)) => navigate::compare(app, before, here),
        _ => navigate::compare_with_backup(app, &view.subject),
    }
}

/// Takes in an answer; the cursor stays where it is.
pub fn on_event(view: &mut TimelineScreen, event: TimelineEvent) {
    match event {
        TimelineEvent::Changed { version: None, change } => view.live = Some(change),
        TimelineEvent::Changed { version: Some(version), change } => {
            if let Some(here) = view.changes.get_mut(version) {
                *here = change;
            }
        }
        TimelineEvent::Audited(result) => view.audit = Some(result),
        TimelineEvent::Triaged(result) => view.triage = Some(result),
    }
}
