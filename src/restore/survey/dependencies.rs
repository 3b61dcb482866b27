//! Dependencies that are missing on the target and that the store can bring along.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{survey_list::SurveyList, target_lists::TargetLists};
use crate::archive::{Lookup, Needs, RULES};
use crate::model::{ArtifactKey, EnvironmentName, Fingerprint, Kind, Scope};
use crate::restore::request::{Goal, PayloadArchive, PlanOptions, WantedArtifact};
use crate::store::{Index, Store, StoredVersion};

/// Finds dependencies that are missing on the target in the store.
pub(super) struct DependencyResolver<'a> {
    pub store: Option<&'a Store>,
    pub index: &'a Index,
}

/// Adds the lookups with whose rows an artifact worked, where a person asked for them.
fn bring_rows(
    sought: &mut SurveyList,
    lists: &TargetLists,
    options: &PlanOptions,
    one: &WantedArtifact,
    copies: &BTreeMap<String, Lookup>,
) {
    for (name, copy) in copies {
        let key = ArtifactKey::new(Kind::Lookup, name, None).within(one.key.uses_scope());
        if !options.along.contains(&key) || sought.has_code(&key) {
            continue;
        }
        let label = format!("the rows with which {} worked", one.label);
        if let Some(wanted) = rows_of(key, label, copy, one.origin.clone()) {
            let reason = format!("{} worked with these rows", one.key);
            sought.add_with_members(wanted, Some(reason), lists);
        }
    }
}

