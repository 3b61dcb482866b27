//! Makes the request of a run from what a person names: references, a snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use crate::archive::ArchiveError;
use crate::model::{
    ArtifactKey, Description, EnvironmentName, FilePart, Finding, Kind, ListState, Manifest,
    ManifestEntry, NoSnapshot, Reference, ScheduleState, Scope, SnapshotName, Status, plural,
    short_date,
};
use crate::restore::{Goal, PayloadArchive, Request, Verb, WantedArtifact};
use crate::store::{Index, Store, StoreError, StoredVersion};
use crate::workspace::{
    Workspace,
    source::{FetchedArchive, SourceError, fetch_bytes},
};

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoSnapshot(#[from] NoSnapshot),
    #[error(
        "{what} is a {kind}: it has no file that could be sent\n  → compare what it was with what \
            it is: oicx diff {what} …, and set it in the console"
    )]
    NoFile { what: String, kind: Kind },
    #[error("snapshot {0} has nothing that fits")]
    Empty(String),
    #[error(
        "{first} and {second} both are {key}: only one of them can be there afterwards\n  → name \
            the one that is meant"
    )]
    Twice { key: ArtifactKey, first: String, second: String },
    #[error("{0} is a {kind}: it is in no scope, and cannot be brought into one\n  → name what is \
        in it", kind = .0.kind)]
    NotInScopes(ArtifactKey),
}

impl Workspace {
    /// The request for references: one, or several that stand or fall together.
    ///
    /// # Errors
    /// Where a reference names nothing, or nothing that can be sent.
    pub async fn request(
        &self,
        verb: Verb,
        references: &[Reference],
    ) -> Result<Request, RequestError> {
        let mut wanted = Vec::new();
        for reference in references {
            wanted.push(self.wanted(reference).await?);
        }
        refuse_doubles(&wanted)?;
        let source = match wanted.as_slice() {
            [one] => one.label.clone(),
            many => many.iter().map(|w| w.key.to_string()).collect::<Vec<_>>().join(", "),
        };
        Ok(Request::new(verb, source, wanted))
    }

    async fn wanted(&self, reference: &Reference) -> Result<WantedArtifact, RequestError> {
        if let Reference::Live { target, .. } | Reference::Stored { target, .. } = reference {
            refuse_unsendable(target.kind, &reference.to_string())?;
        }
        if let Reference::Stored { environment, target, pick } = reference {
            let version = self.stored_version(environment, target, pick).await?;
            return self.wanted_version(&version).await;
        }
        let fetched = fetch_bytes(Some(self), reference).await?.surely()?;
        let origin = match reference {
            Reference::Live { environment, .. } => Some(environment.clone()),
            _ => None,
        };
        of_file(fetched, reference, origin)
    }

    async fn wanted_version(
        &self,
        version: &StoredVersion,
    ) -> Result<WantedArtifact, RequestError> {
        let label = version.reference().to_string();
        let bytes = self.store().map_err(SourceError::Open)?.read(version).await?;
        let archive = archives_of(&[&version.entry], &bytes).pop();
        let archive = archive
            .unwrap_or(Err(ArchiveError::NoSuchPart))
            .map_err(|why| SourceError::Archive { label: label.clone(), why })?;
        let wanted = of_entry(&version.entry, archive, label, version.environment.clone(), None);
        Ok(wanted.seen_at(version.last_seen))
    }

    /// The request for one stored version.
    ///
    /// # Errors
    /// Where the version's file is gone or altered, or it has none that can be sent.
    pub async fn request_version(
        &self,
        verb: Verb,
        version: &StoredVersion,
    ) -> Result<Request, RequestError> {
        let source = version.reference().to_string();
        refuse_unsendable(version.kind, &source)?;
        let wanted = vec![self.wanted_version(version).await?];
        Ok(Request::new(verb, source, wanted))
    }

