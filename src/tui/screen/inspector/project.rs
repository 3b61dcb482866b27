//! The page of a project: its integrations with their marks, its deployments, who may do what in
//! it, calls across its border, and what its archive does not hold.

use std::collections::BTreeSet;

use super::state::{Fold, InspectorLine, InspectorScreen, LineTarget, plain};
use crate::archive::{Contents, ContentsBody, Project};
use crate::model::{Answer, EnvironmentIndex, Kind, Reference, Scope, Status, plural};
use crate::ops::{
    matrix::{Mark, MatrixCell, MatrixRow},
    project::ProjectFacts,
};
use crate::tui::{
    app::App,
    widgets::tree::{Tone, TreeItem},
};

/// What the lists say of a project, and what was found out beside its archive.
#[derive(Debug)]
pub struct ProjectPage {
    scope: Scope,
    members: Vec<PageMember>,
    /// What else the environment lists in the project.
    listed: BTreeSet<(Kind, String)>,
    /// None while it is found out.
    pub facts: Option<ProjectFacts>,
}

/// An integration of the project in the environment that the page is about.
#[derive(Debug)]
struct PageMember {
    code: String,
    /// None where only other environments have it.
    cell: Option<MatrixCell>,
    /// The other environments: whether they have it, and how they compare with the base.
    others: Vec<(String, bool, Mark)>,
}

impl PageMember {
    /// What needs a person comes first, then what is here.
    fn rank(&self) -> u8 {
        match &self.cell {
            Some(cell) if cell.is_failing() => 0,
            Some(_) => 1,
            None => 2,
        }
    }
}

/// A part of the page, which folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProjectSection {
    Integrations,
    Deployments,
    Access,
    CallsAcross,
    NotInArchive,
    Connections,
    Lookups,
    Libraries,
}

/// Sections that are closed at first.
pub const CLOSED: [ProjectSection; 3] =
    [ProjectSection::Connections, ProjectSection::Lookups, ProjectSection::Libraries];

impl ProjectSection {
    fn title(self) -> &'static str {
        match self {
            Self::Integrations => "integrations",
            Self::Deployments => "deployments",
            Self::Access => "who may do what",
            Self::CallsAcross => "calls across its border",
            Self::NotInArchive => "not in its archive",
            Self::Connections => "connections",
            Self::Lookups => "lookups",
            Self::Libraries => "libraries",
        }
    }
}

impl ProjectPage {
    /// What is known of a project when its page is opened; none where the archive is of another
    /// kind.
    pub fn of(app: &App, contents: &Contents, environment: EnvironmentIndex) -> Option<Self> {
        let ContentsBody::Project(project) = &contents.body else { return None };
        let scope = Scope::Project(project.code.clone());
        let rows = || app.table.matrix.rows.iter().filter(|r| r.scope == scope);
        let member = |row: &MatrixRow| PageMember {
            code: row.code.clone(),
            cell: row.cell(environment).cloned(),
            others: others(app, row, environment),
        };
        let here = |row: &&MatrixRow| row.cell(environment).is_some();
        let listed = rows().filter(here).map(|row| (row.kind, row.code.clone()));
        let of_kind = rows().filter(|r| r.kind == Kind::Integration);
        let mut members: Vec<PageMember> = of_kind.map(member).collect();
        members.sort_by_key(PageMember::rank);
        Some(Self { members, listed: listed.collect(), scope, facts: None })
    }
}

/// The other environments: whether they have it, and how they compare with the base.
fn others(app: &App, row: &MatrixRow, environment: EnvironmentIndex) -> Vec<(String, bool, Mark)> {
    let others = EnvironmentIndex::all(app.environments.len()).filter(|e| *e != environment);
    let told = |column: EnvironmentIndex| {
        let there = row.cell(column).is_some();
        let mark = row.judge(column, app.table.base, &app.table.known).mark;
        (app.environments[column].name.to_string(), there, mark)
    };
    others.map(told).collect()
}

impl InspectorScreen {
    /// The lines of the page; none where the archive is of another kind.
    pub(super) fn project_lines(&self, out: &mut Vec<InspectorLine>) {
        let (Some(page), ContentsBody::Project(project)) =
            (&self.project, &self.unpacked.contents.body)
        else {
            return;
        };
        if !project.description.is_empty() {
            out.push(plain(project.description.clone(), Tone::Dim));
        }
        use ProjectSection as Part;
        self.section(out, Part::Integrations, page.counts(), || page.member_lines(project));
        let deployments = page.deployment_lines(project);
        self.section(out, Part::Deployments, count(deployments.len()), || deployments);
        let of_backup = matches!(self.reference, Some(Reference::Stored { .. }));
        let when = if of_backup { "as the newest backup has it" } else { "" };
        self.section(out, Part::Access, when.into(), || page.access_lines());
        self.section(out, Part::CallsAcross, String::new(), || page.crossing_lines());
        self.section(out, Part::NotInArchive, String::new(), || page.left_out(project));
        let scope = Scope::Project(project.code.clone());
        let connections: Vec<String> = project.connections.iter().map(|c| c.code.clone()).collect();
        let lookups: Vec<String> = project.lookups.iter().map(|l| l.name.clone()).collect();
        let libraries: Vec<String> = project.libraries_and_events().0.into_iter().collect();
        for (section, names, kind) in [
            (Part::Connections, connections, Kind::Connection),
            (Part::Lookups, lookups, Kind::Lookup),
            (Part::Libraries, libraries, Kind::Library),
        ] {
            self.section(out, section, count(names.len()), || {
                names.into_iter().map(|name| named_line(&scope, kind, name)).collect()
            });
        }
    }

