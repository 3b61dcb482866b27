//! Two files as lines side by side, with the changed words marked. XML, JSON and properties are
//! written in one way first, so that a line differs only where something is said differently.

use std::{borrow::Cow, ops::Range};

use imara_diff::{Algorithm, Diff, InternedInput};
use roxmltree::Node;

use crate::archive::{blank, parse_xml, sha256_hex, without_saves_numbers};
use crate::model::thousands;

/// A line of more words than this is not compared word by word but marked whole.
const MAX_WORDS: usize = 2_000;
/// Lines of both sides from which on all from the first difference to the last are one stretch:
/// real files have under 7,000 each, and the finer way may take time that grows with their square.
const MANY_LINES: usize = 30_000;
/// Real files nest under 60.
const MAX_DEPTH: usize = 200;

/// How a row's two lines stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    Same,
    Changed,
    Added,
    Removed,
}

/// A stretch of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub changed: bool,
}

/// Two lines side by side, by their place in [`TextDiff::before`] and [`TextDiff::after`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRow {
    pub kind: RowKind,
    pub before: Option<usize>,
    pub after: Option<usize>,
}

/// Two files side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextDiff {
    pub before: Vec<String>,
    pub after: Vec<String>,
    pub rows: Vec<TextRow>,
    pub added: usize,
    pub removed: usize,
}

impl TextDiff {
    /// Compares the bytes of two files; a side without bytes is empty. `path` tells how they are to
    /// be read.
    pub fn of(path: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        let lines = |bytes: Option<&[u8]>| bytes.map(|b| normal_lines(path, b)).unwrap_or_default();
        Self::of_lines(lines(before), lines(after))
    }

    /// Compares lines as they are shown. Lines that differ only in the numbers that a save deals
    /// out anew (`processor_24`) are the same.
    pub fn of_lines(before: Vec<String>, after: Vec<String>) -> Self {
        let (keys_before, keys_after) = (keys(&before), keys(&after));
        let hunks = match before.len() + after.len() {
            0..MANY_LINES => fine_hunks(&keys_before, &keys_after),
            _ => rough_hunks(&keys_before, &keys_after),
        };
        let mut rows = Vec::with_capacity(before.len().max(after.len()));
        let same = |rows: &mut Vec<TextRow>, i: usize, j: usize, count: usize| {
            let row = |n| TextRow { kind: RowKind::Same, before: Some(i + n), after: Some(j + n) };
            rows.extend((0..count).map(row));
        };
        let (mut i, mut j, mut added, mut removed) = (0, 0, 0, 0);
        for (old, new) in hunks {
            same(&mut rows, i, j, old.start - i);
            (removed, added) = (removed + old.len(), added + new.len());
            rows.extend(changed(old.clone(), new.clone()));
            (i, j) = (old.end, new.end);
        }
        same(&mut rows, i, j, before.len() - i);
        Self { before, after, rows, added, removed }
    }

    /// A row's lines with the words that differ marked.
    pub fn spans(&self, row: &TextRow) -> (Vec<Span>, Vec<Span>) {
        let line = |lines: &[String], at: Option<usize>| {
            at.and_then(|i| lines.get(i)).cloned().unwrap_or_default()
        };
        let (x, y) = (line(&self.before, row.before), line(&self.after, row.after));
        match row.kind {
            RowKind::Same => (vec![plain(x)], vec![plain(y)]),
            RowKind::Changed => marked(&x, &y),
            RowKind::Removed => (vec![whole(x)], Vec::new()),
            RowKind::Added => (Vec::new(), vec![whole(y)]),
        }
    }

    /// The first row of each stretch in which something differs.
    pub fn hunks(&self) -> Vec<usize> {
        let differs = |i: &usize| self.rows[*i].kind != RowKind::Same;
        (0..self.rows.len()).filter(|i| differs(i) && (*i == 0 || !differs(&(i - 1)))).collect()
    }

    /// The lines as `diff -u` writes them, without heads.
    pub fn unified(&self, context: usize) -> Vec<String> {
        let near: Vec<bool> = near_a_change(&self.rows, context);
        let mut out = Vec::new();
        let mut skipped = false;
        let mut pending = Vec::new();
        for (row, near) in self.rows.iter().zip(near) {
            if row.kind == RowKind::Same {
                out.append(&mut pending);
            }
            if !near {
                skipped = true;
                continue;
            }
            if std::mem::take(&mut skipped) {
                let at = |n: Option<usize>| n.map_or(0, |n| n + 1);
                out.push(format!("@@ {} {} @@", at(row.before), at(row.after)));
            }
            if row.kind == RowKind::Same {
                out.extend(row.before.map(|i| format!(" {}", self.before[i])));
            } else {
                out.extend(row.before.map(|i| format!("-{}", self.before[i])));
                pending.extend(row.after.map(|i| format!("+{}", self.after[i])));
            }
        }
        out.append(&mut pending);
        out
    }
}

