//! The explorer in memory: real loop, real effects, a terminal that is a buffer.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use oicx::tui::{Appearance, Event, Explorer, Key, Keymap, Setup};
use oicx::workspace::Workspace;
use ratatui::{Terminal, backend::TestBackend};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Screen {
    pub explorer: Explorer<TestBackend>,
    /// Where the explorer writes files.
    _written: tempfile::TempDir,
}

impl Screen {
    pub fn start(workspace: Workspace, size: (u16, u16)) -> Self {
        Self::start_with(workspace, size, Appearance::default(), None)
    }

    pub fn start_with(
        workspace: Workspace,
        size: (u16, u16),
        look: Appearance,
        state: Option<std::path::PathBuf>,
    ) -> Self {
        let keymap = Keymap::built_in().unwrap();
        let setup = Setup { look, state, ..Setup::new(workspace, keymap) };
        let mut this = Self::of(setup, size);
        this.explorer.start();
        this.draw();
        this
    }

    /// An explorer that asks for nothing yet.
    pub fn of(setup: Setup, size: (u16, u16)) -> Self {
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        let mut explorer = Explorer::new(setup, terminal);
        explorer.set_retry_policy(super::retry_policy());
        let written = tempfile::tempdir().unwrap();
        explorer.set_folder(written.path().to_owned());
        Self { explorer, _written: written }
    }

    pub fn draw(&mut self) {
        self.explorer.draw().unwrap();
    }

    pub fn key(&mut self, code: KeyCode) -> &mut Self {
        self.key_with(code, KeyModifiers::NONE)
    }

    pub fn key_with(&mut self, code: KeyCode, modifiers: KeyModifiers) -> &mut Self {
        self.explorer.handle(Event::Key(Key::of(&KeyEvent::new(code, modifiers))));
        self.draw();
        self
    }

    pub fn keys(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.key(KeyCode::Char(c));
        }
        self
    }

    pub fn enter(&mut self) -> &mut Self {
        self.key(KeyCode::Enter)
    }

    pub fn esc(&mut self) -> &mut Self {
        self.key(KeyCode::Esc)
    }

    pub fn click(&mut self, column: u16, row: u16) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row);
    }

    pub fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) {
        self.explorer.handle(Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
        self.draw();
    }

    pub fn resize(&mut self, size: (u16, u16)) {
        self.explorer.resize(size.0, size.1);
        self.draw();
    }

    /// What is on the screen, a line a row.
    pub fn text(&self) -> String {
        let buffer = self.explorer.terminal().backend().buffer();
        let width = usize::from(buffer.area.width);
        let lines = buffer
            .content
            .chunks(width)
            .map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        lines.map(|l| l.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    pub fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// The first line that contains a text.
    pub fn line(&self, text: &str) -> String {
        self.text()
            .lines()
            .find(|l| l.contains(text))
            .unwrap_or_else(|| panic!("no {text:?} on\n{}", self.text()))
            .to_owned()
    }

    /// The place of a text, for the mouse.
    pub fn find(&self, text: &str) -> (u16, u16) {
        let screen = self.text();
        let (row, line) = screen
            .lines()
            .enumerate()
            .find(|(_, l)| l.contains(text))
            .unwrap_or_else(|| panic!("no {text:?}"));
        let column = line[..line.find(text).unwrap()].chars().count();
        (column as u16, row as u16)
    }

    async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> &mut Self {
        let start = Instant::now();
        while !holds(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for {what}; the screen is\n{}",
                self.text()
            );
            let _ = tokio::time::timeout(Duration::from_millis(50), self.explorer.next()).await;
            self.draw();
        }
        self
    }

    pub async fn wait(&mut self, text: &str) -> &mut Self {
        self.until(text, |s| s.shows(text)).await
    }

    /// Until nothing is under way.
    pub async fn idle(&mut self) -> &mut Self {
        self.until("nothing under way", |s| s.explorer.is_idle()).await
    }
}
