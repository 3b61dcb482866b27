//! A restore: choosing a version, the plan, the steps as they run, the proof.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::super::{
    app::{App, ClickAreas},
    jobs::title_of,
    keymap::{Action, Context},
    layer::{PlanView, Versions},
};
use super::{fit, popup, spinner, wrap};
use crate::model::{Finding, Level, ago, plural, short_date, version_text};
use crate::restore::{Check, Journal, Remedy, RestorePlan, RunOutcome, Verb};
use crate::store::StoredVersion;
use crate::workspace::events::StepState;

pub const WIDTH: u16 = 116;
/// From this width on, a version's line also says when it was seen first.
const ROOMY: u16 = 92;

pub fn border(app: &App, column: usize) -> Style {
    if app.columns[column].protected { app.theme.danger.0 } else { app.theme.accent.0 }
}

pub fn versions(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    versions: &Versions,
    hits: &mut ClickAreas,
) {
    let theme = &app.theme;
    let target = &app.columns[versions.target].name;
    let title = format!("Restore {} to {target}: which version?", versions.code);
    let height = versions.rows.len().clamp(3, 22) as u16 + 4;
    let inner =
        popup::open(app, frame, area, (WIDTH, height), &title, border(app, versions.target));
    let roomy = inner.width >= ROOMY;
    let first = if roomy { "SEEN FIRST        " } else { "" };
    let heading = format!(
        "  {:<8} {:<11} {:<17} {first}{:<9} {}",
        "FROM", "VERSION", "SEEN LAST", "MEANING", "CHANGED"
    );
    frame.render_widget(
        Line::styled(fit(&heading, usize::from(inner.width)), theme.dim.0),
        Rect { height: 1, ..inner },
    );
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let first = (versions.cursor + 1).saturating_sub(usize::from(list.height));
    hits.list = Some((list, first));
    let live = app.table.row().and_then(|r| r.cells.get(versions.target)?.as_ref()?.portable);
    for (line, (i, version)) in
        versions.rows.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate()
    {
        let at = Rect { y: list.y + line as u16, height: 1, ..list };
        let here = i == versions.cursor;
        if here {
            frame.buffer_mut().set_style(at, theme.cursor.0);
        }
        frame.render_widget(
            version_line(
                app,
                version,
                here,
                live == Some(version.portable),
                usize::from(list.width),
            ),
            at,
        );
    }
}

fn version_line<'a>(
    app: &App,
    version: &StoredVersion,
    here: bool,
    is_live: bool,
    width: usize,
) -> Line<'a> {
    let theme = &app.theme;
    let by = version.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
    let changed = version.last_updated.map(|t| format!("{}{by}", ago(t))).unwrap_or_default();
    let (note, style) = match (&version.safety_run, is_live) {
        (Some(_), _) => ("  kept before a restore", theme.warning.0),
        (None, true) => ("  = here now", theme.good.0),
        (None, false) => ("", theme.text.0),
    };
    let first = if width >= usize::from(ROOMY) {
        format!("{:<18}", short_date(version.first_seen))
    } else {
        String::new()
    };
    let text = format!(
        "{} {:<8} {:<11} {:<17} {first}{:<9} {changed}",
        if here { "▶" } else { " " },
        version.environment,
        version_text(version.version),
        short_date(version.last_seen),
        version.portable.short(),
    );
    let text = fit(&text, width.saturating_sub(note.chars().count()));
    Line::from(vec![Span::raw(text), Span::styled(note, style)])
}

pub fn planning(app: &App, frame: &mut Frame<'_>, area: Rect, title: &str) {
    let inner =
        popup::open(app, frame, area, (70, 4), &format!("Restore {title}"), app.theme.accent.0);
    let line = format!("{} looking at what is there now; nothing is changed", spinner(app.beat));
    frame.render_widget(Line::styled(line, app.theme.text.0), inner);
}

