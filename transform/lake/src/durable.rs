//! Files that outlive a loss of power, where the lake is a folder of this
//! machine. An object store sees to that before it answers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use crate::{LakeError, LakeTable};

impl LakeTable {
    /// Syncs files of the table, named from its folder, to the disk.
    pub(crate) async fn sync(&self, files: Vec<String>) -> Result<(), LakeError> {
        sync(self.delta.table_url(), files).await
    }
}

/// Syncs files below a folder to the disk, and the folders that name them up to
/// the given one.
pub(crate) async fn sync(folder: &Url, files: Vec<String>) -> Result<(), LakeError> {
    let Some(folder) = local(folder) else {
        return Ok(());
    };
    let synced = tokio::task::spawn_blocking(move || sync_files(&folder, &files)).await;
    let synced = synced.expect("syncing does not panic");
    synced.map_err(|source| {
        LakeError::Store(object_store::Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(source),
        })
    })
}

fn local(folder: &Url) -> Option<PathBuf> {
    (folder.scheme() == "file").then(|| folder.to_file_path().ok())?
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
    async fn files_and_folders_of_this_machine_are_synced_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("a b/c")).expect("folders");
        std::fs::write(folder.path().join("a b/c/file"), "x").expect("a file");
        let url = Url::from_directory_path(folder.path()).expect("an absolute path");
        sync(&url, vec!["a b/c/file".to_owned()])
            .await
            .expect("syncs");
        let absent = sync(&url, vec!["a b/c/absent".to_owned()]).await;
        assert!(absent.expect_err("is absent").is_retryable());
        let bucket = Url::parse("s3://bucket/demo").expect("a URL");
        sync(&bucket, vec!["absent".to_owned()])
            .await
            .expect("not ours");
    }
}
