//! Small documents beside the tables, each one object.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutPayload};

use crate::{Lake, LakeError, durable};

/// What the store says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentInfo {
    /// Its name in its folder.
    pub name: String,
    /// When it was written, by the store's clock.
    pub written_at: DateTime<Utc>,
}

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
        match self.store().get(&Path::from(path)).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The documents of a folder, those of folders within it left out, by name.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn documents(&self, folder: &str) -> Result<Vec<DocumentInfo>, LakeError> {
        let folder = Path::from(folder);
        let listed = self.store().list_with_delimiter(Some(&folder)).await?;
        let mut found: Vec<_> = listed
            .objects
            .into_iter()
            .filter_map(|object| {
                Some(DocumentInfo {
                    name: object.location.filename()?.to_owned(),
                    written_at: object.last_modified,
                })
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}
