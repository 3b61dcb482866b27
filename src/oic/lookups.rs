//! Lookups: list.

use serde::{Deserialize, Serialize};

use super::{client::Client, error::OicError};
use crate::model::visible;

/// A lookup as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    pub name: String,
    pub locked: bool,
}

impl Client {
    pub async fn lookups(&self) -> Result<Vec<Lookup>, OicError> {
        let items = self.list("list lookups", "/lookups", "name").await?;
        let read = |item: &serde_json::Value| Lookup {
            name: visible(item["name"].as_str().unwrap_or_default()).into_owned(),
            locked: item["lockedFlag"].as_bool().unwrap_or(false),
        };
        Ok(items.iter().map(read).collect())
    }
}
