#![doc = include_str!("../README.md")]

mod proxy;

pub use proxy::{Fate, Moment, Proxy, Request};

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The bucket that every server has.
pub const BUCKET: &str = "lake";

const ACCESS_KEY: &str = "chalkline-tests";
const SECRET_KEY: &str = "chalkline-tests-secret";

/// How long a server may take to make its bucket.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Every port that the server would otherwise choose itself.
const PORTS: [&str; 10] = [
    "s3.port",
    "filer.port",
    "master.port",
    "volume.port",
    "admin.port",
    "s3.port.grpc",
    "filer.port.grpc",
    "master.port.grpc",
    "volume.port.grpc",
    "admin.port.grpc",
];

/// One server in its own process group and data folder.
///
/// Dropping it kills the server and removes the folder. So does the end of
/// this process, however it comes about.
#[derive(Debug)]
pub struct Server {
    weed: Child,
    /// Kills the group and removes the folder when its standard input ends.
    watchdog: Child,
    log: PathBuf,
    ports: [u16; PORTS.len()],
}

impl Server {
    /// The server of this process, started at the first call.
    ///
    /// # Panics
    /// When SeaweedFS is missing or does not start; the message says what to
    /// run.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server of one's own, to be killed.
    ///
    /// # Panics
    /// As [`Server::shared`].
    pub fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let binary = binary();
        assert!(
            binary.is_file(),
            "{} is missing: run infra/setup.sh --test",
            binary.display()
        );
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("chalkline-seaweed-{}-{count}", std::process::id());
        let data = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&data).expect("the temporary folder is writable");
        let listeners = PORTS.map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
        let ports = listeners.map(|listener| {
            let address = listener.local_addr();
            address.expect("a bound socket has an address").port()
        });
        let weed = spawn(&binary, &data, ports);
        let watchdog = watch(weed.id(), &data, ports);
        let mut server = Self {
            weed,
            watchdog,
            log: data.join("weed.log"),
            ports,
        };
        server.wait_until_ready();
        server
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// What a client has to be told to use this server.
    pub fn options(&self) -> HashMap<String, String> {
        let options = [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ];
        options.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// A place that nobody has used, as `s3://bucket/prefix`.
    pub fn new_root(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        format!("s3://{BUCKET}/{}", COUNT.fetch_add(1, Ordering::Relaxed))
    }

    /// Freezes the server (SIGSTOP): connections stay, nothing answers.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets a paused server go on (SIGCONT).
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$1\" -- \"-$2\"", "sh", name])
            .arg(self.weed.id().to_string())
            .status();
        sent.expect("sh is installed");
    }

    /// Waits for the bucket, which the server makes last.
    fn wait_until_ready(&mut self) {
        let start = Instant::now();
        let bucket = format!("/buckets/{BUCKET}/");
        loop {
            let s3 = status(self.ports[0], "/").is_some();
            if s3 && status(self.ports[1], &bucket) == Some(200) {
                return;
            }
            let ended = self.weed.try_wait().expect("the server is our child");
            if ended.is_some() || start.elapsed() > READY_WITHIN {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("SeaweedFS did not start ({ended:?}); its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The watchdog does the rest.
        drop(self.watchdog.stdin.take());
        self.watchdog.wait().expect("the watchdog is our child");
        self.weed.wait().expect("the server is our child");
    }
}

fn spawn(binary: &Path, data: &Path, ports: [u16; PORTS.len()]) -> Child {
    let log = File::create(data.join("weed.log")).expect("the folder is writable");
    let ports = PORTS.iter().zip(ports);
    Command::new(binary)
        .args([
            "-logtostderr=true",
            "mini",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
        ])
        .args([
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
        ])
        .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-debug.port=0"])
        .arg(format!("-bucket={BUCKET}"))
        .arg(format!("-dir={}", data.display()))
        .args(ports.map(|(name, port)| format!("-{name}={port}")))
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .current_dir(data)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .process_group(0)
        .spawn()
        .expect("weed starts")
}

fn watch(group: u32, data: &Path, ports: [u16; PORTS.len()]) -> Child {
    // Beside a port it may make a socket, which it would not remove.
    let sockets = PORTS.iter().zip(ports).map(|(name, port)| {
        let name = name.replace(".port", "").replace('.', "-");
        format!("/tmp/seaweedfs-{name}-{port}.sock")
    });
    Command::new("sh")
        .args([
            "-c",
            r#"read -r _; kill -s KILL -- "-$1" 2>/dev/null; shift; rm -rf "$@""#,
            "sh",
        ])
        .arg(group.to_string())
        .arg(data)
        .args(sockets)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("sh is installed")
}

/// The status of `GET path`; `None` when nobody answers.
fn status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let wait = Some(Duration::from_secs(2));
    stream.set_read_timeout(wait).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok()?;
    // `HTTP/1.0 200`
    std::str::from_utf8(&answer[9..]).ok()?.parse().ok()
}

/// The server that `infra/setup.sh --test` installed.
fn binary() -> PathBuf {
    let home = std::env::var_os("HOME").expect("HOME is set");
    PathBuf::from(home).join(".cache/chalkline/venv/bin/weed")
}
