//! The rows: a name, a cell for each environment, the store.

use std::collections::BTreeSet;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType},
};

use super::{
    column::MatrixColumn,
    columns::{self, ColumnWidths, PLAIN},
    table::{MatrixTable, SortOrder, TableLine, note},
};
use crate::model::{
    EnvironmentIndex, Kind, Scope, Status, age_between, plural, short_date, thousands,
};
use crate::ops::matrix::{Judged, Mark, MatrixCell, MatrixRow};
use crate::search::Query;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{
        scrollbar::{self, Scroll},
        text::fit,
    },
};

/// Columns of the title that show what is typed.
const FILTER_WIDTH: usize = 40;

/// Draws the rows within their frame.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
    let (theme, outer) = (&app.theme, area);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.border.0)
        .title(title(app))
        .title(Line::styled(counts(app), theme.dim.0).right_aligned());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    areas.title = Rect { height: 1, width: 24.min(area.width), ..area };
    let names: Vec<&str> = app.environments.iter().map(|c| c.name.as_str()).collect();
    let columns = ColumnWidths::fit(&app.table, &names, usize::from(inner.width));
    let [head, rows] = [
        Rect { height: 1, ..inner },
        Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner },
    ];
    frame.render_widget(heading(app, &columns), head);
    areas.rows = rows;
    place_columns(&columns, inner, areas);
    if app.table.shown.is_empty() {
        frame.render_widget(
            Line::styled(nothing(app), theme.dim.0),
            Rect { height: rows.height.min(1), ..rows },
        );
        return;
    }
    let query = Query::new(app.table.filter.text());
    let lines =
        app.table.shown.iter().enumerate().skip(app.table.offset).take(usize::from(rows.height));
    for (line, (position, shown)) in lines.enumerate() {
        let area = Rect { y: rows.y + line as u16, height: 1, ..rows };
        let here = position == app.table.cursor;
        if here {
            frame.buffer_mut().set_style(area, theme.selected.0);
        }
        let drawn = match shown {
            TableLine::Row(index) => {
                let row = &app.table.matrix.rows[*index];
                draw_row(app, &columns, row, here, &query)
            }
            TableLine::Head(scope) => draw_head(app, scope, here),
        };
        frame.render_widget(drawn, area);
    }
    let (first, count) = (app.table.offset, app.table.shown.len());
    let scroll = Scroll { first, count, height: usize::from(rows.height) };
    scrollbar::draw(app, frame, outer, rows, scroll);
    scrollbar::draw_position(app, frame, outer, app.table.cursor, count);
}

fn title(app: &App) -> Line<'_> {
    let theme = &app.theme;
    let kind = app.table.kind.map_or("All kinds".to_owned(), |k| {
        let word = k.plural();
        format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..])
    });
    let mut spans = vec![Span::styled(format!(" {kind} ▾ "), theme.title.0)];
    if let Some(scope) = &app.table.scope {
        spans.push(Span::styled(format!("─ {scope} "), theme.accent.0));
    }
    let typing = app.top().context() == Context::Find;
    if typing || !app.table.filter.is_empty() {
        let style = if typing { theme.r#match.0 } else { theme.accent.0 };
        spans.push(Span::styled("─ / ", style));
        spans.extend(app.table.filter.spans(FILTER_WIDTH, typing, style));
        spans.push(Span::styled(" ", style));
    }
    if app.table.order != SortOrder::Name {
        spans.push(Span::styled(format!("─ {} ", app.table.order.label()), theme.dim.0));
    }
    for (on, word) in
        [(app.table.only_differences, "only differences"), (app.table.only_failing, "only failing")]
    {
        if on {
            spans.push(Span::styled(format!("─ {word} "), theme.warning.0));
        }
    }
    let untold = uncounted(app).filter(|_| app.table.only_failing);
    let untold = refused(app).into_iter().chain(untold);
    spans.extend(untold.map(|text| Span::styled(format!("─ {text} "), theme.warning.0)));
    Line::from(spans)
}

/// Which projects an environment does not let be looked at: their rows are missing.
fn refused(app: &App) -> Option<String> {
    let listings = app.environments.iter().filter_map(|e| Some((&e.name, e.listing.as_ref()?)));
    let (name, scopes) = listings
        .map(|(name, listing)| {
            let refused = listing.refused(app.table.kind);
            let scopes = refused.map(|u| &u.scope).filter(|scope| !scope.is_global());
            (name, scopes.collect::<BTreeSet<_>>())
        })
        .find(|(_, scopes)| !scopes.is_empty())?;
    Some(match scopes.iter().next().and_then(|scope| scope.project()) {
        Some(project) if scopes.len() == 1 => format!("{name} does not show {project}"),
        _ => format!("{name} does not show {}", plural(scopes.len(), "project")),
    })
}

