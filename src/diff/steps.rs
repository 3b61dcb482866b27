//! Changes of the flow: steps added, removed, moved, and what a step that stayed says differently.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Change, ChangeGroup, ChangeKind,
    tree::{Matching, StepTree},
};
use crate::archive::{
    Assignment, Expression, FlowStep, FlowStepKind, Integration, blank_value, count_steps,
    same_in_jca, short_expression,
};
use crate::model::plural;

/// Pairs of endpoints before and after, found by the steps that use them.
pub type EndpointPairs = Vec<(Option<usize>, Option<usize>)>;

/// All changes of the flow.
pub fn compare(
    a: &Integration,
    b: &Integration,
    trees: (&StepTree<'_>, &StepTree<'_>),
    matching: &Matching,
) -> Vec<Change> {
    let (before, after) = trees;
    let mut out = Vec::new();
    for (j, node) in after.nodes.iter().enumerate() {
        match matching.to_before.get(&j) {
            None if node.parent.is_none_or(|p| matching.to_before.contains_key(&p)) => {
                let place = format!("{}: {}", position(after, j), described(node.step));
                out.push(whole(b, node.step, ChangeKind::Added, place));
            }
            // The step was added together with the step that holds it, which has a change.
            None => {}
            Some(i) => {
                if matching.moved.contains(&j) && !moved_with_parent(before, after, *i, j, matching)
                {
                    let change =
                        Change::new(group_of(node.step), ChangeKind::Moved, node.step.title());
                    out.push(change.values(Some(position(before, *i)), Some(position(after, j))));
                }
                compare_step(a, before.nodes[*i].step, b, node.step, &mut out);
            }
        }
    }
    for (i, node) in before.nodes.iter().enumerate() {
        let parent_stays = node.parent.is_none_or(|p| matching.to_after.contains_key(&p));
        if !matching.to_after.contains_key(&i) && parent_stays {
            let place = format!("{}: {}", position(before, i), described(node.step));
            out.push(whole(a, node.step, ChangeKind::Removed, place));
        }
    }
    out
}

/// Endpoints of matched steps belong together; the others are found by name.
pub fn endpoint_pairs(
    a: &Integration,
    b: &Integration,
    trees: (&StepTree<'_>, &StepTree<'_>),
    matching: &Matching,
) -> EndpointPairs {
    let mut to_b: BTreeMap<usize, usize> = BTreeMap::new();
    for (i, j) in &matching.to_after {
        let ends = (trees.0.nodes[*i].step.endpoint, trees.1.nodes[*j].step.endpoint);
        if let (Some(x), Some(y)) = ends {
            to_b.entry(x).or_insert(y);
        }
    }
    for (x, endpoint) in a.endpoints.iter().enumerate() {
        let same =
            |e: &crate::archive::Endpoint| e.name == endpoint.name && e.role == endpoint.role;
        let taken: BTreeSet<usize> = to_b.values().copied().collect();
        let found = b.endpoints.iter().enumerate().find(|(y, e)| same(e) && !taken.contains(y));
        if let (false, Some((y, _))) = (to_b.contains_key(&x), found) {
            to_b.insert(x, y);
        }
    }
    let taken: BTreeSet<usize> = to_b.values().copied().collect();
    let mut pairs: EndpointPairs =
        (0..a.endpoints.len()).map(|x| (Some(x), to_b.get(&x).copied())).collect();
    pairs.extend((0..b.endpoints.len()).filter(|y| !taken.contains(y)).map(|y| (None, Some(y))));
    pairs
}

fn moved_with_parent(
    before: &StepTree<'_>,
    after: &StepTree<'_>,
    i: usize,
    j: usize,
    matching: &Matching,
) -> bool {
    match (before.nodes[i].parent, after.nodes[j].parent) {
        (Some(p), Some(q)) => matching.to_after.get(&p) == Some(&q) && matching.moved.contains(&q),
        _ => false,
    }
}

fn group_of(step: &FlowStep) -> ChangeGroup {
    if step.kind == FlowStepKind::ScheduleReceive {
        ChangeGroup::Schedule
    } else {
        ChangeGroup::Step
    }
}

