//! The commands; related ones share a file. Text and `--json` come from the same report.

mod args;
mod backup;
mod demo;
mod deps;
mod diff;
mod doctor;
mod drift;
mod drill;
mod grep;
mod history;
mod init;
mod inspect;
mod instance_export;
mod list;
mod log;
mod login;
mod output;
mod promote;
mod readable;
mod recover;
mod restore;
mod runs;
mod simulate;
mod store;
mod transcript;
mod waiting;

use clap::{CommandFactory, Parser};

use crate::config::{self, ConfigError};
use crate::tui;
use args::{Arguments, Command};
pub use output::{CommandError, Exit};

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => {
            if e.use_stderr() {
                let _ = e.print();
                return Exit::Usage;
            }
            // Help, or the version.
            output::note_loss(e.print());
            return output::whole(Exit::Done);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            return CommandError::failed(format!("the program cannot start its threads: {e}"))
                .tell();
        }
    };
    let explorer = matches!(arguments.command, None | Some(Command::Explore | Command::Demo(_)))
        && output::is_terminal();
    let log = log::Log::start(arguments.verbose, explorer);
    let result = runtime.block_on(dispatch(arguments, log));
    // A call that hangs must not hold the program.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    output::whole(result.unwrap_or_else(|problem| problem.tell()))
}

async fn dispatch(arguments: Arguments, log: log::Log) -> Result<Exit, CommandError> {
    let path = arguments.config.clone().unwrap_or_else(config::default_path);
    let load = || config::load(&path).map_err(CommandError::from);
    let global = &arguments.global;
    match arguments.command.unwrap_or(Command::Explore) {
        Command::Explore => explore(&path, log, global).await,
        Command::Demo(options) => demo::run(&options, log, global).await,
        Command::Sim(options) => simulate::run(&options).await,
        Command::Init { force } => init::run(&path, force),
        Command::Doctor(options) => doctor::run(load, &options, global).await,
        Command::Login(options) => login::log_in(&load()?, &options, global).await,
        Command::Logout { environment } => login::log_out(&load()?, &environment, global).await,
        Command::List(options) => list::run(&load()?, &options, global).await,
        Command::Inspect(options) => inspect::run(load, &options, global).await,
        Command::Diff(options) => diff::run(load, &options, global).await,
        Command::Deps(options) => deps::run(load, &options, global).await,
        Command::Grep(options) => grep::run(load, &options, global).await,
        Command::Backup(options) => backup::run(&load()?, &options, global).await,
        Command::InstanceExport(options) => instance_export::run(&load()?, &options, global).await,
        Command::Restore(options) => restore::run(&load()?, &options, global).await,
        Command::Promote(options) => promote::run(&load()?, &options, global).await,
        Command::Drill(options) => drill::run(&load()?, &options, global).await,
        Command::Drift(options) => drift::run(&load()?, &options, global).await,
        Command::Recover(options) => recover::run(&load()?, &options, global).await,
        Command::Rollback(options) => runs::rollback(&load()?, &options, global).await,
        Command::Resume(options) => runs::resume(&load()?, &options, global).await,
        Command::Runs(options) => runs::list(&load()?, &options, global).await,
        Command::Verify(options) => store::verify(&load()?, &options, global).await,
        Command::Prune(options) => store::prune(&load()?, &options, global).await,
        Command::Copy(options) => store::copy(&load()?, &options, global).await,
        Command::Import(options) => store::import(&load()?, &options, global).await,
        Command::Git(options) => readable::git(&load()?, &options, global).await,
        Command::Docs(options) => readable::docs(&load()?, &options, global).await,
        Command::Snapshots { environments } => {
            backup::snapshots(&load()?, &environments, global).await
        }
        Command::History(options) => history::run(&load()?, &options, global).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "oicx", &mut script);
            output::bytes(&script);
            Ok(Exit::Done)
        }
        Command::Man => {
            let page = clap_mangen::Man::new(Arguments::command());
            let mut text = Vec::new();
            page.render(&mut text).map_err(|e| CommandError::failed(e.to_string()))?;
            output::bytes(&text);
            Ok(Exit::Done)
        }
    }
}

/// Opens the explorer on the config's environments. Without a config, it offers what to do first.
async fn explore(
    path: &std::path::Path,
    log: log::Log,
    global: &args::Global,
) -> Result<Exit, CommandError> {
    if !output::is_terminal() {
        let config = config::load(path)?;
        return list::run(&config, &args::ListOptions::default(), global).await;
    }
    let config = match config::load(path) {
        Err(ConfigError::Missing(_)) => return init::first_start(path, log, global).await,
        other => other?,
    };
    let workspace = crate::workspace::Workspace::open(&config).await?;
    let keymap = tui::Keymap::load(path.with_file_name("keymap.toml"))
        .map_err(|p| CommandError::usage(p.to_string()))?;
    let look = tui::Appearance { theme: config.theme.clone(), ascii: config.ascii };
    let state = workspace.cache.clone().map(|c| c.join("explorer.json"));
    let (log, log_file) = (log.lines(), log.file());
    let setup = tui::Setup::new(workspace, keymap);
    run_explorer(tui::Setup { look, log, log_file, state, ..setup }).await
}

async fn run_explorer(setup: tui::Setup) -> Result<Exit, CommandError> {
    tui::run(setup)
        .await
        .map(|()| Exit::Done)
        .map_err(|e| CommandError::failed(format!("the terminal cannot be used: {e}")))
}

/// The workspace of a command; none where the command only reads files, which needs no config.
async fn workspace_unless(
    files_only: bool,
    global: &args::Global,
    load: impl FnOnce() -> Result<config::Config, CommandError>,
) -> Result<Option<crate::workspace::Workspace>, CommandError> {
    if files_only { Ok(None) } else { waiting::open(&load()?, global).await.map(Some) }
}

/// The environments that a command is for: those that are named, else all.
fn chosen<'a>(
    workspace: &'a crate::workspace::Workspace,
    names: &[crate::model::EnvironmentName],
) -> Result<Vec<&'a crate::oic::Client>, CommandError> {
    if names.is_empty() {
        return Ok(workspace.environments.iter().collect());
    }
    names.iter().map(|n| workspace.environment(n).map_err(CommandError::from)).collect()
}
