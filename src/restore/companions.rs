//! What belongs to an artifact and is in no archive: its schedule, or who may do what in a project.
//! That a call finds none does not mean that there is none: it would be lost for ever.

use std::{future::Future, time::Duration};

use serde_json::Value;

use super::plan::PlanItem;
use crate::model::{
    Answer, ArtifactKey, Description, EnvironmentName, IntegrationId, Kind, ProjectCode,
    ScheduleParameters, ScheduleState,
};
use crate::oic::{Client, access_description, schedule_description, schedule_state};
use crate::store::Index;

/// The pause before an answer that is in doubt is asked for again.
const AGAIN: Duration = Duration::from_millis(300);

/// Asks for companions, and holds the answers against what is known beside them.
#[derive(Debug, Clone, Copy)]
pub struct CompanionQuestions<'a> {
    pub environment: &'a EnvironmentName,
    pub index: &'a Index,
}

impl CompanionQuestions<'_> {
    /// How the schedule of an integration is defined; `defined` is what the integration itself says
    /// of having one. An answer in doubt is asked for again before it counts as none.
    pub async fn schedule_definition(
        self,
        client: &Client,
        id: &IntegrationId,
        defined: Option<bool>,
    ) -> Answer<Option<Value>> {
        asked_twice(|| self.ask_for_schedule(client, id, defined)).await
    }

    /// How the schedule of an integration stands where it rests.
    pub async fn schedule(
        self,
        client: &Client,
        id: &IntegrationId,
        defined: Option<bool>,
    ) -> Answer<Option<ScheduleState>> {
        self.schedule_definition(client, id, defined).await.map(|there| state_of(there.as_ref()))
    }

    /// Who may do what in a project; none where the instance has no such lists.
    pub async fn access_list(
        self,
        client: &Client,
        project: &ProjectCode,
    ) -> Answer<Option<Value>> {
        let recorded = || {
            let key = ArtifactKey::access_of(project);
            self.index.newest(self.environment, &key.name()).is_some()
        };
        let ask = || async move {
            match client.access_list(project).await {
                Ok(list) => Answer::Known(Some(list)),
                // An older release has no access lists. Where another project has one, a 404 says
                // that this one may not be read.
                Err(e)
                    if matches!(e.status(), Some(404 | 405 | 501))
                        && client.offers_access_lists() != Some(true)
                        && !recorded() =>
                {
                    Answer::Known(None)
                }
                Err(e) => Answer::unknown(e.reason()),
            }
        };
        asked_twice(ask).await
    }

    async fn ask_for_schedule(
        self,
        client: &Client,
        id: &IntegrationId,
        defined: Option<bool>,
    ) -> Answer<Option<Value>> {
        let found = match client.schedule_definition(id).await {
            Ok(found) => found,
            Err(e) => return Answer::unknown(e.reason()),
        };
        match &found {
            Some(answer) if schedule_state(answer).is_none() => {
                Answer::unknown("the answer has no state")
            }
            None if defined == Some(true) => {
                Answer::unknown("the service finds none, and the integration says that it has one")
            }
            None if defined.is_none() && self.is_recorded(id) => {
                Answer::unknown("the service finds none, and a backup has one")
            }
            _ => Answer::Known(found),
        }
    }

    /// Whether a backup of this environment has a schedule of the integration.
    fn is_recorded(self, id: &IntegrationId) -> bool {
        let key = ArtifactKey::schedule_of(id);
        self.index.newest(self.environment, &key.name()).is_some_and(|v| v.version == key.version)
    }
}

/// What a plan read of an artifact that its archive does not hold, as a store keeps it.
pub fn descriptions_of(item: &PlanItem) -> Vec<(ArtifactKey, Description)> {
    let mut out = Vec::new();
    let schedule = |id: &IntegrationId, given: &Value, parameters: &ScheduleParameters| {
        let key = ArtifactKey::schedule_of(id);
        (key, schedule_description(id, &id.code, given.clone(), parameters.clone()))
    };
    let before = &item.before;
    if let Some((id, given)) = item.id().zip(before.schedule_definition.as_ref()) {
        out.push(schedule(&id, given, &before.parameters));
    }
    let Some(inside) = &before.inside else { return out };
    for member in &inside.active {
        let given = member.schedule_definition.as_ref();
        out.extend(given.map(|given| schedule(&member.id, given, &member.parameters)));
    }
    if let Some(list) = inside.access_list.there() {
        let key = ArtifactKey::access_of(&item.key.code.as_str().into());
        let description = access_description(&key.code, &key.code, list.clone());
        out.push((key, description));
    }
    for (code, connection) in &item.connections {
        let key = ArtifactKey::new(Kind::Connection, code, None).within(item.key.uses_scope());
        out.push((key, connection.describe(code)));
    }
    out
}

/// Asks again where an answer is in doubt, before it counts as none.
async fn asked_twice<T, F>(ask: impl Fn() -> F) -> Answer<T>
where
    F: Future<Output = Answer<T>>,
{
    let first = ask().await;
    if first.known().is_some() {
        return first;
    }
    tokio::time::sleep(AGAIN).await;
    ask().await
}

/// The state in which a schedule that is defined so rests.
pub fn state_of(definition: Option<&Value>) -> Option<ScheduleState> {
    definition.and_then(schedule_state).map(ScheduleState::resting)
}