pub fn plan(app: &App, frame: &mut Frame<'_>, area: Rect, view: &PlanView) {
    let theme = &app.theme;
    let plan = &view.planned.prepared.plan;
    let width = usize::from(WIDTH.min(area.width.saturating_sub(2)).saturating_sub(4));
    let lines = plan_lines(app, plan, width);
    let title = capital(&title_of(plan));
    let inner = popup::open(
        app,
        frame,
        area,
        (WIDTH, lines.len() as u16 + 5),
        &title,
        border(app, view.planned.column),
    );
    let room = usize::from(inner.height.saturating_sub(2));
    let most = lines.len().saturating_sub(room);
    let hidden = most.saturating_sub(view.scroll.min(most));
    let shown: Vec<_> = lines.into_iter().skip(view.scroll.min(most)).take(room).collect();
    frame.render_widget(Paragraph::new(shown), Rect { height: room as u16, ..inner });
    if hidden > 0 {
        let more = Line::styled(format!("↓ {} more ", plural(hidden, "line")), theme.warning.0)
            .right_aligned();
        frame.render_widget(more, Rect { y: inner.y + room as u16, height: 1, ..inner });
    }
    let ask = Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner };
    frame.render_widget(question(app, view), ask);
}

fn plan_lines<'a>(app: &App, plan: &RestorePlan, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let label = |text: &'static str| Span::styled(format!("{text:<7}"), theme.dim.0);
    let mut lines = vec![Line::from(vec![
        label("from"),
        Span::raw(fit(&plan.source, width.saturating_sub(7))),
    ])];
    let strategy = format!("{}: ", plan.strategy.label());
    let room = width.saturating_sub(7);
    for (i, text) in wrap(&format!("{strategy}{}", plan.reason), room).into_iter().enumerate() {
        // The way stands out; its reason goes on below it.
        let line = match text.strip_prefix(strategy.as_str()).filter(|_| i == 0) {
            Some(reason) => {
                vec![
                    label("way"),
                    Span::styled(strategy.clone(), theme.title.0),
                    Span::raw(reason.to_owned()),
                ]
            }
            None => vec![label(if i == 0 { "way" } else { "" }), Span::raw(text)],
        };
        lines.push(Line::from(line));
    }
    lines.push(Line::raw(""));
    let mut first = true;
    for check in &plan.checks {
        lines.extend(check_lines(app, check, width));
        if check.remedy.is_some() && std::mem::take(&mut first) {
            let key = app
                .keymap
                .key_for(Context::Plan, Action::Fix)
                .map(|k| k.to_string())
                .unwrap_or_default();
            let line = vec![
                Span::styled(format!("    {key} "), theme.key.0),
                Span::styled(remedy_text(check), theme.text.0),
            ];
            lines.push(Line::from(line));
        }
    }
    lines.push(Line::raw(""));
    for (n, step) in plan.steps.iter().enumerate() {
        for (i, text) in wrap(&step.text, width.saturating_sub(4)).into_iter().enumerate() {
            let head = if i == 0 { format!("{:>2} ", n + 1) } else { "   ".into() };
            lines.push(Line::from(vec![
                Span::styled(head, theme.accent.0),
                Span::styled(text, theme.text.0),
            ]));
        }
    }
    if plan.changes_something() {
        lines.push(Line::raw(""));
        for (i, text) in wrap(&format!("if a step fails: {}", plan.if_it_fails.join("; ")), width)
            .into_iter()
            .enumerate()
        {
            let indent = if i == 0 { "" } else { "  " };
            lines.push(Line::styled(format!("{indent}{text}"), theme.dim.0));
        }
    }
    lines
}

fn remedy_text(check: &Check) -> String {
    match &check.remedy {
        Some(Remedy::Along(key)) => format!("restores {key} first"),
        Some(Remedy::Configure(code)) => format!("asks for the values of {code}"),
        Some(Remedy::Deactivate(id)) => format!("deactivates {id} first"),
        None => String::new(),
    }
}

fn check_lines<'a>(app: &App, check: &Finding, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let style = match check.level {
        Level::Fact => theme.good.0,
        Level::Warning => theme.warning.0,
        Level::Blocker => theme.failing.0,
    };
    let mut lines = Vec::new();
    for (i, text) in wrap(&check.what, width.saturating_sub(3)).into_iter().enumerate() {
        let mark = if i == 0 { check.mark() } else { ' ' };
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(text, theme.text.0),
        ]));
    }
    for (i, fix) in check.fix.iter().flat_map(|f| wrap(f, width.saturating_sub(6))).enumerate() {
        let mark = if i == 0 { '→' } else { ' ' };
        lines.push(Line::styled(format!("    {mark} {fix}"), theme.dim.0));
    }
    lines
}

