//! The loop, on any ratatui backend: tests drive it in memory, people in a terminal.

use std::path::PathBuf;

use ratatui::{Terminal, backend::Backend, layout::Position};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    Setup,
    app::App,
    effect::EffectRunner,
    event::{Effect, Event, TerminalEffect},
    keymap::Action,
    saved_state::SavedState,
    update, view,
};
use crate::restore::RetryPolicy;

/// The explorer with its state, its effects under way, and the terminal it draws on.
pub struct Explorer<B: Backend> {
    pub(super) terminal: Terminal<B>,
    app: App,
    runner: EffectRunner,
    incoming: UnboundedReceiver<Event>,
    state: Option<std::path::PathBuf>,
    /// What only the terminal itself can do.
    pub(super) outside: Vec<TerminalEffect>,
}

impl<B: Backend> Explorer<B> {
    /// An explorer that has neither drawn nor asked for anything.
    pub fn new(setup: Setup, terminal: Terminal<B>) -> Self {
        let mut app = App::new(&setup);
        if let Some(path) = &setup.state {
            SavedState::load(path).apply(&mut app);
        }
        let (events, incoming) = unbounded_channel();
        let runner = EffectRunner {
            workspace: setup.workspace,
            fingerprint_cache: app.fingerprint_cache.clone(),
            retry_policy: RetryPolicy::default(),
            events,
            filling: setup.filling,
            folder: PathBuf::new(),
        };
        Self { terminal, app, runner, incoming, state: setup.state, outside: Vec::new() }
    }

    /// Sets where files are written to: tests leave none where they run.
    pub fn set_folder(&mut self, folder: PathBuf) {
        self.runner.folder = folder;
    }

    /// Sets how long the service is waited for; tests wait less.
    pub fn set_retry_policy(&mut self, retry_policy: RetryPolicy) {
        self.runner.retry_policy = retry_policy;
    }

    /// Asks for the lists of all environments, the store, and runs that wait.
    pub fn start(&mut self) {
        self.runner.watch_silences();
        let effects = update::start(&mut self.app);
        self.run(effects);
    }

    /// The channel on which events from outside come in.
    pub fn sender(&self) -> UnboundedSender<Event> {
        self.runner.events.clone()
    }

    /// Takes one event in.
    pub fn handle(&mut self, event: Event) {
        let effects = update::update(&mut self.app, event);
        self.run(effects);
    }

    fn run(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Terminal(effect) => self.outside.push(effect),
                effect => self.runner.run(effect),
            }
        }
    }

    /// Waits for one event, then takes in all that are there.
    pub async fn next(&mut self) {
        if let Some(event) = self.incoming.recv().await {
            self.handle(event);
        }
        while let Ok(event) = self.incoming.try_recv() {
            self.handle(event);
        }
    }

    /// Draws the state.
    ///
    /// # Errors
    /// Where the terminal cannot be drawn on.
    pub fn draw(&mut self) -> Result<(), B::Error> {
        let app = &mut self.app;
        let size_before = app.areas.rows;
        self.terminal.draw(|frame| {
            let areas = view::draw(app, frame);
            app.areas = areas;
        })?;
        if self.app.areas.rows != size_before {
            // More rows may be on the screen now than have fingerprints, or the cursor's is not.
            self.handle(Event::Redraw);
            let app = &mut self.app;
            self.terminal.draw(|frame| app.areas = view::draw(app, frame))?;
        }
        Ok(())
    }

    /// Whether the program shall end, since a person or the system asked for it.
    pub fn is_over(&self) -> bool {
        self.app.quit
    }

    /// Whether something on the screen moves by itself.
    pub fn moves(&self) -> bool {
        self.app.moves()
    }

    /// Whether nothing is under way: for tests.
    pub fn is_idle(&self) -> bool {
        !self.app.moves() && self.app.background.is_done() && !self.app.store.is_being_read()
    }

    /// Whether the rows do not yet show what was typed.
    pub fn is_ranking(&self) -> bool {
        self.app.table.is_ranking()
    }

    /// What a click on a place presses, where words stand there for a key: for tests.
    pub fn pressed_at(&self, column: u16, row: u16) -> Option<Action> {
        self.app.areas.action_at(Position::new(column, row))
    }

    /// The terminal, for tests that read what is on it.
    pub fn terminal(&self) -> &Terminal<B> {
        &self.terminal
    }

    /// Keeps what the next start shall remember.
    pub fn remember(&self) {
        self.app.fingerprint_cache.save();
        if let Some(path) = &self.state {
            SavedState::of(&self.app).save(path);
        }
    }
}

impl Explorer<ratatui::backend::TestBackend> {
    /// Gives the terminal in memory another size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        self.handle(Event::Redraw);
    }
}

impl<B: Backend> std::fmt::Debug for Explorer<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explorer").field("over", &self.app.quit).finish_non_exhaustive()
    }
}
