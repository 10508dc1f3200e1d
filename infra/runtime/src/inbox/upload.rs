//! A bundle on its way into the inbox, a part at a time.

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, WriteMultipart};
use ring::digest::{Context, SHA256};

use super::InboxError;
use crate::Root;

/// The bytes of a part: stores take 10,000 of them, and none below 5 MiB but the last.
const PART: usize = 8 << 20;

/// Parts that are written at the same time; one more is being filled.
const CONCURRENT_PARTS: usize = 1;

/// A bundle on its way: nobody sees anything of it before it is whole. Of one that is
/// dropped a store may keep the parts; [`Upload::abort`] has them deleted.
pub struct Upload {
    root: Root,
    path: String,
    parts: WriteMultipart,
    hash: Context,
    bytes: u64,
}

/// A bundle that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256, in hexadecimal.
    pub checksum: String,
    /// How large it is.
    pub bytes: u64,
}

impl Upload {
    /// The memory that an upload takes at most, in bytes.
    pub const MEMORY: usize = PART * (CONCURRENT_PARTS + 1);

    /// The most bytes that an upload can have.
    pub const MOST: u64 = PART as u64 * 10_000;

    pub(super) async fn begin(root: &Root, path: String) -> Result<Self, InboxError> {
        let made = root.make_private_folder(&path).await;
        made.map_err(InboxError::store)?;
        let store = root.store();
        let parts = store.put_multipart(&ObjectPath::from(path.as_str())).await;
        let parts = parts.map_err(InboxError::store)?;
        Ok(Self {
            root: root.clone(),
            path,
            parts: WriteMultipart::new_with_chunk_size(parts, PART),
            hash: Context::new(&SHA256),
            bytes: 0,
        })
    }

    /// Adds bytes; waits while the store is behind.
    ///
    /// # Errors
    /// [`InboxError::Store`]; the upload is to be aborted.
    pub async fn write(&mut self, bytes: &Bytes) -> Result<(), InboxError> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let room = self.parts.wait_for_capacity(CONCURRENT_PARTS).await;
        room.map_err(InboxError::store)?;
        self.parts.write(bytes);
        Ok(())
    }

    /// Ends the bundle: it is there, and outlives a loss of power.
    ///
    /// # Errors
    /// [`InboxError::Store`]; it may be there all the same.
    pub async fn finish(self) -> Result<Stored, InboxError> {
        self.parts.finish().await.map_err(InboxError::store)?;
        if let Some(folder) = self.root.local_path() {
            let (folder, file) = (folder.to_owned(), folder.join(&self.path));
            blocking(move || sync(&folder, &file)).await?;
        }
        let digest = self.hash.finish();
        Ok(Stored {
            checksum: hex::encode(digest.as_ref()),
            bytes: self.bytes,
        })
    }

    /// Gives it up, and has the store forget what it has of it.
    pub async fn abort(self) {
        if let Err(error) = self.parts.abort().await {
            let error: &dyn std::error::Error = &error;
            tracing::debug!(error, "parts of an upload were not deleted");
        }
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Upload");
        shown.field("path", &self.path).field("bytes", &self.bytes);
        shown.finish_non_exhaustive()
    }
}

fn sync(folder: &Path, file: &Path) -> io::Result<()> {
    File::open(file)?.sync_all()?;
    let parents = file.ancestors().skip(1);
    let mut parents = parents.take_while(|parent| parent.starts_with(folder));
    parents.try_for_each(|parent: &Path| File::open(parent)?.sync_all())
}

async fn blocking(
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), InboxError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(InboxError::store)?.map_err(InboxError::store)
}