fn question<'a>(app: &App, view: &PlanView) -> Line<'a> {
    let theme = &app.theme;
    let plan = &view.planned.prepared.plan;
    let refused = view.refused.as_ref().map(|r| Span::styled(format!("   {r}"), theme.failing.0));
    let mut spans = if plan.blockers().next().is_some() {
        vec![Span::styled(
            "it cannot be restored as things are; Esc leaves everything as it is",
            theme.failing.0,
        )]
    } else {
        consent(app, plan, &view.typed)
    };
    spans.extend(refused);
    Line::from(spans)
}

/// How a plan is allowed: by Enter, or by the name of what is protected.
pub fn consent<'a>(app: &App, plan: &RestorePlan, typed: &str) -> Vec<Span<'a>> {
    let theme = &app.theme;
    if !plan.changes_something() {
        vec![Span::styled("Enter makes the proof; nothing is changed", theme.accent.0)]
    } else if plan.protected {
        vec![
            Span::styled(format!("type {} and Enter to go on: ", plan.environment), theme.danger.0),
            Span::styled(format!("{typed}▏"), theme.title.0),
        ]
    } else {
        vec![Span::styled("Enter goes on, Esc leaves everything as it is", theme.accent.0)]
    }
}

/// `Restore SYNC 01.00.0000 to prod`
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

pub fn run(app: &App, frame: &mut Frame<'_>, area: Rect, job: usize, scroll: usize) {
    let theme = &app.theme;
    let Some((job, restore)) = app.jobs.get(job).and_then(|j| Some((j, j.restore.as_ref()?)))
    else {
        return;
    };
    let width = usize::from(WIDTH.min(area.width.saturating_sub(2)).saturating_sub(4));
    let mut lines = Vec::new();
    // Where the work is: that is what a person looks at.
    let mut now = 0;
    for (n, (step, (state, note, at))) in restore.plan.steps.iter().zip(&restore.steps).enumerate()
    {
        let (mark, style) = match state {
            StepState::Running => (spinner(app.beat), theme.accent.0),
            StepState::Done => (state.mark(), theme.good.0),
            StepState::Failed => (state.mark(), theme.failing.0),
            StepState::Waiting | StepState::Skipped => (state.mark(), theme.dim.0),
        };
        let time = at
            .map(|t| t.duration_since(job.started).as_secs_f64())
            .map(|s| format!("{s:>5.1} s"))
            .unwrap_or_default();
        let digits = restore.plan.steps.len().to_string().len();
        let text = fit(&step.text, width.saturating_sub(13 + digits));
        let gap = width.saturating_sub(text.chars().count() + 13 + digits);
        if *state == StepState::Running || *state == StepState::Failed {
            now = lines.len();
        }
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} {:>1$} ", n + 1, digits), style),
            Span::styled(text, theme.text.0),
            Span::raw(" ".repeat(gap)),
            Span::styled(time, theme.dim.0),
        ]));
        lines.extend(
            wrap(note, width.saturating_sub(5))
                .into_iter()
                .filter(|l| !l.is_empty())
                .map(|l| Line::styled(format!("     {l}"), theme.dim.0)),
        );
    }
    for note in &job.notes {
        lines.extend(wrap(note, width).into_iter().map(|l| Line::styled(l, theme.warning.0)));
    }
    if let Some(journal) = &restore.journal {
        lines.push(Line::raw(""));
        lines.extend(end(app, journal, width));
    }
    let column = job.changes.unwrap_or_default();
    let height = lines.len() as u16 + 3;
    let inner =
        popup::open(app, frame, area, (WIDTH, height), &capital(&job.title), border(app, column));
    let most = lines.len().saturating_sub(usize::from(inner.height));
    // The end matters more than the beginning where not all fits.
    let skip = match (scroll, &restore.journal) {
        (0, Some(_)) => most,
        (0, None) => now.saturating_sub(usize::from(inner.height) / 2).min(most),
        (scroll, _) => scroll.min(most),
    };
    frame.render_widget(Paragraph::new(lines.into_iter().skip(skip).collect::<Vec<_>>()), inner);
}

