//! The commands that can be chosen, and those that match a text.

use crate::model::{EnvironmentIndex, Kind};
use crate::search::{Candidate, Query};
use crate::tui::{
    app::App,
    keymap::{Action, Context},
    theme::ThemeName,
    widgets::text_field::TextField,
};

/// Longest text that is looked for, in characters.
const LONGEST: usize = 80;

/// A command that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaletteCommand {
    Action(Action),
    /// None: all kinds.
    Kind(Option<Kind>),
    Environment(EnvironmentIndex),
    Backup(EnvironmentIndex),
    Theme(ThemeName),
}

#[derive(Debug)]
pub struct PaletteEntry {
    pub command: PaletteCommand,
    pub text: String,
    pub help: String,
    pub key: String,
}

#[derive(Debug)]
pub struct PaletteScreen {
    pub typed: TextField,
    pub entries: Vec<PaletteEntry>,
    /// Indexes of the entries that match, best first.
    pub shown: Vec<usize>,
    pub cursor: usize,
}

impl PaletteScreen {
    /// A palette of every action of the matrix, every kind, environment and theme.
    pub fn of(app: &App) -> Self {
        let keymap = &app.keymap;
        let mut entries: Vec<PaletteEntry> = keymap
            .of(Context::Explorer)
            .into_iter()
            .chain(keymap.of(Context::Everywhere))
            .filter(|(action, _)| {
                action.column().is_none() && !matches!(action, Action::Back | Action::Palette)
            })
            .map(|(action, keys)| {
                entry(
                    PaletteCommand::Action(action),
                    action.label(),
                    action.help(),
                    keys.first().map(ToString::to_string),
                )
            })
            .collect();
        for kind in Kind::ALL {
            entries.push(entry(
                PaletteCommand::Kind(Some(kind)),
                kind.plural(),
                &format!("show {}", kind.plural()),
                None,
            ));
        }
        entries.push(entry(PaletteCommand::Kind(None), "all kinds", "show every kind", None));
        for (i, name) in app.environments.iter().map(|e| &e.name).enumerate() {
            entries.push(entry(
                PaletteCommand::Environment(EnvironmentIndex(i)),
                name.as_str(),
                &format!("go to the column {name}"),
                Some((i + 1).to_string()),
            ));
            entries.push(entry(
                PaletteCommand::Backup(EnvironmentIndex(i)),
                &format!("backup {name}"),
                &format!("take a snapshot of {name}"),
                None,
            ));
        }
        for name in ThemeName::ALL {
            entries.push(entry(
                PaletteCommand::Theme(name),
                &format!("theme {}", name.label()),
                &format!("use the {} colours", name.label()),
                None,
            ));
        }
        let shown = (0..entries.len()).collect();
        Self { typed: TextField::new(LONGEST), entries, shown, cursor: 0 }
    }

    /// Ranks again after something was typed.
    pub fn rank(&mut self) {
        let rows: Vec<_> = self.entries.iter().map(|e| Candidate::new(e.text.clone())).collect();
        self.shown = Query::new(self.typed.text()).rank(&rows);
        self.cursor = 0;
    }

    /// The entry under the cursor; None where nothing matches what was typed.
    pub fn chosen(&self) -> Option<&PaletteEntry> {
        self.entries.get(*self.shown.get(self.cursor)?)
    }
}

fn entry(command: PaletteCommand, text: &str, help: &str, key: Option<String>) -> PaletteEntry {
    PaletteEntry { command, text: text.into(), help: help.into(), key: key.unwrap_or_default() }
}
