//! A store that dies at a write.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What becomes of the write at which it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// It is not done.
    Lost,
    /// It is done, and nobody is told.
    Done,
}

/// A store that takes so many writes, and then answers nothing any more.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<InMemory>,
    left: AtomicI64,
    last: Last,
}

impl Faulty {
    pub fn new(inner: Arc<InMemory>, writes: i64, last: Last) -> Self {
        Self {
            inner,
            left: AtomicI64::new(writes),
            last,
        }
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    fn alive(&self) -> Result<()> {
        match self.is_dead() {
            true => Err(dead()),
            false => Ok(()),
        }
    }

    /// Whether a write is done, and whether that is told.
    fn write(&self) -> (bool, bool) {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        (left > 0 || left == 0 && self.last == Last::Done, left > 0)
    }
}

fn dead() -> Error {
    Error::Generic {
        store: "Faulty",
        source: "it has died".into(),
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let (is_done, is_told) = self.write();
        if !is_done {
            return Err(dead());
        }
        let put = self.inner.put_opts(location, payload, options).await;
        if is_told { put } else { Err(dead()) }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.alive()?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.alive()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.alive() {
            Ok(()) => self.inner.delete_stream(locations),
            Err(_) => locations.and_then(|_| async { Err(dead()) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.alive() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.alive()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.alive()?;
        self.inner.copy_opts(from, to, options).await
    }
}
