//! `oicx drift A B`.

use super::{
    args::{DriftOptions, Global},
    output::{self, Exit, Problem},
};
use crate::config::Config;
use crate::model::version_text;
use crate::ops::{
    drift::{self, Ahead, Difference, Report, State, Thing},
    workspace::Workspace,
};

pub async fn run(config: &Config, options: &DriftOptions, global: &Global) -> Result<Exit, Problem> {
    let workspace = Workspace::open(config).await?;
    let report = drift::run(&workspace, &options.first, &options.second, options.brief).await?;
    if global.json {
        output::json(&report);
    } else {
        print(&report);
    }
    report.notes.iter().for_each(|note| output::aside(global, format!("not looked at: {note}")));
    Ok(if report.same { Exit::Done } else { Exit::Differs })
}

fn print(report: &Report) {
    let mut last = None;
    for difference in &report.differences {
        if last != Some(difference.state) {
            output::line(heading(difference.state, report));
            last = Some(difference.state);
        }
        output::line(line(difference, report));
    }
    let count = |state: State| report.differences.iter().filter(|d| d.state == state).count();
    let ahead = |side: Ahead| report.differences.iter().filter(|d| d.ahead == Some(side)).count();
    output::line(format!(
        "{} the same, {} differ: {} changed, {} of another version, {} only on {}, {} only on {}; {} is ahead in {}, {} in {}",
        report.equal,
        report.differences.len(),
        count(State::Changed),
        count(State::OtherVersion),
        count(State::OnlyFirst),
        report.first,
        count(State::OnlySecond),
        report.second,
        report.first,
        ahead(Ahead::First),
        report.second,
        ahead(Ahead::Second),
    ));
}

fn heading(state: State, report: &Report) -> String {
    match state {
        State::Changed => "the same version number, another meaning".into(),
        State::OtherVersion => "another version".into(),
        State::OnlyFirst => format!("only on {}", report.first),
        State::OnlySecond => format!("only on {}", report.second),
        State::Standing => "the same, and it runs on one side alone".into(),
        State::Unknown => "not found out".into(),
    }
}

fn line(d: &Difference, report: &Report) -> String {
    let side = |t: &Option<Thing>| {
        t.as_ref().map_or_else(
            || "–".into(),
            |t| format!("{} {}", version_text(t.version), t.status.mark()).trim().to_owned(),
        )
    };
    let ahead = match (d.ahead, &d.first, &d.second) {
        (Some(Ahead::First), Some(t), _) => format!("  {} is ahead{}", report.first, by(t)),
        (Some(Ahead::Second), _, Some(t)) => format!("  {} is ahead{}", report.second, by(t)),
        _ => String::new(),
    };
    let changes = d.changes.as_ref().map(|c| format!("  {c}")).unwrap_or_default();
    let kind = if d.kind == crate::model::Kind::Integration { String::new() } else { format!("{} ", d.kind) };
    format!("  {:<40} {} | {}{ahead}{changes}", format!("{kind}{}", d.code), side(&d.first), side(&d.second))
}

fn by(thing: &Thing) -> String {
    let who = thing.last_updated_by.as_ref().map(|w| format!(", by {w}")).unwrap_or_default();
    thing.last_updated.map(|t| format!(" ({}{who})", crate::model::ago(t))).unwrap_or_default()
}
