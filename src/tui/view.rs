//! Draws the state, which it only reads, and tells where each part lies.

use ratatui::{
    Frame,
    layout::{Constraint, Layout as Split, Rect},
    style::Style,
    text::Line,
    widgets::{Block, Paragraph},
};

use super::{
    app::{App, ClickAreas},
    screen::Layer,
    widgets::{ascii, footer, header, text::wrap, toast},
};

/// The smallest terminal on which something useful can be shown, in columns and lines.
const SMALLEST: (u16, u16) = (50, 12);

/// Draws everything and gives back where it lies.
pub fn draw(app: &App, frame: &mut Frame<'_>) -> ClickAreas {
    let area = frame.area();
    let mut areas = ClickAreas::default();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(frame, area);
        return areas;
    }
    frame.render_widget(Block::new().style(app.theme.background.0), area);
    let [head, body, message, foot] = Split::vertical([
        Constraint::Length(1),
        Constraint::Min(4),
        Constraint::Length(toast::height(app)),
        Constraint::Length(1),
    ])
    .areas(area);
    header::draw(app, frame, head);
    toast::draw(app, frame, message);
    // A box leaves the lines of the toast and the footer free.
    let boxes = Rect { height: head.height + body.height, ..area };
    draw_screens(app, frame, boxes, body, &mut areas);
    footer::draw(app, frame, foot, &mut areas);
    if app.ascii {
        ascii::replace(frame.buffer_mut());
    }
    areas
}

/// Draws the matrix, over it the page that is nearest to the top, over that the box that is on top.
fn draw_screens(app: &App, frame: &mut Frame<'_>, area: Rect, body: Rect, areas: &mut ClickAreas) {
    let Some((matrix, over)) = app.screens.split_first() else { return };
    matrix.draw(app, frame, body, areas);
    let page = over.iter().rev().find(|s| s.layer() == Layer::Page);
    let popup = over.last().filter(|s| s.layer() == Layer::Popup);
    for (screen, area) in page.map(|s| (s, body)).into_iter().chain(popup.map(|s| (s, area))) {
        // What lies below takes no clicks.
        let rows = areas.rows;
        *areas = ClickAreas { rows, ..ClickAreas::default() };
        screen.draw(app, frame, area, areas);
    }
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = SMALLEST;
    let text = format!("oicx needs {width}×{height}; this is {}×{}", area.width, area.height);
    let lines: Vec<Line<'_>> =
        wrap(&text, usize::from(area.width)).into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).style(Style::new()), area);
}
