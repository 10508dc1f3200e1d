//! The files of the folder, on this machine or in an object store.

use std::io;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetResult, ListResult, ObjectStoreExt, PutPayload, Result};
use runtime::Root;

/// What Chalkline writes beside a file may name learners: its group may read it.
const MODE: u32 = 0o640;

/// The files below a root.
pub struct Files {
    root: Root,
}

impl Files {
    pub fn new(root: Root) -> Self {
        Self { root }
    }

    /// The files and folders of a folder, of the root if none is named.
    pub async fn list(&self, folder: Option<&Path>) -> Result<ListResult> {
        self.root.store().list_with_delimiter(folder).await
    }

    pub async fn open(&self, file: &Path) -> Result<GetResult> {
        self.root.store().get(file).await
    }

    pub async fn delete(&self, file: &Path) -> Result<()> {
        self.root.store().delete(file).await
    }

    /// Gives a file another name, into a folder that is made if need be.
    pub async fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let made = self.root.make_private_folder(to.as_ref()).await;
        made.map_err(generic)?;
        self.root.store().rename(from, to).await
    }

    /// Writes a file, in the place of one of before.
    pub async fn write(&self, file: &Path, content: Bytes) -> Result<()> {
        self.root
            .make_private_folder(file.as_ref())
            .await
            .map_err(generic)?;
        let store = self.root.store();
        store.put(file, PutPayload::from(content)).await?;
        if let Some(folder) = self.root.local_path() {
            restrict(&folder.join(file.as_ref()))
                .await
                .map_err(generic)?;
        }
        Ok(())
    }

    /// Whether a folder of this machine is reached over a link that lies below a tenant's
    /// folder: whoever puts files there may put links, too, which lead where they may not.
    pub async fn is_linked(&self, folder: &Path) -> io::Result<bool> {
        let Some(root) = self.root.local_path() else {
            return Ok(false);
        };
        let mut path = root.to_owned();
        for (depth, part) in folder.parts().enumerate() {
            let name: &str = part.as_ref();
            path.push(name);
            if depth == 0 {
                continue;
            }
            match tokio::fs::symlink_metadata(&path).await {
                Ok(metadata) if metadata.is_symlink() => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Why a file is not read, and what to do; `None` if it can be.
    pub async fn fault(&self, file: &Path) -> io::Result<Option<&'static str>> {
        let Some(root) = self.root.local_path() else {
            return Ok(None);
        };
        let path = root.join(file.as_ref());
        if tokio::fs::symlink_metadata(&path).await?.is_symlink() {
            return Ok(Some("it is a link; put the file itself here"));
        }
        match tokio::fs::File::open(&path).await {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Some(
                "it may not be read; let the user or the group of Chalkline read it",
            )),
            opened => opened.map(|_| None),
        }
    }
}

fn generic(error: io::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "folder",
        source: Box::new(error),
    }
}

#[cfg(unix)]
async fn restrict(file: &std::path::Path) -> io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(MODE);
    tokio::fs::set_permissions(file, mode).await
}

#[cfg(not(unix))]
async fn restrict(_: &std::path::Path) -> io::Result<()> {
    let _ = MODE;
    Ok(())
}
