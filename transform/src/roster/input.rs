//! What is imported: a zip file or a folder.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// SHA-256 of a zip file's bytes, or of the names and bytes of a folder's files.
pub(super) fn checksum(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    if fs::metadata(path)?.is_dir() {
        let files = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        let mut files: Vec<_> = files.into_iter().map(|file| file.path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            let name = file.file_name().unwrap_or_default();
            hash.update(name.as_encoded_bytes());
            hash.update([0]);
            hash.update(fs::metadata(file)?.len().to_le_bytes());
            io::copy(&mut File::open(file)?, &mut hash)?;
        }
    } else {
        io::copy(&mut File::open(path)?, &mut hash)?;
    }
    let digest = hash.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_files_whatever_their_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        write("b.csv", "2").expect("writes");
        write("a.csv", "1").expect("writes");
        let first = checksum(folder.path()).expect("reads");
        assert_eq!(checksum(folder.path()).expect("reads"), first);
        write("a.csv", "12").expect("writes");
        write("b.csv", "").expect("writes");
        assert_ne!(checksum(folder.path()).expect("reads"), first);
        let of_file = checksum(&folder.path().join("b.csv")).expect("reads");
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of_file, of_nothing);
    }
}
