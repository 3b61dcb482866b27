//! What is kept before it is written over: the safety export, and what somebody else made of an
//! artifact meanwhile.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    companions,
    error::StepError,
    execute::{Executor, gone_already, name},
    journal::FileRef,
    live::PriorState,
    plan::{PlanItem, StepKind, Strategy},
    request::member_fingerprints,
};
use crate::archive::{Contents, ContentsBody, ValidatedArchive};
use crate::model::{
    ArtifactKey, Description, FilePart, Fingerprint, ItemIndex, Kind, Manifest, ManifestEntry,
    Purpose, Status, plural,
};
use crate::store::snapshot_id;
use crate::workspace::source::{export_integration, read_kept};

impl Executor<'_> {
    /// Exports the live artifact to the store and reads it back. If the run fails, it is undone
    /// with this.
    pub async fn safety_export(&self, at: ItemIndex) -> Result<String, StepError> {
        let item = self.item(at);
        let exported = self.client.export(&item.key).await;
        let bytes = match exported {
            // The artifact that is to be removed was removed meanwhile.
            Err(e) if e.status() == Some(404) && item.strategy == Strategy::Remove => {
                return Ok(gone_already());
            }
            exported => exported?,
        };
        let read = read_kept(item.key.kind, bytes.clone()).await;
        let kept = read.map_err(StepError::UnreadableExport)?;
        if item.before.portable.is_some_and(|portable| portable != kept.fingerprints.portable) {
            return Err(StepError::Changed { artifact: name(&item.key), by: String::new() });
        }
        let whole = kept.fingerprints.full;
        let beside = companions::descriptions_of(item);
        let file = self.keep_with(&item.key, &item.before, kept, &bytes, beside).await?;
        let lookups = self.keep_lookups(item, &bytes).await?;
        let beside = match lookups.len() {
            0 => String::new(),
            n => format!(", with {} beside it", plural(n, "lookup")),
        };
        self.recorder.change(|j| {
            let progress = &mut j.items[at];
            (progress.safety, progress.safety_lookups) = (Some(file), lookups);
        });
        let size = bytes.len().div_ceil(1024);
        Ok(format!("{size} KB, {} kept and read back{beside}", whole.short()))
    }

    /// Keeps the lookups of a project that is rebuilt which its archive does not hold, by name.
    async fn keep_lookups(
        &self,
        item: &PlanItem,
        project: &Bytes,
    ) -> Result<BTreeMap<String, FileRef>, StepError> {
        let mut out = BTreeMap::new();
        if item.before.inside.is_none() {
            return Ok(out);
        }
        // Somebody may have made one since the plan was.
        let scope = item.key.uses_scope();
        let listed = self.client.catalog_in(&scope, Kind::Lookup).await?;
        let names: Vec<String> = listed.into_iter().map(|l| l.code).collect();
        let project = project.clone();
        let read = tokio::task::spawn_blocking(move || Contents::read(&project, None)).await;
        let read = read.map_err(|e| StepError::UnreadableExport(e.into()))?;
        let held = match read.map_err(|e| StepError::UnreadableExport(e.into()))?.body {
            ContentsBody::Project(project) => project.lookups,
            _ => Vec::new(),
        };
        for name in names.into_iter().filter(|name| held.iter().all(|l| l.name != *name)) {
            let key = ArtifactKey::new(Kind::Lookup, &name, None).within(scope.clone());
            let bytes = match self.client.export(&key).await {
                // Somebody deleted it: there is nothing to lose.
                Err(e) if e.status() == Some(404) => continue,
                exported => exported?,
            };
            let read = read_kept(Kind::Lookup, bytes.clone()).await;
            let read = read.map_err(StepError::UnreadableExport)?;
            let file = self.keep_as(&key, &PriorState::default(), read, &bytes).await?;
            out.insert(name, file);
        }
        Ok(out)
    }

    /// Looks once more before content is lost: somebody may have changed an integration while it
    /// was being stopped. What they did is kept.
    ///
    /// # Errors
    /// [`StepError::ChangedMeanwhile`] where it is neither what was there nor what is wanted.
    pub async fn look_last(&self, at: ItemIndex) -> Result<(), StepError> {
        let item = self.item(at);
        let stops = self.plan.steps_of(at).any(|(_, step)| step.kind == StepKind::Deactivate);
        let (kept, begun) = self.recorder.read(|j| {
            let progress = &j.items[at];
            (progress.safety.is_some(), progress.deleted || progress.brought)
        });
        // What this run began to bring is neither what was there nor somebody else's.
        if !stops || !kept || begun || item.before.portable.is_none() {
            return Ok(());
        }
        let bytes = match self.client.export(&item.key).await {
            // Somebody deleted it: there is nothing to lose.
            Err(e) if e.status() == Some(404) => return Ok(()),
            exported => exported?,
        };
        let read = read_kept(item.key.kind, bytes.clone()).await;
        let read = read.map_err(StepError::UnreadableExport)?;
        let Some(file) = self.keep_theirs(item, read, &bytes).await? else { return Ok(()) };
        self.recorder.change(|j| j.items[at].theirs = true);
        let (artifact, path) = (name(&item.key), file.path);
        Err(StepError::ChangedMeanwhile { artifact, path })
    }

    /// Keeps an export where it is neither what was there nor what is wanted: somebody else made
    /// it. None where it is one of the two.
    pub async fn keep_theirs(
        &self,
        item: &PlanItem,
        read: ValidatedArchive,
        bytes: &Bytes,
    ) -> Result<Option<FileRef>, StepError> {
        if is_expected(item, read.fingerprints.portable) {
            return Ok(None);
        }
        self.keep(item, read, bytes).await.map(Some)
    }

    /// What is there now, and the file in which it is kept where somebody else made that of it; none
    /// where it cannot be exported or read. Of an integration that no call exports alone, its
    /// project is kept.
    pub async fn keep_what_is_there(
        &self,
        item: &PlanItem,
    ) -> Result<Option<(Fingerprint, Option<FileRef>)>, StepError> {
        let exported = match item.id() {
            Some(id) => export_integration(self.client, &id).await,
            None => self.client.export(&item.key).await.map(|bytes| (bytes, FilePart::Whole)),
        };
        let Ok((bytes, part)) = exported else { return Ok(None) };
        let of_project = item.key.scope.project().filter(|_| part != FilePart::Whole);
        let (key, before) = match of_project {
            Some(p) => (ArtifactKey::new(Kind::Project, p.as_str(), None), PriorState::default()),
            None => (item.key.clone(), item.before.clone()),
        };
        let Ok(read) = read_kept(key.kind, bytes.clone()).await else { return Ok(None) };
        let found = match item.id().filter(|_| of_project.is_some()) {
            Some(id) => member_fingerprints(&read, &id.scope).get(&id).copied(),
            None => Some(read.fingerprints.portable),
        };
        let Some(found) = found else { return Ok(None) };
        let file = match is_expected(item, found) {
            true => None,
            false => Some(self.keep_as(&key, &before, read, &bytes).await?),
        };
        Ok(Some((found, file)))
    }

    /// Puts an export in the store under this run's name, and reads it back.
    pub async fn keep(
        &self,
        item: &PlanItem,
        kept: ValidatedArchive,
        bytes: &Bytes,
    ) -> Result<FileRef, StepError> {
        self.keep_as(&item.key, &item.before, kept, bytes).await
    }

    async fn keep_as(
        &self,
        key: &ArtifactKey,
        before: &PriorState,
        kept: ValidatedArchive,
        bytes: &Bytes,
    ) -> Result<FileRef, StepError> {
        self.keep_with(key, before, kept, bytes, Vec::new()).await
    }

    /// Keeps an export, and beside it what it does not hold.
    async fn keep_with(
        &self,
        key: &ArtifactKey,
        before: &PriorState,
        kept: ValidatedArchive,
        bytes: &Bytes,
        beside: Vec<(ArtifactKey, Description)>,
    ) -> Result<FileRef, StepError> {
        let exported = Timestamp::now();
        let fits = kept.code.is_empty()
            || (kept.code == key.code && (kept.version.is_none() || kept.version == key.version));
        if !fits {
            let of = ArtifactKey::new(kept.kind, kept.code, kept.version);
            return Err(StepError::OtherExport(of));
        }
        let environment = self.client.name();
        let entry = self.store.keep(environment, key, &kept, bytes.clone(), exported).await;
        let entry = ManifestEntry {
            status: before.status.clone().unwrap_or(Status::Configured),
            last_updated: before.last_updated,
            last_updated_by: before.last_updated_by.clone(),
            ..entry?
        };
        let (path, sha256) = (entry.path.clone(), entry.sha256.clone());
        let mut entries = vec![entry];
        for (key, description) in beside {
            let read = ValidatedArchive::description(&description);
            let bytes = Bytes::from(description.to_bytes());
            entries.push(self.store.keep(environment, &key, &read, bytes, exported).await?);
        }
        let purpose = Purpose::Safety { run: self.recorder.read(|j| j.run.clone()) };
        let manifest = Manifest {
            finished: Timestamp::now(),
            entries,
            ..Manifest::new(snapshot_id(exported), environment.clone(), exported, purpose)
        };
        self.store.write_manifest(&manifest).await?;
        self.store.check(&path, bytes).await?;
        Ok(FileRef { path, sha256 })
    }
}

/// Whether it is what was there before the run, or what the run brings.
fn is_expected(item: &PlanItem, found: Fingerprint) -> bool {
    [item.before.portable, item.wanted].contains(&Some(found))
}
