//! What a search inside archives found: integrations, and the steps in them.

use crate::ops::grep::{ArchiveHits, GrepHit, GrepReport};
use crate::tui::failure::Failure;
use crate::tui::{screen::ScreenId, widgets::finder::Finder};
use crate::workspace::collection::CollectionSource;

#[derive(Debug)]
pub struct SearchScreen {
    pub id: ScreenId,
    pub finder: Finder,
    /// Whose archives are searched.
    pub source: CollectionSource,
    /// What was searched for; empty before the first search.
    pub pattern: String,
    pub searching: bool,
    pub report: Option<Result<GrepReport, Failure>>,
    pub cursor: usize,
}

/// A line of the list.
#[derive(Debug, Clone, Copy)]
pub enum SearchLine<'f> {
    /// An integration, with how many hits it has.
    Head(&'f ArchiveHits),
    Hit(&'f ArchiveHits, &'f GrepHit),
}

impl SearchScreen {
    /// A search that has not begun; letters go to the field.
    pub fn new(id: ScreenId, source: CollectionSource) -> Self {
        let finder = Finder { typing: true, ..Finder::default() };
        let pattern = String::new();
        Self { id, finder, source, pattern, searching: false, report: None, cursor: 0 }
    }

    /// The lines of the list, each integration above its hits; none before the first answer or
    /// where the search failed.
    pub fn lines(&self) -> Vec<SearchLine<'_>> {
        let Some(Ok(report)) = &self.report else { return Vec::new() };
        let mut out = Vec::new();
        for found in &report.found {
            out.push(SearchLine::Head(found));
            out.extend(found.hits.iter().map(|hit| SearchLine::Hit(found, hit)));
        }
        out
    }

    /// The reference of the integration under the cursor.
    pub fn reference(&self) -> Option<String> {
        match self.lines().get(self.cursor)? {
            SearchLine::Head(found) | SearchLine::Hit(found, _) => Some(found.reference.clone()),
        }
    }

    /// The words for what is searched, for the title.
    pub fn place(&self) -> String {
        match &self.source {
            CollectionSource::Live(name) => name.to_string(),
            CollectionSource::Stored(name) => format!("the store's newest of {name}"),
            CollectionSource::Store => "the store".into(),
            CollectionSource::Snapshot(name, id) => format!("snapshot {id} of {name}"),
        }
    }
}
