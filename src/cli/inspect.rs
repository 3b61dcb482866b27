//! `oicx inspect REF`.

use serde::Serialize;

use super::{
    args::{Global, InspectOptions},
    output::{self, CommandError, Exit},
    workspace_unless,
};
use crate::config::Config;
use crate::model::{Kind, Reference, Scope, plural, thousands};
use crate::ops::inspect::{InspectReport, StepReport};
use crate::workspace::source::fetch_bytes;

#[derive(Serialize)]
struct ScopedReport {
    /// The project's code; `null` for the global space, and for a file.
    scope: Scope,
    #[serde(flatten)]
    report: InspectReport,
}

/// Prints what one archive holds: facts, findings, dependencies, and what options ask for besides.
pub async fn run(
    load: impl FnOnce() -> Result<Config, CommandError>,
    options: &InspectOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace =
        workspace_unless(matches!(options.reference, Reference::File(_)), global, load).await?;
    let fetched = fetch_bytes(workspace.as_ref(), &options.reference).await?;
    output::not_looked_at(&fetched);
    // The whole report needs every file; a part of it does not.
    let all = global.json || options.secrets || !options.is_part();
    let unpacked = fetched.open()?;
    let report = match all {
        true => InspectReport::of(&unpacked),
        false => InspectReport::of_contents(&unpacked.contents),
    };
    if global.json {
        output::json(&ScopedReport { scope: fetched.scope(), report });
        return Ok(Exit::Done);
    }
    let mut lines = Vec::new();
    print(&report, options, &mut lines);
    lines.iter().for_each(output::line);
    Ok(Exit::Done)
}

fn print(report: &InspectReport, options: &InspectOptions, out: &mut Vec<String>) {
    let all = !options.is_part();
    if all {
        head(report, out);
    }
    for member in &report.integrations {
        out.push(format!("── {} {} ──", member.code, member.version.clone().unwrap_or_default()));
        let part = InspectOptions {
            reference: options.reference.clone(),
            files: false,
            secrets: false,
            ..*options
        };
        if all || options.flow || options.mappings || options.deps {
            print(member, &part, out);
        }
    }
    if (all || options.flow) && !report.flow.is_empty() {
        section(out, all, "Flow");
        report.flow.iter().for_each(|s| flow_lines(s, 0, options.flow, out));
    }
    if (all || options.mappings) && !report.mappings.is_empty() {
        section(out, all, "Mappings");
        mapping_lines(report, options.mappings, out);
    }
    if all && !report.endpoints.is_empty() {
        section(out, all, "Endpoints");
        endpoint_lines(report, out);
    }
    if all || options.deps {
        section(out, all && !report.dependencies.is_empty(), "Needs");
        for d in &report.dependencies {
            let own = if d.preseeded { " (the service's own)" } else { "" };
            out.push(format!("  {:12} {}{own}", d.kind.label(), d.name));
            if options.deps {
                out.extend(d.seen_in.iter().map(|place| format!("               {place}")));
            }
        }
    }
    tables(report, all, out);
    if options.files {
        out.extend(
            report.files.iter().map(|f| format!("{:>12} {}", thousands(f.size as usize), f.path)),
        );
    }
    findings(report, all, options.secrets, out);
}

fn endpoint_lines(report: &InspectReport, out: &mut Vec<String>) {
    for e in &report.endpoints {
        let call = e.calls.as_ref().map(|c| format!("calls {c}"));
        let call = call.unwrap_or_else(|| format!("{} {}", e.verb, e.resource));
        out.push(format!(
            "  {:24} {:6} {:28} {:14} {} {}",
            e.name,
            e.role,
            e.connection,
            e.adapter,
            e.operation,
            call.trim()
        ));
    }
}

fn head(report: &InspectReport, out: &mut Vec<String>) {
    let version = report.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
    let pattern = report.pattern.map(|p| format!(", {p}")).unwrap_or_default();
    out.push(format!("{} {}{version}{pattern}", report.kind, report.code));
    if report.name != report.code {
        out.push(format!("  name         {}", report.name));
    }
    if !report.description.is_empty() {
        out.push(format!("  description  {}", report.description));
    }
    if let Some(whole) = report.fingerprint {
        let portable = report
            .flow_fingerprint
            .filter(|f| *f != whole)
            .map(|f| format!(", portable {}", f.short()));
        out.push(format!("  fingerprint  {}{}", whole.short(), portable.unwrap_or_default()));
    }
    for t in &report.tracking {
        let primary = if t.primary { " (primary)" } else { "" };
        out.push(format!("  tracks       {}{primary} = {}", t.name, t.xpath));
    }
}

