//! The company around the incident: families of integrations, unfolded the same way at each start.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use super::{Edit, EndpointSpec, FlowSpec, IntegrationSpec, Placement, When};
use crate::archive::sha256_hex;
use crate::model::{EnvironmentName, InstanceCounts, ScheduleState, Status, Version};

/// Integrations of one kind: each object with each action. `{object}` in texts is replaced.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    objects: Vec<String>,
    actions: Vec<String>,
    source: EndpointSpec,
    target: EndpointSpec,
    fields: BTreeMap<String, String>,
    #[serde(default)]
    schedule: Option<String>,
}

/// How many integrations an environment has in all its scopes, and where it stands against the
/// others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentFill {
    environment: EnvironmentName,
    total: usize,
    /// One in so many is a newer version here than in production.
    #[serde(default)]
    ahead_one_in: u32,
    /// One in so many was changed here without a new version number.
    #[serde(default)]
    edited_one_in: u32,
    /// One in so many is not running.
    #[serde(default)]
    idle_one_in: u32,
}

/// All integrations of the families, none of them on any environment yet.
pub fn unfold(families: &[Family]) -> Vec<IntegrationSpec> {
    families.iter().flat_map(Family::unfold).collect()
}

/// Fills each environment up to its total with some of those that were made. `scopes` says in how
/// many scopes a code lives: twins are counted twice.
pub fn add(
    integrations: &mut Vec<IntegrationSpec>,
    mut made: Vec<IntegrationSpec>,
    spreads: &[EnvironmentFill],
    scopes: impl Fn(&str) -> usize,
) {
    made.sort_by_key(|i| dice(&i.code, "order"));
    for spread in spreads {
        let here =
            |i: &&IntegrationSpec| i.placements.iter().any(|p| p.environment == spread.environment);
        let there: usize = integrations.iter().filter(here).map(|i| scopes(&i.code)).sum();
        let mut missing = spread.total.saturating_sub(there);
        for integration in &mut made {
            let Some(left) = missing.checked_sub(scopes(&integration.code)) else { continue };
            missing = left;
            let placement = spread.place(integration);
            integration.placements.push(placement);
        }
    }
    integrations.extend(made.into_iter().filter(|i| !i.placements.is_empty()));
}

/// A number that depends on the words alone, so that the company is the same at each start.
fn dice(code: &str, question: &str) -> u32 {
    let hash = sha256_hex(format!("{question} {code}").as_bytes());
    u32::from_str_radix(&hash[..8], 16).unwrap_or_default()
}

fn one_in(n: u32, code: &str, question: &str) -> bool {
    n > 0 && dice(code, question).is_multiple_of(n)
}

impl Family {
    fn unfold(&self) -> Vec<IntegrationSpec> {
        let pairs = self.objects.iter().flat_map(|o| self.actions.iter().map(move |a| (o, a)));
        pairs
            .map(|(object, action)| {
                let lower = object.to_ascii_lowercase();
                let fill = |e: &EndpointSpec| EndpointSpec {
                    resource: e.resource.replace("{object}", &lower),
                    ..e.clone()
                };
                let code = format!("{object}_{action}");
                let flow = FlowSpec {
                    name: title(&code),
                    description: format!(
                        "{} to {}",
                        self.source.connection, self.target.connection
                    ),
                    schedule: self.schedule.clone(),
                    trigger_connection: super::rest_trigger(),
                    source: fill(&self.source),
                    target: fill(&self.target),
                    fields: self.fields.clone(),
                    loggers: vec![],
                    calls: vec![],
                    prebuilt: false,
                };
                IntegrationSpec { code, flow, placements: vec![], past: vec![] }
            })
            .collect()
    }
}

/// `EMPLOYEE_DATA_SYNC` -> `Employee data sync`.
fn title(code: &str) -> String {
    let lower = code.to_ascii_lowercase().replace('_', " ");
    let mut chars = lower.chars();
    chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

impl EnvironmentFill {
    fn place(&self, integration: &IntegrationSpec) -> Placement {
        let code = integration.code.as_str();
        let place = self.environment.as_str();
        let ask = |question: &str| format!("{place} {question}");
        let base = dice(code, "version");
        let mut version = Version {
            major: 1 + u8::from(base.is_multiple_of(5)),
            minor: (base % 4) as u8,
            patch: (base % 7) as u16,
        };
        let mut days = 12 + i64::from(dice(code, "age") % 380);
        let mut edit = Edit::default();
        if one_in(self.ahead_one_in, code, &ask("ahead")) {
            version.patch += 1 + (base % 2) as u16;
            days = 1 + days % 11;
        } else if one_in(self.edited_one_in, code, &ask("edited")) {
            edit.loggers.push("'checked'".into());
            days = 1 + days % 9;
        }
        let idle = one_in(self.idle_one_in, code, &ask("idle"));
        let status = if idle { Status::Configured } else { Status::Active };
        let received = if idle { 0 } else { u64::from(dice(code, &ask("runs")) % 900) };
        let failed = if one_in(29, code, &ask("failing")) { received.min(3) } else { 0 };
        let schedule =
            integration.flow.schedule.as_ref().filter(|_| !idle).map(|_| ScheduleState::Running);
        let people = ["a.integrator", "m.rossi", "k.lindqvist", "s.okafor"];
        Placement {
            environment: self.environment.clone(),
            version,
            status,
            updated: When::at(
                Timestamp::now().checked_sub((days * 24).hours()).unwrap_or_default(),
            ),
            by: people[dice(code, "by") as usize % people.len()].into(),
            edit,
            broken: false,
            error: None,
            failing_step: None,
            runs: InstanceCounts { received, succeeded: received - failed, failed, aborted: 0 },
            locked_by: None,
            unsaved_by: None,
            schedule,
            parameters: BTreeMap::new(),
        }
    }
}
