//! Promise: keystroke to repaint, 20,000 rows: p99 ≤ 16 ms; 100,000 rows: the typed letter at once,
//! the list no later than `fzf --filter` on the same rows in the same run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

mod support;

use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use oicx::oic::{Client, Tuning};
use oicx::tui::{Event, Explorer, Key, Keymap, Setup};
use oicx::workspace::Workspace;
use ratatui::{Terminal, backend::TestBackend};
use support::{cache_listing, code, median, silent_environment, spread};

const QUERIES: [&str; 4] = ["emp", "invsync", "nightly", "carr42"];
const ROUNDS: usize = 12;

#[tokio::main]
async fn main() {
    for rows in [20_000, 100_000] {
        measure(rows).await;
    }
}

async fn measure(rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut explorer = start(rows, folder.path());
    let (mut repaints, mut lists) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for query in QUERIES {
            press(&mut explorer, KeyCode::Char('/'));
            for c in query.chars() {
                let began = Instant::now();
                press(&mut explorer, KeyCode::Char(c));
                repaints.push(began.elapsed());
                // The list may come after the letter.
                settle(&mut explorer).await;
                lists.push(began.elapsed());
            }
            press(&mut explorer, KeyCode::Esc);
        }
    }
    println!("{rows} rows: letter painted: {}", spread(repaints));
    println!("{rows} rows: list painted:   {}", spread(lists.clone()));
    compare_with_fzf(rows, median(lists));
}

fn start(rows: usize, folder: &std::path::Path) -> Explorer<TestBackend> {
    let environment = silent_environment("prod");
    cache_listing(folder, &environment, rows);
    let client = Client::new(environment, Tuning::default());
    let workspace =
        Workspace { environments: vec![client], store: None, cache: Some(folder.to_owned()) };
    let keymap = Keymap::built_in().unwrap();
    let setup = Setup::new(workspace, keymap);
    let mut explorer = Explorer::new(setup, Terminal::new(TestBackend::new(120, 32)).unwrap());
    explorer.start();
    explorer.draw().unwrap();
    explorer
}

fn press(explorer: &mut Explorer<TestBackend>, code: KeyCode) {
    explorer.handle(Event::Key(Key::of(&KeyEvent::new(code, KeyModifiers::NONE))));
    explorer.draw().unwrap();
}

/// Takes in the ranking, if one is under way, and paints it.
async fn settle(explorer: &mut Explorer<TestBackend>) {
    while explorer.is_ranking() {
        let _ = tokio::time::timeout(Duration::from_secs(2), explorer.next()).await;
        explorer.draw().unwrap();
    }
}

fn compare_with_fzf(rows: usize, ours: Duration) {
    let text: String = (0..rows).map(|i| code(i) + "\n").collect();
    let times: Option<Vec<Duration>> =
        QUERIES.iter().cycle().take(12).map(|query| fzf(&text, query)).collect();
    match times {
        Some(times) => {
            let theirs = median(times);
            let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
            println!(
                "{rows} rows: fzf --filter, whole process: median {:.2} ms; ours / fzf = \
                    {ratio:.2}",
                theirs.as_secs_f64() * 1e3
            );
        }
        None => println!("{rows} rows: fzf is not installed; not compared"),
    }
}

fn fzf(text: &str, query: &str) -> Option<Duration> {
    let began = Instant::now();
    let mut child = Command::new("fzf")
        .args(["--filter", query])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    child.wait_with_output().ok()?;
    let elapsed = began.elapsed();
    let _ = writer.join();
    Some(elapsed)
}
