//! A snapshot's manifest: which artifacts of one environment were taken together.

use std::{borrow::Cow, collections::BTreeSet, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    EnvironmentName, FilePart, Fingerprint, InstanceExport, IntegrationId, Kind, ProjectCode,
    RunId, Scope, Status, Version,
};

/// `2026-08-15T013010Z-9d2e`: the time and a random tail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotId(pub String);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a person names a snapshot: `prod` for the newest of all that it has, `prod@LABEL` for one by
/// its id, a tag, or what it was taken before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotName {
    pub environment: EnvironmentName,
    pub label: Option<String>,
}

impl FromStr for SnapshotName {
    type Err = super::ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (environment, label) = match text.split_once('@') {
            Some((environment, label)) => (environment, Some(label.to_owned())),
            None => (text, None),
        };
        Ok(Self { environment: environment.parse()?, label })
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.environment)?;
        self.label.iter().try_for_each(|l| write!(f, "@{}", super::visible(l)))
    }
}

/// No snapshot has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the store has no snapshot {0}\n  → `oicx snapshots {env}` lists them; `oicx backup {env}` \
        takes one",
    env = .0.environment
)]
pub struct NoSnapshot(pub SnapshotName);

/// Why the stored versions of a manifest were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "purpose")]
pub enum Purpose {
    /// A backup or an export by hand: what a person goes back to.
    Backup {
        /// The backup was stopped before it had seen everything.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
        /// Somebody exported chosen artifacts: the manifest says nothing of the others.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        selection: bool,
    },
    /// Taken before a restore changed something. It holds the state that was being repaired, so
    /// only `@run:ID` ever resolves to it.
    Safety { run: RunId },
}

/// The list of a snapshot. Writing it commits the snapshot: it is written last and never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub id: SnapshotId,
    pub environment: EnvironmentName,
    pub started: Timestamp,
    pub finished: Timestamp,
    #[serde(flatten)]
    pub purpose: Purpose,
    #[serde(default)]
    pub entries: Vec<ManifestEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedArtifact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<ExportFailure>,
    /// Kinds that could not be listed, and why. That the manifest has none of them says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<UnlistedKind>,
    /// What it does not hold, and why; empty in snapshots of older releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_held: Vec<CoverageGap>,
    /// Whether it has an entry for each library of a project; older releases kept those in the
    /// project's archive alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lists_project_libraries: bool,
    /// The newest export of the whole instance at that time: a further net.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_export: Option<InstanceExport>,
    /// Words by which a person finds the snapshot again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What the snapshot was taken before: `deploy 4711`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Manifest {
    pub const FORMAT: u32 = 1;
    /// The tag of a snapshot imported from a folder of exports: no backup can ever bring that
    /// again.
    pub const IMPORTED: &str = "imported";

    /// A snapshot that has begun: nothing in it, no end.
    pub fn new(
        id: SnapshotId,
        environment: EnvironmentName,
        started: Timestamp,
        purpose: Purpose,
    ) -> Self {
        Self {
            format: Self::FORMAT,
            id,
            environment,
            started,
            finished: started,
            purpose,
            entries: vec![],
            skipped: vec![],
            failed: vec![],
            unseen: vec![],
            not_held: vec![],
            lists_project_libraries: false,
            instance_export: None,
            tags: vec![],
            before: None,
        }
    }

    /// Whether this is a backup of all that the environment had, as far as it could be seen.
    pub fn is_full(&self) -> bool {
        matches!(self.purpose, Purpose::Backup { partial: false, selection: false })
    }

    /// What it does not show although it may have been there: lists that were not read, what is in
    /// projects whose file was not taken, and in older snapshots the libraries of projects, which
    /// were kept in the projects' archives alone.
    pub fn hidden(&self) -> Vec<UnlistedKind> {
        let mut out = self.unseen.clone();
        let projects = self.untaken().filter(|(key, _)| key.kind == Kind::Project);
        for (project, why) in projects.filter(|(key, _)| !key.code.is_empty()) {
            let why = format!("its project was not taken: {why}");
            let hides = |kind| UnlistedKind::new(kind, project.uses_scope(), why.clone());
            out.extend([Kind::Integration, Kind::Library].map(hides));
        }
        if !self.lists_project_libraries {
            let projects = self.entries.iter().filter(|e| e.kind == Kind::Project);
            let why = "its archive holds them: compare the project";
            out.extend(
                projects.map(|p| UnlistedKind::new(Kind::Library, p.key().uses_scope(), why)),
            );
        }
        out
    }

    /// What was looked at, and what was not.
    pub fn visibility(&self) -> Visibility {
        let untaken = self.untaken().map(|(key, _)| key.clone()).collect();
        Visibility { full: self.is_full(), unseen: self.hidden(), untaken }
    }

    /// [`Visibility::says_gone`] of it. Whoever asks for many takes [`Self::visibility`] once.
    pub fn says_gone(&self, key: &ArtifactKey) -> bool {
        self.visibility().says_gone(key)
    }

    /// What was there and was not taken, each with why.
    pub fn untaken(&self) -> impl Iterator<Item = (&ArtifactKey, &str)> {
        let skipped = self.skipped.iter().filter(|s| !s.gone);
        let skipped = skipped.map(|s| (&s.artifact, s.reason.as_str()));
        skipped.chain(self.failed.iter().map(|f| (&f.artifact, f.error.as_str())))
    }

    /// Whether a person gave the snapshot a name. Such a snapshot is kept longer.
    pub fn is_labelled(&self) -> bool {
        self.before.is_some() || !self.tags.is_empty()
    }

    /// `before deploy 4711, release-12`
    pub fn label(&self) -> String {
        let before = self.before.iter().map(|b| format!("before {b}"));
        before.chain(self.tags.iter().cloned()).collect::<Vec<_>>().join(", ")
    }
}

