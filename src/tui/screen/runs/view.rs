//! Draws the runs, and below them what the one under the cursor waits for or why it ended so.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{RunRow, RunsScreen};
use crate::model::short_date;
use crate::restore::{Ending, EndingTone, Journal};
use crate::tui::{
    app::{App, ClickAreas},
    event::WhichRuns,
    keymap::{Action, Context},
    widgets::{
        frame::{WIDE, border_of, ending_style, popup},
        key_line::{KeyLine, draw_lines},
        list::List,
        text::{fit, spinner},
    },
};

/// What the three keys mean for a run that stopped in the middle.
const CHOICES: [(Action, &str); 3] = [
    (Action::GoOn, "checks what took effect, does what is left, proves it"),
    (Action::Undo, "puts back what was there before, proves that"),
    (Action::LeaveRun, "changes nothing; what is there stays as it is"),
];

/// Draws the runs as a box with the cursor at its row, and below them what that run waits for or
/// why it failed.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &RunsScreen,
    areas: &mut ClickAreas,
) {
    let chosen = view.rows.get(view.cursor);
    let waits = chosen.is_some_and(RunRow::waits);
    let below: u16 = if waits { 5 } else { 2 };
    let height = view.rows.len().clamp(1, 18) as u16 + below + 2;
    let title = match view.which {
        WhichRuns::All => "Runs, newest first",
        WhichRuns::Waiting => "A run was cut off: choose how it ends",
    };
    let environment = chosen.and_then(|r| app.environment(&r.journal.plan.environment));
    let border = environment.map_or(app.theme.border.0, |e| border_of(app, e));
    let framed = popup(app, frame, area, (WIDE, height), title, border);
    let inner = framed.inner;
    let rows = Rect { height: inner.height.saturating_sub(below), ..inner };
    let line =
        |(i, row): (usize, &RunRow)| run_line(app, row, i == view.cursor, usize::from(rows.width));
    let lines = view.rows.iter().enumerate().map(line).collect();
    List::in_sight(lines, view.cursor, rows.height).draw(app, frame, framed, rows, areas);
    let Some(row) = chosen else { return };
    let at =
        Rect { y: rows.y + rows.height, height: inner.height.saturating_sub(rows.height), ..inner };
    let width = usize::from(inner.width);
    draw_lines(about(app, &row.journal, waits, width), frame, at, areas);
}

/// What the run under the cursor waits for, or why it ended so.
fn about<'a>(app: &App, journal: &Journal, waits: bool, width: usize) -> Vec<KeyLine<'a>> {
    let theme = &app.theme;
    let mut lines = vec![KeyLine::default()];
    if !waits {
        let journal_at = || format!("journal: {} in the store", journal.path());
        let text = fit(&journal.why().unwrap_or_else(journal_at), width);
        lines.push(Line::styled(text, theme.dim.0).into());
        return lines;
    }
    lines.push(Line::styled(fit(&stopped_at(journal), width), theme.warning.0).into());
    for (action, text) in CHOICES {
        let key = app.key(Context::Runs, action);
        let words = [
            Span::styled(format!("  {key} "), theme.key.0),
            Span::styled(format!("{:<9}", action.label()), theme.text.0),
            Span::styled(fit(text, width.saturating_sub(14)), theme.dim.0),
        ];
        lines.push(KeyLine::default().key(action, words));
    }
    lines
}

fn run_line<'a>(app: &App, row: &RunRow, here: bool, width: usize) -> Line<'a> {
    let journal = &row.journal;
    let ending = Ending::of(journal, row.process);
    let mark = match ending.tone {
        EndingTone::Running => spinner(app.ticks),
        tone => tone.mark(),
    };
    let text = format!(
        "{} {} {}, {} by {}",
        if here { "▶" } else { " " },
        short_date(journal.started),
        journal.plan.title(),
        app.ago(journal.started),
        journal.by.user
    );
    let right = format!(" {mark} {}", ending.short);
    let text = fit(&text, width.saturating_sub(right.chars().count()));
    let gap = width.saturating_sub(text.chars().count() + right.chars().count());
    Line::from(vec![
        Span::raw(text),
        Span::raw(" ".repeat(gap)),
        Span::styled(right, ending_style(app, ending.tone)),
    ])
}

/// Where a run stopped, in words.
fn stopped_at(journal: &Journal) -> String {
    let plan = &journal.plan;
    let done: usize = journal.items.iter().map(|r| r.done.len()).sum();
    let open = journal.items.iter().find_map(|r| plan.step(r.open?));
    match open {
        Some(step) => {
            format!("{done} of {} steps done; stopped in: {}", plan.steps.len(), step.text)
        }
        None => format!("{done} of {} steps done", plan.steps.len()),
    }
}
