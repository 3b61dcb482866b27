//! Draws the list of scopes.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    ProjectsScreen,
    state::{name, word},
};
use crate::model::{Scope, plural, thousands};
use crate::tui::{
    app::{App, ClickAreas},
    widgets::{frame::popup, list::List, text::fit},
};

/// Columns of the code, and of the counts behind it.
const CODE: usize = 24;
const COUNTS: usize = 38;

/// Draws the field and the scopes that match, each with its counts.
pub fn draw(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    projects: &ProjectsScreen,
    areas: &mut ClickAreas,
) {
    let theme = &app.theme;
    let rows = projects.lines.len() as u16;
    let framed =
        popup(app, frame, area, (100, (rows + 3).clamp(8, 24)), &projects.title(), theme.accent.0);
    let inner = framed.inner;
    let typed = Rect { height: 1, ..inner };
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let mut line = Line::styled("/ ", theme.r#match.0);
    line.extend(projects.typed.spans(usize::from(inner.width) - 2, true, theme.r#match.0));
    frame.render_widget(line, typed);
    if projects.shown.is_empty() {
        let nothing = Line::styled("nothing matches", theme.dim.0);
        frame.render_widget(nothing, Rect { height: 1, ..list });
    }
    let width = usize::from(list.width).saturating_sub(CODE + COUNTS + 2);
    let lines = projects.shown.iter().map(|index| {
        let scope = projects.lines[*index].as_ref();
        // Environments may answer while the list is open.
        let counts = app.table.counts_of(scope);
        let of = |n: usize, word: &str| match n {
            0 => String::new(),
            n => format!("{} {word}", thousands(n)),
        };
        Line::from(vec![
            Span::styled(format!("{:<CODE$}", fit(&word(scope), CODE - 1)), theme.text.0),
            Span::styled(format!("{:>9}  ", plural(counts.all, "row")), theme.dim.0),
            Span::styled(format!("{:<12}", of(counts.differ, "differ")), theme.different.0),
            Span::styled(format!("{:<13}", of(counts.failing, "failing")), theme.failing.0),
            match scope.and_then(|scope| refused(app, scope)) {
                Some(why) => Span::styled(fit(&why, width), theme.warning.0),
                None => Span::styled(fit(name(&app.table, scope), width), theme.dim.0),
            },
        ])
    });
    List::in_sight(lines.collect(), projects.cursor, list.height)
        .draw(app, frame, framed, list, areas);
}

/// Which environment does not show what is in a project, and why.
fn refused(app: &App, scope: &Scope) -> Option<String> {
    app.environments.iter().find_map(|environment| {
        let mut refused = environment.listing.as_ref()?.refused(app.table.kind);
        let unseen = refused.find(|u| u.scope == *scope)?;
        Some(format!("{}: {}", environment.name, unseen.reason))
    })
}
