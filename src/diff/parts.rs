//! Changes beside the flow: endpoints, connections, lookups, what is used, who the integration is.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Change, ChangeGroup, ChangeKind, Comparison,
    files::{self, FilePair, FileState},
    project_files, schema,
    steps::{self, EndpointPairs},
    tree::{StepTree, match_trees},
};
use crate::archive::{
    Connection, Endpoint, Files, Integration, Lookup, NeedKind, Tracking, is_identity, layout,
    mean_the_same, mean_the_same_elsewhere, refer_to_the_same, same_in_connection, same_in_jca,
};

/// Everything that changed between two integrations. There is a change where their full
/// fingerprints differ, and none where they are equal.
pub fn compare_integrations(
    a: &Integration,
    files_a: &Files,
    b: &Integration,
    files_b: &Files,
) -> Comparison {
    if files_a == files_b {
        return Comparison { same: true, files: files::all_same(files_a), ..Comparison::default() };
    }
    let trees = (StepTree::of(a), StepTree::of(b));
    let matching = match_trees(&trees.0, &trees.1);
    let both = (&trees.0, &trees.1);
    let mut changes = steps::compare(a, b, both, &matching);
    let pairs = steps::endpoint_pairs(a, b, both, &matching);
    changes.extend(endpoints(a, b, &pairs));
    changes.extend(about(a, b));
    changes.extend(tracking(&a.tracking, &b.tracking));
    // A project holds connections and lookups once for all its members; they are compared with the
    // project. Its connections leave to each environment what a single export may have.
    if !a.in_project && !b.in_project {
        changes.extend(connections(a.own_connections(), b.own_connections()));
    }
    if !a.in_project || !b.in_project {
        changes.extend(lookups(layout::LOOKUPS, a.own_lookups(), b.own_lookups()));
    }
    changes.extend(uses(a, b));
    let mut compared = files::pair(a, files_a, b, files_b, &pairs, both, &matching);
    for pair in compared.pairs.iter().filter(|p| p.state == FileState::Changed) {
        changes.extend(schema::of_pair(pair, files_a, files_b));
        changes.extend(schedule(pair, files_a, files_b));
    }
    changes.extend(files::remaining_file_changes(&compared.pairs, &changes));
    let means_the_same = |p: &FilePair| matches!(p.state, FileState::Same | FileState::Cosmetic);
    let differs = !compared.pairs.iter().all(means_the_same);
    let untold = || match a.in_project == b.in_project {
        true => differs || !refer_to_the_same(files_a, files_b),
        // A member of a project and an export by itself have their copies in other places: of
        // these two what is portable is compared.
        false => !mean_the_same_elsewhere(files_a, files_b),
    };
    if !differs && !changes.is_empty() && mean_the_same(files_a, files_b) {
        // A reader named a part that carries no meaning.
        changes.clear();
    } else if changes.is_empty() && untold() {
        // Nothing above names what differs, so this only says that something does.
        changes.push(Change::new(ChangeGroup::File, ChangeKind::Changed, "what steps refer to"));
    }
    changes.sort_by_key(|c| c.group);
    compared.cosmetic.sort_unstable();
    Comparison {
        same: changes.is_empty(),
        changes,
        cosmetic: compared.cosmetic,
        files: compared.pairs,
    }
}

/// The changes of the schedule that travels along with an integration.
fn schedule(pair: &FilePair, before: &Files, after: &Files) -> Vec<Change> {
    let of = |files: &'_ Files, path: &Option<String>| files.get(path.as_ref()?).cloned();
    let (x, y) = (of(before, &pair.before), of(after, &pair.after));
    let Some(file) = pair.name().strip_prefix("schedule/") else { return Vec::new() };
    let found =
        project_files::schedule_of(file.trim_end_matches(".xml"), (x.as_deref(), y.as_deref()));
    let files = (pair.before.as_deref(), pair.after.as_deref());
    found.into_iter().map(|c| c.in_files(files.0, files.1)).collect()
}

fn endpoints(a: &Integration, b: &Integration, pairs: &EndpointPairs) -> Vec<Change> {
    let mut out = Vec::new();
    for (x, y) in pairs {
        // An endpoint that came or went with its step is part of the step's change.
        let (Some(x), Some(y)) = (x.map(|x| &a.endpoints[x]), y.map(|y| &b.endpoints[y])) else {
            continue;
        };
        let files = (jca_of(x), jca_of(y));
        let mut found = Vec::new();
        for (field, before, after) in [
            ("name", &x.name, &y.name),
            ("connection", &x.connection, &y.connection),
            ("adapter", &x.adapter, &y.adapter),
            ("exchange pattern", &x.mep, &y.mep),
            ("role", &x.role, &y.role),
        ] {
            if before != after {
                let change = Change::new(
                    ChangeGroup::Endpoint,
                    ChangeKind::Changed,
                    format!("{}: {field}", y.name),
                );
                found.push(
                    change.values(Some(before.clone()), Some(after.clone())).at(before.as_str()),
                );
            }
        }
        found.extend(steps::settings(
            &y.name,
            ChangeGroup::Endpoint,
            &x.settings,
            &y.settings,
            same_in_jca,
        ));
        if found.is_empty() && x.operation != y.operation {
            let change = Change::new(
                ChangeGroup::Endpoint,
                ChangeKind::Changed,
                format!("{}: operation", y.name),
            );
            found.push(change.values(Some(x.operation.clone()), Some(y.operation.clone())));
        }
        out.extend(found.into_iter().map(|c| c.in_files(files.0, files.1)));
    }
    out
}

