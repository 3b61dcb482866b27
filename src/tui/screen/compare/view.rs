//! Two archives: what changed in meaning above, the text side by side below.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use super::{
    rows::CompareRow,
    state::{CompareMode, CompareScreen},
};
use crate::diff::{Change, ChangeGroup, ChangeKind, FileState, RowKind, Span as Part};
use crate::model::plural;
use crate::tui::{
    app::{App, ClickAreas, DrawnLines},
    widgets::{
        frame,
        list::{List, centered},
        scrollbar,
        text::{fit, highlighted, sideways},
    },
};

/// The width below which the title is shortest.
const NARROW: u16 = 100;

/// Draws a list with the text of the file under the cursor below it, or the text alone.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &CompareScreen,
    areas: &mut ClickAreas,
) {
    let title = title(app, view, area.width);
    let framed = frame::page(app, frame, area, title, app.theme.border.0);
    let inner = framed.inner;
    if view.mode == CompareMode::Text {
        let first = draw_text(app, frame, inner, view);
        let count = view.text.as_ref().map_or(0, |(_, text)| text.rows.len());
        let drawn = DrawnLines { area: inner, first, count };
        areas.list = Some(drawn);
        scrollbar::draw(app, frame, framed.outer, inner, drawn.scroll());
        scrollbar::draw_position(app, frame, framed.outer, first, count);
        return view.finder.draw(app, frame, framed.outer);
    }
    let lines = match view.mode {
        CompareMode::Files => file_lines(app, view, inner.width),
        CompareMode::Changes | CompareMode::Text => change_lines(app, view, inner.width),
    };
    let wanted = lines.len().max(3) as u16;
    // The changes take what they need, up to a good half.
    let top = wanted.min(inner.height * 11 / 20).max(3).min(inner.height);
    let above = Rect { height: top, ..inner };
    let (cursor, count) = match view.mode {
        CompareMode::Files => (view.file_cursor, view.differing().len()),
        CompareMode::Changes | CompareMode::Text => (view.cursor, view.count()),
    };
    let line = view.indexes_of_lines().iter().position(|p| *p == Some(cursor)).unwrap_or(0);
    let list = List::centered(lines, line, top).at(cursor, count);
    list.draw(app, frame, framed, above, areas);
    let below = Rect { y: inner.y + top, height: inner.height - top, ..inner };
    if below.height > 2 {
        let name = view.wanted_file().map(|i| view.compared.comparison.files[i].name());
        let rule = rule(name, usize::from(below.width));
        frame.render_widget(Line::styled(rule, app.theme.border.0), Rect { height: 1, ..below });
        let body = Rect { y: below.y + 1, height: below.height - 1, ..below };
        draw_text(app, frame, body, view);
    }
    view.finder.draw(app, frame, framed.outer);
}

/// A line across, with a file's name in it.
fn rule(name: Option<&str>, width: usize) -> String {
    let Some(name) = name else { return "─".repeat(width) };
    let name = fit(name, width.saturating_sub(6));
    format!("── {name} {}", "─".repeat(width.saturating_sub(name.width() + 4)))
}

fn title<'a>(app: &App, view: &CompareScreen, width: u16) -> Line<'a> {
    let theme = &app.theme;
    let found = &view.compared.comparison;
    let count = if found.same {
        "the same in meaning".into()
    } else {
        format!("{} in meaning", plural(found.changes.len(), "change"))
    };
    let hidden = if view.cosmetic { "" } else { " hidden" };
    let right = match (width < NARROW, found.same) {
        (true, true) => " the same ".into(),
        (true, false) => format!(" {} ", plural(found.changes.len(), "change")),
        _ => format!(" {count}, {} cosmetic{hidden} ", found.cosmetic.len()),
    };
    let room = usize::from(width).saturating_sub(right.width() + 12) / 2;
    let (before, after) = (fit(&view.names.0, room), fit(&view.names.1, room));
    Line::from(vec![
        Span::styled(format!(" - {before} "), theme.older.0),
        Span::styled(format!("+ {after} "), theme.newer.0),
        Span::styled("─", theme.border.0),
        Span::styled(right, if found.same { theme.good.0 } else { theme.different.0 }),
    ])
}

