//! A server that is not ours: all of its processes, from their start to their end.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::{cpu_seconds, files, peak_memory};

/// A process and its descendants, killed when this is dropped or when this process
/// ends, however that comes about.
pub struct Server {
    first: Child,
    /// Kills them when its input ends.
    watchdog: Child,
    log: PathBuf,
}

impl Server {
    /// Starts it; what it prints goes to that file.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::create(log).expect("a log can be written");
        let first = command
            .stdin(Stdio::null())
            .stderr(out.try_clone().expect("a file can be shared"))
            .stdout(out)
            .process_group(0)
            .spawn()
            .expect("the server is installed");
        let watchdog = Command::new("sh")
            .args(["-c", r#"read -r line; kill -s KILL -- "-$0""#])
            .arg(first.id().to_string())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            // What interrupts us must not interrupt it.
            .process_group(0)
            .spawn()
            .expect("sh starts");
        Self {
            first,
            watchdog,
            log: log.to_owned(),
        }
    }

    /// Everything it printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has printed this so many times.
    pub async fn says(&self, what: &str, times: usize) {
        e2e::eventually(what, || async {
            let log = self.log();
            let said = log.matches(what).count();
            (said >= times).then_some(()).ok_or(log)
        })
        .await;
    }

    /// Seconds of processor time that its processes used so far.
    pub fn cpu_seconds(&self) -> f64 {
        self.processes().into_iter().map(cpu_seconds).sum()
    }

    /// The most memory that each of its processes ever held, together, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.processes().into_iter().filter_map(peak_memory).sum()
    }

    /// Those of its group that run.
    fn processes(&self) -> Vec<u32> {
        let group = self.first.id().to_string();
        let all = std::fs::read_dir("/proc").expect("Linux has /proc");
        let names = all.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let processes = names.filter_map(|name| name.parse().ok());
        processes
            .filter(|process| group_of(*process).is_some_and(|of| of == group))
            .collect()
    }
}

/// The group of a process, if it runs.
fn group_of(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The command may hold anything, closed by the last parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(2).map(str::to_owned)
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        self.watchdog.wait().ok();
        self.first.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- {}\n{}\n---", self.log.display(), self.log());
        }
    }
}

/// Runs a script of `infra/bench/peer`, which installs a peer, and says what it prints.
pub fn set_up(script: &str) -> PathBuf {
    let path = files::workspace().join("infra/bench/peer").join(script);
    let output = Command::new(path).output().expect("bash is installed");
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problems}");
    let printed = String::from_utf8(output.stdout).expect("a path in UTF-8");
    PathBuf::from(printed.trim())
}

/// `host:port` where nobody listens.
pub fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    address.to_string()
}
