//! Runs of the store, one that is taken up, what is watched afterwards, and the form of a
//! connection.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::super::{
    app::{App, ClickAreas},
    jobs::title_of,
    keymap::{Action, Context},
    layer::{FormView, ReopenView, RunsView},
};
use super::restore::{WIDTH, border, capital, consent};
use super::{fit, popup, spinner, wrap};
use crate::model::{ago, short_date};
use crate::restore::{ChecklistState, Journal, RunOutcome, is_alive};

fn column_of(app: &App, journal: &Journal) -> Option<usize> {
    app.columns.iter().position(|c| c.name == journal.plan.environment)
}

/// What the three keys mean for a run that stopped in the middle.
const CHOICES: [(Action, &str); 3] = [
    (Action::GoOn, "looks what took effect, does what is left, proves it"),
    (Action::Undo, "puts back what was there before, proves that"),
    (Action::LeaveRun, "changes nothing: it stays as it is, nobody is asked again"),
];

pub fn list(app: &App, frame: &mut Frame<'_>, area: Rect, view: &RunsView, hits: &mut ClickAreas) {
    let theme = &app.theme;
    let chosen = view.rows.get(view.cursor);
    let open = chosen.is_some_and(|j| j.is_open() && !is_alive(j));
    let below: u16 = if open { 5 } else { 2 };
    let height = view.rows.len().clamp(1, 18) as u16 + below + 2;
    let title = if view.unasked {
        "A run was cut off: what shall become of it?"
    } else {
        "Runs, newest first"
    };
    let style = chosen.and_then(|j| column_of(app, j)).map_or(theme.border.0, |c| border(app, c));
    let inner = popup::open(app, frame, area, (WIDTH, height), title, style);
    let rows = Rect { height: inner.height.saturating_sub(below), ..inner };
    let first = (view.cursor + 1).saturating_sub(usize::from(rows.height));
    hits.list = Some((rows, first));
    for (line, (i, journal)) in
        view.rows.iter().enumerate().skip(first).take(usize::from(rows.height)).enumerate()
    {
        let at = Rect { y: rows.y + line as u16, height: 1, ..rows };
        if i == view.cursor {
            frame.buffer_mut().set_style(at, theme.cursor.0);
        }
        frame.render_widget(run_line(app, journal, i == view.cursor, usize::from(rows.width)), at);
    }
    let Some(journal) = chosen else { return };
    let at =
        Rect { y: rows.y + rows.height, height: inner.height.saturating_sub(rows.height), ..inner };
    frame.render_widget(Paragraph::new(about(app, journal, open, usize::from(inner.width))), at);
}

/// What the run under the cursor waits for, or why it ended so.
fn about<'a>(app: &App, journal: &Journal, open: bool, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let mut lines = vec![Line::raw("")];
    if !open {
        let journal_at = || format!("journal: runs/{}.json in the store", journal.run);
        lines.push(Line::styled(
            fit(&journal.error.clone().unwrap_or_else(journal_at), width),
            theme.dim.0,
        ));
        return lines;
    }
    lines.push(Line::styled(fit(&stopped_at(journal), width), theme.warning.0));
    for (action, text) in CHOICES {
        let key =
            app.keymap.key_for(Context::Runs, action).map(|k| k.to_string()).unwrap_or_default();
        lines.push(Line::from(vec![
            Span::styled(format!("  {key} "), theme.key.0),
            Span::styled(format!("{:<9}", action.label()), theme.text.0),
            Span::styled(fit(text, width.saturating_sub(14)), theme.dim.0),
        ]));
    }
    lines
}

