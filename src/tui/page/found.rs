//! What a search inside archives found: integrations, and the steps in them.

use crate::ops::grep::{GrepHit, GrepReport};
use crate::workspace::collection::CollectionSource;

#[derive(Debug)]
pub struct FoundView {
    pub scope: CollectionSource,
    /// What was searched for; empty before the first search.
    pub pattern: String,
    pub searching: bool,
    pub report: Option<Result<GrepReport, String>>,
    pub cursor: usize,
}

/// A line of the list.
#[derive(Debug, Clone, Copy)]
pub enum FoundLine<'f> {
    /// An integration, with how many hits it has.
    Head(&'f crate::ops::grep::ArchiveHits),
    Hit(&'f crate::ops::grep::ArchiveHits, &'f GrepHit),
}

impl FoundView {
    pub fn new(scope: CollectionSource) -> Self {
        Self { scope, pattern: String::new(), searching: false, report: None, cursor: 0 }
    }

    pub fn lines(&self) -> Vec<FoundLine<'_>> {
        let Some(Ok(report)) = &self.report else { return Vec::new() };
        let mut out = Vec::new();
        for found in &report.found {
            out.push(FoundLine::Head(found));
            out.extend(found.hits.iter().map(|hit| FoundLine::Hit(found, hit)));
        }
        out
    }

    /// The reference of the integration under the cursor.
    pub fn reference(&self) -> Option<String> {
        match self.lines().get(self.cursor)? {
            FoundLine::Head(found) | FoundLine::Hit(found, _) => Some(found.reference.clone()),
        }
    }

    pub fn place(&self) -> String {
        match &self.scope {
            CollectionSource::Live(name) => name.to_string(),
            CollectionSource::Stored(name) => format!("the store's newest of {name}"),
            CollectionSource::Store => "the store".into(),
            CollectionSource::Snapshot(name, id) => format!("snapshot {id} of {name}"),
        }
    }
}
