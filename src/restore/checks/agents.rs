//! The agent groups that connections need.

use super::unknown;
use crate::model::{Answer, Finding, Status};
use crate::restore::{
    plan::{Check, PlanItem},
    survey::Situation,
};

/// Whether each group is there and an agent of it runs.
pub(super) fn check(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let groups = s.connections.agents(s.parts.iter().map(|p| &p.wanted));
    let Answer::Known(all) = &s.target.agents else {
        let why = s.target.agents.why_unknown().unwrap_or_default();
        return unknown::needed("agent group", &groups, (&s.environment, why));
    };
    let finding = |code: &String| {
        let found = all.iter().find(|a| [&a.code, &a.name, &a.id].contains(&code));
        match found.map(|group| &group.state.status) {
            Some(Status::Down) => Some(Finding::warning(
                format!("no agent of {code} runs"),
                "start one on its host: calls through it fail until then",
            )),
            Some(_) => None,
            None => Some(Finding::warning(
                format!("agent group {code} is not on {}", s.environment),
                "create it in the console, or point the connection to another",
            )),
        }
    };
    groups.iter().filter_map(finding).map(Check::from).collect()
}
