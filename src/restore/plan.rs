//! A plan: what will be done to each artifact, step by step, and what speaks against it. It is
//! shown, approved, run, and kept in the journal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    live::PriorState,
    remedy::Remedy,
    request::{ScheduleChoice, Verb},
    survey::{KeptConnection, KeptDescriptions},
};
use crate::model::{
    Answer, ArtifactKey, EnvironmentName, Finding, Fingerprint, IntegrationId, ItemIndex, Kind,
    Level, PlanRefused, RunId, ScheduleParameters, ScheduleState, Status, StepIndex, plural,
};
use crate::oic::same_times;

/// How an artifact reaches its wanted state, the least disruptive strategy first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// It exists unchanged; at most it is activated.
    Activate,
    /// It exists and is to be inactive.
    Deactivate,
    /// It does not exist.
    Import,
    /// It exists and was changed in place.
    Replace,
    /// It is a project that exists and was changed: it is deleted and imported again.
    Rebuild,
    /// It exists and is to be removed.
    Remove,
    /// The service has no call for it: a person does it in the console, with the file that is
    /// written out.
    #[serde(rename = "by_hand")]
    ByHand,
}

impl Strategy {
    /// Whether a file is sent.
    pub fn sends(self) -> bool {
        matches!(self, Self::Import | Self::Replace | Self::Rebuild)
    }

    /// Whether what is there is lost by it, so that it is kept first.
    pub fn loses_content(self) -> bool {
        matches!(self, Self::Replace | Self::Rebuild | Self::Remove)
    }

    /// The words for the step, in lower case.
    pub fn label(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Deactivate => "deactivate",
            Self::Import => "import",
            Self::Replace => "replace in place",
            Self::Rebuild => "rebuild",
            Self::Remove => "remove",
            Self::ByHand => "do by hand",
        }
    }
}

/// One artifact of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanItem {
    pub key: ArtifactKey,
    /// Where its file comes from.
    pub source: String,
    #[serde(rename = "way")]
    pub strategy: Strategy,
    pub reason: String,
    /// Places of the items that must be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<ItemIndex>,
    /// Places of the items that must have ended before, however they did: they set connections that
    /// it uses too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<ItemIndex>,
    /// The item that brings it: a package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<ItemIndex>,
    /// Whether it is to be active at the end.
    pub activate: bool,
    /// The schedule at the end; none where there is none to set.
    pub schedule: Option<ScheduleState>,
    /// The fingerprint of an export at the end; none where it is to be absent, or the content stays
    /// as it is.
    pub wanted: Option<Fingerprint>,
    pub before: PriorState,
    /// Whether it is as wanted already: then only the proof is made.
    #[serde(rename = "settled")]
    pub as_wanted: bool,
    /// Connections, lookups and libraries that it needs on the environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<ArtifactKey>,
    /// The integration of another scope that the service copies, where no file can be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<IntegrationId>,
    /// What the store has beside its archive, where it is not on the environment or the stored
    /// schedule is wanted: an import does not bring it.
    #[serde(default, skip_serializing_if = "KeptDescriptions::is_empty")]
    pub kept: KeptDescriptions,
    /// What its empty connections get beside their secrets, by their code: none where another item
    /// sets them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, KeptConnection>,
    /// The empty connections that it sets: those that no item before it does.
    #[serde(skip)]
    pub sets: Vec<String>,
    /// Which schedule it gets.
    #[serde(default, skip_serializing_if = "ScheduleChoice::is_keep")]
    pub schedule_choice: ScheduleChoice,
    /// Whether the parameters of its schedule get the kept values although others are there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrites_parameters: bool,
    /// Whether its schedule gets the kept times although it has others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrites_times: bool,
}

impl PlanItem {
    /// The access list that a project gets at the end: the one that it has now, else the one of the
    /// backup.
    pub fn access_list(&self) -> Option<&Value> {
        match self.before.inside.as_ref().map(|inside| &inside.access_list) {
            Some(Answer::Known(live)) => live.as_ref(),
            _ => {
                let kept = self.kept.access_list.as_ref();
                kept.filter(|_| matches!(self.strategy, Strategy::Import | Strategy::Rebuild))
            }
        }
    }

