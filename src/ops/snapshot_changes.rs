//! What changed between two snapshots of one environment: artifact by artifact, in meaning, by
//! whom.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use jiff::Timestamp;
use serde::Serialize;

use super::compare::CompareError;
use crate::diff;
use crate::model::{ArtifactKey, Kind, Manifest, ManifestEntry, Scope, plural};
use crate::oic::AuditRecord;
use crate::store::Store;
use crate::workspace::source::{ReadError, open_stored_one};

/// How many archives are compared at once.
const AT_ONCE: usize = 4;

/// What became of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ArtifactChangeKind {
    Added,
    Changed,
    Removed,
    /// The content is the same; it was activated, deactivated …
    Status,
}

impl ArtifactChangeKind {
    /// One character that stands for the change in lists.
    pub fn mark(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '-',
            Self::Status => '○',
        }
    }

    /// The word for the change, in lower case.
    pub fn label(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Status => "status",
        }
    }
}

/// One artifact that changed between the snapshots.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArtifactChange {
    #[serde(flatten)]
    pub artifact: ArtifactKey,
    pub what: ArtifactChangeKind,
    /// Who last updated it, as the service says; none where the artifact is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// What changed: in meaning `1 step, 2 mappings`, in status `configured → active`.
    #[serde(rename = "meaning", skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The audit's records of the artifact since: everyone who touched it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<AuditRecord>,
    #[serde(skip)]
    pair: Option<(Box<ManifestEntry>, Box<ManifestEntry>)>,
}

impl ArtifactChange {
    /// All people who are known to have had a hand in it.
    pub fn people(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.by.iter().map(String::as_str).collect();
        for record in self.audit.iter().filter(|r| !r.user.is_empty()) {
            if !all.contains(&record.user.as_str()) {
                all.push(&record.user);
            }
        }
        all
    }

    /// `~ SYNC 01.00.0000: 1 mapping, by j.doe`
    pub fn line(&self) -> String {
        let summary = match self.summary.as_str() {
            "" => String::new(),
            summary => format!(": {summary}"),
        };
        let people = self.people().join(", ");
        let by = if people.is_empty() { String::new() } else { format!(", by {people}") };
        format!("{} {}{summary}{by}", self.what.mark(), self.artifact)
    }
}

/// A line for each change. Of a project that is listed no more, what went with it stands in its
/// line: whether all of that was deleted, or is hidden, is not known.
pub fn lines(changes: &[ArtifactChange]) -> Vec<String> {
    let removed = |c: &ArtifactChange| c.what == ArtifactChangeKind::Removed;
    let gone: BTreeSet<Scope> = changes
        .iter()
        .filter(|c| removed(c) && c.artifact.kind == Kind::Project)
        .map(|c| c.artifact.uses_scope())
        .collect();
    let went = |c: &ArtifactChange| removed(c) && gone.contains(&c.artifact.uses_scope());
    let line = |c: &ArtifactChange| match c.artifact.kind {
        Kind::Project if removed(c) => {
            let scope = c.artifact.uses_scope();
            let others = changes.iter().filter(|o| went(o) && o.artifact.uses_scope() == scope);
            let with = plural(others.count() - 1, "artifact");
            Some(format!("{} with {with}: deleted, or hidden from this account", c.line()))
        }
        _ => (!went(c)).then(|| c.line()),
    };
    changes.iter().filter_map(line).collect()
}

