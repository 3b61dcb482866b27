//! Lists, page by page. A list may change while it is paged (docs/oic-rest-api.md, Paging): pages
//! overlap by one item, so that a gap is noticed and read again, and doubles are dropped. Where the
//! first page tells how many there are, the others are asked for side by side.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Client, RequestSpec},
    error::{ErrorKind, OicError},
    wire,
};

const PAGE: usize = 100;
/// What pages are capped to is a multiple of this.
const CAPS: usize = 10;
/// How many pages are asked for at once; the environment's own limit may be lower.
const PAGES_AT_ONCE: usize = 16;
/// How many gaps are read again. A list that moves faster than that cannot be read at all.
const MAX_GAPS: usize = 20;
const MAX_ITEMS: usize = 1_000_000;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListPage {
    #[serde(skip)]
    items: Vec<Value>,
    has_more: Option<bool>,
    /// How many items a page has at most; the service may give fewer than were asked for.
    limit: Option<usize>,
    total_results: Option<usize>,
}

impl ListPage {
    /// Whether another page may follow. A page that is as full as the service makes them is
    /// followed by another, whatever it says: an instance was seen that caps pages at 50 and calls
    /// each the last (docs/oic-rest-api.md, Paging). A round number of items may be such a cap; one
    /// call more tells, unless pages of the same sort were seen that have more, up to `largest`.
    fn is_followed(&self, largest: usize) -> bool {
        let count = self.items.len();
        let full = count >= PAGE || self.limit.is_some_and(|limit| 0 < limit && limit <= count);
        let may_be_capped = count >= largest && count.is_multiple_of(CAPS);
        count > 0 && (full || may_be_capped || self.has_more.unwrap_or(false))
    }

    /// How far the next page begins behind this one: they overlap by one item.
    fn step(&self) -> usize {
        self.items.len().saturating_sub(1).max(1)
    }
}

/// What was read of a list so far: each item once, in order.
struct ReadItems<'k> {
    key: &'k str,
    seen: HashSet<(String, String)>,
    all: Vec<Value>,
}

impl ReadItems<'_> {
    /// Takes a page in. False where its first item is new: something before it was deleted, all
    /// moved down, and between this page and the last there may be items that neither has.
    fn take(&mut self, page: ListPage) -> bool {
        let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
        let mut joins = true;
        for (n, item) in page.items.into_iter().enumerate() {
            let is_new = self.seen.insert((text(&item, self.key), text(&item, "projectId")));
            joins &= n > 0 || !is_new || self.all.is_empty();
            if is_new {
                self.all.push(item);
            }
        }
        joins
    }
}

/// The project that a list is of, as its path names it.
fn project_in(path: &str) -> Option<String> {
    let (project, _) = path.strip_prefix("/projects/")?.split_once('/')?;
    Some(project.to_owned())
}

impl Client {
    /// Every artifact of a list, each once, within the listing's deadline. `key` is the field that
    /// tells them apart within a project; a list that has several names the project in `projectId`.
    pub(super) async fn list(
        &self,
        action: &'static str,
        path: &str,
        key: &str,
    ) -> Result<Vec<Value>, OicError> {
        self.list_as_it_comes(action, path, key, |_| ()).await
    }

    /// Like [`Client::list`], and gives to `came` what is known so far, each time that a page came
    /// after which more follow.
    pub(super) async fn list_as_it_comes(
        &self,
        action: &'static str,
        path: &str,
        key: &str,
        came: impl Fn(&[Value]),
    ) -> Result<Vec<Value>, OicError> {
        self.listed_within(action, self.all_pages(action, path, key, came)).await
    }

    async fn all_pages(
        &self,
        action: &'static str,
        path: &str,
        key: &str,
        came: impl Fn(&[Value]),
    ) -> Result<Vec<Value>, OicError> {
        let mut read = ReadItems { key, seen: HashSet::new(), all: Vec::new() };
        let first = self.page(action, path, 0).await?;
        let (step, total) = (first.step(), first.total_results.unwrap_or_default());
        let (mut more, mut offset) = (first.is_followed(self.largest_page(path)), step);
        read.take(first);
        if more {
            came(&read.all);
        }
        if more && total > read.all.len() {
            let offsets = (1..).map(|n| n * step).take_while(|offset| *offset < total);
            let pages = offsets.map(|offset| self.page(action, path, offset));
            let mut pages = futures::stream::iter(pages).buffered(PAGES_AT_ONCE);
            while let Some(page) = pages.try_next().await? {
                let of_page = page.step();
                more = page.is_followed(self.largest_page(path));
                if !read.take(page) {
                    // The rest is read again from before the gap, one page after the other.
                    more = true;
                    offset = offset.saturating_sub(PAGE);
                    break;
                }
                came(&read.all);
                offset += of_page;
                // A page that is shorter than the first shifts all that follow.
                if of_page != step {
                    break;
                }
            }
        }
        let mut gaps = 0;
        while more {
            if read.all.len() > MAX_ITEMS {
                let kind = ErrorKind::Unexpected("the list does not end".into());
                return Err(self.error(action, None, kind));
            }
            let page = self.page(action, path, offset).await?;
            let step = page.step();
            more = page.is_followed(self.largest_page(path));
            if !read.take(page) && gaps < MAX_GAPS {
                gaps += 1;
                more = true;
                offset = offset.saturating_sub(PAGE);
                continue;
            }
            offset += step;
            if more {
                came(&read.all);
            }
        }
        Ok(read.all)
    }

    async fn page(
        &self,
        action: &'static str,
        path: &str,
        offset: usize,
    ) -> Result<ListPage, OicError> {
        let mut call = RequestSpec::get(action, path)
            .with("limit", PAGE)
            .with("offset", offset)
            .with("orderBy", "name");
        call.subject = project_in(path).map(|project| format!("in {project}"));
        let value = self.json(call).await?;
        let failed = |kind| self.error(action, None, kind);
        let items = wire::items(&value, &["items"]).map_err(failed)?;
        let page = match value.is_object() {
            true => wire::shape(value).map_err(failed)?,
            false => ListPage::default(),
        };
        let page = ListPage { items, ..page };
        self.capabilities().saw_page(resource(path), page.items.len());
        Ok(page)
    }

    /// The most items that a page of lists of this sort had.
    fn largest_page(&self, path: &str) -> usize {
        self.capabilities().largest_page(resource(path))
    }
}

/// What a path lists: `integrations`, in whichever scope.
fn resource(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
