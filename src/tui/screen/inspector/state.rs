//! The state of the inspector, and what its lines are.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::project::{CLOSED, ProjectPage, ProjectSection};
use crate::archive::{ContentsBody, Fingerprints, Integration, Secret, UnpackedArchive};
use crate::model::{
    Answer, ArtifactName, EnvironmentIndex, InstanceCounts, IntegrationId, Kind, Reference, Scope,
};
use crate::ops::deps::DependencyGraph;
use crate::ops::triage::Triage;
use crate::store::StoredVersion;
use crate::tui::{
    app::{App, Subject},
    failure::Failure,
    screen::ScreenId,
    widgets::{
        finder::Finder,
        tree::{Fact, Tone, TreeItem},
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectorTab {
    Overview,
    Flow,
    Mappings,
    Dependencies,
    Files,
    History,
    Instances,
}

impl InspectorTab {
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Flow,
        Self::Mappings,
        Self::Dependencies,
        Self::Files,
        Self::History,
        Self::Instances,
    ];

    /// The word for the tab in the title.
    pub fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Flow => "Flow",
            Self::Mappings => "Mappings",
            Self::Dependencies => "Dependencies",
            Self::Files => "Files",
            Self::History => "History",
            Self::Instances => "Runs",
        }
    }
}

/// A line that folds, by what lies below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fold {
    /// An integration of a package or a project.
    Member(IntegrationId),
    /// A step, by its index in the flow and in each step that it lies in.
    FlowStep(IntegrationId, Vec<usize>),
    /// By its index among the mappings.
    Mapping(IntegrationId, usize),
    /// The files of a folder.
    Folder(String),
    /// A part of a project's page.
    Section(ProjectSection),
}

/// What Enter on a line means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LineTarget {
    #[default]
    Nothing,
    Fold(Fold),
    File(String),
    /// An integration's scope and code, to be opened where this archive is from.
    Integration(Scope, String),
    /// A row of the list: a connection or a lookup, in a scope.
    Row(Scope, Kind, String),
    Version(usize),
    /// A step of the flow, by the name that an error has for it.
    Step(String),
    /// A failed instance, by the id that resubmit takes.
    FailedInstance(String),
}

/// A line with what stands beside it while the cursor is on it.
#[derive(Debug, Clone, Default)]
pub struct InspectorLine {
    pub item: TreeItem,
    pub target: LineTarget,
    pub facts: Vec<Fact>,
    /// Whether it is a step of the flow that calls something.
    pub is_call: bool,
}

#[derive(Debug)]
pub struct InspectorScreen {
    pub id: ScreenId,
    pub finder: Finder,
    /// What names it: `prod:CODE@01.02.0003`.
    pub label: String,
    /// The reference that the label is; None where it is none.
    pub reference: Option<Reference>,
    /// The artifact, and the environment that it is from or belongs to.
    pub subject: Subject,
    pub unpacked: Arc<UnpackedArchive>,
    /// What was found in the files; None until all are read.
    pub examined: Option<(Fingerprints, Vec<Secret>)>,
    pub tab: InspectorTab,
    pub cursors: [usize; 7],
    pub folded: BTreeSet<Fold>,
    /// Folder -> the step or endpoint whose files lie there, since the folder has only a number.
    pub owners: HashMap<String, String>,
    /// Of a project: what its page shows beside the archive.
    pub project: Option<ProjectPage>,
    /// Who needs whom in the environment.
    pub graph: Option<Result<Arc<DependencyGraph>, Failure>>,
    pub graph_asked: bool,
    /// What the store has of it, the newest first.
    pub history: Answer<Vec<StoredVersion>>,
    pub instances: Option<InstanceCounts>,
    /// Its last day; none while it is asked for.
    pub triage: Option<Result<Arc<Triage>, Failure>>,
    pub triage_asked: bool,
}

impl InspectorScreen {
    /// An inspector for an archive that is from an environment or belongs to it.
    pub fn new(
        app: &App,
        id: ScreenId,
        environment: EnvironmentIndex,
        label: String,
        unpacked: Arc<UnpackedArchive>,
    ) -> Self {
        let reference = label.parse().ok();
        let subject = subject_of(reference.as_ref(), &label, &unpacked, environment);
        let row = app.table.find(&subject.artifact);
        let instances = row.and_then(|r| r.cell(environment)?.runs);
        let name = &app.environments[environment].name;
        let history = app.store.ready().map(|index| {
            let mut all: Vec<_> = index.history(name, &subject.artifact).cloned().collect();
            all.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
            all
        });
        let project = ProjectPage::of(app, &unpacked.contents, environment);
        let has_flow = project.is_none() && !unpacked.contents.integrations().is_empty();
        Self {
            id,
            finder: Finder::default(),
            label,
            reference,
            subject,
            examined: None,
            tab: if has_flow { InspectorTab::Flow } else { InspectorTab::Overview },
            cursors: [0; 7],
            folded: project.iter().flat_map(|_| CLOSED.map(Fold::Section)).collect(),
            project,
            owners: super::files::owners_of(&unpacked),
            unpacked,
            graph: None,
            graph_asked: false,
            history,
            instances,
            triage: None,
            triage_asked: false,
        }
    }