    /// The request for a whole snapshot: every version with its status then, each for itself.
    /// `takes` says of a key and a display name whether it is wanted; a key without a code means
    /// all of a kind. What is wanted and is not in
    /// the snapshot is told.
    ///
    /// # Errors
    /// Where there is no such snapshot. A file in it that cannot be read is a finding in the
    /// request's notes.
    pub async fn request_snapshot(
        &self,
        verb: Verb,
        name: &SnapshotName,
        takes: impl Fn(&ArtifactKey, &str) -> bool,
    ) -> Result<Request, RequestError> {
        let store = self.store().map_err(SourceError::Open)?;
        let index = store.index().await?;
        let found = index.snapshot_named(name).ok_or_else(|| NoSnapshot(name.clone()))?;
        let manifest = store.manifest_with_members(&name.environment, &found.id).await?;
        let schedules = schedules(store, &manifest).await;
        let source = format!("snapshot {} of {}", manifest.id, manifest.environment);
        let mut request = Request {
            together: false,
            notes: left_out(&manifest, &index, &takes),
            ..Request::new(verb, source, Vec::new())
        };
        let taken = taken(&manifest, &takes);
        let mut read = read_all(store, &manifest, &taken, &schedules).await;
        for entry in taken.iter().copied() {
            if let Some(package) = brought_twice(entry, &taken) {
                let what = format!(
                    "{} is left out: package {package} brings integrations of it",
                    entry.key()
                );
                let fix = "make it a project again in the console, where that is wanted";
                request.notes.push(Finding::warning(what, fix));
                continue;
            }
            match read.remove(&entry.key()) {
                Some(Ok(wanted)) => request.wanted.push(wanted.seen_at(manifest.started)),
                Some(Err(why)) => {
                    let fix =
                        "oicx verify --repair-from takes a good file from a copy of the store";
                    let what = format!("{} cannot be used: {why}", label_of(entry, &manifest));
                    request.left_out.insert(entry.key(), format!("its file cannot be used: {why}"));
                    request.notes.push(Finding::warning(what, fix));
                }
                None => {}
            }
        }
        if request.wanted.is_empty() {
            return Err(RequestError::Empty(name.to_string()));
        }
        Ok(request)
    }
}

/// Refuses what would leave only one of two wanted artifacts on the target.
pub(super) fn refuse_doubles(wanted: &[WantedArtifact]) -> Result<(), RequestError> {
    for (place, second) in wanted.iter().enumerate() {
        if let Some(first) = wanted[..place].iter().find(|first| first.key == second.key) {
            let (first, key) = (first.label.clone(), second.key.clone());
            return Err(RequestError::Twice { key, first, second: second.label.clone() });
        }
    }
    Ok(())
}

/// What of a snapshot is wanted: what was chosen and can be sent. What is in a project comes with the
/// project where that was chosen, too, else by itself.
fn taken<'m>(
    manifest: &'m Manifest,
    takes: &impl Fn(&ArtifactKey, &str) -> bool,
) -> Vec<&'m ManifestEntry> {
    let chosen =
        manifest.entries.iter().filter(|e| e.kind.can_be_sent() && takes(&e.key(), &e.name));
    let chosen: Vec<&ManifestEntry> = chosen.collect();
    let projects: BTreeSet<Scope> =
        chosen.iter().filter(|e| e.kind == Kind::Project).map(|e| e.key().uses_scope()).collect();
    chosen.into_iter().filter(|e| e.scope.is_global() || !projects.contains(&e.scope)).collect()
}

fn label_of(entry: &ManifestEntry, manifest: &Manifest) -> String {
    format!("{} of snapshot {}", entry.key(), manifest.id)
}

/// Reads what is taken, each file once: several integrations may be parts of their project's. Gives
/// for each what is wanted, or why its file cannot be used.
async fn read_all(
    store: &Store,
    manifest: &Manifest,
    taken: &[&ManifestEntry],
    schedules: &HashMap<ArtifactKey, ScheduleState>,
) -> BTreeMap<ArtifactKey, Result<WantedArtifact, String>> {
    let mut files: BTreeMap<&str, Vec<&ManifestEntry>> = BTreeMap::new();
    for entry in taken.iter().copied() {
        files.entry(entry.path.as_str()).or_default().push(entry);
    }
    let mut out = BTreeMap::new();
    for entries in files.into_values() {
        let Some(first) = entries.first() else { continue };
        let archives: Vec<Result<PayloadArchive, String>> = match store.read_entry(first).await {
            Ok(bytes) => archives_of(&entries, &bytes)
                .into_iter()
                .map(|archive| archive.map_err(|why| why.to_string()))
                .collect(),
            Err(why) => vec![Err(why.to_string()); entries.len()],
        };
        for (entry, archive) in entries.iter().zip(archives) {
            let schedule = ArtifactKey { kind: Kind::Schedule, ..entry.key() };
            let exactly = Some(schedules.get(&schedule).cloned());
            let (label, origin) = (label_of(entry, manifest), manifest.environment.clone());
            let wanted = archive.map(|archive| of_entry(entry, archive, label, origin, exactly));
            out.insert(entry.key(), wanted);
        }
    }
    out
}

