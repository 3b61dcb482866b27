//! `oicx demo`: the simulator on loopback, a store with history in a temporary folder, and the
//! explorer.

mod history;

use std::path::Path;

use super::{
    args::{DemoOptions, Global, ListOptions},
    list, log,
    output::{self, CommandError, Exit},
    run_explorer, simulate,
};
use crate::config::{AuthConfig, EnvironmentConfig, SecretSource};
use crate::oic::{Client, Tuning};
use crate::sim::{InstanceAddress, Landscape, ServerOptions, Simulator};
use crate::store::Store;
use crate::tui;
use crate::workspace::Workspace;

/// Serves the demo landscape on loopback and opens the explorer on it, in a folder that ends with
/// it.
pub async fn run(
    options: &DemoOptions,
    log: log::Log,
    global: &Global,
) -> Result<Exit, CommandError> {
    // Everything lies in this folder, and goes with it at the end.
    let folder = tempfile::Builder::new()
        .prefix("oicx-demo-")
        .tempdir()
        .map_err(|e| CommandError::failed(format!("no temporary folder can be made: {e}")))?;
    let landscape = Landscape::demo().map_err(|p| CommandError::failed(p.to_string()))?;
    let sim = Simulator::start(&landscape, &ServerOptions::default())
        .await
        .map_err(|e| CommandError::failed(e.to_string()))?;
    let store = Store::open_unsynced(&folder.path().join("store")).await?;
    history::seed(&landscape, &sim, &store).await?;
    // The night begins now: writing the history took a while, in which integrations ran and failed.
    sim.reset(&landscape);
    pace().into_iter().for_each(|fault| sim.add_fault(fault));
    if let Some(archives) = &options.archives {
        simulate::adopt_all(&sim, archives)?;
    }
    let workspace = open(&sim, store, folder.path())?;
    if !output::is_terminal() {
        return list::print(&workspace, &ListOptions::default(), global).await;
    }
    let keymap = tui::Keymap::built_in().map_err(|p| CommandError::failed(p.to_string()))?;
    let look = tui::Appearance { theme: None, ascii: false };
    let (log, log_file) = (log.lines(), log.file());
    run_explorer(tui::Setup { workspace, keymap, look, log, log_file, state: None, demo: true })
        .await
}

/// A latency like that of a real service, somewhat shorter.
fn pace() -> Vec<crate::sim::Fault> {
    "latency=40ms".parse().into_iter().collect()
}

/// A workspace on the simulator with that store; secrets are put into the folder.
fn open(sim: &Simulator, store: Store, folder: &Path) -> Result<Workspace, CommandError> {
    let failed =
        |e: &dyn std::fmt::Display| CommandError::failed(format!("the demo cannot be set up: {e}"));
    let mut environments = Vec::new();
    for place in sim.places() {
        let secret = folder.join(format!("{}.secret", place.name));
        std::fs::write(&secret, &place.account.1).map_err(|e| failed(&e))?;
        environments.push(Client::new(
            environment(place, secret).map_err(|e| failed(&e))?,
            Tuning::default(),
        ));
    }
    Ok(Workspace { environments, store: Some(store), cache: None })
}

fn environment(
    place: &InstanceAddress,
    secret: std::path::PathBuf,
) -> Result<EnvironmentConfig, url::ParseError> {
    let auth = AuthConfig::ClientCredentials {
        token_url: format!("{}/oauth2/v1/token", place.design).parse()?,
        client_id: place.account.0.clone(),
        client_secret: SecretSource::File(secret),
        scope: "urn:opc:resource:consumer::all".into(),
    };
    let defaults = EnvironmentConfig::new(
        place.name.clone(),
        place.design.parse()?,
        Some(place.instance.clone()),
        auth,
    );
    let runtime = Some(place.runtime.parse()?);
    Ok(EnvironmentConfig {
        protected: place.protected,
        activation_timeout: 60,
        runtime,
        ..defaults
    })
}
