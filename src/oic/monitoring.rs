//! How many instances of integrations there were in a window of time.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::{
    capabilities::Capability,
    client::{Client, RequestSpec},
    error::OicError,
    wire,
};
use crate::model::{InstanceCounts, IntegrationId, Scope};

/// The windows that the service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    Hour,
    SixHours,
    Day,
    ThreeDays,
}

impl Window {
    /// The window as a person types it: `6h`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "1d",
            Self::ThreeDays => "3d",
        }
    }
}

const PAGE: usize = 100;
const COUNT: &str = "read monitoring";
/// How many pages are asked for at once.
const PAGES_AT_ONCE: usize = 16;

/// How many instances integrations had in a window. Whether the counts tell projects apart is
/// documented nowhere (docs/projects.md, Open questions): where no answer of the environment ever
/// did, those of the global space are those of all scopes that have the code and version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceTally {
    counts: HashMap<IntegrationId, InstanceCounts>,
    /// Whether an answer of this environment named a project.
    tells_projects: bool,
}

/// Whether another scope has the code and version of an integration, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    Exists,
    Absent,
}

impl InstanceTally {
    /// Counts as the service gives them.
    pub fn new(counts: HashMap<IntegrationId, InstanceCounts>, tells_projects: bool) -> Self {
        let told = counts.keys().any(|id| !id.scope.is_global());
        Self { counts, tells_projects: tells_projects || told }
    }

    /// Whether an answer of this environment named a project.
    pub fn tells_projects(&self) -> bool {
        self.tells_projects
    }

    /// The counts of an integration; none where they may be those of its twin.
    pub fn of(&self, id: &IntegrationId, twin: Twin) -> Option<InstanceCounts> {
        if self.tells_projects {
            return Some(self.counts.get(id).copied().unwrap_or_default());
        }
        match self.counts.get(&id.clone().within(Scope::Global)) {
            None => Some(InstanceCounts::default()),
            // Neither had any: nothing can be confused.
            Some(counts) => (twin == Twin::Absent || counts.received == 0).then_some(*counts),
        }
    }

    /// All counts, by the integrations that the service names.
    pub fn iter(&self) -> impl Iterator<Item = (&IntegrationId, &InstanceCounts)> {
        self.counts.iter()
    }
}

impl Client {
    /// The counts of each integration that had instances.
    pub async fn instance_counts(&self, window: Window) -> Result<InstanceTally, OicError> {
        let counts = self.listed_within(COUNT, self.all_counts(window)).await?;
        let known = self.offers(Capability::ProjectsInCounts) == Some(true);
        let tally = InstanceTally::new(counts, known);
        if tally.tells_projects && !known {
            self.learn_offered(Capability::ProjectsInCounts);
        }
        Ok(tally)
    }

    async fn all_counts(
        &self,
        window: Window,
    ) -> Result<HashMap<IntegrationId, InstanceCounts>, OicError> {
        let first = self.counts_page(window, 0).await?;
        let mut counts: HashMap<IntegrationId, InstanceCounts> = HashMap::new();
        let (mut more, mut offset) = (first.is_followed(), first.items);
        add(&mut counts, first.counts);
        // Where the first page is full and tells how many there are, the others come together.
        if more && offset == PAGE {
            let total = first.total.unwrap_or_default();
            let offsets = (1..).map(|n| n * PAGE).take_while(|offset| *offset < total);
            let pages = offsets.map(|offset| self.counts_page(window, offset));
            let mut pages = futures::stream::iter(pages).buffered(PAGES_AT_ONCE);
            while let Some(page) = pages.try_next().await? {
                let full = page.items == PAGE;
                more = page.is_followed();
                offset += page.items;
                add(&mut counts, page.counts);
                if !full {
                    break;
                }
            }
        }
        while more {
            let page = self.counts_page(window, offset).await?;
            let before = counts.len();
            (more, offset) = (page.is_followed(), offset + page.items);
            add(&mut counts, page.counts);
            // A page with nothing new ends the list too, whatever it says.
            more &= counts.len() > before;
        }
        Ok(counts)
    }

    async fn counts_page(&self, window: Window, offset: usize) -> Result<CountsPage, OicError> {
        let call = RequestSpec::get(COUNT, "/monitoring/integrations")
            .with("q", format!("{{timewindow:'{}'}}", window.label()))
            .with("limit", PAGE)
            .with("offset", offset);
        let value = self.json(call).await?;
        let failed = |kind| self.error("read monitoring", None, kind);
        let items = wire::items(&value, &["items"]).map_err(failed)?;
        self.expects("read monitoring", &items, &[&["noOfErrors"], &["noOfMsgsReceived"]]);
        let total = ["totalRecordsCount", "totalResults"].iter().find_map(|k| value[*k].as_u64());
        Ok(CountsPage {
            counts: self.records("read monitoring", None, &items, read)?,
            items: items.len(),
            total: total.and_then(|t| usize::try_from(t).ok()),
            has_more: value["hasMore"] == true,
        })
    }
}

/// Adds a page. Of two records of one id, which may be those of twins, the one with more counts.
fn add(
    counts: &mut HashMap<IntegrationId, InstanceCounts>,
    page: Vec<(IntegrationId, InstanceCounts)>,
) {
    for (id, found) in page {
        let known = counts.entry(id).or_insert(found);
        if found.received > known.received {
            *known = found;
        }
    }
}

/// One page of the counts.
struct CountsPage {
    counts: Vec<(IntegrationId, InstanceCounts)>,
    items: usize,
    total: Option<usize>,
    has_more: bool,
}

impl CountsPage {
    /// Whether another page may follow. `hasMore` may be missing in monitoring, and is not to be
    /// trusted everywhere there: a full page is followed by another.
    fn is_followed(&self) -> bool {
        self.items > 0 && (self.items >= PAGE || self.has_more)
    }
}

fn read(item: &Value) -> Option<(IntegrationId, InstanceCounts)> {
    let id = wire::integration_id(item, &["id"], &["code"])?;
    let number =
        |key: &str| item[key].as_u64().or_else(|| item[key].as_str()?.parse().ok()).unwrap_or(0);
    let counts = InstanceCounts {
        received: number("noOfMsgsReceived"),
        succeeded: number("noOfSuccess"),
        failed: number("noOfErrors"),
        aborted: number("noOfAborted"),
    };
    Some((id, counts))
}
