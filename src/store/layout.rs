//! The paths of the store: names that are safe on every platform and that a person can read.

use jiff::Timestamp;

use crate::archive::sha256_hex;
use crate::model::{
    ArtifactKey, EnvironmentName, Fingerprint, InstanceExport, ItemIndex, Kind, RunId, SnapshotId,
    stamp,
};

const LONGEST_NAME: usize = 80;

/// `prod/integrations/CODE/01.02.0003/2026-08-15T013012Z-4f1c9a2e.iar`, `prod/lookups/NAME/….csv`;
/// in a project `prod/in/PROJECT/lookups/NAME/….csv`
pub fn file_path(
    environment: &EnvironmentName,
    key: &ArtifactKey,
    exported: Timestamp,
    fingerprint: &Fingerprint,
    attempt: u32,
) -> String {
    let again = if attempt == 0 { String::new() } else { format!("-{attempt}") };
    let version = key.version.map(|v| format!("{v}/")).unwrap_or_default();
    let scope = match key.scope.project() {
        Some(project) => format!("{IN_PROJECT}/{}/", safe_name(project.as_str())),
        None => String::new(),
    };
    format!(
        "{environment}/{scope}{}/{}/{version}{}-{}{again}.{}",
        key.kind.folder(),
        safe_name(&key.code),
        stamp(exported),
        fingerprint.short(),
        key.kind.ending()
    )
}

/// `prod/unfinished/2026-08-15T013010Z-9d2e-0001.json`: what a backup under way has taken so far.
pub fn checkpoint_path(
    environment: &EnvironmentName,
    snapshot: &SnapshotId,
    number: usize,
) -> String {
    format!("{environment}/{UNFINISHED}/{}-{number:04}.json", safe_name(&snapshot.0))
}

/// `pruning/2026-08-15T020304Z-prune-1a2b.json`: files that a prune under way is about to delete.
pub fn pruning_path(run: &RunId) -> String {
    format!("{PRUNING}/{}.json", safe_name(run.as_str()))
}

/// Whether a path is that of an artifact's file, not of a manifest, a note or a journal.
pub fn is_artifact(path: &str) -> bool {
    let mut folders = path.split('/').skip(1).peekable();
    if folders.next_if_eq(&IN_PROJECT).is_some() {
        folders.next();
    }
    let kind = folders.next().unwrap_or_default();
    Kind::ALL.iter().any(|k| k.folder() == kind) && folders.count() >= 2
}

/// Whether a path is that of a run's journal, or of a file beside it.
pub fn is_journal(path: &str) -> bool {
    path.split('/').next() == Some(RUNS)
}

/// Whether a path is that of a note of an export of a whole instance.
pub fn is_instance_export(path: &str) -> bool {
    path.split('/').nth(1) == Some(INSTANCE_EXPORTS)
}

/// Whether a path is that of a snapshot's manifest.
pub fn is_manifest(path: &str) -> bool {
    path.split('/').nth(1) == Some(SNAPSHOTS) && path.ends_with(".json")
}

/// Whether a path is that of a note of a backup that has not ended.
pub fn is_checkpoint(path: &str) -> bool {
    path.split('/').nth(1) == Some(UNFINISHED)
}

/// The folder of an environment below which each project has a folder.
const IN_PROJECT: &str = "in";
pub const PRUNING: &str = "pruning";
pub const SNAPSHOTS: &str = "snapshots";
pub const UNFINISHED: &str = "unfinished";
pub const INSTANCE_EXPORTS: &str = "instance-exports";
pub const DAMAGED: &str = "damaged";
pub const SET_ASIDE: &str = "set-aside";
pub const RUNS: &str = "runs";

/// `prod/snapshots/2026-08-15T013010Z-9d2e.json`
pub fn manifest_path(environment: &EnvironmentName, id: &SnapshotId) -> String {
    format!("{environment}/{SNAPSHOTS}/{}.json", safe_name(&id.0))
}

/// `prod/instance-exports/2026-08-15T013010Z-JOB.json`: how an export of the whole instance ended.
pub fn instance_export_path(environment: &EnvironmentName, export: &InstanceExport) -> String {
    let (ended, job) = (stamp(export.finished), safe_name(&export.job));
    format!("{environment}/{INSTANCE_EXPORTS}/{ended}-{job}.json")
}

/// `prod/damaged/9f86d081884c7d65.json`: the note of a listed file that is not what was saved.
pub fn damage_path(path: &str) -> String {
    let environment = path.split('/').next().unwrap_or_default();
    format!("{environment}/{DAMAGED}/{}.json", &sha256_hex(path.as_bytes())[..16])
}

/// `prod/set-aside/integrations/CODE-01.02.0003.iar`: the newest export of an artifact that is no
/// backup, kept as evidence.
pub fn set_aside_path(environment: &EnvironmentName, key: &ArtifactKey) -> String {
    let scope = key.scope.project().map(|p| format!("{IN_PROJECT}/{}/", safe_name(p.as_str())));
    let (scope, name) = (scope.unwrap_or_default(), safe_name(&key.code));
    let version = key.version.map(|v| format!("-{v}")).unwrap_or_default();
    let (folder, ending) = (key.kind.folder(), key.kind.ending());
    format!("{environment}/{SET_ASIDE}/{scope}{folder}/{name}{version}.{ending}")
}

/// `runs/2026-08-15T020304Z-restore-1a2b.json`
pub fn journal_path(run: &RunId) -> String {
    format!("{RUNS}/{}.json", safe_name(run.as_str()))
}

