//! A run as a Markdown note for a ticket: what was wrong, what was done, by whom and when, and the
//! proof.

use std::fmt::Write;

use jiff::Timestamp;

use super::{
    checklist::Checklist,
    ending::Ending,
    journal::Journal,
    plan::{StepKind, Strategy},
    request::Verb,
    run_store::RunProcess,
};
use crate::model::{Fingerprint, ItemIndex, Level, visible_lines};
use crate::workspace::events::StepState;

/// The note of a run. Everything in it was read or measured in the run; the checklist is what was
/// seen afterwards.
pub fn incident_note(
    journal: &Journal,
    checklist: Option<&Checklist>,
    process: RunProcess,
) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write(&mut out, journal, checklist, process);
    out
}

fn write(
    out: &mut String,
    journal: &Journal,
    checklist: Option<&Checklist>,
    process: RunProcess,
) -> std::fmt::Result {
    head(out, journal, process)?;
    let plan = &journal.plan;
    let found: Vec<_> = plan.checks.iter().filter(|c| c.level != Level::Fact).collect();
    if !found.is_empty() {
        writeln!(out, "\n## Known before\n")?;
        for check in found {
            writeln!(out, "- {} {}", check.mark(), plain(&check.what))?;
        }
    }
    writeln!(out, "\n## Proof\n")?;
    proofs(out, journal)?;
    writeln!(out, "\n## Steps\n\n| time | step | |\n|---|---|---|")?;
    for line in journal.lines.iter().filter(|l| l.state != StepState::Running) {
        writeln!(
            out,
            "| {} | {} {} | {} |",
            clock(line.at),
            line.state.mark(),
            cell(&line.step),
            cell(&line.note)
        )?;
    }
    if let Some(list) = checklist {
        writeln!(out, "\n## Afterwards\n")?;
        for tick in &list.ticks {
            let mark = if tick.done() { "x" } else { " " };
            writeln!(out, "- [{mark}] {}: {}", plain(&tick.what), plain(&tick.note))?;
        }
    }
    Ok(())
}

/// The title, and what the run was and how it ended.
fn head(out: &mut String, journal: &Journal, process: RunProcess) -> std::fmt::Result {
    let plan = &journal.plan;
    let title = match plan.verb {
        Verb::Restore => "Restore",
        Verb::Promote => "Promotion",
        Verb::Rollback => "Rollback",
        Verb::Drill => "Drill",
    };
    writeln!(out, "# {title} of {} on {}\n", plain(&plan.subject()), plan.environment)?;
    let end = Ending::of(journal, process).phrase;
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| result | **{}** |", cell(&end))?;
    writeln!(out, "| what was there | {} |", cell(&plan.reason))?;
    writeln!(out, "| what was sent | {} |", cell(&plan.source))?;
    writeln!(out, "| way | {} |", plan.way())?;
    writeln!(out, "| by | {} on {} |", cell(&journal.by.user), cell(&journal.by.host))?;
    writeln!(out, "| began | {} |", moment(journal.started))?;
    if let Some(finished) = journal.finished {
        let seconds = finished.duration_since(journal.started).as_secs();
        writeln!(out, "| ended | {}, after {seconds} s |", moment(finished))?;
    }
    if let Some(gap) = gap(journal) {
        writeln!(out, "| interrupted | for {gap:.0} s |")?;
    }
    writeln!(out, "| run | `{}` |", journal.run)?;
    if let Some(error) = &journal.why() {
        writeln!(out, "\n**Why it ended so:** {}", plain(error))?;
    }
    Ok(())
}

fn proofs(out: &mut String, journal: &Journal) -> std::fmt::Result {
    let short =
        |f: Option<Fingerprint>| f.map_or_else(|| "not there".to_owned(), |f| format!("`{f}`"));
    for (item, progress) in journal.plan.items.iter().zip(&journal.items) {
        match &progress.proof {
            Some(proof) => {
                let holds = if proof.holds() { "holds" } else { "does NOT hold" };
                let facts = plain(&proof.facts.join(", "));
                writeln!(
                    out,
                    "- {}: {holds}; wanted {}, exported again {}; {facts}",
                    plain(&item.key.to_string()),
                    short(proof.wanted),
                    short(proof.found)
                )?;
            }
            None => {
                writeln!(out, "- {}: {}", plain(&item.key.to_string()), plain(progress.describe()))?
            }
        }
        for remark in progress.proof.iter().flat_map(|proof| &proof.remarks) {
            writeln!(out, "  - left to do: {}", plain(remark))?;
        }
        if let Some(safety) = &progress.safety {
            writeln!(out, "  - what was there before is kept: `{}`", safety.path)?;
        }
    }
    for one in &journal.plan.left_out {
        writeln!(out, "- {}", plain(&one.describe()))?;
    }
    Ok(())
}

/// How long an integration was down, in seconds: from its deactivation to its activation.
fn gap(journal: &Journal) -> Option<f64> {
    let replaced = |item: ItemIndex| {
        journal
            .plan
            .items
            .get(item.0)
            .is_some_and(|i| i.strategy == Strategy::Replace && i.before.was_active())
    };
    let done_at = |kind: &StepKind| {
        let mut steps = journal.plan.indexed_steps();
        let (index, _) = steps.find(|(_, s)| replaced(s.item) && s.kind == *kind)?;
        journal.lines_of(index).find(|l| l.state == StepState::Done).map(|l| l.at)
    };
    let (from, to) = (done_at(&StepKind::Deactivate)?, done_at(&StepKind::Activate)?);
    Some(to.duration_since(from).as_secs_f64())
}

fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M:%S").to_string()
}

/// A text that forms no HTML, link or picture: it may be from the service or another person.
fn plain(text: &str) -> String {
    let text = visible_lines(text).replace('\\', "\\\\");
    text.replace('<', "\\<").replace('[', "\\[").replace('\n', " ")
}

/// Escapes a text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|")
}
