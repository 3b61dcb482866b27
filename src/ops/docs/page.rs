//! The Markdown of single pages.

use std::fmt::Write;

use super::super::readable;
use crate::archive::{
    Dependency, FlowStep, FlowStepKind, Integration, Library, Lookup, Project, UnpackedArchive,
    blank, blank_value,
};
use crate::model::{
    Description, IntegrationId, Kind, ManifestEntry, capitalized, markdown, version_text, visible,
};

/// A file of the site.
pub struct DocPage {
    pub path: String,
    pub text: String,
}

/// A link to another page.
pub struct Link {
    pub text: String,
    pub path: String,
}

impl Link {
    /// The link as Markdown, for a page that lies in the site's root or one folder below.
    pub fn from(&self, page: &str) -> String {
        let up = if page.contains('/') { "../" } else { "" };
        format!("[{}]({up}{})", markdown(&self.text), self.path)
    }
}

/// Text as Markdown code, whatever is in it.
fn code(text: &str) -> String {
    let text = visible(text).replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn head(entry: &ManifestEntry) -> String {
    let name = if entry.name.is_empty() { &entry.code } else { &entry.name };
    let mut out = format!("# {}\n\n[Index](../index.md)\n\n", markdown(name));
    let version = version_text(entry.version);
    let name = code(&entry.key().name().scoped_code());
    let _ = writeln!(out, "{} {name} {version}, {}.", entry.kind, entry.status.label());
    if let Some(updated) = entry.last_updated {
        let by = entry
            .last_updated_by
            .as_deref()
            .map(|b| format!(" by {}", markdown(b)))
            .unwrap_or_default();
        let _ = writeln!(out, "Last changed {}{by}.", updated.strftime("%F %H:%M UTC"));
    }
    out
}

/// The page of an integration in Markdown: facts, steps, mappings, endpoints, what it needs.
pub fn integration(
    entry: &ManifestEntry,
    it: &Integration,
    schedule: Option<&Description>,
    needed_by: &[String],
    link: &dyn Fn(Kind, &str) -> Option<Link>,
) -> String {
    let mut out = head(entry);
    if !it.description.is_empty() {
        let _ = writeln!(out, "\n{}", markdown(&it.description));
    }
    let _ = write!(out, "\n## Flow\n\n```mermaid\n{}```\n", flow(it));
    let mut outline = String::new();
    readable::steps(it, &it.flow, 0, &mut outline);
    let _ = write!(
        out,
        "\n<details><summary>As text</summary>\n\n```text\n{}```\n\n</details>\n",
        fenced(&outline)
    );
    if let Some(description) = schedule {
        out.push_str("\n## Schedule\n\n");
        properties(description, &mut out);
    }
    if !it.endpoints.is_empty() {
        out.push_str(
            "\n## Endpoints\n\n| endpoint | role | connection | adapter | call \
            |\n|---|---|---|---|---|\n",
        );
        for e in &it.endpoints {
            let connection = link(Kind::Connection, &e.connection).map(|l| l.from("integrations/"));
            let connection = connection.unwrap_or_else(|| markdown(&e.connection));
            let (name, role, adapter) =
                (markdown(&e.name), markdown(&e.role), markdown(&e.adapter));
            let _ = writeln!(
                out,
                "| {name} | {role} | {connection} | {adapter} | {} |",
                code(&e.call())
            );
        }
    }
    if !it.mappings.is_empty() {
        out.push_str("\n## Mappings\n");
        for m in &it.mappings {
            let _ = write!(out, "\n### {}\n\n| field | gets |\n|---|---|\n", markdown(&m.target));
            for a in &m.assignments {
                let _ = writeln!(out, "| {} | {} |", code(&a.target), code(&a.shown()));
            }
        }
    }
    dependencies(it, needed_by, link, &mut out);
    out
}

fn dependencies(
    it: &Integration,
    needed_by: &[String],
    link: &dyn Fn(Kind, &str) -> Option<Link>,
    out: &mut String,
) {
    let shown = |n: &Dependency| {
        let bare = n.name.split('|').next().unwrap_or_default();
        let linked = n.kind.artifact().and_then(|k| link(k, bare)).map(|l| l.from("integrations/"));
        format!("| {} | {} |", n.kind.label(), linked.unwrap_or_else(|| markdown(&n.name)))
    };
    if !it.needs.is_empty() {
        out.push_str("\n## Needs\n\n| kind | name |\n|---|---|\n");
        it.needs.iter().for_each(|n| out.push_str(&format!("{}\n", shown(n))));
    }
    if !needed_by.is_empty() {
        out.push_str("\n## Is needed by\n\n");
        for node in needed_by {
            let _ = writeln!(out, "- {node}");
        }
    }
}

/// The page of a lookup in Markdown: its table, with secrets blanked.
pub fn lookup(entry: &ManifestEntry, lookup: &Lookup) -> String {
    let mut out = head(entry);
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| markdown(&blank("lookup.csv", c))).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    out.push('\n');
    out.push_str(&row(&lookup.columns));
    out.push_str(&format!("|{}\n", "---|".repeat(lookup.columns.len().max(1))));
    lookup.rows.iter().for_each(|r| out.push_str(&row(r)));
    out
}

