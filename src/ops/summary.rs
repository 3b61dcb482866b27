//! What a backup found, as one tells it to people in a mail: what is new, what changed and by whom,
//! what is gone, what carries secrets, which certificates end soon.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    backup::BackupOutcome,
    snapshot_changes::{self, ArtifactChange},
};
use crate::model::{
    EXPIRES_SOON_DAYS, EnvironmentName, Kind, ManifestEntry, SnapshotId, days_until, visible,
};
use crate::oic::Client;
use crate::store::{Index, SnapshotSummary, Store, StoreError};

/// The summary of one backup.
#[derive(Debug, Clone, Serialize)]
pub struct BackupSummary {
    #[serde(flatten)]
    pub outcome: BackupOutcome,
    /// The snapshot that the backup is compared with; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    pub changes: Vec<ArtifactChange>,
    pub expiring: Vec<ExpiringCertificate>,
    /// Why the audit is not joined to the changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_audit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Since {
    pub id: SnapshotId,
    pub started: Timestamp,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// A certificate that ends soon or has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExpiringCertificate {
    pub code: String,
    pub name: String,
    pub expires: Timestamp,
    /// Days until it ends; below zero where it has ended.
    pub days: i64,
}

/// What a summary is measured from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// The full snapshot before the one that is summed up.
    Previous,
    /// The newest snapshot with this label; none: the newest that was taken before something.
    Label(Option<String>),
}

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "{environment} has no snapshot {what}\n  → `oicx snapshots {environment}` lists them with \
            their labels"
    )]
    NoLabel { environment: EnvironmentName, what: String },
}

/// Sums up a backup against an earlier snapshot.
///
/// # Errors
/// Where the store cannot be read, or no snapshot has the label that is asked for.
pub async fn of(
    client: &Client,
    store: &Store,
    outcome: BackupOutcome,
    from: &Baseline,
) -> Result<BackupSummary, SummaryError> {
    let mut summary =
        BackupSummary { outcome, since: None, changes: vec![], expiring: vec![], no_audit: None };
    let Some(id) = summary.outcome.id.clone() else { return Ok(summary) };
    let name = client.name();
    let index = store.index().await?;
    let after = store.manifest_with_members(name, &id).await?;
    summary.expiring = expiring(&after.entries, Timestamp::now());
    let Some(before) = earlier(&index, name, after.started, from)? else { return Ok(summary) };
    let before = store.manifest_with_members(name, &before.id).await?;
    summary.since =
        Some(Since { id: before.id.clone(), started: before.started, label: before.label() });
    summary.changes =
        snapshot_changes::explain(store, snapshot_changes::between(&before, &after)).await;
    if !summary.changes.is_empty() {
        match client.audit_since(before.started).await {
            Ok(records) => snapshot_changes::add_audit(&mut summary.changes, &records),
            Err(e) => summary.no_audit = Some(e.reason()),
        }
    }
    Ok(summary)
}

/// Checks that a summary would have a snapshot to compare with. It is asked before a backup, so
/// that a label that no snapshot has is told before anything is done.
///
/// # Errors
/// [`SummaryError::NoLabel`].
pub fn check(
    index: &Index,
    environment: &EnvironmentName,
    from: &Baseline,
) -> Result<(), SummaryError> {
    earlier(index, environment, Timestamp::MAX, from).map(drop)
}

fn earlier<'i>(
    index: &'i Index,
    environment: &EnvironmentName,
    until: Timestamp,
    from: &Baseline,
) -> Result<Option<&'i SnapshotSummary>, SummaryError> {
    let all = index.snapshots().iter().rev();
    let mut before = all.filter(|s| s.backup && s.environment == *environment && s.started < until);
    let found = match from {
        Baseline::Previous => return Ok(before.find(|s| s.visibility.full)),
        Baseline::Label(None) => before.find(|s| s.before.is_some()),
        Baseline::Label(Some(label)) => before.find(|s| s.answers_to(label)),
    };
    let missing = || SummaryError::NoLabel {
        environment: environment.clone(),
        what: match from {
            Baseline::Label(Some(label)) => format!("labelled `{}`", crate::model::visible(label)),
            _ => "that was taken with --before".into(),
        },
    };
    found.map(Some).ok_or_else(missing)
}

