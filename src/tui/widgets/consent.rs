//! How a plan is judged and allowed: its findings, and the line that asks for Enter or for a name.

use ratatui::text::{Line, Span};

use super::{text::wrap, text_field::TextField};
use crate::model::{Finding, Level};
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

impl Consent {
    /// The line that asks.
    pub fn line<'a>(&self, app: &App, question: Question) -> Line<'a> {
        let theme = &app.theme;
        let key = |action| app.key(Context::Plan, action);
        let (enter, back) = (key(Action::Confirm), key(Action::Back));
        let mut spans = match question {
            Question::Blocked => vec![Span::styled(
                format!("it cannot be done as things are; {back} leaves everything as it is"),
                theme.failing.0,
            )],
            Question::Proof => vec![Span::styled(
                format!("{enter} makes the proof; nothing is changed"),
                theme.accent.0,
            )],
            Question::Confirm => vec![Span::styled(
                format!("{enter} starts it, {back} leaves everything as it is"),
                theme.accent.0,
            )],
            Question::Name(name) => {
                let ask = format!("type {name} and {enter} to start it: ");
                let mut spans = vec![Span::styled(ask, theme.danger.0)];
                spans.extend(self.field.spans(LONGEST, true, theme.title.0));
                spans
            }
        };
        spans.extend(
            self.refused.as_ref().map(|why| Span::styled(format!("   {why}"), theme.failing.0)),
        );
        Line::from(spans)
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
