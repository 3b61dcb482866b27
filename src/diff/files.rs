//! Finds which file of one side corresponds to which of the other, and what differs between them
//! without meaning.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Change, ChangeGroup, ChangeKind,
    steps::EndpointPairs,
    tree::{Matching, StepTree},
};
use crate::archive::{
    Files, Integration, canonical_bytes, identity, is_cosmetic, layout, parallel_map,
    without_numbers,
};

/// How two files stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileState {
    Same,
    /// They differ in bytes and mean the same.
    Cosmetic,
    Changed,
    Added,
    Removed,
}

/// A file on both sides, or on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePair {
    pub before: Option<String>,
    pub after: Option<String>,
    pub state: FileState,
}

impl FilePair {
    /// The path a person is shown: the later one.
    pub fn name(&self) -> &str {
        self.after.as_deref().or(self.before.as_deref()).unwrap_or_default()
    }
}

/// What [`pair`] found.
#[derive(Debug, Default)]
pub struct Paired {
    pub pairs: Vec<FilePair>,
    pub cosmetic: Vec<String>,
}

/// Pairs files by who owns them: the numbers in their paths mean nothing.
pub fn pair(
    a: &Integration,
    files_a: &Files,
    b: &Integration,
    files_b: &Files,
    endpoints: &EndpointPairs,
    trees: (&StepTree<'_>, &StepTree<'_>),
    matching: &Matching,
) -> Paired {
    let mut owners: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (x, y) in endpoints {
        let files = |it: &Integration, e: &Option<usize>| {
            e.map(|e| it.endpoints[e].files.clone()).unwrap_or_default()
        };
        owners.push((files(a, x), files(b, y)));
    }
    for (i, j) in &matching.to_after {
        owners.push((trees.0.nodes[*i].step.files.clone(), trees.1.nodes[*j].step.files.clone()));
    }
    let mut to_b: BTreeMap<String, String> = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (old, new) in owners {
        let folders_a = with_neighbours(&old, files_a);
        let folders_b = with_neighbours(&new, files_b);
        pair_by_name(&folders_a, &folders_b, &mut to_b, &mut taken);
    }
    let rest = |files: &Files, gone: &dyn Fn(&str) -> bool| -> Vec<String> {
        files.keys().filter(|p| !gone(p)).cloned().collect()
    };
    let rest_a = rest(files_a, &|p| to_b.contains_key(p));
    let rest_b = rest(files_b, &|p| taken.contains(p));
    pair_by_path(&rest_a, &rest_b, &mut to_b, &mut taken);
    pair_identities(&rest_a, &rest_b, &mut to_b, &mut taken);
    let mut sides: Vec<(Option<FileText<'_>>, Option<FileText<'_>>)> = Vec::new();
    for (path, bytes) in files_a {
        let other = to_b.get(path).and_then(|o| Some((o, files_b.get(o)?)));
        sides.push((Some((path, bytes)), other));
    }
    let new = files_b.iter().filter(|(p, _)| !taken.contains(*p));
    sides.extend(new.map(|file| (None, Some(file))));
    let size = files_a.values().chain(files_b.values()).map(Vec::len).sum();
    let states = parallel_map(&sides, size, |(before, after)| state_of(*before, *after));
    let mut out = Paired::default();
    for ((before, after), state) in sides.into_iter().zip(states) {
        out.add(before, after, state);
    }
    out
}

/// The pairs of two sides with the same files.
pub fn all_same(files: &Files) -> Vec<FilePair> {
    let own = |path: &String| Some(path.clone());
    files
        .keys()
        .map(|path| FilePair { before: own(path), after: own(path), state: FileState::Same })
        .collect()
}

fn state_of(before: Option<FileText<'_>>, after: Option<FileText<'_>>) -> FileState {
    match (before, after) {
        (Some((p, x)), Some((q, y))) => state(p, x, q, y),
        (Some((p, _)), None) | (None, Some((p, _))) if is_cosmetic(p) => FileState::Cosmetic,
        (None, _) => FileState::Added,
        (_, None) => FileState::Removed,
    }
}

/// The files that a step names, and those beside them: a schema that another one imports.
fn with_neighbours(named: &[String], files: &Files) -> Vec<String> {
    let folders: BTreeSet<&str> = named.iter().filter_map(|p| Some(&p[..=p.rfind('/')?])).collect();
    let near = |path: &&String| folders.iter().any(|f| path.starts_with(f));
    files.keys().filter(near).cloned().collect()
}

fn pair_by_name(
    old: &[String],
    new: &[String],
    to_b: &mut BTreeMap<String, String>,
    taken: &mut BTreeSet<String>,
) {
    let name = |path: &str| without_numbers(path.rsplit('/').next().unwrap_or(path));
    for path in old {
        let fits = |p: &&String| !taken.contains(*p) && name(p) == name(path);
        if let (false, Some(found)) = (to_b.contains_key(path), new.iter().find(fits)) {
            taken.insert(found.clone());
            to_b.insert(path.clone(), found.clone());
        }
    }
}

/// Pairs the files that no step names: by the same path, else by the path without numbers.
fn pair_by_path(
    old: &[String],
    new: &[String],
    to_b: &mut BTreeMap<String, String>,
    taken: &mut BTreeSet<String>,
) {
    for path in old {
        let bare = without_numbers(path);
        let same = new.iter().find(|p| *p == path && !taken.contains(*p));
        let found =
            same.or_else(|| new.iter().find(|p| !taken.contains(*p) && without_numbers(p) == bare));
        if let Some(found) = found {
            taken.insert(found.clone());
            to_b.insert(path.clone(), found.clone());
        }
    }
}

