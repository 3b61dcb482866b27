//! Lists, page by page. A list may change while it is paged (docs/oic-rest-api.md, Paging): pages
//! overlap by one item, so that a gap is noticed and read again, and doubles are dropped.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    client::{Client, RequestSpec},
    error::{ErrorKind, OicError},
    wire,
};

const PAGE: usize = 100;
/// How many gaps are read again. A list that moves faster than that cannot be read at all.
const MAX_GAPS: usize = 20;
const MAX_ITEMS: usize = 1_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListPage {
    #[serde(default)]
    items: Vec<Value>,
    has_more: Option<bool>,
}

impl Client {
    /// Every artifact of a list, each once. `key` is the field that tells them apart within a
    /// project; a list that has several names the project in `projectId`.
    pub(super) async fn list(
        &self,
        action: &'static str,
        path: &str,
        key: &str,
    ) -> Result<Vec<Value>, OicError> {
        let mut seen: HashSet<(String, String)> = HashSet::new();
        let mut all = Vec::new();
        let (mut offset, mut gaps) = (0_usize, 0);
        loop {
            let call = RequestSpec::get(action, path)
                .with("limit", PAGE)
                .with("offset", offset)
                .with("orderBy", "name");
            let page: ListPage = wire::shape(self.json(call).await?)
                .map_err(|kind| self.error(action, None, kind))?;
            let count = page.items.len();
            let text =
                |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
            let ids: Vec<(String, String)> =
                page.items.iter().map(|i| (text(i, key), text(i, "projectId"))).collect();
            let gap = offset > 0 && ids.first().is_some_and(|first| !seen.contains(first));
            for (id, item) in ids.into_iter().zip(page.items) {
                if seen.insert(id) {
                    all.push(item);
                }
            }
            if all.len() > MAX_ITEMS {
                return Err(self.error(
                    action,
                    None,
                    ErrorKind::Unexpected("the list does not end".into()),
                ));
            }
            if gap && gaps < MAX_GAPS {
                // An artifact before this page was deleted and all moved down: read the page before
                // again.
                gaps += 1;
                offset = offset.saturating_sub(PAGE);
                continue;
            }
            let more = page.has_more.unwrap_or(count >= PAGE);
            if !more || count == 0 {
                return Ok(all);
            }
            offset += count.saturating_sub(1).max(1);
        }
    }
}
