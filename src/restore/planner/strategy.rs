//! Chooses the strategy by which one artifact reaches its wanted state, and says why.

use crate::model::{Kind, Status, short_date};
use crate::restore::{
    live::LiveState,
    plan::Strategy,
    request::Goal,
    survey::{Situation, SurveyedArtifact},
};

/// The strategy for one artifact, and the reason that a person reads.
pub(super) fn choose(s: &Situation, part: &SurveyedArtifact) -> (Strategy, String) {
    match why_by_hand(s, part) {
        Some(why) => (Strategy::ByHand, why),
        None => least_disruptive(s, part),
    }
}

/// Why the service has no call for an integration of a project, so that a person must do it.
pub(in crate::restore) fn why_by_hand(s: &Situation, part: &SurveyedArtifact) -> Option<String> {
    let wanted = &part.wanted;
    let (strategy, _) = least_disruptive(s, part);
    let alone = wanted.key.kind == Kind::Integration && part.within.is_none();
    if !alone || wanted.key.scope.is_global() || !strategy.sends() {
        return None;
    }
    // What could not be read may be the same: that is said, and nothing is done to it.
    if part.why_unread().is_some() {
        return None;
    }
    let copied = wanted.copy_of.is_some() && strategy == Strategy::Import;
    if !wanted.archive.as_ref()?.is_whole_file() && !copied {
        return Some(wanted.cannot_be_sent_alone());
    }
    (strategy == Strategy::Replace && s.exports_members != Some(true)).then(|| {
        format!(
            "{} exports no integration of a project alone: what is there now could not be put back",
            s.environment
        )
    })
}

fn least_disruptive(s: &Situation, part: &SurveyedArtifact) -> (Strategy, String) {
    let (key, environment) = (&part.wanted.key, &s.environment);
    if part.within.is_some() {
        return (Strategy::Activate, "it is imported with its package or project".into());
    }
    let Some(there) = &part.there else {
        return match part.wanted.goal {
            Goal::Absent => (Strategy::Remove, format!("{environment} has no {key} already")),
            Goal::Exactly { active: false, .. } if part.wanted.archive.is_none() => {
                (Strategy::Remove, format!("{environment} has no {key} already"))
            }
            _ => (Strategy::Import, format!("{environment} has no {key}")),
        };
    };
    if part.wanted.goal == Goal::Absent {
        return (Strategy::Remove, "it was not there before".into());
    }
    let inactive = matches!(part.wanted.goal, Goal::Exactly { active: false, .. });
    let Some(archive) = &part.wanted.archive else {
        return match inactive {
            true => (Strategy::Deactivate, "it did not run before".into()),
            false => (Strategy::Activate, "it ran before".into()),
        };
    };
    if part.portable_fingerprint() != Some(archive.fingerprints.portable) {
        let rebuilt =
            key.kind == Kind::Project && s.options.rebuild.iter().any(|p| p.as_str() == key.code);
        let strategy = if rebuilt { Strategy::Rebuild } else { Strategy::Replace };
        if let Some(why) = part.why_unread() {
            return (strategy, format!("whether it changed is not known: {why}"));
        }
        return (strategy, changed_in_place(key.kind, there));
    }
    match &there.state.status {
        Status::Active if inactive => {
            (Strategy::Deactivate, "it is there unchanged, but should be inactive".into())
        }
        Status::Active => {
            (Strategy::Activate, format!("{environment} runs this very version already"))
        }
        _ if key.kind != Kind::Integration => {
            (Strategy::Activate, format!("{environment} has the same already"))
        }
        status => (Strategy::Activate, format!("it is there unchanged and {}", status.label())),
    }
}

/// Says who changed the artifact, and when, where the service tells it.
fn changed_in_place(kind: Kind, there: &LiveState) -> String {
    let state = &there.state;
    let by = state.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
    let at = state.last_updated.map(|t| format!(" at {}", short_date(t))).unwrap_or_default();
    let what = if kind == Kind::Integration { "this version number was" } else { "it was" };
    format!("{what} changed in place{by}{at}")
}