/// What a snapshot looked at: only of that it says that something was not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visibility {
    /// Whether it is a backup of all that was there: not of chosen artifacts, and not before a
    /// restore.
    pub full: bool,
    /// What it could not see: that may have been there.
    pub unseen: Vec<UnlistedKind>,
    /// What was there and was not taken.
    pub untaken: BTreeSet<ArtifactKey>,
}

impl Visibility {
    /// Whether this artifact, if the snapshot does not list it, was not in the environment. What
    /// could not be seen, was left out or failed may have been there.
    pub fn says_gone(&self, key: &ArtifactKey) -> bool {
        let hidden = self.unseen.iter().any(|u| u.hides(key.kind, &key.scope));
        self.full && !hidden && !self.untaken.contains(key)
    }
}

/// One artifact in a snapshot and the file that holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestEntry {
    #[serde(default, skip_serializing_if = "Scope::is_global")]
    pub scope: Scope,
    pub kind: Kind,
    pub code: String,
    /// The version; only integrations, their schedules and libraries have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The status in the environment when the artifact was taken.
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated_by: Option<String>,
    /// Where the bytes lie, relative to the store's root.
    pub path: String,
    /// The folder in the file, for an integration that is kept as a part of its project's archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The size of the file in bytes.
    pub size: u64,
    /// The SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    pub fingerprint: Fingerprint,
    /// The portable fingerprint, without the copies of connections and lookups that travel along.
    /// It can be compared between environments (`archive::fingerprint`).
    #[serde(rename = "flow")]
    pub portable: Fingerprint,
    /// The version of the rules that made both fingerprints. Those made by different rules cannot
    /// be compared.
    #[serde(default = "first_rules")]
    pub rules: u32,
    /// A hash of what the service said about the artifact beside its last update. Where both are
    /// unchanged, the artifact is not exported again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The ids of the integrations in a package or project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// When a certificate ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl ManifestEntry {
    /// What tells artifacts of one environment apart.
    pub fn key(&self) -> ArtifactKey {
        ArtifactKey {
            kind: self.kind,
            scope: self.scope.clone(),
            code: self.code.clone(),
            version: self.version,
        }
    }

    /// Which part of its file it is.
    pub fn part(&self) -> FilePart {
        match (&self.member, self.version) {
            (Some(_), Some(version)) => FilePart::Member { code: self.code.clone(), version },
            _ => FilePart::Whole,
        }
    }
}