impl DependencyResolver<'_> {
    /// Finds the child integrations and libraries with which each artifact worked when a snapshot
    /// last saw it, where that is not known yet.
    pub fn add_what_was_worked_with(&self, sought: &mut SurveyList) {
        for wanted in sought.0.iter_mut().map(|s| &mut s.wanted) {
            if wanted.worked_with.is_empty()
                && let (Some(origin), Some(seen), Some(archive)) =
                    (&wanted.origin, wanted.seen, &wanted.archive)
            {
                let scope = wanted.key.uses_scope();
                wanted.worked_with = self.worked_with(origin, seen, &scope, &archive.needs);
            }
        }
    }

    /// Takes of each lookup the rows that it had when a snapshot last saw the artifact. The copy in
    /// the archive is of the time when the archive was taken, maybe long before.
    pub async fn take_rows_as_they_were(&self, sought: &mut SurveyList) {
        let Some(store) = self.store else { return };
        // Many integrations read the same lookup.
        let mut known: BTreeMap<&str, Option<Lookup>> = BTreeMap::new();
        for wanted in sought.0.iter_mut().map(|s| &mut s.wanted) {
            let scope = wanted.key.uses_scope();
            let (Some(origin), Some(seen), Some(archive)) =
                (&wanted.origin, wanted.seen, &mut wanted.archive)
            else {
                continue;
            };
            for name in &archive.needs.lookups {
                let key = ArtifactKey::new(Kind::Lookup, name, None).within(scope.clone()).name();
                let then = |v: &&StoredVersion| v.safety_run.is_none() && v.first_seen <= seen;
                let Some(version) = self.index.history(origin, &key).find(then) else { continue };
                let path = version.path.as_str();
                if !known.contains_key(path) {
                    let read = store.read(version).await.ok();
                    known.insert(path, read.and_then(|bytes| Lookup::from_csv(&bytes).ok()));
                }
                if let Some(Some(rows)) = known.get(path) {
                    archive.copies.lookups.insert(name.clone(), rows.clone());
                }
            }
        }
    }

    fn worked_with(
        &self,
        origin: &EnvironmentName,
        seen: Timestamp,
        scope: &Scope,
        needs: &Needs,
    ) -> BTreeMap<ArtifactKey, Fingerprint> {
        let children = needs.children.iter().map(|c| ArtifactKey::from(c.clone()));
        let libraries = needs.libraries.iter().map(|l| ArtifactKey::new(Kind::Library, l, None));
        let mut out = BTreeMap::new();
        for key in children.chain(libraries) {
            // What is not in the own project is in the global space.
            for key in [scope.clone(), Scope::Global].map(|scope| key.clone().within(scope)) {
                let fits = |v: &&StoredVersion| {
                    (key.version.is_none() || v.version == key.version)
                        && v.safety_run.is_none()
                        && v.rules == RULES
                        && v.first_seen <= seen
                };
                let name = key.name();
                let mut history = self.index.history(origin, &name);
                if let Some(version) = history.find(fits) {
                    out.insert(key, version.portable);
                    break;
                }
            }
        }
        out
    }

    /// Adds lookups and libraries that are needed, missing on the target and in the store; child
    /// integrations where a person asked for them. Gives those that could be asked for.
    pub async fn bring_along(
        &self,
        sought: &mut SurveyList,
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
            let scope = one.key.uses_scope();
            bring_rows(sought, lists, options, &one, &archive.copies.lookups);
            offered.extend(self.bring_others(sought, lists, options, &one).await);
            for key in missing(&archive.needs, lists, &scope) {
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

    /// Adds the child integrations and libraries with which an artifact worked, where others are
    /// there and a person asked for them. Gives those that could be asked for.
    async fn bring_others(
        &self,
        sought: &mut SurveyList,
        lists: &TargetLists,
        options: &PlanOptions,
        one: &WantedArtifact,
    ) -> BTreeSet<ArtifactKey> {
        let mut offered = BTreeSet::new();
        for (needed, content) in &one.worked_with {
            let (key, is_there) = match needed.integration_id() {
                Some(id) => {
                    let called = lists.called_from(&one.key.uses_scope(), &id);
                    let is_there = lists.integration(&called).is_some();
                    (ArtifactKey::from(called), is_there)
                }
                None => {
                    let libraries = lists.within(&needed.scope).libraries.known();
                    let is_there = libraries.is_some_and(|l| l.contains_key(&needed.code));
                    (needed.clone(), is_there)
                }
            };
            let Some(version) = self.with_content(needed, *content) else { continue };
            if !is_there || sought.has_code(&key) {
                continue;
            }
            if !options.along.contains(&key) {
                offered.insert(key);
            } else if let Some(wanted) = self.fetch(version).await {
                let reason = format!("{} worked with this one", one.key);
                sought.add_with_members(wanted, Some(reason), lists);
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

    /// The stored version with this content; the integration alone, not a part of its project.
    fn with_content(&self, key: &ArtifactKey, content: Fingerprint) -> Option<&StoredVersion> {
        let fits = |v: &&StoredVersion| {
            let same =
                v.name_of() == key.name() && key.version.is_none_or(|x| v.version == Some(x));
            same && v.portable == content && v.rules == RULES && v.member.is_none()
        };
        self.index.versions().iter().rev().find(fits)
    }

    async fn fetch(&self, version: &StoredVersion) -> Option<WantedArtifact> {
        let bytes = self.store?.read(version).await.ok()?;
        let key = version.entry.key();
        let archive = PayloadArchive::read(&key, &bytes)
            .inspect_err(|e| tracing::warn!("{key} is not brought along: {e}"));
        let archive = archive.ok()?;
        let (label, goal) =
            (version.reference().to_string(), Goal::AsTaken(Some(version.status.clone())));
        let wanted = WantedArtifact::new(key, label, Some(archive), goal);
        Some(wanted.taken_from(Some(version.environment.clone())))
    }
}

/// A lookup with the rows that an archive carries.
fn rows_of(
    key: ArtifactKey,
    label: String,
    copy: &Lookup,
    origin: Option<EnvironmentName>,
) -> Option<WantedArtifact> {
    let archive = PayloadArchive::read(&key, &copy.to_csv().into())
        .inspect_err(|e| tracing::warn!("{key} is not brought along: {e}"));
    let wanted = WantedArtifact::new(key, label, Some(archive.ok()?), Goal::AsTaken(None));
    Some(wanted.taken_from(origin))
}

/// Lookups, libraries and child integrations that are needed and not on the target. Libraries that
/// cannot be listed count as there.
fn missing(needs: &Needs, lists: &TargetLists, scope: &Scope) -> Vec<ArtifactKey> {
    let own = lists.within(scope);
    let lookups = needs.lookups.iter().filter(|n| !own.lookups.contains(*n));
    let absent = |n: &&String| own.libraries.known().is_some_and(|l| !l.contains_key(*n));
    let libraries = needs.libraries.iter().filter(absent);
    let called = needs.children.iter().map(|child| lists.called_by(needs, scope, child));
    // What is called in a project of which nothing is wanted is looked at later, and not brought.
    let listed = called.filter(|c| lists.scopes.contains_key(&c.scope));
    let children = listed.filter(|c| lists.integration(c).is_none());
    let named = |kind| move |n: &String| ArtifactKey::new(kind, n, None).within(scope.clone());
    lookups
        .map(named(Kind::Lookup))
        .chain(libraries.map(named(Kind::Library)))
        .chain(children.map(ArtifactKey::from))
        .collect()
}
