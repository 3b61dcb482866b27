//! What is in one archive: the flow as a tree, mappings, dependencies, files, history, runs.

mod runs;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{Fact, Item, Subject, Tone};
use crate::archive::{
    Connection, ContentsBody, Dependency, Fingerprints, FlowStep, Integration, NeedKind, Secret,
    UnpackedArchive, blank_value,
};
use crate::model::{Kind, Level, RunCounts, plural, thousands, version_text, visible};
use crate::ops::deps::{DependencyGraph, DependencyNode};
use crate::ops::triage::Triage;
use crate::store::StoredVersion;
pub use runs::{bars, triage_summary};
use unicode_width::UnicodeWidthStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Flow,
    Mappings,
    Dependencies,
    Files,
    History,
    Runs,
}

impl Tab {
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Flow,
        Self::Mappings,
        Self::Dependencies,
        Self::Files,
        Self::History,
        Self::Runs,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Flow => "Flow",
            Self::Mappings => "Mappings",
            Self::Dependencies => "Dependencies",
            Self::Files => "Files",
            Self::History => "History",
            Self::Runs => "Runs",
        }
    }
}

/// What Enter on a line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineTarget {
    Nothing,
    Fold(String),
    File(String),
    /// An integration's code, to be opened where this archive is from.
    Integration(String),
    /// A row of the list: a connection or a lookup.
    Row(Kind, String),
    Version(usize),
    /// A step of the flow, by the name that an error has for it.
    Step(String),
    /// A failed run, by what resubmit takes.
    FailedRun(String),
}

/// A line with what stands beside it while the cursor is on it.
#[derive(Debug, Clone)]
pub struct InspectorLine {
    pub item: Item,
    pub target: LineTarget,
    pub facts: Vec<Fact>,
}

#[derive(Debug)]
pub struct Inspector {
    /// What names it: `prod:CODE@01.02.0003`.
    pub label: String,
    /// What it is, and the column it is from or belongs to.
    pub subject: Subject,
    pub unpacked: Arc<UnpackedArchive>,
    /// Known when all files were read.
    pub examined: Option<(Fingerprints, Vec<Secret>)>,
    pub tab: Tab,
    pub cursors: [usize; 7],
    pub folded: BTreeSet<String>,
    /// Folder -> the step or endpoint whose files lie there: its number says nothing.
    pub owners: HashMap<String, String>,
    /// Who needs whom in the environment.
    pub graph: Option<Result<Arc<DependencyGraph>, String>>,
    pub graph_asked: bool,
    pub history: Vec<StoredVersion>,
    pub runs: Option<RunCounts>,
    /// Its last day; none while it is asked for.
    pub triage: Option<Result<Arc<Triage>, String>>,
    pub triage_asked: bool,
}

impl Inspector {
    pub fn cursor(&self) -> usize {
        self.cursors[self.tab as usize]
    }

    pub fn set_cursor(&mut self, place: usize) {
        self.cursors[self.tab as usize] = place;
    }

    pub fn go_to_tab(&mut self, tab: Tab) {
        self.tab = tab;
    }

