//! What the store keeps beside an archive, and an import does not bring: schedules, and the access
//! list of a project.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{survey_list::ArtifactToSurvey, target_lists::TargetLists};
use crate::model::{
    Answer, ArtifactKey, Description, EnvironmentName, Kind, ProjectCode, Reference,
    ScheduleParameters, ScheduleState, StorePick,
};
use crate::oic::schedule_state;
use crate::restore::request::{Request, ScheduleChoice, Verb, WantedArtifact};
use crate::store::{Index, SnapshotSummary, Store, StoredVersion};

/// What the store has of one artifact beside its archive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptDescriptions {
    /// Of an integration: how its schedule was defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_definition: Option<Value>,
    /// Of an integration: how its schedule stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleState>,
    /// Of an integration: the values of its schedule's parameters.
    #[serde(default, skip_serializing_if = "ScheduleParameters::is_empty")]
    pub parameters: ScheduleParameters,
    /// Of a project: who may do what in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_list: Option<Value>,
    /// Why the store's description of it could not be read.
    #[serde(skip)]
    pub unread: Option<String>,
}

impl KeptDescriptions {
    /// Whether the store has nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an artifact is to be again what it was where it is from. What is promoted or
    /// rehearsed is another one: no schedule of production begins to run there by itself.
    pub(super) fn are_wanted(
        request: &Request,
        wanted: &WantedArtifact,
        target: &EnvironmentName,
    ) -> bool {
        let at_home = request.verb == Verb::Restore && wanted.origin.as_ref() == Some(target);
        at_home && !is_moved(wanted)
    }

    /// What the request itself brings of an artifact: an undo knows what was there.
    pub(super) fn of_request(wanted: &WantedArtifact, lists: &TargetLists) -> Self {
        match lists.has(&wanted.key) {
            Some(false) => wanted.if_gone.clone(),
            _ => Self {
                parameters: wanted.parameters.clone(),
                schedule_definition: wanted.times.clone(),
                ..Self::default()
            },
        }
    }

    /// Reads what the store has of an artifact that is not on the target, and the schedule of one
    /// that is there, where the stored one is wanted: what is there keeps its own otherwise.
    pub(super) async fn read(
        store: &Store,
        index: &Index,
        sought: &ArtifactToSurvey,
        lists: &TargetLists,
        schedule: ScheduleChoice,
    ) -> Self {
        let wanted = &sought.wanted;
        let Some(origin) = &wanted.origin else { return Self::default() };
        let mut this = Self::default();
        // Only where a manifest cannot be read may one be missing that is there.
        if !index.problems.is_empty() && snapshot_of(index, origin, &wanted.label).is_none() {
            this.unread = Some("the snapshot that it is from cannot be read".into());
            return this;
        }
        match wanted.key.integration_id() {
            Some(id) if lists.integration(&id).is_none() || schedule == ScheduleChoice::Stored => {
                let key = ArtifactKey::schedule_of(&id);
                let found = beside(index, origin, &wanted.label, &key);
                // Older releases kept no definition: what cannot be defined is not started.
                let description = read_if_any(store, found).await;
                this.unread = description.why_unknown().map(str::to_owned);
                if let Some(description) =
                    description.there().cloned().filter(|r| r.given.is_some())
                {
                    let state = description
                        .properties
                        .get("state")
                        .or(description.properties.get("status"));
                    let state = match state {
                        Some(state) => Some(ScheduleState::from(state.as_str())),
                        None => description.given.as_ref().and_then(schedule_state),
                    };
                    // A backup may have met it on its way.
                    this.schedule = state.map(ScheduleState::resting);
                    this.schedule_definition = description.given;
                    this.parameters = description.parameters;
                }
            }
            None if wanted.key.kind == Kind::Project => {
                let project = ProjectCode::from(wanted.key.code.as_str());
                let key = ArtifactKey::access_of(&project);
                let found = beside(index, origin, &wanted.label, &key);
                let description = read_if_any(store, found).await;
                this.unread = description.why_unknown().map(str::to_owned);
                this.access_list = description.there().and_then(|r| r.given.clone());
            }
            _ => {}
        }
        this
    }
}

/// Whether an artifact is wanted in another scope than the one that it is from.
fn is_moved(wanted: &WantedArtifact) -> bool {
    match wanted.label.parse() {
        Ok(Reference::Live { target, .. } | Reference::Stored { target, .. }) => {
            // A member's label names its project.
            let same_kind = target.kind == wanted.key.kind;
            same_kind && target.scope.unwrap_or_default() != wanted.key.scope
        }
        _ => wanted.copy_of.is_some(),
    }
}

/// The snapshot that a file is from, as its label names it.
pub(super) fn snapshot_of<'i>(
    index: &'i Index,
    origin: &EnvironmentName,
    label: &str,
) -> Option<&'i SnapshotSummary> {
    let of = |s: &&SnapshotSummary| s.environment == *origin && label.contains(&s.id.0);
    index.snapshots().iter().find(of)
}

/// The version of a description in the snapshot that the file is from, as its label names it. A
/// description of another time says nothing of that file.
pub(super) fn beside<'i>(
    index: &'i Index,
    origin: &EnvironmentName,
    label: &str,
    description: &ArtifactKey,
) -> Option<&'i StoredVersion> {
    let name = description.name();
    let mut kept = index.history(origin, &name);
    let same_version = |v: &StoredVersion| v.version == description.version;
    // What a run kept before it changed anything.
    if let Ok(Reference::Stored { pick: StorePick::Run(run), .. }) = label.parse() {
        return kept.find(|v| same_version(v) && v.safety_run.as_ref() == Some(&run));
    }
    let taken = snapshot_of(index, origin, label)?.started;
    kept.find(|v| same_version(v) && v.was_there(taken) && v.safety_run.is_none())
}

async fn read_if_any(
    store: &Store,
    version: Option<&StoredVersion>,
) -> Answer<Option<Description>> {
    match version {
        Some(version) => read_stored(store, version).await.map(Some),
        None => Answer::Known(None),
    }
}

/// The description that a stored version is.
pub(super) async fn read_stored(store: &Store, version: &StoredVersion) -> Answer<Description> {
    let bytes = match store.read(version).await {
        Ok(bytes) => bytes,
        Err(e) => return Answer::unknown(e),
    };
    let description = Description::from_bytes(&bytes);
    description.map_or_else(
        || Answer::unknown(format!("{} is not a description", version.path)),
        Answer::Known,
    )
}