fn jca_of(endpoint: &Endpoint) -> Option<&str> {
    endpoint.files.iter().find(|f| f.ends_with(".jca")).map(String::as_str)
}

fn about(a: &Integration, b: &Integration) -> Vec<Change> {
    let mut out = Vec::new();
    let mut field = |name: &str, before: &str, after: &str| {
        if before != after {
            let change = Change::new(ChangeGroup::Integration, ChangeKind::Changed, name);
            out.push(change.values(Some(before.to_owned()), Some(after.to_owned())).at(before));
        }
    };
    field("code", &a.id.code, &b.id.code);
    field("version", &a.id.version.to_string(), &b.id.version.to_string());
    field("name", &a.name, &b.name);
    field("description", &a.description, &b.description);
    let other_form = a.in_project != b.in_project;
    let kept = |all: &BTreeMap<String, String>| -> Vec<(String, String)> {
        all.iter()
            .filter(|(k, _)| {
                !["project_code", "project_version", "project_name"].contains(&k.as_str())
            })
            .filter(|(k, v)| !other_form || is_identity(k, v))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    out.extend(steps::settings(
        "attribute",
        ChangeGroup::Integration,
        &kept(&a.attributes),
        &kept(&b.attributes),
        |_, before, after| before == after,
    ));
    out
}

fn tracking(before: &[Tracking], after: &[Tracking]) -> Vec<Change> {
    let shown = |t: &Tracking| {
        format!("{}{} = {}", t.name, if t.primary { " (primary)" } else { "" }, t.xpath)
    };
    // Identifiers of one role stand in their order: old exports write no role.
    let by_role = |all: &[Tracking]| -> BTreeMap<(String, usize), Tracking> {
        let place = |i: usize| all[..i].iter().filter(|t| t.role == all[i].role).count();
        let key = |i: usize| (all[i].role.clone(), place(i));
        all.iter().enumerate().map(|(i, t)| (key(i), t.clone())).collect()
    };
    let (before, after) = (by_role(before), by_role(after));
    let roles: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    roles
        .into_iter()
        .map(|role| (before.get(role), after.get(role)))
        .filter(|(before, after)| before != after)
        .map(|(before, after)| {
            let name = after.or(before).map(|t| t.name.clone()).unwrap_or_default();
            let (b, a) = (before.map(shown), after.map(shown));
            Change::between(ChangeGroup::Tracking, name, b.as_deref(), a.as_deref())
                .in_files(Some(PROJECT), Some(PROJECT))
                .at("trackingVariable")
        })
        .collect()
}

const PROJECT: &str = "PROJECT-INF/project.xml";

/// Compares the copies of connections, paired by code.
pub fn connections<'c>(
    before: impl Iterator<Item = &'c Connection>,
    after: impl Iterator<Item = &'c Connection>,
) -> Vec<Change> {
    let before: BTreeMap<&str, &Connection> = before.map(|c| (c.code.as_str(), c)).collect();
    let after: BTreeMap<&str, &Connection> = after.map(|c| (c.code.as_str(), c)).collect();
    let mut out = Vec::new();
    for (code, x) in &before {
        // [`uses`] gives the change for a connection that is no longer used.
        let Some(y) = after.get(code) else { continue };
        let of = |c: &Connection| -> Vec<(String, String)> {
            let fields = [
                ("name", &c.name),
                ("adapter", &c.adapter),
                ("description", &c.description),
                ("policy", &c.policy),
            ];
            let agent = c.agent.iter().map(|a| ("agent group".to_owned(), a.clone()));
            let attached =
                c.attachments.iter().map(|a| (format!("attachment {}", a.property), a.shown()));
            let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v.clone()));
            fields.chain(agent).chain(attached).chain(c.properties.iter().cloned()).collect()
        };
        let found =
            steps::settings(code, ChangeGroup::Connection, &of(x), &of(y), same_in_connection);
        out.extend(found.into_iter().map(|c| c.in_files(Some(&x.file), Some(&y.file))));
    }
    out
}

/// Compares the copies of lookups, paired by name.
pub fn lookups<'l>(
    folder: &str,
    before: impl Iterator<Item = &'l Lookup>,
    after: impl Iterator<Item = &'l Lookup>,
) -> Vec<Change> {
    let before: BTreeMap<&str, &Lookup> = before.map(|l| (l.name.as_str(), l)).collect();
    let after: BTreeMap<&str, &Lookup> = after.map(|l| (l.name.as_str(), l)).collect();
    let shared = before.iter().filter_map(|(name, x)| Some((name, x, after.get(name)?)));
    shared
        .flat_map(|(name, x, y)| {
            let file = format!("{folder}{name}.dvm");
            compare_lookup(x, y, Some(&file), Some(&file))
        })
        .collect()
}

