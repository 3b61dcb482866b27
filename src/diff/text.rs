//! Two files as lines side by side, with the changed words marked. XML, JSON and properties are written
//! in one way first, so that a line differs only where something is said differently.

use std::borrow::Cow;

use imara_diff::{Algorithm, Diff, InternedInput};
use roxmltree::Node;

use crate::archive::{blank, parse_xml, sha256_hex};
use crate::model::thousands;

/// Lines longer than this are cut up for words no more: they are marked whole.
const MAX_WORDS: usize = 2_000;
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

/// A line of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub spans: Vec<Span>,
}

/// Two lines side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub kind: RowKind,
    pub before: Option<Line>,
    pub after: Option<Line>,
}

/// Two files side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextDiff {
    pub rows: Vec<Row>,
    pub added: usize,
    pub removed: usize,
}

impl TextDiff {
    /// Of two files' bytes; none is an empty side. `path` tells how they are to be read.
    pub fn of(path: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        let (x, y) = (before.map(|b| normal_lines(path, b)), after.map(|b| normal_lines(path, b)));
        Self::of_lines(&x.unwrap_or_default(), &y.unwrap_or_default())
    }

    /// Of lines as they are.
    pub fn of_lines(before: &[String], after: &[String]) -> Self {
        let mut input: InternedInput<&str> = InternedInput::default();
        input.update_before(before.iter().map(String::as_str));
        input.update_after(after.iter().map(String::as_str));
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_no_heuristic(&input);
        let mut out = Self::default();
        let (mut i, mut j) = (0, 0);
        for hunk in diff.hunks() {
            let (from, to) = (hunk.before.start as usize, hunk.after.start as usize);
            out.same(before, after, (i, j), from - i);
            let old = &before[from..hunk.before.end as usize];
            let new = &after[to..hunk.after.end as usize];
            out.changed((from, old), (to, new));
            (i, j) = (hunk.before.end as usize, hunk.after.end as usize);
        }
        out.same(before, after, (i, j), before.len() - i);
        out
    }

    fn same(&mut self, before: &[String], after: &[String], (i, j): (usize, usize), count: usize) {
        for n in 0..count {
            let line = |lines: &[String], at: usize| Line { number: at + 1, spans: vec![plain(&lines[at])] };
            let (x, y) = (line(before, i + n), line(after, j + n));
            self.rows.push(Row { kind: RowKind::Same, before: Some(x), after: Some(y) });
        }
    }

    /// A stretch of lines for another: those in the same place stand beside each other.
    fn changed(&mut self, (from, old): (usize, &[String]), (to, new): (usize, &[String])) {
        self.removed += old.len();
        self.added += new.len();
        for n in 0..old.len().max(new.len()) {
            let row = match (old.get(n), new.get(n)) {
                (Some(x), Some(y)) => {
                    let (a, b) = marked(x, y);
                    let before = Some(Line { number: from + n + 1, spans: a });
                    Row { kind: RowKind::Changed, before, after: Some(Line { number: to + n + 1, spans: b }) }
                }
                (Some(x), None) => {
                    let line = Line { number: from + n + 1, spans: vec![whole(x)] };
                    Row { kind: RowKind::Removed, before: Some(line), after: None }
                }
                (None, y) => {
                    let spans = y.map(|y| vec![whole(y)]).unwrap_or_default();
                    Row { kind: RowKind::Added, before: None, after: Some(Line { number: to + n + 1, spans }) }
                }
            };
            self.rows.push(row);
        }
    }

    /// As `diff -u` writes it, without heads.
    pub fn unified(&self, context: usize) -> Vec<String> {
        let near: Vec<bool> = near_a_change(&self.rows, context);
        let mut out = Vec::new();
        let mut skipped = false;
        let text = |line: &Line| line.spans.iter().map(|s| s.text.as_str()).collect::<String>();
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
                let at = |l: &Option<Line>| l.as_ref().map_or(0, |l| l.number);
                out.push(format!("@@ {} {} @@", at(&row.before), at(&row.after)));
            }
            match (row.kind, &row.before, &row.after) {
                (RowKind::Same, Some(line), _) => out.push(format!(" {}", text(line))),
                (_, before, after) => {
                    out.extend(before.iter().map(|l| format!("-{}", text(l))));
                    pending.extend(after.iter().map(|l| format!("+{}", text(l))));
                }
            }
        }
        out.append(&mut pending);
        out
    }
}

