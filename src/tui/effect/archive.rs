//! Archives fetched, read, compared and searched.

use std::sync::Arc;

use jiff::Timestamp;

use super::EffectRunner;
use crate::archive::UnpackedArchive;
use crate::diff::{TextDiff, normal_lines};
use crate::model::{ArtifactKey, EnvironmentIndex, Reference};
use crate::oic::AuditRecord;
use crate::ops::{
    compare::{Compared, compare},
    deps::DependencyGraph,
    grep, project,
    snapshot_changes::is_about,
};
use crate::tui::{
    event::{ArchiveEffect, ScreenEvent},
    failure::Failure,
    screen::{
        ScreenId,
        compare::CompareEvent,
        inspector::InspectorEvent,
        search::SearchEvent,
        timeline::{TimelineEvent, VersionChange},
        waiting::WaitingEvent,
    },
};
use crate::workspace::source::fetch_bytes;

impl EffectRunner {
    pub(super) async fn archive(&self, id: ScreenId, effect: ArchiveEffect) {
        match effect {
            ArchiveEffect::Open(reference) => {
                let result = self.open(&reference).await;
                self.tell(id, ScreenEvent::Waiting(WaitingEvent::Opened(result)));
            }
            ArchiveEffect::Examine(unpacked) => {
                let work = move || (unpacked.fingerprints(), unpacked.secrets());
                if let Ok((fingerprints, secrets)) = tokio::task::spawn_blocking(work).await {
                    let event = InspectorEvent::Examined { fingerprints, secrets };
                    self.tell(id, ScreenEvent::Inspector(event));
                }
            }
            ArchiveEffect::Project(reference) => {
                if let Some(facts) = project::look(&self.workspace, &reference).await {
                    let event = InspectorEvent::Project(Box::new(facts));
                    self.tell(id, ScreenEvent::Inspector(event));
                }
            }
            ArchiveEffect::Graph(source) => {
                let result = DependencyGraph::build(&self.workspace, &source).await;
                let result = result.map(Arc::new).map_err(Failure::from);
                self.tell(id, ScreenEvent::Inspector(InspectorEvent::Graphed(result)));
            }
            ArchiveEffect::Compare { before, after } => {
                let result = self.compare(&before, &after).await.map(Arc::new);
                self.tell(id, ScreenEvent::Waiting(WaitingEvent::Compared(result)));
            }
            ArchiveEffect::Lines { unpacked, path } => self.lines(id, unpacked, path).await,
            ArchiveEffect::Text { compared, index } => {
                let work = move || Arc::new(text_of(&compared, index));
                if let Ok(text) = tokio::task::spawn_blocking(work).await {
                    self.tell(id, ScreenEvent::Compare(CompareEvent::Text { index, text }));
                }
            }
            ArchiveEffect::Changes { live, pairs, newest } => {
                self.changes(id, live, pairs, newest).await;
            }
            ArchiveEffect::Audit { environment, key, since } => {
                let result = self.audit(environment, &key, since).await;
                self.tell(id, ScreenEvent::Timeline(TimelineEvent::Audited(result)));
            }
            ArchiveEffect::Find { source, pattern } => {
                let result = grep::run(&self.workspace, &source, &pattern, false).await;
                let result = result.map_err(Failure::from);
                self.tell(id, ScreenEvent::Search(SearchEvent::Found(result)));
            }
        }
    }

    async fn open(&self, reference: &Reference) -> Result<(String, Arc<UnpackedArchive>), Failure> {
        let fetched = fetch_bytes(Some(&self.workspace), reference).await?;
        let label = fetched.label.clone();
        let unpacked = tokio::task::spawn_blocking(move || fetched.open()).await;
        let unpacked = unpacked??;
        Ok((label, Arc::new(unpacked)))
    }

    pub(super) async fn compare(
        &self,
        before: &Reference,
        after: &Reference,
    ) -> Result<Compared, Failure> {
        let workspace = Some(&self.workspace);
        let (x, y) = tokio::join!(fetch_bytes(workspace, before), fetch_bytes(workspace, after));
        compare(x?, y?).await.map_err(Failure::from)
    }

    async fn lines(&self, id: ScreenId, unpacked: Arc<UnpackedArchive>, path: String) {
        let work = move || {
            let lines = normal_lines(&path, unpacked.file(&path).unwrap_or_default());
            (path, Arc::new(lines))
        };
        if let Ok((path, lines)) = tokio::task::spawn_blocking(work).await {
            self.tell(id, ScreenEvent::Inspector(InspectorEvent::Lines { path, lines }));
        }
    }

    async fn audit(
        &self,
        environment: EnvironmentIndex,
        key: &ArtifactKey,
        since: Option<Timestamp>,
    ) -> Result<Vec<AuditRecord>, Failure> {
        let client = &self.workspace.environments[environment];
        let all = client.audit_since(since.unwrap_or(Timestamp::MIN)).await;
        let all = all.map_err(Failure::short)?;
        Ok(all.into_iter().filter(|r| is_about(r, key)).collect())
    }

    /// Compares pair after pair, first those that a person looks at first.
    async fn changes(
        &self,
        id: ScreenId,
        live: Option<Reference>,
        pairs: Vec<(usize, Reference, Reference)>,
        newest: Option<Reference>,
    ) {
        let against_live = newest.zip(live).map(|(newest, live)| (None, newest, live));
        let pairs = pairs.into_iter().map(|(index, before, after)| (Some(index), before, after));
        for (version, before, after) in against_live.into_iter().chain(pairs) {
            let change = VersionChange::of(self.compare(&before, &after).await);
            self.tell(id, ScreenEvent::Timeline(TimelineEvent::Changed { version, change }));
        }
    }
}

fn text_of(compared: &Compared, index: usize) -> TextDiff {
    let Some(pair) = compared.comparison.files.get(index) else { return TextDiff::default() };
    let before = pair.before.as_deref().and_then(|p| compared.before.file(p));
    let after = pair.after.as_deref().and_then(|p| compared.after.file(p));
    TextDiff::of(pair.name(), before, after)
}