/// Of which environment failures are not known, where only what fails is shown.
fn uncounted(app: &App) -> Option<String> {
    app.environments.iter().find_map(|environment| {
        let listing = environment.listing.as_ref()?;
        if !listing.runs_known && environment.fresh {
            return Some(format!("{} does not tell its runs", environment.name));
        }
        let shared = listing.with_shared_runs().count();
        (shared > 0).then(|| {
            let of = plural(shared, "twin");
            format!("{} does not tell the runs of {of} apart", environment.name)
        })
    })
}

fn counts(app: &App) -> String {
    let table = &app.table;
    let folded = table.folded.iter().filter_map(|s| table.heads.get(s)).map(|c| c.all);
    let hidden: usize = if table.has_heads() { folded.sum() } else { 0 };
    let (shown, all) = (table.shown_rows().count() + hidden, table.counts.all);
    let marked = if table.marks.is_empty() {
        String::new()
    } else {
        format!(" · {} marked", table.marks.len())
    };
    let rows = if shown == all {
        plural(all, "row")
    } else {
        format!("{} of {}", thousands(shown), thousands(all))
    };
    format!(
        " {rows} · {} differ · {} failing{marked} ",
        thousands(table.counts.differ),
        thousands(table.counts.failing)
    )
}

fn nothing(app: &App) -> String {
    let table = &app.table;
    let answers = app.environments.iter().any(|c| c.listing.is_some());
    let waiting = app.environments.iter().any(|c| c.loading);
    let key = |action| app.key(Context::Explorer, action);
    match (answers, waiting, table.filter.text()) {
        (false, true, _) => "   waiting for the environments …".into(),
        (false, false, _) => format!(
            "   no environment answers; {} shows why, {} asks again",
            key(Action::Log),
            key(Action::Refresh)
        ),
        (true, _, "") if shows_kind_outside_projects(table) => {
            let kind = table.kind.map_or("", Kind::plural);
            format!(
                "   {kind} are in no project; {} shows another kind, {} all projects",
                key(Action::Kind),
                key(Action::Back)
            )
        }
        (true, _, "") => {
            format!("   nothing to show; {} takes the filters away", key(Action::Back))
        }
        (true, _, typed) => format!("   nothing matches {typed}; {} shows all", key(Action::Back)),
    }
}

/// Whether the rows are narrowed to a project, and to a kind that is in none.
fn shows_kind_outside_projects(table: &MatrixTable) -> bool {
    let project = table.scope.as_ref().is_some_and(|scope| !scope.is_global());
    project && table.kind.is_some_and(|kind| !kind.lives_in_projects())
}

fn heading<'a>(app: &'a App, columns: &ColumnWidths) -> Line<'a> {
    let theme = &app.theme;
    let mut spans = vec![Span::styled(format!("   {:<w$}", "NAME", w = columns.name), theme.dim.0)];
    for (environment, width) in &columns.environments {
        let column = &app.environments[*environment];
        let base = if *environment == app.table.base { " ·" } else { "" };
        let under_cursor = app.table.column == MatrixColumn::Environment(*environment);
        let style = match (under_cursor, column.error.is_some()) {
            (true, _) => theme.accent.0,
            (false, true) => theme.warning.0,
            (false, false) => theme.dim.0,
        };
        spans.push(Span::raw("  "));
        spans.push(Span::styled(
            format!("{:<width$}", fit(&format!("{}{base}", column.name), *width)),
            style,
        ));
    }
    for environment in &columns.folded {
        spans.push(Span::styled(
            format!(" {:<5}", fit(app.environments[*environment].name.as_str(), 5)),
            theme.dim.0,
        ));
    }
    let base = app.environments.get(app.table.base.0).map_or("", |c| c.name.as_str());
    let style = if app.table.on_store() { theme.accent.0 } else { theme.dim.0 };
    spans.push(Span::raw("  "));
    let long = format!("store ({base})");
    let store = if long.chars().count() <= columns.store { long } else { "store".into() };
    spans.push(Span::styled(format!("{store:<w$}", w = columns.store), style));
    if columns.changed > 0 {
        spans.push(Span::styled(
            fit(&format!("  last change on {base}"), columns.changed),
            theme.dim.0,
        ));
    }
    Line::from(spans)
}

