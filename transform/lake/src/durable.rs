//! Files that outlive a loss of power, where the lake is a folder of this
//! machine. An object store sees to that before it answers, and is asked whether
//! it did.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;
use uuid::Uuid;

use crate::{LakeError, LakeTable};

/// How many files of an object store are looked for at once.
const CONCURRENT_LOOKS: usize = 4;

impl LakeTable {
    /// As [`sync`], for files of the table, named from its folder.
    pub(crate) async fn sync(&self, files: Vec<String>) -> Result<(), LakeError> {
        let store = self.delta.object_store();
        sync(self.delta.table_url(), store.as_ref(), files).await
    }
}

/// Syncs files below a folder to the disk, and the folders that name them up to
/// the given one. In an object store, makes sure that they are there: who answered
/// that they are may have been something in between, and rows would be gone that
/// everybody takes for stored.
pub(crate) async fn sync(
    folder: &Url,
    store: &dyn ObjectStore,
    files: Vec<String>,
) -> Result<(), LakeError> {
    if let Some(folder) = local(folder) {
        return blocking(move || sync_files(&folder, &files)).await;
    }
    futures::stream::iter(files)
        .map(|file| async move { store.head(&ObjectPath::from(file)).await })
        .buffer_unordered(CONCURRENT_LOOKS)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(())
}

/// Writes a file and replaces what was there, all at once and durably: after a
/// loss of power it holds the old bytes or the new ones.
pub(crate) async fn write(file: PathBuf, bytes: Vec<u8>) -> Result<(), LakeError> {
    blocking(move || write_file(&file, &bytes)).await
}

/// The folder of a `file://` address; `None` for every other.
pub(crate) fn local(folder: &Url) -> Option<PathBuf> {
    (folder.scheme() == "file").then(|| folder.to_file_path().ok())?
}

/// Works on the disk, on a thread where that holds nothing up.
pub(crate) async fn blocking(
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), LakeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("syncing does not panic").map_err(|source| {
        LakeError::Store(object_store::Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(source),
        })
    })
}

fn write_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // The object store leaves names that end in # and digits out of its listings.
    let mut staged = file.as_os_str().to_owned();
    staged.push(format!("#{}", Uuid::new_v4().as_u128()));
    let staged = PathBuf::from(staged);
    let written = File::create(&staged).and_then(|mut open| {
        open.write_all(bytes)?;
        open.sync_all()?;
        fs::rename(&staged, file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&staged);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn sync_files(folder: &Path, files: &[String]) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for file in files {
        let file = folder.join(file);
        File::open(&file)?.sync_all()?;
        let parents = file.ancestors().skip(1);
        folders.extend(
            parents
                .take_while(|parent| parent.starts_with(folder))
                .map(Path::to_owned),
        );
    }
    folders
        .iter()
        .try_for_each(|folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a/b/floor.json");
        for text in ["long enough", "short"] {
            let written = write(file.clone(), text.into()).await;
            written.expect("writes");
            assert_eq!(fs::read_to_string(&file).expect("a file"), text);
        }
        let names = fs::read_dir(file.parent().expect("a folder")).expect("lists");
        assert_eq!(names.count(), 1);
    }

    #[tokio::test]
    async fn files_are_synced_or_looked_for() {
        let store = object_store::memory::InMemory::new();
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("a b/c")).expect("folders");
        std::fs::write(folder.path().join("a b/c/file"), "x").expect("a file");
        let url = Url::from_directory_path(folder.path()).expect("an absolute path");
        sync(&url, &store, vec!["a b/c/file".to_owned()])
            .await
            .expect("syncs");
        let absent = sync(&url, &store, vec!["a b/c/absent".to_owned()]).await;
        assert!(absent.expect_err("is absent").is_retryable());
        let bucket = Url::parse("s3://bucket/demo").expect("a URL");
        let absent = sync(&bucket, &store, vec!["a/file".to_owned()]).await;
        assert!(absent.expect_err("is absent").is_retryable());
        let put = store.put(&ObjectPath::from("a/file"), "x".into()).await;
        put.expect("memory takes anything");
        let found = sync(&bucket, &store, vec!["a/file".to_owned()]).await;
        found.expect("is there");
    }
}
