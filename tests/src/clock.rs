//! A clock that leaps under a running process.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::files;
use crate::sandbox::Setting;

/// The time of day as processes with its [`settings`](Clock::settings) see it;
/// how fast time passes does not change.
pub struct Clock {
    folder: TempDir,
}

impl Clock {
    /// The machine's own time, at first.
    ///
    /// # Panics
    /// When there is no C compiler.
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("chalkline-clock-").expect("a temporary folder");
        let clock = Self { folder };
        clock.set(0);
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(clock.library())
            .arg(files::workspace().join("tests/src/clock.c"))
            .arg("-ldl")
            .status();
        assert!(built.expect("cc starts").success(), "clock.c is built");
        clock
    }

    /// What a process needs to tell the time by this clock.
    pub fn settings(&self) -> Vec<Setting> {
        let text = |path: PathBuf| path.display().to_string();
        vec![
            ("LD_PRELOAD", text(self.library())),
            ("CLOCK_OFFSET", text(self.offset())),
        ]
    }

    /// Leaps to so many hours after the machine's time, or before it.
    pub fn leap(&self, hours: i64) {
        self.set(hours * 3_600);
    }

    fn set(&self, seconds: i64) {
        // Over the old bytes: the processes have mapped this very file.
        let file = std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.offset());
        let written =
            file.and_then(|mut file| std::io::Write::write_all(&mut file, &seconds.to_ne_bytes()));
        written.expect("the folder can be written");
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }

    fn offset(&self) -> PathBuf {
        self.folder.path().join("offset")
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
