//! Failures over time: a bar for each hour, and what happened on the same axis.

use ratatui::text::{Line, Span};

use super::text::fit;
use crate::model::{clock_time, plural};
use crate::ops::triage::{HOURS, Triage};
use crate::tui::app::App;

/// Something that happened to an integration, for the axis below the bars.
#[derive(Debug, Clone)]
pub struct AxisEvent {
    pub at: jiff::Timestamp,
    pub what: String,
}

/// The lines of failures per hour, and on the same axis who did what, so that a cause is seen.
pub fn chart<'a>(
    app: &App,
    triage: &Triage,
    happened: &[AxisEvent],
    width: usize,
) -> Vec<Line<'a>> {
    let theme = &app.theme;
    const LABEL: usize = 8;
    let wide = (width.saturating_sub(LABEL) / HOURS).clamp(1, 4);
    let spread =
        |text: String| text.chars().flat_map(|c| std::iter::repeat_n(c, wide)).collect::<String>();
    let failed: Vec<u64> = triage.hours.iter().map(|h| h.failed).collect();
    let good: Vec<u64> = triage.hours.iter().map(|h| h.good).collect();
    let mut marks = vec![' '; HOURS * wide];
    let seen: Vec<&AxisEvent> = happened.iter().filter(|h| triage.place(h.at).is_some()).collect();
    for one in &seen {
        if let Some(place) = triage.place(one.at) {
            let within = (triage.at.duration_since(one.at).as_mins() % 60).clamp(0, 59) as usize;
            let fine = (59 - within) * wide / 60;
            marks[place * wide + fine] = '▲';
        }
    }
    let hour = |ago: i64| clock_time(triage.at - jiff::SignedDuration::from_hours(ago));
    let mut axis = String::new();
    for place in (0..HOURS).step_by(6) {
        let text = hour((HOURS - place) as i64);
        axis.push_str(&format!("{text:<0$}", 6 * wide));
    }
    let label = |text: &str| format!("{text:<LABEL$}");
    let told = |h: &&AxisEvent| format!("▲ {} {}", clock_time(h.at), h.what);
    let last: Vec<String> = seen.iter().rev().take(3).map(told).collect();
    vec![
        Line::from(vec![
            Span::styled(label("failed"), theme.dim.0),
            Span::styled(spread(bars(&failed)), theme.failing.0),
        ]),
        Line::from(vec![
            Span::styled(label("good"), theme.dim.0),
            Span::styled(spread(bars(&good)), theme.good.0),
        ]),
        Line::from(vec![
            Span::raw(label("")),
            Span::styled(marks.into_iter().collect::<String>(), theme.warning.0),
        ]),
        Line::from(vec![Span::styled(label("hour"), theme.dim.0), Span::styled(axis, theme.dim.0)]),
        Line::styled(fit(&last.join("   "), width), theme.warning.0),
    ]
}

/// The last day in a line: `212 of 240 runs failed in the last day; every run fails since 01:31`.
pub fn triage_summary(triage: &Triage) -> String {
    let since = triage.failing_since.map(|t| format!("; every run fails since {}", clock_time(t)));
    let runs = plural(triage.total() as usize, "run");
    format!("{} of {runs} failed in the last day{}", triage.failed(), since.unwrap_or_default())
}

/// A bar for each count, the highest for the largest; `·` for 0.
pub fn bars(counts: &[u64]) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let step = |n: u64| STEPS[usize::try_from((n * 8).div_ceil(most)).unwrap_or(8).clamp(1, 8) - 1];
    counts.iter().map(|n| if *n == 0 { '·' } else { step(*n) }).collect()
}
