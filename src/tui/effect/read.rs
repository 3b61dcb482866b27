//! Effects that read archives: fetch, compare, search. Computing is done off the runtime's threads.

use std::sync::Arc;

use super::{
    super::event::{Effect, Event},
    Runner,
};
use crate::diff::{TextDiff, normal_lines};
use crate::model::Reference;
use crate::oic::AuditRecord;
use crate::ops::{
    compare::{Compared, compare},
    deps::DependencyGraph,
    grep,
    snapshot_changes::is_about,
};
use crate::workspace::source::fetch_bytes;

impl Runner {
    pub(super) async fn read(&self, effect: Effect) {
        match effect {
            Effect::Open { id, reference } => self.open(id, &reference).await,
            Effect::Examine { id, unpacked } => {
                let work = move || (unpacked.fingerprints(), unpacked.secrets());
                if let Ok((fingerprints, secrets)) = tokio::task::spawn_blocking(work).await {
                    self.send(Event::Examined { id, fingerprints, secrets });
                }
            }
            Effect::Graph { id, scope } => {
                let result = DependencyGraph::build(&self.workspace, &scope).await;
                self.send(Event::Graphed {
                    id,
                    result: result.map(Arc::new).map_err(|e| e.to_string()),
                });
            }
            Effect::Compare { id, before, after } => {
                let result = self.compared(&before, &after).await.map(Arc::new);
                self.send(Event::Compared { id, result });
            }
            Effect::Lines { id, unpacked, path } => {
                let work = move || {
                    let lines = normal_lines(&path, unpacked.file(&path).unwrap_or_default());
                    (path, Arc::new(lines))
                };
                if let Ok((path, lines)) = tokio::task::spawn_blocking(work).await {
                    self.send(Event::Lines { id, path, lines });
                }
            }
            Effect::Text { id, compared, place } => {
                let work = move || Arc::new(text_of(&compared, place));
                if let Ok(text) = tokio::task::spawn_blocking(work).await {
                    self.send(Event::Text { id, place, text });
                }
            }
            Effect::Steps { id, live, pairs, newest } => self.steps(id, live, pairs, newest).await,
            Effect::Audit { id, column, key, since } => {
                let client = &self.workspace.environments[column];
                let since = since.unwrap_or(jiff::Timestamp::MIN);
                let result = client.audit_since(since).await.map_err(|e| e.reason());
                let about =
                    |all: Vec<AuditRecord>| all.into_iter().filter(|r| is_about(r, &key)).collect();
                self.send(Event::Audited { id, result: result.map(about) });
            }
            Effect::Differ { of, before, after } => {
                let result = self.compared(&before, &after).await.map(|c| c.comparison.summary());
                self.send(Event::Difference { of, result });
            }
            Effect::Find { id, scope, pattern } => {
                let result = grep::run(&self.workspace, &scope, &pattern, false).await;
                self.send(Event::Found { id, result: result.map_err(|e| e.to_string()) });
            }
            Effect::Write { name, bytes } => {
                let work = move || write_beside(&name, &bytes);
                let result =
                    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(e.to_string()));
                self.send(Event::Wrote(result));
            }
            _ => {}
        }
    }

    async fn open(&self, id: u64, reference: &Reference) {
        let result = async {
            let fetched =
                fetch_bytes(Some(&self.workspace), reference).await.map_err(|e| e.to_string())?;
            let label = fetched.label.clone();
            let unpacked = tokio::task::spawn_blocking(move || fetched.open())
                .await
                .map_err(|e| e.to_string())?;
            unpacked.map(|o| (label, Arc::new(o))).map_err(|e| e.to_string())
        };
        let result = result.await;
        self.send(Event::Opened { id, result });
    }

    async fn compared(&self, before: &Reference, after: &Reference) -> Result<Compared, String> {
        let workspace = Some(&self.workspace);
        let (x, y) = tokio::join!(fetch_bytes(workspace, before), fetch_bytes(workspace, after));
        compare(x.map_err(|e| e.to_string())?, y.map_err(|e| e.to_string())?)
            .await
            .map_err(|e| e.to_string())
    }

    /// One comparison after the other: the first are those that a person looks at.
    async fn steps(
        &self,
        id: u64,
        live: Option<Reference>,
        pairs: Vec<(usize, Reference, Reference)>,
        newest: Option<Reference>,
    ) {
        let told = |result: Result<Compared, String>| result.map(|c| c.comparison.summary());
        if let (Some(live), Some(newest)) = (live, newest) {
            let result = told(self.compared(&newest, &live).await);
            self.send(Event::Step { id, place: None, result });
        }
        for (place, before, after) in pairs {
            let result = told(self.compared(&before, &after).await);
            self.send(Event::Step { id, place: Some(place), result });
        }
    }
}

fn text_of(compared: &Compared, place: usize) -> TextDiff {
    let Some(pair) = compared.comparison.files.get(place) else { return TextDiff::default() };
    let before = pair.before.as_deref().and_then(|p| compared.before.file(p));
    let after = pair.after.as_deref().and_then(|p| compared.after.file(p));
    TextDiff::of(pair.name(), before, after)
}

/// Never over a file that is there.
fn write_beside(name: &str, bytes: &[u8]) -> Result<String, String> {
    use std::io::Write;
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    for n in 0..1000 {
        let name = if n == 0 { format!("{stem}.{ending}") } else { format!("{stem}-{n}.{ending}") };
        match std::fs::File::create_new(&name) {
            Ok(mut file) => {
                file.write_all(bytes)
                    .and_then(|()| file.sync_all())
                    .map_err(|e| format!("{name}: {e}"))?;
                return Ok(name);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(format!("{name} cannot be written: {e}")),
        }
    }
    Err(format!("a thousand files named like {name} are there"))
}