/// `after getWorkers`, `first in for each worker`.
fn position(tree: &StepTree<'_>, node: usize) -> String {
    let parent = tree.nodes[node].parent;
    let siblings = parent.map_or(&tree.roots, |p| &tree.nodes[p].children);
    let at = siblings.iter().position(|s| *s == node).unwrap_or_default();
    match (at.checked_sub(1).map(|before| siblings[before]), parent) {
        (Some(before), _) => format!("after {}", tree.nodes[before].step.title()),
        (None, Some(parent)) => format!("first in {}", tree.nodes[parent].step.title()),
        (None, None) => "at the start".into(),
    }
}

fn described(step: &FlowStep) -> String {
    match count_steps(&step.children) {
        0 => step.title(),
        n => format!("{} with {} in it", step.title(), plural(n, "step")),
    }
}

fn whole(it: &Integration, step: &FlowStep, change: ChangeKind, place: String) -> Change {
    let detail =
        (!step.detail.is_empty()).then(|| blank_value(&step.name, &step.detail).into_owned());
    let file = step
        .files
        .first()
        .cloned()
        .or_else(|| it.endpoints.get(step.endpoint?)?.files.first().cloned());
    let change = Change::new(group_of(step), change, place);
    match change.change {
        ChangeKind::Added => change.values(None, detail).in_files(None, file.as_deref()),
        _ => change.values(detail, None).in_files(file.as_deref(), None),
    }
}

/// Compares what a step that stayed says before and after.
fn compare_step(
    a: &Integration,
    x: &FlowStep,
    b: &Integration,
    y: &FlowStep,
    out: &mut Vec<Change>,
) {
    let start = out.len();
    if let (Some(m), Some(n)) = (x.mapping, y.mapping) {
        let (m, n) = (&a.mappings[m], &b.mappings[n]);
        let files = (m.file.as_str(), n.file.as_str());
        compare_assignments(&y.title(), &m.assignments, &n.assignments, files, out);
    }
    compare_expressions(x, y, out);
    // A name that comes from the step's expression or endpoint has its change there.
    let told = out.len() > start || y.endpoint.is_some() || y.mapping.is_some();
    if x.name != y.name && !told {
        let change = Change::new(group_of(y), ChangeKind::Changed, format!("{}: name", y.title()));
        out.push(change.values(Some(x.name.clone()), Some(y.name.clone())));
    }
    let told = out.len() > start;
    for change in settings(&y.title(), group_of(y), &x.settings, &y.settings, same_in_jca) {
        // What a step reads and fills follows from its mapping or expression.
        let follows =
            ["reads", "input", "output"].iter().any(|k| change.place.ends_with(&format!(": {k}")));
        if !(told && follows) {
            // A part of an e-mail has a file of its own.
            let part = change.place.rsplit(": ").next().unwrap_or_default();
            let part = format!("/notification_{part}.data");
            let file = |step: &'_ FlowStep| {
                let own = step.files.iter().find(|f| f.ends_with(&part));
                own.or(step.files.first()).cloned()
            };
            let (x, y) = (file(x), file(y));
            out.push(change.in_files(x.as_deref(), y.as_deref()));
        }
    }
}

/// Compares assignments by target path. Where a path is filled more than once, they are paired by
/// their order.
fn compare_assignments(
    title: &str,
    before: &[Assignment],
    after: &[Assignment],
    files: (&str, &str),
    out: &mut Vec<Change>,
) {
    let paths: BTreeSet<&str> = before.iter().chain(after).map(|a| a.target.as_str()).collect();
    for path in paths {
        let of = |all: &'_ [Assignment]| -> Vec<Assignment> {
            all.iter().filter(|a| a.target == path).cloned().collect()
        };
        let (mut old, mut new) = (of(before), of(after));
        drop_shared(&mut old, &mut new, |o, n| (&o.exact, &o.within) == (&n.exact, &n.within));
        for i in 0..old.len().max(new.len()) {
            let (b, a) = (old.get(i), new.get(i));
            let shown = |assignment: Option<&Assignment>, other: Option<&Assignment>| {
                let assignment = assignment?;
                let elsewhere = other.is_some_and(|o| o.within != assignment.within);
                let within = if elsewhere || other.is_none() && !assignment.within.is_empty() {
                    format!(" [{}]", assignment.within.join(" › "))
                } else {
                    String::new()
                };
                Some(format!("{}{within}", assignment.shown()))
            };
            let field = path.rsplit('/').next().unwrap_or(path).trim_start_matches(['@', '$']);
            let (before, after) = (shown(b, a), shown(a, b));
            let place = format!("{title}: {path}");
            let change =
                Change::between(ChangeGroup::Mapping, place, before.as_deref(), after.as_deref());
            out.push(change.in_files(Some(files.0), Some(files.1)).at(field));
        }
    }
}

