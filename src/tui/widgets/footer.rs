//! The last line: the next keys, as the topmost screen offers them, made from the keymap.

use ratatui::{Frame, layout::Rect, text::Span, widgets::Clear};

use super::key_line::KeyLine;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::Action,
    screen::Offer,
};

/// Draws as many keys as fit. Help, commands and the way out are the way to everything else: room
/// is kept for them where the rest does not fit.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, areas: &mut ClickAreas) {
    let theme = &app.theme;
    let context = app.top().context();
    let word = |offer: &Offer| {
        let key = app.keymap.key_for(context, offer.action)?;
        Some((format!(" {key} "), format!("{} ", offer.word), offer.action))
    };
    let words: Vec<_> = app.top().offered(app).iter().filter_map(word).collect();
    let width = |key: &str, word: &str| (key.chars().count() + word.chars().count()) as u16;
    let pinned =
        |action| matches!(action, Action::Palette | Action::Help | Action::Quit | Action::Back);
    let mut reserved: u16 =
        words.iter().filter(|(.., a)| pinned(*a)).map(|(k, w, _)| width(k, w)).sum();
    let mut line = KeyLine::default().text(" ");
    for (key, word, action) in words {
        let wide = width(&key, &word);
        if pinned(action) {
            reserved -= wide;
        }
        if line.width() + wide + reserved <= area.width {
            let words = [Span::styled(key, theme.key.0), Span::styled(word, theme.dim.0)];
            line = line.key(action, words);
        }
    }
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, theme.background.0);
    line.draw(frame, area, areas);
}
