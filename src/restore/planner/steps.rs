//! The steps of one item of a plan.

use crate::model::{ItemIndex, Kind, ScheduleState, Status, project_file_name, visible};
use crate::restore::{
    plan::{PlanItem, PlanStep, StepKind, Strategy},
    request::ScheduleChoice,
    survey::{KeptConnection, Situation},
};

/// The steps of one item, in order. The last one proves it.
pub(super) fn steps_of(s: &Situation, index: ItemIndex, item: &PlanItem) -> Vec<PlanStep> {
    let name = item.id().map_or_else(|| item.key.to_string(), |id| id.to_string());
    let mut steps = ItemSteps { s, index, item, name, steps: Vec::new() };
    if item.strategy == Strategy::ByHand {
        steps.by_hand();
        return steps.steps;
    }
    if !item.as_wanted {
        steps.keep_what_is_lost();
        steps.change();
        steps.configure();
        steps.activate();
        steps.parameters();
        steps.schedule();
        steps.smoke();
    }
    steps.prove();
    steps.steps
}

/// Whether the item is in a project, where some kinds are replaced by deleting and adding them.
fn item_is_inside(item: &PlanItem) -> bool {
    !item.key.scope.is_global()
}

struct ItemSteps<'a> {
    s: &'a Situation,
    index: ItemIndex,
    item: &'a PlanItem,
    /// What a person calls the artifact.
    name: String,
    steps: Vec<PlanStep>,
}