fn compare_expressions(x: &FlowStep, y: &FlowStep, out: &mut Vec<Change>) {
    let roles: BTreeSet<&str> =
        x.expressions.iter().chain(&y.expressions).map(|(r, _)| r.as_str()).collect();
    for role in roles {
        let of = |step: &'_ FlowStep| -> Vec<Expression> {
            step.expressions.iter().filter(|(r, _)| r == role).map(|(_, e)| e.clone()).collect()
        };
        let (old, new) = (of(x), of(y));
        for i in 0..old.len().max(new.len()) {
            let (b, a) = (old.get(i), new.get(i));
            if b.map(Expression::canonical) == a.map(Expression::canonical) {
                continue;
            }
            let place = if role.is_empty() { y.title() } else { format!("{}: {role}", y.title()) };
            let written = |e: Option<&Expression>| e.map(|e| shown(e, b, a));
            let (file_b, file_a) = (b.map(|e| e.file.as_str()), a.map(|e| e.file.as_str()));
            let (before, after) = (written(b), written(a));
            let change = Change::between(
                ChangeGroup::Expression,
                place,
                before.as_deref(),
                after.as_deref(),
            );
            out.push(change.in_files(file_b, file_a).at("XpathExpression"));
        }
    }
}

/// An expression as a change shows it: the short form where it tells the two apart, else the whole,
/// else everything.
fn shown(e: &Expression, b: Option<&Expression>, a: Option<&Expression>) -> String {
    let differ = |part: &dyn Fn(&Expression) -> String| b.map(part) != a.map(part);
    let text = if differ(&|e| e.shown().to_owned()) {
        e.shown().to_owned()
    } else if differ(&|e| short_expression(&e.written)) {
        short_expression(&e.written)
    } else if differ(&|e| e.xpath.clone()) {
        e.xpath.clone()
    } else if differ(&|e| e.variable.clone()) {
        e.variable.clone()
    } else if differ(&|e| e.name.clone()) {
        e.name.clone()
    } else {
        e.others.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ")
    };
    blank_value(&e.variable, &text).into_owned()
}

/// Drops what both sides have: it is no change, wherever it stands among the others.
fn drop_shared<T>(old: &mut Vec<T>, new: &mut Vec<T>, same: impl Fn(&T, &T) -> bool) {
    new.retain(|n| match old.iter().position(|o| same(o, n)) {
        Some(at) => {
            old.remove(at);
            false
        }
        None => true,
    });
}

/// Whether two values of one name, or a value and none, say the same.
pub type SameValue = fn(&str, Option<&str>, Option<&str>) -> bool;

/// Compares named values. Each that differs is a change of its own; `same` says which do not.
pub fn settings(
    title: &str,
    group: ChangeGroup,
    before: &[(String, String)],
    after: &[(String, String)],
    same: SameValue,
) -> Vec<Change> {
    let names: BTreeSet<&str> = before.iter().chain(after).map(|(k, _)| k.as_str()).collect();
    let mut out = Vec::new();
    for name in names {
        let of = |all: &'_ [(String, String)]| -> Vec<String> {
            all.iter().filter(|(k, _)| k == name).map(|(_, v)| v.clone()).collect()
        };
        let (mut old, mut new) = (of(before), of(after));
        drop_shared(&mut old, &mut new, |o, n| o == n);
        let bare = name.trim_start_matches("connection.");
        for i in 0..old.len().max(new.len()) {
            let (b, a) = (old.get(i).map(String::as_str), new.get(i).map(String::as_str));
            if same(name, b, a) {
                continue;
            }
            let value = |v: Option<&str>| v.map(|v| blank_value(bare, v).into_owned());
            let (b, a) = (value(b), value(a));
            out.push(
                Change::between(group, format!("{title}: {name}"), b.as_deref(), a.as_deref())
                    .at(bare),
            );
        }
    }
    out
}