    /// The tabs that this kind has.
    pub fn tabs(&self) -> &'static [Tab] {
        match self.unpacked.contents.body {
            ContentsBody::Integration(_) => &Tab::ALL,
            ContentsBody::Package(_) | ContentsBody::Project(_) => &Tab::ALL[..6],
            _ => &[Tab::Overview, Tab::Dependencies, Tab::Files, Tab::History],
        }
    }

    /// The lines of the tab that is shown.
    pub fn lines(&self) -> Vec<InspectorLine> {
        match self.tab {
            Tab::Overview => self.overview(),
            Tab::Flow => self.of_each(&|it, key, out| self.steps(it, &it.flow, 0, key, out)),
            Tab::Mappings => self.of_each(&|it, key, out| self.mappings(it, key, out)),
            Tab::Dependencies => self.dependencies(),
            Tab::Files => self.files(),
            Tab::History => self.history_lines(),
            Tab::Runs => self.run_lines(),
        }
    }

    /// Lines of one integration, or of each member under its name.
    fn of_each(
        &self,
        add: &dyn Fn(&Integration, &str, &mut Vec<InspectorLine>),
    ) -> Vec<InspectorLine> {
        let all = self.unpacked.contents.integrations();
        let mut out = Vec::new();
        for it in all {
            let key = it.id.to_string();
            if all.len() > 1 {
                let open = !self.folded.contains(&key);
                let item = Item {
                    open: Some(open),
                    text: it.id.code.clone(),
                    note: it.id.version.to_string(),
                    tone: Tone::Title,
                    ..Item::default()
                };
                out.push(InspectorLine {
                    item,
                    target: LineTarget::Fold(key.clone()),
                    facts: vec![Fact::new("name", &it.name)],
                });
                if !open {
                    continue;
                }
            }
            add(it, &key, &mut out);
        }
        if out.is_empty() {
            let text = format!("a {} has no flow", self.unpacked.contents.kind());
            out.push(plain(text, Tone::Dim));
        }
        out
    }

    fn steps(
        &self,
        it: &Integration,
        steps: &[FlowStep],
        depth: usize,
        key: &str,
        out: &mut Vec<InspectorLine>,
    ) {
        for (i, step) in steps.iter().enumerate() {
            let key = format!("{key}/{i}");
            let open = (!step.children.is_empty()).then(|| !self.folded.contains(&key));
            let note = match step.endpoint.map(|e| &it.endpoints[e]) {
                Some(e) => format!("[{}] {}", e.connection, e.call()),
                None => blank_value(&step.name, &step.detail).into_owned(),
            };
            let tone = match step.kind.as_str() {
                "integrationMetadata" | "globalVariable" => Tone::Dim,
                "catch" | "catchAll" | "throw" => Tone::Warning,
                "invoke" | "receive" | "pickReceive" | "scheduleReceive" | "publish"
                | "subscribe" => Tone::Accent,
                _ => Tone::Plain,
            };
            let item = Item {
                depth,
                open,
                glyph: step.glyph().to_string(),
                text: step.title(),
                note,
                tone,
            };
            let target = match (open, step.files.first()) {
                (Some(_), _) => LineTarget::Fold(key.clone()),
                (None, _) if step.endpoint.is_some() => step
                    .endpoint
                    .and_then(|e| it.endpoints[e].files.iter().find(|f| f.ends_with(".jca")))
                    .map_or(LineTarget::Nothing, |f| LineTarget::File(self.shown_path(it, f))),
                (None, Some(file)) => LineTarget::File(self.shown_path(it, file)),
                (None, None) => LineTarget::Nothing,
            };
            out.push(InspectorLine { item, target, facts: step_facts(it, step) });
            if open == Some(true) {
                self.steps(it, &step.children, depth + 1, &key, out);
            }
        }
    }

    /// A member's file as [`UnpackedArchive::all_files`] names it.
    fn shown_path(&self, it: &Integration, path: &str) -> String {
        let single = matches!(self.unpacked.contents.body, ContentsBody::Integration(_));
        if single { path.to_owned() } else { format!("{}/{path}", it.id) }
    }

    fn mappings(&self, it: &Integration, key: &str, out: &mut Vec<InspectorLine>) {
        for (i, mapping) in it.mappings.iter().enumerate() {
            let key = format!("{key}/map/{i}");
            let open = !self.folded.contains(&key);
            let item = Item {
                open: Some(open),
                glyph: "⇄".into(),
                text: format!("map to {}", mapping.target),
                note: plural(mapping.assignments.len(), "assignment"),
                tone: Tone::Accent,
                ..Item::default()
            };
            let facts = vec![
                Fact::new("fills", &mapping.target),
                Fact::new("from", mapping.sources.join(", ")),
                Fact::new("file", &mapping.file),
            ];
            let file = self.shown_path(it, &mapping.file);
            out.push(InspectorLine { item, target: LineTarget::Fold(key), facts });
            for a in mapping.assignments.iter().filter(|_| open) {
                let item = Item {
                    depth: 1,
                    text: a.target.clone(),
                    note: format!("← {}", a.shown()),
                    ..Item::default()
                };
                let mut facts = vec![Fact::title(&a.target), Fact::new("gets", a.shown())];
                facts.extend(a.within.iter().map(|w| Fact::toned("within", w, Tone::Warning)));
                out.push(InspectorLine { item, target: LineTarget::File(file.clone()), facts });
            }
        }
        if it.mappings.is_empty() {
            out.push(plain("no mapping", Tone::Dim));
        }
    }

    fn dependencies(&self) -> Vec<InspectorLine> {
        let mut out = vec![plain("needs", Tone::Title)];
        for it in self.unpacked.contents.integrations() {
            out.extend(it.needs.iter().map(need_line));
        }
        if out.len() == 1 {
            out.push(plain("nothing", Tone::Dim));
        }
        out.push(plain("", Tone::Plain));
        out.push(plain("is needed by", Tone::Title));
        match &self.graph {
            None => out.push(plain("asking who in the environment needs it …", Tone::Dim)),
            Some(Err(why)) => out.push(plain(why.clone(), Tone::Warning)),
            Some(Ok(graph)) => {
                let own = self.own_node();
                let tree = graph.tree(&own, true);
                if tree.children.is_empty() {
                    out.push(plain("nothing", Tone::Dim));
                }
                needed_by(&tree.children, 0, &mut out);
                if !graph.problems.is_empty() {
                    let text =
                        format!("! {} could not be read", plural(graph.problems.len(), "archive"));
                    out.push(plain(text, Tone::Warning));
                    out.extend(graph.problems.iter().map(|p| plain(format!("  {p}"), Tone::Dim)));
                }
            }
        }
        out
    }

    /// This archive's place in the graph.
    fn own_node(&self) -> DependencyNode {
        match &self.unpacked.contents.body {
            ContentsBody::Lookup(l) => {
                DependencyNode { kind: NeedKind::Lookup, name: l.name.clone() }
            }
            ContentsBody::Library(_) => {
                DependencyNode { kind: NeedKind::Library, name: self.subject.code.clone() }
            }
            ContentsBody::Record(r) if r.kind == Kind::Connection => {
                DependencyNode { kind: NeedKind::Connection, name: r.code.clone() }
            }
            ContentsBody::Record(r) if r.kind == Kind::Certificate => {
                DependencyNode { kind: NeedKind::Certificate, name: r.code.clone() }
            }
            ContentsBody::Record(r) if r.kind == Kind::Agent => {
                DependencyNode { kind: NeedKind::Agent, name: r.code.clone() }
            }
            _ => DependencyNode::integration(&self.subject.code),
        }
    }

    fn files(&self) -> Vec<InspectorLine> {
        let mut out = Vec::new();
        let mut folder = String::new();
        let mut open = true;
        for (path, bytes) in self.unpacked.all_files() {
            let (here, file) = path.rsplit_once('/').map_or(("", path.as_str()), |(f, n)| (f, n));
            if here != folder || out.is_empty() {
                folder = here.to_owned();
                let key = format!("folder {here}");
                open = !self.folded.contains(&key);
                let item = Item {
                    open: Some(open),
                    text: if here.is_empty() { "./".into() } else { format!("{here}/") },
                    note: self.owners.get(here).cloned().unwrap_or_default(),
                    tone: Tone::Accent,
                    ..Item::default()
                };
                out.push(InspectorLine { item, target: LineTarget::Fold(key), facts: Vec::new() });
            }
            if open {
                let secret =
                    self.examined.iter().any(|(_, all)| all.iter().any(|s| s.file == path));
                let item = Item {
                    depth: 1,
                    glyph: if secret { "!".into() } else { String::new() },
                    text: file.to_owned(),
                    note: size(bytes.len()),
                    tone: if secret { Tone::Warning } else { Tone::Plain },
                    ..Item::default()
                };
                out.push(InspectorLine {
                    item,
                    target: LineTarget::File(path.clone()),
                    facts: Vec::new(),
                });
            }
        }
        out
    }

    fn history_lines(&self) -> Vec<InspectorLine> {
        if self.history.is_empty() {
            return vec![plain(
                "the store has no version of it; e in the list exports one",
                Tone::Dim,
            )];
        }
        let whole = self.examined.as_ref().map(|(m, _)| m.full);
        let line = |(i, v): (usize, &StoredVersion)| {
            let same = whole == Some(v.fingerprint);
            let mark = if same { "= this one" } else { "" };
            let safety = if v.safety_run.is_some() { "safety export  " } else { "" };
            let by = v.last_updated_by.as_deref().unwrap_or_default();
            let item = Item {
                text: format!(
                    "{:<6} {:<10} {}",
                    v.environment,
                    version_text(v.version),
                    crate::model::short_date(v.last_seen)
                ),
                note: format!("{} {safety}{mark} {by}", v.fingerprint.short()),
                tone: if same { Tone::Good } else { Tone::Plain },
                ..Item::default()
            };
            let facts = vec![
                Fact::new("seen first", crate::model::short_date(v.first_seen)),
                Fact::new("seen last", crate::model::short_date(v.last_seen)),
                Fact::new("status then", v.status.label()),
                Fact::new("changed by", by),
                Fact::new("size", size(v.size as usize)),
                Fact::new("name it", v.reference().to_string()),
            ];
            InspectorLine { item, target: LineTarget::Version(i), facts }
        };
        self.history.iter().enumerate().map(line).collect()
    }

    /// The integration that this archive is of.
    pub fn integration(&self) -> Option<crate::model::IntegrationId> {
        match self.unpacked.contents.integrations() {
            [one] => Some(one.id.clone()),
            _ => None,
        }
    }

    fn overview(&self) -> Vec<InspectorLine> {
        let contents = &self.unpacked.contents;
        let mut out = vec![plain(contents.summary(), Tone::Title)];
        let fact = |name: &str, text: &str| plain(format!("{name:<13} {text}"), Tone::Plain);
        if let Some((fingerprints, _)) = &self.examined {
            let flow = if fingerprints.portable == fingerprints.full {
                String::new()
            } else {
                format!(" · flow {}", fingerprints.portable.short())
            };
            out.push(fact("fingerprint", &format!("{}{flow}", fingerprints.full.short())));
        }
        for it in contents.integrations() {
            out.push(plain("", Tone::Plain));
            if contents.integrations().len() > 1 {
                out.push(plain(format!("{} {}", it.id.code, it.id.version), Tone::Accent));
            }
            out.push(fact("name", &it.name));
            if !it.description.is_empty() {
                out.push(fact("description", &it.description));
            }
            out.push(fact("pattern", it.pattern()));
            let count = crate::archive::count_steps(&it.flow);
            let (endpoints, maps) =
                (plural(it.endpoints.len(), "endpoint"), plural(it.mappings.len(), "mapping"));
            out.push(fact("flow", &format!("{}, {endpoints}, {maps}", plural(count, "step"))));
            for t in &it.tracking {
                let primary = if t.primary { " (primary)" } else { "" };
                out.push(fact("tracks", &format!("{}{primary} = {}", t.name, t.xpath)));
            }
            for e in &it.endpoints {
                out.push(fact(&e.role, &format!("{} · {} [{}]", e.name, e.call(), e.connection)));
            }
        }
        self.tables(&mut out);
        self.finding_lines(&mut out);
        out
    }

    /// A lookup's rows, a library's functions, a project's own parts.
    fn tables(&self, out: &mut Vec<InspectorLine>) {
        match &self.unpacked.contents.body {
            ContentsBody::Lookup(lookup) => {
                out.push(plain("", Tone::Plain));
                out.extend(table(&lookup.columns, &lookup.rows));
            }
            ContentsBody::Record(record) => {
                out.push(plain("", Tone::Plain));
                let width = record
                    .properties
                    .keys()
                    .chain(&record.ask)
                    .map(|n| n.width())
                    .max()
                    .unwrap_or(0);
                for (name, value) in &record.properties {
                    let value = blank_value(name, value);
                    out.push(plain(format!("{name:<width$}  {value}"), Tone::Plain));
                }
                for name in &record.ask {
                    out.push(plain(
                        format!(
                            "{name:<width$}  a secret: nobody gives it out, a restore asks for it"
                        ),
                        Tone::Warning,
                    ));
                }
            }
            ContentsBody::Library(library) => {
                out.extend(
                    library
                        .scripts
                        .iter()
                        .map(|(f, all)| plain(format!("{f}: {}", all.join(", ")), Tone::Plain)),
                );
            }
            ContentsBody::Project(project) => {
                let codes = |all: &[Connection]| {
                    all.iter().map(|c| c.code.clone()).collect::<Vec<_>>().join(", ")
                };
                out.push(plain(
                    format!("connections   {}", codes(&project.connections)),
                    Tone::Plain,
                ));
                let names: Vec<_> = project.lookups.iter().map(|l| l.name.clone()).collect();
                out.push(plain(format!("lookups       {}", names.join(", ")), Tone::Plain));
            }
            _ => {}
        }
    }

    fn finding_lines(&self, out: &mut Vec<InspectorLine>) {
        let secrets: Vec<_> =
            self.examined.iter().flat_map(|(_, s)| s.iter().map(Secret::finding)).collect();
        let all: Vec<_> = self.unpacked.contents.findings.iter().chain(&secrets).collect();
        out.push(plain("", Tone::Plain));
        if all.is_empty() {
            let text = if self.examined.is_some() {
                "✓ every part was read; no secret was found"
            } else {
                "reading every part …"
            };
            out.push(plain(text, if self.examined.is_some() { Tone::Good } else { Tone::Dim }));
        }
        for finding in all {
            let tone = if finding.level == Level::Fact { Tone::Plain } else { Tone::Warning };
            out.push(plain(format!("{} {}", finding.mark(), finding.what), tone));
            out.extend(finding.fix.iter().map(|fix| plain(format!("  → {fix}"), Tone::Dim)));
        }
    }
}

