//! Draws the versions.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::VersionsScreen;
use crate::model::{short_date, version_text};
use crate::store::StoredVersion;
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{
        frame::{WIDE, border_of, popup},
        list::List,
        text::fit,
    },
};

/// The least width at which a line also says when the version was seen first.
const ROOMY: u16 = 92;

/// Draws the versions as a box with the cursor at its row; those that mean what is live are noted.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &VersionsScreen,
    areas: &mut ClickAreas,
) {
    let target = &app.environments[view.target].name;
    let title = format!("Restore {} to {target}: which version?", view.code);
    let height = view.rows.len().clamp(3, 22) as u16 + 4;
    let border = border_of(app, view.target);
    let framed = popup(app, frame, area, (WIDE, height), &title, border);
    let inner = framed.inner;
    let first = if inner.width >= ROOMY { "SEEN FIRST        " } else { "" };
    let heading = format!(
        "  {:<8} {:<11} {:<17} {first}{:<9} {}",
        "FROM", "VERSION", "SEEN LAST", "MEANING", "CHANGED"
    );
    let heading = Line::styled(fit(&heading, usize::from(inner.width)), app.theme.dim.0);
    frame.render_widget(heading, Rect { height: 1, ..inner });
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let row = app.table.row();
    let live = row.and_then(|r| r.cell(view.target)?.portable);
    let line = |(i, version): (usize, &StoredVersion)| {
        let is_live = live == Some(version.portable);
        version_line(app, version, i == view.cursor, is_live, list.width)
    };
    let lines = view.rows.iter().enumerate().map(line).collect();
    List::in_sight(lines, view.cursor, list.height).draw(app, frame, framed, list, areas);
}

fn version_line<'a>(
    app: &App,
    version: &StoredVersion,
    here: bool,
    is_live: bool,
    width: u16,
) -> Line<'a> {
    let theme = &app.theme;
    let by = version.last_updated_by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
    let changed = version.last_updated.map(|t| format!("{}{by}", app.ago(t))).unwrap_or_default();
    let (note, style) = match (&version.safety_run, is_live) {
        (Some(_), _) => ("  kept before a restore", theme.warning.0),
        (None, true) => ("  = here now", theme.good.0),
        (None, false) => ("", theme.text.0),
    };
    let first = if width >= ROOMY {
        format!("{:<18}", short_date(version.first_seen))
    } else {
        String::new()
    };
    let text = format!(
        "{} {:<8} {:<11} {:<17} {first}{:<9} {changed}",
        if here { "▶" } else { " " },
        version.environment,
        version_text(version.version),
        short_date(version.last_seen),
        version.portable.short(),
    );
    let text = fit(&text, usize::from(width).saturating_sub(note.chars().count()));
    Line::from(vec![Span::raw(text), Span::styled(note, style)])
}
