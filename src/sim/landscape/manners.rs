//! How an environment behaves where reports of real instances differ (docs/oic-rest-api.md).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The manners of one environment; each is a key of `[environment.manners]` and of
/// `oicx sim --manner`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manners {
    /// How long a schedule is `STARTING`, `STOPPING`, `PAUSING` or `RESUMING`, in milliseconds.
    pub schedule_ms: u64,
    /// How long a deactivation is under way, in milliseconds. Until then nothing is replaced,
    /// deleted or activated.
    pub deactivation_ms: u64,
    /// How long a state from before a call is still shown after it, in milliseconds.
    pub lag_ms: u64,
    /// How long the integrations of an imported project take to be there after the answer, in
    /// milliseconds.
    pub project_import_ms: u64,
    /// How long the export and the import of a whole instance take, in milliseconds.
    pub instance_job_ms: u64,
    /// A schedule's `frequency` is an object with a type and an interval, and there is no iCal
    /// rule.
    pub frequency_is_object: bool,
    /// The first activation of each integration times out and asks for another try.
    pub activation_times_out: bool,
    /// What failed to be activated counts as not active: deactivating it is refused with 412.
    pub failed_is_inactive: bool,
    /// The most items of a page of integrations, whatever is asked for; each page then calls itself
    /// the last and counts its own items alone. 0: as asked for.
    pub page_cap: usize,
    /// A bulk resubmit answers 202 without a body, also where `return=sync` is asked for.
    pub resubmit_is_silent: bool,
    /// How long a failed instance stays listed that was sent again or given up, in milliseconds.
    pub recovery_ms: u64,
    /// An integration of a project is exported alone: `GET …/integrations/{id}/archive`.
    pub exports_members: bool,
    /// An integration of a project is replaced by one call: `PUT …/integrations/archive`.
    pub replaces_members: bool,
    /// A project that a client may not see is listed, and refuses what is asked of it.
    pub refuses_projects: bool,
    /// Names of fields are written in kebab-case: `has-more`.
    pub kebab_case: bool,
    /// How far its clock is ahead of this machine's, in seconds: in the `Date` of its answers, and
    /// in the times of its audit.
    pub clock_s: i64,
    /// A library of a project that is imported is called by its code afterwards: what the service
    /// gives back is not what it was sent.
    pub renames_libraries: bool,
    /// A filter by `projectCode` is ignored: the instances of twins come together.
    pub ignores_project_code: bool,
    /// No record of an instance tells its project.
    pub hides_project_code: bool,
    /// A lookup of a project cannot be given other content: it is deleted and imported.
    pub keeps_lookups: bool,
    /// A change that succeeds answers without a body.
    pub empty_bodies: bool,
    /// The instance is stopped: every call answers 409, and says so.
    pub stopped: bool,
    /// Every call is answered with 503, and that the instance is in maintenance.
    pub maintenance: bool,
    /// The host in the config is a custom endpoint: it redirects calls to the host that the
    /// instance really has, to which a token is not sent.
    pub vanity_host: bool,
    /// A host between answers every call with a page of its own (403): this machine is not in its
    /// allowlist.
    pub allowlist: bool,
    /// The token is for another service, or too narrow: every call is answered with 401 and a page.
    pub narrow_scope: bool,
    /// An archive that was edited outside of the designer is refused with 500, not with 400.
    pub edited_is_500: bool,
    /// For how long after the first request for a token the sign-in answers 429 with `Retry-After`,
    /// in milliseconds. The sign-in is one for all environments: the longest counts.
    pub token_limit_ms: u64,
    /// The sign-in takes a client's credentials in the body alone, not in HTTP Basic. It is one for
    /// all environments: one that says so is enough.
    pub credentials_in_body: bool,
}

impl Manners {
    /// These manners with one that is given as `key=value`.
    ///
    /// # Errors
    /// Where there is no such manner, or the value is no number or word for it; names all keys.
    pub fn with(self, manner: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{manner}` is not a manner: {}", why.trim());
        let table: toml::Table = toml::from_str(manner).map_err(|e| wrong(e.message()))?;
        let mut all = toml::Table::try_from(self).map_err(|e| wrong(&e.to_string()))?;
        all.extend(table);
        all.try_into().map_err(|e: toml::de::Error| wrong(e.message()))
    }

    /// The time that a change of a schedule takes.
    pub fn schedule(&self) -> Duration {
        Duration::from_millis(self.schedule_ms)
    }

    /// The time for which an old state is still shown.
    pub fn lag(&self) -> Duration {
        Duration::from_millis(self.lag_ms)
    }

    /// What its clock shows.
    pub fn clock(&self, here: Timestamp) -> Timestamp {
        here + SignedDuration::from_secs(self.clock_s)
    }

    /// The time for which an instance that was recovered is still listed as failed.
    pub fn recovery(&self) -> Duration {
        Duration::from_millis(self.recovery_ms)
    }

    /// The time that a deactivation takes.
    pub fn deactivation(&self) -> Duration {
        Duration::from_millis(self.deactivation_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manner_is_added_to_the_others_and_an_unknown_one_is_named() {
        let all = Manners::default().with("schedule_ms=25000").unwrap();
        let all = all.with("failed_is_inactive=true").unwrap();
        assert_eq!((all.schedule_ms, all.failed_is_inactive), (25_000, true));
        for wrong in ["slow=true", "schedule_ms=soon", "schedule_ms", ""] {
            let why = all.with(wrong);
            assert!(wrong.is_empty() || why.unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
