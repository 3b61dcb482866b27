//! How a plan is judged and allowed: its findings, and the line that asks for Enter or for a name.

use ratatui::text::{Line, Span};

use super::{key_line::KeyLine, text::wrap, text_field::TextField};
use crate::model::{Finding, Level};
use crate::restore::RestorePlan;
use crate::tui::{
    app::App,
    keymap::{Action, Context},
};

/// Longest name that is typed, in characters.
const LONGEST: usize = 64;

/// What a person typed to allow a plan, and why it was not enough.
#[derive(Debug, Clone)]
pub struct Consent {
    pub field: TextField,
    /// Why Enter did nothing.
    pub refused: Option<String>,
}

impl Default for Consent {
    fn default() -> Self {
        Self { field: TextField::new(LONGEST), refused: None }
    }
}

impl Consent {
    /// What was typed, without blanks around it.
    pub fn typed(&self) -> &str {
        self.field.text().trim()
    }
}

/// What a plan asks of a person.
#[derive(Debug, Clone)]
pub enum Question {
    /// It cannot be run as things are.
    Blocked,
    /// Nothing is changed: only a proof is made.
    Proof,
    /// Enter is enough.
    Confirm,
    /// The name of a protected environment, or the code of a project that is rebuilt, must be
    /// typed.
    Name(String),
}

impl Question {
    /// What a plan asks.
    pub fn of(plan: &RestorePlan) -> Self {
        if plan.blockers().next().is_some() {
            Self::Blocked
        } else if !plan.changes_something() {
            Self::Proof
        } else {
            plan.name_to_type().map_or(Self::Confirm, Self::Name)
        }
    }
}

impl Consent {
    /// The line that asks; a click on an answer is its key.
    pub fn line<'a>(&self, app: &App, question: Question) -> KeyLine<'a> {
        let theme = &app.theme;
        let answer = |action, style, words: &'static str| {
            let key = app.key(Context::Plan, action);
            [Span::styled(key, theme.key.0), Span::styled(words, style)]
        };
        let start = |style, words| {
            KeyLine::default().key(Action::Confirm, answer(Action::Confirm, style, words))
        };
        let leave = |style| answer(Action::Back, style, " leaves everything as it is");
        let mut line = match question {
            Question::Blocked => KeyLine::default()
                .text(Span::styled("it cannot be done as things are; ", theme.failing.0))
                .key(Action::Back, leave(theme.failing.0)),
            Question::Proof => start(theme.accent.0, " makes the proof")
                .text(Span::styled("; nothing is changed", theme.accent.0)),
            Question::Confirm => start(theme.accent.0, " starts it")
                .text(Span::styled(", ", theme.accent.0))
                .key(Action::Back, leave(theme.accent.0)),
            Question::Name(name) => {
                let line = KeyLine::default()
                    .text(Span::styled(format!("type {name} and "), theme.danger.0))
                    .key(
                        Action::Confirm,
                        answer(Action::Confirm, theme.danger.0, " to start it: "),
                    );
                self.field.spans(LONGEST, true, theme.title.0).into_iter().fold(line, KeyLine::text)
            }
        };
        if let Some(why) = &self.refused {
            line = line.text(Span::styled(format!("   {why}"), theme.failing.0));
        }
        line
    }
}

/// A finding with its mark, and below it what to do about it.
pub fn finding_lines<'a>(app: &App, finding: &Finding, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let style = match finding.level {
        Level::Fact => theme.good.0,
        Level::Warning => theme.warning.0,
        Level::Blocker => theme.failing.0,
    };
    let mut lines = Vec::new();
    for (i, text) in wrap(&finding.what, width.saturating_sub(3)).into_iter().enumerate() {
        let mark = if i == 0 { finding.mark() } else { ' ' };
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(text, theme.text.0),
        ]));
    }
    let fixes = finding.fix.iter().flat_map(|f| wrap(f, width.saturating_sub(6)));
    for (i, fix) in fixes.enumerate() {
        let mark = if i == 0 { '→' } else { ' ' };
        lines.push(Line::styled(format!("    {mark} {fix}"), theme.dim.0));
    }
    lines
}