/// How it ended, with both fingerprints.
fn end<'a>(app: &App, journal: &Journal, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let (text, style) = headline(app, journal);
    let mut lines = vec![Line::styled(text, style)];
    if let Some(error) = &journal.error {
        lines.extend(
            wrap(&format!("why: {error}"), width)
                .into_iter()
                .map(|l| Line::styled(l, theme.warning.0)),
        );
    }
    match (&journal.proof, journal.items.as_slice()) {
        (Some(proof), [_]) => {
            let whole = |f: Option<crate::model::Fingerprint>| {
                f.map_or_else(|| "not there".into(), |f| f.to_string())
            };
            let style = if proof.holds() { theme.good.0 } else { theme.failing.0 };
            lines.push(Line::from(vec![
                Span::styled("wanted ", theme.dim.0),
                Span::raw(whole(proof.wanted)),
            ]));
            lines.push(Line::from(vec![
                Span::styled("found  ", theme.dim.0),
                Span::styled(whole(proof.found), style),
            ]));
            lines.push(Line::styled(proof.facts.join(" · "), theme.dim.0));
        }
        // The line above says it already.
        (None, [_]) if journal.error.is_some() => {}
        _ => lines.extend(ends(app, journal, width)),
    }
    lines.push(Line::styled(
        fit(&format!("journal: runs/{}.json in the store", journal.run), width),
        theme.dim.0,
    ));
    lines
}

fn headline(app: &App, journal: &Journal) -> (String, Style) {
    let theme = &app.theme;
    let (subject, place) = (journal.plan.subject(), &journal.plan.environment);
    let done = match journal.plan.verb {
        Verb::Rollback => "UNDONE",
        Verb::Promote => "PROMOTED",
        Verb::Drill => "REHEARSED",
        Verb::Restore => "RESTORED",
    };
    match journal.result {
        Some(RunOutcome::Restored) if journal.plan.verb == Verb::Rollback => {
            (format!("✓ {done}: {place} is as it was before, proven"), theme.good.0)
        }
        Some(RunOutcome::Restored) => {
            (format!("✓ {done}: {subject} on {place} as wanted, proven"), theme.good.0)
        }
        Some(RunOutcome::PutBack) => (
            format!("! NOT {done}: what was there before is there again on {place}, proven"),
            theme.warning.0,
        ),
        Some(RunOutcome::Untouched) if journal.error.is_none() => {
            (format!("✓ {subject} is so on {place} already, proven"), theme.good.0)
        }
        Some(RunOutcome::Untouched) => {
            (format!("! NOTHING WAS CHANGED on {place}"), theme.warning.0)
        }
        Some(RunOutcome::Partly) => {
            (format!("! {done} IN PART on {place}; the rest is as it was, proven"), theme.warning.0)
        }
        Some(RunOutcome::Held) => {
            (format!("! HELD on {place}: o goes on or undoes it"), theme.warning.0)
        }
        Some(RunOutcome::Left) => {
            (format!("! LEFT on {place} as it was when it stopped"), theme.warning.0)
        }
        Some(RunOutcome::Unfinished) | None => (
            format!("✗ NOT FINISHED: look at {subject} on {place} now; o goes on or undoes it"),
            theme.failing.0,
        ),
    }
}

/// Of several, each with its own end.
fn ends<'a>(app: &App, journal: &Journal, width: usize) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    for (item, record) in journal.plan.items.iter().zip(&journal.items) {
        let (mark, style) = match record.outcome {
            Some(RunOutcome::Restored) => ('✓', theme.good.0),
            Some(RunOutcome::Untouched) if record.error.is_none() => ('·', theme.dim.0),
            Some(RunOutcome::Unfinished) | None => ('✗', theme.failing.0),
            Some(_) => ('!', theme.warning.0),
        };
        let proof = record
            .proof
            .as_ref()
            .filter(|p| p.holds() && record.outcome == Some(RunOutcome::Restored));
        let note = match (proof.and_then(|p| p.found), &record.error) {
            (Some(found), _) => format!("proven, {0} = {0}", found.short()),
            (None, Some(error)) => error.clone(),
            (None, None) => record.outcome.map_or("not begun", RunOutcome::describe).to_owned(),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(
                fit(&format!("{}: {note}", item.key), width.saturating_sub(2)),
                theme.text.0,
            ),
        ]));
    }
    lines
}
