//! Surveys the target: everything that a plan must know of the environment before it decides. Only
//! reads.

mod artifact;
mod connections;
mod dependencies;
mod edited;
mod kept_connections;
mod kept_descriptions;
mod likeness;
mod project_lookups;
mod readers;
mod survey_list;
mod target_lists;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};

pub use artifact::SurveyedArtifact;
pub use connections::TargetConnections;
pub use kept_connections::{KeptConnection, KeptConnections};
pub use kept_descriptions::KeptDescriptions;
pub use likeness::Likeness;
pub use readers::LookupReaders;
pub use target_lists::{ACTIVE_LIMIT, PROJECT_LIMIT, ScopeLists, TargetLists};

use self::{
    dependencies::DependencyResolver,
    survey_list::{ArtifactToSurvey, SurveyList},
};
use super::{
    companions::CompanionQuestions,
    request::{PayloadArchive, PlanOptions, Request, ScheduleChoice},
    run_store::{self, OngoingRun},
};
use crate::config::Smoke;
use crate::model::{
    Answer, ArtifactKey, ConnectionName, EnvironmentName, Finding, IntegrationId, Kind,
    ProjectCode, Scope,
};
use crate::oic::{Client, OicError};
use crate::store::{Index, Store};

/// How many artifacts are looked at in parallel.
const AT_ONCE: usize = 8;

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct Situation {
    pub request: Request,
    pub environment: EnvironmentName,
    pub protected: bool,
    /// What is to be said of how the target is protected.
    pub protection: Vec<Finding>,
    /// One for each wanted artifact, and for each that is brought along.
    pub parts: Vec<SurveyedArtifact>,
    pub target: TargetLists,
    /// Connections that the config or a person gives values for, with their names.
    pub values: GivenValues,
    /// The calls that are made after activations.
    pub smoke: Vec<Smoke>,
    /// Missing children that the store could bring along.
    pub offered: BTreeSet<ArtifactKey>,
    /// Runs of others on the same artifacts that have not ended.
    pub working: Answer<Vec<OngoingRun>>,
    /// Journals of the store that could not be read.
    pub unread_journals: Vec<String>,
    /// Lookups of wanted projects that the store has and that cannot be read, each with why.
    pub unread_lookups: Vec<String>,
    /// Whether the store could say what it holds; the manifests that it could not read.
    pub index: Answer<Vec<String>>,
    /// What a person decided; the projects to rebuild are with those of the request.
    pub options: PlanOptions,
    /// Whether the environment exports an integration of a project alone; none where that was not
    /// tried.
    pub exports_members: Option<bool>,
    /// Integrations of a project of which no snapshot says whether they were active.
    pub not_kept: BTreeSet<IntegrationId>,
    /// What the connections were set to that an import leaves empty.
    pub kept_connections: KeptConnections,
    /// What the needed connections of the target are set to.
    pub connections: TargetConnections,
    /// Dependencies that are there, against what the wanted artifacts worked with, and lookups that
    /// are wanted, against what is there.
    pub likeness: BTreeMap<ArtifactKey, Likeness>,
    /// Who reads the lookups that change.
    pub readers: LookupReaders,
    /// Wanted archives that were edited outside the service, each with the stored version that
    /// shows it.
    pub edited: BTreeMap<ArtifactKey, String>,
    /// How long the last activation on this environment took, in seconds, as a journal has it.
    pub last_activation: Option<f64>,
}

impl Situation {
    /// What was found of an artifact; none where it is not in the plan.
    pub fn part(&self, key: &ArtifactKey) -> Option<&SurveyedArtifact> {
        self.parts.iter().find(|p| p.wanted.key == *key)
    }

    /// The file that is wanted of an artifact.
    pub fn archive(&self, key: &ArtifactKey) -> Option<&PayloadArchive> {
        self.part(key)?.wanted.archive.as_ref()
    }

    /// What a connection was set to that an import leaves empty, where that is known.
    pub fn kept_connection(&self, scope: &Scope, code: &str) -> Option<&KeptConnection> {
        self.kept_connections.get(&(scope.clone(), code.to_owned()))?.known()
    }
}

