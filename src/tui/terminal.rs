//! The terminal itself: taken over at the start, given back whatever happens.

use std::{
    io::{self, Stdout},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossterm::{
    cursor,
    event::{
        DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
        Event as TerminalEvent, KeyEventKind,
    },
    execute,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{Terminal, backend::CrosstermBackend};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Explorer, Setup,
    event::{Event, TerminalEffect},
    keymap::Key,
};

const CALM: Duration = Duration::from_millis(1000);
/// How long the thread that reads keys waits for one before it checks whether it still may read.
const LISTEN: Duration = Duration::from_millis(100);
const MOVING: Duration = Duration::from_millis(120);

/// Whether the explorer has the terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Holds the terminal; dropping it gives it back.
struct TerminalGuard;

impl TerminalGuard {
    fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            Clear(ClearType::All),
            EnableMouseCapture,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        Ok(Self)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, where it was not given back yet: leaving the other screen a second time
/// would set the cursor back over what was written meanwhile, such as the message of a panic.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        io::stdout(),
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Runs the explorer on this terminal until it is over, and gives the terminal back in any case.
///
/// # Errors
/// Where the terminal cannot be set up or drawn on.
pub async fn run(setup: Setup) -> io::Result<()> {
    give_back_on_panic();
    let mut screen = Some(TerminalGuard::take()?);
    let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let mut explorer = Explorer::new(setup, terminal);
    listen_for_signals(&explorer);
    let listening = Arc::new(AtomicBool::new(true));
    listen_for_keys(explorer.sender(), Arc::clone(&listening));
    explorer.start();
    let result = turn(&mut explorer, &mut screen, &listening).await;
    explorer.remember();
    drop(screen);
    result
}

/// Sets what a panic does. In the drawing thread it ends the program, so the terminal is given back
/// first. In a task it ends that task alone, so it goes to the log and not over the screen.
fn give_back_on_panic() {
    let usual = std::panic::take_hook();
    let drawing = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == drawing {
            give_back();
            usual(info);
        } else {
            tracing::error!("a task broke off: {info}");
        }
    }));
}

async fn turn(
    explorer: &mut Explorer<CrosstermBackend<Stdout>>,
    screen: &mut Option<TerminalGuard>,
    keys: &AtomicBool,
) -> io::Result<()> {
    loop {
        explorer.draw()?;
        let pause = if explorer.moves() { MOVING } else { CALM };
        tokio::select! {
            biased;
            // Takes in all that is there: everything typed meanwhile belongs to one picture.
            () = explorer.next() => {}
            () = tokio::time::sleep(pause) => explorer.handle(Event::Tick),
        }
        for effect in std::mem::take(&mut explorer.outside) {
            match effect {
                TerminalEffect::Copy(text) => copy(&text),
                TerminalEffect::Page { name, text } => {
                    let told = away(explorer, screen, || page(&name, &text, keys))?;
                    if let Err(e) = told {
                        tracing::warn!("the pager cannot be run: {e}");
                    }
                }
                TerminalEffect::Suspend => away(explorer, screen, stop_this_process)?,
            }
        }
        if explorer.is_over() {
            return Ok(());
        }
    }
}

/// Gives the terminal back while something else has it, then draws all of the screen again.
fn away<T>(
    explorer: &mut Explorer<CrosstermBackend<Stdout>>,
    screen: &mut Option<TerminalGuard>,
    meanwhile: impl FnOnce() -> T,
) -> io::Result<T> {
    *screen = None;
    let result = meanwhile();
    *screen = Some(TerminalGuard::take()?);
    explorer.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    Ok(result)
}

/// Reads keys on a thread of its own and sends them with all other events. The thread ends with the
/// program.
///
/// While `listening` is false another program has the terminal, and keys are left to it.
fn listen_for_keys(sender: UnboundedSender<Event>, listening: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        loop {
            if !listening.load(Ordering::SeqCst) {
                std::thread::sleep(LISTEN);
                continue;
            }
            if matches!(crossterm::event::poll(LISTEN), Ok(false)) {
                continue;
            }
            let event = match crossterm::event::read() {
                Ok(event) => translate(event),
                // The terminal is gone.
                Err(_) => Some(Event::Terminate),
            };
            let last = matches!(event, Some(Event::Terminate));
            if event.is_some_and(|e| sender.send(e).is_err()) || last {
                return;
            }
        }
    });
}

/// Puts a text on the clipboard of the terminal in which this is seen, over ssh too (OSC 52).
fn copy(text: &str) {
    let _ = execute!(io::stdout(), crossterm::clipboard::CopyToClipboard::to_clipboard_from(text));
}

/// Shows a text in `$PAGER`, and waits until it is left.
fn page(name: &str, text: &str, listening: &AtomicBool) -> io::Result<()> {
    use std::io::Write;
    let mut file =
        tempfile::Builder::new().prefix("oicx-").suffix(&format!("-{name}")).tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    listening.store(false, Ordering::SeqCst);
    // The thread that reads keys may still be in its last look.
    std::thread::sleep(LISTEN * 2);
    let pager = std::env::var("PAGER")
        .ok()
        .filter(|p| !p.trim().is_empty())
        .unwrap_or_else(|| "less".into());
    let mut words = pager.split_whitespace();
    let status = std::process::Command::new(words.next().unwrap_or("less"))
        .args(words)
        .arg(file.path())
        .status();
    listening.store(true, Ordering::SeqCst);
    status.map(drop)
}

fn translate(event: TerminalEvent) -> Option<Event> {
    match event {
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => {
            Some(Event::Key(Key::of(&key)))
        }
        TerminalEvent::Paste(text) => Some(Event::Paste(text)),
        TerminalEvent::Mouse(mouse) => Some(Event::Mouse(mouse)),
        TerminalEvent::Resize(..) => Some(Event::Redraw),
        _ => None,
    }
}

/// Goes to the shell, until `fg`.
#[cfg(unix)]
fn stop_this_process() {
    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGTSTP);
}

#[cfg(not(unix))]
fn stop_this_process() {}

#[cfg(unix)]
fn listen_for_signals(explorer: &Explorer<CrosstermBackend<Stdout>>) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
        let sender = explorer.sender();
        if let Ok(mut stream) = signal(kind) {
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    let _ = sender.send(Event::Terminate);
                }
            });
        }
    }
}

#[cfg(not(unix))]
fn listen_for_signals(_: &Explorer<CrosstermBackend<Stdout>>) {}
