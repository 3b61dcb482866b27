//! Makes the actions of the explorer out of `[actions]` in `keymap.toml`, so that an action, its
//! words and its keys stand in one file.

use std::{env, error::Error, fs, path::PathBuf};

const KEYMAP: &str = "keymap.toml";

/// One line of the table: `page-up = ["page up", "one page up"]`.
struct Action<'a> {
    name: &'a str,
    label: &'a str,
    help: &'a str,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={KEYMAP}");
    let keymap = fs::read_to_string(KEYMAP)?;
    let (_, table) = keymap.split_once("\n[actions]\n").ok_or("keymap.toml has no [actions]")?;
    let lines = table.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let actions = lines
        .map(|line| Action::read(line).ok_or_else(|| format!("{KEYMAP}: no action: {line}")))
        .collect::<Result<Vec<_>, _>>()?;
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    Ok(fs::write(folder.join("actions.rs"), code(&actions))?)
}

impl<'a> Action<'a> {
    /// None for a line that is not `name = ["label", "help"]`.
    fn read(line: &'a str) -> Option<Self> {
        let (name, words) = line.split_once(" = [\"")?;
        let (label, help) = words.strip_suffix("\"]")?.split_once("\", \"")?;
        Some(Self { name, label, help })
    }

    /// `page-up` is `PageUp`, `column-1` is `Column1`.
    fn variant(&self) -> String {
        let parts = self.name.split('-').map(|part| {
            let (first, rest) = part.split_at(1);
            first.to_uppercase() + rest
        });
        parts.collect()
    }
}

fn code(actions: &[Action]) -> String {
    let mut variants = String::new();
    let (mut labels, mut helps) = (String::new(), String::new());
    for action in actions {
        let (variant, Action { name, label, help }) = (action.variant(), action);
        variants += &format!("    /// {help}\n    #[serde(rename = \"{name}\")]\n    {variant},\n");
        labels += &format!("            Self::{variant} => \"{label}\",\n");
        helps += &format!("            Self::{variant} => \"{help}\",\n");
    }
    format!(
        "/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub enum Action {{
    /// Takes a key away.
    #[serde(rename = \"none\")]
    None,
{variants}}}

impl Action {{
    /// A word for the footer.
    pub fn label(self) -> &'static str {{
        match self {{
            Self::None => \"\",
{labels}        }}
    }}

    /// A line for the help and the palette.
    pub fn help(self) -> &'static str {{
        match self {{
            Self::None => \"\",
{helps}        }}
    }}
}}
"
    )
}