fn kind_style(app: &App, kind: ChangeKind) -> Style {
    match kind {
        ChangeKind::Added => app.theme.good.0,
        ChangeKind::Removed => app.theme.failing.0,
        ChangeKind::Changed => app.theme.different.0,
        ChangeKind::Moved => app.theme.newer.0,
    }
}

/// Each change with its values below it, as [`CompareScreen::indexes_of_lines`] has them.
fn change_lines<'a>(app: &App, view: &CompareScreen, width: u16) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let width = usize::from(width);
    let mut out = Vec::new();
    if view.compared.comparison.same {
        out.push(Line::styled("✓ both mean the same", theme.good.0));
    }
    let mut last: Option<(ChangeGroup, bool)> = None;
    for row in view.rows() {
        if let CompareRow::Cosmetic(i) = row {
            let text = &view.compared.comparison.cosmetic[i];
            out.push(Line::styled(fit(&format!("  · {text}"), width), theme.dim.0));
        }
        let Some(change) = view.change_of(row) else { continue };
        if let CompareRow::Head(section) = row {
            last = None;
            out.push(member_head(app, view, section, width));
            continue;
        }
        let inside = view.head_is_above(row);
        let word = if last == Some((change.group, inside)) { "" } else { change.group.label() };
        last = Some((change.group, inside));
        out.push(head(app, view, (change, view.fold_of(row), inside), word, width));
        out.extend(values(app, view, change, width));
    }
    out
}

/// The head of a member's changes: a fold mark, and what changed in it by number.
fn member_head<'a>(app: &App, view: &CompareScreen, section: usize, width: usize) -> Line<'a> {
    let kind = ChangeKind::Changed;
    let fold_mark =
        if view.fold_of(CompareRow::Head(section)) == Some(true) { "▾" } else { "▸" };
    let mut spans = vec![
        Span::styled(format!("{} ", kind.mark()), kind_style(app, kind)),
        Span::styled(format!("{:<11} ", ChangeGroup::Integration.label()), app.theme.dim.0),
    ];
    let text = fit(&format!("{fold_mark} {}", view.head(section)), width.saturating_sub(14));
    spans.extend(marked(app, view, &text, app.theme.text.0));
    Line::from(spans)
}

/// A change: its mark, the word of its group, its place, with a fold mark where it opens. `inside`
/// is whether it stands below the head of its member, which then is not repeated.
fn head<'a>(
    app: &App,
    view: &CompareScreen,
    (change, open, inside): (&Change, Option<bool>, bool),
    word: &str,
    width: usize,
) -> Line<'a> {
    let indent = if inside { "  " } else { "" };
    let mut spans = vec![
        Span::styled(format!("{indent}{} ", change.change.mark()), kind_style(app, change.change)),
        Span::styled(format!("{word:<11} "), app.theme.dim.0),
    ];
    let fold_mark = match open {
        Some(true) => "▾ ",
        Some(false) => "▸ ",
        None => "",
    };
    let place = if inside { change.place_in_member() } else { &change.place };
    let place = fit(&format!("{fold_mark}{place}"), width.saturating_sub(14 + indent.len()));
    spans.extend(marked(app, view, &place, app.theme.text.0));
    Line::from(spans)
}