/// Stretches of lines that take the place of others.
type Hunks = Vec<(Range<usize>, Range<usize>)>;

fn fine_hunks(before: &[Cow<'_, str>], after: &[Cow<'_, str>]) -> Hunks {
    let mut input: InternedInput<&str> = InternedInput::default();
    input.update_before(before.iter().map(Cow::as_ref));
    input.update_after(after.iter().map(Cow::as_ref));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let range = |r: Range<u32>| r.start as usize..r.end as usize;
    diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after))).collect()
}

/// One stretch, from the first line that differs to the last: time that grows with the lines alone.
fn rough_hunks(before: &[Cow<'_, str>], after: &[Cow<'_, str>]) -> Hunks {
    let head = before.iter().zip(after).take_while(|(x, y)| x == y).count();
    let rest = (&before[head..], &after[head..]);
    let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(x, y)| x == y).count();
    let differs = head < before.len() - tail || head < after.len() - tail;
    let hunk = (head..before.len() - tail, head..after.len() - tail);
    differs.then_some(hunk).into_iter().collect()
}

fn keys(lines: &[String]) -> Vec<Cow<'_, str>> {
    lines.iter().map(|line| without_saves_numbers(line)).collect()
}

/// The rows of a stretch of lines that takes the place of another: lines in the same place stand
/// side by side.
fn changed(old: Range<usize>, new: Range<usize>) -> impl Iterator<Item = TextRow> {
    (0..old.len().max(new.len())).map(move |n| {
        let (before, after) = (old.clone().nth(n), new.clone().nth(n));
        let kind = match (before, after) {
            (Some(_), Some(_)) => RowKind::Changed,
            (Some(_), None) => RowKind::Removed,
            _ => RowKind::Added,
        };
        TextRow { kind, before, after }
    })
}

fn near_a_change(rows: &[TextRow], context: usize) -> Vec<bool> {
    let mut near = vec![false; rows.len()];
    for (i, _) in rows.iter().enumerate().filter(|(_, r)| r.kind != RowKind::Same) {
        let to = (i + context + 1).min(rows.len());
        near[i.saturating_sub(context)..to].fill(true);
    }
    near
}

fn plain(text: String) -> Span {
    Span { text, changed: false }
}

fn whole(text: String) -> Span {
    Span { text, changed: true }
}

/// Two lines with the words that differ marked. Both are marked whole where they share nothing.
fn marked(x: &str, y: &str) -> (Vec<Span>, Vec<Span>) {
    let (a, b) = (words(x), words(y));
    if a.len() > MAX_WORDS || b.len() > MAX_WORDS {
        return (vec![whole(x.to_owned())], vec![whole(y.to_owned())]);
    }
    let mut input: InternedInput<&str> = InternedInput::default();
    input.update_before(a.iter().copied());
    input.update_after(b.iter().copied());
    let diff = Diff::compute(Algorithm::Histogram, &input);
    (spans(&a, &|i| diff.is_removed(i)), spans(&b, &|i| diff.is_added(i)))
}

fn spans(all: &[&str], is_changed: &dyn Fn(u32) -> bool) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for (i, word) in (0..).zip(all) {
        let changed = is_changed(i);
        match out.last_mut().filter(|s| s.changed == changed) {
            Some(span) => span.text.push_str(word),
            None => out.push(Span { text: (*word).to_owned(), changed }),
        }
    }
    out
}

/// Splits a text into its words and each character between them.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        let end = chars.peek().map_or(text.len(), |(j, _)| *j);
        let goes_on = is_word(c) && chars.peek().is_some_and(|(_, n)| is_word(*n));
        if !goes_on {
            out.push(&text[start..end]);
            start = end;
        }
    }
    out
}

/// A file as lines that can be compared and shown: indented anew, attributes in one order, secrets
/// blanked. A binary file is one line with its size and its SHA-256.
pub fn normal_lines(path: &str, bytes: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![format!(
            "binary, {} bytes, SHA-256 {}",
            thousands(bytes.len()),
            sha256_hex(bytes)
        )];
    };
    let text = blank(path, text.trim_start_matches('\u{feff}'));
    let written = match path.rsplit('.').next().unwrap_or_default() {
        "xml" | "xsl" | "xslt" | "xsd" | "wsdl" | "jca" | "dvm" => pretty_xml(&text),
        "json" => serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|v| serde_json::to_string_pretty(&v).ok())
            .map(|t| t.lines().map(str::to_owned).collect()),
        "properties" => {
            let mut lines: Vec<String> = text
                .lines()
                .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
                .map(str::to_owned)
                .collect();
            if !path.ends_with("expr.properties") {
                lines.sort_unstable();
            }
            Some(lines)
        }
        _ => None,
    };
    written.unwrap_or_else(|| text.lines().map(str::to_owned).collect())
}

