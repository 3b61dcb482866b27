//! The request of a restore: which artifacts are wanted on an environment, and in which state.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ConnectionValues, survey::KeptDescriptions};
use crate::archive::{
    ArchiveError, BoundedZip, Connection, ContentsBody, Copies, Fingerprints, Iar, Lookup,
    MemberArchive, Needs, UnpackedArchive, ValidatedArchive, digest_of,
};
use crate::model::{
    ArtifactKey, EnvironmentName, FilePart, Finding, Fingerprint, IntegrationId, Kind, ProjectCode,
    Reference, RunId, ScheduleParameters, ScheduleState, Scope, Status,
};

/// What a run is for. The same planner and runner serve all verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Restore,
    Promote,
    Rollback,
    Drill,
}

impl Verb {
    /// The verb, in lower case.
    pub fn label(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Drill => "drill",
        }
    }
}

/// The wanted state of one environment.
#[derive(Debug, Clone)]
pub struct Request {
    pub verb: Verb,
    /// What is restored, as a person named it.
    pub source: String,
    pub wanted: Vec<WantedArtifact>,
    /// All or nothing: if one fails, all are put back. Otherwise each artifact is independent.
    pub together: bool,
    /// The run that this one undoes.
    pub undoes: Option<RunId>,
    /// The environment whose loss a drill rehearses; none for other verbs.
    pub rehearses: Option<EnvironmentName>,
    /// The environments of which what is sent or replaced is kept in the store before the first
    /// step.
    pub kept_first: Vec<EnvironmentName>,
    /// Projects that are deleted and imported again, where that is what is undone.
    pub rebuild: BTreeSet<ProjectCode>,
    /// What a person should know of the request before it is planned.
    pub notes: Vec<Finding>,
    /// What was named and cannot be wanted, each with why: a note tells it, too.
    pub left_out: BTreeMap<ArtifactKey, String>,
}

impl Request {
    /// A request that stands or falls as a whole, and says nothing but what is wanted.
    pub fn new(verb: Verb, source: String, wanted: Vec<WantedArtifact>) -> Self {
        Self {
            verb,
            source,
            wanted,
            together: true,
            undoes: None,
            rehearses: None,
            kept_first: Vec::new(),
            rebuild: BTreeSet::new(),
            notes: Vec::new(),
            left_out: BTreeMap::new(),
        }
    }

    /// Wants what can be in a project in another scope than the one that it is from. What cannot be
    /// sent by itself, as an integration of another project, is copied by the service where it is
    /// live on the same environment.
    pub fn move_into(&mut self, scope: &Scope, to: &EnvironmentName) {
        for wanted in self.wanted.iter_mut().filter(|w| w.key.kind.lives_in_projects()) {
            let live = matches!(wanted.label.parse(),
                Ok(Reference::Live { environment, .. }) if environment == *to);
            let alone = wanted.archive.as_ref().is_some_and(PayloadArchive::is_whole_file);
            let from = wanted.key.integration_id();
            wanted.copy_of = from.filter(|_| live && !alone && !scope.is_global());
            wanted.key.scope = scope.clone();
        }
    }

    /// Adds another request: both succeed or are put back together.
    pub fn and(&mut self, other: Self) {
        self.source = format!("{}, {}", self.source, other.source);
        self.wanted.extend(other.wanted);
        self.notes.extend(other.notes);
        self.left_out.extend(other.left_out);
        self.together = true;
    }
}

/// One wanted artifact.
#[derive(Debug, Clone)]
pub struct WantedArtifact {
    pub key: ArtifactKey,
    /// Where its file is from; without a file, what the artifact is in the plan for.
    pub label: String,
    /// The file; none where the content stays as it is, or the artifact is to be absent.
    pub archive: Option<PayloadArchive>,
    pub goal: Goal,
    /// The environment that the file was taken from, where the store knows it.
    pub origin: Option<EnvironmentName>,
    /// When it was last seen there with this content, by a snapshot.
    pub seen: Option<Timestamp>,
    /// The integration of another scope of the environment that the service copies.
    pub copy_of: Option<IntegrationId>,
    /// Values that the parameters of its schedule get although others are there: an undo of a run
    /// that wrote others.
    pub parameters: ScheduleParameters,
    /// The definition that its schedule gets although another one is there, likewise.
    pub times: Option<Value>,
    /// Of an undo: its schedule as it was before the run, for where the artifact is gone by now.
    pub if_gone: KeptDescriptions,
    /// The content of child integrations and libraries with which it worked, as far as that is
    /// known: their portable fingerprints.
    pub worked_with: BTreeMap<ArtifactKey, Fingerprint>,
}

