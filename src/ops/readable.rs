//! Spreads out an archive as text that a person reads and that suits a line-by-line diff: one fact
//! on each line, in a fixed order, without numbers that are dealt out anew, with secrets blanked.

use std::{borrow::Cow, collections::BTreeMap};

use crate::archive::{
    ContentsBody, Deployment, FlowStep, Integration, Lookup, UnpackedArchive, blank, blank_value,
};
use crate::model::{ManifestEntry, visible, visible_lines};
use crate::store::safe_name;

/// Path below the artifact's folder -> text.
pub type Texts = BTreeMap<String, String>;

/// The name of an artifact's file or folder among those of its kind: `SYNC`, in a project
/// `PEOPLE_CORE.SYNC`, so that twins never share one.
pub(super) fn file_name(entry: &ManifestEntry) -> String {
    let code = safe_name(&entry.code);
    match entry.scope.project() {
        None => code,
        Some(project) => format!("{}.{code}", safe_name(project.as_str())),
    }
}

/// The texts of one stored artifact.
pub fn texts(entry: &ManifestEntry, unpacked: &UnpackedArchive) -> Texts {
    let mut out = Texts::new();
    match &unpacked.contents.body {
        ContentsBody::Integration(it) => integration(it, "", &mut out),
        ContentsBody::Package(package) => {
            out.insert("package.txt".into(), members(&package.name, &package.integrations));
        }
        ContentsBody::Project(project) => {
            let head = format!("{}\n{}\n", project.name, project.description);
            out.insert(
                "project.txt".into(),
                format!(
                    "{head}\n{}{}",
                    members(project.code.as_str(), &project.integrations),
                    deployments(&project.deployments)
                ),
            );
            let all = &project.integrations;
            for it in all {
                let code = safe_name(&it.id.code);
                // Several versions of one code stand side by side.
                let folder = match all.iter().filter(|o| o.id.code == it.id.code).count() {
                    0 | 1 => format!("{code}/"),
                    _ => format!("{code}@{}/", it.id.version),
                };
                integration(it, &folder, &mut out);
            }
        }
        ContentsBody::Lookup(l) => {
            out.insert("lookup.csv".into(), csv(l));
        }
        ContentsBody::Library(_) => {
            let scripts = unpacked.own_files().iter().filter(|(path, _)| path.ends_with(".js"));
            for (path, bytes) in scripts {
                let name = safe_name(path.rsplit('/').next().unwrap_or(path));
                out.insert(format!("{name}.txt"), blank(path, &String::from_utf8_lossy(bytes)));
            }
        }
        ContentsBody::Description(description) => {
            let mut text = format!("name = {}\n", visible(&description.name));
            for (name, value) in &description.properties {
                text.push_str(&format!(
                    "{} = {}\n",
                    visible(name),
                    visible(&blank_value(name, value))
                ));
            }
            let asked = description.ask.iter().map(|a| {
                format!("{} = (a secret: the service does not give it out)\n", visible(a))
            });
            text.extend(asked);
            out.insert(format!("{}.txt", description.kind), text);
        }
    }
    out.insert("about.txt".into(), about(entry));
    // A person shows these in a terminal.
    out.values_mut().for_each(|text| *text = visible_lines(text).into_owned());
    out
}

/// Facts about the artifact, with its status. Times are left out: they would change with every
/// save.
fn about(entry: &ManifestEntry) -> String {
    let mut out = format!("{}\n", entry.key());
    if !entry.name.is_empty() && entry.name != entry.code {
        out.push_str(&format!("name         {}\n", visible(&entry.name)));
    }
    out.push_str(&format!("status       {}\n", entry.status.label()));
    out.push_str(&format!("fingerprint  {}\n", entry.fingerprint.short()));
    if let Some(expires) = entry.expires {
        out.push_str(&format!("ends         {}\n", expires.strftime("%F")));
    }
    out
}

fn members(code: &str, integrations: &[Integration]) -> String {
    let lines: String =
        integrations.iter().map(|it| format!("  {} {}\n", it.id.code, it.id.version)).collect();
    format!("{code}\n{lines}")
}

