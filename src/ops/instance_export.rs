//! The export of a whole instance to an object storage: a further net beside the snapshots. The
//! service does it in a job; the plan says what it starts, and the store notes how it ended.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;

use crate::config::{InstanceStorage, SecretError, SecretSource};
use crate::model::{EnvironmentName, Finding, InstanceExport, Level, PlanRefused, visible};
use crate::oic::{
    Client, InstanceExportOrder, NotAtRest, OicError, RestState, WaitLimits, wait_until_at_rest,
};
use crate::store::{Store, StoreError};
use crate::workspace::events::{Events, Progress};

/// What will be asked of the service.
#[derive(Debug, Clone, Serialize)]
pub struct InstanceExportPlan {
    pub environment: EnvironmentName,
    /// The name of the job.
    pub name: String,
    /// The URL of the bucket.
    pub bucket: String,
    /// Who writes there.
    pub user: String,
    /// Whether certificates and credentials are in the archive.
    pub security: bool,
    pub protected: bool,
    pub checks: Vec<Finding>,
    #[serde(skip)]
    auth_token: Option<SecretSource>,
}

/// A plan that a person has agreed to.
#[derive(Debug)]
pub struct ApprovedInstanceExport(InstanceExportPlan);

/// Why an export was not started, or its end is not known.
#[derive(Debug, thiserror::Error)]
pub enum InstanceExportError {
    #[error(transparent)]
    Oic(#[from] OicError),
    #[error("the auth token of the object storage: {0}")]
    Secret(#[from] SecretError),
    #[error("the config names no object storage")]
    NoStorage,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "job {job} is still {state} after {} s → the service continues it: \
        oicx instance-export {environment} --job {job} follows it",
        .waited.as_secs()
    )]
    Hangs { environment: EnvironmentName, job: String, state: String, waited: Duration },
    #[error(
        "job {job} cannot be followed: {why}\n  → {}; \
        oicx instance-export {environment} --job {job} follows it",
        .why.advice()
    )]
    Unfollowed { environment: EnvironmentName, job: String, why: Box<OicError> },
    #[error(
        "the service continues job {job}: oicx instance-export {environment} --job {job} \
        follows it"
    )]
    Left { environment: EnvironmentName, job: String },
}

/// Plans an export. `bucket` is a bucket's name below the storage of the config, or its whole URL.
pub fn plan(
    client: &Client,
    bucket: &str,
    name: Option<&str>,
    security: bool,
) -> InstanceExportPlan {
    let environment = client.environment();
    let storage = environment.instance_storage.as_ref();
    let mut checks = Vec::new();
    let url = match bucket_url(bucket, storage) {
        Ok(url) => url,
        Err(why) => {
            let fix = "name a bucket, or its URL: https, without a user or password";
            checks.push(Finding::blocker(why, fix));
            String::new()
        }
    };
    if storage.is_none() {
        let what = format!("the config names no object storage for {}", environment.name);
        let fix = format!(
            "add [environments.{}.instance_storage] with url, user and auth_token (docs/config.md)",
            environment.name
        );
        checks.push(Finding::blocker(what, fix));
    }
    checks.extend(environment.protection());
    checks.push(Finding::fact(
        "nothing on the instance is changed; the service works on it for minutes to hours",
    ));
    checks.push(Finding::fact(
        "not in it: users and roles, the file server, agents, runs, the audit",
    ));
    if security {
        let what = "certificates and credentials of connections are in the archive";
        checks.push(Finding::warning(what, "keep the bucket as you keep the secrets"));
    }
    let name = name.map_or_else(|| default_name(&environment.name), str::to_owned);
    InstanceExportPlan {
        environment: environment.name.clone(),
        name,
        bucket: url,
        user: storage.map(|s| s.user.clone()).unwrap_or_default(),
        security,
        protected: environment.protected,
        checks,
        auth_token: storage.map(|s| s.auth_token.clone()),
    }
}

/// The URL of a bucket that is named below a storage, or with its whole URL.
fn bucket_url(bucket: &str, storage: Option<&InstanceStorage>) -> Result<String, &'static str> {
    if bucket.contains("://") {
        let url = bucket.parse::<url::Url>().map_err(|_| "it is not a URL")?;
        return match (url.scheme(), url.username(), url.password()) {
            ("https", "", None) => Ok(url.to_string()),
            ("https", ..) => Err("the bucket's URL carries a user or password"),
            _ => Err("the bucket's URL is not https"),
        };
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if bucket.is_empty() || bucket.starts_with('.') || !bucket.chars().all(plain) {
        return Err("this is not the name of a bucket");
    }
    let root = storage.map(|storage| storage.url.as_str().trim_end_matches('/'));
    Ok(root.map_or_else(|| bucket.to_owned(), |root| format!("{root}/{bucket}")))
}