/// The page of a kind that has no archive, in Markdown: its properties.
pub fn description(entry: &ManifestEntry, description: &Description) -> String {
    let mut out = head(entry);
    if let Some(expires) = entry.expires {
        let _ = writeln!(out, "\nEnds on {}.", expires.strftime("%F"));
    }
    out.push('\n');
    properties(description, &mut out);
    out
}

fn properties(description: &Description, out: &mut String) {
    out.push_str("| property | value |\n|---|---|\n");
    for (name, value) in &description.properties {
        let _ = writeln!(out, "| {} | {} |", markdown(name), code(&blank_value(name, value)));
    }
    for name in &description.ask {
        let _ = writeln!(out, "| {} | a secret: a restore asks for it |", markdown(name));
    }
}

/// The page of a library in Markdown: its scripts.
pub fn library(entry: &ManifestEntry, library: &Library) -> String {
    let mut out = head(entry);
    out.push_str("\n| script | functions |\n|---|---|\n");
    for (file, functions) in &library.scripts {
        let _ = writeln!(out, "| {} | {} |", markdown(file), markdown(&functions.join(", ")));
    }
    out
}

/// The page of a package in Markdown: its integrations. `link` gives the page of a version.
pub fn package(
    entry: &ManifestEntry,
    unpacked: &UnpackedArchive,
    link: &dyn Fn(&IntegrationId) -> Option<Link>,
) -> String {
    let mut out = head(entry);
    integrations(unpacked.contents.integrations(), link, &mut out);
    out
}

/// The page of a project in Markdown: its integrations, what lies beside them, and its deployments.
/// `inside` gives the pages of what it has of a kind, `link` that of a version.
pub fn project(
    entry: &ManifestEntry,
    project: &Project,
    inside: &dyn Fn(Kind) -> Vec<Link>,
    link: &dyn Fn(&IntegrationId) -> Option<Link>,
) -> String {
    let mut out = head(entry);
    if !project.description.is_empty() {
        let _ = writeln!(out, "\n{}", markdown(&project.description));
    }
    integrations(&project.integrations, link, &mut out);
    for kind in [Kind::Connection, Kind::Lookup, Kind::Library, Kind::Access] {
        let links = inside(kind);
        if links.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n## {}\n", capitalized(kind.plural()));
        for link in links {
            let _ = writeln!(out, "- {}", link.from("projects/"));
        }
    }
    if !project.deployments.is_empty() {
        out.push_str("\n## Deployments\n\n| deployment | of |\n|---|---|\n");
    }
    for deployment in &project.deployments {
        let members = deployment.members.iter();
        let members: Vec<String> =
            members.map(|(_, code, version)| markdown(&format!("{code} {version}"))).collect();
        let name = if deployment.name.is_empty() { &deployment.code } else { &deployment.name };
        let _ = writeln!(out, "| {} | {} |", markdown(name), members.join(", "));
    }
    out
}

fn integrations(
    all: &[Integration],
    link: &dyn Fn(&IntegrationId) -> Option<Link>,
    out: &mut String,
) {
    out.push_str("\n## Integrations\n\n");
    for it in all {
        let linked = link(&it.id).map(|l| l.from("packages/"));
        let name = linked.unwrap_or_else(|| markdown(&it.id.code));
        let _ = writeln!(out, "- {name} {}", it.id.version);
    }
}

/// Replaces what would end a code fence early.
fn fenced(text: &str) -> String {
    text.replace("```", "'''")
}

