//! Files on this machine that not everybody may read.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Creates `path` with `content` and the permissions `mode`, durably and all at
/// once: it never exists with less content or wider permissions. `false` if it
/// exists already.
///
/// # Errors
/// What the system says; the file may exist then.
pub(super) fn create(path: &Path, content: &[u8], mode: u32) -> std::io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let staged = staged_path(path);
    let created = stage(&staged, content, mode).and_then(|()| {
        // Unlike a rename, a link refuses to replace.
        match fs::hard_link(&staged, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    });
    // A leftover is harmless: nothing lists or reads it.
    let _ = fs::remove_file(&staged);
    if created? {
        File::open(folder)?.sync_all()?;
        return Ok(true);
    }
    Ok(false)
}

fn stage(staged: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(staged)?;
    file.write_all(content)?;
    file.sync_all()
}

/// A name beside `path` that the object store leaves out of its listings: those
/// end in `#` and digits.
fn staged_path(path: &Path) -> PathBuf {
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!("#{}", rand::random::<u64>()));
    PathBuf::from(staged)
}
