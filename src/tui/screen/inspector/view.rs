//! Draws the tabs, the list, and the facts beside it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};
use unicode_width::UnicodeWidthStr;

use super::state::{InspectorScreen, InspectorTab};
use crate::model::plural;
use crate::tui::{
    app::{App, ClickAreas},
    keymap::{Action, Context},
    widgets::{
        frame,
        list::List,
        text::{broken, fit},
        tree::{Fact, Tone},
    },
};

/// The least width at which facts stand beside the list; else they stand below it.
const SIDE_BY_SIDE: u16 = 100;

/// Draws the tab that is shown, and the facts of the line under the cursor where the tab has facts.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &InspectorScreen,
    areas: &mut ClickAreas,
) {
    let protected = app.environments[view.subject.environment].protected;
    let border = if protected { app.theme.danger.0 } else { app.theme.border.0 };
    let (title, tabs) = title(app, view, area.width);
    let framed = frame::page(app, frame, area, title, border);
    for (x, width, tab) in tabs {
        if let Some(action) = Action::of_column(tab) {
            areas.actions.push((Rect { x: area.x + x, y: area.y, width, height: 1 }, action));
        }
    }
    let lines = view.lines();
    let facts = lines.get(view.cursor()).map(|l| l.facts.as_slice()).unwrap_or_default();
    let wants_facts = matches!(
        view.tab,
        InspectorTab::Flow
            | InspectorTab::Mappings
            | InspectorTab::Dependencies
            | InspectorTab::History
    );
    let (left, right) = split(framed.inner, wants_facts);
    let width = usize::from(left.width);
    let drawn = lines.iter().map(|l| l.item.line(app, view.finder.text(), width)).collect();
    List::centered(drawn, view.cursor(), left.height).draw(app, frame, framed, left, areas);
    if let Some(right) = right {
        draw_facts(app, frame, right, facts);
    }
    view.finder.draw(app, frame, framed.outer);
}

/// The list, and the room for facts where they are wanted.
fn split(area: Rect, facts: bool) -> (Rect, Option<Rect>) {
    if !facts {
        return (area, None);
    }
    if area.width >= SIDE_BY_SIDE - 4 {
        let left = area.width * 11 / 20;
        let right = Rect { x: area.x + left, width: area.width - left, ..area };
        (Rect { width: left.saturating_sub(1), ..area }, Some(right))
    } else {
        let below = (area.height / 3).max(3).min(area.height.saturating_sub(4));
        let top = area.height - below;
        (Rect { height: top, ..area }, Some(Rect { y: area.y + top, height: below, ..area }))
    }
}

type TabPlace = (u16, u16, usize);

/// The archive's name and the tabs; where each tab lies.
fn title<'a>(app: &App, view: &InspectorScreen, width: u16) -> (Line<'a>, Vec<TabPlace>) {
    let theme = &app.theme;
    let words: usize = view.tabs().iter().map(|t| t.label().len() + 3).sum();
    // Where not all words fit, the other tabs are shown as numbers.
    let short = usize::from(width) < words + 30;
    let tabs: usize =
        if short { view.tabs().len() * 2 + view.tab.label().len() + 4 } else { words };
    let fingerprints =
        view.examined.as_ref().map(|(m, _)| format!(" · {}", m.full.short())).unwrap_or_default();
    let room = usize::from(width).saturating_sub(tabs + 8);
    // The fingerprint is shown whole or not at all.
    let whole = format!("{}{fingerprints}", view.label);
    let name = if whole.width() <= room { whole } else { fit(&view.label, room) };
    let mut spans =
        vec![Span::styled(format!(" {name} "), theme.title.0), Span::styled("─ ", theme.border.0)];
    let mut x = 1 + name.width() as u16 + 4;
    let mut places = Vec::new();
    for (i, tab) in view.tabs().iter().copied().enumerate() {
        let here = tab == view.tab;
        let text = match (here, short) {
            (true, _) => format!("[{}]", tab.label()),
            (false, true) => format!("{}", i + 1),
            (false, false) => tab.label().to_owned(),
        };
        let wide = text.width() as u16;
        places.push((x, wide, i));
        x += wide + 1;
        spans.push(Span::styled(text, if here { theme.accent.0 } else { theme.dim.0 }));
        spans.push(Span::raw(" "));
    }
    (Line::from(spans), places)
}

/// Labels and what they say, broken to the width.
fn draw_facts(app: &App, frame: &mut Frame<'_>, area: Rect, facts: &[Fact]) {
    let theme = &app.theme;
    let bar = "│ ";
    let label_width = facts.iter().map(|f| f.label.width()).max().unwrap_or(0).clamp(0, 18);
    let width = usize::from(area.width).saturating_sub(label_width + 4);
    let mut lines = Vec::new();
    for fact in facts {
        let label = fit(&fact.label, label_width);
        let is_title = fact.tone == Tone::Title;
        let room = if is_title { width + label_width } else { width };
        for (i, piece) in broken(&fact.text, room).into_iter().enumerate() {
            let label = if i == 0 { label.as_str() } else { "" };
            let mut spans = vec![Span::styled(bar, theme.border.0)];
            if !is_title {
                spans.push(Span::styled(format!("{label:<label_width$} "), theme.dim.0));
            }
            spans.push(Span::styled(piece, fact.tone.style(app)));
            lines.push(Line::from(spans));
        }
    }
    let height = usize::from(area.height);
    if lines.len() > height {
        let hidden = lines.len() - height + 1;
        lines.truncate(height - 1);
        let key = app.key(Context::Inspector, Action::Confirm);
        lines.push(Line::styled(
            format!("│ … {} more; {key} shows the file", plural(hidden, "line")),
            theme.dim.0,
        ));
    }
    while lines.len() < height {
        lines.push(Line::styled("│", theme.border.0));
    }
    frame.render_widget(Paragraph::new(lines), area);
}