fn near_a_change(rows: &[Row], context: usize) -> Vec<bool> {
    let mut near = vec![false; rows.len()];
    for (i, _) in rows.iter().enumerate().filter(|(_, r)| r.kind != RowKind::Same) {
        let to = (i + context + 1).min(rows.len());
        near[i.saturating_sub(context)..to].fill(true);
    }
    near
}

fn plain(text: &str) -> Span {
    Span { text: text.to_owned(), changed: false }
}

fn whole(text: &str) -> Span {
    Span { text: text.to_owned(), changed: true }
}

/// Two lines with the words that differ marked; both whole where nothing is shared.
fn marked(x: &str, y: &str) -> (Vec<Span>, Vec<Span>) {
    let (a, b) = (words(x), words(y));
    if a.len() > MAX_WORDS || b.len() > MAX_WORDS {
        return (vec![whole(x)], vec![whole(y)]);
    }
    let mut input: InternedInput<&str> = InternedInput::default();
    input.update_before(a.iter().copied());
    input.update_after(b.iter().copied());
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let spans = |all: &[&str], is_changed: &dyn Fn(u32) -> bool| {
        let mut out: Vec<Span> = Vec::new();
        for (i, word) in all.iter().enumerate() {
            let changed = is_changed(i as u32);
            match out.last_mut().filter(|s| s.changed == changed) {
                Some(span) => span.text.push_str(word),
                None => out.push(Span { text: (*word).to_owned(), changed }),
            }
        }
        out
    };
    (spans(&a, &|i| diff.is_removed(i)), spans(&b, &|i| diff.is_added(i)))
}

/// Words, and each character between them.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let end = chars.peek().map_or(text.len(), |(j, _)| *j);
        let goes_on = is_word(c) && chars.peek().is_some_and(|(_, n)| is_word(*n));
        if !goes_on {
            out.push(&text[start..end]);
            start = end;
        }
        debug_assert!(i < end);
    }
    out
}

/// A file as lines that can be compared and shown: indented anew, attributes in one order, secrets
/// blanked. A binary file is one line that says how large it is and which.
pub fn normal_lines(path: &str, bytes: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![format!("binary, {} bytes, SHA-256 {}", thousands(bytes.len()), sha256_hex(bytes))];
    };
    let text = blank(path, text.trim_start_matches('\u{feff}'));
    let written = match path.rsplit('.').next().unwrap_or_default() {
        "xml" | "xsl" | "xslt" | "xsd" | "wsdl" | "jca" | "dvm" => pretty_xml(&text),
        "json" => serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|v| serde_json::to_string_pretty(&v).ok())
            .map(|t| t.lines().map(str::to_owned).collect()),
        "properties" => {
            let mut lines: Vec<String> =
                text.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()).map(str::to_owned).collect();
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
    let mut attributes: Vec<String> = node.attributes().map(|a| written_attribute(node, &a)).collect();
    attributes.sort_unstable();
    attributes.iter().for_each(|a| open.push_str(a));
    let parts: Vec<Node<'_, '_>> = node
        .children()
        .filter(|c| c.is_element() || c.is_comment() || c.is_text() && c.text().is_some_and(|t| !t.trim().is_empty()))
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
    let inherited: Vec<_> = node.parent_element().map(|p| p.namespaces().collect()).unwrap_or_default();
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
    let prefix = node.tag_name().namespace().and_then(|uri| node.lookup_prefix(uri)).filter(|p| !p.is_empty());
    prefix.map_or_else(|| name.to_owned(), |p| format!("{p}:{name}"))
}

fn written_attribute(node: Node<'_, '_>, attribute: &roxmltree::Attribute<'_, '_>) -> String {
    let prefix = attribute.namespace().and_then(|uri| node.lookup_prefix(uri)).filter(|p| !p.is_empty());
    let prefix = prefix.map(|p| format!("{p}:")).unwrap_or_default();
    format!(" {prefix}{}=\"{}\"", attribute.name(), escaped(attribute.value()).replace('"', "&quot;"))
}

fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['&', '<']) {
        Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;"))
    } else {
        Cow::Borrowed(text)
    }
}