/// The flow as a Mermaid chart: branches side by side, loops and scopes as boxes, fault handlers
/// dotted.
fn flow(it: &Integration) -> String {
    let mut chart =
        Chart { it, next: 0, boxes: String::from("flowchart TD\n"), arrows: String::new() };
    chart.sequence(&it.flow, Vec::new());
    chart.boxes + &chart.arrows
}

struct Chart<'i> {
    it: &'i Integration,
    next: usize,
    boxes: String,
    /// Arrows are written after all boxes: an arrow within a group would draw its other end into
    /// the group.
    arrows: String,
}

/// What the next step hangs on: a node, and the text on the arrow from it.
type LinkOrigin = (String, String);

impl Chart<'_> {
    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("s{}", self.next)
    }

    /// Draws steps one after the other. Gives what the step after them hangs on.
    fn sequence(&mut self, steps: &[FlowStep], mut from: Vec<LinkOrigin>) -> Vec<LinkOrigin> {
        for step in steps {
            from = self.step(step, from);
        }
        from
    }

    fn step(&mut self, step: &FlowStep, from: Vec<LinkOrigin>) -> Vec<LinkOrigin> {
        match step.kind {
            FlowStepKind::Metadata | FlowStepKind::GlobalVariable => from,
            FlowStepKind::Router | FlowStepKind::Parallel | FlowStepKind::Pick => {
                let node = self.node(&step.title(), ("{\"", "\"}"), &from);
                let mut ends = Vec::new();
                for branch in &step.children {
                    let start = vec![(node.clone(), branch.title())];
                    ends.extend(self.sequence(&branch.children, start));
                }
                if step.children.is_empty() { vec![(node, String::new())] } else { ends }
            }
            FlowStepKind::Catch | FlowStepKind::CatchAll => {
                let node = self.node(&step.title(), ("[/\"", "\"/]"), &[]);
                if let Some((before, _)) = from.first() {
                    let _ = writeln!(self.arrows, "  {before} -.-> {node}");
                }
                self.sequence(&step.children, vec![(node, String::new())]);
                from
            }
            _ if step.children.is_empty() => {
                let node = self.node(&self.label(step), ("[\"", "\"]"), &from);
                vec![(node, String::new())]
            }
            _ => {
                let group = self.fresh();
                let _ = writeln!(
                    self.boxes,
                    "  subgraph {group}[\"{}\"]",
                    in_quotes(&self.label(step))
                );
                let ends = self.sequence(&step.children, from);
                self.boxes.push_str("  end\n");
                ends
            }
        }
    }

    fn label(&self, step: &FlowStep) -> String {
        let detail = match step.endpoint.map(|e| &self.it.endpoints[e]) {
            Some(e) => format!("{} {}", e.connection, e.call()),
            None => blank_value(&step.name, &step.detail).into_owned(),
        };
        if detail.trim().is_empty() { step.title() } else { format!("{}\n{detail}", step.title()) }
    }

    fn node(&mut self, text: &str, (open, close): (&str, &str), from: &[LinkOrigin]) -> String {
        let node = self.fresh();
        let _ = writeln!(self.boxes, "  {node}{open}{}{close}", in_quotes(text));
        for (before, label) in from {
            let arrow = if label.is_empty() {
                "-->".to_owned()
            } else {
                format!("-->|\"{}\"|", in_quotes(label))
            };
            let _ = writeln!(self.arrows, "  {before} {arrow} {node}");
        }
        node
    }
}

/// Text between a chart's quotes, cut to what fits in a box.
fn in_quotes(text: &str) -> String {
    const LONGEST: usize = 90;
    let lines = text.split('\n').map(|line| {
        let line = visible(line);
        let cut = line.chars().count() > LONGEST;
        let kept: String = line.chars().take(LONGEST).chain(cut.then_some('…')).collect();
        kept.replace('#', "#35;")
            .replace('"', "#quot;")
            .replace('<', "#lt;")
            .replace('>', "#gt;")
            .replace('`', "#96;")
    });
    lines.collect::<Vec<_>>().join("<br/>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(in_quotes("say \"x\" <y>\nz"), "say #quot;x#quot; #lt;y#gt;<br/>z");
        assert!(in_quotes(&"x".repeat(500)).chars().count() < 100);
    }
}
