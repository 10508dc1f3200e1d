//! What is asked of the disk before the database is trusted to it again.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes that a disk has to take before it counts as working.
const PROBE: usize = 1 << 20;
const BLOCK: usize = 1 << 20;

/// Writes, syncs and removes a small file.
pub(super) fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join("probe");
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![b'.'; PROBE])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    written.and(removed)
}

/// Replaces the database's newest journal, the one a commit writes to, by a
/// copy that is synced. The database must be closed.
///
/// After a sync that failed the system may drop the pages it could not write
/// and still call the file clean: the next sync then succeeds, what is read is
/// not what is on the disk, and a power loss would cut the journal there,
/// with everything acknowledged later. A copy holds what was read.
pub(super) fn renew_journal(folder: &Path) -> io::Result<()> {
    let Some(journal) = newest_journal(folder)? else {
        return Ok(());
    };
    let copy = folder.join("journal-copy");
    copy_synced(&journal, &copy).inspect_err(|_| {
        // Until the next try it would only take room.
        let _ = fs::remove_file(&copy);
    })?;
    fs::rename(&copy, &journal)?;
    File::open(folder)?.sync_all()
}

/// fjall numbers its journals: `0.jnl`, `1.jnl` and so on.
fn newest_journal(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str());
        let number = number.and_then(|name| name.strip_suffix(".jnl")?.parse().ok());
        newest = newest.max(number.map(|number| (number, path)));
    }
    Ok(newest.map(|(_, path)| path))
}

/// Not `fs::copy`: that may share the old file's blocks.
fn copy_synced(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut to = File::create(to)?;
    let mut block = vec![0; BLOCK];
    let mut length = 0;
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            break;
        }
        length += read as u64;
        // The end is reserved and not yet written; it takes no room.
        if block[..read].iter().all(|byte| *byte == 0) {
            to.seek(SeekFrom::Start(length))?;
        } else {
            to.write_all(&block[..read])?;
        }
    }
    to.set_len(length)?;
    to.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_journal_is_replaced_by_an_equal_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut content = vec![7; BLOCK + 3];
        content.resize(4 * BLOCK + 5, 0);
        for (name, content) in [("9.jnl", &b"old"[..]), ("10.jnl", &content), ("x", b"x")] {
            fs::write(path(name), content).unwrap();
        }
        // What still has the old file open writes in vain.
        let mut old = File::options().append(true).open(path("10.jnl")).unwrap();
        renew_journal(folder.path()).unwrap();
        old.write_all(b"late").unwrap();
        assert_eq!(fs::read(path("10.jnl")).unwrap(), content);
        assert_eq!(fs::read(path("9.jnl")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_working_disk_passes_and_keeps_nothing_of_the_probe() {
        let folder = tempfile::tempdir().unwrap();
        probe(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(probe(&folder.path().join("absent")).is_err());
    }
}
