//! Packages, projects and what is one file by itself: what is in one and not in the other, and what
//! changed inside.

use std::collections::BTreeSet;

use super::{
    Change, ChangeGroup, ChangeKind, Comparison, FilePair, FileState, members, project_files,
};
use crate::archive::{
    ContentsBody, Library, Package, UnpackedArchive, blank_value, canonical_bytes, is_packing,
};
use crate::model::Description;

/// Compares two packages or two projects: their members, each as an integration of its own, then
/// what lies beside the members.
pub fn compare(before: &UnpackedArchive, after: &UnpackedArchive) -> Comparison {
    let mut out = Comparison::default();
    members::compare(before, after, &mut out);
    let mut rest = Comparison::default();
    match (&before.contents.body, &after.contents.body) {
        (ContentsBody::Project(x), ContentsBody::Project(y)) => {
            project_files::compare(before, after, &mut rest);
            for ((name, before), (_, after)) in x.about().into_iter().zip(y.about()) {
                about("project", name, &before, &after, &mut rest.changes);
            }
        }
        (ContentsBody::Package(x), ContentsBody::Package(y)) => {
            compare_packages(x, y, &mut rest.changes);
        }
        (
            ContentsBody::Integration(_)
            | ContentsBody::Package(_)
            | ContentsBody::Project(_)
            | ContentsBody::Lookup(_)
            | ContentsBody::Library(_)
            | ContentsBody::Description(_),
            _,
        ) => {}
    }
    rest.changes.sort_by_key(|c| section(c.group));
    out.changes.append(&mut rest.changes);
    out.cosmetic.append(&mut rest.cosmetic);
    out.files.append(&mut rest.files);
    out
}

/// The order in which a person reads what lies beside the members.
fn section(group: ChangeGroup) -> u8 {
    match group {
        ChangeGroup::Lookup => 0,
        ChangeGroup::Library => 1,
        ChangeGroup::Connection => 2,
        ChangeGroup::Deployment => 3,
        ChangeGroup::Schedule => 4,
        ChangeGroup::Event => 5,
        ChangeGroup::File => 7,
        _ => 6,
    }
}

fn about(what: &str, name: &str, before: &str, after: &str, out: &mut Vec<Change>) {
    if before != after {
        let place = format!("the {what}'s {name}");
        let change = Change::new(ChangeGroup::Integration, ChangeKind::Changed, place);
        out.push(change.values(Some(before.to_owned()), Some(after.to_owned())));
    }
}

fn compare_packages(before: &Package, after: &Package, out: &mut Vec<Change>) {
    let names: BTreeSet<&String> =
        before.attributes.keys().chain(after.attributes.keys()).collect();
    for name in names {
        let of = |package: &Package| package.attributes.get(name).cloned().unwrap_or_default();
        let shown = if name == "package_name" { "name" } else { name.as_str() };
        about("package", shown, &of(before), &of(after), out);
    }
}

/// Compares two libraries by script and function.
pub fn compare_libraries(
    a: &Library,
    before: &UnpackedArchive,
    b: &Library,
    after: &UnpackedArchive,
) -> Comparison {
    let functions = |l: &Library| -> BTreeSet<String> {
        l.scripts.iter().flat_map(|(_, all)| all.iter().cloned()).collect()
    };
    let (x, y) = (functions(a), functions(b));
    let mut out = Comparison::default();
    let change =
        |kind, name: &String| Change::new(ChangeGroup::Library, kind, format!("function {name}"));
    out.changes.extend(x.difference(&y).map(|n| change(ChangeKind::Removed, n)));
    out.changes.extend(y.difference(&x).map(|n| change(ChangeKind::Added, n)));
    if out.changes.is_empty() {
        out.changes.extend(scripts(before, after));
    }
    out
}

/// The files of two libraries that differ.
fn scripts(before: &UnpackedArchive, after: &UnpackedArchive) -> Vec<Change> {
    let (x, y) = (before.own_files(), after.own_files());
    let paths: BTreeSet<&String> = x.keys().chain(y.keys()).filter(|p| !is_packing(p)).collect();
    let change = |path: &String| {
        let kind = match (x.get(path), y.get(path)) {
            (Some(x), Some(y)) if canonical_bytes(path, x) == canonical_bytes(path, y) => {
                return None;
            }
            (Some(_), Some(_)) => ChangeKind::Changed,
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
        };
        let change = Change::new(ChangeGroup::Library, kind, path.as_str());
        Some(change.in_files(Some(path), Some(path)))
    };
    paths.into_iter().filter_map(change).collect()
}

/// Compares two descriptions property by property. What may be a secret is compared and not shown.
pub fn compare_descriptions(a: &Description, b: &Description) -> Comparison {
    let group = ChangeGroup::Property;
    let mut out = Comparison::default();
    if a.name != b.name {
        out.changes.push(Change::between(group, "name", Some(&a.name), Some(&b.name)));
    }
    let names: BTreeSet<&String> = a.properties.keys().chain(b.properties.keys()).collect();
    for name in names {
        let (x, y) = (a.properties.get(name), b.properties.get(name));
        if x != y {
            let shown = |v: Option<&String>| v.map(|v| blank_value(name, v).into_owned());
            out.changes.push(Change::between(
                group,
                name.as_str(),
                shown(x).as_deref(),
                shown(y).as_deref(),
            ));
        }
    }
    let ask = |description: &Description, name: &String| {
        description.ask.contains(name).then_some("a secret that is asked for")
    };
    for name in a.ask.symmetric_difference(&b.ask) {
        out.changes.push(Change::between(group, name.as_str(), ask(a, name), ask(b, name)));
    }
    out
}

/// The path of the file of an archive that is one file: a lookup, a description.
pub fn only_file(unpacked: &UnpackedArchive) -> Option<&str> {
    unpacked.own_files().keys().next().map(String::as_str)
}

/// Pairs the files of two archives that are one file each, so that they can be shown side by side.
pub fn with_only_files(
    before: &UnpackedArchive,
    after: &UnpackedArchive,
    mut found: Comparison,
) -> Comparison {
    let (x, y) = (only_file(before), only_file(after));
    let state = if found.changes.is_empty() { FileState::Same } else { FileState::Changed };
    found.files.push(FilePair { before: x.map(str::to_owned), after: y.map(str::to_owned), state });
    found.changes = found
        .changes
        .into_iter()
        .map(|c| {
            let anchor = if c.anchor.is_empty() { c.place.clone() } else { c.anchor.clone() };
            c.in_files(x, y).at(anchor)
        })
        .collect();
    found
}

/// Takes the lookup's name out of a change, for a lookup that is compared by itself.
pub fn as_row(change: &mut Change) {
    if let Some((_, place)) = change.place.split_once(": ") {
        change.group = if place.starts_with("row") || place.contains("rows") {
            ChangeGroup::Row
        } else {
            ChangeGroup::Property
        };
        change.place = place.strip_prefix("row ").unwrap_or(place).to_owned();
    }
}
