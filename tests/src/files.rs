//! Where things lie: the workspace, the built binary, shared data.

use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the workspace")
}

/// The built `chalkline`: beside the running test, or `CHALKLINE_BIN`.
///
/// # Panics
/// When it was not built.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("CHALKLINE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors()
        .skip(2)
        .take(2)
        .map(|folder| folder.join("chalkline"))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!(
                "no chalkline near {}: run `cargo build --workspace` first",
                test.display()
            )
        })
}

/// The folder of real data too large or too restricted to ship, named by
/// `CHALKLINE_SHARED_DATA`.
///
/// # Panics
/// When the variable names no folder: a test that was meant to use it must not
/// pass without.
pub fn shared_data() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CHALKLINE_SHARED_DATA")?);
    assert!(path.is_dir(), "CHALKLINE_SHARED_DATA is no folder");
    Some(path)
}

/// Every file below a folder.
///
/// Files that vanish meanwhile (a log's compaction) are left out.
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}
