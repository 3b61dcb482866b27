//! `oicx drift A B`.

use super::{
    args::{DriftOptions, Global},
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::Config;
use crate::model::{ArtifactName, plural, version_text};
use crate::ops::drift::{
    self, DriftKind, DriftReport, DriftSelection, DriftedArtifact, Revision, WhichSide,
};

/// Compares two environments, or one with the store; exits with [`Exit::Differs`] on any drift.
pub async fn run(
    config: &Config,
    options: &DriftOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let workspace = waiting::open(config, global).await?;
    let selection = DriftSelection { project: options.project.clone(), brief: options.brief };
    let report = drift::run(&workspace, &options.first, &options.second, &selection).await?;
    if global.json {
        output::json(&report);
    } else {
        print(&report);
    }
    report.notes.iter().for_each(|note| output::aside(global, format!("not looked at: {note}")));
    Ok(match (report.same, report.differences.is_empty()) {
        (true, _) => Exit::Done,
        // What could not be looked at may differ, too.
        (false, true) => Exit::Partly,
        (false, false) => Exit::Differs,
    })
}

fn print(report: &DriftReport) {
    let mut last = None;
    for difference in &report.differences {
        if last != Some(difference.state) {
            output::line(heading(difference.state, report));
            last = Some(difference.state);
        }
        output::line(line(difference, report));
    }
    let count = |state: DriftKind| report.differences.iter().filter(|d| d.state == state).count();
    let ahead =
        |side: WhichSide| report.differences.iter().filter(|d| d.ahead == Some(side)).count();
    output::line(format!(
        "{} the same, {} differ: {} changed, {} of another version, {} only on {}, {} only on {}; \
            {} is ahead in {}, {} in {}",
        report.equal,
        report.differences.len(),
        count(DriftKind::Changed),
        count(DriftKind::OtherVersion),
        count(DriftKind::OnlyFirst),
        report.first,
        count(DriftKind::OnlySecond),
        report.second,
        report.first,
        ahead(WhichSide::First),
        report.second,
        ahead(WhichSide::Second),
    ));
    if report.not_compared > 0 {
        let what = plural(report.not_compared, "artifact");
        output::line(format!(
            "{what} not compared: the other side does not say whether it has them"
        ));
    }
}

fn heading(state: DriftKind, report: &DriftReport) -> String {
    match state {
        DriftKind::Changed => "the same version number, another meaning".into(),
        DriftKind::OtherVersion => "another version".into(),
        DriftKind::OnlyFirst => format!("only on {}", report.first),
        DriftKind::OnlySecond => format!("only on {}", report.second),
        DriftKind::Standing => "the same, and it runs on one side alone".into(),
        DriftKind::Unknown => "not found out".into(),
    }
}

fn line(d: &DriftedArtifact, report: &DriftReport) -> String {
    let side = |t: &Option<Revision>| {
        t.as_ref().map_or_else(
            || "–".into(),
            |t| format!("{} {}", version_text(t.version), t.state.status.mark()).trim().to_owned(),
        )
    };
    let ahead = match (d.ahead, &d.first, &d.second) {
        (Some(WhichSide::First), Some(t), _) => format!("  {} is ahead{}", report.first, by(t)),
        (Some(WhichSide::Second), _, Some(t)) => format!("  {} is ahead{}", report.second, by(t)),
        _ => String::new(),
    };
    let other = match d.state {
        DriftKind::OnlyFirst => &report.second,
        _ => &report.first,
    };
    let moved = d.elsewhere.as_ref().map(|scope| format!("  on {other} it is in {scope}"));
    let moved = moved.unwrap_or_default();
    let beside = d.other_version.map(|v| format!("  {other} has {v} of it"));
    let beside = beside.unwrap_or_default();
    let changes = d.changes.as_ref().map(|c| format!("  {c}")).unwrap_or_default();
    let artifact = ArtifactName::new(d.kind, &d.code).within(d.scope.clone());
    format!(
        "  {:<40} {} | {}{ahead}{moved}{beside}{changes}",
        artifact.to_string(),
        side(&d.first),
        side(&d.second)
    )
}

fn by(revision: &Revision) -> String {
    let state = &revision.state;
    let who = state.last_updated_by.as_ref().map(|w| format!(", by {w}")).unwrap_or_default();
    state.last_updated.map(|t| format!(" ({}{who})", crate::model::ago(t))).unwrap_or_default()
}
