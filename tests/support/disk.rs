//! A disk that fills.

use std::{
    fmt,
    io::{Error, ErrorKind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
};

use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    memory::InMemory, path::Path,
};

/// Takes so many bytes and then says what a full disk says; or fails at chosen writes.
#[derive(Debug)]
pub struct FillingDisk {
    inner: Arc<InMemory>,
    left: Arc<AtomicI64>,
    writes: AtomicUsize,
    failing: Mutex<Option<(usize, usize)>>,
    /// Whether it lists no folders.
    no_folders: AtomicBool,
    /// Whether it refuses writes on a condition, and how many it refused.
    no_conditions: AtomicBool,
    refused: AtomicUsize,
}

impl FillingDisk {
    pub fn with_room_for(bytes: i64) -> Self {
        Self {
            inner: Arc::default(),
            left: Arc::new(AtomicI64::new(bytes)),
            writes: AtomicUsize::new(0),
            failing: Mutex::default(),
            no_folders: AtomicBool::default(),
            no_conditions: AtomicBool::default(),
            refused: AtomicUsize::default(),
        }
    }

    pub fn roomy() -> Self {
        Self::with_room_for(i64::MAX / 2)
    }

    /// As servers that list no folders and know no conditions.
    pub fn be_another_s3(&self) {
        self.no_folders.store(true, Ordering::SeqCst);
        self.no_conditions.store(true, Ordering::SeqCst);
    }

    /// How many writes on a condition were refused.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// From now on there is no room but what is deleted.
    pub fn fill(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    /// From now on so many writes pass, and then so many fail.
    pub fn fail_writes(&self, after: usize, times: usize) {
        self.writes.store(0, Ordering::SeqCst);
        *self.failing.lock().unwrap() = Some((after, times));
    }

    pub fn heal(&self) {
        *self.failing.lock().unwrap() = None;
    }

    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn fails(&self) -> bool {
        let nth = self.writes.fetch_add(1, Ordering::SeqCst);
        self.failing
            .lock()
            .unwrap()
            .is_some_and(|(after, times)| nth >= after && nth - after < times)
    }
}

impl fmt::Display for FillingDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a disk that fills")
    }
}

#[async_trait::async_trait]
impl ObjectStore for FillingDisk {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let conditional = opts.mode != PutMode::Overwrite;
        if conditional && self.no_conditions.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            let (operation, implementer) = ("put".to_owned(), "another S3".to_owned());
            return Err(object_store::Error::NotImplemented { operation, implementer });
        }
        let size = payload.content_length() as i64;
        // A file that is written anew takes the place of the old one only when it is whole.
        let takes = |left: i64| (left >= size).then_some(left - size);
        let order = Ordering::SeqCst;
        if self.fails() || self.left.fetch_update(order, order, takes).is_err() {
            let source = Box::new(Error::new(
                ErrorKind::StorageFull,
                "No space left on device (os error 28)",
            ));
            return Err(object_store::Error::Generic { store: "disk", source });
        }
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (inner, left) = (Arc::clone(&self.inner), Arc::clone(&self.left));
        let delete = move |location: Result<Path>| {
            let (inner, left) = (Arc::clone(&inner), Arc::clone(&left));
            async move {
                let location = location?;
                let size = inner.head(&location).await?.size;
                inner.delete(&location).await?;
                left.fetch_add(i64::try_from(size).unwrap(), Ordering::SeqCst);
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.inner.list_with_delimiter(prefix).await?;
        if self.no_folders.load(Ordering::SeqCst) {
            listed.common_prefixes.clear();
        }
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
