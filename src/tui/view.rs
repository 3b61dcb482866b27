//! Draws the state. Reads it and nothing else; tells where things came to lie.

mod ascii;
mod columns;
mod detail;
mod footer;
mod header;
mod lists;
mod matrix;
mod pages;
mod popup;
mod restore;
mod runs;
mod triage;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::Line,
    widgets::{Block, Paragraph},
};

use super::{
    app::{App, ClickAreas},
    layer::Layer,
};

/// Below this nothing can be shown that helps.
const SMALLEST: (u16, u16) = (50, 12);
const DETAIL_HEIGHT: u16 = 6;

/// Draws everything and gives back where it lies.
pub fn draw(app: &App, frame: &mut Frame<'_>) -> ClickAreas {
    let area = frame.area();
    let mut hits = ClickAreas::default();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(frame, area);
        return hits;
    }
    frame.render_widget(Block::new().style(app.theme.background.0), area);
    // On a low screen the rows matter more than the strip below them.
    let detail = if area.height < 18 { 0 } else { DETAIL_HEIGHT };
    let [head, rows, strip, message, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(4),
        Constraint::Length(detail),
        Constraint::Length(u16::from(app.message.is_some())),
        Constraint::Length(1),
    ])
    .areas(area);
    header::draw(app, frame, head);
    matrix::draw(app, frame, rows, &mut hits);
    if detail > 0 {
        detail::draw(app, frame, strip);
    }
    footer::draw_message(app, frame, message);
    draw_layer(app, frame, area, &mut hits);
    footer::draw(app, frame, foot, &mut hits);
    if app.ascii {
        ascii::replace(frame.buffer_mut());
    }
    hits
}

fn draw_layer(app: &App, frame: &mut Frame<'_>, area: Rect, hits: &mut ClickAreas) {
    match &app.layer {
        Layer::None | Layer::Find => {}
        Layer::Help { context, scroll } => lists::help(app, frame, area, *context, *scroll),
        Layer::Palette(palette) => lists::palette(app, frame, area, palette, hits),
        Layer::Jobs { cursor } => lists::jobs(app, frame, area, *cursor, hits),
        Layer::Log { scroll } => lists::log(app, frame, area, *scroll),
        Layer::QuitQuestion => lists::quit_question(app, frame, area),
        Layer::Versions(versions) => restore::versions(app, frame, area, versions, hits),
        Layer::Planning { title } => restore::planning(app, frame, area, title),
        Layer::Opening { title, .. } => lists::opening(app, frame, area, title),
        Layer::Page(page) => pages::draw(app, frame, area, page, hits),
        Layer::Plan(view) => restore::plan(app, frame, area, view),
        Layer::Run { job, scroll } => restore::run(app, frame, area, *job, *scroll),
        Layer::Runs(view) => runs::list(app, frame, area, view, hits),
        Layer::Reopen(view) => runs::reopen(app, frame, area, view),
        Layer::Checklist { job } => runs::checklist(app, frame, area, *job),
        Layer::Form(form) => runs::form(app, frame, area, form),
        Layer::Recover(view) => triage::recover(app, frame, area, view),
        Layer::Drift { cursor } => triage::drift(app, frame, area, *cursor, hits),
    }
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = SMALLEST;
    let text = format!("oicx needs {width}×{height}; this is {}×{}", area.width, area.height);
    let lines: Vec<Line<'_>> =
        wrap(&text, usize::from(area.width)).into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).style(Style::new()), area);
}

/// Cuts a text to a width, with `…` where something is lost.
pub fn fit(text: &str, width: usize) -> String {
    use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        out.push(c);
        used += w;
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Breaks a text at blanks into lines of a width.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let word = fit(word, width.max(1));
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// What turns while something is under way.
pub fn spinner(beat: usize) -> char {
    ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'][beat % 10]
}
