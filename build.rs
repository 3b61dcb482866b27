//! Makes the contexts and the actions of the explorer out of `[contexts]` and `[actions]` in
//! `keymap.toml`, so that what a person reads of them and their keys stand in one file.

use std::{collections::BTreeSet, env, error::Error, fs, path::PathBuf};

const KEYMAP: &str = "keymap.toml";

/// The word in `[contexts]` that says that letters are typed there.
const TYPING: &str = "typing";

/// One line of a table: `page-up = ["page up", "one page up"]`.
struct Entry<'a> {
    name: &'a str,
    words: Vec<&'a str>,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={KEYMAP}");
    let keymap = fs::read_to_string(KEYMAP)?;
    let (rest, actions) = split_table(&keymap, "actions")?;
    let (keys, contexts) = split_table(rest, "contexts")?;
    same_names(keys, &contexts)?;
    let code = contexts_code(&contexts)? + &actions_code(&actions)?;
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    Ok(fs::write(folder.join("keymap.rs"), code)?)
}

/// What stands before a table, and its lines; the table is the last one.
fn split_table<'a>(text: &'a str, name: &str) -> Result<(&'a str, Vec<Entry<'a>>), String> {
    let head = format!("\n[{name}]\n");
    let (before, table) = text.split_once(&head).ok_or(format!("{KEYMAP} has no [{name}]"))?;
    let lines = table.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let read = |line| Entry::read(line).ok_or_else(|| format!("{KEYMAP}: [{name}]: {line}"));
    Ok((before, lines.map(read).collect::<Result<_, _>>()?))
}

/// Holds that each section of keys is a context, and that each context has a section.
fn same_names(keys: &str, contexts: &[Entry]) -> Result<(), String> {
    let section = |l| str::strip_prefix(l, '[').and_then(|l: &str| l.strip_suffix(']'));
    let sections: BTreeSet<&str> = keys.lines().filter_map(section).collect();
    let named: BTreeSet<&str> = contexts.iter().map(|c| c.name).collect();
    match sections.symmetric_difference(&named).next() {
        None => Ok(()),
        Some(one) => Err(format!("{KEYMAP}: {one} is no section, or is not in [contexts]")),
    }
}

impl<'a> Entry<'a> {
    /// None for a line that is not `name = ["word", "another"]`.
    fn read(line: &'a str) -> Option<Self> {
        let (name, words) = line.split_once(" = [\"")?;
        Some(Self { name, words: words.strip_suffix("\"]")?.split("\", \"").collect() })
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

fn contexts_code(contexts: &[Entry]) -> Result<String, String> {
    let (mut variants, mut all, mut titles) = (String::new(), String::new(), String::new());
    let mut typing = Vec::new();
    for context in contexts {
        let (variant, name) = (context.variant(), context.name);
        let title = match context.words.as_slice() {
            [title] => title,
            [title, word] if *word == TYPING => {
                typing.push(format!("Self::{variant}"));
                title
            }
            _ => return Err(format!("{KEYMAP}: [contexts]: {name}")),
        };
        variants +=
            &format!("    /// {title}\n    #[serde(rename = \"{name}\")]\n    {variant},\n");
        all += &format!("        Self::{variant},\n");
        titles += &format!("            Self::{variant} => \"{title}\",\n");
    }
    let (count, typing) = (contexts.len(), typing.join(" | "));
    Ok(format!(
        "/// The part of the keymap that holds on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub enum Context {{
{variants}}}

impl Context {{
    /// All of them, in the order in which a person meets them.
    pub const ALL: [Self; {count}] = [
{all}    ];

    /// Whether letters are typed here: then a letter is an action only if this context names it.
    pub fn takes_text(self) -> bool {{
        matches!(self, {typing})
    }}

    /// The heading of the context in the help.
    pub fn title(self) -> &'static str {{
        match self {{
{titles}        }}
    }}
}}

"
    ))
}

fn actions_code(actions: &[Entry]) -> Result<String, String> {
    let mut variants = String::new();
    let (mut labels, mut helps) = (String::new(), String::new());
    for action in actions {
        let (variant, name) = (action.variant(), action.name);
        let [label, help] = action.words.as_slice() else {
            return Err(format!("{KEYMAP}: [actions]: {name}"));
        };
        variants += &format!("    /// {help}\n    #[serde(rename = \"{name}\")]\n    {variant},\n");
        labels += &format!("            Self::{variant} => \"{label}\",\n");
        helps += &format!("            Self::{variant} => \"{help}\",\n");
    }
    Ok(format!(
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
    ))
}
