//! The Runs tab: its last day by the hour, its errors by their words, its runs.

use super::state::{Inspector, InspectorLine, LineTarget, Tab, plain};
use crate::oic::Instance;
use crate::ops::triage::{ErrorGroup, Triage};
use crate::tui::widgets::{
    failures::{bars, triage_summary},
    tree::{Tone, TreeItem},
};

impl Inspector {
    /// The id of the failed run under the cursor, as resubmit takes it; None on any other line.
    pub fn failed_run(&self) -> Option<String> {
        match self.lines().into_iter().nth(self.cursor())?.target {
            LineTarget::FailedRun(id) => Some(id),
            _ => None,
        }
    }

    /// Goes to the step of the flow that an error names. False where there is none of that name.
    pub fn go_to_step(&mut self, step: &str) -> bool {
        let tab = std::mem::replace(&mut self.tab, Tab::Flow);
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
            Some(place) => self.set_cursor(place),
            None => (self.tab, self.folded) = (tab, folded),
        }
        found.is_some()
    }

    pub(super) fn run_lines(&self) -> Vec<InspectorLine> {
        let triage = match &self.triage {
            None if self.runs.is_none() => {
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
        out.extend(triage.runs.iter().map(|run| run_line(run, triage)));
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

fn run_line(run: &Instance, triage: &Triage) -> InspectorLine {
    let error = triage.errors.iter().find(|e| e.instance == run.id);
    let when = run.started.map(crate::model::short_date).unwrap_or_default();
    let item = TreeItem {
        glyph: run.status.mark().to_string(),
        text: format!("{when}  {:<11}", run.status.label()),
        note: run.tracking.join(", "),
        tone: if error.is_some() { Tone::Failing } else { Tone::Plain },
        ..TreeItem::default()
    };
    let target = error.map_or(LineTarget::Nothing, |e| LineTarget::FailedRun(e.id.clone()));
    InspectorLine { item, target, ..InspectorLine::default() }
}