impl WantedArtifact {
    /// An artifact in a state, with a file or with its content as it is.
    pub fn new(
        key: ArtifactKey,
        label: impl Into<String>,
        archive: Option<PayloadArchive>,
        goal: Goal,
    ) -> Self {
        let (origin, seen, copy_of, worked_with) = (None, None, None, BTreeMap::new());
        let (label, parameters) = (label.into(), ScheduleParameters::new());
        Self {
            key,
            label,
            archive,
            goal,
            origin,
            seen,
            copy_of,
            parameters,
            times: None,
            if_gone: KeptDescriptions::default(),
            worked_with,
        }
    }

    /// The same, taken from an environment.
    #[must_use]
    pub fn taken_from(self, origin: Option<EnvironmentName>) -> Self {
        Self { origin, ..self }
    }

    /// The same, seen by a snapshot at this time.
    #[must_use]
    pub fn seen_at(self, time: Timestamp) -> Self {
        Self { seen: Some(time), ..self }
    }

    /// Why a part of a project's archive is not sent.
    pub fn cannot_be_sent_alone(&self) -> String {
        format!("{} is kept as a part of its project's archive, and cannot be sent alone", self.key)
    }

    /// Whether integrations may become active by it.
    pub fn may_activate(&self) -> bool {
        let kind = self.key.kind;
        let runs = kind == Kind::Integration || kind.holds_integrations();
        let active = match &self.goal {
            Goal::AsTaken(was) => was.as_ref().is_none_or(|w| *w == Status::Active),
            Goal::Exactly { active, .. } => *active,
            Goal::Absent => false,
        };
        runs && active
    }
}

/// The state that an artifact is to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The state when the file was taken: an integration is to be active if it was then, or is now.
    AsTaken(Option<Status>),
    /// Exactly this state, such as the one before a run.
    Exactly { active: bool, schedule: Option<ScheduleState> },
    /// It is to be absent.
    Absent,
}

/// A file that is fit to be sent, and what it is.
#[derive(Debug, Clone)]
pub struct PayloadArchive {
    /// Empty for a part of a project's archive, which cannot be sent alone.
    pub bytes: Bytes,
    /// The project's archive that it is a part of; empty for all else.
    pub project_file: Bytes,
    /// Which part of its file it is.
    pub part: FilePart,
    pub fingerprints: Fingerprints,
    pub needs: Needs,
    /// What it knew of what it needs when it was exported.
    pub copies: Copies,
    /// [`digest_of`] the file.
    pub digest: Option<String>,
    pub scheduled: bool,
    /// The integrations in a package.
    pub members: Vec<(IntegrationId, PayloadArchive)>,
    /// The integrations in a project: it holds them unpacked, so none is an archive by itself.
    pub within: Vec<IntegrationId>,
    /// What each integration in a project means.
    pub member_fingerprints: BTreeMap<IntegrationId, Fingerprint>,
    /// What each integration in a project needs.
    pub member_needs: BTreeMap<IntegrationId, Needs>,
    /// Those of the integrations in a project that a schedule starts.
    pub scheduled_members: BTreeSet<IntegrationId>,
    /// The lookups in a project: those that its integrations use, with their rows.
    pub lookups: BTreeMap<String, Lookup>,
    /// The connections in a project, by their code.
    pub connections: BTreeMap<String, Connection>,
    /// What a project holds beside its integrations and lookups, each in a few words.
    pub beside: BTreeSet<String>,
    /// Integrations in a project that cannot be read, each with why.
    pub broken: Vec<String>,
}

