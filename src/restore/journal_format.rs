//! Journals as earlier versions of this program wrote them. Their lines name a step by its text
//! alone, and the time of an activation stands in words; both are read here once, so that nothing
//! else must.

use super::{journal::Journal, plan::StepKind};

/// A journal in today's form, whichever version wrote it.
pub(super) fn upgraded(mut journal: Journal) -> Journal {
    let Journal { plan, lines, .. } = &mut journal;
    for line in lines.iter_mut().filter(|l| l.index.is_none()) {
        let Some(item) = line.item else { continue };
        let Some((index, step)) = plan.steps_of(item).find(|(_, s)| s.text == line.step) else {
            continue;
        };
        line.index = Some(index);
        if step.kind == StepKind::Activate {
            line.seconds = seconds_in(&line.note);
        }
    }
    journal
}

/// The seconds in the text `active after 7.4 s`.
fn seconds_in(note: &str) -> Option<f64> {
    note.strip_prefix("active after ")?.strip_suffix(" s")?.parse().ok()
}
