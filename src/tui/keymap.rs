//! Keys are data: `keymap.toml` maps keys to actions by context. The footer, the help, the palette
//! and the dispatch read the same table.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::Deserialize;
use toml::Spanned;

use crate::config::ConfigProblem;

const BUILT_IN: &str = include_str!("../../keymap.toml");

/// Where the keys end in the file that is built in; nobody gives contexts and actions anew.
const END_OF_KEYS: &str = "\n[contexts]\n";

// `Context` and `Action` with their words: made by `build.rs` of `[contexts]` and `[actions]` in
// `keymap.toml`.
include!(concat!(env!("OUT_DIR"), "/keymap.rs"));

impl Action {
    /// The action that goes to a column, by its index: `column-1` for 0; None from the tenth on.
    pub fn of_column(index: usize) -> Option<Self> {
        Self::COLUMNS.get(index).copied()
    }

    /// Whether the help has one line for both: it has one for all columns.
    fn is_told_with(self, other: Self) -> bool {
        self == other || (self.column().is_some() && other.column().is_some())
    }

    const COLUMNS: [Self; 9] = [
        Self::Column1,
        Self::Column2,
        Self::Column3,
        Self::Column4,
        Self::Column5,
        Self::Column6,
        Self::Column7,
        Self::Column8,
        Self::Column9,
    ];

    /// The index of the column that the action goes to: 0 for `column-1`; None for other actions.
    pub fn column(self) -> Option<usize> {
        Self::COLUMNS.iter().position(|a| *a == self)
    }
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Key {
    /// The key of an event. Shift is left out: it is part of the character that it makes.
    pub fn of(event: &KeyEvent) -> Self {
        let kept = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        Self { code: event.code, modifiers: kept }
    }

    /// The character that the key types; None for a named key or one with Ctrl or Alt.
    pub fn character(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() => Some(c),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut modifiers) = (text, KeyModifiers::NONE);
        loop {
            if let Some(tail) = rest.strip_prefix("ctrl-") {
                (rest, modifiers) = (tail, modifiers | KeyModifiers::CONTROL);
            } else if let Some(tail) = rest.strip_prefix("alt-") {
                (rest, modifiers) = (tail, modifiers | KeyModifiers::ALT);
            } else {
                break;
            }
        }
        let named = NAMED.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let function = rest
            .strip_prefix('f')
            .and_then(|n| n.parse().ok())
            .filter(|n| (1..=12).contains(n))
            .map(KeyCode::F);
        let mut chars = rest.chars();
        let single = chars.next().filter(|_| chars.next().is_none()).map(KeyCode::Char);
        Some(Self { code: named.or(function).or(single)?, modifiers })
    }
}

const NAMED: [(&str, KeyCode); 15] = [
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("Ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        match self.code {
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                write!(f, "{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            other => write!(f, "{other:?}"),
        }
    }
}

type KeymapFile = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<String>>>;

/// The action of each key in each context. The order of the file is kept: it is the order of the
/// help and the palette.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    entries: Vec<(Context, Key, Action)>,
}

impl Keymap {
    /// The keymap that is built in.
    ///
    /// # Errors
    /// Never with the file that is built in; a test reads it.
    pub fn built_in() -> Result<Self, ConfigProblem> {
        let mut this = Self::default();
        let keys = BUILT_IN.split_once(END_OF_KEYS).map_or(BUILT_IN, |(keys, _)| keys);
        this.read(keys, Path::new("keymap.toml"))?;
        Ok(this)
    }

    /// The built-in keys with a person's own over them, where the file is there.
    ///
    /// # Errors
    /// A key or action that is not known, with file and line.
    pub fn load(path: PathBuf) -> Result<Self, ConfigProblem> {
        let mut this = Self::built_in()?;
        match std::fs::read_to_string(&path) {
            Ok(text) => this.read(&text, &path)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => {
                let what = format!("the keys cannot be read: {e}");
                return Err(ConfigProblem::at("", &path, None, what));
            }
        }
        Ok(this)
    }