/// A lookup's columns under each other. A cell longer than that is cut: `Files` has all of it.
fn table(columns: &[String], rows: &[Vec<String>]) -> Vec<InspectorLine> {
    const LONGEST: usize = 40;
    let count = rows.iter().map(Vec::len).chain([columns.len()]).max().unwrap_or(0);
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|r| r.get(i)).chain(columns.get(i));
        cells.map(|c| c.width()).max().unwrap_or(0).min(LONGEST)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |cells: &[String], tone| {
        let texts = widths.iter().enumerate().map(|(i, width)| {
            let text = cells.get(i).map(|c| visible(c).into_owned()).unwrap_or_default();
            let cut = text.width() > *width;
            let text: String =
                if cut { text.chars().take(width - 1).chain(['…']).collect() } else { text };
            format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
        });
        plain(texts.collect::<Vec<_>>().join(" │ ").trim_end(), tone)
    };
    let head = line(columns, Tone::Accent);
    std::iter::once(head).chain(rows.iter().map(|r| line(r, Tone::Plain))).collect()
}

/// Whose files lie in which folder.
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
        crate::archive::flow_steps(&it.flow, &mut |s| own(&s.files, s.title()));
    }
    out
}

fn plain(text: impl Into<String>, tone: Tone) -> InspectorLine {
    InspectorLine {
        item: Item { text: text.into(), tone, ..Item::default() },
        target: LineTarget::Nothing,
        facts: Vec::new(),
    }
}

