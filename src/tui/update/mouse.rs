//! The mouse: click a row, a column, a key of the footer; the wheel scrolls.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{act, on_top};
use crate::tui::{
    app::App,
    event::Effect,
    keymap::Action,
    screen::{Click, Layer, Transition, matrix},
};

/// Lines that one notch of the wheel moves.
const WHEEL: isize = 3;

/// Answers the mouse.
pub fn moved(app: &mut App, mouse: MouseEvent) -> Vec<Effect> {
    match mouse.kind {
        MouseEventKind::ScrollUp => on_top(app, |screen, app| screen.on_move(app, -WHEEL)),
        MouseEventKind::ScrollDown => on_top(app, |screen, app| screen.on_move(app, WHEEL)),
        MouseEventKind::Down(MouseButton::Left) => {
            clicked(app, Position::new(mouse.column, mouse.row))
        }
        _ => vec![],
    }
}

fn clicked(app: &mut App, at: Position) -> Vec<Effect> {
    app.toast = None;
    if let Some(action) = app.areas.action_at(at) {
        return act(app, action);
    }
    if app.top().layer() == Layer::Matrix {
        return matrix::clicked(app, at).map(|action| act(app, action)).unwrap_or_default();
    }
    let Some(drawn) = app.areas.list.filter(|drawn| drawn.area.contains(at)) else {
        return vec![];
    };
    let line = drawn.first + usize::from(at.y - drawn.area.y);
    let mut click = Click::Nothing;
    let mut effects = on_top(app, |screen, app| {
        click = screen.on_click(app, line);
        match click {
            // The screen may ask for what the new line shows.
            Click::Moved => screen.on_move(app, 0),
            Click::Taken | Click::Nothing => Transition::stay(),
        }
    });
    if click == Click::Taken {
        effects.extend(act(app, Action::Confirm));
    }
    effects
}