/// One artifact of an environment; for an integration, a library or a schedule, one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArtifactKey {
    /// Absent in manifests of the first releases, which listed integrations only.
    #[serde(default = "integration")]
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Scope::is_global")]
    pub scope: Scope,
    /// Empty where the whole kind is meant.
    #[serde(default)]
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
}

fn integration() -> Kind {
    Kind::Integration
}

/// An artifact whatever its version: what a row of the matrix stands for, and what has a history.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArtifactName {
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Scope::is_global")]
    pub scope: Scope,
    pub code: String,
}

/// The scope that an artifact is in; a project, the only kind that is a scope, is in itself.
fn home_of<'s>(kind: Kind, scope: &'s Scope, code: &str) -> Cow<'s, Scope> {
    match kind == Kind::Project {
        true => Cow::Owned(Scope::of_project(code)),
        false => Cow::Borrowed(scope),
    }
}

impl ArtifactName {
    /// The scope in which a person looks for it: a project is in itself.
    pub fn home(&self) -> Cow<'_, Scope> {
        home_of(self.kind, &self.scope, &self.code)
    }

    /// The name of an artifact in the global space.
    pub fn new(kind: Kind, code: impl Into<String>) -> Self {
        Self { kind, scope: Scope::Global, code: code.into() }
    }

    /// The same artifact in another scope.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The code with its project before it: `PEOPLE_CORE/SYNC`, `SYNC`. Lists show and search it.
    /// An access list has its project's code alone.
    pub fn scoped_code(&self) -> String {
        if self.kind == Kind::Access {
            return self.code.clone();
        }
        format!("{}{}", self.scope.prefix(), self.code)
    }

    /// One version of it; none for a kind that has no versions.
    pub fn key(&self, version: Option<Version>) -> ArtifactKey {
        ArtifactKey { kind: self.kind, scope: self.scope.clone(), code: self.code.clone(), version }
    }
}

impl fmt::Display for ArtifactName {
    /// As [`ArtifactKey`], without a version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key(None).fmt(f)
    }
}

impl ArtifactKey {
    /// The key of an artifact in the global space.
    pub fn new(kind: Kind, code: impl Into<String>, version: Option<Version>) -> Self {
        Self { kind, scope: Scope::Global, code: code.into(), version }
    }

    /// The same artifact in another scope.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The scope whose connections and lookups it uses: a project's are its own.
    pub fn uses_scope(&self) -> Scope {
        home_of(self.kind, &self.scope, &self.code).into_owned()
    }

    /// Whether it is the project that another artifact is in.
    pub fn holds(&self, other: &Self) -> bool {
        self.kind == Kind::Project && self.uses_scope() == other.scope
    }

    /// The schedule of an integration.
    pub fn schedule_of(id: &IntegrationId) -> Self {
        Self { kind: Kind::Schedule, ..Self::from(id.clone()) }
    }

    /// The access list of a project.
    pub fn access_of(project: &ProjectCode) -> Self {
        Self::new(Kind::Access, project.as_str(), None).within(Scope::Project(project.clone()))
    }

    /// The artifact without its version.
    pub fn name(&self) -> ArtifactName {
        ArtifactName { kind: self.kind, scope: self.scope.clone(), code: self.code.clone() }
    }

    /// The id, for an integration with a version.
    pub fn integration_id(&self) -> Option<IntegrationId> {
        let version = self.version.filter(|_| self.kind == Kind::Integration)?;
        Some(IntegrationId::new(&self.code, version).within(self.scope.clone()))
    }
}

