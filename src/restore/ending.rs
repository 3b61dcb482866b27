//! How a run ended, worded once for the explorer, the commands, the note and the jobs. It names the
//! next step; whoever shows it adds the key or the command.

use super::{
    journal::{ItemProgress, Journal, RunOutcome},
    plan::RestorePlan,
    request::Verb,
    run_store::RunProcess,
};

/// How good or bad the ending of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndingTone {
    Good,
    /// Not as wanted, but nothing is in danger.
    Warning,
    /// Somebody must look at it now.
    Failing,
    /// Nothing came of it.
    Neutral,
    /// The run has not ended.
    Running,
}

impl EndingTone {
    /// One character that stands for the tone in lists.
    pub fn mark(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Warning => '!',
            Self::Failing => '✗',
            Self::Neutral => '·',
            Self::Running => '⟳',
        }
    }
}

/// What a person can do after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// It stopped in the middle: continue it, or undo it.
    ContinueOrUndo,
    /// It changed something and has ended: a rollback undoes it.
    Rollback,
}

/// How a run ended, in the lengths that are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub tone: EndingTone,
    /// A few words for a list: `done, proven`.
    pub short: &'static str,
    /// For a result line: `restored, proven`.
    pub phrase: String,
    /// Above the proof: `RESTORED: SYNC 01.00.0000 on prod as wanted, proven`.
    pub headline: String,
    /// With the reason, for one line: `SYNC 01.00.0000 is restored on prod, proven`.
    pub sentence: String,
    pub next: Option<NextStep>,
}

impl Ending {
    /// How a run ended, or how far it is.
    pub fn of(journal: &Journal, process: RunProcess) -> Self {
        let next = match journal.result {
            _ if process.is_alive() => None,
            None | Some(RunOutcome::Held | RunOutcome::Unfinished) => {
                Some(NextStep::ContinueOrUndo)
            }
            Some(RunOutcome::Restored | RunOutcome::Partly) => Some(NextStep::Rollback),
            Some(RunOutcome::PutBack | RunOutcome::Untouched | RunOutcome::Left) => None,
        };
        let worded = match journal.result {
            Some(outcome) => Self::ended(journal, outcome),
            None => Self::open(journal, process),
        };
        Self { next, ..worded }
    }

    /// Words for a run without an outcome: it runs now, or was cut off.
    fn open(journal: &Journal, process: RunProcess) -> Self {
        let (subject, place) = (journal.plan.subject(), &journal.plan.environment);
        let why = journal.why().unwrap_or_default();
        if process.is_alive() {
            return Self::worded(
                (EndingTone::Running, "running now"),
                "running now",
                format!("RUNNING on {place}"),
                format!("{subject} {} under way on {place}", is_or_are(&journal.plan)),
            );
        }
        Self::worded(
            (EndingTone::Failing, "cut off"),
            "cut off: look at it now",
            format!("CUT OFF: look at {subject} on {place} now"),
            format!("LOOK AT {subject} ON {place} NOW: {why}"),
        )
    }