    /// How its schedule is defined where it has to be defined again.
    pub fn schedule_definition(&self) -> Option<&Value> {
        let live = self.before.schedule_definition.as_ref();
        let kept = self.kept.schedule_definition.as_ref();
        // Older journals know the choice alone.
        match self.overwrites_times || self.schedule_choice == ScheduleChoice::Stored {
            true => kept.or(live),
            false => live.or(kept),
        }
    }

    /// How its schedule is defined where it goes with what is there, or is not there yet: it comes
    /// back as it was.
    pub fn recreated_schedule(&self) -> Option<&Value> {
        let gone = self.strategy == Strategy::Import
            || self.within.is_some()
            || (self.strategy == Strategy::Replace && self.key.is_replaced_by_deleting());
        self.schedule_definition().filter(|_| gone && self.activate && self.schedule.is_some())
    }

    /// Whether the schedule that it has after its import is nobody's: the service may give it one
    /// of its own, which gets the kept times.
    pub fn comes_with_kept_times(&self) -> bool {
        self.before.status.is_none() && self.kept.schedule_definition.is_some()
    }

    /// Whether its schedule, which is there, gets other times than it has: an undo must bring those
    /// back.
    pub fn changes_times(&self) -> bool {
        let (kept, live) = (&self.kept.schedule_definition, &self.before.schedule_definition);
        let both = kept.as_ref().zip(live.as_ref());
        let runs = self.activate || self.before.was_active();
        runs && self.overwrites_times && both.is_some_and(|(kept, live)| !same_times(kept, live))
    }

    /// The values that the parameters of its schedule get at the end: those that the version which
    /// ran has now, else those of the backup. An import and a replacement lose them.
    pub fn schedule_parameters(&self) -> &ScheduleParameters {
        match self.before.parameters.is_empty() || self.takes_stored_parameters() {
            true => &self.kept.parameters,
            false => &self.before.parameters,
        }
    }

    /// Whether the parameters of its schedule get the values of the backup, although others are
    /// there.
    pub fn takes_stored_parameters(&self) -> bool {
        self.overwrites_parameters && !self.kept.parameters.is_empty()
    }

    /// Whether these are other values than it has: a run that is right in all else must set them.
    pub fn changes_parameters(&self) -> bool {
        self.takes_stored_parameters() && self.kept.parameters != self.before.parameters
    }

    /// Whether the values of the backup are written over its own: an undo must bring those back.
    pub fn writes_over_parameters(&self) -> bool {
        let same_version = self.before.status.is_some() && self.before.swapped.is_none();
        same_version && self.takes_stored_parameters()
    }

    /// The id of the integration; none for other kinds.
    pub fn id(&self) -> Option<IntegrationId> {
        self.key.integration_id()
    }
}

impl std::ops::Index<ItemIndex> for Vec<PlanItem> {
    type Output = PlanItem;

    fn index(&self, at: ItemIndex) -> &PlanItem {
        &self[at.0]
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// The place of the item that it is for.
    #[serde(default)]
    pub item: ItemIndex,
    pub kind: StepKind,
    /// A connection's code, or an integration of a project, where the step is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    pub text: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    SafetyExport,
    Deactivate,
    Import,
    Replace,
    Delete,
    /// Values are set on a connection that an import left empty.
    Configure,
    /// The service tests a connection.
    Test,
    Activate,
    /// Values of the schedule's parameters are put back.
    Parameters,
    Schedule,
    /// The access list of a project is put back.
    AccessList,
    /// A smoke call shows that the flow works.
    Smoke,
    /// A person does it, in the console.
    ByHand,
    Prove,
    /// A kind that a newer program wrote: it can be shown and undone, not done.
    #[serde(untagged)]
    Other(String),
}

impl StepKind {
    /// Whether the step changes the environment. An unknown kind counts as a change.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::SafetyExport | Self::Test | Self::ByHand | Self::Prove)
    }
}