fn run_line<'a>(app: &App, journal: &Journal, here: bool, width: usize) -> Line<'a> {
    let theme = &app.theme;
    let (mark, words, style) = match journal.result {
        Some(RunOutcome::Restored) => ('✓', "done, proven", theme.good.0),
        Some(RunOutcome::PutBack) => ('!', "put back, proven", theme.warning.0),
        Some(RunOutcome::Untouched) => ('·', "changed nothing", theme.dim.0),
        Some(RunOutcome::Partly) => ('!', "done in part", theme.warning.0),
        Some(RunOutcome::Left) => ('–', "left as it was", theme.dim.0),
        Some(RunOutcome::Held) => ('!', "held", theme.warning.0),
        Some(RunOutcome::Unfinished) => ('✗', "not finished", theme.failing.0),
        None if is_alive(journal) => (spinner(app.beat), "running now", theme.accent.0),
        None => ('✗', "cut off", theme.failing.0),
    };
    let text = format!(
        "{} {} {}, {} by {}",
        if here { "▶" } else { " " },
        short_date(journal.started),
        title_of(&journal.plan),
        ago(journal.started),
        journal.by.user
    );
    let right = format!(" {mark} {words}");
    let text = fit(&text, width.saturating_sub(right.chars().count()));
    let gap = width.saturating_sub(text.chars().count() + right.chars().count());
    Line::from(vec![Span::raw(text), Span::raw(" ".repeat(gap)), Span::styled(right, style)])
}

/// Where a run stopped, in words.
fn stopped_at(journal: &Journal) -> String {
    let plan = &journal.plan;
    let done: usize = journal.items.iter().map(|r| r.done.len()).sum();
    let open = journal.items.iter().find_map(|r| plan.steps.get(r.open?));
    match open {
        Some(step) => {
            format!("{done} of {} steps done; stopped in: {}", plan.steps.len(), step.text)
        }
        None => format!("{done} of {} steps done", plan.steps.len()),
    }
}

pub fn reopen(app: &App, frame: &mut Frame<'_>, area: Rect, view: &ReopenView) {
    let theme = &app.theme;
    let plan = &view.journal.plan;
    let width = usize::from(WIDTH.min(area.width.saturating_sub(2)).saturating_sub(4));
    let mut lines = Vec::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let record = &view.journal.items[step.item];
        let (mark, style, note) = match () {
            () if record.done.contains(&place) => ('✓', theme.good.0, ""),
            () if record.open == Some(place) => ('?', theme.warning.0, "  begun: looked at first"),
            () => ('·', theme.dim.0, ""),
        };
        let text = fit(&step.text, width.saturating_sub(4 + note.chars().count()));
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(text, theme.text.0),
            Span::styled(note, theme.warning.0),
        ]));
    }
    lines.push(Line::raw(""));
    let what = if view.undo {
        plan.if_it_fails.join("; ")
    } else {
        "what took effect is found out first and not done again; a step that fails is undone as \
            planned"
            .into()
    };
    lines.extend(wrap(&what, width).into_iter().map(|l| Line::styled(l, theme.dim.0)));
    let how = if view.undo { "Put back what was there before" } else { "Go on with" };
    let title = format!("{how}: {}", title_of(plan));
    let style = column_of(app, &view.journal).map_or(theme.accent.0, |c| border(app, c));
    let inner = popup::open(app, frame, area, (WIDTH, lines.len() as u16 + 4), &title, style);
    let room = usize::from(inner.height.saturating_sub(2));
    // The last steps and what they mean are nearest to the question.
    let skip = lines.len().saturating_sub(room);
    let shown: Vec<_> = lines.into_iter().skip(skip).collect();
    frame.render_widget(Paragraph::new(shown), Rect { height: room as u16, ..inner });
    let mut spans = consent(app, plan, &view.typed);
    spans.extend(view.refused.as_ref().map(|r| Span::styled(format!("   {r}"), theme.failing.0)));
    frame.render_widget(
        Line::from(spans),
        Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner },
    );
}

