//! The strip below the rows: what is under the cursor, in sentences.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType},
};

use super::MatrixColumn;
use crate::model::{ArtifactName, EXPIRES_SOON_DAYS, Kind, Scope, clock_time, plural, short_date};
use crate::ops::matrix::{MatrixCell, MatrixRow};
use crate::tui::{
    app::{App, ClickAreas, Environment},
    keymap::{Action, Context},
    widgets::{
        key_line::{KeyLine, draw_lines},
        text::fit,
    },
};

/// Draws the strip for the row under the cursor, or an empty frame where there is no row.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
    let theme = &app.theme;
    let environment = &app.environments[app.target()];
    let border = if environment.protected { theme.danger.0 } else { theme.border.0 };
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(border);
    if let Some(scope) = app.table.head() {
        return draw_head(app, frame, (area, block), scope, areas);
    }
    let Some(row) = app.table.row() else {
        frame.render_widget(block, area);
        return;
    };
    let cell = row.cell(app.target());
    let version = cell.and_then(|c| c.version).map(|v| format!(" {v}")).unwrap_or_default();
    let title = format!(" {} · {}{version} ", environment.name, row.artifact);
    let block = block
        .title(Line::styled(fit(&title, usize::from(area.width.saturating_sub(4))), theme.title.0));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let room = room(inner);
    let width = usize::from(room.width);
    let lines = [
        Line::from(row.name.clone()).style(theme.text.0).into(),
        state(app, row, cell, width).into(),
        backup(app, row, width).into(),
        keys(app, row, width),
    ];
    draw_lines(lines, frame, room, areas);
}

