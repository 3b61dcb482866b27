//! What keys and answers change in the inspector.

use std::sync::Arc;

use super::{
    InspectorEvent,
    state::{InspectorLine, InspectorScreen, InspectorTab, LineTarget},
};
use crate::model::Level;
use crate::oic::Recovery;
use crate::store::StoredVersion;
use crate::tui::{
    app::App,
    event::{ArchiveEffect, Effect, RecoveryEffect, ScreenEvent},
    keymap::{Action, Context},
    navigate,
    screen::Transition,
    widgets::{
        finder::{Direction, FinderRequest, MatchFrom, next_match},
        text::{contains, file_name},
    },
};
use crate::workspace::collection::CollectionSource;

/// Answers a key: searches the tab, goes to another one, folds, or opens another screen.
pub fn on_action(app: &mut App, view: &mut InspectorScreen, action: Action) -> Transition {
    if let Some(found) = view.finder.on_action(action) {
        if let FinderRequest::Go(direction, from) = found {
            go_to_match(view, direction, from);
        }
        return Transition::stay();
    }
    match action {
        Action::NextTab => next_tab(app, view, 1),
        Action::PreviousTab => next_tab(app, view, view.tabs().len() - 1),
        Action::Fold | Action::Unfold => {
            fold(view, action == Action::Fold);
            Transition::stay()
        }
        Action::Confirm => follow(app, view),
        Action::Copy => {
            app.say(Level::Fact, format!("copied {}", view.tab.label()));
            Transition::stay().with([Effect::copy(text_of(view))])
        }
        Action::Write => {
            let tab = view.tab.label().to_lowercase();
            let name = file_name(&format!("{}-{tab}.txt", view.subject.artifact.code));
            Transition::stay().with([Effect::Write { name, bytes: text_of(view).into_bytes() }])
        }
        Action::Compare => navigate::compare_with_backup(app, &view.subject),
        Action::Timeline => navigate::timeline(app, view.subject.clone()),
        Action::Resubmit => recover(app, view, Recovery::Resubmit, WhichInstances::This),
        Action::ResubmitAll => recover(app, view, Recovery::Resubmit, WhichInstances::All),
        Action::Discard => recover(app, view, Recovery::Discard, WhichInstances::This),
        Action::DiscardAll => recover(app, view, Recovery::Discard, WhichInstances::All),
        other => match other.column().filter(|t| *t < view.tabs().len()) {
            Some(tab) => go_to_tab(app, view, tab),
            None => Transition::pass(),
        },
    }
}

fn line_here(view: &InspectorScreen) -> Option<InspectorLine> {
    view.lines().into_iter().nth(view.cursor())
}

/// The tab as plain text under its archive's name.
fn text_of(view: &InspectorScreen) -> String {
    let lines: Vec<String> = view.lines().iter().map(|l| l.item.plain()).collect();
    format!("{}\n{}\n", view.label, lines.join("\n"))
}

fn go_to_match(view: &mut InspectorScreen, direction: Direction, from: MatchFrom) {
    let lines = view.lines();
    let fits = |i: usize| {
        let item = &lines[i].item;
        contains(&format!("{} {}", item.text, item.note), view.finder.text())
    };
    if let Some(index) = next_match(view.cursor(), lines.len(), (direction, from), fits) {
        view.set_cursor(index);
    }
}

fn fold(view: &mut InspectorScreen, closed: bool) {
    if let Some(LineTarget::Fold(fold)) = line_here(view).map(|l| l.target) {
        if closed {
            view.folded.insert(fold)
        } else {
            view.folded.remove(&fold)
        };
    }
}

fn next_tab(app: &mut App, view: &mut InspectorScreen, by: usize) -> Transition {
    let tabs = view.tabs();
    let here = tabs.iter().position(|t| *t == view.tab).unwrap_or(0);
    go_to_tab(app, view, (here + by) % tabs.len())
}

/// Shows a tab, and asks for what it needs the first time it is shown.
fn go_to_tab(app: &mut App, view: &mut InspectorScreen, tab: usize) -> Transition {
    let Some(tab) = view.tabs().get(tab).copied() else { return Transition::stay() };
    view.tab = tab;
    if tab == InspectorTab::Dependencies && !std::mem::replace(&mut view.graph_asked, true) {
        let name = app.environments[view.subject.environment].name.clone();
        let graph = ArchiveEffect::Graph(CollectionSource::Live(name));
        return Transition::stay().with([Effect::archive(view.id, graph)]);
    }
    if tab == InspectorTab::Instances && !view.triage_asked {
        return Transition::stay().with(ask_triage(view));
    }
    Transition::stay()
}