    /// The index of the line under the cursor; each tab keeps its own.
    pub fn cursor(&self) -> usize {
        self.cursors[self.tab as usize]
    }

    /// Moves the cursor of the tab that is shown; whether it has such a line is not checked.
    pub fn set_cursor(&mut self, index: usize) {
        self.cursors[self.tab as usize] = index;
    }

    /// The tabs that this kind has.
    pub fn tabs(&self) -> &'static [InspectorTab] {
        match self.unpacked.contents.body {
            ContentsBody::Integration(_) => &InspectorTab::ALL,
            ContentsBody::Package(_) | ContentsBody::Project(_) => &InspectorTab::ALL[..6],
            ContentsBody::Lookup(_) | ContentsBody::Library(_) | ContentsBody::Description(_) => &[
                InspectorTab::Overview,
                InspectorTab::Dependencies,
                InspectorTab::Files,
                InspectorTab::History,
            ],
        }
    }

    /// The lines of the tab that is shown.
    pub fn lines(&self) -> Vec<InspectorLine> {
        match self.tab {
            InspectorTab::Overview => self.overview(),
            InspectorTab::Flow => self.of_each(&|it, out| self.steps(it, &it.flow, &[], out)),
            InspectorTab::Mappings => self.of_each(&|it, out| self.mappings(it, out)),
            InspectorTab::Dependencies => self.dependencies(),
            InspectorTab::Files => self.files(),
            InspectorTab::History => self.history_lines(),
            InspectorTab::Instances => self.instance_lines(),
        }
    }

    /// Lines of one integration, or of each member under its name.
    pub(super) fn of_each(
        &self,
        add: &dyn Fn(&Integration, &mut Vec<InspectorLine>),
    ) -> Vec<InspectorLine> {
        let all = self.unpacked.contents.integrations();
        let mut out = Vec::new();
        for it in all {
            if all.len() > 1 {
                let fold = Fold::Member(it.id.clone());
                let open = !self.folded.contains(&fold);
                let item = TreeItem {
                    open: Some(open),
                    text: it.id.code.clone(),
                    note: it.id.version.to_string(),
                    tone: Tone::Title,
                    ..TreeItem::default()
                };
                out.push(InspectorLine {
                    item,
                    target: LineTarget::Fold(fold),
                    facts: vec![Fact::new("name", &it.name)],
                    ..InspectorLine::default()
                });
                if !open {
                    continue;
                }
            }
            add(it, &mut out);
        }
        if out.is_empty() {
            let text =
                format!("a {} has no flow", self.unpacked.contents.identity().kind.singular());
            out.push(plain(text, Tone::Dim));
        }
        out
    }

    /// A member's file as [`UnpackedArchive::all_files`] names it.
    pub(super) fn shown_path(&self, it: &Integration, path: &str) -> String {
        let single = matches!(self.unpacked.contents.body, ContentsBody::Integration(_));
        if single { path.to_owned() } else { format!("{}/{path}", it.id) }
    }

    /// The integration in this archive; None where it has none or several.
    pub fn integration(&self) -> Option<IntegrationId> {
        match self.unpacked.contents.integrations() {
            [one] => Some(one.id.clone()),
            _ => None,
        }
    }
}

/// The artifact that an archive is: as its label names it, else the first integration in it.
fn subject_of(
    reference: Option<&Reference>,
    label: &str,
    unpacked: &UnpackedArchive,
    environment: EnvironmentIndex,
) -> Subject {
    match reference {
        Some(Reference::Live { target, .. } | Reference::Stored { target, .. }) => {
            let scope = target.scope.clone().unwrap_or_default();
            Subject { artifact: target.in_scope(scope), environment }
        }
        Some(Reference::File(_)) | None => {
            let first = unpacked.contents.integrations().first().map(|it| it.id.code.clone());
            let code = first.unwrap_or_else(|| label.to_owned());
            Subject { artifact: ArtifactName::new(Kind::Integration, code), environment }
        }
    }
}

/// A line that leads nowhere.
pub(super) fn plain(text: impl Into<String>, tone: Tone) -> InspectorLine {
    InspectorLine {
        item: TreeItem { text: text.into(), tone, ..TreeItem::default() },
        ..InspectorLine::default()
    }
}
