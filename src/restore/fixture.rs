//! Situations built in a few words, for tests of the planner and the checks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    live::{LiveState, PriorState},
    plan::{Check, RestorePlan},
    request::{Goal, PayloadArchive, PlanOptions, Request, Verb, WantedArtifact},
    survey::{
        GivenValues, KeptDescriptions, LookupReaders, ScopeLists, Situation, SurveyedArtifact,
        TargetConnections, TargetLists,
    },
};
use crate::archive::Fingerprints;
use crate::model::{
    Answer, ArtifactKey, ArtifactState, InstanceCounts, IntegrationId, Kind, ScheduleState, Scope,
    Status,
};
use crate::oic::{ListedArtifact, ListedConnection, ListedIntegration};

/// The id of an integration: `SYNC` for version 01.00.0000, or `SYNC|01.02.0000`.
pub fn id(text: &str) -> IntegrationId {
    let text = if text.contains('|') { text.to_owned() } else { format!("{text}|01.00.0000") };
    text.parse().unwrap()
}

/// An artifact of a plan. It begins as a file with content `1` that is not on the target.
pub struct Part(pub SurveyedArtifact);

impl Part {
    pub fn integration(text: &str) -> Self {
        Self::of(ArtifactKey::from(id(text)))
    }

    pub fn of(key: ArtifactKey) -> Self {
        let mut archive = PayloadArchive::certificate(b"1".to_vec().into());
        archive.scheduled = false;
        let (label, goal) =
            (format!("store:prod/{}", key.code), Goal::AsTaken(Some(Status::Active)));
        let wanted = WantedArtifact::new(key, label, Some(archive), goal);
        Self(SurveyedArtifact {
            wanted,
            brought: None,
            before: PriorState::default(),
            there: None,
            fingerprints: None,
            members: BTreeMap::new(),
            beside: BTreeSet::new(),
            in_flight: Some(0),
            next_run: None,
            within: None,
            kept: KeptDescriptions::default(),
        })
    }

    /// It is on the target with this content.
    pub fn there(mut self, status: Status, content: &str) -> Self {
        let fingerprints = Fingerprints::of_bytes(content.as_bytes());
        self.0.before.status = Some(status.clone());
        self.0.before.portable = Some(fingerprints.portable);
        self.0.fingerprints = Some(Answer::Known(fingerprints));
        let state = ArtifactState::new(status);
        self.0.there = Some(LiveState::of(state));
        self
    }

    pub fn goal(mut self, goal: Goal) -> Self {
        self.0.wanted.goal = goal;
        self
    }

    /// Its content stays as it is.
    pub fn without_file(mut self) -> Self {
        self.0.wanted.archive = None;
        self
    }

    /// Changes what the survey found.
    pub fn with(mut self, change: impl FnOnce(&mut SurveyedArtifact)) -> Self {
        change(&mut self.0);
        self
    }

    /// Changes the file, such as what it needs.
    pub fn file(mut self, change: impl FnOnce(&mut PayloadArchive)) -> Self {
        change(self.0.wanted.archive.as_mut().unwrap());
        self
    }

    pub fn needs(self, kind: Kind, code: &str) -> Self {
        self.file(|archive| {
            let needs = &mut archive.needs;
            match kind {
                Kind::Connection => needs.connections.insert(code.into()),
                Kind::Lookup => needs.lookups.insert(code.into()),
                Kind::Library => needs.libraries.insert(code.into()),
                Kind::Integration => needs.children.insert(id(code)),
                Kind::Agent => needs.agents.insert(code.into()),
                Kind::Certificate => needs.certificates.insert(code.into()),
                _ => panic!("{kind} is nothing that is needed"),
            };
        })
    }
}

/// A restore of these parts on `prod`, all or nothing.
pub fn restore(parts: impl IntoIterator<Item = Part>) -> Situation {
    Situation {
        request: Request::new(Verb::Restore, "store:prod/SYNC".into(), vec![]),
        environment: "prod".parse().unwrap(),
        protected: false,
        protection: vec![],
        parts: parts.into_iter().map(|p| p.0).collect(),
        target: TargetLists {
            scopes: [(
                Scope::Global,
                ScopeLists { libraries: Answer::default(), ..ScopeLists::default() },
            )]
            .into(),
            ..TargetLists::default()
        },
        values: GivenValues::default(),
        smoke: vec![],
        offered: BTreeSet::new(),
        working: Answer::default(),
        unread_journals: vec![],
        unread_lookups: vec![],
        index: Answer::default(),
        last_activation: None,
        exports_members: None,
        options: PlanOptions::default(),
        not_kept: BTreeSet::new(),
        connections: TargetConnections::default(),
        kept_connections: BTreeMap::new(),
        likeness: BTreeMap::new(),
        readers: LookupReaders::default(),
        edited: BTreeMap::new(),
    }
}

/// What the target's global space has.
pub fn global(situation: &mut Situation) -> &mut ScopeLists {
    situation.target.scopes.entry(Scope::Global).or_default()
}

/// The same, of one part.
pub fn restore_one(part: Part) -> Situation {
    restore([part])
}

/// An integration of the target's list.
pub fn listed_integration(text: &str, status: Status) -> ListedIntegration {
    let state = ArtifactState::new(status);
    ListedIntegration {
        id: id(text),
        name: text.into(),
        state,
        scheduled: false,
        schedule_defined: None,
        package: None,
        parameters: Default::default(),
        unset_parameters: vec![],
    }
}

/// A connection of the target's list.
pub fn listed_connection(code: &str, status: Status) -> ListedConnection {
    let state = ArtifactState::new(status);
    ListedConnection { code: code.into(), name: code.into(), adapter: "rest".into(), state }
}

/// An artifact of another list of the target.
pub fn listed(kind: Kind, code: &str, status: Status) -> ListedArtifact {
    ListedArtifact {
        scope: Scope::Global,
        kind,
        id: code.into(),
        code: code.into(),
        version: None,
        name: code.into(),
        state: ArtifactState::new(status),
        note: String::new(),
        expires: None,
        item: Value::Null,
    }
}

/// So many instances within the hour, one of them under way.
pub fn instances(received: u64) -> InstanceCounts {
    let succeeded = received.saturating_sub(1);
    InstanceCounts { received, succeeded, failed: 0, aborted: 0 }
}

/// The schedule that runs where the artifact was taken.
pub fn running() -> Goal {
    Goal::Exactly { active: true, schedule: Some(ScheduleState::Running) }
}

/// The steps of a plan, each as its kind: `replace`, `safety_export`.
pub fn steps(situation: &Situation) -> Vec<String> {
    let plan = RestorePlan::of(situation);
    let kind = |kind| serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned();
    plan.steps.iter().map(|s| kind(&s.kind)).collect()
}

/// The findings of a plan, each as its mark and text: `! lookup A is not on prod`.
pub fn findings(situation: &Situation) -> Vec<String> {
    let plan = RestorePlan::of(situation);
    plan.checks.iter().map(|c: &Check| format!("{} {}", c.mark(), c.what)).collect()
}