/// What changed, by what the manifests list. An artifact that the later backup could not see or
/// failed to take does not count as removed.
pub fn between(before: &Manifest, after: &Manifest) -> Vec<ArtifactChange> {
    let by_key = |m: &'_ Manifest| -> BTreeMap<ArtifactKey, ManifestEntry> {
        m.entries.iter().map(|e| (e.key(), e.clone())).collect()
    };
    let (old, new) = (by_key(before), by_key(after));
    let (seen_before, seen_after) = (before.visibility(), after.visibility());
    let mut all = Vec::new();
    for (key, entry) in &new {
        match old.get(key) {
            None if seen_before.says_gone(key) => {
                all.push(ArtifactChange::of(ArtifactChangeKind::Added, entry));
            }
            None => {}
            Some(earlier) if !same_content(earlier, entry) => {
                let pair = Some((Box::new(earlier.clone()), Box::new(entry.clone())));
                all.push(ArtifactChange {
                    pair,
                    ..ArtifactChange::of(ArtifactChangeKind::Changed, entry)
                });
            }
            // One that nobody kept tells of no change.
            Some(earlier)
                if earlier.status != entry.status
                    && earlier.status.if_kept().is_some()
                    && entry.status.if_kept().is_some() =>
            {
                let summary = format!("{} → {}", earlier.status.label(), entry.status.label());
                all.push(ArtifactChange {
                    summary,
                    ..ArtifactChange::of(ArtifactChangeKind::Status, entry)
                });
            }
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|(key, _)| !new.contains_key(key));
    for (_, entry) in gone.filter(|(key, _)| seen_after.says_gone(key)) {
        let mut difference = ArtifactChange::of(ArtifactChangeKind::Removed, entry);
        (difference.by, difference.updated) = (None, None);
        all.push(difference);
    }
    all.sort_by(|a, b| (a.what, &a.artifact).cmp(&(b.what, &b.artifact)));
    all
}

/// Whether two entries have the same content. Fingerprints that different rules made cannot be
/// compared, but the same file is the same.
fn same_content(a: &ManifestEntry, b: &ManifestEntry) -> bool {
    a.path == b.path
        || (a.rules == b.rules && a.fingerprint == b.fingerprint)
        || a.sha256 == b.sha256
}

impl ArtifactChange {
    fn of(what: ArtifactChangeKind, entry: &ManifestEntry) -> Self {
        Self {
            artifact: entry.key(),
            what,
            by: entry.last_updated_by.clone(),
            updated: entry.last_updated,
            summary: String::new(),
            audit: Vec::new(),
            pair: None,
        }
    }
}

/// Adds to each change what changed in meaning, from the stored files.
pub async fn explain(store: &Store, differences: Vec<ArtifactChange>) -> Vec<ArtifactChange> {
    let one = |mut difference: ArtifactChange| async move {
        if let Some((before, after)) = difference.pair.take() {
            difference.summary = match summary_of(store, &before, &after).await {
                Ok(summary) => summary.unwrap_or_else(|| "the same".into()),
                Err(why) => format!("cannot be compared: {why}"),
            };
        }
        difference
    };
    futures::stream::iter(differences).map(one).buffered(AT_ONCE).collect().await
}

/// What changed in meaning from one stored file to another: `1 step, 2 mappings`; none where they
/// mean the same.
///
/// # Errors
/// What is wrong with a file, or that they are of different kinds.
pub async fn summary_of(
    store: &Store,
    before: &ManifestEntry,
    after: &ManifestEntry,
) -> Result<Option<String>, CompareError> {
    let (x, y) = tokio::join!(open_stored_one(store, before), open_stored_one(store, after));
    let (x, y) = (x?, y?);
    let compare = move || diff::compare(&x, &y).map(|c| (!c.same).then(|| c.summary()));
    Ok(tokio::task::spawn_blocking(compare).await.map_err(ReadError::from)??)
}

/// Adds the audit to the changes: for each artifact, who did what since.
pub fn add_audit(differences: &mut [ArtifactChange], records: &[AuditRecord]) {
    for difference in differences {
        let key = &difference.artifact;
        difference.audit = records.iter().filter(|r| is_about(r, key)).cloned().collect();
    }
}