fn place_columns(columns: &ColumnWidths, inner: Rect, areas: &mut ClickAreas) {
    let mut x = inner.x + 3 + columns.name as u16;
    for (environment, width) in &columns.environments {
        let at = Rect { x, width: *width as u16 + 2, ..inner };
        areas.columns.push((at, MatrixColumn::Environment(*environment)));
        x += *width as u16 + 2;
    }
    for environment in &columns.folded {
        let at = Rect { x, width: 6, ..inner };
        areas.columns.push((at, MatrixColumn::Environment(*environment)));
        x += 6;
    }
    let right = inner.x + inner.width;
    let at = Rect { x: x.min(right), width: right.saturating_sub(x), ..inner };
    areas.columns.push((at, MatrixColumn::Store));
}

fn draw_row<'a>(
    app: &'a App,
    columns: &ColumnWidths,
    row: &'a MatrixRow,
    here: bool,
    query: &Query,
) -> Line<'a> {
    let theme = &app.theme;
    let marked = app.table.is_marked(row);
    let pointer = if here { "▶" } else { " " };
    let mut spans = vec![
        Span::styled(pointer, theme.accent.0),
        Span::styled(if marked { "◆ " } else { "  " }, theme.marked.0),
    ];
    spans.extend(name(app, row, columns.name, query));
    for (environment, width) in &columns.environments {
        spans.push(Span::raw("  "));
        let cursor = here && app.table.column == MatrixColumn::Environment(*environment);
        spans.extend(cell(app, row, *environment, *width, columns.short, cursor));
    }
    for environment in &columns.folded {
        let judged = columns::mark(row, *environment, &app.table);
        let failing = row.cell(*environment).is_some_and(MatrixCell::is_failing);
        // A row that the base lacks has no mark, so its status is shown instead.
        let status = row.cell(*environment).map_or(' ', |c| c.state.status.mark());
        let symbol = if judged.mark == Mark::None {
            status.to_string()
        } else {
            columns::symbol(judged).to_owned()
        };
        spans.push(Span::styled(format!(" {symbol}"), mark_style(app, judged)));
        spans
            .push(Span::styled(format!("{:<4}", if failing { " ✗" } else { "" }), theme.failing.0));
    }
    spans.push(Span::raw("  "));
    let cursor = here && app.table.on_store();
    spans.push(Span::styled(
        format!("{:<w$}", stored(app, row, columns.store_short), w = columns.store),
        if cursor { theme.cursor.0 } else { theme.dim.0 },
    ));
    if columns.changed > 0 {
        let text = row.cell(app.table.base).map(last_change).unwrap_or_default();
        spans.push(Span::styled(fit(&format!("  {text}"), columns.changed), theme.dim.0));
    }
    Line::from(spans)
}

/// The head of a scope's rows, with what is under it.
fn draw_head<'a>(app: &App, scope: &Scope, here: bool) -> Line<'a> {
    let theme = &app.theme;
    let counts = app.table.heads.get(scope).copied().unwrap_or_default();
    let fold = if app.table.folded.contains(scope) { "▸" } else { "▾" };
    let of = |n: usize, word: &str| match n {
        0 => String::new(),
        n => format!("  {} {word}", thousands(n)),
    };
    Line::from(vec![
        Span::styled(if here { "▶" } else { " " }, theme.accent.0),
        Span::styled(format!(" {fold} {scope}"), theme.title.0),
        Span::styled(format!("  {}", plural(counts.all, "row")), theme.dim.0),
        Span::styled(of(counts.differ, "differ"), theme.different.0),
        Span::styled(of(counts.failing, "failing"), theme.failing.0),
    ])
}

/// The project, dim, and the code, with the letters that were typed brought out.
fn name<'a>(app: &App, row: &MatrixRow, width: usize, query: &Query) -> Vec<Span<'a>> {
    let theme = &app.theme;
    // Under the head of its scope a row needs no project.
    let (whole, prefix) = match app.table.has_heads() {
        true => (format!("  {}", row.code), 2),
        false => (row.scoped_code(), row.scope.prefix().chars().count()),
    };
    let text = format!("{:<width$}", fit_name(&whole, prefix, width));
    let hits = if query.is_empty() { Vec::new() } else { query.positions(&whole) };
    // A shortened project moves what follows.
    let moved = whole.chars().count().saturating_sub(text.trim_end().chars().count());
    let code_at = prefix.saturating_sub(moved);
    let style = |i: usize| match hits.binary_search(&(i + moved)) {
        Ok(_) => theme.r#match.0,
        Err(_) if i < code_at => theme.dim.0,
        Err(_) => theme.text.0,
    };
    let mut spans: Vec<Span<'a>> = Vec::new();
    let mut run = String::new();
    let mut now = style(0);
    for (i, c) in text.chars().enumerate() {
        if style(i) != now && !run.is_empty() {
            spans.push(Span::styled(std::mem::take(&mut run), now));
        }
        now = style(i);
        run.push(c);
    }
    spans.push(Span::styled(run, now));
    spans
}

