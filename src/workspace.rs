//! What a config opens: a client for each environment, and the store. Beside it stands what every
//! verb needs of them: the bytes that a reference names, listings, known fingerprints, events.

pub mod collection;
pub mod events;
pub mod fingerprint_cache;
pub mod listing;
pub mod listing_cache;
pub mod source;

use std::path::PathBuf;

use crate::config::{self, Config, EnvironmentConfig};
use crate::model::EnvironmentName;
use crate::oic::{Client, Tuning};
use crate::store::{Store, StoreError};

/// Everything a verb works on.
#[derive(Debug, Clone)]
pub struct Workspace {
    pub environments: Vec<Client>,
    pub store: Option<Store>,
    /// The folder of the caches, which hold what was seen last time; none: nothing is kept.
    pub cache: Option<PathBuf>,
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the config {0} names no environment yet\n  → add one under [environments.NAME]; the \
            file's comments show how"
    )]
    NoEnvironment(PathBuf),
    #[error("{name} is not an environment of the config; there are: {known}")]
    Unknown { name: String, known: String },
    #[error("the config names no store\n  → add a line such as: store = \"~/oic-backups\"")]
    NoStore,
}

impl OpenError {
    /// The error for a name that is none of those that are known.
    fn unknown<'n>(
        name: &EnvironmentName,
        known: impl Iterator<Item = &'n EnvironmentName>,
    ) -> Self {
        let known: Vec<String> = known.map(ToString::to_string).collect();
        Self::Unknown { name: name.to_string(), known: known.join(", ") }
    }
}

/// The settings of an environment, for what needs no workspace.
///
/// # Errors
/// Where the config names no such environment.
pub fn settings_of<'c>(
    config: &'c Config,
    name: &EnvironmentName,
) -> Result<&'c EnvironmentConfig, OpenError> {
    let known = || config.environments.iter().map(|e| &e.name);
    config.environment(name).ok_or_else(|| OpenError::unknown(name, known()))
}

impl Workspace {
    /// Opens what the config names. Nothing is called yet.
    ///
    /// # Errors
    /// Where there is no environment, or the store cannot be opened.
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        if config.environments.is_empty() {
            return Err(OpenError::NoEnvironment(config.path.clone()));
        }
        let environments: Vec<Client> =
            config.environments.iter().map(|e| Client::new(e.clone(), Tuning::default())).collect();
        let cache = config::cache_dir();
        environments.iter().for_each(|client| client.remember_in(&cache));
        let store = match &config.store {
            Some(place) => Some(Store::open_place(place, Some(&cache)).await?),
            None => None,
        };
        Ok(Self { environments, store, cache: Some(cache) })
    }

    /// # Errors
    /// Where the config names no such environment. The error lists those that it names.
    pub fn environment(&self, name: &EnvironmentName) -> Result<&Client, OpenError> {
        let found = self.environments.iter().find(|c| c.name() == name);
        found.ok_or_else(|| OpenError::unknown(name, self.environments.iter().map(Client::name)))
    }

    /// # Errors
    /// Where the config names no store.
    pub fn store(&self) -> Result<&Store, OpenError> {
        self.store.as_ref().ok_or(OpenError::NoStore)
    }
}