fn section(out: &mut Vec<String>, titled: bool, title: &str) {
    if titled {
        out.push(String::new());
        out.push(title.to_owned());
    }
}

fn flow_lines(step: &StepReport, depth: usize, full: bool, out: &mut Vec<String>) {
    let detail = if step.detail.is_empty() { String::new() } else { format!("  {}", step.detail) };
    let name = if step.name.is_empty() { String::new() } else { format!(" {}", step.name) };
    out.push(format!("  {}{}{name}{detail}", "  ".repeat(depth), step.kind));
    if full && (step.expressions.len() > 1 || step.detail.is_empty()) {
        for e in &step.expressions {
            out.push(format!("  {}    {} = {}", "  ".repeat(depth), e.name, e.value));
        }
    }
    step.children.iter().for_each(|s| flow_lines(s, depth + 1, full, out));
}

fn mapping_lines(report: &InspectReport, full: bool, out: &mut Vec<String>) {
    for m in &report.mappings {
        let sources = if m.sources.is_empty() {
            String::new()
        } else {
            format!(" from {}", m.sources.join(", "))
        };
        out.push(format!("  {}{sources}: {}", m.target, plural(m.assignments.len(), "assignment")));
        for a in m.assignments.iter().filter(|_| full) {
            let within = if a.within.is_empty() {
                String::new()
            } else {
                format!("   [{}]", a.within.join(" › "))
            };
            out.push(format!("    {} ← {}{within}", a.target, a.expression));
        }
    }
}

/// Adds what a lookup, a library or a project holds beside integrations.
fn tables(report: &InspectReport, all: bool, out: &mut Vec<String>) {
    if !all {
        return;
    }
    if report.kind == Kind::Lookup {
        for l in &report.lookups {
            section(out, true, "Rows");
            out.push(format!("  {}", l.columns.join(" │ ")));
            out.extend(l.rows.iter().map(|row| format!("  {}", row.join(" │ "))));
        }
    } else if !report.lookups.is_empty() {
        section(out, true, "Lookups that travel along");
        out.extend(
            report
                .lookups
                .iter()
                .map(|l| format!("  {:40} {}", l.name, plural(l.rows.len(), "row"))),
        );
    }
    if report.kind == Kind::Project {
        project_lines(report, out);
    }
    for p in &report.properties {
        out.push(format!("  {:28} {}", p.name, p.value));
    }
    for name in &report.ask {
        out.push(format!("  {name:28} (a secret: a restore asks for it)"));
    }
    for s in &report.scripts {
        out.push(format!("  {}: {}", s.file, s.functions.join(", ")));
    }
}

/// Adds what a project holds beside integrations and lookups.
fn project_lines(report: &InspectReport, out: &mut Vec<String>) {
    let connections = report.connections.iter().map(|c| format!("{:40} {}", c.code, c.adapter));
    let deployments =
        report.deployments.iter().map(|d| format!("{:40} {}", d.code, d.members.join(", ")));
    let schedules = report.schedules.iter().map(|s| format!("{:40} {}", s.name, s.value));
    for (title, lines) in [
        ("Libraries", report.libraries.clone()),
        ("Connections", connections.collect()),
        ("Deployments", deployments.collect()),
        ("Schedules", schedules.collect()),
        ("Events", report.events.clone()),
    ] {
        section(out, !lines.is_empty(), title);
        out.extend(lines.into_iter().map(|line| format!("  {line}")));
    }
}

fn findings(report: &InspectReport, all: bool, secrets: bool, out: &mut Vec<String>) {
    if secrets {
        if report.secrets.is_empty() {
            out.push("no secret was found".into());
        }
        out.extend(report.secrets.iter().map(|s| format!("! {}", s.finding().what)));
    } else if all && !report.findings.is_empty() {
        section(out, true, "Findings");
        out.extend(report.findings.iter().map(|f| format!("  {} {}", f.mark(), f.what)));
    }
}