pub fn size(bytes: usize) -> String {
    if bytes < 10_000 {
        format!("{} B", thousands(bytes))
    } else {
        format!("{} KB", thousands(bytes / 1024))
    }
}

fn need_line(need: &Dependency) -> InspectorLine {
    let tone = if need.preseeded { Tone::Dim } else { Tone::Plain };
    let note = if need.preseeded { "the service's own".into() } else { String::new() };
    let item = Item {
        depth: 1,
        text: format!("{:<12} {}", need.kind.label(), need.name),
        note,
        tone,
        ..Item::default()
    };
    let target = match need.kind {
        NeedKind::Integration => {
            LineTarget::Integration(need.name.split('|').next().unwrap_or_default().to_owned())
        }
        NeedKind::Connection => LineTarget::Row(Kind::Connection, need.name.clone()),
        NeedKind::Lookup => LineTarget::Row(Kind::Lookup, need.name.clone()),
        _ => LineTarget::Nothing,
    };
    let facts = need.seen_in.iter().map(|place| Fact::new("seen in", place)).collect();
    InspectorLine { item, target, facts }
}

fn needed_by(
    trees: &[crate::ops::deps::DependencyTree],
    depth: usize,
    out: &mut Vec<InspectorLine>,
) {
    for tree in trees {
        let item = Item {
            depth: depth + 1,
            text: format!("{:<12} {}", tree.node.kind.label(), tree.node.name),
            ..Item::default()
        };
        let facts = tree.seen_in.iter().map(|place| Fact::new("seen in", place)).collect();
        out.push(InspectorLine {
            item,
            target: LineTarget::Integration(tree.node.name.clone()),
            facts,
        });
        needed_by(&tree.children, depth + 1, out);
    }
}

