//! `oicx sim`: the simulator alone.

use std::path::Path;

use super::{
    args::SimOptions,
    output::{self, CommandError, Exit},
    transcript,
};
use crate::sim::{Landscape, Replay, ServerOptions, Simulator};

/// Serves a landscape on loopback until it is interrupted.
pub async fn run(options: &SimOptions) -> Result<Exit, CommandError> {
    if let Some(file) = &options.replay {
        return replay(file, options).await;
    }
    let mut landscape = match &options.landscape {
        None => Landscape::demo(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| {
                CommandError::usage(format!("{} cannot be read: {e}", path.display()))
            })?;
            Landscape::parse(&text, path)
        }
    }
    .map_err(|p| CommandError::usage(p.to_string()))?;
    for manner in &options.manners {
        for environment in &mut landscape.environments {
            let manners = environment.manners.with(manner);
            environment.manners = manners.map_err(CommandError::usage)?;
        }
    }
    let setup = ServerOptions {
        listen: options.listen,
        separate: options.separate,
        faults: options.faults.clone(),
    };
    let sim = Simulator::start(&landscape, &setup)
        .await
        .map_err(|e| CommandError::failed(e.to_string()))?;
    if let Some(folder) = &options.archives {
        adopt_all(&sim, folder)?;
    }
    for place in sim.places() {
        let (id, secret) = &place.account;
        output::line(format!(
            "{:8} {}/ic/api/integration/v1?integrationInstance={}",
            place.name, place.design, place.instance
        ));
        output::line(format!(
            "         runtime host {}; sign-in {}/oauth2/v1/token as {id}:{secret}",
            place.runtime, place.design
        ));
    }
    output::tell("Ctrl-C ends it");
    let _ = tokio::signal::ctrl_c().await;
    Ok(Exit::Done)
}

/// Answers from a transcript until it is interrupted.
async fn replay(file: &Path, options: &SimOptions) -> Result<Exit, CommandError> {
    let transcript = transcript::read(file)?;
    for (line, why) in &transcript.unread {
        output::tell(format!("oicx: line {line} of {} is left out: {why}", file.display()));
    }
    let replay = Replay::start(&transcript, options.listen)
        .await
        .map_err(|e| CommandError::failed(e.to_string()))?;
    let url = replay.url();
    output::line(format!("{url}/ic/api/integration/v1"));
    output::line(format!("  sign-in {url}/oauth2/v1/token as anybody"));
    output::tell("Ctrl-C ends it");
    let _ = tokio::signal::ctrl_c().await;
    Ok(Exit::Done)
}

/// Adds every `.iar` of a folder to the first environment; one that is broken is named and left
/// out.
pub fn adopt_all(sim: &Simulator, folder: &Path) -> Result<usize, CommandError> {
    let unreadable = |e: std::io::Error| {
        CommandError::usage(format!("{} cannot be read: {e}", folder.display()))
    };
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("iar")))
        .collect();
    paths.sort();
    let mut count = 0;
    for path in paths {
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        match sim.adopt(&bytes) {
            Ok(id) => {
                tracing::info!("{} is there as {id}", path.display());
                count += 1;
            }
            Err(e) => output::tell(format!("oicx: {} is left out: {e}", path.display())),
        }
    }
    if count == 0 {
        output::tell(format!("oicx: there is no .iar in {}", folder.display()));
    }
    Ok(count)
}