impl From<IntegrationId> for ArtifactKey {
    fn from(id: IntegrationId) -> Self {
        Self::new(Kind::Integration, id.code, Some(id.version)).within(id.scope)
    }
}

impl fmt::Display for ArtifactKey {
    /// `SYNC 01.00.0000`, `lookup COUNTRY_CODES`, `PEOPLE_CORE/SYNC 01.00.0000`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() {
            return write!(f, "{}", self.kind.plural());
        }
        match self.kind {
            Kind::Integration => {}
            Kind::Access => return write!(f, "access list of {}", super::visible(&self.code)),
            kind => write!(f, "{kind} ")?,
        }
        write!(f, "{}{}", self.scope.prefix(), super::visible(&self.code))?;
        self.version.iter().try_for_each(|v| write!(f, " {v}"))
    }
}

fn first_rules() -> u32 {
    1
}

/// An artifact that a backup left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedArtifact {
    #[serde(flatten)]
    pub artifact: ArtifactKey,
    pub reason: String,
    /// Whether it was not left out but deleted between the list and the export.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// Whether it is Oracle's own, which the service does not export.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prebuilt: bool,
}

impl SkippedArtifact {
    /// An artifact that is left out although it is there.
    pub fn new(artifact: ArtifactKey, reason: impl Into<String>) -> Self {
        Self { artifact, reason: reason.into(), gone: false, prebuilt: false }
    }
}

/// An artifact that a backup could not take; without a code, the whole kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFailure {
    #[serde(flatten)]
    pub artifact: ArtifactKey,
    pub error: String,
}

/// A kind of which nothing could be seen, in one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlistedKind {
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Scope::is_global")]
    pub scope: Scope,
    /// Why: the environment does not offer the kind, this role may not see it, or the list failed.
    /// In the last case it is also among the failures.
    pub reason: String,
    /// What became of the list. A snapshot of an older release says of none that it is not offered.
    #[serde(default, skip_serializing_if = "ListState::is_refused")]
    pub list: ListState,
}

/// What a snapshot does not hold, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageGap {
    pub what: String,
    pub why: String,
}

/// What became of a list that could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListState {
    /// The role may not see it, or the environment does not offer it.
    #[default]
    Refused,
    /// The environment does not offer it: there is none of the kind.
    NotOffered,
    Failed,
    /// It may still answer.
    Pending,
}

impl ListState {
    fn is_refused(&self) -> bool {
        *self == Self::Refused
    }
}

impl UnlistedKind {
    /// A list that could not be read, and why.
    pub fn new(kind: Kind, scope: Scope, reason: impl Into<String>) -> Self {
        Self { kind, scope, reason: reason.into(), list: ListState::Refused }
    }

    /// A list that has not answered yet.
    pub fn pending(kind: Kind) -> Self {
        Self { list: ListState::Pending, ..Self::new(kind, Scope::Global, "not answered yet") }
    }

    /// Whether artifacts of this kind and scope may be there although none were seen. Where the
    /// projects could not be listed, nothing is known of what is in them.
    pub fn hides(&self, kind: Kind, scope: &Scope) -> bool {
        let lists = self.kind == kind || self.kind == kind.listed_with();
        (lists && self.scope == *scope) || (self.kind == Kind::Project && !scope.is_global())
    }

    /// Whether it may hide any artifact of a kind.
    pub fn may_hide(&self, kind: Kind) -> bool {
        self.hides(kind, &self.scope) || (self.kind == Kind::Project && kind.lives_in_projects())
    }

    /// What could not be seen: `lookups`, `integrations of PEOPLE_CORE`.
    pub fn what(&self) -> String {
        match self.scope.project() {
            Some(project) => format!("{} of {project}", self.kind.plural()),
            None => self.kind.plural().to_owned(),
        }
    }
}