/// A text with what is looked for marked in it.
fn marked<'a>(app: &App, view: &CompareScreen, text: &str, style: Style) -> Vec<Span<'a>> {
    highlighted(text, view.finder.text(), style, app.theme.r#match.0)
}

/// `before → after` in the room that there is.
fn values<'a>(app: &App, view: &CompareScreen, change: &Change, width: usize) -> Option<Line<'a>> {
    let theme = &app.theme;
    let indent = 14;
    let room = width.saturating_sub(indent + 3);
    let mut spans = vec![Span::raw(" ".repeat(indent))];
    let both = |text: &str, style: Style, room: usize| marked(app, view, &fit(text, room), style);
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            let half = room / 2;
            let left = before.width().min(half.max(room.saturating_sub(after.width())));
            spans.extend(both(before, theme.failing.0, left));
            spans.push(Span::styled(" → ", theme.dim.0));
            spans.extend(both(after, theme.good.0, room.saturating_sub(left)));
        }
        (Some(before), None) => spans.extend(both(before, theme.failing.0, room)),
        (None, Some(after)) => spans.extend(both(after, theme.good.0, room)),
        (None, None) => return None,
    }
    Some(Line::from(spans))
}

fn file_lines<'a>(app: &App, view: &CompareScreen, width: u16) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let files = &view.compared.comparison.files;
    let line = |i: usize| {
        let (mark, style) = match files[i].state {
            FileState::Added => ('+', theme.good.0),
            FileState::Removed => ('-', theme.failing.0),
            FileState::Changed => ('~', theme.different.0),
            FileState::Cosmetic | FileState::Same => ('·', theme.dim.0),
        };
        let text = format!("{mark} {}", files[i].name());
        Line::styled(fit(&text, usize::from(width)), style)
    };
    view.differing().into_iter().map(line).collect()
}

/// Draws both sides with lines aligned and changed words marked, and gives back the first row that
/// is drawn.
fn draw_text(app: &App, frame: &mut Frame<'_>, area: Rect, view: &CompareScreen) -> usize {
    let theme = &app.theme;
    let Some((_, text)) = view.text.as_ref().filter(|_| view.has_text()) else {
        let why = if view.wanted_file().is_some() {
            "reading …"
        } else {
            "this change stands in no file of its own"
        };
        frame.render_widget(Line::styled(why, theme.dim.0), Rect { height: 1, ..area });
        return 0;
    };
    let height = usize::from(area.height);
    let first = if view.mode == CompareMode::Text {
        view.scroll.min(text.rows.len().saturating_sub(1))
    } else {
        centered(view.scroll + 3, text.rows.len(), height).min(view.scroll)
    };
    let half = area.width.saturating_sub(1) / 2;
    let digits = text.before.len().max(text.after.len()).to_string().len();
    for (i, row) in text.rows.iter().skip(first).take(height).enumerate() {
        let y = area.y + i as u16;
        let (before, after) = text.spans(row);
        let sides = [
            (area.x, row.before, before, theme.failing.0, '-'),
            (area.x + half + 1, row.after, after, theme.good.0, '+'),
        ];
        for (x, number, parts, style, sign) in sides {
            let at = Rect { x, y, width: half, height: 1 };
            let changed = row.kind != RowKind::Same;
            let line = side(app, view, number, &parts, (changed, style, sign), digits);
            frame.render_widget(line, at);
        }
        frame.render_widget(
            Line::styled("│", theme.border.0),
            Rect { x: area.x + half, y, width: 1, height: 1 },
        );
    }
    first
}

/// One side of a row: number, sign, words.
fn side<'a>(
    app: &App,
    view: &CompareScreen,
    number: Option<usize>,
    parts: &[Part],
    (changed, style, sign): (bool, Style, char),
    digits: usize,
) -> Line<'a> {
    let theme = &app.theme;
    let Some(number) = number else { return Line::raw("") };
    let sign = if changed { sign } else { ' ' };
    let mut spans = vec![Span::styled(
        format!("{:>digits$}{sign}", number + 1),
        if changed { style } else { theme.dim.0 },
    )];
    let mut words = Vec::new();
    for part in parts {
        let look = match (part.changed, changed) {
            (true, _) => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            (false, true) => theme.text.0,
            (false, false) => theme.dim.0,
        };
        words.extend(marked(app, view, &part.text, look));
    }
    spans.extend(sideways(words, view.shift));
    Line::from(spans)
}