/// A name cut to a width. The project, which is its first `prefix` characters, gives way first: the
/// code tells rows apart.
fn fit_name(name: &str, prefix: usize, width: usize) -> String {
    let long = name.chars().count();
    if long <= width || prefix == 0 {
        return fit(name, width);
    }
    let code: String = name.chars().skip(prefix).collect();
    let room = width.saturating_sub(code.chars().count());
    if room < 2 {
        return fit(&code, width);
    }
    let end: String = name.chars().skip(prefix - (room - 1)).take(room - 1).collect();
    format!("…{end}{code}")
}

fn cell<'a>(
    app: &App,
    row: &MatrixRow,
    environment: EnvironmentIndex,
    width: usize,
    short: bool,
    cursor: bool,
) -> Vec<Span<'a>> {
    let theme = &app.theme;
    let judged = columns::mark(row, environment, &app.table);
    let over = |style: Style| if cursor { style.patch(theme.cursor.0) } else { style };
    let Some(cell) = row.cell(environment) else {
        let (text, style) = match judged.mark {
            Mark::Absent if row.is_gone(environment) => ("– gone", theme.warning.0),
            Mark::Absent => ("–", theme.dim.0),
            _ => ("?", theme.dim.0),
        };
        return vec![Span::styled(format!("{text:<width$}"), over(style))];
    };
    let stale =
        !app.environments[environment].fresh || app.environments[environment].error.is_some();
    let text = if stale { theme.dim.0 } else { theme.text.0 };
    let version = match (cell.version, cell.expires) {
        (Some(version), _) => version.to_string(),
        (None, Some(expires)) => expires.strftime("%F").to_string(),
        (None, None) => format!("{:<10}", fit(cell.state.status.label(), 10)),
    };
    let note = note(cell, short);
    let note = if note.is_empty() { note } else { format!(" {note}") };
    let used = PLAIN + note.chars().count();
    let note_style = if cell.is_failing() { theme.failing.0 } else { theme.warning.0 };
    vec![
        Span::styled(format!("{version} "), over(text)),
        Span::styled(
            format!("{} ", cell.state.status.mark()),
            over(status_style(app, &cell.state.status, stale)),
        ),
        Span::styled(columns::symbol(judged), over(mark_style(app, judged))),
        Span::styled(note, over(note_style)),
        Span::styled(" ".repeat(width.saturating_sub(used)), over(Style::new())),
    ]
}

fn status_style(app: &App, status: &Status, stale: bool) -> Style {
    let theme = &app.theme;
    match status {
        _ if stale => theme.dim.0,
        Status::Active => theme.good.0,
        Status::FailedActivation | Status::Down => theme.failing.0,
        Status::Busy => theme.warning.0,
        Status::Configured | Status::Draft | Status::Other(_) => theme.dim.0,
    }
}

fn mark_style(app: &App, judged: Judged) -> Style {
    let theme = &app.theme;
    let style = match judged.mark {
        Mark::Different => theme.different.0,
        Mark::Older => theme.older.0,
        Mark::Newer => theme.newer.0,
        Mark::Same | Mark::None | Mark::Absent | Mark::Unknown => theme.same.0,
    };
    if judged.proven { style } else { style.add_modifier(ratatui::style::Modifier::DIM) }
}

fn last_change(cell: &MatrixCell) -> String {
    let by = cell.state.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
    cell.state.last_updated.map(|t| format!("{}{by}", short_date(t))).unwrap_or_default()
}

fn stored(app: &App, row: &MatrixRow, short: bool) -> String {
    let since = |time| age_between(time, app.now);
    match (row.stored.versions, row.stored.newest) {
        (0, _) | (_, None) => String::new(),
        (n, Some(newest)) if short => format!("{n} · {}", since(newest)),
        (n, Some(newest)) => format!("{} · newest {}", plural(n, "version"), since(newest)),
    }
}