/// What stands beside a step.
fn step_facts(it: &Integration, step: &FlowStep) -> Vec<Fact> {
    let mut out = vec![Fact::title(step.title())];
    if let Some(e) = step.endpoint.map(|e| &it.endpoints[e]) {
        out.push(Fact::new("connection", format!("{} ({})", e.connection, e.adapter)));
        out.push(Fact::new("calls", e.call()));
        if !e.operation.is_empty() && e.operation != e.verb {
            out.push(Fact::new("operation", &e.operation));
        }
        if let Some(m) = it.mappings.iter().find(|m| m.target == format!("{} request", e.name)) {
            out.push(Fact::new(
                "filled by",
                format!("a map of {}", plural(m.assignments.len(), "assignment")),
            ));
        }
        out.push(Fact::new("exchange", &e.mep));
        out.push(Fact::title("settings"));
        out.extend(
            e.settings
                .iter()
                .filter(|(_, v)| !v.is_empty())
                .map(|(k, v)| Fact::new(k, blank_value(k.trim_start_matches("connection."), v))),
        );
        return out;
    }
    if let Some(m) = step.mapping.map(|m| &it.mappings[m]) {
        out.push(Fact::new("fills", &m.target));
        out.push(Fact::new("from", m.sources.join(", ")));
        out.push(Fact::title(plural(m.assignments.len(), "assignment")));
        out.extend(m.assignments.iter().map(|a| {
            let field = a.target.rsplit('/').next().unwrap_or_default();
            Fact::new(field, format!("← {}", a.shown()))
        }));
        return out;
    }
    for (role, e) in step.expressions.iter().filter(|(_, e)| !e.shown().is_empty()) {
        let label = if role.is_empty() { "expression" } else { role };
        out.push(Fact::new(label, blank_value(&e.variable, e.shown())));
        if !e.written.is_empty() && e.written != e.shown() {
            out.push(Fact::toned("", blank_value(&e.variable, &e.written), Tone::Dim));
        }
        out.extend(
            (!e.variable.is_empty()).then(|| Fact::new("variable", format!("${}", e.variable))),
        );
    }
    out.extend(step.settings.iter().map(|(k, v)| Fact::new(k, blank_value(k, v))));
    out.extend(step.files.iter().map(|f| Fact::toned("file", f, Tone::Dim)));
    out
}
