//! Finds which step of one flow corresponds to which of the other, by what the steps are and refer
//! to, not by number. The tree matching finds moves: siblings are aligned from the top, then what
//! is left over is looked for elsewhere in the tree (after GumTree, Falleri et al. 2014).

use std::collections::HashMap;

use crate::archive::{FlowStep, FlowStepKind, Integration};

/// Children beyond this are aligned by greedy search: the table of an alignment is quadratic.
const MAX_ALIGNED: usize = 1_500;

/// A step in its tree, in the order of the flow.
#[derive(Debug)]
pub struct StepNode<'s> {
    pub step: &'s FlowStep,
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    /// What it is and refers to: `invoke getWorkers`.
    pub key: String,
    /// All that the step and the steps below it say.
    pub content: String,
}

/// A flow as a list of nodes.
#[derive(Debug)]
pub struct StepTree<'s> {
    pub nodes: Vec<StepNode<'s>>,
    pub roots: Vec<usize>,
}

impl<'s> StepTree<'s> {
    /// The steps of a flow as nodes in the order of reading, parents before children.
    pub fn of(it: &'s Integration) -> Self {
        let mut this = Self { nodes: Vec::new(), roots: Vec::new() };
        this.roots = it.flow.iter().map(|s| this.add(it, s, None)).collect();
        this
    }

    fn add(&mut self, it: &Integration, step: &'s FlowStep, parent: Option<usize>) -> usize {
        let i = self.nodes.len();
        self.nodes.push(StepNode {
            step,
            parent,
            children: Vec::new(),
            key: key(it, step),
            content: String::new(),
        });
        let children: Vec<usize> = step.children.iter().map(|c| self.add(it, c, Some(i))).collect();
        let mut content = own_content(it, step);
        children.iter().for_each(|c| {
            content.push('\u{1}');
            content.push_str(&self.nodes[*c].content);
        });
        content.push('\u{2}');
        self.nodes[i].children = children;
        self.nodes[i].content = content;
        i
    }

    fn children(&self, parent: Option<usize>) -> &[usize] {
        parent.map_or(&self.roots, |p| &self.nodes[p].children)
    }

    /// Adds the keys of all nodes below a node to `out`.
    fn keys_below<'t>(&'t self, node: usize, out: &mut Vec<&'t str>) {
        for child in &self.nodes[node].children {
            out.push(&self.nodes[*child].key);
            self.keys_below(*child, out);
        }
    }
}

fn key(it: &Integration, step: &FlowStep) -> String {
    let name = match (&step.kind, step.endpoint, step.mapping) {
        (_, Some(endpoint), _) => it.endpoints[endpoint].name.as_str(),
        (_, _, Some(mapping)) => it.mappings[mapping].target.as_str(),
        (FlowStepKind::Logger, ..) if step.name.is_empty() => step.detail.as_str(),
        _ => step.name.as_str(),
    };
    format!("{} {name}", step.kind)
}

/// What a step says, without what is below it.
fn own_content(it: &Integration, step: &FlowStep) -> String {
    let mut out = format!("{} {} {:?}", step.kind, step.name, step.settings);
    step.expressions
        .iter()
        .for_each(|(role, e)| out.push_str(&format!("{role} {}", e.canonical())));
    if let Some(mapping) = step.mapping {
        out.push_str(&format!("{:?}", it.mappings[mapping].assignments));
    }
    if let Some(endpoint) = step.endpoint {
        let e = &it.endpoints[endpoint];
        out.push_str(&format!("{} {} {} {:?}", e.name, e.connection, e.mep, e.settings));
    }
    out
}

/// Which node of one tree corresponds to which of the other. A node that is missing was added or
/// removed.
#[derive(Debug, Default)]
pub struct Matching {
    pub to_after: HashMap<usize, usize>,
    pub to_before: HashMap<usize, usize>,
    /// Nodes of the later tree that stand elsewhere than before.
    pub moved: Vec<usize>,
}

impl Matching {
    fn pair(&mut self, a: usize, b: usize) {
        self.to_after.insert(a, b);
        self.to_before.insert(b, a);
    }

    fn is_free(&self, a: usize, b: usize) -> bool {
        !self.to_after.contains_key(&a) && !self.to_before.contains_key(&b)
    }
}

/// Matches two flows.
pub fn match_trees(a: &StepTree<'_>, b: &StepTree<'_>) -> Matching {
    let mut found = Matching::default();
    align(a, b, None, None, &mut found);
    // A scope or branch that was renamed keeps its steps. It is paired first, so that these steps
    // are not taken for moved.
    pair_unpaired(a, b, Unpaired::WithSteps, &mut found);
    find_moved(a, b, &mut found);
    pair_unpaired(a, b, Unpaired::All, &mut found);
    found.moved.sort_unstable();
    found
}

