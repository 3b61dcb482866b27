//! `oicx demo`: the simulator on loopback, a store with history in a temporary folder, and the
//! explorer.

mod history;

use std::{path::Path, sync::Arc};

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

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
    let sim = Arc::new(sim);
    let store = Store::open_unsynced(&folder.path().join("store")).await?;
    let leaving = CancellationToken::new();
    let filling = fill(landscape.clone(), Arc::clone(&sim), store.clone(), leaving.clone());
    let in_terminal = output::is_terminal();
    if options.archives.is_some() || !in_terminal {
        filling.clone().await.map_err(CommandError::failed)?;
        // The night begins now: writing the history took a while, in which integrations failed.
        sim.reset(&landscape);
    }
    pace().into_iter().for_each(|fault| sim.add_fault(fault));
    if let Some(archives) = &options.archives {
        simulate::adopt_all(&sim, archives)?;
    }
    let workspace = open(&sim, store, folder.path())?;
    if !in_terminal {
        return list::print(&workspace, &ListOptions::default(), global).await;
    }
    let keymap = tui::Keymap::built_in().map_err(|p| CommandError::failed(p.to_string()))?;
    let setup = tui::Setup {
        log: log.lines(),
        log_file: log.file(),
        filling: Some(filling.clone()),
        demo: true,
        ..tui::Setup::new(workspace, keymap)
    };
    let exit = run_explorer(setup).await;
    // Nothing may be written into the folder when it goes.
    leaving.cancel();
    let _ = filling.await;
    exit
}

/// Writes the history while the explorer already shows what is live.
fn fill(
    landscape: Landscape,
    sim: Arc<Simulator>,
    store: Store,
    leaving: CancellationToken,
) -> tui::StoreFilling {
    let seed = move || {
        let seed = history::seed(&landscape, &sim, &store, &leaving);
        tokio::runtime::Handle::current().block_on(seed)
    };
    let ended = tokio::task::spawn_blocking(seed).map(|ended| match ended {
        Ok(result) => result.map_err(CommandError::into_text),
        Err(e) => Err(e.to_string()),
    });
    ended.boxed().shared()
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
