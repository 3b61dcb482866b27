//! Promise: first frame with rows, cached: ≤ 30 ms and ≤ 1.5 × gitui's on its own repository in the
//! same run; memory with 4 environments × 5,000 artifacts ≤ 100 MB. The release binary in a real
//! pseudo-terminal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

mod support;

use std::{
    io::Read,
    path::Path,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, NativePtySystem, PtySize, PtySystem};
use support::{cache_listing, median, resident_mb, silent_environment, spread};

const ROUNDS: usize = 15;
/// Rows stand by name.
const FIRST_ROW: &str = "ASSET_";

fn main() {
    for rows in [200, 5_000] {
        let home = tempfile::tempdir().unwrap();
        let config = prepare(home.path(), rows);
        let runs: Vec<_> =
            (0..ROUNDS).map(|_| run(oicx(home.path(), &config), FIRST_ROW)).collect();
        let times: Vec<_> = runs.iter().map(|r| r.0).collect();
        println!("oicx, 4 × {rows} cached rows: first frame with rows: {}", spread(times.clone()));
        if let Some(memory) = runs.iter().filter_map(|r| r.1).reduce(f64::max) {
            println!("oicx, 4 × {rows} rows: resident memory after 1 s: {memory:.1} MB");
        }
        compare_with_gitui(median(times));
    }
}

/// A config of four silent environments, and what was seen of them last time.
fn prepare(home: &Path, rows: usize) -> std::path::PathBuf {
    let mut text = String::new();
    for name in ["dev", "test", "uat", "prod"] {
        let environment = silent_environment(name);
        cache_listing(&home.join("oicx"), &environment, rows);
        text.push_str(&format!(
            "[environments.{name}]\nurl = \"http://127.0.0.1:9\"\ninstance = \"{name}\"\nauth = \
                {{ type = \"basic\", user = \"u\", password = {{ env = \"OICX_BENCH_UNSET\" }} }}\n"
        ));
    }
    let path = home.join("config.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn oicx(home: &Path, config: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_oicx"));
    command.env("HOME", home);
    command.env("XDG_CACHE_HOME", home);
    command.env("OICX_CONFIG", config);
    command.env("TERM", "xterm-256color");
    command
}

/// Starts a program and waits until it painted a text; then, a second later, asks for its memory.
fn run(command: CommandBuilder, text: &str) -> (Duration, Option<f64>) {
    let size = PtySize { rows: 32, cols: 120, pixel_width: 0, pixel_height: 0 };
    let pair = NativePtySystem::default().openpty(size).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let began = Instant::now();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut screen = vt100::Parser::new(32.try_into().unwrap(), 120.try_into().unwrap(), 0);
    let mut buffer = [0; 65536];
    let elapsed = loop {
        let Ok(n @ 1..) = reader.read(&mut buffer) else {
            panic!("the program ended: {}", screen.screen().contents())
        };
        screen.process(&buffer[..n]);
        if screen.screen().contents().contains(text) {
            break began.elapsed();
        }
    };
    std::thread::sleep(Duration::from_secs(1));
    let memory = child.process_id().and_then(resident_mb);
    let _ = child.kill();
    let _ = child.wait();
    (elapsed, memory)
}

/// gitui on this repository, where it is installed.
fn compare_with_gitui(ours: Duration) {
    let Ok(found) = std::process::Command::new("gitui").arg("--version").output() else {
        println!("gitui is not installed; not compared");
        return;
    };
    if !found.status.success() {
        return;
    }
    let command = || {
        let mut command = CommandBuilder::new("gitui");
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command.env("TERM", "xterm-256color");
        command
    };
    let theirs = median((0..ROUNDS).map(|_| run(command(), "Status").0).collect());
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "gitui, first frame: median {:.1} ms; ours / gitui = {ratio:.2}",
        theirs.as_secs_f64() * 1e3
    );
}