/// Certificates that end within [`EXPIRES_SOON_DAYS`], the first to end first.
pub fn expiring(entries: &[ManifestEntry], now: Timestamp) -> Vec<ExpiringCertificate> {
    let certificates = entries.iter().filter(|e| e.kind == Kind::Certificate);
    let mut all: Vec<ExpiringCertificate> = certificates
        .filter_map(|e| {
            let expires = e.expires?;
            Some(ExpiringCertificate {
                code: e.code.clone(),
                name: e.name.clone(),
                expires,
                days: days_until(expires, now),
            })
        })
        .filter(|e| e.days <= EXPIRES_SOON_DAYS)
        .collect();
    all.sort_by_key(|e| e.expires);
    all
}

impl BackupSummary {
    /// Lines of plain text, without colours: they go to a terminal, a log or a mail alike.
    pub fn lines(&self) -> Vec<String> {
        let outcome = &self.outcome;
        let id = outcome.id.as_ref().map_or("no snapshot".into(), |id| format!("snapshot {id}"));
        let mut out = vec![format!(
            "{}: {id}: {} downloaded, {} described, {} unchanged, {} skipped, {} failed",
            outcome.environment,
            outcome.downloaded,
            outcome.described,
            outcome.unchanged,
            outcome.skipped.len(),
            outcome.failed.len()
        )];
        if let Some(since) = &self.since {
            let label =
                if since.label.is_empty() { String::new() } else { format!(" ({})", since.label) };
            let count = |w| self.changes.iter().filter(|c| c.what == w).count();
            let (added, changed, removed) = (
                count(snapshot_changes::ArtifactChangeKind::Added),
                count(snapshot_changes::ArtifactChangeKind::Changed),
                count(snapshot_changes::ArtifactChangeKind::Removed),
            );
            let when = crate::model::short_date(since.started);
            out.push(format!(
                "  since {when}{label}: {added} added, {changed} changed, {removed} removed"
            ));
        }
        out.extend(snapshot_changes::lines(&self.changes).iter().map(|l| format!("  {l}")));
        out.extend(self.no_audit.iter().map(|why| format!("  – the audit is not joined: {why}")));
        out.extend(outcome.skipped.iter().map(|s| format!("  – {}: {}", s.artifact, s.reason)));
        out.extend(outcome.failed.iter().map(|f| format!("  ✗ {}: {}", f.artifact, f.error)));
        out.extend(
            outcome
                .secrets
                .iter()
                .map(|s| format!("  ! {}: {}", s.artifact, s.secret.finding().what)),
        );
        if !outcome.not_held.is_empty() {
            out.push("  not in the snapshot:".into());
            out.extend(outcome.not_held.iter().map(|g| format!("    {}: {}", g.what, g.why)));
        }
        out.extend(outcome.instance_export.iter().map(|e| {
            let bucket = if e.bucket.is_empty() { "its bucket" } else { &e.bucket };
            let when = crate::model::short_date(e.finished);
            format!("  whole instance: exported {when} to {} as {}", visible(bucket), e.job)
        }));
        out.extend(self.expiring.iter().map(|e| format!("  ! {}", e.line())));
        out.extend(outcome.notes.iter().map(|n| format!("  ! {n}")));
        if outcome.interrupted {
            let taken = crate::model::plural(outcome.downloaded + outcome.described, "artifact");
            out.push(format!("  stopped before the end; {taken} kept"));
        }
        out
    }
}

impl ExpiringCertificate {
    /// One line that says when the certificate ends or ended.
    pub fn line(&self) -> String {
        let date = self.expires.strftime("%Y-%m-%d");
        match self.days {
            ..0 => format!("certificate {} ended on {date}", self.code),
            0 => format!("certificate {} ends today", self.code),
            days => {
                format!(
                    "certificate {} ends on {date}, in {}",
                    self.code,
                    crate::model::plural(days as usize, "day")
                )
            }
        }
    }
}