/// `oicx-prod-2026-11-27T020304Z`: a job's name must not have been used before.
fn default_name(environment: &EnvironmentName) -> String {
    format!("oicx-{environment}-{}", crate::model::stamp(Timestamp::now()))
}

impl InstanceExportPlan {
    /// `export the whole of prod to https://…/BUCKET, as job NAME`
    pub fn title(&self) -> String {
        let bucket = visible(&self.bucket);
        format!("export the whole of {} to {bucket}, as job {}", self.environment, self.name)
    }

    /// Whether something speaks against it.
    pub fn is_blocked(&self) -> bool {
        self.checks.iter().any(|c| c.level == Level::Blocker)
    }

    /// Takes a person's yes.
    ///
    /// # Errors
    /// Where there is a blocker, or a protected environment's name was not given exactly.
    pub fn approve(
        self,
        confirmation: Option<&str>,
    ) -> Result<ApprovedInstanceExport, PlanRefused> {
        PlanRefused::if_blocked(&self.checks)?;
        if self.protected {
            PlanRefused::if_unconfirmed(self.environment.as_str(), confirmation)?;
        }
        Ok(ApprovedInstanceExport(self))
    }
}

/// Starts the job. Gives its id.
///
/// # Errors
/// Where the service refuses, or the auth token cannot be read.
pub async fn start(
    approved: &ApprovedInstanceExport,
    client: &Client,
) -> Result<String, InstanceExportError> {
    let plan = &approved.0;
    // A plan without one is blocked.
    let source = plan.auth_token.as_ref().ok_or(InstanceExportError::NoStorage)?;
    let auth_token: SecretString = source.read().await?;
    let order = InstanceExportOrder {
        name: &plan.name,
        description: "made by oicx",
        bucket: &plan.bucket,
        user: &plan.user,
        auth_token: &auth_token,
        security: plan.security,
    };
    Ok(client.start_instance_export(&order).await?)
}

fn is_refused(error: &OicError) -> bool {
    let waits = [404, 408, 429];
    error.status().is_some_and(|status| (400..500).contains(&status) && !waits.contains(&status))
}

fn unfollowed(client: &Client, job: &str, why: OicError) -> InstanceExportError {
    let (environment, job) = (client.name().clone(), job.to_owned());
    InstanceExportError::Unfollowed { environment, job, why: Box::new(why) }
}

/// Follows a job to its end, and notes that in the store, where there is one.
///
/// # Errors
/// Where the job does not end in time, the service does not tell, or `stop` comes first: the job
/// goes on.
pub async fn follow(
    client: &Client,
    store: Option<&Store>,
    (job, plan): (&str, Option<&InstanceExportPlan>),
    limits: WaitLimits,
    events: &Events,
    stop: &tokio_util::sync::CancellationToken,
) -> Result<InstanceExport, InstanceExportError> {
    let tell = |word: &str, waited: Duration| {
        let text = format!("job {job}: {word} for {} s", waited.as_secs());
        events.send(Progress::Note { text });
    };
    // A clear refusal says the same tomorrow; all else is weather.
    let look = || async {
        match client.instance_export_job(job).await {
            Ok(RestState::Resting(word)) => Ok(RestState::Resting(Ok(word))),
            Ok(RestState::Passing(word) | RestState::Unsure { word, .. }) => {
                Ok(RestState::Passing(word))
            }
            Err(e) if is_refused(&e) => Ok(RestState::Resting(Err(e))),
            Err(e) => Err(e),
        }
    };
    let environment = client.name().clone();
    let ended = tokio::select! {
        ended = wait_until_at_rest(limits, |_| false, look, tell) => ended,
        () = stop.cancelled() => {
            return Err(InstanceExportError::Left { environment, job: job.to_owned() });
        }
    };
    let status = match ended {
        Ok(Ok(word)) => word,
        Ok(Err(e)) => return Err(unfollowed(client, job, e)),
        Err(NotAtRest::Unwatched(e)) => return Err(unfollowed(client, job, e)),
        Err(NotAtRest::Hangs { state, waited }) => {
            let job = job.to_owned();
            return Err(InstanceExportError::Hangs { environment, job, state, waited });
        }
    };
    let export = InstanceExport {
        job: job.to_owned(),
        name: plan.map(|p| p.name.clone()).unwrap_or_default(),
        bucket: plan.map(|p| p.bucket.clone()).unwrap_or_default(),
        finished: Timestamp::now(),
        status,
    };
    if let Some(store) = store {
        store.note_instance_export(client.name(), &export).await?;
    }
    Ok(export)
}
