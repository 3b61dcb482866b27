//! Dependencies that are missing on the target and that the store can bring along.

use std::collections::BTreeSet;

use super::{sought::SoughtList, target_lists::TargetLists};
use crate::archive::Needs;
use crate::model::{ArtifactKey, EnvironmentName, Kind, Scope};
use crate::restore::request::{Goal, PayloadArchive, PlanOptions, WantedArtifact};
use crate::store::{Index, Store, StoredVersion};

/// Finds dependencies that are missing on the target in the store.
pub(super) struct DependencyResolver<'a> {
    pub store: Option<&'a Store>,
    pub index: &'a Index,
}

impl DependencyResolver<'_> {
    /// Adds lookups and libraries that are needed, missing on the target and in the store; child
    /// integrations where a person asked for them. Gives those that could be asked for.
    pub async fn bring_along(
        &self,
        sought: &mut SoughtList,
        lists: &TargetLists,
        options: &PlanOptions,
    ) -> BTreeSet<ArtifactKey> {
        let mut offered = BTreeSet::new();
        // An artifact that is added may need others: the list grows during the loop.
        let mut place = 0;
        while let Some(one) = sought.0.get(place).map(|s| s.wanted.clone()) {
            place += 1;
            let Some(archive) = one.archive.as_ref().filter(|_| one.goal != Goal::Absent) else {
                continue;
            };
            for key in missing(&archive.needs, lists, &one.key.uses_scope()) {
                if sought.has_code(&key) {
                    continue;
                }
                let Some(version) = self.newest(&key, one.origin.as_ref()) else { continue };
                if key.kind == Kind::Integration && !options.along.contains(&key) {
                    offered.insert(key);
                    continue;
                }
                if let Some(wanted) = self.fetch(version).await {
                    let reason = format!("{} needs it, and it is not there", one.key);
                    sought.add_with_members(wanted, Some(reason), lists);
                }
            }
        }
        offered
    }

    /// The newest stored version: of the same environment where it has one, else of any.
    fn newest(
        &self,
        key: &ArtifactKey,
        origin: Option<&EnvironmentName>,
    ) -> Option<&StoredVersion> {
        let fits = |v: &&StoredVersion| {
            let version = key.version.is_none() || v.version == key.version;
            v.kind == key.kind
                && v.scope == key.scope
                && v.code == key.code
                && version
                && v.safety_run.is_none()
        };
        let all = self.index.versions().iter().filter(fits);
        all.max_by_key(|v| (Some(&v.environment) == origin, v.last_seen))
    }

    async fn fetch(&self, version: &StoredVersion) -> Option<WantedArtifact> {
        let bytes = self.store?.read(version).await.ok()?;
        let key = version.entry.key();
        let archive = PayloadArchive::read(&key, &bytes)
            .inspect_err(|e| tracing::warn!("{key} is not brought along: {e}"));
        Some(WantedArtifact {
            archive: Some(archive.ok()?),
            label: version.reference().to_string(),
            goal: Goal::AsTaken(Some(version.status.clone())),
            origin: Some(version.environment.clone()),
            copy_of: None,
            key,
        })
    }
}

/// Lookups, libraries and child integrations that are needed and not on the target. Libraries that
/// cannot be listed count as there.
fn missing(needs: &Needs, lists: &TargetLists, scope: &Scope) -> Vec<ArtifactKey> {
    let own = lists.within(scope);
    let lookups = needs.lookups.iter().filter(|n| !own.lookups.contains(*n));
    let absent = |n: &&String| own.libraries.as_ref().is_some_and(|l| !l.contains(*n));
    let libraries = needs.libraries.iter().filter(absent);
    let called = needs.children.iter().map(|child| lists.called_from(scope, child));
    let children = called.filter(|c| lists.integration(c).is_none());
    let named = |kind| move |n: &String| ArtifactKey::new(kind, n, None).within(scope.clone());
    lookups
        .map(named(Kind::Lookup))
        .chain(libraries.map(named(Kind::Library)))
        .chain(children.map(ArtifactKey::from))
        .collect()
}
