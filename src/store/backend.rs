//! What backends do differently: servers without conditional writes, and those that do not list
//! their folders. Each is found out once.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures::StreamExt;
use object_store::{ObjectStoreExt, PutMode, PutOptions, path::Path};
use tokio::sync::OnceCell;

use super::{Store, explain};

/// What the backend was seen to do, beside keeping files.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// Whether it refused a write on the condition that the name is free.
    no_conditions: AtomicBool,
    /// Whether it lists the folders of a folder as they are.
    folders: OnceCell<bool>,
}

/// How many files are looked at to see whether folders are listed as they are: a page of S3.
const SEEN_FILES: usize = 1_000;

impl Store {
    /// Writes a file under a name that is free.
    pub(super) async fn create(
        &self,
        path: &str,
        bytes: impl Into<Bytes>,
    ) -> object_store::Result<()> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let (path, bytes) = (Path::from(path), bytes.into());
        if !self.offers.no_conditions.load(Ordering::Relaxed) {
            match self.objects.put_opts(&path, bytes.clone().into(), options).await {
                Err(e) if not_offered(&e) => {
                    tracing::info!("{} writes without conditions: {e}", self.label);
                    self.offers.no_conditions.store(true, Ordering::Relaxed);
                }
                result => return result.map(drop),
            }
        }
        // Names are unique, so looking first is enough.
        match self.objects.head(&path).await {
            Ok(_) => Err(object_store::Error::AlreadyExists {
                path: path.to_string(),
                source: "it is there".into(),
            }),
            Err(object_store::Error::NotFound { .. }) => {
                self.objects.put(&path, bytes.into()).await.map(drop)
            }
            Err(e) => Err(e),
        }
    }

    /// Whether the backend lists the folders of the store as they are: some servers give none, or
    /// cut them short, and a store without folders would seem to be empty. Asked once.
    ///
    /// # Errors
    /// Where nothing can be listed.
    pub(super) async fn lists_folders(&self) -> object_store::Result<bool> {
        let look = || async {
            let listed = self.objects.list_with_delimiter(None).await?;
            let folders: HashSet<Path> = listed.common_prefixes.into_iter().collect();
            let mut files = self.objects.list(None).take(SEEN_FILES);
            while let Some(file) = files.next().await {
                let path = file?.location;
                let mut parts = path.parts();
                if let (Some(folder), Some(_)) = (parts.next(), parts.next())
                    && !folders.contains(&Path::from_iter([folder]))
                {
                    tracing::warn!("{} does not list its folders: {path} is in none", self.label);
                    return Ok(false);
                }
            }
            Ok(true)
        };
        // A folder of this machine lists itself as it is.
        match self.folder.is_some() {
            true => Ok(true),
            false => self.offers.folders.get_or_try_init(look).await.copied(),
        }
    }
}

/// Whether the backend says that it has no such call (501, or an unknown header).
fn not_offered(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotImplemented { .. })
        || explain(error).contains("501 Not Implemented")
}