pub fn checklist(app: &App, frame: &mut Frame<'_>, area: Rect, job: usize) {
    let theme = &app.theme;
    let Some((job, restore)) = app.jobs.get(job).and_then(|j| Some((j, j.restore.as_ref()?)))
    else {
        return;
    };
    let Some(list) = &restore.checklist else { return };
    let width = usize::from(WIDTH.min(area.width.saturating_sub(2)).saturating_sub(4));
    let mut lines = Vec::new();
    let most =
        list.ticks.iter().map(|t| t.what.chars().count()).max().unwrap_or(0).min(width * 2 / 3);
    for tick in &list.ticks {
        let (mark, style) = match tick.state {
            ChecklistState::Good => ('✓', theme.good.0),
            ChecklistState::Bad => ('✗', theme.failing.0),
            ChecklistState::Open => (spinner(app.beat), theme.accent.0),
        };
        let what = fit(&tick.what, most);
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(format!("{what:<most$}  "), theme.text.0),
            Span::styled(fit(&tick.note, width.saturating_sub(most + 4)), theme.dim.0),
        ]));
    }
    lines.push(Line::raw(""));
    let done = list.ticks.iter().filter(|t| t.done()).count();
    let of = format!("{done} of {} seen", list.ticks.len());
    lines.push(match (list.complete(), list.worth_watching()) {
        (true, _) => {
            Line::styled("✓ all of it was seen; w writes the note for the ticket", theme.good.0)
        }
        (false, true) => {
            Line::styled(format!("{of}; the others are looked at every few seconds"), theme.text.0)
        }
        (false, false) => {
            Line::styled(format!("{of}; nothing is looked at any more"), theme.warning.0)
        }
    });
    let style = job.changes.map_or(theme.border.0, |c| border(app, c));
    let title = format!("After: {}", capital(&job.title));
    let inner = popup::open(app, frame, area, (WIDTH, lines.len() as u16 + 2), &title, style);
    let skip = lines.len().saturating_sub(usize::from(inner.height));
    frame.render_widget(Paragraph::new(lines.into_iter().skip(skip).collect::<Vec<_>>()), inner);
}

pub fn form(app: &App, frame: &mut Frame<'_>, area: Rect, form: &FormView) {
    let theme = &app.theme;
    let environment = &app.columns[form.plan.planned.column].name;
    let height = form.fields.len().clamp(1, 14) as u16 + 5 + u16::from(form.refused.is_some());
    let title = format!("Values of connection {} on {environment}", form.code);
    let inner =
        popup::open(app, frame, area, (92, height), &title, border(app, form.plan.planned.column));
    let width = usize::from(inner.width);
    let mut lines = Vec::new();
    if form.fields.is_empty() && form.refused.is_none() {
        lines.push(Line::styled(format!("{} asking what it has", spinner(app.beat)), theme.dim.0));
    }
    let label =
        form.fields.iter().map(|(f, _)| f.name.chars().count()).max().unwrap_or(0).min(28) + 2;
    for (i, (field, value)) in form.fields.iter().enumerate() {
        let here = i == form.cursor;
        // A secret's length is nobody's business either.
        let shown = if field.secret && !value.is_empty() {
            "••••••••".to_owned()
        } else {
            value.clone()
        };
        let room = width.saturating_sub(label + 4);
        let skip = shown.chars().count().saturating_sub(room);
        let shown: String = shown.chars().skip(skip).collect();
        let cursor = if here { "▏" } else { "" };
        let name = fit(&field.name, label);
        lines.push(Line::from(vec![
            Span::styled(if here { "▶ " } else { "  " }, theme.accent.0),
            Span::styled(
                format!("{name:<label$}"),
                if here { theme.title.0 } else { theme.text.0 },
            ),
            Span::styled(format!("{shown}{cursor}"), theme.text.0),
        ]));
    }
    lines.push(Line::raw(""));
    let keep = if form.keep {
        "secrets are put in the keyring, too"
    } else {
        "secrets are kept for this plan alone"
    };
    let empty = format!(
        "an empty line leaves the property as it is; all are set and tested by the plan; {keep}"
    );
    lines.extend(wrap(&empty, width).into_iter().map(|l| Line::styled(l, theme.dim.0)));
    lines.extend(form.refused.iter().map(|why| Line::styled(fit(why, width), theme.failing.0)));
    let skip = lines.len().saturating_sub(usize::from(inner.height)).min(form.cursor);
    frame.render_widget(Paragraph::new(lines.into_iter().skip(skip).collect::<Vec<_>>()), inner);
}