/// Compares one lookup row by row: the first column names a row, with the next cells where that is
/// not enough.
pub fn compare_lookup(
    a: &Lookup,
    b: &Lookup,
    file_a: Option<&str>,
    file_b: Option<&str>,
) -> Vec<Change> {
    let name = if b.name.is_empty() { &a.name } else { &b.name };
    let mut out = Vec::new();
    let mut field = |what: &str, before: String, after: String| {
        if before != after {
            let change =
                Change::new(ChangeGroup::Lookup, ChangeKind::Changed, format!("{name}: {what}"));
            out.push(change.values(Some(before), Some(after)));
        }
    };
    field("name", a.name.clone(), b.name.clone());
    field("description", a.description.clone(), b.description.clone());
    field("columns", a.columns.join(", "), b.columns.join(", "));
    let (rows_a, rows_b) = (keyed(a), keyed(b));
    let keys: BTreeSet<&String> = rows_a.keys().chain(rows_b.keys()).collect();
    for key in keys {
        match (rows_a.get(key), rows_b.get(key)) {
            (Some(x), Some(y)) => out.extend(cells(name, key, (a, *x), (b, *y))),
            (x, y) => {
                let line = |row: Option<&&Vec<String>>| row.map(|r| r.join(" │ "));
                let (before, after) = (line(x), line(y));
                let change = Change::between(
                    ChangeGroup::Lookup,
                    format!("{name}: row {key}"),
                    before.as_deref(),
                    after.as_deref(),
                );
                out.push(change.at(key.as_str()));
            }
        }
    }
    if out.is_empty() && a.rows != b.rows {
        out.push(Change::new(
            ChangeGroup::Lookup,
            ChangeKind::Moved,
            format!("{name}: the rows stand in another order"),
        ));
    }
    out.into_iter().map(|c| c.in_files(file_a, file_b)).collect()
}

fn keyed(lookup: &Lookup) -> BTreeMap<String, &Vec<String>> {
    let mut firsts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &lookup.rows {
        *firsts.entry(row.first().map_or("", String::as_str)).or_default() += 1;
    }
    let mut out = BTreeMap::new();
    for row in &lookup.rows {
        let first = row.first().map_or("", String::as_str);
        let mut key = if firsts[first] == 1 { first.to_owned() } else { row.join(" │ ") };
        while out.contains_key(&key) {
            key.push('+');
        }
        out.insert(key, row);
    }
    out
}

fn cells(
    name: &str,
    key: &str,
    (a, x): (&Lookup, &Vec<String>),
    (b, y): (&Lookup, &Vec<String>),
) -> Vec<Change> {
    let value = |l: &Lookup, row: &[String], column: &str| {
        let at = l.columns.iter().position(|c| c == column)?;
        row.get(at).cloned()
    };
    // A column that came or went is one change for all rows.
    let shared = b.columns.iter().filter(|c| a.columns.contains(c));
    shared
        .filter_map(|column| {
            let (before, after) = (value(a, x, column), value(b, y, column));
            (before != after).then(|| {
                Change::new(
                    ChangeGroup::Lookup,
                    ChangeKind::Changed,
                    format!("{name}: row {key}, {column}"),
                )
                .values(before, after)
                .at(key)
            })
        })
        .collect()
}

/// The dependencies that the later integration has and the earlier had not, and the other way
/// round.
fn uses(a: &Integration, b: &Integration) -> Vec<Change> {
    let names = |it: &Integration| -> BTreeSet<(NeedKind, String)> {
        it.needs.iter().map(|n| (n.kind, n.name.clone())).collect()
    };
    let (before, after) = (names(a), names(b));
    let group = |kind| match kind {
        NeedKind::Connection | NeedKind::Agent | NeedKind::Certificate => {
            Some(ChangeGroup::Connection)
        }
        NeedKind::Lookup => Some(ChangeGroup::Lookup),
        NeedKind::Library => Some(ChangeGroup::Library),
        NeedKind::Event => Some(ChangeGroup::Event),
        // These changes are in the flow already: the endpoint that calls the integration, and the
        // trigger.
        NeedKind::Integration | NeedKind::Schedule => None,
    };
    let told = |kind, change, name: &str, words: &str| {
        Some(Change::new(
            group(kind)?,
            change,
            format!("{} {name} {words}", prefix(kind)).trim_start().to_owned(),
        ))
    };
    let gone = before
        .difference(&after)
        .filter_map(|(k, n)| told(*k, ChangeKind::Removed, n, "no longer used"));
    let come =
        after.difference(&before).filter_map(|(k, n)| told(*k, ChangeKind::Added, n, "now used"));
    gone.chain(come).collect()
}

/// The word before a name whose group does not say what it is.
fn prefix(kind: NeedKind) -> &'static str {
    match kind {
        NeedKind::Agent => "agent group",
        NeedKind::Certificate => "certificate",
        _ => "",
    }
}
