//! Packages, projects and libraries: what is in one and not in the other, and what changed inside.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, ChangeGroup, ChangeKind, Comparison, FilePair, FileState, parts};
use crate::archive::{
    ContentsBody, Integration, Library, Project, UnpackedArchive, blank_value, canonical_bytes,
    is_packing,
};
use crate::model::Description;

/// Compares two packages or two projects: members by code, each as an integration of its own, then
/// what lies beside the members.
pub fn compare(before: &UnpackedArchive, after: &UnpackedArchive) -> Comparison {
    let mut out = Comparison::default();
    let by_code = |unpacked: &UnpackedArchive| -> BTreeMap<String, usize> {
        let all = unpacked.contents.integrations().iter().enumerate();
        all.map(|(i, it): (usize, &Integration)| (it.id.code.clone(), i)).collect()
    };
    let (a, b) = (by_code(before), by_code(after));
    let codes: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let alone = |kind, code: &str| Change::new(ChangeGroup::Integration, kind, code);
    for code in codes {
        match (a.get(code), b.get(code)) {
            (Some(x), Some(y)) => compare_members((before, *x), (after, *y), &mut out),
            (None, _) => out.changes.push(alone(ChangeKind::Added, code)),
            (_, None) => out.changes.push(alone(ChangeKind::Removed, code)),
        }
    }
    match (&before.contents.body, &after.contents.body) {
        (ContentsBody::Project(x), ContentsBody::Project(y)) => {
            compare_projects(x, y, &mut out.changes);
            pair_own_files(before, after, &mut out);
        }
        (ContentsBody::Package(x), ContentsBody::Package(y)) => {
            about(&[("name", &x.name, &y.name)], &mut out.changes);
        }
        _ => {}
    }
    out
}

/// Compares one member that both have; a member is an archive and its index in there. Places and
/// files are named with the member before them.
fn compare_members(
    (before, x): (&UnpackedArchive, usize),
    (after, y): (&UnpackedArchive, usize),
    out: &mut Comparison,
) {
    let (it_a, it_b) = (&before.contents.integrations()[x], &after.contents.integrations()[y]);
    let inner =
        parts::compare_integrations(it_a, before.member_files(x), it_b, after.member_files(y));
    let code = &it_a.id.code;
    let path = |it: &Integration, file: Option<String>| file.map(|f| format!("{}/{f}", it.id));
    out.changes.extend(inner.changes.into_iter().map(|c| Change {
        place: format!("{code} › {}", c.place),
        before_file: path(it_a, c.before_file),
        after_file: path(it_b, c.after_file),
        ..c
    }));
    out.cosmetic.extend(inner.cosmetic.into_iter().map(|c| format!("{code} › {c}")));
    out.files.extend(inner.files.into_iter().map(|pair| FilePair {
        before: path(it_a, pair.before),
        after: path(it_b, pair.after),
        state: pair.state,
    }));
}

/// Compares what a project holds beside its integrations.
fn compare_projects(before: &Project, after: &Project, changes: &mut Vec<Change>) {
    let (x, y) = (before, after);
    changes.extend(parts::connections(x.connections.iter(), y.connections.iter()));
    changes.extend(parts::lookups("project/lookups/", x.lookups.iter(), y.lookups.iter()));
    changes.extend(listed(
        ChangeGroup::Connection,
        x.connections.iter().map(|c| &c.code),
        y.connections.iter().map(|c| &c.code),
    ));
    changes.extend(listed(
        ChangeGroup::Lookup,
        x.lookups.iter().map(|l| &l.name),
        y.lookups.iter().map(|l| &l.name),
    ));
    about(&[("name", &x.name, &y.name), ("description", &x.description, &y.description)], changes);
}

/// Pairs the files that lie beside the members: they have the same path on both sides.
fn pair_own_files(before: &UnpackedArchive, after: &UnpackedArchive, out: &mut Comparison) {
    let told: BTreeSet<String> = out
        .changes
        .iter()
        .flat_map(|c| [c.before_file.clone(), c.after_file.clone()])
        .flatten()
        .collect();
    // `project.yaml` is among them; it repeats what the parts say, with times, and so is cosmetic.
    let paths: BTreeSet<&String> =
        before.own_files().keys().chain(after.own_files().keys()).collect();
    for path in paths {
        let (x, y) = (before.own_files().get(path), after.own_files().get(path));
        let state = match (x, y) {
            (Some(x), Some(y)) if x == y => FileState::Same,
            (Some(_), Some(_)) if path.ends_with("project.yaml") => FileState::Cosmetic,
            (Some(x), Some(y)) if canonical_bytes(path, x) == canonical_bytes(path, y) => {
                FileState::Cosmetic
            }
            (Some(_), Some(_)) => FileState::Changed,
            (None, _) => FileState::Added,
            (_, None) => FileState::Removed,
        };
        if state == FileState::Cosmetic {
            out.cosmetic.push(format!("{path}: written differently"));
        }
        let named =
            ["project/connections/", "project/lookups/"].iter().any(|f| path.starts_with(f));
        if state != FileState::Same
            && state != FileState::Cosmetic
            && !named
            && !told.contains(path)
        {
            let kind = match state {
                FileState::Added => ChangeKind::Added,
                FileState::Removed => ChangeKind::Removed,
                _ => ChangeKind::Changed,
            };
            out.changes.push(
                Change::new(ChangeGroup::File, kind, path.as_str())
                    .in_files(Some(path), Some(path)),
            );
        }
        let own = |there: Option<&Vec<u8>>| there.map(|_| path.clone());
        out.files.push(FilePair { before: own(x), after: own(y), state });
    }
}

fn listed<'n>(
    group: ChangeGroup,
    before: impl Iterator<Item = &'n String>,
    after: impl Iterator<Item = &'n String>,
) -> Vec<Change> {
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (before.collect(), after.collect());
    let gone = a.difference(&b).map(|n| Change::new(group, ChangeKind::Removed, n.as_str()));
    gone.chain(b.difference(&a).map(|n| Change::new(group, ChangeKind::Added, n.as_str())))
        .collect()
}

fn about(fields: &[(&str, &String, &String)], out: &mut Vec<Change>) {
    for (name, before, after) in fields.iter().filter(|(_, b, a)| b != a) {
        let change = Change::new(ChangeGroup::Integration, ChangeKind::Changed, *name);
        out.push(change.values(Some((*before).clone()), Some((*after).clone())));
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
    for (path, bytes) in before.own_files().iter().filter(|(path, _)| !is_packing(path)) {
        match after.own_files().get(path) {
            Some(other) if other != bytes && out.changes.is_empty() => {
                let change = Change::new(ChangeGroup::Library, ChangeKind::Changed, path.as_str());
                out.changes.push(change.in_files(Some(path), Some(path)));
            }
            _ => {}
        }
    }
    out
}

/// Compares two descriptions property by property. What may be a secret is compared and not shown.
pub fn compare_records(a: &Description, b: &Description) -> Comparison {
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
    let ask = |record: &Description, name: &String| {
        record.ask.contains(name).then_some("a secret that is asked for")
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