    /// A heading that folds, and its lines while it is open.
    fn section(
        &self,
        out: &mut Vec<InspectorLine>,
        section: ProjectSection,
        note: String,
        lines: impl FnOnce() -> Vec<InspectorLine>,
    ) {
        let fold = Fold::Section(section);
        let open = !self.folded.contains(&fold);
        let item = TreeItem {
            open: Some(open),
            text: section.title().to_owned(),
            note,
            tone: Tone::Accent,
            ..TreeItem::default()
        };
        let target = LineTarget::Fold(fold);
        out.push(InspectorLine { item, target, ..InspectorLine::default() });
        if open {
            let mut lines = lines();
            if lines.is_empty() {
                lines.push(line("none", "", Tone::Dim));
            }
            out.extend(lines);
        }
    }
}

fn count(n: usize) -> String {
    n.to_string()
}

/// A line below a heading.
fn line(text: impl Into<String>, note: impl Into<String>, tone: Tone) -> InspectorLine {
    let item =
        TreeItem { depth: 1, text: text.into(), note: note.into(), tone, ..TreeItem::default() };
    InspectorLine { item, ..InspectorLine::default() }
}

/// A line that leads to the row of what it names. A library is named with its version.
fn named_line(scope: &Scope, kind: Kind, name: String) -> InspectorLine {
    let code = match kind {
        Kind::Library => name.split_once(' ').map_or(name.as_str(), |(code, _)| code),
        _ => name.as_str(),
    };
    let target = LineTarget::Row(scope.clone(), kind, code.to_owned());
    InspectorLine { target, ..line(name, "", Tone::Plain) }
}

impl ProjectPage {
    /// `12 · 9 active · 1 failing`
    fn counts(&self) -> String {
        let here = || self.members.iter().filter_map(|m| m.cell.as_ref());
        let active = here().filter(|c| c.state.status == Status::Active).count();
        let failing = here().filter(|c| c.is_failing()).count();
        let failing = if failing > 0 { format!(" · {failing} failing") } else { String::new() };
        format!("{} · {active} active{failing}", here().count())
    }

    /// The integrations that the lists have; of an archive that no list knows, those in it.
    fn member_lines(&self, project: &Project) -> Vec<InspectorLine> {
        let known: BTreeSet<&str> = self.members.iter().map(|m| m.code.as_str()).collect();
        let width = project.integrations.iter().map(|it| it.id.code.as_str()).chain(known.clone());
        let width = width.map(str::len).max().unwrap_or(0).min(46);
        let target = |code: &str| LineTarget::Integration(self.scope.clone(), code.to_owned());
        let of_lists = self.members.iter().map(|member| {
            let mut line = member.line(width);
            line.target = target(&member.code);
            line
        });
        let only = project.integrations.iter().filter(|it| !known.contains(it.id.code.as_str()));
        let of_archive = only.map(|it| InspectorLine {
            target: target(&it.id.code),
            ..line(
                format!("– {:<width$}  {}", it.id.code, it.id.version),
                "in the archive",
                Tone::Dim,
            )
        });
        of_lists.chain(of_archive).collect()
    }

    fn deployment_lines(&self, project: &Project) -> Vec<InspectorLine> {
        let kept: BTreeSet<&str> = project.deployments.iter().map(|d| d.code.as_str()).collect();
        let told = |code: &str, name: &str, members: Vec<String>, note: &str| {
            let note = if note.is_empty() { members.join(", ") } else { note.to_owned() };
            let name = if name == code { String::new() } else { format!(" · {name}") };
            line(
                format!("{code}{name} · {}", plural(members.len(), "integration")),
                note,
                Tone::Plain,
            )
        };
        let in_archive = project.deployments.iter().map(|d| {
            let members = d.members.iter().map(|(_, code, v)| format!("{code} {v}")).collect();
            told(&d.code, &d.name, members, "")
        });
        let live = self.facts.iter().filter_map(|f| f.deployments.known()).flatten();
        let only = live.filter(|d| !kept.contains(d.code.as_str())).map(|d| {
            let members = d.members.iter().map(|(code, v)| format!("{code} {v}")).collect();
            told(&d.code, &d.name, members, "not in the archive")
        });
        in_archive.chain(only).collect()
    }