/// The room within the frame, less a blank column on both sides.
fn room(inner: Rect) -> Rect {
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// Draws what can be done with the rows under a head.
fn draw_head(
    app: &App,
    frame: &mut Frame<'_>,
    (area, block): (Rect, Block<'_>),
    scope: &Scope,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let inner = block.inner(area);
    frame.render_widget(block.title(Line::styled(format!(" {scope} "), theme.title.0)), area);
    let counts = app.table.heads.get(scope).copied().unwrap_or_default();
    let what = match scope.project() {
        Some(project) => format!("project {project}"),
        None => "the global space: what is in no project".to_owned(),
    };
    let rows = format!(
        "{}, {} differ, {} failing",
        plural(counts.all, "row"),
        counts.differ,
        counts.failing
    );
    let offered = [
        (Action::Inspect, "folds its rows"),
        (Action::Mark, "marks them"),
        (Action::Project, "shows one project alone"),
        (Action::Group, "ends the groups"),
    ];
    let room = room(inner);
    let width = usize::from(room.width);
    let told = [what, rows].map(|text| Line::styled(fit(&text, width), theme.text.0).into());
    let keys = key_words(app, offered, width);
    draw_lines(told.into_iter().chain([keys]), frame, room, areas);
}

/// The state of a cell in a line: `active · 212 of 240 runs failed in a day · scheduled`.
fn state<'a>(app: &App, row: &MatrixRow, cell: Option<&MatrixCell>, width: usize) -> Line<'a> {
    let theme = &app.theme;
    let environment = &app.environments[app.target()];
    if let Some(failure) = &environment.error {
        return Line::styled(fit(&failure.text, width), theme.warning.0);
    }
    let Some(cell) = cell else {
        return match app.table.moved(&row.artifact, app.target()) {
            Some(moved) => {
                let (name, scope) = (&environment.name, &moved.scope);
                // In the base's own column, and where the base has none, it would be compared with
                // its backup.
                let base = app.table.base;
                let of_base =
                    row.cell(base).is_some() || app.table.moved(&row.artifact, base).is_some();
                let compared = app.table.column == MatrixColumn::Environment(app.target())
                    && app.target() != base
                    && of_base;
                let text = match compared {
                    true => {
                        let key = app.key(Context::Explorer, Action::Compare);
                        format!("on {name} it is in {scope}; {key} compares with that one")
                    }
                    false => format!("on {name} it is in {scope}"),
                };
                Line::styled(fit(&text, width), theme.warning.0)
            }
            None if row.is_gone(app.target()) => {
                let hidden = match row.kind == Kind::Project || !row.scope.is_global() {
                    true => ", or hidden from this account",
                    false => "",
                };
                let text = format!("gone since the last backup: deleted{hidden}");
                Line::styled(fit(&text, width), theme.warning.0)
            }
            None => Line::styled(why_empty(environment, &row.artifact), theme.dim.0),
        };
    };
    joined(facts(app, cell), theme.dim.0, width)
}

/// Why a cell shows nothing.
fn why_empty(environment: &Environment, artifact: &ArtifactName) -> String {
    let name = &environment.name;
    let Some(listing) = &environment.listing else {
        return format!("{name} has not answered yet");
    };
    match listing.unseen.iter().find(|u| u.hides(artifact.kind, &artifact.scope)) {
        Some(unseen) => {
            format!("{} cannot be seen on {name}: {}", unseen.what(), unseen.reason)
        }
        None => format!("not on {name}"),
    }
}

/// What is known of a cell, each with its colour.
fn facts(app: &App, cell: &MatrixCell) -> Vec<(String, Style)> {
    let theme = &app.theme;
    // The most telling fact comes first, since those at the end are left out where they do not fit.
    let mut facts = vec![(
        cell.state.status.label().to_owned(),
        if cell.is_failing() { theme.failing.0 } else { theme.text.0 },
    )];
    if let (Some(expires), Some(days)) = (cell.expires, cell.days_left) {
        let text = match days {
            ..0 => format!("ended on {}", expires.strftime("%F")),
            days => {
                format!("ends on {}, in {}", expires.strftime("%F"), plural(days as usize, "day"))
            }
        };
        facts.push((text, if days <= EXPIRES_SOON_DAYS { theme.warning.0 } else { theme.text.0 }));
    }
    if let Some(instances) = cell.runs.filter(|i| i.received > 0) {
        let count = plural(instances.received as usize, "run");
        facts.push(match instances.failed {
            0 => (format!("{count} in a day, none failed"), theme.good.0),
            failed => (format!("{failed} of {count} failed in a day"), theme.failing.0),
        });
    }
    if cell.state.prebuilt {
        facts.push(("prebuilt: Oracle's own, not exported".into(), theme.dim.0));
    }
    if cell.shares_runs {
        facts.push(("runs not told apart from its twin's".into(), theme.warning.0));
    }
    for other in &cell.beside {
        facts.push(match other.failed_runs {
            0 => (format!("{} is active too", other.version), theme.text.0),
            n => (format!("{n} failed in {}, active too", other.version), theme.failing.0),
        });
    }
    if let Some(updated) = cell.state.last_updated {
        let by =
            cell.state.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
        let when = if recent(app, updated) { clock_time(updated) } else { short_date(updated) };
        facts.push((format!("changed {when}{by}"), theme.text.0));
    }
    if let Some(who) = cell.state.lock_holder() {
        facts.push((format!("locked by {who}"), theme.warning.0));
    }
    facts.extend(cell.state.unsaved().map(|text| (text, theme.warning.0)));
    if cell.scheduled {
        facts.push(("scheduled".into(), theme.text.0));
    }
    if cell.others > cell.beside.len() {
        facts.push((
            format!("{} more on the instance", plural(cell.others - cell.beside.len(), "version")),
            theme.dim.0,
        ));
    }
    facts
}

/// Facts with dots between, as many as fit.
fn joined<'a>(facts: Vec<(String, Style)>, between: Style, width: usize) -> Line<'a> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (text, style) in facts {
        let gap = if spans.is_empty() { 0 } else { 3 };
        if used + gap + text.chars().count() > width {
            break;
        }
        used += gap + text.chars().count();
        if gap > 0 {
            spans.push(Span::styled(" · ", between));
        }
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

/// Whether a time is less than a day ago, so that the clock time says enough.
fn recent(app: &App, time: jiff::Timestamp) -> bool {
    app.now.as_second() - time.as_second() < 86_400
}

fn backup<'a>(app: &App, row: &MatrixRow, width: usize) -> Line<'a> {
    let theme = &app.theme;
    let environment = &app.environments[app.target()];
    let newest = app.store.index.as_ref().and_then(|i| i.newest(&environment.name, &row.artifact));
    let here = row.cell(app.target()).is_some();
    let Some(newest) = newest else {
        let text = if here && app.store.index.is_some() {
            let key = app.key(Context::Explorer, Action::Export);
            format!("no backup from {}: {key} exports it", environment.name)
        } else {
            String::new()
        };
        return Line::styled(text, theme.warning.0);
    };
    let live = row.cell(app.target()).and_then(|c| c.portable);
    let (verdict, style) = match live {
        None => ("", theme.text.0),
        Some(portable) if portable == newest.portable => (" is what is here now", theme.good.0),
        Some(_) => (" differs in meaning from what is here now", theme.different.0),
    };
    let told = app.difference_under_cursor().and_then(|of| app.background.difference(&of));
    let told = told.map(|words| format!(": {words}")).unwrap_or_default();
    let text = match newest.version {
        Some(version) => {
            format!("backup of {} ({version}){verdict}{told}", app.ago(newest.last_seen))
        }
        None => format!("backup of {}", app.ago(newest.last_seen)),
    };
    Line::styled(fit(&text, width), style)
}

/// The next keys, as many as fit whole.
fn keys<'a>(app: &App, row: &MatrixRow, width: usize) -> KeyLine<'a> {
    let offered = [
        (Action::Compare, "compare with it"),
        (Action::Restore, "restore a version"),
        (Action::Timeline, "timeline"),
        (Action::Inspect, "inspect"),
        (Action::Export, "export it"),
    ];
    let here = row.cell(app.target()).is_some();
    let index = app.store.index.as_ref();
    let from = |e: &Environment| index.is_some_and(|i| i.newest(&e.name, &row.artifact).is_some());
    let stored = from(&app.environments[app.target()]);
    let helps = |action: Action| match action {
        Action::Compare => here && stored,
        // A version of any environment can be restored here.
        Action::Restore => row.kind.can_be_sent() && app.environments.iter().any(from),
        Action::Inspect => here || row.is_gone(app.target()),
        Action::Timeline => here || stored,
        _ => here,
    };
    key_words(app, offered.into_iter().filter(|(action, _)| helps(*action)), width)
}

/// Keys with their words, as many as fit whole.
fn key_words<'a>(
    app: &App,
    offered: impl IntoIterator<Item = (Action, &'static str)>,
    width: usize,
) -> KeyLine<'a> {
    let theme = &app.theme;
    let mut line = KeyLine::default();
    for (action, text) in offered {
        let Some(key) = app.keymap.key_for(Context::Explorer, action) else { continue };
        let key = format!("{key} ");
        let size = key.chars().count() + text.chars().count();
        if usize::from(line.width()) + size > width {
            break;
        }
        let words = [Span::styled(key, theme.key.0), Span::styled(text, theme.dim.0)];
        line = line.key(action, words).text("    ");
    }
    line
}