/// Surveys the target of a request.
///
/// # Errors
/// Where a list that the plan cannot do without is not readable.
pub async fn survey(
    client: &Client,
    store: Option<&Store>,
    request: &Request,
    options: &PlanOptions,
) -> Result<Situation, OicError> {
    let mut target = TargetLists::read(client, request).await?;
    let (index, unread) = match store {
        Some(store) => read_index(store).await,
        None => (Index::default(), Answer::default()),
    };
    let rebuild: BTreeSet<ProjectCode> = request.rebuild.union(&options.rebuild).cloned().collect();
    let FullList { mut sought, offered, not_kept, unread_lookups } =
        full_list((store, &index), request, options, &target, &rebuild).await;
    target.read_called(client, &sought).await;
    let with_index = store.map(|store| (store, &index));
    let kept_connections =
        kept_connections::find(client, with_index, request, &sought, &target, &rebuild).await;
    let values = given_values(client, options);
    let connections = TargetConnections::read(client, &sought, &target, &rebuild, &values).await;
    let agents = connections.agents(sought.wanted());
    let certificates = connections.certificates(sought.wanted());
    let (any_agent, any_certificate) = (!agents.is_empty(), !certificates.is_empty());
    target.read_what_connections_need(client, any_agent, any_certificate).await;
    sought.add_certificates(client, &target, certificates).await;
    let likeness = likeness::compare(client, &sought, &target).await;
    let edited = edited::find(store, &index, &sought).await;
    let of_request = (request, options.schedule);
    let mut parts =
        look_at_all(client, (store, &index), sought, of_request, (&target, &rebuild)).await?;
    let unchanged = unchanged(&rebuild, &parts);
    if !unchanged.is_empty() {
        let (request, options) = without_rebuild_of(&unchanged, request, options);
        return Box::pin(survey(client, store, &request, &options)).await;
    }
    project_lookups::go_with_their_project(&mut parts, &rebuild);
    let name = client.name();
    let RunsHere { working, unread_journals, last_activation } =
        RunsHere::read(store, name, &parts).await;
    let readers = match store {
        Some(store) => LookupReaders::find(store, &index, name, &target, &likeness, &parts).await,
        None => LookupReaders::default(),
    };
    let environment = client.environment();
    Ok(Situation {
        request: request.clone(),
        environment: name.clone(),
        protected: environment.protected,
        protection: environment.protection(),
        parts,
        values,
        smoke: environment.smoke.clone(),
        offered,
        working,
        unread_journals,
        unread_lookups,
        index: unread,
        last_activation,
        exports_members: client.exports_members(),
        options: PlanOptions { rebuild, ..options.clone() },
        not_kept,
        connections,
        kept_connections,
        likeness,
        readers,
        edited,
        target,
    })
}

/// The request where these projects are not rebuilt: one that is as it is wanted is not removed,
/// and what is in it stays. That is another plan.
fn without_rebuild_of(
    unchanged: &BTreeSet<ProjectCode>,
    request: &Request,
    options: &PlanOptions,
) -> (Request, PlanOptions) {
    let (mut request, mut options) = (request.clone(), options.clone());
    request.rebuild.retain(|project| !unchanged.contains(project));
    options.rebuild.retain(|project| !unchanged.contains(project));
    (request, options)
}

/// What is looked at, and what was found out of the store meanwhile.
struct FullList {
    sought: SurveyList,
    offered: BTreeSet<ArtifactKey>,
    not_kept: BTreeSet<IntegrationId>,
    unread_lookups: Vec<String>,
}

/// What is wanted, what comes along, and what is in the projects among it, without what is left out.
async fn full_list(
    (store, index): (Option<&Store>, &Index),
    request: &Request,
    options: &PlanOptions,
    target: &TargetLists,
    rebuild: &BTreeSet<ProjectCode>,
) -> FullList {
    let mut sought = SurveyList::of(request, options, target);
    let resolver = DependencyResolver { store, index };
    resolver.add_what_was_worked_with(&mut sought);
    resolver.take_rows_as_they_were(&mut sought).await;
    let offered = resolver.bring_along(&mut sought, target, options).await;
    let not_kept = sought.add_project_members(index, target, rebuild, request.verb);
    let unread_lookups = project_lookups::add(&mut sought, (store, index), target, rebuild).await;
    sought.leave_out(&options.leave_out);
    FullList { sought, offered, not_kept, unread_lookups }
}

/// Looks at each artifact on the environment, and at what the store keeps beside its archive.
async fn look_at_all(
    client: &Client,
    (store, index): (Option<&Store>, &Index),
    sought: SurveyList,
    (request, schedule): (&Request, ScheduleChoice),
    (target, rebuild): (&TargetLists, &BTreeSet<ProjectCode>),
) -> Result<Vec<SurveyedArtifact>, OicError> {
    let companions = CompanionQuestions { environment: client.name(), index };
    let look = |sought: ArtifactToSurvey| async {
        let wanted = &sought.wanted;
        let kept = match store {
            Some(store) if KeptDescriptions::are_wanted(request, wanted, client.name()) => {
                KeptDescriptions::read(store, index, &sought, target, schedule).await
            }
            _ => KeptDescriptions::of_request(wanted, target),
        };
        SurveyedArtifact::look(client, (sought, kept), target, rebuild, companions).await
    };
    futures::stream::iter(sought.0).map(look).buffered(AT_ONCE).try_collect().await
}