/// The archives that one file holds, for each entry that names it.
fn archives_of(
    entries: &[&ManifestEntry],
    bytes: &Bytes,
) -> Vec<Result<PayloadArchive, ArchiveError>> {
    let parts: Vec<FilePart> =
        entries.iter().map(|e| e.part()).filter(|p| *p != FilePart::Whole).collect();
    let mut members = PayloadArchive::members_of(&parts, bytes).into_iter();
    let of = |entry: &&ManifestEntry| match entry.part() {
        FilePart::Whole => PayloadArchive::read(&entry.key(), bytes),
        FilePart::Member { .. } => members.next().unwrap_or(Err(ArchiveError::NoSuchPart)),
    };
    entries.iter().map(of).collect()
}

/// The package that brings integrations of a project too: the two cannot both be imported.
fn brought_twice<'e>(entry: &ManifestEntry, all: &[&'e ManifestEntry]) -> Option<&'e str> {
    let shares = |p: &&&ManifestEntry| {
        p.kind == Kind::Package && p.members.iter().any(|m| entry.members.contains(m))
    };
    (entry.kind == Kind::Project)
        .then(|| all.iter().find(shares).map(|p| p.code.as_str()))
        .flatten()
}

fn refuse_unsendable(kind: Kind, what: &str) -> Result<(), RequestError> {
    match kind {
        kind if kind.can_be_sent() => Ok(()),
        kind => Err(RequestError::NoFile { what: what.to_owned(), kind }),
    }
}

/// What is wanted by a file. The file itself says which artifact it is of. A library's does not, so
/// the reference must.
fn of_file(
    fetched: FetchedArchive,
    reference: &Reference,
    origin: Option<EnvironmentName>,
) -> Result<WantedArtifact, RequestError> {
    let FetchedArchive { label, bytes, part, was, .. } = fetched;
    let fail = |why: ArchiveError| {
        RequestError::Source(SourceError::Archive { label: label.clone(), why })
    };
    // What was fetched says in which scope it was found, where the reference does not.
    let named: Option<Reference> = label.parse().ok();
    let reference = named.as_ref().unwrap_or(reference);
    let scope = match reference {
        Reference::Live { target, .. } => target.scope.clone().unwrap_or_default(),
        _ => Scope::Global,
    };
    if let FilePart::Member { code, version } = &part {
        let key = ArtifactKey::new(Kind::Integration, code, Some(*version)).within(scope);
        let archive = Some(PayloadArchive::member(part, &bytes).map_err(fail)?);
        let wanted = WantedArtifact::new(key, label, archive, Goal::AsTaken(was));
        return Ok(wanted.taken_from(origin));
    }
    let contents = crate::archive::Contents::read(&bytes, Some(&label)).map_err(fail)?;
    let found = contents.identity();
    if !found.kind.can_be_sent() {
        return Err(RequestError::NoFile { what: label.clone(), kind: found.kind });
    }
    let key = match (found.code, reference) {
        (Some(code), _) => ArtifactKey::new(found.kind, &code, found.version),
        (None, Reference::Live { target, version, .. }) => {
            ArtifactKey::new(found.kind, &target.code, *version)
        }
        (None, _) => {
            return Err(fail(ArchiveError::SaysNoCode { kind: found.kind }));
        }
    };
    // A file does not say the project that it is of.
    let key = key.within(scope);
    let archive = PayloadArchive::read(&key, &bytes).map_err(fail)?;
    Ok(WantedArtifact::new(key, label, Some(archive), Goal::AsTaken(was)).taken_from(origin))
}

