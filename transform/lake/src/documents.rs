//! Small documents beside the tables, each one object.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutPayload};

use crate::{Lake, LakeError, durable};

impl Lake {
    /// Writes a document that nobody has written yet; `false` when somebody has. Who
    /// sees it sees all of it, and it outlives a loss of power.
    ///
    /// # Errors
    /// [`LakeError::Store`]; it may have been written.
    pub async fn create_document(&self, path: &str, content: Bytes) -> Result<bool, LakeError> {
        let payload = PutPayload::from_bytes(content);
        let mode = PutMode::Create.into();
        let location = Path::from(path);
        let put = self.store().put_opts(&location, payload, mode);
        match put.await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let paths = vec![path.to_owned()];
        durable::sync(self.root(), self.store().as_ref(), paths).await?;
        Ok(true)
    }

    /// Writes a document, in the place of what was there.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn put_document(&self, path: &str, content: Bytes) -> Result<(), LakeError> {
        let payload = PutPayload::from_bytes(content);
        self.store().put(&Path::from(path), payload).await?;
        Ok(())
    }

    /// Reads a document; `None` when there is none.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn document(&self, path: &str) -> Result<Option<Bytes>, LakeError> {
        let found = self.document_and_time(path).await?;
        Ok(found.map(|(content, _)| content))
    }

    /// Reads a document, and says when it was written, by the store's clock.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn document_and_time(
        &self,
        path: &str,
    ) -> Result<Option<(Bytes, DateTime<Utc>)>, LakeError> {
        match self.store().get(&Path::from(path)).await {
            Ok(object) => {
                let written_at = object.meta.last_modified;
                Ok(Some((object.bytes().await?, written_at)))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of the documents of a folder, in order; those of folders within it left
    /// out.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn documents(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        let folder = Path::from(folder);
        let listed = self.store().list_with_delimiter(Some(&folder)).await?;
        let names = listed.objects.iter();
        let names = names.filter_map(|object| object.location.filename().map(str::to_owned));
        let mut names: Vec<_> = names.collect();
        names.sort();
        Ok(names)
    }
}
