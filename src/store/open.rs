//! Opening a store where the config says it lies.

use std::{path::Path as FsPath, sync::Arc, time::Duration};

use object_store::{
    ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    prefix::PrefixStore,
};
use secrecy::{ExposeSecret, SecretString};

use super::{Store, StoreError, explain};
use crate::config::{S3Place, StorePlace};
use crate::files::private_folder;

/// How long one call may be tried again before the store counts as not there.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Whether a write is done only when the disk has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syncing {
    EachWrite,
    Never,
}

impl Store {
    /// Opens a place; a folder is made where it is missing. `cache_dir` keeps the index.
    ///
    /// # Errors
    /// [`StoreError::Open`] where it cannot be reached or read; [`StoreError::Newer`].
    pub async fn open_place(
        place: &StorePlace,
        cache_dir: Option<&FsPath>,
    ) -> Result<Self, StoreError> {
        match place {
            StorePlace::Folder(folder) => Self::open(folder, cache_dir).await,
            StorePlace::S3(s3) => {
                let label = place.to_string();
                let bucket = bucket(s3, &label).await?;
                let objects: Arc<dyn ObjectStore> = match s3.prefix.as_str() {
                    "" => Arc::new(bucket),
                    prefix => Arc::new(PrefixStore::new(bucket, prefix)),
                };
                Self::checked(objects, label, cache_dir).await
            }
        }
    }

    /// Opens a folder, which is made where it is missing. `cache_dir` keeps the index.
    ///
    /// # Errors
    /// [`StoreError::Open`] where the folder cannot be made or read; [`StoreError::Newer`].
    pub async fn open(folder: &FsPath, cache_dir: Option<&FsPath>) -> Result<Self, StoreError> {
        Self::folder(folder, cache_dir, Syncing::EachWrite).await
    }

    /// [`Self::open`] without waiting for the disk after each write: for stores that live for one
    /// demo.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_unsynced(folder: &FsPath) -> Result<Self, StoreError> {
        Self::folder(folder, None, Syncing::Never).await
    }

    async fn folder(
        folder: &FsPath,
        cache_dir: Option<&FsPath>,
        syncing: Syncing,
    ) -> Result<Self, StoreError> {
        let label = folder.display().to_string();
        // Archives carry keys.
        private_folder(folder).map_err(|e| not_opened(&label, &e.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(folder)
            .map_err(|e| not_opened(&label, &explain(&e)))?
            .with_fsync(syncing == Syncing::EachWrite);
        let store = Self::checked(Arc::new(objects), label, cache_dir).await?;
        Ok(Self { folder: Some(folder.to_owned()), ..store })
    }
}

/// A client for a bucket. Nothing is called yet.
async fn bucket(place: &S3Place, label: &str) -> Result<AmazonS3, StoreError> {
    let options = &place.options;
    let keys = keys(place, label).await?;
    // Keys of the config must not be mixed with a session token from environment variables.
    let base = if keys.is_some() { AmazonS3Builder::new() } else { AmazonS3Builder::from_env() };
    let mut builder = base.with_bucket_name(&place.bucket);
    if let Some(endpoint) = &options.endpoint {
        builder = builder
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            // The config takes http for loopback addresses alone.
            .with_allow_http(endpoint.scheme() == "http");
    }
    let path_style = options.path_style.unwrap_or(options.endpoint.is_some());
    builder = builder.with_virtual_hosted_style_request(!path_style);
    let from_environment =
        || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
    if let Some(region) = options.region.clone().or_else(from_environment) {
        builder = builder.with_region(region);
    }
    if let Some(keys) = keys {
        builder = builder.with_access_key_id(keys.id.expose_secret());
        builder = builder.with_secret_access_key(keys.secret.expose_secret());
        if let Some(token) = &keys.token {
            builder = builder.with_token(token.expose_secret());
        }
    } else if options.endpoint.is_some() && std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        let why = "no keys are known for it: name access_key_id and secret_access_key in \
                   [store_options], or a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        return Err(not_opened(label, why));
    }
    let client = ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(10))
        .with_timeout(Duration::from_secs(120))
        .with_allow_http(options.endpoint.as_ref().is_some_and(|e| e.scheme() == "http"));
    let retry = RetryConfig { retry_timeout: LONGEST_RETRY, ..RetryConfig::default() };
    let client = builder.with_client_options(client).with_retry(retry);
    client.build().map_err(|e| not_opened(label, &explain(&e)))
}

fn not_opened(store: &str, why: &str) -> StoreError {
    StoreError::Open { store: store.to_owned(), why: why.to_owned() }
}

struct S3Keys {
    id: SecretString,
    secret: SecretString,
    token: Option<SecretString>,
}

/// The keys from the config, else from the profile; none where environment variables give them.
async fn keys(place: &S3Place, label: &str) -> Result<Option<S3Keys>, StoreError> {
    let fail = |why: &str| not_opened(label, why);
    let options = &place.options;
    match (&options.access_key_id, &options.secret_access_key, &options.profile) {
        (Some(id), Some(secret), _) => {
            let id = id.read().await.map_err(|e| fail(&e.to_string()))?;
            let secret = secret.read().await.map_err(|e| fail(&e.to_string()))?;
            Ok(Some(S3Keys { id, secret, token: None }))
        }
        (None, None, Some(profile)) => of_profile(profile, label).map(Some),
        (None, None, None) => Ok(None),
        _ => Err(fail("access_key_id and secret_access_key are named together")),
    }
}

/// Reads a section of the credentials file that AWS's own tools read.
fn of_profile(profile: &str, label: &str) -> Result<S3Keys, StoreError> {
    let fail = |why: &str| not_opened(label, why);
    let home = || directories::BaseDirs::new().map(|d| d.home_dir().join(".aws/credentials"));
    let path = std::env::var_os("AWS_SHARED_CREDENTIALS_FILE").map(Into::into).or_else(home);
    let path: std::path::PathBuf =
        path.ok_or_else(|| fail("there is no home folder to look for .aws/credentials in"))?;
    let text = std::fs::read_to_string(&path)
        .map_err(|e| fail(&format!("{} cannot be read: {e}", path.display())))?;
    section(&text, profile).ok_or_else(|| {
        fail(&format!(
            "{} has no complete section [{profile}] with aws_access_key_id and \
                aws_secret_access_key",
            path.display()
        ))
    })
}

fn section(text: &str, profile: &str) -> Option<S3Keys> {
    let head = format!("[{profile}]");
    let lines = text
        .lines()
        .map(str::trim)
        .skip_while(|l| *l != head)
        .skip(1)
        .take_while(|l| !l.starts_with('['));
    let pairs: Vec<(&str, &str)> =
        lines.filter_map(|l| l.split_once('=')).map(|(k, v)| (k.trim(), v.trim())).collect();
    let value = |key: &str| {
        let found = pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)?;
        Some(SecretString::from(found.to_owned())).filter(|_| !found.is_empty())
    };
    let (id, secret) = (value("aws_access_key_id")?, value("aws_secret_access_key")?);
    Some(S3Keys { id, secret, token: value("aws_session_token") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_among_others() {
        let text = "[default]\naws_access_key_id = A\naws_secret_access_key = \
            B\n\n[backup]\naws_access_key_id=C\n aws_secret_access_key = D=\n";
        let keys = section(text, "backup").unwrap();
        assert_eq!((keys.id.expose_secret(), keys.secret.expose_secret()), ("C", "D="));
        assert!(keys.token.is_none());
        assert!(section(text, "other").is_none());
        assert!(section("[x]\naws_access_key_id = A\n", "x").is_none(), "half a key is none");
    }
}
