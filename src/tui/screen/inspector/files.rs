//! The tabs Files and History: what lies in the archive, and its stored versions.

use std::collections::HashMap;

use super::state::{Fold, InspectorLine, InspectorScreen, LineTarget, plain};
use crate::archive::{ContentsBody, UnpackedArchive, flow_steps};
use crate::model::{Answer, short_date, thousands, version_text};
use crate::store::StoredVersion;
use crate::tui::widgets::tree::{Fact, Tone, TreeItem};

impl InspectorScreen {
    pub(super) fn files(&self) -> Vec<InspectorLine> {
        let mut out = Vec::new();
        let mut folder = String::new();
        let mut open = true;
        for (path, bytes) in self.unpacked.all_files() {
            let (here, file) = path.rsplit_once('/').map_or(("", path.as_str()), |(f, n)| (f, n));
            if here != folder || out.is_empty() {
                folder = here.to_owned();
                let fold = Fold::Folder(here.to_owned());
                open = !self.folded.contains(&fold);
                let item = TreeItem {
                    open: Some(open),
                    text: if here.is_empty() { "./".into() } else { format!("{here}/") },
                    note: self.owners.get(here).cloned().unwrap_or_default(),
                    tone: Tone::Accent,
                    ..TreeItem::default()
                };
                let target = LineTarget::Fold(fold);
                out.push(InspectorLine { item, target, ..InspectorLine::default() });
            }
            if open {
                let secret =
                    self.examined.iter().any(|(_, all)| all.iter().any(|s| s.file == path));
                let item = TreeItem {
                    depth: 1,
                    glyph: if secret { "!".into() } else { String::new() },
                    text: file.to_owned(),
                    note: size(bytes.len()),
                    tone: if secret { Tone::Warning } else { Tone::Plain },
                    ..TreeItem::default()
                };
                let target = LineTarget::File(path.clone());
                out.push(InspectorLine { item, target, ..InspectorLine::default() });
            }
        }
        out
    }

    pub(super) fn history_lines(&self) -> Vec<InspectorLine> {
        let history = match &self.history {
            Answer::Known(history) => history,
            Answer::Unknown { unknown: why } => return vec![plain(why, Tone::Dim)],
        };
        if history.is_empty() {
            return vec![plain(
                "the store has no version of it; an export from the list puts one there",
                Tone::Dim,
            )];
        }
        let whole = self.examined.as_ref().map(|(m, _)| m.full);
        let line = |(i, v): (usize, &StoredVersion)| {
            let same = whole == Some(v.fingerprint);
            let mark = if same { "= this one" } else { "" };
            let safety = if v.safety_run.is_some() { "safety export  " } else { "" };
            let by = v.last_updated_by.as_deref().unwrap_or_default();
            let item = TreeItem {
                text: format!(
                    "{:<6} {:<10} {}",
                    v.environment,
                    version_text(v.version),
                    short_date(v.last_seen)
                ),
                note: format!("{} {safety}{mark} {by}", v.fingerprint.short()),
                tone: if same { Tone::Good } else { Tone::Plain },
                ..TreeItem::default()
            };
            let facts = vec![
                Fact::new("seen first", short_date(v.first_seen)),
                Fact::new("seen last", short_date(v.last_seen)),
                Fact::new("status then", v.status.label()),
                Fact::new("changed by", by),
                Fact::new("size", size(v.size as usize)),
                Fact::new("name it", v.reference().to_string()),
            ];
            let target = LineTarget::Version(i);
            InspectorLine { item, target, facts, ..InspectorLine::default() }
        };
        history.iter().enumerate().map(line).collect()
    }
}

/// The folders of an archive, each with the name of the step or endpoint whose files lie there.
pub fn owners_of(unpacked: &UnpackedArchive) -> HashMap<String, String> {
    let single = matches!(unpacked.contents.body, ContentsBody::Integration(_));
    let mut out = HashMap::new();
    for it in unpacked.contents.integrations() {
        let prefix = if single { String::new() } else { format!("{}/", it.id) };
        let mut own = |files: &[String], name: String| {
            for folder in files.iter().filter_map(|f| Some(f.rsplit_once('/')?.0)) {
                out.entry(format!("{prefix}{folder}")).or_insert_with(|| name.clone());
            }
        };
        it.endpoints.iter().for_each(|e| own(&e.files, e.name.clone()));
        flow_steps(&it.flow, &mut |s| own(&s.files, s.title()));
    }
    out
}

/// A size in words: `1,234 B`, `56 KB`.
fn size(bytes: usize) -> String {
    if bytes < 10_000 {
        format!("{} B", thousands(bytes))
    } else {
        format!("{} KB", thousands(bytes / 1024))
    }
}
