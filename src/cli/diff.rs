//! `oicx diff REF REF`.

use super::{
    args::{DiffOptions, Global},
    output::{self, CommandError, Exit},
    workspace_unless,
};
use crate::config::Config;
use crate::diff::{Change, ChangeGroup, ChangeKind, FileState, RowKind, TextDiff, head_of};
use crate::model::{Reference, plural};
use crate::ops::compare::{CompareError, Compared, compare};
use crate::workspace::source::fetch_bytes;

/// How many lines are shown around a change in `--text`.
const CONTEXT: usize = 3;

/// Compares two references in meaning; exits with [`Exit::Differs`] where they differ.
pub async fn run(
    load: impl FnOnce() -> Result<Config, CommandError>,
    options: &DiffOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let files_only =
        [&options.before, &options.after].iter().all(|r| matches!(r, Reference::File(_)));
    let workspace = workspace_unless(files_only, global, load).await?;
    let before = fetch_bytes(workspace.as_ref(), &options.before).await?;
    let after = fetch_bytes(workspace.as_ref(), &options.after).await?;
    [&before, &after].into_iter().for_each(output::not_looked_at);
    let compared = compare(before, after).await?;
    if global.json {
        output::json(&document(&compared));
    } else if options.stat {
        output::line(compared.comparison.summary());
    } else {
        print(&compared, options.cosmetic, options.text);
        if options.text {
            print_text(&compared);
        }
    }
    Ok(if compared.comparison.same { Exit::Done } else { Exit::Differs })
}

fn document(compared: &Compared) -> serde_json::Value {
    let found = &compared.comparison;
    serde_json::json!({
        "before": compared.before_label,
        "after": compared.after_label,
        "same": found.same,
        "changes": found.changes,
        "cosmetic": found.cosmetic.len(),
        "cosmetic_changes": found.cosmetic,
    })
}

/// Prints the changes. `text` also shows what a member that came says differently.
fn print(compared: &Compared, cosmetic: bool, text: bool) {
    let found = &compared.comparison;
    output::line(format!("- {}\n+ {}", compared.before_label, compared.after_label));
    let hidden = found.cosmetic.len();
    let head = if found.same {
        "the same in meaning".into()
    } else {
        format!("{} in meaning", plural(found.changes.len(), "change"))
    };
    let shown = if cosmetic || hidden == 0 { "" } else { " not shown (--cosmetic)" };
    output::line(format!("{head}, {hidden} cosmetic{shown}"));
    let mut group: Option<ChangeGroup> = None;
    for section in found.sections() {
        let changes = &found.changes[section];
        let of_a_member = changes.iter().any(|c| c.place_in_member() != c.place);
        if of_a_member {
            group = None;
            output::line(format!("\n{}", head_of(changes)));
        }
        for change in changes {
            if !of_a_member && group != Some(change.group) {
                output::line(format!("\n{}", change.group.label()));
                group = Some(change.group);
            }
            lines(change, of_a_member, "  ").into_iter().for_each(output::line);
            let inside = change.inside.iter().filter(|_| text);
            inside.flat_map(|c| lines(c, true, "      ")).for_each(output::line);
        }
    }
    if cosmetic && hidden > 0 {
        output::line("\ncosmetic");
        found.cosmetic.iter().for_each(|c| output::line(format!("  {c}")));
    }
}

/// A change and its values. In a member, the member's name is not repeated, and the group is said.
fn lines(change: &Change, in_member: bool, indent: &str) -> Vec<String> {
    let mark = change.change.mark();
    let mut out = vec![match in_member {
        true => format!("{indent}{mark} {} {}", change.group.label(), change.place_in_member()),
        false => format!("{indent}{mark} {}", change.place),
    }];
    match (change.change, &change.before, &change.after) {
        (ChangeKind::Moved, Some(before), Some(after)) => {
            out.push(format!("{indent}    {before}  →  {after}"))
        }
        (_, before, after) => {
            out.extend(before.iter().map(|b| format!("{indent}    - {b}")));
            out.extend(after.iter().map(|a| format!("{indent}    + {a}")));
        }
    }
    out
}

/// Prints the files that differ in meaning, as `diff -u` writes them, normalised and with secrets
/// blanked.
fn print_text(compared: &Compared) {
    for pair in compared
        .comparison
        .files
        .iter()
        .filter(|p| !matches!(p.state, FileState::Same | FileState::Cosmetic))
    {
        let before = pair.before.as_deref().and_then(|p| compared.before.file(p));
        let after = pair.after.as_deref().and_then(|p| compared.after.file(p));
        let text = TextDiff::of(pair.name(), before, after);
        if text.rows.iter().all(|r| r.kind == RowKind::Same) {
            continue;
        }
        output::line(format!("\n--- {}", pair.before.as_deref().unwrap_or("(not there)")));
        output::line(format!("+++ {}", pair.after.as_deref().unwrap_or("(not there)")));
        text.unified(CONTEXT).iter().for_each(output::line);
    }
}

impl From<CompareError> for CommandError {
    fn from(e: CompareError) -> Self {
        match e {
            CompareError::Source(e) => e.into(),
            CompareError::Kinds(e) => Self::usage(e.to_string()),
            CompareError::Read(e) => Self::failed(e.to_string()),
        }
    }
}
