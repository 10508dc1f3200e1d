//! One running `chalkline`, its signals, its log and what it used.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use crate::files;

/// A child process; killed when dropped, and when this process ends, however
/// that comes about.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// The command `chalkline …` without the settings of whoever runs the tests.
#[must_use]
pub fn chalkline() -> Command {
    let mut command = Command::new(files::binary());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CHALKLINE_") || text.starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command
}

impl Process {
    /// Starts `chalkline <arguments>`; what it prints is appended to
    /// `<folder>/<name>.log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(
        folder: &Path,
        name: &str,
        arguments: &[&str],
        environment: &[(&str, String)],
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        let out = append(&log);
        let chalkline = chalkline();
        let binary = chalkline.get_program().to_owned();
        let cleared = chalkline.get_envs().map(|(name, _)| name.to_owned());
        let cleared: Vec<_> = cleared.collect();
        let mut command = Command::new("sh");
        for name in cleared {
            command.env_remove(name);
        }
        let child = command
            // A file that may not grow is an error to it and not its end.
            .args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#])
            .arg(binary)
            .args(arguments)
            .envs(environment.iter().map(|(key, value)| (*key, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(out.try_clone().expect("a file can be shared"))
            .stdout(out)
            .spawn()
            .expect("chalkline starts");
        watch('+', child.id());
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it and its predecessors of the same name printed.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether it ended, and how.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// SIGKILL: it gets no chance to tidy up.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().expect("a child can be waited for");
    }

    /// Sends a signal by name, `TERM` or `INT`.
    pub fn signal(&self, signal: &str) {
        Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{signal} {}", self.id()))
            .status()
            .expect("sh starts");
    }

    /// How it ended, if it did within `limit`.
    pub async fn exit_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = std::time::Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.exited() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// Seconds of processor time it used so far, all threads, user and kernel.
    ///
    /// # Panics
    /// When it is gone.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.id())
    }

    /// Seconds of processor time that its threads of this name used so far, of
    /// those that still run.
    ///
    /// # Panics
    /// When it is gone.
    pub fn cpu_seconds_of(&self, thread: &str) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.id()));
        let tasks = tasks.expect("the process runs").filter_map(Result::ok);
        let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
        let named = stats.filter(|stat| stat.contains(&format!("({thread})")));
        named.map(|stat| ticks(&stat) / TICKS_PER_SECOND).sum()
    }

    /// The most memory it ever held at once, in bytes (`VmHWM`).
    ///
    /// # Panics
    /// When it is gone.
    pub fn peak_memory(&self) -> u64 {
        peak_memory(self.id()).expect("the process runs")
    }
}

/// The most memory a process ever held at once, in bytes (`VmHWM`), if it runs.
pub fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// Seconds of processor time a process used so far.
///
/// # Panics
/// When it is gone.
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    ticks(&stat) / TICKS_PER_SECOND
}

/// Seconds of processor time that children of this process used which have ended
/// and were waited for, with their own children of whom that is true.
///
/// # Panics
/// When there is no `/proc`.
pub fn children_cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    two_ticks(&stat, 13) / TICKS_PER_SECOND
}

/// `USER_HZ`, fixed at 100 for every Linux program.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processor time in a `stat` file of `/proc`.
fn ticks(stat: &str) -> f64 {
    two_ticks(stat, 11)
}

/// Time in user mode and, in the next field, in the kernel; fields are counted
/// after the command.
fn two_ticks(stat: &str, field: usize) -> f64 {
    // The command may hold anything, closed by the last parenthesis.
    let (_, fields) = stat.rsplit_once(')').expect("a command in parentheses");
    fields
        .split_whitespace()
        .skip(field)
        .take(2)
        .map(|field| field.parse::<f64>().expect("a number of ticks"))
        .sum()
}

fn append(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("a log can be written")
}

/// Tells the watchdog of a child that began (`+`) or ended (`-`).
fn watch(sign: char, process: u32) {
    /// Reads of children, and when its input ends, as it does with this
    /// process, kills those that are left.
    const SCRIPT: &str = "\
        left=
        while read -r sign process; do
            others=
            for one in $left; do [ \"$one\" = \"$process\" ] || others=\"$others $one\"; done
            left=$others
            [ \"$sign\" = - ] || left=\"$left $process\"
        done
        [ -z \"$left\" ] || kill -s KILL $left";
    static WATCHDOG: LazyLock<Mutex<ChildStdin>> = LazyLock::new(|| {
        let watchdog = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What interrupts the tests must not interrupt it.
            .process_group(0)
            .spawn();
        let stdin = watchdog.expect("sh starts").stdin;
        Mutex::new(stdin.expect("its input is piped"))
    });
    let mut watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(watchdog, "{sign} {process}").expect("the watchdog reads");
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        watch('-', self.id());
        if std::thread::panicking() {
            let log = self.log();
            // Not the questions that a waiting test asks over and over.
            let lines: Vec<&str> = log
                .lines()
                .filter(|line| !line.contains("query ended"))
                .collect();
            let tail = lines[lines.len().saturating_sub(60)..].join("\n");
            eprintln!("--- last lines of {}\n{tail}\n---", self.name);
        }
    }
}
