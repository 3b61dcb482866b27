//! `oicx init`, and what a person sees who has no config yet.

use std::{io::Write, path::Path};

use super::{
    args::{DemoOptions, Global},
    output::{self, Exit, Problem},
};
use crate::config::SAMPLE;
use crate::files::write_atomic;

pub fn run(path: &Path, force: bool) -> Result<Exit, Problem> {
    if path.exists() && !force {
        return Err(Problem::usage(format!(
            "{} is there already; it is not touched\n  → edit it, or write over it with --force",
            path.display()
        )));
    }
    write_atomic(path, SAMPLE.as_bytes())
        .map_err(|e| Problem::failed(format!("{} cannot be written: {e}", path.display())))?;
    output::line(format!("wrote {}", path.display()));
    output::line("next: name your environments in it, then run `oicx doctor`");
    Ok(Exit::Done)
}

/// Without a config: says where it would lie, and offers what to do.
pub async fn first_start(path: &Path, log: output::Log, global: &Global) -> Result<Exit, Problem> {
    eprintln!("oicx has no config yet; it would lie at {}\n", path.display());
    eprintln!("  d  look around in the demo: an invented company, no account needed");
    eprintln!("  n  write a commented config to start from");
    eprintln!("  q  quit");
    loop {
        eprint!("\n> ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        let read =
            tokio::task::spawn_blocking(move || std::io::stdin().read_line(&mut answer).map(|n| (n, answer))).await;
        let Ok(Ok((count, answer))) = read else { return Ok(Exit::Done) };
        match answer.trim() {
            "d" => return super::demo::run(&DemoOptions { archives: None }, log, global).await,
            "n" => return run(path, false),
            "q" => return Ok(Exit::Done),
            _ if count == 0 => return Ok(Exit::Done),
            _ => eprintln!("d, n or q"),
        }
    }
}
