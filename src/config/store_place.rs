//! Where a store lies: a folder, or a bucket of anything that speaks S3.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use url::Url;

use super::{SecretSource, expand_home};

/// A store's place, checked and not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    Folder(PathBuf),
    S3(Box<S3Place>),
}

/// A bucket: AWS, OCI Object Storage by its S3-compatible endpoint, MinIO …
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct S3Place {
    pub bucket: String,
    /// The folder within the bucket; empty for all of it.
    pub prefix: String,
    pub options: StoreOptions,
}

/// `[store_options]`, or the table of a named store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreOptions {
    /// The endpoint; none for AWS itself.
    pub endpoint: Option<Url>,
    pub region: Option<String>,
    /// Whether the bucket stands in the path instead of the host's name. None: where an endpoint is
    /// named.
    pub path_style: Option<bool>,
    /// A section of `~/.aws/credentials`.
    pub profile: Option<String>,
    pub access_key_id: Option<SecretSource>,
    pub secret_access_key: Option<SecretSource>,
}

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::S3(place) if place.prefix.is_empty() => write!(f, "s3://{}", place.bucket),
            Self::S3(place) => write!(f, "s3://{}/{}", place.bucket, place.prefix),
        }
    }
}

/// A text that names no place for a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorePlaceError {
    #[error("after s3:// comes the bucket's name, then a prefix: s3://backups/oic")]
    NoBucket,
    #[error(
        "a store at {0}:// is not supported; name a folder, such as \"~/oic-backups\", or a \
         bucket: \"s3://bucket/prefix\""
    )]
    UnknownScheme(String),
    #[error("the store's folder is empty")]
    Empty,
}

impl StorePlace {
    /// Reads `~/folder` or `s3://bucket/prefix`; `options` are those of a bucket.
    ///
    /// # Errors
    /// Where the text is empty, or names a bucket that cannot be one, or another scheme.
    pub fn parse(text: &str, options: &StoreOptions) -> Result<Self, StorePlaceError> {
        match text.split_once("://") {
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let plain = |c: char| {
                    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '_')
                };
                // OCI's buckets may have capital letters.
                if bucket.is_empty() || !bucket.chars().all(|c| plain(c) || c.is_ascii_uppercase())
                {
                    return Err(StorePlaceError::NoBucket);
                }
                let prefix = prefix.trim_matches('/').to_owned();
                Ok(Self::S3(Box::new(S3Place {
                    bucket: bucket.into(),
                    prefix,
                    options: options.clone(),
                })))
            }
            Some((scheme, _)) => Err(StorePlaceError::UnknownScheme(scheme.to_owned())),
            None if text.is_empty() => Err(StorePlaceError::Empty),
            None => Ok(Self::Folder(expand_home(text))),
        }
    }
}

/// The store that a person names on the command line: one of the config's, a folder, or a bucket.
///
/// # Errors
/// As [`StorePlace::parse`].
pub fn named(
    text: &str,
    stores: &BTreeMap<String, StorePlace>,
    options: &StoreOptions,
) -> Result<StorePlace, StorePlaceError> {
    match stores.get(text) {
        Some(place) => Ok(place.clone()),
        None => StorePlace::parse(text, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_buckets_are_told_apart() {
        let parse = |text: &str| StorePlace::parse(text, &StoreOptions::default());
        assert_eq!(parse("/tmp/x"), Ok(StorePlace::Folder("/tmp/x".into())));
        let Ok(StorePlace::S3(place)) = parse("s3://backups/oic/prod/") else { panic!("a bucket") };
        assert_eq!((place.bucket.as_str(), place.prefix.as_str()), ("backups", "oic/prod"));
        assert_eq!(parse("s3://backups").unwrap().to_string(), "s3://backups");
        for (bad, why) in [
            ("s3:///x", "bucket's name"),
            ("s3://a b", "bucket's name"),
            ("gs://x", "not supported"),
            ("", "empty"),
        ] {
            assert!(parse(bad).unwrap_err().to_string().contains(why), "{bad}");
        }
    }
}
