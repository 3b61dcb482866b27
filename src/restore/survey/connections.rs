//! The connections of the target that the wanted artifacts will use: what they are set to, and the
//! agents and certificates that they need. The target's own settings count; an archive's copy only
//! where an import brings the connection.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;

use super::{AT_ONCE, GivenValues, survey_list::SurveyList, target_lists::TargetLists};
use crate::archive::{Connection, names_certificate};
use crate::model::{Answer, ProjectCode, Scope};
use crate::oic::{Client, ConnectionDetails, OicError};
use crate::restore::request::{Goal, PayloadArchive, WantedArtifact};

/// What connections of the target are set to, each by its scope and code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetConnections {
    pub details: BTreeMap<(Scope, String), Answer<ConnectionDetails>>,
    /// The names of the properties that can be set, of those that are given values.
    pub settable: BTreeMap<(Scope, String), BTreeSet<String>>,
}

impl TargetConnections {
    /// Reads the connections that are needed and there. Those of a project that is rebuilt are
    /// replaced by what its archive brings.
    pub(super) async fn read(
        client: &Client,
        sought: &SurveyList,
        lists: &TargetLists,
        rebuild: &BTreeSet<ProjectCode>,
        given: &GivenValues,
    ) -> Self {
        let mut wanted: BTreeSet<(Scope, String)> = BTreeSet::new();
        let mut set: BTreeSet<(Scope, String)> = BTreeSet::new();
        for one in sought.0.iter().filter(|s| s.wanted.goal != Goal::Absent) {
            let scope = one.wanted.key.uses_scope();
            let there = &lists.within(&scope).connections;
            let needs = one.wanted.archive.iter().flat_map(|a| &a.needs.connections);
            let needs = needs.filter(|code| there.iter().any(|c| c.code == **code));
            let needs = needs.map(|code| (scope.clone(), code.clone()));
            set.extend(needs.clone().filter(|(scope, code)| given.get(scope, code).is_some()));
            if !scope.project().is_some_and(|p| rebuild.contains(p)) {
                wanted.extend(needs);
            }
        }
        let read = |(scope, code): (Scope, String)| async move {
            let details = client.connection_details(&scope, &code).await;
            ((scope, code), OicError::answer(details))
        };
        let fields = |(scope, code): (Scope, String)| async move {
            let fields = client.connection_fields(&scope, &code).await.ok()?;
            let all = fields.properties.into_iter().chain(fields.security);
            Some(((scope, code), all.map(|f| f.name).collect()))
        };
        let settable = futures::stream::iter(set).map(fields);
        let settable = settable.buffer_unordered(AT_ONCE).filter_map(|one| async { one });
        let details = futures::stream::iter(wanted).map(read).buffer_unordered(AT_ONCE);
        let (details, settable) = tokio::join!(details.collect(), settable.collect());
        Self { details, settable }
    }

    /// What a connection of a scope is set to; none where it is not there, or could not be read.
    pub fn get(&self, scope: &Scope, code: &str) -> Option<&ConnectionDetails> {
        self.details.get(&(scope.clone(), code.to_owned()))?.known()
    }

    /// The connections that could not be read, each with why.
    pub fn unread(&self) -> impl Iterator<Item = (&(Scope, String), &str)> {
        self.details.iter().filter_map(|(named, answer)| Some((named, answer.why_unknown()?)))
    }

    /// The agent groups through which the connections of the wanted artifacts go on the target.
    pub fn agents<'w>(&self, wanted: impl Iterator<Item = &'w WantedArtifact>) -> BTreeSet<String> {
        let of = |scope: &Scope, archive: &PayloadArchive| {
            self.used(
                (scope, archive),
                &archive.needs.agents,
                |copy| copy.agent.iter().cloned().collect(),
                |live| live.agent.iter().cloned().collect(),
            )
        };
        of_all(wanted, of)
    }

    /// The certificates that the connections of the wanted artifacts name on the target, and those
    /// that their own steps name.
    pub fn certificates<'w>(
        &self,
        wanted: impl Iterator<Item = &'w WantedArtifact>,
    ) -> BTreeSet<String> {
        let named = |live: &ConnectionDetails| {
            let all = live.properties.iter().filter(|(k, v)| names_certificate(k, v));
            all.map(|(_, v)| v.clone()).collect()
        };
        let copied = |copy: &Connection| copy.certificates().map(str::to_owned).collect();
        let of = |scope: &Scope, archive: &PayloadArchive| {
            self.used((scope, archive), &archive.needs.certificates, copied, named)
        };
        of_all(wanted, of)
    }

    /// What an archive needs, with what its copies of connections name replaced by what the
    /// target's connections name.
    fn used(
        &self,
        (scope, archive): (&Scope, &PayloadArchive),
        needs: &BTreeSet<String>,
        of_copy: impl Fn(&Connection) -> Vec<String>,
        of_live: impl Fn(&ConnectionDetails) -> Vec<String>,
    ) -> BTreeSet<String> {
        let copies = &archive.copies.connections;
        let copied: BTreeSet<String> = copies.values().flat_map(&of_copy).collect();
        let mut out: BTreeSet<String> = needs.difference(&copied).cloned().collect();
        for code in &archive.needs.connections {
            match (self.get(scope, code), copies.get(code)) {
                (Some(live), _) => out.extend(of_live(live)),
                (None, Some(copy)) => out.extend(of_copy(copy)),
                (None, None) => {}
            }
        }
        out
    }
}

/// What the archives of the wanted artifacts need of one sort.
fn of_all<'w>(
    wanted: impl Iterator<Item = &'w WantedArtifact>,
    of: impl Fn(&Scope, &PayloadArchive) -> BTreeSet<String>,
) -> BTreeSet<String> {
    let wanted = wanted.filter(|w| w.goal != Goal::Absent);
    wanted.filter_map(|w| Some(of(&w.key.uses_scope(), w.archive.as_ref()?))).flatten().collect()
}