/// `runs/2026-08-15T020304Z-restore-1a2b/0.iar`: a file that a run sends, kept so that another
/// process can continue the run.
pub fn payload_path(run: &RunId, item: ItemIndex, kind: Kind) -> String {
    format!("{RUNS}/{}/{}.{}", safe_name(run.as_str()), item.0, kind.ending())
}

/// `runs/2026-08-15T020304Z-resubmit-1a2b/recovery.json`: what became of failed runs that were sent
/// again or given up.
pub fn recovery_path(run: &RunId) -> String {
    format!("{RUNS}/{}/{RECOVERY}", safe_name(run.as_str()))
}

/// Whether a path is one of [`recovery_path`].
pub(super) fn is_recovery(path: &str) -> bool {
    path.starts_with(RUNS) && path.ends_with(&format!("/{RECOVERY}"))
}

const RECOVERY: &str = "recovery.json";

/// `runs/2026-08-15T020304Z-restore-1a2b/room`: what a run takes away to have room for its last
/// line, where the disk is full.
pub fn reserved_space_path(run: &RunId) -> String {
    format!("{RUNS}/{}/room", safe_name(run.as_str()))
}

/// A new snapshot's id: the time and a random tail, so that two machines never make the same.
pub fn snapshot_id(now: Timestamp) -> SnapshotId {
    SnapshotId(format!("{}-{}", stamp(now), random_tail(now)))
}

/// A new run's id.
pub fn run_id(now: Timestamp, verb: &str) -> RunId {
    format!("{}-{verb}-{}", stamp(now), random_tail(now)).into()
}

/// Eight digits from the process, the clock and the hasher's own random keys. With four digits, two
/// ids of one second were the same once in some ten thousand runs.
fn random_tail(now: Timestamp) -> String {
    use std::hash::{BuildHasher, RandomState};
    let number = RandomState::new().hash_one((now.as_nanosecond(), std::process::id()));
    format!("{number:016x}")[..8].to_owned()
}

/// A folder's name for a code. An ordinary code stands as it is. One with other letters, of another
/// case or too long gets a hash, so that two codes never share a folder on a disk that ignores
/// case.
pub fn safe_name(code: &str) -> String {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let ordinary =
        |text: &str| !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(plain);
    // Times and random tails of ids have small letters; they are made here and never differ by case
    // only.
    let own_id = code.len() > 18
        && code.as_bytes().get(4) == Some(&b'-')
        && code.contains("Z-")
        && code.len() <= LONGEST_NAME;
    let own_letters = |c: char| plain(c) || c.is_ascii_lowercase();
    if (ordinary(code) && !is_device(code)) || (own_id && code.chars().all(own_letters)) {
        return code.to_owned();
    }
    let readable: String = code
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .collect();
    let readable = if readable.is_empty() { "_" } else { &readable };
    format!("{readable}.{}", &sha256_hex(code.as_bytes())[..8])
}

/// Names that Windows keeps for devices.
fn is_device(name: &str) -> bool {
    let port = |stem: &str| {
        name.strip_prefix(stem)
            .is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()))
    };
    matches!(name, "CON" | "PRN" | "AUX" | "NUL") || port("COM") || port("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_never_meet() {
        assert_eq!(safe_name("EMPLOYEE_DATA_SYNC"), "EMPLOYEE_DATA_SYNC");
        assert_eq!(safe_name("2026-08-15T013010Z-9d2e"), "2026-08-15T013010Z-9d2e");
        let odd = [
            "employee",
            "Employee",
            "a/b",
            "a\\b",
            "..",
            ".",
            "",
            "CON",
            "COM1",
            "ü",
            "A.",
            &"X".repeat(200),
        ];
        let names: Vec<_> = odd.iter().map(|c| safe_name(c)).collect();
        for (code, name) in odd.iter().zip(&names) {
            assert!(
                name.len() <= 60 && !name.contains(['/', '\\', ':']) && !name.starts_with('.')
                    || code.starts_with('.'),
                "{name}"
            );
            assert!(!name.eq("..") && !name.ends_with('.'), "{name}");
        }
        let lower: std::collections::BTreeSet<_> =
            names.iter().map(|n| n.to_ascii_lowercase()).collect();
        assert_eq!(lower.len(), odd.len(), "{names:?}");
    }

    #[test]
    fn an_artifact_of_a_project_has_a_place_of_its_own() {
        let environment: EnvironmentName = "prod".parse().unwrap();
        let place = |key: &ArtifactKey| {
            let fingerprint = Fingerprint::from_bytes([0x4f; 32]);
            let path = file_path(&environment, key, Timestamp::UNIX_EPOCH, &fingerprint, 0);
            assert!(is_artifact(&path), "{path}");
            path.rsplit_once('/').unwrap().0.to_owned()
        };
        let key = ArtifactKey::new(Kind::Lookup, "COUNTRIES", None);
        assert_eq!(place(&key), "prod/lookups/COUNTRIES");
        assert_eq!(place(&key.within("PEOPLE".into())), "prod/in/PEOPLE/lookups/COUNTRIES");
        for other in ["prod/in/PEOPLE/lookups/x.csv", "prod/snapshots/x.json", "runs/x/0.iar"] {
            assert!(!is_artifact(other), "{other}");
        }
    }

    #[test]
    fn ids_are_unique() {
        let now = Timestamp::now();
        let ids: std::collections::BTreeSet<_> = (0..20).map(|_| snapshot_id(now)).collect();
        assert_eq!(ids.len(), 20);
    }
}
