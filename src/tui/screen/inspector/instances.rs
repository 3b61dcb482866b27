//! The tab of instances, which the screen calls runs: the last day by the hour, the errors by their
//! words, each instance.

use super::state::{InspectorLine, InspectorScreen, InspectorTab, LineTarget, plain};
use crate::oic::Instance;
use crate::ops::triage::{ErrorGroup, Triage};
use crate::tui::widgets::{
    failure_chart::{bars, triage_summary},
    tree::{Tone, TreeItem},
};

impl InspectorScreen {
    /// The id of the failed instance under the cursor, as resubmit takes it; None on any other
    /// line.
    pub fn failed_instance(&self) -> Option<String> {
        match self.lines().into_iter().nth(self.cursor())?.target {
            LineTarget::FailedInstance(id) => Some(id),
            _ => None,
        }
    }

    /// Goes to the step of the flow that an error names. False where there is none of that name.
    pub fn go_to_step(&mut self, step: &str) -> bool {
        let tab = std::mem::replace(&mut self.tab, InspectorTab::Flow);
        let wanted = step.to_lowercase();
        // All folds are opened, so that the step is seen.
        let folded = std::mem::take(&mut self.folded);
        let lines = self.lines();
        let fits = |l: &InspectorLine| {
            format!("{} {}", l.item.text, l.item.note).to_lowercase().contains(&wanted)
        };
        let call = lines.iter().position(|l| l.is_call && fits(l));
        let found = call.or_else(|| lines.iter().position(fits));
        match found.filter(|_| !wanted.is_empty()) {
            Some(index) => self.set_cursor(index),
            None => (self.tab, self.folded) = (tab, folded),
        }
        found.is_some()
    }

    pub(super) fn instance_lines(&self) -> Vec<InspectorLine> {
        let triage = match &self.triage {
            None if self.instances.is_none() => {
                return vec![plain(
                    "monitoring gave nothing for it, or the role may not read it",
                    Tone::Dim,
                )];
            }
            None => return vec![plain("asking for its runs", Tone::Dim)],
            Some(Err(why)) => {
                return vec![plain(format!("its runs are not shown: {why}"), Tone::Dim)];
            }
            Some(Ok(triage)) => triage,
        };
        let mut out = vec![plain(
            triage_summary(triage),
            if triage.failed() > 0 { Tone::Failing } else { Tone::Good },
        )];
        let failed: Vec<u64> = triage.hours.iter().map(|h| h.failed).collect();
        let good: Vec<u64> = triage.hours.iter().map(|h| h.good).collect();
        out.push(plain(format!("failed per hour  {}", bars(&failed)), Tone::Failing));
        out.push(plain(format!("good per hour    {}", bars(&good)), Tone::Dim));
        out.push(plain("a day ago ─────────────────────────── now".to_owned(), Tone::Dim));
        if !triage.groups.is_empty() {
            out.push(plain("errors; open one to go to its step", Tone::Title));
        }
        out.extend(triage.groups.iter().map(group_line));
        out.push(plain("runs, newest first", Tone::Title));
        out.extend(triage.runs.iter().map(|instance| instance_line(instance, triage)));
        if triage.capped {
            out.push(plain("the service gives no more", Tone::Dim));
        }
        out
    }
}

/// Errors of the same words at the same step, counted.
fn group_line(group: &ErrorGroup) -> InspectorLine {
    let item = TreeItem {
        glyph: "✗".into(),
        text: format!("{} × {}", group.count, group.describe()),
        tone: Tone::Failing,
        ..TreeItem::default()
    };
    let target = LineTarget::Step(group.step.clone());
    InspectorLine { item, target, ..InspectorLine::default() }
}

fn instance_line(instance: &Instance, triage: &Triage) -> InspectorLine {
    let error = triage.errors.iter().find(|e| e.instance == instance.id);
    let when = instance.started.map(crate::model::short_date).unwrap_or_default();
    let item = TreeItem {
        glyph: instance.status.mark().to_string(),
        text: format!("{when}  {:<11}", instance.status.label()),
        note: instance.tracking.join(", "),
        tone: if error.is_some() { Tone::Failing } else { Tone::Plain },
        ..TreeItem::default()
    };
    let target = error.map_or(LineTarget::Nothing, |e| LineTarget::FailedInstance(e.id.clone()));
    InspectorLine { item, target, ..InspectorLine::default() }
}