/// Aligns the children of two nodes in their order, and goes down where they fit.
fn align(
    a: &StepTree<'_>,
    b: &StepTree<'_>,
    pa: Option<usize>,
    pb: Option<usize>,
    found: &mut Matching,
) {
    let free_a: Vec<usize> =
        a.children(pa).iter().copied().filter(|i| !found.to_after.contains_key(i)).collect();
    let free_b: Vec<usize> =
        b.children(pb).iter().copied().filter(|i| !found.to_before.contains_key(i)).collect();
    for (i, j) in best_alignment(a, b, &free_a, &free_b) {
        found.pair(i, j);
        align(a, b, Some(i), Some(j), found);
    }
}

/// How well two nodes fit; none where their keys differ.
fn weight(a: &StepTree<'_>, b: &StepTree<'_>, i: usize, j: usize) -> Option<f64> {
    let (x, y) = (&a.nodes[i], &b.nodes[j]);
    if x.key != y.key {
        return None;
    }
    if x.content == y.content {
        return Some(4.0);
    }
    Some(
        2.0 + if x.children.is_empty() && y.children.is_empty() {
            1.0
        } else {
            shared_below(a, b, i, j)
        },
    )
}

/// The share of keys that two subtrees have in common, 0 to 1.
fn shared_below(a: &StepTree<'_>, b: &StepTree<'_>, i: usize, j: usize) -> f64 {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    a.keys_below(i, &mut x);
    b.keys_below(j, &mut y);
    shared(&mut x, &mut y)
}