    fn access_lines(&self) -> Vec<InspectorLine> {
        match self.facts.as_ref().map(|f| &f.access) {
            None => vec![line("asking …", "", Tone::Dim)],
            Some(Answer::Unknown { unknown: why }) => {
                vec![line(format!("not known: {why}"), "", Tone::Warning)]
            }
            Some(Answer::Known(access)) => {
                let right = |(right, grant): &(&str, crate::model::Grant)| {
                    line(format!("{right:<14} {}", grant.describe()), "", Tone::Plain)
                };
                access.rights.iter().map(right).collect()
            }
        }
    }

    fn crossing_lines(&self) -> Vec<InspectorLine> {
        let crossing = match self.facts.as_ref().map(|f| &f.crossing) {
            None => return vec![line("reading the backups …", "", Tone::Dim)],
            Some(Answer::Unknown { unknown: why }) => {
                return vec![line(format!("not known: {why}"), "", Tone::Dim)];
            }
            Some(Answer::Known(crossing)) => crossing,
        };
        let outwards = crossing.outwards.iter().map(|(caller, callee)| {
            let text = format!("{} calls {}", caller.name, callee.shown());
            let target = LineTarget::Integration(callee.scope.clone(), callee.name.clone());
            InspectorLine { target, ..line(text, scope_note(&callee.scope), Tone::Plain) }
        });
        let inwards = crossing.inwards.iter().map(|(caller, callee)| {
            let text = format!("{} is called by {}", callee.name, caller.shown());
            let target = LineTarget::Integration(caller.scope.clone(), caller.name.clone());
            InspectorLine { target, ..line(text, scope_note(&caller.scope), Tone::Plain) }
        });
        let mut lines: Vec<_> = outwards.chain(inwards).collect();
        if lines.is_empty() {
            lines.push(line("none that the newest backups know", "", Tone::Dim));
        }
        lines
    }

    /// What is in the project and not in its archive.
    fn left_out(&self, project: &Project) -> Vec<InspectorLine> {
        let held = |kind: Kind, code: &str| match kind {
            Kind::Connection => project.connections.iter().any(|c| c.code == code),
            Kind::Lookup => project.lookups.iter().any(|l| l.name == code),
            Kind::Integration => project.integrations.iter().any(|it| it.id.code == code),
            // Its own access list and schedules are told below, and libraries are held by version.
            Kind::Access | Kind::Schedule | Kind::Library => true,
            other => !other.lives_in_projects(),
        };
        let missing = self.listed.iter().filter(|(kind, code)| !held(*kind, code));
        let mut lines: Vec<_> =
            missing.map(|(kind, code)| line(format!("{kind} {code}"), "", Tone::Warning)).collect();
        let schedules = self.listed.iter().filter(|(kind, _)| *kind == Kind::Schedule).count();
        let connections = plural(project.connections.len(), "connection");
        let mut told = vec![("who may do what".to_owned(), "a backup keeps it beside the archive")];
        if schedules > 0 {
            let text = format!("state of {}", plural(schedules, "schedule"));
            told.push((text, "a backup keeps it beside the archive"));
        }
        told.push((format!("credentials of {connections}"), "the service does not give them out"));
        told.push(("robots, decisions, agents, B2B".into(), "oicx does not look at them"));
        lines.extend(told.into_iter().map(|(text, note)| line(text, note, Tone::Plain)));
        lines
    }
}

fn scope_note(scope: &Scope) -> &'static str {
    if scope.is_global() { "global" } else { "" }
}

impl PageMember {
    fn line(&self, width: usize) -> InspectorLine {
        let mut notes: Vec<String> = Vec::new();
        let (mark, version, tone) = match &self.cell {
            None => ('–', String::new(), Tone::Dim),
            Some(cell) => {
                if cell.failed_runs() > 0 {
                    notes.push(format!("✗ {} failed", cell.failed_runs()));
                }
                if cell.state.is_locked() {
                    notes.push("locked".into());
                }
                if cell.others > 0 {
                    notes.push(format!("{} more", plural(cell.others, "version")));
                }
                let tone = if cell.is_failing() { Tone::Failing } else { Tone::Plain };
                (cell.state.status.mark(), crate::model::version_text(cell.version), tone)
            }
        };
        match &self.cell {
            Some(_) => notes.extend(self.others.iter().filter_map(|(name, _, mark)| {
                let told = !matches!(mark, Mark::None | Mark::Unknown);
                told.then(|| format!("{name} {}", mark.symbol()))
            })),
            None => {
                let there = self.others.iter().filter(|(_, there, _)| *there);
                let names: Vec<&str> = there.map(|(name, ..)| name.as_str()).collect();
                notes.push(match names.is_empty() {
                    true => "gone since the last backup".to_owned(),
                    false => format!("not here; on {}", names.join(", ")),
                });
            }
        }
        line(format!("{mark} {:<width$}  {version:<10}", self.code), notes.join(" · "), tone)
    }
}
