//! The certificates that connections need.

use jiff::Timestamp;

use super::unknown;
use crate::model::{EXPIRES_SOON_DAYS, Finding, Kind, days_until, plural};
use crate::restore::{
    plan::{Check, PlanItem},
    survey::{Situation, SurveyedArtifact},
};

/// Whether each is there, comes along, or ends soon.
pub(super) fn check(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let all = s.connections.certificates(s.parts.iter().map(|p| &p.wanted));
    if let Some(why) = s.target.certificates.why_unknown() {
        return unknown::needed("certificate", &all, (&s.environment, why));
    }
    all.iter().filter_map(|alias| certificate(s, alias)).map(Check::from).collect()
}

fn certificate(s: &Situation, alias: &str) -> Option<Finding> {
    let is_it = |p: &&SurveyedArtifact| {
        p.wanted.key.kind == Kind::Certificate && p.wanted.key.code == alias
    };
    if let Some(part) = s.parts.iter().find(is_it) {
        return Some(Finding::fact(format!(
            "certificate {alias} is not on {}: uploaded from {}",
            s.environment, part.wanted.label
        )));
    }
    let fix = "name its file under [environments.NAME.certificates.ALIAS], or upload it in the \
        console: a private part never leaves the service";
    let mut all = s.target.certificates.known().into_iter().flatten();
    let Some(found) = all.find(|c| c.code == alias || c.name == alias) else {
        let what = format!("certificate {alias} is not on {}", s.environment);
        return Some(Finding::warning(what, fix));
    };
    let days = days_until(found.expires?, Timestamp::now());
    let what = match days {
        d if d < 0 => format!("certificate {alias} has expired"),
        d if d <= EXPIRES_SOON_DAYS => {
            format!("certificate {alias} expires in {}", plural(d as usize, "day"))
        }
        _ => return None,
    };
    Some(Finding::warning(what, fix))
}