/// The finding of a check, and the remedy that a key applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    #[serde(flatten)]
    pub finding: Finding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// The artifacts of a blocker that the others could be restored without; empty where it speaks
    /// of the whole plan.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub of: BTreeSet<ArtifactKey>,
}

impl Check {
    /// A finding with what makes it go away, where something does.
    pub fn new(finding: Finding, remedy: Option<Remedy>) -> Self {
        Self { finding, remedy, of: BTreeSet::new() }
    }

    /// The same, where it speaks of one artifact.
    #[must_use]
    pub fn of(self, key: &ArtifactKey) -> Self {
        self.of_all([key.clone()])
    }

    /// The same, where it speaks of these artifacts.
    #[must_use]
    pub fn of_all(mut self, keys: impl IntoIterator<Item = ArtifactKey>) -> Self {
        if self.level == Level::Blocker {
            self.of.extend(keys);
        }
        self
    }
}

/// An artifact that a person left out of a plan, since something forbade it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub artifact: ArtifactKey,
    pub why: String,
}

impl LeftOut {
    /// An artifact, and what forbade it.
    pub fn of((artifact, why): (&ArtifactKey, &String)) -> Self {
        Self { artifact: artifact.clone(), why: why.clone() }
    }

    /// `PAYROLL 01.00.0000 is left out: it is locked by a.b`.
    pub fn describe(&self) -> String {
        format!("{} is left out: {}", self.artifact, self.why)
    }
}

impl std::ops::Deref for Check {
    type Target = Finding;
    fn deref(&self) -> &Finding {
        &self.finding
    }
}

impl From<Finding> for Check {
    fn from(finding: Finding) -> Self {
        Self::new(finding, None)
    }
}

/// A whole plan, not yet approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestorePlan {
    pub verb: Verb,
    pub environment: EnvironmentName,
    /// What is restored, as a person named it.
    pub source: String,
    /// The strategy of the artifact that was asked for; of several, the most disruptive one.
    #[serde(rename = "way")]
    pub strategy: Strategy,
    pub reason: String,
    pub checks: Vec<Check>,
    /// Each item comes after the ones that it needs.
    pub items: Vec<PlanItem>,
    pub steps: Vec<PlanStep>,
    /// What is done where a step fails.
    pub if_it_fails: Vec<String>,
    pub protected: bool,
    /// Whether all items are restored or none.
    pub together: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// The environment whose loss a drill rehearses; none for other verbs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearses: Option<EnvironmentName>,
    /// The environments of which what is sent or replaced is kept in the store before the first
    /// step: both sides of a promotion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_first: Vec<EnvironmentName>,
    /// What was asked for and is not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A plan that has no blocker and was confirmed. Only such a plan can be run.
#[derive(Debug, Clone)]
pub struct ApprovedPlan(RestorePlan);

impl ApprovedPlan {
    /// The plan as it was checked.
    pub fn plan(&self) -> &RestorePlan {
        &self.0
    }
}

