//! Doctor: checks whether everything that a nightly backup needs is in order, and says what to do
//! where it is not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::{Config, StorePlace};
use crate::files::others_may_enter;
use crate::model::{Finding, Scope, plural};
use crate::oic::{Client, ErrorKind, IntegrationsEverywhere, OicError, Tuning, Window};
use crate::store::{Store, StoreError};

/// How far clocks may differ: beyond this, JWT assertions fail and times mislead.
const CLOCK_TOLERANCE_SECONDS: i64 = 30;

/// Findings about one subject: the config, the store, an environment.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    pub about: String,
    pub findings: Vec<Finding>,
}

impl Section {
    /// Whether anything in the section blocks work.
    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|f| f.level == crate::model::Level::Blocker)
    }
}

/// The clients that [`examine`] asks with: one for each environment of the config.
pub fn clients(config: &Config) -> Vec<Client> {
    let tuning = Tuning { tries: 2, ..Tuning::default() };
    config.environments.iter().map(|e| Client::new(e.clone(), tuning.clone())).collect()
}

/// Checks everything that the config names. Nothing remote is changed.
pub async fn examine(config: &Config, clients: &[Client]) -> Vec<Section> {
    let mut sections = vec![about_config(config), about_store(config).await];
    let checks = clients.iter().map(|client| async move {
        // The secret of the config is tried, and not a token that was had with an older one; and a
        // role that was granted since is in the new one.
        client.forget_token().await;
        about_environment(client).await
    });
    sections.extend(futures::future::join_all(checks).await);
    sections
}

fn about_config(config: &Config) -> Section {
    let count = plural(config.environments.len(), "environment");
    let mut findings =
        vec![Finding::fact(format!("{} is valid and names {count}", config.path.display()))];
    if config.environments.is_empty() {
        findings.push(Finding::blocker(
            "there is no environment",
            "add one under [environments.NAME]; the file's comments show how",
        ));
    }
    for environment in config
        .environments
        .iter()
        .filter(|e| e.name.as_str().contains("prod") && !e.protected && !e.read_only)
    {
        findings.push(Finding::warning(
            format!("{} sounds like production and is not protected", environment.name),
            "set protected = true, so that a restore asks for its name",
        ));
    }
    findings.extend(config.environments.iter().filter_map(|e| e.other_names()));
    Section { about: "config".into(), findings }
}

async fn about_store(config: &Config) -> Section {
    let about = "store".to_owned();
    let Some(place) = &config.store else {
        let finding = Finding::warning(
            "the config names no store",
            "add a line such as: store = \"~/oic-backups\"",
        );
        return Section { about, findings: vec![finding] };
    };
    let findings = match try_store(place).await {
        Ok(findings) => findings,
        Err(e) => {
            vec![Finding::blocker(e.to_string(), "until then nothing can be backed up or restored")]
        }
    };
    Section { about, findings }
}

async fn try_store(place: &StorePlace) -> Result<Vec<Finding>, StoreError> {
    let store = Store::open_place(place, None).await?;
    store.try_writing().await?;
    let index = store.index().await?;
    let mut findings = vec![Finding::fact(format!(
        "{} may be written and holds {}",
        store.label(),
        plural(index.len(), "version")
    ))];
    findings.extend(index.problems.iter().map(|p| {
        Finding::warning(
            p.clone(),
            "this snapshot is not shown; restore the file from a copy of the store",
        )
    }));
    if let StorePlace::Folder(folder) = place
        && others_may_enter(folder)
    {
        findings.push(Finding::warning(
            "everybody on this machine may read the store, and archives carry keys",
            "chmod o-rwx on the folder, unless it is shared on purpose",
        ));
    }
    Ok(findings)
}

async fn about_environment(client: &Client) -> Section {
    let about = format!("environment {} ({})", client.name(), client.environment().auth.kind());
    let mut findings = Vec::new();
    let service_time = match client.service_time().await {
        Ok(time) => time,
        Err(e) => return Section { about, findings: vec![failed(&e)] },
    };
    findings.push(Finding::fact("sign-in works"));
    findings.extend(service_time.map(clock));
    let twins = match client.integrations_everywhere().await {
        Ok(all) => {
            findings.extend(what_is_read(&all));
            all.has_twins()
        }
        Err(e) => {
            findings.push(failed(&e));
            false
        }
    };
    match client.instance_counts(Window::Day).await {
        Ok(tally) if twins && !tally.tells_projects() => findings.push(Finding::warning(
            "the role may read monitoring, which did not tell projects apart",
            "failures of a code and version that several scopes have are shown for none of them",
        )),
        Ok(_) => findings.push(Finding::fact("the role may read monitoring")),
        Err(e) => findings.push(Finding::warning(
            format!("failures will not be seen: {}", e.kind),
            "give the role ServiceMonitor, ServiceDeveloper or ServiceAdministrator",
        )),
    }
    if client.environment().read_only {
        findings
            .push(Finding::fact("read-only: no call that changes anything leaves this machine"));
    }
    Section { about, findings }
}

/// How many integrations the role sees, in how many projects, and what it does not see.
fn what_is_read(all: &IntegrationsEverywhere) -> Vec<Finding> {
    let scopes: BTreeSet<&Scope> = all.found.iter().map(|i| &i.id.scope).collect();
    let projects = scopes.iter().filter(|scope| !scope.is_global()).count();
    let inside = match projects {
        0 => String::new(),
        n => format!(", in {} and the global space", plural(n, "project")),
    };
    let what = format!("the role may read: {}{inside}", plural(all.found.len(), "integration"));
    let refused = all.unseen.iter().map(|u| {
        let what = format!("the role may not read {}: {}", u.what(), u.reason);
        Finding::warning(what, "what is there is neither shown nor backed up")
    });
    std::iter::once(Finding::fact(what)).chain(refused).collect()
}

fn clock(service: Timestamp) -> Finding {
    let apart = Timestamp::now().as_second() - service.as_second();
    if apart.abs() <= CLOCK_TOLERANCE_SECONDS {
        return Finding::fact("this machine's clock agrees with the service");
    }
    Finding::warning(
        format!(
            "this machine's clock is {} s {} the service's",
            apart.abs(),
            if apart > 0 { "ahead of" } else { "behind" }
        ),
        "set the clock (NTP): signed assertions are refused, and ages shown are wrong",
    )
}

fn failed(error: &OicError) -> Finding {
    let what = match &error.kind {
        ErrorKind::Connect(_) | ErrorKind::Timeout(_) | ErrorKind::Certificate(_) => {
            format!("not reachable: {}", error.kind)
        }
        other => other.to_string(),
    };
    Finding::blocker(what, error.advice())
}