/// Pairs the attributes of an export with the `info.json` of a project's member.
fn pair_identities(
    old: &[String],
    new: &[String],
    to_b: &mut BTreeMap<String, String>,
    taken: &mut BTreeSet<String>,
) {
    let says_who = |path: &&String| IDENTITY_FILES.contains(&path.as_str());
    let open = old.iter().filter(says_who).find(|path| !to_b.contains_key(*path));
    let found = new.iter().filter(says_who).find(|path| !taken.contains(*path));
    if let (Some(path), Some(found)) = (open, found) {
        taken.insert(found.clone());
        to_b.insert(path.clone(), found.clone());
    }
}

/// The files that say who an integration is: of an export, and of a member of a project.
const IDENTITY_FILES: [&str; 2] = ["ics_project_attributes.properties", "info.json"];

type FileText<'f> = (&'f String, &'f Vec<u8>);

impl Paired {
    fn add(&mut self, before: Option<FileText<'_>>, after: Option<FileText<'_>>, state: FileState) {
        let path = after.or(before).map(|(p, _)| p.as_str()).unwrap_or_default();
        if state == FileState::Cosmetic {
            self.cosmetic.push(format!("{path}: {}", why_cosmetic(path)));
        }
        if let (FileState::Same, Some((p, _)), Some((q, _))) = (state, before, after)
            && p != q
        {
            self.cosmetic.push(format!("{q}: renumbered"));
        }
        let own = |file: Option<FileText<'_>>| file.map(|(p, _)| p.clone());
        self.pairs.push(FilePair { before: own(before), after: own(after), state });
    }
}

fn state(p: &str, x: &[u8], q: &str, y: &[u8]) -> FileState {
    if x == y {
        FileState::Same
    } else if p != q && IDENTITY_FILES.contains(&p) && identity(p, x) == identity(q, y) {
        // The other form of the same.
        FileState::Cosmetic
    } else if is_cosmetic(p) || canonical_bytes(p, x) == canonical_bytes(q, y) {
        FileState::Cosmetic
    } else {
        FileState::Changed
    }
}

fn why_cosmetic(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.starts_with("layout") {
        "positions on the canvas"
    } else if name.contains("stateinfo") {
        "the editor's state"
    } else if is_cosmetic(path) {
        "derived by the service"
    } else if name == "ics_project_attributes.properties" {
        "checksum, times, state"
    } else if path.starts_with(layout::CONNECTIONS) {
        "who and when, adapter versions"
    } else {
        "written differently (numbers, prefixes, order, white space)"
    }
}

/// A change for each file that differs and that no other change names.
pub fn remaining_file_changes(pairs: &[FilePair], changes: &[Change]) -> Vec<Change> {
    let told: BTreeSet<&str> = changes
        .iter()
        .flat_map(|c| [c.before_file.as_deref(), c.after_file.as_deref()])
        .flatten()
        .collect();
    let is_told = |p: &FilePair| {
        [&p.before, &p.after].into_iter().flatten().any(|f| told.contains(f.as_str()))
    };
    let mut out = Vec::new();
    for pair in pairs.iter().filter(|p| !is_told(p)) {
        let kind = match pair.state {
            FileState::Same | FileState::Cosmetic => continue,
            FileState::Changed => ChangeKind::Changed,
            FileState::Added => ChangeKind::Added,
            FileState::Removed => ChangeKind::Removed,
        };
        let path = pair.name();
        let comes_with_a_step = kind != ChangeKind::Changed && path.starts_with("resources/");
        // Another change says already that the copy is used now, or no longer.
        let copies = [
            layout::CONNECTIONS,
            layout::LOOKUPS,
            layout::LIBRARIES,
            layout::EVENTS,
            layout::CERTIFICATES,
        ];
        let copy = kind != ChangeKind::Changed && copies.iter().any(|c| path.starts_with(c));
        // The flow's own file changes with every change of the flow.
        let flow = path.ends_with("project.xml") || IDENTITY_FILES.contains(&path);
        if comes_with_a_step && !changes.is_empty() || copy || flow && !changes.is_empty() {
            continue;
        }
        let change = Change::new(group_of(path), kind, path);
        out.push(change.in_files(pair.before.as_deref(), pair.after.as_deref()));
    }
    out
}

fn group_of(path: &str) -> ChangeGroup {
    let folders = [
        (layout::LIBRARIES, ChangeGroup::Library),
        (layout::NAMED_LIBRARIES, ChangeGroup::Library),
        (layout::EVENTS, ChangeGroup::Event),
        (layout::CONNECTIONS, ChangeGroup::Connection),
        (layout::LOOKUPS, ChangeGroup::Lookup),
        ("schedule/", ChangeGroup::Schedule),
    ];
    if let Some((_, group)) = folders.into_iter().find(|(folder, _)| path.starts_with(folder)) {
        return group;
    }
    match path.rsplit('.').next().unwrap_or_default() {
        "xsd" | "wsdl" => ChangeGroup::Schema,
        "xsl" | "xslt" => ChangeGroup::Mapping,
        "jca" => ChangeGroup::Endpoint,
        "js" => ChangeGroup::Library,
        _ => ChangeGroup::File,
    }
}
