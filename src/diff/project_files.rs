//! What lies beside the members of two projects: lookups, libraries, connections, deployments,
//! schedules, events and all other files. There is a change where the forms of two files differ,
//! and none where they are equal.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, ChangeGroup, ChangeKind, Comparison, FilePair, FileState, parts, steps};
use crate::archive::{
    Connection, Deployment, Library, Lookup, ScheduleDefinition, UnpackedArchive, canonical_bytes,
    is_packing, layout, read_event,
};

/// A file on both sides, or on one.
type Sides<'f> = (Option<&'f [u8]>, Option<&'f [u8]>);

/// Compares the files that lie beside the members. They have the same path on both sides.
pub fn compare(before: &UnpackedArchive, after: &UnpackedArchive, out: &mut Comparison) {
    let paths: BTreeSet<&String> =
        before.own_files().keys().chain(after.own_files().keys()).collect();
    let mut libraries: BTreeMap<&str, Vec<(&str, Sides<'_>)>> = BTreeMap::new();
    for path in paths {
        let sides = (bytes_of(before, path), bytes_of(after, path));
        let state = state_of(path, sides);
        let own = |there: Option<&[u8]>| there.map(|_| path.clone());
        out.files.push(FilePair { before: own(sides.0), after: own(sides.1), state });
        match (state, path.strip_prefix(layout::PROJECT_LIBRARIES).and_then(|p| p.split_once('/')))
        {
            (FileState::Same, _) => {}
            (FileState::Cosmetic, _) => out.cosmetic.push(format!("{path}: {WRITTEN_ANEW}")),
            (_, Some((library, _))) => {
                libraries.entry(library).or_default().push((path.as_str(), sides));
            }
            _ => out.changes.extend(changes_of(path, sides)),
        }
    }
    for (folder, files) in libraries {
        let place = format!("{}{folder}/", layout::PROJECT_LIBRARIES);
        let has = |side: &UnpackedArchive| side.own_files().keys().any(|p| p.starts_with(&place));
        out.changes.extend(library(folder, &files, (has(before), has(after))));
    }
}

fn bytes_of<'u>(side: &'u UnpackedArchive, path: &str) -> Option<&'u [u8]> {
    side.own_files().get(path).map(Vec::as_slice)
}

const WRITTEN_ANEW: &str = "written anew (times, checksum, order, state)";

fn state_of(path: &str, sides: Sides<'_>) -> FileState {
    match sides {
        (Some(x), Some(y)) if x == y => FileState::Same,
        _ if is_packing(path) => FileState::Cosmetic,
        (Some(x), Some(y)) if canonical_bytes(path, x) == canonical_bytes(path, y) => {
            FileState::Cosmetic
        }
        (Some(_), Some(_)) => FileState::Changed,
        (None, _) => FileState::Added,
        (_, None) => FileState::Removed,
    }
}

/// The changes of one file whose forms differ, in words; at the last that it differs.
fn changes_of(path: &str, sides: Sides<'_>) -> Vec<Change> {
    let inner = path.strip_prefix(layout::PROJECT).unwrap_or(path);
    let (folder, file) = inner.split_once('/').unwrap_or(("", inner));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let found = match folder {
        "connections" => connection(path, stem, sides),
        "lookups" => lookup(path, stem, sides),
        "labels" => deployment(stem, sides),
        "schedules" => schedule_of(&ScheduleDefinition::of_file(stem), sides),
        "eventtypes" => event(stem, sides),
        _ => Vec::new(),
    };
    let found = if found.is_empty() { vec![whole(group_of(folder), path, sides)] } else { found };
    let file = |side: Option<&[u8]>| side.map(|_| path);
    let (x, y) = (file(sides.0), file(sides.1));
    found.into_iter().map(|c| c.in_files(x, y)).collect()
}