impl PayloadArchive {
    /// Reads a file of a kind that can be sent.
    ///
    /// # Errors
    /// Where any part of it is broken, or it is of another kind or another artifact.
    pub fn read(key: &ArtifactKey, bytes: &Bytes) -> Result<Self, ArchiveError> {
        if key.kind == Kind::Integration {
            let (iar, copies) = Iar::read_with_copies(bytes)?;
            let fits = iar.id.code == key.code && key.version.is_none_or(|v| v == iar.id.version);
            return if fits {
                Ok(Self::of(iar, copies, bytes.clone()))
            } else {
                Err(ArchiveError::other_artifact(&iar.id, key))
            };
        }
        let kept = ValidatedArchive::read(bytes, Some(&format!("file.{}", key.kind.ending())))?;
        if kept.kind != key.kind || (!kept.code.is_empty() && kept.code != key.code) {
            let what = ArtifactKey::new(kept.kind, kept.code, kept.version);
            return Err(ArchiveError::other_artifact(&what, key));
        }
        let members = if key.kind == Kind::Package { members(bytes)? } else { vec![] };
        let broken = kept.broken.iter().map(|(id, why)| format!("{id}: {why}")).collect();
        let plain = Self::plain(bytes.clone(), kept.fingerprints);
        let mut this = Self { members, broken, beside: kept.beside.clone(), ..plain };
        if key.kind == Kind::Project {
            let inside = kept.parts.iter().map(|part| part.id.clone());
            this.within = inside.map(|id| id.within(key.uses_scope())).collect();
            this.digest = digest_of(key.kind, bytes);
            this.member_fingerprints = member_fingerprints(&kept, &key.uses_scope());
            let contents = crate::archive::Contents::read(bytes, None)?;
            let scope = key.uses_scope();
            for member in contents.integrations() {
                let (id, needs) =
                    (member.id.clone().within(scope.clone()), Needs::of(&member.needs));
                this.needs.connections.extend(needs.connections.iter().cloned());
                if member.scheduled() {
                    this.scheduled_members.insert(id.clone());
                }
                this.member_needs.insert(id, needs);
            }
            if let ContentsBody::Project(project) = contents.body {
                this.lookups = project.lookups.into_iter().map(|l| (l.name.clone(), l)).collect();
                let connections = project.connections.into_iter();
                this.connections = connections.map(|c| (c.code.clone(), c)).collect();
            }
        }
        Ok(this)
    }

    /// Reads an integration that is a part of its project's archive. It can be compared with what
    /// is there, but not sent.
    ///
    /// # Errors
    /// Where any part of the file is broken, or has no such integration.
    pub fn member(part: FilePart, bytes: &Bytes) -> Result<Self, ArchiveError> {
        Self::members_of(&[part], bytes).pop().unwrap_or(Err(ArchiveError::NoSuchPart))
    }

    /// [`Self::member`] of several integrations of a project's archive, which is read once. Where
    /// any part of the file is broken, each fails; else the one that the file does not have.
    pub fn members_of(parts: &[FilePart], bytes: &Bytes) -> Vec<Result<Self, ArchiveError>> {
        if parts.is_empty() {
            return Vec::new();
        }
        let whole = match ValidatedArchive::read(bytes, Some("project.car")) {
            Ok(whole) => whole,
            Err(why) => return vec![Err(why); parts.len()],
        };
        let unpacked = UnpackedArchive::read_parts(bytes, None, parts);
        let read = |(part, unpacked): (&FilePart, Result<UnpackedArchive, ArchiveError>)| {
            let fingerprints = whole.fingerprints_of(Kind::Integration, part)?;
            Ok(Self::part(part.clone(), bytes, fingerprints, &unpacked?))
        };
        parts.iter().zip(unpacked).map(read).collect()
    }