/// What is wanted by a manifest's entry. `exactly` is for a snapshot, in which each version had a
/// status, and a state of its schedule where it had one.
fn of_entry(
    entry: &ManifestEntry,
    archive: PayloadArchive,
    label: String,
    origin: EnvironmentName,
    exactly: Option<Option<ScheduleState>>,
) -> WantedArtifact {
    let key = entry.key();
    let active = entry.status == Status::Active;
    let goal = match exactly {
        Some(schedule) if key.kind == Kind::Integration => {
            Goal::Exactly { active, schedule: schedule.filter(|_| active) }
        }
        _ => Goal::AsTaken(entry.status.if_kept().cloned()),
    };
    WantedArtifact::new(key, label, Some(archive), goal).taken_from(Some(origin))
}

/// The states of the schedules in a snapshot.
async fn schedules(store: &Store, manifest: &Manifest) -> HashMap<ArtifactKey, ScheduleState> {
    let mut out = HashMap::new();
    for entry in manifest.entries.iter().filter(|e| e.kind == Kind::Schedule) {
        let Ok(bytes) = store.read_entry(entry).await else { continue };
        let state = Description::from_bytes(&bytes)
            .and_then(|r| Some(ScheduleState::from(r.properties.get("state")?.as_str())));
        let state = state.map(ScheduleState::resting);
        out.extend(state.map(|state| (entry.key(), state)));
    }
    out
}

/// Findings for what is wanted of a snapshot and cannot be sent or is not in it, so that nobody
/// takes it for restored.
fn left_out(
    manifest: &Manifest,
    index: &Index,
    takes: &impl Fn(&ArtifactKey, &str) -> bool,
) -> Vec<Finding> {
    let unsendable = Kind::ALL.into_iter().filter_map(|kind| {
        let fix = by_hand(kind)?;
        let of_kind = |e: &&ManifestEntry| e.kind == kind && takes(&e.key(), &e.name);
        let n = manifest.entries.iter().filter(of_kind).count();
        let what = format!("{} of the snapshot cannot be sent", plural(n, kind.singular()));
        (n > 0).then(|| Finding::warning(what, fix))
    });
    unsendable.chain(not_taken(manifest, index, takes)).collect()
}

/// What a person does about a kind that cannot be sent; none where it is sent, or put back with
/// what it belongs to.
fn by_hand(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Connection | Kind::Schedule | Kind::Access => None,
        Kind::Certificate => {
            Some("upload them in the console: a private part never leaves the service")
        }
        Kind::Agent => Some("create agent groups in the console and start their agents"),
        kind if kind.can_be_sent() => None,
        _ => Some("make them again in the console: the snapshot describes them"),
    }
}

/// What was there when a snapshot was taken and is not in it, each with the older snapshot that
/// holds it; of lists that could not be read, why. Oracle's own is not told: nobody restores it.
fn not_taken(
    manifest: &Manifest,
    index: &Index,
    takes: &impl Fn(&ArtifactKey, &str) -> bool,
) -> Vec<Finding> {
    let prebuilt: BTreeSet<&ArtifactKey> =
        manifest.skipped.iter().filter(|s| s.prebuilt).map(|s| &s.artifact).collect();
    let wanted = |key: &ArtifactKey| key.kind.can_be_sent() && takes(key, "");
    let untaken = manifest.untaken().filter(|(key, _)| !key.code.is_empty());
    let untaken = untaken.filter(|(key, _)| !prebuilt.contains(*key) && wanted(key));
    let untaken = untaken.map(|(key, why)| {
        let older = index
            .history(&manifest.environment, &key.name())
            .find(|v| v.version == key.version && v.last_seen < manifest.started);
        let fix = match older {
            Some(version) => format!(
                "{} of {} has it: oicx restore {}",
                version.snapshot,
                short_date(version.last_seen),
                version.reference()
            ),
            None => "no older snapshot has it".to_owned(),
        };
        Finding::warning(format!("{key} is not in the snapshot: {why}"), fix)
    });
    let lists = manifest.unseen.iter().filter(|u| {
        let kind = ArtifactKey::new(u.kind, "", None).within(u.scope.clone());
        u.list != ListState::NotOffered && wanted(&kind)
    });
    let lists = lists.map(|u| {
        let what = format!("{} are not in the snapshot: {}", u.what(), u.reason);
        Finding::warning(what, "another snapshot may have them: oicx history shows all")
    });
    untaken.chain(lists).collect()
}