/// What the journals of the store tell of an environment.
struct RunsHere {
    working: Answer<Vec<OngoingRun>>,
    unread_journals: Vec<String>,
    last_activation: Option<f64>,
}

impl RunsHere {
    async fn read(
        store: Option<&Store>,
        name: &EnvironmentName,
        parts: &[SurveyedArtifact],
    ) -> Self {
        let runs = match store {
            Some(store) => Answer::from(run_store::all_and_unread(store).await),
            None => Answer::default(),
        };
        let known = runs.known();
        let last_activation = known.and_then(|(runs, _)| run_store::last_activation(runs, name));
        let unread_journals = known.map(|(_, unread)| unread.clone()).unwrap_or_default();
        let keys = parts.iter().map(|p| &p.wanted.key);
        let working = runs.map(|(runs, _)| run_store::working_on(&runs, name, keys, None));
        Self { working, unread_journals, last_activation }
    }
}

/// The store's index, and the manifests that it could not read.
async fn read_index(store: &Store) -> (Index, Answer<Vec<String>>) {
    match store.index().await {
        Ok(index) => {
            let unread = Answer::Known(index.problems.clone());
            (index, unread)
        }
        Err(e) => (Index::default(), Answer::unknown(e)),
    }
}

/// The projects that were to be rebuilt and are as they are wanted.
fn unchanged(rebuild: &BTreeSet<ProjectCode>, parts: &[SurveyedArtifact]) -> BTreeSet<ProjectCode> {
    let is_as_wanted = |part: &&SurveyedArtifact| {
        let wanted = part.wanted.archive.as_ref().map(|a| a.fingerprints.portable);
        wanted.is_some() && part.portable_fingerprint() == wanted
    };
    let projects = parts.iter().filter(|p| p.wanted.key.kind == Kind::Project);
    let codes = projects.filter(is_as_wanted).map(|p| p.wanted.key.code.as_str().into());
    codes.filter(|code| rebuild.contains(code)).collect()
}

/// The connections that get values, with the names of these values. What a person types is set
/// beside what the config gives, and wins over it.
fn given_values(client: &Client, options: &PlanOptions) -> GivenValues {
    let of_config = client.environment().connections.iter();
    let of_config = of_config.map(|(name, o)| (name.clone(), o.keys().cloned().collect()));
    let mut given = GivenValues(of_config.collect());
    for (name, settings) in &options.connection_values {
        given.add(name, settings.properties.keys().chain(settings.security.keys()));
    }
    given
}

/// Which values are given for connections: the names of their properties, by the names under which
/// the config has them ([`ConnectionName::find_in`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenValues(BTreeMap<String, Vec<String>>);

impl GivenValues {
    /// What is given for a connection of a scope.
    pub fn get(&self, scope: &Scope, code: &str) -> Option<&Vec<String>> {
        ConnectionName::new(scope, code).find_in(&self.0)
    }

    /// Adds what is given for a connection beside what is already.
    fn add<'n>(&mut self, name: &ConnectionName, properties: impl Iterator<Item = &'n String>) {
        let mut all = name.find_in(&self.0).cloned().unwrap_or_default();
        for property in properties {
            if !all.contains(property) {
                all.push(property.clone());
            }
        }
        self.0.insert(name.with_scope(), all);
    }

    /// Sets what is given under a name.
    pub fn insert(&mut self, name: String, properties: Vec<String>) {
        self.0.insert(name, properties);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A person who types an address still has the password of the config.
    #[test]
    fn what_is_typed_is_given_beside_what_the_config_gives() {
        let mut given = GivenValues::default();
        given.insert("HCM".into(), vec!["password".into()]);
        let hr = Scope::of_project("HR");
        given.add(&ConnectionName::new(&hr, "HCM"), ["connectionUrl".to_owned()].iter());
        let of = |scope: &Scope| given.get(scope, "HCM").unwrap().join(", ");
        assert_eq!(of(&hr), "password, connectionUrl");
        assert_eq!(of(&Scope::Global), "password", "another scope's stay as they are");
    }
}