fn group_of(folder: &str) -> ChangeGroup {
    match folder {
        "connections" => ChangeGroup::Connection,
        "lookups" => ChangeGroup::Lookup,
        "labels" => ChangeGroup::Deployment,
        "schedules" => ChangeGroup::Schedule,
        "eventtypes" => ChangeGroup::Event,
        _ => ChangeGroup::File,
    }
}

/// A thing that came, went, or differs in a way that nothing tells more of.
fn whole(group: ChangeGroup, place: &str, sides: Sides<'_>) -> Change {
    let kind = match sides {
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
        _ => ChangeKind::Changed,
    };
    Change::new(group, kind, place)
}

/// Both sides as something reads them; none where one of them is not there or cannot be read.
fn both<T>(sides: Sides<'_>, read: impl Fn(&[u8]) -> Option<T>) -> Option<(T, T)> {
    Some((read(sides.0?)?, read(sides.1?)?))
}

fn connection(path: &str, code: &str, sides: Sides<'_>) -> Vec<Change> {
    match both(sides, |bytes| Connection::read(path, bytes)) {
        Some((x, y)) => parts::connections([&x].into_iter(), [&y].into_iter()),
        None if sides.0.is_some() && sides.1.is_some() => Vec::new(),
        None => vec![whole(ChangeGroup::Connection, code, sides)],
    }
}

fn lookup(path: &str, name: &str, sides: Sides<'_>) -> Vec<Change> {
    match both(sides, |bytes| Lookup::from_dvm(bytes).ok()) {
        Some((x, y)) => parts::compare_lookup(&x, &y, Some(path), Some(path)),
        None if sides.0.is_some() && sides.1.is_some() => Vec::new(),
        // An archive has a lookup only while an integration uses it: it may still be there.
        None => {
            let used = |side: Option<&[u8]>| side.map(|_| "an integration uses it".to_owned());
            let (before, after) = (used(sides.0), used(sides.1));
            vec![whole(ChangeGroup::Lookup, name, sides).values(before, after)]
        }
    }
}

/// A deployment: its members by name, and what it is called.
fn deployment(code: &str, sides: Sides<'_>) -> Vec<Change> {
    let group = ChangeGroup::Deployment;
    let Some((x, y)) = both(sides, Deployment::read) else {
        let there = sides.0.or(sides.1).and_then(Deployment::read);
        let (true, Some(deployment)) = (sides.0.is_none() || sides.1.is_none(), there) else {
            return Vec::new();
        };
        let names = deployment.members.iter().map(|(_, code, version)| format!("{code} {version}"));
        let names = Some(names.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty());
        let change = whole(group, code, sides);
        return vec![match change.change {
            ChangeKind::Added => change.values(None, names),
            _ => change.values(names, None),
        }];
    };
    let mut out = Vec::new();
    for (field, before, after) in [
        ("code", &x.code, &y.code),
        ("name", &x.name, &y.name),
        ("description", &x.description, &y.description),
    ] {
        if before != after {
            let place = format!("{code}: {field}");
            out.push(Change::between(group, place, Some(before), Some(after)));
        }
    }
    let named = |d: &Deployment| -> Vec<(String, String)> {
        d.members.iter().map(|(_, code, version)| (code.clone(), version.clone())).collect()
    };
    let exact: steps::SameValue = |_, before, after| before == after;
    out.extend(steps::settings(code, group, &named(&x), &named(&y), exact));
    out
}

/// The changes of the definition of a schedule, in words.
pub fn schedule_of(name: &str, sides: Sides<'_>) -> Vec<Change> {
    let group = ChangeGroup::Schedule;
    let read = |side: Option<&[u8]>| side.and_then(ScheduleDefinition::read);
    let (x, y) = (read(sides.0), read(sides.1));
    let (Some(x), Some(y)) = (&x, &y) else {
        let place = format!("of {name}");
        let said = |s: Option<ScheduleDefinition>| s.map(|s| s.describe());
        return match (sides, said(x), said(y)) {
            ((Some(_), Some(_)), ..) | (_, None, None) => Vec::new(),
            (_, before, after) => vec![whole(group, &place, sides).values(before, after)],
        };
    };
    let mut out = Vec::new();
    for (field, before, after) in [
        ("when", x.describe(), y.describe()),
        ("name", x.name.clone(), y.name.clone()),
        ("description", x.description.clone(), y.description.clone()),
    ] {
        if before != after {
            let place = format!("of {name}: {field}");
            out.push(Change::between(group, place, Some(&before), Some(&after)));
        }
    }
    out
}