    fn part(
        part: FilePart,
        bytes: &Bytes,
        fingerprints: Fingerprints,
        unpacked: &UnpackedArchive,
    ) -> Self {
        let plain = Self::plain(Bytes::new(), fingerprints);
        let mut this = Self { part, project_file: bytes.clone(), ..plain };
        if let [member] = unpacked.contents.integrations() {
            this.needs = Needs::of(&member.needs);
            let files = unpacked.member_files(0).iter();
            this.copies = Copies::of(member, files.map(|(p, b)| (p.as_str(), b.as_slice())));
            this.scheduled = member.scheduled();
        }
        this
    }

    /// Whether it is a file that can be sent as it is, and no part of a project's.
    pub fn is_whole_file(&self) -> bool {
        self.part == FilePart::Whole
    }

    /// A payload of an unpacked integration, with the needs and the schedule read from it.
    pub fn of(iar: Iar, copies: Copies, bytes: Bytes) -> Self {
        let Iar { needs, digest, scheduled, fingerprints, .. } = iar;
        Self { needs, copies, digest, scheduled, ..Self::plain(bytes, fingerprints) }
    }

    fn plain(bytes: Bytes, fingerprints: Fingerprints) -> Self {
        Self {
            bytes,
            project_file: Bytes::new(),
            part: FilePart::Whole,
            fingerprints,
            needs: Needs::default(),
            copies: Copies::default(),
            digest: None,
            scheduled: false,
            members: vec![],
            within: vec![],
            member_fingerprints: BTreeMap::new(),
            member_needs: BTreeMap::new(),
            scheduled_members: BTreeSet::new(),
            connections: BTreeMap::new(),
            lookups: BTreeMap::new(),
            beside: BTreeSet::new(),
            broken: vec![],
        }
    }

    /// A certificate's file: it has no fingerprint, and the service never exports it.
    pub fn certificate(bytes: Bytes) -> Self {
        let fingerprints = crate::archive::Fingerprints::of_bytes(&bytes);
        Self::plain(bytes, fingerprints)
    }
}

/// The portable fingerprints of what a project's archive holds.
pub(super) fn member_fingerprints(
    project: &ValidatedArchive,
    scope: &Scope,
) -> BTreeMap<IntegrationId, Fingerprint> {
    let of =
        |part: &MemberArchive| (part.id.clone().within(scope.clone()), part.fingerprints.portable);
    project.parts.iter().map(of).collect()
}

fn members(package: &[u8]) -> Result<Vec<(IntegrationId, PayloadArchive)>, ArchiveError> {
    let mut zip = BoundedZip::open_strict(package)?;
    let names: Vec<String> =
        zip.names().filter(|n| n.ends_with(".iar")).map(str::to_owned).collect();
    let mut out = Vec::new();
    for name in names {
        let bytes: Bytes = zip.read(&name)?.into();
        let (iar, copies) = Iar::read_with_copies(&bytes)?;
        out.push((iar.id.clone(), PayloadArchive::of(iar, copies, bytes)));
    }
    Ok(out)
}

/// How the schedule of an integration stands at the end, and which values its parameters get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleChoice {
    /// As on the environment before; where the integration was not there, as stored.
    #[default]
    Keep,
    /// As the snapshot has it.
    Stored,
    /// It does not run.
    Stopped,
}

impl ScheduleChoice {
    /// Whether it is the default.
    pub fn is_keep(&self) -> bool {
        *self == Self::Keep
    }

    /// The word on the command line and in journals.
    pub fn label(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Stored => "stored",
            Self::Stopped => "stopped",
        }
    }
}

/// What a person decided about a plan's findings. A new plan is made with it.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Child integrations that are missing and are restored too, where the store has them.
    pub along: BTreeSet<ArtifactKey>,
    /// Integrations that are deactivated first, to make room.
    pub deactivate: BTreeSet<IntegrationId>,
    /// Projects that are deleted and imported again.
    pub rebuild: BTreeSet<ProjectCode>,
    /// How schedules stand at the end.
    pub schedule: ScheduleChoice,
    /// Values for connections, beside those of the config.
    pub connection_values: ConnectionValues,
    /// What is left out although it was asked for or comes along, each with what forbade it.
    pub leave_out: BTreeMap<ArtifactKey, String>,
}