fn pretty_xml(text: &str) -> Option<Vec<String>> {
    let doc = parse_xml(text.as_bytes())?;
    let mut out = Vec::new();
    write(doc.root_element(), 0, &mut out);
    Some(out)
}

fn write(node: Node<'_, '_>, depth: usize, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth.min(60));
    if depth > MAX_DEPTH {
        out.push(format!("{indent}… nested too deep to show"));
        return;
    }
    let name = written_name(node);
    let mut open = format!("{indent}<{name}");
    if depth == 0 || node.parent_element().is_some_and(|p| p.namespaces().ne(node.namespaces())) {
        let mut declared: Vec<String> = own_namespaces(node);
        declared.sort_unstable();
        declared.iter().for_each(|d| open.push_str(d));
    }
    let mut attributes: Vec<String> =
        node.attributes().map(|a| written_attribute(node, &a)).collect();
    attributes.sort_unstable();
    attributes.iter().for_each(|a| open.push_str(a));
    let parts: Vec<Node<'_, '_>> = node
        .children()
        .filter(|c| {
            c.is_element()
                || c.is_comment()
                || c.is_text() && c.text().is_some_and(|t| !t.trim().is_empty())
        })
        .collect();
    match parts.as_slice() {
        [] => out.push(format!("{open}/>")),
        [one] if one.is_text() && !one.text().unwrap_or_default().trim().contains('\n') => {
            out.push(format!("{open}>{}</{name}>", escaped(one.text().unwrap_or_default().trim())));
        }
        all => {
            out.push(format!("{open}>"));
            for child in all {
                if child.is_element() {
                    write(*child, depth + 1, out);
                } else {
                    let text = child.text().unwrap_or_default().trim();
                    let (from, to) = if child.is_comment() { ("<!--", "-->") } else { ("", "") };
                    let lines = text.lines().map(|l| escaped(l.trim()));
                    out.extend(lines.map(|l| format!("{indent}  {from}{l}{to}")));
                }
            }
            out.push(format!("{indent}</{name}>"));
        }
    }
}

fn own_namespaces(node: Node<'_, '_>) -> Vec<String> {
    let inherited: Vec<_> =
        node.parent_element().map(|p| p.namespaces().collect()).unwrap_or_default();
    node.namespaces()
        .filter(|n| !inherited.iter().any(|i: &&roxmltree::Namespace<'_>| i == n))
        .filter(|n| n.name() != Some("xml"))
        .map(|n| match n.name() {
            Some(prefix) => format!(" xmlns:{prefix}=\"{}\"", n.uri()),
            None => format!(" xmlns=\"{}\"", n.uri()),
        })
        .collect()
}

fn written_name(node: Node<'_, '_>) -> String {
    let name = node.tag_name().name();
    let prefix = node
        .tag_name()
        .namespace()
        .and_then(|uri| node.lookup_prefix(uri))
        .filter(|p| !p.is_empty());
    prefix.map_or_else(|| name.to_owned(), |p| format!("{p}:{name}"))
}

fn written_attribute(node: Node<'_, '_>, attribute: &roxmltree::Attribute<'_, '_>) -> String {
    let prefix =
        attribute.namespace().and_then(|uri| node.lookup_prefix(uri)).filter(|p| !p.is_empty());
    let prefix = prefix.map(|p| format!("{p}:")).unwrap_or_default();
    let (name, value) = (attribute.name(), escaped(attribute.value()));
    // An expression quotes with one kind of mark. The other kind around the value keeps it
    // readable.
    match (value.contains('"'), value.contains('\'')) {
        (true, false) => format!(" {prefix}{name}='{value}'"),
        (true, true) => format!(" {prefix}{name}=\"{}\"", value.replace('"', "&quot;")),
        (false, _) => format!(" {prefix}{name}=\"{value}\""),
    }
}

fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['&', '<']) {
        Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_are_compared_in_one_stretch() {
        let lines = |changed: std::ops::Range<usize>| -> Vec<String> {
            let line =
                |n: usize| format!("{}{}", n % 7, if changed.contains(&n) { "x" } else { "" });
            (0..MANY_LINES).map(line).collect()
        };
        let diff = TextDiff::of_lines(lines(0..0), lines(100..20_000));
        assert_eq!((diff.removed, diff.added), (19_900, 19_900));
        assert_eq!(diff.rows.len(), MANY_LINES);
        assert_eq!(diff.hunks(), [100]);
        let same = TextDiff::of_lines(lines(0..9), lines(0..9));
        assert_eq!((same.removed, same.added, same.hunks().len()), (0, 0, 0));
        let longer = TextDiff::of_lines(lines(0..0), [lines(0..0), vec!["end".into()]].concat());
        assert_eq!((longer.removed, longer.added), (0, 1));
    }
}