fn ask_triage(view: &mut InspectorScreen) -> Option<Effect> {
    let integration = view.integration()?;
    view.triage_asked = true;
    view.triage = None;
    let answer = |result| ScreenEvent::Inspector(InspectorEvent::Triaged(result));
    let (id, environment) = (view.id, view.subject.environment);
    Some(Effect::Recovery(RecoveryEffect::Triage { id, environment, integration, answer }))
}

/// Enter: opens or closes, shows the file, or goes to what is named.
fn follow(app: &mut App, view: &mut InspectorScreen) -> Transition {
    let Some(line) = line_here(view) else { return Transition::stay() };
    match line.target {
        LineTarget::Nothing | LineTarget::FailedInstance(_) => {}
        LineTarget::Step(step) => {
            if !view.go_to_step(&step) {
                app.say(Level::Warning, format!("no step of this flow is called {step}"));
            }
        }
        LineTarget::Fold(fold) => {
            if !view.folded.remove(&fold) {
                view.folded.insert(fold);
            }
        }
        LineTarget::File(path) => {
            let lines = ArchiveEffect::Lines { unpacked: Arc::clone(&view.unpacked), path };
            return Transition::stay().with([Effect::archive(view.id, lines)]);
        }
        LineTarget::Version(index) => {
            let version =
                view.history.known().and_then(|h| h.get(index)).map(StoredVersion::reference);
            if let (Some(version), Some(this)) = (version, view.reference.clone()) {
                return navigate::compare(app, version, this);
            }
        }
        LineTarget::Row(scope, kind, name) => {
            return navigate::rows_of(app, &scope, kind, &name);
        }
        LineTarget::Integration(scope, code) => {
            let from = view.reference.clone();
            return navigate::inspect_integration(app, &view.subject, from, scope, code);
        }
    }
    Transition::stay()
}

/// Which failed instances are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhichInstances {
    /// The one under the cursor.
    This,
    All,
}

/// Opens the plan on the tab of instances; says on other tabs where the failed ones are.
fn recover(
    app: &mut App,
    view: &InspectorScreen,
    recovery: Recovery,
    which: WhichInstances,
) -> Transition {
    if view.tab != InspectorTab::Instances {
        let tab = view.tabs().iter().position(|t| *t == InspectorTab::Instances);
        let key = tab.and_then(Action::of_column).map(|a| app.key(Context::Inspector, a));
        let text = format!("failed runs are on the tab Runs: {}", key.unwrap_or_default());
        app.say(Level::Warning, text);
        return Transition::stay();
    }
    let Some(integration) = view.integration() else { return Transition::stay() };
    let only = match which {
        WhichInstances::All => None,
        WhichInstances::This => match view.failed_instance() {
            Some(error) => Some(vec![error]),
            None => {
                let all = match recovery {
                    Recovery::Resubmit => Action::ResubmitAll,
                    Recovery::Discard => Action::DiscardAll,
                };
                let key = app.key(Context::Inspector, all);
                let text = format!("go to a failed run first (✗); {key} means all of them");
                app.say(Level::Warning, text);
                return Transition::stay();
            }
        },
    };
    navigate::recover(app, view.subject.environment, integration, recovery, only)
}

/// Takes in an answer; the lines of a file open the viewer over the inspector.
pub fn on_event(view: &mut InspectorScreen, event: InspectorEvent) -> Transition {
    match event {
        InspectorEvent::Examined { fingerprints, secrets } => {
            view.examined = Some((fingerprints, secrets));
        }
        InspectorEvent::Graphed(result) => view.graph = Some(result),
        InspectorEvent::Project(facts) => {
            if let Some(page) = &mut view.project {
                page.facts = Some(*facts);
            }
        }
        InspectorEvent::Triaged(result) => view.triage = Some(result),
        InspectorEvent::InstancesChanged(id) => {
            if view.integration().as_ref() == Some(&id) {
                return Transition::stay().with(ask_triage(view));
            }
        }
        InspectorEvent::Lines { path, lines } => {
            let find = view.finder.text();
            return navigate::viewer(view.label.clone(), path, lines, find);
        }
    }
    Transition::stay()
}
