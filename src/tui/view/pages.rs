//! Pages: what fills the screen over the matrix.

mod compare;
mod inspector;
mod syntax;
mod timeline;
mod viewer;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear},
};
use unicode_width::UnicodeWidthStr;

use super::super::{
    app::{App, ClickAreas},
    page::{Body, Item, Page, Tone},
};
use super::{fit, spinner};

pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, page: &Page, hits: &mut ClickAreas) {
    // What lies below takes no clicks.
    hits.columns.clear();
    hits.title = Rect::ZERO;
    let keep = u16::from(app.message.is_some()) + 1;
    let area = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + keep), ..area };
    match &page.body {
        Body::Inspector(view) => inspector::draw(app, frame, area, page, view, hits),
        Body::Viewer(view) => viewer::draw(app, frame, area, page, view, hits),
        Body::Compare(view) => compare::draw(app, frame, area, page, view, hits),
        Body::Timeline(view) => timeline::draw(app, frame, area, view, hits),
        Body::Found(view) => timeline::found(app, frame, area, page, view, hits),
    }
}

/// A frame with a title; the room within it.
fn framed(app: &App, frame: &mut Frame<'_>, area: Rect, title: Line<'_>, border: Style) -> Rect {
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(border)
        .style(app.theme.background.0)
        .title(title);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

fn style_of(app: &App, tone: Tone) -> Style {
    let theme = &app.theme;
    match tone {
        Tone::Plain => theme.text.0,
        Tone::Dim => theme.dim.0,
        Tone::Title => theme.title.0,
        Tone::Accent => theme.accent.0,
        Tone::Good => theme.good.0,
        Tone::Warning => theme.warning.0,
        Tone::Failing => theme.failing.0,
    }
}

/// A line of a tree: knot, glyph, text, and what stands dimmer beside it.
fn item_line<'a>(app: &App, item: &Item, find: &str, width: usize) -> Line<'a> {
    let knot = match item.open {
        Some(true) => "▾ ",
        Some(false) => "▸ ",
        None if item.depth > 0 || !item.glyph.is_empty() => "  ",
        None => "",
    };
    let glyph = if item.glyph.is_empty() { String::new() } else { format!("{} ", item.glyph) };
    let head = format!("{}{knot}{glyph}", "  ".repeat(item.depth.min(20)));
    let left = width.saturating_sub(head.width());
    let text = fit(&item.text, left);
    let rest = left.saturating_sub(text.width() + 2);
    let style = style_of(app, item.tone);
    let mut spans = vec![Span::styled(head, app.theme.dim.0)];
    spans.extend(found_spans(app, &text, find, style));
    if rest > 3 && !item.note.is_empty() {
        spans.push(Span::raw("  "));
        spans.extend(found_spans(app, &fit(&item.note, rest), find, app.theme.dim.0));
    }
    Line::from(spans)
}

/// A text with what is searched marked in it.
fn found_spans<'a>(app: &App, text: &str, find: &str, style: Style) -> Vec<Span<'a>> {
    // Lower case may be longer or shorter: places are only those of the text where both have one
    // length.
    let (lower, wanted) = (text.to_lowercase(), find.to_lowercase());
    if wanted.is_empty() || lower.len() != text.len() || !lower.contains(&wanted) {
        return vec![Span::styled(text.to_owned(), style)];
    }
    let mut out = Vec::new();
    let mut from = 0;
    for (at, hit) in lower.match_indices(&wanted) {
        out.push(Span::styled(text[from..at].to_owned(), style));
        out.push(Span::styled(text[at..at + hit.len()].to_owned(), app.theme.r#match.0));
        from = at + hit.len();
    }
    out.push(Span::styled(text[from..].to_owned(), style));
    out
}

/// Draws the lines of a list around its cursor.
fn list(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    lines: Vec<Line<'_>>,
    cursor: usize,
    hits: &mut ClickAreas,
) {
    let first = super::super::page::window(cursor, lines.len(), usize::from(area.height));
    hits.list = Some((area, first));
    for (row, (i, line)) in
        lines.into_iter().enumerate().skip(first).take(usize::from(area.height)).enumerate()
    {
        let at = Rect { y: area.y + row as u16, height: 1, ..area };
        frame.render_widget(line, at);
        if i == cursor {
            // One colour for the whole line: dim words could not be read on the cursor's ground.
            frame.buffer_mut().set_style(
                at,
                app.theme
                    .text
                    .0
                    .remove_modifier(ratatui::style::Modifier::DIM)
                    .patch(app.theme.cursor.0),
            );
        }
    }
}

/// Words without their first columns: a long line is read by going sideways.
fn sideways(spans: Vec<Span<'_>>, columns: usize) -> Vec<Span<'_>> {
    use unicode_width::UnicodeWidthChar;
    let mut left = columns;
    let mut out = Vec::with_capacity(spans.len());
    for span in spans {
        let mut from = 0;
        for (i, c) in span.content.char_indices() {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(c.width().unwrap_or(0));
            from = i + c.len_utf8();
        }
        let rest = span.content[from..].to_owned();
        if !rest.is_empty() {
            out.push(Span::styled(rest, span.style));
        }
    }
    out
}

/// What is typed to be looked for, on the frame's last line.
fn find_line(app: &App, frame: &mut Frame<'_>, area: Rect, page: &Page) {
    if !page.typing && page.find.is_empty() {
        return;
    }
    let cursor = if page.typing { "▏" } else { "" };
    let text =
        fit(&format!(" / {}{cursor} ", page.find), usize::from(area.width.saturating_sub(4)));
    let y = area.y + area.height.saturating_sub(1);
    let at = Rect { x: area.x + 2, y, width: text.width() as u16, height: 1 };
    frame.render_widget(Line::styled(text, app.theme.r#match.0), at);
}

/// Breaks a text into pieces of a width, blanks or not: expressions have none.
fn broken(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthChar;
    let mut out = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > width.max(1) {
            out.push(String::new());
            used = 0;
        }
        used += w;
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out
}