/// `ERROREVENT_1` is revision 1 of that event.
fn event(stem: &str, sides: Sides<'_>) -> Vec<Change> {
    let name = stem.rsplit_once('_').map_or(stem.into(), |(c, r)| format!("{c} revision {r}"));
    match both(sides, read_event) {
        Some((x, y)) => steps::settings(&name, ChangeGroup::Event, &x, &y, same_text),
        None if sides.0.is_some() && sides.1.is_some() => Vec::new(),
        None => vec![whole(ChangeGroup::Event, &name, sides)],
    }
}

/// Whether two texts of an event say the same: the white space of a sample says nothing.
fn same_text(name: &str, before: Option<&str>, after: Option<&str>) -> bool {
    let form = |text: Option<&str>| {
        let json = serde_json::json!({ name: text }).to_string();
        canonical_bytes("project/eventtypes/event.json", json.as_bytes()).into_owned()
    };
    before == after || form(before) == form(after)
}

/// A library, given its files that differ: by the functions of its scripts.
fn library(folder: &str, files: &[(&str, Sides<'_>)], there: (bool, bool)) -> Vec<Change> {
    let group = ChangeGroup::Library;
    let name = folder.rsplit_once('_').map_or(folder.into(), |(c, v)| format!("{c} {v}"));
    let first = files.first().map(|(path, _)| *path);
    match there {
        (true, true) => {}
        (false, _) => {
            return vec![Change::new(group, ChangeKind::Added, name).in_files(None, first)];
        }
        (_, false) => {
            return vec![Change::new(group, ChangeKind::Removed, name).in_files(first, None)];
        }
    }
    let scripts = files.iter().filter(|(path, _)| path.ends_with(".jar"));
    let mut out: Vec<Change> =
        scripts.flat_map(|(path, sides)| functions(&name, path, *sides)).collect();
    if out.is_empty() {
        // The descriptor follows from the scripts, so it is named where they are the same.
        out.extend(files.iter().map(|(path, sides)| {
            let file = path.rsplit('/').next().unwrap_or(path);
            whole(group, &format!("{name}: {file}"), *sides).in_files(Some(path), Some(path))
        }));
    }
    out
}

/// The functions of a jar that came and went; that the jar differs where there are none.
fn functions(name: &str, path: &str, sides: Sides<'_>) -> Vec<Change> {
    let group = ChangeGroup::Library;
    let file = path.rsplit('/').next().unwrap_or(path);
    let read = |side: Option<&[u8]>| -> BTreeSet<String> {
        let library = side.and_then(|bytes| Library::read_jar(file, bytes));
        library.iter().flat_map(|l| l.functions().cloned().collect::<Vec<_>>()).collect()
    };
    let (x, y) = (read(sides.0), read(sides.1));
    let told = |kind, function: &String| {
        Change::new(group, kind, format!("{name}: function {function}"))
            .in_files(Some(path), Some(path))
            .at(function.as_str())
    };
    let gone = x.difference(&y).map(|f| told(ChangeKind::Removed, f));
    let mut out: Vec<Change> =
        gone.chain(y.difference(&x).map(|f| told(ChangeKind::Added, f))).collect();
    if out.is_empty() {
        let change = whole(group, &format!("{name}: {file}"), sides);
        out.push(change.in_files(Some(path), Some(path)));
    }
    out
}