    fn read(&mut self, text: &str, path: &Path) -> Result<(), ConfigProblem> {
        let table: KeymapFile =
            toml::from_str(text).map_err(|e| ConfigProblem::from_toml(text, path, &e))?;
        let problem = |span, what: String| ConfigProblem::at(text, path, Some(span), what);
        let mut found = Vec::new();
        for (section, keys) in table {
            let context: Context = word(section.get_ref()).ok_or_else(|| {
                problem(section.span(), format!("`{}` is not a place for keys", section.get_ref()))
            })?;
            for (key, action) in keys {
                let parsed = Key::parse(key.get_ref()).ok_or_else(|| {
                    problem(key.span(), format!("`{}` is not a key", key.get_ref()))
                })?;
                let known: Action = word(action.get_ref()).ok_or_else(|| {
                    problem(action.span(), format!("`{}` is not an action", action.get_ref()))
                })?;
                found.push((key.span().start, context, parsed, known));
            }
        }
        found.sort_by_key(|(at, ..)| *at);
        for (_, context, key, action) in found {
            self.entries.retain(|(c, k, _)| (*c, *k) != (context, key));
            if action != Action::None {
                self.entries.push((context, key, action));
            }
        }
        Ok(())
    }

    /// The action of a key in a context. Where letters are typed, a letter is an action only if the
    /// context itself names it.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        let find = |wanted: Context| {
            self.entries.iter().find(|(c, k, _)| *c == wanted && *k == key).map(|(_, _, a)| *a)
        };
        find(context).or_else(|| {
            let typed = context.takes_text() && key.character().is_some();
            if typed { None } else { find(Context::Everywhere) }
        })
    }

    /// The first key of an action in a context, or everywhere, for footers.
    pub fn key_for(&self, context: Context, action: Action) -> Option<Key> {
        let find = |wanted: Context| {
            self.entries.iter().find(|(c, _, a)| *c == wanted && *a == action).map(|(_, k, _)| *k)
        };
        find(context).or_else(|| find(Context::Everywhere))
    }

    /// The actions of a context in the order of the file, each with its keys.
    pub fn of(&self, context: Context) -> Vec<(Action, Vec<Key>)> {
        let mut out: Vec<(Action, Vec<Key>)> = Vec::new();
        for (_, key, action) in self.entries.iter().filter(|(c, ..)| *c == context) {
            match out.iter_mut().find(|(a, _)| a.is_told_with(*action)) {
                Some((_, keys)) => keys.push(*key),
                None => out.push((*action, vec![*key])),
            }
        }
        out
    }
}

fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    #[test]
    fn the_built_in_keymap_is_whole_and_the_design_s_keys_are_there() {
        let keymap = Keymap::built_in().unwrap();
        for (text, action) in [
            ("/", Action::Find),
            ("e", Action::Export),
            ("r", Action::Restore),
            ("j", Action::Jobs),
            ("?", Action::Help),
            ("ctrl-p", Action::Palette),
            ("tab", Action::NextColumn),
            ("3", Action::Column3),
        ] {
            assert_eq!(keymap.action(Context::Explorer, key(text)), Some(action), "{text}");
        }
        assert_eq!(keymap.action(Context::Find, key("?")), None, "a letter that is typed");
        assert_eq!(keymap.action(Context::Find, key("esc")), Some(Action::Back));
    }

    #[test]
    fn a_persons_own_file_overrides_entry_by_entry() {
        let mut keymap = Keymap::built_in().unwrap();
        keymap
            .read("[explorer]\n\"x\" = \"export\"\n\"e\" = \"none\"\n", Path::new("k.toml"))
            .unwrap();
        assert_eq!(keymap.action(Context::Explorer, key("x")), Some(Action::Export));
        assert_eq!(keymap.action(Context::Explorer, key("e")), None);
        assert_eq!(keymap.action(Context::Explorer, key("r")), Some(Action::Restore));
    }

    #[test]
    fn an_unknown_action_or_key_is_told_with_its_line() {
        for (text, line, says) in [
            ("[explorer]\n\"x\" = \"explode\"\n", 2, "not an action"),
            ("[explorer]\n\"xx\" = \"export\"\n", 2, "not a key"),
            ("[garden]\n\"x\" = \"export\"\n", 1, "not a place"),
            ("[actions]\n\"x\" = \"export\"\n", 1, "not a place"),
            ("[contexts]\n\"x\" = \"export\"\n", 1, "not a place"),
        ] {
            let problem = Keymap::built_in().unwrap().read(text, Path::new("k.toml")).unwrap_err();
            assert_eq!(problem.line, line, "{problem}");
            assert!(problem.what.contains(says), "{problem}");
        }
    }
}
