//! The lookups of projects. Those that an integration uses lie in the project's archive; the
//! others lie beside it in the store, and no import brings them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    artifact::SurveyedArtifact,
    kept_descriptions::snapshot_of,
    survey_list::{ArtifactToSurvey, SurveyList},
    target_lists::TargetLists,
};
use crate::archive::Lookup;
use crate::model::{ArtifactKey, Kind, ProjectCode, Scope};
use crate::restore::live::PriorState;
use crate::restore::request::{Goal, PayloadArchive, WantedArtifact};
use crate::store::{Index, Store, StoredVersion};

/// Adds the lookups that belong to the wanted projects: to be proven where the project's import
/// brings them, to be added where it does not, and to be compared where the project stays. Gives
/// those of the store that cannot be read, each with why.
pub(super) async fn add(
    sought: &mut SurveyList,
    (store, index): (Option<&Store>, &Index),
    lists: &TargetLists,
    rebuild: &BTreeSet<ProjectCode>,
) -> Vec<String> {
    let mut unread = Vec::new();
    for place in 0..sought.0.len() {
        let project = &sought.0[place].wanted;
        if project.key.kind != Kind::Project || project.goal == Goal::Absent {
            continue;
        }
        let Some(archive) = project.archive.clone() else { continue };
        let scope = project.key.uses_scope();
        let rebuilt = scope.project().is_some_and(|p| rebuild.contains(p));
        let imported = rebuilt || !lists.projects.contains(&project.key.code);
        let mut wanted = in_archive(project, &archive, &scope);
        // Imported, a project has the rows of its archive.
        let takes = |name: &str| !imported || !wanted.contains_key(name);
        let beside = in_snapshot(store, index, (project, &scope), takes, &mut unread).await;
        wanted.extend(beside);
        let brought = imported.then(|| format!("{} had it", project.key));
        for (name, lookup) in wanted {
            if sought.has_code(&lookup.key) {
                continue;
            }
            let within = (imported && archive.lookups.contains_key(&name)).then_some(place);
            let brought = brought.clone();
            sought.0.push(ArtifactToSurvey { wanted: lookup, brought, within });
        }
    }
    unread
}

fn in_archive(
    project: &WantedArtifact,
    archive: &PayloadArchive,
    scope: &Scope,
) -> BTreeMap<String, WantedArtifact> {
    let of = |(name, rows): (&String, &Lookup)| {
        let key = ArtifactKey::new(Kind::Lookup, name, None).within(scope.clone());
        let archive = PayloadArchive::read(&key, &rows.to_csv().into())
            .inspect_err(|e| tracing::warn!("{key} of {} is not looked at: {e}", project.label));
        let label = format!("{}, {key}", project.label);
        let wanted = WantedArtifact::new(key, label, Some(archive.ok()?), Goal::AsTaken(None));
        Some((name.clone(), wanted.taken_from(project.origin.clone())))
    };
    archive.lookups.iter().filter_map(of).collect()
}

/// The lookups that the snapshot has in the project which its file is from, those whose names are
/// taken.
async fn in_snapshot(
    store: Option<&Store>,
    index: &Index,
    (project, scope): (&WantedArtifact, &Scope),
    takes: impl Fn(&str) -> bool,
    unread: &mut Vec<String>,
) -> BTreeMap<String, WantedArtifact> {
    let mut out = BTreeMap::new();
    let (Some(store), Some(origin)) = (store, &project.origin) else { return out };
    let Some(taken) = snapshot_of(index, origin, &project.label).map(|s| s.started) else {
        return out;
    };
    let together = |v: &&StoredVersion| {
        let of_project = v.kind == Kind::Lookup && v.scope == *scope && v.environment == *origin;
        of_project && v.was_there(taken) && takes(&v.code)
    };
    for version in index.versions().iter().filter(together) {
        let read = async {
            let bytes = store.read(version).await.map_err(|e| e.to_string())?;
            PayloadArchive::read(&version.key(), &bytes).map_err(|e| e.to_string())
        };
        match read.await {
            Ok(archive) => {
                let label = version.reference().to_string();
                let goal = Goal::AsTaken(None);
                let wanted = WantedArtifact::new(version.key(), label, Some(archive), goal);
                out.insert(version.code.clone(), wanted.taken_from(Some(origin.clone())));
            }
            Err(why) => unread.push(format!("{}: {why}", version.reference())),
        }
    }
    out
}

/// Takes the lookups of projects that are rebuilt for gone: they go with their project, which keeps
/// them first. Those that its archive brings are proven after it.
pub(super) fn go_with_their_project(
    parts: &mut [SurveyedArtifact],
    rebuild: &BTreeSet<ProjectCode>,
) {
    let rebuilt: BTreeSet<Scope> = parts
        .iter()
        .filter(|p| p.wanted.key.kind == Kind::Project && p.there.is_some())
        .filter(|p| p.wanted.archive.is_some() && p.wanted.goal != Goal::Absent)
        .map(|p| p.wanted.key.uses_scope())
        .filter(|scope| scope.project().is_some_and(|p| rebuild.contains(p)))
        .collect();
    let goes = |p: &&mut SurveyedArtifact| {
        p.wanted.key.kind == Kind::Lookup
            && p.within.is_none()
            && rebuilt.contains(&p.wanted.key.scope)
    };
    for part in parts.iter_mut().filter(goes) {
        (part.there, part.fingerprints) = (None, None);
        part.before = PriorState::default();
    }
}
