//! How many instances of integrations there were in a window of time.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    client::{Client, RequestSpec},
    error::OicError,
    wire,
};
use crate::model::{InstanceCounts, IntegrationId};

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

impl Client {
    /// The counts of each integration that had instances.
    pub async fn run_counts(
        &self,
        window: Window,
    ) -> Result<HashMap<IntegrationId, InstanceCounts>, OicError> {
        let mut counts = HashMap::new();
        let mut offset = 0;
        loop {
            let call = RequestSpec::get("read monitoring", "/monitoring/integrations")
                .with("q", format!("{{timewindow:'{}'}}", window.label()))
                .with("limit", PAGE)
                .with("offset", offset);
            let value = self.json(call).await?;
            let items: Vec<Value> = wire::shape(value["items"].clone()).unwrap_or_default();
            let before = counts.len();
            counts.extend(self.records("read monitoring", None, &items, read)?);
            offset += items.len();
            // `hasMore` may be missing in monitoring, and is not to be trusted everywhere there: a
            // full page is followed by another, and one with nothing new ends the list too.
            let followed = items.len() >= PAGE || value["hasMore"] == true;
            if !followed || counts.len() == before {
                return Ok(counts);
            }
        }
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