/// What is deployed together, as a project's archive has it.
fn deployments(all: &[Deployment]) -> String {
    let one = |d: &Deployment| {
        let of: Vec<String> = d.members.iter().map(|(_, c, v)| format!("{c} {v}")).collect();
        let line = format!("deployment {}: {}", d.code, of.join(", "));
        format!("{}\n", visible(line.trim_end()))
    };
    all.iter().map(one).collect()
}

fn integration(it: &Integration, folder: &str, out: &mut Texts) {
    let mut head = format!("{}\npattern      {}\n", visible(&it.name), it.pattern());
    if !it.description.is_empty() {
        head.push_str(&format!("description  {}\n", visible(&it.description)));
    }
    for t in &it.tracking {
        let primary = if t.primary { " (primary)" } else { "" };
        head.push_str(&format!("tracks       {}{primary} = {}\n", t.name, t.xpath));
    }
    out.insert(format!("{folder}integration.txt"), head);
    let mut flow = String::new();
    steps(it, &it.flow, 0, &mut flow);
    out.insert(format!("{folder}flow.txt"), flow);
    if !it.mappings.is_empty() {
        out.insert(format!("{folder}mappings.txt"), mappings(it));
    }
    if !it.endpoints.is_empty() {
        out.insert(format!("{folder}endpoints.txt"), endpoints(it));
    }
    let needs: String =
        it.needs.iter().map(|n| format!("{:12} {}\n", n.kind.label(), n.name)).collect();
    if !needs.is_empty() {
        out.insert(format!("{folder}needs.txt"), needs);
    }
}

/// The outline of the flow: one step on each line, its expressions below.
pub fn steps(it: &Integration, all: &[FlowStep], depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for step in all {
        let what = match step.endpoint.map(|e| &it.endpoints[e]) {
            Some(e) => format!("  [{}] {}", e.connection, e.call()),
            None if step.detail.is_empty() => String::new(),
            None => format!("  {}", blank_value(&step.name, &step.detail)),
        };
        out.push_str(&format!("{indent}{}{what}\n", step.title()));
        if step.expressions.len() > 1 {
            for (role, e) in &step.expressions {
                let name = if role.is_empty() { &e.variable } else { role };
                out.push_str(&format!("{indent}    {name} = {}\n", blank_value(name, e.shown())));
            }
        }
        steps(it, &step.children, depth + 1, out);
    }
}

fn mappings(it: &Integration) -> String {
    let mut out = String::new();
    for m in &it.mappings {
        let from = if m.sources.is_empty() {
            String::new()
        } else {
            format!(" from {}", m.sources.join(", "))
        };
        out.push_str(&format!("map to {}{from}\n", m.target));
        for a in &m.assignments {
            let within = if a.within.is_empty() {
                String::new()
            } else {
                format!("   [{}]", a.within.join(" › "))
            };
            out.push_str(&format!("  {} ← {}{within}\n", a.target, a.shown()));
        }
        out.push('\n');
    }
    out
}

fn endpoints(it: &Integration) -> String {
    let mut all: Vec<_> = it.endpoints.iter().collect();
    all.sort_by(|a, b| (&a.name, &a.role).cmp(&(&b.name, &b.role)));
    let mut out = String::new();
    for e in all {
        out.push_str(&format!(
            "{} ({})\n  connection = {}\n  call = {}\n",
            e.name,
            e.role,
            e.connection,
            e.call()
        ));
        for (key, value) in e.settings.iter().filter(|(_, v)| !v.is_empty()) {
            out.push_str(&format!(
                "  {key} = {}\n",
                blank_value(key.trim_start_matches("connection."), value)
            ));
        }
        out.push('\n');
    }
    out
}

/// A cell that a spreadsheet takes for a text: one that begins as a formula gets an apostrophe.
fn as_text(cell: &str) -> Cow<'_, str> {
    let formula = cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
    if formula { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

fn csv(lookup: &Lookup) -> String {
    let cell = |text: &String| {
        let text = as_text(text);
        match text.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.into_owned(),
        }
    };
    let line = |cells: &Vec<String>| cells.iter().map(cell).collect::<Vec<_>>().join(",");
    let rows = std::iter::once(&lookup.columns).chain(&lookup.rows);
    let text: String = rows.map(|r| format!("{}\n", line(r))).collect();
    blank("lookup.csv", &text)
}
