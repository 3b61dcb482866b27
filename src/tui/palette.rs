//! The command palette: every action, kind, environment and theme, by fuzzy search.

use super::{
    keymap::{Action, Context, Keymap},
    theme,
};
use crate::model::{EnvironmentName, Kind};
use crate::search::{Candidate, Query};

/// One thing that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaletteCommand {
    Action(Action),
    /// None: all kinds.
    Kind(Option<Kind>),
    Column(usize),
    Backup(usize),
    Theme(&'static str),
}

#[derive(Debug)]
pub struct PaletteEntry {
    pub command: PaletteCommand,
    pub text: String,
    pub help: String,
    pub key: String,
}

#[derive(Debug)]
pub struct Palette {
    pub typed: String,
    pub entries: Vec<PaletteEntry>,
    /// Places of the entries that match, best first.
    pub shown: Vec<usize>,
    pub cursor: usize,
}

impl Palette {
    pub fn new(keymap: &Keymap, environments: &[EnvironmentName]) -> Self {
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
        for (i, name) in environments.iter().enumerate() {
            entries.push(entry(
                PaletteCommand::Column(i),
                name.as_str(),
                &format!("go to the column {name}"),
                Some((i + 1).to_string()),
            ));
            entries.push(entry(
                PaletteCommand::Backup(i),
                &format!("backup {name}"),
                &format!("take a snapshot of {name}"),
                None,
            ));
        }
        for name in theme::NAMES {
            entries.push(entry(
                PaletteCommand::Theme(name),
                &format!("theme {name}"),
                &format!("use the {name} colours"),
                None,
            ));
        }
        let shown = (0..entries.len()).collect();
        Self { typed: String::new(), entries, shown, cursor: 0 }
    }

    /// Ranks again after something was typed.
    pub fn rank(&mut self) {
        let rows: Vec<_> = self.entries.iter().map(|e| Candidate::new(e.text.clone())).collect();
        self.shown = Query::new(&self.typed).rank(&rows);
        self.cursor = 0;
    }

    pub fn chosen(&self) -> Option<&PaletteEntry> {
        self.entries.get(*self.shown.get(self.cursor)?)
    }
}

fn entry(command: PaletteCommand, text: &str, help: &str, key: Option<String>) -> PaletteEntry {
    PaletteEntry { command, text: text.into(), help: help.into(), key: key.unwrap_or_default() }
}