impl RestorePlan {
    /// The way in words. In a project no integration is replaced in place: it is deleted and added.
    pub fn way(&self) -> &'static str {
        let mut replaced = self.items.iter().filter(|i| i.strategy == Strategy::Replace).peekable();
        let added = |i: &PlanItem| i.key.kind == Kind::Integration && !i.key.scope.is_global();
        let inside = replaced.peek().is_some() && replaced.all(added);
        match self.strategy {
            Strategy::Replace if inside => "replace, or delete and add",
            other => other.label(),
        }
    }

    /// The items that somebody asked for, or that come along by themselves.
    fn asked(&self) -> Vec<&PlanItem> {
        let named = |i: &&PlanItem| i.within.is_none() && !self.goes_with_project(i);
        self.items.iter().filter(named).collect()
    }

    /// Whether the plan is about one artifact.
    pub fn is_of_one(&self) -> bool {
        self.asked().len() == 1
    }

    /// What the plan is about, in a few words: `SYNC 01.00.0000`, `12 artifacts`.
    pub fn subject(&self) -> String {
        let asked = self.asked();
        match (asked.as_slice(), self.main()) {
            ([one], _) => one.key.to_string(),
            ([.., last], Some(main)) if self.together && self.items.len() <= 4 => {
                let others = self.items.len() - 1;
                let main = if self.verb == Verb::Rollback { &last.key } else { &main.key };
                format!("{main} and {}", plural(others, "other"))
            }
            _ => plural(self.items.len(), "artifact"),
        }
    }

    /// What it does, in one line: `restore SYNC 01.00.0000 to prod`.
    pub fn title(&self) -> String {
        let (subject, environment) = (self.subject(), &self.environment);
        match self.verb {
            Verb::Rollback => format!("undo {subject} on {environment}"),
            verb => format!("{} {subject} to {environment}", verb.label()),
        }
    }

    /// The item that was asked for: it comes last, but for the lookups of a project.
    pub fn main(&self) -> Option<&PlanItem> {
        self.main_index().map(|at| &self.items[at])
    }

    /// The index of [`RestorePlan::main`].
    pub fn main_index(&self) -> Option<ItemIndex> {
        let own = |at: &ItemIndex| !self.goes_with_project(&self.items[*at]);
        self.item_indices().rev().find(own).or(self.item_indices().next_back())
    }

    /// Whether an item is a lookup of a project that is in the plan, too: nobody asked for it by
    /// name.
    fn goes_with_project(&self, item: &PlanItem) -> bool {
        item.key.kind == Kind::Lookup && self.project_of(item).is_some()
    }

    /// The item of the project that an item lies in, where the plan has it.
    fn project_of(&self, item: &PlanItem) -> Option<ItemIndex> {
        let holds = |at: &ItemIndex| self.items[*at].key.holds(&item.key);
        self.item_indices().find(holds)
    }

    /// The item of the project that an item lies in, where that is deleted and imported again: the
    /// item goes with it.
    pub fn rebuilt_project_of(&self, item: &PlanItem) -> Option<ItemIndex> {
        self.project_of(item).filter(|at| self.items[*at].strategy == Strategy::Rebuild)
    }

    /// The checks that forbid the run.
    pub fn blockers(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|c| c.level == Level::Blocker)
    }

    /// What would have to be left out so that the others can be restored, each with why; empty
    /// where nothing forbids the plan, or something that concerns all of it, where all stand and
    /// fall together, and where nothing would remain.
    pub fn blocked(&self) -> BTreeMap<ArtifactKey, String> {
        let mut out = BTreeMap::new();
        if self.together || self.blockers().any(|check| check.of.is_empty()) {
            return out;
        }
        for check in self.blockers() {
            for key in &check.of {
                out.entry(key.clone()).or_insert_with(|| check.what.clone());
            }
        }
        let goes = |item: &PlanItem| {
            let brought_by = item.within.map(|at| &self.items[at].key);
            [Some(&item.key), brought_by].into_iter().flatten().any(|key| out.contains_key(key))
        };
        if self.items.iter().all(goes) { BTreeMap::new() } else { out }
    }

    /// Whether the plan does anything beside proving.
    pub fn changes_something(&self) -> bool {
        self.steps.iter().any(|s| s.kind.changes())
    }

    /// All steps, each with its index.
    pub fn indexed_steps(&self) -> impl Iterator<Item = (StepIndex, &PlanStep)> {
        self.steps.iter().enumerate().map(|(place, step)| (StepIndex(place), step))
    }

    /// The steps of one item, each with its index among all.
    pub fn steps_of(&self, item: ItemIndex) -> impl Iterator<Item = (StepIndex, &PlanStep)> {
        self.indexed_steps().filter(move |(_, s)| s.item == item)
    }

    /// The indices of all items, in the order in which they are done.
    pub fn item_indices(&self) -> impl DoubleEndedIterator<Item = ItemIndex> + use<> {
        (0..self.items.len()).map(ItemIndex)
    }

    /// The step with this index; none where a journal names one that its plan does not have.
    pub fn step(&self, index: StepIndex) -> Option<&PlanStep> {
        self.steps.get(index.0)
    }

    /// Lets the plan run. `confirmation` is what was typed, or given with `--confirm`.
    ///
    /// # Errors
    /// Where there is a blocker, or a protected environment's name was not given exactly.
    pub fn approve(self, confirmation: Option<&str>) -> Result<ApprovedPlan, PlanRefused> {
        PlanRefused::if_blocked(self.checks.iter().map(|c| &c.finding))?;
        if self.items.is_empty() {
            return Err(PlanRefused::Empty);
        }
        self.confirmed(confirmation)?;
        Ok(ApprovedPlan(self))
    }

    /// # Errors
    /// Where the environment is protected and its name was not given exactly.
    pub(super) fn confirmed(&self, confirmation: Option<&str>) -> Result<(), PlanRefused> {
        match self.name_to_type() {
            Some(name) => PlanRefused::if_unconfirmed(&name, confirmation),
            None => Ok(()),
        }
    }

    /// What a person must type to allow it: the name of a protected environment, and the code of a
    /// project that is rebuilt, as in `prod/PEOPLE`. None where a yes is enough.
    pub fn name_to_type(&self) -> Option<String> {
        let rebuilt = self.items.iter().filter(|i| i.strategy == Strategy::Rebuild && !i.as_wanted);
        let environment = self.protected.then(|| self.environment.to_string());
        let names: Vec<String> =
            environment.into_iter().chain(rebuilt.map(|i| i.key.code.clone())).collect();
        (self.changes_something() && !names.is_empty()).then(|| names.join("/"))
    }

    /// What is done where a step fails.
    pub(super) fn list_undo(&self) -> Vec<String> {
        let changing: Vec<&PlanItem> = self.items.iter().filter(|i| !i.as_wanted).collect();
        let mut lines: Vec<String> = match changing.as_slice() {
            many if many.len() > 3 => {
                let scope = if self.together {
                    "all of them are put back, the last first"
                } else {
                    "it is put back; the others continue"
                };
                vec![scope.into()]
            }
            few => few.iter().flat_map(|item| item.undo()).collect(),
        };
        if changing.iter().any(|i| i.strategy != Strategy::ByHand) || changing.is_empty() {
            lines.push("what was there before is proven by another export".into());
        }
        lines
    }
}

