//! Draws a line for each environment.

use ratatui::{Frame, layout::Rect, text::Line};

use super::state::DriftCounts;
use crate::model::{EnvironmentIndex, Kind};
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{frame::popup, list::List, text::fit},
};

const HEADINGS: [&str; 7] = ["=", "≠", "< older", "> newer", "– none", "+ more", "? open"];

/// Draws the counts of all environments as a box with the cursor at its row, and the last good
/// drill of the base.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, cursor: usize, areas: &mut ClickAreas) {
    let theme = &app.theme;
    let base = &app.environments[app.table.base].name;
    let kind = app.table.kind.map_or("all kinds", Kind::plural);
    let scope = app.table.scope.as_ref().map(|s| format!(" in {s}")).unwrap_or_default();
    let title = format!("Drift of {kind}{scope} against {base}");
    let size = (76, app.environments.len() as u16 + 6);
    let framed = popup(app, frame, area, size, &title, theme.border.0);
    let inner = framed.inner;
    let width = usize::from(inner.width);
    let head = format!("  {:<12}{}", "ENVIRONMENT", HEADINGS.map(|w| format!("{w:>8}")).concat());
    let head = Line::styled(fit(&head, width), theme.dim.0);
    frame.render_widget(head, Rect { height: 1, ..inner });
    let rows = app.environments.len() as u16;
    let height = rows.min(inner.height.saturating_sub(1));
    let list = Rect { y: inner.y + 1, height, ..inner };
    let lines = EnvironmentIndex::all(app.environments.len())
        .map(|e| environment_line(app, e, e.0 == cursor));
    List::in_sight(lines.collect(), cursor, list.height).draw(app, frame, framed, list, areas);
    let drill = match app.store.drills.iter().find(|(name, _)| name == base) {
        Some((name, at)) => format!("last good drill of {name}: {}", app.ago(*at)),
        None => format!("no drill of {base} is known: oicx drill {base} --in …"),
    };
    let open = "? open: not compared yet; oicx drift compares all and says what changed";
    for (i, text) in [open, &drill].into_iter().enumerate() {
        let at = Rect { y: inner.y + 2 + rows + i as u16, height: 1, ..inner };
        if at.y < inner.y + inner.height {
            frame.render_widget(Line::styled(fit(text, width), theme.dim.0), at);
        }
    }
}

fn environment_line<'a>(app: &App, environment: EnvironmentIndex, here: bool) -> Line<'a> {
    let theme = &app.theme;
    let name = &app.environments[environment].name;
    let pointer = if here { "▶" } else { " " };
    if environment == app.table.base {
        return Line::styled(format!("{pointer} {name:<14}the base"), theme.dim.0);
    }
    let of = DriftCounts::of(app, environment);
    let counts = [of.same, of.different, of.older, of.newer, of.missing, of.more, of.open];
    let counts = counts.map(|n| format!("{n:>8}")).concat();
    Line::styled(format!("{pointer} {name:<12}{counts}"), theme.text.0)
}
