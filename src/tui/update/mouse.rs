//! The mouse: click a row, a column, a key of the footer; the wheel scrolls.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{
    super::{app::App, event::Effect, keymap::Action, layer::Layer},
    keys::{act, move_by},
};

const WHEEL: isize = 3;

pub fn moved(app: &mut App, mouse: MouseEvent) -> Vec<Effect> {
    match mouse.kind {
        MouseEventKind::ScrollUp => move_by(app, -WHEEL),
        MouseEventKind::ScrollDown => move_by(app, WHEEL),
        MouseEventKind::Down(MouseButton::Left) => {
            return clicked(app, Position::new(mouse.column, mouse.row));
        }
        _ => {}
    }
    vec![]
}

fn clicked(app: &mut App, at: Position) -> Vec<Effect> {
    app.message = None;
    let footer =
        app.hits.footer.iter().find(|(area, _)| area.contains(at)).map(|(_, action)| *action);
    if let Some(action) = footer {
        return act(app, action);
    }
    if let Some((area, first)) = app.hits.list {
        if !area.contains(at) {
            return vec![];
        }
        let place = first + usize::from(at.y - area.y);
        let again = match &mut app.layer {
            Layer::Versions(v) if place < v.rows.len() => {
                std::mem::replace(&mut v.cursor, place) == place
            }
            Layer::Palette(p) if place < p.shown.len() => {
                p.cursor = place;
                true
            }
            Layer::Page(page) => super::pages::clicked(page, place),
            Layer::Jobs { cursor } if place < app.jobs.all.len() => {
                std::mem::replace(cursor, place) == place
            }
            _ => false,
        };
        // A second click on the same line takes it.
        return if again { act(app, Action::Confirm) } else { vec![] };
    }
    if !matches!(app.layer, Layer::None | Layer::Find) {
        return vec![];
    }
    if let Some(column) =
        app.hits.columns.iter().find(|(area, _)| area.contains(at)).map(|(_, c)| *c)
    {
        app.table.column = column;
    }
    if app.hits.rows.contains(at) {
        let place = app.table.offset + usize::from(at.y - app.hits.rows.y);
        if place < app.table.shown.len() {
            app.table.cursor = place;
            app.table.chosen = true;
        }
    } else if app.hits.title.contains(at) {
        return act(app, Action::Kind);
    }
    vec![]
}