impl PlanItem {
    fn undo(&self) -> Vec<String> {
        let key = &self.key;
        let schedule = self
            .before
            .schedule
            .there()
            .map(|s| format!(", schedule {}", s.label()))
            .unwrap_or_default();
        let status = self.before.status.as_ref().map_or("as it was", Status::label);
        let mut lines = vec![match self.strategy {
            Strategy::Replace if key.kind == Kind::Integration => {
                format!("the safety export is put back and left {status}{schedule}")
            }
            Strategy::Replace => format!("the safety export of {key} is put back"),
            Strategy::Rebuild => format!(
                "{key} is deleted, imported from the safety export, and gets back its access list, \
                    its connections' values, and what was active in it with its schedules"
            ),
            Strategy::Remove => {
                format!("the safety export of {key} is imported again and left {status}{schedule}")
            }
            Strategy::Import => format!("the imported {key} is deleted again"),
            Strategy::Activate => format!("{key} is deactivated again"),
            Strategy::ByHand => format!("oicx changes nothing of {key}"),
            Strategy::Deactivate => format!("{key} is activated again{schedule}"),
        }];
        if let (Some(other), true) = (&self.before.swapped, self.activate) {
            lines.push(format!("{other} is activated again{schedule}"));
        }
        lines
    }
}
