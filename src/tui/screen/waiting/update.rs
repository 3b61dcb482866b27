//! Takes in the answer that was waited for; the screen that shows it takes the place.

use std::sync::Arc;

use super::{Waiting, WaitingEvent, WaitingFor};
use crate::archive::UnpackedArchive;
use crate::model::{EnvironmentIndex, Level, Reference, short_date, version_text};
use crate::store::StoredVersion;
use crate::tui::{
    app::App,
    event::{ArchiveEffect, Effect},
    screen::{ScreenId, Step, compare::Compare, inspector::Inspector, plan::PlanScreen},
};

/// Puts the screen for the answer in the place of the waiting one; says why and closes where it
/// failed.
pub fn on_event(app: &mut App, waiting: &Waiting, event: WaitingEvent) -> Step {
    let shown = match event {
        WaitingEvent::Opened(result) => {
            let WaitingFor::Archive(environment) = waiting.what else { return Step::stay() };
            result.map(|(label, unpacked)| open(app, waiting.id, environment, label, unpacked))
        }
        WaitingEvent::Compared(result) => result.map(|compared| {
            let (before, after) = (&compared.before_label, &compared.after_label);
            let names = (display_name(app, before), display_name(app, after));
            let mut screen = Compare::new(waiting.id, compared, names);
            let text = screen.want_text();
            Step::replace(screen).with(text)
        }),
        WaitingEvent::Planned(result) => result.map(|p| Step::replace(PlanScreen::new(*p))),
    };
    shown.unwrap_or_else(|why| {
        app.say(Level::Blocker, why);
        Step::close()
    })
}

fn open(
    app: &App,
    id: ScreenId,
    environment: EnvironmentIndex,
    label: String,
    unpacked: Arc<UnpackedArchive>,
) -> Step {
    let mut asked = vec![ArchiveEffect::Examine(unpacked.clone())];
    let reference = label.parse().ok();
    let screen = Inspector::new(app, id, environment, label, unpacked);
    asked.extend(reference.filter(|_| screen.project.is_some()).map(ArchiveEffect::Project));
    let effects = asked.into_iter().map(|effect| Effect::archive(id, effect));
    Step::replace(screen).with(effects.collect::<Vec<_>>())
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
