//! The first line: environments with their counts or why they are silent, the store, the clock.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use super::text::{fit, spinner};
use crate::model::{clock_with_seconds, thousands};
use crate::tui::{
    app::{App, Environment},
    screen::matrix::LoadFailure,
};

/// Draws the line; where it is narrow, words are left out first and the clock last.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let width = usize::from(area.width);
    let clock = format!("{} ", clock_with_seconds(app.now));
    let mut spans =
        vec![Span::styled(if app.demo { " oicx demo " } else { " oicx " }, theme.title.0)];
    // Short forms where the long ones do not fit beside each other.
    let long: usize =
        app.environments.iter().map(|c| environment_text(app, c, true).width() + 3).sum();
    let stores = store_texts(app);
    let shortest = stores.last().map_or(0, |s| s.width());
    let usual = stores.iter().rev().nth(1).map_or(shortest, |s| s.width());
    let roomy = 12 + long + usual + clock.width() <= width;
    for environment in &app.environments {
        spans.push(Span::raw(if roomy { "  " } else { " " }));
        let style = match (&environment.error, environment.fresh) {
            (Some(_), _) => theme.warning.0,
            (None, true) => theme.text.0,
            (None, false) => theme.dim.0,
        };
        spans.push(Span::styled(environment_text(app, environment, roomy), style));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    // Two blanks before the store and one before the clock.
    let left = width.saturating_sub(used + clock.width() + 3);
    let style = if app.store.error.is_some() { theme.warning.0 } else { theme.dim.0 };
    let fits = stores.iter().find(|s| s.width() <= left).or(stores.last());
    let store = fits.map(|s| fit(s, left)).unwrap_or_default();
    spans.push(Span::raw("  "));
    spans.push(Span::styled(store, style));
    let used: usize = spans.iter().map(Span::width).sum();
    if used + clock.width() <= width {
        spans.push(Span::raw(" ".repeat(width - used - clock.width())));
        spans.push(Span::styled(clock, theme.dim.0));
    }
    frame.render_widget(Line::from(spans), area);
}

fn environment_text(app: &App, environment: &Environment, long: bool) -> String {
    let name = &environment.name;
    let seen = environment.listing.as_ref();
    let count = seen.map(|_| thousands(environment.integrations())).unwrap_or_default();
    if let Some(LoadFailure { reason, .. }) = &environment.error {
        let age = seen.map(|l| format!(" · seen {}", app.ago(l.taken))).unwrap_or_default();
        return if long { format!("{name} ✗ {reason}{age}") } else { format!("{name} ✗") };
    }
    let mark = if environment.loading { spinner(app.ticks) } else { '●' };
    let note = match (long, environment.read_only, environment.fresh) {
        (true, true, _) => " read-only",
        (true, false, _) if environment.protected => " protected",
        _ => "",
    };
    format!("{name} {mark} {count}{note}")
}

/// What is said of the store, the longest first.
fn store_texts(app: &App) -> Vec<String> {
    match (&app.store.label, &app.store.error, &app.store.index) {
        (None, ..) => vec!["no store".into()],
        (_, Some(_), _) => vec!["store ✗".into()],
        (_, None, None) => vec!["store …".into()],
        (_, None, Some(index)) => {
            let base = &app.environments[app.table.base].name;
            let short = format!("store {}", thousands(index.len()));
            let last = index
                .latest_snapshot(base)
                .map(|t| format!(" · last snapshot {base} {}", app.ago(t)))
                .unwrap_or_default();
            let long = format!("{short} versions{last}");
            let drill = app.store.drills.iter().find(|(name, _)| name == base);
            let longest = drill.map(|(_, at)| format!("{long} · last good drill {}", app.ago(*at)));
            longest.into_iter().chain([long, short]).collect()
        }
    }
}
