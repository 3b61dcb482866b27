//! Keeps what was seen last time, so that the next start shows it at once. The files may be
//! deleted.

use std::path::{Path, PathBuf};

use super::listing::Listing;
use crate::archive::sha256_hex;
use crate::config::EnvironmentConfig;
use crate::files::write_json;

fn path(folder: &Path, environment: &EnvironmentConfig) -> PathBuf {
    // The same name with another URL or instance is another environment.
    let place =
        format!("{}{}", environment.url, environment.instance.as_deref().unwrap_or_default());
    folder.join(format!("listing-{}-{}.json", environment.name, &sha256_hex(place.as_bytes())[..8]))
}

/// Reads the last listing of an environment; none where there is none that can be read.
pub fn load(folder: &Path, environment: &EnvironmentConfig) -> Option<Listing> {
    let bytes = std::fs::read(path(folder, environment)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Keeps a listing for the next start.
pub fn save(folder: &Path, environment: &EnvironmentConfig, listing: &Listing) {
    let path = path(folder, environment);
    if let Err(e) = write_json(&path, listing) {
        tracing::warn!("the listing is not kept at {}: {e}", path.display());
    }
}
