//! The real binary in a real terminal: it takes the screen over and gives it back, whatever
//! happens.
#![cfg(unix)]

use std::{
    io::{Read, Write},
    num::NonZero,
    sync::mpsc,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use portable_pty::{Child, CommandBuilder, NativePtySystem, PtySize, PtySystem};

const PATIENCE: Duration = Duration::from_secs(30);

fn size16(n: u16) -> NonZero<u16> {
    NonZero::new(n).unwrap()
}

struct Pty {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    bytes: mpsc::Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Everything it ever wrote.
    written: Vec<u8>,
    master: Box<dyn portable_pty::MasterPty + Send>,
    home: tempfile::TempDir,
}

impl Pty {
    fn start(arguments: &[&str]) -> Self {
        Self::run(env!("CARGO_BIN_EXE_oicx"), arguments)
    }

    fn run(program: &str, arguments: &[&str]) -> Self {
        let size = PtySize { rows: 30, cols: 110, pixel_width: 0, pixel_height: 0 };
        let pair = NativePtySystem::default().openpty(size).unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(home.path());
        command.env("HOME", home.path());
        command.env("XDG_CONFIG_HOME", home.path());
        command.env("XDG_CACHE_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env_remove("OICX_CONFIG");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, bytes) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self {
            child,
            writer,
            bytes,
            parser: vt100::Parser::new(size16(30), size16(110), 0),
            written: Vec::new(),
            master: pair.master,
            home,
        }
    }

    fn type_keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn until(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !holds(self.parser.screen()) {
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for {what}:\n{}",
                self.parser.screen().contents()
            );
            if let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(50)) {
                self.parser.process(&bytes);
                self.written.extend(bytes);
            }
        }
    }

    fn wait(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap()), signal)
            .unwrap();
    }

    /// The terminal is as it was: main screen, cursor shown, no mouse, no bracketed paste.
    fn assert_given_back(&mut self) {
        self.until("the screen given back", |s| {
            !s.alternate_screen()
                && !s.hide_cursor()
                && !s.bracketed_paste()
                && s.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn quitting_gives_the_terminal_back_and_ends_with_0() {
    let mut pty = Pty::start(&["demo"]);
    pty.wait("ACCOUNT_MERGE");
    assert!(pty.parser.screen().alternate_screen());
    pty.type_keys("q");
    pty.assert_given_back();
    assert!(pty.child.wait().unwrap().success());
}

#[test]
fn the_incident_of_the_demo_is_found_compared_and_repaired_inside_its_project() {
    let mut pty = Pty::start(&["demo"]);
    // The projects answer after the global space, and runs are counted after the rows are there.
    pty.wait("200 rows");
    pty.wait("13 failing");
    pty.wait("last snapshot prod");
    pty.type_keys("/emp\r");
    pty.wait("prod · PEOPLE_CORE/EMPLOYEE_DATA_SYNC");
    pty.type_keys("c");
    pty.wait("PAY_GRADE no longer used");
    for change in ["putEmployee/payGrade", "log log6"] {
        assert!(pty.parser.screen().contents().contains(change), "{change}");
    }
    pty.type_keys("qr");
    pty.wait("which version?");
    pty.type_keys("\r");
    pty.wait("type prod");
    pty.wait("replace this version of EMPLOYEE_DATA_SYNC");
    pty.type_keys("prod\r");
    pty.wait("RESTORED: PEOPLE_CORE/EMPLOYEE_DATA_SYNC");
    pty.type_keys("q");
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let mut pty = Pty::start(&["demo"]);
    pty.wait("ACCOUNT_MERGE");
    pty.signal(Signal::SIGTERM);
    pty.assert_given_back();
    pty.child.wait().unwrap();
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_coming_back_draws_again() {
    let mut pty = Pty::start(&["demo"]);
    pty.wait("ACCOUNT_MERGE");
    let before = pty.written.len();
    pty.type_keys("\x1a");
    // A session of its own has no shell to go to: the system may let it go on at once. So what
    // counts is the order of what was written: the main screen first, then the explorer's again,
    // and its rows on it.
    let place = |written: &[u8], code: &[u8]| written.windows(code.len()).position(|w| w == code);
    let start = Instant::now();
    loop {
        pty.signal(Signal::SIGCONT);
        let news = pty.written[before..].to_vec();
        let (left, back) = (place(&news, b"\x1b[?1049l"), place(&news, b"\x1b[?1049h"));
        if left.is_some() && back > left {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{}", String::from_utf8_lossy(&news));
        if let Ok(bytes) = pty.bytes.recv_timeout(Duration::from_millis(50)) {
            pty.parser.process(&bytes);
            pty.written.extend(bytes);
        }
    }
    pty.wait("ACCOUNT_MERGE");
    pty.type_keys("q");
    pty.assert_given_back();
}

#[test]
fn a_terminal_of_20_by_5_says_what_is_needed_and_can_be_left() {
    let mut pty = Pty::start(&["demo"]);
    pty.wait("ACCOUNT_MERGE");
    let _ = pty.master.resize(PtySize { rows: 5, cols: 20, pixel_width: 0, pixel_height: 0 });
    pty.parser.screen_mut().set_size(size16(5), size16(20));
    pty.wait("oicx needs");
    pty.type_keys("q");
    pty.assert_given_back();
}

#[test]
fn without_a_config_the_first_start_offers_what_to_do() {
    let mut pty = Pty::start(&[]);
    pty.wait("no config yet");
    pty.wait("demo");
    pty.type_keys("q\r");
    assert!(pty.child.wait().unwrap().success());
}

#[test]
fn a_first_config_is_asked_for_tried_and_written() {
    let mut pty = Pty::start(&[]);
    pty.wait("no config yet");
    let answers = [
        "n",
        "prod",
        "http://127.0.0.1:9",
        "acme",
        "http://127.0.0.1:9/oauth2/v1/token",
        "id",
        "OIC_UNSET",
        "all",
        "store",
    ];
    for answer in answers {
        pty.type_keys(&format!("{answer}\r"));
        std::thread::sleep(Duration::from_millis(100));
    }
    pty.wait("OIC_UNSET is not set");
    pty.wait("wrote");
    assert!(pty.child.wait().unwrap().success());
    let text = std::fs::read_to_string(pty.home.path().join("oicx/config.toml")).unwrap();
    assert!(
        text.contains("[environments.prod]") && text.contains("{ env = \"OIC_UNSET\" }"),
        "{text}"
    );
}

/// Run by the test below in a terminal of its own: the drawing thread panics while the explorer is
/// on the screen.
#[test]
#[ignore = "panics on purpose; another test runs it"]
fn the_drawing_thread_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = crate::support::World::new().await;
        let keymap = oicx::tui::Keymap::built_in().unwrap();
        let workspace = world.workspace().await;
        let setup = oicx::tui::Setup::new(workspace, keymap);
        let fall = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            panic!("on purpose");
        };
        let _ = tokio::join!(oicx::tui::run(setup), fall);
    });
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let this = std::env::current_exe().unwrap();
    let arguments =
        ["--ignored", "--exact", "binary_in_terminal::the_drawing_thread_panics", "--nocapture"];
    let mut pty = Pty::run(this.to_str().unwrap(), &arguments);
    pty.wait("ORDERS");
    assert!(pty.parser.screen().alternate_screen());
    pty.wait("on purpose");
    // Leaving the other screen a second time would set the cursor back over the message.
    pty.wait("test result: FAILED");
    let leaves = pty.written.windows(8).filter(|bytes| bytes == b"\x1b[?1049l").count();
    assert_eq!(leaves, 1);
    pty.assert_given_back();
}