/// Whether a record of the audit is about an artifact; a record without a version is about all
/// versions, and one that does not tell where it is about each scope's.
pub fn is_about(record: &AuditRecord, key: &ArtifactKey) -> bool {
    let kind = record.kind.is_none_or(|k| k == key.kind);
    let any = key.kind != Kind::Integration || record.version.is_none() || key.version.is_none();
    let scope = record.scope.as_ref().is_none_or(|scope| *scope == key.scope);
    kind && scope && record.code == key.code && (any || record.version == key.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        ExportFailure, Fingerprint, Purpose, Scope, SkippedArtifact, SnapshotId, Status,
        UnlistedKind,
    };

    fn entry(kind: Kind, code: &str, content: &str) -> ManifestEntry {
        let sha256 = crate::archive::sha256_hex(content.as_bytes());
        let fingerprint: Fingerprint = sha256.parse().unwrap();
        ManifestEntry {
            scope: Scope::Global,
            member: None,
            kind,
            code: code.into(),
            version: None,
            name: code.into(),
            status: Status::Active,
            last_updated: None,
            last_updated_by: Some("j.doe".into()),
            path: format!("{code}/{content}"),
            size: 1,
            sha256,
            fingerprint,
            portable: fingerprint,
            rules: 2,
            revision: None,
            members: vec![],
            expires: None,
        }
    }

    fn manifest(entries: Vec<ManifestEntry>) -> Manifest {
        let purpose = Purpose::Backup { partial: false, selection: false };
        let new = Manifest::new(
            SnapshotId("x".into()),
            "prod".parse().unwrap(),
            Timestamp::UNIX_EPOCH,
            purpose,
        );
        Manifest { entries, ..new }
    }

    fn told(before: &Manifest, after: &Manifest) -> Vec<String> {
        between(before, after).iter().map(ArtifactChange::line).collect()
    }

    #[test]
    fn what_was_added_changed_and_removed_is_told_with_who() {
        let before =
            manifest(vec![entry(Kind::Integration, "A", "1"), entry(Kind::Lookup, "L", "1")]);
        let mut stopped = entry(Kind::Lookup, "S", "1");
        let after_all = vec![entry(Kind::Integration, "A", "2"), entry(Kind::Library, "N", "1")];
        assert_eq!(
            told(&before, &manifest(after_all)),
            ["+ library N, by j.doe", "~ A, by j.doe", "- lookup L"]
        );
        let running = manifest(vec![stopped.clone()]);
        stopped.status = Status::Configured;
        assert_eq!(
            told(&running, &manifest(vec![stopped])),
            ["○ lookup S: active → configured, by j.doe"]
        );
    }

    #[test]
    fn what_could_not_be_seen_is_not_removed() {
        let before =
            manifest(vec![entry(Kind::Integration, "A", "1"), entry(Kind::Lookup, "L", "1")]);
        let mut after = manifest(vec![]);
        after.unseen.push(UnlistedKind::new(Kind::Lookup, Scope::Global, "403"));
        let artifact = ArtifactKey::new(Kind::Integration, "A", None);
        after.failed.push(ExportFailure { artifact: artifact.clone(), error: "500".into() });
        assert!(told(&before, &after).is_empty());
        after.failed.clear();
        after.skipped.push(SkippedArtifact::new(artifact, "locked: x"));
        assert!(told(&before, &after).is_empty());
        // And what comes back is not new.
        assert!(told(&after, &before).is_empty());
        let partial = Purpose::Backup { partial: true, selection: false };
        assert!(told(&before, &Manifest { purpose: partial, ..manifest(vec![]) }).is_empty());
    }

    #[test]
    fn the_audit_says_who_else() {
        let mut all = between(
            &manifest(vec![entry(Kind::Lookup, "L", "1")]),
            &manifest(vec![entry(Kind::Lookup, "L", "2")]),
        );
        let record = |code: &str, user: &str, kind| AuditRecord {
            time: Timestamp::UNIX_EPOCH,
            user: user.into(),
            action: "UPDATE".into(),
            kind,
            code: code.into(),
            version: None,
            scope: None,
        };
        let of_twin = |user: &str| AuditRecord {
            scope: Some(Scope::of_project("HR")),
            ..record("L", user, Some(Kind::Lookup))
        };
        let records = [
            of_twin("who changed the twin"),
            record("L", "m.rossi", Some(Kind::Lookup)),
            record("L", "x", Some(Kind::Integration)),
            record("M", "y", None),
        ];
        add_audit(&mut all, &records);
        assert_eq!(all[0].people(), ["j.doe", "m.rossi"]);
    }
}