    fn ended(journal: &Journal, outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Restored => Self::restored(journal),
            RunOutcome::Untouched if journal.error.is_none() => Self::as_wanted_already(journal),
            other => Self::not_as_wanted(journal, other),
        }
    }

    /// Words for a run that did what it was for.
    fn restored(journal: &Journal) -> Self {
        let (subject, place) = (journal.plan.subject(), &journal.plan.environment);
        let (verb, is) = (journal.plan.verb, is_or_are(&journal.plan));
        let (done, loud) = (done_word(verb), done_word(verb).to_uppercase());
        let left = journal.remarks().join("; ");
        if !left.is_empty() {
            return Self::worded(
                (EndingTone::Warning, "done; something is left to do"),
                format!("{done}; left to do: {left}"),
                format!("{loud}, BUT LOOK: {left}"),
                format!("{subject} {is} {done} on {place}, but look: {left}"),
            );
        }
        let headline = match verb {
            Verb::Rollback => format!("{loud}: {place} is as it was before, proven"),
            _ => format!("{loud}: {subject} on {place} as wanted, proven"),
        };
        Self::worded(
            (EndingTone::Good, "done, proven"),
            format!("{done}, proven"),
            headline,
            format!("{subject} {is} {done} on {place}, proven"),
        )
    }

    /// Words for a run that found everything as it was wanted.
    fn as_wanted_already(journal: &Journal) -> Self {
        let (subject, place) = (journal.plan.subject(), &journal.plan.environment);
        let is = is_or_are(&journal.plan);
        let left = journal.remarks().join("; ");
        let (kind, phrase, end) = match left.is_empty() {
            true => (
                (EndingTone::Good, "changed nothing"),
                "nothing to do: as wanted already, proven".to_owned(),
                "proven".to_owned(),
            ),
            false => (
                (EndingTone::Warning, "changed nothing; something is left to do"),
                format!("as wanted already; left to do: {left}"),
                format!("but look: {left}"),
            ),
        };
        let sentence = format!("{subject} on {place} {is} as wanted already, {end}");
        Self::worded(kind, phrase, sentence.clone(), sentence)
    }

    /// Words for a run that did not reach what it was for.
    fn not_as_wanted(journal: &Journal, outcome: RunOutcome) -> Self {
        let (subject, place) = (journal.plan.subject(), &journal.plan.environment);
        let (done, plan) = (done_word(journal.plan.verb), &journal.plan);
        let loud = done.to_uppercase();
        let why = journal.why().unwrap_or_default();
        let (kind, headline, sentence) = match outcome {
            RunOutcome::PutBack => (
                (EndingTone::Warning, "put back, proven"),
                format!("NOT {loud}: what was there before is there again on {place}, proven"),
                format!(
                    "{subject} {} not {done}; what was there runs again, proven: {why}",
                    was_or_were(plan)
                ),
            ),
            RunOutcome::Restored | RunOutcome::Untouched => (
                (EndingTone::Warning, "changed nothing"),
                format!("NOTHING WAS CHANGED on {place}"),
                format!("nothing was changed on {place}: {why}"),
            ),
            RunOutcome::Partly => (
                (EndingTone::Warning, "done in part"),
                format!("{loud} IN PART on {place}; the rest is as it was, proven"),
                format!("{subject} on {place}: done in part: {why}"),
            ),
            RunOutcome::Held => (
                (EndingTone::Warning, "held"),
                format!("HELD on {place}"),
                format!("{subject} {} held on {place}: {why}", is_or_are(plan)),
            ),
            RunOutcome::Left => (
                (EndingTone::Warning, "left as it was"),
                format!("LEFT on {place} as it was when it stopped"),
                format!("{subject} on {place}: left as it was when the run stopped"),
            ),
            RunOutcome::Unfinished => (
                (EndingTone::Failing, "not finished"),
                format!("NOT FINISHED: look at {subject} on {place} now"),
                format!("LOOK AT {subject} ON {place} NOW: {why}"),
            ),
        };
        Self::worded(kind, outcome.describe(), headline, sentence)
    }

    fn worded(
        (tone, short): (EndingTone, &'static str),
        phrase: impl Into<String>,
        headline: String,
        sentence: String,
    ) -> Self {
        Self { tone, short, phrase: phrase.into(), headline, sentence, next: None }
    }
}

impl ItemProgress {
    /// How one artifact of a run ended.
    pub fn tone(&self) -> EndingTone {
        match self.outcome {
            Some(RunOutcome::Restored) => EndingTone::Good,
            Some(RunOutcome::Untouched) if self.error.is_none() => EndingTone::Neutral,
            Some(RunOutcome::Unfinished) | None => EndingTone::Failing,
            Some(_) => EndingTone::Warning,
        }
    }

    /// How the artifact ended, in words.
    pub fn describe(&self) -> &'static str {
        self.outcome.map_or("not begun", RunOutcome::describe)
    }
}

/// What a verb did, as a word: `restored`.
pub fn done_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Restore => "restored",
        Verb::Promote => "promoted",
        Verb::Rollback => "undone",
        Verb::Drill => "rehearsed",
    }
}

impl RunOutcome {
    /// The outcome in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Restored => "done, proven",
            Self::PutBack => "not done; what was there before is there again, proven",
            Self::Untouched => "nothing was changed",
            Self::Partly => "done in part; the rest is as it was, proven",
            Self::Held => "held in the middle",
            Self::Unfinished => "NOT finished: look at it now",
            Self::Left => "left as it was when it stopped",
        }
    }
}

/// The verb that fits what a plan is about.
fn is_or_are(plan: &RestorePlan) -> &'static str {
    if plan.is_of_one() { "is" } else { "are" }
}

fn was_or_were(plan: &RestorePlan) -> &'static str {
    if plan.is_of_one() { "was" } else { "were" }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::Status;
    use crate::restore::fixture::{Part, restore};

    #[rstest]
    #[case::one(&["PAY_GRADES|01.00.0000"], "is", "was")]
    #[case::with_another(&["SYNC|01.00.0000", "OTHER|01.00.0000"], "are", "were")]
    #[case::several(&["A|01.00.0000", "B|01.00.0000", "C|01.00.0000"], "are", "were")]
    fn the_verb_fits_its_subject(#[case] ids: &[&str], #[case] is: &str, #[case] was: &str) {
        let parts = ids.iter().map(|id| Part::integration(id).there(Status::Active, "2"));
        let plan = RestorePlan::of(&restore(parts));
        assert_eq!((is_or_are(&plan), was_or_were(&plan)), (is, was), "{}", plan.subject());
    }
}