impl ItemSteps<'_> {
    fn add(&mut self, kind: StepKind, text: String) {
        self.steps.push(PlanStep { item: self.index, kind, about: None, text });
    }

    fn add_about(&mut self, kind: StepKind, about: &str, text: String) {
        self.steps.push(PlanStep { item: self.index, kind, about: Some(about.into()), text });
    }

    /// Whether other artifacts are in the plan, so that a step must say which it is about.
    fn among_others(&self) -> bool {
        self.s.parts.len() > 1
    }

    fn keep_what_is_lost(&mut self) {
        let (s, item) = (self.s, self.item);
        let has_file = s.archive(&item.key).is_some();
        let loses_content = item.strategy.loses_content()
            || (item.strategy != Strategy::Import && !has_file && item.within.is_none());
        // An artifact without an export, such as a certificate, cannot be kept first, nor can most
        // integrations of a project: a check refuses what could not be put back.
        let alone = item.key.kind != Kind::Integration
            || item.key.scope.is_global()
            || s.exports_members == Some(true);
        let exported = item.key.kind.has_archive() && alone;
        if loses_content && exported {
            let text =
                format!("safety export of {} from {} to the store", self.name, s.environment);
            self.add(StepKind::SafetyExport, text);
        }
    }

    fn change(&mut self) {
        let (name, source) = (self.name.clone(), &self.item.source);
        let runs = matches!(self.item.before.status, Some(Status::Active | Status::Busy))
            && self.item.key.kind == Kind::Integration;
        match self.item.strategy {
            Strategy::Replace => {
                if runs {
                    self.add(StepKind::Deactivate, format!("deactivate {name}: the gap begins"));
                }
                let text = match (item_is_inside(self.item), self.item.key.kind) {
                    (true, Kind::Integration) => {
                        format!(
                            "replace this version of {name} with {source}; where the instance has \
                                no call for that, delete and add it"
                        )
                    }
                    (true, Kind::Lookup) => format!(
                        "replace the rows of {name} with those of {source}; where the instance has \
                            no call for that, delete and add it"
                    ),
                    _ => format!("replace {name} with {source}"),
                };
                self.add(StepKind::Replace, text);
            }
            Strategy::Import if self.item.access_list().is_some() => {
                self.add(StepKind::Import, format!("import {source}"));
                self.access_list();
            }
            Strategy::Import if self.item.copy_of.is_some() => {
                let text = format!("the service copies {source} into {}", self.item.key.scope);
                self.add(StepKind::Import, text);
            }
            Strategy::Import if item_is_inside(self.item) => {
                let text = format!("add {source} to {}", self.item.key.scope);
                self.add(StepKind::Import, text);
            }
            Strategy::Import => self.add(StepKind::Import, format!("import {source}")),
            Strategy::Rebuild => self.rebuild(),
            Strategy::Deactivate => self.add(StepKind::Deactivate, format!("deactivate {name}")),
            Strategy::Remove => {
                if runs {
                    self.add(StepKind::Deactivate, format!("deactivate {name}"));
                }
                let text = format!("delete {name} from {}", self.s.environment);
                self.add(StepKind::Delete, text);
            }
            Strategy::Activate | Strategy::ByHand => {}
        }
    }

    /// What a person does in the console, in order. The plan is made again afterwards: what is
    /// there then only has to be activated and proven.
    fn by_hand(&mut self) {
        let (item, environment) = (self.item, &self.s.environment);
        let Some(project) = item.key.scope.project() else { return };
        let name = visible(&item.key.code).into_owned();
        let version = item.key.version.map(|v| format!(" {v}")).unwrap_or_default();
        let mut clicks = Vec::new();
        if item.before.status.is_some() {
            clicks.push(format!(
                "oicx backup {environment}: keeps {project} as it is now, since what follows loses it"
            ));
            if item.before.was_active() {
                clicks.push(format!(
                    "console, Projects, {project}: deactivate {name}{version}; the gap begins"
                ));
            }
            clicks.push(format!(
                "console, Projects, {project}: delete {name}{version}; its schedule and the values \
                    of its parameters go with it"
            ));
        }
        let archive = self.s.archive(&item.key);
        let file = archive.is_some_and(|a| !a.is_whole_file());
        let rest = match file {
            true => "activates and proves it",
            false => "adds, activates and proves it",
        };
        if file {
            clicks.push(format!(
                "console, Projects, Import: choose {}; it adds the versions that are missing, and \
                    replaces nothing",
                project_file_name(project.as_str())
            ));
        }
        // What is imported is there, so that its schedule is only taken where it is asked for.
        let stored = file && archive.is_some_and(|a| a.scheduled);
        let schedule = if stored { " with --schedule stored" } else { "" };
        clicks.push(format!("ask for this again{schedule}: oicx then {rest}"));
        clicks.into_iter().for_each(|text| self.add(StepKind::ByHand, text));
    }

    /// A project is deleted with all that is in it, and imported again.
    fn rebuild(&mut self) {
        let (name, source) = (self.name.clone(), self.item.source.clone());
        let inside = self.item.before.inside.clone().unwrap_or_default();
        for member in &inside.active {
            let id = member.id.to_string();
            self.add_about(StepKind::Deactivate, &id, format!("deactivate {id}: its gap begins"));
        }
        self.add(StepKind::Delete, format!("delete {name} from {}", self.s.environment));
        self.add(StepKind::Import, format!("import {source}"));
        self.access_list();
    }

    fn access_list(&mut self) {
        if self.item.access_list().is_some() {
            let text = format!("put back who may do what in {}", self.item.key.code);
            self.add(StepKind::AccessList, text);
        }
    }

    fn configure(&mut self) {
        let item = self.item;
        for code in &item.sets {
            let given =
                self.s.values.get(&item.key.uses_scope(), code).cloned().unwrap_or_default();
            let kept = item.connections.get(code).map(KeptConnection::names);
            let kept = kept.unwrap_or_default().into_iter().filter(|n| !given.contains(n));
            let names = kept.chain(given.iter().cloned()).collect::<Vec<_>>().join(", ");
            let text = format!("set {names} of connection {code}");
            self.add_about(StepKind::Configure, code, text);
            self.add_about(StepKind::Test, code, format!("test connection {code}"));
        }
    }

    fn activate(&mut self) {
        let item = self.item;
        if !item.activate || (item.strategy == Strategy::Activate && item.before.was_active()) {
            return;
        }
        let swapped = item.before.swapped.as_ref();
        let swap = swapped.map(|o| format!(", which swaps out {o}")).unwrap_or_default();
        self.add(StepKind::Activate, format!("activate {}{swap}", self.name));
    }

    fn parameters(&mut self) {
        let values = self.item.schedule_parameters();
        let stays = self.item.strategy == Strategy::Activate
            && self.item.before.was_active()
            && !self.item.changes_parameters()
            && !self.item.changes_times();
        if values.is_empty() || !self.item.activate || stays {
            return;
        }
        let names: Vec<_> = values.keys().map(|name| visible(name)).collect();
        let of = if self.among_others() { format!(" of {}", self.name) } else { String::new() };
        self.add(StepKind::Parameters, format!("set {} of the schedule{of}", names.join(", ")));
    }

    /// ` of NAME` where the plan has other items.
    fn of_item(&self) -> String {
        if self.among_others() { format!(" of {}", self.name) } else { String::new() }
    }

    fn schedule(&mut self) {
        let times = self.item.changes_times();
        let verb = match &self.item.schedule {
            None if times => {
                let of = self.of_item();
                self.add(StepKind::Schedule, format!("set the times of the schedule{of}"));
                return;
            }
            Some(ScheduleState::Running) => "start",
            Some(ScheduleState::Paused) => "start and pause",
            Some(ScheduleState::Stopped) => match self.item.strategy {
                Strategy::Activate if self.item.before.was_active() => "stop",
                _ if self.item.schedule_definition().is_some() => "define",
                _ if self.item.schedule_choice.is_keep() => return,
                _ => "stop",
            },
            _ => return,
        };
        let of = self.of_item();
        let how = match self.item.schedule_choice {
            ScheduleChoice::Keep => "as it was",
            ScheduleChoice::Stored => "as it was stored",
            ScheduleChoice::Stopped => "and leave it so",
        };
        let first = if times { "set the times of the schedule, and " } else { "" };
        let which = if times { "it".to_owned() } else { format!("the schedule{of}") };
        self.add(StepKind::Schedule, format!("{first}{verb} {which}, {how}"));
    }

    fn smoke(&mut self) {
        let key = &self.item.key;
        let called = self.s.smoke.iter().any(|call| call.is_of(&key.scope, &key.code));
        if self.item.activate && called {
            let text = format!("call {} as the config's smoke calls say", self.name);
            self.add(StepKind::Smoke, text);
        }
    }

    fn prove(&mut self) {
        let name = &self.name;
        let text = match (self.item.strategy, self.item.key.kind) {
            (Strategy::Remove, _) => format!("prove: {name} is not there"),
            (Strategy::Deactivate, _) => format!("prove: {name} does not run"),
            (_, Kind::Integration) if !self.among_others() => {
                "prove: export again and compare fingerprints, status and schedule".into()
            }
            (_, kind) if !kind.has_archive() => format!("prove: {name} is there"),
            _ => format!("prove: export {name} again and compare fingerprints"),
        };
        self.add(StepKind::Prove, text);
    }
}