/// Sørensen–Dice over two lists, 0 to 1.
fn shared<T: Ord>(x: &mut [T], y: &mut [T]) -> f64 {
    if x.is_empty() && y.is_empty() {
        return 1.0;
    }
    x.sort_unstable();
    y.sort_unstable();
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < x.len() && j < y.len() {
        match x[i].cmp(&y[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    2.0 * f64::from(both) / (x.len() + y.len()) as f64
}

/// The pairs, in the same order on both sides, whose weights add up to the most.
fn best_alignment(
    a: &StepTree<'_>,
    b: &StepTree<'_>,
    xs: &[usize],
    ys: &[usize],
) -> Vec<(usize, usize)> {
    // Nodes that are equal at the beginning and at the end need no table.
    let same = |i: &usize, j: &usize| a.nodes[*i].content == b.nodes[*j].content;
    let head = xs.iter().zip(ys).take_while(|(i, j)| same(i, j)).count();
    let (xs_rest, ys_rest) = (&xs[head..], &ys[head..]);
    let tail =
        xs_rest.iter().rev().zip(ys_rest.iter().rev()).take_while(|(i, j)| same(i, j)).count();
    let (xs_mid, ys_mid) = (&xs_rest[..xs_rest.len() - tail], &ys_rest[..ys_rest.len() - tail]);
    let mut pairs: Vec<_> = xs[..head].iter().copied().zip(ys[..head].iter().copied()).collect();
    if xs_mid.len() <= MAX_ALIGNED && ys_mid.len() <= MAX_ALIGNED {
        pairs.extend(align_by_table(a, b, xs_mid, ys_mid));
    }
    let tails = xs_rest[xs_rest.len() - tail..]
        .iter()
        .copied()
        .zip(ys_rest[ys_rest.len() - tail..].iter().copied());
    pairs.extend(tails);
    pairs
}

fn align_by_table(
    a: &StepTree<'_>,
    b: &StepTree<'_>,
    xs: &[usize],
    ys: &[usize],
) -> Vec<(usize, usize)> {
    let width = ys.len() + 1;
    let mut best = vec![0.0_f64; (xs.len() + 1) * width];
    let mut weights = vec![None; xs.len() * ys.len()];
    for (i, x) in xs.iter().enumerate().rev() {
        for (j, y) in ys.iter().enumerate().rev() {
            let w = weight(a, b, *x, *y);
            weights[i * ys.len() + j] = w;
            let skip = best[(i + 1) * width + j].max(best[i * width + j + 1]);
            let take = w.map_or(0.0, |w| w + best[(i + 1) * width + j + 1]);
            best[i * width + j] = skip.max(take);
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < xs.len() && j < ys.len() {
        let here = best[i * width + j];
        match weights[i * ys.len() + j] {
            Some(w) if here == w + best[(i + 1) * width + j + 1] => {
                pairs.push((xs[i], ys[j]));
                (i, j) = (i + 1, j + 1);
            }
            _ if here == best[(i + 1) * width + j] => i += 1,
            _ => j += 1,
        }
    }
    pairs
}

/// Looks on the whole other side for the steps that are left over on one: first by the same
/// content, then by the same key.
fn find_moved(a: &StepTree<'_>, b: &StepTree<'_>, found: &mut Matching) {
    let by_content = |tree: &StepTree<'_>, i: usize| tree.nodes[i].content.clone();
    let by_key = |tree: &StepTree<'_>, i: usize| tree.nodes[i].key.clone();
    for name in [&by_content as &dyn Fn(&StepTree<'_>, usize) -> String, &by_key] {
        let mut free: HashMap<String, Vec<usize>> = HashMap::new();
        for j in (0..b.nodes.len()).rev().filter(|j| !found.to_before.contains_key(j)) {
            free.entry(name(b, j)).or_default().push(j);
        }
        for i in 0..a.nodes.len() {
            if found.to_after.contains_key(&i) || !is_told_apart(&a.nodes[i]) {
                continue;
            }
            let Some(j) = free.get_mut(&name(a, i)).and_then(Vec::pop) else { continue };
            if found.is_free(i, j) {
                found.pair(i, j);
                found.moved.push(j);
                align(a, b, Some(i), Some(j), found);
            }
        }
    }
}

/// Whether a step can be told from all others. An unnamed branch or a stop says nothing about where
/// it was.
fn is_told_apart(node: &StepNode<'_>) -> bool {
    let named =
        node.key.trim_end() != node.step.kind.word() && node.step.name != node.step.kind.label();
    named || !node.children.is_empty() || !node.step.expressions.is_empty()
}

/// Which of the steps that are left are paired.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unpaired {
    /// Scopes and branches that hold steps.
    WithSteps,
    All,
}

/// Pairs the steps that are left under matched parents, where two are of one kind and alike: one is
/// the other renamed.
fn pair_unpaired(a: &StepTree<'_>, b: &StepTree<'_>, which: Unpaired, found: &mut Matching) {
    let mut parents: Vec<(Option<usize>, Option<usize>)> = vec![(None, None)];
    parents.extend(found.to_after.iter().map(|(i, j)| (Some(*i), Some(*j))));
    parents.sort_unstable();
    while let Some((pa, pb)) = parents.pop() {
        let free = |tree: &StepTree<'_>, parent, taken: &HashMap<usize, usize>| -> Vec<usize> {
            tree.children(parent).iter().copied().filter(|i| !taken.contains_key(i)).collect()
        };
        for i in free(a, pa, &found.to_after) {
            if which == Unpaired::WithSteps && a.nodes[i].children.is_empty() {
                continue;
            }
            let candidates = free(b, pb, &found.to_before);
            let of_kind: Vec<usize> = candidates
                .into_iter()
                .filter(|j| b.nodes[*j].step.kind == a.nodes[i].step.kind)
                .collect();
            let alike = |j: &usize| (likeness(a, b, i, *j) * 1000.0) as u32;
            let Some(j) =
                of_kind.iter().copied().max_by_key(alike).filter(|j| likeness(a, b, i, *j) >= 0.5)
            else {
                continue;
            };
            if changed_places(a.children(pa), i, j, found) {
                found.moved.push(j);
            }
            found.pair(i, j);
            align(a, b, Some(i), Some(j), found);
            parents.push((Some(i), Some(j)));
        }
    }
}

/// Whether a step that is to be paired stands on another side of a sibling than before.
fn changed_places(siblings: &[usize], i: usize, j: usize, found: &Matching) -> bool {
    siblings.iter().any(|sibling| {
        let other = found.to_after.get(sibling).filter(|other| !found.moved.contains(other));
        other.is_some_and(|other| (*sibling < i) != (*other < j))
    })
}

/// How much two steps of one kind have in common, 0 to 1.
fn likeness(a: &StepTree<'_>, b: &StepTree<'_>, i: usize, j: usize) -> f64 {
    let (x, y) = (&a.nodes[i], &b.nodes[j]);
    if !x.children.is_empty() || !y.children.is_empty() {
        return shared_below(a, b, i, j).max(if x.key == y.key { 0.6 } else { 0.0 });
    }
    let words = |step: &FlowStep| -> Vec<String> {
        let expressions = step.expressions.iter().map(|(role, e)| format!("{role} {}", e.xpath));
        step.settings.iter().map(|(k, v)| format!("{k} {v}")).chain(expressions).collect()
    };
    let (mut wx, mut wy) = (words(x.step), words(y.step));
    let named = wx.is_empty() && wy.is_empty();
    if named { if x.key == y.key { 1.0 } else { 0.0 } } else { shared(&mut wx, &mut wy) }
}

#[cfg(test)]
mod matching {
    use rstest::rstest;

    use super::super::fixture::{iar, opened};
    use super::*;
    use crate::archive::UnpackedArchive;

    /// A flow from its outline: a step a line, `kind name=setting`; what stands below a step is
    /// indented by one blank more.
    fn flow(outline: &str) -> UnpackedArchive {
        let mut orchestration = String::new();
        let mut open: Vec<&str> = Vec::new();
        for line in outline.lines() {
            let depth = line.len() - line.trim_start().len();
            while open.len() > depth {
                orchestration.push_str(&format!("</{}>", open.pop().unwrap()));
            }
            let (kind, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            let (name, setting) = rest.split_once('=').unwrap_or((rest, "0"));
            orchestration.push_str(&format!("<{kind} name=\"{name}\" a=\"{setting}\">"));
            open.push(kind);
        }
        open.iter().rev().for_each(|kind| orchestration.push_str(&format!("</{kind}>")));
        let project = format!("<p><orchestration>{orchestration}</orchestration></p>");
        let attributes = "project_code=SYNC\nproject_version=01.00.0000\n".to_owned();
        let files = [
            ("PROJECT-INF/project.xml".to_owned(), project),
            ("ics_project_attributes.properties".to_owned(), attributes),
        ];
        opened(&iar(files.into()), "a.iar")
    }

    /// `a=b` for each pair by name, with `>` where it moved; what has no pair is left out.
    fn pairs(before: &str, after: &str) -> String {
        let (x, y) = (flow(before), flow(after));
        let (a, b) = (&x.contents.integrations()[0], &y.contents.integrations()[0]);
        let (a, b) = (StepTree::of(a), StepTree::of(b));
        let found = match_trees(&a, &b);
        let mut out: Vec<String> = Vec::new();
        for (i, node) in a.nodes.iter().enumerate() {
            let Some(j) = found.to_after.get(&i) else { continue };
            assert_eq!(found.to_before.get(j), Some(&i), "both ways say the same");
            let mark = if found.moved.contains(j) { '>' } else { '=' };
            out.push(format!("{}{mark}{}", node.step.name, b.nodes[*j].step.name));
        }
        out.join(" ")
    }

    #[rstest]
    #[case::the_same("map a\nmap b", "map a\nmap b", "a=a b=b")]
    #[case::one_more("map a\nmap c", "map a\nmap b\nmap c", "a=a c=c")]
    #[case::one_less("map a\nmap b\nmap c", "map a\nmap c", "a=a c=c")]
    #[case::another_setting("map a=1\nmap b", "map a=2\nmap b", "a=a b=b")]
    #[case::two_of_one_name("map a=1\nmap a=2", "map a=0\nmap a=1\nmap a=2", "a=a a=a")]
    #[case::two_swapped("map a\nmap b", "map b\nmap a", "a>a b=b")]
    #[case::into_a_scope("map a\ntry s\n map b", "try s\n map a\n map b", "a>a s=s b=b")]
    #[case::out_of_a_scope("try s\n map a\n map b", "map a\ntry s\n map b", "s=s a>a b=b")]
    #[case::scope_moved(
        "try s\n map a\nmap b\nmap c",
        "map b\nmap c\ntry s\n map a",
        "s>s a=a b=b c=c"
    )]
    #[case::scope_renamed("try s\n map a\n map b", "try t\n map a\n map b", "s=t a=a b=b")]
    #[case::renamed_by_its_setting("map a=1", "map b=1", "a=b")]
    #[case::renamed_and_another_setting("map a=1", "map b=2", "")]
    #[case::another_kind("map a", "log a", "")]
    #[case::wrapped("map a\nmap b", "try s\n map a\n map b", "a>a b>b")]
    #[case::empty("", "map a", "")]
    fn steps_are_paired_by_what_they_are(
        #[case] before: &str,
        #[case] after: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(pairs(before, after), expected);
    }

    #[test]
    fn a_flow_too_long_for_a_table_still_matches_at_its_ends() {
        let long = |middle: &str| {
            let steps = |from: usize| (from..from + 900).map(|i| format!("map s{i}\n"));
            steps(0).chain([middle.to_owned()]).chain(steps(900)).collect::<String>()
        };
        let found = pairs(&long("map x\n"), &long("log y\n"));
        assert_eq!(found.split(' ').count(), 1_800);
    }
}
